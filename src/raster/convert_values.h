/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_RASTER_CONVERT_VALUES_H
#define NCR_RASTER_CONVERT_VALUES_H

#include <float.h>
#include <math.h>
#include <stdint.h>

#include "raster/half.h"

/* One value from one type to another, by the rules of ncr_convert(). Sources are widened without loss to one of
 * int64_t, uint64_t and double; from there one function a destination. Small enough for the compiler to inline and
 * vectorise. */

/* Integers that an int64_t holds. */
#define NCR_FROM_INT64(name, type, low, high)             \
    static inline type name##_from_int64(int64_t value)   \
    {                                                     \
        value = value < (low) ? (low) : value;            \
        return (type)(value > (high) ? (high) : value);   \
    }                                                     \
    static inline type name##_from_uint64(uint64_t value) \
    {                                                     \
        uint64_t top = (uint64_t)(high);                  \
        return (type)(value > top ? top : value);         \
    }

/* Halves go away from zero: adding the largest double below one half and cutting off does that exactly, also for the
 * value just below one half and for large ones, where adding one half would round up. */
#define NCR_FROM_DOUBLE(name, type, low, high)                        \
    static inline type name##_from_double(double value)               \
    {                                                                 \
        value = value == value ? value : 0.0;                         \
        value = value < (double)(low) ? (double)(low) : value;        \
        value = value > (double)(high) ? (double)(high) : value;      \
        return (type)(value + copysign(0x1.fffffffffffffp-2, value)); \
    }

NCR_FROM_INT64(uint8, uint8_t, 0, UINT8_MAX)
NCR_FROM_INT64(int8, int8_t, INT8_MIN, INT8_MAX)
NCR_FROM_INT64(uint16, uint16_t, 0, UINT16_MAX)
NCR_FROM_INT64(int16, int16_t, INT16_MIN, INT16_MAX)
NCR_FROM_INT64(uint32, uint32_t, 0, UINT32_MAX)
NCR_FROM_INT64(int32, int32_t, INT32_MIN, INT32_MAX)
NCR_FROM_INT64(int64, int64_t, INT64_MIN, INT64_MAX)
NCR_FROM_DOUBLE(uint8, uint8_t, 0, UINT8_MAX)
NCR_FROM_DOUBLE(int8, int8_t, INT8_MIN, INT8_MAX)
NCR_FROM_DOUBLE(uint16, uint16_t, 0, UINT16_MAX)
NCR_FROM_DOUBLE(int16, int16_t, INT16_MIN, INT16_MAX)
NCR_FROM_DOUBLE(uint32, uint32_t, 0, UINT32_MAX)
NCR_FROM_DOUBLE(int32, int32_t, INT32_MIN, INT32_MAX)

#undef NCR_FROM_INT64
#undef NCR_FROM_DOUBLE

static inline uint64_t uint64_from_int64(int64_t value)
{
    return value < 0 ? 0 : (uint64_t)value;
}

static inline uint64_t uint64_from_uint64(uint64_t value)
{
    return value;
}

/* The ends of 64-bit integers are no doubles, so they are compared with before the cast. */
static inline int64_t int64_from_double(double value)
{
    if (!(value > -0x1p63))
        return value == value ? INT64_MIN : 0;
    if (value >= 0x1p63)
        return INT64_MAX;
    return (int64_t)(value + copysign(0x1.fffffffffffffp-2, value));
}

static inline uint64_t uint64_from_double(double value)
{
    if (!(value > 0))
        return 0;
    if (value >= 0x1p64)
        return UINT64_MAX;
    return (uint64_t)(value + 0x1.fffffffffffffp-2);
}

static inline float float32_from_int64(int64_t value)
{
    return (float)value;
}

static inline float float32_from_uint64(uint64_t value)
{
    return (float)value;
}

/* Beyond the largest finite float lies infinity, without rounding back to it. */
static inline float float32_from_double(double value)
{
    float rounded = (float)value;
    rounded = value > (double)FLT_MAX ? INFINITY : rounded;
    return value < -(double)FLT_MAX ? -INFINITY : rounded;
}

static inline double float64_from_int64(int64_t value)
{
    return (double)value;
}

static inline double float64_from_uint64(uint64_t value)
{
    return (double)value;
}

static inline double float64_from_double(double value)
{
    return value;
}

static inline ncr_half float16_from_int64(int64_t value)
{
    return ncr_half_from_double((double)value);
}

static inline ncr_half float16_from_uint64(uint64_t value)
{
    return ncr_half_from_double((double)value);
}

static inline ncr_half float16_from_double(double value)
{
    return ncr_half_from_double(value);
}

/* Identity, as a widening that is none. */
#define NCR_WIDEN(value)       (value)
#define NCR_WIDEN_FLOAT(value) ((double)(value))
#define NCR_WIDEN_HALF(value)  ((double)ncr_half_to_float(value))

#endif
