/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <math.h>

#include "warp/engine.h"
#include "warp/hull.h"

/* The scale of a view as GDAL (up to 3.12) has it for one chunk that covers the grid: its size over that of the source
 * window under it. Where that window reaches far beyond the source GDAL would cut the chunk, and the quotient means
 * little: there, and at the antimeridian, the mean of local scales is taken (GDAL 3.13 takes it always). */

enum { EDGE_STEPS = 21, LATTICE = EDGE_STEPS + 2, LEVEL_PLACES = 10 };

typedef struct {
    double low[2], high[2]; /* of the grid's points, in source pixels */
    int failed;
} extent;

static nacre_status add_point(const ncr_map *map, double x, double y, extent *e, nacre_error *err)
{
    nacre_status status = ncr_map_to_source(map, 1, &x, &y, err);
    if (status)
        return status;
    if (x == HUGE_VAL) {
        e->failed++;
        return NACRE_OK;
    }
    ncr_hull_add(e->low, e->high, x, y);
    return NACRE_OK;
}

/* Close to a whole number is that number. */
static double round_if_close(double value)
{
    double whole = round(value);
    return fabs(value - whole) < 1e-6 ? whole : value;
}

/* The extent of the grid's edges, and of a lattice inside it: poles may lie there. */
static nacre_status find_extent(const ncr_map *map, int width, int height, extent *e, nacre_error *err)
{
    *e = (extent){{HUGE_VAL, HUGE_VAL}, {-HUGE_VAL, -HUGE_VAL}, 0};
    nacre_status status = NACRE_OK;
    for (int row = 0; row < LATTICE && !status; row++) {
        for (int column = 0; column < LATTICE && !status; column++) {
            double x = (double)width * column / (LATTICE - 1), y = (double)height * row / (LATTICE - 1);
            status = add_point(map, x, y, e, err);
        }
    }
    for (int i = 0; i < EDGE_STEPS && !status; i++) {
        double along = (double)i / (EDGE_STEPS - 1);
        status = add_point(map, along * width, 0, e, err);
        if (!status)
            status = add_point(map, along * width, height, e, err);
        if (!status)
            status = add_point(map, 0, along * height, e, err);
        if (!status)
            status = add_point(map, width, along * height, e, err);
    }
    for (int axis = 0; axis < 2; axis++) {
        e->low[axis] = round_if_close(e->low[axis]);
        e->high[axis] = round_if_close(e->high[axis]);
    }
    return status;
}

/* The source window under the grid along one axis. */
typedef struct {
    double size;   /* pixels of it that are read, room for the kernel included */
    double raw;    /* without that room */
    double beyond; /* what it would be were the source endless */
} span;

static span find_span(double low, double high, int dst, int src, int taps)
{
    double estimate = fmax(1e-3, dst / (high - low));
    double radius = estimate < 0.95 ? ceil(taps / estimate) : taps;
    double from = floor(fmax(0, low)), to = fmin(ceil(high), src);
    span s = {.raw = fmax(0, fmin(src - from, high - low)), .beyond = high - low + 2 * radius};
    if (to - from > 0.9 * src) {
        s.size = src;
        return s;
    }
    double first = fmax(0, fmin(from - radius, src));
    s.size = fmax(0, fmin(src - first, to - first + radius));
    return s;
}

static double span_scale(const span *s, int dst)
{
    if (s->size >= dst && s->size <= dst + (s->size - s->raw))
        return 1;
    return dst / s->raw;
}

/* One over a whole number where it is very close to that. */
static double tidy(double value)
{
    if (value <= 0)
        return 1;
    if (value >= 1)
        return value;
    double whole = floor(1 / value + 0.5);
    return fabs(1 / value - whole) < 0.05 ? 1 / whole : value;
}

nacre_status ncr_map_scale(const ncr_map *map, int width, int height, int src_width, int src_height, int taps,
                           double *x_scale, double *y_scale, bool *meets, nacre_error *err)
{
    extent e;
    *meets = true;
    nacre_status status = find_extent(map, width, height, &e, err);
    if (!status)
        status = ncr_map_local_scale(map, width, height, x_scale, y_scale, err);
    if (status)
        return status;
    *meets = e.low[0] < src_width && e.high[0] > 0 && e.low[1] < src_height && e.high[1] > 0;
    if (*meets) {
        int room = taps + (e.failed ? 10 : 0);
        span x = find_span(e.low[0], e.high[0], width, src_width, room);
        span y = find_span(e.low[1], e.high[1], height, src_height, room);
        bool is_filled = x.size * y.size >= 0.5 * fmax(1, x.beyond * y.beyond) || (width <= 100 && height <= 100);
        double along_x = span_scale(&x, width), along_y = span_scale(&y, height);
        if (is_filled && x.raw > 0 && y.raw > 0) {
            *x_scale = along_y / along_x > 100 ? *x_scale : along_x;
            *y_scale = along_y;
        }
    }
    *x_scale = tidy(*x_scale);
    *y_scale = tidy(*y_scale);
    return NACRE_OK;
}

/* How many source pixels a destination pixel is wide (or high, where that is less), from the extent of 10 x 10 points
 * of the whole grid. 0: unknown. */
static nacre_status shrinking(const ncr_map *map, int width, int height, double *out, nacre_error *err)
{
    extent e = {{HUGE_VAL, HUGE_VAL}, {-HUGE_VAL, -HUGE_VAL}, 0};
    for (int i = 0; i < LEVEL_PLACES * LEVEL_PLACES; i++) {
        int column = i % LEVEL_PLACES, row = i / LEVEL_PLACES;
        double x = (double)width * column / (LEVEL_PLACES - 1), y = (double)height * row / (LEVEL_PLACES - 1);
        nacre_status status = add_point(map, x, y, &e, err);
        if (status)
            return status;
    }
    double wide = e.high[0] > e.low[0] ? (e.high[0] - e.low[0]) / width : 0;
    double high = e.high[1] > e.low[1] ? (e.high[1] - e.low[1]) / height : 0;
    *out = fmin(wide, high);
    return NACRE_OK;
}

/* The coarsest level that is not coarser than asked for, with a tenth to spare. */
static int coarsest(const ncr_dataset *source, double ratio)
{
    const double spare = 0.1;
    int best = 0;
    double best_ratio = 1;
    for (int level = 1; level <= source->overview_count; level++) {
        double level_ratio = (double)source->width / source->overviews[level - 1][0];
        if (fabs(ratio - best_ratio) < spare)
            break;
        if (level_ratio >= ratio + spare || level_ratio <= best_ratio)
            continue;
        best = level;
        best_ratio = level_ratio;
    }
    return best;
}

nacre_status ncr_map_level(const ncr_map *map, int width, int height, const ncr_dataset *source, int overview,
                           int *level, nacre_error *err)
{
    *level = 0;
    if (overview == NCR_OVERVIEW_NONE || source->overview_count == 0)
        return NACRE_OK;
    if (overview >= 0) {
        *level = overview < source->overview_count ? overview + 1 : source->overview_count;
        return NACRE_OK;
    }
    double ratio;
    nacre_status status = shrinking(map, width, height, &ratio, err);
    if (status || ratio <= 1)
        return status;
    int found = coarsest(source, ratio) + (overview - NCR_OVERVIEW_AUTO);
    *level = found > 0 ? found : 0;
    return NACRE_OK;
}
