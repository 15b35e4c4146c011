/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_WARP_DEM_H
#define NCR_WARP_DEM_H

#include "warp/patch.h"
#include "warp/reprojection.h"

/* Heights from an elevation model, looked up as GDAL's RPC transformer does it. */

typedef enum ncr_dem_interpolation { NCR_DEM_NEAREST, NCR_DEM_BILINEAR, NCR_DEM_CUBIC } ncr_dem_interpolation;

/* GDAL's names: "near", "bilinear", "cubic"; in a VRT too. False, and *out untouched: another. */
bool ncr_dem_interpolation_from_name(const char *name, ncr_dem_interpolation *out);
const char *ncr_dem_interpolation_name(ncr_dem_interpolation interpolation);

/* Which model, and how it is asked. */
typedef struct ncr_dem_spec {
    ncr_lazy *source;   /* referenced; NULL: there is none */
    nacre_crs *crs;     /* in place of the raster's own; NULL: that. Referenced */
    bool keeps_heights; /* where the CRS has a vertical part, heights are taken as they are */
    ncr_dem_interpolation interpolation;
    bool has_missing;
    double missing; /* the height where it has none */
} ncr_dem_spec;

void ncr_dem_spec_clear(ncr_dem_spec *spec);

/* Sets the window of a patch that covers an area of longitudes and latitudes (west, south, east, north), with room for
 * every interpolation. NACRE_ERROR_INVALID: the raster has no transform; NACRE_ERROR_UNSUPPORTED: a CRS with a
 * vertical part. */
nacre_status ncr_dem_choose(const ncr_dem_spec *spec, const double area[4], ncr_patch *patch, nacre_error *err);

/* One that is loaded. Immutable. */
typedef struct ncr_dem ncr_dem;

/* Takes what patch holds. spec is borrowed and must outlive it. */
nacre_status ncr_dem_new(const ncr_dem_spec *spec, ncr_patch *patch, ncr_dem **out, nacre_error *err);
void ncr_dem_free(ncr_dem *dem); /* accepts NULL */

/* Heights of points; NaN: there is none, and none is given in its place. */
nacre_status ncr_dem_heights(const ncr_dem *dem, size_t count, const double *longitude, const double *latitude,
                             double *height, nacre_error *err);

/* The height at the nearest place of the raster to a point; NaN: none. */
nacre_status ncr_dem_nearest_height(const ncr_dem *dem, double longitude, double latitude, double *height,
                                    nacre_error *err);

#endif
