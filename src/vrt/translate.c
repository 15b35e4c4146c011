/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "raster/crs.h"
#include "raster/dtype.h"
#include "vrt/view.h"

/* nacre_view_translate(): a part, some bands, another type, size or scale of one dataset. */

typedef struct translation {
    ncr_dataset *source;
    const nacre_translate_options *options;
    nacre_window src; /* whole pixels */
    int width, height;
    ncr_vrt_view *view;
    uint32_t lazy;
} translation;

/* Left, bottom, right, top to whole pixels, as gdal_translate -projwin. */
static nacre_status window_of_bounds(const ncr_dataset *source, const double *bounds, nacre_window *out,
                                     nacre_error *err)
{
    const nacre_transform *t = &source->transform;
    if (!source->has_transform || t->b != 0 || t->d != 0 || t->a == 0 || t->e == 0)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: bounds need a transform without rotation",
                             ncr_dataset_name(source));
    double left = (bounds[0] - t->c) / t->a, right = (bounds[2] - t->c) / t->a;
    double top = (bounds[3] - t->f) / t->e, bottom = (bounds[1] - t->f) / t->e;
    out->x = floor(fmin(left, right) + 0.001);
    out->y = floor(fmin(top, bottom) + 0.001);
    out->width = floor(fabs(right - left) + 0.5);
    out->height = floor(fabs(bottom - top) + 0.5);
    return NACRE_OK;
}

static bool is_whole(const nacre_window *w)
{
    return floor(w->x) == w->x && floor(w->y) == w->y && floor(w->width) == w->width && floor(w->height) == w->height;
}

static nacre_status find_window(translation *t, nacre_error *err)
{
    const nacre_window *asked = &t->options->window;
    t->src = *asked;
    if (t->options->bounds) {
        nacre_status status = window_of_bounds(t->source, t->options->bounds, &t->src, err);
        if (status != NACRE_OK)
            return status;
    } else if (asked->x == 0 && asked->y == 0 && asked->width == 0 && asked->height == 0) {
        t->src = (nacre_window){0, 0, t->source->width, t->source->height};
    }
    const nacre_window *w = &t->src;
    if (!(w->x >= 0 && w->y >= 0 && w->width >= 1 && w->height >= 1 && w->x + w->width <= t->source->width &&
          w->y + w->height <= t->source->height))
        return ncr_error_set(
            err, NACRE_ERROR_INVALID, "%s: window %.15g,%.15g,%.15g,%.15g lies outside the raster of %dx%d",
            ncr_dataset_name(t->source), w->x, w->y, w->width, w->height, t->source->width, t->source->height);
    if (!is_whole(w))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: the window is not of whole pixels",
                             ncr_dataset_name(t->source));
    if (t->options->out_width < 0 || t->options->out_height < 0)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: the output size is negative", ncr_dataset_name(t->source));
    t->width = t->options->out_width ? t->options->out_width : (int)w->width;
    t->height = t->options->out_height ? t->options->out_height : (int)w->height;
    return NACRE_OK;
}

static bool is_resized(const translation *t)
{
    return t->width != t->src.width || t->height != t->src.height;
}

/* --- The grid --- */

static void set_transform(translation *t)
{
    const nacre_transform *from = &t->source->transform;
    nacre_transform *to = &t->view->base.transform;
    double across = t->src.width / t->width, down = t->src.height / t->height;
    t->view->base.has_transform = t->source->has_transform;
    if (!t->source->has_transform)
        return;
    *to = *from;
    ncr_transform_apply(from, t->src.x, t->src.y, &to->c, &to->f);
    to->a *= across;
    to->d *= across;
    to->b *= down;
    to->e *= down;
}

static nacre_status set_gcps(translation *t, nacre_error *err)
{
    ncr_dataset *to = &t->view->base;
    int count = t->source->gcp_count;
    if (!count)
        return NACRE_OK;
    to->gcps = ncr_alloc_array((size_t)count, sizeof *to->gcps);
    if (!to->gcps)
        return ncr_error_memory(err);
    to->gcp_count = count;
    to->gcp_crs = t->source->gcp_crs ? ncr_crs_ref(t->source->gcp_crs) : NULL;
    for (int i = 0; i < count; i++) {
        const nacre_gcp *from = &t->source->gcps[i];
        to->gcps[i] = *from;
        to->gcps[i].id = ncr_text_copy(from->id ? from->id : "");
        to->gcps[i].info = ncr_text_copy(from->info ? from->info : "");
        to->gcps[i].pixel = (from->pixel - t->src.x) * t->width / t->src.width;
        to->gcps[i].line = (from->line - t->src.y) * t->height / t->src.height;
        if (!to->gcps[i].id || !to->gcps[i].info)
            return ncr_error_memory(err);
    }
    return NACRE_OK;
}

