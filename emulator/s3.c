/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "s3.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "keys.h"

/* Amazon's interface, path style and virtual-hosted: which requests are its, which operation they ask for, errors. */

/* --- Answers --- */

static const struct {
    const char *code;
    int status;
    const char *message;
} errors[] = {
    {"AccessDenied", 403, "Access Denied"},
    {"AuthorizationHeaderMalformed", 400, "The Authorization header is malformed, or of another region or service."},
    {"AuthorizationQueryParametersError", 400, "The query's signature is malformed, or lacks a part."},
    {"BadDigest", 400, "The digest that was sent is not that of the content."},
    {"BucketAlreadyOwnedByYou", 409, "You made this bucket before, and it is yours."},
    {"BucketNotEmpty", 409, "The bucket you tried to delete is not empty."},
    {"ConditionalRequestConflict", 409, "A conflicting request came while this one was under way; send it again."},
    {"EntityTooLarge", 400, "The upload is larger than 5 GiB."},
    {"EntityTooSmall", 400, "A part other than the last is smaller than 5 MiB."},
    {"ExpiredToken", 400, "The provided token has expired."},
    {"IncompleteBody", 400, "The body has not as many bytes as were announced."},
    {"InternalError", 500, "The emulator's disk or memory refuses."},
    {"InvalidAccessKeyId", 403, "The access key id that was sent is not known here."},
    {"InvalidArgument", 400, "Invalid argument."},
    {"InvalidBucketName", 400, "The name is not valid for a bucket."},
    {"InvalidDigest", 400, "Content-MD5 is no MD5 in base64."},
    {"InvalidPart", 400, "A part was not uploaded, or its ETag is another."},
    {"InvalidPartOrder", 400, "The parts are not in the order of their numbers."},
    {"InvalidRange", 416, "The requested range is not satisfiable"},
    {"InvalidRequest", 400, "Invalid request."},
    {"InvalidToken", 400, "The session token is not the one of this key."},
    {"InvalidURI", 400, "The target cannot be decoded."},
    {"KeyTooLongError", 400, "The key is longer than 1024 bytes."},
    {"MalformedXML", 400, "The XML of the body is not well-formed, or not what the operation takes."},
    {"MethodNotAllowed", 405, "The method is not allowed here."},
    {"MissingContentLength", 411, "Content-Length is missing."},
    {"NoSuchBucket", 404, "The specified bucket does not exist"},
    {"NoSuchKey", 404, "The specified key does not exist."},
    {"NoSuchUpload", 404, "The upload does not exist: its id is wrong, or it was aborted or completed."},
    {"NoSuchVersion", 404, "The version does not exist."},
    {"NotImplemented", 501, "The emulator does not do this."},
    {"PermanentRedirect", 301, "The bucket must be addressed in its own region."},
    {"PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold"},
    {"RequestTimeTooSkewed", 403, "The request's time and the server's are more than 15 minutes apart."},
    {"SignatureDoesNotMatch", 403, "The signature that was sent is not the one that was calculated."},
    {"XAmzContentSHA256Mismatch", 400, "x-amz-content-sha256 is not the digest of the body."},
};

void ncr_emu_s3_escape(ncr_buffer *out, const char *text)
{
    for (; *text; text++) {
        const char *escaped = *text == '&'   ? "&amp;"
                              : *text == '<' ? "&lt;"
                              : *text == '>' ? "&gt;"
                              : *text == '"' ? "&quot;"
                                             : NULL;
        if (escaped)
            ncr_text_append(out, escaped);
        else if ((unsigned char)*text < ' ')
            ncr_text_appendf(out, "&#x%x;", (unsigned)*text);
        else
            ncr_buffer_append(out, text, 1);
    }
}

void ncr_emu_s3_element(ncr_buffer *out, const char *name, const char *text)
{
    if (!text)
        return;
    ncr_text_appendf(out, "<%s>", name);
    ncr_emu_s3_escape(out, text);
    ncr_text_appendf(out, "</%s>", name);
}

void ncr_emu_s3_number(ncr_buffer *out, const char *name, uint64_t value)
{
    ncr_text_appendf(out, "<%s>%llu</%s>", name, (unsigned long long)value, name);
}

