/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "store/az/az.h"
#include "store/change.h"

/* Copies within an account. The bytes stay in the store, and the copy appears at once and whole: in one request up to
 * 256 MiB (Copy Blob From URL), beyond that in parts that the store reads by itself (Put Block From URL). Its older way
 * of copying in the background is not used, since the copy can be seen before it is complete.
 *
 * The source is a URL to the store, even its own, and must prove that it may be read: by the SAS that we have, by the
 * token, sent once more for it, or by a SAS that we sign with the account's key for this one object and an hour. */

enum { PIECE_SIZE = 100 << 20, MOST_AT_ONCE = 256 << 20, SAS_SECONDS = 3600, SAS_EARLY_SECONDS = 300 };

/* A copy under way. */
typedef struct copying {
    ncr_copy *copy;
    ncr_http_request *head; /* the answer about the source */
    ncr_object_facts source;
    const char *etag; /* of source */
    char *url;        /* of the source, with what grants access */
} copying;

/* --- The source. --- */

static void time_text(int64_t seconds, char out[32])
{
    struct tm tm = {0};
    time_t time = (time_t)seconds;
    gmtime_r(&time, &tm);
    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* The part of the source's URL that lets the store read it with the account's key. NULL: out of memory. */
static char *sign_source(const ncr_object *source)
{
    nacre_error unused;
    ncr_secret *secret;
    char start[32], expiry[32];
    int64_t now = ncr_clock_wall_ms() / 1000;
    time_text(now - SAS_EARLY_SECONDS, start);
    time_text(now + SAS_SECONDS, expiry);
    if (ncr_credentials_get(ncr_az_of(source)->signer.bearer.credentials, source->name, &secret, &unused) !=
        NCR_HTTP_READY)
        return NULL;
    char *sas = ncr_az_read_sas(secret->id, secret->key, source->bucket, source->key, start, expiry);
    ncr_secret_unref(secret);
    return sas;
}

static char *source_url(const ncr_object *source)
{
    ncr_az_url url;
    ncr_az_url_begin(&url, source, source->key);
    char *text = ncr_az_url_end(&url, source);
    if (!text || !ncr_az_of(source)->signer.is_key)
        return text;
    char *sas = sign_source(source);
    char *whole = sas ? ncr_text_format("%s?%s", text, sas) : NULL;
    free(sas);
    free(text);
    return whole;
}

/* Asks what the source is: its size decides the way, its version is pinned, and parts take its headers along. */
static nacre_status look_at_source(copying *c, nacre_error *err)
{
    const ncr_copy *copy = c->copy;
    const ncr_object *source = copy->source;
    c->head = ncr_az_head_request(source, copy->call, atomic_load(&copy->call->counters.round));
    if (!c->head)
        return ncr_error_memory(err);
    nacre_status status = ncr_http_perform(c->head, err);
    ncr_call_round_used(copy->call, c->head->response.round);
    if (status != NACRE_OK)
        return status;
    if (c->head->response.status == 404 && copy->source_version)
        return ncr_version_gone(err, source->name, copy->source_version);
    if (c->head->response.status != 200)
        return ncr_az_status_error(c->head, source, err);
    if (ncr_az_is_directory(&c->head->response))
        return ncr_az_directory_error(source, err);
    ncr_az_describe(&c->head->response, &c->source);
    c->source.size = c->head->response.content_length;
    c->etag = ncr_az_etag(&c->source.version);
    if (copy->source_version && !ncr_version_matches(copy->source_version, &c->source.version))
        return ncr_version_changed(err, source->name, copy->source_version, &c->source.version);
    if (c->source.size == UINT64_MAX || !c->etag)
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: the store does not say which bytes these are",
                             source->name);
    c->url = source_url(source);
    return c->url ? NACRE_OK : ncr_error_memory(err);
}

/* --- Errors. --- */

