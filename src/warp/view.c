/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "warp/view.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "raster/dtype.h"
#include "warp/georef_options.h"
#include "warp/suggest.h"
#include "warp/warped_vrt.h"

/* --- The dataset class --- */

static void view_sources(ncr_dataset *dataset,
                         void (*function)(void *user, const char *path, const char *version, const char *snapshot),
                         void *user)
{
    ncr_warp_view *view = (ncr_warp_view *)dataset;
    ncr_lazy_sources(view->source, function, user);
    if (view->setup.spec.georef && view->setup.spec.georef->class->sources)
        view->setup.spec.georef->class->sources(view->setup.spec.georef, function, user);
}

static void view_free(ncr_dataset *dataset)
{
    ncr_warp_view *view = (ncr_warp_view *)dataset;
    ncr_warp_engine_unref(atomic_load(&view->engine));
    ncr_lazy_unref(view->source);
    ncr_warp_setup_clear(&view->setup);
}

const ncr_dataset_class ncr_warp_view_class = {.driver = "VRT",
                                               .plan_read = ncr_warp_plan_read,
                                               .plan_scaled = ncr_warp_plan_scaled,
                                               .sources = view_sources,
                                               .free = view_free};

ncr_warp_view *ncr_warp_view_alloc(int band_count)
{
    return (ncr_warp_view *)ncr_dataset_new(sizeof(ncr_warp_view), &ncr_warp_view_class, "", NULL, band_count);
}

const char *ncr_warp_view_name(const ncr_warp_view *view)
{
    if (view->base.path && *view->base.path)
        return view->base.path;
    return view->source ? ncr_lazy_path(view->source) : "warped view";
}

nacre_status ncr_warp_view_engine(ncr_warp_view *view, ncr_warp_engine **out, nacre_error *err)
{
    *out = NULL;
    ncr_warp_engine *engine = atomic_load(&view->engine), *made = NULL;
    if (!engine) {
        /* Of two that are made at once the first is kept. */
        nacre_status status =
            ncr_warp_engine_new(ncr_warp_view_name(view), &view->setup, ncr_lazy_dataset(view->source), NULL,
                                view->setup.resampling, NULL, &made, err);
        if (status)
            return status;
        if (atomic_compare_exchange_strong(&view->engine, &engine, made))
            engine = made;
        else
            ncr_warp_engine_unref(made);
    }
    *out = ncr_warp_engine_ref(engine);
    return NACRE_OK;
}

void ncr_warp_view_set_output(ncr_warp_view *view)
{
    view->setup.output = NACRE_DTYPE_UNKNOWN;
    for (int i = 0; i < view->base.band_count; i++)
        view->setup.output = ncr_dtype_union(view->setup.output, view->base.bands[i].dtype);
}

void ncr_warp_view_set_masks(ncr_warp_view *view)
{
    ncr_dataset *base = &view->base;
    if (!view->setup.dst_alpha && view->source && !ncr_lazy_dataset(view->source))
        return; /* a file without a computed alpha: what its bands say holds */
    base->alpha_band = view->setup.dst_alpha;
    ncr_dataset_set_mask_flags(base, false);
    if (view->setup.dst_alpha && view->setup.dst_alpha_max <= 0) {
        const ncr_band *alpha = &base->bands[view->setup.dst_alpha - 1];
        view->setup.dst_alpha_max = ncr_alpha_max(alpha->dtype, alpha->bits);
    }
}

/* --- Making one from options --- */

/* What of the options and the source makes the setup; also used to find a grid without making a view. */
static nacre_status take_placing(const ncr_dataset *source, const nacre_warp_options *options, ncr_placing *placing,
                                 ncr_warp_setup *setup, nacre_error *err)
{
    if (!placing->crs && options->dst_crs)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: it has no CRS; say which one it is in", source->path);
    if (placing->crs) {
        setup->spec.src = ncr_crs_ref(placing->crs);
        setup->spec.dst = ncr_crs_ref(options->dst_crs ? options->dst_crs : placing->crs);
    }
    setup->src_transform = placing->transform;
    setup->spec.georef = ncr_georef_ref(placing->georef);
    return ncr_georef_load(setup->spec.georef, err);
}

