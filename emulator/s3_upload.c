/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "s3.h"
#include "s3_body.h"

/* Multipart uploads of the S3 interface: begin, parts, abort, listings; s3_complete.c ends them. */

enum { PART_MAX = 10000, PAGE_MAX = 1000, PART_MAX_GIB = 5 };

ncr_emu_upload *ncr_emu_s3_upload_get(ncr_emu_s3 *s3)
{
    const char *id = ncr_emu_parameter(s3->request, "uploadId");
    ncr_emu_upload *upload = ncr_emu_upload_get(s3->request->server->uploads, id);
    if (upload && !upload->draft && !upload->cancelled && strcmp(upload->bucket, s3->name) == 0 &&
        strcmp(upload->key, s3->key) == 0)
        return upload;
    ncr_emu_upload_release(upload);
    ncr_emu_s3_error(s3, "NoSuchUpload", NULL);
    return NULL;
}

/* What checksum the parts and the object are to have; false: the error is in the reply. */
static bool read_checksum(ncr_emu_s3 *s3, ncr_emu_checksum_kind *kind, bool *composite)
{
    const char *name = ncr_emu_header(s3->request, "x-amz-checksum-algorithm");
    const char *type = ncr_emu_header(s3->request, "x-amz-checksum-type");
    *kind = ncr_emu_checksum_by_name(name);
    bool is_sha = *kind == NCR_EMU_CHECKSUM_SHA1 || *kind == NCR_EMU_CHECKSUM_SHA256;
    *composite = type ? ncr_text_equal_nocase(type, "COMPOSITE")
                      : *kind != NCR_EMU_CHECKSUM_NONE && *kind != NCR_EMU_CHECKSUM_CRC64NVME;
    const char *problem = NULL;
    if (name && *kind == NCR_EMU_CHECKSUM_NONE)
        problem = "x-amz-checksum-algorithm is no checksum that S3 knows.";
    else if (type && !name)
        problem = "x-amz-checksum-type goes with x-amz-checksum-algorithm alone.";
    else if (type && !*composite && !ncr_text_equal_nocase(type, "FULL_OBJECT"))
        problem = "x-amz-checksum-type is COMPOSITE or FULL_OBJECT.";
    else if (is_sha ? !*composite : *kind == NCR_EMU_CHECKSUM_CRC64NVME && *composite)
        problem = "The checksum's algorithm and type do not go together.";
    if (problem)
        ncr_emu_s3_refuse(s3, "InvalidRequest", problem);
    return !problem;
}

void ncr_emu_s3_upload_begin(ncr_emu_s3 *s3)
{
    ncr_emu_checksum_kind kind;
    bool composite;
    const ncr_emu_condition none = {0};
    if (!read_checksum(s3, &kind, &composite))
        return;
    json_t *fields = ncr_emu_s3_fields(s3);
    ncr_emu_upload *upload = ncr_emu_upload_begin(s3->request->server->uploads, s3->name, s3->key, fields, &none);
    json_decref(fields);
    if (!upload) {
        ncr_emu_s3_error(s3, "InternalError", NULL);
        return;
    }
    upload->checksum_kind = kind;
    upload->checksum_is_composite = composite;
    if (kind != NCR_EMU_CHECKSUM_NONE) {
        ncr_emu_reply_header(s3->reply, "x-amz-checksum-algorithm", "%s", ncr_emu_checksum_name(kind));
        ncr_emu_reply_header(s3->reply, "x-amz-checksum-type", "%s", composite ? "COMPOSITE" : "FULL_OBJECT");
    }
    ncr_buffer *out = &s3->reply->body;
    ncr_emu_s3_xml(s3, "InitiateMultipartUploadResult");
    ncr_emu_s3_element(out, "Bucket", s3->name);
    ncr_emu_s3_element(out, "Key", s3->key);
    ncr_emu_s3_element(out, "UploadId", upload->id);
    ncr_text_append(out, "</InitiateMultipartUploadResult>");
    ncr_emu_upload_release(upload);
}

/* --- Parts --- */

