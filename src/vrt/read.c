/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "raster/dtype.h"
#include "raster/sidecar.h"
#include "vrt/draw.h"
#include "vrt/place.h"
#include "vrt/view.h"

/* Reading a view. A request is cut into parts: one source under one output band. Parts of neighbouring bands that are
 * the same rectangle of the same source are one group, read by one child plan. Everything goes out together: the first
 * round opens all sources (and looks for the view's own sidecars); each source goes on to its pixels as soon as it is
 * open, without waiting for the others.
 *
 * A group reads straight into the caller's buffer where nothing else is drawn on its pixels and no value has to be
 * changed; other groups read into buffers of their own, which compose() draws in the order of the document. */

enum { STRIPE = 256 /* rows of one task of compose() */, MANY_GROUPS = 512 };

/* One source object that must be opened first. */
typedef struct opening {
    uint32_t lazy;
    ncr_plan *plan;
    bool done;
} opening;

typedef struct group {
    const ncr_vrt_source *source; /* of its first part */
    bool is_mask;                 /* reads the source's mask */
    int first_output;
    int *bands; /* of the source, one an output from first_output on */
    int band_count;
    ncr_rect bound; /* of the output; no pixel outside is written */
    bool begun, done;
    bool is_direct;
    ncr_vrt_place place; /* empty: nothing to draw */
    nacre_dtype dtype;   /* of the buffer */
    uint8_t *buffer;     /* owned unless is_direct */
    ptrdiff_t row_stride, band_stride;
    const ncr_dataset *dataset; /* borrowed from the lazy */
    ncr_plan *plan;
} group;

typedef struct part {
    const ncr_vrt_source *source;
    size_t group;
    int plane;         /* of the group */
    size_t mask_group; /* SIZE_MAX: none */
} part;

typedef struct read_plan {
    ncr_plan plan;
    ncr_vrt_view *view; /* referenced */
    ncr_scaled_request request;
    int *bands;       /* owned copy of the request's */
    int output_count; /* bands, or 1 for the mask */
    bool started, filled;
    part *parts;
    size_t part_count, part_capacity;
    size_t *starts; /* of each output's parts; one more than outputs */
    group *groups;
    size_t group_count, group_capacity;
    opening *openings;
    size_t opening_count;
    ncr_plan *sidecar_plan;
    bool sidecars_done;
    ncr_sidecars sidecars;
} read_plan;

/* --- What is asked for --- */

static ncr_vrt_layer *layer_of(const read_plan *read, int output)
{
    return &read->view->layers[read->request.to.mask ? read->view->base.band_count : read->bands[output] - 1];
}

static nacre_dtype dtype_of(const read_plan *read, int output)
{
    return read->request.to.mask ? NACRE_DTYPE_UINT8 : read->view->base.bands[read->bands[output] - 1].dtype;
}

static uint8_t *output_at(const read_plan *read, int output, int64_t x, int64_t y)
{
    const ncr_read_request *to = &read->request.to;
    return to->buffer + output * to->band_stride + y * to->row_stride + x * to->pixel_stride;
}

/* --- Cutting the request into parts and groups --- */

static bool same_window(const nacre_window *a, const nacre_window *b)
{
    return a->x == b->x && a->y == b->y && a->width == b->width && a->height == b->height;
}

/* Whether a part under `output` can be the next plane of a group. */
static bool continues(const read_plan *read, const group *g, const ncr_vrt_source *source, int output)
{
    const ncr_vrt_source *first = g->source;
    return !g->is_mask && !source->is_mask && first->lazy == source->lazy && !first->recipe == !source->recipe &&
           first->has_resampling == source->has_resampling && first->resampling == source->resampling &&
           g->first_output + g->band_count == output && same_window(&first->src, &source->src) &&
           same_window(&first->dst, &source->dst) && dtype_of(read, g->first_output) == dtype_of(read, output);
}

