/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TIFF_DECODE_H
#define NCR_TIFF_DECODE_H

#include "tiff/index.h"
#include "tiff/layout.h"

/* Decoding of single blocks with libtiff. libtiff never sees the file: it is given a header of a TIFF of one block,
 * made from the index, and the encoded bytes. Handles are pooled in the process, keyed by that header, so that files
 * of one layout share them. libtiff's messages go into the error, never to standard error. */

/* A TIFF of one block, without its data. Immutable. */
typedef struct ncr_tiff_header {
    uint8_t *data;
    size_t size;
    size_t decoded_size; /* bytes of the block as libtiff decodes it */
    bool is_tiled, is_ycbcr, is_reversed;
    uint32_t width, rows;      /* of the block */
    unsigned rgba_samples;     /* not 0: pixels are turned into so many samples, of red, green, blue and alpha */
    unsigned summed_bits;      /* not 0: decoded samples are differences, of so many bits (ncr_tiff_samples_sum()) */
    unsigned samples;          /* of a pixel in the block */
    size_t offset_at, size_at; /* of the block's offset and size (of 4 bytes) in data */
    bool big_endian;
} ncr_tiff_header;

/* Makes the header for blocks with `rows` rows. NACRE_ERROR_MEMORY, NACRE_ERROR_CORRUPT. */
nacre_status ncr_tiff_header_init(ncr_tiff_header *header, const char *name, const ncr_tiff_index *index,
                                  const ncr_tiff_directory *directory, const ncr_tiff_layout *layout, uint32_t rows,
                                  nacre_error *err);
void ncr_tiff_header_clear(ncr_tiff_header *header);

enum { NCR_TIFF_MESSAGE_SIZE = 256 };

/* Decodes a block into out, of header->decoded_size bytes, in the machine's byte order; odd bits stay packed.
 * encoded is not changed. Any thread. NACRE_ERROR_CORRUPT: `message` (of NCR_TIFF_MESSAGE_SIZE) says what libtiff
 * says; NACRE_ERROR_MEMORY. */
nacre_status ncr_tiff_decode(const ncr_tiff_header *header, const uint8_t *encoded, size_t encoded_size, uint8_t *out,
                             char *message);

#endif
