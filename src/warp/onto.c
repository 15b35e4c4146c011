/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "warp/onto.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "raster/crs.h"
#include "raster/dtype.h"
#include "raster/execute.h"
#include "raster/nodata.h"
#include "raster/read.h"
#include "vrt/vrt.h"
#include "warp/view.h"

/* Warping over what is there: a view on the destination's grid with a band of density, which tells how much of each
 * pixel is new. Bands whose nodata are each for itself have a view each, since what one lacks another may have. */

enum { CELL = 64, SIDE = 2048, BUFFER = 16 << 20 };

/* Bands that are covered together. */
typedef struct layer {
    ncr_dataset *view;
    int *sources, *bands; /* [count + 1] of the view, of the destination; the last of the first is the density */
    int count;
} layer;

typedef struct onto {
    ncr_canvas *canvas;
    ncr_dataset *base; /* the canvas's */
    const char *name;
    nacre_dtype dtype;
    size_t value_size;
    layer *layers;         /* the first has all bands; where more follow it only tells the density of all */
    int layer_count, most; /* most: bands of a layer */
    int alpha;             /* band of the destination; 0: none */
    double full;           /* alpha where all is covered */
    nacre_nodata *nodata;  /* of the destination's bands */
    ncr_call *call;
    /* Buffers of a window: values of a layer with its density, what is below, and for each pixel its density, how much
     * of it is there already, and marks. */
    uint8_t *values, *below, *marks, *edge;
    double *density, *there, *all; /* all: the density of all bands, where layers are of one each */
    size_t room;                   /* pixels */
    ncr_rect window;
    size_t pixels; /* of the window */
} onto;

/* --- What is warped onto what --- */

/* What of the options would make it another raster. */
static nacre_status check_options(const ncr_dataset *base, const nacre_warp_options *o, nacre_error *err)
{
    const char *name = ncr_dataset_name(base);
    bool has_grid = o->transform || o->width || o->height || o->res_x != 0 || o->res_y != 0 || o->bounds || o->align ||
                    o->crop_to_cutline;
    if (has_grid)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: what is warped onto has its grid; none can be given", name);
    if (o->add_alpha || o->no_alpha || (o->dtype != NACRE_DTYPE_UNKNOWN && o->dtype != base->bands[0].dtype))
        return ncr_error_set(err, NACRE_ERROR_INVALID,
                             "%s: what is warped onto has its bands; no alpha can be added, no other type given", name);
    for (const char *const *item = o->warp; item && *item; item++)
        if (ncr_text_starts_nocase(*item, "INIT_DEST="))
            return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: INIT_DEST: what is warped onto keeps what it has",
                                 name);
    return NACRE_OK;
}

static nacre_status check_destination(const ncr_dataset *base, const nacre_warp_options *o, nacre_error *err)
{
    const char *name = ncr_dataset_name(base);
    if (o->dst_alpha < 0 || o->dst_alpha > base->band_count)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: it has no band %d to be alpha", name, o->dst_alpha);
    if (!base->has_transform)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: it has no geotransform, so nothing can be warped onto it",
                             name);
    if (base->crs && o->dst_crs && !ncr_crs_equal(base->crs, o->dst_crs))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: it is in another CRS than the one asked for", name);
    if (ncr_dtype_is_complex(base->bands[0].dtype))
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: warping to complex values is not supported", name);
    return NACRE_OK;
}

/* A view of some of the source's bands with their density, on the destination's grid. */
static nacre_status new_view(const onto *o, ncr_dataset *source, const nacre_warp_options *given, ncr_dataset **out,
                             nacre_error *err)
{
    nacre_warp_options options = *given;
    options.transform = &o->base->transform;
    options.width = o->base->width;
    options.height = o->base->height;
    if (o->base->crs)
        options.dst_crs = o->base->crs;
    options.dtype = o->dtype;
    options.dst_nodata = NULL;
    options.no_dst_nodata = true;
    options.dst_alpha = 0;
    bool is_own = given->src_alpha > 0 ? given->src_alpha_only : !given->src_alpha && source->alpha_band;
    options.add_alpha = !is_own;
    return ncr_warp_view_new(source, &options, out, err);
}

static ncr_warp_setup *setup_of(const layer *l)
{
    return &((ncr_warp_view *)l->view)->setup;
}