static nacre_status group_new(read_plan *read, const ncr_vrt_source *source, bool is_mask, int output,
                              const ncr_rect *bound, size_t *out, nacre_error *err)
{
    if (!ncr_array_reserve(&read->groups, &read->group_capacity, read->group_count + 1, sizeof *read->groups))
        return ncr_error_memory(err);
    group *g = &read->groups[read->group_count];
    *g = (group){.source = source, .is_mask = is_mask, .first_output = output, .bound = *bound};
    g->bands = ncr_alloc_array((size_t)(read->output_count - output), sizeof *g->bands);
    if (!g->bands)
        return ncr_error_memory(err);
    g->bands[0] = source->band;
    g->band_count = 1;
    *out = read->group_count++;
    return NACRE_OK;
}

/* Adds a part; `hint` is the group of the part at the same height under the output before. */
static nacre_status part_add(read_plan *read, const ncr_vrt_source *source, int output, size_t hint,
                             const ncr_rect *bound, nacre_error *err)
{
    if (!ncr_array_reserve(&read->parts, &read->part_capacity, read->part_count + 1, sizeof *read->parts))
        return ncr_error_memory(err);
    part added = {.source = source, .mask_group = SIZE_MAX};
    nacre_status status = NACRE_OK;
    if (hint != SIZE_MAX && continues(read, &read->groups[hint], source, output)) {
        group *g = &read->groups[hint];
        added.group = hint;
        added.plane = g->band_count;
        g->bands[g->band_count++] = source->band;
    } else {
        status = group_new(read, source, source->is_mask, output, bound, &added.group, err);
    }
    if (status == NACRE_OK && source->recipe && source->recipe->use_mask)
        status = group_new(read, source, true, output, bound, &added.mask_group, err);
    if (status == NACRE_OK)
        read->parts[read->part_count++] = added;
    return status;
}

static bool find_bound(const read_plan *read, const ncr_vrt_source *source, ncr_rect *out)
{
    ncr_vrt_place place;
    nacre_window src = source->src.width > 0 ? source->src : (nacre_window){0, 0, 1e6, 1e6};
    if (!ncr_vrt_place_find(&src, &source->dst, 0, 0, &read->request.window, read->request.out_width,
                            read->request.out_height, &place))
        return false;
    *out = place.out;
    return true;
}

static nacre_status layer_cut(read_plan *read, int output, nacre_error *err)
{
    const ncr_vrt_layer *layer = layer_of(read, output);
    size_t before = output ? read->starts[output - 1] : 0, before_end = read->part_count;
    uint32_t *near = NULL;
    size_t count = layer->count;
    if (layer->index && !ncr_vrt_index_find(layer->index, &read->request.window, &near, &count))
        return ncr_error_memory(err);
    nacre_status status = NACRE_OK;
    for (size_t i = 0; i < count && status == NACRE_OK; i++) {
        const ncr_vrt_source *source = &layer->sources[near ? near[i] : i];
        ncr_rect bound;
        if (!find_bound(read, source, &bound))
            continue;
        size_t hint = output && before < before_end ? read->parts[before++].group : SIZE_MAX;
        status = part_add(read, source, output, hint, &bound, err);
    }
    free(near);
    return status;
}

static int compare_lazies(const void *a, const void *b)
{
    uint32_t x = ((const opening *)a)->lazy, y = ((const opening *)b)->lazy;
    return (x > y) - (x < y);
}

/* One opening for each source object that is not open yet. */
static nacre_status openings_new(read_plan *read, nacre_error *err)
{
    read->openings = ncr_alloc_array(read->group_count + 1, sizeof *read->openings);
    if (!read->openings)
        return ncr_error_memory(err);
    for (size_t i = 0; i < read->group_count; i++)
        if (!ncr_lazy_dataset(read->view->lazies[read->groups[i].source->lazy]))
            read->openings[read->opening_count++].lazy = read->groups[i].source->lazy;
    qsort(read->openings, read->opening_count, sizeof *read->openings, compare_lazies);
    size_t kept = 0;
    for (size_t i = 0; i < read->opening_count; i++)
        if (!kept || read->openings[kept - 1].lazy != read->openings[i].lazy)
            read->openings[kept++] = read->openings[i];
    read->opening_count = kept;
    for (size_t i = 0; i < kept; i++) {
        nacre_status status = ncr_lazy_plan_open(read->view->lazies[read->openings[i].lazy], read->plan.call,
                                                 &read->openings[i].plan, err);
        if (status != NACRE_OK)
            return status;
    }
    return NACRE_OK;
}

