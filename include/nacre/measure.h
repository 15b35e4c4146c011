/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NACRE_MEASURE_H
#define NACRE_MEASURE_H

#include "dataset.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is computed of a band's pixels, and where they lie in the file. Each call reads; memory is bounded. */

/* What a band's valid values are like; of complex values the real parts. */
typedef struct nacre_statistics {
    uint64_t valid_count, count;                       /* values that are valid, and all that were looked at */
    double minimum, maximum, mean, standard_deviation; /* 0 where none is valid; the deviation is that of all values */
} nacre_statistics;

/* Statistics of a band, computed anew: metadata is not looked at. Not valid are nodata, what is masked out, and NaN.
 * is_approximate: of an overview of more than 2500 pixels, or of some of the blocks, as GDAL chooses them. */
NACRE_API nacre_status nacre_dataset_statistics(nacre_dataset *dataset, int band, bool is_approximate,
                                                const nacre_io_options *options, nacre_statistics *out,
                                                nacre_error *err);

/* GDAL's checksum of a window of a band (GDALChecksumImage), from 0 to 65535: a cross-check, not a proof. window of
 * whole pixels inside the raster; NULL: all of it. */
NACRE_API nacre_status nacre_dataset_checksum(nacre_dataset *dataset, int band, const nacre_window *window,
                                              const nacre_io_options *options, int *out, nacre_error *err);

/* Where a block lies in a TIFF. */
typedef struct nacre_block_place {
    uint64_t directory_offset;     /* of the directory of the image or overview */
    uint64_t offset, size;         /* of the encoded block in bytes; 0: it is not stored */
    int block_width, block_height; /* in pixels, of all blocks of the image or overview */
} nacre_block_place;

/* Finds a block of a band by its column and row of blocks, from 0, of the image (overview 0) or an overview, from 1.
 * Reads what the open has left of the arrays of blocks. NACRE_ERROR_INVALID: no such band, overview or block;
 * NACRE_ERROR_UNSUPPORTED: the dataset is no TIFF, or not written yet. */
NACRE_API nacre_status nacre_dataset_block_find(nacre_dataset *dataset, int band, int overview, int column, int row,
                                                const nacre_io_options *options, nacre_block_place *out,
                                                nacre_error *err);

#ifdef __cplusplus
}
#endif

#endif
