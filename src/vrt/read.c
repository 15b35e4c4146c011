/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "raster/beside.h"
#include "raster/dtype.h"
#include "vrt/draw.h"
#include "vrt/reading.h"

/* The plan of a read: see reading.h. */

enum { STRIPE = 256 /* rows of one task of compose() */ };

/* --- Start --- */

static bool shrinks(const ncr_vrt_read *read)
{
    return read->request.out_width < read->request.window.width &&
           read->request.out_height < read->request.window.height;
}

/* Where nearest is asked for and all sources are ComplexSources that say another way, that one holds for the whole, as
 * in GDAL. */
static nacre_resampling effective_resampling(const ncr_vrt_read *read)
{
    nacre_resampling asked = read->request.resampling;
    if (asked != NACRE_RESAMPLING_NEAREST || !read->group_count)
        return asked;
    nacre_resampling own = read->groups[0].source->resampling;
    for (size_t i = 0; i < read->group_count; i++) {
        const ncr_vrt_source *source = read->groups[i].source;
        if (!source->recipe || !source->has_resampling || source->resampling != own)
            return asked;
    }
    return own;
}

static nacre_status start(ncr_vrt_read *read, nacre_error *err)
{
    read->started = true;
    nacre_status status = ncr_vrt_read_cut(read, err);
    if (status != NACRE_OK)
        return status;
    read->must_choose = shrinks(read) && read->group_count && effective_resampling(read) != NACRE_RESAMPLING_NEAREST;
    /* With one group over everything the fill waits until it is seen that the source is as large as it should be. */
    if (read->group_count != 1 || !ncr_vrt_group_covers(read, &read->groups[0], &read->groups[0].bound))
        ncr_vrt_read_fill(read);
    return NACRE_OK;
}

/* --- Resampling across sources ---
 *
 * A kernel at the border of a source does not see the neighbour. So a smaller picture of several sources is made from
 * the view's own full resolution, as in GDAL, unless that would throw away the overviews which make it quick. */

static bool satisfies_alone(const ncr_vrt_read *read, const ncr_vrt_place *place, size_t contributing)
{
    return contributing == 1 && place->out.width == read->request.out_width &&
           place->out.height == read->request.out_height;
}

/* Whether the part groups can be resampled one by one, for each output. */
static bool sources_resample(const ncr_vrt_read *read)
{
    for (int output = 0; output < read->output_count; output++) {
        size_t contributing = 0;
        bool has_overviews = false;
        ncr_vrt_place place = {0}, last = {0};
        for (size_t i = read->starts[output]; i < read->starts[output + 1]; i++) {
            const ncr_vrt_group *g = &read->groups[read->parts[i].group];
            const ncr_dataset *dataset = ncr_lazy_dataset(read->view->lazies[g->source->lazy]);
            if (!ncr_vrt_group_place(read, g, dataset, &place))
                continue;
            contributing++;
            last = place;
            has_overviews = has_overviews || dataset->overview_count;
        }
        if (contributing && !has_overviews && !satisfies_alone(read, &last, contributing))
            return false;
    }
    return true;
}

static nacre_status choose(ncr_vrt_read *read, nacre_error *err)
{
    read->must_choose = false;
    if (sources_resample(read))
        return NACRE_OK;
    ncr_scaled_request request = read->request;
    request.to.bands = read->bands;
    request.resampling = effective_resampling(read);
    return ncr_dataset_plan_resampled(&read->view->base, &request, read->plan.call, &read->resampling, err);
}

/* --- Steps --- */

static nacre_status step_openings(ncr_vrt_read *read, ncr_wants *wants, bool *more, nacre_error *err)
{
    nacre_status status = NACRE_OK;
    for (size_t i = 0; i < read->opening_count && status == NACRE_OK; i++) {
        ncr_vrt_opening *o = &read->openings[i];
        bool child_more = false;
        if (o->done)
            continue;
        status = ncr_plan_step_child(o->plan, wants, &child_more, err);
        o->done = !child_more;
        *more = *more || child_more;
        if (o->done) { /* with all that it holds: there may be very many */
            ncr_plan_free(o->plan);
            o->plan = NULL;
        }
    }
    return status;
}

