/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "uploads.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

struct ncr_emu_uploads {
    pthread_mutex_t lock;
    ncr_emu_upload *first; /* guarded by lock; each holds a reference */
};

ncr_emu_uploads *ncr_emu_uploads_new(void)
{
    ncr_emu_uploads *uploads = calloc(1, sizeof *uploads);
    if (uploads)
        pthread_mutex_init(&uploads->lock, NULL);
    return uploads;
}

static void upload_unref(ncr_emu_upload *upload)
{
    if (!upload || atomic_fetch_sub(&upload->references, 1) != 1)
        return;
    for (size_t i = 0; i < upload->part_count; i++)
        ncr_emu_draft_free(upload->parts[i].draft);
    free(upload->parts);
    ncr_emu_draft_free(upload->draft);
    ncr_emu_object_unref(upload->object);
    json_decref(upload->fields);
    pthread_mutex_destroy(&upload->lock);
    free(upload->bucket);
    free(upload->key);
    free(upload);
}

void ncr_emu_uploads_free(ncr_emu_uploads *uploads)
{
    if (!uploads)
        return;
    while (uploads->first) {
        ncr_emu_upload *upload = uploads->first;
        uploads->first = upload->next;
        upload_unref(upload);
    }
    pthread_mutex_destroy(&uploads->lock);
    free(uploads);
}

static void make_id(char id[40])
{
    uint8_t bytes[16];
    RAND_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(id + 2 * i, 3, "%02x", bytes[i]);
}

ncr_emu_upload *ncr_emu_upload_begin(ncr_emu_uploads *uploads, const char *bucket, const char *key, json_t *fields,
                                     const ncr_emu_condition *condition)
{
    ncr_emu_upload *upload = calloc(1, sizeof *upload);
    if (!upload)
        return NULL;
    pthread_mutex_init(&upload->lock, NULL);
    atomic_init(&upload->references, 2); /* the list's and the caller's */
    make_id(upload->id);
    upload->began_ms = ncr_clock_wall_ms();
    upload->bucket = ncr_text_copy(bucket);
    upload->key = ncr_text_copy(key);
    upload->fields = json_incref(fields);
    upload->condition = *condition;
    upload->condition.if_match = upload->condition.if_none_match = NULL;
    if (!upload->bucket || !upload->key) {
        atomic_store(&upload->references, 1);
        upload_unref(upload);
        return NULL;
    }
    pthread_mutex_lock(&upload->lock);
    pthread_mutex_lock(&uploads->lock);
    upload->next = uploads->first;
    uploads->first = upload;
    pthread_mutex_unlock(&uploads->lock);
    return upload;
}

ncr_emu_upload *ncr_emu_upload_get(ncr_emu_uploads *uploads, const char *id)
{
    pthread_mutex_lock(&uploads->lock);
    ncr_emu_upload *upload = uploads->first;
    while (upload && strcmp(upload->id, id) != 0)
        upload = upload->next;
    if (upload)
        atomic_fetch_add(&upload->references, 1);
    pthread_mutex_unlock(&uploads->lock);
    if (upload)
        pthread_mutex_lock(&upload->lock);
    return upload;
}

void ncr_emu_upload_release(ncr_emu_upload *upload)
{
    if (!upload)
        return;
    pthread_mutex_unlock(&upload->lock);
    upload_unref(upload);
}

void ncr_emu_upload_forget(ncr_emu_uploads *uploads, ncr_emu_upload *upload)
{
    bool found = false;
    pthread_mutex_lock(&uploads->lock);
    for (ncr_emu_upload **at = &uploads->first; *at && !found; at = &(*at)->next)
        if (*at == upload) {
            *at = upload->next;
            found = true;
            break;
        }
    pthread_mutex_unlock(&uploads->lock);
    if (found)
        upload_unref(upload);
}

ncr_emu_part *ncr_emu_upload_add_part(ncr_emu_upload *upload, uint64_t number, ncr_emu_draft *draft)
{
    ncr_emu_part part = {.number = number, .draft = draft, .size = draft->size, .modified_ms = ncr_clock_wall_ms()};
    ncr_emu_hash_end(&draft->hash, &part.crc32c, part.md5);
    size_t at = 0;
    while (at < upload->part_count && upload->parts[at].number < number)
        at++;
    if (at < upload->part_count && upload->parts[at].number == number) {
        ncr_emu_draft_free(upload->parts[at].draft);
        upload->parts[at] = part;
        return &upload->parts[at];
    }
    if (!ncr_array_reserve(&upload->parts, &upload->part_capacity, upload->part_count + 1, sizeof *upload->parts)) {
        ncr_emu_draft_free(draft);
        return NULL;
    }
    memmove(upload->parts + at + 1, upload->parts + at, (upload->part_count - at) * sizeof *upload->parts);
    upload->parts[at] = part;
    upload->part_count++;
    return &upload->parts[at];
}

json_t *ncr_emu_uploads_describe(ncr_emu_uploads *uploads, const char *bucket)
{
    json_t *out = json_array();
    pthread_mutex_lock(&uploads->lock);
    for (const ncr_emu_upload *upload = uploads->first; upload; upload = upload->next)
        if (!upload->draft && strcmp(upload->bucket, bucket) == 0)
            json_array_append_new(out, json_pack("{s:s, s:s, s:I}", "key", upload->key, "id", upload->id, "began_ms",
                                                 (json_int_t)upload->began_ms));
    pthread_mutex_unlock(&uploads->lock);
    return out;
}
