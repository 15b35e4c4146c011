/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_RASTER_RESAMPLE_H
#define NCR_RASTER_RESAMPLE_H

#include <nacre/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Resampling by separable kernels: what GDAL's RasterIO does to a window of another size. */

/* Along one axis: the run of source pixels that each output pixel is made of, with a weight for each. Immutable after
 * init. */
typedef struct ncr_axis_run {
    int64_t first;  /* source pixel */
    int length;     /* at least 1 */
    size_t weights; /* index of the first one */
} ncr_axis_run;

typedef struct ncr_axis {
    int count;         /* output pixels */
    bool has_negative; /* weights: what few valid pixels add up to may then be far off, see ncr_axis_needs() */
    bool weighs_alpha; /* a pixel counts as far as it is valid; else it counts or not */
    ncr_axis_run *runs;
    double *weights; /* the sum of a run's is 1 */
} ncr_axis;

/* Whether ncr_axis_init() knows it. */
bool ncr_resampling_is_kernel(nacre_resampling resampling); /* all known ones but nearest */

/* Output pixel i covers [offset + i * ratio, offset + (i + 1) * ratio) of an axis of source_size pixels; runs are cut
 * at its ends. NACRE_ERROR_MEMORY. */
nacre_status ncr_axis_init(ncr_axis *axis, nacre_resampling resampling, double offset, double ratio, int count,
                           int64_t source_size, nacre_error *err);
void ncr_axis_clear(ncr_axis *axis);

/* How many valid pixels in succession a run needs so that its sum counts: half of them where weights may be negative,
 * as GDAL; else 0. */
int ncr_axis_needs(const ncr_axis *axis, const ncr_axis_run *run);

/* The source pixels [*first, *end) of the output pixels [from, to). */
void ncr_axis_extent(const ncr_axis *axis, int from, int to, int64_t *first, int64_t *end);

/* A row of source pixels to a row of output pixels [from, to). values[0] and valid[0] (NULL: all are; else 0 to 255,
 * in between for alpha) are those of source pixel `base`. sums and weights get what valid pixels add up to, 0 where
 * these are too few; weights may be NULL where valid is, since all are 1 then. */
void ncr_axis_filter_row(const ncr_axis *axis, int from, int to, int64_t base, const double *values,
                         const uint8_t *valid, double *sums, double *weights);

/* Divides sums by weights where there is enough weight, and sets those weights to 1, the others to 0. */
void ncr_resample_normalize(double *sums, double *weights, int count);

#endif
