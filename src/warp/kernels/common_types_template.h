/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */

/* Included by a variant, with TARGET (see kernel_template.h) and WIDEN4_uint8 and so on. No include guard.
 *
 * GDAL's rounding: to nearest, halves up (not away from zero, as in conversion between types), clamped. Small types go
 * through int32, for which there are instructions; 64-bit ends are no doubles, so they are compared with before the
 * cast. */

/* Small integers go through int32, for which there are instructions. */
#define WIDEN2_SMALL(v) __builtin_convertvector(__builtin_convertvector(v, ncr_v2i), ncr_v2f)

#define CLAMP(x, low, high)           ((x) < (low) ? (low) : (x) > (high) ? (high) : (x))
#define ROUND_SMALL(x, low, high)     ((int32_t)(CLAMP(x, low, high) + (0.5 - (low))) + (int32_t)(low))
#define ROUND_UNSIGNED(x, type, high) ((x) < 0 ? (type)0 : (x) >= (double)(high) ? (type)(high) : (type)((x) + 0.5))
#define ROUND_SIGNED(x, type, low, high) \
    ((x) <= (double)(low) ? (type)(low) : (x) >= (double)(high) ? (type)(high) : (type)ncr_floor((x) + 0.5))
/* The same of a float, exactly: adding a half to one may round. */
#define ROUND_FLOAT(x, low, high)      ncr_round_whole(CLAMP(x, low, high))
#define STEP_INTEGER(value, type, low) ((type)((value) == (low) ? (low) + 1 : (value)-1))

#define TYPE             uint8_t
#define TYPE_NAME        uint8
#define WIDEN4(v)        WIDEN4_uint8(v)
#define WIDEN2(v)        WIDEN2_SMALL(v)
#define STEP(value)      STEP_INTEGER(value, uint8_t, 0)
#define ROUND(x)         ((uint8_t)ROUND_SMALL(x, 0.0, 255.0))
#define REAL             float
#define ROUND_REAL(x)    ((uint8_t)ROUND_FLOAT(x, 0.0F, 255.0F))
#define WIDEN4_DOUBLE(v) WIDEN4_DOUBLE_uint8(v)
#define MOST             UINT8_MAX
#ifdef HAS_SIXTEEN
#define WIDEN16(p)     WIDEN16_uint8(p)
#define NARROW16(p, v) NARROW16_8(p, v)
#define WIDEN32(p)     WIDEN32_8(p)
#define NARROW32(p, v) NARROW32_8(p, v)
#define LOWEST         0.0F
#define HIGHEST        255.0F
#define IS_SIGNED      false
#endif
#include "warp/kernels/kernel_template.h"

#define TYPE             int8_t
#define TYPE_NAME        int8
#define WIDEN4(v)        WIDEN4_int8(v)
#define WIDEN2(v)        WIDEN2_SMALL(v)
#define STEP(value)      STEP_INTEGER(value, int8_t, INT8_MIN)
#define ROUND(x)         ((int8_t)ROUND_SMALL(x, -128.0, 127.0))
#define REAL             float
#define ROUND_REAL(x)    ((int8_t)ROUND_FLOAT(x, -128.0F, 127.0F))
#define WIDEN4_DOUBLE(v) WIDEN4_DOUBLE_int8(v)
#define MOST             INT8_MAX
#ifdef HAS_SIXTEEN
#define WIDEN16(p)     WIDEN16_int8(p)
#define NARROW16(p, v) NARROW16_8(p, v)
#define WIDEN32(p)     WIDEN32_8(p)
#define NARROW32(p, v) NARROW32_8(p, v)
#define LOWEST         -128.0F
#define HIGHEST        127.0F
#define IS_SIGNED      true
#endif
#include "warp/kernels/kernel_template.h"

#define TYPE             uint16_t
#define TYPE_NAME        uint16
#define WIDEN4(v)        WIDEN4_uint16(v)
#define WIDEN2(v)        WIDEN2_SMALL(v)
#define STEP(value)      STEP_INTEGER(value, uint16_t, 0)
#define ROUND(x)         ((uint16_t)ROUND_SMALL(x, 0.0, 65535.0))
#define REAL             float
#define ROUND_REAL(x)    ((uint16_t)ROUND_FLOAT(x, 0.0F, 65535.0F))
#define WIDEN4_DOUBLE(v) WIDEN4_DOUBLE_uint16(v)
#define MOST             UINT16_MAX
#ifdef HAS_SIXTEEN
#define WIDEN16(p)     WIDEN16_uint16(p)
#define NARROW16(p, v) NARROW16_16(p, v)
#define WIDEN32(p)     WIDEN32_16(p)
#define NARROW32(p, v) NARROW32_16(p, v)
#define LOWEST         0.0F
#define HIGHEST        65535.0F
#define IS_SIGNED      false
#endif
#include "warp/kernels/kernel_template.h"

#define TYPE             int16_t
#define TYPE_NAME        int16
#define WIDEN4(v)        WIDEN4_int16(v)
#define WIDEN2(v)        WIDEN2_SMALL(v)
#define STEP(value)      STEP_INTEGER(value, int16_t, INT16_MIN)
#define ROUND(x)         ((int16_t)ROUND_SMALL(x, -32768.0, 32767.0))
#define REAL             float
#define ROUND_REAL(x)    ((int16_t)ROUND_FLOAT(x, -32768.0F, 32767.0F))
#define WIDEN4_DOUBLE(v) WIDEN4_DOUBLE_int16(v)
#define MOST             INT16_MAX
#ifdef HAS_SIXTEEN
#define WIDEN16(p)     WIDEN16_int16(p)
#define NARROW16(p, v) NARROW16_16(p, v)
#define WIDEN32(p)     WIDEN32_16(p)
#define NARROW32(p, v) NARROW32_16(p, v)
#define LOWEST         -32768.0F
#define HIGHEST        32767.0F
#define IS_SIGNED      true
#endif
#include "warp/kernels/kernel_template.h"

#define TYPE             float
#define TYPE_NAME        float32
#define WIDEN4(v)        WIDEN4_float32(v)
#define WIDEN2(v)        __builtin_convertvector(v, ncr_v2d)
#define STEP(value)      nextafterf(value, (value) == FLT_MAX ? 0 : FLT_MAX)
#define ROUND(x)         ((float)(x))
#define REAL             double
#define ROUND_REAL(x)    ((float)(x))
#define WIDEN4_DOUBLE(v) WIDEN4_float32(v)
#include "warp/kernels/kernel_template.h"

/* The function of one of these types. */
#define COMMON_TYPES(dtype)                               \
    ((dtype) == NACRE_DTYPE_UINT8     ? warp_cell_uint8   \
     : (dtype) == NACRE_DTYPE_INT8    ? warp_cell_int8    \
     : (dtype) == NACRE_DTYPE_UINT16  ? warp_cell_uint16  \
     : (dtype) == NACRE_DTYPE_INT16   ? warp_cell_int16   \
     : (dtype) == NACRE_DTYPE_FLOAT32 ? warp_cell_float32 \
                                      : NULL)