static nacre_status step_groups(ncr_vrt_read *read, ncr_wants *wants, bool *more, nacre_error *err)
{
    nacre_status status = NACRE_OK;
    /* From the top, so that what is hidden is known to be. */
    for (size_t i = read->group_count; i-- > 0 && status == NACRE_OK;) {
        ncr_vrt_group *g = &read->groups[i];
        ncr_dataset *dataset = g->done ? NULL : ncr_lazy_dataset(read->view->lazies[g->source->lazy]);
        if (!dataset)
            continue;
        if (!g->begun)
            status = ncr_vrt_group_begin(read, g, dataset, err);
        if (status != NACRE_OK || g->done)
            continue;
        bool child_more = false;
        status = ncr_plan_step_child(g->plan, wants, &child_more, err);
        *more = *more || child_more;
        g->done = !child_more;
        if (g->done) { /* with all that it holds */
            ncr_plan_free(g->plan);
            g->plan = NULL;
        }
    }
    return status;
}

static bool all_are_open(const ncr_vrt_read *read)
{
    for (size_t i = 0; i < read->opening_count; i++)
        if (!read->openings[i].done)
            return false;
    return true;
}

static nacre_status step_resampling(ncr_vrt_read *read, ncr_wants *wants, bool *more, nacre_error *err)
{
    bool child_more = false;
    nacre_status status = ncr_plan_step_child(read->resampling, wants, &child_more, err);
    *more = *more || child_more;
    return status;
}

static nacre_status step(ncr_plan *plan, ncr_wants *wants, bool *more, nacre_error *err)
{
    ncr_vrt_read *read = (ncr_vrt_read *)plan;
    nacre_status status = read->started ? NACRE_OK : start(read, err);
    if (status == NACRE_OK)
        status = step_openings(read, wants, more, err);
    if (status == NACRE_OK && read->must_choose && all_are_open(read))
        status = choose(read, err);
    if (status != NACRE_OK || read->must_choose)
        return status;
    return read->resampling ? step_resampling(read, wants, more, err) : step_groups(read, wants, more, err);
}

/* --- Composing --- */

/* The rows [from, to) of the output that a part has. */
static void draw_part(const ncr_vrt_read *read, const ncr_vrt_part *p, int output, int64_t from, int64_t to)
{
    const ncr_vrt_group *g = &read->groups[p->group];
    const ncr_rect *out = &g->place.out;
    int64_t first = out->y > from ? out->y : from, end = out->y + out->height < to ? out->y + out->height : to;
    if (g->is_direct || first >= end)
        return;
    const ncr_vrt_group *mask = p->mask_group == SIZE_MAX ? NULL : &read->groups[p->mask_group];
    const ncr_band *band = &g->dataset->bands[g->bands[p->plane] - 1];
    ncr_vrt_drawing drawing = {
        .src = g->buffer + p->plane * g->band_stride + (first - out->y) * g->row_stride,
        .src_dtype = g->dtype,
        .src_pixel_stride = (ptrdiff_t)ncr_dtype_size(g->dtype),
        .src_row_stride = g->row_stride,
        .mask = mask ? mask->buffer + (first - out->y) * mask->row_stride : NULL,
        .mask_row_stride = mask ? mask->row_stride : 0,
        .dst = ncr_vrt_read_output_at(read, output, out->x, first),
        .dst_dtype = read->request.to.dtype,
        .dst_pixel_stride = read->request.to.pixel_stride,
        .dst_row_stride = read->request.to.row_stride,
        .band_dtype = ncr_vrt_read_dtype_of(read, output),
        .width = out->width,
        .height = end - first,
        .recipe = p->source->recipe,
        .colors = band->colors,
        .color_count = band->color_count,
    };
    ncr_vrt_draw(&drawing);
}

static size_t stripe_count(const ncr_vrt_read *read)
{
    return ((size_t)read->request.out_height + STRIPE - 1) / STRIPE;
}

