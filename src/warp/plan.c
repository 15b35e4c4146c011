/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <limits.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/pool.h"
#include "raster/beside.h"
#include "raster/dtype.h"
#include "warp/part.h"
#include "warp/view.h"

/* A read of a warped view. Its window is cut into sheets (bounded numbers of cells), these into parts (bounded source
 * windows), and as many parts as fit the memory limit make a batch. One step asks for the source pixels of all parts of
 * a batch together: one round, for all but very large reads. When they are there, the next step computes the batch's
 * destination pixels and goes on with the next one. What a pixel gets does not depend on the cutting.
 *
 *   BEGINNING -> OPENING (the source, where it is not open, and what its georef reads) -> PREPARING (the engine) ->
 *   for each sheet, for each batch: READING */
typedef enum { BEGINNING, OPENING, PREPARING, READING } phase;

typedef struct {
    int width, height;     /* of the scaled grid; 0: the view's own grid */
    double x, y;           /* where its corner is, in the view's pixels */
    double x_size, y_size; /* of its pixels, in the view's */
    nacre_resampling resampling;
} scaling;

typedef struct {
    ncr_plan base;       /* first */
    ncr_warp_view *view; /* referenced */
    phase phase;
    ncr_plan *opening, *loading; /* the source, and what its georef reads; NULL: done */
    scaling scaling;
    ncr_warp_read read;
    int *bands; /* of the request */
    int band_count;
    size_t budget;                 /* bytes of source pixels in a batch */
    int64_t next_column, next_row; /* of the next sheet, in sheets of the window */
    ncr_sheet sheet;
    bool has_sheet;
    size_t first, count; /* the batch: parts of the sheet */
    ncr_plan **children; /* two a part: bands, mask */
} view_plan;

enum { SHEET_SIDE = 64 * NCR_CELL };

/* --- A batch --- */

static void free_batch(view_plan *p)
{
    for (size_t i = 0; p->children && i < 2 * p->count; i++)
        ncr_plan_free(p->children[i]);
    free(p->children);
    p->children = NULL;
    for (size_t i = 0; p->has_sheet && i < p->count; i++)
        ncr_warp_part_clear(&p->sheet.parts[p->first + i]);
}

/* The source bands that a part reads: those of the used bands, then alpha. */
static nacre_status plan_bands(view_plan *p, ncr_warp_part *part, ncr_plan **out, nacre_error *err)
{
    const ncr_warp_engine *engine = p->read.engine;
    ptrdiff_t size = (ptrdiff_t)ncr_dtype_size(engine->kernel.dtype);
    ncr_read_request request = {.level = engine->level,
                                .window = part->src,
                                .bands = p->bands + p->band_count,
                                .band_count = p->read.used_count + (engine->setup->src_alpha ? 1 : 0),
                                .dtype = engine->kernel.dtype,
                                .buffer = part->values,
                                .pixel_stride = size,
                                .row_stride = size * part->src.width,
                                .band_stride = size * part->src.width * part->src.height};
    return ncr_dataset_plan_read(engine->source, &request, p->base.call, out, err);
}

static nacre_status plan_mask(view_plan *p, ncr_warp_part *part, ncr_plan **out, nacre_error *err)
{
    ncr_read_request request = {.level = p->read.engine->level,
                                .window = part->src,
                                .mask = true,
                                .dtype = NACRE_DTYPE_UINT8,
                                .buffer = part->mask,
                                .pixel_stride = 1,
                                .row_stride = part->src.width,
                                .band_stride = part->src.width * part->src.height};
    return ncr_dataset_plan_read(p->read.engine->source, &request, p->base.call, out, err);
}

