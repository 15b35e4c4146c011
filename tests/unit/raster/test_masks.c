/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <math.h>
#include <string.h>

#include "raster/execute.h"
#include "raster/nodata.h"
#include "support/call.h"
#include "support/memory_dataset.h"

enum { WIDTH = 4 };

/* Masks of a dataset of one row; band_count 0: that of the dataset. */
static void read_masks(memory_dataset *dataset, int band_count, uint8_t *out)
{
    static const int bands[] = {1, 2, 3, 4};
    ncr_scaled_request request = {
        .window = {0, 0, WIDTH, 1},
        .out_width = WIDTH,
        .out_height = 1,
        .to = {.bands = bands,
               .band_count = band_count,
               .dtype = NACRE_DTYPE_UINT8,
               .buffer = out,
               .pixel_stride = 1,
               .row_stride = WIDTH,
               .band_stride = WIDTH},
    };
    ncr_call *call = test_call_new(NULL);
    ncr_plan *plan = NULL;
    nacre_error err;
    nacre_status status = ncr_dataset_plan_masks(&dataset->base, &request, call, &plan, &err);
    if (status == NACRE_OK)
        status = ncr_execute(plan, &err);
    if (status != NACRE_OK)
        fail_msg("%s", err.message);
    ncr_plan_free(plan);
    ncr_call_unref(call);
}

static void assert_mask(const uint8_t *mask, const char *expected)
{
    for (int i = 0; expected[i]; i++)
        assert_int_equal(mask[i], expected[i] == '1' ? 255 : 0);
}

static memory_dataset *two_bands_with_nodata(int16_t *pixels)
{
    memory_dataset *dataset = memory_dataset_new(WIDTH, 1, 2, NACRE_DTYPE_INT16, pixels);
    for (int i = 0; i < 2; i++) {
        dataset->base.bands[i].nodata = (nacre_nodata){true, -1, -1, 0};
        dataset->base.bands[i].mask_flags = NACRE_MASK_NODATA;
    }
    return dataset;
}

static void nodata_is_a_mask_of_each_band(void **state)
{
    (void)state;
    int16_t pixels[] = {-1, 0, -1, 5, /**/ -1, -1, 3, 5};
    memory_dataset *dataset = two_bands_with_nodata(pixels);
    uint8_t out[8];
    read_masks(dataset, 2, out);
    assert_mask(out, "01010011");
    ncr_dataset_unref(&dataset->base);
}

static void the_dataset_is_valid_where_any_band_is(void **state)
{
    (void)state;
    int16_t pixels[] = {-1, 0, -1, 5, /**/ -1, -1, 3, 5};
    memory_dataset *dataset = two_bands_with_nodata(pixels);
    uint8_t out[4];
    read_masks(dataset, 0, out);
    assert_mask(out, "0111");
    ncr_dataset_unref(&dataset->base);
}

static void one_band_without_a_mask_makes_the_dataset_valid(void **state)
{
    (void)state;
    int16_t pixels[] = {-1, 0, -1, 5, /**/ -1, -1, 3, 5};
    memory_dataset *dataset = two_bands_with_nodata(pixels);
    dataset->base.bands[1].mask_flags = NACRE_MASK_ALL_VALID;
    uint8_t out[8];
    read_masks(dataset, 0, out);
    assert_mask(out, "1111");
    read_masks(dataset, 2, out);
    assert_mask(out, "01011111");
    ncr_dataset_unref(&dataset->base);
}

static void alpha_is_the_mask_of_the_others(void **state)
{
    (void)state;
    uint8_t pixels[] = {1, 2, 3, 4, /**/ 255, 0, 128, 1};
    memory_dataset *dataset = memory_dataset_new(WIDTH, 1, 2, NACRE_DTYPE_UINT8, pixels);
    dataset->base.alpha_band = 2;
    dataset->base.bands[0].mask_flags = NACRE_MASK_PER_DATASET | NACRE_MASK_ALPHA;
    uint8_t out[8];
    read_masks(dataset, 2, out);
    const uint8_t expected[] = {255, 0, 128, 1, 255, 255, 255, 255};
    assert_memory_equal(out, expected, 8);
    read_masks(dataset, 0, out);
    assert_memory_equal(out, expected, 4);
    ncr_dataset_unref(&dataset->base);
}

/* As GDAL: the last of two or four bands, and of 8 or 16 bits. */
static void alpha_counts_as_a_mask_in_gdals_cases_only(void **state)
{
    (void)state;
    static const struct {
        nacre_dtype dtype;
        int bands, alpha;
        bool counts;
    } cases[] = {{NACRE_DTYPE_UINT8, 2, 2, true},    {NACRE_DTYPE_UINT16, 4, 4, true},
                 {NACRE_DTYPE_UINT8, 3, 3, false},   {NACRE_DTYPE_UINT8, 4, 3, false},
                 {NACRE_DTYPE_FLOAT32, 2, 2, false}, {NACRE_DTYPE_INT16, 4, 4, false}};
    uint8_t pixels[4 * WIDTH * sizeof(double)] = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memory_dataset *dataset = memory_dataset_new(WIDTH, 1, cases[i].bands, cases[i].dtype, pixels);
        dataset->base.alpha_band = cases[i].alpha;
        ncr_dataset_set_mask_flags(&dataset->base, false);
        unsigned expected = cases[i].counts ? NACRE_MASK_PER_DATASET | NACRE_MASK_ALPHA : NACRE_MASK_ALL_VALID;
        assert_int_equal(dataset->base.bands[0].mask_flags, expected);
        assert_int_equal(dataset->base.bands[cases[i].alpha - 1].mask_flags, NACRE_MASK_ALL_VALID);
        ncr_dataset_unref(&dataset->base);
    }
}

