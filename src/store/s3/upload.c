/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <inttypes.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/aws/xml.h"
#include "store/change.h"
#include "store/crc32c.h"
#include "store/s3/s3.h"

/* Uploads in parts. Parts may be sent again, in any order, by several threads; the object appears when the list of
 * parts is sent, under the condition. The ETag of such an object is the MD5 of its parts' MD5s and their number, so an
 * upload whose last answer was lost is found again by it.
 *
 * The request that begins an upload asks the store to hold each part against its CRC32C, and to keep that of the whole.
 * A store that can says so in its answer, and again of each part; one that passes it over or refuses it gets parts with
 * Content-MD5, which every server like S3 knows and which costs ten times as much to make. */

enum { MOST_TRIES = 3 };

typedef struct part {
    char *etag;                     /* NULL: not sent yet */
    char checksum[NCR_CRC32C_TEXT]; /* "": none was sent */
} part;

typedef struct s3_upload {
    ncr_upload base;
    ncr_condition condition; /* its version points to `version` */
    ncr_version version;
    char *content_type;
    char *id;
    bool has_checksums; /* the store holds parts against their CRC32C */
    pthread_mutex_t lock;
    part *parts; /* from number 1; guarded by lock, as the rest */
    size_t count, capacity;
    uint64_t size;
} s3_upload;

static void release(s3_upload *up)
{
    for (size_t i = 0; i < up->count; i++)
        free(up->parts[i].etag);
    free(up->parts);
    pthread_mutex_destroy(&up->lock);
    free(up->id);
    free(up->content_type);
    ncr_object_unref(up->base.object);
    ncr_call_unref(up->base.call);
    free(up);
}

/* --- Beginning. --- */

static bool add_lines(ncr_http_request *request, const char *lines)
{
    for (const char *line = lines; line && *line;) {
        const char *end = strchrnul(line, '\n'), *colon = memchr(line, ':', (size_t)(end - line));
        if (colon) {
            const char *value = colon + 1 + (colon[1] == ' ');
            char *name = ncr_text_copy_n(line, (size_t)(colon - line));
            char *text = ncr_text_copy_n(value, (size_t)(end - value));
            bool added = name && text && ncr_http_request_header(request, name, text);
            free(name);
            free(text);
            if (!added)
                return false;
        }
        line = *end ? end + 1 : end;
    }
    return true;
}

static nacre_status take_id(s3_upload *up, const ncr_http_request *request, nacre_error *err)
{
    char id[2048];
    const ncr_buffer *body = &request->response.whole;
    if (request->response.status != 200)
        return ncr_s3_status_error(request, up->base.object, err);
    nacre_status found =
        ncr_aws_xml_find(body->data, body->size, "InitiateMultipartUploadResult/UploadId", id, sizeof id);
    if (found == NACRE_ERROR_MEMORY)
        return ncr_error_memory(err);
    if (!id[0] || strlen(id) == sizeof id - 1)
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: the store's answer names no upload", up->base.object->name);
    char algorithm[16] = "";
    ncr_http_response_header(&request->response, "x-amz-checksum-algorithm", algorithm, sizeof algorithm);
    up->has_checksums = ncr_text_equal_nocase(algorithm, "CRC32C");
    up->id = ncr_text_copy(id);
    return up->id ? NACRE_OK : ncr_error_memory(err);
}

/* Lines of the request that begins an upload of our own bytes. */
static const char with_checksums[] = "x-amz-checksum-algorithm: CRC32C\nx-amz-checksum-type: FULL_OBJECT\n";

static nacre_status initiate(s3_upload *up, const char *more_headers, nacre_error *err)
{
    ncr_s3_target target;
    ncr_outcome outcome;
    ncr_s3_target_begin(&target, up->base.object->key);
    ncr_s3_target_query(&target, "uploads", "");
    ncr_s3_exchange *x = ncr_s3_change_new("POST", &target, up->base.object, up->base.call);
    if (!x || !ncr_http_request_header(x->request, "Content-Type", up->content_type) ||
        !add_lines(x->request, more_headers)) {
        ncr_s3_exchange_free(x);
        return ncr_error_memory(err);
    }
    x->request->idempotent = true; /* an upload that nobody uses is nothing that is seen */
    nacre_status status = ncr_s3_change_send(x, &outcome, err);
    int code = x->request->response.status;
    if (status == NACRE_OK)
        status = take_id(up, x->request, err);
    ncr_s3_exchange_free(x);
    if (more_headers != with_checksums || (code != 400 && code != 501))
        return status;
    status = initiate(up, NULL, err);
    if (status == NACRE_OK) /* so it was them that the store refused */
        ncr_s3_of(up->base.object)->refuses_checksums = true;
    return status;
}

