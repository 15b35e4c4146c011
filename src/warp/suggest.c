/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "warp/suggest.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

/* GDAL's rule, as its documentation and behaviour have it: the source's edges (or, where these cannot be brought there
 * and back, a lattice over all of it) are transformed; their extent, widened by poles, is the extent; the pixel size
 * keeps the number of pixels on the source's diagonal; sizes are rounded; and where the last column or row would lie
 * beyond the source throughout, pixels are made a little smaller.
 *
 * Coordinate systems: 1 source pixels; 2 coordinates of the destination. The map's destination transform is the unit
 * one here, so its "destination pixels" are 2. */

typedef struct {
    const ncr_warp_source *source;
    ncr_map map;
    int steps;     /* along a side */
    int count;     /* of points that are set */
    int lattice;   /* the points are a lattice of (steps + 1) squared, row by row; else four sides: top, bottom, left,
                      right */
    double *x, *y; /* in 2; HUGE_VAL: none */
    double bounds[4]; /* in 2: min_x, min_y, max_x, max_y */
    bool has_bounds;
} sampler;

static const nacre_transform unit_transform = {.a = 1, .e = 1};

static void extend(sampler *s, double x, double y)
{
    double *b = s->bounds;
    if (!s->has_bounds) {
        b[0] = b[2] = x;
        b[1] = b[3] = y;
        s->has_bounds = true;
        return;
    }
    b[0] = fmin(b[0], x);
    b[1] = fmin(b[1], y);
    b[2] = fmax(b[2], x);
    b[3] = fmax(b[3], y);
}

static double ratio_of(const sampler *s, int step)
{
    return step == s->steps ? 1.0 : step * (1.0 / s->steps);
}

/* Where point `index` lies in 1. */
static void source_point(const sampler *s, int index, double *x, double *y)
{
    int n = s->steps + 1;
    double along = ratio_of(s, index % n);
    double width = s->source->width, height = s->source->height;
    if (s->lattice) {
        *x = along * width;
        *y = ratio_of(s, index / n) * height;
        return;
    }
    int side = index / n;
    *x = side < 2 ? along * width : side == 2 ? 0 : width;
    *y = side >= 2 ? along * height : side == 0 ? 0 : height;
}

static nacre_status sample(sampler *s, bool lattice, nacre_error *err)
{
    int n = s->steps + 1;
    s->lattice = lattice;
    s->count = lattice ? n * n : 4 * n;
    for (int i = 0; i < s->count; i++)
        source_point(s, i, &s->x[i], &s->y[i]);
    return ncr_map_to_destination(&s->map, (size_t)s->count, s->x, s->y, err);
}

/* The sign of the longitudes on an edge that touches the antimeridian from one side only, where -180 and 180 are mixed
 * up: 1 or -1, or 0 where it is not so. */
static int antimeridian_side(const sampler *s)
{
    int side = 0;
    for (int i = 0; i < s->count; i++) {
        double x = s->x[i];
        if (x == HUGE_VAL)
            continue;
        for (int sign = -1; sign <= 1 && !side; sign += 2)
            if ((sign * x > 0 && sign * x <= 180) || fabs(x + sign * 180.0) < 1e-8)
                side = sign;
        if (!side || !((side * x > 0 && side * x <= 180) || fabs(x + side * 180.0) < 1e-8))
            return 0;
    }
    return side;
}

static nacre_status mend_antimeridian(sampler *s, nacre_error *err)
{
    int side = antimeridian_side(s);
    for (int i = 0; side && i < s->count; i++) {
        if (s->x[i] == HUGE_VAL || !(fabs(s->x[i] + side * 180.0) < 1e-8))
            continue;
        double x[2] = {side * -180.0, side * 180.0}, y[2] = {s->y[i], s->y[i]};
        nacre_status status = ncr_map_to_source(&s->map, 2, x, y, err);
        if (status)
            return status;
        if (x[0] != HUGE_VAL && x[1] != HUGE_VAL && fabs(x[0] - x[1]) < 1e-8 && fabs(y[0] - y[1]) < 1e-8)
            s->x[i] = side * 180.0;
    }
    return NACRE_OK;
}

static int failures(const sampler *s)
{
    int count = 0;
    for (int i = 0; i < s->count; i++)
        count += s->x[i] == HUGE_VAL;
    return count;
}

/* Whether every point comes back to within a step of where it was. */
static nacre_status comes_back(const sampler *s, bool *out, nacre_error *err)
{
    *out = false;
    double *x = ncr_alloc_array((size_t)s->count * 2, sizeof *x), *y = x ? x + s->count : NULL;
    if (!x)
        return ncr_error_memory(err);
    for (int i = 0; i < s->count; i++) {
        x[i] = s->x[i];
        y[i] = s->y[i];
    }
    nacre_status status = ncr_map_to_source(&s->map, (size_t)s->count, x, y, err);
    bool good = !status;
    for (int i = 0; good && i < s->count; i++) {
        double expected_x, expected_y;
        source_point(s, i, &expected_x, &expected_y);
        good = x[i] != HUGE_VAL && !(fabs(x[i] - expected_x) > s->source->width / (double)s->steps) &&
               !(fabs(y[i] - expected_y) > s->source->height / (double)s->steps);
    }
    free(x);
    *out = good;
    return status;
}

