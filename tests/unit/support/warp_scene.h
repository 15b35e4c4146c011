/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef TEST_SUPPORT_WARP_SCENE_H
#define TEST_SUPPORT_WARP_SCENE_H

#include <stdlib.h>

#include "cmocka_all.h"
#include "raster/crs.h"
#include "support/memory_raster.h"
#include "warp/warp.h"

/* A textured scene in memory, and views of it. */

/* All but gauss. */
static const nacre_resampling all[] = {
    NACRE_RESAMPLING_NEAREST, NACRE_RESAMPLING_BILINEAR, NACRE_RESAMPLING_CUBIC, NACRE_RESAMPLING_CUBIC_SPLINE,
    NACRE_RESAMPLING_LANCZOS, NACRE_RESAMPLING_AVERAGE,  NACRE_RESAMPLING_MODE,  NACRE_RESAMPLING_MAX,
    NACRE_RESAMPLING_MIN,     NACRE_RESAMPLING_MED,      NACRE_RESAMPLING_Q1,    NACRE_RESAMPLING_Q3,
    NACRE_RESAMPLING_SUM,     NACRE_RESAMPLING_RMS};
enum { ALL = sizeof all / sizeof *all };

static const nacre_transform utm = {100, 0, 300000, 0, -100, 5000000};

static inline uint8_t texture(int64_t x, int64_t y, int band)
{
    return (uint8_t)(40 + (x * 7 + y * 13 + band * 29 + (x * y) % 11) % 180);
}

static inline memory_raster *scene(int width, int height, int bands)
{
    uint8_t *values = malloc((size_t)width * (size_t)height * (size_t)bands);
    for (int b = 0; b < bands; b++)
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                values[((size_t)b * (size_t)height + (size_t)y) * (size_t)width + (size_t)x] = texture(x, y, b);
    return memory_raster_new(width, height, bands, NACRE_DTYPE_UINT8, values, &utm, "EPSG:32633");
}

static inline ncr_dataset *warp(memory_raster *source, nacre_warp_options *options, const char *dst_crs)
{
    ncr_dataset *view;
    nacre_error err = {0};
    nacre_crs *crs = NULL;
    if (dst_crs)
        assert_int_equal(ncr_crs_from_text(dst_crs, &crs, NULL), NACRE_OK);
    options->dst_crs = crs;
    nacre_status status = ncr_warp_view_new(&source->base, options, &view, &err);
    if (status)
        print_error("%s\n", err.message);
    assert_int_equal(status, NACRE_OK);
    ncr_crs_unref(crs);
    options->dst_crs = NULL;
    return view;
}

static inline uint8_t *read_all(ncr_dataset *dataset)
{
    return memory_raster_read(dataset, (ncr_rect){0, 0, dataset->width, dataset->height});
}

static inline void free_pair(ncr_dataset *view, memory_raster *source)
{
    ncr_dataset_unref(view);
    ncr_dataset_unref(&source->base);
}

#endif
