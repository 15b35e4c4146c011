/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_WARP_KERNEL_COMMON_H
#define NCR_WARP_KERNEL_COMMON_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "warp/kernel.h"

/* What all types share. Thresholds are GDAL's. */
#define NCR_DENSITY_NONE   1e-9    /* a source pixel below this is not there */
#define NCR_BAND_NONE      1e-10   /* a result below this is none */
#define NCR_DENSITY_WHOLE  0.9999  /* at and above this nothing of the destination shows through */
#define NCR_DENSITY_LITTLE 0.0001  /* below this the destination stays as it is */
#define NCR_WEIGHT_NONE    0.00001 /* of bilinear taps */
#define NCR_WIDE_NONE      0.000001

/* Widest kernel that is kept on the stack; a scale that needs more is limited to it. */
enum { NCR_KERNEL_RADIUS_MAX = 4096 };

/* floor() without a call of the library, for values that fit. */
static inline int64_t ncr_floor(double value)
{
    int64_t whole = (int64_t)value;
    return whole - (value < (double)whole);
}

static inline double ncr_weight_bilinear(double x)
{
    double distance = fabs(x);
    return distance <= 1 ? 1 - distance : 0;
}

/* Catmull-Rom: Keys' cubic convolution with a = -0.5. */
static inline double ncr_weight_cubic(double x)
{
    double distance = fabs(x), square = x * x;
    if (distance <= 1)
        return square * (1.5 * distance - 2.5) + 1;
    if (distance <= 2)
        return square * (-0.5 * distance + 2.5) - 4 * distance + 2;
    return 0;
}

/* The same for the four pixels around a point x (0 to 1) behind the second of them. */
static inline void ncr_cubic_weights(double x, double weights[4])
{
    double half = 0.5 * x, three = 3 * x, half_square = half * x;
    weights[0] = half * (-1 + x * (2 - x));
    weights[1] = 1 + half_square * (-5 + three);
    weights[2] = half * (1 + x * (4 - three));
    weights[3] = half_square * (-1 + x);
}

/* The source pixel under a point, counted in the window; false: the point is outside the source. 1e-10 is GDAL's
 * guard against coordinates a hair below a whole number. */
static inline bool ncr_source_pixel(const ncr_kernel *kernel, const ncr_rect *window, double x, double y, size_t *out)
{
    if (!(x >= 0 && y >= 0 && x + 1e-10 <= kernel->width && y + 1e-10 <= kernel->height))
        return false;
    int64_t column = (int64_t)(x + 1e-10), row = (int64_t)(y + 1e-10);
    column -= column == kernel->width;
    row -= row == kernel->height;
    *out = (size_t)((row - window->y) * window->width + (column - window->x));
    return true;
}

/* Where the pixel (x, y) of the source is in a plane of the window. */
static inline size_t ncr_source_at(const ncr_rect *window, int64_t x, int64_t y)
{
    return (size_t)((y - window->y) * window->width + (x - window->x));
}

#endif
