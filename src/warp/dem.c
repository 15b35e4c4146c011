/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "warp/dem.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/text.h"
#include "warp/hull.h"
#include "warp/map.h"

/* Coordinate systems: 1 longitude and latitude of WGS 84; 2 the model's CRS; 3 its pixels, counted at corners. */

struct ncr_dem {
    const ncr_dem_spec *spec;
    ncr_patch patch;
    ncr_reprojection *reprojection; /* 1 to 2; NULL: 2 is 1 */
    nacre_transform inverse;        /* 2 to 3 */
    int width, height;              /* of the raster */
    bool has_nodata;
    double nodata;
    bool is_round; /* it goes once around the globe */
};

static const char *const interpolations[] = {"near", "bilinear", "cubic"};

bool ncr_dem_interpolation_from_name(const char *name, ncr_dem_interpolation *out)
{
    for (int i = NCR_DEM_NEAREST; i <= NCR_DEM_CUBIC; i++) {
        if (!ncr_text_equal_nocase(name, interpolations[i]))
            continue;
        *out = (ncr_dem_interpolation)i;
        return true;
    }
    return false;
}

const char *ncr_dem_interpolation_name(ncr_dem_interpolation interpolation)
{
    return interpolations[interpolation];
}

void ncr_dem_spec_clear(ncr_dem_spec *spec)
{
    ncr_lazy_unref(spec->source);
    ncr_crs_unref(spec->crs);
    *spec = (ncr_dem_spec){0};
}

/* --- Where points lie in it --- */

static bool has_heights(nacre_crs *crs)
{
    PJ_CONTEXT *context = ncr_proj_context();
    PJ *pj = context ? ncr_crs_new_pj(crs, context, NULL) : NULL;
    bool is_compound = pj && proj_get_type(pj) == PJ_TYPE_COMPOUND_CRS;
    proj_destroy(pj);
    return is_compound;
}

static nacre_status new_reprojection(const ncr_dem_spec *spec, const ncr_dataset *dataset, ncr_reprojection **out,
                                     nacre_error *err)
{
    *out = NULL;
    const char *name = ncr_dataset_name(dataset);
    ncr_reprojection_spec crs = {.dst = spec->crs ? spec->crs : dataset->crs};
    if (!crs.dst)
        return NACRE_OK;
    if (!spec->keeps_heights && has_heights(crs.dst))
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED,
                             "%s: shifting heights of the vertical system in \"%s\" is not supported: set "
                             "RPC_DEM_APPLY_VDATUM_SHIFT=NO to take them as they are",
                             name, ncr_crs_name(crs.dst));
    nacre_status status = ncr_crs_from_authority("EPSG", "4326", &crs.src, err);
    if (!status)
        status = ncr_reprojection_new(name, &crs, out, err);
    ncr_crs_unref(crs.src);
    if (!status && ncr_reprojection_is_identity(*out)) {
        ncr_reprojection_unref(*out);
        *out = NULL;
    }
    return status;
}

static nacre_status find_inverse(const ncr_dataset *dataset, nacre_transform *out, nacre_error *err)
{
    if (dataset->has_transform && ncr_map_invert(&dataset->transform, out))
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: it has no geotransform that can be inverted, so no heights",
                         ncr_dataset_name(dataset));
}

/* 1 to 3 in place. */
static nacre_status to_places(ncr_reprojection *reprojection, const nacre_transform *inverse, size_t count, double *x,
                              double *y, nacre_error *err)
{
    nacre_status status = reprojection ? ncr_reprojection_run(reprojection, false, count, x, y, err) : NACRE_OK;
    for (size_t i = 0; i < count && !status; i++) {
        double u = x[i], v = y[i];
        x[i] = inverse->c + u * inverse->a + v * inverse->b;
        y[i] = inverse->f + u * inverse->d + v * inverse->e;
        if (!isfinite(x[i]) || !isfinite(y[i]))
            x[i] = y[i] = HUGE_VAL;
    }
    return status;
}

/* Whether a model in degrees covers all longitudes, so that 181 is -179. */
static bool is_round(const ncr_dataset *dataset, const ncr_reprojection *reprojection)
{
    const nacre_transform *t = &dataset->transform;
    return !reprojection && fabs(t->c + 180) < 0.1 && fabs(t->c + t->a * dataset->width - 180) < 0.1;
}

/* --- The window --- */

