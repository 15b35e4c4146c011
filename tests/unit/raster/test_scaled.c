/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "raster/execute.h"
#include "raster/overview.h"
#include "raster/scaled_rows.h"
#include "support/call.h"
#include "support/memory_dataset.h"

/* Reads of another size. What GDAL makes of real rasters is compared in tests/integration; here are the parts that
 * can be told by hand. */

enum { WIDTH = 120, HEIGHT = 90 };

static nacre_status read_scaled(ncr_dataset *dataset, ncr_call *call, nacre_window window, int width, int height,
                                nacre_resampling resampling, nacre_dtype dtype, void *out, nacre_error *err)
{
    static const int bands[] = {1, 2, 3, 4};
    ptrdiff_t size = (ptrdiff_t)ncr_dtype_size(dtype);
    ncr_scaled_request request = {
        .window = window,
        .out_width = width,
        .out_height = height,
        .resampling = resampling,
        .to = {.bands = bands,
               .band_count = dataset->band_count,
               .dtype = dtype,
               .buffer = out,
               .pixel_stride = size,
               .row_stride = size * width,
               .band_stride = size * width * height},
    };
    ncr_plan *plan = NULL;
    nacre_status status = ncr_dataset_plan_scaled(dataset, &request, call, &plan, err);
    if (status == NACRE_OK)
        status = ncr_execute(plan, err);
    ncr_plan_free(plan);
    return status;
}