/* --- Direct groups --- */

static bool overlap(const group *a, const group *b)
{
    return a->first_output < b->first_output + b->band_count && b->first_output < a->first_output + a->band_count &&
           a->bound.x < b->bound.x + b->bound.width && b->bound.x < a->bound.x + a->bound.width &&
           a->bound.y < b->bound.y + b->bound.height && b->bound.y < a->bound.y + a->bound.height;
}

/* Groups whose pixels nobody else draws on; whether values may go as they are is seen when the source is open. */
static void mark_direct(read_plan *read)
{
    if (read->group_count > MANY_GROUPS)
        return;
    for (size_t i = 0; i < read->group_count; i++) {
        bool alone = !read->groups[i].source->recipe;
        for (size_t k = 0; k < read->group_count && alone; k++)
            alone = k == i || !overlap(&read->groups[i], &read->groups[k]);
        read->groups[i].is_direct = alone;
    }
}

static bool covers_all(const read_plan *read, const group *g, const ncr_rect *rect)
{
    return g->is_direct && g->band_count == read->output_count && rect->width == read->request.out_width &&
           rect->height == read->request.out_height;
}

static void fill_output(const read_plan *read, int output)
{
    const nacre_nodata *fill = &layer_of(read, output)->fill;
    const ncr_read_request *to = &read->request.to;
    nacre_dtype dtype = dtype_of(read, output);
    nacre_dtype from = NACRE_DTYPE_FLOAT64;
    const void *value = &fill->value; /* 0 where there is none */
    if (dtype == NACRE_DTYPE_INT64 || dtype == NACRE_DTYPE_UINT64) {
        from = dtype;
        value = dtype == NACRE_DTYPE_INT64 ? (const void *)&fill->int64_value : (const void *)&fill->uint64_value;
    }
    for (int y = 0; y < read->request.out_height; y++)
        ncr_convert(value, from, 0, output_at(read, output, 0, y), to->dtype, to->pixel_stride,
                    (size_t)read->request.out_width);
}

static void fill_all(read_plan *read)
{
    for (int i = 0; i < read->output_count && !read->filled; i++)
        fill_output(read, i);
    read->filled = true;
}

/* --- Start --- */

static nacre_status sidecars_begin(read_plan *read, nacre_error *err)
{
    ncr_file *file = read->view->base.file;
    read->sidecars_done = !file || atomic_load(&read->view->sidecars_known);
    return read->sidecars_done ? NACRE_OK
                               : ncr_sidecars_plan(file, read->plan.call, &read->sidecars, &read->sidecar_plan, err);
}

static nacre_status start(read_plan *read, nacre_error *err)
{
    read->started = true;
    read->starts = ncr_alloc_array((size_t)read->output_count + 1, sizeof *read->starts);
    if (!read->starts)
        return ncr_error_memory(err);
    nacre_status status = NACRE_OK;
    for (int i = 0; i < read->output_count && status == NACRE_OK; i++) {
        read->starts[i] = read->part_count;
        status = layer_cut(read, i, err);
    }
    read->starts[read->output_count] = read->part_count;
    if (status == NACRE_OK)
        status = openings_new(read, err);
    if (status == NACRE_OK)
        status = sidecars_begin(read, err);
    if (status != NACRE_OK)
        return status;
    mark_direct(read);
    /* With one group over everything the fill waits until it is seen that the source is as large as it should be. */
    if (read->group_count != 1 || !covers_all(read, &read->groups[0], &read->groups[0].bound))
        fill_all(read);
    return NACRE_OK;
}

/* --- A group, when its source is open --- */

