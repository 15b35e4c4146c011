/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "google.h"
#include "keys.h"
#include "s3.h"
#include "s3_body.h"

/* Objects of the S3 interface: get, head, put, delete. */

enum { UPLOAD_MAX_GIB = 5 };

/* --- Reading --- */

/* The order of the conditions is that of RFC 9110 section 13.2.2, as Amazon's page of GetObject has it. */
static int check_read(const ncr_emu_request *request, const ncr_emu_object *object, const char *etag)
{
    if (ncr_emu_fault_ignores_conditions(&request->fault))
        return 200;
    const char *match = ncr_emu_header(request, "If-Match"), *none_match = ncr_emu_header(request, "If-None-Match");
    const char *since = ncr_emu_header(request, "If-Modified-Since");
    const char *unchanged = ncr_emu_header(request, "If-Unmodified-Since");
    int64_t seconds = object->updated_ms / 1000;
    int64_t unchanged_ms = unchanged ? ncr_emu_parse_http_time(unchanged) : -1;
    int64_t since_ms = since ? ncr_emu_parse_http_time(since) : -1;
    if (match && !ncr_emu_etag_listed(match, etag))
        return 412;
    if (!match && unchanged_ms >= 0 && seconds > unchanged_ms / 1000)
        return 412;
    if (none_match)
        return ncr_emu_etag_listed(none_match, etag) ? 304 : 200;
    return since_ms >= 0 && seconds <= since_ms / 1000 ? 304 : 200;
}

/* What the client set, each with the query's parameter that overrides it in one answer. */
static const struct {
    const char *field, *header, *parameter;
} stored_headers[] = {
    {"contentType", "Content-Type", "response-content-type"},
    {"cacheControl", "Cache-Control", "response-cache-control"},
    {"contentDisposition", "Content-Disposition", "response-content-disposition"},
    {"contentEncoding", "Content-Encoding", "response-content-encoding"},
    {"contentLanguage", "Content-Language", "response-content-language"},
    {"expires", "Expires", "response-expires"},
};

void ncr_emu_s3_version_header(ncr_emu_s3 *s3, const ncr_emu_object *object)
{
    char id[NCR_EMU_VERSION_ID_SIZE];
    char *versioning = object->versioned ? NULL : ncr_emu_bucket_setting(s3->bucket, "versioning");
    ncr_emu_version_id(object, id);
    if (object->versioned || versioning)
        ncr_emu_reply_header(s3->reply, "x-amz-version-id", "%s", id);
    free(versioning);
}

/* Checksums are told where they are asked for, and of the whole object alone. */
static void checksum_headers(ncr_emu_s3 *s3, const ncr_emu_object *object)
{
    const char *mode = ncr_emu_header(s3->request, "x-amz-checksum-mode");
    const char *value = json_string_value(json_object_get(object->s3, "checksum"));
    ncr_emu_checksum_kind kind =
        ncr_emu_checksum_by_name(json_string_value(json_object_get(object->s3, "checksum_kind")));
    const char *type = json_string_value(json_object_get(object->s3, "checksum_type"));
    if (!mode || !ncr_text_equal_nocase(mode, "ENABLED") || !value || kind == NCR_EMU_CHECKSUM_NONE ||
        s3->reply->status == 206)
        return;
    ncr_emu_reply_header(s3->reply, ncr_emu_checksum_header(kind), "%s", value);
    ncr_emu_reply_header(s3->reply, "x-amz-checksum-type", "%s", type ? type : "FULL_OBJECT");
}

static void object_headers(ncr_emu_s3 *s3, const ncr_emu_object *object, const char *etag)
{
    char modified[NCR_EMU_TIME_SIZE];
    ncr_emu_http_time(object->updated_ms, modified);
    ncr_emu_reply_header(s3->reply, "ETag", "%s", etag);
    ncr_emu_reply_header(s3->reply, "Last-Modified", "%s", modified);
    ncr_emu_s3_version_header(s3, object);
}