/* A layer for the view's value bands, onto the destination's bands that are not alpha, from `first` (from 0) on. */
static nacre_status set_bands(const onto *o, layer *l, int first, nacre_error *err)
{
    const ncr_warp_setup *setup = setup_of(l);
    l->sources = ncr_alloc_array((size_t)setup->band_count + 1, sizeof *l->sources);
    l->bands = ncr_alloc_array((size_t)setup->band_count + 1, sizeof *l->bands);
    if (!l->sources || !l->bands)
        return ncr_error_memory(err);
    int band = 0;
    for (int i = 0; i < first + setup->band_count; i++) {
        band += 1 + (band + 1 == o->alpha);
        if (i >= first) {
            l->sources[i - first] = setup->bands[i - first].dst;
            l->bands[i - first] = band;
        }
    }
    l->count = setup->band_count;
    l->sources[l->count] = setup->dst_alpha;
    if (band > o->base->band_count)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: it has %d bands%s, and %d are to be warped onto it",
                             o->name, o->base->band_count - (o->alpha > 0), o->alpha ? " besides alpha" : "",
                             first + setup->band_count);
    return NACRE_OK;
}

/* One of the source's bands, and that of its alpha, as a source. */
static nacre_status one_band(ncr_dataset *source, int band, int alpha, ncr_dataset **out, nacre_error *err)
{
    const int bands[] = {band, alpha};
    nacre_translate_options options = NACRE_TRANSLATE_OPTIONS_INIT;
    options.bands = bands;
    options.band_count = alpha ? 2 : 1;
    return ncr_vrt_translate_new(source, &options, out, err);
}

/* A layer of a single band, the given one of the joint view's. */
static nacre_status add_single(onto *o, ncr_dataset *source, const nacre_warp_options *given, int index,
                               nacre_error *err)
{
    const ncr_warp_setup *joint = setup_of(&o->layers[0]);
    ncr_dataset *one = NULL;
    nacre_warp_options options = *given;
    layer *l = &o->layers[o->layer_count++];
    nacre_status status = one_band(source, joint->bands[index].src, joint->src_alpha, &one, err);
    if (status)
        return status;
    options.src_alpha = joint->src_alpha ? 2 : -1;
    options.src_alpha_only = joint->src_alpha != 0;
    options.src_nodata = joint->bands[index].has_src_nodata ? &joint->bands[index].src_nodata : NULL;
    options.src_nodata_count = 1;
    options.ignore_src_nodata = !options.src_nodata;
    status = new_view(o, one, &options, &l->view, err);
    ncr_dataset_unref(one);
    if (status)
        return status;
    setup_of(l)->is_one_of_several = true; /* before the first read */
    return set_bands(o, l, index, err);
}

static bool is_each_for_itself(const ncr_warp_setup *setup)
{
    return setup->unified != NCR_UNIFIED_YES && setup->band_count > 1 && ncr_warp_setup_has_src_nodata(setup);
}

static nacre_status make_layers(onto *o, ncr_dataset *source, const nacre_warp_options *options, nacre_error *err)
{
    layer joint = {0};
    nacre_status status = new_view(o, source, options, &joint.view, err);
    o->layers = status ? NULL : ncr_alloc_array((size_t)source->band_count + 1, sizeof *o->layers);
    if (!status && !o->layers) {
        ncr_dataset_unref(joint.view);
        return ncr_error_memory(err);
    }
    if (status)
        return status;
    o->layers[0] = joint;
    o->layer_count = 1;
    status = set_bands(o, &o->layers[0], 0, err);
    const ncr_warp_setup *setup = setup_of(&o->layers[0]);
    o->most = setup->band_count;
    for (int i = 0; !status && is_each_for_itself(setup) && i < setup->band_count; i++)
        status = add_single(o, source, options, i, err);
    return status;
}

/* Given, the destination's own, or the source's where the destination has no alpha either. */
static nacre_status find_nodata(onto *o, const nacre_warp_options *options, nacre_error *err)
{
    const ncr_warp_setup *setup = setup_of(&o->layers[0]);
    const layer *joint = &o->layers[0];
    o->nodata = ncr_alloc_array((size_t)o->base->band_count, sizeof *o->nodata);
    if (!o->nodata)
        return ncr_error_memory(err);
    for (int i = 0; i < joint->count && !options->no_dst_nodata; i++) {
        nacre_nodata *nodata = &o->nodata[joint->bands[i] - 1];
        int last = options->dst_nodata_count > 0 ? options->dst_nodata_count - 1 : 0;
        *nodata = o->base->bands[joint->bands[i] - 1].nodata;
        if (options->dst_nodata)
            *nodata = ncr_warp_nodata_of(options->dst_nodata[i < last ? i : last]);
        else if (!nodata->is_set && !o->alpha && setup->bands[i].has_src_nodata)
            *nodata = ncr_warp_nodata_of(setup->bands[i].src_nodata);
        nodata->is_set = ncr_nodata_counts(nodata, o->dtype);
    }
    return NACRE_OK;
}

