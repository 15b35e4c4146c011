/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "raster/scaled_rows.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/loops.h"
#include "base/memory.h"
#include "base/pool.h"
#include "raster/dtype.h"
#include "raster/nodata.h"

/* Output rows of one task: enough that the source rows which two neighbours both filter matter little. */
enum { TASK_ROWS = 32 };

typedef struct {
    ncr_scaled_job *job;
    const ncr_call *call;
    int tasks_per_band;
    _Atomic bool out_of_memory, must_end;
} loop;

/* What a task of kernels works with. */
typedef struct {
    ncr_scaled_task of;
    int part;            /* 1: the imaginary part is made */
    double *source;      /* a source row */
    double *added;       /* the source rows under an output row, filtered along y */
    uint8_t *valid;      /* of a source row */
    double *row_sums;    /* the source row filtered along its columns: out.width values */
    double *row_weights; /* likewise */
    double *sums;        /* the output rows, out.width values each, while they are added up */
    double *weights;     /* likewise */
    int *streaks;        /* likewise: source rows in succession that are valid, now and at most; NULL: not needed */
    int *longest;
    uint8_t *typed;       /* an output row, rounded */
    uint8_t *typed_valid; /* of it: what is not the nodata value */
} task;

uint8_t *ncr_scaled_out_row(const ncr_scaled_job *job, int band_index, int y)
{
    return job->to.buffer + (ptrdiff_t)band_index * job->to.band_stride +
           (ptrdiff_t)(y - job->top) * job->to.row_stride + (ptrdiff_t)(job->out.x - job->left) * job->to.pixel_stride;
}

const uint8_t *ncr_scaled_source_row(const ncr_scaled_job *job, int band_index, int64_t y)
{
    size_t row = (size_t)job->source.width * ncr_dtype_size(job->dtype);
    size_t index = (size_t)band_index * (size_t)job->source.height + (size_t)(y - job->source.y);
    return job->pixels + index * row;
}

const uint8_t *ncr_scaled_validity(const ncr_scaled_task *t, const uint8_t *pixels, int64_t y, uint8_t *valid)
{
    const ncr_scaled_job *job = t->job;
    unsigned flags = t->band ? t->band->mask_flags : NACRE_MASK_ALL_VALID;
    if (flags & NACRE_MASK_NODATA) {
        ncr_nodata_mark(&t->band->nodata, job->dtype, pixels, (ptrdiff_t)ncr_dtype_size(job->dtype), valid, 1,
                        (size_t)job->source.width);
        return valid;
    }
    if (!job->valid || flags & NACRE_MASK_ALL_VALID)
        return NULL;
    return job->valid + (size_t)(y - job->source.y) * (size_t)job->source.width;
}

/* --- Nearest --- */

/* A loop for each size: the compiler makes a plain move of memcpy with a constant. */
#define COPY_LOOP(size)                            \
    for (int x = 0; x < width; x++, out += stride) \
    memcpy(out, source + (runs[x].first - base) * (ptrdiff_t)(size), size)

static void copy_row(const uint8_t *source, const ncr_axis_run *runs, int64_t base, size_t size, uint8_t *out,
                     ptrdiff_t stride, int width)
{
    switch (size) {
    case 1:
        COPY_LOOP(1);
        break;
    case 2:
        COPY_LOOP(2);
        break;
    case 4:
        COPY_LOOP(4);
        break;
    case 8:
        COPY_LOOP(8);
        break;
    default:
        COPY_LOOP(size);
    }
}

#undef COPY_LOOP

static void copy_rows(const ncr_scaled_task *t, const ncr_axis *columns, const ncr_axis *rows)
{
    const ncr_scaled_job *job = t->job;
    ptrdiff_t size = (ptrdiff_t)ncr_dtype_size(job->dtype);
    const ncr_axis_run *runs = columns->runs + job->out.x;
    for (int y = t->from; y < t->to; y++) {
        const uint8_t *source = ncr_scaled_source_row(job, t->band_index, rows->runs[y].first);
        uint8_t *out = ncr_scaled_out_row(job, t->band_index, y);
        if (job->dtype == job->to.dtype)
            copy_row(source, runs, job->source.x, (size_t)size, out, job->to.pixel_stride, job->out.width);
        for (int x = 0; job->dtype != job->to.dtype && x < job->out.width; x++, out += job->to.pixel_stride)
            ncr_convert(source + (runs[x].first - job->source.x) * size, job->dtype, size, out, job->to.dtype, 0, 1);
    }
}

