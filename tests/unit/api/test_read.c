/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "support/memory_dataset.h"

/* nacre_dataset_read() and the getters, on a dataset in memory. */

enum { WIDTH = 50, HEIGHT = 70, BANDS = 3 };
static uint16_t pixels[BANDS][HEIGHT][WIDTH];

static memory_dataset *scene(void)
{
    for (int band = 0; band < BANDS; band++)
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++)
                pixels[band][y][x] = (uint16_t)(band * 10000 + y * 100 + x);
    return memory_dataset_new(WIDTH, HEIGHT, BANDS, NACRE_DTYPE_UINT16, pixels);
}

static void must_read(memory_dataset *dataset, const nacre_read_options *options, const nacre_io_options *io, void *out,
                      size_t size)
{
    nacre_error err;
    if (nacre_dataset_read(&dataset->base, options, io, out, size, &err) != NACRE_OK)
        fail_msg("%s", err.message);
}

static void by_default_everything_is_read(void **state)
{
    (void)state;
    memory_dataset *dataset = scene();
    static uint16_t out[BANDS][HEIGHT][WIDTH];
    must_read(dataset, NULL, NULL, out, sizeof out);
    assert_memory_equal(out, pixels, sizeof out);
    nacre_dataset_close(&dataset->base);
}

static void a_window_of_some_bands_is_its_crop(void **state)
{
    (void)state;
    memory_dataset *dataset = scene();
    nacre_read_options options = NACRE_READ_OPTIONS_INIT;
    const int bands[] = {3, 1, 3};
    options.window = (nacre_window){10, 20, 7, 5};
    options.bands = bands;
    options.band_count = 3;
    options.dtype = NACRE_DTYPE_FLOAT64;
    double out[3][5][7];
    must_read(dataset, &options, NULL, out, sizeof out);
    for (int band = 0; band < 3; band++)
        for (int y = 0; y < 5; y++)
            for (int x = 0; x < 7; x++)
                assert_true(out[band][y][x] == pixels[bands[band] - 1][20 + y][10 + x]);
    nacre_dataset_close(&dataset->base);
}

static void strides_place_the_values(void **state)
{
    (void)state;
    memory_dataset *dataset = scene();
    nacre_read_options options = NACRE_READ_OPTIONS_INIT;
    options.window = (nacre_window){1, 2, 4, 3};
    options.pixel_stride = BANDS * 2;
    options.row_stride = 4 * BANDS * 2;
    options.band_stride = 2;
    uint16_t out[3][4][BANDS];
    must_read(dataset, &options, NULL, out, sizeof out);
    assert_int_equal(out[2][3][1], pixels[1][4][4]);
    assert_int_equal(out[0][0][2], pixels[2][2][1]);
    nacre_dataset_close(&dataset->base);
}

/* The same through windows as at once. */
static void a_window_thinner_than_the_slack_is_one_pixel(void **state)
{
    (void)state;
    memory_dataset *dataset = scene();
    nacre_read_options options = NACRE_READ_OPTIONS_INIT;
    options.window = (nacre_window){10, 20, 1e-7, 1};
    uint16_t out[BANDS] = {0};
    must_read(dataset, &options, NULL, out, sizeof out);
    for (int band = 0; band < BANDS; band++)
        assert_int_equal(out[band], pixels[band][20][10]);
    nacre_dataset_close(&dataset->base);
}

static void little_memory_makes_windows_and_no_difference(void **state)
{
    (void)state;
    memory_dataset *dataset = scene();
    dataset->bytes_per_pixel_estimated = 10;
    for (int i = 0; i < BANDS; i++)
        dataset->base.bands[i].block_width = 16;
    nacre_config *config = nacre_config_new();
    nacre_io_options io = NACRE_IO_OPTIONS_INIT;
    io.config = config;
    static const struct {
        const char *limit;
        int least, most;
    } rows[] = {{"1 MiB", 1, 1}, {"9k", 12, 24}, {"1", 15, 24}};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(nacre_config_set(config, "memory.limit", rows[i].limit, NULL), NACRE_OK);
        nacre_read_options options = NACRE_READ_OPTIONS_INIT;
        options.window = (nacre_window){3, 5, 40, 60};
        static uint16_t out[BANDS][60][40];
        memset(out, 0, sizeof out);
        dataset->reads = 0;
        must_read(dataset, &options, &io, out, sizeof out);
        for (int band = 0; band < BANDS; band++)
            for (int y = 0; y < 60; y++)
                assert_memory_equal(out[band][y], &pixels[band][y + 5][3], 80);
        if (dataset->reads < rows[i].least || dataset->reads > rows[i].most)
            fail_msg("%s: %d plans", rows[i].limit, dataset->reads);
    }
    nacre_config_free(config);
    nacre_dataset_close(&dataset->base);
}

