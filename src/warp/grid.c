/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <limits.h>
#include <math.h>

#include "warp/suggest.h"

/* The output grid from nacre_warp_options, in gdalwarp's order: what was asked for replaces what is suggested. */

typedef struct {
    double left, bottom, right, top;
} extent;

static nacre_status set_size(const char *name, double width, double height, nacre_grid *grid, nacre_error *err)
{
    if (!(width <= INT_MAX && height <= INT_MAX))
        return ncr_error_set(err, NACRE_ERROR_TOO_LARGE, "%s: the output grid would have %.0f x %.0f pixels", name,
                             width, height);
    grid->width = (int)fmax(1, width);
    grid->height = (int)fmax(1, height);
    return NACRE_OK;
}

static extent extent_of(const nacre_grid *grid)
{
    const nacre_transform *t = &grid->transform;
    return (extent){t->c, t->f + t->e * grid->height, t->c + t->a * grid->width, t->f};
}

static void place(nacre_grid *grid, const extent *e, double res_x, double res_y)
{
    grid->transform = (nacre_transform){.a = res_x, .c = e->left, .e = -res_y, .f = e->top};
}

static void align(extent *e, double res_x, double res_y)
{
    const double slack = 1e-8;
    e->left = floor(e->left / res_x + slack) * res_x;
    e->right = ceil(e->right / res_x - slack) * res_x;
    e->bottom = floor(e->bottom / res_y + slack) * res_y;
    e->top = ceil(e->top / res_y - slack) * res_y;
}

/* --- Edges that would be blank: gdalwarp takes them off a grid of a given resolution that it placed itself --- */

enum { EDGE_TOP, EDGE_BOTTOM, EDGE_LEFT, EDGE_RIGHT };

static bool reaches(const ncr_warp_source *source, int edge, double x, double y)
{
    if (x == HUGE_VAL)
        return false;
    switch (edge) {
    case EDGE_TOP:
        return y >= 0;
    case EDGE_BOTTOM:
        return y <= source->height;
    case EDGE_LEFT:
        return x >= 0;
    default:
        return x <= source->width;
    }
}

/* Whether no pixel centre of an edge's row or column is on the source's side of its edge. */
static nacre_status edge_is_blank(const ncr_warp_source *source, const ncr_map *map, const nacre_grid *grid, int edge,
                                  bool *out, nacre_error *err)
{
    enum { BATCH = 64 };
    double x[BATCH], y[BATCH];
    bool is_row = edge == EDGE_TOP || edge == EDGE_BOTTOM;
    int length = is_row ? grid->width : grid->height;
    double across = edge == EDGE_TOP || edge == EDGE_LEFT ? 0.5 : (is_row ? grid->height : grid->width) - 0.5;
    *out = false;
    for (int first = 0; first < length; first += BATCH) {
        int count = length - first < BATCH ? length - first : BATCH;
        for (int i = 0; i < count; i++) {
            x[i] = is_row ? first + i + 0.5 : across;
            y[i] = is_row ? across : first + i + 0.5;
        }
        nacre_status status = ncr_map_to_source(map, (size_t)count, x, y, err);
        if (status)
            return status;
        for (int i = 0; i < count; i++)
            if (reaches(source, edge, x[i], y[i]))
                return NACRE_OK;
    }
    *out = true;
    return NACRE_OK;
}

static nacre_status find_blank(const ncr_warp_source *source, const nacre_grid *grid, bool blank[4], nacre_error *err)
{
    ncr_map map;
    nacre_status status =
        ncr_map_init(&map, source->name, source->reprojection, &source->transform, &grid->transform, err);
    for (int edge = 0; edge < 4 && !status; edge++)
        status = edge_is_blank(source, &map, grid, edge, &blank[edge], err);
    ncr_map_clear(&map);
    return status;
}

/* Takes blank rows and columns off; false when there was none, or the grid is too small. */
static bool trim(extent *e, const bool blank[4], double res_x, double res_y)
{
    bool trimmed = false;
    const double steps[4] = {-res_y, res_y, res_x, -res_x};
    double *sides[4] = {&e->top, &e->bottom, &e->left, &e->right};
    for (int edge = 0; edge < 4; edge++) {
        double length = edge <= EDGE_BOTTOM ? e->top - e->bottom : e->right - e->left;
        if (!blank[edge])
            continue;
        if (length <= 2 * (edge <= EDGE_BOTTOM ? res_y : res_x))
            return false;
        *sides[edge] += steps[edge];
        trimmed = true;
    }
    return trimmed;
}