static void must_read(ncr_dataset *dataset, nacre_window window, int width, int height, nacre_resampling resampling,
                      nacre_dtype dtype, void *out)
{
    ncr_call *call = test_call_new(NULL);
    nacre_error err;
    if (read_scaled(dataset, call, window, width, height, resampling, dtype, out, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    ncr_call_unref(call);
}

static float pixels[2 * WIDTH * HEIGHT];

static memory_dataset *scene(void)
{
    for (int i = 0; i < 2 * WIDTH * HEIGHT; i++)
        pixels[i] = (float)(100 + 50 * sin(i % WIDTH / 7.0) * cos(i / WIDTH / 5.0));
    return memory_dataset_new(WIDTH, HEIGHT, 2, NACRE_DTYPE_FLOAT32, pixels);
}

static void the_same_size_is_a_plain_read(void **state)
{
    (void)state;
    memory_dataset *dataset = scene();
    float out[2 * 7 * 5];
    must_read(&dataset->base, (nacre_window){3, 4, 7, 5}, 7, 5, NACRE_RESAMPLING_CUBIC, NACRE_DTYPE_FLOAT32, out);
    for (int band = 0; band < 2; band++)
        for (int y = 0; y < 5; y++)
            assert_memory_equal(&out[(band * 5 + y) * 7], &pixels[(band * HEIGHT + y + 4) * WIDTH + 3], 7 * 4);
    assert_int_equal(dataset->reads, 1);
    ncr_dataset_unref(&dataset->base);
}

static void nearest_takes_the_pixel_under_the_centre(void **state)
{
    (void)state;
    uint8_t row[6] = {10, 20, 30, 40, 50, 60}, out[6];
    memory_dataset *dataset = memory_dataset_new(6, 1, 1, NACRE_DTYPE_UINT8, row);
    must_read(&dataset->base, (nacre_window){0, 0, 6, 1}, 2, 1, NACRE_RESAMPLING_NEAREST, NACRE_DTYPE_UINT8, out);
    const uint8_t thirds[] = {20, 50};
    assert_memory_equal(out, thirds, 2);
    /* centres at 1.25, 1.75, 2.25, ... */
    must_read(&dataset->base, (nacre_window){1, 0, 3, 1}, 6, 1, NACRE_RESAMPLING_NEAREST, NACRE_DTYPE_UINT8, out);
    const uint8_t doubled[] = {20, 20, 30, 30, 40, 40};
    assert_memory_equal(out, doubled, 6);
    ncr_dataset_unref(&dataset->base);
}

static void a_window_beyond_the_raster_repeats_its_edge(void **state)
{
    (void)state;
    uint8_t row[3] = {10, 20, 30}, out[5];
    memory_dataset *dataset = memory_dataset_new(3, 1, 1, NACRE_DTYPE_UINT8, row);
    const uint8_t expected[] = {10, 10, 20, 30, 30};
    must_read(&dataset->base, (nacre_window){-1, 0, 5, 1}, 5, 1, NACRE_RESAMPLING_NEAREST, NACRE_DTYPE_UINT8, out);
    assert_memory_equal(out, expected, 5);
    must_read(&dataset->base, (nacre_window){-1, 0, 5, 1}, 5, 1, NACRE_RESAMPLING_BILINEAR, NACRE_DTYPE_UINT8, out);
    assert_memory_equal(out, expected, 5);
    ncr_dataset_unref(&dataset->base);
}

static void averages_weigh_parts_of_pixels(void **state)
{
    (void)state;
    float row[3] = {10, 20, 60}, out[2];
    memory_dataset *dataset = memory_dataset_new(3, 1, 1, NACRE_DTYPE_FLOAT32, row);
    must_read(&dataset->base, (nacre_window){0, 0, 3, 1}, 2, 1, NACRE_RESAMPLING_AVERAGE, NACRE_DTYPE_FLOAT32, out);
    assert_true(fabsf(out[0] - 20 / 1.5f) < 1e-5f); /* 10 and half of 20, over 1.5 pixels */
    assert_true(fabsf(out[1] - 70 / 1.5f) < 1e-5f);
    ncr_dataset_unref(&dataset->base);
}

static void bilinear_widens_when_it_shrinks(void **state)
{
    (void)state;
    float row[4] = {0, 0, 8, 8}, out[2];
    memory_dataset *dataset = memory_dataset_new(4, 1, 1, NACRE_DTYPE_FLOAT32, row);
    must_read(&dataset->base, (nacre_window){0, 0, 4, 1}, 2, 1, NACRE_RESAMPLING_BILINEAR, NACRE_DTYPE_FLOAT32, out);
    /* centre 1 with weights 3, 3, 1 for pixels 0 to 2 (pixel -1 is outside) */
    assert_true(fabsf(out[0] - 8.0f / 7) < 1e-5f);
    assert_true(fabsf(out[1] - 48.0f / 7) < 1e-5f);
    ncr_dataset_unref(&dataset->base);
}

static void set_nodata(memory_dataset *dataset, double value)
{
    for (int i = 0; i < dataset->base.band_count; i++) {
        dataset->base.bands[i].nodata = (nacre_nodata){true, value, (int64_t)value, 0};
        dataset->base.bands[i].mask_flags = NACRE_MASK_NODATA;
    }
}

static void invalid_pixels_are_left_out_and_the_others_weigh_more(void **state)
{
    (void)state;
    int16_t row[6] = {-9, 20, -9, -9, 30, 40}, out[3];
    memory_dataset *dataset = memory_dataset_new(6, 1, 1, NACRE_DTYPE_INT16, row);
    set_nodata(dataset, -9);
    must_read(&dataset->base, (nacre_window){0, 0, 6, 1}, 3, 1, NACRE_RESAMPLING_AVERAGE, NACRE_DTYPE_INT16, out);
    const int16_t expected[] = {20, -9, 35};
    assert_memory_equal(out, expected, sizeof expected);
    ncr_dataset_unref(&dataset->base);
}

/* What GDAL makes of these values. */
static void kernels_weigh_by_alpha_and_averages_do_not(void **state)
{
    (void)state;
    uint8_t bytes[16] = {10, 20, 30, 40, 0, 0, 0, 0, 0, 0, 0, 0, 255, 51, 0, 102};
    uint16_t wide[16] = {10, 20, 30, 40, 0, 0, 0, 0, 0, 0, 0, 0, 65535, 13107, 0, 26214};
    const uint8_t bilinear[] = {10, 11, 14, 20, 20, 40, 40, 40}, average[] = {15, 40};
    for (int i = 0; i < 2; i++) {
        memory_dataset *dataset =
            memory_dataset_new(4, 1, 4, i ? NACRE_DTYPE_UINT16 : NACRE_DTYPE_UINT8, i ? (void *)wide : (void *)bytes);
        dataset->base.alpha_band = 4;
        ncr_dataset_set_mask_flags(&dataset->base, false);
        uint8_t out[4 * 8];
        must_read(&dataset->base, (nacre_window){0, 0, 4, 1}, 8, 1, NACRE_RESAMPLING_BILINEAR, NACRE_DTYPE_UINT8, out);
        assert_memory_equal(out, bilinear, 8);
        must_read(&dataset->base, (nacre_window){0, 0, 4, 1}, 2, 1, NACRE_RESAMPLING_AVERAGE, NACRE_DTYPE_UINT8, out);
        assert_memory_equal(out, average, 2);
        ncr_dataset_unref(&dataset->base);
    }
}

static void a_computed_value_is_never_nodata_by_chance(void **state)
{
    (void)state;
    uint8_t row[2] = {10, 20}, out[1];
    memory_dataset *dataset = memory_dataset_new(2, 1, 1, NACRE_DTYPE_UINT8, row);
    set_nodata(dataset, 15);
    must_read(&dataset->base, (nacre_window){0, 0, 2, 1}, 1, 1, NACRE_RESAMPLING_AVERAGE, NACRE_DTYPE_UINT8, out);
    assert_int_equal(out[0], 16);
    ncr_dataset_unref(&dataset->base);
}

static void indices_of_colours_are_not_mixed(void **state)
{
    (void)state;
    uint8_t row[4] = {10, 20, 30, 40}, out[2];
    memory_dataset *dataset = memory_dataset_new(4, 1, 1, NACRE_DTYPE_UINT8, row);
    dataset->base.bands[0].colors = calloc(256, sizeof(nacre_color_entry));
    dataset->base.bands[0].color_count = 256;
    must_read(&dataset->base, (nacre_window){0, 0, 4, 1}, 2, 1, NACRE_RESAMPLING_BILINEAR, NACRE_DTYPE_UINT8, out);
    const uint8_t nearest[] = {20, 40};
    assert_memory_equal(out, nearest, 2);
    ncr_dataset_unref(&dataset->base);
}

static void nan_under_the_mask_does_not_spread(void **state)
{
    (void)state;
    float row[4] = {NAN, 20, 30, 30}, out[2];
    uint8_t mask[4] = {0, 255, 255, 255};
    memory_dataset *dataset = memory_dataset_new(4, 1, 1, NACRE_DTYPE_FLOAT32, row);
    dataset->masks[0] = mask;
    dataset->base.bands[0].mask_flags = NACRE_MASK_PER_DATASET;
    must_read(&dataset->base, (nacre_window){0, 0, 4, 1}, 2, 1, NACRE_RESAMPLING_AVERAGE, NACRE_DTYPE_FLOAT32, out);
    assert_true(out[0] == 20 && out[1] == 30);
    ncr_dataset_unref(&dataset->base);
}

/* The same through many parts as through one, bit for bit. */
static void little_memory_makes_no_difference(void **state)
{
    (void)state;
    memory_dataset *dataset = scene();
    static float whole[2 * 77 * 51], parts[2 * 77 * 51];
    static const nacre_resampling algorithms[] = {
        NACRE_RESAMPLING_NEAREST,      NACRE_RESAMPLING_BILINEAR, NACRE_RESAMPLING_CUBIC,
        NACRE_RESAMPLING_CUBIC_SPLINE, NACRE_RESAMPLING_LANCZOS,  NACRE_RESAMPLING_AVERAGE,
        NACRE_RESAMPLING_MODE,         NACRE_RESAMPLING_GAUSS,    NACRE_RESAMPLING_RMS};
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
        nacre_window window = {1.25, 2.5, 101.7, 80.1};
        must_read(&dataset->base, window, 77, 51, algorithms[i], NACRE_DTYPE_FLOAT32, whole);
        ncr_call *call = test_call_new("memory.limit=2k", NULL);
        nacre_error err;
        dataset->reads = 0;
        memset(parts, 0, sizeof parts);
        assert_int_equal(
            read_scaled(&dataset->base, call, window, 77, 51, algorithms[i], NACRE_DTYPE_FLOAT32, parts, &err),
            NACRE_OK);
        assert_true(dataset->reads > 51);
        assert_memory_equal(parts, whole, sizeof whole);
        ncr_call_unref(call);
    }
    ncr_dataset_unref(&dataset->base);
}

static void mode_is_the_value_that_was_most_frequent_first(void **state)
{
    (void)state;
    int16_t row[6] = {5, -3, -3, 9, 8, 8}, out[2];
    uint8_t bytes[6] = {5, 3, 3, 9, 8, 8}, out_bytes[2];
    memory_dataset *dataset = memory_dataset_new(6, 1, 1, NACRE_DTYPE_INT16, row);
    must_read(&dataset->base, (nacre_window){0, 0, 6, 1}, 2, 1, NACRE_RESAMPLING_MODE, NACRE_DTYPE_INT16, out);
    assert_true(out[0] == -3 && out[1] == 8);
    ncr_dataset_unref(&dataset->base);
    dataset = memory_dataset_new(6, 1, 1, NACRE_DTYPE_UINT8, bytes);
    set_nodata(dataset, 8);
    must_read(&dataset->base, (nacre_window){0, 0, 6, 1}, 2, 1, NACRE_RESAMPLING_MODE, NACRE_DTYPE_UINT8, out_bytes);
    assert_true(out_bytes[0] == 3 && out_bytes[1] == 9);
    ncr_dataset_unref(&dataset->base);
}

/* More values than the table of counts begins with. */
static void mode_counts_many_values(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    static float row[COUNT];
    float out;
    for (int i = 0; i < COUNT; i++)
        row[i] = (float)(i % 2 ? i : i % 1000);
    row[COUNT - 1] = row[COUNT - 3] = NAN; /* all NaN are one */
    memory_dataset *dataset = memory_dataset_new(COUNT, 1, 1, NACRE_DTYPE_FLOAT32, row);
    must_read(&dataset->base, (nacre_window){0, 0, COUNT, 1}, 1, 1, NACRE_RESAMPLING_MODE, NACRE_DTYPE_FLOAT32, &out);
    assert_true(out == 0); /* five times, as all even ones below 1000; it was so first */
    ncr_dataset_unref(&dataset->base);
}

static void rms_is_the_root_of_the_mean_square(void **state)
{
    (void)state;
    float row[4] = {3, 4, -5, 5}, out[2];
    memory_dataset *dataset = memory_dataset_new(4, 1, 1, NACRE_DTYPE_FLOAT32, row);
    must_read(&dataset->base, (nacre_window){0, 0, 4, 1}, 2, 1, NACRE_RESAMPLING_RMS, NACRE_DTYPE_FLOAT32, out);
    assert_true(fabsf(out[0] - sqrtf(12.5f)) < 1e-6f && out[1] == 5);
    ncr_dataset_unref(&dataset->base);
}

/* 1 2 1 along each axis where the size is halved, around the second of the two pixels. */
static void the_gaussian_weighs_by_binomials(void **state)
{
    (void)state;
    float row[4] = {8, 16, 32, 64}, out[2];
    memory_dataset *dataset = memory_dataset_new(4, 1, 1, NACRE_DTYPE_FLOAT32, row);
    must_read(&dataset->base, (nacre_window){0, 0, 4, 1}, 2, 1, NACRE_RESAMPLING_GAUSS, NACRE_DTYPE_FLOAT32, out);
    assert_true(fabsf(out[0] - (8 + 2 * 16 + 32) / 4.0f) < 1e-5f);
    assert_true(fabsf(out[1] - (32 + 2 * 64) / 3.0f) < 1e-5f); /* cut at the edge */
    ncr_dataset_unref(&dataset->base);
}

static void kernels_leave_what_is_constant(void **state)
{
    (void)state;
    float square[64], out[25];
    static const nacre_resampling kernels[] = {NACRE_RESAMPLING_BILINEAR, NACRE_RESAMPLING_CUBIC,
                                               NACRE_RESAMPLING_CUBIC_SPLINE, NACRE_RESAMPLING_LANCZOS};
    for (int i = 0; i < 64; i++)
        square[i] = 7;
    memory_dataset *dataset = memory_dataset_new(8, 8, 1, NACRE_DTYPE_FLOAT32, square);
    for (int k = 0; k < 4; k++) {
        must_read(&dataset->base, (nacre_window){0, 0, 8, 8}, 5, 5, kernels[k], NACRE_DTYPE_FLOAT32, out);
        for (int i = 0; i < 25; i++)
            assert_true(fabsf(out[i] - 7) < 1e-5f);
    }
    assert_true(ncr_resampling_weight(NACRE_RESAMPLING_CUBIC_SPLINE, 0) == 4 / 6.0);
    assert_true(fabs(ncr_resampling_weight(NACRE_RESAMPLING_LANCZOS, 1.5) + 0.135095) < 1e-6);
    ncr_dataset_unref(&dataset->base);
}

static void both_parts_of_complex_values_are_resampled(void **state)
{
    (void)state;
    float row[8] = {1, 10, 3, 30, 5, 50, 9, 90}, out[4];
    double real[2];
    memory_dataset *dataset = memory_dataset_new(4, 1, 1, NACRE_DTYPE_COMPLEX64, row);
    must_read(&dataset->base, (nacre_window){0, 0, 4, 1}, 2, 1, NACRE_RESAMPLING_AVERAGE, NACRE_DTYPE_COMPLEX64, out);
    assert_true(out[0] == 2 && out[1] == 20 && out[2] == 7 && out[3] == 70);
    must_read(&dataset->base, (nacre_window){0, 0, 4, 1}, 2, 1, NACRE_RESAMPLING_AVERAGE, NACRE_DTYPE_FLOAT64, real);
    assert_true(real[0] == 2 && real[1] == 7);
    must_read(&dataset->base, (nacre_window){0, 0, 4, 1}, 2, 1, NACRE_RESAMPLING_GAUSS, NACRE_DTYPE_COMPLEX64, out);
    assert_true(out[0] == 3 && out[1] == 30 && out[2] == 9 && out[3] == 90); /* the nearest */
    ncr_dataset_unref(&dataset->base);
}

static void averages_of_indices_are_those_of_their_colours(void **state)
{
    (void)state;
    uint8_t row[6] = {0, 2, 3, 0, 3, 3}, out[3];
    const nacre_color_entry table[4] = {{0, 0, 0, 255}, {90, 90, 90, 255}, {200, 200, 200, 255}, {9, 9, 9, 0}};
    memory_dataset *dataset = memory_dataset_new(6, 1, 1, NACRE_DTYPE_UINT8, row);
    dataset->base.bands[0].colors = calloc(4, sizeof(nacre_color_entry));
    assert_non_null(dataset->base.bands[0].colors);
    memcpy(dataset->base.bands[0].colors, table, sizeof table);
    dataset->base.bands[0].color_count = 4;
    must_read(&dataset->base, (nacre_window){0, 0, 6, 1}, 3, 1, NACRE_RESAMPLING_AVERAGE, NACRE_DTYPE_UINT8, out);
    const uint8_t expected[] = {1, 0, 3}; /* the grey between; what is opaque; nothing is */
    assert_memory_equal(out, expected, 3);
    ncr_dataset_unref(&dataset->base);
}

static void unknown_resampling_is_named(void **state)
{
    (void)state;
    memory_dataset *dataset = scene();
    ncr_call *call = test_call_new(NULL);
    nacre_error err;
    static float out[8];
    nacre_window window = {0, 0, 10, 10};
    assert_int_equal(
        read_scaled(&dataset->base, call, window, 2, 2, NACRE_RESAMPLING_MED, NACRE_DTYPE_FLOAT32, out, &err),
        NACRE_ERROR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "resampling med"));
    ncr_call_unref(call);
    ncr_dataset_unref(&dataset->base);
}

