/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "google.h"
#include "keys.h"

/* The JSON interface: docs/internals/emulator.md has the table of what is answered when. */

enum { PAGE_MAX = 1000 };

/* --- Errors and resources --- */

static const struct {
    int status;
    const char *reason, *message;
} reasons[] = {{304, "notModified", "Not Modified"},
               {400, "invalid", "Invalid argument."},
               {401, "required", "Anonymous caller does not have access, or the token is not the right one."},
               {403, "forbidden", "The caller does not have access to the bucket."},
               {404, "notFound", "Not Found"},
               {405, "methodNotAllowed", "The method is not allowed here."},
               {409, "conflict", "The bucket exists, or is not empty."},
               {412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold."},
               {416, "requestedRangeNotSatisfiable", "Request range not satisfiable"},
               {500, "backendError", "Backend Error"},
               {501, "notImplemented", "The emulator does not do this."}};

void ncr_emu_json_error(ncr_emu_reply *reply, int status, const char *message)
{
    if (status == 304) {
        reply->status = 304;
        return;
    }
    const char *reason = "backendError";
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status) {
            reason = reasons[i].reason;
            message = message ? message : reasons[i].message;
        }
    message = message ? message : "Backend Error";
    if (status == 401)
        ncr_emu_reply_header(reply, "WWW-Authenticate", "Bearer realm=\"https://accounts.google.com/\"");
    ncr_emu_reply_json(reply, status,
                       json_pack("{s:{s:i, s:s, s:[{s:s, s:s, s:s}]}}", "error", "code", status, "message", message,
                                 "errors", "message", message, "domain", "global", "reason", reason));
}

static void set_number(json_t *object, const char *name, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    json_object_set_new(object, name, json_string(text));
}

static void set_time(json_t *object, const char *name, int64_t time_ms)
{
    char text[NCR_EMU_TIME_SIZE];
    ncr_emu_iso_time(time_ms, text);
    json_object_set_new(object, name, json_string(text));
}

static void set_text(json_t *object, const char *name, char *text) /* frees text */
{
    json_object_set_new(object, name, json_string(text ? text : ""));
    free(text);
}

static char *escape(const char *text)
{
    ncr_buffer out;
    ncr_buffer_init(&out, (size_t)4 * NCR_EMU_KEY_MAX);
    ncr_text_append_escaped(&out, text, "");
    return (char *)out.data;
}

json_t *ncr_emu_object_resource(const ncr_emu_request *request, const ncr_emu_bucket *bucket,
                                const ncr_emu_object *object)
{
    char etag[NCR_EMU_ETAG_SIZE], crc[NCR_EMU_CRC_BASE64_SIZE], md5[NCR_EMU_MD5_BASE64_SIZE];
    json_t *out = json_deep_copy(object->fields);
    const char *address = request->server->address;
    char *key = escape(object->key);
    unsigned long long generation = object->generation;
    json_object_set_new(out, "kind", json_string("storage#object"));
    set_text(out, "id", ncr_text_format("%s/%s/%llu", bucket->name, object->key, generation));
    set_text(out, "selfLink", ncr_text_format("%s/storage/v1/b/%s/o/%s", address, bucket->name, key));
    set_text(out, "mediaLink",
             ncr_text_format("%s/download/storage/v1/b/%s/o/%s?generation=%llu&alt=media", address, bucket->name, key,
                             generation));
    free(key);
    json_object_set_new(out, "name", json_string(object->key));
    json_object_set_new(out, "bucket", json_string(bucket->name));
    json_object_set_new(out, "storageClass", json_string("STANDARD"));
    set_number(out, "generation", object->generation);
    set_number(out, "metageneration", object->metageneration);
    set_number(out, "size", object->size);
    set_time(out, "timeCreated", object->created_ms);
    set_time(out, "timeStorageClassUpdated", object->created_ms);
    set_time(out, "timeFinalized", object->created_ms);
    set_time(out, "updated", object->updated_ms);
    ncr_emu_object_etag(object, etag);
    json_object_set_new(out, "etag", json_string(etag));
    if (object->has_hashes) {
        ncr_emu_crc_base64(object->crc32c, crc);
        ncr_emu_md5_base64(object->md5, md5);
        json_object_set_new(out, "crc32c", json_string(crc));
        if (!object->composite)
            json_object_set_new(out, "md5Hash", json_string(md5));
    }
    return out;
}