static nacre_status check_bands(const read_plan *read, const group *g, nacre_error *err)
{
    for (int i = 0; i < g->band_count; i++)
        if (g->bands[i] > g->dataset->band_count)
            return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: names band %d of %s, which has %d",
                                 read->view->base.path[0] ? read->view->base.path : "a VRT", g->bands[i],
                                 g->dataset->path, g->dataset->band_count);
    const ncr_vrt_recipe *recipe = g->source->recipe;
    const ncr_band *band = &g->dataset->bands[g->bands[0] - 1];
    if (recipe && !g->is_mask && (recipe->is_linear || recipe->is_exponential || recipe->lut_count) &&
        ncr_dtype_is_complex(band->dtype))
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: a ComplexSource that scales complex numbers",
                             read->view->base.path);
    if (recipe && recipe->color_component && !band->color_count)
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: its colour table is asked for, and it has none",
                             g->dataset->path);
    return NACRE_OK;
}

/* The type in which a group is read, and whether the caller's own will do. */
static void choose_dtype(const read_plan *read, group *g)
{
    nacre_dtype view = dtype_of(read, g->first_output), asked = read->request.to.dtype;
    nacre_dtype source = g->is_mask ? NACRE_DTYPE_UINT8 : g->dataset->bands[g->bands[0] - 1].dtype;
    bool same = true;
    for (int i = 0; i < g->band_count && !g->is_mask; i++)
        same = same && g->dataset->bands[g->bands[i] - 1].dtype == source;
    if (g->source->recipe && !g->is_mask) {
        g->dtype = same ? source : NACRE_DTYPE_FLOAT64;
        return;
    }
    g->dtype = g->is_mask ? NACRE_DTYPE_UINT8 : view;
    bool passes_view = asked == view || (same && source == view);
    g->is_direct = g->is_direct && passes_view && (!g->is_mask || asked == NACRE_DTYPE_UINT8);
}

static nacre_status buffer_new(const read_plan *read, group *g, nacre_error *err)
{
    size_t row, plane, total;
    if (!ncr_size_mul((size_t)g->place.out.width, ncr_dtype_size(g->dtype), &row) ||
        !ncr_size_mul(row, (size_t)g->place.out.height, &plane) ||
        !ncr_size_mul(plane, (size_t)g->band_count, &total) || !(g->buffer = malloc(total)))
        return ncr_error_memory(err);
    (void)read;
    g->row_stride = (ptrdiff_t)row;
    g->band_stride = (ptrdiff_t)plane;
    return NACRE_OK;
}

static ncr_read_request child_request(const read_plan *read, const group *g)
{
    const ncr_read_request *to = &read->request.to;
    ncr_read_request child = {.window = g->place.whole, .bands = g->bands, .band_count = g->band_count};
    if (g->is_direct) {
        child.dtype = to->dtype;
        child.buffer = output_at(read, g->first_output, g->place.out.x, g->place.out.y);
        child.pixel_stride = to->pixel_stride;
        child.row_stride = to->row_stride;
        child.band_stride = to->band_stride;
    } else {
        child.dtype = g->dtype;
        child.buffer = g->buffer;
        child.pixel_stride = (ptrdiff_t)ncr_dtype_size(g->dtype);
        child.row_stride = g->row_stride;
        child.band_stride = g->band_stride;
    }
    return child;
}

static nacre_status group_plan(read_plan *read, group *g, ncr_dataset *dataset, nacre_error *err)
{
    const ncr_vrt_source *source = g->source;
    ncr_read_request child = child_request(read, g);
    ncr_scaled_request scaled = {
        .window = g->place.src,
        .out_width = (int)g->place.out.width,
        .out_height = (int)g->place.out.height,
        .resampling = source->has_resampling ? source->resampling : read->request.resampling,
        .to = child,
    };
    if (g->is_mask)
        return ncr_dataset_plan_masks(dataset, &scaled, read->plan.call, &g->plan, err);
    bool is_nearest = scaled.resampling == NACRE_RESAMPLING_NEAREST;
    bool is_aligned = g->place.src.x == (double)g->place.whole.x && g->place.src.y == (double)g->place.whole.y;
    if (g->place.is_plain && (is_nearest || is_aligned))
        return ncr_dataset_plan_read(dataset, &child, read->plan.call, &g->plan, err);
    return ncr_dataset_plan_scaled(dataset, &scaled, read->plan.call, &g->plan, err);
}