/* Between two neighbours of a row of samples of which one has no place, or whose x change sign: halves the interval 16
 * times, and extends the bounds by what it meets. */
static nacre_status bisect(sampler *s, int index, nacre_error *err)
{
    double from_x, from_y, to_x, to_y;
    source_point(s, index - 1, &from_x, &from_y);
    source_point(s, index, &to_x, &to_y);
    double before = s->x[index - 1], after = s->x[index];
    bool no_before = before == HUGE_VAL, no_after = after == HUGE_VAL;
    for (int turn = 0; turn < 16 && (no_before || no_after || before * after < 0); turn++) {
        double middle = (from_x + to_x) / 2, x = middle, y = to_y;
        nacre_status status = ncr_map_to_destination(&s->map, 1, &x, &y, err);
        if (status)
            return status;
        if (x == HUGE_VAL) {
            if (!no_before && !no_after)
                break;
            *(no_before ? &from_x : &to_x) = middle;
            continue;
        }
        extend(s, x, y);
        if (no_before || before * x < 0) {
            no_after = false;
            to_x = middle;
            after = x;
        } else {
            no_before = false;
            from_x = middle;
            before = x;
        }
    }
    return NACRE_OK;
}

static nacre_status collect_bounds(sampler *s, nacre_error *err)
{
    int n = s->steps + 1;
    for (int i = 0; i < s->count; i++) {
        bool in_row = i % n > 0 && (s->lattice || i < 2 * n);
        if (in_row && (s->x[i - 1] != HUGE_VAL || s->x[i] != HUGE_VAL)) {
            nacre_status status = bisect(s, i, err);
            if (status)
                return status;
        }
        if (s->x[i] != HUGE_VAL)
            extend(s, s->x[i], s->y[i]);
    }
    int failed = failures(s);
    if (failed > s->count - 10)
        return ncr_error_set(err, NACRE_ERROR_INVALID,
                             "%s: %d of %d points of it have no place in the CRS \"%s\": no output grid can be found",
                             s->source->name, failed, s->count, ncr_crs_name(s->source->dst_crs));
    return NACRE_OK;
}

static nacre_status sample_source(sampler *s, nacre_error *err)
{
    nacre_status status = sample(s, false, err);
    if (!status)
        status = mend_antimeridian(s, err);
    bool good = !status && failures(s) == 0;
    if (good)
        status = comes_back(s, &good, err);
    if (!status && !good)
        status = sample(s, true, err);
    return status ? status : collect_bounds(s, err);
}

/* Whether none of 21 points along the right (or bottom) edge of the grid comes back to within a pixel of itself. */
static nacre_status edge_is_outside(const sampler *s, const nacre_grid *grid, bool right, bool *out, nacre_error *err)
{
    double x[21], y[21], expected_x[21], expected_y[21];
    const nacre_transform *t = &grid->transform;
    for (int i = 0; i <= 20; i++) {
        double ratio = i == 20 ? 1.0 : i * 0.05;
        expected_x[i] = right ? t->c + grid->width * t->a : t->c + t->a * ratio * grid->width;
        expected_y[i] = right ? t->f + t->e * ratio * grid->height : t->f + grid->height * t->e;
        x[i] = expected_x[i];
        y[i] = expected_y[i];
    }
    *out = true;
    nacre_status status = ncr_map_to_source(&s->map, 21, x, y, err);
    if (!status)
        status = ncr_map_to_destination(&s->map, 21, x, y, err);
    for (int i = 0; i <= 20 && !status; i++)
        if (x[i] != HUGE_VAL && !(fabs(x[i] - expected_x[i]) > t->a) && !(fabs(y[i] - expected_y[i]) > -t->e))
            *out = false;
    return status;
}

/* What a georef holds beyond the source's edges. */
static nacre_status extend_by_georef(sampler *s, nacre_error *err)
{
    double x, y;
    for (size_t i = 0; ncr_georef_edge(s->source->georef, i, &x, &y); i++) {
        nacre_status status = ncr_map_to_destination(&s->map, 1, &x, &y, err);
        if (status)
            return status;
        if (x != HUGE_VAL)
            extend(s, x, y);
    }
    return NACRE_OK;
}