/* --- Kernels: room --- */

static bool is_masked(const task *t)
{
    return t->of.band && !(t->of.band->mask_flags & NACRE_MASK_ALL_VALID);
}

static bool allocate(task *t)
{
    size_t width = (size_t)t->of.job->out.width, rows = (size_t)(t->of.to - t->of.from), cells;
    if (!ncr_size_mul(width, rows, &cells))
        return false;
    t->source = ncr_alloc_array((size_t)t->of.job->source.width, sizeof *t->source);
    t->added = ncr_alloc_array((size_t)t->of.job->source.width, sizeof *t->added);
    t->valid = ncr_alloc_array((size_t)t->of.job->source.width, 1);
    t->row_sums = ncr_alloc_array(width, sizeof *t->row_sums);
    t->sums = ncr_alloc_array(cells, sizeof *t->sums);
    t->typed = ncr_alloc_array(width, sizeof(double));
    t->typed_valid = ncr_alloc_array(width, 1);
    return t->source && t->added && t->valid && t->row_sums && t->sums && t->typed && t->typed_valid;
}

/* What is only needed where pixels may be invalid: weights, and counters for kernels with negative ones. */
static bool allocate_masked(task *t)
{
    if (!is_masked(t))
        return true;
    size_t width = (size_t)t->of.job->out.width, cells = width * (size_t)(t->of.to - t->of.from);
    t->row_weights = ncr_alloc_array(width, sizeof *t->row_weights);
    t->weights = ncr_alloc_array(cells, sizeof *t->weights);
    if (!t->row_weights || !t->weights || !t->of.job->rows.has_negative)
        return t->row_weights && t->weights;
    t->streaks = ncr_alloc_array(cells, sizeof *t->streaks);
    t->longest = ncr_alloc_array(cells, sizeof *t->longest);
    return t->streaks && t->longest;
}

static void release(task *t)
{
    free(t->source);
    free(t->added);
    free(t->valid);
    free(t->row_sums);
    free(t->row_weights);
    free(t->sums);
    free(t->weights);
    free(t->streaks);
    free(t->longest);
    free(t->typed);
    free(t->typed_valid);
}

/* --- Kernels: sums --- */

/* A source row as doubles; of complex values the part that is made. */
static void load_row(task *t, const uint8_t *pixels)
{
    const ncr_scaled_job *job = t->of.job;
    nacre_dtype part = ncr_dtype_part(job->dtype);
    size_t width = (size_t)job->source.width;
    ncr_convert(pixels + (size_t)t->part * ncr_dtype_size(part), part, (ptrdiff_t)ncr_dtype_size(job->dtype), t->source,
                NACRE_DTYPE_FLOAT64, sizeof(double), width);
    for (size_t x = 0; job->resampling == NACRE_RESAMPLING_RMS && x < width; x++)
        t->source[x] *= t->source[x];
}

NCR_VECTOR_LOOPS
static void add_scaled(double *restrict to, const double *restrict from, double factor, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] += factor * from[i];
}

/* Where pixels may be invalid, rows are filtered first, since invalid ones are weighed out of each row.
 *
 * Phase 1: a source row along its columns. */
static void filter_source_row(task *t, int64_t y)
{
    const ncr_scaled_job *job = t->of.job;
    const uint8_t *pixels = ncr_scaled_source_row(job, t->of.band_index, y);
    const uint8_t *valid = ncr_scaled_validity(&t->of, pixels, y, t->valid);
    load_row(t, pixels);
    ncr_axis_filter_row(&job->columns, job->out.x, job->out.x + job->out.width, job->source.x, t->source, valid,
                        t->row_sums, t->row_weights);
    if (t->row_weights && job->columns.is_kernel)
        ncr_axis_normalize(&job->columns, t->row_sums, t->row_weights, job->out.width);
}