static void content_headers(ncr_emu_s3 *s3, const ncr_emu_object *object)
{
    ncr_emu_reply_header(s3->reply, "Accept-Ranges", "bytes");
    ncr_emu_reply_header(s3->reply, "x-amz-server-side-encryption", "AES256");
    for (size_t i = 0; i < sizeof stored_headers / sizeof *stored_headers; i++) {
        const char *value = ncr_emu_parameter(s3->request, stored_headers[i].parameter);
        value = value ? value
                      : ncr_emu_object_field(object, stored_headers[i].field, i == 0 ? "binary/octet-stream" : NULL);
        if (value && !strpbrk(value, "\r\n"))
            ncr_emu_reply_header(s3->reply, stored_headers[i].header, "%s", value);
    }
    const char *name;
    json_t *value;
    json_object_foreach (json_object_get(object->fields, "metadata"), name, value) {
        char *header = ncr_text_format("x-amz-meta-%s", name);
        if (header && json_is_string(value))
            ncr_emu_reply_header(s3->reply, header, "%s", json_string_value(value));
        free(header);
    }
    checksum_headers(s3, object);
}

static void invalid_range(ncr_emu_s3 *s3, uint64_t size)
{
    ncr_buffer detail;
    ncr_buffer_init(&detail, 1 << 16);
    ncr_emu_s3_element(&detail, "RangeRequested", ncr_emu_header(s3->request, "Range"));
    ncr_emu_s3_number(&detail, "ActualObjectSize", size);
    ncr_emu_s3_error(s3, "InvalidRange", (const char *)detail.data);
    ncr_buffer_clear(&detail);
}

/* The error where a marker is what there is of the key or the version. */
static void is_marker(ncr_emu_s3 *s3, const ncr_emu_object *marker, bool asked)
{
    char id[NCR_EMU_VERSION_ID_SIZE];
    ncr_emu_version_id(marker, id);
    ncr_emu_s3_error(s3, asked ? "MethodNotAllowed" : "NoSuchKey", NULL);
    ncr_emu_reply_header(s3->reply, "x-amz-delete-marker", "true");
    ncr_emu_reply_header(s3->reply, "x-amz-version-id", "%s", id);
    if (asked)
        ncr_emu_reply_header(s3->reply, "Allow", "DELETE");
}

/* The object of the key, or its version of versionId; NULL: the error is in the reply. */
static ncr_emu_object *find(ncr_emu_s3 *s3, int *fd)
{
    const char *id = ncr_emu_parameter(s3->request, "versionId");
    if (id && !ncr_emu_version_id_is_valid(id)) {
        ncr_emu_s3_refuse(s3, "InvalidArgument", "Invalid version id specified");
        return NULL;
    }
    ncr_emu_object *object = id ? NULL : ncr_emu_read_object(s3->request, s3->bucket, s3->key, fd);
    if (!object)
        object = ncr_emu_version_get(s3->bucket, s3->key, id, fd);
    if (object && !object->marker)
        return object;
    /* Who may not list a bucket may not know either what is missing in it. */
    if (object)
        is_marker(s3, object, id != NULL);
    else if (ncr_emu_s3_access_is_unlisted(s3->request->server->s3_access, s3->name))
        ncr_emu_s3_error(s3, "AccessDenied", NULL);
    else
        ncr_emu_s3_error(s3, id ? "NoSuchVersion" : "NoSuchKey", NULL);
    ncr_emu_object_unref(object);
    return NULL;
}

void ncr_emu_s3_get(ncr_emu_s3 *s3)
{
    int fd;
    char etag[NCR_EMU_ETAG_SIZE];
    if (ncr_emu_parameter(s3->request, "partNumber")) {
        ncr_emu_s3_refuse(s3, "NotImplemented", "The emulator does not read by partNumber.");
        return;
    }
    ncr_emu_object *object = find(s3, &fd);
    if (!object)
        return;
    ncr_emu_object_s3_etag(object, etag);
    int status = check_read(s3->request, object, etag);
    if (status == 412) {
        ncr_emu_s3_error(s3, "PreconditionFailed", NULL);
        close(fd);
    } else if (status == 304) {
        s3->reply->status = 304;
        object_headers(s3, object, etag);
        close(fd);
    } else if (ncr_emu_reply_range(s3->request, s3->reply, fd, object->size)) {
        object_headers(s3, object, etag);
        content_headers(s3, object);
    } else {
        invalid_range(s3, object->size);
    }
    ncr_emu_object_unref(object);
}

/* --- Writing --- */

static enum MHD_Result take_metadata(void *user, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    static const char prefix[] = "x-amz-meta-";
    json_t *metadata = user;
    char lower[256];
    size_t length = strlen(name);
    if (!value || !ncr_text_starts_nocase(name, prefix) || length >= sizeof lower)
        return MHD_YES;
    for (size_t i = 0; i <= length; i++)
        lower[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32 : name[i]);
    json_object_set_new(metadata, lower + strlen(prefix), json_string(value));
    return MHD_YES;
}

