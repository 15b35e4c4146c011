/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "google.h"
#include "xml.h"

/* Multipart uploads of the XML interface. */

enum { PART_MAX = 10000, LIST_MAX = 4 << 20 };

static const char declaration[] = "<?xml version='1.0' encoding='UTF-8'?>";

static void append_names(ncr_buffer *out, const ncr_emu_upload *upload)
{
    ncr_text_appendf(out, "<Bucket>%s</Bucket><Key>", upload->bucket);
    ncr_emu_xml_append(out, upload->key);
    ncr_text_append(out, "</Key>");
}

static void begin(ncr_emu_request *request, const ncr_emu_bucket *bucket, const char *key, ncr_emu_reply *reply)
{
    const ncr_emu_condition none = {0};
    json_t *fields = ncr_emu_xml_fields(request);
    ncr_emu_upload *upload = ncr_emu_upload_begin(request->server->uploads, bucket->name, key, fields, &none);
    json_decref(fields);
    if (!upload) {
        ncr_emu_xml_commit_error(reply, 500);
        return;
    }
    ncr_emu_reply_header(reply, "Content-Type", "application/xml; charset=UTF-8");
    ncr_text_appendf(&reply->body, "%s<InitiateMultipartUploadResult>", declaration);
    append_names(&reply->body, upload);
    ncr_text_appendf(&reply->body, "<UploadId>%s</UploadId></InitiateMultipartUploadResult>", upload->id);
    ncr_emu_upload_release(upload);
}

static void put_part(ncr_emu_request *request, ncr_emu_upload *upload, ncr_emu_reply *reply)
{
    uint64_t number;
    if (!ncr_emu_parameter_number(request, "partNumber", &number) || number < 1 || number > PART_MAX) {
        ncr_emu_xml_error(reply, 400, "InvalidArgument", "partNumber is from 1 to 10000.");
        return;
    }
    ncr_emu_draft *draft = ncr_emu_body_take(request);
    if (!draft || draft->failed || !ncr_emu_digest_matches(request, draft)) {
        bool failed = !draft || draft->failed;
        ncr_emu_draft_free(draft);
        ncr_emu_xml_error(reply, failed ? 500 : 400, failed ? "InternalError" : "BadDigest", "The part was refused.");
        return;
    }
    const ncr_emu_part *part = ncr_emu_upload_add_part(upload, number, draft);
    if (!part) {
        ncr_emu_xml_commit_error(reply, 500);
        return;
    }
    char md5[NCR_EMU_MD5_HEX_SIZE];
    ncr_emu_md5_hex(part->md5, md5);
    ncr_emu_reply_header(reply, "ETag", "\"%s\"", md5);
}

/* --- The list of parts that completes an upload --- */

typedef struct part_list {
    uint64_t number, previous;
    const ncr_emu_upload *upload;
    ncr_emu_draft *draft;
    const char *error; /* NULL: good so far */
} part_list;

/* Appends the part to the draft; its ETag must be the one that was given for it. */
static void take_part(part_list *self, const char *etag)
{
    const ncr_emu_part *part = NULL;
    for (size_t i = 0; i < self->upload->part_count; i++)
        if (self->upload->parts[i].number == self->number)
            part = &self->upload->parts[i];
    char md5[NCR_EMU_MD5_HEX_SIZE];
    if (part)
        ncr_emu_md5_hex(part->md5, md5);
    if (!part || !strstr(etag, md5))
        self->error = "InvalidPart";
    else if (self->number <= self->previous)
        self->error = "InvalidPartOrder";
    else if (!ncr_emu_draft_write_fd(self->draft, part->draft->fd, 0, part->size))
        self->error = "InternalError";
    self->previous = self->number;
}

static bool on_element(void *user, const char *path, const char *text)
{
    part_list *self = user;
    if (ncr_text_ends_nocase(path, "Part/PartNumber") && !ncr_text_to_uint64(text, &self->number))
        self->error = "MalformedXML";
    else if (ncr_text_ends_nocase(path, "Part/ETag"))
        take_part(self, text);
    return !self->error;
}

/* Joins the parts in the order of the list; NULL and *error where the list is wrong. */
static ncr_emu_draft *join_parts(ncr_emu_request *request, const ncr_emu_upload *upload, const char **error)
{
    char *text = request->body ? ncr_emu_draft_text(request->body, LIST_MAX) : NULL;
    part_list list = {.upload = upload};
    list.draft = ncr_emu_draft_new(request->server->root->tmp_directory);
    if (!list.draft)
        list.error = "InternalError";
    else if ((!text || !ncr_emu_xml_read(text, strlen(text), on_element, &list) || !list.previous) && !list.error)
        list.error = "MalformedXML";
    free(text);
    *error = list.error;
    if (!list.error)
        return list.draft;
    ncr_emu_draft_free(list.draft);
    return NULL;
}