static void masks_are_windows_too(void **state)
{
    (void)state;
    memory_dataset *dataset = scene();
    static uint8_t mask[HEIGHT][WIDTH], out[BANDS][3][4];
    mask[11][12] = 255;
    dataset->masks[0] = &mask[0][0];
    for (int i = 0; i < BANDS; i++)
        dataset->base.bands[i].mask_flags = NACRE_MASK_PER_DATASET;
    nacre_read_options options = NACRE_READ_OPTIONS_INIT;
    options.window = (nacre_window){10, 10, 4, 3};
    options.masks = true;
    must_read(dataset, &options, NULL, out, sizeof out);
    for (int band = 0; band < BANDS; band++)
        for (int i = 0; i < 12; i++)
            assert_int_equal(out[band][i / 4][i % 4], i == 6 ? 255 : 0);
    options.masks = false;
    options.dataset_mask = true;
    memset(out, 7, sizeof out);
    must_read(dataset, &options, NULL, out, 12);
    assert_int_equal(out[0][1][2], 255);
    assert_int_equal(out[0][0][0], 0);
    assert_int_equal(out[1][0][0], 7); /* one plane only */
    nacre_dataset_close(&dataset->base);
}

static void refuse(memory_dataset *dataset, const nacre_read_options *options, size_t size, const char *message)
{
    static uint16_t out[BANDS * HEIGHT * WIDTH];
    nacre_error err = {0};
    assert_int_equal(nacre_dataset_read(&dataset->base, options, NULL, out, size, &err), NACRE_ERROR_INVALID);
    assert_string_equal(err.message, message);
}

static void wrong_arguments_are_named(void **state)
{
    (void)state;
    memory_dataset *dataset = scene();
    const nacre_read_options init = NACRE_READ_OPTIONS_INIT;
    size_t all = sizeof pixels;
    nacre_read_options options = init;
    options.window = (nacre_window){45, 0, 10, 10};
    refuse(dataset, &options, all, "memory: window 45,0,10,10 lies outside the raster of 50x70");
    options.window = (nacre_window){0, 0, 0, 5};
    refuse(dataset, &options, all, "memory: window 0,0,0,5 lies outside the raster of 50x70");
    options = init;
    const int bands[] = {1, 4};
    options.bands = bands;
    options.band_count = 2;
    refuse(dataset, &options, all, "memory: no band 4: it has 3");
    options = init;
    refuse(dataset, &options, all - 1, "memory: the buffer has 20999 bytes, and 21000 are needed");
    options.out_width = 2147483647;
    options.out_height = 2147483647;
    options.dtype = NACRE_DTYPE_COMPLEX128;
    refuse(dataset, &options, all, "memory: strides that are not positive, or beyond the memory");
    options = init;
    options.pixel_stride = -2;
    options.row_stride = 100;
    options.band_stride = 7000;
    refuse(dataset, &options, all, "memory: strides that are not positive, or beyond the memory");
    options = init;
    options.masks = true;
    options.dtype = NACRE_DTYPE_FLOAT32;
    refuse(dataset, &options, all, "memory: masks are uint8, not float32");
    options = init;
    options.out_width = -1;
    refuse(dataset, &options, all, "memory: output of -1x0 pixels");
    nacre_dataset_close(&dataset->base);
}

static void a_cancelled_read_says_so(void **state)
{
    (void)state;
    memory_dataset *dataset = scene();
    nacre_io_options io = NACRE_IO_OPTIONS_INIT;
    io.cancel = nacre_cancel_new();
    nacre_cancel_trigger(io.cancel);
    static uint16_t out[BANDS][HEIGHT][WIDTH];
    nacre_error err;
    assert_int_equal(nacre_dataset_read(&dataset->base, NULL, &io, out, sizeof out, &err), NACRE_ERROR_CANCELLED);
    assert_string_equal(err.message, "memory: cancelled");
    nacre_cancel_free(io.cancel);
    nacre_dataset_close(&dataset->base);
}

