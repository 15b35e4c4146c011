/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TIFF_REDUCE_H
#define NCR_TIFF_REDUCE_H

#include <nacre/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Making overviews: a level of half the size from the level above it, piece by piece, the same for any cut. Where a
 * size is odd the overview has the larger half, and its pixels are a little less than two wide. */

/* Whether a resampling can make overviews. */
bool ncr_reduce_can(nacre_resampling resampling);

/* Which input values, with what weights, make each of `count` output values of one axis. */
typedef struct ncr_reduce_axis {
    int count, taps;            /* taps: the most of any output */
    int *first;                 /* [count] input of the first weight */
    double *weights;            /* [count][taps]; 0 beyond the last */
    int input_first, input_end; /* union of all inputs */
} ncr_reduce_axis;

/* For outputs [output_first, output_first + count) of an axis that is reduced from input_size to output_size.
 * NACRE_ERROR_MEMORY. */
nacre_status ncr_reduce_axis_init(ncr_reduce_axis *axis, nacre_resampling resampling, int input_size, int output_size,
                                  int output_first, int count, nacre_error *err);
void ncr_reduce_axis_clear(ncr_reduce_axis *axis);

/* One band of a piece. Strides are in bytes. */
typedef struct ncr_reduce_band {
    nacre_dtype dtype;
    nacre_resampling resampling;
    const uint8_t *input; /* value at (x->input_first, y->input_first) */
    ptrdiff_t input_pixel, input_row;
    const uint8_t *valid; /* a byte for each input pixel, row by row: 0 invalid; NULL: all valid */
    bool has_nodata;      /* values equal to nodata are invalid too, and invalid outputs get it */
    double nodata;
    uint8_t *output;
    ptrdiff_t output_pixel, output_row;
} ncr_reduce_band;

/* Computes rows [first_row, end_row) of the outputs of both axes: the weighted mean (rms: of squares; mode: the most
 * frequent) of all inputs, or of the valid ones with positive weight where not all are valid; without any it is nodata,
 * or 0. Rows may be computed at once by several
 * threads. NACRE_ERROR_MEMORY. */
nacre_status ncr_reduce(const ncr_reduce_axis *x, const ncr_reduce_axis *y, const ncr_reduce_band *band, int first_row,
                        int end_row, nacre_error *err);

/* The mask of the outputs, 255 where there is one, else 0, row by row; `valid` as above, not NULL. */
nacre_status ncr_reduce_mask(const ncr_reduce_axis *x, const ncr_reduce_axis *y, nacre_resampling resampling,
                             const uint8_t *valid, uint8_t *output, nacre_error *err);

#endif
