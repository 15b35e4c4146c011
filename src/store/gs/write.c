/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/json.h"
#include "store/change.h"
#include "store/gs/gs.h"

/* Changes in Google Cloud Storage. A change with a condition may be sent again when its answer is lost, for the
 * condition lets it happen at most once; then "condition not met" may be about one's own earlier attempt, which is
 * found out by looking at what is there. A change without condition is sent once. */

ncr_http_request *ncr_gs_change_request(const char *method, ncr_gs_url *url, const ncr_object *object, ncr_call *call)
{
    ncr_http_request *request = ncr_gs_request(method, url, object, call, atomic_load(&call->counters.round));
    if (request)
        request->sink.whole_limit = NCR_GS_METADATA_LIMIT;
    return request;
}

static void add_match(ncr_gs_url *url, const ncr_object *object, const char *generation)
{
    if (ncr_gs_of(object)->is_xml)
        url->if_generation = generation;
    else
        ncr_gs_url_query(url, "ifGenerationMatch", generation);
}

nacre_status ncr_gs_url_condition(ncr_gs_url *url, const ncr_object *object, const ncr_condition *condition,
                                  nacre_error *err)
{
    const char *generation = condition->version ? ncr_gs_generation(condition->version) : NULL;
    if (condition->absent)
        add_match(url, object, "0");
    else if (generation)
        add_match(url, object, generation);
    else if (condition->version)
        return ncr_error_set(err, NACRE_ERROR_INVALID,
                             "%s: '%s' is no version of Google Cloud Storage (generation=...)", object->name,
                             condition->version->token);
    return NACRE_OK;
}

nacre_status ncr_gs_metadata_wait(const ncr_object *object, ncr_call *call, ncr_gs_metadata *out, nacre_error *err)
{
    *out = (ncr_gs_metadata){0};
    ncr_http_request *request = ncr_gs_metadata_request(object, call, NULL, NULL, atomic_load(&call->counters.round));
    if (!request)
        return ncr_error_memory(err);
    nacre_status status = ncr_http_perform(request, err);
    ncr_call_round_used(call, request->response.round);
    if (status == NACRE_OK && !ncr_change_succeeded(request))
        status = ncr_gs_status_error(request, object, err);
    else if (status == NACRE_OK)
        status = ncr_gs_metadata_of(request, object, out, err);
    ncr_http_request_free(request);
    return status;
}

/* The answer was 412: tells what is there instead, as the condition has it. */
static nacre_status condition_error(const ncr_object *object, ncr_call *call, const ncr_condition *condition,
                                    nacre_error *err)
{
    ncr_gs_metadata now = {0};
    if (condition->absent)
        return ncr_error_set_http(err, NACRE_ERROR_EXISTS, 412, "%s: exists already", object->name);
    nacre_status status = ncr_gs_metadata_wait(object, call, &now, NULL);
    if (status == NACRE_ERROR_NOT_FOUND)
        return ncr_version_gone(err, object->name, condition->version);
    return ncr_version_changed(err, object->name, condition->version, status == NACRE_OK ? &now.facts.version : NULL);
}

/* --- What was written. --- */

static bool is_ours(const ncr_gs_written *written, const ncr_gs_metadata *now)
{
    char crc[NCR_CRC32C_TEXT];
    ncr_crc32c_text(written->crc, crc);
    return now->facts.size == written->size && strcmp(now->crc32c, crc) == 0;
}

/* 412 to a write of which an earlier attempt may have been the one that now stands in its way: it is, where the very
 * bytes are there under a version that is not the one to be replaced. */
static bool was_done_before(const ncr_gs_written *written, ncr_gs_metadata *now)
{
    return written->maybe_done && ncr_gs_metadata_wait(written->object, written->call, now, NULL) == NACRE_OK &&
           is_ours(written, now) &&
           !(written->condition->version && ncr_version_matches(written->condition->version, &now->facts.version));
}

