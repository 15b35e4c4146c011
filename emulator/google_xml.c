/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "google.h"
#include "keys.h"

/* The XML interface, path style: /BUCKET/KEY. */

enum { PAGE_MAX = 1000 };

static const char declaration[] = "<?xml version='1.0' encoding='UTF-8'?>";
static const char xml_namespace[] = "http://doc.s3.amazonaws.com/2006-03-01";
static const char xml_type[] = "application/xml; charset=UTF-8";

void ncr_emu_xml_append(ncr_buffer *out, const char *text)
{
    for (; *text; text++) {
        const char *escaped = *text == '&' ? "&amp;" : *text == '<' ? "&lt;" : *text == '>' ? "&gt;" : NULL;
        if (escaped)
            ncr_text_append(out, escaped);
        else
            ncr_buffer_append(out, text, 1);
    }
}

static void append_element(ncr_buffer *out, const char *name, const char *text)
{
    ncr_text_appendf(out, "<%s>", name);
    ncr_emu_xml_append(out, text);
    ncr_text_appendf(out, "</%s>", name);
}

void ncr_emu_xml_error(ncr_emu_reply *reply, int status, const char *code, const char *message)
{
    reply->status = status;
    if (status == 304)
        return;
    ncr_emu_reply_header(reply, "Content-Type", "%s", xml_type);
    ncr_text_appendf(&reply->body, "%s<Error><Code>%s</Code><Message>", declaration, code);
    ncr_emu_xml_append(&reply->body, message);
    ncr_text_append(&reply->body, "</Message></Error>");
}

void ncr_emu_xml_commit_error(ncr_emu_reply *reply, int status)
{
    if (status == 412)
        ncr_emu_xml_error(reply, 412, "PreconditionFailed",
                          "At least one of the pre-conditions you specified did not hold.");
    else if (status == 400)
        ncr_emu_xml_error(reply, 400, "InvalidArgument", "Invalid argument.");
    else if (status == 404)
        ncr_emu_xml_error(reply, 404, "NoSuchBucket", "The specified bucket does not exist.");
    else
        ncr_emu_xml_error(reply, status == 304 ? 304 : 500, "InternalError", "The disk refuses.");
}

/* --- Listings --- */

static void append_object(ncr_buffer *out, const ncr_emu_object *object)
{
    char time[NCR_EMU_TIME_SIZE], etag[NCR_EMU_ETAG_SIZE];
    ncr_emu_iso_time(object->updated_ms, time);
    ncr_emu_object_xml_etag(object, etag);
    ncr_text_append(out, "<Contents>");
    append_element(out, "Key", object->key);
    ncr_text_appendf(out,
                     "<Generation>%llu</Generation><MetaGeneration>%llu</MetaGeneration><LastModified>%s"
                     "</LastModified><ETag>%s</ETag><Size>%llu</Size></Contents>",
                     (unsigned long long)object->generation, (unsigned long long)object->metageneration, time, etag,
                     (unsigned long long)object->size);
}

static void append_listing(ncr_emu_request *request, const ncr_emu_bucket *bucket, const ncr_emu_listing *listing,
                           bool second, ncr_buffer *out)
{
    static const char *const echoed[][2] = {{"prefix", "Prefix"}, {"delimiter", "Delimiter"}, {"marker", "Marker"}};
    ncr_text_appendf(out, "%s<ListBucketResult xmlns='%s'>", declaration, xml_namespace);
    append_element(out, "Name", bucket->name);
    for (size_t i = 0; i < sizeof echoed / sizeof *echoed; i++) {
        const char *value = ncr_emu_parameter(request, echoed[i][0]);
        if (value || i == 0)
            append_element(out, echoed[i][1], value ? value : "");
    }
    ncr_text_appendf(out, "<IsTruncated>%s</IsTruncated>", listing->next_token ? "true" : "false");
    if (second)
        ncr_text_appendf(out, "<KeyCount>%zu</KeyCount>", listing->object_count + listing->prefix_count);
    if (listing->next_token && second)
        append_element(out, "NextContinuationToken", listing->next_token);
    else if (listing->next_token && listing->last)
        append_element(out, "NextMarker", listing->last);
    for (size_t i = 0; i < listing->object_count; i++)
        append_object(out, listing->objects[i]);
    for (size_t i = 0; i < listing->prefix_count; i++) {
        ncr_text_append(out, "<CommonPrefixes>");
        append_element(out, "Prefix", listing->prefixes[i]);
        ncr_text_append(out, "</CommonPrefixes>");
    }
    ncr_text_append(out, "</ListBucketResult>");
}

