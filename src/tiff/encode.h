/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TIFF_ENCODE_H
#define NCR_TIFF_ENCODE_H

#include <nacre/types.h>
#include <stdbool.h>

#include "base/memory.h"

/* Encoding of single blocks with libtiff, into memory. */

typedef struct ncr_tiff_format {
    nacre_dtype dtype;
    unsigned bits; /* of a sample: 1 for masks, which are given as packed bits */
    unsigned samples;
    unsigned compression, predictor;
    int level; /* of the compression; -1: libtiff's own */
    bool is_tiled;
    int block_width, block_height;
} ncr_tiff_format;

/* The number of the tag SampleFormat. */
unsigned ncr_tiff_sample_format(nacre_dtype dtype);

/* Encodes the `rows` rows of a block, all of it for tiles, from `pixels` of size bytes, which may be changed. name is
 * for messages. out is initialised, and cleared by the caller whatever happens; the bytes are little-endian. Any
 * thread. NACRE_ERROR_MEMORY, NACRE_ERROR_IO: libtiff's message. */
nacre_status ncr_tiff_encode(const ncr_tiff_format *format, const char *name, int rows, void *pixels, size_t size,
                             ncr_buffer *out, nacre_error *err);

#endif