nacre_status ncr_gs_written_judge(const ncr_gs_written *written, const ncr_http_request *request, ncr_outcome *outcome,
                                  ncr_object_facts *facts, nacre_error *err)
{
    const char *name = written->object->name;
    ncr_gs_metadata now = {0};
    if (ncr_change_succeeded(request)) {
        nacre_status status = ncr_gs_metadata_of(request, written->object, &now, err);
        if (status != NACRE_OK)
            return status;
        if (now.facts.size == UINT64_MAX)
            now.facts.size = written->size;
        *facts = now.facts;
        if (is_ours(written, &now) || (!now.crc32c[0] && now.facts.size == written->size))
            return NACRE_OK;
        return ncr_error_set(err, NACRE_ERROR_CORRUPT,
                             "%s: what the store has kept is not what was sent (size or CRC32C differ)", name);
    }
    if (request->response.status != 412)
        return ncr_gs_status_error(request, written->object, err);
    if (!was_done_before(written, &now))
        return condition_error(written->object, written->call, written->condition, err);
    *outcome = NCR_OUTCOME_DONE;
    *facts = now.facts;
    return NACRE_OK;
}

/* --- Put: metadata and bytes in one request (multipart/related). --- */

static bool add_bytes(ncr_buffer *body, const void *data, size_t size)
{
    return ncr_buffer_append(body, data, size);
}

static nacre_status make_body(const ncr_put *put, uint32_t crc, const char *boundary, ncr_buffer *out, nacre_error *err)
{
    char crc_text[NCR_CRC32C_TEXT];
    bool is_text;
    ncr_crc32c_text(crc, crc_text);
    char *metadata = ncr_gs_metadata_text(put->object->key, put->content_type, crc_text, &is_text);
    if (!metadata)
        return is_text ? ncr_error_memory(err)
                       : ncr_error_set(err, NACRE_ERROR_INVALID, "%s: the name is not UTF-8, as the store wants it",
                                       put->object->name);
    /* The part states its type beside the metadata, since some servers look only there. What would end the line there
     * stays in the metadata alone. */
    const char *type = ncr_change_type(put->content_type, NCR_TYPE_OF_BYTES);
    bool made = ncr_text_appendf(out,
                                 "--%s\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n%s\r\n"
                                 "--%s\r\nContent-Type: %s\r\n\r\n",
                                 boundary, metadata, boundary, type) &&
                add_bytes(out, put->data, put->size) && ncr_text_appendf(out, "\r\n--%s--\r\n", boundary);
    free(metadata);
    return made ? NACRE_OK : ncr_error_memory(err);
}

static nacre_status make_boundary(const char *name, char out[40], nacre_error *err)
{
    unsigned char bytes[16]; /* so many bits do not turn up in a body by chance */
    /* Not OpenSSL's: its lock may have been held by another thread when this process was forked. */
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        return ncr_error_set(err, NACRE_ERROR_IO, "%s: no random numbers to be had", name);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    return NACRE_OK;
}

/* The request's body is *body, the caller's. */
static nacre_status make_put(const ncr_put *put, uint32_t crc, ncr_buffer *body, ncr_http_request **out,
                             nacre_error *err)
{
    char boundary[40], type[96];
    ncr_gs_url url;
    *out = NULL;
    nacre_status status = make_boundary(put->object->name, boundary, err);
    if (status == NACRE_OK)
        status = make_body(put, crc, boundary, body, err);
    if (status != NACRE_OK)
        return status;
    ncr_gs_url_begin(&url, put->object, "upload/storage/v1", NULL);
    ncr_gs_url_query(&url, "uploadType", "multipart");
    status = ncr_gs_url_condition(&url, put->object, &put->condition, err);
    if (status != NACRE_OK) {
        ncr_buffer_clear(&url.text);
        return status;
    }
    ncr_http_request *request = ncr_gs_change_request("POST", &url, put->object, put->call);
    snprintf(type, sizeof type, "multipart/related; boundary=%s", boundary);
    if (!request || !ncr_http_request_header(request, "Content-Type", type)) {
        ncr_http_request_free(request);
        return ncr_error_memory(err);
    }
    request->body = body->data;
    request->body_size = body->size;
    *out = request;
    return NACRE_OK;
}

