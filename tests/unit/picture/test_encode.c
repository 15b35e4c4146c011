/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "picture/encode.h"

enum { WIDTH = 7, HEIGHT = 5 };

/* Encodes a pattern and reads it back in the same channels. */
static void there_and_back(int channels, bool is_chart)
{
    static const png_uint_32 formats[] = {0, PNG_FORMAT_GRAY, PNG_FORMAT_GA, PNG_FORMAT_RGB, PNG_FORMAT_RGBA};
    uint8_t pixels[WIDTH * HEIGHT * 4], back[WIDTH * HEIGHT * 4] = {0}, *data, *again;
    size_t count = (size_t)(WIDTH * HEIGHT * channels), size, again_size;
    for (size_t i = 0; i < count; i++)
        pixels[i] = (uint8_t)(i * 37 + i / 11);
    const ncr_picture picture = {pixels, WIDTH, HEIGHT, channels, is_chart};
    nacre_error err;
    assert_int_equal(ncr_picture_encode_png(&picture, &data, &size, &err), NACRE_OK);
    assert_int_equal(ncr_picture_encode_png(&picture, &again, &again_size, &err), NACRE_OK);
    assert_int_equal(size, again_size);
    assert_memory_equal(data, again, size);
    png_image image = {.version = PNG_IMAGE_VERSION};
    assert_true(png_image_begin_read_from_memory(&image, data, size));
    assert_true(image.width == WIDTH && image.height == HEIGHT);
    assert_int_equal(image.format, formats[channels]);
    assert_true(png_image_finish_read(&image, NULL, back, 0, NULL));
    assert_memory_equal(back, pixels, count);
    free(data);
    free(again);
}

static void pixels_come_back(void **state)
{
    (void)state;
    for (int channels = 1; channels <= 4; channels++) {
        there_and_back(channels, false);
        there_and_back(channels, true);
    }
}

static void picture_that_png_cannot_hold_is_an_error(void **state)
{
    (void)state;
    const uint8_t pixel = 0;
    const ncr_picture picture = {&pixel, 0, 1, 1, false};
    uint8_t *data;
    size_t size;
    nacre_error err;
    assert_int_equal(ncr_picture_encode_png(&picture, &data, &size, &err), NACRE_ERROR_INVALID);
    assert_null(data);
    assert_int_equal(size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixels_come_back),
        cmocka_unit_test(picture_that_png_cannot_hold_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
