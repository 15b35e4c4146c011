/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/change.h"
#include "store/gs/gs.h"

/* Resumable uploads: a session is begun, parts go to its URL, and the object appears when the last part says how
 * large the whole is. All parts but the last are multiples of 256 KiB, so what is over waits in `tail`. After a fault
 * the store is asked how far it got, and the upload goes on from there.
 *
 * The session's URL is a secret of its own: no other credentials are sent to it. */

enum { MOST_FAULTS = 8 };
static const size_t grain = 256 << 10;

typedef struct gs_upload {
    ncr_upload base;
    ncr_condition condition; /* its version points to `version` */
    ncr_version version;
    char *session;
    uint64_t sent; /* bytes that the store has for certain */
    ncr_buffer tail;
    uint32_t crc; /* of all bytes given so far */
    bool is_finished;
    bool had_fault; /* in the last piece, so that it may have been taken without an answer */
} gs_upload;

static void release(gs_upload *up)
{
    ncr_buffer_clear(&up->tail);
    free(up->session);
    ncr_object_unref(up->base.object);
    ncr_call_unref(up->base.call);
    free(up);
}

/* A request to the session. NULL: out of memory. */
static ncr_http_request *session_request(const gs_upload *up, const char *method, ncr_call *call)
{
    ncr_http_request *request = ncr_http_request_new(method, up->session, up->base.object->name, call);
    if (!request)
        return NULL;
    request->sink.whole_limit = NCR_GS_METADATA_LIMIT;
    request->needed_round = atomic_load(&call->counters.round);
    request->public_only = up->base.object->public_only && !ncr_gs_of(up->base.object)->is_configured;
    return request;
}

/* --- Beginning. --- */

/* A server behind a forwarded port or another name tells URLs that lead elsewhere; where the user named the endpoint,
 * that is where the session is. */
static char *session_url(const ncr_gs_store *store, const char *location, const char *path)
{
    return store->is_configured ? ncr_text_format("%s%s", store->endpoint, path) : ncr_text_copy(location);
}

static nacre_status take_session(gs_upload *up, const ncr_http_request *request, nacre_error *err)
{
    char location[4096];
    const ncr_object *object = up->base.object;
    if (request->response.status == 412) {
        ncr_gs_written written = {.object = object, .call = up->base.call, .condition = &up->condition};
        ncr_outcome outcome;
        ncr_object_facts facts;
        return ncr_gs_written_judge(&written, request, &outcome, &facts, err);
    }
    if (request->response.status != 200 && request->response.status != 201)
        return ncr_gs_status_error(request, object, err);
    bool is_there = ncr_http_response_header(&request->response, "location", location, sizeof location) &&
                    strlen(location) < sizeof location - 1;
    const char *host = is_there ? strstr(location, "://") : NULL, *path = host ? strchr(host + 3, '/') : NULL;
    if (path) {
        up->session = session_url(ncr_gs_of(object), location, path);
        return up->session ? NACRE_OK : ncr_error_memory(err);
    }
    return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: the store's answer names no place to upload to", object->name);
}

/* *metadata is the request's body, the caller's. */
static nacre_status begin_request(const gs_upload *up, const char *content_type, char **metadata,
                                  ncr_http_request **out, nacre_error *err)
{
    const ncr_object *object = up->base.object;
    ncr_gs_url url;
    bool is_text;
    *out = NULL;
    *metadata = ncr_gs_metadata_text(object->key, content_type, NULL, &is_text);
    if (!*metadata)
        return is_text ? ncr_error_memory(err)
                       : ncr_error_set(err, NACRE_ERROR_INVALID, "%s: the name is not UTF-8, as the store wants it",
                                       object->name);
    ncr_gs_url_begin(&url, object, "upload/storage/v1", NULL);
    ncr_gs_url_query(&url, "uploadType", "resumable");
    ncr_gs_url_query(&url, "name", object->key);
    nacre_status status = ncr_gs_url_condition(&url, object, &up->condition, err);
    if (status != NACRE_OK) {
        ncr_buffer_clear(&url.text);
        return status;
    }
    *out = ncr_gs_change_request("POST", &url, object, up->base.call);
    if (!*out || !ncr_http_request_header(*out, "Content-Type", "application/json; charset=UTF-8"))
        return ncr_error_memory(err);
    (*out)->body = *metadata;
    (*out)->body_size = strlen(*metadata);
    return NACRE_OK;
}

