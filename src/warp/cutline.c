/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "warp/cutline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

ncr_cutline *ncr_cutline_new(void)
{
    return calloc(1, sizeof(ncr_cutline));
}

void ncr_cutline_free(ncr_cutline *cutline)
{
    if (!cutline)
        return;
    free(cutline->points);
    free(cutline->rings);
    free(cutline);
}

bool ncr_cutline_add_point(ncr_cutline *cutline, double x, double y)
{
    if (!ncr_array_reserve(&cutline->points, &cutline->point_capacity, cutline->point_count + 1,
                           sizeof *cutline->points))
        return false;
    cutline->points[cutline->point_count][0] = x;
    cutline->points[cutline->point_count++][1] = y;
    return true;
}

bool ncr_cutline_add_ring(ncr_cutline *cutline, int polygon)
{
    const ncr_cutline_ring *last = cutline->ring_count ? &cutline->rings[cutline->ring_count - 1] : NULL;
    size_t first = last ? last->first + last->count : 0, count = cutline->point_count - first;
    const double *start = cutline->points ? cutline->points[first] : NULL,
                 *end = start ? start + 2 * (count - 1) : NULL;
    if (start && count > 1 && start[0] == end[0] && start[1] == end[1]) {
        count--;
        cutline->point_count--;
    }
    if (count < 3 ||
        !ncr_array_reserve(&cutline->rings, &cutline->ring_capacity, cutline->ring_count + 1, sizeof *cutline->rings))
        return false;
    cutline->rings[cutline->ring_count++] = (ncr_cutline_ring){first, count, polygon};
    if (polygon >= cutline->polygon_count)
        cutline->polygon_count = polygon + 1;
    return true;
}

/* --- To pixels --- */

typedef struct {
    double at[2], pixel[2]; /* in the cutline's coordinates and in pixels */
} vertex;

enum { HALVINGS = 12 };
static const double straight = 0.05;

static nacre_status place(const char *name, const ncr_map *map, vertex *v, nacre_error *err)
{
    v->pixel[0] = v->at[0];
    v->pixel[1] = v->at[1];
    nacre_status status = ncr_map_to_source(map, 1, &v->pixel[0], &v->pixel[1], err);
    if (!status && v->pixel[0] == HUGE_VAL)
        status = ncr_error_set(err, NACRE_ERROR_INVALID, "%s: the cutline's point %.10g %.10g has no place in it", name,
                               v->at[0], v->at[1]);
    return status;
}

/* Adds what lies between two vertices, where their edge is no line in pixels, and the first one.
 * NOLINTNEXTLINE(misc-no-recursion): at most HALVINGS deep */
static nacre_status add_edge(const char *name, const ncr_map *map, const vertex *a, const vertex *b, int halvings,
                             ncr_cutline *out, nacre_error *err)
{
    vertex middle = {.at = {(a->at[0] + b->at[0]) / 2, (a->at[1] + b->at[1]) / 2}};
    nacre_status status = place(name, map, &middle, err);
    if (status)
        return status;
    double x = middle.pixel[0] - (a->pixel[0] + b->pixel[0]) / 2, y = middle.pixel[1] - (a->pixel[1] + b->pixel[1]) / 2;
    if (halvings == 0 || x * x + y * y <= straight * straight)
        return ncr_cutline_add_point(out, a->pixel[0], a->pixel[1]) ? NACRE_OK : ncr_error_memory(err);
    status = add_edge(name, map, a, &middle, halvings - 1, out, err);
    return status ? status : add_edge(name, map, &middle, b, halvings - 1, out, err);
}

static nacre_status add_ring(const char *name, const ncr_map *map, const ncr_cutline *cutline,
                             const ncr_cutline_ring *ring, ncr_cutline *out, nacre_error *err)
{
    nacre_status status = NACRE_OK;
    for (size_t i = 0; i < ring->count && !status; i++) {
        const double *from = cutline->points[ring->first + i],
                     *to = cutline->points[ring->first + (i + 1) % ring->count];
        vertex a = {.at = {from[0], from[1]}}, b = {.at = {to[0], to[1]}};
        status = place(name, map, &a, err);
        if (!status)
            status = place(name, map, &b, err);
        if (!status)
            status = add_edge(name, map, &a, &b, HALVINGS, out, err);
    }
    if (!status && !ncr_cutline_add_ring(out, ring->polygon))
        status = ncr_error_memory(err);
    return status;
}

nacre_status ncr_cutline_to_pixels(const char *name, const ncr_cutline *cutline, const ncr_map *map, ncr_cutline **out,
                                   nacre_error *err)
{
    *out = NULL;
    ncr_cutline *made = ncr_cutline_new();
    if (!made)
        return ncr_error_memory(err);
    made->blend = cutline->blend;
    nacre_status status = NACRE_OK;
    for (size_t i = 0; i < cutline->ring_count && !status; i++)
        status = add_ring(name, map, cutline, &cutline->rings[i], made, err);
    if (status)
        ncr_cutline_free(made);
    else
        *out = made;
    return status;
}

/* --- Which pixels are inside ---
 * On the line through the centres of a row of pixels each edge that it meets is a crossing; between the first and the
 * second, the third and the fourth... of a polygon is its inside. Coordinates are the level's pixels. */

typedef struct {
    double x;
    int polygon;
} crossing;

typedef struct {
    const ncr_cutline *cutline;
    double x_ratio, y_ratio;
    crossing *crossings; /* room for one an edge */
} scan;