/* --- Metadata: what was measured on other pixels is left out --- */

static nacre_status copy_metadata(const ncr_metadata *from, ncr_metadata *to, bool same_pixels, bool same_grid,
                                  nacre_error *err)
{
    nacre_status status = NACRE_OK;
    for (size_t i = 0; i < from->count && status == NACRE_OK; i++) {
        const ncr_metadata_item *item = &from->items[i];
        bool is_statistic = !item->domain[0] && ncr_text_starts(item->key, "STATISTICS_");
        bool is_of_grid = strcmp(item->domain, "RPC") == 0 || strcmp(item->domain, "GEOLOCATION") == 0;
        if ((same_pixels || !is_statistic) && (same_grid || !is_of_grid))
            status = ncr_metadata_set(to, item->domain, item->key, item->value, err);
    }
    return status;
}

static bool same_grid(const translation *t)
{
    return !is_resized(t) && t->width == t->source->width && t->height == t->source->height;
}

/* --- Bands --- */

static nacre_status add_source(translation *t, ncr_vrt_layer *layer, int band, bool is_mask, nacre_error *err)
{
    ncr_vrt_source source = {
        .lazy = t->lazy,
        .band = band,
        .is_mask = is_mask,
        .src = t->src,
        .dst = {0, 0, t->width, t->height},
        .has_resampling = is_resized(t) && t->options->resampling != NACRE_RESAMPLING_NEAREST && !is_mask,
        .resampling = t->options->resampling,
    };
    const double *scale = is_mask ? NULL : t->options->scale;
    if (scale) {
        source.recipe = calloc(1, sizeof *source.recipe);
        if (!source.recipe)
            return ncr_error_memory(err);
        source.recipe->is_linear = true;
        source.recipe->ratio = (scale[3] - scale[2]) / (scale[1] - scale[0]);
        source.recipe->offset = scale[2] - scale[0] * source.recipe->ratio;
    }
    return ncr_vrt_layer_add(layer, &source, err);
}

static void set_nodata(ncr_band *band, double value)
{
    band->nodata = (nacre_nodata){.is_set = true, .value = value};
    band->nodata.int64_value = value >= -0x1p63 && value < 0x1p63 ? (int64_t)value : 0;
    band->nodata.uint64_value = value >= 0 && value < 0x1p64 ? (uint64_t)value : 0;
}

/* Nodata goes the way of the pixels, which so stay nodata in a type that cannot hold the value. */
static double converted(double value, nacre_dtype dtype)
{
    uint8_t pixel[16];
    if (ncr_dtype_holds(dtype, value))
        return value;
    ncr_convert(&value, NACRE_DTYPE_FLOAT64, 0, pixel, dtype, 0, 1);
    ncr_convert(pixel, dtype, 0, &value, NACRE_DTYPE_FLOAT64, 0, 1);
    return value;
}

static nacre_status set_band(translation *t, int index, int from, nacre_error *err)
{
    const ncr_band *source = &t->source->bands[from - 1];
    ncr_band *band = &t->view->base.bands[index];
    bool is_other_type = t->options->dtype != NACRE_DTYPE_UNKNOWN && t->options->dtype != source->dtype;
    nacre_status status = ncr_band_copy(band, source, err);
    if (status != NACRE_OK)
        return status;
    ncr_metadata_clear(&band->metadata);
    band->metadata = (ncr_metadata){0};
    bool same_pixels = same_grid(t) && !is_other_type && !t->options->scale;
    status = copy_metadata(&source->metadata, &band->metadata, same_pixels, same_grid(t), err);
    if (is_other_type) {
        band->dtype = t->options->dtype;
        band->bits = (int)(8 * ncr_dtype_size(band->dtype));
        if (source->nodata.is_set)
            set_nodata(band, converted(source->nodata.value, band->dtype));
    }
    if (t->options->nodata)
        set_nodata(band, *t->options->nodata);
    if (t->options->no_nodata)
        band->nodata = (nacre_nodata){0};
    ncr_vrt_view_set_block(t->view, index, same_grid(t) ? source : NULL);
    t->view->layers[index].fill = band->nodata;
    return status == NACRE_OK ? add_source(t, &t->view->layers[index], from, false, err) : status;
}