/* Phase 2: adds the filtered row to an output row that it is a part of. */
static void add_row(task *t, int64_t y, int out_y)
{
    const ncr_axis_run *run = &t->of.job->rows.runs[out_y];
    double weight = t->of.job->rows.weights[run->weights + (size_t)(y - run->first)];
    size_t width = (size_t)t->of.job->out.width, at = (size_t)(out_y - t->of.from) * width;
    add_scaled(t->sums + at, t->row_sums, weight, width);
    if (t->weights)
        add_scaled(t->weights + at, t->row_weights, weight, width);
}

static void count_streaks(task *t, int out_y)
{
    size_t width = (size_t)t->of.job->out.width;
    int *streaks = t->streaks + (size_t)(out_y - t->of.from) * width;
    int *longest = t->longest + (size_t)(out_y - t->of.from) * width;
    for (size_t x = 0; x < width; x++) {
        streaks[x] = t->row_weights[x] > 0 ? streaks[x] + 1 : 0;
        longest[x] = streaks[x] > longest[x] ? streaks[x] : longest[x];
    }
}

static void sum_rows_first(task *t)
{
    const ncr_axis *rows = &t->of.job->rows;
    int64_t first, end;
    ncr_axis_extent(rows, t->of.from, t->of.to, &first, &end);
    for (int64_t y = first; y < end; y++) {
        filter_source_row(t, y);
        for (int out_y = t->of.from; out_y < t->of.to; out_y++) {
            if (y < rows->runs[out_y].first || y >= rows->runs[out_y].first + rows->runs[out_y].length)
                continue;
            add_row(t, y, out_y);
            if (t->streaks)
                count_streaks(t, out_y);
        }
    }
}

/* Where all pixels are valid and there are more columns than are wanted, columns are filtered first: that is the loop
 * which the compiler makes vectors of, and rows are filtered only once for an output row. */
#define ADD(name, type)                                                                                      \
    NCR_VECTOR_LOOPS static void add_##name(double *restrict to, const void *restrict values, double factor, \
                                            size_t count)                                                    \
    {                                                                                                        \
        const type *restrict from = values;                                                                  \
        for (size_t i = 0; i < count; i++)                                                                   \
            to[i] += factor * (double)from[i];                                                               \
    }
ADD(uint8, uint8_t)
ADD(int8, int8_t)
ADD(uint16, uint16_t)
ADD(int16, int16_t)
ADD(int32, int32_t)
ADD(float32, float)
ADD(float64, double)
#undef ADD

typedef void (*add_function)(double *restrict to, const void *restrict values, double factor, size_t count);

static const add_function add_functions[NACRE_DTYPE_COMPLEX128 + 1] = {
    [NACRE_DTYPE_UINT8] = add_uint8,     [NACRE_DTYPE_INT8] = add_int8,   [NACRE_DTYPE_UINT16] = add_uint16,
    [NACRE_DTYPE_INT16] = add_int16,     [NACRE_DTYPE_INT32] = add_int32, [NACRE_DTYPE_FLOAT32] = add_float32,
    [NACRE_DTYPE_FLOAT64] = add_float64,
};

static void sum_columns_first(task *t)
{
    const ncr_scaled_job *job = t->of.job;
    size_t width = (size_t)job->source.width, out_width = (size_t)job->out.width;
    add_function add = job->resampling == NACRE_RESAMPLING_RMS ? NULL : add_functions[job->dtype];
    for (int y = t->of.from; y < t->of.to; y++) {
        const ncr_axis_run *run = &job->rows.runs[y];
        memset(t->added, 0, width * sizeof *t->added);
        for (int j = 0; j < run->length; j++) {
            const uint8_t *pixels = ncr_scaled_source_row(job, t->of.band_index, run->first + j);
            double weight = job->rows.weights[run->weights + (size_t)j];
            if (!add)
                load_row(t, pixels);
            (add ? add : add_float64)(t->added, add ? (const void *)pixels : t->source, weight, width);
        }
        ncr_axis_filter_row(&job->columns, job->out.x, job->out.x + job->out.width, job->source.x, t->added, NULL,
                            t->sums + (size_t)(y - t->of.from) * out_width, NULL);
    }
}