static nacre_status find_georeference(ncr_dataset *source, const nacre_warp_options *options, ncr_warp_setup *setup,
                                      nacre_error *err)
{
    ncr_placing placing;
    nacre_status status = ncr_placing_find(source, options, &placing, err);
    if (!status)
        status = take_placing(source, options, &placing, setup, err);
    ncr_placing_clear(&placing);
    const nacre_transform *t = &setup->src_transform;
    double right = t->c + source->width * t->a, bottom = t->f + source->height * t->e;
    double x[4] = {t->c, right, t->c, right}, y[4] = {t->f, t->f, bottom, bottom};
    if (!status && setup->spec.georef)
        status = ncr_georef_run(setup->spec.georef, false, 4, x, y, err);
    if (status)
        return status;
    ncr_reprojection_spec_cover(&setup->spec, x, y);
    if (setup->spec.georef)
        setup->spec.has_center = false;
    return NACRE_OK;
}

/* From the cutline's coordinates to pixels of the source. */
static nacre_status cutline_map(const ncr_dataset *source, const nacre_warp_options *options, bool is_geojson,
                                const ncr_warp_setup *setup, ncr_map *map, nacre_error *err)
{
    static const nacre_transform unit = {.a = 1, .e = 1};
    ncr_reprojection_spec spec = ncr_reprojection_spec_copy(&setup->spec);
    ncr_reprojection *reprojection = NULL;
    nacre_crs *degrees = NULL;
    nacre_status status = NACRE_OK;
    *map = (ncr_map){0};
    if (is_geojson && !options->cutline_crs && spec.src)
        status = ncr_crs_from_authority("EPSG", "4326", &degrees, err);
    nacre_crs *own = options->cutline_crs ? options->cutline_crs : degrees;
    if (own && spec.src) {
        ncr_crs_unref(spec.dst);
        spec.dst = ncr_crs_ref(own);
    } else if (spec.src) {
        ncr_crs_unref(spec.dst);
        spec.dst = ncr_crs_ref(spec.src);
    }
    if (!status)
        status = ncr_reprojection_new(source->path, &spec, &reprojection, err);
    if (!status)
        status = ncr_map_init(map, source->path, reprojection, &setup->src_transform, &unit, err);
    ncr_reprojection_unref(reprojection);
    ncr_crs_unref(degrees);
    ncr_reprojection_spec_clear(&spec);
    return status;
}

static nacre_status find_cutline(const ncr_dataset *source, const nacre_warp_options *options, ncr_warp_setup *setup,
                                 nacre_error *err)
{
    if (!options->cutline)
        return NACRE_OK;
    if (!(options->cutline_blend >= 0) || isinf(options->cutline_blend))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: the cutline's blend distance must be 0 pixels or more",
                             source->path);
    ncr_cutline *cutline = NULL;
    bool is_geojson;
    ncr_map map = {0};
    nacre_status status = ncr_cutline_parse(source->path, options->cutline, &cutline, &is_geojson, err);
    if (status)
        return status;
    cutline->blend = options->cutline_blend;
    if (options->cutline_in_pixels) {
        setup->cutline = cutline;
        return NACRE_OK;
    }
    status = cutline_map(source, options, is_geojson, setup, &map, err);
    if (!status)
        status = ncr_cutline_to_pixels(source->path, cutline, &map, &setup->cutline, err);
    ncr_map_clear(&map);
    ncr_cutline_free(cutline);
    return status;
}

