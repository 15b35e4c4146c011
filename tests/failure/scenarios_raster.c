/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>

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

/* --- Made and changed --- */

static void must(bool condition, const char *what)
{
    if (condition)
        return;
    perror(what);
    exit(2);
}

/* A copy of a raster, to be changed. */
static void copy_raster(void)
{
    static uint8_t content[1 << 20];
    FILE *from = fopen("in/a.tif", "rb");
    must(from, "in/a.tif");
    size_t size = fread(content, 1, sizeof content, from);
    fclose(from);
    FILE *to = fopen("out/a.tif", "wb");
    must(size && size < sizeof content && to && fwrite(content, 1, size, to) == size && !fclose(to), "out/a.tif");
}

static nacre_status write_square(nacre_dataset *dataset, double x, double y, uint8_t value, nacre_error *err)
{
    enum { SIDE = 70 };
    static uint8_t pixels[2 * SIDE * SIDE];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(value + i % 7);
    nacre_dataset_write_options options = NACRE_DATASET_WRITE_OPTIONS_INIT;
    options.window = (nacre_window){x, y, SIDE, SIDE};
    return nacre_dataset_write(dataset, &options, NULL, pixels, sizeof pixels, err);
}

/* Describes a dataset, writes two windows that overlap, and a mask where it asks for one; commits and closes it. */
static nacre_status change_and_close(nacre_dataset *dataset, bool with_mask, uint64_t *result, nacre_error *err)
{
    static uint8_t mask[SCENE_WIDTH * 20];
    nacre_dataset_write_options options = NACRE_DATASET_WRITE_OPTIONS_INIT;
    options.window = (nacre_window){0, 50, SCENE_WIDTH, 20};
    options.dataset_mask = true;
    nacre_status status = write_square(dataset, 200, 100, 9, err);
    if (status == NACRE_OK)
        status = write_square(dataset, 150, 90, 77, err);
    if (status == NACRE_OK && with_mask)
        status = nacre_dataset_write(dataset, &options, NULL, mask, sizeof mask, err);
    if (status == NACRE_OK)
        status = nacre_dataset_set_metadata(dataset, 0, NULL, "KEY", "value", err);
    static const int factors[] = {2};
    if (status == NACRE_OK)
        status = nacre_dataset_build_overviews(dataset, factors, 1, NACRE_RESAMPLING_AVERAGE, err);
    if (status == NACRE_OK)
        status = nacre_dataset_commit(dataset, NULL, NULL, NULL, err);
    if (status == NACRE_OK)
        return scene_read_and_close(dataset, result, err);
    nacre_dataset_close(dataset);
    return status;
}

static nacre_status make_tiff(uint64_t *result, nacre_error *err)
{
    static const char *const creation[] = {"TILED=YES", "COMPRESS=DEFLATE", "BLOCKXSIZE=64", "BLOCKYSIZE=64", NULL};
    nacre_create_options options = NACRE_CREATE_OPTIONS_INIT;
    options.format = "GTiff";
    options.creation = creation;
    options.overwrite = true;
    nacre_dataset *dataset;
    nacre_status status = nacre_dataset_create("out/a.tif", SCENE_WIDTH, SCENE_HEIGHT, 2, NACRE_DTYPE_UINT8, &options,
                                               NULL, &dataset, err);
    return status == NACRE_OK ? change_and_close(dataset, true, result, err) : status;
}

static nacre_status update(const char *path, uint64_t *result, nacre_error *err)
{
    nacre_dataset *dataset;
    nacre_status status = nacre_dataset_update(path, NULL, NULL, &dataset, err);
    return status == NACRE_OK ? change_and_close(dataset, false, result, err) : status;
}

static nacre_status update_cog(uint64_t *result, nacre_error *err)
{
    return update("out/a.tif", result, err);
}

static nacre_status save_web_map(uint64_t *result, nacre_error *err)
{
    (void)result;
    static const char *const creation[] = {"TILING_SCHEME=GoogleMapsCompatible", "COMPRESS=DEFLATE", NULL};
    nacre_dataset *dataset;
    nacre_status status = nacre_dataset_open("in/a.tif", NULL, NULL, &dataset, err);
    if (status != NACRE_OK)
        return status;
    nacre_save_options options = NACRE_SAVE_OPTIONS_INIT;
    options.format = "COG";
    options.creation = creation;
    options.overwrite = true;
    status = nacre_dataset_save(dataset, "out/a.tif", &options, NULL, err);
    nacre_dataset_close(dataset);
    return status;
}

