/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "raster/dtype.h"

/* Every pair of types against a slow reference: values go through long double, which holds all of them exactly (64
 * bits of mantissa), and are rounded and clamped there. */

static const nacre_dtype real_types[] = {
    NACRE_DTYPE_UINT8,   NACRE_DTYPE_INT8,    NACRE_DTYPE_UINT16,  NACRE_DTYPE_INT16,
    NACRE_DTYPE_UINT32,  NACRE_DTYPE_INT32,   NACRE_DTYPE_UINT64,  NACRE_DTYPE_INT64,
    NACRE_DTYPE_FLOAT16, NACRE_DTYPE_FLOAT32, NACRE_DTYPE_FLOAT64,
};
enum { REAL_TYPES = sizeof real_types / sizeof real_types[0], VALUES = 4096 };

/* By the definition of binary16, not by shifting bits. */
static long double half_value(uint16_t bits)
{
    int exponent = bits >> 10 & 31, mantissa = bits & 1023;
    long double sign = bits & 0x8000 ? -1 : 1;
    if (exponent == 31)
        return mantissa ? (long double)NAN : sign * (long double)INFINITY;
    return sign * (exponent ? ldexpl(1024 + mantissa, exponent - 25) : ldexpl(mantissa, -24));
}

static long double load(const void *at, nacre_dtype dtype)
{
    union {
        uint8_t u8;
        int8_t i8;
        uint16_t u16;
        int16_t i16;
        uint32_t u32;
        int32_t i32;
        uint64_t u64;
        int64_t i64;
        float f32;
        double f64;
    } v;
    memcpy(&v, at, ncr_dtype_size(dtype));
    switch (dtype) {
    case NACRE_DTYPE_UINT8:
        return v.u8;
    case NACRE_DTYPE_INT8:
        return v.i8;
    case NACRE_DTYPE_UINT16:
        return v.u16;
    case NACRE_DTYPE_INT16:
        return v.i16;
    case NACRE_DTYPE_UINT32:
        return v.u32;
    case NACRE_DTYPE_INT32:
        return v.i32;
    case NACRE_DTYPE_UINT64:
        return (long double)v.u64;
    case NACRE_DTYPE_INT64:
        return (long double)v.i64;
    case NACRE_DTYPE_FLOAT16:
        return half_value(v.u16);
    case NACRE_DTYPE_FLOAT32:
        return (long double)v.f32;
    default:
        return (long double)v.f64;
    }
}

/* The half nearest to a value, by trying neighbours: ties to the even one. */
static long double round_to_half(long double value)
{
    if (isnan(value))
        return value;
    if (fabsl(value) >= 65520)
        return copysignl((long double)INFINITY, value);
    long double best = 0;
    int best_bits = 0;
    for (int bits = 0; bits < 0x7c00; bits++) {
        long double candidate = half_value((uint16_t)bits), distance = fabsl(fabsl(value) - candidate);
        long double best_distance = fabsl(fabsl(value) - best);
        if (distance < best_distance || (distance == best_distance && !(bits & 1) && (best_bits & 1))) {
            best = candidate;
            best_bits = bits;
        }
    }
    return copysignl(best, value);
}

static long double expected(long double value, nacre_dtype to)
{
    if (to == NACRE_DTYPE_FLOAT64)
        return (long double)(double)value;
    if (to == NACRE_DTYPE_FLOAT32) {
        if (isfinite(value) && fabsl(value) > (long double)FLT_MAX)
            return copysignl((long double)INFINITY, value);
        return (long double)(float)value;
    }
    if (to == NACRE_DTYPE_FLOAT16)
        return round_to_half(value);
    if (isnan(value))
        return 0;
    long double low = to == NACRE_DTYPE_INT64 ? -0x1p63L : (long double)ncr_dtype_min(to);
    long double high = to == NACRE_DTYPE_INT64    ? 0x1p63L - 1
                       : to == NACRE_DTYPE_UINT64 ? 0x1p64L - 1
                                                  : (long double)ncr_dtype_max(to);
    value = roundl(value); /* halves away from zero */
    return value < low ? low : value > high ? high : value;
}