static void list(ncr_emu_request *request, ncr_emu_bucket *bucket, ncr_emu_reply *reply)
{
    uint64_t maximum = PAGE_MAX;
    const char *type = ncr_emu_parameter(request, "list-type");
    bool second = type && strcmp(type, "2") == 0;
    ncr_emu_parameter_number(request, "max-keys", &maximum);
    const ncr_emu_list_options options = {
        .prefix = ncr_emu_parameter(request, "prefix"),
        .delimiter = ncr_emu_parameter(request, "delimiter"),
        .token = second ? ncr_emu_parameter(request, "continuation-token") : NULL,
        .after = ncr_emu_parameter(request, second ? "start-after" : "marker"),
        .maximum = maximum == 0 || maximum > PAGE_MAX ? PAGE_MAX : (size_t)maximum,
    };
    ncr_emu_listing listing;
    int status = ncr_emu_list(bucket, &options, &listing);
    if (request->bad || status != 200) {
        ncr_emu_xml_commit_error(reply, request->bad ? 400 : status);
    } else {
        ncr_emu_reply_header(reply, "Content-Type", "%s", xml_type);
        append_listing(request, bucket, &listing, second, &reply->body);
    }
    ncr_emu_listing_clear(&listing);
}

static void list_buckets(ncr_emu_request *request, ncr_emu_reply *reply)
{
    size_t count;
    char **names = ncr_emu_bucket_names(request->server->root, &count);
    ncr_emu_reply_header(reply, "Content-Type", "%s", xml_type);
    ncr_text_appendf(&reply->body, "%s<ListAllMyBucketsResult xmlns='%s'><Buckets>", declaration, xml_namespace);
    for (size_t i = 0; i < count; i++) {
        ncr_text_append(&reply->body, "<Bucket>");
        append_element(&reply->body, "Name", names[i]);
        ncr_text_append(&reply->body, "</Bucket>");
        free(names[i]);
    }
    free(names);
    ncr_text_append(&reply->body, "</Buckets></ListAllMyBucketsResult>");
}

/* --- Objects --- */

/* If-Modified-Since and If-Unmodified-Since: 200, 304 or 412. */
static int check_times(ncr_emu_request *request, const ncr_emu_object *object)
{
    int64_t seconds = object->updated_ms / 1000;
    const char *since = ncr_emu_header(request, "If-Modified-Since");
    const char *unchanged = ncr_emu_header(request, "If-Unmodified-Since");
    int64_t limit = since ? ncr_emu_parse_http_time(since) : -1;
    if (limit >= 0 && seconds <= limit / 1000)
        return 304;
    limit = unchanged ? ncr_emu_parse_http_time(unchanged) : -1;
    return limit >= 0 && seconds > limit / 1000 ? 412 : 200;
}

static void no_key(ncr_emu_reply *reply)
{
    ncr_emu_xml_error(reply, 404, "NoSuchKey", "The specified key does not exist.");
}