static bool read_number(ncr_emu_s3 *s3, uint64_t *number)
{
    const char *text = ncr_emu_parameter(s3->request, "partNumber");
    if (text && ncr_text_to_uint64(text, number) && *number >= 1 && *number <= PART_MAX)
        return true;
    ncr_emu_s3_refuse(s3, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive");
    return false;
}

/* Whether the checksum that came with a part is of the upload's kind, where the client chose one. */
static bool kind_fits(ncr_emu_s3 *s3, const ncr_emu_upload *upload, const ncr_emu_s3_body *body)
{
    if (upload->checksum_kind == NCR_EMU_CHECKSUM_NONE || (body->was_sent && upload->checksum_kind == body->kind) ||
        (!body->was_sent && upload->checksum_kind == NCR_EMU_CHECKSUM_CRC64NVME))
        return true;
    char *message = ncr_text_format(
        "Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s",
        ncr_emu_checksum_name(upload->checksum_kind), body->was_sent ? ncr_emu_checksum_name(body->kind) : "null");
    ncr_emu_s3_refuse(s3, "InvalidRequest", message ? message : "");
    free(message);
    return false;
}

/* Makes the body's draft a part; NULL: the error is in the reply. The draft is taken in either case. */
static const ncr_emu_part *add_part(ncr_emu_s3 *s3, ncr_emu_upload *upload, uint64_t number, ncr_emu_s3_body *body)
{
    if (body->draft->size > (uint64_t)PART_MAX_GIB << 30) {
        ncr_emu_s3_error(s3, "EntityTooLarge", NULL);
        ncr_emu_draft_free(body->draft);
        return NULL;
    }
    ncr_emu_part *part = ncr_emu_upload_add_part(upload, number, body->draft);
    if (!part)
        ncr_emu_s3_error(s3, "InternalError", NULL);
    else if (upload->checksum_kind == body->kind)
        memcpy(part->checksum, body->checksum, sizeof part->checksum);
    return part;
}

void ncr_emu_s3_part_etag(const ncr_emu_part *part, char out[NCR_EMU_ETAG_SIZE])
{
    const ncr_emu_object plain = {0};
    ncr_emu_object copy = plain;
    memcpy(copy.md5, part->md5, sizeof copy.md5);
    ncr_emu_object_s3_etag(&copy, out);
}

void ncr_emu_s3_upload_part(ncr_emu_s3 *s3)
{
    uint64_t number;
    ncr_emu_s3_body body;
    char etag[NCR_EMU_ETAG_SIZE];
    if (!read_number(s3, &number) || !ncr_emu_s3_body_take(s3, &body))
        return;
    ncr_emu_upload *upload = ncr_emu_s3_upload_get(s3);
    bool adds = upload && upload->checksum_kind == NCR_EMU_CHECKSUM_CRC64NVME;
    if (!upload || !kind_fits(s3, upload, &body) || (adds && !ncr_emu_s3_body_add_checksum(s3, &body))) {
        ncr_emu_draft_free(body.draft);
        ncr_emu_upload_release(upload);
        return;
    }
    const ncr_emu_part *part = add_part(s3, upload, number, &body);
    if (part) {
        ncr_emu_s3_part_etag(part, etag);
        ncr_emu_reply_header(s3->reply, "ETag", "%s", etag);
        ncr_emu_reply_header(s3->reply, "x-amz-server-side-encryption", "AES256");
        if (*body.checksum)
            ncr_emu_reply_header(s3->reply, ncr_emu_checksum_header(body.kind), "%s", body.checksum);
    }
    ncr_emu_upload_release(upload);
}

/* "bytes=FIRST-LAST" within the source; false: the error is in the reply. */
static bool read_copy_range(ncr_emu_s3 *s3, uint64_t size, uint64_t *offset, uint64_t *length)
{
    const char *text = ncr_emu_header(s3->request, "x-amz-copy-source-range");
    *offset = 0;
    *length = size;
    if (!text)
        return true;
    uint64_t first, last;
    const char *dash = strchr(text, '-');
    char *begin = ncr_text_starts(text, "bytes=") && dash ? ncr_text_copy_n(text + 6, (size_t)(dash - text) - 6) : NULL;
    bool good = begin && ncr_text_to_uint64(begin, &first) && ncr_text_to_uint64(dash + 1, &last) && first <= last &&
                last < size;
    free(begin);
    if (!good) {
        ncr_emu_s3_refuse(s3, "InvalidArgument", "x-amz-copy-source-range is bytes=FIRST-LAST within the source.");
        return false;
    }
    *offset = first;
    *length = last - first + 1;
    return true;
}

static void part_of_source(ncr_emu_s3 *s3, uint64_t number, const ncr_emu_object *source, int fd)
{
    uint64_t offset, length;
    ncr_emu_s3_body body = {0};
    if (!read_copy_range(s3, source->size, &offset, &length))
        return;
    ncr_emu_upload *upload = ncr_emu_s3_upload_get(s3);
    if (!upload)
        return;
    body.kind = upload->checksum_kind;
    body.draft = ncr_emu_draft_new(s3->request->server->root->tmp_directory);
    bool good = body.draft && ncr_emu_draft_write_fd(body.draft, fd, offset, length) &&
                ncr_emu_checksum_of_file(body.draft->fd, length, body.kind, body.checksum);
    const ncr_emu_part *part = good ? add_part(s3, upload, number, &body) : NULL;
    if (part) {
        char etag[NCR_EMU_ETAG_SIZE];
        ncr_buffer *out = &s3->reply->body;
        ncr_emu_s3_part_etag(part, etag);
        ncr_emu_s3_xml(s3, "CopyPartResult");
        ncr_emu_s3_time(out, "LastModified", part->modified_ms);
        ncr_emu_s3_element(out, "ETag", etag);
        ncr_emu_s3_element(out, ncr_emu_checksum_element(body.kind), *part->checksum ? part->checksum : NULL);
        ncr_text_append(out, "</CopyPartResult>");
    } else if (!good) {
        ncr_emu_draft_free(body.draft);
        ncr_emu_s3_error(s3, "InternalError", NULL);
    }
    ncr_emu_upload_release(upload);
}

void ncr_emu_s3_upload_part_copy(ncr_emu_s3 *s3)
{
    int fd;
    uint64_t number;
    if (ncr_emu_s3_late_error(s3))
        return;
    ncr_emu_object *source = read_number(s3, &number) ? ncr_emu_s3_copy_source(s3, &fd) : NULL;
    if (!source)
        return;
    part_of_source(s3, number, source, fd);
    close(fd);
    ncr_emu_object_unref(source);
}

void ncr_emu_s3_upload_abort(ncr_emu_s3 *s3)
{
    ncr_emu_upload *upload = ncr_emu_s3_upload_get(s3);
    if (!upload)
        return;
    upload->cancelled = true; /* for those who wait for its lock */
    ncr_emu_upload_forget(s3->request->server->uploads, upload);
    ncr_emu_upload_release(upload);
    s3->reply->status = 204;
}

/* --- Listings --- */

/* A number of the query that is at most 1000, or that; false: the error is in the reply. */
static bool read_maximum(ncr_emu_s3 *s3, const char *name, uint64_t *out)
{
    const char *text = ncr_emu_parameter(s3->request, name);
    *out = PAGE_MAX;
    if (text && *text && !ncr_text_to_uint64(text, out)) {
        ncr_emu_s3_refuse(s3, "InvalidArgument", "A number of the query is none.");
        return false;
    }
    *out = *out > PAGE_MAX ? PAGE_MAX : *out;
    return true;
}

static void append_part(ncr_buffer *out, const ncr_emu_upload *upload, const ncr_emu_part *part)
{
    char etag[NCR_EMU_ETAG_SIZE];
    ncr_emu_s3_part_etag(part, etag);
    ncr_text_append(out, "<Part>");
    ncr_emu_s3_number(out, "PartNumber", part->number);
    ncr_emu_s3_time(out, "LastModified", part->modified_ms);
    ncr_emu_s3_element(out, "ETag", etag);
    ncr_emu_s3_element(out, ncr_emu_checksum_element(upload->checksum_kind), *part->checksum ? part->checksum : NULL);
    ncr_emu_s3_number(out, "Size", part->size);
    ncr_text_append(out, "</Part>");
}

void ncr_emu_s3_list_parts(ncr_emu_s3 *s3)
{
    uint64_t maximum, marker = 0;
    const char *after = ncr_emu_parameter(s3->request, "part-number-marker");
    if (after && *after && !ncr_text_to_uint64(after, &marker)) {
        ncr_emu_s3_refuse(s3, "InvalidArgument", "part-number-marker is no number.");
        return;
    }
    ncr_emu_upload *upload = read_maximum(s3, "max-parts", &maximum) ? ncr_emu_s3_upload_get(s3) : NULL;
    if (!upload)
        return;
    ncr_buffer *out = &s3->reply->body;
    size_t at = 0;
    while (at < upload->part_count && upload->parts[at].number <= marker)
        at++;
    size_t end = upload->part_count - at > maximum ? at + (size_t)maximum : upload->part_count;
    ncr_emu_s3_xml(s3, "ListPartsResult");
    ncr_emu_s3_element(out, "Bucket", s3->name);
    ncr_emu_s3_element(out, "Key", s3->key);
    ncr_emu_s3_element(out, "UploadId", upload->id);
    ncr_emu_s3_number(out, "PartNumberMarker", marker);
    ncr_emu_s3_number(out, "NextPartNumberMarker", end > at ? upload->parts[end - 1].number : marker);
    ncr_emu_s3_number(out, "MaxParts", maximum);
    ncr_emu_s3_element(out, "IsTruncated", end < upload->part_count ? "true" : "false");
    if (upload->checksum_kind != NCR_EMU_CHECKSUM_NONE) {
        ncr_emu_s3_element(out, "ChecksumAlgorithm", ncr_emu_checksum_name(upload->checksum_kind));
        ncr_emu_s3_element(out, "ChecksumType", upload->checksum_is_composite ? "COMPOSITE" : "FULL_OBJECT");
    }
    ncr_emu_s3_element(out, "StorageClass", "STANDARD");
    for (; at < end; at++)
        append_part(out, upload, &upload->parts[at]);
    ncr_text_append(out, "</ListPartsResult>");
    ncr_emu_upload_release(upload);
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

/* By key, then by the time they began. */
static int compare_uploads(const void *a, const void *b)
{
    const json_t *first = *(json_t *const *)a, *second = *(json_t *const *)b;
    int order = strcmp(text_of(first, "key"), text_of(second, "key"));
    json_int_t first_ms = json_integer_value(json_object_get(first, "began_ms"));
    json_int_t second_ms = json_integer_value(json_object_get(second, "began_ms"));
    if (order || first_ms != second_ms)
        return order ? order : first_ms < second_ms ? -1 : 1;
    return strcmp(text_of(first, "id"), text_of(second, "id"));
}

static void append_upload(ncr_buffer *out, const json_t *upload)
{
    ncr_text_append(out, "<Upload>");
    ncr_emu_s3_element(out, "Key", text_of(upload, "key"));
    ncr_emu_s3_element(out, "UploadId", text_of(upload, "id"));
    ncr_emu_s3_element(out, "StorageClass", "STANDARD");
    ncr_emu_s3_time(out, "Initiated", json_integer_value(json_object_get(upload, "began_ms")));
    ncr_text_append(out, "</Upload>");
}

/* Whether an upload comes after the markers of the request. */
static bool is_after(const json_t *upload, const char *key_marker, const char *id_marker, bool *passed)
{
    int order = key_marker ? strcmp(text_of(upload, "key"), key_marker) : 1;
    if (order != 0 || !id_marker || !*id_marker)
        return order > 0;
    bool after = *passed;
    *passed |= strcmp(text_of(upload, "id"), id_marker) == 0;
    return after;
}

static void append_uploads(ncr_emu_s3 *s3, json_t *const *sorted, size_t count, uint64_t maximum)
{
    const char *prefix = ncr_emu_parameter(s3->request, "prefix");
    const char *key_marker = ncr_emu_parameter(s3->request, "key-marker");
    const char *id_marker = ncr_emu_parameter(s3->request, "upload-id-marker");
    ncr_buffer *out = &s3->reply->body;
    const json_t *last = NULL;
    size_t written = 0;
    bool passed = false, truncated = false;
    for (size_t i = 0; i < count && !truncated; i++) {
        if ((prefix && !ncr_text_starts(text_of(sorted[i], "key"), prefix)) ||
            !is_after(sorted[i], key_marker, id_marker, &passed))
            continue;
        truncated = written == maximum;
        if (truncated)
            break;
        append_upload(out, sorted[i]);
        last = sorted[i];
        written++;
    }
    ncr_emu_s3_element(out, "IsTruncated", truncated ? "true" : "false");
    if (truncated && last) {
        ncr_emu_s3_element(out, "NextKeyMarker", text_of(last, "key"));
        ncr_emu_s3_element(out, "NextUploadIdMarker", text_of(last, "id"));
    }
}

void ncr_emu_s3_list_uploads(ncr_emu_s3 *s3)
{
    uint64_t maximum;
    if (!read_maximum(s3, "max-uploads", &maximum))
        return;
    if (ncr_emu_parameter(s3->request, "delimiter")) {
        ncr_emu_s3_refuse(s3, "NotImplemented", "The emulator lists uploads without a delimiter.");
        return;
    }
    json_t *all = ncr_emu_uploads_describe(s3->request->server->uploads, s3->name);
    size_t count = json_array_size(all);
    json_t **sorted = calloc(count + 1, sizeof(json_t *));
    if (!sorted) {
        json_decref(all);
        ncr_emu_s3_error(s3, "InternalError", NULL);
        return;
    }
    for (size_t i = 0; i < count; i++)
        sorted[i] = json_array_get(all, i);
    qsort(sorted, count, sizeof(json_t *), compare_uploads);
    ncr_buffer *out = &s3->reply->body;
    ncr_emu_s3_xml(s3, "ListMultipartUploadsResult");
    ncr_emu_s3_element(out, "Bucket", s3->name);
    ncr_emu_s3_element(out, "Prefix", ncr_emu_parameter(s3->request, "prefix"));
    ncr_emu_s3_element(out, "KeyMarker", ncr_emu_parameter(s3->request, "key-marker"));
    ncr_emu_s3_element(out, "UploadIdMarker", ncr_emu_parameter(s3->request, "upload-id-marker"));
    ncr_emu_s3_number(out, "MaxUploads", maximum);
    append_uploads(s3, sorted, count, maximum);
    ncr_text_append(out, "</ListMultipartUploadsResult>");
    free(sorted);
    json_decref(all);
}