static json_t *bucket_resource(const ncr_emu_request *request, const char *name, const ncr_emu_bucket *bucket)
{
    json_t *out = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "kind", "storage#bucket", "id", name, "name",
                            name, "location", "US", "storageClass", "STANDARD", "metageneration", "1", "etag",
                            "CAE=", "projectNumber", "0");
    set_text(out, "selfLink", ncr_text_format("%s/storage/v1/b/%s", request->server->address, name));
    int64_t made_ms = bucket ? (int64_t)bucket->identity.st_ctim.tv_sec * 1000 : 0;
    set_time(out, "timeCreated", made_ms);
    set_time(out, "updated", made_ms);
    return out;
}

/* --- Buckets --- */

static void bucket_list(ncr_emu_request *request, ncr_emu_reply *reply)
{
    size_t count;
    char **names = ncr_emu_bucket_names(request->server->root, &count);
    const char *prefix = ncr_emu_parameter(request, "prefix");
    json_t *items = json_array();
    for (size_t i = 0; i < count; i++) {
        if (!prefix || ncr_text_starts(names[i], prefix))
            json_array_append_new(items, bucket_resource(request, names[i], NULL));
        free(names[i]);
    }
    free(names);
    ncr_emu_reply_json(reply, 200, json_pack("{s:s, s:o}", "kind", "storage#buckets", "items", items));
}

static void bucket_insert(ncr_emu_request *request, ncr_emu_reply *reply)
{
    json_t *body = ncr_emu_body_json(request);
    const char *name = json_string_value(json_object_get(body, "name"));
    int status = name ? ncr_emu_bucket_create(request->server->root, name) : 400;
    if (status == 200)
        ncr_emu_reply_json(reply, 200, bucket_resource(request, name, ncr_emu_bucket_get(request->server->root, name)));
    else
        ncr_emu_json_error(reply, status, NULL);
    json_decref(body);
}

static void bucket_request(ncr_emu_request *request, const char *name, ncr_emu_reply *reply)
{
    ncr_emu_root *root = request->server->root;
    if (strcmp(request->method, "DELETE") == 0) {
        int status = ncr_emu_bucket_remove(root, name);
        if (status == 204)
            reply->status = 204;
        else
            ncr_emu_json_error(reply, status, NULL);
        return;
    }
    const ncr_emu_bucket *bucket = ncr_emu_bucket_get(root, name);
    if (bucket)
        ncr_emu_reply_json(reply, 200, bucket_resource(request, name, bucket));
    else
        ncr_emu_json_error(reply, 404, "The specified bucket does not exist.");
}

/* --- Objects --- */

static void object_list(ncr_emu_request *request, ncr_emu_bucket *bucket, ncr_emu_reply *reply)
{
    uint64_t maximum = PAGE_MAX;
    ncr_emu_parameter_number(request, "maxResults", &maximum);
    const ncr_emu_list_options options = {
        .prefix = ncr_emu_parameter(request, "prefix"),
        .delimiter = ncr_emu_parameter(request, "delimiter"),
        .start = ncr_emu_parameter(request, "startOffset"),
        .end = ncr_emu_parameter(request, "endOffset"),
        .token = ncr_emu_parameter(request, "pageToken"),
        .maximum = maximum == 0 || maximum > PAGE_MAX ? PAGE_MAX : (size_t)maximum,
    };
    ncr_emu_listing listing;
    int status = request->bad ? 400 : ncr_emu_list(bucket, &options, &listing);
    if (request->bad || status != 200) {
        ncr_emu_json_error(reply, status, NULL);
        if (!request->bad)
            ncr_emu_listing_clear(&listing);
        return;
    }
    json_t *out = json_pack("{s:s}", "kind", "storage#objects");
    json_t *items = json_array(), *prefixes = json_array();
    for (size_t i = 0; i < listing.object_count; i++)
        json_array_append_new(items, ncr_emu_object_resource(request, bucket, listing.objects[i]));
    for (size_t i = 0; i < listing.prefix_count; i++)
        json_array_append_new(prefixes, json_string(listing.prefixes[i]));
    json_object_set_new(out, "items", items);
    json_object_set_new(out, "prefixes", prefixes);
    for (size_t i = 0; i < 2; i++) /* as Google, nothing rather than an empty array */
        if (json_array_size(json_object_get(out, i ? "items" : "prefixes")) == 0)
            json_object_del(out, i ? "items" : "prefixes");
    if (listing.next_token)
        json_object_set_new(out, "nextPageToken", json_string(listing.next_token));
    ncr_emu_listing_clear(&listing);
    ncr_emu_reply_json(reply, 200, out);
}

