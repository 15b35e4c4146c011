/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/aws/objects.h"
#include "store/aws/xml.h"
#include "store/change.h"
#include "store/s3/s3.h"

/* Copies inside S3: one request up to 5 GiB, else in parts. The source's version goes along as a condition, and the
 * answer is compared, since not every server like S3 looks at it. Conditions on the destination are newer than those of
 * puts: where the store is not known to decide them what is there is looked at first; they are sent along, and where
 * the store says that it does not know them the copy is made in parts, whose end takes them. */

enum { COPY_PART_SIZE = 512 << 20 };

static const char *source_etag(const ncr_copy *copy)
{
    return copy->source_version ? ncr_s3_etag(copy->source_version) : NULL;
}

static bool is_conditional(const ncr_copy *copy)
{
    return copy->condition.absent || copy->condition.version;
}

/* Whether the condition is known to be the store's to decide, so that no look is needed. */
static bool is_decided(const ncr_copy *copy)
{
    return copy->destination->store->decides & NCR_DECIDES_COPY;
}

/* --- In parts. --- */

static bool keeps_header(const char *line)
{
    static const char *const names[] = {
        "x-amz-meta-", "cache-control:", "content-disposition:", "content-encoding:", "content-language:", "expires:"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (ncr_text_starts(line, names[i]))
            return true;
    return false;
}

/* The lines of the source's headers that a copy keeps; NULL: out of memory. */
static char *kept_headers(const char *headers)
{
    ncr_buffer kept;
    ncr_buffer_init(&kept, 64 << 10);
    bool done = ncr_text_append(&kept, "");
    for (const char *line = headers; done && *line;) {
        const char *end = strchrnul(line, '\n');
        size_t size = (size_t)(end - line) + (*end == '\n');
        if (keeps_header(line))
            done = ncr_buffer_append(&kept, line, size) && ncr_text_append(&kept, "");
        line += size;
    }
    if (!done)
        ncr_buffer_clear(&kept);
    return (char *)kept.data;
}

static nacre_status copy_ranges(ncr_copy *copy, ncr_upload *upload, const char *source, uint64_t size, const char *etag,
                                nacre_error *err)
{
    nacre_status status = NACRE_OK;
    unsigned number = 1;
    for (uint64_t at = 0; at < size && status == NACRE_OK; at += COPY_PART_SIZE, number++) {
        char range[64];
        uint64_t end = size - at < COPY_PART_SIZE ? size : at + COPY_PART_SIZE;
        snprintf(range, sizeof range, "bytes=%" PRIu64 "-%" PRIu64, at, end - 1);
        status = ncr_s3_upload_part_copy(upload, number, source, etag, range, err);
    }
    if (status == NACRE_ERROR_CHANGED && copy->source_version)
        status = ncr_version_changed(err, copy->source->name, copy->source_version, NULL);
    return status;
}

nacre_status ncr_s3_copy_parts(ncr_copy *copy, const ncr_object_facts *source, const char *source_headers,
                               nacre_error *err)
{
    ncr_upload *upload = NULL;
    char *kept = kept_headers(source_headers), *text = ncr_aws_source_text(copy->source);
    const char *etag = ncr_s3_etag(&source->version);
    nacre_status status = ncr_error_memory(err);
    if (kept && text)
        status = ncr_s3_upload_begin_with(copy->destination, copy->call, &copy->condition, source->content_type, kept,
                                          &upload, err);
    if (status == NACRE_OK) {
        status = copy_ranges(copy, upload, text, source->size, etag, err);
        if (status != NACRE_OK)
            ncr_s3_upload_abort(upload);
    }
    if (status == NACRE_OK) {
        status = ncr_s3_upload_finish(upload, &copy->outcome, &copy->facts, err);
        copy->facts.size = source->size;
    }
    free(kept);
    free(text);
    return status;
}

/* --- In one request. --- */

static nacre_status make_copy(const ncr_copy *copy, ncr_s3_exchange **out, nacre_error *err)
{
    ncr_s3_target target;
    const char *etag = source_etag(copy);
    char *source = ncr_aws_source_text(copy->source);
    ncr_s3_target_begin(&target, copy->destination->key);
    ncr_s3_exchange *x = ncr_s3_change_new("PUT", &target, copy->destination, copy->call);
    *out = NULL;
    bool made = x && source && ncr_http_request_header(x->request, "x-amz-copy-source", source) &&
                (!etag || ncr_http_request_header(x->request, "x-amz-copy-source-if-match", etag));
    free(source);
    nacre_status status =
        made ? ncr_s3_change_condition(x, copy->destination, &copy->condition, err) : ncr_error_memory(err);
    if (status != NACRE_OK) {
        ncr_s3_exchange_free(x);
        return status;
    }
    x->request->idempotent = is_conditional(copy);
    *out = x;
    return NACRE_OK;
}

/* 412 is about the source or the destination, and the store does not say which. */
static nacre_status copy_condition_error(const ncr_copy *copy, nacre_error *err)
{
    ncr_object_facts now;
    if (copy->source_version) {
        nacre_status status = ncr_s3_facts_wait(copy->source, copy->call, &now, NULL, NULL);
        if (status == NACRE_ERROR_NOT_FOUND)
            return ncr_version_gone(err, copy->source->name, copy->source_version);
        if (status == NACRE_OK && !ncr_version_matches(copy->source_version, &now.version))
            return ncr_version_changed(err, copy->source->name, copy->source_version, &now.version);
    }
    if (is_conditional(copy))
        return ncr_s3_condition_error(copy->destination, copy->call, &copy->condition, err);
    return ncr_error_set_http(err, NACRE_ERROR_CHANGED, 412, "%s: changed while it was copied", copy->source->name);
}

/* 412 to a copy of which an earlier attempt may have been the one that now stands in its way: it is, where the source's
 * bytes are there, by their checksums, under a version that is not the one to be replaced. */
static bool was_done_before(const ncr_copy *copy, const ncr_http_request *request, ncr_object_facts *now)
{
    ncr_object_facts source;
    const ncr_version *replaced = copy->condition.version;
    return ncr_change_was_sent_before(request) && is_conditional(copy) &&
           ncr_s3_checksum_wait(copy->destination, copy->call, now) == NACRE_OK && now->checksum[0] &&
           !(replaced && ncr_version_matches(replaced, &now->version)) &&
           ncr_s3_checksum_wait(copy->source, copy->call, &source) == NACRE_OK && source.size == now->size &&
           strcmp(source.checksum, now->checksum) == 0 &&
           (!copy->source_version || ncr_version_matches(copy->source_version, &source.version));
}

/* Whether the answer shows that other bytes were copied than those of the version that was meant: by its id, or where
 * both are MD5s by the ETags. Amazon's own servers look at the condition. */
static bool is_other_version(const ncr_copy *copy, const ncr_http_response *response, const ncr_version *made)
{
    char theirs[256] = "", ours[33], now[33];
    const ncr_http_response nothing = {0};
    if (!copy->source_version || !ncr_s3_of(copy->source)->endpoint)
        return false;
    if (copy->source_version->version_id[0] &&
        ncr_http_response_header(response, "x-amz-copy-source-version-id", theirs, sizeof theirs) &&
        strcmp(theirs, "null") != 0)
        return strcmp(theirs, copy->source_version->version_id) != 0;
    return ncr_s3_etag_md5(copy->source, &nothing, copy->source_version, ours) &&
           ncr_s3_etag_md5(copy->destination, response, made, now) && strcmp(ours, now) != 0;
}

static nacre_status take_copy(ncr_copy *copy, const ncr_s3_exchange *x, nacre_error *err)
{
    const ncr_http_response *response = &x->request->response;
    const ncr_buffer *body = &response->whole;
    char etag[256], version_id[256] = "";
    ncr_aws_failure failure;
    nacre_status found = ncr_aws_xml_find(body->data, body->size, "CopyObjectResult/ETag", etag, sizeof etag);
    if (found != NACRE_OK)
        copy->outcome = NCR_OUTCOME_UNKNOWN; /* the store began, and then failed */
    if (found == NACRE_ERROR_MEMORY)
        return ncr_error_memory(err);
    if (found != NACRE_OK) {
        ncr_aws_failure_read(body->data, body->size, &failure);
        if (strcmp(failure.code, "PreconditionFailed") == 0)
            return copy_condition_error(copy, err);
        return ncr_s3_failure_error(x->request, &failure, 200, copy->source, err);
    }
    ncr_http_response_header(response, "x-amz-version-id", version_id, sizeof version_id);
    ncr_s3_version_from(etag, version_id, &copy->facts.version);
    if (!is_other_version(copy, response, &copy->facts.version))
        return NACRE_OK;
    ncr_s3_take_back(copy->destination, copy->call, &copy->facts.version);
    return ncr_version_changed(err, copy->source->name, copy->source_version, NULL);
}

/* A refusal is about the source or the destination, and does not say which: a look at the source does. */
static nacre_status refused_copy(const ncr_copy *copy, const ncr_http_request *request, const ncr_aws_failure *failure,
                                 nacre_error *err)
{
    ncr_object_facts now;
    int code = request->response.status;
    nacre_status source = NACRE_ERROR_UNAVAILABLE;
    if (code == 403 || code == 404)
        source = ncr_s3_facts_wait(copy->source, copy->call, &now, NULL, NULL);
    if (code == 404 && source == NACRE_ERROR_NOT_FOUND && copy->source_version)
        return ncr_version_gone(err, copy->source->name, copy->source_version);
    if (code == 404 && source == NACRE_OK && strcmp(failure->code, "NoSuchKey") != 0)
        return ncr_s3_no_bucket_error(copy->destination, err);
    bool is_destination = code == 403 && source == NACRE_OK && !ncr_aws_is_about_credentials(failure->code);
    return ncr_s3_status_error(request, is_destination ? copy->destination : copy->source, err);
}

static nacre_status by_parts(ncr_copy *copy, nacre_error *err)
{
    ncr_object_facts facts;
    char *headers;
    nacre_status status = ncr_s3_facts_wait(copy->source, copy->call, &facts, &headers, err);
    if (status == NACRE_ERROR_NOT_FOUND && copy->source_version)
        status = ncr_version_gone(err, copy->source->name, copy->source_version);
    if (status == NACRE_OK && copy->source_version && !ncr_version_matches(copy->source_version, &facts.version))
        status = ncr_version_changed(err, copy->source->name, copy->source_version, &facts.version);
    if (status == NACRE_OK)
        status = ncr_s3_copy_parts(copy, &facts, headers, err);
    free(headers);
    return status;
}

/* A source over 5 GiB is refused with a code that says little. */
static bool is_too_large(const ncr_http_response *response, const ncr_aws_failure *failure)
{
    return response->status == 400 &&
           (strcmp(failure->code, "EntityTooLarge") == 0 ||
            (strcmp(failure->code, "InvalidRequest") == 0 && strstr(failure->message, "maximum allowable size")));
}

/* The destination as the condition wants it, as far as a look can tell. */
static nacre_status look_first(const ncr_copy *copy, nacre_error *err)
{
    ncr_object_facts now;
    const ncr_version *version = copy->condition.version;
    nacre_status status = ncr_s3_facts_wait(copy->destination, copy->call, &now, NULL, err);
    if (status == NACRE_OK && copy->condition.absent)
        return ncr_error_set(err, NACRE_ERROR_EXISTS, "%s: exists already", copy->destination->name);
    if (status == NACRE_OK)
        return ncr_version_matches(version, &now.version)
                   ? NACRE_OK
                   : ncr_version_changed(err, copy->destination->name, version, &now.version);
    if (status == NACRE_ERROR_NOT_FOUND && version)
        return ncr_version_gone(err, copy->destination->name, version);
    return status == NACRE_ERROR_NOT_FOUND || status == NACRE_ERROR_DENIED ? NACRE_OK : status;
}

static nacre_status judge_copy(ncr_copy *copy, const ncr_s3_exchange *x, nacre_error *err)
{
    const ncr_http_response *response = &x->request->response;
    ncr_aws_failure failure;
    ncr_object_facts now;
    if (ncr_s3_change_succeeded(x))
        return take_copy(copy, x, err);
    ncr_aws_failure_read(response->whole.data, response->whole.size, &failure);
    bool knows_none = response->status == 501 && is_conditional(copy);
    if (is_too_large(response, &failure) || knows_none) {
        copy->outcome = NCR_OUTCOME_NOT_DONE;
        nacre_status status = knows_none && is_decided(copy) ? look_first(copy, err) : NACRE_OK;
        return status == NACRE_OK ? by_parts(copy, err) : status;
    }
    if (response->status == 412 && was_done_before(copy, x->request, &now)) {
        copy->outcome = NCR_OUTCOME_DONE;
        copy->facts = now;
        return NACRE_OK;
    }
    if (response->status == 412)
        return copy_condition_error(copy, err);
    return refused_copy(copy, x->request, &failure, err);
}

nacre_status ncr_s3_copy(ncr_copy *copy, nacre_error *err)
{
    ncr_s3_exchange *x;
    copy->outcome = NCR_OUTCOME_NOT_DONE;
    copy->facts = (ncr_object_facts){.modified_ms = -1};
    nacre_status status = ncr_object_check_key(copy->source, err);
    if (status == NACRE_OK)
        status = ncr_object_check_key(copy->destination, err);
    if (status == NACRE_OK && copy->source_version && !source_etag(copy))
        status = ncr_error_set(err, NACRE_ERROR_INVALID, "%s: '%s' is no version of S3 (etag=\"...\")",
                               copy->source->name, copy->source_version->token);
    if (status == NACRE_OK && is_conditional(copy) && !is_decided(copy))
        status = look_first(copy, err);
    if (status == NACRE_OK)
        status = make_copy(copy, &x, err);
    if (status != NACRE_OK)
        return status;
    status = ncr_s3_change_send(x, &copy->outcome, err);
    if (status == NACRE_OK)
        status = judge_copy(copy, x, err);
    ncr_s3_exchange_free(x);
    return status;
}
