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

/* The work on one band, in doubles. Phase 1 filters rows of inputs along x into `rows`, phase 2 filters these along y.
 * The second filter leaves negative weights out and counts valid inputs: it serves outputs with invalid inputs. */
typedef struct work {
    const ncr_reduce_axis *x, *y;
    int width, height; /* of the inputs */
    double *line;      /* [width] */
    double *valid;     /* [width] 1 or 0 */
    double *sums[2];   /* [height][x->count] of all inputs; of valid ones with positive weights */
    double *weights;   /* [height][x->count] sum of the latter's weights */
    double *share;     /* [height][x->count] of valid inputs, by weight: 1 where all are valid */
} work;

static void free_work(work *w)
{
    free(w->line);
    free(w->valid);
    free(w->sums[0]);
    free(w->sums[1]);
    free(w->weights);
    free(w->share);
}

static bool alloc_work(work *w, const ncr_reduce_axis *x, const ncr_reduce_axis *y)
{
    *w = (work){.x = x, .y = y, .width = x->input_end - x->input_first, .height = y->input_end - y->input_first};
    size_t size = (size_t)w->height * (size_t)x->count;
    w->line = ncr_alloc_array((size_t)w->width, sizeof(double));
    w->valid = ncr_alloc_array((size_t)w->width, sizeof(double));
    w->sums[0] = ncr_alloc_array(size, sizeof(double));
    w->sums[1] = ncr_alloc_array(size, sizeof(double));
    w->weights = ncr_alloc_array(size, sizeof(double));
    w->share = ncr_alloc_array(size, sizeof(double));
    return w->line && w->valid && w->sums[0] && w->sums[1] && w->weights && w->share;
}

/* Reads a row of inputs; an invalid value becomes 0 so that NaN does not spread. */
static void read_line(work *w, const ncr_reduce_band *band, int row)
{
    ncr_convert(band->input + row * band->input_row, band->dtype, band->input_pixel, w->line, NACRE_DTYPE_FLOAT64,
                sizeof(double), (size_t)w->width);
    const uint8_t *valid = band->valid ? band->valid + (size_t)row * (size_t)w->width : NULL;
    for (int i = 0; i < w->width; i++) {
        bool is_nodata = band->has_nodata && (w->line[i] == band->nodata || (isnan(w->line[i]) && isnan(band->nodata)));
        bool is_valid = (!valid || valid[i]) && !is_nodata && !isnan(w->line[i]);
        w->valid[i] = is_valid;
        w->line[i] = is_valid ? w->line[i] : 0;
    }
}

static void filter_line(work *w, int row)
{
    const ncr_reduce_axis *x = w->x;
    for (int i = 0; i < x->count; i++) {
        const double *weights = x->weights + (size_t)i * (size_t)x->taps;
        const double *line = w->line + (x->first[i] - x->input_first);
        const double *valid = w->valid + (x->first[i] - x->input_first);
        double all = 0, positive = 0, weight = 0, count = 0;
        for (int t = 0; t < x->taps; t++) {
            double only = weights[t] > 0 ? weights[t] : 0;
            all += weights[t] * line[t];
            positive += only * line[t];
            weight += only * valid[t];
            count += valid[t] == 0 && weights[t] != 0 ? 1 : 0;
        }
        size_t at = (size_t)row * (size_t)x->count + (size_t)i;
        w->sums[0][at] = all;
        w->sums[1][at] = positive;
        w->weights[at] = weight;
        w->share[at] = count;
    }
}

/* The value of an output; false: it has no valid input. */
static bool filter_column(const work *w, int column, int index, double *out)
{
    const ncr_reduce_axis *y = w->y;
    const double *weights = y->weights + (size_t)index * (size_t)y->taps;
    double all = 0, positive = 0, weight = 0, invalid = 0;
    for (int t = 0; t < y->taps; t++) {
        size_t at = (size_t)(y->first[index] - y->input_first + t) * (size_t)w->x->count + (size_t)column;
        double only = weights[t] > 0 ? weights[t] : 0;
        all += weights[t] * w->sums[0][at];
        positive += only * w->sums[1][at];
        weight += only * w->weights[at];
        invalid += weights[t] != 0 ? w->share[at] : 0;
    }
    if (invalid == 0) {
        *out = all;
        return true;
    }
    *out = weight > 0 ? positive / weight : 0;
    return weight > 0;
}

/* The result must not look invalid: it is moved to the next value of its type. */
static double avoid_nodata(double value, const ncr_reduce_band *band)
{
    if (!band->has_nodata || !ncr_dtype_is_integer(band->dtype) || round(value) != band->nodata)
        return value;
    return band->nodata >= ncr_dtype_max(band->dtype) ? band->nodata - 1 : band->nodata + 1;
}

static void write_outputs(const work *w, const ncr_reduce_band *band)
{
    double nothing = band->has_nodata ? band->nodata : 0;
    for (int j = 0; j < w->y->count; j++)
        for (int i = 0; i < w->x->count; i++) {
            double value;
            value = filter_column(w, i, j, &value) ? avoid_nodata(value, band) : nothing;
            ncr_convert(&value, NACRE_DTYPE_FLOAT64, 0, band->output + j * band->output_row + i * band->output_pixel,
                        band->dtype, 0, 1);
        }
}

static void copy_nearest(const ncr_reduce_axis *x, const ncr_reduce_axis *y, const ncr_reduce_band *band)
{
    size_t size = ncr_dtype_size(band->dtype);
    for (int j = 0; j < y->count; j++) {
        const uint8_t *row = band->input + (y->first[j] - y->input_first) * band->input_row;
        for (int i = 0; i < x->count; i++)
            memcpy(band->output + j * band->output_row + i * band->output_pixel,
                   row + (x->first[i] - x->input_first) * band->input_pixel, size);
    }
}

nacre_status ncr_reduce(const ncr_reduce_axis *x, const ncr_reduce_axis *y, const ncr_reduce_band *band,
                        nacre_error *err)
{
    if (band->resampling == NACRE_RESAMPLING_NEAREST) {
        copy_nearest(x, y, band);
        return NACRE_OK;
    }
    work w;
    nacre_status status = alloc_work(&w, x, y) ? NACRE_OK : ncr_error_memory(err);
    if (status == NACRE_OK) {
        for (int row = 0; row < w.height; row++) {
            read_line(&w, band, row);
            filter_line(&w, row);
        }
        write_outputs(&w, band);
    }
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
    nacre_status status = ncr_reduce(x, y, &band, err);
    for (size_t i = 0; status == NACRE_OK && i < (size_t)x->count * (size_t)y->count; i++)
        output[i] = output[i] ? 255 : 0;
    return status;
}
