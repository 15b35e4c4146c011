/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <math.h>
#include <string.h>

#include "support/warp_scene.h"

/* What options of views mean by GDAL's names, and which are refused. */

static nacre_status try_warp(memory_raster *source, const nacre_warp_options *options, const char *words)
{
    ncr_dataset *view;
    nacre_error err = {0};
    nacre_status status = ncr_warp_view_new(&source->base, options, &view, &err);
    assert_null(view);
    if (!strstr(err.message, words))
        fail_msg("\"%s\" is not in \"%s\"", words, err.message);
    return status;
}

static void what_cannot_be_warped_is_said(void **state)
{
    (void)state;
    memory_raster *source = scene(10, 10, 1);
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    options.resampling = NACRE_RESAMPLING_GAUSS;
    assert_int_equal(try_warp(source, &options, "gauss"), NACRE_ERROR_UNSUPPORTED);
    options.resampling = NACRE_RESAMPLING_NEAREST;
    const double nodata = -9999;
    options.dst_nodata = &nodata;
    assert_int_equal(try_warp(source, &options, "cannot hold"), NACRE_ERROR_INVALID);
    options.dst_nodata = NULL;
    const nacre_transform singular = {1, 2, 0, 2, 4, 0};
    options.src_transform = &singular;
    assert_int_equal(try_warp(source, &options, "geotransform"), NACRE_ERROR_INVALID);
    options.src_transform = NULL;
    source->base.bands[0].dtype = NACRE_DTYPE_COMPLEX64;
    assert_int_equal(try_warp(source, &options, "complex"), NACRE_ERROR_UNSUPPORTED);
    source->base.bands[0].dtype = NACRE_DTYPE_UINT8;
    assert_int_equal(ncr_crs_from_text("EPSG:4326", &options.dst_crs, NULL), NACRE_OK);
    ncr_crs_unref(source->base.crs);
    source->base.crs = NULL;
    assert_int_equal(try_warp(source, &options, "no CRS"), NACRE_ERROR_INVALID);
    ncr_crs_unref(options.dst_crs);
    options.dst_crs = NULL;
    source->base.has_transform = false;
    assert_int_equal(try_warp(source, &options, "no geotransform"), NACRE_ERROR_INVALID);
    ncr_dataset_unref(&source->base);
}

/* Each number of the options, as none or without an end. */
static void numbers_without_an_end_are_refused(void **state)
{
    (void)state;
    memory_raster *source = scene(10, 10, 1);
    const double bad[] = {(double)NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        for (int field = 0; field < 6; field++) {
            double numbers[6] = {100, 0, 300000, 0, -100, 5000000}, bounds[4] = {300000, 4999000, 301000, 5000000};
            numbers[field] = bad[i];
            const nacre_transform t = {numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]};
            nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
            options.src_transform = &t;
            assert_int_equal(try_warp(source, &options, "geotransform"), NACRE_ERROR_INVALID);
            options.src_transform = NULL;
            options.transform = &t;
            options.width = options.height = 10;
            assert_int_equal(try_warp(source, &options, "geotransform"), NACRE_ERROR_INVALID);
            options.transform = NULL;
            options.width = options.height = 0;
            bounds[field % 4] = bad[i];
            options.bounds = bounds;
            assert_int_equal(try_warp(source, &options, "bounds"), NACRE_ERROR_INVALID);
            options.bounds = NULL;
            options.res_x = options.res_y = bad[i];
            assert_int_equal(try_warp(source, &options, "resolution"), NACRE_ERROR_INVALID);
        }
    }
    ncr_dataset_unref(&source->base);
}

static void grids_beyond_all_bounds_are_too_large(void **state)
{
    (void)state;
    memory_raster *source = scene(10, 10, 1);
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    options.res_x = options.res_y = 1e-9;
    assert_int_equal(try_warp(source, &options, "coarser resolution"), NACRE_ERROR_TOO_LARGE);
    ncr_dataset_unref(&source->base);
}

/* --- GDAL's warp options --- */

static void options_by_gdals_names_are_heeded(void **state)
{
    (void)state;
    memory_raster *source = scene(20, 20, 2);
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    const nacre_transform aside = {100, 0, 290000, 0, -100, 5000000};
    const char *words[] = {"INIT_DEST=7,9", NULL};
    options.transform = &aside;
    options.width = options.height = 10;
    options.warp = words;
    ncr_dataset *view = warp(source, &options, NULL);
    uint8_t *pixels = read_all(view);
    assert_int_equal(pixels[0], 7);
    assert_int_equal(pixels[100], 9);
    free(pixels);
    free_pair(view, source);
}

