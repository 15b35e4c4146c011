/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/text.h"
#include "google.h"
#include "keys.h"

/* Uploads of the JSON interface: media, multipart and resumable. Resumable ones of the XML interface are the same but
 * for their beginning and the form of what is said. */

enum { CHUNK_MIN = 256 << 10 }; /* of all but the last chunk of a resumable upload */

static json_t *fields_of(const json_t *resource, const char *content_type)
{
    static const char *const names[] = {"cacheControl",    "contentEncoding", "contentDisposition",
                                        "contentLanguage", "metadata",        "customTime"};
    json_t *fields = json_object();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        json_t *value = json_object_get(resource, names[i]);
        if (value)
            json_object_set(fields, names[i], value);
    }
    const char *own = json_string_value(json_object_get(resource, "contentType"));
    if (own || content_type)
        json_object_set_new(fields, "contentType", json_string(own ? own : content_type));
    return fields;
}

/* The digests that the resource claims; false where the draft's are others. */
static bool resource_digest_matches(const json_t *resource, const ncr_emu_draft *draft)
{
    const char *crc_claimed = json_string_value(json_object_get(resource, "crc32c"));
    char crc[NCR_EMU_CRC_BASE64_SIZE];
    ncr_emu_crc_base64(draft->hash.crc32c, crc);
    return !crc_claimed || strcmp(crc_claimed, crc) == 0;
}

static void refuse_digest(ncr_emu_reply *reply, ncr_emu_draft *draft)
{
    ncr_emu_draft_free(draft);
    ncr_emu_json_error(reply, 400, "The digest that was sent is not that of the content.");
}

/* --- Media: the body is the object --- */

static void media_upload(ncr_emu_request *request, ncr_emu_bucket *bucket, ncr_emu_reply *reply)
{
    const char *key = ncr_emu_parameter(request, "name"), *type = ncr_emu_header(request, "Content-Type");
    if (!key || !ncr_emu_key_is_valid(key)) {
        ncr_emu_json_error(reply, 400, "Required or invalid object name.");
        return;
    }
    ncr_emu_commit commit = {.key = key, .draft = ncr_emu_body_take(request)};
    if (!commit.draft) {
        ncr_emu_json_error(reply, 500, NULL);
        return;
    }
    if (!ncr_emu_digest_matches(request, commit.draft)) {
        refuse_digest(reply, commit.draft);
        return;
    }
    commit.fields = fields_of(NULL, type);
    ncr_emu_query_condition(request, "if", &commit.condition);
    ncr_emu_json_commit(request, bucket, &commit, reply);
    json_decref(commit.fields);
}

/* --- Multipart: RFC 2387, the resource, then the content --- */

/* A part of a body in memory. */
typedef struct slice {
    const char *data;
    size_t size;
} slice;

static const char *find(slice text, const char *word, size_t length)
{
    return length ? memmem(text.data, text.size, word, length) : NULL;
}

/* Takes the next part off *rest: from behind a boundary to before the next. */
static bool next_part(slice *rest, const char *boundary, slice *head, slice *content)
{
    size_t length = strlen(boundary);
    const char *end = rest->data + rest->size, *begin = find(*rest, boundary, length);
    if (!begin)
        return false;
    slice after = {begin + length, (size_t)(end - begin) - length};
    const char *line = find(after, "\n", 1);
    if (!line)
        return false;
    after = (slice){line + 1, (size_t)(end - line) - 1};
    char *closing = ncr_text_format("\n%s", boundary);
    const char *stop = closing ? find(after, closing, strlen(closing)) : NULL;
    free(closing);
    if (!stop)
        return false;
    *rest = (slice){stop + 1, (size_t)(end - stop) - 1};
    if (stop > after.data && stop[-1] == '\r')
        stop--;
    slice part = {after.data, (size_t)(stop - after.data)};
    const char *blank = find(part, "\r\n\r\n", 4), *short_blank = blank ? NULL : find(part, "\n\n", 2);
    if (part.size >= 2 && memcmp(part.data, "\r\n", 2) == 0)
        blank = part.data - 2; /* no headers */
    if (!blank && !short_blank)
        return false;
    const char *body = blank ? blank + 4 : short_blank + 2;
    *head = (slice){part.data,
                    blank ? (size_t)(blank < part.data ? 0 : blank - part.data) : (size_t)(short_blank - part.data)};
    *content = (slice){body, (size_t)(stop - body)};
    return true;
}