void ncr_emu_s3_time(ncr_buffer *out, const char *name, int64_t time_ms)
{
    char time[NCR_EMU_TIME_SIZE];
    ncr_emu_iso_time(time_ms, time);
    ncr_emu_s3_element(out, name, time);
}

static void begin_xml(ncr_emu_s3 *s3)
{
    ncr_emu_reply_header(s3->reply, "Content-Type", "application/xml");
    ncr_text_append(&s3->reply->body, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
}

void ncr_emu_s3_xml(ncr_emu_s3 *s3, const char *root)
{
    begin_xml(s3);
    ncr_text_appendf(&s3->reply->body, "<%s xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">", root);
}

static void write_error(ncr_emu_s3 *s3, const char *code, const char *message, const char *detail)
{
    int status = 500;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (strcmp(errors[i].code, code) == 0) {
            status = errors[i].status;
            message = message ? message : errors[i].message;
        }
    s3->reply->status = status;
    ncr_buffer *out = &s3->reply->body;
    begin_xml(s3);
    ncr_text_append(out, "<Error>");
    ncr_emu_s3_element(out, "Code", code);
    ncr_emu_s3_element(out, "Message", message ? message : code);
    ncr_text_append(out, detail ? detail : "");
    if (s3->name && *s3->name)
        ncr_emu_s3_element(out, "BucketName", s3->name);
    if (s3->key && *s3->key)
        ncr_emu_s3_element(out, "Key", s3->key);
    ncr_emu_s3_element(out, "Resource", s3->request->path);
    ncr_emu_s3_element(out, "RequestId", s3->id);
    ncr_emu_s3_element(out, "HostId", "nacre-emulator");
    ncr_text_append(out, "</Error>");
}

void ncr_emu_s3_error(ncr_emu_s3 *s3, const char *code, const char *detail)
{
    write_error(s3, code, NULL, detail);
}

void ncr_emu_s3_refuse(ncr_emu_s3 *s3, const char *code, const char *message)
{
    write_error(s3, code, message, NULL);
}

void ncr_emu_s3_status_error(ncr_emu_s3 *s3, int status)
{
    ncr_emu_s3_error(s3,
                     status == 412   ? "PreconditionFailed"
                     : status == 404 ? "NoSuchKey"
                     : status == 400 ? "InvalidArgument"
                                     : "InternalError",
                     NULL);
}

bool ncr_emu_s3_is(const ncr_emu_s3 *s3, const char *method)
{
    return strcmp(s3->request->method, method) == 0;
}

/* --- Which requests are S3's --- */

const char *ncr_emu_s3_host_label(const char *host)
{
    for (const char *at = host; at; at = strchr(at, '.') ? strchr(at, '.') + 1 : NULL)
        if (ncr_text_starts_nocase(at, "s3."))
            return at;
    return NULL;
}

typedef struct markers {
    bool amazon, google;
} markers;

static enum MHD_Result look_at_header(void *user, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    markers *found = user;
    found->google |= ncr_text_starts_nocase(name, "x-goog-");
    found->amazon |= ncr_text_starts_nocase(name, "x-amz-") || ncr_text_starts_nocase(name, "amz-sdk-");
    if (ncr_text_equal_nocase(name, "Authorization") && value)
        found->amazon |= ncr_text_starts(value, "AWS4-HMAC-SHA256") || ncr_text_starts(value, "AWS ");
    return MHD_YES;
}

bool ncr_emu_is_s3(const ncr_emu_request *request, bool is_google_path)
{
    static const char *const queries[] = {"X-Amz-Algorithm", "X-Amz-Signature", "AWSAccessKeyId", "x-id"};
    const char *host = ncr_emu_header(request, "Host");
    if (request->s3_port || ncr_emu_s3_host_label(host))
        return true;
    markers found = {0};
    if (is_google_path)
        return false;
    MHD_get_connection_values(request->connection, MHD_HEADER_KIND, look_at_header, &found);
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
        found.amazon |= ncr_emu_parameter(request, queries[i]) != NULL;
    found.amazon |= ncr_emu_parameter(request, "delete") && strcmp(request->method, "POST") == 0;
    return found.amazon && !found.google;
}

/* --- Operations --- */

static void not_implemented(ncr_emu_s3 *s3)
{
    ncr_emu_s3_error(s3, "NotImplemented", NULL);
}

typedef enum level { SERVICE, BUCKET, OBJECT } level;

/* The first that fits is taken: the query has the parameter and the header is there, where these are given. */
static const struct {
    level level;
    const char *method, *parameter, *header;
    const char *name; /* Amazon's, for the log */
    void (*serve)(ncr_emu_s3 *);
    bool needs_bucket;
} operations[] = {
    {SERVICE, "GET", NULL, NULL, "ListBuckets", ncr_emu_s3_list_buckets, false},
    {BUCKET, "GET", "requestPayment", NULL, "GetBucketRequestPayment", ncr_emu_s3_payer_get, true},
    {BUCKET, "PUT", "requestPayment", NULL, "PutBucketRequestPayment", ncr_emu_s3_payer_put, true},
    {BUCKET, "DELETE", NULL, NULL, "DeleteBucket", ncr_emu_s3_bucket_delete, true},
    {BUCKET, "HEAD", NULL, NULL, "HeadBucket", ncr_emu_s3_bucket_head, true},
    {BUCKET, "POST", "delete", NULL, "DeleteObjects", ncr_emu_s3_delete_several, true},
    {BUCKET, "GET", "uploads", NULL, "ListMultipartUploads", ncr_emu_s3_list_uploads, true},
    {BUCKET, "GET", "versioning", NULL, "GetBucketVersioning", ncr_emu_s3_versioning_get, true},
    {BUCKET, "PUT", "versioning", NULL, "PutBucketVersioning", ncr_emu_s3_versioning_put, true},
    {BUCKET, "GET", "versions", NULL, "ListObjectVersions", ncr_emu_s3_list_versions, true},
    {BUCKET, "GET", "location", NULL, "GetBucketLocation", ncr_emu_s3_bucket_location, true},
    {BUCKET, "PUT", NULL, NULL, "CreateBucket", ncr_emu_s3_bucket_create, false},
    {BUCKET, "GET", "list-type", NULL, "ListObjectsV2", ncr_emu_s3_list_second, true},
    {BUCKET, "GET", NULL, NULL, "ListObjects", ncr_emu_s3_list, true},
    {OBJECT, "POST", "uploads", NULL, "CreateMultipartUpload", ncr_emu_s3_upload_begin, true},
    {OBJECT, "POST", "uploadId", NULL, "CompleteMultipartUpload", ncr_emu_s3_upload_complete, true},
    {OBJECT, "PUT", "uploadId", "x-amz-copy-source", "UploadPartCopy", ncr_emu_s3_upload_part_copy, true},
    {OBJECT, "PUT", "uploadId", NULL, "UploadPart", ncr_emu_s3_upload_part, true},
    {OBJECT, "DELETE", "uploadId", NULL, "AbortMultipartUpload", ncr_emu_s3_upload_abort, true},
    {OBJECT, "GET", "uploadId", NULL, "ListParts", ncr_emu_s3_list_parts, true},
    {OBJECT, "GET", NULL, NULL, "GetObject", ncr_emu_s3_get, true},
    {OBJECT, "HEAD", NULL, NULL, "HeadObject", ncr_emu_s3_get, true},
    {OBJECT, "PUT", NULL, "x-amz-copy-source", "CopyObject", ncr_emu_s3_copy, true},
    {OBJECT, "PUT", NULL, NULL, "PutObject", ncr_emu_s3_put, true},
    {OBJECT, "DELETE", NULL, NULL, "DeleteObject", ncr_emu_s3_delete, true},
};

/* Sub-resources that S3 has and the emulator has not: without this they would be taken for the object or bucket. */
static const char *const unknown[] = {"accelerate",
                                      "acl",
                                      "analytics",
                                      "attributes",
                                      "cors",
                                      "encryption",
                                      "inventory",
                                      "legal-hold",
                                      "lifecycle",
                                      "logging",
                                      "metrics",
                                      "notification",
                                      "object-lock",
                                      "ownershipControls",
                                      "policy",
                                      "policyStatus",
                                      "publicAccessBlock",
                                      "replication",
                                      "restore",
                                      "retention",
                                      "select",
                                      "session",
                                      "tagging",
                                      "torrent",
                                      "website"};

static bool is_of_payer(const char *parameter)
{
    return parameter && strcmp(parameter, "requestPayment") == 0;
}

static void serve(ncr_emu_s3 *s3)
{
    level wanted = !*s3->name ? SERVICE : !*s3->key ? BUCKET : OBJECT;
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        if (ncr_emu_parameter(s3->request, unknown[i])) {
            s3->request->operation = unknown[i];
            not_implemented(s3);
            return;
        }
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        if (operations[i].level != wanted || !ncr_emu_s3_is(s3, operations[i].method) ||
            (operations[i].parameter && !ncr_emu_parameter(s3->request, operations[i].parameter)) ||
            (operations[i].header && !ncr_emu_header(s3->request, operations[i].header)))
            continue;
        s3->request->operation = operations[i].name;
        if (operations[i].needs_bucket && !s3->bucket)
            ncr_emu_s3_error(s3, "NoSuchBucket", NULL);
        else if (!operations[i].needs_bucket || is_of_payer(operations[i].parameter) || ncr_emu_s3_is_paid(s3))
            operations[i].serve(s3);
        return;
    }
    ncr_emu_s3_error(s3, "MethodNotAllowed", NULL);
}

/* Takes bucket and key from host and path; false: they cannot be decoded. */
static bool take_names(ncr_emu_s3 *s3)
{
    const char *host = ncr_emu_header(s3->request, "Host"), *label = ncr_emu_s3_host_label(host);
    const char *path = s3->request->path + (*s3->request->path == '/');
    if (label && label > host) {
        s3->name = ncr_text_copy_n(host, (size_t)(label - host) - 1);
    } else {
        size_t length = strcspn(path, "/");
        s3->name = ncr_emu_decode(path, length);
        path += length + (path[length] == '/');
    }
    s3->key = ncr_emu_decode(path, strlen(path));
    return s3->name && s3->key;
}

static void make_id(char id[17])
{
    static _Atomic unsigned counter;
    snprintf(id, 17, "%016llX", 0x4E41435245000000ULL + atomic_fetch_add(&counter, 1));
}

/* What stands before every operation: names, access. */
static void answer(ncr_emu_s3 *s3)
{
    if (!take_names(s3)) {
        ncr_emu_s3_error(s3, "InvalidURI", NULL);
        return;
    }
    s3->bucket = *s3->name ? ncr_emu_bucket_get(s3->request->server->root, s3->name) : NULL;
    if (strlen(s3->key) > NCR_EMU_KEY_MAX)
        ncr_emu_s3_error(s3, "KeyTooLongError", NULL);
    else if (*s3->key && !ncr_emu_key_is_valid(s3->key))
        ncr_emu_s3_refuse(s3, "InvalidArgument", "The emulator takes keys of UTF-8 without line breaks.");
    else if (ncr_emu_s3_authorise(s3))
        serve(s3);
}

void ncr_emu_amazon_fault(ncr_emu_request *request, ncr_emu_reply *reply, int status)
{
    ncr_emu_s3 s3 = {.request = request, .reply = reply};
    make_id(s3.id);
    bool slow = status == 503 || status == 429;
    write_error(&s3,
                slow            ? "SlowDown"
                : status == 408 ? "RequestTimeout"
                                : "InternalError",
                slow ? "Please reduce your request rate." : "The fault that was asked for.", NULL);
    reply->status = status;
    ncr_emu_reply_header(reply, "x-amz-request-id", "%s", s3.id);
}

bool ncr_emu_s3_late_error(ncr_emu_s3 *s3)
{
    if (s3->request->fault.kind != NCR_EMU_FAULT_LATE_ERROR)
        return false;
    ncr_emu_s3_error(s3, "InternalError", NULL);
    s3->reply->status = 200;
    return true;
}

void ncr_emu_amazon(ncr_emu_request *request, ncr_emu_reply *reply)
{
    ncr_emu_s3 s3 = {.request = request, .reply = reply};
    make_id(s3.id);
    answer(&s3);
    ncr_emu_reply_header(reply, "x-amz-request-id", "%s", s3.id);
    ncr_emu_reply_header(reply, "x-amz-id-2", "nacre-emulator");
    ncr_emu_signature_clear(&s3.signature);
    free(s3.signed_region);
    free(s3.name);
    free(s3.key);
}