static nacre_status begin_batch(view_plan *p, nacre_error *err)
{
    size_t sum = 0;
    p->count = 0;
    for (size_t i = p->first; i < p->sheet.part_count; i++, p->count++) {
        size_t size = ncr_warp_part_size(&p->read, &p->sheet.parts[i].src);
        if (p->count && (size > p->budget || sum + size > p->budget))
            break;
        sum += size;
    }
    p->children = ncr_alloc_array(2 * p->count, sizeof *p->children);
    nacre_status status = p->children ? NACRE_OK : ncr_error_memory(err);
    for (size_t i = 0; i < p->count && !status; i++) {
        ncr_warp_part *part = &p->sheet.parts[p->first + i];
        if (!part->src.width)
            continue;
        status = ncr_warp_part_reserve(&p->read, part, err);
        if (!status && !p->read.is_direct)
            status = plan_bands(p, part, &p->children[2 * i], err);
        if (!status && part->mask)
            status = plan_mask(p, part, &p->children[2 * i + 1], err);
    }
    return status;
}

/* Steps the children that are not done; those that are are let go of. */
static nacre_status step_batch(view_plan *p, ncr_wants *wants, bool *more, nacre_error *err)
{
    *more = false;
    nacre_status status = NACRE_OK;
    for (size_t i = 0; i < 2 * p->count && status == NACRE_OK; i++)
        status = ncr_plan_step_held(&p->children[i], wants, more, err);
    return status;
}

/* Neighbouring cells of a row, which share their scratch memory. */
typedef struct {
    const ncr_warp_part *part;
    const ncr_cell *cell;
    int count;
} job;

typedef struct {
    view_plan *plan;
    job *jobs;
    size_t count, capacity;
    _Atomic int status; /* of the first task that failed */
} work;

static void prepare_part(void *user, size_t index)
{
    work *w = user;
    ncr_warp_part *part = &w->plan->sheet.parts[w->plan->first + index];
    nacre_status status = ncr_warp_part_set_masks(&w->plan->read, part, NULL);
    if (status)
        atomic_store(&w->status, (int)status);
}

static void run_job(void *user, size_t index)
{
    work *w = user;
    const job *j = &w->jobs[index];
    if (atomic_load(&w->status))
        return;
    nacre_status status = ncr_call_check(w->plan->base.call, "", NULL);
    ncr_warp_scratch *scratch = status ? NULL : ncr_warp_scratch_new(&w->plan->read);
    if (!status && !scratch)
        status = NACRE_ERROR_MEMORY;
    if (!status)
        status = ncr_warp_part_run(&w->plan->read, j->part, j->cell, j->count, scratch, NULL);
    free(scratch);
    if (status)
        atomic_store(&w->status, (int)status);
}

static bool add_jobs(work *w, const ncr_warp_part *part)
{
    const ncr_rect *d = &part->dst;
    int64_t last = (d->x + d->width - 1) / NCR_CELL;
    for (int64_t row = d->y / NCR_CELL; row <= (d->y + d->height - 1) / NCR_CELL; row++) {
        for (int64_t column = d->x / NCR_CELL; column <= last; column += NCR_STRIP_CELLS) {
            if (!ncr_array_reserve(&w->jobs, &w->capacity, w->count + 1, sizeof *w->jobs))
                return false;
            int count = last - column + 1 < NCR_STRIP_CELLS ? (int)(last - column + 1) : NCR_STRIP_CELLS;
            w->jobs[w->count++] = (job){part, ncr_sheet_cell(&w->plan->sheet, column, row), count};
        }
    }
    return true;
}

/* Computes the batch's destination pixels. Workers fail for want of memory, or because the call must end. */
static nacre_status run_batch(view_plan *p, nacre_error *err)
{
    work w = {.plan = p};
    ncr_pool_for(p->count, prepare_part, &w);
    for (size_t i = 0; i < p->count && !atomic_load(&w.status); i++)
        if (!add_jobs(&w, &p->sheet.parts[p->first + i]))
            atomic_store(&w.status, NACRE_ERROR_MEMORY);
    if (!atomic_load(&w.status))
        ncr_pool_for(w.count, run_job, &w);
    free(w.jobs);
    if (!atomic_load(&w.status))
        return NACRE_OK;
    nacre_status status = ncr_call_check(p->base.call, ncr_warp_view_name(p->view), err);
    return status ? status : ncr_error_memory(err);
}

