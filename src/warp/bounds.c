/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "warp/suggest.h"

/* What the edge of a source does not show of its extent in the destination: a pole inside it, a crossing of the
 * antimeridian. Coordinates: 1 source pixels, 2 the source's CRS, 3 the destination's. */

/* A coarse ring around the source in 3, three points a side. */
enum { SIDE = 3, RING = 4 * SIDE };

typedef struct {
    const ncr_warp_source *source;
    double west, south, east, north; /* of the source, in 2 */
    double *bounds;                  /* in 3 */
} widening;

static void extend(double bounds[4], double x, double y)
{
    bounds[0] = fmin(bounds[0], x);
    bounds[1] = fmin(bounds[1], y);
    bounds[2] = fmax(bounds[2], x);
    bounds[3] = fmax(bounds[3], y);
}

/* A parameter of a projected CRS in degrees ("Longitude of natural origin" and its kin), 0 where it has none. */
static double projection_parameter(PJ_CONTEXT *context, const PJ *conversion, int code, int code2)
{
    int count = proj_coordoperation_get_param_count(context, conversion);
    for (int i = 0; i < count; i++) {
        const char *auth, *epsg;
        double value, factor;
        if (!proj_coordoperation_get_param(context, conversion, i, NULL, &auth, &epsg, &value, NULL, &factor, NULL,
                                           NULL, NULL, NULL))
            continue;
        if (!auth || !epsg || strcmp(auth, "EPSG") != 0)
            continue;
        long number = strtol(epsg, NULL, 10);
        if (number == code || number == code2)
            return value * factor * 180 / M_PI;
    }
    return 0;
}

typedef struct {
    double lon0, lat0;
    bool is_mercator, is_orthographic, is_projected;
} projection_facts;

static projection_facts facts_of(nacre_crs *crs)
{
    projection_facts facts = {0};
    PJ_CONTEXT *context = ncr_proj_context();
    PJ *pj = context ? ncr_crs_new_pj(crs, context, NULL) : NULL;
    PJ *conversion = pj ? proj_crs_get_coordoperation(context, pj) : NULL;
    const char *method = NULL;
    if (conversion)
        proj_coordoperation_get_method_info(context, conversion, &method, NULL, NULL);
    if (method) {
        facts.is_projected = true;
        facts.lon0 = projection_parameter(context, conversion, 8802, 8822);
        facts.lat0 = projection_parameter(context, conversion, 8801, 8821);
        facts.is_mercator =
            strcmp(method, "Popular Visualisation Pseudo Mercator") == 0 || strcmp(method, "Mercator (variant A)") == 0;
        facts.is_orthographic = strcmp(method, "Orthographic") == 0;
    }
    proj_destroy(conversion);
    proj_destroy(pj);
    return facts;
}

static bool is_inside(const widening *w, double x, double y)
{
    return x >= w->west && x <= w->east && y >= w->south && y <= w->north;
}

static nacre_status run(const widening *w, bool to_source, double *x, double *y, nacre_error *err)
{
    return ncr_reprojection_run(w->source->reprojection, to_source, 1, x, y, err);
}

/* A pole whose place is inside the source, for destinations in degrees: then every longitude is. */
static nacre_status widen_by_poles(const widening *w, const projection_facts *source_facts, nacre_error *err)
{
    for (int sign = -1; sign <= 1; sign += 2) {
        double x = 0, y = 90.0 * sign;
        nacre_status status = run(w, true, &x, &y, err);
        if (status)
            return status;
        nacre_transform inverse;
        if (x == HUGE_VAL || !ncr_map_invert(&w->source->transform, &inverse))
            continue;
        double column = inverse.c + x * inverse.a + y * inverse.b, row = inverse.f + x * inverse.d + y * inverse.e;
        if (!(column >= -1e-5 && column <= w->source->width + 1e-5 && row >= -1e-5 && row <= w->source->height + 1e-5))
            continue;
        status = run(w, false, &x, &y, err);
        if (status)
            return status;
        if (y == HUGE_VAL || !(fabs(y - 90.0 * sign) <= 1e-6))
            continue;
        bool half = source_facts->is_orthographic;
        w->bounds[0] = half ? source_facts->lon0 - 90 : -180;
        w->bounds[2] = half ? source_facts->lon0 + 90 : 180;
        w->bounds[sign < 0 ? 1 : 3] = 90.0 * sign;
    }
    return NACRE_OK;
}