static void compose_stripe(void *user, size_t index)
{
    const ncr_vrt_read *read = user;
    int output = (int)(index / stripe_count(read));
    int64_t from = (int64_t)(index % stripe_count(read)) * STRIPE;
    for (size_t i = read->starts[output]; i < read->starts[output + 1]; i++)
        draw_part(read, &read->parts[i], output, from, from + STRIPE);
}

static nacre_status compose(ncr_plan *plan, nacre_error *err)
{
    (void)err;
    ncr_vrt_read *read = (ncr_vrt_read *)plan;
    bool draws = false;
    for (size_t i = 0; i < read->group_count; i++)
        draws = draws || (!read->groups[i].is_direct && read->groups[i].buffer);
    if (draws)
        ncr_pool_for(stripe_count(read) * (size_t)read->output_count, compose_stripe, read);
    return NACRE_OK;
}

/* Before the sources are known: the output in their type and once more as it is stored. */
static size_t first_estimate(const ncr_vrt_read *read)
{
    double pixels = (double)read->request.out_width * read->request.out_height, bytes = 0;
    for (int i = 0; i < read->output_count; i++)
        bytes += pixels * 2 * (double)ncr_dtype_size(ncr_vrt_read_dtype_of(read, i));
    return bytes < (double)(SIZE_MAX / 2) ? (size_t)bytes : SIZE_MAX / 2;
}

static size_t estimate(const ncr_plan *plan)
{
    const ncr_vrt_read *read = (const ncr_vrt_read *)plan;
    if (!read->started)
        return first_estimate(read);
    size_t total = read->resampling ? ncr_plan_estimate(read->resampling) : 0;
    for (size_t i = 0; i < read->group_count; i++) {
        const ncr_vrt_group *g = &read->groups[i];
        size_t own = g->buffer ? (size_t)g->band_stride * (size_t)g->band_count : 0;
        total += own + (g->plan ? ncr_plan_estimate(g->plan) : 0);
    }
    return total;
}

static void free_plan(ncr_plan *plan)
{
    ncr_vrt_read *read = (ncr_vrt_read *)plan;
    for (size_t i = 0; i < read->group_count; i++) {
        ncr_plan_free(read->groups[i].plan);
        free(read->groups[i].buffer);
        free(read->groups[i].bands);
    }
    for (size_t i = 0; i < read->opening_count; i++)
        ncr_plan_free(read->openings[i].plan);
    ncr_plan_free(read->resampling);
    free(read->groups);
    free(read->openings);
    free(read->parts);
    free(read->starts);
    free(read->bands);
    ncr_dataset_unref(&read->view->base);
    free(read);
}

static const ncr_plan_class read_class = {.step = step, .compose = compose, .free = free_plan, .estimate = estimate};

static nacre_status plan_groups(ncr_dataset *dataset, const ncr_scaled_request *request, ncr_call *call, ncr_plan **out,
                                nacre_error *err)
{
    *out = NULL;
    ncr_vrt_read *read = ncr_plan_new(sizeof *read, &read_class, call);
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
    return ncr_beside_plan(dataset, shrinks(read), &read->plan, out, err);
}

/* A view with an OverviewList is resampled from those levels, and they come from the sources. */
nacre_status ncr_vrt_view_plan_scaled(ncr_dataset *dataset, const ncr_scaled_request *request, ncr_call *call,
                                      ncr_plan **out, nacre_error *err)
{
    if (dataset->overview_count && request->out_width < request->window.width &&
        request->out_height < request->window.height)
        return ncr_dataset_plan_resampled(dataset, request, call, out, err);
    return plan_groups(dataset, request, call, out, err);
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
    if (request->level) {
        const int *size = dataset->overviews[request->level - 1];
        double across = (double)dataset->width / size[0], down = (double)dataset->height / size[1];
        scaled.window = (nacre_window){scaled.window.x * across, scaled.window.y * down, scaled.window.width * across,
                                       scaled.window.height * down};
        scaled.resampling = ((ncr_vrt_view *)dataset)->overview_resampling;
    }
    return plan_groups(dataset, &scaled, call, out, err);
}