/* The live object if it is the generation that the request asks for, else NULL. */
static ncr_emu_object *get_generation(ncr_emu_request *request, const char *parameter, ncr_emu_bucket *bucket,
                                      const char *key, int *fd)
{
    uint64_t generation;
    bool asked =
        ncr_emu_parameter_number(request, parameter, &generation) && !ncr_emu_fault_ignores_conditions(&request->fault);
    ncr_emu_object *object = fd ? ncr_emu_read_object(request, bucket, key, fd) : ncr_emu_object_get(bucket, key, NULL);
    if (!object || !asked || object->generation == generation)
        return object;
    ncr_emu_object_unref(object);
    if (fd)
        close(*fd);
    return NULL;
}

static void no_object(const ncr_emu_bucket *bucket, const char *key, ncr_emu_reply *reply)
{
    char *message = ncr_text_format("No such object: %s/%s", bucket->name, key);
    ncr_emu_json_error(reply, 404, message);
    free(message);
}

static void read_condition(ncr_emu_request *request, ncr_emu_condition *condition)
{
    ncr_emu_query_condition(request, "if", condition);
    if (ncr_emu_fault_ignores_conditions(&request->fault))
        return;
    condition->if_match = ncr_emu_header(request, "If-Match");
    condition->if_none_match = ncr_emu_header(request, "If-None-Match");
}

static void object_media(ncr_emu_request *request, ncr_emu_bucket *bucket, const char *key, ncr_emu_reply *reply)
{
    int fd;
    ncr_emu_condition condition;
    char etag[NCR_EMU_ETAG_SIZE];
    ncr_emu_object *object = get_generation(request, "generation", bucket, key, &fd);
    if (!object) {
        char *message = ncr_text_format("No such object: %s/%s", bucket->name, key);
        ncr_emu_reply_text(reply, 404, "text/html; charset=UTF-8", message ? message : "No such object");
        free(message);
        return;
    }
    read_condition(request, &condition);
    int status = ncr_emu_condition_check(&condition, object);
    if (status != 200) {
        close(fd);
        ncr_emu_object_unref(object);
        ncr_emu_json_error(reply, status, NULL);
        return;
    }
    ncr_emu_object_etag(object, etag);
    ncr_emu_object_headers(reply, object, etag);
    if (ncr_emu_reply_range(request, reply, fd, object->size))
        ncr_emu_reply_header(reply, "Content-Type", "%s",
                             ncr_emu_object_field(object, "contentType", "application/octet-stream"));
    ncr_emu_object_unref(object);
}

static void object_metadata(ncr_emu_request *request, ncr_emu_bucket *bucket, const char *key, ncr_emu_reply *reply)
{
    ncr_emu_condition condition;
    ncr_emu_object *object = get_generation(request, "generation", bucket, key, NULL);
    if (!object) {
        no_object(bucket, key, reply);
        return;
    }
    read_condition(request, &condition);
    int status = ncr_emu_condition_check(&condition, object);
    char etag[NCR_EMU_ETAG_SIZE];
    ncr_emu_object_etag(object, etag);
    ncr_emu_reply_header(reply, "ETag", "%s", etag);
    if (status == 200) {
        ncr_emu_reply_header(reply, "Cache-Control", "no-cache, no-store, max-age=0, must-revalidate");
        ncr_emu_reply_json(reply, 200, ncr_emu_object_resource(request, bucket, object));
    } else {
        ncr_emu_json_error(reply, status, NULL);
    }
    ncr_emu_object_unref(object);
}

