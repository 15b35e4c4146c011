/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include "vrt/place.h"

/* Where sources lie in outputs; the same in both directions, so x stands for both. */

static bool find(nacre_window src, nacre_window dst, int size, nacre_window asked, int out, ncr_vrt_place *place)
{
    return ncr_vrt_place_find(&src, &dst, size, size, &asked, out, out, place);
}

static nacre_window square(double at, double size)
{
    return (nacre_window){at, at, size, size};
}

static void a_source_at_whole_pixels_is_plain(void **state)
{
    (void)state;
    ncr_vrt_place place;
    assert_true(find(square(2, 10), square(30, 10), 20, square(25, 10), 10, &place));
    assert_int_equal(place.out.x, 5);
    assert_int_equal(place.out.width, 5);
    assert_true(place.is_plain);
    assert_int_equal(place.whole.x, 2);
    assert_int_equal(place.whole.width, 5);
}

static void what_is_not_asked_for_is_not_found(void **state)
{
    (void)state;
    ncr_vrt_place place;
    assert_false(find(square(0, 10), square(30, 10), 10, square(0, 30), 30, &place));
    assert_false(find(square(0, 10), square(30, 10), 10, square(40, 30), 30, &place));
    assert_false(find(square(10, 10), square(30, 10), 10, square(0, 100), 100, &place)); /* beyond the source */
}

static void a_source_on_fractions_covers_every_pixel_it_touches(void **state)
{
    (void)state;
    ncr_vrt_place place;
    assert_true(find(square(0, 10), square(0.3, 10), 10, square(0, 20), 20, &place));
    assert_int_equal(place.out.x, 0);
    assert_int_equal(place.out.width, 11);
    assert_float_equal(place.src.x, -0.3, 1e-12);
    assert_float_equal(place.src.width, 11, 1e-12);
    assert_false(place.is_plain); /* its last pixel would lie beyond the source */
}

static void inside_a_source_on_fractions_the_pixel_under_the_centre_is_taken(void **state)
{
    (void)state;
    ncr_vrt_place place;
    assert_true(find(square(0, 100), square(0.3, 100), 100, square(50, 10), 10, &place));
    assert_true(place.is_plain);
    assert_int_equal(place.whole.x, 50);
    assert_true(find(square(0, 100), square(0.7, 100), 100, square(50, 10), 10, &place));
    assert_int_equal(place.whole.x, 49);
}

static void a_source_smaller_than_said_is_cut(void **state)
{
    (void)state;
    ncr_vrt_place place;
    assert_true(find(square(0, 10), square(0, 10), 6, square(0, 10), 10, &place));
    assert_int_equal(place.out.width, 6);
    assert_int_equal(place.whole.width, 6);
}

static void rounding_in_documents_makes_no_extra_pixel(void **state)
{
    (void)state;
    ncr_vrt_place place;
    assert_true(find(square(0, 10), square(5.0000001, 9.9999998), 10, square(0, 20), 20, &place));
    assert_int_equal(place.out.x, 5);
    assert_int_equal(place.out.width, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_source_at_whole_pixels_is_plain),
        cmocka_unit_test(what_is_not_asked_for_is_not_found),
        cmocka_unit_test(a_source_on_fractions_covers_every_pixel_it_touches),
        cmocka_unit_test(inside_a_source_on_fractions_the_pixel_under_the_centre_is_taken),
        cmocka_unit_test(a_source_smaller_than_said_is_cut),
        cmocka_unit_test(rounding_in_documents_makes_no_extra_pixel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
