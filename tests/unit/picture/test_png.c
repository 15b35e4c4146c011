/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "picture/picture.h"
#include "support/call.h"
#include "support/mem_file.h"
#include "support/memory_dataset.h"

/* What is saved is read back by libpng's simplified interface, as 8-bit RGBA or as 16-bit linear values. */

enum { WIDTH = 5, HEIGHT = 4 };

static nacre_status save(memory_dataset *dataset, const char *path, const char *const *creation, bool overwrite,
                         nacre_error *err)
{
    ncr_call *call = test_call_new(NULL);
    ncr_save task = {.dataset = &dataset->base, .creation = creation, .condition.absent = !overwrite, .call = call};
    nacre_status status = ncr_vfs_resolve(path, NULL, call, &task.destination, err);
    if (status == NACRE_OK)
        status = ncr_png_saver.save(&task, err);
    ncr_object_unref(task.destination);
    ncr_call_unref(call);
    return status;
}

static void must_save(memory_dataset *dataset, const char *path)
{
    nacre_error err;
    if (save(dataset, path, NULL, true, &err) != NACRE_OK)
        fail_msg("%s", err.message);
}

/* The PNG's bytes. */
static size_t load(const char *path, uint8_t *out, size_t size)
{
    ncr_call *call = test_call_new(NULL);
    ncr_file *file = mem_open(call, path);
    nacre_range range = {0, size, out, 0};
    nacre_error err;
    assert_int_equal(ncr_file_read_wait(file, &range, 1, call, &err), NACRE_OK);
    ncr_file_unref(file);
    ncr_call_unref(call);
    return range.got;
}

static void decode(const char *path, png_uint_32 format, void *out)
{
    static uint8_t bytes[65536];
    png_image image = {.version = PNG_IMAGE_VERSION};
    size_t size = load(path, bytes, sizeof bytes);
    assert_true(png_image_begin_read_from_memory(&image, bytes, size));
    assert_int_equal(image.width, WIDTH);
    assert_int_equal(image.height, HEIGHT);
    image.format = format;
    assert_true(png_image_finish_read(&image, NULL, out, 0, NULL));
}

/* Bit depth and colour type of the header. */
static void assert_header(const char *path, int depth, int type)
{
    uint8_t bytes[64];
    assert_true(load(path, bytes, sizeof bytes) > 26);
    assert_int_equal(bytes[24], depth);
    assert_int_equal(bytes[25], type);
}

static void three_bands_are_colours(void **state)
{
    (void)state;
    uint8_t pixels[3][HEIGHT * WIDTH], out[HEIGHT * WIDTH][4];
    for (int band = 0; band < 3; band++)
        for (int i = 0; i < HEIGHT * WIDTH; i++)
            pixels[band][i] = (uint8_t)(band * 80 + i * 4);
    memory_dataset *dataset = memory_dataset_new(WIDTH, HEIGHT, 3, NACRE_DTYPE_UINT8, pixels);
    must_save(dataset, "mem://png/rgb.png");
    assert_header("mem://png/rgb.png", 8, PNG_COLOR_TYPE_RGB);
    decode("mem://png/rgb.png", PNG_FORMAT_RGBA, out);
    for (int i = 0; i < HEIGHT * WIDTH; i++) {
        const uint8_t expected[] = {pixels[0][i], pixels[1][i], pixels[2][i], 255};
        assert_memory_equal(out[i], expected, 4);
    }
    ncr_dataset_unref(&dataset->base);
}

static void nodata_becomes_transparent(void **state)
{
    (void)state;
    uint8_t pixels[HEIGHT * WIDTH] = {0}, out[HEIGHT * WIDTH][4];
    pixels[3] = 77;
    memory_dataset *dataset = memory_dataset_new(WIDTH, HEIGHT, 1, NACRE_DTYPE_UINT8, pixels);
    dataset->base.bands[0].nodata = (nacre_nodata){.is_set = true};
    dataset->base.bands[0].mask_flags = NACRE_MASK_NODATA;
    must_save(dataset, "mem://png/gray.png");
    assert_header("mem://png/gray.png", 8, PNG_COLOR_TYPE_GRAY_ALPHA);
    decode("mem://png/gray.png", PNG_FORMAT_RGBA, out);
    assert_int_equal(out[3][0], 77);
    assert_int_equal(out[3][3], 255);
    assert_int_equal(out[4][3], 0);
    ncr_dataset_unref(&dataset->base);
}

static void sixteen_bits_stay_sixteen(void **state)
{
    (void)state;
    uint16_t pixels[HEIGHT * WIDTH] = {0x1234, 0xff00};
    memory_dataset *dataset = memory_dataset_new(WIDTH, HEIGHT, 1, NACRE_DTYPE_UINT16, pixels);
    must_save(dataset, "mem://png/deep.png");
    assert_header("mem://png/deep.png", 16, PNG_COLOR_TYPE_GRAY);
    static uint8_t bytes[65536];
    size_t size = load("mem://png/deep.png", bytes, sizeof bytes);
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    FILE *stream = fmemopen(bytes, size, "rb");
    png_init_io(png, stream);
    png_read_info(png, info);
    uint8_t row[WIDTH * 2];
    png_read_row(png, row, NULL);
    const uint8_t big_endian[] = {0x12, 0x34, 0xff, 0x00, 0, 0};
    assert_memory_equal(row, big_endian, sizeof big_endian);
    png_destroy_read_struct(&png, &info, NULL);
    fclose(stream);
    ncr_dataset_unref(&dataset->base);
}