/* gdalwarp's -crop_to_cutline: the cutline's extent; the source's whole pixels in it where these stay what they are. */
static nacre_status crop_to_cutline(const ncr_warp_source *source, const ncr_cutline *cutline,
                                    nacre_warp_options *options, double bounds[4], nacre_error *err)
{
    static const nacre_transform unit = {.a = 1, .e = 1};
    const nacre_transform *t = &source->transform;
    bool keeps_pixels = ncr_reprojection_is_same(source->reprojection) && t->b == 0 && t->d == 0 &&
                        options->res_x == 0 && !options->width && !options->height;
    ncr_map map;
    nacre_status status = ncr_map_init(&map, source->name, source->reprojection, t, &unit, err);
    bounds[0] = bounds[1] = HUGE_VAL;
    bounds[2] = bounds[3] = -HUGE_VAL;
    for (size_t i = 0; i < cutline->point_count && !status; i++) {
        double x = cutline->points[i][0], y = cutline->points[i][1];
        status = ncr_map_to_destination(&map, 1, &x, &y, err);
        if (status || x == HUGE_VAL)
            continue;
        bounds[0] = fmin(bounds[0], x);
        bounds[1] = fmin(bounds[1], y);
        bounds[2] = fmax(bounds[2], x);
        bounds[3] = fmax(bounds[3], y);
    }
    ncr_map_clear(&map);
    if (!status && !(bounds[0] < bounds[2] && bounds[1] < bounds[3]))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: the cutline has no extent in the output's CRS",
                             source->name);
    options->bounds = bounds;
    if (status || !keeps_pixels)
        return status;
    const double slack = 1e-6, x_size = fabs(t->a), y_size = fabs(t->e);
    options->res_x = x_size;
    options->res_y = y_size;
    bounds[0] = t->c + ceil((bounds[0] - t->c) / x_size - slack) * x_size;
    bounds[2] = t->c + floor((bounds[2] - t->c) / x_size + slack) * x_size;
    bounds[1] = t->f - floor((t->f - bounds[1]) / y_size + slack) * y_size;
    bounds[3] = t->f - ceil((t->f - bounds[3]) / y_size - slack) * y_size;
    if (!(bounds[0] < bounds[2] && bounds[1] < bounds[3]))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: the cutline holds no whole pixel", source->name);
    return NACRE_OK;
}

static nacre_status find_grid(ncr_dataset *source, const nacre_warp_options *options, ncr_warp_setup *setup,
                              ncr_reprojection **reprojection, nacre_error *err)
{
    *reprojection = NULL;
    nacre_status status = find_georeference(source, options, setup, err);
    if (!status)
        status = ncr_reprojection_new(source->path, &setup->spec, reprojection, err);
    if (status)
        return status;
    ncr_warp_source grid_source = {.name = source->path,
                                   .width = source->width,
                                   .height = source->height,
                                   .transform = setup->src_transform,
                                   .georef = setup->spec.georef,
                                   .crs = setup->spec.src,
                                   .dst_crs = setup->spec.dst,
                                   .reprojection = *reprojection};
    nacre_warp_options own = *options;
    double bounds[4];
    status = find_cutline(source, options, setup, err);
    if (!status && options->crop_to_cutline && setup->cutline && !options->bounds && !options->transform)
        status = crop_to_cutline(&grid_source, setup->cutline, &own, bounds, err);
    return status ? status : ncr_resolve_grid(&grid_source, &own, &setup->grid, err);
}

/* One of the values that were given for the bands, the last of which is for all that follow. */
static double value_for(const double *values, int count, int band)
{
    return values[band < count ? band : count > 0 ? count - 1 : 0];
}

/* Which band of the source is alpha, and which of the view. The source's own band of alpha stays where it is. */
static nacre_status find_alpha(const ncr_dataset *source, const nacre_warp_options *options, ncr_warp_setup *setup,
                               nacre_error *err)
{
    bool is_apart = options->src_alpha_only && options->src_alpha > 0;
    int own = is_apart ? options->src_alpha : source->alpha_band, behind = source->band_count + 1;
    if (options->src_alpha < -1 || options->src_alpha > source->band_count)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: it has no band %d to be alpha", source->path,
                             options->src_alpha);
    setup->src_alpha = options->src_alpha > 0 ? options->src_alpha : options->src_alpha ? 0 : own;
    if (options->no_alpha)
        return NACRE_OK;
    bool is_both =
        options->src_alpha > 0 && options->add_alpha && !is_apart; /* a band as others, and another one of alpha */
    setup->dst_alpha = own && setup->src_alpha == own && !is_both ? own : options->add_alpha ? behind : 0;
    if (!options->dst_alpha || options->dst_alpha == setup->dst_alpha)
        return NACRE_OK;
    if (setup->dst_alpha || options->dst_alpha != behind)
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: band %d of a view as alpha is not supported, only %d",
                             source->path, options->dst_alpha, setup->dst_alpha ? setup->dst_alpha : behind);
    setup->dst_alpha = behind;
    return NACRE_OK;
}

