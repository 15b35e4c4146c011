/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "warp/geoloc_index.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "warp/hull.h"

/* Squares have a value at each corner: square (i, j) lies between values i and i + 1, j and j + 1. Those beyond the
 * edges are made from extrapolated values. The leaves of the tree are boxes around blocks of BLOCK x BLOCK squares;
 * each level above has boxes around FAN x FAN of the one below it. They are gone through in reading order. */

enum { BLOCK = 8, FAN = 4, LEVELS_MAX = 20 };

typedef struct {
    double low[2], high[2]; /* low > high: nothing is in it */
} box;

typedef struct {
    int64_t columns, rows;
    box *boxes;
} level;

struct ncr_geoloc_index {
    ncr_patch x, y;
    int64_t width, height; /* of the arrays */
    bool is_regular;       /* one row of x, one row of y */
    bool is_centre, is_round;
    bool has_nodata; /* of x */
    double nodata;
    int64_t first, columns, rows; /* of the squares, those beyond the edges included: first is -1 or 0 both ways */
    level levels[LEVELS_MAX];     /* from the leaves to one box */
    int level_count;
};

typedef struct {
    double x, y;
} point;

/* --- Forward --- */

static bool value_at(const ncr_geoloc_index *index, int64_t i, int64_t j, point *out)
{
    out->x = ncr_patch_value(&index->x, i, index->is_regular ? 0 : j);
    out->y = ncr_patch_value(&index->y, index->is_regular ? j : i, index->is_regular ? 0 : j);
    return isfinite(out->x) && isfinite(out->y) && !(index->has_nodata && out->x == index->nodata);
}

/* Brings a longitude to within 180 degrees of another. */
static double beside(const ncr_geoloc_index *index, double reference, double x)
{
    if (!index->is_round || fabs(x - reference) <= 180)
        return x;
    return x > reference ? x - 360 : x + 360;
}

static int64_t clamp(double value, int64_t most)
{
    return value > 0 ? (value < (double)most ? (int64_t)value : most) : 0;
}

bool ncr_geoloc_index_place(const ncr_geoloc_index *index, double column, double row, double *x, double *y)
{
    /* Beyond the last values: by the last square before them. */
    int64_t i = clamp(column, index->width > 1 ? index->width - 2 : 0);
    int64_t j = clamp(row, index->height > 1 ? index->height - 2 : 0);
    int64_t next_i = index->width > 1 ? i + 1 : i, next_j = index->height > 1 ? j + 1 : j;
    point a, b, c, d;
    if (!value_at(index, i, j, &a) || !value_at(index, next_i, j, &b) || !value_at(index, i, next_j, &c) ||
        !value_at(index, next_i, next_j, &d))
        return false;
    double u = column - (double)i, v = row - (double)j;
    b.x = beside(index, a.x, b.x);
    c.x = beside(index, a.x, c.x);
    d.x = beside(index, a.x, d.x);
    *x = (1 - v) * (a.x + u * (b.x - a.x)) + v * (c.x + u * (d.x - c.x));
    *y = (1 - v) * (a.y + u * (b.y - a.y)) + v * (c.y + u * (d.y - c.y));
    if (index->is_round && fabs(*x) > 180)
        *x += *x > 0 ? -360 : 360;
    return true;
}

/* --- Back --- */

/* Corners of a square: upper left and right, lower left and right; x of all of them beside the first one's. */
static bool square_at(const ncr_geoloc_index *index, int64_t i, int64_t j, point p[4])
{
    for (int k = 0; k < 4; k++) {
        int64_t column = i + k % 2, row = j + k / 2;
        bool is_inside = column >= 0 && row >= 0 && column < index->width && row < index->height;
        bool found = is_inside ? value_at(index, column, row, &p[k])
                               : ncr_geoloc_index_place(index, (double)column, (double)row, &p[k].x, &p[k].y);
        if (!found)
            return false;
        p[k].x = beside(index, p[0].x, p[k].x);
    }
    return true;
}

static double cross(point a, point b)
{
    return a.x * b.y - a.y * b.x;
}

static point minus(point a, point b)
{
    return (point){a.x - b.x, a.y - b.y};
}

/* Whether a share lies in [0, 1], but for rounding: neighbours leave no gap between them. */
static bool is_share(double value)
{
    return value >= -1e-9 && value <= 1 + 1e-9;
}