nacre_status ncr_s3_upload_begin_with(ncr_object *object, ncr_call *call, const ncr_condition *condition,
                                      const char *content_type, const char *more_headers, ncr_upload **out,
                                      nacre_error *err)
{
    *out = NULL;
    nacre_status status = ncr_object_check_key(object, err);
    if (status != NACRE_OK)
        return status;
    s3_upload *up = calloc(1, sizeof *up);
    if (!up)
        return ncr_error_memory(err);
    pthread_mutex_init(&up->lock, NULL);
    up->base.object = ncr_object_ref(object);
    up->base.call = ncr_call_ref(call);
    up->content_type = ncr_text_copy(ncr_change_type(content_type, NCR_TYPE_OF_BYTES));
    up->condition.absent = condition && condition->absent;
    if (condition && condition->version) {
        up->version = *condition->version;
        up->condition.version = &up->version;
    }
    if (up->condition.version && !ncr_s3_etag(&up->version))
        status = ncr_error_set(err, NACRE_ERROR_INVALID, "%s: '%s' is no version of S3 (etag=\"...\")", object->name,
                               up->version.token);
    else
        status = up->content_type ? initiate(up, more_headers, err) : ncr_error_memory(err);
    if (status != NACRE_OK) {
        release(up);
        return status;
    }
    *out = &up->base;
    return NACRE_OK;
}

nacre_status ncr_s3_upload_begin(ncr_object *object, ncr_call *call, const ncr_condition *condition,
                                 const char *content_type, ncr_upload **out, nacre_error *err)
{
    const char *more_headers = ncr_s3_of(object)->refuses_checksums ? NULL : with_checksums;
    return ncr_s3_upload_begin_with(object, call, condition, content_type, more_headers, out, err);
}

/* --- Parts. --- */

static nacre_status keep_part(s3_upload *up, unsigned number, const char *etag, const char *checksum, size_t size,
                              nacre_error *err)
{
    bool is_plain = etag[0] && strlen(etag) <= NCR_S3_ETAG && !strpbrk(etag, "<>&\r\n");
    if (!is_plain)
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: the store's answer to part %u has no ETag",
                             up->base.object->name, number);
    char *copy = ncr_text_copy(etag);
    pthread_mutex_lock(&up->lock);
    bool has_room = copy && ncr_array_reserve(&up->parts, &up->capacity, number, sizeof *up->parts);
    if (has_room) {
        for (; up->count < number; up->count++)
            up->parts[up->count] = (part){0};
        free(up->parts[number - 1].etag);
        up->parts[number - 1] = (part){.etag = copy};
        snprintf(up->parts[number - 1].checksum, NCR_CRC32C_TEXT, "%s", checksum);
        up->size += size;
    }
    pthread_mutex_unlock(&up->lock);
    if (has_room)
        return NACRE_OK;
    free(copy);
    return ncr_error_memory(err);
}

static ncr_s3_exchange *part_exchange(const s3_upload *up, unsigned number)
{
    char text[16];
    ncr_s3_target target;
    snprintf(text, sizeof text, "%u", number);
    ncr_s3_target_begin(&target, up->base.object->key);
    ncr_s3_target_query(&target, "partNumber", text);
    ncr_s3_target_query(&target, "uploadId", up->id);
    ncr_s3_exchange *x = ncr_s3_change_new("PUT", &target, up->base.object, up->base.call);
    if (x)
        x->request->idempotent = true;
    return x;
}

static nacre_status check_number(const s3_upload *up, unsigned number, nacre_error *err)
{
    if (number >= 1 && number <= NCR_S3_MOST_PARTS)
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_TOO_LARGE, "%s: an upload has at most %d parts", up->base.object->name,
                         NCR_S3_MOST_PARTS);
}

/* Whether the store has kept the bytes that were sent with a checksum: it repeats the checksum; or, where a server
 * passes checksums over after all, the part's ETag is their MD5. An ETag that is no MD5 tells nothing. */