/* A condition on the source or on the destination does not hold, and not every server says which. */
static nacre_status condition_error(const copying *c, const ncr_http_request *request, nacre_error *err)
{
    ncr_object_facts now;
    const ncr_copy *copy = c->copy;
    bool is_conditional = copy->condition.absent || copy->condition.version;
    nacre_status status = ncr_az_error_is(request, "TargetConditionNotMet")
                              ? NACRE_ERROR_MEMORY
                              : ncr_az_facts_wait(copy->source, copy->call, &now, NULL);
    if (status == NACRE_ERROR_NOT_FOUND)
        return ncr_version_gone(err, copy->source->name, &c->source.version);
    if (status == NACRE_OK && !ncr_version_matches(&c->source.version, &now.version))
        return ncr_version_changed(err, copy->source->name, &c->source.version, &now.version);
    if (is_conditional)
        return ncr_az_condition_error(copy->destination, copy->call, &copy->condition, err);
    return ncr_error_set_http(err, NACRE_ERROR_CHANGED, 412, "%s: changed while it was copied", copy->source->name);
}

/* --- In one request. --- */

static ncr_http_request *make_request(const copying *c)
{
    const ncr_copy *copy = c->copy;
    const ncr_object *destination = copy->destination;
    ncr_az_url url;
    ncr_az_url_begin(&url, destination, destination->key);
    ncr_http_request *request = ncr_az_change_request("PUT", &url, destination, copy->call);
    bool made = request && ncr_http_request_header(request, "x-ms-copy-source", c->url) &&
                ncr_http_request_header(request, "x-ms-requires-sync", "true") &&
                ncr_http_request_header(request, "x-ms-source-if-match", c->etag);
    if (!made) {
        ncr_http_request_free(request);
        return NULL;
    }
    request->signer = request->signer ? &ncr_az_of(destination)->copy_signer.base : NULL;
    request->idempotent = copy->condition.absent || copy->condition.version;
    return request;
}

/* 2xx: the copy is there, unless a server copies in the background after all. */
static nacre_status take_copy(copying *c, const ncr_http_request *request, nacre_error *err)
{
    char state[16];
    ncr_object_facts *facts = &c->copy->facts;
    if (ncr_http_response_header(&request->response, "x-ms-copy-status", state, sizeof state) &&
        strcmp(state, "success") != 0) {
        c->copy->outcome = NCR_OUTCOME_UNKNOWN;
        return ncr_error_set(err, NACRE_ERROR_IO, "%s: the store began the copy and says '%.12s', not 'success'",
                             c->copy->destination->name, state);
    }
    ncr_az_describe(&request->response, facts);
    facts->size = c->source.size;
    memcpy(facts->checksum, c->source.checksum, sizeof facts->checksum);
    memcpy(facts->content_type, c->source.content_type, sizeof facts->content_type);
    return NACRE_OK;
}

/* After a lost answer, a destination that stands in the way and has the source's bytes is the copy. */
static bool was_done_before(const copying *c, const ncr_http_request *request)
{
    ncr_object_facts now;
    const ncr_copy *copy = c->copy;
    const ncr_version *replaced = copy->condition.version;
    bool is_ours = ncr_change_was_sent_before(request) && c->source.checksum[0] &&
                   ncr_az_facts_wait(copy->destination, copy->call, &now, NULL) == NACRE_OK &&
                   now.size == c->source.size && strcmp(now.checksum, c->source.checksum) == 0 &&
                   !(replaced && ncr_version_matches(replaced, &now.version));
    if (is_ours)
        c->copy->facts = now;
    return is_ours;
}

static nacre_status copy_at_once(copying *c, nacre_error *err)
{
    ncr_copy *copy = c->copy;
    ncr_http_request *request = make_request(c);
    nacre_status status =
        request ? ncr_az_add_condition(request, copy->destination, &copy->condition, err) : ncr_error_memory(err);
    if (status == NACRE_OK)
        status = ncr_change_send(request, &copy->outcome, err);
    if (status == NACRE_OK && ncr_change_succeeded(request)) {
        status = take_copy(c, request, err);
    } else if (status == NACRE_OK && ncr_az_is_condition(request)) {
        if (was_done_before(c, request))
            copy->outcome = NCR_OUTCOME_DONE;
        else
            status = condition_error(c, request, err);
    } else if (status == NACRE_OK) {
        status = ncr_az_status_error(request, copy->destination, err);
    }
    ncr_http_request_free(request);
    return status;
}

