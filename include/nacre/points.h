/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NACRE_POINTS_H
#define NACRE_POINTS_H

#include "crs.h"
#include "view.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Points and rectangles from one CRS to another, and between pixels and coordinates where a raster is placed by ground
 * control points and the like. All are exact, without interpolation; only nacre_placement_of() reads rasters. */

/* Reprojects points in place: the operation that GDAL takes without an area of use (the best one for each point).
 * Axes are x (east, longitude), y (north, latitude); heights change only where both CRSs have them. Points without a
 * result become HUGE_VAL. z: count heights, or NULL. NACRE_ERROR_INVALID: there is no operation between the CRSs. */
NACRE_API nacre_status nacre_points_reproject(nacre_crs *src, nacre_crs *dst, size_t count, double *x, double *y,
                                              double *z, nacre_error *err);

/* The smallest rectangle in dst (left, bottom, right, top) around one in src, as GDAL's OCTTransformBounds: each edge
 * is looked at in densify further points (0 to 10000), poles inside are seen, and left is greater than right where it
 * crosses the antimeridian. NACRE_ERROR_INVALID: as above, or a rectangle that cannot be brought there. */
NACRE_API nacre_status nacre_bounds_reproject(nacre_crs *src, nacre_crs *dst, const double bounds[4], int densify,
                                              double out[4], nacre_error *err);

/* Where pixels lie, by something else than a geotransform. Immutable and reference-counted: share freely. */
typedef struct nacre_placement nacre_placement;

/* Polynomials of order 1 to 3 through ground control points, by least squares (order 0: 2 of six points and more, else
 * 1), or thin plate splines, which meet the points exactly. NACRE_ERROR_INVALID: too few points, or on a line. *out is
 * the caller's until nacre_placement_unref(). */
NACRE_API nacre_status nacre_placement_from_gcps(const nacre_gcp *gcps, int count, int order, bool spline,
                                                 nacre_placement **out, nacre_error *err);
/* What warp_options place the pixels of a raster by, or what it has itself: ground control points, rational polynomials
 * (whose coordinates are degrees of WGS 84), geolocation arrays. An elevation model is read at once, and geolocation
 * arrays are. NACRE_ERROR_INVALID: it has a geotransform, or nothing; an option is unknown or has no such value. *out
 * as above. */
NACRE_API nacre_status nacre_placement_of(nacre_dataset *dataset, const nacre_warp_options *warp_options,
                                          nacre_placement **out, nacre_error *err);
/* Gives up a reference; accepts NULL. */
NACRE_API void nacre_placement_unref(nacre_placement *placement);

/* Coordinates in place: columns and rows from the upper left corner of the raster to x and y, or the other way. Points
 * without a result become HUGE_VAL. z: metres by which each point is higher than the options say, for rational
 * polynomials, without effect on others; NULL: none is. NACRE_ERROR_MEMORY. */
NACRE_API nacre_status nacre_placement_run(const nacre_placement *placement, bool to_pixels, size_t count, double *x,
                                           double *y, const double *z, nacre_error *err);

#ifdef __cplusplus
}
#endif

#endif
