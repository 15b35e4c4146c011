/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TIFF_SAMPLES_H
#define NCR_TIFF_SAMPLES_H

#include "tiff/layout.h"

/* Samples whose bits are not those of a type in memory: as libtiff decodes them they are packed, from the highest bit
 * of each byte, and each row begins at a whole byte. */

/* The type that samples are given in, as GDAL promotes them: the smallest that holds the bits, without sign unless the
 * bits are those of a type; NACRE_DTYPE_UNKNOWN: there is none. */
nacre_dtype ncr_tiff_samples_dtype(unsigned bits, unsigned format);

/* Whether decoded samples must be unpacked. */
bool ncr_tiff_samples_are_packed(const ncr_tiff_layout *layout);

/* Bytes of a decoded row of that many samples. */
size_t ncr_tiff_samples_row_size(unsigned bits, size_t row_values);

/* Unpacks rows of row_values samples into values of layout->dtype without gaps. */
void ncr_tiff_samples_unpack(const ncr_tiff_layout *layout, const uint8_t *packed, size_t row_values, size_t rows,
                             void *out);

/* Whether ncr_tiff_samples_sum() is what the layout's predictor asks for, and libtiff need not know of it. */
bool ncr_tiff_samples_are_differences(const ncr_tiff_layout *layout);

/* Turns the differences of predictor 2 into values: each is the sum of those of its sample in its row so far. */
void ncr_tiff_samples_sum(void *values, unsigned bits, unsigned samples, size_t width, size_t rows);

#endif
