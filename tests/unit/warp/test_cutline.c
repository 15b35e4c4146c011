/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <math.h>
#include <string.h>

#include "support/warp_scene.h"
#include "warp/cutline.h"

/* Cutlines: as texts, as masks, and views cut by them. */

static ncr_cutline *parsed(const char *text)
{
    ncr_cutline *cutline;
    bool is_geojson;
    nacre_error err = {0};
    if (ncr_cutline_parse("it", text, &cutline, &is_geojson, &err))
        fail_msg("%s", err.message);
    assert_int_equal(is_geojson, text[0] == '{');
    return cutline;
}

static void polygons_are_read_and_written(void **state)
{
    (void)state;
    static const char written[] = "MULTIPOLYGON (((0 0,4 0,4 4.5,0 0),(1 1,2 1,2 2,1 1)),((7 7,8 7,8 9,7 7)))";
    static const char *const texts[] = {
        written, " multipolygon Z (((0 0 1, 4 0 1, 4 4.5 1, 0 0 1), (1 1 2, 2 1 2, 2 2 2)), ((7 7 3, 8 7 3, 8 9 3)))",
        "{\"type\":\"MultiPolygon\",\"coordinates\":[[[[0,0],[4,0],[4,4.5],[0,0]],[[1,1],[2,1],[2,2],[1,1]]],"
        "[[[7,7],[8,7],[8,9],[7,7]]]]}",
        "{\"type\":\"FeatureCollection\",\"features\":[{\"type\":\"Feature\",\"geometry\":{\"type\":\"Polygon\","
        "\"coordinates\":[[[0,0],[4,0],[4,4.5],[0,0]],[[1,1],[2,1],[2,2],[1,1]]]}},{\"type\":\"Feature\",\"geometry\":"
        "{\"type\":\"GeometryCollection\",\"geometries\":[{\"type\":\"Polygon\",\"coordinates\":[[[7,7],[8,7],[8,9],"
        "[7,7]]]}]}}]}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ncr_cutline *cutline = parsed(texts[i]);
        char *text = ncr_cutline_text(cutline);
        assert_string_equal(text, written);
        free(text);
        ncr_cutline_free(cutline);
    }
}

static void what_is_no_polygon_is_an_error(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "POINT (1 2)",
                                        "LINESTRING (0 0, 1 1, 2 2)",
                                        "POLYGON EMPTY",
                                        "POLYGON ((0 0, 1 1))",
                                        "POLYGON ((0 0, 1 1, 0 0))",
                                        "POLYGON ((0 0, 1 0, nan 1))",
                                        "POLYGON ((0 0, 1 0, inf 1))",
                                        "POLYGON ((0 0, 1 0, 1 1)",
                                        "POLYGON ((0 0, 1 0, 1 1)) and more",
                                        "POLYGON (())",
                                        "POLYGONS ((0 0, 1 0, 1 1))",
                                        "CURVEPOLYGON ((0 0, 1 0, 1 1))",
                                        "{",
                                        "{}",
                                        "{\"type\":\"Point\",\"coordinates\":[1,2]}",
                                        "{\"type\":\"Polygon\",\"coordinates\":[]}",
                                        "{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,0],[\"1\",1]]]}",
                                        "{\"type\":\"Polygon\",\"coordinates\":7}",
                                        "{\"type\":\"Feature\",\"geometry\":null}",
                                        "{\"type\":\"FeatureCollection\",\"features\":[]}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ncr_cutline *cutline;
        bool is_geojson;
        nacre_error err = {0};
        nacre_status status = ncr_cutline_parse("it", texts[i], &cutline, &is_geojson, &err);
        if (status != NACRE_ERROR_INVALID || cutline || !strstr(err.message, "is no polygon"))
            fail_msg("\"%s\": status %d, \"%s\"", texts[i], (int)status, err.message);
    }
}

enum { WIDTH = 40, HEIGHT = 30 };

static void densities(const char *text, double blend, double ratio, ncr_rect window, float *out)
{
    ncr_cutline *cutline = parsed(text);
    cutline->blend = blend;
    for (int64_t i = 0; i < window.width * window.height; i++)
        out[i] = 1;
    assert_int_equal(ncr_cutline_apply(cutline, ratio, ratio, &window, out, NULL), NACRE_OK);
    ncr_cutline_free(cutline);
}