static void get(ncr_emu_request *request, ncr_emu_bucket *bucket, const char *key, ncr_emu_reply *reply)
{
    int fd;
    uint64_t generation;
    ncr_emu_condition condition = {0};
    char etag[NCR_EMU_ETAG_SIZE];
    ncr_emu_object *object = ncr_emu_read_object(request, bucket, key, &fd);
    bool other = object && ncr_emu_parameter_number(request, "generation", &generation) &&
                 generation != object->generation && !ncr_emu_fault_ignores_conditions(&request->fault);
    if (!object || other) {
        if (object)
            close(fd);
        ncr_emu_object_unref(object);
        no_key(reply);
        return;
    }
    ncr_emu_header_condition(request, &condition);
    int status = ncr_emu_condition_check(&condition, object);
    status = status == 200 ? check_times(request, object) : status;
    ncr_emu_object_xml_etag(object, etag);
    if (status != 200) {
        close(fd);
        ncr_emu_reply_header(reply, "ETag", "%s", etag);
        ncr_emu_xml_commit_error(reply, status);
    } else {
        ncr_emu_object_headers(reply, object, etag);
        if (ncr_emu_reply_range(request, reply, fd, object->size))
            ncr_emu_reply_header(reply, "Content-Type", "%s",
                                 ncr_emu_object_field(object, "contentType", "application/octet-stream"));
    }
    ncr_emu_object_unref(object);
}

static enum MHD_Result take_metadata(void *user, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    static const char prefix[] = "x-goog-meta-";
    json_t *metadata = user;
    if (value && ncr_text_starts_nocase(name, prefix))
        json_object_set_new(metadata, name + strlen(prefix), json_string(value));
    return MHD_YES;
}

json_t *ncr_emu_xml_fields(ncr_emu_request *request)
{
    static const char *const names[][2] = {{"Content-Type", "contentType"},
                                           {"Cache-Control", "cacheControl"},
                                           {"Content-Encoding", "contentEncoding"},
                                           {"Content-Disposition", "contentDisposition"},
                                           {"Content-Language", "contentLanguage"}};
    json_t *fields = json_object(), *metadata = json_object();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = ncr_emu_header(request, names[i][0]);
        if (value)
            json_object_set_new(fields, names[i][1], json_string(value));
    }
    MHD_get_connection_values(request->connection, MHD_HEADER_KIND, take_metadata, metadata);
    if (json_object_size(metadata))
        json_object_set(fields, "metadata", metadata);
    json_decref(metadata);
    return fields;
}

static void commit(ncr_emu_request *request, ncr_emu_bucket *bucket, ncr_emu_commit *commit_options, bool copies,
                   ncr_emu_reply *reply)
{
    ncr_emu_object *object = NULL;
    ncr_emu_header_condition(request, &commit_options->condition);
    commit_options->condition.if_match = commit_options->condition.if_none_match = NULL; /* for reads alone */
    commit_options->keeps_previous = request->server->root->keeps_previous;
    int status = request->bad ? 400 : ncr_emu_object_commit(bucket, commit_options, &object);
    if (status != 200) {
        ncr_emu_xml_commit_error(reply, status);
        return;
    }
    char etag[NCR_EMU_ETAG_SIZE], time[NCR_EMU_TIME_SIZE];
    ncr_emu_object_xml_etag(object, etag);
    ncr_emu_object_headers(reply, object, etag);
    if (copies) {
        ncr_emu_iso_time(object->updated_ms, time);
        ncr_text_appendf(&reply->body,
                         "%s<CopyObjectResult><LastModified>%s</LastModified><ETag>%s</ETag></CopyObjectResult>",
                         declaration, time, etag);
    }
    ncr_emu_object_unref(object);
}

static void put(ncr_emu_request *request, ncr_emu_bucket *bucket, const char *key, ncr_emu_reply *reply)
{
    ncr_emu_commit options = {.key = key, .draft = ncr_emu_body_take(request)};
    if (!options.draft) {
        ncr_emu_xml_commit_error(reply, 500);
        return;
    }
    options.fields = ncr_emu_xml_fields(request);
    if (ncr_emu_digest_matches(request, options.draft))
        commit(request, bucket, &options, false, reply);
    else
        ncr_emu_xml_error(reply, 400, "BadDigest", "The digest that was sent is not that of the content.");
    json_decref(options.fields);
    ncr_emu_draft_free(options.draft);
}

