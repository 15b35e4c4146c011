/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TIFF_LAYOUT_H
#define NCR_TIFF_LAYOUT_H

#include <nacre/types.h>

#include "tiff/index.h"

/* How a directory's pixels lie in blocks (tiles or strips). Plain value. */
typedef struct ncr_tiff_layout {
    uint32_t width, height; /* pixels, 1 to INT_MAX */
    bool is_tiled;
    uint32_t block_width, block_height; /* pixels; the last strip may have fewer rows, tiles are always whole */
    uint32_t told_height;               /* of a block, for users: less than block_height where is_chopped */
    uint32_t blocks_across, blocks_down;
    uint64_t block_count; /* of all planes */
    bool is_chopped;      /* blocks are parts of one uncompressed strip, which the file's arrays tell alone */
    unsigned samples;     /* a pixel, as it is given */
    bool is_separate;     /* a plane for each sample; else pixel by pixel */
    unsigned bits;        /* of a sample: 1 to 64; 128 for complex ones */
    nacre_dtype dtype;    /* of a sample as it is given: odd bits are promoted (samples.h) */
    unsigned compression, photometric, predictor, fill_order;
    bool is_rgba; /* colours are turned into red, green, blue (and alpha) when a block is decoded, by libtiff */
    unsigned stored_samples; /* a pixel, as it is stored: another number than `samples` only where is_rgba */
    size_t block_size;       /* bytes of a whole decoded block: of all samples, or of one where they are separate */
} ncr_tiff_layout;

/* Reads and checks the layout. NACRE_ERROR_CORRUPT: sizes that cannot be; NACRE_ERROR_UNSUPPORTED: a type of pixels or
 * a compression that nacre does not decode (the message names it). */
nacre_status ncr_tiff_layout_read(const char *name, const ncr_tiff_directory *directory, ncr_tiff_layout *out,
                                  nacre_error *err);

/* Samples of a pixel in one block. */
unsigned ncr_tiff_layout_block_samples(const ncr_tiff_layout *layout);

/* Rows that are stored in a block of the given block row. */
uint32_t ncr_tiff_layout_block_rows(const ncr_tiff_layout *layout, uint32_t block_y);

#endif