static nacre_status find_bands(const ncr_dataset *source, const nacre_warp_options *options, ncr_warp_setup *setup,
                               nacre_error *err)
{
    nacre_status status = find_alpha(source, options, setup, err);
    if (status)
        return status;
    setup->bands = ncr_alloc_array((size_t)source->band_count, sizeof *setup->bands);
    if (!setup->bands)
        return ncr_error_memory(err);
    for (int number = 1; number <= source->band_count; number++) {
        bool is_own =
            options->no_alpha ? options->src_alpha == 0 || options->src_alpha_only : number == setup->dst_alpha;
        if (number == setup->src_alpha && is_own)
            continue;
        const nacre_nodata *nodata = &source->bands[number - 1].nodata;
        ncr_warp_band *band = &setup->bands[setup->band_count++];
        *band = (ncr_warp_band){.src = number, .dst = options->no_alpha ? setup->band_count : number};
        band->has_src_nodata = !options->ignore_src_nodata && (options->src_nodata || nodata->is_set);
        band->src_nodata = nodata->value;
        if (options->src_nodata)
            band->src_nodata = value_for(options->src_nodata, options->src_nodata_count, setup->band_count - 1);
        if (!band->has_src_nodata)
            band->src_nodata = 0;
    }
    if (!setup->band_count)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: it has no band but alpha", source->path);
    /* As gdalwarp: nodata that the user gives joins the bands, that of the file leaves each its own. */
    if ((options->src_nodata || options->unified_nodata) && setup->band_count > 1)
        setup->unified = NCR_UNIFIED_YES;
    return NACRE_OK;
}

/* The source's band that a band of the output is like; of an added alpha the first. */
static int like_band(const ncr_dataset *source, const ncr_warp_setup *setup, int band)
{
    for (int i = 0; i < setup->band_count; i++)
        if (setup->bands[i].dst == band)
            return setup->bands[i].src;
    return band <= source->band_count ? band : 1;
}

static nacre_dtype output_dtype(const ncr_dataset *source, const ncr_warp_setup *setup,
                                const nacre_warp_options *options, int band)
{
    if (options->dtype != NACRE_DTYPE_UNKNOWN)
        return options->dtype;
    return source->bands[like_band(source, setup, band) - 1].dtype;
}

static nacre_status find_dst_nodata(const ncr_dataset *source, const nacre_warp_options *options, ncr_warp_setup *setup,
                                    nacre_error *err)
{
    for (int i = 0; i < setup->band_count; i++) {
        ncr_warp_band *band = &setup->bands[i];
        nacre_dtype dtype = output_dtype(source, setup, options, band->dst);
        if (options->add_alpha || options->no_dst_nodata)
            continue;
        band->has_dst_nodata = options->dst_nodata || (band->has_src_nodata && !setup->dst_alpha);
        band->dst_nodata = band->src_nodata;
        if (options->dst_nodata)
            band->dst_nodata = value_for(options->dst_nodata, options->dst_nodata_count, i);
        if (options->dst_nodata && !ncr_dtype_holds(dtype, band->dst_nodata))
            return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: a band of %s cannot hold the nodata value %g",
                                 source->path, ncr_dtype_name(dtype), band->dst_nodata);
        if (!band->has_dst_nodata || !ncr_dtype_holds(dtype, band->dst_nodata)) {
            band->has_dst_nodata = false;
            band->dst_nodata = 0;
        }
        band->initial = band->dst_nodata;
    }
    return NACRE_OK;
}

/* Items of a band that stay true when its pixels are warped. */
static nacre_status copy_band_metadata(ncr_metadata *to, const ncr_metadata *from, nacre_error *err)
{
    nacre_status status = NACRE_OK;
    for (size_t i = 0; i < from->count && !status; i++) {
        const ncr_metadata_item *item = &from->items[i];
        if (!ncr_text_starts(item->key, "STATISTICS_") && strcmp(item->domain, "IMAGE_STRUCTURE") != 0)
            status = ncr_metadata_set(to, item->domain, item->key, item->value, err);
    }
    return status;
}

