/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include "warp/suggest.h"

/* The output grid from nacre_warp_options, in gdalwarp's order: what was asked for replaces what is suggested. */

typedef struct {
    double left, bottom, right, top;
} extent;

static nacre_status set_size(const char *name, double width, double height, nacre_grid *grid, nacre_error *err)
{
    if (!(width <= INT_MAX && height <= INT_MAX))
        return ncr_error_set(
            err, NACRE_ERROR_TOO_LARGE,
            "%s: the output grid would have %.0f x %.0f pixels: give a coarser resolution, a size or bounds", name,
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

/* --- The resolution for bounds alone --- */

enum { LATTICE = 10, SAMPLES = LATTICE * LATTICE };

/* How large a pixel of the source is at a point: along x, along y, and the mean of both. */
typedef double pixel_size[3];

static double lattice_step(double from, double to, int step)
{
    return from + step * (to - from) / (LATTICE - 1);
}

/* Lattice points over the bounds, each followed by its neighbours in x and y, which stay inside. */
static void place_samples(const extent *e, double step, double *x, double *y)
{
    for (int i = 0; i < SAMPLES; i++, x += 3, y += 3) {
        int column = i % LATTICE, row = i / LATTICE;
        x[0] = x[2] = lattice_step(e->left, e->right, column);
        y[0] = y[1] = lattice_step(e->bottom, e->top, row);
        x[1] = column == LATTICE - 1 ? x[0] - step : x[0] + step;
        y[2] = row == LATTICE - 1 ? y[0] - step : y[0] + step;
    }
}

/* The sizes at those points that lie on the source; the three points are in source pixels. */
static size_t measure(const ncr_warp_source *source, double step, const double *x, const double *y, pixel_size *out)
{
    size_t count = 0;
    for (int i = 0; i < SAMPLES; i++, x += 3, y += 3) {
        if (x[0] == HUGE_VAL || x[1] == HUGE_VAL || x[2] == HUGE_VAL || !(x[0] >= 0 && x[0] <= source->width) ||
            !(y[0] >= 0 && y[0] <= source->height))
            continue;
        double across = step / hypot(x[1] - x[0], y[1] - y[0]), down = step / hypot(x[2] - x[0], y[2] - y[0]);
        if (!isfinite(across) || !isfinite(down))
            continue;
        out[count][0] = across;
        out[count][1] = down;
        out[count++][2] = (across + down) / 2;
    }
    return count;
}

static int compare_numbers(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Leaves out sizes below a tenth of the median: near a singularity of the projection they are anything. */
static size_t drop_outliers(pixel_size *sizes, size_t count, int which)
{
    double sorted[SAMPLES];
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        sorted[i] = sizes[i][which];
    if (count)
        qsort(sorted, count, sizeof *sorted, compare_numbers);
    for (size_t i = 0; i < count; i++)
        if (sizes[i][which] > sorted[count / 2] / 10) {
            for (int k = 0; k < 3; k++)
                sizes[kept][k] = sizes[i][k];
            kept++;
        }
    return kept;
}

/* gdalwarp takes the source's finest pixel within the bounds, not that of the whole source. Where no point of the
 * lattice lies on the source, and on a north-up source that is not reprojected, *res stays as it is. */
static nacre_status find_resolution(const ncr_warp_source *source, const extent *e, double res[2], nacre_error *err)
{
    static const nacre_transform unit = {.a = 1, .e = 1};
    const nacre_transform *t = &source->transform;
    if (ncr_reprojection_is_same(source->reprojection) && t->b == 0 && t->d == 0 && t->e < 0)
        return NACRE_OK;
    double x[3 * SAMPLES], y[3 * SAMPLES], step = fmin(e->right - e->left, e->top - e->bottom) / 1000;
    pixel_size sizes[SAMPLES];
    ncr_map map;
    nacre_status status = ncr_map_init(&map, source->name, source->reprojection, t, &unit, err);
    if (status)
        return status;
    place_samples(e, step, x, y);
    status = ncr_map_to_source(&map, 3 * SAMPLES, x, y, err);
    ncr_map_clear(&map);
    size_t count = status ? 0 : measure(source, step, x, y, sizes);
    for (int which = 0; which < 3; which++)
        count = drop_outliers(sizes, count, which);
    for (size_t i = 0; i < count; i++)
        res[0] = res[1] = i ? fmin(res[0], sizes[i][2]) : sizes[i][2];
    return status;
}

static nacre_status by_bounds(const ncr_warp_source *source, const extent *e, nacre_grid *out, nacre_error *err)
{
    double wide = e->right - e->left, high = e->top - e->bottom;
    double res[2] = {out->transform.a, fabs(out->transform.e)};
    nacre_status status = find_resolution(source, e, res, err);
    if (!status)
        status = set_size(source->name, round(wide / res[0]), round(high / res[1]), out, err);
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
    bool is_finite = true;
    for (int i = 0; i < 4 && bounds; i++)
        is_finite = is_finite && isfinite(bounds[i]);
    if (!problem && bounds && !(is_finite && bounds[2] > bounds[0] && bounds[3] > bounds[1]))
        problem = "bounds are left, bottom, right, top: four numbers with left < right and bottom < top";
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