enum { EDGE = 21, ROOM = 3 };

/* Points along the edges of an area and across it. */
static nacre_status place_area(const ncr_dem_spec *spec, const ncr_dataset *dataset, const double area[4], double *x,
                               double *y, bool *round_globe, nacre_error *err)
{
    nacre_transform inverse;
    ncr_reprojection *reprojection = NULL;
    nacre_status status = find_inverse(dataset, &inverse, err);
    if (!status)
        status = new_reprojection(spec, dataset, &reprojection, err);
    for (int row = 0; row < EDGE; row++) {
        for (int column = 0; column < EDGE; column++) {
            x[row * EDGE + column] = area[0] + (area[2] - area[0]) * column / (EDGE - 1);
            y[row * EDGE + column] = area[1] + (area[3] - area[1]) * row / (EDGE - 1);
        }
    }
    if (!status)
        status = to_places(reprojection, &inverse, (size_t)EDGE * EDGE, x, y, err);
    *round_globe = !status && is_round(dataset, reprojection) && (area[0] < -180 || area[2] > 180);
    ncr_reprojection_unref(reprojection);
    return status;
}

/* Whole pixels around [low, high] that lie within [0, size]. */
static void clip(double low, double high, int size, int64_t *start, int64_t *length)
{
    low = fmax(0, floor(low) - ROOM);
    high = fmin(size, ceil(high) + ROOM);
    *start = low < high ? (int64_t)low : 0;
    *length = low < high ? (int64_t)high - *start : 0;
}

nacre_status ncr_dem_choose(const ncr_dem_spec *spec, const double area[4], ncr_patch *patch, nacre_error *err)
{
    const ncr_dataset *dataset = patch->dataset;
    double x[EDGE * EDGE], y[EDGE * EDGE];
    double low[2] = {HUGE_VAL, HUGE_VAL}, high[2] = {-HUGE_VAL, -HUGE_VAL};
    bool round_globe;
    nacre_status status = place_area(spec, dataset, area, x, y, &round_globe, err);
    if (status)
        return status;
    for (int i = 0; i < EDGE * EDGE; i++) {
        if (x[i] == HUGE_VAL)
            continue;
        ncr_hull_add(low, high, x[i], y[i]);
    }
    if (round_globe) {
        low[0] = 0;
        high[0] = dataset->width;
    }
    /* Between the points an edge may bend outwards a little. */
    double wide = (high[0] - low[0]) / 100, tall = (high[1] - low[1]) / 100;
    clip(low[0] - wide, high[0] + wide, dataset->width, &patch->window.x, &patch->window.width);
    clip(low[1] - tall, high[1] + tall, dataset->height, &patch->window.y, &patch->window.height);
    return NACRE_OK;
}

nacre_status ncr_dem_new(const ncr_dem_spec *spec, ncr_patch *patch, ncr_dem **out, nacre_error *err)
{
    *out = NULL;
    ncr_dem *dem = calloc(1, sizeof *dem);
    if (!dem)
        return ncr_error_memory(err);
    const ncr_dataset *dataset = patch->dataset;
    dem->spec = spec;
    dem->width = dataset->width;
    dem->height = dataset->height;
    dem->has_nodata = dataset->bands[0].nodata.is_set;
    dem->nodata = dataset->bands[0].nodata.value;
    nacre_status status = find_inverse(dataset, &dem->inverse, err);
    if (!status)
        status = new_reprojection(spec, dataset, &dem->reprojection, err);
    if (status) {
        ncr_dem_free(dem);
        return status;
    }
    dem->is_round = is_round(dataset, dem->reprojection);
    dem->patch = *patch;
    *patch = (ncr_patch){0};
    *out = dem;
    return NACRE_OK;
}

void ncr_dem_free(ncr_dem *dem)
{
    if (!dem)
        return;
    ncr_reprojection_unref(dem->reprojection);
    ncr_patch_clear(&dem->patch);
    free(dem);
}

/* --- Heights at places --- */

/* The height of a pixel; NaN: none. Equality as GDAL has it. */
static double pixel(const ncr_dem *dem, int64_t column, int64_t row)
{
    double value = ncr_patch_value(&dem->patch, column, row);
    bool is_nodata = dem->has_nodata && (value == dem->nodata || fabs(value - dem->nodata) < 1e-10 ||
                                         (dem->nodata != 0 && fabs(1 - value / dem->nodata) < 1e-10));
    return is_nodata ? (double)NAN : value;
}

