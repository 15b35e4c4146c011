/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "raster/dataset.h"
#include "raster/dtype.h"
#include "raster/masks.h"
#include "raster/overview.h"
#include "raster/scaled.h"
#include "raster/scaled_rows.h"

/* Reads of another size. The output is made part by part, each of as many rows as the memory limit allows (most reads
 * are one part, and so one round): read the source pixels under the part, then resample them.
 *
 * Coordinates: 0. pixels of the dataset (level 0), 1. pixels of the level that is read, 2. output pixels; all from the
 * upper left corner. */

/* Of the memory limit: a part's pixels; the rest is for the blocks that they come from. */
enum { SHARE_OF_PIXELS = 4 };

typedef struct {
    ncr_plan plan;
    ncr_dataset *dataset; /* referenced */
    ncr_scaled_request request;
    ncr_scaled_job job; /* what the rows are made from: axes, types, the part's pixels */
    size_t limit;       /* bytes of a part's pixels */
    size_t all_bytes;   /* of the pixels, were all one part */
    int part_width, part_height;
    int right, bottom;   /* of what is made: request.part, or all of the output */
    bool is_reading;     /* job.out is being read by the children */
    ncr_plan *values;    /* NULL: done */
    ncr_plan *valid;     /* NULL: done, or there is no mask */
    int alpha;           /* band, for `valid`: alpha, or the one whose own mask it is */
    uint8_t *alpha16;    /* of the part, where alpha has 16 bits: what `valid` reads */
    ncr_read_request of; /* of both */
} scaled_plan;

/* Whether the one band that is asked for has a mask of its own; where there are more, the read is split. */
static bool has_own_mask(const ncr_dataset *dataset, const ncr_read_request *to)
{
    return !to->mask && to->band_count == 1 && !dataset->bands[to->bands[0] - 1].mask_flags;
}

/* Where the validity of the pixels comes from besides nodata values. */
static unsigned shared_mask(const scaled_plan *p)
{
    unsigned flags = 0;
    for (int i = 0; !p->request.to.mask && i < p->request.to.band_count; i++)
        flags |= p->dataset->bands[p->request.to.bands[i] - 1].mask_flags;
    return flags & (NACRE_MASK_ALPHA | NACRE_MASK_PER_DATASET);
}

static bool has_alpha16(const scaled_plan *p)
{
    int alpha = p->dataset->alpha_band;
    return (shared_mask(p) & NACRE_MASK_ALPHA) && p->dataset->bands[alpha - 1].dtype == NACRE_DTYPE_UINT16;
}

/* Bytes of a part of the output: the pixels that are read for it. */
static size_t part_bytes(const scaled_plan *p, int x, int y, int width, int height)
{
    int64_t left, right, top, bottom;
    ncr_axis_extent(&p->job.columns, x, x + width, &left, &right);
    ncr_axis_extent(&p->job.rows, y, y + height, &top, &bottom);
    size_t mask = !p->job.has_valid ? 0 : has_alpha16(p) ? 3 : 1;
    size_t planes = ncr_dtype_size(p->job.dtype) * (size_t)p->job.band_count + mask, bytes;
    if (!ncr_size_mul((size_t)(right - left), (size_t)(bottom - top), &bytes) || !ncr_size_mul(bytes, planes, &bytes))
        return SIZE_MAX;
    return bytes;
}

/* Parts are whole rows as long as one row fits. */
static void choose_parts(scaled_plan *p)
{
    ncr_scaled_job *job = &p->job;
    ncr_scaled_size(&p->request, &p->part_width, &p->part_height);
    job->left = job->out.x = (int)p->request.part.x;
    job->top = job->out.y = (int)p->request.part.y;
    p->right = job->left + p->part_width;
    p->bottom = job->top + p->part_height;
    p->all_bytes = part_bytes(p, job->out.x, job->out.y, p->part_width, p->part_height);
    while (p->part_height > 1 && part_bytes(p, job->out.x, job->out.y, p->part_width, p->part_height) > p->limit)
        p->part_height = (p->part_height + 1) / 2;
    while (p->part_width > 1 && part_bytes(p, job->out.x, job->out.y, p->part_width, p->part_height) > p->limit)
        p->part_width = (p->part_width + 1) / 2;
}