/* --- Kernels: results --- */

static void drop_short_streaks(task *t, int y, double *weights)
{
    size_t width = (size_t)t->of.job->out.width;
    int needs = ncr_axis_needs(&t->of.job->rows, &t->of.job->rows.runs[y]);
    const int *longest = t->longest + (size_t)(y - t->of.from) * width;
    for (size_t x = 0; x < width; x++)
        weights[x] = longest[x] < needs ? 0 : weights[x];
}

/* The type in which a result is rounded: as GDAL, averages are values of the band, what kernels make is not. */
static nacre_dtype typed_dtype(const task *t)
{
    if (t->of.job->columns.is_kernel)
        return ncr_dtype_part(t->of.job->to.dtype);
    return t->of.band ? ncr_dtype_part(t->of.band->dtype) : NACRE_DTYPE_UINT8;
}

/* A computed value that is equal to the nodata value by chance gets the one beside it. GDAL leaves those of its
 * Gaussian. */
static void avoid_nodata(task *t, const double *weights)
{
    nacre_dtype dtype = typed_dtype(t);
    size_t width = (size_t)t->of.job->out.width, size = ncr_dtype_size(dtype);
    if (t->of.job->resampling == NACRE_RESAMPLING_GAUSS)
        return;
    ncr_nodata_mark(&t->of.band->nodata, dtype, t->typed, (ptrdiff_t)size, t->typed_valid, 1, width);
    double beside = ncr_nodata_beside(&t->of.band->nodata, dtype);
    for (size_t x = 0; x < width; x++)
        if (!t->typed_valid[x] && weights[x] > 0)
            ncr_convert(&beside, NACRE_DTYPE_FLOAT64, 8, t->typed + x * size, dtype, (ptrdiff_t)size, 1);
}

/* Divides what was added up by the weights that it has; pixels without any valid source get the nodata value. */
static void settle_row(task *t, int y, double *sums, double *weights)
{
    if (t->longest)
        drop_short_streaks(t, y, weights);
    ncr_axis_normalize(&t->of.job->rows, sums, weights, t->of.job->out.width);
    double fill = t->part ? 0 : ncr_nodata_fill(&t->of.band->nodata, ncr_dtype_part(t->of.band->dtype));
    for (int x = 0; x < t->of.job->out.width; x++)
        sums[x] = weights[x] > 0 ? sums[x] : fill;
}

/* Roots of mean squares; and no values that the bits of a band cannot hold. */
static void finish_row(const task *t, double *sums, const double *weights)
{
    const ncr_band *band = t->of.band;
    int width = t->of.job->out.width;
    for (int x = 0; t->of.job->resampling == NACRE_RESAMPLING_RMS && x < width; x++)
        sums[x] = !weights || weights[x] > 0 ? sqrt(sums[x]) : sums[x];
    bool is_narrow = band && t->of.job->columns.has_negative && band->bits > 0 && ncr_dtype_is_integer(band->dtype) &&
                     !ncr_dtype_is_signed(band->dtype) && (size_t)band->bits < 8 * ncr_dtype_size(band->dtype);
    for (int x = 0; is_narrow && x < width; x++)
        sums[x] = fmin(sums[x], ldexp(1, band->bits) - 1);
}

/* Phase 3: the output row is rounded and goes to the buffer. */
static void store_row(task *t, int y)
{
    const ncr_scaled_job *job = t->of.job;
    size_t width = (size_t)job->out.width, at = (size_t)(y - t->of.from) * width;
    double *sums = t->sums + at, *weights = t->weights ? t->weights + at : NULL;
    bool is_complex = ncr_dtype_is_complex(job->dtype);
    nacre_dtype dtype = typed_dtype(t), to = is_complex ? ncr_dtype_part(job->to.dtype) : job->to.dtype;
    ptrdiff_t size = (ptrdiff_t)ncr_dtype_size(dtype);
    if (weights)
        settle_row(t, y, sums, weights);
    finish_row(t, sums, weights);
    ncr_convert(sums, NACRE_DTYPE_FLOAT64, 8, t->typed, dtype, size, width);
    if (weights && !is_complex && (t->of.band->mask_flags & NACRE_MASK_NODATA))
        avoid_nodata(t, weights);
    uint8_t *out = ncr_scaled_out_row(job, t->of.band_index, y) + (size_t)t->part * ncr_dtype_size(to);
    ncr_convert(t->typed, dtype, size, out, to, job->to.pixel_stride, width);
}

