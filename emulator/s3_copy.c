/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "keys.h"
#include "s3.h"

/* Copies of the S3 interface, of whole objects and of what becomes a part. */

/* The preconditions on the source; Amazon's page of CopyObject says how two of them go together. */
static bool source_holds(ncr_emu_s3 *s3, const ncr_emu_object *source)
{
    char etag[NCR_EMU_ETAG_SIZE];
    const ncr_emu_request *request = s3->request;
    if (ncr_emu_fault_ignores_conditions(&request->fault))
        return true;
    const char *match = ncr_emu_header(request, "x-amz-copy-source-if-match");
    const char *none_match = ncr_emu_header(request, "x-amz-copy-source-if-none-match");
    const char *since = ncr_emu_header(request, "x-amz-copy-source-if-modified-since");
    const char *unchanged = ncr_emu_header(request, "x-amz-copy-source-if-unmodified-since");
    int64_t seconds = source->updated_ms / 1000;
    ncr_emu_object_s3_etag(source, etag);
    if (match && !ncr_emu_etag_listed(match, etag))
        return false;
    int64_t unchanged_ms = unchanged ? ncr_emu_parse_http_time(unchanged) : -1;
    if (!match && unchanged_ms >= 0 && seconds > unchanged_ms / 1000)
        return false;
    if (none_match && ncr_emu_etag_listed(none_match, etag))
        return false;
    int64_t since_ms = since ? ncr_emu_parse_http_time(since) : -1;
    return none_match || since_ms < 0 || seconds > since_ms / 1000;
}

/* query: "versionId=ID", or "". NULL: the error is in the reply. */
static ncr_emu_object *get_source(ncr_emu_s3 *s3, ncr_emu_bucket *bucket, const char *key, const char *query, int *fd)
{
    const char *id = ncr_text_starts(query, "versionId=") ? query + strlen("versionId=") : NULL;
    ncr_emu_object *source = ncr_emu_version_get(bucket, key, id, fd);
    if (source && source->marker) {
        ncr_emu_object_unref(source);
        source = NULL;
    }
    if (!source)
        ncr_emu_s3_error(s3, id ? "NoSuchVersion" : "NoSuchKey", NULL);
    else if (source->versioned)
        ncr_emu_reply_header(s3->reply, "x-amz-copy-source-version-id", "%032llx",
                             (unsigned long long)source->generation);
    return source;
}

ncr_emu_object *ncr_emu_s3_copy_source(ncr_emu_s3 *s3, int *fd)
{
    const char *from = ncr_emu_header(s3->request, "x-amz-copy-source");
    from += *from == '/';
    size_t whole = strcspn(from, "?"), length = strcspn(from, "/");
    char *name = ncr_emu_decode(from, length < whole ? length : whole);
    char *key = length < whole ? ncr_emu_decode(from + length + 1, whole - length - 1) : NULL;
    ncr_emu_object *source = NULL;
    *fd = -1;
    ncr_emu_bucket *bucket = name ? ncr_emu_bucket_get(s3->request->server->root, name) : NULL;
    if (!name || !key || !ncr_emu_key_is_valid(key))
        ncr_emu_s3_refuse(s3, "InvalidArgument", "x-amz-copy-source is /BUCKET/KEY, percent-encoded.");
    else if (!bucket)
        ncr_emu_s3_error(s3, "NoSuchBucket", NULL);
    else if (!ncr_emu_s3_allowed(s3, name))
        bucket = NULL; /* the error is told */
    else
        source = get_source(s3, bucket, key, from[whole] ? from + whole + 1 : "", fd);
    free(name);
    free(key);
    if (!source || source_holds(s3, source))
        return source;
    ncr_emu_s3_error(s3, "PreconditionFailed", NULL);
    close(*fd);
    *fd = -1;
    ncr_emu_object_unref(source);
    return NULL;
}