static nacre_status begin_session(gs_upload *up, const char *content_type, nacre_error *err)
{
    const ncr_object *object = up->base.object;
    char *metadata = NULL;
    ncr_http_request *request;
    ncr_outcome outcome;
    nacre_status status = ncr_gs_of(object)->is_xml ? ncr_gs_xml_begin_request(object, up->base.call, &up->condition,
                                                                               content_type, &request, err)
                                                    : begin_request(up, content_type, &metadata, &request, err);
    if (status == NACRE_OK) {
        request->idempotent = true; /* a session that nobody uses is nothing */
        status = ncr_change_send(request, &outcome, err);
    }
    if (status == NACRE_OK)
        status = take_session(up, request, err);
    ncr_http_request_free(request);
    free(metadata);
    return status;
}

nacre_status ncr_gs_upload_begin(ncr_object *object, ncr_call *call, const ncr_condition *condition,
                                 const char *content_type, ncr_upload **out, nacre_error *err)
{
    *out = NULL;
    nacre_status status = ncr_object_check_key(object, err);
    if (status != NACRE_OK)
        return status;
    gs_upload *up = calloc(1, sizeof *up);
    if (!up)
        return ncr_error_memory(err);
    up->base.object = ncr_object_ref(object);
    up->base.call = ncr_call_ref(call);
    ncr_buffer_init(&up->tail, (size_t)2 * NCR_GS_PART_SIZE);
    up->condition.absent = condition && condition->absent;
    if (condition && condition->version) {
        up->version = *condition->version;
        up->condition.version = &up->version;
    }
    status = begin_session(up, content_type, err);
    if (status != NACRE_OK) {
        release(up);
        return status;
    }
    *out = &up->base;
    return NACRE_OK;
}

/* --- Sending. --- */

/* A piece on its way: bytes from `at`, in `total` bytes of an object (UINT64_MAX: not known yet). */
typedef struct piece {
    const uint8_t *data;
    size_t size;
    uint64_t at, total;
} piece;

static ncr_http_request *piece_request(gs_upload *up, const piece *p)
{
    char range[96], total[24] = "*", hash[32] = "crc32c=";
    if (p->total != UINT64_MAX)
        snprintf(total, sizeof total, "%" PRIu64, p->total);
    if (p->size)
        snprintf(range, sizeof range, "bytes %" PRIu64 "-%" PRIu64 "/%s", p->at, p->at + p->size - 1, total);
    else
        snprintf(range, sizeof range, "bytes */%s", total);
    ncr_crc32c_text(up->crc, hash + strlen(hash));
    ncr_http_request *request = session_request(up, "PUT", up->base.call);
    if (!request || !ncr_http_request_header(request, "Content-Range", range) ||
        (p->total != UINT64_MAX && !ncr_http_request_header(request, "X-Goog-Hash", hash))) {
        ncr_http_request_free(request);
        return NULL;
    }
    request->body = p->data;
    request->body_size = p->size;
    return request;
}

/* How many bytes the store has, as a 308 says it ("Range: bytes=0-N"; no Range: none). */
static bool read_progress(const ncr_http_response *response, uint64_t *out)
{
    char value[64];
    static const char beginning[] = "bytes=0-";
    *out = 0;
    if (!ncr_http_response_header(response, "range", value, sizeof value))
        return true;
    uint64_t last;
    if (!ncr_text_starts_nocase(value, beginning) || !ncr_text_to_uint64(value + sizeof beginning - 1, &last) ||
        last == UINT64_MAX)
        return false;
    *out = last + 1;
    return true;
}

