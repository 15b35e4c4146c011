/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "warp/mask.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "raster/dtype.h"

/* Integers: a nodata value that the type cannot hold marks nothing. */
#define INTEGER_MASK(type)                                                                   \
    static void mask_##type(const type *values, double nodata, size_t count, uint8_t *valid) \
    {                                                                                        \
        double whole = floor(nodata + 0.000001);                                             \
        type value = (type)0;                                                                \
        bool fits = whole >= LOWEST_##type && whole < HIGHEST_##type + 1.0;                  \
        if (fits)                                                                            \
            value = (type)whole;                                                             \
        for (size_t i = 0; i < count; i++)                                                   \
            valid[i] = !fits || values[i] != value;                                          \
    }

#define LOWEST_uint8_t   0.0
#define HIGHEST_uint8_t  255.0
#define LOWEST_int8_t    -128.0
#define HIGHEST_int8_t   127.0
#define LOWEST_uint16_t  0.0
#define HIGHEST_uint16_t 65535.0
#define LOWEST_int16_t   -32768.0
#define HIGHEST_int16_t  32767.0
#define LOWEST_uint32_t  0.0
#define HIGHEST_uint32_t 4294967295.0
#define LOWEST_int32_t   -2147483648.0
#define HIGHEST_int32_t  2147483647.0

INTEGER_MASK(uint8_t)
INTEGER_MASK(int8_t)
INTEGER_MASK(uint16_t)
INTEGER_MASK(int16_t)
INTEGER_MASK(uint32_t)
INTEGER_MASK(int32_t)

/* Types that are compared as doubles: 64-bit integers (as GDAL does), and floats to a few units in the last place. */
#define REAL_MASK(type, epsilon)                                                                         \
    static void mask_##type(const type *values, double nodata_value, size_t count, uint8_t *valid)       \
    {                                                                                                    \
        COMPARE_##type nodata = (COMPARE_##type)nodata_value;                                            \
        bool is_nan = isnan(nodata);                                                                     \
        for (size_t i = 0; i < count; i++) {                                                             \
            COMPARE_##type value = (COMPARE_##type)values[i];                                            \
            bool is_near = value == nodata || fabs(value - nodata) < epsilon * fabs(value + nodata) * 2; \
            valid[i] = !(is_nan ? isnan(value) : is_near);                                               \
        }                                                                                                \
    }

#define COMPARE_uint64_t double
#define COMPARE_int64_t  double
#define COMPARE_float    float
#define COMPARE_double   double

REAL_MASK(uint64_t, DBL_EPSILON)
REAL_MASK(int64_t, DBL_EPSILON)
REAL_MASK(float, FLT_EPSILON)
REAL_MASK(double, DBL_EPSILON)

void ncr_mask_nodata(nacre_dtype dtype, const void *values, double nodata, size_t count, uint8_t *valid)
{
    switch (dtype) {
    case NACRE_DTYPE_UINT8:
        mask_uint8_t(values, nodata, count, valid);
        break;
    case NACRE_DTYPE_INT8:
        mask_int8_t(values, nodata, count, valid);
        break;
    case NACRE_DTYPE_UINT16:
        mask_uint16_t(values, nodata, count, valid);
        break;
    case NACRE_DTYPE_INT16:
        mask_int16_t(values, nodata, count, valid);
        break;
    case NACRE_DTYPE_UINT32:
        mask_uint32_t(values, nodata, count, valid);
        break;
    case NACRE_DTYPE_INT32:
        mask_int32_t(values, nodata, count, valid);
        break;
    case NACRE_DTYPE_UINT64:
        mask_uint64_t(values, nodata, count, valid);
        break;
    case NACRE_DTYPE_INT64:
        mask_int64_t(values, nodata, count, valid);
        break;
    case NACRE_DTYPE_FLOAT32:
        mask_float(values, nodata, count, valid);
        break;
    case NACRE_DTYPE_FLOAT64:
        mask_double(values, nodata, count, valid);
        break;
    default:
        memset(valid, 1, count);
        break;
    }
}

void ncr_mask_density(nacre_dtype dtype, const void *values, double alpha_max, size_t count, float *density)
{
    float inverse = (float)(1 / alpha_max);
    ncr_convert(values, dtype, (ptrdiff_t)ncr_dtype_size(dtype), density, NACRE_DTYPE_FLOAT32, sizeof *density, count);
    for (size_t i = 0; i < count; i++) {
        float share = density[i] * inverse;
        density[i] = share >= 1 ? 1 : share > 0 ? share : 0;
    }
}
