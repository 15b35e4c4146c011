/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <float.h>
#include <limits.h>

#include "warp/kernels/kernel_common.h"

/* GDAL's rounding: to nearest, halves up (not away from zero, as in conversion between types), clamped. 64-bit ends
 * are no doubles, so they are compared with before the cast. */

#define ROUND_UNSIGNED(x, type, high) ((x) < 0 ? (type)0 : (x) >= (double)(high) ? (type)(high) : (type)((x) + 0.5))
#define ROUND_SIGNED(x, type, low, high) \
    ((x) <= (double)(low) ? (type)(low) : (x) >= (double)(high) ? (type)(high) : (type)ncr_floor((x) + 0.5))
#define STEP_INTEGER(value, type, low) ((type)((value) == (low) ? (low) + 1 : (value)-1))

#define TYPE        uint8_t
#define TYPE_NAME   uint8
#define STEP(value) STEP_INTEGER(value, uint8_t, 0)
#define ROUND(x)    ROUND_UNSIGNED(x, uint8_t, UINT8_MAX)
#include "warp/kernels/kernel_template.h"

#define TYPE        int8_t
#define TYPE_NAME   int8
#define STEP(value) STEP_INTEGER(value, int8_t, INT8_MIN)
#define ROUND(x)    ROUND_SIGNED(x, int8_t, INT8_MIN, INT8_MAX)
#include "warp/kernels/kernel_template.h"

#define TYPE        uint16_t
#define TYPE_NAME   uint16
#define STEP(value) STEP_INTEGER(value, uint16_t, 0)
#define ROUND(x)    ROUND_UNSIGNED(x, uint16_t, UINT16_MAX)
#include "warp/kernels/kernel_template.h"

#define TYPE        int16_t
#define TYPE_NAME   int16
#define STEP(value) STEP_INTEGER(value, int16_t, INT16_MIN)
#define ROUND(x)    ROUND_SIGNED(x, int16_t, INT16_MIN, INT16_MAX)
#include "warp/kernels/kernel_template.h"

#define TYPE        uint32_t
#define TYPE_NAME   uint32
#define STEP(value) STEP_INTEGER(value, uint32_t, 0)
#define ROUND(x)    ROUND_UNSIGNED(x, uint32_t, UINT32_MAX)
#include "warp/kernels/kernel_template.h"

#define TYPE        int32_t
#define TYPE_NAME   int32
#define STEP(value) STEP_INTEGER(value, int32_t, INT32_MIN)
#define ROUND(x)    ROUND_SIGNED(x, int32_t, INT32_MIN, INT32_MAX)
#include "warp/kernels/kernel_template.h"

#define TYPE        uint64_t
#define TYPE_NAME   uint64
#define STEP(value) STEP_INTEGER(value, uint64_t, 0)
#define ROUND(x)    ROUND_UNSIGNED(x, uint64_t, UINT64_MAX)
#include "warp/kernels/kernel_template.h"

#define TYPE        int64_t
#define TYPE_NAME   int64
#define STEP(value) STEP_INTEGER(value, int64_t, INT64_MIN)
#define ROUND(x)    ROUND_SIGNED(x, int64_t, INT64_MIN, INT64_MAX)
#include "warp/kernels/kernel_template.h"

#define TYPE        float
#define TYPE_NAME   float32
#define STEP(value) nextafterf(value, (value) == FLT_MAX ? 0 : FLT_MAX)
#define ROUND(x)    ((float)(x))
#include "warp/kernels/kernel_template.h"

#define TYPE        double
#define TYPE_NAME   float64
#define STEP(value) nextafter(value, (value) == DBL_MAX ? 0 : DBL_MAX)
#define ROUND(x)    (x)
#include "warp/kernels/kernel_template.h"

ncr_kernel_function ncr_kernel_find(nacre_dtype dtype)
{
    static const ncr_kernel_function functions[] = {
        [NACRE_DTYPE_UINT8] = warp_cell_uint8,     [NACRE_DTYPE_INT8] = warp_cell_int8,
        [NACRE_DTYPE_UINT16] = warp_cell_uint16,   [NACRE_DTYPE_INT16] = warp_cell_int16,
        [NACRE_DTYPE_UINT32] = warp_cell_uint32,   [NACRE_DTYPE_INT32] = warp_cell_int32,
        [NACRE_DTYPE_UINT64] = warp_cell_uint64,   [NACRE_DTYPE_INT64] = warp_cell_int64,
        [NACRE_DTYPE_FLOAT32] = warp_cell_float32, [NACRE_DTYPE_FLOAT64] = warp_cell_float64,
    };
    return (size_t)dtype < sizeof functions / sizeof *functions ? functions[dtype] : NULL;
}

int ncr_kernel_taps(nacre_resampling resampling)
{
    return resampling == NACRE_RESAMPLING_CUBIC ? 2 : resampling == NACRE_RESAMPLING_NEAREST ? 0 : 1;
}

/* Limits the scale so that the radius fits; at 4096 source pixels to either side nobody sees the difference. */
static double limit_scale(double scale, int taps)
{
    double least = (double)taps / NCR_KERNEL_RADIUS_MAX;
    return scale < least ? least : scale;
}

/* Kernels are widened where the view shrinks its source by more than this: as GDAL up to 3.12, and unlike 3.13, which
 * waits until 0.5. */
#define WIDE_BELOW 0.95

void ncr_kernel_set_scale(ncr_kernel *kernel, nacre_resampling resampling, double x_scale, double y_scale)
{
    int taps = ncr_kernel_taps(resampling);
    kernel->resampling = resampling;
    kernel->x_scale = limit_scale(x_scale, taps);
    kernel->y_scale = limit_scale(y_scale, taps);
    kernel->is_wide = taps && !(kernel->x_scale >= WIDE_BELOW && kernel->y_scale >= WIDE_BELOW);
    kernel->x_radius = kernel->x_scale < WIDE_BELOW ? (int)ceil(taps / kernel->x_scale) : taps;
    kernel->y_radius = kernel->y_scale < WIDE_BELOW ? (int)ceil(taps / kernel->y_scale) : taps;
}

void ncr_kernel_reach(const ncr_kernel *kernel, bool is_x, double low, double high, int64_t *first, int64_t *last)
{
    int radius = is_x ? kernel->x_radius : kernel->y_radius;
    /* From the pixel under the point, and as many as the kernel may need. */
    *first = (int64_t)floor(low - 0.5) - radius;
    *last = (int64_t)floor(high + 1e-10) + radius;
}