/* The ring, from the upper left corner down, counter-clockwise. */
static nacre_status transform_ring(const widening *w, double x[RING], double y[RING], nacre_error *err)
{
    double dx = (w->east - w->west) / SIDE, dy = (w->north - w->south) / SIDE;
    for (int i = 0; i < SIDE; i++) {
        x[i] = w->west;
        y[i] = w->north - i * dy;
        x[SIDE + i] = w->west + i * dx;
        y[SIDE + i] = w->south;
        x[2 * SIDE + i] = w->east;
        y[2 * SIDE + i] = w->south + i * dy;
        x[3 * SIDE + i] = w->east - i * dx;
        y[3 * SIDE + i] = w->north;
    }
    return ncr_reprojection_run(w->source->reprojection, false, RING, x, y, err);
}

/* Keeps the points that have a place; returns how many. */
static int compact(double x[RING], double y[RING])
{
    int count = 0;
    for (int i = 0; i < RING; i++) {
        if (x[i] == HUGE_VAL)
            continue;
        x[count] = x[i];
        y[count++] = y[i];
    }
    return count;
}

/* The longitudes of a ring: where it crosses the antimeridian twice, from the least east of it to the greatest west of
 * it (so west > east); four times, the whole globe. A step of 200 degrees and more between neighbours is a crossing. */
static void ring_longitudes(const double *lon, int count, double *west, double *east)
{
    int crossings = 0;
    bool is_east = false, is_west = false;
    double low = HUGE_VAL, high = -HUGE_VAL, east_low = HUGE_VAL, west_high = -HUGE_VAL;
    for (int i = 0; i < count; i++) {
        double step = lon[i ? i - 1 : count - 1] - lon[i];
        if (step >= 200) { /* from 180 to -180 */
            if (!crossings++) {
                east_low = low;
                west_high = lon[i];
            }
            is_east = false;
            is_west = true;
        } else if (step <= -200) {
            if (!crossings++) {
                east_low = lon[i];
                west_high = high;
            }
            is_east = true;
            is_west = false;
        }
        if (is_east)
            east_low = fmin(east_low, lon[i]);
        if (is_west)
            west_high = fmax(west_high, lon[i]);
        low = fmin(low, lon[i]);
        high = fmax(high, lon[i]);
    }
    *west = crossings == 2 ? east_low : crossings == 4 ? -180 : low;
    *east = crossings == 2 ? west_high : crossings == 4 ? 180 : high;
}

static nacre_status widen_degrees(const widening *w, nacre_error *err)
{
    double x[RING], y[RING], west, east;
    nacre_status status = transform_ring(w, x, y, err);
    int count = status ? 0 : compact(x, y);
    if (!count)
        return status;
    ring_longitudes(x, count, &west, &east);
    double south = HUGE_VAL, north = -HUGE_VAL;
    for (int i = 0; i < count; i++) {
        south = fmin(south, y[i]);
        north = fmax(north, y[i]);
    }
    for (int sign = 1; sign >= -1; sign -= 2) {
        double pole_x = 0, pole_y = 90.0 * sign;
        status = run(w, true, &pole_x, &pole_y, err);
        if (status)
            return status;
        if (pole_x == HUGE_VAL || !(w->west < pole_x && pole_x < w->east && w->south < pole_y && pole_y < w->north))
            continue;
        west = -180;
        east = 180;
        *(sign > 0 ? &north : &south) = 90.0 * sign;
        break;
    }
    extend(w->bounds, west, south);
    extend(w->bounds, east, north);
    return NACRE_OK;
}

/* Extends by the place of a longitude and latitude (of the destination's datum), where the source covers it. */
static nacre_status extend_by(const widening *w, ncr_reprojection *from_degrees, double lon, double lat, bool *done,
                              nacre_error *err)
{
    *done = false;
    double x = lon, y = lat;
    nacre_status status = ncr_reprojection_run(from_degrees, false, 1, &x, &y, err);
    if (status || x == HUGE_VAL || !is_inside(w, x, y))
        return status;
    status = run(w, false, &x, &y, err);
    if (status || x == HUGE_VAL)
        return status;
    *done = true;
    extend(w->bounds, x, y);
    return NACRE_OK;
}