/* --- A window --- */

static nacre_status read_bands(const onto *o, ncr_dataset *dataset, const int *bands, int count, void *out, bool mask,
                               nacre_error *err)
{
    nacre_read_options options = NACRE_READ_OPTIONS_INIT;
    ncr_read read = {0};
    ncr_plan *plan = NULL;
    options.window =
        (nacre_window){(double)o->window.x, (double)o->window.y, (double)o->window.width, (double)o->window.height};
    options.bands = mask ? NULL : bands;
    options.band_count = mask ? 0 : count;
    options.dtype = mask ? NACRE_DTYPE_UNKNOWN : o->dtype;
    options.dataset_mask = mask;
    nacre_status status = ncr_read_init(&read, dataset, &options, err);
    if (!status)
        status = ncr_read_set_buffer(&read, out, read.size, err);
    if (!status)
        status = ncr_read_plan(&read, o->call, &plan, err);
    if (!status)
        status = ncr_execute(plan, err);
    ncr_plan_free(plan);
    ncr_read_clear(&read);
    return status;
}

static nacre_status write_bands(const onto *o, const int *bands, int count, const void *values, bool mask,
                                nacre_error *err)
{
    nacre_dtype dtype = mask ? NACRE_DTYPE_UINT8 : o->dtype;
    ptrdiff_t size = (ptrdiff_t)ncr_dtype_size(dtype);
    ncr_write_request request = {.window = o->window,
                                 .bands = bands,
                                 .band_count = count,
                                 .mask = mask,
                                 .dtype = dtype,
                                 .buffer = values,
                                 .pixel_stride = size,
                                 .row_stride = size * (ptrdiff_t)o->window.width,
                                 .band_stride = size * (ptrdiff_t)o->pixels};
    return ncr_canvas_write(o->canvas, &request, o->call, err);
}

static double to_share(double alpha, double full)
{
    double share = alpha / full;
    return share > 0 ? share < 1 ? share : 1 : 0;
}

/* Alpha of the window's pixels as shares from 0 to 1. */
static void to_shares(const onto *o, const uint8_t *alpha, double *out)
{
    ncr_convert(alpha, o->dtype, (ptrdiff_t)o->value_size, out, NACRE_DTYPE_FLOAT64, sizeof *out, o->pixels);
    for (size_t i = 0; i < o->pixels; i++)
        out[i] = to_share(out[i], o->full);
}

/* Whether all bands of a layer are nodata: marks are 0 there. */
static bool mark_nodata(const onto *o, const layer *l, const uint8_t *values)
{
    bool is_set = false;
    memset(o->marks, 0, o->pixels);
    for (int i = 0; i < l->count; i++) {
        const nacre_nodata *nodata = &o->nodata[l->bands[i] - 1];
        const uint8_t *plane = values + (size_t)i * o->pixels * o->value_size;
        is_set = is_set || nodata->is_set;
        ncr_nodata_mark(nodata, o->dtype, plane, (ptrdiff_t)o->value_size, o->edge, 1, o->pixels);
        for (size_t k = 0; k < o->pixels; k++)
            o->marks[k] |= o->edge[k];
    }
    return is_set;
}

/* How much of each pixel the destination has already: by alpha, its mask, or what is below. */
static nacre_status find_there(const onto *o, const layer *l, bool has_mask, nacre_error *err)
{
    nacre_status status = NACRE_OK;
    if (o->alpha) {
        status = read_bands(o, o->base, &o->alpha, 1, o->edge, false, err);
        if (!status)
            to_shares(o, o->edge, o->there);
        return status;
    }
    if (has_mask)
        status = read_bands(o, o->base, NULL, 0, o->marks, true, err);
    else
        mark_nodata(o, l, o->below);
    for (size_t i = 0; i < o->pixels && !status; i++)
        o->there[i] = o->marks[i] ? 1 : 0;
    return status;
}

/* A value as the type's: halves up, as the warper's. */
static void put(const onto *o, double value, uint8_t *out)
{
    value = ncr_dtype_is_integer(o->dtype) ? floor(value + 0.5) : value;
    ncr_convert(&value, NACRE_DTYPE_FLOAT64, sizeof value, out, o->dtype, (ptrdiff_t)o->value_size, 1);
}

static double get(const onto *o, const uint8_t *value)
{
    double out;
    ncr_convert(value, o->dtype, (ptrdiff_t)o->value_size, &out, NACRE_DTYPE_FLOAT64, sizeof out, 1);
    return out;
}