/* Pixels count by their centres; holes are outside; polygons do not cut holes into one another. */
static void centres_inside_count(void **state)
{
    (void)state;
    float density[WIDTH * HEIGHT];
    densities("MULTIPOLYGON (((2.4 3.6, 20.6 3.6, 20.6 13.4, 2.4 13.4), (5 5, 5 8, 9 8, 9 5)), ((18 10, 30 10, 30 20, "
              "18 20)))",
              0, 1, (ncr_rect){0, 0, WIDTH, HEIGHT}, density);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            double u = x + 0.5, v = y + 0.5;
            bool first = u > 2.4 && u < 20.6 && v > 3.6 && v < 13.4 && !(u > 5 && u < 9 && v > 5 && v < 8);
            bool second = u > 18 && u < 30 && v > 10 && v < 20;
            assert_true(density[y * WIDTH + x] == (first || second ? 1 : 0));
        }
}

/* From 1 through a half on the edge to 0. */
static void blending_is_by_distance(void **state)
{
    (void)state;
    float density[WIDTH * HEIGHT];
    densities("POLYGON ((-50 -50, 20 -50, 20 90, -50 90))", 4, 1, (ncr_rect){0, 0, WIDTH, HEIGHT}, density);
    for (int x = 0; x < WIDTH; x++) {
        double expected = fmin(1, fmax(0, 0.5 + (20 - (x + 0.5)) / 8));
        assert_true(fabs(density[7 * WIDTH + x] - expected) < 1e-6);
    }
}

/* On an overview its pixels' centres count, and distances are the source's. */
static void levels_are_cut_at_the_same_place(void **state)
{
    (void)state;
    float density[WIDTH * HEIGHT];
    densities("POLYGON ((-50 -50, 40 -50, 40 90, -50 90))", 8, 0.5, (ncr_rect){0, 0, WIDTH, HEIGHT}, density);
    for (int x = 0; x < WIDTH; x++) {
        double expected = fmin(1, fmax(0, 0.5 + (40 - 2 * (x + 0.5)) / 16));
        assert_true(fabs(density[7 * WIDTH + x] - expected) < 1e-6);
    }
}

static const char star[] = "POLYGON ((20 1, 25 12, 39 13, 28 18, 33 29, 20 21, 7 29, 12 18, 1 13, 15 12), "
                           "(18 14, 22 14, 20 18))";

static void a_window_is_a_crop_of_the_whole(void **state)
{
    (void)state;
    float whole[WIDTH * HEIGHT], part[WIDTH * HEIGHT];
    for (int turn = 0; turn < 2; turn++) {
        densities(star, turn * 5, 1, (ncr_rect){0, 0, WIDTH, HEIGHT}, whole);
        for (int i = 0; i < 20; i++) {
            ncr_rect window = {i, i * 7 % 20, 1 + i % 13, 10};
            densities(star, turn * 5, 1, window, part);
            for (int64_t y = 0; y < window.height; y++)
                assert_memory_equal(part + y * window.width, whole + (window.y + y) * WIDTH + window.x,
                                    (size_t)window.width * sizeof *part);
        }
    }
}

/* --- Views --- */

/* In the source's CRS, in another one, in pixels: the same pixels. */
static void every_system_of_a_cutline_gives_the_same(void **state)
{
    (void)state;
    memory_raster *source = scene(150, 90, 2);
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    options.resampling = NACRE_RESAMPLING_BILINEAR;
    options.cutline = "POLYGON ((302000 4999000, 312000 4998000, 309000 4993000, 303000 4992500))";
    ncr_dataset *in_metres = warp(source, &options, "EPSG:3857");
    options.cutline = "POLYGON ((20 10, 120 20, 90 70, 30 75))";
    options.cutline_in_pixels = true;
    ncr_dataset *in_pixels = warp(source, &options, "EPSG:3857");
    options.cutline = NULL;
    ncr_dataset *plain = warp(source, &options, "EPSG:3857");
    uint8_t *a = read_all(in_metres), *b = read_all(in_pixels), *c = read_all(plain);
    size_t count = (size_t)plain->width * (size_t)plain->height * 2, cut = 0;
    assert_memory_equal(a, b, count);
    for (size_t i = 0; i < count; i++) {
        cut += a[i] == 0 && c[i] != 0;
        assert_true(a[i] == 0 || abs(a[i] - c[i]) < 180);
    }
    assert_true(cut > count / 4 && cut < count * 3 / 4);
    free(a);
    free(b);
    free(c);
    ncr_dataset_unref(in_metres);
    ncr_dataset_unref(in_pixels);
    free_pair(plain, source);
}

