/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "s3.h"
#include "s3_body.h"
#include "xml.h"

/* CompleteMultipartUpload: a list of parts becomes an object. */

enum { LIST_MAX = 4 << 20, PARTS_MAX = 10000, PART_SIZE_MIN = 5 << 20 };

/* A part as the list has it. */
typedef struct listed_part {
    uint64_t number;
    char etag[NCR_EMU_ETAG_SIZE];
    char checksum[NCR_EMU_CHECKSUM_BASE64_SIZE];
} listed_part;

typedef struct part_list {
    listed_part *parts;
    size_t count, capacity;
    listed_part next;
    const char *checksum_path; /* of the element that the upload's checksum has */
} part_list;

static bool take_text(char *out, size_t size, const char *text)
{
    size_t length = strlen(text);
    if (length >= size)
        return false;
    memcpy(out, text, length + 1);
    return true;
}

static bool on_element(void *user, const char *path, const char *text)
{
    static const char part[] = "CompleteMultipartUpload/Part";
    part_list *self = user;
    if (!ncr_text_starts(path, part))
        return true;
    path += strlen(part);
    if (strcmp(path, "/PartNumber") == 0)
        return ncr_text_to_uint64(text, &self->next.number);
    if (strcmp(path, "/ETag") == 0)
        return take_text(self->next.etag, sizeof self->next.etag, text);
    if (*path == '/' && strcmp(path + 1, self->checksum_path) == 0)
        return take_text(self->next.checksum, sizeof self->next.checksum, text);
    if (*path)
        return true;
    if (self->count == PARTS_MAX || !self->next.number || !*self->next.etag ||
        !ncr_array_reserve(&self->parts, &self->capacity, self->count + 1, sizeof *self->parts))
        return false;
    self->parts[self->count++] = self->next;
    self->next = (listed_part){0};
    return true;
}