/* Takes up the store's word on how far it is; the rest of the piece is to be sent. */
static nacre_status take_progress(gs_upload *up, piece *p, const ncr_http_response *response, nacre_error *err)
{
    uint64_t has;
    const char *name = up->base.object->name;
    if (!read_progress(response, &has) || has > p->at + p->size)
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: the store's answer to a part is not understood", name);
    if (has < p->at)
        return ncr_error_set(err, NACRE_ERROR_UNAVAILABLE,
                             "%s: the store has lost bytes that it had (%" PRIu64 " of %" PRIu64 "); upload again",
                             name, has, p->at);
    size_t step = (size_t)(has - p->at);
    p->data = step ? p->data + step : p->data;
    p->size -= step;
    p->at = up->sent = has;
    return NACRE_OK;
}

static bool is_fault(const ncr_http_request *request)
{
    int code = request->response.status;
    return request->status == NACRE_ERROR_UNAVAILABLE ||
           (request->status == NACRE_OK && (code >= 500 || code == 408 || code == 429));
}

/* Asks how far the store is. The answer is a request like that to a part. */
static ncr_http_request *ask_progress(gs_upload *up, const piece *p)
{
    piece nothing = {.at = p->at, .total = p->total};
    ncr_http_request *request = piece_request(up, &nothing);
    if (request)
        request->idempotent = true;
    return request;
}

/* Sends a piece until the store has all of it, asking after each fault how much that is. *answer is the one that
 * ended it, the caller's: 308, or whatever the store said of the whole object. */
static nacre_status send_piece(gs_upload *up, piece *p, ncr_http_request **answer, ncr_outcome *outcome,
                               nacre_error *err)
{
    int faults = 0;
    bool asks = false;
    for (;;) {
        ncr_http_request *request = asks ? ask_progress(up, p) : piece_request(up, p);
        *answer = NULL;
        if (!request)
            return ncr_error_memory(err);
        nacre_status status = ncr_change_send(request, outcome, err);
        bool failed = is_fault(request);
        up->had_fault |= failed && request->response.sent;
        if (failed && !asks && ++faults <= MOST_FAULTS) {
            ncr_http_request_free(request);
            asks = true; /* net waits and tries again by itself where this is answered with a fault too */
            continue;
        }
        if (status != NACRE_OK) {
            ncr_http_request_free(request);
            return status;
        }
        if (request->response.status != 308) {
            *answer = request;
            return NACRE_OK;
        }
        uint64_t before = up->sent;
        status = take_progress(up, p, &request->response, err);
        bool is_over = status != NACRE_OK || (p->size == 0 && p->total == UINT64_MAX);
        if (is_over || (!asks && up->sent == before && ++faults > MOST_FAULTS)) {
            *answer = request;
            return status;
        }
        ncr_http_request_free(request);
        asks = false;
    }
}

/* A refusal that is about the session, and not about the object or credentials, of which it needs none. */
static bool is_of_session(const ncr_http_request *answer)
{
    int code = answer->response.status;
    return code == 401 || code == 404 || code == 410;
}

static nacre_status session_error(const gs_upload *up, const ncr_http_request *answer, nacre_error *err)
{
    int code = answer->response.status;
    const char *name = up->base.object->name;
    if (code == 401)
        return ncr_error_set_http(err, NACRE_ERROR_DENIED, code,
                                  "%s: denied (401): the upload's session was refused; upload again", name);
    return ncr_error_set_http(err, NACRE_ERROR_UNAVAILABLE, code,
                              "%s: the store has ended the upload's session (%d); upload again", name, code);
}

/* Sends bytes that are not the last. */
static nacre_status send_middle(gs_upload *up, const uint8_t *data, size_t size, nacre_error *err)
{
    piece p = {.data = data, .size = size, .at = up->sent, .total = UINT64_MAX};
    ncr_http_request *answer;
    ncr_outcome outcome = NCR_OUTCOME_NOT_DONE;
    nacre_status status = send_piece(up, &p, &answer, &outcome, err);
    if (status == NACRE_OK && answer->response.status != 308)
        status = answer->response.status < 300
                     ? ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: the store took a part for the whole object",
                                     up->base.object->name)
                 : is_of_session(answer) ? session_error(up, answer, err)
                                         : ncr_gs_status_error(answer, up->base.object, err);
    else if (status == NACRE_OK && p.size)
        status = ncr_error_set(err, NACRE_ERROR_UNAVAILABLE, "%s: the store takes no more bytes of the upload",
                               up->base.object->name);
    ncr_http_request_free(answer);
    return status;
}