static void object_delete(ncr_emu_request *request, ncr_emu_bucket *bucket, const char *key, ncr_emu_reply *reply)
{
    ncr_emu_condition condition;
    uint64_t generation = 0;
    ncr_emu_query_condition(request, "if", &condition);
    ncr_emu_parameter_number(request, "generation", &generation);
    int status = request->bad ? 400 : ncr_emu_object_delete(bucket, key, generation, &condition);
    if (status == 204)
        reply->status = 204;
    else if (status == 404)
        no_object(bucket, key, reply);
    else
        ncr_emu_json_error(reply, status, NULL);
}

/* Fields of a resource that a client may set. */
static json_t *settable_fields(const json_t *resource)
{
    static const char *const names[] = {"contentType",     "cacheControl", "contentEncoding", "contentDisposition",
                                        "contentLanguage", "metadata",     "customTime"};
    json_t *fields = json_object();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        json_t *value = json_object_get(resource, names[i]);
        if (value)
            json_object_set(fields, names[i], value);
    }
    return fields;
}

static void object_patch(ncr_emu_request *request, ncr_emu_bucket *bucket, const char *key, ncr_emu_reply *reply)
{
    ncr_emu_condition condition;
    ncr_emu_query_condition(request, "if", &condition);
    json_t *body = ncr_emu_body_json(request);
    json_t *fields = settable_fields(body);
    ncr_emu_object *object = NULL;
    bool replace = strcmp(request->method, "PUT") == 0;
    int status = !json_is_object(body) || request->bad
                     ? 400
                     : ncr_emu_object_patch(bucket, key, fields, replace, &condition, &object);
    if (status == 200)
        ncr_emu_reply_json(reply, 200, ncr_emu_object_resource(request, bucket, object));
    else if (status == 404)
        no_object(bucket, key, reply);
    else
        ncr_emu_json_error(reply, status, NULL);
    ncr_emu_object_unref(object);
    json_decref(fields);
    json_decref(body);
}

/* --- Copies --- */

void ncr_emu_json_commit(ncr_emu_request *request, ncr_emu_bucket *bucket, ncr_emu_commit *commit, ncr_emu_reply *reply)
{
    ncr_emu_object *object;
    commit->keeps_previous = request->server->root->keeps_previous;
    int status = request->bad ? 400 : ncr_emu_object_commit(bucket, commit, &object);
    if (status == 200) {
        ncr_emu_reply_json(reply, 200, ncr_emu_object_resource(request, bucket, object));
        ncr_emu_object_unref(object);
    } else {
        ncr_emu_json_error(reply, status, NULL);
    }
    ncr_emu_draft_free(commit->draft);
    commit->draft = NULL;
}

typedef struct copy_target {
    ncr_emu_bucket *bucket;
    const char *key;
    bool rewrite;
} copy_target;

static void finish_copy(ncr_emu_request *request, const copy_target *target, const ncr_emu_object *source, int fd,
                        ncr_emu_reply *reply)
{
    json_t *body = ncr_emu_body_json(request);
    json_t *given = settable_fields(body);
    bool own = json_object_size(given) > 0;
    ncr_emu_commit commit = {.key = target->key, .fields = own ? given : source->fields};
    commit.draft = ncr_emu_draft_new(request->server->root->tmp_directory);
    ncr_emu_query_condition(request, "if", &commit.condition);
    if (!commit.draft || !ncr_emu_draft_write_fd(commit.draft, fd, 0, source->size)) {
        ncr_emu_json_error(reply, 500, NULL);
        ncr_emu_draft_free(commit.draft);
    } else if (!target->rewrite) {
        ncr_emu_json_commit(request, target->bucket, &commit, reply);
    } else {
        ncr_emu_object *object = NULL;
        commit.keeps_previous = request->server->root->keeps_previous;
        int status = request->bad ? 400 : ncr_emu_object_commit(target->bucket, &commit, &object);
        json_t *done = json_pack("{s:s, s:b}", "kind", "storage#rewriteResponse", "done", 1);
        set_number(done, "totalBytesRewritten", source->size);
        set_number(done, "objectSize", source->size);
        if (status == 200) {
            json_object_set_new(done, "resource", ncr_emu_object_resource(request, target->bucket, object));
            ncr_emu_reply_json(reply, 200, json_incref(done));
        } else {
            ncr_emu_json_error(reply, status, NULL);
        }
        json_decref(done);
        ncr_emu_object_unref(object);
        ncr_emu_draft_free(commit.draft);
    }
    json_decref(given);
    json_decref(body);
}