static nacre_status put_small(ncr_put *put, nacre_error *err)
{
    ncr_buffer body;
    ncr_http_request *request = NULL;
    uint32_t crc = ncr_crc32c(0, put->data, put->size);
    ncr_buffer_init(&body, NCR_GS_PART_SIZE + (64 << 10));
    nacre_status status = ncr_gs_of(put->object)->is_xml ? ncr_gs_xml_put_request(put, crc, &request, err)
                                                         : make_put(put, crc, &body, &request, err);
    if (status == NACRE_OK) {
        request->idempotent = put->condition.absent || put->condition.version;
        status = ncr_change_send(request, &put->outcome, err);
    }
    if (status == NACRE_OK) {
        ncr_gs_written written = {.object = put->object, .call = put->call, .condition = &put->condition};
        written.size = put->size;
        written.crc = crc;
        written.maybe_done = ncr_change_was_sent_before(request);
        status = ncr_gs_written_judge(&written, request, &put->outcome, &put->facts, err);
    }
    ncr_object_facts *facts = &put->facts; /* the XML interface's answer leaves the type out */
    if (status == NACRE_OK && !facts->content_type[0] && put->content_type)
        snprintf(facts->content_type, sizeof facts->content_type, "%.*s", (int)sizeof facts->content_type - 1,
                 put->content_type);
    ncr_http_request_free(request);
    ncr_buffer_clear(&body);
    return status;
}

nacre_status ncr_gs_put(ncr_put *put, nacre_error *err)
{
    return ncr_change_put(put, put_small, err);
}

/* --- Copy: the store rewrites, in as many steps as it wants. --- */

typedef struct rewrite {
    ncr_copy *copy;
    char *token; /* of the next step */
    bool done;
} rewrite;

static nacre_status make_step(const rewrite *r, ncr_http_request **out, nacre_error *err)
{
    const ncr_copy *copy = r->copy;
    const char *generation = copy->source_version ? ncr_gs_generation(copy->source_version) : NULL;
    ncr_gs_url url;
    *out = NULL;
    if (copy->source_version && !generation)
        return ncr_error_set(err, NACRE_ERROR_INVALID,
                             "%s: '%s' is no version of Google Cloud Storage (generation=...)", copy->source->name,
                             copy->source_version->token);
    if (ncr_gs_of(copy->source)->is_xml)
        return ncr_gs_xml_copy_request(copy, out, err);
    ncr_gs_url_begin(&url, copy->source, "storage/v1", copy->source->key);
    ncr_gs_url_path(&url, "rewriteTo", NULL);
    ncr_gs_url_path(&url, "b", copy->destination->bucket);
    ncr_gs_url_path(&url, "o", copy->destination->key);
    ncr_gs_url_query(&url, "ifSourceGenerationMatch", generation);
    nacre_status status = ncr_gs_url_condition(&url, copy->destination, &copy->condition, err);
    if (status != NACRE_OK) {
        ncr_buffer_clear(&url.text);
        return status;
    }
    ncr_gs_url_query(&url, "rewriteToken", r->token);
    *out = ncr_gs_change_request("POST", &url, copy->source, copy->call);
    return *out ? NACRE_OK : ncr_error_memory(err);
}

/* 412 is about the source or the destination, and the store does not say which. */
static nacre_status copy_condition_error(const ncr_copy *copy, nacre_error *err)
{
    ncr_gs_metadata now = {0};
    if (copy->source_version) {
        nacre_status status = ncr_gs_metadata_wait(copy->source, copy->call, &now, NULL);
        if (status == NACRE_ERROR_NOT_FOUND)
            return ncr_version_gone(err, copy->source->name, copy->source_version);
        if (status == NACRE_OK && !ncr_version_matches(copy->source_version, &now.facts.version))
            return ncr_version_changed(err, copy->source->name, copy->source_version, &now.facts.version);
    }
    if (copy->condition.absent || copy->condition.version)
        return condition_error(copy->destination, copy->call, &copy->condition, err);
    return ncr_error_set_http(err, NACRE_ERROR_CHANGED, 412, "%s: changed while it was copied", copy->source->name);
}

static nacre_status step_error(const ncr_copy *copy, const ncr_http_request *request, nacre_error *err)
{
    if (request->response.status == 412)
        return copy_condition_error(copy, err);
    /* A refusal is about the source or the destination, and does not say which: a look at the source does. */
    ncr_gs_metadata now = {0};
    int code = request->response.status;
    nacre_status source = NACRE_ERROR_UNAVAILABLE;
    if (code == 403 || code == 404)
        source = ncr_gs_metadata_wait(copy->source, copy->call, &now, NULL);
    if (code == 404 && source == NACRE_ERROR_NOT_FOUND && copy->source_version)
        return ncr_version_gone(err, copy->source->name, copy->source_version);
    if (code == 404 && source == NACRE_OK)
        return ncr_gs_no_bucket_error(copy->destination, err);
    return ncr_gs_status_error(request, source == NACRE_OK ? copy->destination : copy->source, err);
}