static void clear_part(scaled_plan *p)
{
    ncr_plan_free(p->values);
    ncr_plan_free(p->valid);
    p->values = p->valid = NULL;
    free(p->job.pixels);
    free(p->job.valid);
    free(p->alpha16);
    p->job.pixels = p->job.valid = p->alpha16 = NULL;
    p->is_reading = false;
}

static nacre_status plan_values(scaled_plan *p, nacre_error *err)
{
    ncr_scaled_job *job = &p->job;
    size_t value = ncr_dtype_size(job->dtype), row = value * (size_t)job->source.width;
    p->of = p->request.to;
    p->of.level = job->level;
    p->of.window = job->source;
    p->of.dtype = job->dtype;
    p->of.buffer = job->pixels;
    p->of.pixel_stride = (ptrdiff_t)value;
    p->of.row_stride = (ptrdiff_t)row;
    p->of.band_stride = (ptrdiff_t)(row * (size_t)job->source.height);
    return ncr_dataset_plan_read(p->dataset, &p->of, p->plan.call, &p->values, err);
}

static nacre_status plan_valid(scaled_plan *p, nacre_error *err)
{
    ncr_scaled_job *job = &p->job;
    ptrdiff_t size = p->alpha16 ? 2 : 1;
    bool is_own = has_own_mask(p->dataset, &p->request.to);
    p->alpha = is_own ? p->request.to.bands[0] : p->dataset->alpha_band;
    ncr_read_request mask = {
        .level = job->level,
        .window = job->source,
        .bands = &p->alpha,
        .band_count = 1,
        .mask = !(shared_mask(p) & NACRE_MASK_ALPHA),
        .own_mask = is_own,
        .dtype = p->alpha16 ? NACRE_DTYPE_UINT16 : NACRE_DTYPE_UINT8,
        .buffer = p->alpha16 ? p->alpha16 : job->valid,
        .pixel_stride = size,
        .row_stride = size * (ptrdiff_t)job->source.width,
        .band_stride = size * (ptrdiff_t)(job->source.width * job->source.height),
    };
    return ncr_dataset_plan_read(p->dataset, &mask, p->plan.call, &p->valid, err);
}

/* Begins to read what the part at job.out is made from. */
static nacre_status begin_part(scaled_plan *p, nacre_error *err)
{
    ncr_scaled_job *job = &p->job;
    int right = job->out.x + p->part_width, bottom = job->out.y + p->part_height;
    job->out.width = (right < p->right ? right : p->right) - job->out.x;
    job->out.height = (bottom < p->bottom ? bottom : p->bottom) - job->out.y;
    int64_t end;
    ncr_axis_extent(&job->columns, job->out.x, job->out.x + job->out.width, &job->source.x, &end);
    job->source.width = end - job->source.x;
    ncr_axis_extent(&job->rows, job->out.y, job->out.y + job->out.height, &job->source.y, &end);
    job->source.height = end - job->source.y;

    size_t plane = (size_t)job->source.width * (size_t)job->source.height;
    job->pixels = ncr_alloc_array(plane * (size_t)job->band_count, ncr_dtype_size(job->dtype));
    job->valid = job->has_valid ? ncr_alloc_array(plane, 1) : NULL;
    bool is_wide = job->has_valid && has_alpha16(p);
    p->alpha16 = is_wide ? ncr_alloc_array(plane, sizeof(uint16_t)) : NULL;
    if (!job->pixels || (job->has_valid && !job->valid) || (is_wide && !p->alpha16))
        return ncr_error_memory(err);
    p->is_reading = true;
    nacre_status status = plan_values(p, err);
    return status == NACRE_OK && job->has_valid ? plan_valid(p, err) : status;
}

/* Goes on to the next part; false: there is none. */
static bool next_part(scaled_plan *p)
{
    ncr_scaled_job *job = &p->job;
    job->out.x += job->out.width;
    if (job->out.x >= p->right) {
        job->out.x = job->left;
        job->out.y += job->out.height;
    }
    return job->out.y < p->bottom;
}

