/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_CACHE_CACHE_H
#define NCR_CACHE_CACHE_H

#include <nacre/cache.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/call.h"
#include "store/store.h"

/* The coherence protocol (docs/internals/cache.md): nothing that was cached is believed without proof.
 *
 * One cache per process: encoded bytes as the intervals that were fetched, and values (parsed headers, decoded tiles),
 * both keyed by object and strong version, under one memory budget. Synchronised; no lock is held over I/O or
 * callbacks. */

/* An immutable, reference-counted run of bytes. */
typedef struct ncr_block ncr_block;
ncr_block *ncr_block_ref(ncr_block *block);
void ncr_block_unref(ncr_block *block);

/* Bytes inside a block, on which it holds a reference. Plain value; released by ncr_slice_clear(). */
typedef struct ncr_slice {
    const uint8_t *data;
    size_t size;
    ncr_block *block;
} ncr_slice;
void ncr_slice_clear(ncr_slice *slice);

/* An object at one version: what an open handle holds. Immutable (but for what fetches note), reference-counted. */
typedef struct ncr_pin ncr_pin;
ncr_pin *ncr_pin_ref(ncr_pin *pin);
void ncr_pin_unref(ncr_pin *pin);
const ncr_object *ncr_pin_object(const ncr_pin *pin);
const ncr_object_facts *ncr_pin_facts(const ncr_pin *pin);
/* Whether its version is strong, or all its bytes came in one answer that the pin holds. */
bool ncr_pin_is_proven(const ncr_pin *pin);
/* Whether what is fetched of it goes to a folder on disk too, for later processes. */
bool ncr_pin_has_folder(const ncr_pin *pin);

/* Whether two pins of one object hold the same bytes, as far as can be shown: strong versions that are the same, or all
 * bytes at hand. */
bool ncr_pin_same(const ncr_pin *a, const ncr_pin *b);

/* Pins an object at a strong version that is known already, without a proof: each read of it carries the version, and
 * fails with NACRE_ERROR_CHANGED where the store has another. NULL: out of memory. */
ncr_pin *ncr_pin_at(ncr_object *object, const ncr_object_facts *facts, const ncr_call *call);

/* --- Asynchronous operations; rules as in store.h. --- */

/* Proves an object's version with the store and pins it. The proof is the request that reads the first bytes: cached
 * bytes are used only where the store says "not modified" or answers with the same version. An open that begins while
 * a proof of the object is under way shares the next one with the others that wait. With cache=offline the version
 * that was last proven with these credentials is pinned without a request, or NACRE_ERROR_OFFLINE. */
typedef struct ncr_cache_open ncr_cache_open;
struct ncr_cache_open {
    ncr_object *object; /* borrowed until done() */
    ncr_call *call;     /* borrowed until done() */
    unsigned needed_round;
    size_t first_read; /* bytes to bring into the cache where the proof has to read; less than the call's own: that */

    nacre_status status;
    nacre_error error;
    ncr_pin *pin;   /* the caller's */
    ncr_slice head; /* the first bytes: NCR_FIRST_READ, or NCR_FIRST_READ_OF_MANY, or as many as the object has; the
                       caller's */
    unsigned round;

    void (*done)(ncr_cache_open *open);
    void *user;
    struct ncr_cache_open *next; /* the cache's */
    struct ncr_disk *disk;       /* the cache's */
};
void ncr_cache_open_start(ncr_cache_open *open);

/* A range of a pinned object. */
typedef struct ncr_fetch ncr_fetch;
struct ncr_fetch {
    ncr_pin *pin;   /* borrowed until done() */
    ncr_call *call; /* borrowed until done() */
    uint64_t offset;
    size_t length; /* bytes; cut at the object's end */
    bool bypass;   /* large, read once: do not keep the bytes */
    unsigned needed_round;

    nacre_status status; /* NACRE_ERROR_CHANGED: no pixel of another version is ever given */
    nacre_error error;
    ncr_slice slice; /* the caller's */
    unsigned round;  /* needed_round where it came from the cache */

    void (*done)(ncr_fetch *fetch);
    void *user;
    void *internal; /* the cache's */
};

/* Starts fetches together, of any pins: near ranges of one pin are merged (NCR_MERGE_GAP), what is cached or already
 * under way for the same version is shared. done() of each may run before this returns. */
void ncr_cache_fetch_start(ncr_fetch *const *fetches, size_t count);

/* Copies a range, cut at the object's end, that is cached in one piece: the cheapest way to small reads. Whether it
 * was; false also at the end of the object, and where the call is cancelled or out of time: a fetch tells which. */
bool ncr_cache_copy(const ncr_pin *pin, ncr_call *call, uint64_t offset, size_t length, void *buffer, size_t *got);

/* --- Values: parsed headers and decoded tiles. --- */

/* Immutable and reference-counted; embedded at the beginning of what is cached. */
typedef struct ncr_value {
    _Atomic int references;
    size_t size; /* bytes it occupies in all: where it is several allocations, by ncr_alloc_size() */
    void (*free)(struct ncr_value *value);
} ncr_value;
ncr_value *ncr_value_ref(ncr_value *value);
void ncr_value_unref(ncr_value *value);

/* What a value is, beside the pin's object and version. */
typedef struct ncr_value_key {
    uint32_t kind; /* NCR_VALUE_ of ncr_value_kind */
    uint32_t a;    /* directory */
    uint64_t b;    /* tile */
} ncr_value_key;

typedef enum ncr_value_kind {
    NCR_VALUE_TIFF_INDEX = 1,
    NCR_VALUE_TIFF_TILE = 2,
    NCR_VALUE_VRT = 3,
    NCR_VALUE_ZIP_DIRECTORY = 4,
    NCR_VALUE_ZIP_MEMBER = 5
} ncr_value_kind;

/* A new reference to the cached value, or NULL. Only strong versions have values. Counted on the call; NULL: only for
 * the process. */
ncr_value *ncr_cache_value_get(const ncr_pin *pin, ncr_value_key key, ncr_call *call);

/* Caches a value (the cache takes a reference of its own; it may decide not to). */
void ncr_cache_value_put(const ncr_pin *pin, ncr_value_key key, ncr_value *value);

/* --- Changes. A fetch or proof that began before begin() never fills the cache after it. --- */

/* Around every put, copy, rename and delete of an object, also when the outcome is unknown. end() with facts and data
 * (of a whole put) keeps the bytes under the version in its answer, up to NCR_PUT_FILLS_CACHE. */
void ncr_cache_change_begin(const ncr_object *object, const ncr_call *call);
void ncr_cache_change_end(const ncr_object *object, const ncr_call *call, ncr_outcome outcome,
                          const ncr_object_facts *facts, const void *data, size_t size);

/* What was last proven of an object with its credentials: the answer to a stat with cache=offline.
 * NACRE_ERROR_OFFLINE: nothing. May read a file. */
nacre_status ncr_cache_known(const ncr_object *object, const ncr_call *call, ncr_object_facts *out, nacre_error *err);

/* Sets the budget from configuration (NULL: the default) at the first use of the cache; cheap after that. */
void ncr_cache_begin(const ncr_config *config);

/* --- For the user: see nacre/cache.h. --- */
void ncr_cache_forget(const ncr_object *object);       /* one object */
void ncr_cache_forget_below(const ncr_object *prefix); /* every object that begins so; a store: all it has */
void ncr_cache_forget_all(void);
void ncr_cache_stats(nacre_cache_stats *out);
/* See nacre_cache_flush(). False: time is up. */
bool ncr_cache_flush(void);
/* For tests: another budget at once. */
void ncr_cache_set_budget(size_t bytes);

#endif
