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
    bool reduces;      /* an output pixel is at least as wide as one of the source */
    bool is_kernel;    /* invalid pixels are weighed out of each run alone; else only of rows and columns together */
    bool has_negative; /* weights: what few valid pixels add up to may then be far off, see ncr_axis_needs() */
    bool weighs_alpha; /* a pixel counts as far as it is valid; else it counts or not */
    ncr_axis_run *runs;
    double *weights; /* the sum of a run's is 1 */
} ncr_axis;

/* What reads of another size can be resampled by: all that RasterIO has. */
bool ncr_resampling_reads(nacre_resampling resampling);

/* Of bilinear, cubic, cubic spline and lanczos: the weight at a distance in output pixels (source pixels where these
 * are larger), and how far it reaches; others: 0. */
double ncr_resampling_weight(nacre_resampling resampling, double distance);
double ncr_resampling_radius(nacre_resampling resampling);

/* Whether weights may be negative: then at least half of a run must be valid in succession. */
bool ncr_resampling_has_negative(nacre_resampling resampling);

/* How many weights GDAL's Gaussian has for a reduction by `ratio`: 3, 5 or 7, binomial coefficients. */
int ncr_gauss_length(double ratio);

/* Output pixel i covers [offset + i * ratio, offset + (i + 1) * ratio) of an axis of source_size pixels. */
typedef struct ncr_axis_grid {
    double offset, ratio;
    int count;
    int64_t source_size;
    /* Only for the Gaussian: its length, and how many output pixels before the first one `offset`, a whole number,
     * lies. */
    int gauss_length;
    int64_t gauss_first;
} ncr_axis_grid;

/* Finds runs, cut at the ends of the axis, and weights. For mode, a run is what is counted. NACRE_ERROR_MEMORY. */
nacre_status ncr_axis_init(ncr_axis *axis, nacre_resampling resampling, const ncr_axis_grid *grid, nacre_error *err);
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

/* Divides sums by weights where there is more weight than rounding may have left, and sets those weights to 1, the
 * others to 0. */
void ncr_axis_normalize(const ncr_axis *axis, double *sums, double *weights, int count);

#endif