nacre_status ncr_gs_upload_part(ncr_upload *upload, unsigned number, const void *data, size_t size, nacre_error *err)
{
    (void)number; /* parts come one after another */
    gs_upload *up = (gs_upload *)upload;
    if (size == 0)
        return NACRE_OK;
    up->crc = ncr_crc32c(up->crc, data, size);
    if (!up->tail.size && size % grain == 0)
        return send_middle(up, data, size, err);
    for (size_t at = 0; at < size;) {
        size_t step = size - at < NCR_GS_PART_SIZE ? size - at : NCR_GS_PART_SIZE;
        if (!ncr_buffer_append(&up->tail, (const uint8_t *)data + at, step))
            return ncr_error_memory(err);
        at += step;
        size_t full = up->tail.size < NCR_GS_PART_SIZE ? 0 : up->tail.size / grain * grain;
        if (!full)
            continue;
        nacre_status status = send_middle(up, up->tail.data, full, err);
        if (status != NACRE_OK)
            return status;
        memmove(up->tail.data, up->tail.data + full, up->tail.size - full);
        up->tail.size -= full;
    }
    return NACRE_OK;
}

/* --- The end. --- */

/* The bytes that were kept are others: better no object than that one. */
static void remove_corrupt(const gs_upload *up, const ncr_object_facts *facts)
{
    ncr_call *call = ncr_call_new_cleanup(up->base.call);
    ncr_delete op = {.object = up->base.object, .call = call, .condition = {.version = &facts->version}};
    if (call)
        ncr_gs_remove(&op, NULL);
    ncr_call_unref(call);
}

nacre_status ncr_gs_upload_finish(ncr_upload *upload, ncr_outcome *outcome, ncr_object_facts *facts, nacre_error *err)
{
    gs_upload *up = (gs_upload *)upload;
    ncr_http_request *answer;
    uint64_t total = up->sent + up->tail.size;
    piece p = {.data = up->tail.data, .size = up->tail.size, .at = up->sent, .total = total};
    *facts = (ncr_object_facts){.modified_ms = -1};
    *outcome = NCR_OUTCOME_NOT_DONE;
    up->had_fault = false;
    nacre_status status = send_piece(up, &p, &answer, outcome, err);
    if (status == NACRE_OK && !up->had_fault && is_of_session(answer)) {
        status = session_error(up, answer, err);
    } else if (status == NACRE_OK) {
        ncr_gs_written written = {.object = up->base.object, .call = up->base.call, .condition = &up->condition};
        written.size = total;
        written.crc = up->crc;
        written.maybe_done = up->had_fault;
        status = ncr_gs_written_judge(&written, answer, outcome, facts, err);
        up->is_finished = answer->response.status < 300;
    }
    if (status != NACRE_OK && up->had_fault && *outcome == NCR_OUTCOME_NOT_DONE)
        *outcome = NCR_OUTCOME_UNKNOWN;
    if (status == NACRE_ERROR_CORRUPT && facts->version.strong)
        remove_corrupt(up, facts);
    ncr_http_request_free(answer);
    if (up->is_finished)
        release(up);
    else
        ncr_gs_upload_abort(upload);
    return status;
}

void ncr_gs_upload_abort(ncr_upload *upload)
{
    gs_upload *up = (gs_upload *)upload;
    if (!up)
        return;
    /* Without this the store forgets the session by itself, after a week. */
    ncr_call *call = ncr_call_new_cleanup(up->base.call);
    ncr_http_request *request = call ? session_request(up, "DELETE", call) : NULL;
    if (request) {
        request->no_retry = true;
        ncr_http_perform(request, NULL);
    }
    ncr_http_request_free(request);
    ncr_call_unref(call);
    release(up);
}