/* The Content-Type among a part's headers; malloc'd, NULL where there is none. */
static char *part_type(slice head)
{
    char *text = ncr_text_copy_n(head.data, head.size), *type = NULL, *save = NULL;
    for (char *line = text ? strtok_r(text, "\r\n", &save) : NULL; line && !type; line = strtok_r(NULL, "\r\n", &save))
        if (ncr_text_starts_nocase(line, "Content-Type:")) {
            const char *value = line + strlen("Content-Type:");
            type = ncr_text_copy(value + strspn(value, " \t"));
        }
    free(text);
    return type;
}

/* "--" and the boundary of a Content-Type; malloc'd, NULL where there is none. */
static char *boundary_of(const char *content_type)
{
    const char *at = content_type ? strstr(content_type, "boundary=") : NULL;
    if (!at)
        return NULL;
    at += strlen("boundary=");
    char quote = *at == '"' || *at == '\'' ? *at : '\0';
    at += quote != '\0';
    size_t length = quote ? strcspn(at, quote == '"' ? "\"" : "'") : strcspn(at, "; \t");
    return length ? ncr_text_format("--%.*s", (int)length, at) : NULL;
}

static void commit_parts(ncr_emu_request *request, ncr_emu_bucket *bucket, const json_t *resource, slice content,
                         const char *type, ncr_emu_reply *reply)
{
    const char *in_query = ncr_emu_parameter(request, "name");
    const char *key = in_query ? in_query : json_string_value(json_object_get(resource, "name"));
    if (!json_is_object(resource) || !key || !ncr_emu_key_is_valid(key)) {
        ncr_emu_json_error(reply, 400, "Required or invalid object name.");
        return;
    }
    ncr_emu_commit commit = {.key = key, .draft = ncr_emu_draft_new(request->server->root->tmp_directory)};
    if (!commit.draft) {
        ncr_emu_json_error(reply, 500, NULL);
        return;
    }
    ncr_emu_draft_write(commit.draft, content.data, content.size);
    if (!resource_digest_matches(resource, commit.draft)) {
        refuse_digest(reply, commit.draft);
        return;
    }
    commit.fields = fields_of(resource, type);
    ncr_emu_query_condition(request, "if", &commit.condition);
    ncr_emu_json_commit(request, bucket, &commit, reply);
    json_decref(commit.fields);
}

static void parse_multipart(ncr_emu_request *request, ncr_emu_bucket *bucket, slice body, ncr_emu_reply *reply)
{
    slice head, json_text, content_head, content;
    char *boundary = boundary_of(ncr_emu_header(request, "Content-Type"));
    bool good = boundary && next_part(&body, boundary, &head, &json_text) &&
                next_part(&body, boundary, &content_head, &content);
    free(boundary);
    if (!good) {
        ncr_emu_json_error(reply, 400, "Malformed multipart body.");
        return;
    }
    json_t *resource = json_loadb(json_text.data, json_text.size, 0, NULL);
    char *type = part_type(content_head);
    commit_parts(request, bucket, resource, content, type, reply);
    free(type);
    json_decref(resource);
}

static void multipart_upload(ncr_emu_request *request, ncr_emu_bucket *bucket, ncr_emu_reply *reply)
{
    size_t size = request->body ? (size_t)request->body->size : 0;
    void *map = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, request->body->fd, 0) : MAP_FAILED;
    if (map == MAP_FAILED) {
        ncr_emu_json_error(reply, size ? 500 : 400, NULL);
        return;
    }
    parse_multipart(request, bucket, (slice){map, size}, reply);
    munmap(map, size);
}

/* --- Resumable --- */

static bool is_json(const ncr_emu_request *request)
{
    return ncr_text_starts(request->path, "/upload/");
}

static void fail(const ncr_emu_request *request, ncr_emu_reply *reply, int status, const char *message)
{
    if (is_json(request))
        ncr_emu_json_error(reply, status, message);
    else if (message)
        ncr_emu_xml_error(reply, status, status == 404 ? "NoSuchUpload" : "InvalidArgument", message);
    else
        ncr_emu_xml_commit_error(reply, status);
}