/* Those of the dataset: not what is about the file or about its pixels' places. */
static nacre_status copy_metadata(ncr_metadata *to, const ncr_metadata *from, nacre_error *err)
{
    static const char *const left_out[] = {"IMAGE_STRUCTURE", "RPC", "GEOLOCATION", "DERIVED_SUBDATASETS"};
    nacre_status status = NACRE_OK;
    for (size_t i = 0; i < from->count && !status; i++) {
        const ncr_metadata_item *item = &from->items[i];
        bool is_left_out = false;
        for (size_t j = 0; j < sizeof left_out / sizeof *left_out; j++)
            is_left_out = is_left_out || strcmp(item->domain, left_out[j]) == 0;
        if (!is_left_out)
            status = ncr_metadata_set(to, item->domain, item->key, item->value, err);
    }
    return status;
}

nacre_nodata ncr_warp_nodata_of(double value)
{
    nacre_nodata nodata = {.is_set = true, .value = value};
    if (value >= -0x1p63 && value < 0x1p63)
        nodata.int64_value = (int64_t)value;
    if (value >= 0 && value < 0x1p64)
        nodata.uint64_value = (uint64_t)value;
    return nodata;
}

static nacre_status describe_band(ncr_warp_view *view, const ncr_dataset *source, const nacre_warp_options *options,
                                  int number, nacre_error *err)
{
    ncr_band *band = &view->base.bands[number - 1];
    if (number <= source->band_count) {
        const ncr_band *from = &source->bands[like_band(source, &view->setup, number) - 1];
        nacre_status status = ncr_band_copy(band, from, err);
        ncr_metadata_clear(&band->metadata);
        if (!status)
            status = copy_band_metadata(&band->metadata, &from->metadata, err);
        if (status)
            return status;
    }
    band->dtype = output_dtype(source, &view->setup, options, number);
    band->bits = 8 * (int)ncr_dtype_size(band->dtype);
    band->block_width = view->base.width < 512 ? view->base.width : 512;
    band->block_height = view->base.height < 128 ? view->base.height : 128;
    band->nodata = (nacre_nodata){0};
    for (int i = 0; i < view->setup.band_count; i++)
        if (view->setup.bands[i].dst == number && view->setup.bands[i].has_dst_nodata)
            band->nodata = ncr_warp_nodata_of(view->setup.bands[i].dst_nodata);
    if (number == view->setup.dst_alpha)
        band->color = NACRE_COLOR_ALPHA;
    return NACRE_OK;
}

static nacre_status describe(ncr_warp_view *view, const ncr_dataset *source, const nacre_warp_options *options,
                             nacre_error *err)
{
    ncr_dataset *base = &view->base;
    base->width = view->setup.grid.width;
    base->height = view->setup.grid.height;
    base->has_transform = true;
    base->transform = view->setup.grid.transform;
    base->crs = view->setup.spec.dst ? ncr_crs_ref(view->setup.spec.dst) : NULL;
    base->interleave = base->band_count > 1 ? "pixel" : "";
    base->is_tiled = base->width > 512;
    nacre_status status = copy_metadata(&base->metadata, &source->metadata, err);
    if (!status && base->band_count > 1)
        status = ncr_metadata_set(&base->metadata, "IMAGE_STRUCTURE", "INTERLEAVE", "PIXEL", err);
    for (int number = 1; number <= base->band_count && !status; number++)
        status = describe_band(view, source, options, number, err);
    ncr_warp_view_set_output(view);
    ncr_warp_view_set_masks(view);
    return status;
}

/* Complex values are refused here already, not at the first read. */
static nacre_status check_source(const ncr_dataset *source, const nacre_warp_options *options, nacre_error *err)
{
    if (ncr_dtype_is_complex(options->dtype) || ncr_dtype_is_complex(options->working_dtype))
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: warping to complex values is not supported",
                             source->path);
    for (int i = 0; i < source->band_count; i++)
        if (ncr_dtype_is_complex(source->bands[i].dtype))
            return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: warping of complex values is not supported",
                                 source->path);
    return ncr_warp_check_resampling(source->path, options->resampling, err);
}