/* An edge in the level's pixels. */
static void edge_at(const scan *s, const ncr_cutline_ring *ring, size_t i, double a[2], double b[2])
{
    const double *from = s->cutline->points[ring->first + i];
    const double *to = s->cutline->points[ring->first + (i + 1 == ring->count ? 0 : i + 1)];
    a[0] = from[0] * s->x_ratio;
    a[1] = from[1] * s->y_ratio;
    b[0] = to[0] * s->x_ratio;
    b[1] = to[1] * s->y_ratio;
}

static int by_place(const void *left, const void *right)
{
    const crossing *a = left, *b = right;
    if (a->polygon != b->polygon)
        return a->polygon < b->polygon ? -1 : 1;
    return (a->x > b->x) - (a->x < b->x);
}

static size_t cross_edges(const scan *s, double y)
{
    size_t count = 0;
    for (size_t r = 0; r < s->cutline->ring_count; r++) {
        const ncr_cutline_ring *ring = &s->cutline->rings[r];
        for (size_t i = 0; i < ring->count; i++) {
            double a[2], b[2];
            edge_at(s, ring, i, a, b);
            const double *low = a[1] < b[1] ? a : b, *high = a[1] < b[1] ? b : a;
            if (!(y >= low[1] && y < high[1]))
                continue;
            double x = (y - low[1]) * (high[0] - low[0]) / (high[1] - low[1]) + low[0];
            s->crossings[count++] = (crossing){x, ring->polygon};
        }
    }
    qsort(s->crossings, count, sizeof *s->crossings, by_place);
    return count;
}

/* inside[i]: whether pixel window->x + i of a row is. */
static void fill_row(const scan *s, const ncr_rect *window, int64_t row, uint8_t *inside)
{
    memset(inside, 0, (size_t)window->width);
    size_t count = cross_edges(s, (double)row + 0.5);
    for (size_t i = 0; i + 1 < count; i += 2) {
        double first = floor(s->crossings[i].x + 0.5) - (double)window->x;
        double end = floor(s->crossings[i + 1].x + 0.5) - (double)window->x;
        first = fmax(first, 0);
        end = fmin(end, (double)window->width);
        if (first < end)
            memset(inside + (size_t)first, 1, (size_t)end - (size_t)first);
    }
}

/* --- Blending --- */

/* The square of the distance from a point to an edge, in the cutline's own pixels. */
static double distance_squared(const double *a, const double *b, double x, double y)
{
    double along_x = b[0] - a[0], along_y = b[1] - a[1], square = along_x * along_x + along_y * along_y;
    double share = square > 0 ? ((x - a[0]) * along_x + (y - a[1]) * along_y) / square : 0;
    share = fmin(fmax(share, 0), 1);
    double dx = a[0] + share * along_x - x, dy = a[1] + share * along_y - y;
    return dx * dx + dy * dy;
}

/* Lowers nearest[i], squares of distances, by one edge. */
static void approach(const scan *s, const double *a, const double *b, const ncr_rect *window, double y, double *nearest)
{
    double blend = s->cutline->blend;
    if (fmin(a[1], b[1]) - blend > y || fmax(a[1], b[1]) + blend < y)
        return;
    double first = floor((fmin(a[0], b[0]) - blend) * s->x_ratio) - (double)window->x - 1;
    double end = ceil((fmax(a[0], b[0]) + blend) * s->x_ratio) - (double)window->x + 1;
    end = fmin(end, (double)window->width);
    for (int64_t i = (int64_t)fmax(first, 0); (double)i < end; i++)
        nearest[i] = fmin(nearest[i], distance_squared(a, b, ((double)(window->x + i) + 0.5) / s->x_ratio, y));
}

static void blend_row(const scan *s, const ncr_rect *window, int64_t row, const uint8_t *inside, double *nearest,
                      float *density)
{
    const ncr_cutline *cutline = s->cutline;
    double y = ((double)row + 0.5) / s->y_ratio;
    for (int64_t i = 0; i < window->width; i++)
        nearest[i] = HUGE_VAL;
    for (size_t r = 0; r < cutline->ring_count; r++) {
        const ncr_cutline_ring *ring = &cutline->rings[r];
        for (size_t i = 0; i < ring->count; i++)
            approach(s, cutline->points[ring->first + i],
                     cutline->points[ring->first + (i + 1 == ring->count ? 0 : i + 1)], window, y, nearest);
    }
    for (int64_t i = 0; i < window->width; i++) {
        double distance = sqrt(nearest[i]), share = inside[i] ? 1 : 0;
        if (distance <= cutline->blend)
            share = 0.5 + (inside[i] ? 0.5 : -0.5) * (distance / cutline->blend);
        density[i] *= (float)share;
    }
}

nacre_status ncr_cutline_apply(const ncr_cutline *cutline, double x_ratio, double y_ratio, const ncr_rect *window,
                               float *density, nacre_error *err)
{
    scan s = {cutline, x_ratio, y_ratio, ncr_alloc_array(cutline->point_count, sizeof *s.crossings)};
    uint8_t *inside = malloc((size_t)window->width);
    double *nearest = ncr_alloc_array((size_t)window->width, sizeof *nearest);
    bool good = s.crossings && inside && nearest;
    for (int64_t row = 0; row < window->height && good; row++) {
        float *values = density + row * window->width;
        fill_row(&s, window, window->y + row, inside);
        if (cutline->blend > 0) {
            blend_row(&s, window, window->y + row, inside, nearest, values);
            continue;
        }
        for (int64_t i = 0; i < window->width; i++)
            values[i] = inside[i] ? values[i] : 0;
    }
    free(s.crossings);
    free(inside);
    free(nearest);
    return good ? NACRE_OK : ncr_error_memory(err);
}
