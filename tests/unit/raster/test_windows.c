/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "raster/execute.h"
#include "raster/read.h"
#include "support/call.h"
#include "support/memory_dataset.h"

/* Reads cut into windows: the same values whatever the memory limit. */

enum { WIDTH = 150, HEIGHT = 130, BANDS = 2, MOST = BANDS * 300 * 300 };
static uint16_t pixels[BANDS][HEIGHT][WIDTH];
static uint8_t mask[HEIGHT][WIDTH];

static memory_dataset *scene(void)
{
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            mask[y][x] = (x * 7 + y * 3) % 11 ? 255 : 0;
            for (int band = 0; band < BANDS; band++)
                pixels[band][y][x] = (uint16_t)((x * x * 3 + y * 257 + band * 7919) % 65521);
        }
    }
    memory_dataset *dataset = memory_dataset_new(WIDTH, HEIGHT, BANDS, NACRE_DTYPE_UINT16, pixels);
    dataset->masks[0] = &mask[0][0];
    dataset->bytes_per_pixel_estimated = 4;
    for (int i = 0; i < BANDS; i++) {
        dataset->base.bands[i].block_width = 32;
        dataset->base.bands[i].mask_flags = NACRE_MASK_PER_DATASET;
    }
    return dataset;
}

static void read_within(memory_dataset *dataset, const nacre_read_options *options, const char *limit, uint8_t *out,
                        size_t size)
{
    ncr_call *call = test_call_new(limit, NULL);
    ncr_read read;
    ncr_plan *plan = NULL;
    nacre_error err;
    memset(out, 0xAA, size);
    dataset->reads = 0;
    if (ncr_read_init(&read, &dataset->base, options, &err) != NACRE_OK ||
        ncr_read_set_buffer(&read, out, size, &err) != NACRE_OK ||
        ncr_read_plan(&read, call, &plan, &err) != NACRE_OK || ncr_execute(plan, &err) != NACRE_OK)
        fail_msg("%s: %s", limit, err.message);
    ncr_plan_free(plan);
    ncr_read_clear(&read);
    ncr_call_unref(call);
}

/* Compares a read with enough memory with reads of less and less; the last must have been cut. */
static void check_limits(memory_dataset *dataset, const nacre_read_options *options, int least_reads)
{
    static const char *const limits[] = {"memory.limit=64k", "memory.limit=9k", "memory.limit=1"};
    size_t size = MOST * sizeof(double);
    uint8_t *whole = malloc(size), *parts = malloc(size);
    assert_non_null(whole);
    assert_non_null(parts);
    read_within(dataset, options, "memory.limit=1G", whole, size);
    for (int i = 0; i < 3; i++) {
        read_within(dataset, options, limits[i], parts, size);
        assert_memory_equal(whole, parts, size);
    }
    if (dataset->reads < least_reads)
        fail_msg("%d reads", dataset->reads);
    free(whole);
    free(parts);
}

static void blocks_of_pixels_and_masks_are_windows(void **state)
{
    (void)state;
    memory_dataset *dataset = scene();
    nacre_read_options options = NACRE_READ_OPTIONS_INIT;
    options.window = (nacre_window){3, 5, 140, 120};
    options.dtype = NACRE_DTYPE_FLOAT64;
    check_limits(dataset, &options, 5 * 8);
    options.dtype = NACRE_DTYPE_UNKNOWN;
    options.masks = true;
    check_limits(dataset, &options, 5 * 8);
    options.masks = false;
    options.dataset_mask = true;
    check_limits(dataset, &options, 5 * 8);
    nacre_dataset_close(&dataset->base);
}

static void strides_and_any_order_of_bands_are_kept(void **state)
{
    (void)state;
    memory_dataset *dataset = scene();
    const int bands[] = {2, 1, 2};
    nacre_read_options options = NACRE_READ_OPTIONS_INIT;
    options.window = (nacre_window){31, 15, 90, 100};
    options.bands = bands;
    options.band_count = 3;
    options.pixel_stride = 3 * 2;
    options.row_stride = 90 * 3 * 2 + 8;
    options.band_stride = 2;
    check_limits(dataset, &options, 4 * 7);
    nacre_dataset_close(&dataset->base);
}

static void resampled_pixels_and_masks_do_not_depend_on_the_cut(void **state)
{
    (void)state;
    static const nacre_resampling ways[] = {NACRE_RESAMPLING_NEAREST, NACRE_RESAMPLING_BILINEAR, NACRE_RESAMPLING_CUBIC,
                                            NACRE_RESAMPLING_AVERAGE};
    memory_dataset *dataset = scene();
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
        nacre_read_options options = NACRE_READ_OPTIONS_INIT;
        options.window = (nacre_window){3.3, 5.7, 140.1, 120.2};
        options.resampling = ways[way];
        for (int larger = 0; larger < 2; larger++) {
            options.out_width = larger ? 277 : 77;
            options.out_height = larger ? 259 : 93;
            options.masks = false;
            check_limits(dataset, &options, larger ? 25 : 4);
            options.masks = true;
            check_limits(dataset, &options, larger ? 25 : 4);
        }
    }
    nacre_dataset_close(&dataset->base);
}

static void nodata_masks_are_cut_before_they_take_memory(void **state)
{
    (void)state;
    memory_dataset *dataset = scene();
    for (int i = 0; i < BANDS; i++) {
        dataset->base.bands[i].mask_flags = NACRE_MASK_NODATA;
        dataset->base.bands[i].nodata = (nacre_nodata){.is_set = true, .value = pixels[0][50][50]};
    }
    nacre_read_options options = NACRE_READ_OPTIONS_INIT;
    options.masks = true;
    check_limits(dataset, &options, 5 * 9);
    options.masks = false;
    options.dataset_mask = true;
    check_limits(dataset, &options, 5 * 9);
    nacre_dataset_close(&dataset->base);
}

static void a_read_that_fits_is_one_plan(void **state)
{
    (void)state;
    memory_dataset *dataset = scene();
    nacre_read_options options = NACRE_READ_OPTIONS_INIT;
    uint8_t *out = malloc(sizeof pixels);
    read_within(dataset, &options, "memory.limit=78000", out, sizeof pixels); /* 4 bytes a pixel are estimated */
    assert_int_equal(dataset->reads, 1);
    read_within(dataset, &options, "memory.limit=77999", out, sizeof pixels);
    assert_in_range(dataset->reads, 4, 20);
    assert_memory_equal(out, pixels, sizeof pixels);
    free(out);
    nacre_dataset_close(&dataset->base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_of_pixels_and_masks_are_windows),
        cmocka_unit_test(strides_and_any_order_of_bands_are_kept),
        cmocka_unit_test(resampled_pixels_and_masks_do_not_depend_on_the_cut),
        cmocka_unit_test(nodata_masks_are_cut_before_they_take_memory),
        cmocka_unit_test(a_read_that_fits_is_one_plan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
