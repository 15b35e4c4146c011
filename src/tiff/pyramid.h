/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TIFF_PYRAMID_H
#define NCR_TIFF_PYRAMID_H

#include "tiff/creation.h"
#include "tiff/encode.h"
#include "tiff/scratch.h"

/* The blocks of a file being written: full resolution and overviews, encoded and put aside. */

typedef struct ncr_out_block {
    uint64_t place; /* in the scratch of encoded bytes */
    uint64_t size;
} ncr_out_block;

typedef struct ncr_out_level {
    int width, height;
    int across, down;   /* blocks */
    size_t block_count; /* of all planes */
    ncr_out_block *blocks;
    ncr_out_block *masks; /* [across * down]; NULL: no mask */
    ncr_scratch pixels;   /* of overviews while they are made: rows of pixels, then rows of the mask */
} ncr_out_level;

typedef struct ncr_pyramid {
    const ncr_save *save;
    const ncr_creation *creation;
    ncr_tiff_format image, mask; /* formats of blocks */
    bool has_mask;
    size_t value_size, pixel_size; /* bytes */
    int level_count;
    ncr_out_level *levels; /* from full resolution */
    ncr_scratch encoded;
    uint64_t blocks_done, blocks_in_all;
} ncr_pyramid;

/* Reads the dataset being saved, makes overviews and encodes everything, in memory bounded whatever the size. The
 * pyramid is cleared by the caller whatever happens. */
nacre_status ncr_pyramid_make(ncr_pyramid *pyramid, const ncr_save *save, const ncr_creation *creation,
                              nacre_error *err);
void ncr_pyramid_clear(ncr_pyramid *pyramid);

#endif