/* (u, v) in the unit square whose place in a square is `at`: the bilinear map solved for v, a quadratic equation. */
static bool solve_with(const point p[4], point at, double v, double *out_u, double *out_v)
{
    if (!is_share(v))
        return false;
    point left = {p[0].x + v * (p[2].x - p[0].x), p[0].y + v * (p[2].y - p[0].y)};
    point right = {p[1].x + v * (p[3].x - p[1].x), p[1].y + v * (p[3].y - p[1].y)};
    point along = minus(right, left), to = minus(at, left);
    double square = along.x * along.x + along.y * along.y;
    double u = (to.x * along.x + to.y * along.y) / square;
    if (!is_share(u))
        return false;
    *out_u = u;
    *out_v = v;
    return true;
}

static bool solve(const point p[4], point at, double *u, double *v)
{
    point e = minus(p[1], p[0]), f = minus(p[2], p[0]), g = minus(minus(p[3], p[2]), e), h = minus(at, p[0]);
    /* a vv + b v + c = 0 */
    double a = cross(g, f), b = cross(e, f) + cross(h, g), c = cross(h, e);
    double linear = -c / b, discriminant = b * b - 4 * a * c;
    if (fabs(a * c) <= 1e-14 * b * b)
        return solve_with(p, at, linear, u, v);
    if (!(discriminant >= 0))
        return false;
    double q = -0.5 * (b + copysign(sqrt(discriminant), b));
    return solve_with(p, at, c / q, u, v) || solve_with(p, at, q / a, u, v);
}

static bool find_in_square(const ncr_geoloc_index *index, int64_t i, int64_t j, point at, double *column, double *row)
{
    point p[4];
    double u, v;
    if (!square_at(index, i, j, p) || !solve(p, at, &u, &v))
        return false;
    *column = (double)i + fmin(fmax(u, 0), 1);
    *row = (double)j + fmin(fmax(v, 0), 1);
    if (!index->is_centre)
        return true;
    double slack = 0.5 + 1e-9, right = (double)index->width - 1 + slack, bottom = (double)index->height - 1 + slack;
    return *column >= -slack && *row >= -slack && *column <= right && *row <= bottom;
}

