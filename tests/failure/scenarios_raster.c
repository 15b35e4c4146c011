/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "scenario.h"

/* Rasters in local files. */

static nacre_status save(nacre_dataset *dataset, const char *path, const char *format, nacre_error *err)
{
    nacre_save_options options = NACRE_SAVE_OPTIONS_INIT;
    options.format = format;
    options.overwrite = true;
    return nacre_dataset_save(dataset, path, &options, NULL, err);
}

nacre_status scene_read_and_close(nacre_dataset *dataset, uint64_t *result, nacre_error *err)
{
    static uint8_t pixels[2 * SCENE_WIDTH * SCENE_HEIGHT];
    nacre_dataset_info info;
    nacre_dataset_info_get(dataset, &info);
    nacre_read_options options = NACRE_READ_OPTIONS_INIT;
    options.window = (nacre_window){0, 0, info.width - 20, info.height - 20};
    options.out_width = 120;
    options.out_height = 90;
    options.resampling = NACRE_RESAMPLING_BILINEAR;
    nacre_status status = nacre_dataset_read(dataset, &options, NULL, pixels, sizeof pixels, err);
    if (status == NACRE_OK)
        result_add(result, pixels, (size_t)120 * 90 * (size_t)info.band_count);
    options.window = (nacre_window){10, 10, 60, 40};
    options.out_width = options.out_height = 0;
    if (status == NACRE_OK)
        status = nacre_dataset_read(dataset, &options, NULL, pixels, sizeof pixels, err);
    if (status == NACRE_OK)
        result_add(result, pixels, (size_t)60 * 40 * (size_t)info.band_count);
    nacre_dataset_close(dataset);
    return status;
}

nacre_status scene_read_raster(const char *path, uint64_t *result, nacre_error *err)
{
    nacre_dataset *dataset;
    nacre_status status = nacre_dataset_open(path, NULL, NULL, &dataset, err);
    return status == NACRE_OK ? scene_read_and_close(dataset, result, err) : status;
}

static nacre_status read_cog(uint64_t *result, nacre_error *err)
{
    return scene_read_raster("in/a.tif", result, err);
}

static nacre_status read_tiff(uint64_t *result, nacre_error *err)
{
    return scene_read_raster("in/p.tif", result, err);
}

/* Opens a raster, saves something of it, and reads that. */
static nacre_status save_as(const char *path, const char *format, nacre_error *err)
{
    nacre_dataset *dataset;
    nacre_status status = nacre_dataset_open("in/a.tif", NULL, NULL, &dataset, err);
    if (status != NACRE_OK)
        return status;
    status = save(dataset, path, format, err);
    nacre_dataset_close(dataset);
    return status;
}

static nacre_status save_png(uint64_t *result, nacre_error *err)
{
    (void)result;
    return save_as("out/a.png", "PNG", err);
}

static nacre_status save_cog(uint64_t *result, nacre_error *err)
{
    (void)result;
    return save_as("out/a.tif", "COG", err);
}

static nacre_status save_tiff(uint64_t *result, nacre_error *err)
{
    (void)result;
    return save_as("out/a.tif", "GTiff", err);
}

static nacre_status warp(nacre_dataset *source, nacre_dataset **out, nacre_error *err)
{
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    *out = NULL;
    nacre_status status = nacre_crs_from_text("EPSG:3857", &options.dst_crs, err);
    options.resampling = NACRE_RESAMPLING_BILINEAR;
    if (status == NACRE_OK)
        status = nacre_view_warp(source, &options, out, err);
    nacre_crs_unref(options.dst_crs);
    return status;
}

static nacre_status warped_vrt(uint64_t *result, nacre_error *err)
{
    nacre_dataset *source, *view = NULL;
    nacre_status status = nacre_dataset_open("in/a.tif", NULL, NULL, &source, err);
    if (status != NACRE_OK)
        return status;
    status = warp(source, &view, err);
    if (status == NACRE_OK)
        status = save(view, "out/a.vrt", "VRT", err);
    nacre_dataset_close(view);
    nacre_dataset_close(source);
    return status == NACRE_OK ? scene_read_raster("out/a.vrt", result, err) : status;
}

static nacre_status mosaic_of(const char *first, const char *second, const char *path, uint64_t *result,
                              nacre_error *err)
{
    nacre_dataset *sources[2] = {NULL, NULL}, *view = NULL;
    nacre_status status = nacre_dataset_open(first, NULL, NULL, &sources[0], err);
    if (status == NACRE_OK)
        status = nacre_dataset_open(second, NULL, NULL, &sources[1], err);
    if (status == NACRE_OK)
        status = nacre_view_mosaic(sources, 2, NULL, &view, err);
    if (status == NACRE_OK)
        status = save(view, path, "VRT", err);
    nacre_dataset_close(view);
    nacre_dataset_close(sources[0]);
    nacre_dataset_close(sources[1]);
    return status == NACRE_OK ? scene_read_raster(path, result, err) : status;
}

static nacre_status mosaic_vrt(uint64_t *result, nacre_error *err)
{
    return mosaic_of("in/a.tif", "in/b.tif", "out/m.vrt", result, err);
}

static nacre_status translated(uint64_t *result, nacre_error *err)
{
    static const int bands[] = {2, 1};
    nacre_dataset *source, *view = NULL;
    nacre_status status = nacre_dataset_open("in/a.tif", NULL, NULL, &source, err);
    if (status != NACRE_OK)
        return status;
    nacre_translate_options options = NACRE_TRANSLATE_OPTIONS_INIT;
    options.window = (nacre_window){20, 30, 200, 100};
    options.bands = bands;
    options.band_count = 2;
    status = nacre_view_translate(source, &options, &view, err);
    if (status == NACRE_OK)
        status = save(view, "out/t.vrt", "VRT", err);
    nacre_dataset_close(source);
    if (status == NACRE_OK)
        return scene_read_and_close(view, result, err);
    nacre_dataset_close(view);
    return status;
}

const scenario raster_scenarios[] = {
    {"cog-read", NULL, {"in/a.tif"}, NULL, NULL, read_cog, 0},
    {"tiff-read", NULL, {"in/p.tif"}, NULL, NULL, read_tiff, 0},
    {"cog-save", "out", {"in/a.tif", "out/a.tif"}, NULL, NULL, save_cog, 0},
    {"tiff-save", "out", {"in/a.tif", "out/a.tif"}, NULL, NULL, save_tiff, 0},
    {"png-save", "out", {"in/a.tif", "out/a.png"}, NULL, NULL, save_png, 0},
    {"vrt-warped", "out", {"in/a.tif", "out/a.vrt", "out/../in/a.tif"}, NULL, NULL, warped_vrt, SCENARIO_SLOW},
    {"vrt-mosaic", "out", {"in/a.tif", "in/b.tif", "out/m.vrt", "out/../in/"}, NULL, NULL, mosaic_vrt, 0},
    {"vrt-translated", "out", {"in/a.tif", "out/t.vrt"}, NULL, NULL, translated, 0},
    {0},
};
