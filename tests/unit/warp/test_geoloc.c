/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <math.h>
#include <string.h>

#include "support/warp_scene.h"
#include "warp/geoloc_index.h"

/* Geolocation arrays: places forth and back, and views by them. */

enum { WIDTH = 53, HEIGHT = 37 };

static const nacre_transform unit = {1, 0, 0, 0, 1, 0};

/* A bent net; *turn degrees are added to x. */
static void bend(double i, double j, double turn, double *x, double *y)
{
    *x = turn + 0.1 * i + 0.03 * j + 0.002 * i * j + 0.3 * sin(i / 9);
    *y = 50 - 0.09 * j + 0.02 * i + 0.1 * cos(j / 7);
    *x = *x > 180 ? *x - 360 : *x;
}

static memory_raster *net(bool is_y, double turn)
{
    double *values = malloc(sizeof *values * WIDTH * HEIGHT), other;
    for (int j = 0; j < HEIGHT; j++)
        for (int i = 0; i < WIDTH; i++) {
            double *value = &values[j * WIDTH + i];
            bend(i, j, turn, is_y ? &other : value, is_y ? value : &other);
        }
    return memory_raster_new(WIDTH, HEIGHT, 1, NACRE_DTYPE_FLOAT64, values, &unit, NULL);
}

static ncr_patch whole(memory_raster *raster)
{
    ncr_patch patch = {.dataset = ncr_dataset_ref(&raster->base),
                       .band = 1,
                       .window = {0, 0, raster->base.width, raster->base.height}};
    size_t size = sizeof(double) * (size_t)raster->base.width * (size_t)raster->base.height;
    patch.values = malloc(size);
    memcpy(patch.values, raster->values, size);
    return patch;
}

static ncr_geoloc_index *index_of(bool is_centre, double turn)
{
    memory_raster *x = net(false, turn), *y = net(true, turn);
    ncr_patch patches[2] = {whole(x), whole(y)};
    ncr_geoloc_index *index;
    assert_int_equal(ncr_geoloc_index_new(patches, is_centre, true, &index, NULL), NACRE_OK);
    ncr_dataset_unref(&x->base);
    ncr_dataset_unref(&y->base);
    return index;
}

/* Also across the antimeridian. */
static void there_and_back_is_exact(void **state)
{
    (void)state;
    for (int turn = 0; turn < 4; turn++) {
        bool is_centre = turn % 2;
        ncr_geoloc_index *index = index_of(is_centre, turn < 2 ? 10 : 178);
        double low = is_centre ? -0.5 : 0, wide = is_centre ? WIDTH : WIDTH - 1, tall = is_centre ? HEIGHT : HEIGHT - 1;
        for (int i = 0; i <= 400; i++) {
            double column = low + wide * (i * 37 % 401) / 400, row = low + tall * i / 400, x, y, u, v;
            assert_true(ncr_geoloc_index_place(index, column, row, &x, &y));
            assert_true(x >= -180 && x <= 180);
            assert_true(ncr_geoloc_index_find(index, x, y, &u, &v));
            if (!(fabs(u - column) < 1e-8 && fabs(v - row) < 1e-8))
                fail_msg("%.9f, %.9f came back as %.9f, %.9f", column, row, u, v);
        }
        double u, v;
        assert_false(ncr_geoloc_index_find(index, 100, 10, &u, &v));
        assert_false(ncr_geoloc_index_find(index, 10, 60, &u, &v));
        ncr_geoloc_index_free(index);
    }
}

static void values_are_met(void **state)
{
    (void)state;
    ncr_geoloc_index *index = index_of(true, 10);
    double x, y, expected_x, expected_y;
    bend(17, 9, 10, &expected_x, &expected_y);
    assert_true(ncr_geoloc_index_place(index, 17, 9, &x, &y));
    assert_true(x == expected_x && y == expected_y);
    ncr_geoloc_index_free(index);
}

/* Squares with a value that is none are holes; the others are found as before. */
static void squares_without_all_values_are_holes(void **state)
{
    (void)state;
    memory_raster *x = net(false, 10), *y = net(true, 10);
    ((double *)x->values)[20 * WIDTH + 30] = -999;
    ((double *)y->values)[5 * WIDTH + 5] = (double)NAN;
    x->base.bands[0].nodata = (nacre_nodata){.is_set = true, .value = -999};
    ncr_patch patches[2] = {whole(x), whole(y)};
    ncr_geoloc_index *index;
    assert_int_equal(ncr_geoloc_index_new(patches, false, false, &index, NULL), NACRE_OK);
    static const double places[][3] = {
        {29.5, 19.5, 0}, {30.5, 20.5, 0}, {4.5, 5.5, 0}, {31.5, 20.5, 1}, {28.5, 19.5, 1}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        double at_x, at_y, u, v;
        bend(places[i][0], places[i][1], 10, &at_x, &at_y);
        assert_int_equal(ncr_geoloc_index_find(index, at_x, at_y, &u, &v), places[i][2] != 0);
    }
    ncr_geoloc_index_free(index);
    ncr_dataset_unref(&x->base);
    ncr_dataset_unref(&y->base);
}

