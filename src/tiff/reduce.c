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
    double (*weight)(double); /* NULL: those without a kernel have rules of their own */
} kernel;

static const kernel kernels[] = {
    {NACRE_RESAMPLING_NEAREST, 0.5, NULL},  {NACRE_RESAMPLING_AVERAGE, 0.5, NULL},
    {NACRE_RESAMPLING_RMS, 0.5, NULL},      {NACRE_RESAMPLING_MODE, 0.5, NULL},
    {NACRE_RESAMPLING_GAUSS, 0.5, NULL},    {NACRE_RESAMPLING_BILINEAR, 1, triangle},
    {NACRE_RESAMPLING_CUBIC, 2, cubic},     {NACRE_RESAMPLING_CUBIC_SPLINE, 2, cubic_spline},
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
    if (k->resampling == NACRE_RESAMPLING_AVERAGE || k->resampling == NACRE_RESAMPLING_RMS) {
        double overlap = fmin(j + 1, from + ratio) - fmax(j, from);
        return overlap > 1e-9 ? overlap : 0;
    }
    double centre = from + ratio / 2;
    return k->weight((j + 0.5 - centre) / ratio);
}

/* Where the output that begins at `from` takes its inputs whole, without parts of them: GDAL's rounding. */
static int whole_start(double from)
{
    return (int)floor(from + 0.5);
}

/* GDAL's Gaussian: 3 inputs for halves, 5 for quarters, else 7, with binomial weights, around the middle one. */
static int gauss_taps(double ratio)
{
    int factor = whole_start(ratio);
    return factor <= 2 ? 3 : factor <= 4 ? 5 : 7;
}

static void set_gauss(ncr_reduce_axis *axis, int input_size, double ratio, int output, int index)
{
    double *weights = axis->weights + (size_t)index * (size_t)axis->taps, weight = 1, sum = 0;
    int dimension = gauss_taps(ratio), start = whole_start(output * ratio);
    int length = whole_start((output + 1) * ratio) + 1 - start;
    start += length / 2 - dimension / 2;
    int first = start > 0 ? start : 0;
    first = first + axis->taps > input_size ? input_size - axis->taps : first;
    axis->first[index] = first;
    for (int t = 0; t < dimension; t++) {
        if (start + t >= first && start + t < first + axis->taps)
            sum += weights[start + t - first] = weight;
        weight = weight * (dimension - 1 - t) / (t + 1);
    }
    for (int t = 0; t < axis->taps; t++)
        weights[t] /= sum;
}

/* The inputs that are counted; their weights are 1. */
static void set_mode(ncr_reduce_axis *axis, int input_size, double ratio, int output, int index)
{
    double *weights = axis->weights + (size_t)index * (size_t)axis->taps;
    int start = whole_start(output * ratio), end = whole_start((output + 1) * ratio);
    start = start < input_size ? start : input_size - 1;
    end = end > start ? end : start + 1;
    end = end < input_size ? end : input_size;
    int first = start + axis->taps > input_size ? input_size - axis->taps : start;
    axis->first[index] = first;
    for (int i = start; i < end; i++)
        weights[i - first] = 1;
}