static void copy_object(ncr_emu_request *request, ncr_emu_bucket *bucket, const char *key, const copy_target *target,
                        ncr_emu_reply *reply)
{
    int fd;
    ncr_emu_object *source = get_generation(request, "sourceGeneration", bucket, key, &fd);
    if (!source) {
        no_object(bucket, key, reply);
        return;
    }
    ncr_emu_condition condition;
    ncr_emu_query_condition(request, "ifSource", &condition);
    int status = ncr_emu_condition_check(&condition, source);
    if (status == 200)
        finish_copy(request, target, source, fd, reply);
    else
        ncr_emu_json_error(reply, status, NULL);
    close(fd);
    ncr_emu_object_unref(source);
}

/* OBJECT/rewriteTo/b/BUCKET/o/OBJECT and copyTo, still encoded. target: from "b/". */
static void copy_request(ncr_emu_request *request, ncr_emu_bucket *bucket, const char *key, const char *target,
                         bool rewrite, ncr_emu_reply *reply)
{
    const char *slash = strstr(target, "/o/");
    char *name = slash ? ncr_emu_decode(target + 2, (size_t)(slash - target - 2)) : NULL;
    char *target_key = slash ? ncr_emu_decode(slash + 3, strlen(slash + 3)) : NULL;
    copy_target to = {.key = target_key, .rewrite = rewrite};
    to.bucket = name ? ncr_emu_bucket_get(request->server->root, name) : NULL;
    int allowed = name ? ncr_emu_authorise(request, name, false) : 200;
    if (!name || !target_key || !ncr_emu_key_is_valid(target_key))
        ncr_emu_json_error(reply, 400, NULL);
    else if (allowed != 200 || !to.bucket)
        ncr_emu_json_error(reply, allowed != 200 ? allowed : 404, NULL);
    else
        copy_object(request, bucket, key, &to, reply);
    free(name);
    free(target_key);
}

/* Appends one source of a compose request; its generation is checked. A status. */
static int compose_source(ncr_emu_bucket *bucket, const json_t *source, ncr_emu_draft *draft)
{
    int fd;
    const char *key = json_string_value(json_object_get(source, "name"));
    const char *generation = json_string_value(json_object_get(source, "generation"));
    const json_t *conditions = json_object_get(source, "objectPreconditions");
    const char *match = json_string_value(json_object_get(conditions, "ifGenerationMatch"));
    ncr_emu_object *object = key ? ncr_emu_object_get(bucket, key, &fd) : NULL;
    if (!object)
        return key ? 404 : 400;
    uint64_t number;
    int status = 200;
    if (generation && (!ncr_text_to_uint64(generation, &number) || number != object->generation))
        status = 404;
    else if (match && (!ncr_text_to_uint64(match, &number) || number != object->generation))
        status = 412;
    else if (!ncr_emu_draft_write_fd(draft, fd, 0, object->size))
        status = 500;
    close(fd);
    ncr_emu_object_unref(object);
    return status;
}

static void compose(ncr_emu_request *request, ncr_emu_bucket *bucket, const char *key, ncr_emu_reply *reply)
{
    json_t *body = ncr_emu_body_json(request);
    json_t *fields = settable_fields(json_object_get(body, "destination"));
    const json_t *sources = json_object_get(body, "sourceObjects");
    ncr_emu_commit commit = {.key = key, .fields = fields, .composite = true};
    commit.draft = ncr_emu_draft_new(request->server->root->tmp_directory);
    ncr_emu_query_condition(request, "if", &commit.condition);
    size_t count = json_array_size(sources);
    int status = !commit.draft ? 500 : count == 0 || count > 32 ? 400 : 200;
    for (size_t i = 0; i < count && status == 200; i++)
        status = compose_source(bucket, json_array_get(sources, i), commit.draft);
    if (status == 200) {
        ncr_emu_json_commit(request, bucket, &commit, reply);
    } else {
        ncr_emu_json_error(reply, status, NULL);
        ncr_emu_draft_free(commit.draft);
    }
    json_decref(fields);
    json_decref(body);
}

/* --- Routes --- */

