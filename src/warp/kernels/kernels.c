/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <float.h>
#include <limits.h>
#include <stdlib.h>

#include "base/memory.h"
#include "warp/kernels/kernel_common.h"
#include "warp/kernels/variants.h"

/* The definition: for any processor, all types. Its own variants are in kernels_avx2.c and kernels_avx512.c. */

#define TARGET
#define WIDEN4_SMALL(v)         __builtin_convertvector(__builtin_convertvector(v, ncr_v4i), ncr_v4f)
#define WIDEN4_SMALL_DOUBLE(v)  __builtin_convertvector(__builtin_convertvector(v, ncr_v4i), ncr_v4d)
#define WIDEN4_uint8(v)         WIDEN4_SMALL(v)
#define WIDEN4_int8(v)          WIDEN4_SMALL(v)
#define WIDEN4_uint16(v)        WIDEN4_SMALL(v)
#define WIDEN4_int16(v)         WIDEN4_SMALL(v)
#define WIDEN4_DOUBLE_uint8(v)  WIDEN4_SMALL_DOUBLE(v)
#define WIDEN4_DOUBLE_int8(v)   WIDEN4_SMALL_DOUBLE(v)
#define WIDEN4_DOUBLE_uint16(v) WIDEN4_SMALL_DOUBLE(v)
#define WIDEN4_DOUBLE_int16(v)  WIDEN4_SMALL_DOUBLE(v)
#define WIDEN4_float32(v)       __builtin_convertvector(v, ncr_v4d)
#include "warp/kernels/common_types_template.h"

#define TYPE             uint32_t
#define TYPE_NAME        uint32
#define WIDEN4(v)        __builtin_convertvector(v, ncr_v4d)
#define WIDEN2(v)        __builtin_convertvector(v, ncr_v2d)
#define STEP(value)      STEP_INTEGER(value, uint32_t, 0)
#define ROUND(x)         ROUND_UNSIGNED(x, uint32_t, UINT32_MAX)
#define REAL             double
#define ROUND_REAL(x)    ROUND(x)
#define WIDEN4_DOUBLE(v) WIDEN4(v)
#include "warp/kernels/kernel_template.h"

#define TYPE             int32_t
#define TYPE_NAME        int32
#define WIDEN4(v)        __builtin_convertvector(v, ncr_v4d)
#define WIDEN2(v)        __builtin_convertvector(v, ncr_v2d)
#define STEP(value)      STEP_INTEGER(value, int32_t, INT32_MIN)
#define ROUND(x)         ROUND_SIGNED(x, int32_t, INT32_MIN, INT32_MAX)
#define REAL             double
#define ROUND_REAL(x)    ROUND(x)
#define WIDEN4_DOUBLE(v) WIDEN4(v)
#include "warp/kernels/kernel_template.h"

#define TYPE             uint64_t
#define TYPE_NAME        uint64
#define WIDEN4(v)        __builtin_convertvector(v, ncr_v4d)
#define WIDEN2(v)        __builtin_convertvector(v, ncr_v2d)
#define STEP(value)      STEP_INTEGER(value, uint64_t, 0)
#define ROUND(x)         ROUND_UNSIGNED(x, uint64_t, UINT64_MAX)
#define REAL             double
#define ROUND_REAL(x)    ROUND(x)
#define WIDEN4_DOUBLE(v) WIDEN4(v)
#include "warp/kernels/kernel_template.h"

#define TYPE             int64_t
#define TYPE_NAME        int64
#define WIDEN4(v)        __builtin_convertvector(v, ncr_v4d)
#define WIDEN2(v)        __builtin_convertvector(v, ncr_v2d)
#define STEP(value)      STEP_INTEGER(value, int64_t, INT64_MIN)
#define ROUND(x)         ROUND_SIGNED(x, int64_t, INT64_MIN, INT64_MAX)
#define REAL             double
#define ROUND_REAL(x)    ROUND(x)
#define WIDEN4_DOUBLE(v) WIDEN4(v)
#include "warp/kernels/kernel_template.h"

#define TYPE             double
#define TYPE_NAME        float64
#define WIDEN4(v)        __builtin_convertvector(v, ncr_v4d)
#define WIDEN2(v)        __builtin_convertvector(v, ncr_v2d)
#define STEP(value)      nextafter(value, (value) == DBL_MAX ? 0 : DBL_MAX)
#define ROUND(x)         (x)
#define REAL             double
#define ROUND_REAL(x)    ROUND(x)
#define WIDEN4_DOUBLE(v) WIDEN4(v)
#include "warp/kernels/kernel_template.h"

static ncr_kernel_function find_portable(nacre_dtype dtype)
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

ncr_kernel_function ncr_kernel_find_variant(nacre_dtype dtype, ncr_kernel_variant variant)
{
    switch (variant) {
    case NCR_KERNEL_AVX2:
        return ncr_kernel_find_avx2(dtype);
    case NCR_KERNEL_AVX512:
        return ncr_kernel_find_avx512(dtype);
    default:
        return find_portable(dtype);
    }
}

ncr_kernel_function ncr_kernel_find(nacre_dtype dtype)
{
    ncr_kernel_function function = NULL;
    for (int variant = NCR_KERNEL_VARIANTS - 1; variant >= 0 && !function; variant--)
        function = ncr_kernel_find_variant(dtype, (ncr_kernel_variant)variant);
    return function;
}

