/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TIFF_BLOCKS_H
#define NCR_TIFF_BLOCKS_H

#include "tiff/dataset.h"

/* Where a level's blocks are. The two arrays (offsets and byte counts) are in the index where they were at hand when
 * it was read; else they are read once, at the first read of the level, and kept by the level and by the cache. */

/* Whether the arrays are known; looks into the cache. */
bool ncr_tiff_blocks_known(ncr_tiff_level *level, const ncr_pin *pin);

/* The bytes that ncr_tiff_blocks_set() needs: needs[0] of offsets, needs[1] of byte counts; length 0: none. */
nacre_status ncr_tiff_blocks_needs(const char *name, const ncr_tiff_level *level, const ncr_call *call,
                                   ncr_tiff_need needs[2], nacre_error *err);

/* Makes the arrays known from those bytes. Synchronised. */
nacre_status ncr_tiff_blocks_set(const char *name, const ncr_tiff_index *index, ncr_tiff_level *level,
                                 const ncr_pin *pin, const ncr_slice slices[2], nacre_error *err);

/* Bytes of block `number` in the file, all inside it; both 0: a sparse block. The arrays must be known.
 * NACRE_ERROR_CORRUPT. */
nacre_status ncr_tiff_block_find(const char *name, const ncr_tiff_index *index, const ncr_tiff_level *level,
                                 uint64_t number, uint64_t *offset, uint64_t *size, nacre_error *err);

/* Lets the arrays go; at the dataset's end. */
void ncr_tiff_blocks_clear(ncr_tiff_level *level);

/* "block (x, y)" of a level for messages: column and row from 0, with the sample's plane where there are planes. */
enum { NCR_TIFF_BLOCK_NAME_SIZE = 96 };
void ncr_tiff_block_name(const ncr_tiff_level *level, uint64_t number, char out[NCR_TIFF_BLOCK_NAME_SIZE]);

#endif
