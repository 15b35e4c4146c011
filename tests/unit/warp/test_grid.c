/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <math.h>
#include <string.h>

#include "cmocka_all.h"
#include "warp/suggest.h"
#include "warp/warp.h"

typedef struct {
    const char *name, *src_crs;
    int src_width, src_height;
    nacre_transform src;
    const char *dst_crs;
    int width, height;
    nacre_transform transform;
} golden_grid;

#include "grids_golden.h"

static nacre_status grid_of(const char *src_crs, int width, int height, const nacre_transform *transform,
                            const char *dst_crs, const nacre_warp_options *more, nacre_grid *out, nacre_error *err)
{
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    if (more)
        options = *more;
    assert_int_equal(ncr_crs_from_text(src_crs, &options.src_crs, NULL), NACRE_OK);
    assert_int_equal(ncr_crs_from_text(dst_crs, &options.dst_crs, NULL), NACRE_OK);
    nacre_grid source = {width, height, *transform};
    nacre_status status = ncr_warp_grid_of(&source, &options, out, err);
    ncr_crs_unref(options.src_crs);
    ncr_crs_unref(options.dst_crs);
    return status;
}

/* Distance of two grids' corners in pixels. */
static double corner_distance(const nacre_grid *a, const golden_grid *b)
{
    const nacre_transform *s = &a->transform, *t = &b->transform;
    double left = fabs(s->c - t->c), top = fabs(s->f - t->f);
    double right = fabs(s->c + a->width * s->a - t->c - b->width * t->a);
    double bottom = fabs(s->f + a->height * s->e - t->f - b->height * t->e);
    return fmax(fmax(left, right) / t->a, fmax(top, bottom) / -t->e);
}

/* Sizes the same, corners within 1e-6 pixel: the two libraries do the same arithmetic in another order. */
static void suggested_grids_are_gdals(void **state)
{
    (void)state;
    int wrong = 0, count = (int)(sizeof golden_grids / sizeof *golden_grids);
    for (int i = 0; i < count; i++) {
        const golden_grid *g = &golden_grids[i];
        nacre_grid grid;
        nacre_error err = {0};
        nacre_status status = grid_of(g->src_crs, g->src_width, g->src_height, &g->src, g->dst_crs, NULL, &grid, &err);
        if (!status && grid.width == g->width && grid.height == g->height && corner_distance(&grid, g) <= 1e-6)
            continue;
        wrong++;
        print_error("%s to %s: %d x %d, expected %d x %d, corners off by %g pixels %s\n", g->name, g->dst_crs,
                    grid.width, grid.height, g->width, g->height, corner_distance(&grid, g), err.message);
    }
    assert_true(count > 100);
    assert_int_equal(wrong, 0);
}

/* --- Size, resolution, bounds, alignment: as gdalwarp --- */

static const nacre_transform landsat = {300.0379266750948, 0, 101985, 0, -300.041782729805, 2826915};

static nacre_grid landsat_grid(const nacre_warp_options *options)
{
    nacre_grid grid;
    nacre_error err = {0};
    nacre_status status = grid_of("EPSG:32618", 791, 718, &landsat, "EPSG:3857", options, &grid, &err);
    if (status)
        print_error("%s\n", err.message);
    assert_int_equal(status, NACRE_OK);
    return grid;
}

/* Expected values: gdalwarp 3.6.2 with -tr 500 500, -tr 500 500 -tap, -ts 400 0, -ts 400 300, -te ... */
static void resolution_keeps_the_upper_left_corner(void **state)
{
    (void)state;
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    options.res_x = options.res_y = 500;
    nacre_grid grid = landsat_grid(&options);
    assert_int_equal(grid.width, 530);
    assert_int_equal(grid.height, 486);
    assert_true(fabs(grid.transform.c + 8789636.707871985) < 1e-3 && grid.transform.a == 500);
    assert_true(fabs(grid.transform.f - 2943560.234622164) < 1e-3 && grid.transform.e == -500);
}

static void aligned_bounds_are_multiples_of_the_resolution(void **state)
{
    (void)state;
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    options.res_x = options.res_y = 500;
    options.align = true;
    nacre_grid grid = landsat_grid(&options);
    assert_true(fmod(grid.transform.c, 500) == 0 && fmod(grid.transform.f, 500) == 0);
    /* gdalwarp before 3.8 leaves the first and last row, which nothing of the source reaches, and has 488. */
    assert_int_equal(grid.width, 532);
    assert_int_equal(grid.height, 486);
    assert_true(grid.transform.c == -8790000 && grid.transform.f == 2943500);
}

static void one_given_side_finds_the_other(void **state)
{
    (void)state;
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    options.width = 400;
    nacre_grid grid = landsat_grid(&options);
    assert_int_equal(grid.width, 400);
    assert_int_equal(grid.height, 367);
    options.height = 300;
    grid = landsat_grid(&options);
    assert_int_equal(grid.width, 400);
    assert_int_equal(grid.height, 300);
    assert_true(grid.transform.a != -grid.transform.e);
}