/* Three reads of two rasters: one whole, one of its windows, one of the other. */
enum { BATCH = 3 };

static void set_batch(nacre_batch_item items[BATCH], nacre_read_options reads[BATCH], const char *const paths[2])
{
    static const nacre_window windows[BATCH] = {{0, 0, SCENE_WIDTH, SCENE_HEIGHT}, {10, 20, 100, 50}, {200, 3, 80, 90}};
    for (size_t i = 0; i < BATCH; i++) {
        reads[i] = (nacre_read_options)NACRE_READ_OPTIONS_INIT;
        reads[i].window = windows[i];
        items[i] = (nacre_batch_item){.size = sizeof *items, .path = paths[i / 2], .read_options = &reads[i]};
    }
}

static nacre_status end_batch(nacre_batch_item items[BATCH], nacre_status status, uint64_t *result)
{
    for (size_t i = 0; i < BATCH; i++) {
        if (status == NACRE_OK)
            result_add(result, items[i].buffer, items[i].buffer_size);
        nacre_batch_item_clear(&items[i]);
    }
    return status;
}

static nacre_status batch_local(uint64_t *result, nacre_error *err)
{
    static const char *const paths[] = {"in/a.tif", "in/b.tif"};
    nacre_batch_item items[BATCH];
    nacre_read_options reads[BATCH];
    set_batch(items, reads, paths);
    return end_batch(items, nacre_dataset_read_batch(items, BATCH, NULL, NULL, err), result);
}

static nacre_status batch_started(uint64_t *result, nacre_error *err)
{
    static const char *const paths[] = {"gs://b/in/a.tif", "gs://b/in/b.tif"};
    nacre_batch_item items[BATCH];
    nacre_read_options reads[BATCH];
    nacre_future *future;
    set_batch(items, reads, paths);
    nacre_status status = nacre_dataset_read_batch_start(items, BATCH, NULL, NULL, &future, err);
    if (status != NACRE_OK)
        return end_batch(items, status, result);
    nacre_future_wait(future, -1);
    status = nacre_future_status(future, err);
    nacre_future_free(future);
    return end_batch(items, status, result);
}

const scenario raster_scenarios[] = {
    {"cog-read", NULL, {"in/a.tif"}, NULL, NULL, read_cog, 0},
    {"tiff-read", NULL, {"in/p.tif"}, NULL, NULL, read_tiff, 0},
    {"cog-save", "out", {"in/a.tif", "out/a.tif"}, NULL, NULL, save_cog, 0},
    {"tiff-save", "out", {"in/a.tif", "out/a.tif"}, NULL, NULL, save_tiff, 0},
    {"tiff-make", "out", {"out/a.tif"}, NULL, NULL, make_tiff, 0},
    {"cog-update", "out", {"out/a.tif"}, copy_raster, NULL, update_cog, SCENARIO_SLOW},
    {"cog-web-map", "out", {"in/a.tif", "out/a.tif"}, NULL, NULL, save_web_map, SCENARIO_SLOW},
    {"png-save", "out", {"in/a.tif", "out/a.png"}, NULL, NULL, save_png, 0},
    {"vrt-warped", "out", {"in/a.tif", "out/a.vrt", "out/../in/a.tif"}, NULL, NULL, warped_vrt, SCENARIO_SLOW},
    {"vrt-mosaic", "out", {"in/a.tif", "in/b.tif", "out/m.vrt", "out/../in/"}, NULL, NULL, mosaic_vrt, 0},
    {"batch-local", NULL, {"in/a.tif", "in/b.tif"}, NULL, NULL, batch_local, SCENARIO_WHOLE},
    {"batch-gs", NULL, {"gs://b/in/a.tif", "gs://b/in/b.tif"}, NULL, NULL, batch_started, SCENARIO_WHOLE},
    {"vrt-translated", "out", {"in/a.tif", "out/t.vrt"}, NULL, NULL, translated, 0},
    {0},
};