static nacre_status check_part(const s3_upload *up, const ncr_s3_exchange *x, const char *checksum, nacre_error *err)
{
    const ncr_http_response *response = &x->request->response;
    char theirs[64], ours[33];
    ncr_version version;
    if (!ncr_http_response_header(response, "etag", theirs, sizeof theirs))
        return NACRE_OK; /* refused where it is kept */
    ncr_s3_version_from(theirs, "", &version);
    if (ncr_http_response_header(response, "x-amz-checksum-crc32c", theirs, sizeof theirs)) {
        if (strcmp(theirs, checksum) == 0)
            return NACRE_OK;
    } else {
        if (!ncr_s3_etag_md5(up->base.object, response, &version, theirs))
            return NACRE_OK;
        ncr_s3_md5(x->request->body, x->request->body_size, ours);
        if (strcmp(theirs, ours) == 0)
            return NACRE_OK;
    }
    return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: what the store has kept is not what was sent (%s differs)",
                         up->base.object->name, strlen(theirs) == 32 ? "MD5" : "CRC32C");
}

nacre_status ncr_s3_upload_part(ncr_upload *upload, unsigned number, const void *data, size_t size, nacre_error *err)
{
    s3_upload *up = (s3_upload *)upload;
    char etag[256] = "", checksum[NCR_CRC32C_TEXT] = "";
    ncr_outcome outcome;
    nacre_status status = check_number(up, number, err);
    if (status != NACRE_OK)
        return status;
    ncr_s3_exchange *x = part_exchange(up, number);
    if (up->has_checksums)
        ncr_crc32c_text(ncr_crc32c(0, data, size), checksum);
    if (!x || !ncr_s3_exchange_body(x, data, size, checksum[0] ? checksum : NULL)) {
        ncr_s3_exchange_free(x);
        return ncr_error_memory(err);
    }
    status = ncr_s3_change_send(x, &outcome, err);
    if (status == NACRE_OK && !ncr_s3_change_succeeded(x))
        status = ncr_s3_status_error(x->request, up->base.object, err);
    if (status == NACRE_OK && checksum[0])
        status = check_part(up, x, checksum, err);
    if (status == NACRE_OK) {
        ncr_http_response_header(&x->request->response, "etag", etag, sizeof etag);
        status = keep_part(up, number, etag, checksum, size, err);
    }
    ncr_s3_exchange_free(x);
    return status;
}

/* The ETag of a part that the store copied, which may also have failed after the head of its answer. */
static nacre_status take_copied_part(const s3_upload *up, const ncr_http_request *request, char *etag, size_t size,
                                     nacre_error *err)
{
    const ncr_buffer *body = &request->response.whole;
    ncr_aws_failure failure;
    nacre_status found = ncr_aws_xml_find(body->data, body->size, "CopyPartResult/ETag", etag, size);
    if (found == NACRE_OK)
        return NACRE_OK;
    if (found == NACRE_ERROR_MEMORY)
        return ncr_error_memory(err);
    ncr_aws_failure_read(body->data, body->size, &failure);
    return ncr_s3_failure_error(request, &failure, 200, up->base.object, err);
}

nacre_status ncr_s3_upload_part_copy(ncr_upload *upload, unsigned number, const char *source, const char *source_etag,
                                     const char *range, nacre_error *err)
{
    s3_upload *up = (s3_upload *)upload;
    char etag[256] = "";
    ncr_outcome outcome;
    nacre_status status = check_number(up, number, err);
    if (status != NACRE_OK)
        return status;
    ncr_s3_exchange *x = part_exchange(up, number);
    if (!x || !ncr_http_request_header(x->request, "x-amz-copy-source", source) ||
        !ncr_http_request_header(x->request, "x-amz-copy-source-range", range) ||
        (source_etag && !ncr_http_request_header(x->request, "x-amz-copy-source-if-match", source_etag))) {
        ncr_s3_exchange_free(x);
        return ncr_error_memory(err);
    }
    status = ncr_s3_change_send(x, &outcome, err);
    if (status == NACRE_OK && !ncr_s3_change_succeeded(x))
        status = ncr_s3_status_error(x->request, up->base.object, err);
    else if (status == NACRE_OK)
        status = take_copied_part(up, x->request, etag, sizeof etag, err);
    if (status == NACRE_OK)
        status = keep_part(up, number, etag, "", 0, err);
    ncr_s3_exchange_free(x);
    return status;
}

/* --- The end. --- */