/* encoded: what follows "/o/". media: the path began with /download. */
static void object_request(ncr_emu_request *request, ncr_emu_bucket *bucket, const char *encoded, bool media,
                           ncr_emu_reply *reply)
{
    const char *rewrite = strstr(encoded, "/rewriteTo/b/"), *copy = strstr(encoded, "/copyTo/b/");
    bool composes = strcmp(request->method, "POST") == 0 && ncr_text_ends_nocase(encoded, "/compose");
    size_t length = rewrite    ? (size_t)(rewrite - encoded)
                    : copy     ? (size_t)(copy - encoded)
                    : composes ? strlen(encoded) - strlen("/compose")
                               : strlen(encoded);
    const char *alt = ncr_emu_parameter(request, "alt");
    char *key = ncr_emu_decode(encoded, length);
    if (!key || !ncr_emu_key_is_valid(key))
        ncr_emu_json_error(reply, 400, "Invalid object name.");
    else if (rewrite)
        copy_request(request, bucket, key, rewrite + strlen("/rewriteTo/"), true, reply);
    else if (copy)
        copy_request(request, bucket, key, copy + strlen("/copyTo/"), false, reply);
    else if (composes)
        compose(request, bucket, key, reply);
    else if (strcmp(request->method, "DELETE") == 0)
        object_delete(request, bucket, key, reply);
    else if (strcmp(request->method, "PATCH") == 0 || strcmp(request->method, "PUT") == 0)
        object_patch(request, bucket, key, reply);
    else if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0)
        ncr_emu_json_error(reply, 405, NULL);
    else if (media || (alt && strcmp(alt, "media") == 0))
        object_media(request, bucket, key, reply);
    else
        object_metadata(request, bucket, key, reply);
    free(key);
}

typedef enum prefix_kind { PREFIX_METADATA, PREFIX_MEDIA, PREFIX_UPLOAD } prefix_kind;

/* rest: what follows "/b/NAME". */
static void in_bucket(ncr_emu_request *request, const char *name, const char *rest, prefix_kind kind,
                      ncr_emu_reply *reply)
{
    int allowed = ncr_emu_authorise(request, name, ncr_emu_parameter(request, "upload_id") != NULL);
    if (allowed != 200) {
        ncr_emu_json_error(reply, allowed, NULL);
        return;
    }
    if (!*rest) {
        bucket_request(request, name, reply);
        return;
    }
    ncr_emu_bucket *bucket = ncr_emu_bucket_get(request->server->root, name);
    bool is_list = strcmp(rest, "/o") == 0 || strcmp(rest, "/o/") == 0;
    if (!bucket)
        ncr_emu_json_error(reply, 404, "The specified bucket does not exist.");
    else if (kind == PREFIX_UPLOAD)
        ncr_emu_json_upload(request, bucket, reply);
    else if (is_list && strcmp(request->method, "GET") == 0)
        object_list(request, bucket, reply);
    else if (ncr_text_starts(rest, "/o/") && !is_list)
        object_request(request, bucket, rest + 3, kind == PREFIX_MEDIA, reply);
    else
        ncr_emu_json_error(reply, is_list ? 405 : 501, NULL);
}

void ncr_emu_google_json(ncr_emu_request *request, ncr_emu_reply *reply)
{
    const char *path = request->path;
    prefix_kind kind = strstr(path, "upload/storage/v1/")    ? PREFIX_UPLOAD
                       : ncr_text_starts(path, "/download/") ? PREFIX_MEDIA
                                                             : PREFIX_METADATA;
    const char *rest = strstr(path, "/storage/v1/") + strlen("/storage/v1/");
    if (strcmp(rest, "b") == 0 || strcmp(rest, "b/") == 0) {
        int allowed = ncr_emu_authorise(request, "", false);
        if (allowed != 200)
            ncr_emu_json_error(reply, allowed, NULL);
        else if (strcmp(request->method, "POST") == 0)
            bucket_insert(request, reply);
        else
            bucket_list(request, reply);
        return;
    }
    const char *end = ncr_text_starts(rest, "b/") ? rest + 2 + strcspn(rest + 2, "/") : NULL;
    char *name = end ? ncr_emu_decode(rest + 2, (size_t)(end - rest - 2)) : NULL;
    if (name)
        in_bucket(request, name, end, kind, reply);
    else
        ncr_emu_json_error(reply, 404, NULL);
    free(name);
}