static nacre_status check_options(const translation *t, nacre_error *err)
{
    const nacre_translate_options *o = t->options;
    for (int i = 0; o->bands && i < o->band_count; i++)
        if (o->bands[i] < 1 || o->bands[i] > t->source->band_count)
            return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: no band %d: it has %d", ncr_dataset_name(t->source),
                                 o->bands[i], t->source->band_count);
    for (int i = 0; o->nodata && i < (o->bands ? o->band_count : t->source->band_count); i++) {
        nacre_dtype dtype = o->dtype;
        if (dtype == NACRE_DTYPE_UNKNOWN)
            dtype = t->source->bands[o->bands ? o->bands[i] - 1 : i].dtype;
        if (!ncr_dtype_holds(dtype, *o->nodata))
            return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: a band of %s cannot hold the nodata value %g",
                                 ncr_dataset_name(t->source), ncr_dtype_name(dtype), *o->nodata);
    }
    if (o->scale && !(o->scale[1] != o->scale[0] && isfinite(o->scale[0]) && isfinite(o->scale[1])))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: scale: the source's range is empty",
                             ncr_dataset_name(t->source));
    return NACRE_OK;
}

/* A mask that is not alpha goes with the pixels, as a MaskBand. There is one for all bands. */
static nacre_status set_mask(translation *t, nacre_error *err)
{
    int first = t->options->bands ? t->options->bands[0] : 1;
    unsigned flags = t->source->band_count ? t->source->bands[0].mask_flags : NACRE_MASK_ALL_VALID;
    if (ncr_dataset_has_own_masks(t->source) && t->view->base.band_count > 1)
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED,
                             "%s: its bands have masks of their own, and a view has one for all: take a single band",
                             ncr_dataset_name(t->source));
    if (ncr_dataset_has_own_masks(t->source))
        flags = t->source->bands[first - 1].mask_flags;
    if (!flags) {
        t->view->has_mask = true;
        return add_source(t, &t->view->layers[t->view->base.band_count], first, true, err);
    }
    if (!(flags & NACRE_MASK_PER_DATASET) || (flags & NACRE_MASK_ALPHA))
        return NACRE_OK;
    t->view->has_mask = true;
    return add_source(t, &t->view->layers[t->view->base.band_count], 1, true, err);
}

static nacre_status set_bands(translation *t, nacre_error *err)
{
    const nacre_translate_options *o = t->options;
    nacre_status status = NACRE_OK;
    for (int i = 0; i < t->view->base.band_count && status == NACRE_OK; i++)
        status = set_band(t, i, o->bands ? o->bands[i] : i + 1, err);
    return status == NACRE_OK ? set_mask(t, err) : status;
}

static nacre_status fill_view(translation *t, nacre_error *err)
{
    ncr_lazy *lazy = ncr_lazy_of(t->source);
    if (!lazy)
        return ncr_error_memory(err);
    nacre_status status = ncr_vrt_view_add_lazy(t->view, lazy, &t->lazy, err);
    ncr_lazy_unref(lazy);
    nacre_crs *crs = t->options->assign_crs ? t->options->assign_crs : t->source->crs;
    t->view->base.crs = crs ? ncr_crs_ref(crs) : NULL;
    set_transform(t);
    if (status == NACRE_OK)
        status = set_gcps(t, err);
    if (status == NACRE_OK)
        status = copy_metadata(&t->source->metadata, &t->view->base.metadata, true, same_grid(t), err);
    if (status == NACRE_OK)
        status = set_bands(t, err);
    return status == NACRE_OK ? ncr_vrt_view_end(t->view, err) : status;
}

nacre_status ncr_vrt_translate_new(ncr_dataset *source, const nacre_translate_options *options, ncr_dataset **out,
                                   nacre_error *err)
{
    *out = NULL;
    translation t = {.source = source, .options = options};
    nacre_status status = find_window(&t, err);
    if (status == NACRE_OK)
        status = check_options(&t, err);
    int band_count = options->bands ? options->band_count : source->band_count;
    if (status == NACRE_OK)
        status = ncr_vrt_view_new(t.width, t.height, band_count, &t.view, err);
    if (status != NACRE_OK)
        return status;
    status = fill_view(&t, err);
    if (status == NACRE_OK)
        *out = &t.view->base;
    else
        ncr_dataset_unref(&t.view->base);
    return status;
}