static nacre_status group_begin(read_plan *read, group *g, ncr_dataset *dataset, nacre_error *err)
{
    g->begun = true;
    g->dataset = dataset;
    nacre_status status = check_bands(read, g, err);
    if (status != NACRE_OK)
        return status;
    nacre_window src = g->source->src;
    if (src.width == 0)
        src = (nacre_window){0, 0, dataset->width, dataset->height};
    g->done = !ncr_vrt_place_find(&src, &g->source->dst, dataset->width, dataset->height, &read->request.window,
                                  read->request.out_width, read->request.out_height, &g->place);
    if (g->done)
        g->place = (ncr_vrt_place){0};
    choose_dtype(read, g);
    if (!read->filled && !covers_all(read, g, &g->place.out))
        fill_all(read);
    if (g->done)
        return NACRE_OK;
    if (!g->is_direct)
        status = buffer_new(read, g, err);
    return status == NACRE_OK ? group_plan(read, g, dataset, err) : status;
}

/* --- Steps --- */

static nacre_status step_openings(read_plan *read, ncr_wants *wants, bool *more, nacre_error *err)
{
    nacre_status status = NACRE_OK;
    for (size_t i = 0; i < read->opening_count && status == NACRE_OK; i++) {
        opening *o = &read->openings[i];
        bool child_more = false;
        if (o->done)
            continue;
        status = ncr_plan_step_child(o->plan, wants, &child_more, err);
        o->done = !child_more;
        *more = *more || child_more;
    }
    if (status == NACRE_OK && !read->sidecars_done) {
        bool child_more = false;
        status = ncr_plan_step_child(read->sidecar_plan, wants, &child_more, err);
        read->sidecars_done = !child_more;
        *more = *more || child_more;
        if (status == NACRE_OK && !child_more)
            atomic_store(&read->view->sidecars_known, true);
    }
    return status;
}

static nacre_status step_groups(read_plan *read, ncr_wants *wants, bool *more, nacre_error *err)
{
    nacre_status status = NACRE_OK;
    for (size_t i = 0; i < read->group_count && status == NACRE_OK; i++) {
        group *g = &read->groups[i];
        ncr_dataset *dataset = g->done ? NULL : ncr_lazy_dataset(read->view->lazies[g->source->lazy]);
        if (!dataset)
            continue;
        if (!g->begun)
            status = group_begin(read, g, dataset, err);
        if (status != NACRE_OK || g->done)
            continue;
        bool child_more = false;
        status = ncr_plan_step_child(g->plan, wants, &child_more, err);
        g->done = !child_more;
        *more = *more || child_more;
    }
    return status;
}

static nacre_status step(ncr_plan *plan, ncr_wants *wants, bool *more, nacre_error *err)
{
    read_plan *read = (read_plan *)plan;
    nacre_status status = read->started ? NACRE_OK : start(read, err);
    if (status == NACRE_OK)
        status = step_openings(read, wants, more, err);
    if (status == NACRE_OK)
        status = step_groups(read, wants, more, err);
    return status;
}

/* --- Composing --- */

/* The rows [from, to) of the output that a part has. */
static void draw_part(const read_plan *read, const part *p, int output, int64_t from, int64_t to)
{
    const group *g = &read->groups[p->group];
    const ncr_rect *out = &g->place.out;
    int64_t first = out->y > from ? out->y : from, end = out->y + out->height < to ? out->y + out->height : to;
    if (g->is_direct || first >= end)
        return;
    const group *mask = p->mask_group == SIZE_MAX ? NULL : &read->groups[p->mask_group];
    const ncr_band *band = &g->dataset->bands[g->bands[p->plane] - 1];
    ncr_vrt_drawing drawing = {
        .src = g->buffer + p->plane * g->band_stride + (first - out->y) * g->row_stride,
        .src_dtype = g->dtype,
        .src_pixel_stride = (ptrdiff_t)ncr_dtype_size(g->dtype),
        .src_row_stride = g->row_stride,
        .mask = mask ? mask->buffer + (first - out->y) * mask->row_stride : NULL,
        .mask_row_stride = mask ? mask->row_stride : 0,
        .dst = output_at(read, output, out->x, first),
        .dst_dtype = read->request.to.dtype,
        .dst_pixel_stride = read->request.to.pixel_stride,
        .dst_row_stride = read->request.to.row_stride,
        .band_dtype = dtype_of(read, output),
        .width = out->width,
        .height = end - first,
        .recipe = p->source->recipe,
        .colors = band->colors,
        .color_count = band->color_count,
    };
    ncr_vrt_draw(&drawing);
}