static void say_object(const ncr_emu_request *request, const ncr_emu_bucket *bucket, const ncr_emu_object *object,
                       ncr_emu_reply *reply)
{
    char etag[NCR_EMU_ETAG_SIZE];
    if (is_json(request)) {
        ncr_emu_reply_json(reply, 200, ncr_emu_object_resource(request, bucket, object));
        return;
    }
    ncr_emu_object_xml_etag(object, etag);
    ncr_emu_object_headers(reply, object, etag);
}

/* Begins a session whose URL is `place` and its id. */
static void begin_session(ncr_emu_request *request, const ncr_emu_upload *wanted, const char *place,
                          ncr_emu_reply *reply)
{
    ncr_emu_upload *upload =
        ncr_emu_upload_begin(request->server->uploads, wanted->bucket, wanted->key, wanted->fields, &wanted->condition);
    if (upload)
        upload->draft = ncr_emu_draft_new(request->server->root->tmp_directory);
    if (upload && upload->draft) {
        ncr_emu_reply_header(reply, "Location", "%s%supload_id=%s", request->server->address, place, upload->id);
        ncr_emu_reply_header(reply, "X-GUploader-UploadID", "%s", upload->id);
        reply->status = is_json(request) ? 200 : 201;
    } else {
        fail(request, reply, 500, NULL);
    }
    ncr_emu_upload_release(upload);
}

void ncr_emu_xml_resumable_begin(ncr_emu_request *request, ncr_emu_bucket *bucket, const char *key,
                                 ncr_emu_reply *reply)
{
    ncr_emu_upload wanted = {.bucket = bucket->name, .key = (char *)key, .fields = ncr_emu_xml_fields(request)};
    char *place = ncr_text_format("%s?", request->path);
    ncr_emu_header_condition(request, &wanted.condition);
    wanted.condition.if_match = wanted.condition.if_none_match = NULL;
    if (request->bad || !place)
        fail(request, reply, request->bad ? 400 : 500, NULL);
    else
        begin_session(request, &wanted, place, reply);
    free(place);
    json_decref(wanted.fields);
}

static void begin_resumable(ncr_emu_request *request, ncr_emu_bucket *bucket, ncr_emu_reply *reply)
{
    json_t *resource = ncr_emu_body_json(request);
    const char *in_query = ncr_emu_parameter(request, "name");
    const char *key = in_query ? in_query : json_string_value(json_object_get(resource, "name"));
    ncr_emu_condition condition;
    ncr_emu_query_condition(request, "if", &condition);
    if (!json_is_object(resource) || !key || !ncr_emu_key_is_valid(key) || request->bad) {
        ncr_emu_json_error(reply, 400, "Required or invalid object name.");
        json_decref(resource);
        return;
    }
    ncr_emu_upload wanted = {.bucket = bucket->name, .key = (char *)key, .condition = condition};
    char *place = ncr_text_format("/upload/storage/v1/b/%s/o?uploadType=resumable&", bucket->name);
    wanted.fields = fields_of(resource, ncr_emu_header(request, "X-Upload-Content-Type"));
    if (place)
        begin_session(request, &wanted, place, reply);
    else
        ncr_emu_json_error(reply, 500, NULL);
    free(place);
    json_decref(wanted.fields);
    json_decref(resource);
}

/* Content-Range of a chunk: "bytes A-B/N", "bytes A-B/[*]", "bytes [*]/N" or "bytes [*]/[*]". */
typedef struct chunk {
    bool has_bytes, has_total;
    uint64_t first, last, total;
} chunk;

static bool parse_content_range(const char *text, chunk *out)
{
    *out = (chunk){0};
    const char *slash = strchr(text, '/');
    if (!ncr_text_starts(text, "bytes ") || !slash)
        return false;
    if (strcmp(slash + 1, "*") != 0) {
        if (!ncr_text_to_uint64(slash + 1, &out->total))
            return false;
        out->has_total = true;
    }
    char range[64];
    snprintf(range, sizeof range, "%.*s", (int)(slash - text - 6), text + 6);
    if (strcmp(range, "*") == 0)
        return true;
    char *dash = strchr(range, '-');
    if (!dash)
        return false;
    *dash = '\0';
    out->has_bytes = true;
    return ncr_text_to_uint64(range, &out->first) && ncr_text_to_uint64(dash + 1, &out->last) &&
           out->first <= out->last && (!out->has_total || out->last < out->total);
}