static bool holds(const box *b, point at)
{
    return at.x >= b->low[0] && at.x <= b->high[0] && at.y >= b->low[1] && at.y <= b->high[1];
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static bool find_in_block(const ncr_geoloc_index *index, int64_t column, int64_t row, point at, double *x, double *y)
{
    for (int64_t j = row * BLOCK; j < least((row + 1) * BLOCK, index->rows); j++)
        for (int64_t i = column * BLOCK; i < least((column + 1) * BLOCK, index->columns); i++)
            if (find_in_square(index, index->first + i, index->first + j, at, x, y))
                return true;
    return false;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the tree */
static bool find_below(const ncr_geoloc_index *index, int depth, int64_t column, int64_t row, point at, double *x,
                       double *y)
{
    const level *l = &index->levels[depth];
    if (!holds(&l->boxes[row * l->columns + column], at))
        return false;
    if (depth == 0)
        return find_in_block(index, column, row, at, x, y);
    const level *below = l - 1;
    for (int64_t j = row * FAN; j < least((row + 1) * FAN, below->rows); j++)
        for (int64_t i = column * FAN; i < least((column + 1) * FAN, below->columns); i++)
            if (find_below(index, depth - 1, i, j, at, x, y))
                return true;
    return false;
}

bool ncr_geoloc_index_find(const ncr_geoloc_index *index, double x, double y, double *column, double *row)
{
    static const double turns[] = {0, 360, -360};
    for (int i = 0; i < (index->is_round ? 3 : 1); i++)
        if (find_below(index, index->level_count - 1, 0, 0, (point){x + turns[i], y}, column, row))
            return true;
    return false;
}

/* --- Building --- */

static const box nothing = {{HUGE_VAL, HUGE_VAL}, {-HUGE_VAL, -HUGE_VAL}};

/* A little more than its squares, since shares may be a little more than 1. */
static void widen(box *b)
{
    for (int axis = 0; axis < 2; axis++) {
        double room = 1e-8 * (b->high[axis] - b->low[axis]);
        if (!(room >= 0))
            continue;
        b->low[axis] -= room;
        b->high[axis] += room;
    }
}

static box block_box(const ncr_geoloc_index *index, int64_t column, int64_t row)
{
    box b = nothing;
    for (int64_t j = row * BLOCK; j < least((row + 1) * BLOCK, index->rows); j++) {
        for (int64_t i = column * BLOCK; i < least((column + 1) * BLOCK, index->columns); i++) {
            point p[4];
            if (!square_at(index, index->first + i, index->first + j, p))
                continue;
            for (int k = 0; k < 4; k++)
                ncr_hull_add(b.low, b.high, p[k].x, p[k].y);
        }
    }
    widen(&b);
    return b;
}

static box union_box(const level *below, int64_t column, int64_t row)
{
    box b = nothing;
    for (int64_t j = row * FAN; j < least((row + 1) * FAN, below->rows); j++) {
        for (int64_t i = column * FAN; i < least((column + 1) * FAN, below->columns); i++) {
            const box *part = &below->boxes[j * below->columns + i];
            if (!(part->low[0] <= part->high[0]))
                continue;
            ncr_hull_add(b.low, b.high, part->low[0], part->low[1]);
            ncr_hull_add(b.low, b.high, part->high[0], part->high[1]);
        }
    }
    return b;
}

static nacre_status add_level(ncr_geoloc_index *index, nacre_error *err)
{
    const level *below = index->level_count ? &index->levels[index->level_count - 1] : NULL;
    level *l = &index->levels[index->level_count];
    int64_t size = below ? FAN : BLOCK;
    l->columns = ((below ? below->columns : index->columns) + size - 1) / size;
    l->rows = ((below ? below->rows : index->rows) + size - 1) / size;
    l->boxes = ncr_alloc_array((size_t)l->columns * (size_t)l->rows, sizeof *l->boxes);
    if (!l->boxes)
        return ncr_error_memory(err);
    index->level_count++;
    for (int64_t row = 0; row < l->rows; row++)
        for (int64_t column = 0; column < l->columns; column++)
            l->boxes[row * l->columns + column] = below ? union_box(below, column, row) : block_box(index, column, row);
    return NACRE_OK;
}

static nacre_status find_size(ncr_geoloc_index *index, const ncr_patch patches[2], nacre_error *err)
{
    const ncr_rect *x = &patches[0].window, *y = &patches[1].window;
    const char *name = ncr_dataset_name(patches[0].dataset);
    index->is_regular = x->height == 1 && y->height == 1;
    if (!index->is_regular && (x->width != y->width || x->height != y->height))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: its geolocation arrays of x and y have different sizes",
                             name);
    index->width = x->width;
    index->height = index->is_regular ? y->width : x->height;
    if (index->width < 2 || index->height < 2)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: its geolocation arrays have less than 2 x 2 values", name);
    index->first = index->is_centre ? -1 : 0;
    index->columns = index->width + (index->is_centre ? 1 : 0);
    index->rows = index->height + (index->is_centre ? 1 : 0);
    return NACRE_OK;
}

nacre_status ncr_geoloc_index_new(ncr_patch patches[2], bool is_centre, bool is_round, ncr_geoloc_index **out,
                                  nacre_error *err)
{
    *out = NULL;
    ncr_geoloc_index *index = calloc(1, sizeof *index);
    if (!index)
        return ncr_error_memory(err);
    index->is_centre = is_centre;
    index->is_round = is_round;
    const nacre_nodata *nodata = &patches[0].dataset->bands[patches[0].band - 1].nodata;
    index->has_nodata = nodata->is_set;
    index->nodata = nodata->value;
    nacre_status status = find_size(index, patches, err);
    if (!status) {
        index->x = patches[0];
        index->y = patches[1];
        patches[0] = patches[1] = (ncr_patch){0};
        do
            status = add_level(index, err);
        while (!status &&
               (index->levels[index->level_count - 1].columns > 1 || index->levels[index->level_count - 1].rows > 1));
    }
    const box *all = status ? NULL : index->levels[index->level_count - 1].boxes;
    if (all && !(all->low[0] <= all->high[0]))
        status = ncr_error_set(err, NACRE_ERROR_INVALID, "%s: its geolocation arrays hold no place",
                               ncr_dataset_name(index->x.dataset));
    if (status)
        ncr_geoloc_index_free(index);
    else
        *out = index;
    return status;
}

void ncr_geoloc_index_size(const ncr_geoloc_index *index, size_t *width, size_t *height)
{
    *width = (size_t)index->width;
    *height = (size_t)index->height;
}

void ncr_geoloc_index_free(ncr_geoloc_index *index)
{
    if (!index)
        return;
    for (int i = 0; i < index->level_count; i++)
        free(index->levels[i].boxes);
    ncr_patch_clear(&index->x);
    ncr_patch_clear(&index->y);
    free(index);
}