static uint64_t random_bits(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

/* Values of a type: the ends, halves and their neighbours, special ones, and random bits. */
static void fill(uint8_t *out, nacre_dtype dtype, size_t count)
{
    static const double special[] = {0,         -0.0,
                                     0.5,       -0.5,
                                     1.5,       -1.5,
                                     2.5,       0.49999999999999994,
                                     254.5,     255.5,
                                     256,       -1,
                                     127.5,     -128.5,
                                     32767.5,   65535.5,
                                     0x1p31,    0x1p32,
                                     0x1p63,    0x1p64,
                                     -0x1p63,   0x1p53,
                                     65504,     65519.99,
                                     65520,     5.96e-8,
                                     2.98e-8,   1e-8,
                                     1e300,     -1e300,
                                     3.5e38,    -3.5e38,
                                     NAN,       INFINITY,
                                     -INFINITY, 8388609,
                                     0.1,       4503599627370497.0};
    size_t size = ncr_dtype_size(dtype), specials = sizeof special / sizeof special[0];
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = random_bits() >> (random_bits() % 60);
        if (i < specials)
            ncr_convert(&special[i], NACRE_DTYPE_FLOAT64, 8, out + i * size, dtype, (ptrdiff_t)size, 1);
        else if (!ncr_dtype_is_integer(dtype) && i % 2) {
            double value = (double)(int64_t)bits / 8;
            ncr_convert(&value, NACRE_DTYPE_FLOAT64, 8, out + i * size, dtype, (ptrdiff_t)size, 1);
        } else
            memcpy(out + i * size, &bits, size);
    }
}

static void check_pair(nacre_dtype from, nacre_dtype to, size_t count, ptrdiff_t gap)
{
    size_t from_size = ncr_dtype_size(from), to_size = ncr_dtype_size(to);
    ptrdiff_t stride = (ptrdiff_t)to_size + gap;
    uint8_t *src = malloc(count * from_size), *dst = malloc(count * (size_t)stride);
    assert_non_null(src);
    assert_non_null(dst);
    fill(src, from, count);
    memset(dst, 0xa5, count * (size_t)stride);
    ncr_convert(src, from, (ptrdiff_t)from_size, dst, to, stride, count);
    for (size_t i = 0; i < count; i++) {
        long double value = load(src + i * from_size, from), want = expected(value, to);
        long double got = load(dst + i * (size_t)stride, to);
        if (!(got == want || (isnan(got) && isnan(want))))
            fail_msg("%s to %s: %.20Lg became %.20Lg, not %.20Lg", ncr_dtype_name(from), ncr_dtype_name(to), value, got,
                     want);
        for (ptrdiff_t j = 0; j < gap; j++)
            assert_int_equal(dst[i * (size_t)stride + to_size + (size_t)j], 0xa5);
    }
    free(src);
    free(dst);
}

static void every_pair_rounds_and_clamps_as_the_reference(void **state)
{
    (void)state;
    for (int from = 0; from < REAL_TYPES; from++) {
        for (int to = 0; to < REAL_TYPES; to++) {
            size_t count = real_types[to] == NACRE_DTYPE_FLOAT16 ? 128 : VALUES; /* the reference is slow */
            check_pair(real_types[from], real_types[to], count, 0);
            check_pair(real_types[from], real_types[to], 100, 3);
        }
    }
}

static void every_half_survives_a_float_and_comes_back(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 0x10000; bits++) {
        uint16_t half = (uint16_t)bits, back;
        float value;
        ncr_convert(&half, NACRE_DTYPE_FLOAT16, 2, &value, NACRE_DTYPE_FLOAT32, 4, 1);
        if (isnan((double)value))
            continue;
        assert_true((long double)value == half_value(half));
        ncr_convert(&value, NACRE_DTYPE_FLOAT32, 4, &back, NACRE_DTYPE_FLOAT16, 2, 1);
        assert_int_equal(back, half);
    }
}