static void resume_incomplete(ncr_emu_reply *reply, const ncr_emu_draft *draft)
{
    reply->status = 308;
    if (draft->size)
        ncr_emu_reply_header(reply, "Range", "bytes=0-%llu", (unsigned long long)draft->size - 1);
}

static void finish_resumable(ncr_emu_request *request, ncr_emu_bucket *bucket, ncr_emu_upload *upload,
                             ncr_emu_reply *reply)
{
    ncr_emu_commit commit = {
        .key = upload->key, .draft = upload->draft, .fields = upload->fields, .condition = upload->condition};
    commit.keeps_previous = request->server->root->keeps_previous;
    int status = ncr_emu_object_commit(bucket, &commit, &upload->object);
    if (status == 200)
        say_object(request, bucket, upload->object, reply);
    else
        fail(request, reply, status, NULL);
    if (status != 500) { /* a failed precondition ends the session */
        ncr_emu_draft_free(upload->draft);
        upload->draft = NULL;
    }
    if (status == 412 || status == 304)
        ncr_emu_upload_forget(request->server->uploads, upload);
}

/* Appends what of the body lies beyond the bytes that are there. A status: 200, 308 (a gap), 400 or 500. */
static int append_chunk(ncr_emu_request *request, ncr_emu_upload *upload, const chunk *range)
{
    uint64_t have = upload->draft->size, got = request->body ? request->body->size : 0;
    bool is_final = range->has_total && range->first + got >= range->total;
    if (range->has_bytes && range->last - range->first + 1 != got)
        return 400;
    if (got && !is_final && got < CHUNK_MIN)
        return 400;
    if (range->first > have)
        return 308;
    uint64_t known = have - range->first;
    if (known >= got)
        return 200;
    return ncr_emu_draft_write_fd(upload->draft, request->body->fd, known, got - known) ? 200 : 500;
}

static void put_chunk(ncr_emu_request *request, ncr_emu_bucket *bucket, ncr_emu_upload *upload, ncr_emu_reply *reply)
{
    const char *text = ncr_emu_header(request, "Content-Range");
    chunk range = {.has_total = text == NULL};
    if (upload->object) { /* a query for an upload that is done */
        say_object(request, bucket, upload->object, reply);
        return;
    }
    if (text && !parse_content_range(text, &range)) {
        fail(request, reply, 400, "Malformed Content-Range.");
        return;
    }
    if (!text) { /* the whole object in one request */
        range.first = 0;
        range.total = request->body ? request->body->size : 0;
    }
    int status = append_chunk(request, upload, &range);
    bool complete = range.has_total && upload->draft->size == range.total;
    if (status == 400 || status == 500)
        fail(request, reply, status, NULL);
    else if (complete)
        finish_resumable(request, bucket, upload, reply);
    else
        resume_incomplete(reply, upload->draft);
}

void ncr_emu_resumable_continue(ncr_emu_request *request, ncr_emu_bucket *bucket, const char *id, ncr_emu_reply *reply)
{
    ncr_emu_upload *upload = ncr_emu_upload_get(request->server->uploads, id);
    if (!upload || strcmp(upload->bucket, bucket->name) != 0 || (!upload->draft && !upload->object)) {
        fail(request, reply, 404, "No such upload session.");
    } else if (strcmp(request->method, "DELETE") == 0) {
        ncr_emu_upload_forget(request->server->uploads, upload);
        reply->status = 499; /* as Google answers to a cancelled session */
    } else {
        put_chunk(request, bucket, upload, reply);
    }
    ncr_emu_upload_release(upload);
}

void ncr_emu_json_upload(ncr_emu_request *request, ncr_emu_bucket *bucket, ncr_emu_reply *reply)
{
    const char *type = ncr_emu_parameter(request, "uploadType"), *id = ncr_emu_parameter(request, "upload_id");
    bool post = strcmp(request->method, "POST") == 0;
    if (id)
        ncr_emu_resumable_continue(request, bucket, id, reply);
    else if (!post || !type)
        ncr_emu_json_error(reply, post ? 400 : 405, "uploadType is required.");
    else if (strcmp(type, "media") == 0)
        media_upload(request, bucket, reply);
    else if (strcmp(type, "multipart") == 0)
        multipart_upload(request, bucket, reply);
    else if (strcmp(type, "resumable") == 0)
        begin_resumable(request, bucket, reply);
    else
        ncr_emu_json_error(reply, 400, "uploadType must be media, multipart or resumable.");
}
