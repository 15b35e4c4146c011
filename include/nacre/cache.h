/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NACRE_CACHE_H
#define NACRE_CACHE_H

#include "config.h"
#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The cache is keyed by version and proven at each open, so nobody needs these functions to see the truth; they
 * free memory and help to measure. They speak of memory: `cache.dir` keeps the bytes of versions, which
 * cannot be stale. All are synchronised. */

typedef struct nacre_cache_stats {
    uint64_t bytes;        /* held by the cache now */
    uint64_t budget_bytes; /* the key `cache.size` */
    uint64_t entries;
    uint64_t hits;
    uint64_t misses;
    uint64_t evictions;
    /* Of the folder `cache.dir`, as far as this process used it. */
    uint64_t disk_hits;          /* reads that were there whole */
    uint64_t disk_misses;        /* reads that were not */
    uint64_t disk_bytes_read;    /* of objects */
    uint64_t disk_bytes_written; /* of objects */
    uint64_t disk_bytes_dropped; /* not written, since too much waited to be or there was no room */
    uint64_t disk_errors;        /* files that could not be read or written, or were damaged */
    uint64_t disk_evictions;     /* files that this process took away to keep to `cache.dir_size` */
} nacre_cache_stats;

NACRE_API void nacre_cache_stats_get(nacre_cache_stats *out);

/* Forgets everything known of the object at path, in all its spellings, and of the objects below it where path ends
 * with a slash. */
NACRE_API nacre_status nacre_cache_invalidate(const char *path, const nacre_io_options *options, nacre_error *err);

NACRE_API void nacre_cache_invalidate_all(void);

/* What is fetched is written into `cache.dir` behind the reads. Waits until that is done, for a few seconds at most:
 * for programs that are about to end, which else leave out the last of it. The command and the Python package do it. */
NACRE_API void nacre_cache_flush(void);

/* Sets when what is cached of the objects whose paths begin with `prefix` ("gs://bucket/folder/", in any spelling) is
 * believed: "fresh", "ttl=SECONDS", "immutable" or "offline"; NULL takes that back. It holds from the next open on, for
 * the process, like the key `cache.policy`, and comes before that of files and environment; a call's own option comes
 * before it. The longest prefix wins. What each policy promises: docs/guide/consistency.md.
 * NACRE_ERROR_INVALID: no such policy, not a path, or a local one, which has none. */
NACRE_API nacre_status nacre_cache_policy(const char *prefix, const char *policy, nacre_error *err);

#ifdef __cplusplus
}
#endif

#endif