/* Puts what is below where nothing is new, and mixes both where something is. */
static void mix(const onto *o, const layer *l)
{
    for (int band = 0; band < l->count; band++) {
        uint8_t *to = o->values + (size_t)band * o->pixels * o->value_size;
        const uint8_t *from = o->below + (size_t)band * o->pixels * o->value_size;
        for (size_t i = 0; i < o->pixels; i++, to += o->value_size, from += o->value_size) {
            double own = o->density[i], other = o->there[i] * (1 - own);
            if (!(own > 0))
                memcpy(to, from, o->value_size);
            else if (other > 0)
                put(o, (get(o, to) * own + get(o, from) * other) / (own + other), to);
        }
    }
}

/* The value beside a nodata value: below it, but above the lowest. */
static void find_beside(const nacre_nodata *nodata, nacre_dtype dtype, uint8_t out[8])
{
    double value = nodata->value, lowest = ncr_dtype_min(dtype);
    bool is_lowest = value <= lowest;
    if (dtype == NACRE_DTYPE_INT64) {
        int64_t whole = nodata->int64_value + (nodata->int64_value == INT64_MIN ? 1 : -1);
        memcpy(out, &whole, sizeof whole);
        return;
    }
    if (dtype == NACRE_DTYPE_UINT64) {
        uint64_t whole = nodata->uint64_value ? nodata->uint64_value - 1 : 1;
        memcpy(out, &whole, sizeof whole);
        return;
    }
    if (ncr_dtype_is_integer(dtype))
        value += is_lowest ? 1 : -1;
    else if (dtype == NACRE_DTYPE_FLOAT64)
        value = nextafter(value, is_lowest ? INFINITY : -INFINITY);
    else
        value = (double)nextafterf((float)value, is_lowest ? INFINITY : -INFINITY);
    ncr_convert(&value, NACRE_DTYPE_FLOAT64, sizeof value, out, dtype, (ptrdiff_t)ncr_dtype_size(dtype), 1);
}

/* Data that happens to be the nodata value is moved by one step, as GDAL moves it. */
static void nudge(const onto *o, const layer *l)
{
    if (!mark_nodata(o, l, o->values))
        return;
    for (int band = 0; band < l->count; band++) {
        const nacre_nodata *nodata = &o->nodata[l->bands[band] - 1];
        uint8_t beside[8], *to = o->values + (size_t)band * o->pixels * o->value_size;
        find_beside(nodata, o->dtype, beside);
        for (size_t i = 0; i < o->pixels && nodata->is_set; i++)
            if (!o->marks[i] && o->density[i] > 0)
                memcpy(to + i * o->value_size, beside, o->value_size);
    }
}

/* What is covered now, in alpha or the mask; after `density` and `there` are the joint layer's. */
static nacre_status write_cover(const onto *o, bool has_mask, nacre_error *err)
{
    if (!o->alpha && !has_mask)
        return NACRE_OK;
    for (size_t i = 0; i < o->pixels; i++) {
        double total = o->density[i] + o->there[i] * (1 - o->density[i]);
        if (o->alpha)
            put(o, total * o->full, o->edge + i * o->value_size);
        else
            o->marks[i] = total > 0 ? 255 : 0;
    }
    return write_bands(o, &o->alpha, 1, o->alpha ? o->edge : o->marks, !o->alpha, err);
}

/* Whether anything of the window is covered by a layer. */
static nacre_status read_layer(const onto *o, const layer *l, bool *is_covered, nacre_error *err)
{
    nacre_status status = read_bands(o, l->view, l->sources, l->count + 1, o->values, false, err);
    *is_covered = false;
    if (status)
        return status;
    to_shares(o, o->values + (size_t)l->count * o->pixels * o->value_size, o->density);
    bool is_single = l != &o->layers[0];
    for (size_t i = 0; i < o->pixels; i++) {
        o->density[i] = is_single && !(o->all[i] > 0) ? 0 : o->density[i];
        *is_covered = *is_covered || o->density[i] > 0;
    }
    return NACRE_OK;
}

static nacre_status warp_layer(const onto *o, const layer *l, bool has_mask, bool *is_covered, nacre_error *err)
{
    nacre_status status = read_layer(o, l, is_covered, err);
    if (status || !*is_covered)
        return status;
    status = read_bands(o, o->base, l->bands, l->count, o->below, false, err);
    if (!status)
        status = find_there(o, l, has_mask, err);
    if (status)
        return status;
    mix(o, l);
    nudge(o, l);
    return write_bands(o, l->bands, l->count, o->values, false, err);
}

/* Bands that are each for itself: nothing comes where the source has none of them. Alpha and mask are written last,
 * since all bands look at what they were. */
