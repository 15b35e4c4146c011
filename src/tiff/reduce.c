/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tiff/reduce.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "raster/dtype.h"

/* --- Weights --- */

/* Distances are in output pixels from an output's centre. */
static double triangle(double x)
{
    x = fabs(x);
    return x < 1 ? 1 - x : 0;
}

/* Catmull-Rom: Keys' cubic convolution with a = -0.5. */
static double cubic(double x)
{
    x = fabs(x);
    if (x < 1)
        return (1.5 * x - 2.5) * x * x + 1;
    return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

static double cubic_spline(double x)
{
    x = fabs(x);
    if (x < 1)
        return (4 + x * x * (3 * x - 6)) / 6;
    return x < 2 ? (2 - x) * (2 - x) * (2 - x) / 6 : 0;
}

static double lanczos(double x)
{
    if (x == 0)
        return 1;
    double at = M_PI * x;
    return fabs(x) < 3 ? 3 * sin(at) * sin(at / 3) / (at * at) : 0;
}

typedef struct kernel {
    nacre_resampling resampling;
    double radius;            /* in output pixels */
    double (*weight)(double); /* NULL: nearest and average have rules of their own */
} kernel;

static const kernel kernels[] = {
    {NACRE_RESAMPLING_NEAREST, 0.5, NULL},
    {NACRE_RESAMPLING_AVERAGE, 0.5, NULL},
    {NACRE_RESAMPLING_BILINEAR, 1, triangle},
    {NACRE_RESAMPLING_CUBIC, 2, cubic},
    {NACRE_RESAMPLING_CUBIC_SPLINE, 2, cubic_spline},
    {NACRE_RESAMPLING_LANCZOS, 3, lanczos},
};

static const kernel *find_kernel(nacre_resampling resampling)
{
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++)
        if (kernels[i].resampling == resampling)
            return &kernels[i];
    return NULL;
}

bool ncr_reduce_can(nacre_resampling resampling)
{
    return find_kernel(resampling);
}

void ncr_reduce_axis_clear(ncr_reduce_axis *axis)
{
    free(axis->first);
    free(axis->weights);
    *axis = (ncr_reduce_axis){0};
}

/* Weight of input j for the output that covers [from, from + ratio) of the inputs' axis, in which input j covers
 * [j, j + 1). */
static double weight_of(const kernel *k, double from, double ratio, int j)
{
    if (k->resampling == NACRE_RESAMPLING_AVERAGE) {
        double overlap = fmin(j + 1, from + ratio) - fmax(j, from);
        return overlap > 1e-9 ? overlap : 0;
    }
    double centre = from + ratio / 2;
    return k->weight((j + 0.5 - centre) / ratio);
}

/* The inputs of one output; weights are scaled to a sum of 1. */
static void set_output(ncr_reduce_axis *axis, const kernel *k, int input_size, double ratio, int output, int index)
{
    double from = output * ratio, centre = from + ratio / 2, sum = 0;
    double *weights = axis->weights + (size_t)index * (size_t)axis->taps;
    int first = (int)floor(centre - k->radius * ratio);
    if (k->resampling == NACRE_RESAMPLING_NEAREST) {
        /* GDAL's choice: the input at the output's upper left corner, rounded. */
        first = (int)floor(from + 0.5);
        axis->first[index] = first < input_size ? first : input_size - 1;
        weights[0] = 1;
        return;
    }
    first = first > 0 ? first : 0;
    if (first + axis->taps > input_size)
        first = input_size > axis->taps ? input_size - axis->taps : 0;
    axis->first[index] = first;
    for (int t = 0; t < axis->taps && first + t < input_size; t++)
        sum += weights[t] = weight_of(k, from, ratio, first + t);
    for (int t = 0; t < axis->taps; t++)
        weights[t] /= sum;
}

nacre_status ncr_reduce_axis_init(ncr_reduce_axis *axis, nacre_resampling resampling, int input_size, int output_size,
                                  int output_first, int count, nacre_error *err)
{
    const kernel *k = find_kernel(resampling);
    assert(k && output_size > 0 && input_size >= output_size && count > 0);
    double ratio = (double)input_size / output_size;
    int taps = resampling == NACRE_RESAMPLING_NEAREST ? 1 : (int)ceil(2 * k->radius * ratio) + 1;
    *axis = (ncr_reduce_axis){.count = count, .taps = taps < input_size ? taps : input_size};
    axis->first = ncr_alloc_array((size_t)count, sizeof *axis->first);
    axis->weights = ncr_alloc_array((size_t)count * (size_t)axis->taps, sizeof *axis->weights);
    if (!axis->first || !axis->weights) {
        ncr_reduce_axis_clear(axis);
        return ncr_error_memory(err);
    }
    for (int i = 0; i < count; i++)
        set_output(axis, k, input_size, ratio, output_first + i, i);
    axis->input_first = axis->first[0];
    axis->input_end = axis->first[count - 1] + axis->taps;
    return NACRE_OK;
}

