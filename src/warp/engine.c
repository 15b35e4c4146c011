/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "warp/engine.h"

#include <math.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "raster/dtype.h"

nacre_status ncr_warp_check_resampling(const char *name, nacre_resampling resampling, nacre_error *err)
{
    const char *word = ncr_resampling_name(resampling);
    if (word && resampling != NACRE_RESAMPLING_GAUSS)
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED,
                         "%s: resampling \"%s\" is not supported when warping: use another, as nearest or average",
                         name, word ? word : "unknown");
}

static nacre_status check_band(const char *name, const ncr_dataset *source, int band, nacre_error *err)
{
    if (band < 1 || band > source->band_count)
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: it maps band %d, but its source %s has %d", name, band,
                             source->path, source->band_count);
    if (ncr_dtype_is_complex(source->bands[band - 1].dtype))
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: warping of complex values (%s) is not supported", name,
                             ncr_dtype_name(source->bands[band - 1].dtype));
    return NACRE_OK;
}

static nacre_status check_bands(const char *name, const ncr_warp_setup *setup, const ncr_dataset *source,
                                nacre_error *err)
{
    nacre_status status = setup->src_alpha ? check_band(name, source, setup->src_alpha, err) : NACRE_OK;
    for (int i = 0; i < setup->band_count && !status; i++)
        status = check_band(name, source, setup->bands[i].src, err);
    return status;
}

/* The type that everything is computed in: it holds the values of all bands on both sides. */
static nacre_dtype working_dtype(const ncr_warp_setup *setup, const ncr_dataset *source)
{
    nacre_dtype dtype = setup->working;
    if (dtype != NACRE_DTYPE_UNKNOWN)
        return ncr_dtype_union(dtype, dtype);
    dtype = setup->output;
    for (int i = 0; i < setup->band_count; i++)
        dtype = ncr_dtype_union(dtype, source->bands[setup->bands[i].src - 1].dtype);
    if (setup->src_alpha)
        dtype = ncr_dtype_union(dtype, source->bands[setup->src_alpha - 1].dtype);
    return dtype;
}

/* The source's geotransform at the level that is read. */
static nacre_transform level_transform(const ncr_warp_engine *engine, int width, int height)
{
    nacre_transform t = engine->setup->src_transform;
    double x = (double)engine->source->width / width, y = (double)engine->source->height / height;
    bool is_given = engine->level == 0 || engine->setup->is_level_transform;
    return is_given ? t : (nacre_transform){t.a * x, t.b * y, t.c, t.d * x, t.e * y, t.f};
}

static nacre_status set_map(ncr_warp_engine *engine, const char *name, const nacre_grid *grid,
                            ncr_reprojection *reprojection, nacre_error *err)
{
    const ncr_warp_setup *setup = engine->setup;
    ncr_map full;
    nacre_status status = ncr_map_init(&full, name, reprojection, &setup->src_transform, &grid->transform, err);
    if (status)
        return status;
    status = ncr_map_level(&full, grid->width, grid->height, engine->source, setup->overview, &engine->level, err);
    ncr_map_clear(&full);
    if (status)
        return status;
    ncr_kernel *kernel = &engine->kernel;
    kernel->width = engine->level ? engine->source->overviews[engine->level - 1][0] : engine->source->width;
    kernel->height = engine->level ? engine->source->overviews[engine->level - 1][1] : engine->source->height;
    nacre_transform src = level_transform(engine, kernel->width, kernel->height);
    status = ncr_map_init(&engine->map, name, reprojection, &src, &grid->transform, err);
    if (!status)
        status = ncr_map_find_globe(&engine->map, err);
    kernel->globe = engine->map.globe;
    return status;
}

static nacre_status set_kernel(ncr_warp_engine *engine, const char *name, nacre_resampling resampling, nacre_error *err)
{
    double x_scale, y_scale;
    bool meets;
    nacre_status status =
        ncr_map_scale(&engine->map, engine->width, engine->height, engine->kernel.width, engine->kernel.height,
                      ncr_kernel_taps(resampling), &x_scale, &y_scale, &meets, err);
    if (status)
        return status;
    if (!meets)
        ncr_log(NCR_LOG_WARNING, "%s: nothing of it lies on the output's grid: every pixel is without data", name);
    if (engine->setup->samples_scale)
        status = ncr_map_local_scale(&engine->map, engine->width, engine->height, &x_scale, &y_scale, err);
    if (status)
        return status;
    if (engine->setup->x_scale > 0)
        x_scale = engine->setup->x_scale;
    if (engine->setup->y_scale > 0)
        y_scale = engine->setup->y_scale;
    if (ncr_map_is_shift(&engine->map))
        resampling = NACRE_RESAMPLING_NEAREST;
    ncr_kernel_set_scale(&engine->kernel, resampling, x_scale, y_scale);
    return NACRE_OK;
}