static void getters_tell_what_the_dataset_is(void **state)
{
    (void)state;
    memory_dataset *dataset = scene();
    nacre_dataset_info info;
    nacre_dataset_info_get(&dataset->base, &info);
    assert_int_equal(info.width, WIDTH);
    assert_int_equal(info.band_count, BANDS);
    assert_string_equal(info.driver, "memory");
    assert_string_equal(info.compression, "");
    nacre_band_info band;
    nacre_error err;
    assert_int_equal(nacre_dataset_band_get(&dataset->base, 3, &band, &err), NACRE_OK);
    assert_int_equal(band.dtype, NACRE_DTYPE_UINT16);
    assert_true(band.scale == 1);
    assert_string_equal(band.unit, "");
    assert_int_equal(nacre_dataset_band_get(&dataset->base, 4, &band, &err), NACRE_ERROR_INVALID);
    assert_int_equal(nacre_dataset_band_get(&dataset->base, 0, &band, &err), NACRE_ERROR_INVALID);

    assert_int_equal(ncr_metadata_set(&dataset->base.bands[1].metadata, "", "a", "1", &err), NACRE_OK);
    assert_int_equal(ncr_metadata_set(&dataset->base.bands[1].metadata, "D", "b", "2", &err), NACRE_OK);
    const char *domain, *key, *value;
    assert_true(nacre_dataset_metadata(&dataset->base, 2, 1, &domain, &key, &value));
    assert_string_equal(domain, "D");
    assert_string_equal(value, "2");
    assert_false(nacre_dataset_metadata(&dataset->base, 2, 2, &domain, &key, &value));
    assert_false(nacre_dataset_metadata(&dataset->base, 0, 0, &domain, &key, &value));
    assert_false(nacre_dataset_metadata(&dataset->base, 9, 0, &domain, &key, &value));
    nacre_source_info source;
    assert_false(nacre_dataset_source(&dataset->base, 0, &source));
    nacre_dataset_close(&dataset->base);
}

/* --- Sources --- */

enum { SOURCES = 500 };
static int walks;
static const char *seen_version = "";

static void many_sources(ncr_dataset *dataset,
                         void (*function)(void *user, const char *path, const char *version, const char *snapshot),
                         void *user)
{
    (void)dataset;
    walks++;
    for (int i = 0; i < SOURCES; i++) {
        char path[32];
        snprintf(path, sizeof path, "mem://s/%d", i);
        function(user, path, seen_version, i % 2 ? "proven" : "");
    }
}

static memory_dataset *mosaic(ncr_dataset_class *class)
{
    memory_dataset *dataset = scene();
    *class = *dataset->base.class;
    class->sources = many_sources;
    dataset->base.class = class;
    return dataset;
}

static void many_sources_are_told_in_one_walk(void **state)
{
    (void)state;
    ncr_dataset_class class;
    memory_dataset *dataset = mosaic(&class);
    nacre_source_info source;
    walks = 0;
    size_t count = 0;
    for (; nacre_dataset_source(&dataset->base, count, &source); count++) {
        char path[32];
        snprintf(path, sizeof path, "mem://s/%zu", count);
        assert_string_equal(source.path, path);
        assert_string_equal(source.snapshot, count % 2 ? "proven" : "");
    }
    assert_int_equal(count, SOURCES);
    assert_int_equal(walks, 1);
    assert_string_equal(source.path, "");
    nacre_dataset_close(&dataset->base);
}

static void a_source_out_of_turn_is_as_it_is_now(void **state)
{
    (void)state;
    ncr_dataset_class class, other_class;
    memory_dataset *dataset = mosaic(&class), *other = mosaic(&other_class);
    nacre_source_info source;
    seen_version = "one";
    assert_true(nacre_dataset_source(&dataset->base, 0, &source));
    seen_version = "two";
    assert_true(nacre_dataset_source(&dataset->base, 1, &source));
    assert_string_equal(source.version, "one"); /* what index 0 saw */
    assert_true(nacre_dataset_source(&other->base, 2, &source));
    assert_string_equal(source.path, "mem://s/2");
    assert_string_equal(source.version, "two");
    seen_version = "three";
    assert_true(nacre_dataset_source(&other->base, 2, &source));
    assert_string_equal(source.version, "three");
    assert_false(nacre_dataset_source(&other->base, SOURCES, &source));
    nacre_dataset_close(&dataset->base);
    nacre_dataset_close(&other->base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_default_everything_is_read),
        cmocka_unit_test(a_window_of_some_bands_is_its_crop),
        cmocka_unit_test(strides_place_the_values),
        cmocka_unit_test(a_window_thinner_than_the_slack_is_one_pixel),
        cmocka_unit_test(little_memory_makes_windows_and_no_difference),
        cmocka_unit_test(masks_are_windows_too),
        cmocka_unit_test(wrong_arguments_are_named),
        cmocka_unit_test(a_cancelled_read_says_so),
        cmocka_unit_test(getters_tell_what_the_dataset_is),
        cmocka_unit_test(many_sources_are_told_in_one_walk),
        cmocka_unit_test(a_source_out_of_turn_is_as_it_is_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