/* --- In parts. --- */

/* What an object has beside its bytes and type, as it is given to another. NULL: not a header that is taken along. */
static char *name_at_destination(const char *name, size_t length)
{
    static const char *const kept[] = {"content-encoding", "content-language", "content-disposition", "cache-control"};
    if (ncr_text_starts(name, "x-ms-meta-"))
        return ncr_text_copy_n(name, length);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        if (strlen(kept[i]) == length && strncmp(name, kept[i], length) == 0)
            return ncr_text_format("x-ms-blob-%s", kept[i]);
    return NULL;
}

enum { MOST_HEADERS = 256 };

/* Takes from lines "name: value\n"; false: out of memory. */
static bool collect_headers(const char *lines, ncr_az_header *out, size_t *count)
{
    for (const char *line = lines; line && *line; line += strcspn(line, "\n"), line += *line == '\n') {
        size_t length = strcspn(line, "\n"), name = strcspn(line, ":\n");
        char *copied = name < length && *count < MOST_HEADERS ? name_at_destination(line, name) : NULL;
        if (!copied)
            continue;
        size_t value = name + 1 + (line[name + 1] == ' ');
        out[*count] = (ncr_az_header){.name = copied, .value = ncr_text_copy_n(line + value, length - value)};
        if (!out[(*count)++].value)
            return false;
    }
    return true;
}

static nacre_status finish_parts(copying *c, ncr_upload *upload, nacre_error *err)
{
    ncr_az_header *headers = ncr_alloc_array(MOST_HEADERS, sizeof *headers);
    size_t count = 0;
    nacre_status status;
    if (headers && collect_headers(c->head->response.headers, headers, &count)) {
        ncr_az_finish finish = {.checksum = c->source.checksum, .headers = headers, .header_count = count};
        status = ncr_az_upload_finish_as(upload, &finish, &c->copy->outcome, &c->copy->facts, err);
    } else {
        ncr_az_upload_abort(upload);
        status = ncr_error_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
        free(headers[i].name);
        free(headers[i].value);
    }
    free(headers);
    return status;
}

static nacre_status copy_in_parts(copying *c, nacre_error *err)
{
    ncr_upload *upload;
    const ncr_copy *copy = c->copy;
    const char *type = c->source.content_type;
    nacre_status status =
        ncr_az_upload_begin(copy->destination, copy->call, &copy->condition, *type ? type : NULL, &upload, err);
    if (status != NACRE_OK)
        return status;
    unsigned number = 1;
    uint64_t piece_size = PIECE_SIZE;
    while (c->source.size / piece_size >= NCR_AZ_MOST_PARTS)
        piece_size *= 2;
    for (uint64_t at = 0; at < c->source.size && status == NACRE_OK; at += piece_size, number++) {
        uint64_t left = c->source.size - at;
        ncr_az_piece piece = {.url = c->url, .etag = c->etag, .offset = at};
        piece.size = left < piece_size ? left : piece_size;
        status = ncr_az_upload_copy_part(upload, number, &piece, err);
    }
    if (status == NACRE_OK)
        return finish_parts(c, upload, err);
    ncr_az_upload_abort(upload);
    return status == NACRE_ERROR_CHANGED ? ncr_version_changed(err, copy->source->name, &c->source.version, NULL)
                                         : status;
}

nacre_status ncr_az_copy(ncr_copy *copy, nacre_error *err)
{
    copying c = {.copy = copy};
    nacre_status status = ncr_object_check_key(copy->source, err);
    copy->outcome = NCR_OUTCOME_NOT_DONE;
    copy->facts = (ncr_object_facts){.modified_ms = -1};
    if (status == NACRE_OK)
        status = ncr_object_check_key(copy->destination, err);
    if (status == NACRE_OK)
        status = look_at_source(&c, err);
    if (status == NACRE_OK)
        status = c.source.size <= MOST_AT_ONCE ? copy_at_once(&c, err) : copy_in_parts(&c, err);
    ncr_http_request_free(c.head);
    free(c.url);
    return status;
}