static size_t stripe_count(const read_plan *read)
{
    return ((size_t)read->request.out_height + STRIPE - 1) / STRIPE;
}

static void compose_stripe(void *user, size_t index)
{
    const read_plan *read = user;
    int output = (int)(index / stripe_count(read));
    int64_t from = (int64_t)(index % stripe_count(read)) * STRIPE;
    for (size_t i = read->starts[output]; i < read->starts[output + 1]; i++)
        draw_part(read, &read->parts[i], output, from, from + STRIPE);
}

static nacre_status compose(ncr_plan *plan, nacre_error *err)
{
    (void)err;
    read_plan *read = (read_plan *)plan;
    fill_all(read); /* where there is no group at all */
    bool draws = false;
    for (size_t i = 0; i < read->group_count; i++)
        draws = draws || (!read->groups[i].is_direct && read->groups[i].buffer);
    if (draws)
        ncr_pool_for(stripe_count(read) * (size_t)read->output_count, compose_stripe, read);
    return NACRE_OK;
}

static size_t estimate(const ncr_plan *plan)
{
    const read_plan *read = (const read_plan *)plan;
    size_t total = 0;
    for (size_t i = 0; i < read->group_count; i++) {
        const group *g = &read->groups[i];
        size_t own = g->buffer ? (size_t)g->band_stride * (size_t)g->band_count : 0;
        total += own + (g->plan ? ncr_plan_estimate(g->plan) : 0);
    }
    return total;
}

static void free_plan(ncr_plan *plan)
{
    read_plan *read = (read_plan *)plan;
    for (size_t i = 0; i < read->group_count; i++) {
        ncr_plan_free(read->groups[i].plan);
        free(read->groups[i].buffer);
        free(read->groups[i].bands);
    }
    for (size_t i = 0; i < read->opening_count; i++)
        ncr_plan_free(read->openings[i].plan);
    ncr_plan_free(read->sidecar_plan);
    ncr_sidecars_clear(&read->sidecars);
    free(read->groups);
    free(read->openings);
    free(read->parts);
    free(read->starts);
    free(read->bands);
    ncr_dataset_unref(&read->view->base);
    free(read);
}

static const ncr_plan_class read_class = {.step = step, .compose = compose, .free = free_plan, .estimate = estimate};

nacre_status ncr_vrt_view_plan_scaled(ncr_dataset *dataset, const ncr_scaled_request *request, ncr_call *call,
                                      ncr_plan **out, nacre_error *err)
{
    *out = NULL;
    read_plan *read = ncr_plan_new(sizeof *read, &read_class, call);
    if (!read)
        return ncr_error_memory(err);
    read->view = (ncr_vrt_view *)ncr_dataset_ref(dataset);
    read->request = *request;
    read->output_count = request->to.mask ? 1 : request->to.band_count;
    if (!request->to.mask) {
        read->bands = ncr_alloc_array((size_t)read->output_count, sizeof *read->bands);
        if (!read->bands) {
            ncr_plan_free(&read->plan);
            return ncr_error_memory(err);
        }
        memcpy(read->bands, request->to.bands, (size_t)read->output_count * sizeof *read->bands);
    }
    *out = &read->plan;
    return NACRE_OK;
}

nacre_status ncr_vrt_view_plan_read(ncr_dataset *dataset, const ncr_read_request *request, ncr_call *call,
                                    ncr_plan **out, nacre_error *err)
{
    const ncr_rect *window = &request->window;
    ncr_scaled_request scaled = {
        .window = {(double)window->x, (double)window->y, (double)window->width, (double)window->height},
        .out_width = (int)window->width,
        .out_height = (int)window->height,
        .resampling = NACRE_RESAMPLING_NEAREST,
        .to = *request,
    };
    return ncr_vrt_view_plan_scaled(dataset, &scaled, call, out, err);
}