static void complex_to_real_drops_the_imaginary_part(void **state)
{
    (void)state;
    const float pairs[] = {1.5f, 99, -2.5f, 98, 300, 97};
    uint8_t bytes[3];
    ncr_convert(pairs, NACRE_DTYPE_COMPLEX64, 8, bytes, NACRE_DTYPE_UINT8, 1, 3);
    assert_int_equal(bytes[0], 2);
    assert_int_equal(bytes[1], 0);
    assert_int_equal(bytes[2], 255);
}

static void real_to_complex_has_no_imaginary_part(void **state)
{
    (void)state;
    const uint16_t values[] = {7, 65535};
    int16_t pairs[4] = {1, 1, 1, 1};
    ncr_convert(values, NACRE_DTYPE_UINT16, 2, pairs, NACRE_DTYPE_COMPLEX_INT16, 4, 2);
    const int16_t want[] = {7, 0, 32767, 0};
    assert_memory_equal(pairs, want, sizeof want);
}

static void complex_to_complex_converts_both_parts(void **state)
{
    (void)state;
    const double pairs[] = {1.5, -2.5, 1e9, NAN};
    int16_t out[4];
    ncr_convert(pairs, NACRE_DTYPE_COMPLEX128, 16, out, NACRE_DTYPE_COMPLEX_INT16, 4, 2);
    const int16_t want[] = {2, -3, 32767, 0};
    assert_memory_equal(out, want, sizeof want);
}

static void equal_types_and_strides_may_be_one_buffer(void **state)
{
    (void)state;
    uint16_t values[] = {1, 2, 3};
    ncr_convert(values, NACRE_DTYPE_UINT16, 2, values, NACRE_DTYPE_UINT16, 2, 3);
    const uint16_t want[] = {1, 2, 3};
    assert_memory_equal(values, want, sizeof want);
}

static void names_of_numpy_and_gdal_are_known(void **state)
{
    (void)state;
    for (int dtype = 1; dtype <= NACRE_DTYPE_COMPLEX128; dtype++) {
        assert_int_equal(ncr_dtype_from_name(ncr_dtype_name((nacre_dtype)dtype)), dtype);
        assert_int_equal(ncr_dtype_from_name(ncr_dtype_gdal_name((nacre_dtype)dtype)), dtype);
    }
    assert_int_equal(ncr_dtype_from_name("BYTE"), NACRE_DTYPE_UINT8);
    assert_int_equal(ncr_dtype_from_name("unknown"), NACRE_DTYPE_UNKNOWN);
    assert_int_equal(ncr_dtype_from_name("int7"), NACRE_DTYPE_UNKNOWN);
    assert_int_equal(ncr_dtype_size((nacre_dtype)99), 0);
}

static void resampling_names_of_all_tools_are_known(void **state)
{
    (void)state;
    nacre_resampling found = NACRE_RESAMPLING_RMS;
    for (int i = 0; i <= NACRE_RESAMPLING_RMS; i++) {
        assert_true(ncr_resampling_from_name(ncr_resampling_name((nacre_resampling)i), &found));
        assert_int_equal(found, i);
        assert_true(ncr_resampling_from_name(ncr_resampling_gdal_name((nacre_resampling)i), &found));
        assert_int_equal(found, i);
    }
    assert_true(ncr_resampling_from_name("near", &found));
    assert_int_equal(found, NACRE_RESAMPLING_NEAREST);
    found = NACRE_RESAMPLING_CUBIC;
    assert_false(ncr_resampling_from_name("blurry", &found));
    assert_int_equal(found, NACRE_RESAMPLING_CUBIC);
    assert_null(ncr_resampling_name((nacre_resampling)77));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_rounds_and_clamps_as_the_reference),
        cmocka_unit_test(every_half_survives_a_float_and_comes_back),
        cmocka_unit_test(complex_to_real_drops_the_imaginary_part),
        cmocka_unit_test(real_to_complex_has_no_imaginary_part),
        cmocka_unit_test(complex_to_complex_converts_both_parts),
        cmocka_unit_test(equal_types_and_strides_may_be_one_buffer),
        cmocka_unit_test(names_of_numpy_and_gdal_are_known),
        cmocka_unit_test(resampling_names_of_all_tools_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