/* The setup of a view and, so that a bad one fails now, its engine. */
static nacre_status fill_view(ncr_warp_view *view, ncr_warp_setup *setup, ncr_reprojection *reprojection,
                              ncr_dataset *source, const nacre_warp_options *options, nacre_error *err)
{
    view->setup = *setup;
    *setup = (ncr_warp_setup){0};
    view->source = ncr_lazy_of(source);
    if (!view->source)
        return ncr_error_memory(err);
    nacre_status status = describe(view, source, options, err);
    if (status)
        return status;
    ncr_warp_engine *engine;
    status =
        ncr_warp_engine_new(source->path, &view->setup, source, NULL, options->resampling, reprojection, &engine, err);
    atomic_store(&view->engine, engine);
    return status;
}

static nacre_status new_view(ncr_dataset *source, const nacre_warp_options *options, ncr_warp_setup *setup,
                             ncr_dataset **out, nacre_error *err)
{
    ncr_reprojection *reprojection = NULL;
    nacre_status status = find_grid(source, options, setup, &reprojection, err);
    if (!status)
        status = find_bands(source, options, setup, err);
    if (!status)
        status = find_dst_nodata(source, options, setup, err);
    if (!status)
        status = ncr_warp_apply_options(source->path, options->warp, setup, err);
    int count = setup->dst_alpha > source->band_count ? setup->dst_alpha : source->band_count;
    if (options->no_alpha)
        count = setup->band_count;
    ncr_warp_view *view = status ? NULL : ncr_warp_view_alloc(count);
    if (!status && !view)
        status = ncr_error_memory(err);
    if (!status)
        status = fill_view(view, setup, reprojection, source, options, err);
    ncr_reprojection_unref(reprojection);
    if (status && view)
        ncr_dataset_unref(&view->base);
    else if (view)
        *out = &view->base;
    return status;
}

static nacre_status start_setup(const nacre_warp_options *options, ncr_warp_setup *setup, nacre_error *err)
{
    *setup = (ncr_warp_setup){.resampling = options->resampling,
                              .overview = NCR_OVERVIEW_AUTO,
                              .working = options->working_dtype,
                              .max_error = options->tolerance,
                              .memory_limit = 64 * 1024 * 1024};
    if (!(options->tolerance >= 0))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "tolerance: it must be 0 or more");
    return NACRE_OK;
}

nacre_status ncr_warp_view_new(ncr_dataset *source, const nacre_warp_options *options, ncr_dataset **out,
                               nacre_error *err)
{
    *out = NULL;
    static const nacre_warp_options defaults = NACRE_WARP_OPTIONS_INIT;
    options = options ? options : &defaults;
    ncr_warp_setup setup;
    nacre_status status = start_setup(options, &setup, err);
    if (!status)
        status = check_source(source, options, err);
    if (!status)
        status = new_view(source, options, &setup, out, err);
    ncr_warp_setup_clear(&setup);
    return status;
}

nacre_status ncr_warp_grid(ncr_dataset *source, const nacre_warp_options *options, nacre_grid *out, nacre_error *err)
{
    *out = (nacre_grid){0};
    static const nacre_warp_options defaults = NACRE_WARP_OPTIONS_INIT;
    ncr_warp_setup setup = {0};
    ncr_reprojection *reprojection = NULL;
    nacre_status status = find_grid(source, options ? options : &defaults, &setup, &reprojection, err);
    if (!status)
        *out = setup.grid;
    ncr_reprojection_unref(reprojection);
    ncr_warp_setup_clear(&setup);
    return status;
}

nacre_status ncr_warp_grid_of(const nacre_grid *source, const nacre_warp_options *options, nacre_grid *out,
                              nacre_error *err)
{
    *out = (nacre_grid){0};
    if (!options || !options->src_crs || !options->dst_crs)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "grid: both CRSs must be given");
    if (source->width < 1 || source->height < 1)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "grid: it must have at least one pixel");
    char name[] = "grid";
    ncr_dataset dataset = {.path = name,
                           .width = source->width,
                           .height = source->height,
                           .has_transform = true,
                           .transform = source->transform};
    return ncr_warp_grid(&dataset, options, out, err);
}