/* --- Sheets --- */

static int64_t sheets_along(int64_t start, int64_t length)
{
    return (start + length - 1) / SHEET_SIDE - start / SHEET_SIDE + 1;
}

/* Makes the next sheet current; false: there is none. */
static nacre_status next_sheet(view_plan *p, bool *out, nacre_error *err)
{
    const ncr_rect *window = &p->read.window;
    if (p->has_sheet)
        ncr_sheet_clear(&p->sheet);
    p->has_sheet = false;
    *out = p->next_row < sheets_along(window->y, window->height);
    if (!*out)
        return NACRE_OK;
    ncr_rect sheet = {(window->x / SHEET_SIDE + p->next_column) * SHEET_SIDE,
                      (window->y / SHEET_SIDE + p->next_row) * SHEET_SIDE, SHEET_SIDE, SHEET_SIDE};
    ncr_rect part = ncr_rect_intersect(&sheet, window);
    if (++p->next_column == sheets_along(window->x, window->width)) {
        p->next_column = 0;
        p->next_row++;
    }
    nacre_status status = ncr_sheet_init(&p->sheet, &p->read, p->base.call, &part, p->budget / 2, err);
    p->has_sheet = status == NACRE_OK;
    p->first = p->count = 0;
    nacre_status end = status ? ncr_call_check(p->base.call, ncr_warp_view_name(p->view), err) : NACRE_OK;
    return end ? end : status;
}

/* --- Phases --- */

/* Steps a plan, and lets go of it when it is done. */
static nacre_status step_one(ncr_plan **plan, ncr_wants *wants, bool *more, nacre_error *err)
{
    bool plan_more = false;
    nacre_status status = *plan ? ncr_plan_step_child(*plan, wants, &plan_more, err) : NACRE_OK;
    *more = *more || plan_more;
    if (status || plan_more)
        return status;
    ncr_plan_free(*plan);
    *plan = NULL;
    return NACRE_OK;
}

static nacre_status begin_opening(view_plan *p, nacre_error *err)
{
    nacre_status status = NACRE_OK;
    if (!ncr_lazy_dataset(p->view->source))
        status = ncr_lazy_plan_open(p->view->source, p->base.call, &p->opening, err);
    if (!status)
        status = ncr_georef_plan_load(p->view->setup.spec.georef, p->base.call, &p->loading, err);
    p->phase = OPENING;
    return status;
}

static nacre_status step_opening(view_plan *p, ncr_wants *wants, bool *more, nacre_error *err)
{
    nacre_status status = step_one(&p->opening, wants, more, err);
    if (!status)
        status = step_one(&p->loading, wants, more, err);
    if (!status && !*more)
        p->phase = PREPARING;
    return status;
}

static nacre_grid scaled_grid(const view_plan *p)
{
    const nacre_transform *t = &p->view->setup.grid.transform;
    const scaling *s = &p->scaling;
    nacre_grid grid = {.width = s->width, .height = s->height};
    grid.transform = (nacre_transform){t->a * s->x_size, t->b * s->y_size, t->c + t->a * s->x + t->b * s->y,
                                       t->d * s->x_size, t->e * s->y_size, t->f + t->d * s->x + t->e * s->y};
    return grid;
}

static nacre_status find_engine(view_plan *p, nacre_error *err)
{
    nacre_status status = ncr_warp_view_engine(p->view, &p->read.engine, err);
    if (status || !p->scaling.width)
        return status;
    ncr_warp_engine *own = p->read.engine;
    nacre_grid grid = scaled_grid(p);
    p->read.engine = NULL;
    status = ncr_warp_engine_new(ncr_warp_view_name(p->view), &p->view->setup, own->source, &grid,
                                 p->scaling.resampling, own->map.reprojection, &p->read.engine, err);
    ncr_warp_engine_unref(own);
    return status;
}

