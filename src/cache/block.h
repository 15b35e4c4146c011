/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_CACHE_BLOCK_H
#define NCR_CACHE_BLOCK_H

#include "cache/cache.h"

/* See cache.h. Whoever makes a block may write to its data until it gives the block to somebody else. */
struct ncr_block {
    _Atomic int references;
    size_t size;
    bool is_in_pages; /* data is from base/pages.h, else malloc'd */
    uint8_t *data;    /* never NULL */
    ncr_block *whole; /* of a stand-in: whose data it is, referenced; else NULL */
};

/* A block of size bytes that are not initialised, or NULL: out of memory. */
ncr_block *ncr_block_new(size_t size);

/* The same for bytes that pass through and are soon let go of: memory that others have let go of, and that the system
 * need not give anew. */
ncr_block *ncr_block_new_passing(size_t size);

/* Has the system give a large block its pages at once, which costs less than page by page. */
void ncr_block_touch(ncr_block *block);

/* A block of malloc'd data, which it owns from now on, also after failure (NULL: out of memory). */
ncr_block *ncr_block_adopt(uint8_t *data, size_t size);

/* A block of the same bytes with a count of references of its own, far from other counts; NULL: out of memory. */
ncr_block *ncr_block_stand_in(ncr_block *block);

/* Gives back the memory beyond size; only while nobody else has the block. */
void ncr_block_shrink(ncr_block *block, size_t size);

/* A slice with a reference of its own on the block. */
ncr_slice ncr_slice_of(ncr_block *block, const uint8_t *data, size_t size);
/* A slice of a copy; one without a block: out of memory. */
ncr_slice ncr_slice_copy(const uint8_t *data, size_t size);

#endif
