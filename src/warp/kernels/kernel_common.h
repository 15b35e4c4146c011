/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_WARP_KERNEL_COMMON_H
#define NCR_WARP_KERNEL_COMMON_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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
/* Taps to either side of a point at full scale, at most. */
enum { NCR_REACH_MAX = 3 };

/* Rows of source and destination that are fetched into the cache before their turn: rows lie on pages of their own,
 * where the processor's own foresight ends. */
enum { NCR_AHEAD = 2 };

/* Four values at a time: the compiler's vectors, which every processor has in one or two registers. No function takes
 * or gives one by value, since that would depend on the variant. */
typedef double ncr_v4d __attribute__((vector_size(32)));
typedef double ncr_v2d __attribute__((vector_size(16)));
typedef float ncr_v4f __attribute__((vector_size(16)));
typedef float ncr_v2f __attribute__((vector_size(8)));
typedef int32_t ncr_v16i __attribute__((vector_size(64)));
typedef int32_t ncr_v4i __attribute__((vector_size(16)));
typedef int32_t ncr_v2i __attribute__((vector_size(8)));

#define NCR_INLINE static inline __attribute__((always_inline))
#define NCR_APART  __attribute__((noinline)) /* loops over rows: once each, for the compiler's sake */

/* floor() without a call of the library, for values that fit. */
static inline int64_t ncr_floor(double value)
{
    int64_t whole = (int64_t)value;
    return whole - (value < (double)whole);
}

/* To the nearest whole number, halves up. */
NCR_INLINE int32_t ncr_round_whole(float value)
{
    int32_t whole = (int32_t)value;
    float rest = value - (float)whole;
    return whole + (rest >= 0.5F) - (rest < -0.5F);
}

/* --- Weights by the distance in source pixels --- */

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

/* The cubic B-spline. */
static inline double ncr_weight_spline(double x)
{
    double distance = fabs(x), rest = 2 - distance;
    if (distance <= 1)
        return (4 + distance * distance * (3 * distance - 6)) / 6;
    return rest > 0 ? rest * rest * rest / 6 : 0;
}

#define NCR_PI 3.14159265358979323846

/* sin(x) and cos(x) for 0 <= x <= pi / 2 to a unit or two in the last place, by their series: the same bits with every
 * library. */
NCR_INLINE double ncr_sine(double x)
{
    double square = x * x, s = 1;
    for (int k = 11; k >= 1; k--)
        s = 1 - square * (1.0 / (2 * k * (2 * k + 1))) * s;
    return x * s;
}

NCR_INLINE double ncr_cosine(double x)
{
    double square = x * x, c = 1;
    for (int k = 11; k >= 1; k--)
        c = 1 - square * (1.0 / ((2 * k - 1) * 2 * k)) * c;
    return c;
}

/* sinc(x) sinc(x / 3); the sine of the angle from that of a third of it, which is the same at 3 - x. */
static inline double ncr_weight_lanczos(double x)
{
    double distance = fabs(x);
    if (distance >= 3)
        return 0;
    if (distance < 1e-9)
        return 1;
    double s = ncr_sine((distance > 1.5 ? 3 - distance : distance) * (NCR_PI / 3));
    return 3 * (s * (3 - 4 * s * s)) * s / (NCR_PI * NCR_PI * distance * distance);
}

/* The weights of the four pixels around a point x (0 to 1) behind the second of them: polynomials of x, a term each
 * way of Horner. */
typedef struct {
    double terms[4][4];
    float float_terms[4][4]; /* the same */
} ncr_cubic_terms;

static const ncr_cubic_terms ncr_catmull_rom = {
    {{0, 1, 0, 0}, {-0.5, 0, 0.5, 0}, {1, -2.5, 2, -0.5}, {-0.5, 1.5, -1.5, 0.5}},
    {{0, 1, 0, 0}, {-0.5F, 0, 0.5F, 0}, {1, -2.5F, 2, -0.5F}, {-0.5F, 1.5F, -1.5F, 0.5F}}};