static void alpha_of_sixteen_bits_is_scaled(void **state)
{
    (void)state;
    uint16_t pixels[] = {1, 2, 3, 4, /**/ 65535, 0, 32768, 1};
    memory_dataset *dataset = memory_dataset_new(WIDTH, 1, 2, NACRE_DTYPE_UINT16, pixels);
    dataset->base.alpha_band = 2;
    dataset->base.bands[0].mask_flags = NACRE_MASK_PER_DATASET | NACRE_MASK_ALPHA;
    uint8_t out[4];
    read_masks(dataset, 0, out);
    const uint8_t expected[] = {255, 0, 127, 1};
    assert_memory_equal(out, expected, 4);
    ncr_dataset_unref(&dataset->base);
}

static void the_datasets_own_mask_is_every_bands(void **state)
{
    (void)state;
    uint8_t pixels[8] = {0}, mask[] = {255, 0, 255, 0}, out[8];
    memory_dataset *dataset = memory_dataset_new(WIDTH, 1, 2, NACRE_DTYPE_UINT8, pixels);
    dataset->masks[0] = mask;
    dataset->base.bands[0].mask_flags = dataset->base.bands[1].mask_flags = NACRE_MASK_PER_DATASET;
    read_masks(dataset, 2, out);
    assert_mask(out, "10101010");
    read_masks(dataset, 0, out);
    assert_mask(out, "1010");
    ncr_dataset_unref(&dataset->base);
}

static void mark(nacre_dtype dtype, nacre_nodata nodata, const void *values, size_t count, const char *expected)
{
    uint8_t out[16];
    ncr_nodata_mark(&nodata, dtype, values, (ptrdiff_t)ncr_dtype_size(dtype), out, 1, count);
    assert_mask(out, expected);
}

static void nodata_is_compared_exactly_in_every_type(void **state)
{
    (void)state;
    const int64_t big[] = {9007199254740993, 9007199254740992};
    mark(NACRE_DTYPE_INT64, (nacre_nodata){true, 9007199254740992.0, 9007199254740993, 0}, big, 2, "01");
    const uint64_t top[] = {UINT64_MAX, UINT64_MAX - 1};
    mark(NACRE_DTYPE_UINT64, (nacre_nodata){true, 0x1p64, 0, UINT64_MAX}, top, 2, "01");
    const float floats[] = {NAN, 0, 1};
    mark(NACRE_DTYPE_FLOAT32, (nacre_nodata){true, NAN, 0, 0}, floats, 3, "011");
    const float tenth[] = {0.1f, 0.2f};
    mark(NACRE_DTYPE_FLOAT32, (nacre_nodata){true, 0.1, 0, 0}, tenth, 2, "01");
    const uint8_t bytes[] = {0, 255, 1};
    mark(NACRE_DTYPE_UINT8, (nacre_nodata){true, 256, 256, 256}, bytes, 3, "111"); /* no byte is 256 */
    mark(NACRE_DTYPE_UINT8, (nacre_nodata){true, 0.5, 0, 0}, bytes, 3, "111");
    mark(NACRE_DTYPE_UINT8, (nacre_nodata){true, NAN, 0, 0}, bytes, 3, "111");
    mark(NACRE_DTYPE_UINT8, (nacre_nodata){false, 255, 0, 0}, bytes, 3, "111");
    const uint16_t halves[] = {0x3c00, 0x4000};
    mark(NACRE_DTYPE_FLOAT16, (nacre_nodata){true, 1, 0, 0}, halves, 2, "01");
    const int16_t complex_values[] = {-5, 0, 0, -5};
    mark(NACRE_DTYPE_COMPLEX_INT16, (nacre_nodata){true, -5, 0, 0}, complex_values, 2, "01");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodata_is_a_mask_of_each_band),
        cmocka_unit_test(the_dataset_is_valid_where_any_band_is),
        cmocka_unit_test(one_band_without_a_mask_makes_the_dataset_valid),
        cmocka_unit_test(alpha_is_the_mask_of_the_others),
        cmocka_unit_test(alpha_counts_as_a_mask_in_gdals_cases_only),
        cmocka_unit_test(alpha_of_sixteen_bits_is_scaled),
        cmocka_unit_test(the_datasets_own_mask_is_every_bands),
        cmocka_unit_test(nodata_is_compared_exactly_in_every_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