static bool run_kernel_task(const ncr_scaled_task *of, int part)
{
    task t = {.of = *of, .part = part};
    bool allocated = allocate(&t) && allocate_masked(&t);
    if (allocated && !is_masked(&t) && t.of.job->columns.reduces)
        sum_columns_first(&t);
    else if (allocated)
        sum_rows_first(&t);
    for (int y = t.of.from; allocated && y < t.of.to; y++)
        store_row(&t, y);
    release(&t);
    return allocated;
}

/* --- All of them --- */

bool ncr_scaled_takes_nearest(const ncr_band *band, nacre_resampling resampling)
{
    if (resampling == NACRE_RESAMPLING_GAUSS)
        return ncr_dtype_is_complex(band->dtype);
    return ncr_resampling_radius(resampling) > 0 && band->color_count > 0;
}

static bool mixes_colors(const ncr_scaled_task *t)
{
    return t->band && t->band->color_count > 0 && !t->job->columns.is_kernel;
}

static bool run_rows(const ncr_scaled_task *t)
{
    const ncr_scaled_job *job = t->job;
    if (job->resampling == NACRE_RESAMPLING_NEAREST)
        copy_rows(t, &job->columns, &job->rows);
    else if (t->band && ncr_scaled_takes_nearest(t->band, job->resampling))
        copy_rows(t, &job->near_columns, &job->near_rows);
    else if (job->resampling == NACRE_RESAMPLING_MODE)
        return ncr_scaled_count_rows(t);
    else if (mixes_colors(t))
        return ncr_scaled_mix_colors(t);
    else
        return run_kernel_task(t, 0) &&
               (!(ncr_dtype_is_complex(job->dtype) && ncr_dtype_is_complex(job->to.dtype)) || run_kernel_task(t, 1));
    return true;
}

static void run_task(void *user, size_t index)
{
    loop *l = user;
    ncr_scaled_job *job = l->job;
    if (ncr_call_check(l->call, "", NULL) != NACRE_OK) {
        atomic_store(&l->must_end, true);
        return;
    }
    ncr_scaled_task t = {.job = job, .band_index = (int)(index / (size_t)l->tasks_per_band)};
    t.band = job->to.mask ? NULL : &job->dataset->bands[job->to.bands[t.band_index] - 1];
    t.from = job->out.y + (int)(index % (size_t)l->tasks_per_band) * TASK_ROWS;
    int end = job->out.y + job->out.height;
    t.to = t.from + TASK_ROWS < end ? t.from + TASK_ROWS : end;
    if (!run_rows(&t))
        atomic_store(&l->out_of_memory, true);
}

nacre_status ncr_scaled_job_run(ncr_scaled_job *job, const ncr_call *call, nacre_error *err)
{
    loop l = {.job = job, .call = call, .tasks_per_band = (job->out.height + TASK_ROWS - 1) / TASK_ROWS};
    ncr_pool_for((size_t)l.tasks_per_band * (size_t)job->band_count, run_task, &l);
    if (atomic_load(&l.out_of_memory))
        return ncr_error_memory(err);
    return atomic_load(&l.must_end) ? ncr_call_check(call, ncr_dataset_name(job->dataset), err) : NACRE_OK;
}

void ncr_scaled_job_clear(ncr_scaled_job *job)
{
    ncr_axis_clear(&job->columns);
    ncr_axis_clear(&job->rows);
    ncr_axis_clear(&job->near_columns);
    ncr_axis_clear(&job->near_rows);
}