/* Bands apart: where one is without data only that is; together: where all are. */
static void nodata_of_bands_is_unified_as_asked(void **state)
{
    (void)state;
    static const char *const rules[] = {"UNIFIED_SRC_NODATA=YES", "UNIFIED_SRC_NODATA=NO",
                                        "UNIFIED_SRC_NODATA=PARTIAL"};
    static const uint8_t expected[3][4] = {{50, 60, 50, 0}, {0, 60, 0, 0}, {0, 60, 0, 0}};
    for (int i = 0; i < 3; i++) {
        memory_raster *source = scene(2, 2, 2);
        static const uint8_t values[] = {50, 60, 50, 50, 70, 70, 70, 50};
        memcpy(source->values, values, sizeof values);
        const double nodata = 50, none = 0;
        const char *words[] = {rules[i], NULL};
        nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
        options.src_nodata = &nodata;
        options.dst_nodata = &none;
        options.warp = words;
        ncr_dataset *view = warp(source, &options, NULL);
        uint8_t *pixels = read_all(view);
        assert_memory_equal(pixels, expected[i], 4);
        free(pixels);
        free_pair(view, source);
    }
}

static void options_that_are_not_known_are_named(void **state)
{
    (void)state;
    memory_raster *source = scene(20, 20, 1);
    static const char *const bad[][2] = {{"INIT_DEST=black", "INIT_DEST"},
                                         {"NOT_AN_OPTION=1", "NOT_AN_OPTION"},
                                         {"INIT_DEST", "KEY=VALUE"},
                                         {"XSCALE=-1", "XSCALE"},
                                         {"CUTLINE=POINT (1 2)", "no polygon"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *words[] = {bad[i][0], NULL};
        nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
        options.warp = words;
        nacre_status status = try_warp(source, &options, bad[i][1]);
        assert_int_equal(status, i == 1 ? NACRE_ERROR_UNSUPPORTED : NACRE_ERROR_INVALID);
    }
    ncr_dataset_unref(&source->base);
}

static void alpha_may_stay_out_of_the_output(void **state)
{
    (void)state;
    uint8_t *values = malloc(12);
    memcpy(values, (const uint8_t[]){10, 20, 30, 40, 255, 255, 0, 51, 1, 2, 3, 4}, 12);
    memory_raster *source = memory_raster_new(2, 2, 3, NACRE_DTYPE_UINT8, values, &utm, "EPSG:32633");
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    const double nodata = 110;
    options.src_alpha = 2;
    options.no_alpha = true;
    options.dst_nodata = &nodata;
    options.warp = (const char *const[]){"INIT_DEST=140", NULL};
    ncr_dataset *view = warp(source, &options, NULL);
    assert_true(view->band_count == 3 && view->alpha_band == 0);
    uint8_t *pixels = read_all(view);
    assert_memory_equal(pixels, ((const uint8_t[]){10, 20, 140, 120, 255, 255, 140, 122, 1, 2, 140, 113}), 12);
    free(pixels);
    ncr_dataset_unref(view);
    /* Its own band of alpha is not warped as the others are. */
    options.src_alpha = 0;
    source->base.alpha_band = 2;
    view = warp(source, &options, NULL);
    assert_true(view->band_count == 2 && view->alpha_band == 0);
    pixels = read_all(view);
    assert_memory_equal(pixels, ((const uint8_t[]){10, 20, 140, 120, 1, 2, 140, 113}), 8);
    free(pixels);
    ncr_dataset_unref(view);
    options = (nacre_warp_options)NACRE_WARP_OPTIONS_INIT;
    options.src_alpha = -1;
    view = warp(source, &options, NULL);
    pixels = read_all(view);
    assert_memory_equal(pixels, source->values, 12);
    free(pixels);
    ncr_dataset_unref(view);
    options.src_alpha = 4;
    assert_int_equal(try_warp(source, &options, "no band 4"), NACRE_ERROR_INVALID);
    ncr_dataset_unref(&source->base);
}

static void arrays_of_another_raster_place_it(void **state)
{
    (void)state;
    double *places = malloc(8 * sizeof *places);
    memcpy(places, (const double[]){305000, 305200, 305000, 305200, 4998000, 4998000, 4997800, 4997800}, 64);
    memory_raster *arrays = memory_raster_new(2, 2, 2, NACRE_DTYPE_FLOAT64, places, NULL, NULL);
    memory_raster *source = scene(4, 4, 1);
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    const nacre_transform grid = {100, 0, 305000, 0, -100, 4998000};
    options.geoloc = &arrays->base;
    options.geoloc_items = (const char *const[]){"PIXEL_STEP=2", "LINE_STEP=2", NULL};
    options.transform = &grid;
    options.width = options.height = 4;
    ncr_dataset *view = warp(source, &options, "EPSG:32633");
    uint8_t *pixels = read_all(view);
    assert_memory_equal(pixels, source->values, 16);
    free(pixels);
    free_pair(view, source);
    ncr_dataset_unref(&arrays->base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_warped_is_said),         cmocka_unit_test(numbers_without_an_end_are_refused),
        cmocka_unit_test(grids_beyond_all_bounds_are_too_large), cmocka_unit_test(options_by_gdals_names_are_heeded),
        cmocka_unit_test(nodata_of_bands_is_unified_as_asked),   cmocka_unit_test(options_that_are_not_known_are_named),
        cmocka_unit_test(alpha_may_stay_out_of_the_output),      cmocka_unit_test(arrays_of_another_raster_place_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