static void bounds_are_kept(void **state)
{
    (void)state;
    const double bounds[4] = {-8760000, 2760000, -8650000, 2850000};
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    options.bounds = bounds;
    options.res_x = options.res_y = 300;
    nacre_grid grid = landsat_grid(&options);
    assert_int_equal(grid.width, 367);
    assert_int_equal(grid.height, 300);
    assert_true(grid.transform.c == -8760000 && grid.transform.f == 2850000);
    options.res_x = options.res_y = 0;
    options.width = 55;
    options.height = 45;
    grid = landsat_grid(&options);
    assert_true(grid.transform.a == 2000 && grid.transform.e == -2000);
}

/* As gdalwarp 3.6.2 with -te: inside the source, around it, and where no part of it is. */
static void bounds_alone_take_the_finest_pixel_within_them(void **state)
{
    (void)state;
    static const struct {
        double bounds[4];
        int width, height;
    } rows[] = {
        {{-8700000, 2800000, -8500000, 2950000}, 606, 455},
        {{-8650000, 2820000, -8550000, 2880000}, 303, 182},
        {{-9000000, 2500000, -8200000, 3200000}, 2436, 2132},
        {{-8789636, 2700459, -8524406, 2943560}, 808, 741},
        {{0, 0, 1000000, 1000000}, 3028, 3028},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
        options.bounds = rows[i].bounds;
        nacre_grid grid = landsat_grid(&options);
        assert_int_equal(grid.width, rows[i].width);
        assert_int_equal(grid.height, rows[i].height);
        assert_true(grid.transform.c == rows[i].bounds[0] && grid.transform.f == rows[i].bounds[3]);
    }
}

static void bounds_alone_keep_the_pixels_of_a_source_that_is_not_reprojected(void **state)
{
    (void)state;
    const double bounds[4] = {150000, 2650000, 180000, 2700000};
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    options.bounds = bounds;
    nacre_transform flat = {100, 0, 101985, 0, -400, 2826915};
    nacre_grid grid;
    assert_int_equal(grid_of("EPSG:32618", 791, 718, &flat, "EPSG:32618", &options, &grid, NULL), NACRE_OK);
    assert_int_equal(grid.width, 300);
    assert_int_equal(grid.height, 125);
}

static void same_crs_keeps_the_grid(void **state)
{
    (void)state;
    nacre_grid grid;
    assert_int_equal(grid_of("EPSG:32618", 791, 718, &landsat, "EPSG:32618", NULL, &grid, NULL), NACRE_OK);
    assert_int_equal(grid.width, 791);
    assert_memory_equal(&grid.transform, &landsat, sizeof landsat);
}

static void contradictions_are_refused(void **state)
{
    (void)state;
    nacre_grid grid;
    nacre_error err = {0};
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    options.align = true;
    assert_int_equal(grid_of("EPSG:32618", 791, 718, &landsat, "EPSG:3857", &options, &grid, &err),
                     NACRE_ERROR_INVALID);
    assert_non_null(strstr(err.message, "resolution"));
    options.align = false;
    options.res_x = 10;
    assert_int_equal(grid_of("EPSG:32618", 791, 718, &landsat, "EPSG:3857", &options, &grid, &err),
                     NACRE_ERROR_INVALID);
    options.res_y = 1e-6;
    options.res_x = 1e-6;
    assert_int_equal(grid_of("EPSG:32618", 791, 718, &landsat, "EPSG:3857", &options, &grid, &err),
                     NACRE_ERROR_TOO_LARGE);
    options.res_x = options.res_y = 0;
    const double bounds[4] = {10, 0, 0, 10};
    options.bounds = bounds;
    assert_int_equal(grid_of("EPSG:32618", 791, 718, &landsat, "EPSG:3857", &options, &grid, &err),
                     NACRE_ERROR_INVALID);
}

static void a_source_without_a_place_is_an_error(void **state)
{
    (void)state;
    nacre_grid grid;
    nacre_error err = {0};
    /* All of it beyond the globe. */
    nacre_transform beyond = {1, 0, 400, 0, -1, 4000};
    assert_int_equal(grid_of("EPSG:4326", 10, 10, &beyond, "EPSG:32618", NULL, &grid, &err), NACRE_ERROR_INVALID);
    nacre_transform flat = {0, 0, 0, 0, 0, 0};
    assert_int_equal(grid_of("EPSG:4326", 10, 10, &flat, "EPSG:32618", NULL, &grid, &err), NACRE_ERROR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(suggested_grids_are_gdals),
        cmocka_unit_test(resolution_keeps_the_upper_left_corner),
        cmocka_unit_test(aligned_bounds_are_multiples_of_the_resolution),
        cmocka_unit_test(one_given_side_finds_the_other),
        cmocka_unit_test(bounds_are_kept),
        cmocka_unit_test(bounds_alone_take_the_finest_pixel_within_them),
        cmocka_unit_test(bounds_alone_keep_the_pixels_of_a_source_that_is_not_reprojected),
        cmocka_unit_test(same_crs_keeps_the_grid),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(a_source_without_a_place_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