/* The inputs of one output; weights are scaled to a sum of 1. */
static void set_output(ncr_reduce_axis *axis, const kernel *k, int input_size, double ratio, int output, int index)
{
    double from = output * ratio, centre = from + ratio / 2, sum = 0;
    double *weights = axis->weights + (size_t)index * (size_t)axis->taps;
    int first = (int)floor(centre - k->radius * ratio);
    if (k->resampling == NACRE_RESAMPLING_NEAREST) {
        first = whole_start(from);
        axis->first[index] = first < input_size ? first : input_size - 1;
        weights[0] = 1;
        return;
    }
    if (k->resampling == NACRE_RESAMPLING_GAUSS || k->resampling == NACRE_RESAMPLING_MODE) {
        (k->resampling == NACRE_RESAMPLING_MODE ? set_mode : set_gauss)(axis, input_size, ratio, output, index);
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

static int taps_of(const kernel *k, double ratio)
{
    if (k->resampling == NACRE_RESAMPLING_NEAREST)
        return 1;
    return k->resampling == NACRE_RESAMPLING_GAUSS ? gauss_taps(ratio) : (int)ceil(2 * k->radius * ratio) + 1;
}

nacre_status ncr_reduce_axis_init(ncr_reduce_axis *axis, nacre_resampling resampling, int input_size, int output_size,
                                  int output_first, int count, nacre_error *err)
{
    const kernel *k = find_kernel(resampling);
    assert(k && output_size > 0 && input_size >= output_size && count > 0);
    double ratio = (double)input_size / output_size;
    int taps = taps_of(k, ratio);
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

/* The work on rows of one band, in doubles. Rows of inputs are kept in a ring of as many as an output needs.
 *
 * Where all inputs of a row of outputs are valid, they are filtered along y into columns, then these along x. Else rows
 * come first, as in GDAL: invalid inputs are left out, and a kernel's row is divided by the weight that is left before
 * columns are filtered likewise; other sums are divided once, at the end. */
typedef struct work {
    const ncr_reduce_axis *x, *y;
    const ncr_reduce_band *band;
    bool is_kernel, avoids_nodata;
    size_t width;          /* of the inputs */
    double *lines;         /* [taps][width] inputs; invalid ones are 0, so that NaN does not spread */
    uint8_t *valid;        /* [taps][width] 1 or 0 */
    size_t *invalid_count; /* [taps] */
    int *ring_row;         /* [taps] which row of inputs is there; -1: none */
    double *columns;       /* [width] */
    double *across;        /* [taps][x->count] rows of inputs filtered along x */
    double *weights;       /* likewise */
    int *across_row;       /* [taps] which row that is; -1: none */
    double *output;        /* [x->count] */
} work;

static void free_work(work *w)
{
    free(w->lines);
    free(w->valid);
    free(w->invalid_count);
    free(w->ring_row);
    free(w->columns);
    free(w->across);
    free(w->weights);
    free(w->across_row);
    free(w->output);
}

/* Whether results that are the nodata value by chance are moved from it. GDAL leaves those of its Gaussian, and
 * averages of other integers than uint8 and uint16 where no input near them, in the part that it has cut, is invalid.
 */
static bool avoids_nodata(const ncr_reduce_band *band)
{
    return band->has_nodata && ncr_dtype_is_integer(band->dtype) && band->resampling != NACRE_RESAMPLING_GAUSS;
}

static bool alloc_work(work *w, const ncr_reduce_axis *x, const ncr_reduce_axis *y, const ncr_reduce_band *band)
{
    size_t taps = (size_t)y->taps, count = (size_t)x->count;
    *w = (work){.x = x, .y = y, .band = band, .width = (size_t)(x->input_end - x->input_first)};
    w->is_kernel = find_kernel(band->resampling)->weight;
    w->avoids_nodata = avoids_nodata(band);
    w->lines = ncr_alloc_array(taps * w->width, sizeof(double));
    w->valid = ncr_alloc_array(taps * w->width, 1);
    w->invalid_count = ncr_alloc_array(taps, sizeof(size_t));
    w->ring_row = ncr_alloc_array(taps, sizeof(int));
    w->columns = ncr_alloc_array(w->width, sizeof(double));
    w->across = ncr_alloc_array(taps * count, sizeof(double));
    w->weights = ncr_alloc_array(taps * count, sizeof(double));
    w->across_row = ncr_alloc_array(taps, sizeof(int));
    w->output = ncr_alloc_array(count, sizeof(double));
    bool allocated = w->lines && w->valid && w->invalid_count && w->ring_row && w->columns && w->across && w->weights &&
                     w->across_row && w->output;
    for (size_t i = 0; allocated && i < taps; i++)
        w->ring_row[i] = w->across_row[i] = -1;
    return allocated;
}

/* Marks what is invalid of a row of inputs and returns how many that are. */
static size_t mark_invalid(const work *w, int row, double *line, uint8_t *valid)
{
    const ncr_reduce_band *band = w->band;
    const uint8_t *mask = band->valid ? band->valid + (size_t)row * w->width : NULL;
    size_t count = 0;
    if (!mask && !band->has_nodata && ncr_dtype_is_integer(band->dtype)) {
        memset(valid, 1, w->width);
        return 0;
    }
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
        for (size_t i = 0; band->resampling == NACRE_RESAMPLING_RMS && i < w->width; i++)
            line[i] *= line[i];
        w->ring_row[slot] = row;
    }
    return slot;
}

/* How many inputs of a row of outputs are invalid, of how many. */
static size_t count_invalid(work *w, int index, size_t *in_all)
{
    const ncr_reduce_axis *y = w->y;
    const double *weights = y->weights + (size_t)index * (size_t)y->taps;
    size_t invalid = 0;
    *in_all = 0;
    for (int t = 0; t < y->taps; t++)
        if (weights[t] != 0) {
            invalid += w->invalid_count[ring_slot(w, y->first[index] - y->input_first + t)];
            *in_all += w->width;
        }
    return invalid;
}

static void filter_columns(work *w, int index)
{
    const ncr_reduce_axis *y = w->y;
    const double *weights = y->weights + (size_t)index * (size_t)y->taps;
    double *restrict columns = w->columns;
    memset(columns, 0, w->width * sizeof *columns);
    for (int t = 0; t < y->taps; t++) {
        if (weights[t] == 0)
            continue;
        const double *restrict line = w->lines + ring_slot(w, y->first[index] - y->input_first + t) * w->width;
        double weight = weights[t];
        for (size_t i = 0; i < w->width; i++)
            columns[i] += weight * line[i];
    }
}

static double filter_all(const work *w, int index, const double *values)
{
    const ncr_reduce_axis *x = w->x;
    const double *weights = x->weights + (size_t)index * (size_t)x->taps;
    const double *from = values + (x->first[index] - x->input_first);
    double sum = 0;
    for (int t = 0; t < x->taps; t++)
        sum += weights[t] * from[t];
    return sum;
}

/* The result of a sum. */
static double result_of(const work *w, double value)
{
    const ncr_reduce_band *band = w->band;
    if (band->resampling == NACRE_RESAMPLING_RMS)
        value = sqrt(value);
    if (!w->avoids_nodata || round(value) != band->nodata)
        return value;
    return band->nodata >= ncr_dtype_max(band->dtype) ? band->nodata - 1 : band->nodata + 1;
}

/* Of kernels with negative weights, half of the inputs must be valid in succession, since what few of them add up to
 * may be far off. */
static int needed_streak(const work *w, const double *weights, int taps)
{
    int length = 0;
    if (w->band->resampling != NACRE_RESAMPLING_CUBIC && w->band->resampling != NACRE_RESAMPLING_LANCZOS)
        return 0;
    for (int t = 0; t < taps; t++)
        length += weights[t] != 0;
    return length / 2;
}

static void filter_masked(const work *w, int index, const double *line, const uint8_t *valid, double *sum,
                          double *weight)
{
    const ncr_reduce_axis *x = w->x;
    const double *weights = x->weights + (size_t)index * (size_t)x->taps;
    ptrdiff_t at = x->first[index] - x->input_first;
    int needed = needed_streak(w, weights, x->taps), longest = 0, streak = 0;
    *sum = *weight = 0;
    for (int t = 0; t < x->taps; t++) {
        if (weights[t] == 0)
            continue;
        streak = valid[at + t] ? streak + 1 : 0;
        longest = streak > longest ? streak : longest;
        *sum += weights[t] * line[at + t];
        *weight += valid[at + t] ? weights[t] : 0;
    }
    if (longest < needed)
        *sum = *weight = 0;
}

/* A row of inputs, filtered along x. */
static size_t across_slot(work *w, int row)
{
    const ncr_reduce_axis *x = w->x;
    size_t slot = ring_slot(w, row);
    const double *line = w->lines + slot * w->width;
    double *sums = w->across + slot * (size_t)x->count, *weights = w->weights + slot * (size_t)x->count;
    if (w->across_row[slot] == row)
        return slot;
    w->across_row[slot] = row;
    for (int i = 0; i < x->count; i++) {
        if (!w->invalid_count[slot]) {
            sums[i] = filter_all(w, i, line);
            weights[i] = 1;
            continue;
        }
        filter_masked(w, i, line, w->valid + slot * w->width, &sums[i], &weights[i]);
        if (w->is_kernel) {
            bool enough = weights[i] > 1e-6;
            sums[i] = enough ? sums[i] / weights[i] : 0;
            weights[i] = enough ? 1 : 0;
        }
    }
    return slot;
}

static double masked_output(work *w, int index, int column)
{
    const ncr_reduce_axis *y = w->y;
    const double *down = y->weights + (size_t)index * (size_t)y->taps;
    int needed = needed_streak(w, down, y->taps), longest = 0, streak = 0;
    double sum = 0, weight = 0, nothing = w->band->has_nodata ? w->band->nodata : 0;
    for (int t = 0; t < y->taps; t++) {
        if (down[t] == 0)
            continue;
        size_t at = across_slot(w, y->first[index] - y->input_first + t) * (size_t)w->x->count + (size_t)column;
        streak = w->weights[at] > 0 ? streak + 1 : 0;
        longest = streak > longest ? streak : longest;
        sum += down[t] * w->across[at];
        weight += down[t] * w->weights[at];
    }
    return longest >= needed && weight > 1e-6 ? result_of(w, sum / weight) : nothing;
}

/* The first column of an output. */
static const double *column_of(const work *w, int index)
{
    return w->columns + (w->x->first[index] - w->x->input_first);
}

/* The columns along x. Four outputs at once, since each sum waits for its own last addition. */
static void filter_row(work *w)
{
    const ncr_reduce_axis *x = w->x;
    size_t taps = (size_t)x->taps;
    int i = 0;
    for (; i + 4 <= x->count; i += 4) {
        const double *a = x->weights + (size_t)i * taps, *b = a + taps, *c = b + taps, *d = c + taps;
        const double *p = column_of(w, i), *q = column_of(w, i + 1);
        const double *r = column_of(w, i + 2), *s = column_of(w, i + 3);
        double sums[4] = {0};
        for (size_t t = 0; t < taps; t++) {
            sums[0] += a[t] * p[t];
            sums[1] += b[t] * q[t];
            sums[2] += c[t] * r[t];
            sums[3] += d[t] * s[t];
        }
        for (int k = 0; k < 4; k++)
            w->output[i + k] = result_of(w, sums[k]);
    }
    for (; i < x->count; i++)
        w->output[i] = result_of(w, filter_all(w, i, w->columns));
}

static void reduce_row(work *w, int index)
{
    const ncr_reduce_band *band = w->band;
    size_t in_all, invalid = count_invalid(w, index, &in_all);
    if (!invalid) {
        filter_columns(w, index);
        filter_row(w);
    }
    for (int i = 0; i < w->x->count && invalid; i++)
        w->output[i] = invalid < in_all ? masked_output(w, index, i) : band->has_nodata ? band->nodata : 0;
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

/* --- The most frequent value --- */

typedef struct candidate {
    const uint8_t *value;
    size_t count;
} candidate;

static bool is_invalid_input(const ncr_reduce_axis *x, const ncr_reduce_band *band, const uint8_t *value, int column,
                             int row)
{
    size_t width = (size_t)(x->input_end - x->input_first);
    double number;
    if (band->valid && !band->valid[(size_t)row * width + (size_t)column])
        return true;
    if (!band->has_nodata && ncr_dtype_is_integer(band->dtype))
        return false;
    ncr_convert(value, band->dtype, 0, &number, NACRE_DTYPE_FLOAT64, 0, 1);
    return isnan(number) || (band->has_nodata && number == band->nodata);
}

static bool is_same(const uint8_t *one, const uint8_t *other, size_t size)
{
    assert(one);
    return memcmp(one, other, size) == 0;
}

/* Of values that are equally frequent, the one that was so first, row by row. */
static const uint8_t *find_mode(const ncr_reduce_axis *x, const ncr_reduce_axis *y, const ncr_reduce_band *band, int i,
                                int j, candidate *candidates)
{
    const double *across = x->weights + (size_t)i * (size_t)x->taps, *down = y->weights + (size_t)j * (size_t)y->taps;
    size_t size = ncr_dtype_size(band->dtype), count = 0, best = 0;
    for (int v = 0; v < y->taps; v++)
        for (int u = 0; u < x->taps && down[v] != 0; u++) {
            int column = x->first[i] - x->input_first + u, row = y->first[j] - y->input_first + v;
            const uint8_t *value = band->input + row * band->input_row + column * band->input_pixel;
            if (across[u] == 0 || is_invalid_input(x, band, value, column, row))
                continue;
            size_t at = 0;
            while (at < count && !is_same(candidates[at].value, value, size))
                at++;
            if (at == count)
                candidates[count++] = (candidate){.value = value};
            candidates[at].count++;
            best = candidates[at].count > candidates[best].count ? at : best;
        }
    return count ? candidates[best].value : NULL;
}

static nacre_status reduce_mode(const ncr_reduce_axis *x, const ncr_reduce_axis *y, const ncr_reduce_band *band,
                                int first_row, int end_row, nacre_error *err)
{
    size_t size = ncr_dtype_size(band->dtype);
    double nothing = band->has_nodata ? band->nodata : 0;
    candidate *candidates = ncr_alloc_array((size_t)x->taps * (size_t)y->taps, sizeof *candidates);
    if (!candidates)
        return ncr_error_memory(err);
    for (int j = first_row; j < end_row; j++)
        for (int i = 0; i < x->count; i++) {
            const uint8_t *value = find_mode(x, y, band, i, j, candidates);
            uint8_t *to = band->output + j * band->output_row + i * band->output_pixel;
            if (value)
                memcpy(to, value, size);
            else
                ncr_convert(&nothing, NACRE_DTYPE_FLOAT64, 0, to, band->dtype, 0, 1);
        }
    free(candidates);
    return NACRE_OK;
}

/* Real and imaginary parts are reduced each for itself. */
static nacre_status reduce_complex(const ncr_reduce_axis *x, const ncr_reduce_axis *y, const ncr_reduce_band *band,
                                   int first_row, int end_row, nacre_error *err)
{
    ncr_reduce_band part = *band;
    part.dtype = ncr_dtype_part(band->dtype);
    part.has_nodata = false;
    nacre_status status = ncr_reduce(x, y, &part, first_row, end_row, err);
    part.input += ncr_dtype_size(part.dtype);
    part.output += ncr_dtype_size(part.dtype);
    return status == NACRE_OK ? ncr_reduce(x, y, &part, first_row, end_row, err) : status;
}

nacre_status ncr_reduce(const ncr_reduce_axis *x, const ncr_reduce_axis *y, const ncr_reduce_band *band, int first_row,
                        int end_row, nacre_error *err)
{
    if (band->resampling == NACRE_RESAMPLING_NEAREST) {
        copy_nearest(x, y, band, first_row, end_row);
        return NACRE_OK;
    }
    if (band->resampling == NACRE_RESAMPLING_MODE)
        return reduce_mode(x, y, band, first_row, end_row, err);
    if (ncr_dtype_is_complex(band->dtype))
        return reduce_complex(x, y, band, first_row, end_row, err);
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
    if (resampling == NACRE_RESAMPLING_RMS || resampling == NACRE_RESAMPLING_MODE)
        resampling = NACRE_RESAMPLING_AVERAGE; /* which is of the same inputs */
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
