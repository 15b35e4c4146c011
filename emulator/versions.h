/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_EMULATOR_VERSIONS_H
#define NCR_EMULATOR_VERSIONS_H

#include "objects.h"

/* Versions that are not live, of buckets whose setting "versioning" is "Enabled" or "Suspended", with S3's rules: what
 * is replaced or deleted stays under its id, and a deletion leaves a marker. Their files are
 * .nacre/versions/GENERATION. */

enum { NCR_EMU_VERSION_ID_SIZE = 33 };

/* The id of a version: "null" for what was written while versioning was off or suspended. */
void ncr_emu_version_id(const ncr_emu_object *object, char out[NCR_EMU_VERSION_ID_SIZE]);
/* Whether a text can be an id. */
bool ncr_emu_version_id_is_valid(const char *id);

/* The version of that id, live or not, markers too, with its open file (-1: a marker). id NULL: the live
 * object, else the marker in its place. NULL: there is none. Both are the caller's. */
ncr_emu_object *ncr_emu_version_get(ncr_emu_bucket *bucket, const char *key, const char *id, int *fd);

/* What a deletion did. */
typedef struct ncr_emu_deletion {
    bool made_marker, was_marker;     /* a marker was made, or was what was deleted */
    char id[NCR_EMU_VERSION_ID_SIZE]; /* of the marker or version; "": the bucket has no versions */
} ncr_emu_deletion;

/* Deletes as S3 does: without an id the live object, for which a marker may come; with one that version for good, and
 * the one before becomes live. 204 (also where there was nothing), 404 (If-Match, and no object), 412 or 500. */
int ncr_emu_version_delete(ncr_emu_bucket *bucket, const char *key, const char *id, const ncr_emu_condition *condition,
                           ncr_emu_deletion *out);

/* A page of versions and markers, by key, the newest first. */
typedef struct ncr_emu_versions_options {
    const char *prefix, *delimiter;     /* NULL: none */
    const char *key_marker, *id_marker; /* the last of the page before; id NULL: all of the key are left out */
    size_t maximum;
} ncr_emu_versions_options;

typedef struct ncr_emu_versions_page {
    ncr_emu_object **objects; /* referenced */
    bool *latest;             /* for each whether it is its key's newest */
    size_t count;
    char **prefixes;
    size_t prefix_count;
    bool truncated;
    char *next_key, next_id[NCR_EMU_VERSION_ID_SIZE]; /* the page's last; id "": a prefix */
} ncr_emu_versions_page;

/* 200 or 500. Release with ncr_emu_versions_page_clear() in every case. */
int ncr_emu_versions_list(ncr_emu_bucket *bucket, const ncr_emu_versions_options *options, ncr_emu_versions_page *out);
void ncr_emu_versions_page_clear(ncr_emu_versions_page *page);

/* --- For objects.c and journal.c; all expect bucket->lock --- */

typedef enum ncr_emu_versioning {
    NCR_EMU_VERSIONS_OFF,
    NCR_EMU_VERSIONS_ON,
    NCR_EMU_VERSIONS_SUSPENDED
} ncr_emu_versioning;

ncr_emu_versioning ncr_emu_versioning_locked(const ncr_emu_bucket *bucket);
/* Before the live object is replaced or deleted: keeps it where that is the rule, and drops the version that a new one
 * without id takes the place of. current may be NULL. False: the disk or memory refuses. */
bool ncr_emu_versions_keep_locked(ncr_emu_bucket *bucket, const ncr_emu_object *current, const char *key);
/* After the live object was deleted: leaves a marker where that is the rule. */
bool ncr_emu_versions_mark_locked(ncr_emu_bucket *bucket, const char *key, ncr_emu_deletion *out);
/* After the journal was read: a version that is live still, of a process that was killed before it replaced it, goes.
 */
void ncr_emu_versions_tidy_locked(ncr_emu_bucket *bucket);
/* Adds a version that the journal has; takes the reference. */
bool ncr_emu_versions_add_locked(ncr_emu_bucket *bucket, ncr_emu_object *object);
void ncr_emu_versions_forget_locked(ncr_emu_bucket *bucket, uint64_t generation);

#endif