/* Whether bands that are not asked for take part, since their nodata matters. */
static bool needs_all(const view_plan *p)
{
    const ncr_warp_setup *setup = &p->view->setup;
    if (setup->band_count == 1)
        return true;
    if (ncr_warp_setup_has_src_nodata(setup) && (p->read.has_alpha || setup->unified != NCR_UNIFIED_NO))
        return true;
    return ncr_warp_setup_has_dst_nodata(setup); /* values that equal it are moved only where all bands do */
}

/* Chooses the bands that are computed, and the kernel for them. */
static nacre_status choose_bands(view_plan *p, nacre_error *err)
{
    const ncr_warp_setup *setup = &p->view->setup;
    ncr_warp_read *read = &p->read;
    bool all = needs_all(p);
    read->used = ncr_alloc_array((size_t)setup->band_count, sizeof *read->used);
    read->dst_nodata = ncr_alloc_array((size_t)setup->band_count, sizeof *read->dst_nodata);
    if (!read->used || !read->dst_nodata)
        return ncr_error_memory(err);
    for (int band = 0; band < setup->band_count; band++) {
        bool is_used = all;
        for (int i = 0; i < read->output_count && !is_used; i++)
            is_used = read->outputs[i] == band;
        if (is_used)
            read->used[read->used_count++] = band;
    }
    if (!read->used_count) /* only alpha: every band tells the same */
        read->used[read->used_count++] = 0;
    read->kernel = read->engine->kernel;
    read->kernel.band_count = read->used_count;
    for (int i = 0; i < read->used_count; i++) {
        p->bands[p->band_count + i] = setup->bands[read->used[i]].src;
        if (read->kernel.dst_nodata)
            read->dst_nodata[i] = read->kernel.dst_nodata[read->used[i]];
    }
    if (setup->src_alpha)
        p->bands[p->band_count + read->used_count] = setup->src_alpha;
    read->source_bands = p->bands + p->band_count;
    if (read->kernel.dst_nodata)
        read->kernel.dst_nodata = read->dst_nodata;
    return NACRE_OK;
}

/* Whether the source's pixels can be used where they lie. */
static void find_direct(ncr_warp_read *read)
{
    ncr_dataset *source = read->engine->source;
    nacre_dtype dtype = read->kernel.dtype;
    ptrdiff_t size = (ptrdiff_t)ncr_dtype_size(dtype);
    ncr_pixels *direct = &read->direct;
    read->is_direct = source->class->direct && source->class->direct(source, read->engine->level, direct) &&
                      direct->dtype == dtype && direct->pixel_stride == size && direct->row_stride % size == 0;
}

static nacre_status step_preparing(view_plan *p, nacre_error *err)
{
    nacre_status status = find_engine(p, err);
    if (!status)
        status = choose_bands(p, err);
    if (!status)
        find_direct(&p->read);
    int64_t limit = ncr_config_number(p->base.call->config, NCR_KEY_MEMORY_LIMIT);
    p->budget = limit > 0 ? (size_t)limit / 4 : SIZE_MAX / 4;
    p->phase = READING;
    return status;
}

/* Begins the next batch; *done: there is none. */
static nacre_status begin_next(view_plan *p, bool *done, nacre_error *err)
{
    free_batch(p);
    p->first += p->count;
    p->count = 0;
    *done = false;
    while (!p->has_sheet || p->first >= p->sheet.part_count) {
        bool found;
        nacre_status status = next_sheet(p, &found, err);
        *done = !status && !found;
        if (status || !found)
            return status;
    }
    return begin_batch(p, err);
}