static nacre_status step_scaled(ncr_plan *plan, ncr_wants *wants, bool *more, nacre_error *err)
{
    scaled_plan *p = (scaled_plan *)plan;
    do {
        nacre_status status = p->is_reading ? NACRE_OK : begin_part(p, err);
        if (status == NACRE_OK)
            status = ncr_plan_step_held(&p->values, wants, more, err);
        if (status == NACRE_OK)
            status = ncr_plan_step_held(&p->valid, wants, more, err);
        if (status != NACRE_OK || *more)
            return status;
        if (p->alpha16)
            ncr_mask_of_alpha16(p->alpha16, p->job.valid, (size_t)p->job.source.width * (size_t)p->job.source.height);
        status = ncr_scaled_job_run(&p->job, p->plan.call, err);
        if (status != NACRE_OK)
            return status;
        clear_part(p);
    } while (next_part(p));
    return NACRE_OK;
}

static void free_scaled(ncr_plan *plan)
{
    scaled_plan *p = (scaled_plan *)plan;
    clear_part(p);
    ncr_scaled_job_clear(&p->job);
    ncr_dataset_unref(p->dataset);
    free(p);
}

/* Before a part is read: the pixels and as much as is set aside for the blocks under them, as if there were one part,
 * so that who can cut the read does. Then what the part holds. */
static size_t estimate_scaled(const ncr_plan *plan)
{
    const scaled_plan *p = (const scaled_plan *)plan;
    if (!p->is_reading)
        return p->all_bytes > SIZE_MAX / SHARE_OF_PIXELS ? SIZE_MAX : p->all_bytes * SHARE_OF_PIXELS;
    size_t bytes = part_bytes(p, p->job.out.x, p->job.out.y, p->job.out.width, p->job.out.height);
    size_t values = p->values ? ncr_plan_estimate(p->values) : 0, valid = p->valid ? ncr_plan_estimate(p->valid) : 0;
    return ncr_size_add(bytes, values, &bytes) && ncr_size_add(bytes, valid, &bytes) ? bytes : SIZE_MAX;
}

static const ncr_plan_class scaled_class = {.step = step_scaled, .free = free_scaled, .estimate = estimate_scaled};

/* The type in which source pixels are held: for nearest that of the output; else the bands' own, or double (complex,
 * where one of them is) where they differ. */
static nacre_dtype choose_dtype(const ncr_dataset *dataset, const ncr_scaled_request *request, bool nearest)
{
    const ncr_read_request *to = &request->to;
    if (nearest)
        return to->dtype;
    if (to->mask)
        return NACRE_DTYPE_UINT8;
    nacre_dtype dtype = dataset->bands[to->bands[0] - 1].dtype;
    bool differ = false, is_complex = ncr_dtype_is_complex(dtype);
    for (int i = 1; i < to->band_count; i++) {
        differ = differ || dataset->bands[to->bands[i] - 1].dtype != dtype;
        is_complex = is_complex || ncr_dtype_is_complex(dataset->bands[to->bands[i] - 1].dtype);
    }
    return !differ ? dtype : is_complex ? NACRE_DTYPE_COMPLEX128 : NACRE_DTYPE_FLOAT64;
}

/* How many of the bands take the nearest pixel, from the overview that the resampling asked for would have used. */
static int count_near_bands(const ncr_dataset *dataset, const ncr_scaled_request *request)
{
    int count = 0;
    for (int i = 0; !request->to.mask && i < request->to.band_count; i++)
        count += ncr_scaled_takes_nearest(&dataset->bands[request->to.bands[i] - 1], request->resampling);
    return count;
}

static bool takes_nearest(const ncr_dataset *dataset, const ncr_scaled_request *request)
{
    return request->resampling == NACRE_RESAMPLING_NEAREST ||
           (!request->to.mask && count_near_bands(dataset, request) == request->to.band_count);
}

/* GDAL's Gaussian has no fractions: where a window begins at a whole output pixel of the raster it counts from the
 * raster's corner, else from the window's pixel. */