static nacre_status take_step(rewrite *r, const ncr_http_request *request, nacre_error *err)
{
    if (ncr_gs_of(r->copy->source)->is_xml) {
        r->done = true;
        return ncr_gs_xml_copy_take(r->copy, request, err);
    }
    const ncr_buffer *body = &request->response.whole;
    json_t *root;
    if (ncr_json_load(body->data, body->size, 0, &root, NULL) == NACRE_ERROR_MEMORY)
        return ncr_error_memory(err);
    const char *token = json_string_value(json_object_get(root, "rewriteToken"));
    nacre_status status = NACRE_OK;
    free(r->token);
    r->token = NULL;
    r->done = json_is_true(json_object_get(root, "done"));
    if (r->done) {
        ncr_gs_metadata now = {0};
        status = ncr_gs_metadata_from(json_object_get(root, "resource"), r->copy->destination->name, &now, err);
        if (status == NACRE_OK)
            r->copy->facts = now.facts;
    } else if (!token || !*token) {
        status = ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: the store's answer to a copy is not understood",
                               r->copy->source->name);
    } else {
        r->token = ncr_text_copy(token);
        status = r->token ? NACRE_OK : ncr_error_memory(err);
    }
    json_decref(root);
    return status;
}

static nacre_status rewrite_step(rewrite *r, nacre_error *err)
{
    ncr_http_request *request;
    nacre_status status = make_step(r, &request, err);
    if (status != NACRE_OK)
        return status;
    request->idempotent = r->copy->condition.absent || r->copy->condition.version;
    status = ncr_change_send(request, &r->copy->outcome, err);
    if (status == NACRE_OK && !ncr_change_succeeded(request))
        status = step_error(r->copy, request, err);
    else if (status == NACRE_OK)
        status = take_step(r, request, err);
    if (status == NACRE_OK && !r->done)
        r->copy->outcome = NCR_OUTCOME_NOT_DONE;
    ncr_http_request_free(request);
    return status;
}

nacre_status ncr_gs_copy(ncr_copy *copy, nacre_error *err)
{
    rewrite r = {.copy = copy};
    nacre_status status = ncr_object_check_key(copy->source, err);
    copy->outcome = NCR_OUTCOME_NOT_DONE;
    copy->facts = (ncr_object_facts){.modified_ms = -1};
    if (status == NACRE_OK)
        status = ncr_object_check_key(copy->destination, err);
    while (status == NACRE_OK && !r.done)
        status = rewrite_step(&r, err);
    free(r.token);
    return status;
}

/* --- Remove. --- */

static nacre_status remove_error(ncr_delete *op, const ncr_http_request *request, nacre_error *err)
{
    nacre_status status;
    if (ncr_change_met_nothing(op, request, &status, err))
        return status;
    if (request->response.status == 412 && op->condition.version)
        return condition_error(op->object, op->call, &op->condition, err);
    return ncr_gs_status_error(request, op->object, err);
}

nacre_status ncr_gs_remove(ncr_delete *op, nacre_error *err)
{
    ncr_gs_url url;
    op->outcome = NCR_OUTCOME_NOT_DONE;
    nacre_status status = ncr_object_check_key(op->object, err);
    if (status != NACRE_OK)
        return status;
    ncr_gs_url_begin(&url, op->object, "storage/v1", op->object->key);
    ncr_condition only_version = {.version = op->condition.version};
    status = ncr_gs_url_condition(&url, op->object, &only_version, err);
    if (status != NACRE_OK) {
        ncr_buffer_clear(&url.text);
        return status;
    }
    ncr_http_request *request = ncr_gs_change_request("DELETE", &url, op->object, op->call);
    if (!request)
        return ncr_error_memory(err);
    request->idempotent = op->condition.version != NULL;
    status = ncr_change_send(request, &op->outcome, err);
    if (status == NACRE_OK && !ncr_change_succeeded(request))
        status = remove_error(op, request, err);
    ncr_http_request_free(request);
    return status;
}
