/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "raster/scaled_rows.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

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

/* One task: some output rows of one band. */
typedef struct {
    const ncr_scaled_job *job;
    const ncr_band *band; /* NULL: a mask is resampled */
    int band_index;
    int from, to;        /* output rows */
    double *source;      /* a source row */
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

static uint8_t *out_row(const ncr_scaled_job *job, int band_index, int y)
{
    return job->to.buffer + (ptrdiff_t)band_index * job->to.band_stride +
           (ptrdiff_t)(y - job->top) * job->to.row_stride + (ptrdiff_t)(job->out.x - job->left) * job->to.pixel_stride;
}

static const uint8_t *source_row(const ncr_scaled_job *job, int band_index, int64_t y)
{
    size_t row = (size_t)job->source.width * ncr_dtype_size(job->dtype);
    size_t index = (size_t)band_index * (size_t)job->source.height + (size_t)(y - job->source.y);
    return job->pixels + index * row;
}

/* --- Nearest --- */

static void copy_rows(const ncr_scaled_job *job, int band_index, int from, int to)
{
    size_t size = ncr_dtype_size(job->dtype);
    for (int y = from; y < to; y++) {
        const uint8_t *source = source_row(job, band_index, job->rows.runs[y].first);
        uint8_t *out = out_row(job, band_index, y);
        const ncr_axis_run *runs = job->columns.runs + job->out.x;
        for (int x = 0; x < job->out.width; x++, out += job->to.pixel_stride)
            memcpy(out, source + (size_t)(runs[x].first - job->source.x) * size, size);
    }
}

/* --- Kernels --- */

static bool allocate(task *t)
{
    size_t width = (size_t)t->job->out.width, rows = (size_t)(t->to - t->from), cells;
    if (!ncr_size_mul(width, rows, &cells))
        return false;
    t->source = ncr_alloc_array((size_t)t->job->source.width, sizeof *t->source);
    t->valid = ncr_alloc_array((size_t)t->job->source.width, 1);
    t->row_sums = ncr_alloc_array(width, sizeof *t->row_sums);
    t->sums = ncr_alloc_array(cells, sizeof *t->sums);
    t->typed = ncr_alloc_array(width, sizeof(double));
    t->typed_valid = ncr_alloc_array(width, 1);
    return t->source && t->valid && t->row_sums && t->sums && t->typed && t->typed_valid;
}

/* What is only needed where pixels may be invalid: weights, and counters for kernels with negative ones. */
static bool allocate_masked(task *t)
{
    if (!t->band || (t->band->mask_flags & NACRE_MASK_ALL_VALID))
        return true;
    size_t width = (size_t)t->job->out.width, cells = width * (size_t)(t->to - t->from);
    t->row_weights = ncr_alloc_array(width, sizeof *t->row_weights);
    t->weights = ncr_alloc_array(cells, sizeof *t->weights);
    if (!t->row_weights || !t->weights || !t->job->rows.has_negative)
        return t->row_weights && t->weights;
    t->streaks = ncr_alloc_array(cells, sizeof *t->streaks);
    t->longest = ncr_alloc_array(cells, sizeof *t->longest);
    return t->streaks && t->longest;
}

static void release(task *t)
{
    free(t->source);
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

/* Which pixels of a source row count; NULL: all of them. */
static const uint8_t *validity(const task *t, const uint8_t *pixels, int64_t y)
{
    const ncr_scaled_job *job = t->job;
    unsigned flags = t->band ? t->band->mask_flags : NACRE_MASK_ALL_VALID;
    if (flags & NACRE_MASK_NODATA) {
        ncr_nodata_mark(&t->band->nodata, job->dtype, pixels, (ptrdiff_t)ncr_dtype_size(job->dtype), t->valid, 1,
                        (size_t)job->source.width);
        return t->valid;
    }
    if (!job->valid || !(flags & (NACRE_MASK_PER_DATASET | NACRE_MASK_ALPHA)))
        return NULL;
    return job->valid + (size_t)(y - job->source.y) * (size_t)job->source.width;
}

/* Phase 1: a source row along its columns. */
static void filter_source_row(task *t, int64_t y)
{
    const ncr_scaled_job *job = t->job;
    const uint8_t *pixels = source_row(job, t->band_index, y);
    const uint8_t *valid = validity(t, pixels, y);
    ncr_convert(pixels, job->dtype, (ptrdiff_t)ncr_dtype_size(job->dtype), t->source, NACRE_DTYPE_FLOAT64,
                sizeof(double), (size_t)job->source.width);
    ncr_axis_filter_row(&job->columns, job->out.x, job->out.x + job->out.width, job->source.x, t->source, valid,
                        t->row_sums, t->row_weights);
    if (t->row_weights && job->normalize_rows)
        ncr_resample_normalize(t->row_sums, t->row_weights, job->out.width);
}

static void add_scaled(double *restrict to, const double *restrict from, double factor, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] += factor * from[i];
}

/* Phase 2: adds the filtered row to an output row that it is a part of. */
static void add_row(task *t, int64_t y, int out_y)
{
    const ncr_axis_run *run = &t->job->rows.runs[out_y];
    if (y < run->first || y >= run->first + run->length)
        return;
    double weight = t->job->rows.weights[run->weights + (size_t)(y - run->first)];
    size_t width = (size_t)t->job->out.width, at = (size_t)(out_y - t->from) * width;
    add_scaled(t->sums + at, t->row_sums, weight, width);
    if (t->weights)
        add_scaled(t->weights + at, t->row_weights, weight, width);
}

static void count_streaks(task *t, int64_t y, int out_y)
{
    const ncr_axis_run *run = &t->job->rows.runs[out_y];
    if (!t->streaks || y < run->first || y >= run->first + run->length)
        return;
    size_t width = (size_t)t->job->out.width;
    int *streaks = t->streaks + (size_t)(out_y - t->from) * width;
    int *longest = t->longest + (size_t)(out_y - t->from) * width;
    for (size_t x = 0; x < width; x++) {
        streaks[x] = t->row_weights[x] > 0 ? streaks[x] + 1 : 0;
        longest[x] = streaks[x] > longest[x] ? streaks[x] : longest[x];
    }
}

static void drop_short_streaks(task *t, int y, double *weights)
{
    size_t width = (size_t)t->job->out.width;
    int needs = ncr_axis_needs(&t->job->rows, &t->job->rows.runs[y]);
    const int *longest = t->longest + (size_t)(y - t->from) * width;
    for (size_t x = 0; x < width; x++)
        weights[x] = longest[x] < needs ? 0 : weights[x];
}

/* The type in which a result is rounded: as GDAL, averages are values of the band, what kernels make is not. */
static nacre_dtype typed_dtype(const task *t)
{
    nacre_dtype to = t->job->to.dtype;
    if (t->job->normalize_rows)
        return ncr_dtype_is_complex(to) ? NACRE_DTYPE_FLOAT64 : to;
    return t->band ? t->band->dtype : NACRE_DTYPE_UINT8;
}

/* A computed value that is equal to the nodata value by chance gets the one beside it. */
static void avoid_nodata(task *t, const double *weights)
{
    nacre_dtype dtype = typed_dtype(t);
    size_t width = (size_t)t->job->out.width, size = ncr_dtype_size(dtype);
    ncr_nodata_mark(&t->band->nodata, dtype, t->typed, (ptrdiff_t)size, t->typed_valid, 1, width);
    double beside = ncr_nodata_beside(&t->band->nodata, dtype);
    for (size_t x = 0; x < width; x++)
        if (!t->typed_valid[x] && weights[x] > 0)
            ncr_convert(&beside, NACRE_DTYPE_FLOAT64, 8, t->typed + x * size, dtype, (ptrdiff_t)size, 1);
}

/* Divides what was added up by the weights that it has; pixels without any valid source get the nodata value. */
static void settle_row(task *t, int y, double *sums, double *weights)
{
    if (t->longest)
        drop_short_streaks(t, y, weights);
    ncr_resample_normalize(sums, weights, t->job->out.width);
    double fill = ncr_nodata_fill(&t->band->nodata, t->band->dtype);
    for (int x = 0; x < t->job->out.width; x++)
        sums[x] = weights[x] > 0 ? sums[x] : fill;
}

/* Phase 3: the output row is rounded and goes to the buffer. */
static void store_row(task *t, int y)
{
    const ncr_scaled_job *job = t->job;
    size_t width = (size_t)job->out.width, at = (size_t)(y - t->from) * width;
    double *sums = t->sums + at, *weights = t->weights ? t->weights + at : NULL;
    nacre_dtype dtype = typed_dtype(t);
    ptrdiff_t size = (ptrdiff_t)ncr_dtype_size(dtype);
    if (weights)
        settle_row(t, y, sums, weights);
    ncr_convert(sums, NACRE_DTYPE_FLOAT64, 8, t->typed, dtype, size, width);
    if (weights && (t->band->mask_flags & NACRE_MASK_NODATA))
        avoid_nodata(t, weights);
    ncr_convert(t->typed, dtype, size, out_row(job, t->band_index, y), job->to.dtype, job->to.pixel_stride, width);
}

static bool run_kernel_task(task *t)
{
    bool allocated = allocate(t) && allocate_masked(t);
    int64_t first, end;
    ncr_axis_extent(&t->job->rows, t->from, t->to, &first, &end);
    for (int64_t y = first; allocated && y < end; y++) {
        filter_source_row(t, y);
        for (int out_y = t->from; out_y < t->to; out_y++) {
            add_row(t, y, out_y);
            count_streaks(t, y, out_y);
        }
    }
    for (int y = t->from; allocated && y < t->to; y++)
        store_row(t, y);
    release(t);
    return allocated;
}

static void run_task(void *user, size_t index)
{
    loop *l = user;
    ncr_scaled_job *job = l->job;
    if (ncr_call_check(l->call, "", NULL) != NACRE_OK) {
        atomic_store(&l->must_end, true);
        return;
    }
    task t = {.job = job, .band_index = (int)(index / (size_t)l->tasks_per_band)};
    t.band = job->to.mask ? NULL : &job->dataset->bands[job->to.bands[t.band_index] - 1];
    t.from = job->out.y + (int)(index % (size_t)l->tasks_per_band) * TASK_ROWS;
    int end = job->out.y + job->out.height;
    t.to = t.from + TASK_ROWS < end ? t.from + TASK_ROWS : end;
    if (job->nearest)
        copy_rows(job, t.band_index, t.from, t.to);
    else if (!run_kernel_task(&t))
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
}