/* Preconditions on the source of a copy; a status. */
static int check_copy_source(ncr_emu_request *request, const ncr_emu_object *source)
{
    uint64_t number;
    if (ncr_emu_header_number(request, "x-goog-copy-source-generation", &number) && number != source->generation)
        return 404;
    if (ncr_emu_header_number(request, "x-goog-copy-source-if-generation-match", &number) &&
        number != source->generation)
        return 412;
    if (ncr_emu_header_number(request, "x-goog-copy-source-if-metageneration-match", &number) &&
        number != source->metageneration)
        return 412;
    ncr_emu_condition etags = {.if_match = ncr_emu_header(request, "x-goog-copy-source-if-match"),
                               .if_none_match = ncr_emu_header(request, "x-goog-copy-source-if-none-match")};
    return ncr_emu_condition_check(&etags, source) == 200 ? 200 : 412;
}

static void copy_found(ncr_emu_request *request, ncr_emu_bucket *bucket, const char *key, ncr_emu_object *source,
                       int fd, ncr_emu_reply *reply)
{
    const char *directive = ncr_emu_header(request, "x-goog-metadata-directive");
    bool replaces = directive && ncr_text_equal_nocase(directive, "REPLACE");
    ncr_emu_commit options = {.key = key};
    options.draft = ncr_emu_draft_new(request->server->root->tmp_directory);
    options.fields = replaces ? ncr_emu_xml_fields(request) : json_incref(source->fields);
    int status = check_copy_source(request, source);
    if (status == 200 && (!options.draft || !ncr_emu_draft_write_fd(options.draft, fd, 0, source->size)))
        status = 500;
    if (status == 200)
        commit(request, bucket, &options, true, reply);
    else if (status == 404)
        no_key(reply);
    else
        ncr_emu_xml_commit_error(reply, status);
    json_decref(options.fields);
    ncr_emu_draft_free(options.draft);
}

/* PUT with x-goog-copy-source: /BUCKET/KEY. */
static void copy(ncr_emu_request *request, ncr_emu_bucket *bucket, const char *key, const char *from,
                 ncr_emu_reply *reply)
{
    from += *from == '/';
    size_t length = strcspn(from, "/");
    char *name = ncr_emu_decode(from, length);
    char *source_key = from[length] ? ncr_emu_decode(from + length + 1, strlen(from + length + 1)) : NULL;
    int fd = -1, allowed = name && ncr_emu_is_denied(request->server, name) ? 403 : 200;
    ncr_emu_bucket *source_bucket = name && allowed == 200 ? ncr_emu_bucket_get(request->server->root, name) : NULL;
    ncr_emu_object *source = source_bucket && source_key && ncr_emu_key_is_valid(source_key)
                                 ? ncr_emu_object_get(source_bucket, source_key, &fd)
                                 : NULL;
    if (allowed != 200)
        ncr_emu_xml_error(reply, allowed, "AccessDenied", "Access denied.");
    else if (source)
        copy_found(request, bucket, key, source, fd, reply);
    else
        no_key(reply);
    if (source)
        close(fd);
    ncr_emu_object_unref(source);
    free(source_key);
    free(name);
}

static void delete (ncr_emu_request *request, ncr_emu_bucket *bucket, const char *key, ncr_emu_reply *reply)
{
    ncr_emu_condition condition = {0};
    uint64_t generation = 0;
    ncr_emu_header_condition(request, &condition);
    condition.if_match = condition.if_none_match = NULL;
    ncr_emu_parameter_number(request, "generation", &generation);
    int status = request->bad ? 400 : ncr_emu_object_delete(bucket, key, generation, &condition);
    if (status == 204)
        reply->status = 204;
    else if (status == 404)
        no_key(reply);
    else
        ncr_emu_xml_commit_error(reply, status);
}