int ncr_kernel_taps(nacre_resampling resampling)
{
    switch ((int)resampling) {
    case NACRE_RESAMPLING_NEAREST:
        return 0;
    case NACRE_RESAMPLING_CUBIC:
    case NACRE_RESAMPLING_CUBIC_SPLINE:
        return 2;
    case NACRE_RESAMPLING_LANCZOS:
        return 3;
    default:
        return 1;
    }
}

bool ncr_resampling_is_area(nacre_resampling resampling)
{
    return resampling == NACRE_RESAMPLING_AVERAGE || resampling == NACRE_RESAMPLING_MODE ||
           resampling >= NACRE_RESAMPLING_MAX;
}

/* Cuts a polygon at a coordinate of one axis: keeps what is at sign * value >= sign * limit. */
static int clip(const double (*from)[2], int count, int axis, double limit, double sign, double (*to)[2])
{
    int kept = 0;
    for (int i = 0; i < count; i++) {
        const double *a = from[i], *b = from[(i + 1) % count];
        double da = sign * (a[axis] - limit), db = sign * (b[axis] - limit);
        if (da >= 0) {
            to[kept][0] = a[0];
            to[kept++][1] = a[1];
        }
        if ((da > 0 && db < 0) || (da < 0 && db > 0)) {
            double along = da / (da - db);
            to[kept][axis] = limit;
            to[kept][!axis] = a[!axis] + along * (b[!axis] - a[!axis]);
            kept++;
        }
    }
    return kept;
}

double ncr_quad_share(const double x[4], const double y[4], int64_t column, int64_t row)
{
    double a[12][2], b[12][2], sum = 0;
    for (int i = 0; i < 4; i++) { /* from the pixel's corner: small numbers */
        a[i][0] = x[i] - (double)column;
        a[i][1] = y[i] - (double)row;
    }
    int count = clip(a, 4, 0, 0, 1, b);
    count = clip(b, count, 0, 1, -1, a);
    count = clip(a, count, 1, 0, 1, b);
    count = clip(b, count, 1, 1, -1, a);
    for (int i = 0; i < count; i++) {
        const double *p = a[i], *q = a[(i + 1) % count];
        sum += p[0] * q[1] - q[0] * p[1];
    }
    return fabs(sum) / 2;
}

ncr_rect ncr_quad_box(const double x[4], const double y[4], int width, int height)
{
    double low_x = fmax(fmin(fmin(x[0], x[1]), fmin(x[2], x[3])), 0);
    double low_y = fmax(fmin(fmin(y[0], y[1]), fmin(y[2], y[3])), 0);
    double high_x = fmin(fmax(fmax(x[0], x[1]), fmax(x[2], x[3])), width);
    double high_y = fmin(fmax(fmax(y[0], y[1]), fmax(y[2], y[3])), height);
    if (!(low_x < high_x && low_y < high_y))
        return (ncr_rect){0};
    int64_t left = (int64_t)low_x, top = (int64_t)low_y;
    return (ncr_rect){left, top, (int64_t)ceil(high_x) - left, (int64_t)ceil(high_y) - top};
}

size_t ncr_quads_size(const ncr_quads *quads, int width, int height)
{
    size_t size = 0;
    for (int i = 0; i < quads->count; i++) {
        ncr_rect box = ncr_quad_box(quads->x[i], quads->y[i], width, height);
        size += (size_t)box.width * (size_t)box.height;
    }
    return size;
}

bool ncr_room_init(ncr_room *room, size_t count, size_t value_size)
{
    size_t slots = 4;
    while (slots < 2 * count)
        slots *= 2;
    *room = (ncr_room){.values = ncr_alloc_array(count + 1, value_size),
                       .weights = ncr_alloc_array(count + 1, sizeof *room->weights),
                       .slots = ncr_alloc_array(slots, sizeof *room->slots),
                       .slot_mask = slots - 1};
    if (count < UINT32_MAX && room->values && room->weights && room->slots)
        return true;
    ncr_room_clear(room);
    return false;
}

void ncr_room_clear(ncr_room *room)
{
    free(room->values);
    free(room->weights);
    free(room->slots);
}

double (*ncr_kernel_weight(nacre_resampling resampling))(double)
{
    switch ((int)resampling) {
    case NACRE_RESAMPLING_CUBIC:
        return ncr_weight_cubic;
    case NACRE_RESAMPLING_CUBIC_SPLINE:
        return ncr_weight_spline;
    case NACRE_RESAMPLING_LANCZOS:
        return ncr_weight_lanczos;
    default:
        return ncr_weight_bilinear;
    }
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
    kernel->is_area = ncr_resampling_is_area(resampling);
    kernel->is_wide = taps && !kernel->is_area && !(kernel->x_scale >= WIDE_BELOW && kernel->y_scale >= WIDE_BELOW);
    bool can_be_wide = !kernel->is_area;
    kernel->x_radius = can_be_wide && kernel->x_scale < WIDE_BELOW ? (int)ceil(taps / kernel->x_scale) : taps;
    kernel->y_radius = can_be_wide && kernel->y_scale < WIDE_BELOW ? (int)ceil(taps / kernel->y_scale) : taps;
}

void ncr_kernel_reach(const ncr_kernel *kernel, bool is_x, double low, double high, int64_t *first, int64_t *last)
{
    int radius = is_x ? kernel->x_radius : kernel->y_radius;
    /* From the pixel under the point, and as many as the kernel may need. */
    *first = (int64_t)floor(low - 0.5) - radius;
    *last = (int64_t)floor(high + 1e-10) + radius;
}