/* --- Applying them --- */

/* The work on rows of one band, in doubles. For each row of outputs, phase 1 filters the rows of inputs it needs along
 * y into columns, phase 2 filters these along x. Rows of inputs are kept in a ring of as many as an output needs.
 *
 * Where all inputs of a row of outputs are valid there is one sum. Else there are three more: of valid inputs with
 * positive weights, of these weights, and the number of invalid inputs with any weight, which tells the outputs that
 * may use the plain sum. */
enum { ALL, POSITIVE, WEIGHT, INVALID, SUMS };

typedef struct work {
    const ncr_reduce_axis *x, *y;
    const ncr_reduce_band *band;
    size_t width;          /* of the inputs */
    double *lines;         /* [taps][width] inputs; invalid ones are 0, so that NaN does not spread */
    double *valid;         /* [taps][width] 1 or 0 */
    size_t *invalid_count; /* [taps] */
    int *ring_row;         /* [taps] which row of inputs is there; -1: none */
    double *sums[SUMS];    /* [width] */
    double *output;        /* [x->count] */
} work;

static void free_work(work *w)
{
    free(w->lines);
    free(w->valid);
    free(w->invalid_count);
    free(w->ring_row);
    for (int i = 0; i < SUMS; i++)
        free(w->sums[i]);
    free(w->output);
}

static bool alloc_work(work *w, const ncr_reduce_axis *x, const ncr_reduce_axis *y, const ncr_reduce_band *band)
{
    size_t taps = (size_t)y->taps;
    bool allocated = true;
    *w = (work){.x = x, .y = y, .band = band, .width = (size_t)(x->input_end - x->input_first)};
    w->lines = ncr_alloc_array(taps * w->width, sizeof(double));
    w->valid = ncr_alloc_array(taps * w->width, sizeof(double));
    w->invalid_count = ncr_alloc_array(taps, sizeof(size_t));
    w->ring_row = ncr_alloc_array(taps, sizeof(int));
    w->output = ncr_alloc_array((size_t)x->count, sizeof(double));
    for (int i = 0; i < SUMS; i++) {
        w->sums[i] = ncr_alloc_array(w->width, sizeof(double));
        allocated &= w->sums[i] != NULL;
    }
    allocated &= w->lines && w->valid && w->invalid_count && w->ring_row && w->output;
    for (size_t i = 0; allocated && i < taps; i++)
        w->ring_row[i] = -1;
    return allocated;
}

/* Marks what is invalid of a row of inputs and returns how many that are. */
static size_t mark_invalid(const work *w, int row, double *line, double *valid)
{
    const ncr_reduce_band *band = w->band;
    const uint8_t *mask = band->valid ? band->valid + (size_t)row * w->width : NULL;
    size_t count = 0;
    for (size_t i = 0; i < w->width; i++) {
        bool is_invalid = (mask && !mask[i]) || isnan(line[i]) || (band->has_nodata && line[i] == band->nodata);
        valid[i] = is_invalid ? 0 : 1;
        line[i] = is_invalid ? 0 : line[i];
        count += is_invalid;
    }
    return count;
}

/* Puts a row of inputs into the ring, unless it is there. row counts from y->input_first. */
static size_t ring_slot(work *w, int row)
{
    const ncr_reduce_band *band = w->band;
    size_t slot = (size_t)(row % w->y->taps);
    if (w->ring_row[slot] != row) {
        double *line = w->lines + slot * w->width;
        ncr_convert(band->input + row * band->input_row, band->dtype, band->input_pixel, line, NACRE_DTYPE_FLOAT64,
                    sizeof(double), w->width);
        w->invalid_count[slot] = mark_invalid(w, row, line, w->valid + slot * w->width);
        w->ring_row[slot] = row;
    }
    return slot;
}

static void add_plain(const work *w, size_t slot, double weight)
{
    const double *line = w->lines + slot * w->width;
    double *all = w->sums[ALL];
    for (size_t i = 0; i < w->width; i++)
        all[i] += weight * line[i];
}

static void add_masked(const work *w, size_t slot, double weight)
{
    const double *line = w->lines + slot * w->width, *valid = w->valid + slot * w->width;
    double *positive = w->sums[POSITIVE], *weights = w->sums[WEIGHT], *invalid = w->sums[INVALID];
    double only = weight > 0 ? weight : 0;
    for (size_t i = 0; i < w->width; i++) {
        positive[i] += only * line[i];
        weights[i] += only * valid[i];
        invalid[i] += 1 - valid[i];
    }
}