static nacre_status step_reading(view_plan *p, ncr_wants *wants, bool *more, nacre_error *err)
{
    *more = false;
    for (;;) {
        nacre_status status = ncr_call_check(p->base.call, ncr_warp_view_name(p->view), err);
        if (!status && p->children) {
            status = step_batch(p, wants, more, err);
            if (status || *more)
                return status;
            status = run_batch(p, err);
        }
        bool done = false;
        if (!status)
            status = begin_next(p, &done, err);
        if (status || done)
            return status;
    }
}

static nacre_status step(ncr_plan *plan, ncr_wants *wants, bool *more, nacre_error *err)
{
    view_plan *p = (view_plan *)plan;
    nacre_status status = NACRE_OK;
    *more = false;
    if (p->phase == BEGINNING)
        status = begin_opening(p, err);
    if (!status && p->phase == OPENING)
        status = step_opening(p, wants, more, err);
    if (!status && p->phase == PREPARING)
        status = step_preparing(p, err);
    if (!status && p->phase == READING)
        status = step_reading(p, wants, more, err);
    return status;
}

static void free_plan(ncr_plan *plan)
{
    view_plan *p = (view_plan *)plan;
    ncr_plan_free(p->opening);
    ncr_plan_free(p->loading);
    free_batch(p);
    if (p->has_sheet)
        ncr_sheet_clear(&p->sheet);
    free(p->read.outputs);
    free(p->read.output_dtypes);
    free(p->read.used);
    free(p->read.dst_nodata);
    free(p->bands);
    ncr_warp_engine_unref(p->read.engine);
    ncr_dataset_unref(&p->view->base);
    free(p);
}

/* Source pixels of the window, were source and destination of one scale, within what a batch may take. */
static size_t estimate(const ncr_plan *plan)
{
    const view_plan *p = (const view_plan *)plan;
    size_t pixels, size;
    int64_t limit = ncr_config_number(plan->call->config, NCR_KEY_MEMORY_LIMIT);
    size_t most = limit > 0 ? (size_t)limit / 4 : SIZE_MAX;
    size_t per_pixel = (size_t)(p->view->setup.band_count + 1) * 8;
    if (!ncr_size_mul((size_t)p->read.window.width, (size_t)p->read.window.height, &pixels) ||
        !ncr_size_mul(pixels, per_pixel, &size))
        return most;
    return size < most ? size : most;
}

static const ncr_plan_class view_plan_class = {.step = step, .free = free_plan, .estimate = estimate};

/* --- Making plans --- */

/* Which band of the setup (or alpha) a band of the view is. */
static nacre_status find_output(const ncr_warp_view *view, int band, int *out, nacre_error *err)
{
    *out = NCR_WARP_ALPHA;
    if (band == view->setup.dst_alpha)
        return NACRE_OK;
    for (int i = 0; i < view->setup.band_count; i++) {
        if (view->setup.bands[i].dst == band) {
            *out = i;
            return NACRE_OK;
        }
    }
    return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: there is no band %d", ncr_warp_view_name(view), band);
}

static nacre_status set_outputs(view_plan *p, const ncr_read_request *to, nacre_error *err)
{
    ncr_warp_read *read = &p->read;
    const ncr_warp_setup *setup = &p->view->setup;
    size_t count = (size_t)to->band_count;
    read->outputs = ncr_alloc_array(count, sizeof *read->outputs);
    read->output_dtypes = ncr_alloc_array(count, sizeof *read->output_dtypes);
    /* The request's bands, then room for those that are read. */
    p->bands = ncr_alloc_array(count + (size_t)setup->band_count + 1, sizeof *p->bands);
    if (!read->outputs || !read->output_dtypes || !p->bands)
        return ncr_error_memory(err);
    p->band_count = to->band_count;
    for (int i = 0; i < to->band_count; i++) {
        nacre_status status = find_output(p->view, to->bands[i], &read->outputs[i], err);
        if (status)
            return status;
        p->bands[i] = to->bands[i];
        read->has_alpha = read->has_alpha || read->outputs[i] == NCR_WARP_ALPHA;
        read->output_dtypes[i] = p->view->base.bands[to->bands[i] - 1].dtype;
    }
    read->output_count = to->band_count;
    read->dtype = to->dtype;
    read->buffer = to->buffer;
    read->pixel_stride = to->pixel_stride;
    read->row_stride = to->row_stride;
    read->band_stride = to->band_stride;
    return NACRE_OK;
}