static void set_gauss(ncr_axis_grid *grid, int length, int level)
{
    double at = grid->offset / grid->ratio;
    bool is_whole = fabs(at - round(at)) < 1e-8;
    grid->gauss_length = length;
    grid->gauss_first = is_whole ? (int64_t)round(at) : 0;
    grid->offset = is_whole ? 0 : level ? round(grid->offset) : floor(grid->offset);
}

/* Both axes of a resampling, in pixels of the level. */
static nacre_status init_axes(const scaled_plan *p, nacre_resampling resampling, ncr_axis *columns, ncr_axis *rows,
                              nacre_error *err)
{
    const ncr_scaled_request *request = &p->request;
    const nacre_window *window = &request->window;
    int width, height;
    ncr_overview_size(p->dataset, p->job.level, &width, &height);
    double x_factor = (double)p->dataset->width / width, y_factor = (double)p->dataset->height / height;
    ncr_axis_grid x = {.offset = window->x / x_factor,
                       .ratio = window->width / x_factor / request->out_width,
                       .count = request->out_width,
                       .source_size = width};
    ncr_axis_grid y = {.offset = window->y / y_factor,
                       .ratio = window->height / y_factor / request->out_height,
                       .count = request->out_height,
                       .source_size = height};
    if (resampling == NACRE_RESAMPLING_GAUSS) {
        int length = ncr_gauss_length(y.ratio);
        set_gauss(&x, length, p->job.level);
        set_gauss(&y, length, p->job.level);
    }
    nacre_status status = ncr_axis_init(columns, resampling, &x, err);
    return status == NACRE_OK ? ncr_axis_init(rows, resampling, &y, err) : status;
}

static nacre_status init_job(scaled_plan *p, nacre_error *err)
{
    ncr_scaled_job *job = &p->job;
    const ncr_scaled_request *request = &p->request;
    bool nearest = takes_nearest(p->dataset, request);
    job->level = ncr_overview_choose(p->dataset, &request->window, request->out_width, request->out_height,
                                     request->resampling == NACRE_RESAMPLING_NEAREST);
    job->dataset = p->dataset;
    job->to = request->to;
    job->band_count = request->to.mask ? 1 : request->to.band_count;
    job->dtype = choose_dtype(p->dataset, request, nearest);
    job->resampling = nearest ? NACRE_RESAMPLING_NEAREST : request->resampling;
    job->has_valid = !nearest && (shared_mask(p) != 0 || has_own_mask(p->dataset, &request->to));
    nacre_status status = init_axes(p, job->resampling, &job->columns, &job->rows, err);
    if (status == NACRE_OK && !nearest && count_near_bands(p->dataset, request))
        status = init_axes(p, NACRE_RESAMPLING_NEAREST, &job->near_columns, &job->near_rows, err);
    return status;
}

/* --- Requests --- */

static nacre_status check_window(const ncr_dataset *dataset, const ncr_scaled_request *request, nacre_error *err)
{
    const nacre_window *window = &request->window;
    bool touches = window->width > 0 && window->height > 0 && window->x < dataset->width &&
                   window->y < dataset->height && window->x + window->width > 0 && window->y + window->height > 0;
    if (touches && request->out_width > 0 && request->out_height > 0)
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: window %g,%g,%g,%g lies outside the raster of %dx%d",
                         ncr_dataset_name(dataset), window->x, window->y, window->width, window->height, dataset->width,
                         dataset->height);
}

static nacre_status check_bands(const ncr_dataset *dataset, const ncr_read_request *to, nacre_error *err)
{
    if (!to->mask && to->band_count < 1)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: no band is asked for", ncr_dataset_name(dataset));
    for (int i = 0; !to->mask && i < to->band_count; i++)
        if (to->bands[i] < 1 || to->bands[i] > dataset->band_count)
            return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: no band %d: it has %d", ncr_dataset_name(dataset),
                                 to->bands[i], dataset->band_count);
    return NACRE_OK;
}

static nacre_status check_resampling(const ncr_dataset *dataset, const ncr_scaled_request *request, nacre_error *err)
{
    if (ncr_resampling_reads(request->resampling))
        return NACRE_OK;
    const char *name = ncr_resampling_name(request->resampling);
    return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED,
                         "%s: reads of another size with resampling %s, which only warped views have: use nearest, "
                         "average or another of those for reads",
                         ncr_dataset_name(dataset), name ? name : "unknown");
}