/* Content-Encoding without "aws-chunked", which is of the transport; NULL: nothing is left. */
static char *real_encoding(const char *value)
{
    static const char chunked[] = "aws-chunked";
    if (!ncr_text_starts_nocase(value, chunked))
        return ncr_text_copy(value);
    value += strlen(chunked);
    value += strspn(value, ", ");
    return *value ? ncr_text_copy(value) : NULL;
}

json_t *ncr_emu_s3_fields(ncr_emu_s3 *s3)
{
    json_t *fields = json_object(), *metadata = json_object();
    for (size_t i = 0; i < sizeof stored_headers / sizeof *stored_headers; i++) {
        const char *value = ncr_emu_header(s3->request, stored_headers[i].header);
        char *kept = value ? real_encoding(value) : NULL;
        if (kept)
            json_object_set_new(fields, stored_headers[i].field, json_string(kept));
        free(kept);
    }
    MHD_get_connection_values(s3->request->connection, MHD_HEADER_KIND, take_metadata, metadata);
    if (json_object_size(metadata))
        json_object_set(fields, "metadata", metadata);
    json_decref(metadata);
    return fields;
}

bool ncr_emu_s3_write_condition(ncr_emu_s3 *s3, ncr_emu_condition *out)
{
    *out = (ncr_emu_condition){.s3 = true};
    if (ncr_emu_fault_ignores_conditions(&s3->request->fault))
        return true;
    out->if_match = ncr_emu_header(s3->request, "If-Match");
    out->if_none_match = ncr_emu_header(s3->request, "If-None-Match");
    if (s3->request->fault.kind == NCR_EMU_FAULT_CONFLICT && (out->if_match || out->if_none_match)) {
        ncr_emu_s3_error(s3, "ConditionalRequestConflict", NULL);
        return false;
    }
    if (!out->if_none_match || (strcmp(out->if_none_match, "*") == 0 && !out->if_match))
        return true;
    ncr_emu_s3_refuse(s3, "NotImplemented", "A write takes If-None-Match: * or If-Match with an ETag, one of them.");
    return false;
}

static void commit(ncr_emu_s3 *s3, ncr_emu_commit *commit_options, const ncr_emu_s3_body *body)
{
    ncr_emu_object *object = NULL;
    commit_options->keeps_previous = s3->request->server->root->keeps_previous;
    int status = ncr_emu_object_commit(s3->bucket, commit_options, &object);
    if (status != 200) {
        ncr_emu_s3_status_error(s3, status);
        return;
    }
    char etag[NCR_EMU_ETAG_SIZE];
    ncr_emu_object_s3_etag(object, etag);
    ncr_emu_reply_header(s3->reply, "ETag", "%s", etag);
    ncr_emu_reply_header(s3->reply, "x-amz-server-side-encryption", "AES256");
    ncr_emu_reply_header(s3->reply, ncr_emu_checksum_header(body->kind), "%s", body->checksum);
    ncr_emu_reply_header(s3->reply, "x-amz-checksum-type", "FULL_OBJECT");
    ncr_emu_s3_version_header(s3, object);
    ncr_emu_object_unref(object);
}

void ncr_emu_s3_put(ncr_emu_s3 *s3)
{
    ncr_emu_commit options = {.key = s3->key};
    ncr_emu_s3_body body;
    if (!ncr_emu_s3_write_condition(s3, &options.condition) || !ncr_emu_s3_body_take(s3, &body))
        return;
    if (body.draft->size > (uint64_t)UPLOAD_MAX_GIB << 30) {
        ncr_emu_s3_error(s3, "EntityTooLarge", NULL);
    } else if (ncr_emu_s3_body_add_checksum(s3, &body)) {
        options.draft = body.draft;
        options.fields = ncr_emu_s3_fields(s3);
        options.s3 = json_pack("{s:s, s:s, s:s}", "checksum", body.checksum, "checksum_kind",
                               ncr_emu_checksum_name(body.kind), "checksum_type", "FULL_OBJECT");
        commit(s3, &options, &body);
        json_decref(options.fields);
        json_decref(options.s3);
    }
    ncr_emu_draft_free(body.draft);
}
