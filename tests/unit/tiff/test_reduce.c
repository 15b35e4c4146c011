/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tiff/reduce.h"

static const nacre_resampling all[] = {NACRE_RESAMPLING_NEAREST,      NACRE_RESAMPLING_AVERAGE,
                                       NACRE_RESAMPLING_BILINEAR,     NACRE_RESAMPLING_CUBIC,
                                       NACRE_RESAMPLING_CUBIC_SPLINE, NACRE_RESAMPLING_LANCZOS};
enum { KINDS = sizeof all / sizeof *all };

static void weights_sum_to_one_within_the_input(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++)
        for (int size = 1; size < 40; size++) {
            int half = (size + 1) / 2;
            ncr_reduce_axis axis;
            assert_int_equal(ncr_reduce_axis_init(&axis, all[kind], size, half, 0, half, NULL), NACRE_OK);
            assert_true(axis.input_first >= 0 && axis.input_end <= size);
            for (int i = 0; i < half; i++) {
                double sum = 0;
                for (int t = 0; t < axis.taps; t++)
                    sum += axis.weights[i * axis.taps + t];
                assert_true(fabs(sum - 1) < 1e-12);
                assert_true(axis.first[i] >= 0 && axis.first[i] + axis.taps <= size);
            }
            ncr_reduce_axis_clear(&axis);
        }
}

/* Reduces a whole image of WIDTH by HEIGHT, in pieces of `piece` outputs each way. */
enum { WIDTH = 37, HEIGHT = 22, HALF_WIDTH = 19, HALF_HEIGHT = 11 };

static void reduce(nacre_resampling kind, const float *input, const uint8_t *valid, bool has_nodata, double nodata,
                   int piece, float *output, uint8_t *mask)
{
    for (int y0 = 0; y0 < HALF_HEIGHT; y0 += piece)
        for (int x0 = 0; x0 < HALF_WIDTH; x0 += piece) {
            int w = x0 + piece < HALF_WIDTH ? piece : HALF_WIDTH - x0;
            int h = y0 + piece < HALF_HEIGHT ? piece : HALF_HEIGHT - y0;
            ncr_reduce_axis x, y;
            assert_int_equal(ncr_reduce_axis_init(&x, kind, WIDTH, HALF_WIDTH, x0, w, NULL), NACRE_OK);
            assert_int_equal(ncr_reduce_axis_init(&y, kind, HEIGHT, HALF_HEIGHT, y0, h, NULL), NACRE_OK);
            int width = x.input_end - x.input_first, height = y.input_end - y.input_first;
            uint8_t *part = malloc((size_t)width * (size_t)height), *part_mask = malloc((size_t)w * (size_t)h);
            for (int row = 0; row < height && valid; row++)
                memcpy(part + row * width, valid + (y.input_first + row) * WIDTH + x.input_first, (size_t)width);
            ncr_reduce_band band = {.dtype = NACRE_DTYPE_FLOAT32,
                                    .resampling = kind,
                                    .input = (const uint8_t *)(input + y.input_first * WIDTH + x.input_first),
                                    .input_pixel = 4,
                                    .input_row = 4 * WIDTH,
                                    .valid = valid ? part : NULL,
                                    .has_nodata = has_nodata,
                                    .nodata = nodata,
                                    .output = (uint8_t *)(output + y0 * HALF_WIDTH + x0),
                                    .output_pixel = 4,
                                    .output_row = 4 * HALF_WIDTH};
            assert_int_equal(ncr_reduce(&x, &y, &band, 0, y.count, NULL), NACRE_OK);
            if (mask) {
                assert_int_equal(ncr_reduce_mask(&x, &y, kind, part, part_mask, NULL), NACRE_OK);
                for (int row = 0; row < h; row++)
                    memcpy(mask + (y0 + row) * HALF_WIDTH + x0, part_mask + row * w, (size_t)w);
            }
            free(part);
            free(part_mask);
            ncr_reduce_axis_clear(&x);
            ncr_reduce_axis_clear(&y);
        }
}

static float image[WIDTH * HEIGHT], whole[HALF_WIDTH * HALF_HEIGHT], pieces[HALF_WIDTH * HALF_HEIGHT];
static uint8_t valid[WIDTH * HEIGHT], mask[HALF_WIDTH * HALF_HEIGHT], piece_mask[HALF_WIDTH * HALF_HEIGHT];

static void fill(double (*value)(int x, int y))
{
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            image[y * WIDTH + x] = (float)value(x, y);
            valid[y * WIDTH + x] = (x * 7 + y * 3) % 11 > 3 && !(x > 6 && x < 30 && y > 2 && y < 19);
        }
}

static double wave(int x, int y)
{
    return 50 * sin(x * 0.7) + 30 * cos(y * 1.1) + x;
}

static double same(int x, int y)
{
    (void)x, (void)y;
    return 42;
}

static double slope(int x, int y)
{
    return x + 0.5 + 100 * (y + 0.5);
}

