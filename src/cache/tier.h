/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_CACHE_TIER_H
#define NCR_CACHE_TIER_H

#include "cache/disk.h"
#include "cache/table.h"

/* How bytes and proofs come into the cache: into memory, and behind the reader's back onto disk. Private to this layer.
 *
 * What shall be written waits in a queue of bounded size, guarded by the cache's lock; a thread that lives as long as
 * there is something in it writes. What finds the queue full is not written, and counted. */

/* Where bytes of a version are on disk. Plain value; disk NULL: nowhere. */
typedef struct ncr_place {
    ncr_disk *disk;
    ncr_disk_key key;
} ncr_place;

/* The place of a strong version of an object that is not local. Not under the lock. */
ncr_place ncr_place_of(ncr_disk *disk, const ncr_object *object, const ncr_object_facts *facts);

/* Bytes that were found on disk. */
typedef struct ncr_found {
    uint64_t offset;
    size_t length;
    ncr_block *block; /* referenced: these bytes and no others */
} ncr_found;
/* What the place has of [offset, offset + length): runs in order that do not touch, to be released by
 * ncr_found_clear(). Blocks. */
size_t ncr_place_read(const ncr_place *place, uint64_t offset, size_t length, ncr_found **out);
void ncr_found_clear(ncr_found *found, size_t count);
/* The range in one block; NULL: not all of it is there, or out of memory. */
ncr_block *ncr_place_read_all(const ncr_place *place, uint64_t offset, size_t length);
/* The first bytes of an object of that size, as many as an open gives: *head; NULL as above. */
ncr_block *ncr_place_read_head(const ncr_place *place, uint64_t size, size_t *head);

/* Keeps [offset, offset + length) of the version, which lies at data in block: in memory, and at the place (NULL:
 * memory only, since it came from there). Every byte that enters the cache passes here. */
void ncr_cache_fill_locked(ncr_snapshot *snapshot, uint64_t offset, size_t length, const uint8_t *data,
                           ncr_block *block, const ncr_place *place);

/* Keeps what was proven of an object by a request that was sent at `proven_ms`: in memory, and on disk (NULL: none),
 * there at most once a minute. mark: of the change whose answer it is, or 0. */
void ncr_cache_prove_locked(ncr_subject *subject, const ncr_object *object, const ncr_object_facts *facts,
                            int64_t proven_ms, uint64_t mark, ncr_disk *disk);
/* Forgets it, since the object is gone. */
void ncr_cache_disprove_locked(ncr_subject *subject, ncr_disk *disk);

/* After the lock: starts the thread where something waits to be written. */
void ncr_behind_start(void);
/* Waits until nothing does; false: not within the time. */
bool ncr_behind_wait(int64_t timeout_ms);
/* In the child of a fork: what waits is the parent's to write. */
void ncr_behind_abandon_locked(void);

#endif
