/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_EMULATOR_UPLOADS_H
#define NCR_EMULATOR_UPLOADS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "draft.h"
#include "objects.h"
#include "s3_checksum.h"

/* Uploads that take several requests: resumable ones (one draft that grows) and those in parts. */

typedef struct ncr_emu_part {
    uint64_t number;
    ncr_emu_draft *draft;
    uint32_t crc32c;
    uint8_t md5[NCR_EMU_MD5_SIZE];
    uint64_t size;
    int64_t modified_ms;
    char checksum[NCR_EMU_CHECKSUM_BASE64_SIZE]; /* S3's, of the upload's kind; "" where the part has none */
} ncr_emu_part;

/* One upload. Its lock is held by whoever got it, until ncr_emu_upload_release(). */
typedef struct ncr_emu_upload {
    struct ncr_emu_upload *next;
    pthread_mutex_t lock;
    _Atomic int references;
    char id[40];
    char *bucket, *key;
    json_t *fields;
    ncr_emu_condition condition;
    ncr_emu_draft *draft;   /* resumable */
    ncr_emu_object *object; /* what a finished resumable upload became: status queries are answered with it */
    bool cancelled;
    int64_t began_ms;                    /* since 1970-01-01 UTC */
    ncr_emu_checksum_kind checksum_kind; /* S3: of the parts and the whole; NONE: the client chose none */
    bool checksum_is_composite;          /* S3: of the parts' checksums, not of the object's bytes */
    ncr_emu_part *parts;                 /* in the order of numbers */
    size_t part_count, part_capacity;
} ncr_emu_upload;

/* Synchronised. */
typedef struct ncr_emu_uploads ncr_emu_uploads;

ncr_emu_uploads *ncr_emu_uploads_new(void); /* NULL: out of memory */
void ncr_emu_uploads_free(ncr_emu_uploads *uploads);

/* Begins an upload and gets it; fields is referenced, the texts are copied, ETags of the condition are dropped.
 * NULL: out of memory. */
ncr_emu_upload *ncr_emu_upload_begin(ncr_emu_uploads *uploads, const char *bucket, const char *key, json_t *fields,
                                     const ncr_emu_condition *condition);
/* Gets an upload with its lock held, or NULL: no such upload. */
ncr_emu_upload *ncr_emu_upload_get(ncr_emu_uploads *uploads, const char *id);
void ncr_emu_upload_release(ncr_emu_upload *upload);
/* Forgets an upload, which must be held; it still is. */
void ncr_emu_upload_forget(ncr_emu_uploads *uploads, ncr_emu_upload *upload);

/* Adds or replaces a part; takes the draft. The result is the upload's, until its next part comes. NULL: out of memory,
 * and the draft is dropped. */
ncr_emu_part *ncr_emu_upload_add_part(ncr_emu_upload *upload, uint64_t number, ncr_emu_draft *draft);

/* The uploads in parts of a bucket that are under way, as JSON: [{"key", "id", "began_ms"}...]. A new reference. */
json_t *ncr_emu_uploads_describe(ncr_emu_uploads *uploads, const char *bucket);

#endif