static void pieces_equal_the_whole(void **state)
{
    (void)state;
    fill(wave);
    for (int kind = 0; kind < KINDS; kind++)
        for (int piece = 1; piece < 9; piece += 3) {
            reduce(all[kind], image, valid, false, 0, 100, whole, mask);
            reduce(all[kind], image, valid, false, 0, piece, pieces, piece_mask);
            assert_memory_equal(whole, pieces, sizeof whole);
            assert_memory_equal(mask, piece_mask, sizeof mask);
        }
}

static void a_constant_stays_whatever_is_masked(void **state)
{
    (void)state;
    fill(same);
    for (int kind = 1; kind < KINDS; kind++) {
        reduce(all[kind], image, valid, false, 0, 100, whole, mask);
        bool has_hole = false;
        for (int i = 0; i < HALF_WIDTH * HALF_HEIGHT; i++) {
            assert_true(mask[i] == 0 || mask[i] == 255);
            assert_true(fabs((double)whole[i] - (mask[i] ? 42 : 0)) < 1e-4);
            has_hole |= !mask[i];
        }
        assert_true(has_hole);
    }
}

/* Values far below the others are in the masked places: one that leaks is seen. */
static void masked_values_never_leak(void **state)
{
    (void)state;
    fill(same);
    for (int i = 0; i < WIDTH * HEIGHT; i++)
        if (!valid[i])
            image[i] = i % 2 ? -1e6F : (float)NAN;
    for (int kind = 1; kind < KINDS; kind++) {
        reduce(all[kind], image, valid, false, 0, 100, whole, mask);
        for (int i = 0; i < HALF_WIDTH * HALF_HEIGHT; i++)
            assert_true(fabs((double)whole[i] - (mask[i] ? 42 : 0)) < 1e-4);
    }
}

static void nodata_is_left_out_and_given_where_nothing_is(void **state)
{
    (void)state;
    fill(same);
    for (int i = 0; i < WIDTH * HEIGHT; i++)
        if (!valid[i])
            image[i] = -9999;
    reduce(NACRE_RESAMPLING_AVERAGE, image, NULL, true, -9999, 100, whole, NULL);
    bool has_nodata = false;
    for (int i = 0; i < HALF_WIDTH * HALF_HEIGHT; i++) {
        assert_true(whole[i] == 42 || whole[i] == -9999);
        has_nodata |= whole[i] == -9999;
    }
    assert_true(has_nodata);
}

/* A plane is reproduced at the centres of the outputs, away from the borders. */
static void positions_are_those_of_centres(void **state)
{
    (void)state;
    fill(slope);
    for (int kind = 1; kind < KINDS; kind++) {
        if (all[kind] == NACRE_RESAMPLING_LANCZOS)
            continue; /* does not reproduce planes exactly */
        reduce(all[kind], image, NULL, false, 0, 100, whole, NULL);
        for (int y = 3; y < HALF_HEIGHT - 3; y++)
            for (int x = 3; x < HALF_WIDTH - 3; x++) {
                double expected = (x + 0.5) * WIDTH / HALF_WIDTH + 100 * (y + 0.5) * HEIGHT / HALF_HEIGHT;
                assert_true(fabs((double)whole[y * HALF_WIDTH + x] - expected) < 2.5);
            }
    }
}

static void a_valid_result_is_never_nodata(void **state)
{
    (void)state;
    const uint8_t input[4] = {9, 11, 9, 11};
    uint8_t output = 0;
    ncr_reduce_axis x, y;
    assert_int_equal(ncr_reduce_axis_init(&x, NACRE_RESAMPLING_AVERAGE, 2, 1, 0, 1, NULL), NACRE_OK);
    assert_int_equal(ncr_reduce_axis_init(&y, NACRE_RESAMPLING_AVERAGE, 2, 1, 0, 1, NULL), NACRE_OK);
    ncr_reduce_band band = {.dtype = NACRE_DTYPE_UINT8,
                            .resampling = NACRE_RESAMPLING_AVERAGE,
                            .input = input,
                            .input_pixel = 1,
                            .input_row = 2,
                            .has_nodata = true,
                            .nodata = 10,
                            .output = &output,
                            .output_pixel = 1,
                            .output_row = 1};
    assert_int_equal(ncr_reduce(&x, &y, &band, 0, y.count, NULL), NACRE_OK);
    assert_int_equal(output, 11);
    ncr_reduce_axis_clear(&x);
    ncr_reduce_axis_clear(&y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_sum_to_one_within_the_input),
        cmocka_unit_test(pieces_equal_the_whole),
        cmocka_unit_test(a_constant_stays_whatever_is_masked),
        cmocka_unit_test(masked_values_never_leak),
        cmocka_unit_test(nodata_is_left_out_and_given_where_nothing_is),
        cmocka_unit_test(positions_are_those_of_centres),
        cmocka_unit_test(a_valid_result_is_never_nodata),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
