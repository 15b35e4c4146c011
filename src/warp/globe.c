/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <math.h>

#include "warp/map.h"

/* How near to the seam or a pole's line a point of the source counts as on it, in its pixels; and how near to a pole a
 * corner of the destination counts as the pole. */
#define ON_LINE  1e-9
#define ON_POINT 1e-4

enum { LONGITUDES = 5 };

static double tidy(double value)
{
    double whole = round(value);
    return fabs(value - whole) < 1e-6 ? whole : value;
}

/* Whether a line of the source becomes one point of the destination. */
static nacre_status find_pole(const ncr_map *map, double latitude, ncr_pole *pole, nacre_error *err)
{
    const ncr_globe *globe = &map->globe;
    double x[LONGITUDES], y[LONGITUDES];
    *pole = (ncr_pole){.row = tidy((latitude - map->src.f) / map->src.e)};
    for (int i = 0; i < LONGITUDES; i++) {
        x[i] = globe->seam + globe->period * (i + 0.5) / LONGITUDES;
        y[i] = (latitude - map->src.f) / map->src.e;
    }
    nacre_status status = ncr_map_to_destination(map, LONGITUDES, x, y, err);
    if (status)
        return status;
    pole->is_point = true;
    for (int i = 0; i < LONGITUDES; i++)
        pole->is_point = pole->is_point && fabs(x[i] - x[0]) < ON_POINT && fabs(y[i] - y[0]) < ON_POINT;
    pole->x = tidy(x[0]);
    pole->y = tidy(y[0]);
    return NACRE_OK;
}

nacre_status ncr_map_find_globe(ncr_map *map, nacre_error *err)
{
    const nacre_transform *src = &map->src;
    double center;
    map->globe = (ncr_globe){0};
    if (!ncr_reprojection_center(map->reprojection, &center) || src->b != 0 || src->d != 0)
        return NACRE_OK;
    map->globe.period = 360 / fabs(src->a);
    map->globe.seam = tidy((center - (src->a > 0 ? 180 : -180) - src->c) / src->a);
    nacre_status status = find_pole(map, 90, &map->globe.poles[0], err);
    return status ? status : find_pole(map, -90, &map->globe.poles[1], err);
}

void ncr_globe_settle(const ncr_globe *globe, int64_t count, double *x, double *y)
{
    double end = globe->seam + globe->period;
    double first = fmin(globe->poles[0].row, globe->poles[1].row),
           last = fmax(globe->poles[0].row, globe->poles[1].row);
    for (int64_t i = 0; i < count; i++) {
        if (x[i] == HUGE_VAL)
            continue;
        if (x[i] >= end - ON_LINE)
            x[i] = fmax(x[i] - globe->period, globe->seam);
        else if (x[i] < globe->seam && x[i] > globe->seam - ON_LINE)
            x[i] = globe->seam;
        if (fabs(y[i] - first) < ON_LINE)
            y[i] = first;
        else if (fabs(y[i] - last) < ON_LINE)
            y[i] = last - ON_LINE;
    }
}

const ncr_pole *ncr_globe_pole_in(const ncr_globe *globe, int64_t x, int64_t y, int64_t width, int64_t height)
{
    for (int i = 0; i < 2 && globe->period > 0; i++) {
        const ncr_pole *pole = &globe->poles[i];
        double column = pole->x - (double)x, row = pole->y - (double)y;
        if (pole->is_point && column >= -ON_POINT && row >= -ON_POINT && column <= (double)width + ON_POINT &&
            row <= (double)height + ON_POINT)
            return pole;
    }
    return NULL;
}

/* The shorter way from one column to another, around the earth. */
static double shorter(const ncr_globe *globe, double from, double to)
{
    double way = to - from;
    return way > globe->period / 2 ? way - globe->period : way < -globe->period / 2 ? way + globe->period : way;
}

/* A quadrilateral, wherever it comes again on the source. */
static void add_quad(const ncr_globe *globe, int source_width, const double x[4], const double y[4], ncr_quads *out)
{
    double low = fmin(fmin(x[0], x[1]), fmin(x[2], x[3])), high = fmax(fmax(x[0], x[1]), fmax(x[2], x[3]));
    const double turns[3] = {0, -1, 1};
    for (int t = 0; t < 3 && out->count < NCR_QUADS; t++) {
        double shift = turns[t] * globe->period;
        if (!(high + shift > 0 && low + shift < source_width))
            continue;
        for (int i = 0; i < 4; i++) {
            out->x[out->count][i] = x[i] + shift;
            out->y[out->count][i] = y[i];
        }
        out->count++;
    }
}

void ncr_quads_at_seam(const ncr_globe *globe, int source_width, const double x[4], const double y[4], ncr_quads *out)
{
    double around[4] = {x[0]};
    for (int i = 1; i < 4; i++)
        around[i] = around[i - 1] + shorter(globe, around[i - 1], x[i]);
    bool is_below = fmin(fmin(around[0], around[1]), fmin(around[2], around[3])) < globe->seam;
    for (int i = 0; i < 4 && is_below; i++)
        around[i] += globe->period;
    out->count = 0;
    add_quad(globe, source_width, around, y, out);
}

void ncr_quads_at_pole(const ncr_globe *globe, const ncr_pole *pole, int source_width, int64_t column, int64_t row,
                       const double x[4], const double y[4], ncr_quads *out)
{
    double right = pole->x - (double)column, below = pole->y - (double)row; /* of the pixel's corner */
    /* Sides from corner to corner: upper, right, lower, left; nothing lies between the pole and one that it is on. */
    const bool is_on[4] = {below<ON_POINT, right> 1 - ON_POINT, below > 1 - ON_POINT, right < ON_POINT};
    out->count = 0;
    for (int i = 0; i < 4; i++) {
        int next = (i + 1) % 4;
        if (is_on[i] || x[i] == HUGE_VAL || x[next] == HUGE_VAL)
            continue;
        double end = x[i] + shorter(globe, x[i], x[next]);
        double side_x[4] = {x[i], end, end, x[i]}, side_y[4] = {y[i], y[next], pole->row, pole->row};
        add_quad(globe, source_width, side_x, side_y, out);
    }
}
