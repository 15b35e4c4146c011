/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_CACHE_DISK_H
#define NCR_CACHE_DISK_H

#include <nacre/cache.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/config.h"
#include "base/error.h"
#include "store/store.h"

/* The directory of the disk tier, private to this layer (docs/internals/disk.md): bytes of versions in small files,
 * each found by its name, checked by its checksum, and written beside and renamed into place. Nothing here knows of the
 * cache in memory. All functions block, on files: never under a lock, nor on the loop thread. */

/* A directory that calls name by `cache.dir`. Synchronised; lives as long as the process, which uses few. */
typedef struct ncr_disk ncr_disk;

/* The directory that a configuration names, made where it is missing. NULL with NACRE_OK: it names none, or that cannot
 * be had now (full disk, no rights), which is logged and counted. NACRE_ERROR_REFUSED: another user owns it, or could
 * write to it. */
nacre_status ncr_disk_open(const ncr_config *config, ncr_disk **out, nacre_error *err);

enum {
    NCR_DISK_CHUNK = 64 * 1024, /* bytes of an object that one file may hold, aligned */
    NCR_DISK_KEY = 32,
};

/* One version of one object: a hash, so that no name of anything is on the disk. Plain value. */
typedef struct ncr_disk_key {
    uint8_t bytes[NCR_DISK_KEY];
} ncr_disk_key;
/* False: out of memory. */
bool ncr_disk_key_of(const char *id, const ncr_object_facts *facts, ncr_disk_key *out);

/* Calls found() with each run of bytes that is there of [offset, offset + length), in order; true: that was all of it.
 * Runs do not overlap; neighbours may touch. */
typedef void (*ncr_disk_found)(void *user, uint64_t offset, size_t length, const uint8_t *data);
bool ncr_disk_read(ncr_disk *disk, const ncr_disk_key *key, uint64_t offset, size_t length, ncr_disk_found found,
                   void *user);
/* Keeps them, beside what is there already. A failure is counted, and logged when it is not the last one again. */
void ncr_disk_write(ncr_disk *disk, const ncr_disk_key *key, uint64_t offset, size_t length, const uint8_t *data);

/* What was last proven of an object, one for each: with which credentials, and when (since 1970). */
typedef struct ncr_disk_proof {
    const char *id;
    const char *credentials;
    ncr_object_facts facts;
    bool public_only; /* see ncr_cached */
    int64_t wall_ms;
    uint64_t mark; /* of the change whose answer it is; 0: of none */
} ncr_disk_proof;
/* id and credentials are given, the others set. credentials NULL: whoever proved it. False: nothing is known. */
bool ncr_disk_proof_read(ncr_disk *disk, ncr_disk_proof *proof);
/* Does nothing where a later proof is there, or where a change was noted since. */
void ncr_disk_proof_write(ncr_disk *disk, const ncr_disk_proof *proof);
void ncr_disk_proof_drop(ncr_disk *disk, const char *id);

/* A number for a change of its own; 0: there is none now, and then its answer proves nothing here. */
uint64_t ncr_disk_mark(void);
/* Notes that a change of an object begins, or has ended: what was proven before is forgotten, also where another
 * process has yet to write it. Only the answer of this change counts as later than its end, and only where nothing was
 * proven or changed by others in between. */
void ncr_disk_change(ncr_disk *disk, const char *id, uint64_t mark, bool has_ended);

/* Adds what this process did on disks. */
void ncr_disk_stats(nacre_cache_stats *out);
/* Counts bytes that were not written since too much waits to be. */
void ncr_disk_count_dropped(size_t bytes);

/* For tests: called before each system call that touches the directory, with its name; returns the errno that it shall
 * fail with, or 0. length is that of a read or write, and may be made less; else NULL. */
typedef int (*ncr_disk_hook)(const char *call, size_t *length);
void ncr_disk_set_hook(ncr_disk_hook hook);

#endif
