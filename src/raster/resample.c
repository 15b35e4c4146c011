/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "raster/resample.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

/* Coordinates: 0. output pixels, 1. source pixels, both measured from the corner, so that pixel i has its centre at
 * i + 0.5. */

typedef struct {
    double radius; /* in source pixels, or output pixels where these are larger */
    double (*weight)(double distance);
} kernel;

static double bilinear(double x)
{
    x = fabs(x);
    return x < 1 ? 1 - x : 0;
}

/* Keys' cubic convolution with a = -1/2. */
static double cubic(double x)
{
    x = fabs(x);
    if (x <= 1)
        return (1.5 * x - 2.5) * x * x + 1;
    return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

static double cubic_spline(double x)
{
    x = fabs(x);
    if (x <= 1)
        return (4 + x * x * (3 * x - 6)) / 6;
    double rest = 2 - x;
    return x < 2 ? rest * rest * rest / 6 : 0;
}

static double sinc(double x)
{
    return x == 0 ? 1 : sin(M_PI * x) / (M_PI * x);
}

static double lanczos(double x)
{
    return fabs(x) < 3 ? sinc(x) * sinc(x / 3) : 0;
}

static const kernel kernels[] = {
    [NACRE_RESAMPLING_BILINEAR] = {1, bilinear},
    [NACRE_RESAMPLING_CUBIC] = {2, cubic},
    [NACRE_RESAMPLING_CUBIC_SPLINE] = {2, cubic_spline},
    [NACRE_RESAMPLING_LANCZOS] = {3, lanczos},
};

static bool is_kernel(nacre_resampling resampling)
{
    return resampling >= NACRE_RESAMPLING_BILINEAR && resampling <= NACRE_RESAMPLING_LANCZOS;
}

bool ncr_resampling_reads(nacre_resampling resampling)
{
    return (resampling >= NACRE_RESAMPLING_NEAREST && resampling <= NACRE_RESAMPLING_GAUSS) ||
           resampling == NACRE_RESAMPLING_RMS;
}

double ncr_resampling_weight(nacre_resampling resampling, double distance)
{
    return is_kernel(resampling) ? kernels[resampling].weight(distance) : 0;
}

double ncr_resampling_radius(nacre_resampling resampling)
{
    return is_kernel(resampling) ? kernels[resampling].radius : 0;
}

bool ncr_resampling_has_negative(nacre_resampling resampling)
{
    return resampling == NACRE_RESAMPLING_CUBIC || resampling == NACRE_RESAMPLING_LANCZOS;
}

int ncr_gauss_length(double ratio)
{
    int factor = (int)fmin(floor(ratio + 0.5), 7);
    return factor <= 2 ? 3 : factor <= 4 ? 5 : 7;
}

static int64_t clamp(double value, int64_t low, int64_t high)
{
    if (!(value > (double)low))
        return low;
    return value < (double)high ? (int64_t)value : high;
}

/* A run [first, end) cut at the ends of the axis: at least one pixel, the nearest. */
static ncr_axis_run cut_run(double first, double end, int64_t source_size)
{
    ncr_axis_run run = {.first = clamp(floor(first), 0, source_size - 1)};
    int64_t stop = clamp(ceil(end), run.first + 1, source_size);
    run.length = (int)(stop - run.first);
    return run;
}

/* The small number keeps windows that were computed from falling one pixel short, as GDAL's. */
static ncr_axis_run nearest_run(const ncr_axis_grid *grid, int i)
{
    double centre = (i + 0.5) * grid->ratio + grid->offset + 1e-10;
    return (ncr_axis_run){.first = clamp(floor(centre), 0, grid->source_size - 1), .length = 1};
}

/* All pixels that have a part in the output pixel. */
static ncr_axis_run area_run(const ncr_axis_grid *grid, int i)
{
    double start = grid->offset + i * grid->ratio;
    return cut_run(start + 1e-8, start + grid->ratio - 1e-8, grid->source_size);
}

/* Where GDAL's Gaussian begins, which lies around the middle of whole pixels and, for enlarged ones, beside it. */
static double gauss_start(const ncr_axis_grid *grid, int i)
{
    double at = (double)(grid->gauss_first + i);
    int half = grid->gauss_length / 2;
    double start = floor(at * grid->ratio + 0.5), end = floor((at + 1) * grid->ratio + 0.5) + 1;
    return grid->offset + start + floor((end - start) / 2) - half;
}

static ncr_axis_run gauss_run(const ncr_axis_grid *grid, int i)
{
    double start = gauss_start(grid, i);
    return cut_run(start, start + grid->gauss_length, grid->source_size);
}

/* The pixels whose centres lie within the radius. */
static ncr_axis_run kernel_run(const kernel *k, const ncr_axis_grid *grid, int i)
{
    double centre = (i + 0.5) * grid->ratio + grid->offset, radius = k->radius * fmax(grid->ratio, 1);
    return cut_run(floor(centre - radius + 0.5), floor(centre + radius + 0.5), grid->source_size);
}

static ncr_axis_run find_run(nacre_resampling resampling, const ncr_axis_grid *grid, int i)
{
    if (resampling == NACRE_RESAMPLING_NEAREST)
        return nearest_run(grid, i);
    if (resampling == NACRE_RESAMPLING_GAUSS)
        return gauss_run(grid, i);
    return is_kernel(resampling) ? kernel_run(&kernels[resampling], grid, i) : area_run(grid, i);
}

/* Weight number `at` of the Gaussian: a binomial coefficient; 0 outside. */
static double gauss_weight(int length, double at)
{
    double weight = 1;
    if (at < 0 || at >= length)
        return 0;
    for (int j = 0; j < (int)at; j++)
        weight = weight * (length - 1 - j) / (j + 1);
    return weight;
}

/* Where the weight of a source pixel comes from: for averages the part of it that lies in the output pixel. */
static double raw_weight(nacre_resampling resampling, const ncr_axis_grid *grid, int i, int64_t pixel)
{
    double start = grid->offset + i * grid->ratio, end = start + grid->ratio;
    if (resampling == NACRE_RESAMPLING_GAUSS)
        return gauss_weight(grid->gauss_length, (double)pixel - gauss_start(grid, i));
    if (resampling == NACRE_RESAMPLING_AVERAGE || resampling == NACRE_RESAMPLING_RMS)
        return fmax(fmin(end, (double)(pixel + 1)) - fmax(start, (double)pixel), 0);
    if (!is_kernel(resampling))
        return 1;
    double centre = (i + 0.5) * grid->ratio + grid->offset;
    return kernels[resampling].weight(((double)pixel + 0.5 - centre) / fmax(grid->ratio, 1));
}

/* Beyond the raster's edge no pixel has weight: what is left is the nearest one. */
static void weigh(nacre_resampling resampling, const ncr_axis_run *run, const ncr_axis_grid *grid, int i,
                  double *weights)
{
    double sum = 0;
    for (int j = 0; j < run->length; j++)
        sum += weights[j] = raw_weight(resampling, grid, i, run->first + j);
    for (int j = 0; j < run->length; j++)
        weights[j] = run->length == 1 || sum == 0 ? 1.0 / run->length : weights[j] / sum;
}

nacre_status ncr_axis_init(ncr_axis *axis, nacre_resampling resampling, const ncr_axis_grid *grid, nacre_error *err)
{
    assert(ncr_resampling_reads(resampling));
    *axis = (ncr_axis){.count = grid->count,
                       .reduces = grid->ratio >= 1,
                       .is_kernel = is_kernel(resampling),
                       .has_negative = ncr_resampling_has_negative(resampling),
                       .weighs_alpha = is_kernel(resampling)};
    axis->runs = ncr_alloc_array((size_t)grid->count, sizeof *axis->runs);
    if (!axis->runs)
        return ncr_error_memory(err);
    size_t total = 0;
    for (int i = 0; i < grid->count; i++) {
        axis->runs[i] = find_run(resampling, grid, i);
        axis->runs[i].weights = total;
        total += (size_t)axis->runs[i].length;
    }
    axis->weights = ncr_alloc_array(total, sizeof *axis->weights);
    if (!axis->weights) {
        ncr_axis_clear(axis);
        return ncr_error_memory(err);
    }
    for (int i = 0; i < grid->count; i++)
        weigh(resampling, &axis->runs[i], grid, i, axis->weights + axis->runs[i].weights);
    return NACRE_OK;
}

void ncr_axis_clear(ncr_axis *axis)
{
    free(axis->runs);
    free(axis->weights);
    *axis = (ncr_axis){0};
}

void ncr_axis_extent(const ncr_axis *axis, int from, int to, int64_t *first, int64_t *end)
{
    *first = INT64_MAX;
    *end = 0;
    for (int i = from; i < to; i++) {
        const ncr_axis_run *run = &axis->runs[i];
        *first = run->first < *first ? run->first : *first;
        *end = run->first + run->length > *end ? run->first + run->length : *end;
    }
}

int ncr_axis_needs(const ncr_axis *axis, const ncr_axis_run *run)
{
    return axis->has_negative ? run->length / 2 : 0;
}

static double filter_all(const double *values, const double *kernel_weights, int length)
{
    double sums[2] = {0, 0}; /* as many as a vector holds */
    int j = 0;
    for (; j + 2 <= length; j += 2) {
        sums[0] += values[j] * kernel_weights[j];
        sums[1] += values[j + 1] * kernel_weights[j + 1];
    }
    return j < length ? sums[0] + sums[1] + values[j] * kernel_weights[j] : sums[0] + sums[1];
}

static bool is_all_valid(const uint8_t *valid, int length)
{
    unsigned all = 255;
    for (int j = 0; j < length; j++)
        all &= valid[j];
    return all == 255;
}

/* Values that are not valid may be NaN, so they are left out and not multiplied by zero. */
static void filter_alpha(const double *values, const uint8_t *alpha, const double *kernel_weights, int length,
                         double *sum, double *weight)
{
    double s = 0, w = 0;
    for (int j = 0; j < length; j++) {
        double part = kernel_weights[j] * (alpha[j] * (1 / 255.0));
        s += alpha[j] ? values[j] * part : 0;
        w += part;
    }
    *sum = s;
    *weight = w;
}

static void filter_valid(const double *values, const uint8_t *valid, const double *kernel_weights, int length,
                         double *sum, double *weight)
{
    double s = 0, w = 0;
    for (int j = 0; j < length; j++) {
        s += valid[j] ? values[j] * kernel_weights[j] : 0;
        w += valid[j] ? kernel_weights[j] : 0;
    }
    *sum = s;
    *weight = w;
}

static int longest_streak(const uint8_t *valid, int length)
{
    int longest = 0;
    for (int j = 0, streak = 0; j < length; j++) {
        streak = valid[j] ? streak + 1 : 0;
        longest = streak > longest ? streak : longest;
    }
    return longest;
}

static void filter_row_all(const ncr_axis *axis, int from, int to, int64_t base, const double *values, double *sums,
                           double *weights)
{
    for (int i = from; i < to; i++) {
        const ncr_axis_run *run = &axis->runs[i];
        sums[i - from] = filter_all(values + (ptrdiff_t)(run->first - base), axis->weights + run->weights, run->length);
    }
    for (int i = 0; weights && i < to - from; i++)
        weights[i] = 1;
}

void ncr_axis_filter_row(const ncr_axis *axis, int from, int to, int64_t base, const double *values,
                         const uint8_t *valid, double *sums, double *weights)
{
    if (!valid) {
        filter_row_all(axis, from, to, base, values, sums, weights);
        return;
    }
    for (int i = from; i < to; i++) {
        const ncr_axis_run *run = &axis->runs[i];
        ptrdiff_t at = (ptrdiff_t)(run->first - base);
        int needs = ncr_axis_needs(axis, run);
        if (is_all_valid(valid + at, run->length)) {
            sums[i - from] = filter_all(values + at, axis->weights + run->weights, run->length);
            weights[i - from] = 1;
        } else if (needs && longest_streak(valid + at, run->length) < needs)
            sums[i - from] = weights[i - from] = 0;
        else if (axis->weighs_alpha)
            filter_alpha(values + at, valid + at, axis->weights + run->weights, run->length, &sums[i - from],
                         &weights[i - from]);
        else
            filter_valid(values + at, valid + at, axis->weights + run->weights, run->length, &sums[i - from],
                         &weights[i - from]);
    }
}

void ncr_axis_normalize(const ncr_axis *axis, double *sums, double *weights, int count)
{
    double least = axis->has_negative ? 1e-6 : 1e-12;
    for (int i = 0; i < count; i++) {
        bool enough = weights[i] > least;
        sums[i] = enough ? sums[i] / weights[i] : 0;
        weights[i] = enough ? 1 : 0;
    }
}