static memory_dataset *with_palette(uint8_t *pixels)
{
    memory_dataset *dataset = memory_dataset_new(WIDTH, HEIGHT, 1, NACRE_DTYPE_UINT8, pixels);
    ncr_band *band = &dataset->base.bands[0];
    band->colors = calloc(3, sizeof *band->colors);
    assert_non_null(band->colors);
    band->color_count = 3;
    band->colors[1] = (nacre_color_entry){10, 20, 30, 255};
    band->colors[2] = (nacre_color_entry){40, 50, 60, 255};
    for (int i = 0; i < HEIGHT * WIDTH; i++)
        pixels[i] = (uint8_t)(i % 3);
    return dataset;
}

static void a_colour_table_is_kept(void **state)
{
    (void)state;
    uint8_t pixels[HEIGHT * WIDTH], out[HEIGHT * WIDTH][4];
    memory_dataset *dataset = with_palette(pixels);
    dataset->base.bands[0].nodata = (nacre_nodata){.is_set = true, .value = 2};
    dataset->base.bands[0].mask_flags = NACRE_MASK_NODATA;
    must_save(dataset, "mem://png/palette.png");
    assert_header("mem://png/palette.png", 8, PNG_COLOR_TYPE_PALETTE);
    decode("mem://png/palette.png", PNG_FORMAT_RGBA, out);
    const uint8_t expected[] = {10, 20, 30, 255};
    assert_memory_equal(out[1], expected, 4);
    assert_int_equal(out[2][3], 0);
    ncr_dataset_unref(&dataset->base);
}

static void values_without_a_colour_are_black(void **state)
{
    (void)state;
    uint8_t pixels[HEIGHT * WIDTH], out[HEIGHT * WIDTH][4];
    memory_dataset *dataset = with_palette(pixels);
    pixels[3] = 200;
    must_save(dataset, "mem://png/beyond.png");
    assert_header("mem://png/beyond.png", 8, PNG_COLOR_TYPE_PALETTE);
    decode("mem://png/beyond.png", PNG_FORMAT_RGBA, out);
    const uint8_t expected[2][4] = {{10, 20, 30, 255}, {0, 0, 0, 255}};
    assert_memory_equal(out[1], expected[0], 4);
    assert_memory_equal(out[3], expected[1], 4);
    ncr_dataset_unref(&dataset->base);
}

static void a_mask_over_a_colour_table_makes_colours_of_it(void **state)
{
    (void)state;
    uint8_t pixels[HEIGHT * WIDTH], mask[HEIGHT * WIDTH] = {[4] = 255}, out[HEIGHT * WIDTH][4];
    memory_dataset *dataset = with_palette(pixels);
    dataset->masks[0] = mask;
    dataset->base.bands[0].mask_flags = NACRE_MASK_PER_DATASET;
    must_save(dataset, "mem://png/masked.png");
    assert_header("mem://png/masked.png", 8, PNG_COLOR_TYPE_RGB_ALPHA);
    decode("mem://png/masked.png", PNG_FORMAT_RGBA, out);
    const uint8_t expected[] = {10, 20, 30, 255};
    assert_memory_equal(out[4], expected, 4);
    assert_int_equal(out[1][3], 0);
    ncr_dataset_unref(&dataset->base);
}

static void what_png_cannot_hold_is_refused_with_the_cure(void **state)
{
    (void)state;
    static float pixels[5 * HEIGHT * WIDTH];
    nacre_error err;
    memory_dataset *floats = memory_dataset_new(WIDTH, HEIGHT, 1, NACRE_DTYPE_FLOAT32, pixels);
    assert_int_equal(save(floats, "mem://png/refused.png", NULL, true, &err), NACRE_ERROR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "--dtype"));
    ncr_dataset_unref(&floats->base);
    memory_dataset *five = memory_dataset_new(WIDTH, HEIGHT, 5, NACRE_DTYPE_UINT8, pixels);
    assert_int_equal(save(five, "mem://png/refused.png", NULL, true, &err), NACRE_ERROR_UNSUPPORTED);
    ncr_dataset_unref(&five->base);

    ncr_call *call = test_call_new(NULL);
    ncr_file *file = NULL;
    assert_int_equal(ncr_file_open_wait("mem://png/refused.png", call, &file, &err), NACRE_ERROR_NOT_FOUND);
    ncr_call_unref(call);
}

static void options_are_checked(void **state)
{
    (void)state;
    static uint8_t pixels[HEIGHT * WIDTH];
    memory_dataset *dataset = memory_dataset_new(WIDTH, HEIGHT, 1, NACRE_DTYPE_UINT8, pixels);
    nacre_error err;
    const char *level[] = {"zlevel=9", NULL}, *wrong_level[] = {"ZLEVEL=10", NULL}, *unknown[] = {"QUALITY=1", NULL};
    assert_int_equal(save(dataset, "mem://png/options.png", level, true, &err), NACRE_OK);
    assert_int_equal(save(dataset, "mem://png/options.png", wrong_level, true, &err), NACRE_ERROR_INVALID);
    assert_int_equal(save(dataset, "mem://png/options.png", unknown, true, &err), NACRE_ERROR_INVALID);
    assert_string_equal(err.message, "mem://png/options.png: unknown creation option QUALITY");
    assert_int_equal(save(dataset, "mem://png/options.png", NULL, false, &err), NACRE_ERROR_EXISTS);
    ncr_dataset_unref(&dataset->base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_bands_are_colours),
        cmocka_unit_test(nodata_becomes_transparent),
        cmocka_unit_test(sixteen_bits_stay_sixteen),
        cmocka_unit_test(a_colour_table_is_kept),
        cmocka_unit_test(values_without_a_colour_are_black),
        cmocka_unit_test(a_mask_over_a_colour_table_makes_colours_of_it),
        cmocka_unit_test(what_png_cannot_hold_is_refused_with_the_cure),
        cmocka_unit_test(options_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
