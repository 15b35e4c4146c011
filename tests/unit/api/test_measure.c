/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <math.h>
#include <nacre/nacre.h>
#include <string.h>

/* nacre/measure.h: statistics, checksums, places of blocks, in the memory store. */

enum { WIDTH = 90, HEIGHT = 70 };

static void ok(nacre_status status, const nacre_error *err)
{
    if (status != NACRE_OK)
        fail_msg("%s", err->message);
}

/* Values 0 to 6299 in rows; made in tiles of 32. */
static nacre_dataset *make(const char *path, nacre_dtype dtype, double nodata, const int *factors, int count)
{
    static const char *const tiles[] = {"TILED=YES", "BLOCKXSIZE=32", "BLOCKYSIZE=32", NULL};
    static float pixels[HEIGHT][WIDTH];
    for (int i = 0; i < WIDTH * HEIGHT; i++)
        pixels[i / WIDTH][i % WIDTH] = (float)i;
    nacre_create_options options = NACRE_CREATE_OPTIONS_INIT;
    nacre_dataset_write_options write = NACRE_DATASET_WRITE_OPTIONS_INIT;
    nacre_band_info values = {.nodata = {.is_set = true, .value = nodata}};
    nacre_dataset *dataset = NULL;
    nacre_error err;
    options.format = "GTiff";
    options.creation = tiles;
    options.overwrite = true;
    write.dtype = NACRE_DTYPE_FLOAT32;
    ok(nacre_dataset_create(path, WIDTH, HEIGHT, 1, dtype, &options, NULL, &dataset, &err), &err);
    ok(nacre_dataset_write(dataset, &write, NULL, pixels, sizeof pixels, &err), &err);
    if (nodata >= 0)
        ok(nacre_dataset_set_band(dataset, 1, NACRE_BAND_NODATA, &values, &err), &err);
    if (count)
        ok(nacre_dataset_build_overviews(dataset, factors, count, NACRE_RESAMPLING_NEAREST, &err), &err);
    ok(nacre_dataset_commit(dataset, NULL, NULL, NULL, &err), &err);
    nacre_dataset_close(dataset);
    ok(nacre_dataset_open(path, NULL, NULL, &dataset, &err), &err);
    return dataset;
}

static void statistics_are_of_all_valid_values(void **state)
{
    (void)state;
    nacre_statistics s;
    nacre_error err;
    nacre_dataset *dataset = make("mem://measure/all.tif", NACRE_DTYPE_UINT16, -1, NULL, 0);
    ok(nacre_dataset_statistics(dataset, 1, false, NULL, &s, &err), &err);
    assert_true(s.valid_count == WIDTH * HEIGHT && s.count == WIDTH * HEIGHT);
    assert_true(s.minimum == 0 && s.maximum == 6299 && fabs(s.mean - 3149.5) < 1e-9);
    assert_true(fabs(s.standard_deviation - sqrt((6300. * 6300 - 1) / 12)) < 1e-8);
    assert_int_equal(nacre_dataset_statistics(dataset, 2, false, NULL, &s, &err), NACRE_ERROR_INVALID);
    nacre_dataset_close(dataset);
}

static void nodata_is_left_out(void **state)
{
    (void)state;
    nacre_statistics s;
    nacre_error err;
    nacre_dataset *dataset = make("mem://measure/nodata.tif", NACRE_DTYPE_UINT16, 6299, NULL, 0);
    ok(nacre_dataset_statistics(dataset, 1, false, NULL, &s, &err), &err);
    assert_true(s.valid_count == WIDTH * HEIGHT - 1 && s.count == WIDTH * HEIGHT && s.maximum == 6298);
    nacre_dataset_close(dataset);
}

static void masked_pixels_are_left_out(void **state)
{
    (void)state;
    static uint8_t mask[HEIGHT][WIDTH];
    memset(mask[1], 255, sizeof mask[1]);
    nacre_dataset_write_options write = NACRE_DATASET_WRITE_OPTIONS_INIT;
    nacre_statistics s;
    nacre_error err;
    nacre_dataset_close(make("mem://measure/mask.tif", NACRE_DTYPE_UINT16, -1, NULL, 0));
    nacre_dataset *dataset = NULL;
    ok(nacre_dataset_update("mem://measure/mask.tif", NULL, NULL, &dataset, &err), &err);
    write.dataset_mask = true;
    ok(nacre_dataset_write(dataset, &write, NULL, mask, sizeof mask, &err), &err);
    ok(nacre_dataset_statistics(dataset, 1, false, NULL, &s, &err), &err);
    assert_true(s.valid_count == WIDTH && s.minimum == WIDTH && s.maximum == 2 * WIDTH - 1);
    nacre_dataset_close(dataset);
}