static const ncr_cubic_terms ncr_b_spline = {
    {{1 / 6.0, 4 / 6.0, 1 / 6.0, 0}, {-0.5, 0, 0.5, 0}, {0.5, -1, 0.5, 0}, {-1 / 6.0, 0.5, -0.5, 1 / 6.0}},
    {{(float)(1 / 6.0), (float)(4 / 6.0), (float)(1 / 6.0), 0},
     {-0.5F, 0, 0.5F, 0},
     {0.5F, -1, 0.5F, 0},
     {(float)(-1 / 6.0), 0.5F, -0.5F, (float)(1 / 6.0)}}};

#define NCR_CUBIC_WEIGHT(REAL, t, i, x) \
    ((REAL)(t)->terms[0][i] +           \
     (x) * ((REAL)(t)->terms[1][i] + (x) * ((REAL)(t)->terms[2][i] + (x) * (REAL)(t)->terms[3][i])))

/* The six of Lanczos' kernel, x behind the third of them. They are brought to a sum of one, so what they have in common
 * is left out: what stays is sin(pi d / 3) / (d * d) with changing signs. At x = 0 only the third counts. */
NCR_INLINE void ncr_lanczos_weights(double x, double out[6])
{
    static const double sines[6] = {-0.86602540378443864676, 0.86602540378443864676, 0,
                                    -0.86602540378443864676, 0.86602540378443864676, 0};
    static const double cosines[6] = {-0.5, -0.5, 1, -0.5, -0.5, 1};
    double s = ncr_sine(x * (NCR_PI / 3)), c = ncr_cosine(x * (NCR_PI / 3)), sum = 0;
    for (int i = 0; i < 6; i++) {
        double distance = i - 2 - x;
        out[i] = (sines[i] * c - cosines[i] * s) / (distance * distance);
    }
    for (int i = 0; i < 6; i++)
        sum += out[i];
    double inverse = 1 / sum;
    for (int i = 0; i < 6; i++)
        out[i] = x == 0 ? (double)(i == 2) : out[i] * inverse;
}

/* The weight of a resampling that has one. */
double (*ncr_kernel_weight(nacre_resampling resampling))(double);

/* How many taps must be valid: half of them for Lanczos, as GDAL has it. */
NCR_INLINE int64_t ncr_kernel_least(const ncr_kernel *kernel)
{
    return kernel->resampling == NACRE_RESAMPLING_LANCZOS ? (int64_t)2 * kernel->x_radius * kernel->y_radius : 0;
}

/* --- Places --- */

/* A source pixel: where its values are in their planes, and where it is in the masks. */
typedef struct {
    ptrdiff_t value, mask;
} ncr_place;

NCR_INLINE ncr_place ncr_place_of(const ncr_kernel_source *source, int64_t x, int64_t y)
{
    int64_t column = x - source->window.x, row = y - source->window.y;
    return (ncr_place){row * source->row_length + column, row * source->window.width + column};
}

/* The source pixel under a point; false: the point is outside the source. 1e-10 is GDAL's guard against coordinates a
 * hair below a whole number. */
NCR_INLINE bool ncr_source_pixel(const ncr_kernel *kernel, const ncr_kernel_source *source, double x, double y,
                                 ncr_place *out)
{
    if (!(x >= 0 && y >= 0 && x + 1e-10 <= kernel->width && y + 1e-10 <= kernel->height))
        return false;
    int64_t column = (int64_t)(x + 1e-10), row = (int64_t)(y + 1e-10);
    column -= column == kernel->width;
    row -= row == kernel->height;
    *out = ncr_place_of(source, column, row);
    return true;
}

/* --- What lies under a destination pixel --- */

/* Source pixels from (x0, y0) to before (x1, y1); those at its edges count by the part that is covered, but a single
 * column or row counts whole, as GDAL has it. */
typedef struct ncr_footprint {
    int64_t x0, y0, x1, y1;
    double left, right, above, below; /* weights of the first and last column and row */
    double quad_x[4], quad_y[4];      /* for sums: the destination pixel's corners */
} ncr_footprint;

NCR_INLINE double ncr_footprint_across(const ncr_footprint *f, int64_t x)
{
    return x == f->x0 ? f->left : x == f->x1 - 1 ? f->right : 1;
}