static bool is_same_object(ncr_emu_s3 *s3)
{
    const char *from = ncr_emu_header(s3->request, "x-amz-copy-source");
    char *path = ncr_text_format("%s/%s", s3->name, s3->key);
    char *source = ncr_emu_decode(from + (*from == '/'), strlen(from + (*from == '/')));
    bool same = path && source && strcmp(path, source) == 0;
    free(path);
    free(source);
    return same;
}

/* The checksum of the copy: of the kind that is asked for, else of the source's; false: out of disk or memory. */
static bool add_checksum(ncr_emu_s3 *s3, const ncr_emu_object *source, ncr_emu_commit *options)
{
    char checksum[NCR_EMU_CHECKSUM_BASE64_SIZE];
    const char *asked = ncr_emu_header(s3->request, "x-amz-checksum-algorithm");
    const char *had = json_string_value(json_object_get(source->s3, "checksum_kind"));
    ncr_emu_checksum_kind kind = ncr_emu_checksum_by_name(asked ? asked : had);
    kind = kind == NCR_EMU_CHECKSUM_NONE ? NCR_EMU_CHECKSUM_CRC64NVME : kind;
    if (!ncr_emu_checksum_of_file(options->draft->fd, options->draft->size, kind, checksum))
        return false;
    options->s3 = json_pack("{s:s, s:s, s:s}", "checksum", checksum, "checksum_kind", ncr_emu_checksum_name(kind),
                            "checksum_type", "FULL_OBJECT");
    return options->s3 != NULL;
}

static void finish(ncr_emu_s3 *s3, ncr_emu_commit *options)
{
    ncr_emu_object *object = NULL;
    options->keeps_previous = s3->request->server->root->keeps_previous;
    int status = ncr_emu_object_commit(s3->bucket, options, &object);
    if (status != 200) {
        ncr_emu_s3_status_error(s3, status);
        return;
    }
    char etag[NCR_EMU_ETAG_SIZE];
    ncr_emu_object_s3_etag(object, etag);
    ncr_emu_s3_version_header(s3, object);
    ncr_emu_s3_xml(s3, "CopyObjectResult");
    ncr_emu_s3_time(&s3->reply->body, "LastModified", object->updated_ms);
    ncr_emu_s3_element(&s3->reply->body, "ETag", etag);
    ncr_emu_s3_element(&s3->reply->body,
                       ncr_emu_checksum_element(
                           ncr_emu_checksum_by_name(json_string_value(json_object_get(object->s3, "checksum_kind")))),
                       json_string_value(json_object_get(object->s3, "checksum")));
    ncr_emu_s3_element(&s3->reply->body, "ChecksumType", "FULL_OBJECT");
    ncr_text_append(&s3->reply->body, "</CopyObjectResult>");
    ncr_emu_object_unref(object);
}

void ncr_emu_s3_copy(ncr_emu_s3 *s3)
{
    int fd;
    ncr_emu_commit options = {.key = s3->key};
    const char *directive = ncr_emu_header(s3->request, "x-amz-metadata-directive");
    bool replaces = directive && strcmp(directive, "REPLACE") == 0;
    if (!ncr_emu_s3_write_condition(s3, &options.condition))
        return;
    ncr_emu_object *source = ncr_emu_s3_copy_source(s3, &fd);
    if (!source)
        return;
    if (!replaces && is_same_object(s3)) {
        ncr_emu_s3_refuse(s3, "InvalidRequest",
                          "An object is copied to itself with x-amz-metadata-directive: REPLACE alone.");
        close(fd);
        ncr_emu_object_unref(source);
        return;
    }
    options.fields = replaces ? ncr_emu_s3_fields(s3) : json_incref(source->fields);
    options.draft = ncr_emu_draft_new(s3->request->server->root->tmp_directory);
    if (!options.draft || !ncr_emu_draft_write_fd(options.draft, fd, 0, source->size) ||
        !add_checksum(s3, source, &options))
        ncr_emu_s3_error(s3, "InternalError", NULL);
    else if (!ncr_emu_s3_late_error(s3))
        finish(s3, &options);
    ncr_emu_draft_free(options.draft);
    json_decref(options.fields);
    json_decref(options.s3);
    close(fd);
    ncr_emu_object_unref(source);
}