static nacre_status by_resolution(const ncr_warp_source *source, const nacre_warp_options *options, extent e,
                                  bool is_suggested, nacre_grid *out, nacre_error *err)
{
    double res_x = options->res_x, res_y = options->res_y;
    if (options->align)
        align(&e, res_x, res_y);
    for (;;) {
        nacre_status status =
            set_size(source->name, round((e.right - e.left) / res_x), round(fabs(e.top - e.bottom) / res_y), out, err);
        if (status)
            return status;
        place(out, &e, res_x, res_y);
        if (!is_suggested || (out->width <= 1 && out->height <= 1))
            return NACRE_OK;
        bool blank[4] = {false};
        status = find_blank(source, out, blank, err);
        if (status || !trim(&e, blank, res_x, res_y))
            return status;
    }
}

static nacre_status by_size(const ncr_warp_source *source, const nacre_warp_options *options, const extent *e,
                            nacre_grid *out, nacre_error *err)
{
    double wide = e->right - e->left, high = e->top - e->bottom;
    double res_x = options->width ? wide / options->width : 0, res_y = options->height ? high / options->height : 0;
    res_x = options->width ? res_x : res_y;
    res_y = options->height ? res_y : res_x;
    nacre_status status = set_size(source->name, options->width ? options->width : round(wide / res_x),
                                   options->height ? options->height : round(high / res_y), out, err);
    place(out, e, res_x, res_y);
    return status;
}

static nacre_status by_bounds(const ncr_warp_source *source, const extent *e, nacre_grid *out, nacre_error *err)
{
    double wide = e->right - e->left, high = e->top - e->bottom;
    nacre_status status =
        set_size(source->name, round(wide / out->transform.a), round(fabs(high) / fabs(out->transform.e)), out, err);
    if (!status)
        place(out, e, wide / out->width, high / out->height);
    return status;
}

static const char *problem_of_size(const nacre_warp_options *options)
{
    bool has_res = options->res_x != 0 || options->res_y != 0;
    bool is_good = options->res_x > 0 && options->res_y > 0 && isfinite(options->res_x) && isfinite(options->res_y);
    if (options->width < 0 || options->height < 0)
        return "the output's size must be positive";
    if (has_res && !is_good)
        return "the output's resolution must be positive in x and y";
    if (options->align && !has_res)
        return "aligned pixels need a resolution";
    if (has_res && (options->width || options->height) && !options->transform)
        return "give either a resolution or a size of the output";
    return NULL;
}

static nacre_status check(const ncr_warp_source *source, const nacre_warp_options *options, nacre_error *err)
{
    const char *problem = problem_of_size(options);
    const double *bounds = options->bounds;
    if (!problem && bounds && !(bounds[2] > bounds[0] && bounds[3] > bounds[1]))
        problem = "bounds are left, bottom, right, top, with left < right and bottom < top";
    if (!problem && options->transform && (options->width < 1 || options->height < 1))
        problem = "a geotransform of the output needs its width and height";
    return problem ? ncr_error_set(err, NACRE_ERROR_INVALID, "%s: %s", source->name, problem) : NACRE_OK;
}

nacre_status ncr_resolve_grid(const ncr_warp_source *source, const nacre_warp_options *options, nacre_grid *out,
                              nacre_error *err)
{
    *out = (nacre_grid){0};
    nacre_status status = check(source, options, err);
    if (status)
        return status;
    if (options->transform) {
        *out = (nacre_grid){options->width, options->height, *options->transform};
        return NACRE_OK;
    }
    bool has_res = options->res_x > 0, has_size = options->width || options->height;
    if (!options->bounds || (!has_res && !has_size))
        status = ncr_suggest_grid(source, out, err);
    if (status)
        return status;
    extent e = options->bounds
                   ? (extent){options->bounds[0], options->bounds[1], options->bounds[2], options->bounds[3]}
                   : extent_of(out);
    if (has_res)
        return by_resolution(source, options, e, !options->bounds, out, err);
    if (has_size)
        return by_size(source, options, &e, out, err);
    return options->bounds ? by_bounds(source, &e, out, err) : NACRE_OK;
}
