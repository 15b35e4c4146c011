/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <tiff.h>

#include "tiff/encode.h"

/* Which level Deflate takes where none is asked for. */

enum { SIDE = 512, SAMPLES = 3, VALUES = SIDE * SIDE * SAMPLES };

static ncr_tiff_format format_of(int level)
{
    return (ncr_tiff_format){
        .dtype = NACRE_DTYPE_UINT16,
        .bits = 16,
        .samples = SAMPLES,
        .coding = {.codec = ncr_tiff_codec_find(COMPRESSION_ADOBE_DEFLATE), .level = level, .predictor = 2},
        .is_tiled = true,
        .block_width = SIDE,
        .block_height = SIDE};
}

static ncr_buffer encode(const uint16_t *values, int level)
{
    ncr_tiff_format format = format_of(level);
    size_t size = VALUES * sizeof *values;
    uint16_t *work = malloc(size);
    ncr_buffer out;
    nacre_error err = {0};
    memcpy(work, values, size);
    if (ncr_tiff_encode(&format, "f.tif", SIDE, work, size, &out, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    free(work);
    return out;
}

static bool is_encoded_with(const uint16_t *values, int asked, int expected)
{
    ncr_buffer a = encode(values, asked), b = encode(values, expected);
    bool is_same = a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
    ncr_buffer_clear(&a);
    ncr_buffer_clear(&b);
    return is_same;
}

/* A smooth picture, and noise of so many values upon it. */
static uint16_t *make_values(unsigned noise)
{
    uint16_t *values = malloc(VALUES * sizeof *values);
    uint32_t random = 1;
    for (int i = 0; i < VALUES; i++) {
        int x = i / SAMPLES % SIDE, y = i / SAMPLES / SIDE;
        random = random * 1664525 + 1013904223;
        values[i] = (uint16_t)(1500 * (sin(x / 97.0) * cos(y / 71.0) + 1) + (double)((random >> 16) % noise));
    }
    return values;
}

static void noise_is_not_searched(void **state)
{
    (void)state;
    uint16_t *values = make_values(40);
    ncr_buffer fast = encode(values, 1), usual = encode(values, 6);
    assert_true(fast.size < usual.size);
    ncr_buffer_clear(&fast);
    ncr_buffer_clear(&usual);
    assert_true(is_encoded_with(values, -1, 1));
    free(values);
}

static void what_can_be_found_is_searched_for(void **state)
{
    (void)state;
    uint16_t *values = make_values(1);
    assert_true(is_encoded_with(values, -1, 6));
    free(values);
}

static void a_level_that_is_asked_for_is_taken(void **state)
{
    (void)state;
    uint16_t *values = make_values(40);
    assert_true(is_encoded_with(values, 6, 6));
    assert_false(is_encoded_with(values, 6, 1));
    free(values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(noise_is_not_searched),
        cmocka_unit_test(what_can_be_found_is_searched_for),
        cmocka_unit_test(a_level_that_is_asked_for_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
