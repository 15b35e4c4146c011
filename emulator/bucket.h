/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_EMULATOR_BUCKET_H
#define NCR_EMULATOR_BUCKET_H

#include "keys.h"
#include "objects.h"

/* What objects.c, listing.c and journal.c share; all expect bucket->lock. */

/* Position of the first object whose key is not below key. */
size_t ncr_emu_index_find_locked(const ncr_emu_bucket *bucket, const char *key);
/* The object of exactly that key in the index, or NULL. Borrowed. */
ncr_emu_object *ncr_emu_index_get_locked(const ncr_emu_bucket *bucket, const char *key);
/* Adds or replaces; takes the reference. False: out of memory, and the reference is dropped. */
bool ncr_emu_index_put_locked(ncr_emu_bucket *bucket, ncr_emu_object *object);
void ncr_emu_index_remove_locked(ncr_emu_bucket *bucket, const char *key);

/* Looks at the file: takes up one that appeared or was changed by hand, forgets one that is gone. Borrowed result. */
ncr_emu_object *ncr_emu_refresh_locked(ncr_emu_bucket *bucket, const char *key);

/* The path of an object's file, relative to the bucket. */
void ncr_emu_object_path(const ncr_emu_object *object, char path[NCR_EMU_PATH_MAX]);
/* Moves a file to the place of a live object, the plain one where that is free, and sets object->escaped. */
bool ncr_emu_place_locked(ncr_emu_bucket *bucket, int from_directory, const char *from, ncr_emu_object *object);
/* Removes a live object, of the index, with its file. */
bool ncr_emu_remove_live_locked(ncr_emu_bucket *bucket, const ncr_emu_object *object);

/* Takes up what lies in the folder under a prefix, and forgets what does not. */
void ncr_emu_scan_locked(ncr_emu_bucket *bucket, const char *prefix);

/* A generation that was never given in this bucket. */
uint64_t ncr_emu_next_generation_locked(ncr_emu_bucket *bucket);

/* The journal: one line a change in .nacre/journal, read at the start and rewritten then without what is past. */
bool ncr_emu_journal_open_locked(ncr_emu_bucket *bucket);
void ncr_emu_journal_put_locked(ncr_emu_bucket *bucket, const ncr_emu_object *object);
void ncr_emu_journal_settings_locked(ncr_emu_bucket *bucket);
void ncr_emu_journal_version_gone_locked(ncr_emu_bucket *bucket, uint64_t generation);
void ncr_emu_journal_remove_locked(ncr_emu_bucket *bucket, const char *key);

/* An object that holds a copy of key and fields (a new reference), and zeros else; NULL: out of memory. */
ncr_emu_object *ncr_emu_object_new(const char *key, json_t *fields);
/* A copy that may be changed until it is shared. */
ncr_emu_object *ncr_emu_object_clone(const ncr_emu_object *object);

#endif
