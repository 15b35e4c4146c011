/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TIFF_BLOCKS_H
#define NCR_TIFF_BLOCKS_H

#include "tiff/dataset.h"

/* Where a level's blocks are, as far as one read needs it. The two arrays (offsets and byte counts) are in the index
 * where they were at hand when it was read; else their parts are read, of NCR_TIFF_PART values each, those alone that
 * the read touches, and the cache keeps them. Single-thread. */

enum { NCR_TIFF_PART = 1024 };

typedef struct ncr_tiff_part ncr_tiff_part;

typedef struct ncr_tiff_part_list {
    ncr_tiff_part *items; /* in the order of their numbers */
    size_t count, capacity;
} ncr_tiff_part_list;

typedef struct ncr_tiff_blocks {
    const char *name; /* of the file, for messages */
    const ncr_tiff_index *index;
    const ncr_tiff_level *level;
    ncr_file *file;
    ncr_tiff_part_list lists[2]; /* of offsets, of byte counts */
} ncr_tiff_blocks;

/* Begins; all that is named is borrowed. NACRE_ERROR_CORRUPT: the arrays cannot be those of the level. */
nacre_status ncr_tiff_blocks_begin(ncr_tiff_blocks *blocks, const char *name, const ncr_tiff_index *index,
                                   const ncr_tiff_level *level, ncr_file *file, nacre_error *err);

/* Whether blocks are found by offsets alone: they lie in order, and their sizes before them. */
bool ncr_tiff_blocks_have_leaders(const ncr_tiff_blocks *blocks);

/* Notes that a block's place is needed: offset and byte count, or only the offsets of it and of the one behind it.
 * Not while parts are asked for. NACRE_ERROR_MEMORY. */
nacre_status ncr_tiff_blocks_touch(ncr_tiff_blocks *blocks, uint64_t number, nacre_error *err);
nacre_status ncr_tiff_blocks_touch_offset(ncr_tiff_blocks *blocks, uint64_t number, nacre_error *err);

/* Asks for what was touched and is neither in the index nor in the cache; *more: ncr_tiff_blocks_arrived() follows.
 * NACRE_ERROR_TOO_LARGE: more than the key limit.directories. */
nacre_status ncr_tiff_blocks_ask(ncr_tiff_blocks *blocks, ncr_call *call, ncr_wants *wants, bool *more,
                                 nacre_error *err);
nacre_status ncr_tiff_blocks_arrived(ncr_tiff_blocks *blocks, nacre_error *err);

/* Bytes of a block that was touched, all inside the file; both 0: a sparse block. NACRE_ERROR_CORRUPT. */
nacre_status ncr_tiff_blocks_find(const ncr_tiff_blocks *blocks, uint64_t number, uint64_t *offset, uint64_t *size,
                                  nacre_error *err);

/* Bytes that hold a block between its leader and its trailer, and perhaps its mask's block; both 0: a sparse block.
 * false: offsets do not tell, its byte count must be touched. */
bool ncr_tiff_blocks_find_led(const ncr_tiff_blocks *blocks, uint64_t number, uint64_t *offset, uint64_t *size);

/* The block within such bytes; false: they are not what the marker of the COG layout promises. */
bool ncr_tiff_blocks_unwrap(const ncr_tiff_index *index, const ncr_slice *led, ncr_slice *block);

/* Bytes from a block on that hold the block of its mask too, which the marker promises to follow: `size` where that is
 * not so, or not known without a read. */
uint64_t ncr_tiff_blocks_with_mask(const ncr_tiff_blocks *masks, uint64_t number, uint64_t offset, uint64_t size);

void ncr_tiff_blocks_clear(ncr_tiff_blocks *blocks);

/* "block (x, y)" of a level for messages: column and row from 0, with the sample's plane where there are planes. */
enum { NCR_TIFF_BLOCK_NAME_SIZE = 96 };
void ncr_tiff_block_name(const ncr_tiff_level *level, uint64_t number, char out[NCR_TIFF_BLOCK_NAME_SIZE]);

#endif