NCR_INLINE double ncr_footprint_down(const ncr_footprint *f, int64_t y)
{
    return y == f->y0 ? f->above : y == f->y1 - 1 ? f->below : 1;
}

/* Those of a row of pixels. */
typedef struct ncr_footprint_axes {
    int32_t first[NCR_CELL], end[NCR_CELL]; /* end below 0: none */
    double low_weight[NCR_CELL], high_weight[NCR_CELL];
} ncr_footprint_axes;

typedef struct ncr_footprints {
    ncr_footprint_axes x, y;
} ncr_footprints;

/* Which of sorted values a median or quartile is. */
NCR_INLINE int ncr_rank(nacre_resampling resampling, size_t count)
{
    double share = resampling == NACRE_RESAMPLING_MED ? 0.5 : resampling == NACRE_RESAMPLING_Q1 ? 0.25 : 0.75;
    double index = ceil(share * (double)count - 1);
    return index > 0 ? (int)index : 0;
}

/* One axis of it, from the corners' coordinates; false: nothing of the source lies there. */
NCR_INLINE bool ncr_footprint_axis(double a, double b, int size, int64_t *first, int64_t *end, double *low_weight,
                                   double *high_weight)
{
    double low = a < b ? a : b, high = a < b ? b : a;
    if (!(high >= 0 && low <= size) || high - low > 1e9)
        return false;
    *first = low < 0 ? 0 : (int64_t)(low + 1e-10);
    *end = high > size ? size : -ncr_floor(1e-10 - high);
    if (*first == *end && *end < size)
        ++*end;
    if (*first >= *end)
        return false;
    /* What lies beyond the source counts for its last pixel, as in GDAL. */
    bool is_single = *first + 1 == *end;
    *low_weight = is_single ? 1 : 1 - (low - (double)*first);
    *high_weight = is_single ? 1 : 1 - ((double)*end - high);
    return true;
}

/* Room for the values under one pixel, where these are sorted or counted. */
typedef struct ncr_room {
    void *values;
    double *weights;
    uint32_t *slots; /* as many as slot_mask + 1 */
    size_t slot_mask;
} ncr_room;

/* The part of a quadrilateral that lies in a source pixel, as a share of the pixel. Corners in order around it. */
double ncr_quad_share(const double x[4], const double y[4], int64_t column, int64_t row);

/* The source pixels that a quadrilateral touches, of a source of that size; and how many all of them touch. */
ncr_rect ncr_quad_box(const double x[4], const double y[4], int width, int height);
size_t ncr_quads_size(const ncr_quads *quads, int width, int height);

bool ncr_room_init(ncr_room *room, size_t count, size_t value_size); /* false: out of memory */
void ncr_room_clear(ncr_room *room);

/* Whether the distance of any two pixels of the window, in values, fits an int32_t. */
NCR_INLINE bool ncr_offsets_fit(const ncr_kernel_source *source)
{
    return source->row_length < INT32_MAX && (source->window.height + 1) * (int64_t)source->row_length < INT32_MAX;
}

/* --- A row of a cell, before its bands are looked at --- */

enum { NCR_WAY_NONE, NCR_WAY_FAST, NCR_WAY_GENERAL };

/* Coordinates of a row, and room for them where they are not there already. */
typedef struct ncr_points {
    const double *x, *y;
} ncr_points;

typedef struct ncr_points_room {
    double x[NCR_CELL], y[NCR_CELL];
} ncr_points_room;

/* way: NONE: outside the source; FAST: all taps are there and wholly valid in all bands; set unless all are FAST.
 * Columns and rows are those of the first tap, from the source window's corner. */
typedef struct ncr_row {
    bool is_fast; /* all of it */
    uint8_t way[NCR_CELL];
    int32_t columns[NCR_CELL], rows[NCR_CELL];
    int32_t at[NCR_CELL];            /* of the first tap, from the window's first value */
    double x[NCR_CELL], y[NCR_CELL]; /* how far the point is behind the tap that is left of and above it, 0 to 1 */
} ncr_row;

#endif
