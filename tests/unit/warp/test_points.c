/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <math.h>
#include <nacre/points.h>
#include <string.h>

#include "cmocka_all.h"

static nacre_crs *crs_of(const char *text)
{
    nacre_crs *crs;
    assert_int_equal(nacre_crs_from_text(text, &crs, NULL), NACRE_OK);
    return crs;
}

static void points_change_their_system(void **state)
{
    (void)state;
    nacre_crs *degrees = crs_of("EPSG:4326"), *metres = crs_of("EPSG:32618");
    double x[3] = {-75, -74, INFINITY}, y[3] = {0, 40, 0}, z[3] = {1, 2, 3};
    assert_int_equal(nacre_points_reproject(degrees, metres, 3, x, y, z, NULL), NACRE_OK);
    assert_true(fabs(x[0] - 500000) < 1e-3 && fabs(y[0]) < 1e-3); /* the central meridian at the equator */
    assert_true(fabs(x[1] - 585360.462) < 1e-2 && fabs(y[1] - 4428236.065) < 1e-2);
    assert_true(isinf(x[2]) && isinf(y[2]));
    assert_true(z[1] == 2);
    assert_int_equal(nacre_points_reproject(metres, degrees, 2, x, y, NULL, NULL), NACRE_OK);
    assert_true(fabs(x[1] + 74) < 1e-9 && fabs(y[1] - 40) < 1e-9);
    nacre_crs_unref(degrees);
    nacre_crs_unref(metres);
}

static void bounds_hold_the_pole_inside_them(void **state)
{
    (void)state;
    nacre_crs *degrees = crs_of("EPSG:4326"), *polar = crs_of("EPSG:3031");
    const double around[4] = {-1e6, -1e6, 1e6, 1e6};
    double out[4];
    assert_int_equal(nacre_bounds_reproject(polar, degrees, around, 21, out, NULL), NACRE_OK);
    assert_true(out[0] == -180 && out[1] == -90 && out[2] == 180 && out[3] > -82 && out[3] < -75);
    nacre_error err = {0};
    assert_int_equal(nacre_bounds_reproject(polar, degrees, around, -1, out, &err), NACRE_ERROR_INVALID);
    assert_non_null(strstr(err.message, "densify"));
    nacre_crs_unref(degrees);
    nacre_crs_unref(polar);
}

static void a_system_without_a_way_is_an_error(void **state)
{
    (void)state;
    nacre_crs *degrees = crs_of("EPSG:4326"), *local = crs_of("LOCAL_CS[\"here\",UNIT[\"metre\",1]]");
    double x = 0, y = 0;
    nacre_error err = {0};
    assert_int_equal(nacre_points_reproject(degrees, local, 1, &x, &y, NULL, &err), NACRE_ERROR_INVALID);
    assert_non_null(strstr(err.message, "no operation"));
    nacre_crs_unref(degrees);
    nacre_crs_unref(local);
}

/* Points that no plane meets, wider than they are high, so that unlike scales of the axes would show. */
enum { COUNT = 7 };
static const double at[COUNT][2] = {{0, 0}, {10, 0}, {0, 10}, {10, 10}, {7, 4}, {2, 3}, {1, 8}};

static nacre_placement *placed(bool spline)
{
    nacre_gcp gcps[COUNT];
    for (int i = 0; i < COUNT; i++) {
        double c = at[i][0], r = at[i][1];
        gcps[i] = (nacre_gcp){"", "", c, r, 100 + 10 * c + 0.3 * r * c, 200 - 10 * r + 0.1 * c * c, 0};
    }
    nacre_placement *placement;
    assert_int_equal(nacre_placement_from_gcps(gcps, COUNT, 0, spline, &placement, NULL), NACRE_OK);
    return placement;
}

static void a_spline_is_that_of_plain_distance(void **state)
{
    (void)state;
    nacre_placement *spline = placed(true);
    double x = 155, y = 145;
    assert_int_equal(nacre_placement_run(spline, true, 1, &x, &y, NULL, NULL), NACRE_OK);
    /* Solved by numpy from r * r * log(r * r) of the places as they are. */
    assert_true(fabs(x - 4.678940983117) < 1e-9 && fabs(y - 5.751451916716) < 1e-9);
    nacre_placement_unref(spline);
}

static void a_spline_leads_back_to_where_it_came_from(void **state)
{
    (void)state;
    for (int spline = 0; spline < 2; spline++) {
        nacre_placement *placement = placed(spline);
        for (int i = 0; i < COUNT; i++) {
            double x = at[i][0] + 0.5, y = at[i][1] + 0.5, back_x, back_y;
            nacre_placement_run(placement, false, 1, &x, &y, NULL, NULL);
            back_x = x;
            back_y = y;
            nacre_placement_run(placement, true, 1, &back_x, &back_y, NULL, NULL);
            double off = hypot(back_x - at[i][0] - 0.5, back_y - at[i][1] - 0.5);
            assert_true(off < (spline ? 1e-8 : 0.3)); /* two polynomials are near, not each other's inverse */
        }
        nacre_placement_unref(placement);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_change_their_system),
        cmocka_unit_test(bounds_hold_the_pole_inside_them),
        cmocka_unit_test(a_system_without_a_way_is_an_error),
        cmocka_unit_test(a_spline_is_that_of_plain_distance),
        cmocka_unit_test(a_spline_leads_back_to_where_it_came_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