bool ncr_scaled_is_plain(const ncr_dataset *dataset, const ncr_scaled_request *request, ncr_rect *rect)
{
    const nacre_window *window = &request->window;
    *rect = (ncr_rect){(int64_t)window->x, (int64_t)window->y, request->out_width, request->out_height};
    return window->x == (double)rect->x && window->y == (double)rect->y && window->width == (double)rect->width &&
           window->height == (double)rect->height && rect->x >= 0 && rect->y >= 0 &&
           rect->x + rect->width <= dataset->width && rect->y + rect->height <= dataset->height;
}

bool ncr_scaled_can_be_cut(const ncr_dataset *dataset, const ncr_scaled_request *request)
{
    ncr_rect rect;
    return !dataset->class->plan_scaled || ncr_scaled_is_plain(dataset, request, &rect);
}

void ncr_scaled_size(const ncr_scaled_request *request, int *width, int *height)
{
    bool is_part = request->part.width > 0;
    *width = is_part ? (int)request->part.width : request->out_width;
    *height = is_part ? (int)request->part.height : request->out_height;
}

/* Whether a value is whole but for what the division by a factor has left; *out is it. */
static bool is_whole(double value, int64_t *out)
{
    *out = (int64_t)round(value);
    return fabs(value - (double)*out) < 1e-9 * fmax(1, fabs(value));
}

/* Whether the output's pixels are those of an overview, one for one: as GDAL, they are read as they are stored, also
 * where a mask says that they are not valid. */
static bool is_plain_overview(const ncr_dataset *dataset, const ncr_scaled_request *request, ncr_read_request *plain)
{
    const nacre_window *window = &request->window;
    const ncr_rect *part = &request->part;
    int width, height;
    ncr_rect rect;
    int level = ncr_overview_choose(dataset, window, request->out_width, request->out_height,
                                    request->resampling == NACRE_RESAMPLING_NEAREST);
    if (!level)
        return false;
    ncr_overview_size(dataset, level, &width, &height);
    double x_factor = (double)dataset->width / width, y_factor = (double)dataset->height / height;
    bool is_aligned = is_whole(window->x / x_factor, &rect.x) && is_whole(window->y / y_factor, &rect.y) &&
                      is_whole(window->width / x_factor, &rect.width) &&
                      is_whole(window->height / y_factor, &rect.height);
    if (!is_aligned || rect.width != request->out_width || rect.height != request->out_height || rect.x < 0 ||
        rect.y < 0 || rect.x + rect.width > width || rect.y + rect.height > height)
        return false;
    *plain = request->to;
    plain->level = level;
    plain->window = part->width ? (ncr_rect){rect.x + part->x, rect.y + part->y, part->width, part->height} : rect;
    return true;
}

static nacre_status new_scaled(ncr_dataset *dataset, const ncr_scaled_request *request, ncr_call *call, ncr_plan **out,
                               nacre_error *err)
{
    scaled_plan *p = ncr_plan_new(sizeof *p, &scaled_class, call);
    if (!p)
        return ncr_error_memory(err);
    p->dataset = ncr_dataset_ref(dataset);
    p->request = *request;
    int64_t limit = ncr_config_number(call->config, NCR_KEY_MEMORY_LIMIT);
    p->limit = limit > 0 ? (size_t)limit / SHARE_OF_PIXELS : SIZE_MAX;
    nacre_status status = init_job(p, err);
    if (status != NACRE_OK) {
        ncr_plan_free(&p->plan);
        return status;
    }
    choose_parts(p);
    *out = &p->plan;
    return NACRE_OK;
}

/* --- Bands with masks of their own: a scaled read each, whose rounds are shared --- */

typedef struct {
    ncr_plan plan;
    int count;
    ncr_plan *bands[]; /* NULL: done */
} split_plan;