static void views_are_the_same_in_every_window(void **state)
{
    (void)state;
    static const nacre_resampling some[] = {NACRE_RESAMPLING_NEAREST, NACRE_RESAMPLING_CUBIC, NACRE_RESAMPLING_AVERAGE,
                                            NACRE_RESAMPLING_LANCZOS};
    for (int turn = 0; turn < 4; turn++) {
        memory_raster *source = scene(331, 217, 1);
        nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
        options.resampling = some[turn];
        options.cutline = "POLYGON ((40 30, 300 20, 280 200, 60 190), (100 100, 150 100, 140 160))";
        options.cutline_in_pixels = true;
        options.cutline_blend = turn % 2 ? 12 : 0;
        ncr_dataset *view = warp(source, &options, "EPSG:3857");
        uint8_t *whole = read_all(view);
        for (int i = 0; i < 12; i++) {
            ncr_rect window = {i * 31 % (view->width - 20), i * 57 % (view->height - 20), 20 - i, 9 + i};
            uint8_t *part = memory_raster_read(view, window);
            for (int64_t row = 0; row < window.height; row++)
                assert_memory_equal(part + row * window.width, whole + (window.y + row) * view->width + window.x,
                                    (size_t)window.width);
            free(part);
        }
        free(whole);
        free_pair(view, source);
    }
}

static void assert_refused(const char *cutline, double blend, const char *said)
{
    memory_raster *source = scene(50, 40, 1);
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    options.cutline = cutline;
    options.cutline_blend = blend;
    ncr_dataset *view;
    nacre_error err = {0};
    assert_int_equal(ncr_warp_view_new(&source->base, &options, &view, &err), NACRE_ERROR_INVALID);
    assert_null(view);
    if (!strstr(err.message, said))
        fail_msg("\"%s\" does not say %s", err.message, said);
    ncr_dataset_unref(&source->base);
}

static void bad_cutlines_are_named(void **state)
{
    (void)state;
    assert_refused("POLYGON ((0 0, 1 1))", 0, "is no polygon");
    assert_refused("POLYGON ((0 0, 1 1, 1 0))", -1, "blend distance");
    assert_refused("POLYGON ((0 0, 1 1, 1 0))", (double)NAN, "blend distance");
    assert_refused("{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,100],[1,0]]]}", 0, "has no place");
}

/* The grid of gdalwarp -crop_to_cutline: the whole pixels inside. */
static void cropping_keeps_the_sources_pixels(void **state)
{
    (void)state;
    memory_raster *source = scene(150, 90, 1);
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    options.cutline = "POLYGON ((302030 4999010, 312080 4998000, 309000 4993070, 303000 4993000))";
    options.crop_to_cutline = true;
    ncr_dataset *view = warp(source, &options, NULL);
    assert_int_equal(view->width, 99);
    assert_int_equal(view->height, 60);
    assert_true(view->transform.c == 302100 && view->transform.f == 4999000 && view->transform.a == 100);
    free_pair(view, source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(polygons_are_read_and_written),
        cmocka_unit_test(what_is_no_polygon_is_an_error),
        cmocka_unit_test(centres_inside_count),
        cmocka_unit_test(blending_is_by_distance),
        cmocka_unit_test(levels_are_cut_at_the_same_place),
        cmocka_unit_test(a_window_is_a_crop_of_the_whole),
        cmocka_unit_test(every_system_of_a_cutline_gives_the_same),
        cmocka_unit_test(views_are_the_same_in_every_window),
        cmocka_unit_test(bad_cutlines_are_named),
        cmocka_unit_test(cropping_keeps_the_sources_pixels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
