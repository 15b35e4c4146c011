/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "warp/pieces.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Steps along a side of an area on its way to the destination's CRS, as PROJ has it. */
enum { SIDE_STEPS = 20 };

/* PROJ does not tell the edges it uses; those found here are taken to be this share of the area's size thick. */
#define EDGE_THICKNESS 0.002

static bool has_alternatives(const PJ *operation)
{
    PJ_PROJ_INFO info = proj_pj_info((PJ *)operation);
    return info.definition && strncmp(info.definition, "unavailable", 11) == 0;
}

static void extend(double rect[4], double x, double y)
{
    rect[0] = fmin(rect[0], x);
    rect[1] = fmin(rect[1], y);
    rect[2] = fmax(rect[2], x);
    rect[3] = fmax(rect[3], y);
}

/* An area of longitudes and latitudes as a rectangle of the CRS that to_dst leads to; false: nothing of it has a
 * place there. */
static bool place_area(PJ *to_dst, double west, double south, double east, double north, double rect[4])
{
    rect[0] = rect[1] = HUGE_VAL;
    rect[2] = rect[3] = -HUGE_VAL;
    for (int i = 0; i <= SIDE_STEPS; i++) {
        double lon = west + i * (east - west) / SIDE_STEPS, lat = south + i * (north - south) / SIDE_STEPS;
        const double at[4][2] = {{lon, south}, {lon, north}, {west, lat}, {east, lat}};
        for (int side = 0; side < 4; side++) {
            proj_errno_reset(to_dst);
            PJ_COORD p = proj_trans(to_dst, PJ_FWD, proj_coord(at[side][0], at[side][1], 0, HUGE_VAL));
            if (isfinite(p.xy.x) && isfinite(p.xy.y))
                extend(rect, p.xy.x, p.xy.y);
        }
    }
    return rect[0] <= rect[2];
}

static bool add_area(ncr_pieces *pieces, size_t *capacity, PJ *to_dst, double west, double south, double east,
                     double north)
{
    double rect[4];
    if (!place_area(to_dst, west, south, east, north, rect))
        return true;
    if (!ncr_array_reserve(&pieces->rects, capacity, pieces->count + 1, sizeof *pieces->rects))
        return false;
    memcpy(pieces->rects[pieces->count++], rect, sizeof rect);
    return true;
}

/* From longitude and latitude on the destination's datum to it. */
static PJ *new_placement(PJ_CONTEXT *context, const PJ *dst)
{
    PJ *geodetic = proj_crs_get_geodetic_crs(context, dst);
    PJ *operation = geodetic ? proj_create_crs_to_crs_from_pj(context, geodetic, dst, NULL, NULL) : NULL;
    PJ *normal = operation ? proj_normalize_for_visualization(context, operation) : NULL;
    proj_destroy(operation);
    proj_destroy(geodetic);
    return normal;
}

/* The operations PROJ chooses from. */
static PJ_OBJ_LIST *list_operations(PJ_CONTEXT *context, const PJ *src, const PJ *dst, const double *area)
{
    PJ_OPERATION_FACTORY_CONTEXT *factory = proj_create_operation_factory_context(context, NULL);
    if (!factory)
        return NULL;
    proj_operation_factory_context_set_spatial_criterion(context, factory, PROJ_SPATIAL_CRITERION_PARTIAL_INTERSECTION);
    if (area)
        proj_operation_factory_context_set_area_of_interest(context, factory, area[0], area[1], area[2], area[3]);
    PJ_OBJ_LIST *list = proj_create_operations(context, src, dst, factory);
    proj_operation_factory_context_destroy(factory);
    return list;
}

static bool add_operation(ncr_pieces *pieces, size_t *capacity, PJ_CONTEXT *context, const PJ *operation, PJ *to_dst)
{
    double west, south, east, north;
    if (!proj_get_area_of_use(context, operation, &west, &south, &east, &north, NULL))
        return true;
    if (west <= east)
        return add_area(pieces, capacity, to_dst, west, south, east, north);
    return add_area(pieces, capacity, to_dst, west, south, 180, north) &&
           add_area(pieces, capacity, to_dst, -180, south, east, north);
}

void ncr_pieces_find(ncr_pieces *pieces, PJ_CONTEXT *context, const PJ *operation, const PJ *src, const PJ *dst,
                     const double *area)
{
    *pieces = (ncr_pieces){0};
    if (!has_alternatives(operation))
        return;
    size_t capacity = 0;
    PJ *to_dst = new_placement(context, dst);
    PJ_OBJ_LIST *list = to_dst ? list_operations(context, src, dst, area) : NULL;
    pieces->is_unknown = !list;
    for (int i = 0; list && i < proj_list_get_count(list); i++) {
        PJ *candidate = proj_list_get(context, list, i);
        if (!candidate || !add_operation(pieces, &capacity, context, candidate, to_dst))
            pieces->is_unknown = true;
        proj_destroy(candidate);
    }
    proj_list_destroy(list);
    proj_destroy(to_dst);
}

void ncr_pieces_clear(ncr_pieces *pieces)
{
    free(pieces->rects);
    *pieces = (ncr_pieces){0};
}

static bool is_off_edges(const double rect[4], const double box[4])
{
    double margin_x = (rect[2] - rect[0]) * EDGE_THICKNESS, margin_y = (rect[3] - rect[1]) * EDGE_THICKNESS;
    bool is_outside = box[2] < rect[0] - margin_x || box[0] > rect[2] + margin_x || box[3] < rect[1] - margin_y ||
                      box[1] > rect[3] + margin_y;
    bool is_inside = box[0] > rect[0] + margin_x && box[2] < rect[2] - margin_x && box[1] > rect[1] + margin_y &&
                     box[3] < rect[3] - margin_y;
    return is_outside || is_inside;
}

bool ncr_pieces_is_one(const ncr_pieces *pieces, double x0, double y0, double x1, double y1)
{
    const double box[4] = {fmin(x0, x1), fmin(y0, y1), fmax(x0, x1), fmax(y0, y1)};
    if (pieces->is_unknown)
        return false;
    for (size_t i = 0; i < pieces->count; i++)
        if (!is_off_edges(pieces->rects[i], box))
            return false;
    return true;
}
