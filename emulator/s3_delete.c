/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "keys.h"
#include "s3.h"
#include "s3_body.h"
#include "xml.h"

/* Deletion in the S3 interface: of one object, and of several in one request. */

enum { OBJECTS_MAX = 1000, LIST_MAX = 4 << 20 };

void ncr_emu_s3_delete(ncr_emu_s3 *s3)
{
    ncr_emu_condition condition;
    ncr_emu_deletion done;
    const char *id = ncr_emu_parameter(s3->request, "versionId");
    if (!ncr_emu_s3_write_condition(s3, &condition))
        return;
    if (id && !ncr_emu_version_id_is_valid(id)) {
        ncr_emu_s3_refuse(s3, "InvalidArgument", "Invalid version id specified");
        return;
    }
    int status = ncr_emu_version_delete(s3->bucket, s3->key, id, &condition, &done);
    if (status != 204) {
        ncr_emu_s3_status_error(s3, status);
        return;
    }
    s3->reply->status = 204;
    if (*done.id)
        ncr_emu_reply_header(s3->reply, "x-amz-version-id", "%s", done.id);
    if (done.made_marker || done.was_marker)
        ncr_emu_reply_header(s3->reply, "x-amz-delete-marker", "true");
}

/* --- Several --- */

typedef struct delete_list {
    json_t *objects; /* {"Key", "ETag", "VersionId"}... */
    json_t *next;
    bool quiet;
} delete_list;

static bool on_element(void *user, const char *path, const char *text)
{
    static const char object[] = "Delete/Object";
    delete_list *self = user;
    if (strcmp(path, "Delete/Quiet") == 0)
        return ncr_text_to_bool(text, &self->quiet);
    if (!ncr_text_starts(path, object))
        return true;
    path += strlen(object);
    if (*path == '/')
        return json_object_set_new(self->next, path + 1, json_string(text)) == 0;
    const char *key = json_string_value(json_object_get(self->next, "Key"));
    if (!key || !*key || json_array_size(self->objects) == OBJECTS_MAX ||
        json_array_append(self->objects, self->next) != 0)
        return false;
    json_decref(self->next);
    self->next = json_object();
    return self->next != NULL;
}

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static void append_done(ncr_buffer *out, const char *key, const char *id, const ncr_emu_deletion *done)
{
    ncr_text_append(out, "<Deleted>");
    ncr_emu_s3_element(out, "Key", key);
    ncr_emu_s3_element(out, "VersionId", id);
    if (done->made_marker || done->was_marker) {
        ncr_emu_s3_element(out, "DeleteMarker", "true");
        ncr_emu_s3_element(out, "DeleteMarkerVersionId", done->id);
    }
    ncr_text_append(out, "</Deleted>");
}

static void append_result(ncr_emu_s3 *s3, const json_t *object, bool quiet)
{
    ncr_buffer *out = &s3->reply->body;
    const char *key = text_of(object, "Key"), *id = text_of(object, "VersionId");
    const ncr_emu_condition condition = {.s3 = true, .if_match = text_of(object, "ETag")};
    ncr_emu_deletion done = {0};
    int status = 204; /* of a key that no object can have */
    if (id && !ncr_emu_version_id_is_valid(id))
        status = 400;
    else if (ncr_emu_key_is_valid(key))
        status = ncr_emu_version_delete(s3->bucket, key, id, &condition, &done);
    if (status == 204) {
        if (!quiet)
            append_done(out, key, id, &done);
        return;
    }
    ncr_text_append(out, "<Error>");
    ncr_emu_s3_element(out, "Key", key);
    ncr_emu_s3_element(out, "VersionId", id);
    ncr_emu_s3_element(out, "Code",
                       status == 412   ? "PreconditionFailed"
                       : status == 404 ? "NoSuchKey"
                       : status == 400 ? "InvalidArgument"
                                       : "InternalError");
    ncr_emu_s3_element(out, "Message", "The object was not deleted.");
    ncr_text_append(out, "</Error>");
}

/* The list of the body; false: the error is in the reply. */
static bool read_list(ncr_emu_s3 *s3, delete_list *out)
{
    ncr_emu_s3_body body;
    if (!ncr_emu_s3_body_take(s3, &body))
        return false;
    if (!body.was_sent && !ncr_emu_header(s3->request, "Content-MD5")) {
        ncr_emu_draft_free(body.draft);
        ncr_emu_s3_refuse(s3, "InvalidRequest", "Missing required header for this request: Content-MD5");
        return false;
    }
    char *text = ncr_emu_draft_text(body.draft, LIST_MAX);
    ncr_emu_draft_free(body.draft);
    bool good = text && out->objects && out->next && ncr_emu_xml_read(text, strlen(text), on_element, out) &&
                json_array_size(out->objects);
    free(text);
    if (!good)
        ncr_emu_s3_error(s3, "MalformedXML", NULL);
    return good;
}

void ncr_emu_s3_delete_several(ncr_emu_s3 *s3)
{
    delete_list list = {.objects = json_array(), .next = json_object()};
    if (read_list(s3, &list)) {
        ncr_emu_s3_xml(s3, "DeleteResult");
        for (size_t i = 0; i < json_array_size(list.objects); i++)
            append_result(s3, json_array_get(list.objects, i), list.quiet);
        ncr_text_append(&s3->reply->body, "</DeleteResult>");
    }
    json_decref(list.objects);
    json_decref(list.next);
}