/* Whether the view is shrunk, along both axes. */
static bool is_reduced(const scaling *s)
{
    return s && s->x_size > 1 && s->y_size > 1;
}

static nacre_status new_plan(ncr_dataset *dataset, const ncr_read_request *to, const ncr_rect *window,
                             const scaling *scaled, ncr_call *call, ncr_plan **out, nacre_error *err)
{
    *out = NULL;
    ncr_warp_view *view = (ncr_warp_view *)dataset;
    if (to->mask)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: a warped view has no mask of its own",
                             ncr_warp_view_name(view));
    view_plan *p = ncr_plan_new(sizeof *p, &view_plan_class, call);
    if (!p)
        return ncr_error_memory(err);
    p->view = (ncr_warp_view *)ncr_dataset_ref(dataset);
    p->read.window = *window;
    if (scaled)
        p->scaling = *scaled;
    nacre_status status = set_outputs(p, to, err);
    if (status) {
        ncr_plan_free(&p->base);
        return status;
    }
    return ncr_beside_plan(dataset, is_reduced(scaled), &p->base, out, err);
}

nacre_status ncr_warp_plan_read(ncr_dataset *dataset, const ncr_read_request *request, ncr_call *call, ncr_plan **out,
                                nacre_error *err)
{
    return new_plan(dataset, request, &request->window, NULL, call, out, err);
}

/* One axis of a scaled grid. Where the window begins at a whole number of its pixels, the grid is the view's whole
 * extent in such pixels, and windows that lie side by side are windows of one grid; else it begins with the window. */
static void scale_axis(double start, double length, int pixels, int full, double *origin, double *size, int64_t *first,
                       int *count)
{
    *size = length / pixels;
    double steps = start / *size, whole = floor(steps + 0.5);
    bool is_aligned = whole >= 0 && fabs(steps - whole) < 1e-6;
    *origin = is_aligned ? 0 : start;
    *first = is_aligned ? (int64_t)whole : 0;
    double all = ceil((full - *origin) / *size - 1e-6), needed = (double)*first + pixels;
    double most = all > needed ? all : needed;
    *count = most < INT_MAX ? (int)most : INT_MAX;
}

nacre_status ncr_warp_plan_scaled(ncr_dataset *dataset, const ncr_scaled_request *request, ncr_call *call,
                                  ncr_plan **out, nacre_error *err)
{
    *out = NULL;
    const ncr_warp_view *view = (const ncr_warp_view *)dataset;
    const nacre_window *w = &request->window;
    scaling s = {.resampling = request->resampling};
    /* Nearest is what a read asks for that says nothing: then the view's own resampling counts. */
    if (s.resampling == NACRE_RESAMPLING_NEAREST)
        s.resampling = view->setup.resampling;
    if (ncr_warp_check_resampling(ncr_warp_view_name(view), s.resampling, NULL))
        return ncr_dataset_plan_resampled(dataset, request, call, out, err);
    ncr_rect window = {.width = request->out_width, .height = request->out_height};
    scale_axis(w->x, w->width, request->out_width, dataset->width, &s.x, &s.x_size, &window.x, &s.width);
    scale_axis(w->y, w->height, request->out_height, dataset->height, &s.y, &s.y_size, &window.y, &s.height);
    if (window.x > INT_MAX - window.width || window.y > INT_MAX - window.height)
        return ncr_error_set(err, NACRE_ERROR_TOO_LARGE, "%s: the view would have more than 2^31 pixels a side",
                             ncr_warp_view_name(view));
    return new_plan(dataset, &request->to, &window, &s, call, out, err);
}