static bool must_split(const ncr_dataset *dataset, const ncr_scaled_request *request)
{
    const ncr_read_request *to = &request->to;
    bool has_own = false;
    for (int i = 0; !to->mask && i < to->band_count; i++)
        has_own = has_own || !dataset->bands[to->bands[i] - 1].mask_flags;
    return has_own && to->band_count > 1 && !takes_nearest(dataset, request);
}

static nacre_status step_split(ncr_plan *plan, ncr_wants *wants, bool *more, nacre_error *err)
{
    split_plan *p = (split_plan *)plan;
    nacre_status status = NACRE_OK;
    for (int i = 0; i < p->count && status == NACRE_OK; i++)
        status = ncr_plan_step_held(&p->bands[i], wants, more, err);
    return status;
}

static void free_split(ncr_plan *plan)
{
    split_plan *p = (split_plan *)plan;
    for (int i = 0; i < p->count; i++)
        ncr_plan_free(p->bands[i]);
    free(p);
}

static size_t estimate_split(const ncr_plan *plan)
{
    const split_plan *p = (const split_plan *)plan;
    size_t total = 0;
    for (int i = 0; i < p->count; i++)
        if (p->bands[i] && !ncr_size_add(total, ncr_plan_estimate(p->bands[i]), &total))
            return SIZE_MAX;
    return total;
}

static nacre_status new_split(ncr_dataset *dataset, const ncr_scaled_request *request, ncr_call *call, ncr_plan **out,
                              nacre_error *err)
{
    static const ncr_plan_class class = {.step = step_split, .free = free_split, .estimate = estimate_split};
    int count = request->to.band_count;
    split_plan *p = ncr_plan_new(sizeof *p + (size_t)count * sizeof *p->bands, &class, call);
    if (!p)
        return ncr_error_memory(err);
    p->count = count;
    nacre_status status = NACRE_OK;
    for (int i = 0; i < count && status == NACRE_OK; i++) {
        ncr_scaled_request one = *request;
        one.to.bands = &request->to.bands[i];
        one.to.band_count = 1;
        one.to.buffer += i * request->to.band_stride;
        status = new_scaled(dataset, &one, call, &p->bands[i], err);
    }
    if (status == NACRE_OK)
        *out = &p->plan;
    else
        ncr_plan_free(&p->plan);
    return status;
}

/* Both ways of a scaled read; is_own: never the driver's. */
static nacre_status plan_any(ncr_dataset *dataset, const ncr_scaled_request *request, bool is_own, ncr_call *call,
                             ncr_plan **out, nacre_error *err)
{
    *out = NULL;
    nacre_status status = check_window(dataset, request, err);
    if (status == NACRE_OK)
        status = check_bands(dataset, &request->to, err);
    if (status != NACRE_OK)
        return status;
    ncr_rect rect;
    if (ncr_scaled_is_plain(dataset, request, &rect)) {
        const ncr_rect *part = &request->part;
        ncr_read_request plain = request->to;
        plain.level = 0;
        plain.window = part->width ? (ncr_rect){rect.x + part->x, rect.y + part->y, part->width, part->height} : rect;
        return ncr_dataset_plan_read(dataset, &plain, call, out, err);
    }
    assert(is_own || !request->part.width || ncr_scaled_can_be_cut(dataset, request));
    if (dataset->class->plan_scaled && !is_own)
        return dataset->class->plan_scaled(dataset, request, call, out, err);
    status = check_resampling(dataset, request, err);
    if (status != NACRE_OK)
        return status;
    ncr_read_request plain;
    if (is_plain_overview(dataset, request, &plain))
        return ncr_dataset_plan_read(dataset, &plain, call, out, err);
    return must_split(dataset, request) ? new_split(dataset, request, call, out, err)
                                        : new_scaled(dataset, request, call, out, err);
}

nacre_status ncr_dataset_plan_scaled(ncr_dataset *dataset, const ncr_scaled_request *request, ncr_call *call,
                                     ncr_plan **out, nacre_error *err)
{
    return plan_any(dataset, request, false, call, out, err);
}

nacre_status ncr_dataset_plan_resampled(ncr_dataset *dataset, const ncr_scaled_request *request, ncr_call *call,
                                        ncr_plan **out, nacre_error *err)
{
    return plan_any(dataset, request, true, call, out, err);
}