static void approximate_ones_are_of_an_overview(void **state)
{
    (void)state;
    static const int factors[] = {2};
    nacre_statistics s;
    nacre_error err;
    nacre_dataset *dataset = make("mem://measure/less.tif", NACRE_DTYPE_UINT16, -1, NULL, 0);
    ok(nacre_dataset_statistics(dataset, 1, true, NULL, &s, &err), &err);
    assert_true(s.count < WIDTH * HEIGHT);
    nacre_dataset_close(dataset);
    dataset = make("mem://measure/less.tif", NACRE_DTYPE_UINT16, -1, factors, 1);
    ok(nacre_dataset_statistics(dataset, 1, true, NULL, &s, &err), &err);
    assert_true(s.count < WIDTH * HEIGHT && s.count != 45 * 35); /* 1575 pixels are too few */
    nacre_dataset_close(dataset);
}

static void the_checksum_is_that_of_the_rows_in_order(void **state)
{
    (void)state;
    static const int primes[] = {7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43};
    nacre_window window = {3, 40, 41, 20};
    nacre_error err;
    int all = 0, part = 0, got = 0, turn = 0;
    for (int i = 0; i < WIDTH * HEIGHT; i++)
        all += i % primes[i % 11];
    for (int y = 40; y < 60; y++)
        for (int x = 3; x < 44; x++)
            part += (y * WIDTH + x) % primes[turn++ % 11];
    nacre_dataset *dataset = make("mem://measure/sum.tif", NACRE_DTYPE_FLOAT32, -1, NULL, 0);
    ok(nacre_dataset_checksum(dataset, 1, NULL, NULL, &got, &err), &err);
    assert_int_equal(got, all & 0xffff);
    ok(nacre_dataset_checksum(dataset, 1, &window, NULL, &got, &err), &err);
    assert_int_equal(got, part & 0xffff);
    window.width = 88;
    assert_int_equal(nacre_dataset_checksum(dataset, 1, &window, NULL, &got, &err), NACRE_ERROR_INVALID);
    nacre_dataset_close(dataset);
}

static void blocks_are_found_in_the_image_and_its_overviews(void **state)
{
    (void)state;
    static const int factors[] = {2};
    nacre_block_place first, last, small;
    nacre_error err;
    nacre_dataset *dataset = make("mem://measure/blocks.tif", NACRE_DTYPE_UINT16, -1, factors, 1);
    ok(nacre_dataset_block_find(dataset, 1, 0, 0, 0, NULL, &first, &err), &err);
    ok(nacre_dataset_block_find(dataset, 1, 0, 2, 2, NULL, &last, &err), &err);
    ok(nacre_dataset_block_find(dataset, 1, 1, 0, 0, NULL, &small, &err), &err);
    assert_true(first.size == 32 * 32 * 2 && first.offset && last.offset && first.offset != last.offset);
    assert_true(first.directory_offset == last.directory_offset && first.directory_offset != small.directory_offset);
    assert_int_equal(nacre_dataset_block_find(dataset, 1, 0, 3, 0, NULL, &last, &err), NACRE_ERROR_INVALID);
    assert_int_equal(nacre_dataset_block_find(dataset, 1, 2, 0, 0, NULL, &last, &err), NACRE_ERROR_INVALID);
    nacre_dataset_close(dataset);
}

static void names_of_creation_options_are_known(void **state)
{
    (void)state;
    assert_true(nacre_creation_option_exists("gtiff", "compress"));
    assert_true(nacre_creation_option_exists("COG", "ZOOM_LEVEL"));
    assert_true(nacre_creation_option_exists("PNG", "ZLEVEL"));
    assert_false(nacre_creation_option_exists("COG", "TILED"));
    assert_false(nacre_creation_option_exists("COG", "ZOOM"));
    assert_false(nacre_creation_option_exists("VRT", "COMPRESS"));
    assert_false(nacre_creation_option_exists("none", "COMPRESS"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statistics_are_of_all_valid_values),
        cmocka_unit_test(nodata_is_left_out),
        cmocka_unit_test(masked_pixels_are_left_out),
        cmocka_unit_test(approximate_ones_are_of_an_overview),
        cmocka_unit_test(the_checksum_is_that_of_the_rows_in_order),
        cmocka_unit_test(blocks_are_found_in_the_image_and_its_overviews),
        cmocka_unit_test(names_of_creation_options_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
