/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <math.h>
#include <string.h>

#include "cmocka_all.h"
#include "warp/georef.h"

/* Ground control points of known maps. */

enum { COUNT = 25 };

typedef void (*known)(double pixel, double line, double *x, double *y);

static void plane(double pixel, double line, double *x, double *y)
{
    *x = 500000 + 10 * pixel + 0.5 * line;
    *y = 4600000 - 0.3 * pixel - 10 * line;
}

static void bent(double pixel, double line, double *x, double *y)
{
    *x = 500000 + 10 * pixel + 0.001 * pixel * line + 1e-6 * line * line * line;
    *y = 4600000 - 10 * line + 0.002 * pixel * pixel;
}

static void fill(nacre_gcp *gcps, known map)
{
    for (int i = 0; i < COUNT; i++) {
        gcps[i] = (nacre_gcp){.id = "", .info = "", .pixel = i % 5 * 100 + i, .line = (i / 5) * 90 - i}; /* NOLINT */
        map(gcps[i].pixel, gcps[i].line, &gcps[i].x, &gcps[i].y);
    }
}

/* The largest distance, in the CRS, between the map and what was fitted. */
static double distance(const ncr_georef *georef, known map)
{
    double worst = 0;
    for (int i = 0; i < 100; i++) {
        double pixel = i * 4.3, line = 380 - i * 3.7, x = pixel, y = line, expected_x, expected_y;
        map(pixel, line, &expected_x, &expected_y);
        assert_int_equal(ncr_georef_run(georef, false, 1, &x, &y, NULL), NACRE_OK);
        worst = fmax(worst, fmax(fabs(x - expected_x), fabs(y - expected_y)));
    }
    return worst;
}

static void polynomials_of_their_order_are_found(void **state)
{
    (void)state;
    nacre_gcp gcps[COUNT];
    for (int order = 1; order <= 3; order++) {
        ncr_georef *georef;
        fill(gcps, plane);
        assert_int_equal(ncr_georef_polynomial("it", gcps, COUNT, order, &georef, NULL), NACRE_OK);
        assert_true(distance(georef, plane) < 1e-6);
        double x = 500000 + 10 * 7 + 0.5 * 3, y = 4600000 - 0.3 * 7 - 10 * 3;
        assert_int_equal(ncr_georef_run(georef, true, 1, &x, &y, NULL), NACRE_OK);
        assert_true(fabs(x - 7) < 1e-6 && fabs(y - 3) < 1e-6);
        ncr_georef_unref(georef);
        fill(gcps, bent);
        assert_int_equal(ncr_georef_polynomial("it", gcps, COUNT, order, &georef, NULL), NACRE_OK);
        assert_true(order == 3 ? distance(georef, bent) < 1e-5 : distance(georef, bent) > 0.1);
        ncr_georef_unref(georef);
    }
}

static void splines_meet_their_points(void **state)
{
    (void)state;
    nacre_gcp gcps[COUNT];
    fill(gcps, bent);
    ncr_georef *georef;
    assert_int_equal(ncr_georef_spline("it", gcps, COUNT, &georef, NULL), NACRE_OK);
    for (int i = 0; i < COUNT; i++) {
        double x = gcps[i].pixel, y = gcps[i].line;
        assert_int_equal(ncr_georef_run(georef, false, 1, &x, &y, NULL), NACRE_OK);
        assert_true(fabs(x - gcps[i].x) < 1e-6 && fabs(y - gcps[i].y) < 1e-6);
        assert_int_equal(ncr_georef_run(georef, true, 1, &x, &y, NULL), NACRE_OK);
        assert_true(fabs(x - gcps[i].pixel) < 1e-6 && fabs(y - gcps[i].line) < 1e-6);
    }
    double x = HUGE_VAL, y = 3;
    assert_int_equal(ncr_georef_run(georef, true, 1, &x, &y, NULL), NACRE_OK);
    assert_true(x == HUGE_VAL && y == HUGE_VAL);
    ncr_georef_unref(georef);
}

static void refused(const nacre_gcp *gcps, int count, int order, const char *word)
{
    ncr_georef *georef;
    nacre_error err = {0};
    nacre_status status = order < 0 ? ncr_georef_spline("it", gcps, count, &georef, &err)
                                    : ncr_georef_polynomial("it", gcps, count, order, &georef, &err);
    assert_int_equal(status, NACRE_ERROR_INVALID);
    assert_null(georef);
    assert_true(strncmp(err.message, "it: ", 4) == 0 && strstr(err.message, word));
}

static void points_that_tell_too_little_are_refused(void **state)
{
    (void)state;
    nacre_gcp gcps[COUNT];
    fill(gcps, plane);
    refused(gcps, 2, 0, "needs 3");
    refused(gcps, 5, 2, "needs 6");
    refused(gcps, 2, -1, "needs 3");
    refused(gcps, COUNT, 4, "order");
    gcps[3].x = NAN;
    refused(gcps, COUNT, 1, "nowhere");
    for (int i = 0; i < COUNT; i++) {
        gcps[i].pixel = i;
        gcps[i].line = 2 * i;
        gcps[i].x = 3 * i;
        gcps[i].y = 4 * i;
    }
    refused(gcps, COUNT, 1, "on a line");
    refused(gcps, COUNT, -1, "on a line");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(polynomials_of_their_order_are_found),
        cmocka_unit_test(splines_meet_their_points),
        cmocka_unit_test(points_that_tell_too_little_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