static void a_window_that_misses_the_raster_is_refused(void **state)
{
    (void)state;
    memory_dataset *dataset = scene();
    ncr_call *call = test_call_new(NULL);
    static const nacre_window windows[] = {{120, 0, 5, 5}, {-5, 0, 5, 5}, {0, 0, 0, 5}, {NAN, 0, 5, 5}};
    float out[32];
    nacre_error err;
    for (int i = 0; i < 4; i++)
        assert_int_equal(read_scaled(&dataset->base, call, windows[i], 2, 2, NACRE_RESAMPLING_NEAREST,
                                     NACRE_DTYPE_FLOAT32, out, &err),
                         NACRE_ERROR_INVALID);
    ncr_call_unref(call);
    ncr_dataset_unref(&dataset->base);
}

static void overviews_are_chosen_by_the_less_reduced_axis(void **state)
{
    (void)state;
    memory_dataset *dataset = memory_dataset_new(1000, 800, 1, NACRE_DTYPE_UINT8, NULL);
    static const int sizes[3][2] = {{500, 400}, {250, 200}, {125, 100}};
    dataset->base.overviews = malloc(sizeof sizes);
    assert_non_null(dataset->base.overviews);
    memcpy(dataset->base.overviews, sizes, sizeof sizes);
    dataset->base.overview_count = 3;
    static const struct {
        int width, height;
        bool nearest;
        int level;
    } rows[] = {
        {1000, 800, true, 0}, {632, 506, true, 0},  {631, 505, true, 1},  {308, 246, true, 1},  {307, 246, true, 2},
        {527, 422, false, 0}, {526, 421, false, 1}, {257, 206, false, 1}, {256, 205, false, 2}, {10, 800, true, 0},
        {10, 8, false, 3},    {10, 1, true, 3},     {2000, 8, true, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        nacre_window window = {0, 0, 1000, 800};
        int level = ncr_overview_choose(&dataset->base, &window, rows[i].width, rows[i].height, rows[i].nearest);
        if (level != rows[i].level)
            fail_msg("%dx%d: level %d, not %d", rows[i].width, rows[i].height, level, rows[i].level);
    }
    ncr_dataset_unref(&dataset->base);
}

static void pixels_come_from_the_overview_that_was_chosen(void **state)
{
    (void)state;
    static uint8_t full[16 * 16], half[8 * 8];
    memset(full, 1, sizeof full);
    memset(half, 2, sizeof half);
    memory_dataset *dataset = memory_dataset_new(16, 16, 1, NACRE_DTYPE_UINT8, full);
    dataset->base.overviews = calloc(1, sizeof *dataset->base.overviews);
    assert_non_null(dataset->base.overviews);
    dataset->base.overviews[0][0] = dataset->base.overviews[0][1] = 8;
    dataset->base.overview_count = 1;
    dataset->levels[1] = half;
    uint8_t out[16];
    must_read(&dataset->base, (nacre_window){0, 0, 16, 16}, 4, 4, NACRE_RESAMPLING_CUBIC, NACRE_DTYPE_UINT8, out);
    assert_int_equal(out[0], 2);
    assert_int_equal(out[15], 2);
    ncr_dataset_unref(&dataset->base);
}

/* Before each of its tasks, so that it does not go on for seconds. */
static void a_call_that_must_end_stops_the_computing(void **state)
{
    (void)state;
    nacre_cancel *cancel = nacre_cancel_new();
    ncr_call *call = test_call_with_cancel(cancel, NULL);
    memory_dataset *dataset = scene();
    uint8_t source[4] = {7, 7, 7, 7}, out[4] = {0};
    ncr_scaled_job job = {.dataset = &dataset->base,
                          .to = {.dtype = NACRE_DTYPE_UINT8, .buffer = out, .pixel_stride = 1, .row_stride = 2},
                          .band_count = 1,
                          .dtype = NACRE_DTYPE_UINT8,
                          .out = {0, 0, 2, 2},
                          .source = {0, 0, 2, 2},
                          .pixels = source};
    const ncr_axis_grid grid = {.ratio = 1, .count = 2, .source_size = 2};
    assert_int_equal(ncr_axis_init(&job.columns, NACRE_RESAMPLING_NEAREST, &grid, NULL), NACRE_OK);
    assert_int_equal(ncr_axis_init(&job.rows, NACRE_RESAMPLING_NEAREST, &grid, NULL), NACRE_OK);
    nacre_error err = {0};
    nacre_cancel_trigger(cancel);
    assert_int_equal(ncr_scaled_job_run(&job, call, &err), NACRE_ERROR_CANCELLED);
    assert_non_null(strstr(err.message, ": cancelled"));
    assert_int_equal(out[0] + out[1] + out[2] + out[3], 0);
    ncr_scaled_job_clear(&job);
    ncr_dataset_unref(&dataset->base);
    ncr_call_unref(call);
    nacre_cancel_free(cancel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_size_is_a_plain_read),
        cmocka_unit_test(a_call_that_must_end_stops_the_computing),
        cmocka_unit_test(nearest_takes_the_pixel_under_the_centre),
        cmocka_unit_test(a_window_beyond_the_raster_repeats_its_edge),
        cmocka_unit_test(averages_weigh_parts_of_pixels),
        cmocka_unit_test(bilinear_widens_when_it_shrinks),
        cmocka_unit_test(invalid_pixels_are_left_out_and_the_others_weigh_more),
        cmocka_unit_test(kernels_weigh_by_alpha_and_averages_do_not),
        cmocka_unit_test(a_computed_value_is_never_nodata_by_chance),
        cmocka_unit_test(indices_of_colours_are_not_mixed),
        cmocka_unit_test(nan_under_the_mask_does_not_spread),
        cmocka_unit_test(little_memory_makes_no_difference),
        cmocka_unit_test(mode_is_the_value_that_was_most_frequent_first),
        cmocka_unit_test(mode_counts_many_values),
        cmocka_unit_test(rms_is_the_root_of_the_mean_square),
        cmocka_unit_test(the_gaussian_weighs_by_binomials),
        cmocka_unit_test(kernels_leave_what_is_constant),
        cmocka_unit_test(both_parts_of_complex_values_are_resampled),
        cmocka_unit_test(averages_of_indices_are_those_of_their_colours),
        cmocka_unit_test(unknown_resampling_is_named),
        cmocka_unit_test(a_window_that_misses_the_raster_is_refused),
        cmocka_unit_test(overviews_are_chosen_by_the_less_reduced_axis),
        cmocka_unit_test(pixels_come_from_the_overview_that_was_chosen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
