/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>

#include "raster/dtype.h"
#include "vrt/reading.h"

/* The groups of a read: see reading.h. */

bool ncr_vrt_group_covers(const ncr_vrt_read *read, const ncr_vrt_group *g, const ncr_rect *rect)
{
    return g->is_direct && g->band_count == read->output_count && rect->width == read->request.out_width &&
           rect->height == read->request.out_height;
}

static void fill_output(const ncr_vrt_read *read, int output)
{
    const nacre_nodata *fill = &ncr_vrt_read_layer_of(read, output)->fill;
    const ncr_read_request *to = &read->request.to;
    nacre_dtype dtype = ncr_vrt_read_dtype_of(read, output);
    nacre_dtype from = NACRE_DTYPE_FLOAT64;
    const void *value = &fill->value; /* 0 where there is none */
    if (dtype == NACRE_DTYPE_INT64 || dtype == NACRE_DTYPE_UINT64) {
        from = dtype;
        value = dtype == NACRE_DTYPE_INT64 ? (const void *)&fill->int64_value : (const void *)&fill->uint64_value;
    }
    for (int y = 0; y < read->request.out_height; y++)
        ncr_convert(value, from, 0, ncr_vrt_read_output_at(read, output, 0, y), to->dtype, to->pixel_stride,
                    (size_t)read->request.out_width);
}

void ncr_vrt_read_fill(ncr_vrt_read *read)
{
    for (int i = 0; i < read->output_count && !read->filled; i++)
        fill_output(read, i);
    read->filled = true;
}

static nacre_status check_bands(const ncr_vrt_read *read, const ncr_vrt_group *g, nacre_error *err)
{
    for (int i = 0; i < g->band_count; i++)
        if (g->bands[i] > g->dataset->band_count)
            return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: names band %d of %s, which has %d",
                                 ncr_dataset_name(&read->view->base), g->bands[i], ncr_dataset_name(g->dataset),
                                 g->dataset->band_count);
    const ncr_vrt_recipe *recipe = g->source->recipe;
    const ncr_band *band = &g->dataset->bands[g->bands[0] - 1];
    if (recipe && !g->is_mask && (recipe->is_linear || recipe->is_exponential || recipe->lut_count) &&
        ncr_dtype_is_complex(band->dtype))
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: a ComplexSource that scales complex numbers",
                             ncr_dataset_name(&read->view->base));
    if (recipe && recipe->color_component && !band->color_count)
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: its colour table is asked for, and it has none",
                             ncr_dataset_name(g->dataset));
    return NACRE_OK;
}

/* The type in which a group is read, and whether the caller's own will do. */
static void choose_dtype(const ncr_vrt_read *read, ncr_vrt_group *g)
{
    nacre_dtype view = ncr_vrt_read_dtype_of(read, g->first_output), asked = read->request.to.dtype;
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

static nacre_status buffer_new(ncr_vrt_group *g, nacre_error *err)
{
    size_t row, plane, total;
    if (!ncr_size_mul((size_t)g->place.out.width, ncr_dtype_size(g->dtype), &row) ||
        !ncr_size_mul(row, (size_t)g->place.out.height, &plane) ||
        !ncr_size_mul(plane, (size_t)g->band_count, &total) || !(g->buffer = malloc(total)))
        return ncr_error_memory(err);
    g->row_stride = (ptrdiff_t)row;
    g->band_stride = (ptrdiff_t)plane;
    return NACRE_OK;
}

static ncr_read_request child_request(const ncr_vrt_read *read, const ncr_vrt_group *g)
{
    const ncr_read_request *to = &read->request.to;
    ncr_read_request child = {.window = g->place.whole, .bands = g->bands, .band_count = g->band_count};
    if (g->is_direct) {
        child.dtype = to->dtype;
        child.buffer = ncr_vrt_read_output_at(read, g->first_output, g->place.out.x, g->place.out.y);
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

/* Of an alpha band its own values are the mask. */
static bool reads_alpha_itself(const ncr_vrt_group *g)
{
    return !g->source->is_mask && g->dataset->bands[g->bands[0] - 1].color == NACRE_COLOR_ALPHA;
}

static nacre_status group_plan(ncr_vrt_read *read, ncr_vrt_group *g, ncr_dataset *dataset, nacre_error *err)
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
    if (g->is_mask && !reads_alpha_itself(g))
        return ncr_dataset_plan_masks(dataset, &scaled, read->plan.call, &g->plan, err);
    bool is_nearest = scaled.resampling == NACRE_RESAMPLING_NEAREST;
    bool is_aligned = g->place.src.x == (double)g->place.whole.x && g->place.src.y == (double)g->place.whole.y;
    if (g->place.is_plain && (is_nearest || is_aligned))
        return ncr_dataset_plan_read(dataset, &child, read->plan.call, &g->plan, err);
    return ncr_dataset_plan_scaled(dataset, &scaled, read->plan.call, &g->plan, err);
}

bool ncr_vrt_group_place(const ncr_vrt_read *read, const ncr_vrt_group *g, const ncr_dataset *dataset,
                         ncr_vrt_place *out)
{
    nacre_window src = g->source->src;
    if (src.width == 0)
        src = (nacre_window){0, 0, dataset->width, dataset->height};
    return ncr_vrt_place_find(&src, &g->source->dst, dataset->width, dataset->height, &read->request.window,
                              read->request.out_width, read->request.out_height, out);
}

static bool contains(const ncr_rect *outer, const ncr_rect *inner)
{
    return outer->x <= inner->x && outer->y <= inner->y && outer->x + outer->width >= inner->x + inner->width &&
           outer->y + outer->height >= inner->y + inner->height;
}

/* Whether a group that lies on top and is known to be there hides all of this one: then its pixels are not read. */
static bool is_hidden(const ncr_vrt_read *read, const ncr_vrt_group *g)
{
    if (read->group_count > NCR_VRT_MANY_GROUPS)
        return false;
    for (const ncr_vrt_group *top = g + 1; top < read->groups + read->group_count; top++) {
        if (top->first_output != g->first_output)
            return false;
        if (top->begun && !top->source->recipe && top->band_count >= g->band_count &&
            contains(&top->place.out, &g->place.out))
            return true;
    }
    return false;
}

nacre_status ncr_vrt_group_begin(ncr_vrt_read *read, ncr_vrt_group *g, ncr_dataset *dataset, nacre_error *err)
{
    g->begun = true;
    g->dataset = dataset;
    nacre_status status = check_bands(read, g, err);
    if (status != NACRE_OK)
        return status;
    g->done = !ncr_vrt_group_place(read, g, dataset, &g->place) || is_hidden(read, g);
    if (g->done)
        g->place = (ncr_vrt_place){0};
    choose_dtype(read, g);
    if (!read->filled && !ncr_vrt_group_covers(read, g, &g->place.out))
        ncr_vrt_read_fill(read);
    if (g->done)
        return NACRE_OK;
    if (!g->is_direct)
        status = buffer_new(g, err);
    return status == NACRE_OK ? group_plan(read, g, dataset, err) : status;
}
