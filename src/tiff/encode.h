/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TIFF_ENCODE_H
#define NCR_TIFF_ENCODE_H

#include <nacre/types.h>
#include <stdbool.h>

#include "base/memory.h"
#include "tiff/coding.h"

/* Encoding of single blocks with libtiff, into memory. */

typedef struct ncr_tiff_format {
    nacre_dtype dtype;
    unsigned bits; /* of a sample as it is stored; where they are fewer than the type's, samples are given packed */
    unsigned samples;
    unsigned photometric; /* of the image */
    ncr_coding coding;
    bool is_tiled;
    int block_width, block_height;
    const void *tables; /* JPEG: those that the tag has for blocks from elsewhere; these here bring theirs, which are
                           the same */
    size_t tables_size;
} ncr_tiff_format;

/* The number of the tag SampleFormat. */
unsigned ncr_tiff_sample_format(nacre_dtype dtype);

/* Bytes of a row of a block. */
size_t ncr_tiff_format_row_size(const ncr_tiff_format *format);

/* Encodes the `rows` rows of a block, all of it for tiles, from `pixels` of size bytes, which may be changed. name is
 * for messages. out is initialised, and cleared by the caller whatever happens; the bytes are little-endian. Any
 * thread. NACRE_ERROR_MEMORY, NACRE_ERROR_IO: libtiff's message. */
nacre_status ncr_tiff_encode(const ncr_tiff_format *format, const char *name, int rows, void *pixels, size_t size,
                             ncr_buffer *out, nacre_error *err);

/* The tables that the blocks of a JPEG format share, for the tag JPEGTables; empty for other schemes. out as above. */
nacre_status ncr_tiff_encode_tables(const ncr_tiff_format *format, const char *name, ncr_buffer *out, nacre_error *err);

/* Packs count values of a row (of 8, 16 or 32 bits without sign; larger ones become the largest there is) into as many
 * bits each, the first in the highest bits. out is zeroed. */
void ncr_tiff_pack_bits(const void *values, nacre_dtype dtype, unsigned bits, size_t count, uint8_t *out);

#endif
