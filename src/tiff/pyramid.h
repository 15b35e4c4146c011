/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TIFF_PYRAMID_H
#define NCR_TIFF_PYRAMID_H

#include "base/scratch.h"
#include "tiff/creation.h"
#include "tiff/encode.h"
#include "tiff/statistics.h"

/* The blocks of a file being written: full resolution and overviews, encoded and put aside. */

typedef enum ncr_out_origin {
    NCR_OUT_SPARSE,  /* no bytes: all its pixels are nodata, or 0 */
    NCR_OUT_ENCODED, /* in the scratch of encoded bytes */
    NCR_OUT_OLD      /* in the file that is being updated */
} ncr_out_origin;

typedef struct ncr_out_block {
    uint64_t place;
    uint64_t size : 62;
    uint64_t origin : 2; /* ncr_out_origin */
} ncr_out_block;

typedef struct ncr_out_level {
    int width, height;
    int parent;         /* the level that it is reduced from; -1: it is read */
    int source;         /* the level of the dataset that is read */
    int across, down;   /* blocks */
    size_t block_count; /* of all planes */
    ncr_tiff_format format, mask_format;
    struct ncr_tiff_level *old, *old_mask; /* of the file that is updated, where its blocks are of the same form */
    ncr_out_block *blocks;
    ncr_out_block *masks; /* [across * down]; NULL: no mask */
    ncr_scratch pixels;   /* of overviews while they are made: rows of pixels, then rows of the mask */
} ncr_out_level;

enum { NCR_OUT_LEVELS = 32 };

typedef struct ncr_pyramid {
    const ncr_save *save;
    const ncr_creation *creation;
    bool has_mask;
    size_t value_size, pixel_size; /* bytes */
    int level_count;
    ncr_out_level *levels; /* from full resolution */
    ncr_scratch encoded;
    ncr_statistics *statistics; /* [blocks + 1][bands], where they are wanted: of all, then of each block */
    uint64_t blocks_done, blocks_in_all;
} ncr_pyramid;

/* Reads the dataset being saved, makes overviews and encodes everything, in memory bounded whatever the size. The
 * pyramid is cleared by the caller whatever happens. */
nacre_status ncr_pyramid_make(ncr_pyramid *pyramid, const ncr_save *save, const ncr_creation *creation,
                              nacre_error *err);
void ncr_pyramid_clear(ncr_pyramid *pyramid);

/* The format of the blocks of a level. */
const ncr_tiff_format *ncr_pyramid_format(const ncr_pyramid *pyramid, int level, bool is_mask);

/* ncr_pool_for() with as many at once as the creation options allow. */
void ncr_pyramid_for(const ncr_pyramid *pyramid, size_t count, void (*function)(void *user, size_t index), void *user);

#endif