/* Makes pixels a little narrower (lower) while the grid's last edge lies beyond the source throughout. */
static nacre_status fit_edge(const sampler *s, nacre_grid *grid, bool right, nacre_error *err)
{
    static const double shrink[] = {0, 0.001, 0.01, 0.1, 1};
    for (size_t i = 0; i < sizeof shrink / sizeof *shrink; i++) {
        nacre_grid attempt = *grid;
        double *size = right ? &attempt.transform.a : &attempt.transform.e;
        *size -= *size * shrink[i] / (right ? grid->width : grid->height);
        bool outside;
        nacre_status status = edge_is_outside(s, &attempt, right, &outside, err);
        if (status)
            return status;
        if (!outside) {
            *grid = attempt;
            break;
        }
    }
    return NACRE_OK;
}

/* GDAL keeps grids in degrees within the globe where the source's extent is. */
static void keep_on_globe(const sampler *s, nacre_grid *grid)
{
    nacre_transform *t = &grid->transform;
    double right = t->c + grid->width * t->a, bottom = t->f + grid->height * t->e;
    if ((s->bounds[2] <= 180 && right > 180) || s->bounds[2] == 180)
        t->a = (180 - t->c) / grid->width;
    if (s->bounds[1] >= -90 && bottom < -90)
        t->e = -(t->f + 90) / grid->height;
}

static nacre_status size_grid(const sampler *s, nacre_grid *out, nacre_error *err)
{
    double dx = 0, dy = 0;
    int last = s->count - 1;
    if (s->x[0] != HUGE_VAL && s->x[last] != HUGE_VAL) {
        dx = s->x[last] - s->x[0];
        dy = s->y[last] - s->y[0];
    }
    double wide = s->bounds[2] - s->bounds[0], high = s->bounds[3] - s->bounds[1];
    if (dx == 0 || dy == 0) {
        dx = wide;
        dy = high;
    }
    double width = s->source->width, height = s->source->height;
    double pixel = sqrt(dx * dx + dy * dy) / sqrt(width * width + height * height);
    double columns = wide / pixel, rows = high / pixel;
    if (!(columns < INT_MAX - 1 && rows < INT_MAX - 1))
        return ncr_error_set(
            err, NACRE_ERROR_TOO_LARGE,
            "%s: the output grid would have %.0f x %.0f pixels: give a coarser resolution, a size or bounds",
            s->source->name, columns, rows);
    out->width = (int)(columns + 0.5);
    out->height = (int)(rows + 0.5);
    if (out->width < 1 || out->height < 1)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: its place in the CRS \"%s\" is thinner than a pixel",
                             s->source->name, ncr_crs_name(s->source->dst_crs));
    out->transform = (nacre_transform){.a = pixel, .c = s->bounds[0], .e = -pixel, .f = s->bounds[3]};
    return NACRE_OK;
}

/* Same CRS and not rotated: the source's own grid, north up. */
static bool own_grid(const ncr_warp_source *source, nacre_grid *out)
{
    if (!ncr_reprojection_is_same(source->reprojection) || source->transform.b != 0 || source->transform.d != 0)
        return false;
    *out = (nacre_grid){source->width, source->height, source->transform};
    if (out->transform.e >= 0) {
        out->transform.f += source->height * out->transform.e;
        out->transform.e = -out->transform.e;
    }
    return true;
}

static nacre_status suggest(sampler *s, nacre_grid *out, nacre_error *err)
{
    bool degrees = false;
    nacre_status status = sample_source(s, err);
    if (!status)
        status = extend_by_georef(s, err);
    if (!status)
        status = ncr_widen_bounds(s->source, s->bounds, &degrees, err);
    if (!status)
        status = size_grid(s, out, err);
    if (!status)
        status = fit_edge(s, out, true, err);
    if (!status)
        status = fit_edge(s, out, false, err);
    if (!status && degrees)
        keep_on_globe(s, out);
    return status;
}

nacre_status ncr_suggest_grid(const ncr_warp_source *source, nacre_grid *out, nacre_error *err)
{
    *out = (nacre_grid){0};
    if (own_grid(source, out))
        return NACRE_OK;
    sampler s = {.source = source};
    int smaller = source->width < source->height ? source->width : source->height;
    s.steps = (int)(smaller / 50.0 + 0.5);
    s.steps = s.steps < 20 ? 20 : s.steps > 100 ? 100 : s.steps;
    nacre_status status =
        ncr_map_init(&s.map, source->name, source->reprojection, &source->transform, &unit_transform, err);
    if (status)
        return status;
    size_t points = (size_t)(s.steps + 1) * (size_t)(s.steps + 1);
    s.x = ncr_alloc_array(points * 2, sizeof *s.x);
    s.y = s.x ? s.x + points : NULL;
    status = s.x ? suggest(&s, out, err) : ncr_error_memory(err);
    if (status)
        *out = (nacre_grid){0};
    free(s.x);
    ncr_map_clear(&s.map);
    return status;
}