/* The list of parts. False: out of memory, or a part is missing (*missing is its number). */
static bool list_parts(const s3_upload *up, ncr_buffer *out, size_t *missing)
{
    bool done = ncr_text_append(out, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    *missing = 0;
    for (size_t i = 0; i < up->count && done; i++) {
        const part *p = &up->parts[i];
        if (!p->etag) {
            *missing = i + 1;
            return false;
        }
        done = ncr_text_appendf(out, "<Part><PartNumber>%zu</PartNumber><ETag>%s</ETag>", i + 1, p->etag) &&
               (!p->checksum[0] || ncr_text_appendf(out, "<ChecksumCRC32C>%s</ChecksumCRC32C>", p->checksum)) &&
               ncr_text_append(out, "</Part>");
    }
    return done && ncr_text_append(out, "</CompleteMultipartUpload>");
}

/* The ETag that the object will have, "etag=\"MD5-COUNT\""; false where the parts' are no MD5s. */
static bool expected_version(const s3_upload *up, char out[96])
{
    unsigned char hash[EVP_MAX_MD_SIZE], one[16];
    unsigned hash_size = 0;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = context && up->count && EVP_DigestInit_ex(context, EVP_md5(), NULL);
    for (size_t i = 0; i < up->count && done; i++) {
        const char *etag = up->parts[i].etag + (up->parts[i].etag[0] == '"');
        done = strspn(etag, "0123456789abcdef") == 32 && ncr_s3_read_md5(etag, one) &&
               EVP_DigestUpdate(context, one, sizeof one);
    }
    done = done && EVP_DigestFinal_ex(context, hash, &hash_size);
    EVP_MD_CTX_free(context);
    if (!done)
        return false;
    int length = snprintf(out, 96, "etag=\"");
    for (int k = 0; k < 16; k++)
        length += snprintf(out + length, 96 - (size_t)length, "%02x", hash[k]);
    snprintf(out + length, 96 - (size_t)length, "-%zu\"", up->count);
    return true;
}

/* Whether what is there now is what was uploaded. */
static bool is_there(const s3_upload *up, ncr_object_facts *now)
{
    char expected[96];
    ncr_call *call = ncr_call_new_cleanup(up->base.call);
    bool found = call && expected_version(up, expected) &&
                 ncr_s3_facts_wait(up->base.object, call, now, NULL, NULL) == NACRE_OK &&
                 strcmp(now->version.token, expected) == 0 &&
                 !(up->condition.version && ncr_version_matches(up->condition.version, &now->version));
    ncr_call_unref(call);
    return found;
}

static nacre_status take_object(s3_upload *up, const ncr_http_request *request, ncr_object_facts *facts)
{
    char etag[256] = "", version_id[256] = "";
    const ncr_buffer *body = &request->response.whole;
    ncr_aws_xml_find(body->data, body->size, "CompleteMultipartUploadResult/ETag", etag, sizeof etag);
    ncr_http_response_header(&request->response, "x-amz-version-id", version_id, sizeof version_id);
    ncr_s3_version_from(etag, version_id, &facts->version);
    facts->size = up->size;
    return NACRE_OK;
}

/* Judges one answer to the list of parts. *again: the store failed in a way that the next attempt may mend. */
static nacre_status judge(s3_upload *up, const ncr_http_request *request, ncr_outcome *outcome, ncr_object_facts *facts,
                          bool *again, nacre_error *err)
{
    int code = request->response.status;
    const ncr_object *object = up->base.object;
    const ncr_buffer *body = &request->response.whole;
    ncr_aws_failure failure;
    bool is_failure = ncr_aws_failure_read(body->data, body->size, &failure);
    *again = false;
    if (failure.lacks_memory) { /* what looks like a success may be none */
        *outcome = NCR_OUTCOME_UNKNOWN;
        return ncr_error_memory(err);
    }
    if (code == 200 && !is_failure)
        return take_object(up, request, facts);
    if (code == 200) {
        *outcome = NCR_OUTCOME_UNKNOWN; /* the store began, and says no more than that it failed */
        *again = strcmp(failure.code, "InternalError") == 0 || strcmp(failure.code, "SlowDown") == 0;
    }
    if (strcmp(failure.code, "PreconditionFailed") == 0 || code == 412) {
        *outcome = ncr_change_was_sent_before(request) ? NCR_OUTCOME_UNKNOWN : NCR_OUTCOME_NOT_DONE;
        return ncr_s3_condition_error(object, up->base.call, &up->condition, err);
    }
    if (code == 409 && strcmp(failure.code, "ConditionalRequestConflict") == 0)
        *again = true;
    if (code == 404 && strcmp(failure.code, "NoSuchUpload") == 0)
        return ncr_error_set_http(err, NACRE_ERROR_IO, code, "%s: the store has lost the upload (404); upload again",
                                  object->name);
    if (code == 404 && up->condition.version && strcmp(failure.code, "NoSuchBucket") != 0)
        return ncr_version_gone(err, object->name, up->condition.version);
    return ncr_s3_failure_error(request, &failure, code, object, err);
}

static nacre_status complete(s3_upload *up, const ncr_buffer *list, ncr_outcome *outcome, ncr_object_facts *facts,
                             bool *again, nacre_error *err)
{
    ncr_s3_target target;
    *again = false;
    ncr_s3_target_begin(&target, up->base.object->key);
    ncr_s3_target_query(&target, "uploadId", up->id);
    ncr_s3_exchange *x = ncr_s3_change_new("POST", &target, up->base.object, up->base.call);
    if (!x)
        return ncr_error_memory(err);
    nacre_status status = ncr_s3_change_condition(x, up->base.object, &up->condition, err);
    if (status == NACRE_OK && (!ncr_http_request_header(x->request, "Content-Type", "application/xml") ||
                               !ncr_s3_exchange_body(x, list->data, list->size, NULL)))
        status = ncr_error_memory(err);
    /* A second attempt finds the upload gone, or completes it again with the same object. */
    x->request->idempotent = true;
    if (status == NACRE_OK)
        status = ncr_s3_change_send(x, outcome, err);
    if (status == NACRE_OK)
        status = judge(up, x->request, outcome, facts, again, err);
    if (status != NACRE_OK && ncr_change_was_sent_before(x->request) && *outcome == NCR_OUTCOME_NOT_DONE)
        *outcome = NCR_OUTCOME_UNKNOWN;
    ncr_s3_exchange_free(x);
    return status;
}

static nacre_status complete_all(s3_upload *up, ncr_outcome *outcome, ncr_object_facts *facts, nacre_error *err)
{
    ncr_buffer list;
    size_t missing;
    bool again = true, is_unknown = false;
    nacre_status status = NACRE_OK;
    ncr_buffer_init(&list, 4 << 20);
    if (!list_parts(up, &list, &missing)) {
        ncr_buffer_clear(&list);
        return missing ? ncr_error_set(err, NACRE_ERROR_INVALID, "%s: part %zu of the upload was not sent",
                                       up->base.object->name, missing)
                       : ncr_error_memory(err);
    }
    for (int tries = 0; again && tries < MOST_TRIES; tries++) {
        status = complete(up, &list, outcome, facts, &again, err);
        is_unknown |= *outcome == NCR_OUTCOME_UNKNOWN;
    }
    ncr_buffer_clear(&list);
    if (status == NACRE_OK || !is_unknown)
        return status;
    ncr_object_facts now;
    *outcome = NCR_OUTCOME_UNKNOWN;
    if (!is_there(up, &now))
        return status;
    *facts = now;
    *outcome = NCR_OUTCOME_DONE;
    return NACRE_OK;
}

/* An upload has at least one part; an object without bytes is a put. */
static nacre_status put_nothing(s3_upload *up, ncr_outcome *outcome, ncr_object_facts *facts, nacre_error *err)
{
    ncr_put put = {.object = up->base.object,
                   .call = up->base.call,
                   .condition = up->condition,
                   .content_type = up->content_type,
                   .data = ""};
    nacre_status status = ncr_s3_put(&put, err);
    *outcome = put.outcome;
    *facts = put.facts;
    return status;
}

nacre_status ncr_s3_upload_finish(ncr_upload *upload, ncr_outcome *outcome, ncr_object_facts *facts, nacre_error *err)
{
    s3_upload *up = (s3_upload *)upload;
    *facts = (ncr_object_facts){.modified_ms = -1};
    *outcome = NCR_OUTCOME_NOT_DONE;
    nacre_status status = up->count ? complete_all(up, outcome, facts, err) : put_nothing(up, outcome, facts, err);
    if (status == NACRE_OK && up->count)
        release(up);
    else
        ncr_s3_upload_abort(upload);
    return status;
}

void ncr_s3_upload_abort(ncr_upload *upload)
{
    s3_upload *up = (s3_upload *)upload;
    ncr_s3_target target;
    if (!up)
        return;
    ncr_call *call = ncr_call_new_cleanup(up->base.call);
    if (call) {
        ncr_s3_target_begin(&target, up->base.object->key);
        ncr_s3_target_query(&target, "uploadId", up->id);
        ncr_s3_exchange *x = ncr_s3_change_new("DELETE", &target, up->base.object, call);
        if (x) {
            x->request->idempotent = true;
            ncr_s3_exchange_perform(x, NULL);
        }
        ncr_s3_exchange_free(x);
    }
    ncr_call_unref(call);
    release(up);
}
