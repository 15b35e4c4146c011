/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>

#include "vrt/reading.h"

/* Cutting a request into parts, groups and openings: see reading.h. */

ncr_vrt_layer *ncr_vrt_read_layer_of(const ncr_vrt_read *read, int output)
{
    return &read->view->layers[read->request.to.mask ? read->view->base.band_count : read->bands[output] - 1];
}

nacre_dtype ncr_vrt_read_dtype_of(const ncr_vrt_read *read, int output)
{
    return read->request.to.mask ? NACRE_DTYPE_UINT8 : read->view->base.bands[read->bands[output] - 1].dtype;
}

uint8_t *ncr_vrt_read_output_at(const ncr_vrt_read *read, int output, int64_t x, int64_t y)
{
    const ncr_read_request *to = &read->request.to;
    return to->buffer + output * to->band_stride + y * to->row_stride + x * to->pixel_stride;
}

static bool same_window(const nacre_window *a, const nacre_window *b)
{
    return a->x == b->x && a->y == b->y && a->width == b->width && a->height == b->height;
}

/* Whether a part under `output` can be the next plane of a group. */
static bool continues(const ncr_vrt_read *read, const ncr_vrt_group *g, const ncr_vrt_source *source, int output)
{
    const ncr_vrt_source *first = g->source;
    return !g->is_mask && !source->is_mask && first->lazy == source->lazy && !first->recipe == !source->recipe &&
           first->has_resampling == source->has_resampling && first->resampling == source->resampling &&
           g->first_output + g->band_count == output && same_window(&first->src, &source->src) &&
           same_window(&first->dst, &source->dst) &&
           ncr_vrt_read_dtype_of(read, g->first_output) == ncr_vrt_read_dtype_of(read, output);
}

static nacre_status group_new(ncr_vrt_read *read, const ncr_vrt_source *source, bool is_mask, int output,
                              const ncr_rect *bound, size_t *out, nacre_error *err)
{
    if (!ncr_array_reserve(&read->groups, &read->group_capacity, read->group_count + 1, sizeof *read->groups))
        return ncr_error_memory(err);
    ncr_vrt_group *g = &read->groups[read->group_count];
    *g = (ncr_vrt_group){.source = source, .is_mask = is_mask, .first_output = output, .bound = *bound};
    g->bands = ncr_alloc_array((size_t)(read->output_count - output), sizeof *g->bands);
    if (!g->bands)
        return ncr_error_memory(err);
    g->bands[0] = source->band;
    g->band_count = 1;
    *out = read->group_count++;
    return NACRE_OK;
}

/* Adds a part; `hint` is the group of the part at the same height under the output before. */
static nacre_status part_add(ncr_vrt_read *read, const ncr_vrt_source *source, int output, size_t hint,
                             const ncr_rect *bound, nacre_error *err)
{
    if (!ncr_array_reserve(&read->parts, &read->part_capacity, read->part_count + 1, sizeof *read->parts))
        return ncr_error_memory(err);
    ncr_vrt_part added = {.source = source, .mask_group = SIZE_MAX};
    nacre_status status = NACRE_OK;
    if (hint != SIZE_MAX && continues(read, &read->groups[hint], source, output)) {
        ncr_vrt_group *g = &read->groups[hint];
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

static bool find_bound(const ncr_vrt_read *read, const ncr_vrt_source *source, ncr_rect *out)
{
    ncr_vrt_place place;
    nacre_window src = source->src.width > 0 ? source->src : (nacre_window){0, 0, 1e6, 1e6};
    if (!ncr_vrt_place_find(&src, &source->dst, 0, 0, &read->request.window, read->request.out_width,
                            read->request.out_height, &place))
        return false;
    *out = place.out;
    return true;
}

static nacre_status layer_cut(ncr_vrt_read *read, int output, nacre_error *err)
{
    const ncr_vrt_layer *layer = ncr_vrt_read_layer_of(read, output);
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
    uint32_t x = ((const ncr_vrt_opening *)a)->lazy, y = ((const ncr_vrt_opening *)b)->lazy;
    return (x > y) - (x < y);
}

/* One opening for each source object that is not open yet. */
static nacre_status openings_new(ncr_vrt_read *read, nacre_error *err)
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

static bool overlap(const ncr_vrt_group *a, const ncr_vrt_group *b)
{
    return a->first_output < b->first_output + b->band_count && b->first_output < a->first_output + a->band_count &&
           a->bound.x < b->bound.x + b->bound.width && b->bound.x < a->bound.x + a->bound.width &&
           a->bound.y < b->bound.y + b->bound.height && b->bound.y < a->bound.y + a->bound.height;
}

/* Groups whose pixels nobody else draws on; whether values may go as they are is seen when the source is open. */
static void mark_direct(ncr_vrt_read *read)
{
    if (read->group_count > NCR_VRT_MANY_GROUPS)
        return;
    for (size_t i = 0; i < read->group_count; i++) {
        bool alone = !read->groups[i].source->recipe;
        for (size_t k = 0; k < read->group_count && alone; k++)
            alone = k == i || !overlap(&read->groups[i], &read->groups[k]);
        read->groups[i].is_direct = alone;
    }
}

nacre_status ncr_vrt_read_cut(ncr_vrt_read *read, nacre_error *err)
{
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
    mark_direct(read);
    return status;
}