static double nearest(const ncr_dem *dem, double x, double y)
{
    if (!(x > -1 && y > -1 && x < dem->width && y < dem->height))
        return (double)NAN;
    return pixel(dem, (int64_t)x, (int64_t)y);
}

static double bilinear(const ncr_dem *dem, double x, double y)
{
    double u = x - 0.5, v = y - 0.5;
    if (!(u > -1 && v > -1 && u < dem->width - 1.0 && v < dem->height - 1.0))
        return nearest(dem, x, y);
    int64_t column = (int64_t)u, row = (int64_t)v;
    double dx = u - (double)column, dy = v - (double)row;
    double upper = pixel(dem, column, row) * (1 - dx) + pixel(dem, column + 1, row) * dx;
    double lower = pixel(dem, column, row + 1) * (1 - dx) + pixel(dem, column + 1, row + 1) * dx;
    return upper * (1 - dy) + lower * dy;
}

/* The cubic B-spline. */
static double spline(double distance)
{
    double d = fabs(distance);
    if (d >= 2)
        return 0;
    return d >= 1 ? (2 - d) * (2 - d) * (2 - d) / 6 : 2.0 / 3 - d * d + d * d * d / 2;
}

/* Of the pixels that have a height. */
static double cubic(const ncr_dem *dem, double x, double y)
{
    double u = x - 0.5, v = y - 0.5, sum = 0, weights = 0;
    if (!(u >= 1 && v >= 1 && u < dem->width - 2.0 && v < dem->height - 2.0))
        return bilinear(dem, x, y);
    int64_t column = (int64_t)u, row = (int64_t)v;
    for (int j = -1; j <= 2; j++) {
        for (int i = -1; i <= 2; i++) {
            double value = pixel(dem, column + i, row + j);
            double weight = spline(i - (u - (double)column)) * spline(j - (v - (double)row));
            if (isnan(value))
                continue;
            sum += value * weight;
            weights += weight;
        }
    }
    return weights != 0 ? sum / weights : (double)NAN;
}

static double height_at(const ncr_dem *dem, double x, double y)
{
    if (dem->spec->interpolation == NCR_DEM_CUBIC)
        return cubic(dem, x, y);
    return dem->spec->interpolation == NCR_DEM_BILINEAR ? bilinear(dem, x, y) : nearest(dem, x, y);
}

/* The same point, once around. */
static double height_around(const ncr_dem *dem, double longitude, double latitude)
{
    const nacre_transform *t = &dem->inverse;
    double other = longitude >= 180 ? longitude - 360 : longitude + 360;
    return height_at(dem, t->c + other * t->a + latitude * t->b, t->f + other * t->d + latitude * t->e);
}

nacre_status ncr_dem_heights(const ncr_dem *dem, size_t count, const double *longitude, const double *latitude,
                             double *height, nacre_error *err)
{
    enum { BATCH = 64 };
    for (size_t first = 0; first < count; first += BATCH) {
        size_t size = count - first < BATCH ? count - first : BATCH;
        double x[BATCH], y[BATCH];
        for (size_t i = 0; i < size; i++) {
            x[i] = longitude[first + i];
            y[i] = latitude[first + i];
        }
        nacre_status status = to_places(dem->reprojection, &dem->inverse, size, x, y, err);
        if (status)
            return status;
        for (size_t i = 0; i < size; i++) {
            double value = height_at(dem, x[i], y[i]);
            if (isnan(value) && dem->is_round && fabs(longitude[first + i]) >= 180)
                value = height_around(dem, longitude[first + i], latitude[first + i]);
            height[first + i] = isnan(value) && dem->spec->has_missing ? dem->spec->missing : value;
        }
    }
    return NACRE_OK;
}

nacre_status ncr_dem_nearest_height(const ncr_dem *dem, double longitude, double latitude, double *height,
                                    nacre_error *err)
{
    double x = longitude, y = latitude;
    nacre_status status = to_places(dem->reprojection, &dem->inverse, 1, &x, &y, err);
    /* GDAL does not bring lines above the raster to it. */
    x = x >= dem->width ? dem->width - 0.5 : x < 0 ? 0.5 : x;
    y = y >= dem->height ? dem->height - 0.5 : y;
    *height = status ? 0 : height_at(dem, x, y);
    return status;
}