/* Phase 1. Tells how many inputs are invalid. */
static size_t filter_columns(work *w, int index, size_t *in_all)
{
    const ncr_reduce_axis *y = w->y;
    const double *weights = y->weights + (size_t)index * (size_t)y->taps;
    int first = y->first[index] - y->input_first;
    size_t invalid = 0;
    *in_all = 0;
    for (int t = 0; t < y->taps; t++)
        if (weights[t] != 0) {
            invalid += w->invalid_count[ring_slot(w, first + t)];
            *in_all += w->width;
        }
    for (int i = 0; i < SUMS && invalid != *in_all; i++)
        memset(w->sums[i], 0, w->width * sizeof(double));
    for (int t = 0; t < y->taps && invalid != *in_all; t++)
        if (weights[t] != 0) {
            size_t slot = ring_slot(w, first + t);
            add_plain(w, slot, weights[t]);
            if (invalid)
                add_masked(w, slot, weights[t]);
        }
    return invalid;
}

static double filter_all(const work *w, int index)
{
    const ncr_reduce_axis *x = w->x;
    const double *weights = x->weights + (size_t)index * (size_t)x->taps;
    const double *all = w->sums[ALL] + (x->first[index] - x->input_first);
    double sum = 0;
    for (int t = 0; t < x->taps; t++)
        sum += weights[t] * all[t];
    return sum;
}

/* The result must not look invalid: it is moved to the next value of its type. */
static double avoid_nodata(double value, const ncr_reduce_band *band)
{
    if (!band->has_nodata || !ncr_dtype_is_integer(band->dtype) || round(value) != band->nodata)
        return value;
    return band->nodata >= ncr_dtype_max(band->dtype) ? band->nodata - 1 : band->nodata + 1;
}

static double filter_masked(const work *w, int index)
{
    const ncr_reduce_axis *x = w->x;
    const double *weights = x->weights + (size_t)index * (size_t)x->taps;
    size_t at = (size_t)(x->first[index] - x->input_first);
    double positive = 0, weight = 0, invalid = 0;
    for (int t = 0; t < x->taps; t++) {
        double only = weights[t] > 0 ? weights[t] : 0;
        positive += only * w->sums[POSITIVE][at + (size_t)t];
        weight += only * w->sums[WEIGHT][at + (size_t)t];
        invalid += weights[t] != 0 ? w->sums[INVALID][at + (size_t)t] : 0;
    }
    if (invalid == 0)
        return avoid_nodata(filter_all(w, index), w->band);
    if (weight > 0)
        return avoid_nodata(positive / weight, w->band);
    return w->band->has_nodata ? w->band->nodata : 0;
}

static void reduce_row(work *w, int index)
{
    const ncr_reduce_band *band = w->band;
    size_t in_all, invalid = filter_columns(w, index, &in_all);
    for (int i = 0; i < w->x->count; i++) {
        if (invalid == in_all)
            w->output[i] = band->has_nodata ? band->nodata : 0;
        else if (invalid)
            w->output[i] = filter_masked(w, i);
        else
            w->output[i] = avoid_nodata(filter_all(w, i), band);
    }
    ncr_convert(w->output, NACRE_DTYPE_FLOAT64, sizeof(double), band->output + index * band->output_row, band->dtype,
                band->output_pixel, (size_t)w->x->count);
}

static void copy_nearest(const ncr_reduce_axis *x, const ncr_reduce_axis *y, const ncr_reduce_band *band, int first_row,
                         int end_row)
{
    size_t size = ncr_dtype_size(band->dtype);
    for (int j = first_row; j < end_row; j++) {
        const uint8_t *row = band->input + (y->first[j] - y->input_first) * band->input_row;
        for (int i = 0; i < x->count; i++)
            memcpy(band->output + j * band->output_row + i * band->output_pixel,
                   row + (x->first[i] - x->input_first) * band->input_pixel, size);
    }
}

nacre_status ncr_reduce(const ncr_reduce_axis *x, const ncr_reduce_axis *y, const ncr_reduce_band *band, int first_row,
                        int end_row, nacre_error *err)
{
    if (band->resampling == NACRE_RESAMPLING_NEAREST) {
        copy_nearest(x, y, band, first_row, end_row);
        return NACRE_OK;
    }
    work w;
    nacre_status status = alloc_work(&w, x, y, band) ? NACRE_OK : ncr_error_memory(err);
    for (int j = first_row; j < end_row && status == NACRE_OK; j++)
        reduce_row(&w, j);
    free_work(&w);
    return status;
}

nacre_status ncr_reduce_mask(const ncr_reduce_axis *x, const ncr_reduce_axis *y, nacre_resampling resampling,
                             const uint8_t *valid, uint8_t *output, nacre_error *err)
{
    /* A mask's valid values have a mean of 255, whatever their weights, and without any the output is 0. */
    ptrdiff_t width = x->input_end - x->input_first;
    ncr_reduce_band band = {.dtype = NACRE_DTYPE_UINT8,
                            .resampling = resampling,
                            .input = valid,
                            .input_pixel = 1,
                            .input_row = width,
                            .valid = valid,
                            .output = output,
                            .output_pixel = 1,
                            .output_row = x->count};
    nacre_status status = ncr_reduce(x, y, &band, 0, y->count, err);
    for (size_t i = 0; status == NACRE_OK && i < (size_t)x->count * (size_t)y->count; i++)
        output[i] = output[i] ? 255 : 0;
    return status;
}