static nacre_status warp_singles(const onto *o, bool has_mask, nacre_error *err)
{
    bool is_covered;
    nacre_status status = read_layer(o, &o->layers[0], &is_covered, err);
    if (status || !is_covered)
        return status;
    memcpy(o->all, o->density, o->pixels * sizeof *o->all);
    for (int i = 1; i < o->layer_count && !status; i++)
        status = warp_layer(o, &o->layers[i], has_mask, &is_covered, err);
    memcpy(o->density, o->all, o->pixels * sizeof *o->all);
    if (!status && (o->alpha || has_mask))
        status = find_there(o, &o->layers[0], has_mask, err);
    return status ? status : write_cover(o, has_mask, err);
}

static nacre_status warp_window(const onto *o, nacre_error *err)
{
    bool has_mask = !o->alpha && o->canvas->has_mask, is_covered;
    if (o->layer_count > 1)
        return warp_singles(o, has_mask, err);
    nacre_status status = warp_layer(o, &o->layers[0], has_mask, &is_covered, err);
    return !status && is_covered ? write_cover(o, has_mask, err) : status;
}

/* --- All windows --- */

static nacre_status make_buffers(onto *o, int *side, nacre_error *err)
{
    size_t bytes = (size_t)(o->most + 1) * o->value_size;
    for (*side = SIDE; *side > CELL && (size_t)*side * (size_t)*side * bytes > BUFFER; *side /= 2)
        ;
    o->room = (size_t)*side * (size_t)*side;
    o->values = ncr_alloc_array(o->room, bytes);
    o->below = ncr_alloc_array(o->room, bytes);
    o->marks = ncr_alloc_array(o->room, 1);
    o->edge = ncr_alloc_array(o->room, o->value_size);
    o->density = ncr_alloc_array(o->room, sizeof *o->density);
    o->there = ncr_alloc_array(o->room, sizeof *o->there);
    o->all = ncr_alloc_array(o->layer_count > 1 ? o->room : 1, sizeof *o->all);
    return o->all && o->values && o->below && o->marks && o->edge && o->density && o->there ? NACRE_OK
                                                                                            : ncr_error_memory(err);
}

static nacre_status warp_all(onto *o, int side, nacre_progress_function progress, void *user, nacre_error *err)
{
    int64_t across = (o->base->width + side - 1) / side, down = (o->base->height + side - 1) / side;
    nacre_status status = NACRE_OK;
    for (int64_t i = 0; i <= across * down && !status; i++) {
        if (progress && !progress(user, (double)i / (double)(across * down)))
            return ncr_error_set(err, NACRE_ERROR_CANCELLED, "%s: cancelled", o->name);
        status = ncr_call_check(o->call, o->name, err);
        if (status || i == across * down)
            break;
        int64_t x = i % across * side, y = i / across * side;
        o->window = (ncr_rect){x, y, x + side < o->base->width ? side : o->base->width - x,
                               y + side < o->base->height ? side : o->base->height - y};
        o->pixels = (size_t)(o->window.width * o->window.height);
        status = warp_window(o, err);
    }
    return status;
}

static void clear(onto *o)
{
    for (int i = 0; i < o->layer_count; i++) {
        ncr_dataset_unref(o->layers[i].view);
        free(o->layers[i].sources);
        free(o->layers[i].bands);
    }
    free(o->layers);
    free(o->nodata);
    free(o->values);
    free(o->below);
    free(o->marks);
    free(o->edge);
    free(o->density);
    free(o->there);
    free(o->all);
}

nacre_status ncr_warp_onto(ncr_canvas *canvas, ncr_dataset *source, const nacre_warp_options *options,
                           nacre_progress_function progress, void *user, ncr_call *call, nacre_error *err)
{
    ncr_dataset *base = &canvas->base;
    nacre_status status = check_options(base, options, err);
    if (!status)
        status = check_destination(base, options, err);
    if (status)
        return status;
    int side;
    onto o = {.canvas = canvas,
              .base = base,
              .name = ncr_dataset_name(base),
              .dtype = base->bands[0].dtype,
              .value_size = ncr_dtype_size(base->bands[0].dtype),
              .alpha = options->dst_alpha ? options->dst_alpha : base->alpha_band,
              .call = call};
    status = make_layers(&o, source, options, err);
    if (!status)
        status = find_nodata(&o, options, err);
    if (!status)
        status = make_buffers(&o, &side, err);
    if (!status) {
        o.full = setup_of(&o.layers[0])->dst_alpha_max;
        status = warp_all(&o, side, progress, user, err);
    }
    clear(&o);
    return status;
}