static const ncr_emu_part *find_part(const ncr_emu_upload *upload, uint64_t number)
{
    size_t low = 0, high = upload->part_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (upload->parts[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < upload->part_count && upload->parts[low].number == number ? &upload->parts[low] : NULL;
}

static void too_small(ncr_emu_s3 *s3, const listed_part *listed, const ncr_emu_part *part)
{
    ncr_buffer detail;
    ncr_buffer_init(&detail, 4096);
    ncr_emu_s3_number(&detail, "ProposedSize", part->size);
    ncr_emu_s3_number(&detail, "MinSizeAllowed", PART_SIZE_MIN);
    ncr_emu_s3_number(&detail, "PartNumber", part->number);
    ncr_emu_s3_element(&detail, "ETag", listed->etag);
    ncr_emu_s3_error(s3, "EntityTooSmall", (const char *)detail.data);
    ncr_buffer_clear(&detail);
}

static bool is_part(const ncr_emu_upload *upload, const listed_part *listed)
{
    char etag[NCR_EMU_ETAG_SIZE];
    const ncr_emu_part *part = find_part(upload, listed->number);
    if (!part)
        return false;
    ncr_emu_s3_part_etag(part, etag);
    return strcmp(listed->etag, "*") != 0 && ncr_emu_etag_listed(listed->etag, etag) &&
           (!*listed->checksum || strcmp(listed->checksum, part->checksum) == 0);
}

/* Whether the list is one that completes the upload; false: the error is in the reply. */
static bool check_list(ncr_emu_s3 *s3, const ncr_emu_upload *upload, const part_list *list)
{
    for (size_t i = 1; i < list->count; i++)
        if (list->parts[i].number <= list->parts[i - 1].number) {
            ncr_emu_s3_error(s3, "InvalidPartOrder", NULL);
            return false;
        }
    for (size_t i = 0; i < list->count; i++) {
        const listed_part *listed = &list->parts[i];
        if (!is_part(upload, listed)) {
            ncr_emu_s3_error(s3, "InvalidPart", NULL);
            return false;
        }
        if (upload->checksum_is_composite && !*listed->checksum) {
            ncr_emu_s3_refuse(s3, "InvalidRequest", "The list must have the checksum of each part.");
            return false;
        }
    }
    for (size_t i = 0; i + 1 < list->count; i++) {
        const ncr_emu_part *part = find_part(upload, list->parts[i].number);
        if (part->size < PART_SIZE_MIN) {
            too_small(s3, &list->parts[i], part);
            return false;
        }
    }
    return true;
}

/* What the parts make together. */
typedef struct joined {
    ncr_emu_draft *draft;
    uint8_t parts_md5[NCR_EMU_MD5_SIZE];
    ncr_emu_checksum_kind kind;
    char checksum[NCR_EMU_CHECKSUM_BASE64_SIZE + 8]; /* with "-N" where it is composite */
} joined;

/* The composite checksum: of the parts' digests, a dash and their number. */
static bool composite_checksum(const ncr_emu_upload *upload, const part_list *list, joined *out)
{
    uint8_t digest[NCR_EMU_CHECKSUM_SIZE];
    char base64[NCR_EMU_CHECKSUM_BASE64_SIZE];
    ncr_emu_checksum sum;
    if (!ncr_emu_checksum_init(&sum, out->kind))
        return false;
    for (size_t i = 0; i < list->count; i++)
        if (ncr_emu_checksum_parse(out->kind, find_part(upload, list->parts[i].number)->checksum, digest))
            ncr_emu_checksum_add(&sum, digest, ncr_emu_checksum_length(out->kind));
    ncr_emu_checksum_end(&sum, digest);
    ncr_emu_base64(digest, ncr_emu_checksum_length(out->kind), base64);
    snprintf(out->checksum, sizeof out->checksum, "%s-%zu", base64, list->count);
    return true;
}

static bool join(ncr_emu_s3 *s3, const ncr_emu_upload *upload, const part_list *list, joined *out)
{
    ncr_emu_hash of_parts;
    uint32_t unused;
    *out = (joined){.draft = ncr_emu_draft_new(s3->request->server->root->tmp_directory)};
    out->kind = upload->checksum_kind == NCR_EMU_CHECKSUM_NONE ? NCR_EMU_CHECKSUM_CRC64NVME : upload->checksum_kind;
    bool good = out->draft != NULL;
    if (good)
        ncr_emu_hash_clear(&out->draft->hash); /* the MD5 of the whole is told nowhere; CRC32C stays */
    ncr_emu_hash_init(&of_parts);
    for (size_t i = 0; i < list->count && good; i++) {
        const ncr_emu_part *part = find_part(upload, list->parts[i].number);
        ncr_emu_hash_add(&of_parts, part->md5, sizeof part->md5);
        good = ncr_emu_draft_write_fd(out->draft, part->draft->fd, 0, part->size);
    }
    ncr_emu_hash_end(&of_parts, &unused, out->parts_md5);
    if (good && upload->checksum_is_composite)
        return composite_checksum(upload, list, out);
    return good && ncr_emu_checksum_of_file(out->draft->fd, out->draft->size, out->kind, out->checksum);
}

/* What the request claims of the whole object; false: the error is in the reply. */
static bool claims_hold(ncr_emu_s3 *s3, const joined *whole)
{
    uint64_t size;
    const char *claimed_size = ncr_emu_header(s3->request, "x-amz-mp-object-size");
    const char *claimed = ncr_emu_header(s3->request, ncr_emu_checksum_header(whole->kind));
    if (claimed_size && (!ncr_text_to_uint64(claimed_size, &size) || size != whole->draft->size)) {
        ncr_emu_s3_refuse(s3, "InvalidRequest", "x-amz-mp-object-size is not the size of the parts together.");
        return false;
    }
    /* Of a composite checksum "-N" may be left out. */
    if (!claimed || (ncr_text_starts(whole->checksum, claimed) &&
                     (!whole->checksum[strlen(claimed)] || whole->checksum[strlen(claimed)] == '-')))
        return true;
    ncr_emu_s3_error(s3, "BadDigest", NULL);
    return false;
}

static void answer(ncr_emu_s3 *s3, const ncr_emu_object *object, const joined *whole, const char *type)
{
    char etag[NCR_EMU_ETAG_SIZE];
    ncr_buffer *out = &s3->reply->body;
    ncr_emu_object_s3_etag(object, etag);
    ncr_emu_s3_version_header(s3, object);
    ncr_emu_s3_xml(s3, "CompleteMultipartUploadResult");
    ncr_text_appendf(out, "<Location>%s/%s/", s3->request->server->address, s3->name);
    ncr_emu_s3_escape(out, s3->key);
    ncr_text_append(out, "</Location>");
    ncr_emu_s3_element(out, "Bucket", s3->name);
    ncr_emu_s3_element(out, "Key", s3->key);
    ncr_emu_s3_element(out, "ETag", etag);
    ncr_emu_s3_element(out, ncr_emu_checksum_element(whole->kind), whole->checksum);
    ncr_emu_s3_element(out, "ChecksumType", type);
    ncr_text_append(out, "</CompleteMultipartUploadResult>");
}

static void commit(ncr_emu_s3 *s3, ncr_emu_upload *upload, const ncr_emu_condition *condition, const joined *whole,
                   size_t part_count)
{
    ncr_emu_object *object = NULL;
    const char *type = upload->checksum_is_composite ? "COMPOSITE" : "FULL_OBJECT";
    ncr_emu_commit options = {.key = s3->key,
                              .draft = whole->draft,
                              .fields = upload->fields,
                              .condition = *condition,
                              .composite = true,
                              .part_count = (uint32_t)part_count,
                              .keeps_previous = s3->request->server->root->keeps_previous};
    memcpy(options.parts_md5, whole->parts_md5, sizeof options.parts_md5);
    options.s3 = json_pack("{s:s, s:s, s:s}", "checksum", whole->checksum, "checksum_kind",
                           ncr_emu_checksum_name(whole->kind), "checksum_type", type);
    int status = ncr_emu_object_commit(s3->bucket, &options, &object);
    json_decref(options.s3);
    if (status != 200) {
        ncr_emu_s3_status_error(s3, status);
        return;
    }
    answer(s3, object, whole, type);
    ncr_emu_object_unref(object);
    upload->cancelled = true; /* for those who wait for its lock */
    ncr_emu_upload_forget(s3->request->server->uploads, upload);
}

/* The list of the body; false: the error is in the reply. */
static bool read_list(ncr_emu_s3 *s3, const ncr_emu_upload *upload, part_list *out)
{
    char *text = s3->request->body ? ncr_emu_draft_text(s3->request->body, LIST_MAX) : NULL;
    *out = (part_list){.checksum_path = ncr_emu_checksum_element(upload->checksum_kind)};
    bool good = text && ncr_emu_xml_read(text, strlen(text), on_element, out) && out->count;
    free(text);
    if (!good)
        ncr_emu_s3_error(s3, "MalformedXML", NULL);
    return good;
}

void ncr_emu_s3_upload_complete(ncr_emu_s3 *s3)
{
    ncr_emu_condition condition;
    part_list list = {0};
    joined whole = {0};
    if (!ncr_emu_s3_write_condition(s3, &condition) || ncr_emu_s3_late_error(s3))
        return;
    ncr_emu_upload *upload = ncr_emu_s3_upload_get(s3);
    if (!upload)
        return;
    if (read_list(s3, upload, &list) && check_list(s3, upload, &list)) {
        if (!join(s3, upload, &list, &whole))
            ncr_emu_s3_error(s3, "InternalError", NULL);
        else if (claims_hold(s3, &whole))
            commit(s3, upload, &condition, &whole, list.count);
    }
    ncr_emu_draft_free(whole.draft);
    free(list.parts);
    ncr_emu_upload_release(upload);
}