/* --- Routes --- */

static void object_request(ncr_emu_request *request, ncr_emu_bucket *bucket, const char *key, ncr_emu_reply *reply)
{
    const char *from = ncr_emu_header(request, "x-goog-copy-source");
    if (!ncr_emu_key_is_valid(key))
        ncr_emu_xml_error(reply, 400, "InvalidObjectName", "Invalid object name.");
    else if (ncr_emu_parameter(request, "upload_id"))
        ncr_emu_resumable_continue(request, bucket, ncr_emu_parameter(request, "upload_id"), reply);
    else if (strcmp(request->method, "POST") == 0 && ncr_emu_header(request, "x-goog-resumable"))
        ncr_emu_xml_resumable_begin(request, bucket, key, reply);
    else if (ncr_emu_parameter(request, "uploads") || ncr_emu_parameter(request, "uploadId"))
        ncr_emu_xml_multipart(request, bucket, key, reply);
    else if (strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0)
        get(request, bucket, key, reply);
    else if (strcmp(request->method, "PUT") == 0 && from)
        copy(request, bucket, key, from, reply);
    else if (strcmp(request->method, "PUT") == 0)
        put(request, bucket, key, reply);
    else if (strcmp(request->method, "DELETE") == 0)
        delete (request, bucket, key, reply);
    else
        ncr_emu_xml_error(reply, 405, "MethodNotAllowed", "The method is not allowed here.");
}

static void bucket_request(ncr_emu_request *request, const char *name, ncr_emu_reply *reply)
{
    ncr_emu_root *root = request->server->root;
    int status = 200;
    if (strcmp(request->method, "PUT") == 0) {
        status = ncr_emu_bucket_create(root, name);
    } else if (strcmp(request->method, "DELETE") == 0) {
        status = ncr_emu_bucket_remove(root, name);
    } else {
        ncr_emu_bucket *bucket = ncr_emu_bucket_get(root, name);
        if (bucket) {
            list(request, bucket, reply);
            return;
        }
        status = 404;
    }
    if (status == 200 || status == 204)
        reply->status = status;
    else if (status == 409)
        ncr_emu_xml_error(reply, 409, "BucketNotEmpty", "The bucket exists, or is not empty.");
    else
        ncr_emu_xml_commit_error(reply, status);
}

static void route(ncr_emu_request *request, bool is_proven, const char *name, const char *key, ncr_emu_reply *reply)
{
    /* The URL of a session proves enough by itself. */
    is_proven |= ncr_emu_parameter(request, "upload_id") != NULL;
    int allowed = ncr_emu_authorise(request, name, is_proven);
    ncr_emu_bucket *bucket = *name && allowed == 200 ? ncr_emu_bucket_get(request->server->root, name) : NULL;
    if (allowed != 200)
        ncr_emu_xml_error(reply, allowed, allowed == 401 ? "AuthenticationRequired" : "AccessDenied",
                          allowed == 401 ? "Authentication required." : "Access denied.");
    else if (!*name)
        list_buckets(request, reply);
    else if (!*key)
        bucket_request(request, name, reply);
    else if (!bucket)
        ncr_emu_xml_commit_error(reply, 404);
    else
        object_request(request, bucket, key, reply);
}

void ncr_emu_google_xml(ncr_emu_request *request, ncr_emu_reply *reply)
{
    const char *path = request->path + (*request->path == '/');
    size_t length = strcspn(path, "/");
    char *name = ncr_emu_decode(path, length);
    const char *encoded = path[length] ? path + length + 1 : "";
    char *key = ncr_emu_decode(encoded, strlen(encoded));
    bool is_proven;
    if (!name || !key)
        ncr_emu_xml_error(reply, 400, "InvalidURI", "Malformed percent-encoding.");
    else if (ncr_emu_xml_authenticate(request, &is_proven, reply))
        route(request, is_proven, name, key, reply);
    free(name);
    free(key);
}