static void assert_no_index(memory_raster *x, memory_raster *y, const char *said)
{
    ncr_patch patches[2] = {whole(x), whole(y)};
    ncr_geoloc_index *index;
    nacre_error err = {0};
    assert_int_equal(ncr_geoloc_index_new(patches, false, false, &index, &err), NACRE_ERROR_INVALID);
    assert_null(index);
    assert_non_null(strstr(err.message, said));
    ncr_patch_clear(&patches[0]);
    ncr_patch_clear(&patches[1]);
}

static memory_raster *filled(int width, int height, double value)
{
    double *values = malloc(sizeof *values * (size_t)width * (size_t)height);
    for (int i = 0; i < width * height; i++)
        values[i] = value;
    return memory_raster_new(width, height, 1, NACRE_DTYPE_FLOAT64, values, &unit, NULL);
}

static void arrays_that_place_nothing_are_an_error(void **state)
{
    (void)state;
    memory_raster *small = filled(1, 5, 1), *none = filled(4, 4, (double)NAN), *good = filled(4, 4, 1);
    assert_no_index(small, small, "less than 2 x 2");
    assert_no_index(none, good, "no place");
    assert_no_index(good, small, "different sizes");
    ncr_dataset_unref(&small->base);
    ncr_dataset_unref(&none->base);
    ncr_dataset_unref(&good->base);
}

/* --- Views --- */

static void set(memory_raster *raster, const char *key, const char *value)
{
    assert_int_equal(ncr_metadata_set(&raster->base.metadata, "GEOLOCATION", key, value, NULL), NACRE_OK);
}

/* A scene whose own second and third band are its arrays, a value a pixel. */
static memory_raster *scene_by_arrays(void)
{
    memory_raster *source = scene(WIDTH, HEIGHT, 3);
    double *values = malloc(sizeof *values * 3 * WIDTH * HEIGHT);
    for (int j = 0; j < HEIGHT; j++)
        for (int i = 0; i < WIDTH; i++) {
            size_t at = (size_t)j * WIDTH + (size_t)i, size = (size_t)WIDTH * HEIGHT;
            values[at] = source->values[at];
            bend(i, j, 10, &values[size + at], &values[2 * size + at]);
        }
    ncr_dataset_unref(&source->base);
    source = memory_raster_new(WIDTH, HEIGHT, 3, NACRE_DTYPE_FLOAT64, values, &unit, NULL);
    source->base.has_transform = false;
    static const char *const items[][2] = {
        {"X_BAND", "2"},      {"Y_BAND", "3"},    {"PIXEL_OFFSET", "0"}, {"PIXEL_STEP", "1"},
        {"LINE_OFFSET", "0"}, {"LINE_STEP", "1"}, {"SRS", "EPSG:4326"},  {"GEOREFERENCING_CONVENTION", "PIXEL_CENTER"}};
    for (size_t i = 0; i < sizeof items / sizeof *items; i++)
        set(source, items[i][0], items[i][1]);
    return source;
}

static void windows_are_crops_of_the_whole(void **state)
{
    (void)state;
    static const nacre_resampling some[] = {NACRE_RESAMPLING_NEAREST, NACRE_RESAMPLING_CUBIC, NACRE_RESAMPLING_AVERAGE};
    for (int turn = 0; turn < 3; turn++) {
        memory_raster *source = scene_by_arrays();
        nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
        options.resampling = some[turn];
        options.width = 300;
        ncr_dataset *view = warp(source, &options, "EPSG:3857");
        double *all_pixels = (double *)(void *)read_all(view);
        size_t filled_pixels = 0;
        for (int64_t i = 0; i < (int64_t)view->width * view->height; i++)
            filled_pixels += all_pixels[i] != 0;
        assert_true(filled_pixels > 10000);
        for (int i = 0; i < 10; i++) {
            ncr_rect window = {i * 31 % (view->width - 20), i * 57 % (view->height - 20), 20 - i, 9 + i};
            double *part = memory_raster_read(view, window);
            for (int64_t row = 0; row < window.height; row++)
                assert_memory_equal(part + row * window.width, all_pixels + (window.y + row) * view->width + window.x,
                                    (size_t)window.width * sizeof *part);
            free(part);
        }
        free(all_pixels);
        free_pair(view, source);
    }
}

static void bad_items_are_named(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"PIXEL_STEP", "0"}, {"LINE_STEP", "nan"}, {"LINE_OFFSET", "far"}, {"Y_BAND", "last"}, {"X_BAND", "9"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        memory_raster *source = scene_by_arrays();
        set(source, bad[i][0], bad[i][1]);
        nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
        ncr_dataset *view;
        nacre_error err = {0};
        assert_int_equal(ncr_warp_view_new(&source->base, &options, &view, &err), NACRE_ERROR_INVALID);
        if (!strstr(err.message, i == 4 ? "no band 9" : bad[i][0]))
            fail_msg("\"%s\" does not name %s", err.message, bad[i][0]);
        ncr_dataset_unref(&source->base);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back_is_exact),
        cmocka_unit_test(values_are_met),
        cmocka_unit_test(squares_without_all_values_are_holes),
        cmocka_unit_test(arrays_that_place_nothing_are_an_error),
        cmocka_unit_test(windows_are_crops_of_the_whole),
        cmocka_unit_test(bad_items_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