/* Nodata and what partly covered pixels are mixed with. */
static nacre_status set_nodata(ncr_warp_engine *engine, nacre_error *err)
{
    const ncr_warp_setup *setup = engine->setup;
    ncr_kernel *kernel = &engine->kernel;
    kernel->blends_initial = !setup->dst_alpha;
    if (!ncr_warp_setup_has_dst_nodata(setup))
        return NACRE_OK;
    engine->dst_nodata = ncr_alloc_array((size_t)setup->band_count, sizeof *engine->dst_nodata);
    if (!engine->dst_nodata)
        return ncr_error_memory(err);
    bool is_initial = true;
    for (int i = 0; i < setup->band_count; i++) {
        const ncr_warp_band *band = &setup->bands[i];
        engine->dst_nodata[i] = band->has_dst_nodata ? band->dst_nodata : (double)NAN;
        bool same = band->initial == band->dst_nodata || (isnan(band->initial) && isnan(band->dst_nodata));
        is_initial = is_initial && band->has_dst_nodata && same;
    }
    kernel->dst_nodata = engine->dst_nodata;
    kernel->nudge_together = setup->band_count > 1;
    if (is_initial)
        kernel->blends_initial = false;
    return NACRE_OK;
}

static void set_masks(ncr_warp_engine *engine)
{
    const ncr_warp_setup *setup = engine->setup;
    const ncr_dataset *source = engine->source;
    unsigned flags = source->bands[setup->bands[0].src - 1].mask_flags;
    engine->uses_mask = (flags & NACRE_MASK_PER_DATASET) && !(flags & NACRE_MASK_ALPHA) && !setup->src_alpha &&
                        !ncr_warp_setup_has_src_nodata(setup);
    engine->src_alpha_max = setup->src_alpha_max;
    if (setup->src_alpha && engine->src_alpha_max <= 0) {
        const ncr_band *alpha = &source->bands[setup->src_alpha - 1];
        engine->src_alpha_max = ncr_alpha_max(alpha->dtype, alpha->bits);
    }
    engine->dst_alpha_max = setup->dst_alpha_max;
}

static nacre_status build(ncr_warp_engine *engine, const char *name, const nacre_grid *grid,
                          nacre_resampling resampling, ncr_reprojection *reprojection, nacre_error *err)
{
    nacre_status status = check_bands(name, engine->setup, engine->source, err);
    if (!status)
        status = ncr_warp_check_resampling(name, resampling, err);
    if (!status)
        status = set_map(engine, name, grid, reprojection, err);
    if (!status)
        status = set_kernel(engine, name, resampling, err);
    if (!status)
        status = set_nodata(engine, err);
    if (status)
        return status;
    engine->kernel.band_count = engine->setup->band_count;
    engine->kernel.dtype = working_dtype(engine->setup, engine->source);
    engine->run = ncr_kernel_find(engine->kernel.dtype);
    if (!engine->run)
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: warping in the type %s is not supported", name,
                             ncr_dtype_name(engine->kernel.dtype));
    set_masks(engine);
    return NACRE_OK;
}

nacre_status ncr_warp_engine_new(const char *name, const ncr_warp_setup *setup, ncr_dataset *source,
                                 const nacre_grid *grid, nacre_resampling resampling, ncr_reprojection *reprojection,
                                 ncr_warp_engine **out, nacre_error *err)
{
    *out = NULL;
    ncr_warp_engine *engine = calloc(1, sizeof *engine);
    if (!engine)
        return ncr_error_memory(err);
    atomic_init(&engine->references, 1);
    engine->setup = setup;
    engine->source = ncr_dataset_ref(source);
    grid = grid ? grid : &setup->grid;
    engine->width = grid->width;
    engine->height = grid->height;
    nacre_status status = NACRE_OK;
    ncr_reprojection *used = reprojection ? ncr_reprojection_ref(reprojection) : NULL;
    if (!used)
        status = ncr_reprojection_new(name, &setup->spec, &used, err);
    if (!status)
        status = build(engine, name, grid, resampling, used, err);
    ncr_reprojection_unref(used);
    if (status) {
        ncr_warp_engine_unref(engine);
        return status;
    }
    *out = engine;
    return NACRE_OK;
}

ncr_warp_engine *ncr_warp_engine_ref(ncr_warp_engine *engine)
{
    atomic_fetch_add(&engine->references, 1);
    return engine;
}

void ncr_warp_engine_unref(ncr_warp_engine *engine)
{
    if (!engine || atomic_fetch_sub(&engine->references, 1) != 1)
        return;
    ncr_map_clear(&engine->map);
    ncr_dataset_unref(engine->source);
    free(engine->dst_nodata);
    free(engine);
}
