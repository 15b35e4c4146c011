/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <math.h>
#include <string.h>

#include "raster/execute.h"
#include "raster/read.h"
#include "support/call.h"
#include "support/memory_dataset.h"

/* Reads of windows that reach beyond the raster. */

static nacre_status read_window(ncr_dataset *dataset, const nacre_read_options *options, void *out, size_t size,
                                nacre_error *err)
{
    ncr_call *call = test_call_new(NULL);
    ncr_read read;
    ncr_plan *plan = NULL;
    nacre_status status = ncr_read_init(&read, dataset, options, err);
    if (status == NACRE_OK)
        status = ncr_read_set_buffer(&read, out, size, err);
    if (status == NACRE_OK)
        status = ncr_read_plan(&read, call, &plan, err);
    if (status == NACRE_OK)
        status = ncr_execute(plan, err);
    ncr_plan_free(plan);
    ncr_read_clear(&read);
    ncr_call_unref(call);
    return status;
}

static nacre_read_options boundless(nacre_window window)
{
    nacre_read_options options = NACRE_READ_OPTIONS_INIT;
    options.window = window;
    options.boundless = true;
    return options;
}

static memory_dataset *small(uint8_t pixels[4])
{
    for (uint8_t i = 0; i < 4; i++)
        pixels[i] = (uint8_t)(i + 1);
    return memory_dataset_new(2, 2, 1, NACRE_DTYPE_UINT8, pixels);
}

static void set_nodata(memory_dataset *dataset, double value)
{
    dataset->base.bands[0].nodata = (nacre_nodata){true, value, (int64_t)value, (uint64_t)value};
    dataset->base.bands[0].mask_flags = NACRE_MASK_NODATA;
}

static void what_lies_beyond_is_filled(void **state)
{
    (void)state;
    uint8_t pixels[4], out[16];
    memory_dataset *dataset = small(pixels);
    nacre_read_options options = boundless((nacre_window){-1, -1, 4, 4});
    const uint8_t zeros[] = {0, 0, 0, 0, 0, 1, 2, 0, 0, 3, 4, 0, 0, 0, 0, 0};
    assert_int_equal(read_window(&dataset->base, &options, out, sizeof out, NULL), NACRE_OK);
    assert_memory_equal(out, zeros, sizeof out);
    set_nodata(dataset, 7);
    const uint8_t sevens[] = {7, 7, 7, 7, 7, 1, 2, 7, 7, 3, 4, 7, 7, 7, 7, 7};
    assert_int_equal(read_window(&dataset->base, &options, out, sizeof out, NULL), NACRE_OK);
    assert_memory_equal(out, sevens, sizeof out);
    options.has_fill = true;
    options.fill = 300; /* clamped, as values are */
    assert_int_equal(read_window(&dataset->base, &options, out, sizeof out, NULL), NACRE_OK);
    assert_int_equal(out[0], 255);
    assert_int_equal(out[5], 1);
    ncr_dataset_unref(&dataset->base);
}

static void what_lies_beyond_is_invalid(void **state)
{
    (void)state;
    uint8_t pixels[4], out[16];
    memory_dataset *dataset = small(pixels);
    nacre_read_options options = boundless((nacre_window){1, 1, 4, 4});
    options.masks = options.has_fill = true;
    options.fill = 9;
    const uint8_t expected[16] = {255};
    assert_int_equal(read_window(&dataset->base, &options, out, sizeof out, NULL), NACRE_OK);
    assert_memory_equal(out, expected, sizeof out);
    options.masks = false;
    options.dataset_mask = true;
    memset(out, 1, sizeof out);
    assert_int_equal(read_window(&dataset->base, &options, out, sizeof out, NULL), NACRE_OK);
    assert_memory_equal(out, expected, sizeof out);
    ncr_dataset_unref(&dataset->base);
}

static void a_window_beside_the_raster_is_fill_and_reads_nothing(void **state)
{
    (void)state;
    uint8_t pixels[4], out[6];
    memory_dataset *dataset = small(pixels);
    nacre_read_options options = boundless((nacre_window){2, 0, 3, 2});
    options.has_fill = true;
    options.fill = 5;
    const uint8_t expected[] = {5, 5, 5, 5, 5, 5};
    assert_int_equal(read_window(&dataset->base, &options, out, sizeof out, NULL), NACRE_OK);
    assert_memory_equal(out, expected, sizeof out);
    assert_int_equal(dataset->reads, 0);
    ncr_dataset_unref(&dataset->base);
}

static void frames_are_resampled_with_what_they_hold(void **state)
{
    (void)state;
    uint8_t pixels[4], out[16];
    memory_dataset *dataset = small(pixels);
    nacre_read_options options = boundless((nacre_window){-2, -2, 4, 4});
    options.out_width = options.out_height = 2;
    options.resampling = NACRE_RESAMPLING_AVERAGE;
    const uint8_t mean[] = {0, 0, 0, 3}; /* 2.5 */
    assert_int_equal(read_window(&dataset->base, &options, out, 4, NULL), NACRE_OK);
    assert_memory_equal(out, mean, 4);
    ncr_dataset_unref(&dataset->base);
}

static void fractions_of_a_window_in_its_own_size_are_not_resampled(void **state)
{
    (void)state;
    uint8_t pixels[4], out[9];
    memory_dataset *dataset = small(pixels);
    nacre_read_options options = boundless((nacre_window){0.3, 0.3, 3, 3});
    options.resampling = NACRE_RESAMPLING_BILINEAR;
    const uint8_t expected[] = {1, 2, 0, 3, 4, 0, 0, 0, 0};
    assert_int_equal(read_window(&dataset->base, &options, out, sizeof out, NULL), NACRE_OK);
    assert_memory_equal(out, expected, sizeof out);
    ncr_dataset_unref(&dataset->base);
}

static void without_boundless_it_is_refused(void **state)
{
    (void)state;
    uint8_t pixels[4], out[16];
    nacre_error err;
    memory_dataset *dataset = small(pixels);
    nacre_read_options options = boundless((nacre_window){-1, -1, 4, 4});
    options.size = offsetof(nacre_read_options, boundless); /* a caller that does not know of it */
    assert_int_equal(read_window(&dataset->base, &options, out, sizeof out, &err), NACRE_ERROR_INVALID);
    assert_non_null(strstr(err.message, "outside"));
    options = boundless((nacre_window){-1, NAN, 4, 4});
    assert_int_equal(read_window(&dataset->base, &options, out, sizeof out, &err), NACRE_ERROR_INVALID);
    ncr_dataset_unref(&dataset->base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_lies_beyond_is_filled),
        cmocka_unit_test(what_lies_beyond_is_invalid),
        cmocka_unit_test(a_window_beside_the_raster_is_fill_and_reads_nothing),
        cmocka_unit_test(frames_are_resampled_with_what_they_hold),
        cmocka_unit_test(fractions_of_a_window_in_its_own_size_are_not_resampled),
        cmocka_unit_test(without_boundless_it_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
