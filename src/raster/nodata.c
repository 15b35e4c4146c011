/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "raster/nodata.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "raster/dtype.h"

static void mark_valid(uint8_t *mask, ptrdiff_t mask_stride, size_t count)
{
    for (size_t i = 0; i < count; i++, mask += mask_stride)
        *mask = 255;
}

/* Compares the values' own bytes: exact for integers of every width. */
static void mark_bytes(const void *nodata, size_t size, const uint8_t *values, ptrdiff_t stride, uint8_t *mask,
                       ptrdiff_t mask_stride, size_t count)
{
    for (size_t i = 0; i < count; i++, values += stride, mask += mask_stride)
        *mask = memcmp(values, nodata, size) == 0 ? 0 : 255;
}

static void mark_uint8(uint8_t nodata, const uint8_t *values, ptrdiff_t stride, uint8_t *mask, ptrdiff_t mask_stride,
                       size_t count)
{
    for (size_t i = 0; i < count; i++)
        mask[(ptrdiff_t)i * mask_stride] = values[(ptrdiff_t)i * stride] == nodata ? 0 : 255;
}

static bool is_equal_float(float a, float b)
{
    return a == b || (isnan(a) && isnan(b)) || fabsf(a - b) < FLT_EPSILON * fabsf(a + b) * 2;
}

static bool is_equal_double(double a, double b)
{
    return a == b || (isnan(a) && isnan(b)) || fabs(a - b) < DBL_EPSILON * fabs(a + b) * 2;
}

static void mark_float(float nodata, const uint8_t *values, ptrdiff_t stride, uint8_t *mask, ptrdiff_t mask_stride,
                       size_t count)
{
    for (size_t i = 0; i < count; i++, values += stride, mask += mask_stride) {
        float value;
        memcpy(&value, values, sizeof value);
        *mask = is_equal_float(value, nodata) ? 0 : 255;
    }
}

static void mark_double(double nodata, const uint8_t *values, ptrdiff_t stride, uint8_t *mask, ptrdiff_t mask_stride,
                        size_t count)
{
    for (size_t i = 0; i < count; i++, values += stride, mask += mask_stride) {
        double value;
        memcpy(&value, values, sizeof value);
        *mask = is_equal_double(value, nodata) ? 0 : 255;
    }
}

/* The nodata value in the bytes of an integer type; false: no value of the type is equal to it. */
static bool encode(const nacre_nodata *nodata, nacre_dtype dtype, uint8_t out[8])
{
    double value = nodata->value;
    if (!(value >= ncr_dtype_min(dtype) && value <= ncr_dtype_max(dtype)))
        return false;
    if (dtype == NACRE_DTYPE_INT64 || dtype == NACRE_DTYPE_UINT64) {
        memcpy(out, dtype == NACRE_DTYPE_INT64 ? (const void *)&nodata->int64_value : &nodata->uint64_value, 8);
        return true;
    }
    if (value != floor(value))
        return false;
    ncr_convert(&value, NACRE_DTYPE_FLOAT64, 8, out, dtype, 8, 1);
    return true;
}

static void mark_half(float nodata, const uint8_t *values, ptrdiff_t stride, uint8_t *mask, ptrdiff_t mask_stride,
                      size_t count)
{
    for (size_t i = 0; i < count; i++, values += stride, mask += mask_stride) {
        float value;
        ncr_convert(values, NACRE_DTYPE_FLOAT16, 2, &value, NACRE_DTYPE_FLOAT32, 4, 1);
        *mask = is_equal_float(value, nodata) ? 0 : 255;
    }
}

void ncr_nodata_mark(const nacre_nodata *nodata, nacre_dtype dtype, const void *values, ptrdiff_t stride, uint8_t *mask,
                     ptrdiff_t mask_stride, size_t count)
{
    nacre_dtype part = ncr_dtype_part(dtype);
    uint8_t bytes[8] = {0};
    if (!nodata->is_set)
        mark_valid(mask, mask_stride, count);
    else if (part == NACRE_DTYPE_FLOAT32)
        mark_float((float)nodata->value, values, stride, mask, mask_stride, count);
    else if (part == NACRE_DTYPE_FLOAT64)
        mark_double(nodata->value, values, stride, mask, mask_stride, count);
    else if (part == NACRE_DTYPE_FLOAT16)
        mark_half((float)nodata->value, values, stride, mask, mask_stride, count);
    else if (!encode(nodata, part, bytes))
        mark_valid(mask, mask_stride, count);
    else if (part == NACRE_DTYPE_UINT8)
        mark_uint8(bytes[0], values, stride, mask, mask_stride, count);
    else
        mark_bytes(bytes, ncr_dtype_size(part), values, stride, mask, mask_stride, count);
}

bool ncr_nodata_counts(const nacre_nodata *nodata, nacre_dtype dtype)
{
    if (!nodata->is_set || dtype == NACRE_DTYPE_INT64 || dtype == NACRE_DTYPE_UINT64 || !ncr_dtype_is_integer(dtype))
        return nodata->is_set;
    return nodata->value >= ncr_dtype_min(dtype) && nodata->value <= ncr_dtype_max(dtype);
}

double ncr_nodata_fill(const nacre_nodata *nodata, nacre_dtype dtype)
{
    if (!nodata->is_set)
        return 0;
    if (dtype == NACRE_DTYPE_FLOAT32)
        return (double)(float)nodata->value;
    return nodata->value;
}

double ncr_nodata_beside(const nacre_nodata *nodata, nacre_dtype dtype)
{
    double value = nodata->value;
    if (ncr_dtype_is_integer(dtype))
        return value >= ncr_dtype_max(dtype) ? value - 1 : value + 1;
    if (!isfinite(value))
        return value;
    if (dtype == NACRE_DTYPE_FLOAT32)
        return (double)nextafterf((float)value, value >= (double)FLT_MAX ? 0.0f : FLT_MAX);
    return nextafter(value, value >= DBL_MAX ? 0.0 : DBL_MAX);
}