static void complete(ncr_emu_request *request, ncr_emu_bucket *bucket, ncr_emu_upload *upload, ncr_emu_reply *reply)
{
    const char *error;
    ncr_emu_object *object = NULL;
    ncr_emu_commit commit = {.key = upload->key, .fields = upload->fields, .composite = true};
    commit.draft = join_parts(request, upload, &error);
    if (!commit.draft) {
        ncr_emu_xml_error(reply, strcmp(error, "InternalError") == 0 ? 500 : 400, error, "The list of parts is wrong.");
        return;
    }
    ncr_emu_header_condition(request, &commit.condition);
    commit.condition.if_match = commit.condition.if_none_match = NULL;
    commit.keeps_previous = request->server->root->keeps_previous;
    int status = request->bad ? 400 : ncr_emu_object_commit(bucket, &commit, &object);
    ncr_emu_draft_free(commit.draft);
    if (status != 200) {
        ncr_emu_xml_commit_error(reply, status);
        return;
    }
    char etag[NCR_EMU_ETAG_SIZE];
    ncr_emu_object_xml_etag(object, etag);
    ncr_emu_reply_header(reply, "Content-Type", "application/xml; charset=UTF-8");
    ncr_emu_reply_header(reply, "x-goog-generation", "%llu", (unsigned long long)object->generation);
    ncr_text_appendf(&reply->body, "%s<CompleteMultipartUploadResult><Location>%s/%s/", declaration,
                     request->server->address, bucket->name);
    ncr_emu_xml_append(&reply->body, upload->key);
    ncr_text_append(&reply->body, "</Location>");
    append_names(&reply->body, upload);
    ncr_text_appendf(&reply->body, "<ETag>%s</ETag></CompleteMultipartUploadResult>", etag);
    ncr_emu_object_unref(object);
    ncr_emu_upload_forget(request->server->uploads, upload);
}

static void list_parts(const ncr_emu_upload *upload, ncr_emu_reply *reply)
{
    ncr_emu_reply_header(reply, "Content-Type", "application/xml; charset=UTF-8");
    ncr_text_appendf(&reply->body, "%s<ListPartsResult>", declaration);
    append_names(&reply->body, upload);
    ncr_text_appendf(&reply->body, "<UploadId>%s</UploadId><IsTruncated>false</IsTruncated>", upload->id);
    for (size_t i = 0; i < upload->part_count; i++) {
        char md5[NCR_EMU_MD5_HEX_SIZE];
        ncr_emu_md5_hex(upload->parts[i].md5, md5);
        ncr_text_appendf(&reply->body, "<Part><PartNumber>%llu</PartNumber><ETag>\"%s\"</ETag><Size>%llu</Size></Part>",
                         (unsigned long long)upload->parts[i].number, md5, (unsigned long long)upload->parts[i].size);
    }
    ncr_text_append(&reply->body, "</ListPartsResult>");
}

void ncr_emu_xml_multipart(ncr_emu_request *request, ncr_emu_bucket *bucket, const char *key, ncr_emu_reply *reply)
{
    const char *id = ncr_emu_parameter(request, "uploadId"), *method = request->method;
    if (!id) {
        if (strcmp(method, "POST") == 0)
            begin(request, bucket, key, reply);
        else
            ncr_emu_xml_error(reply, 405, "MethodNotAllowed", "The method is not allowed here.");
        return;
    }
    ncr_emu_upload *upload = ncr_emu_upload_get(request->server->uploads, id);
    if (!upload || strcmp(upload->bucket, bucket->name) != 0 || strcmp(upload->key, key) != 0) {
        ncr_emu_xml_error(reply, 404, "NoSuchUpload", "The upload does not exist.");
    } else if (strcmp(method, "PUT") == 0) {
        put_part(request, upload, reply);
    } else if (strcmp(method, "POST") == 0) {
        complete(request, bucket, upload, reply);
    } else if (strcmp(method, "DELETE") == 0) {
        ncr_emu_upload_forget(request->server->uploads, upload);
        reply->status = 204;
    } else {
        list_parts(upload, reply);
    }
    ncr_emu_upload_release(upload);
}