static nacre_status extend_by_antimeridian(const widening *w, ncr_reprojection *from_degrees, double lon0, double lat,
                                           nacre_error *err)
{
    nacre_status status = NACRE_OK;
    bool done;
    for (int sign = -1; sign <= 1 && !status; sign += 2)
        status = extend_by(w, from_degrees, fmod(lon0 + sign * (180 - 1e-8) + 180, 360) - 180, lat, &done, err);
    return status;
}

/* A projected destination: the ring, the poles on its central meridian, and its own antimeridian. */
static nacre_status widen_projected(const widening *w, ncr_reprojection *from_degrees, const projection_facts *facts,
                                    nacre_error *err)
{
    double top = facts->is_mercator && facts->lon0 == 0 ? 85.0511287798066 : 90, pole = 0;
    bool has_pole = false, done;
    nacre_status status = NACRE_OK;
    for (int sign = -1; sign <= 1 && !status; sign += 2) {
        status = extend_by(w, from_degrees, facts->lon0, sign * (top - 1e-8), &done, err);
        if (done) {
            has_pole = true;
            pole = sign * top;
        }
    }
    if (!status && facts->lon0 != 0)
        status = extend_by_antimeridian(w, from_degrees, facts->lon0, facts->lat0, err);
    if (!status && has_pole && facts->lat0 != pole)
        status = extend_by_antimeridian(w, from_degrees, facts->lon0, pole, err);
    return status;
}

/* The geographic CRS that a projected one is based on. */
static nacre_status base_crs(nacre_crs *crs, nacre_crs **out)
{
    *out = NULL;
    PJ_CONTEXT *context = ncr_proj_context();
    PJ *pj = context ? ncr_crs_new_pj(crs, context, NULL) : NULL;
    PJ *base = pj ? proj_crs_get_geodetic_crs(context, pj) : NULL;
    const char *text = base ? proj_as_projjson(context, base, NULL) : NULL;
    nacre_status status = text ? ncr_crs_from_text(text, out, NULL) : NACRE_ERROR_INVALID;
    proj_destroy(base);
    proj_destroy(pj);
    return status;
}

static nacre_status widen_by_ring(const widening *w, const projection_facts *facts, nacre_error *err)
{
    double x[RING], y[RING];
    nacre_status status = transform_ring(w, x, y, err);
    int count = status ? 0 : compact(x, y);
    if (!count)
        return status;
    for (int i = 0; i < count; i++)
        extend(w->bounds, x[i], y[i]);
    if (!facts->is_projected)
        return NACRE_OK;
    ncr_reprojection_spec spec = {.dst = w->source->crs};
    ncr_reprojection *from_degrees = NULL;
    /* A CRS without a usable base is left at its ring, as GDAL leaves it. */
    if (base_crs(w->source->dst_crs, &spec.src) == NACRE_OK &&
        ncr_reprojection_new(w->source->name, &spec, &from_degrees, NULL) == NACRE_OK)
        status = widen_projected(w, from_degrees, facts, err);
    ncr_reprojection_unref(from_degrees);
    ncr_crs_unref(spec.src);
    return status;
}

nacre_status ncr_widen_bounds(const ncr_warp_source *source, double bounds[4], bool *degrees, nacre_error *err)
{
    *degrees = false;
    /* Without a geotransform GDAL leaves the bounds alone. */
    if (!source->crs || !source->dst_crs || ncr_reprojection_is_same(source->reprojection) || source->georef)
        return NACRE_OK;
    const nacre_transform *t = &source->transform;
    double x[2] = {t->c, t->c + t->a * source->width}, y[2] = {t->f, t->f + t->e * source->height};
    widening w = {source, fmin(x[0], x[1]), fmin(y[0], y[1]), fmax(x[0], x[1]), fmax(y[0], y[1]), bounds};
    bool dst_is_degrees = ncr_crs_is_degrees(source->dst_crs);
    if (dst_is_degrees && !ncr_crs_is_geographic(source->crs)) {
        *degrees = true;
        projection_facts facts = facts_of(source->crs);
        nacre_status status = widen_by_poles(&w, &facts, err);
        if (status)
            return status;
    }
    if (t->a == 0 || t->b != 0 || t->d != 0 || t->e == 0)
        return NACRE_OK;
    if (dst_is_degrees)
        return widen_degrees(&w, err);
    projection_facts facts = facts_of(source->dst_crs);
    return widen_by_ring(&w, &facts, err);
}
