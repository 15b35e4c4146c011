/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_WARP_REPROJECTION_H
#define NCR_WARP_REPROJECTION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "raster/crs.h"
#include "warp/georef.h"

/* What a reprojection is made from: kept, and written into warped VRTs, so that the same operation is chosen again. */
typedef struct ncr_reprojection_spec {
    nacre_crs *src, *dst; /* both NULL: no reprojection */
    bool has_area;
    double area[4]; /* where it is used: west, south, east, north in degrees */
    bool has_center;
    double center;      /* longitude in degrees; source longitudes are brought within 180 degrees of it */
    ncr_georef *georef; /* NULL, or what takes the place of the source's geotransform: then the reprojection is from and
                           to pixels of its full resolution. Referenced */
} ncr_reprojection_spec;

/* References the CRSs of from; release with ncr_reprojection_spec_clear(). */
ncr_reprojection_spec ncr_reprojection_spec_copy(const ncr_reprojection_spec *from);
void ncr_reprojection_spec_clear(ncr_reprojection_spec *spec);

/* Points from one CRS to another through PROJ: the operation GDAL takes (best for the area, ballpark allowed, heights
 * left out). PROJ objects serve one thread at a time, so each concurrent call has a clone of its own, kept for the
 * next call. Synchronised, reference-counted. */
typedef struct ncr_reprojection ncr_reprojection;

/* name is whose reprojection it is, for messages. NACRE_ERROR_INVALID: there is no operation between the CRSs. Where
 * both mean the same system PROJ is not asked, and only longitudes are wrapped. */
nacre_status ncr_reprojection_new(const char *name, const ncr_reprojection_spec *spec, ncr_reprojection **out,
                                  nacre_error *err);
ncr_reprojection *ncr_reprojection_ref(ncr_reprojection *reprojection);
void ncr_reprojection_unref(ncr_reprojection *reprojection);

/* Whether points stay what they are: the same CRS, nothing to wrap. */
bool ncr_reprojection_is_identity(const ncr_reprojection *reprojection);
/* Whether both CRSs mean the same system, longitudes wrapped or not, and no georef takes part. */
bool ncr_reprojection_is_same(const ncr_reprojection *reprojection);

/* Whether it has kinks that samples may miss, so that it must be asked point by point. */
bool ncr_reprojection_is_rough(const ncr_reprojection *reprojection);
/* Whether PROJ is all that takes part: no georef, which may have bumps of any size. */
bool ncr_reprojection_is_plain(const ncr_reprojection *reprojection);

/* The longitude, in degrees, within 180 of which the source's are brought; false: they are not, or a georef takes their
 * place. */
bool ncr_reprojection_center(const ncr_reprojection *reprojection, double *out);

/* Whether PROJ uses one operation throughout a rectangle of the destination (two opposite corners): only there can the
 * result be interpolated. */
bool ncr_reprojection_is_one_in(const ncr_reprojection *reprojection, double x0, double y0, double x1, double y1);

/* Coordinates in place, destination to source or the other way. Points without a result become HUGE_VAL.
 * NACRE_ERROR_MEMORY. */
nacre_status ncr_reprojection_run(ncr_reprojection *reprojection, bool to_source, size_t count, double *x, double *y,
                                  nacre_error *err);

/* Fills spec->area from the corners of a raster in spec->src, as GDAL does for the source; leaves it unset where they
 * cannot be brought to degrees. Fills spec->center where the source is in degrees and at most 360 wide. */
void ncr_reprojection_spec_cover(ncr_reprojection_spec *spec, const double corners_x[4], const double corners_y[4]);

/* Whether coordinates of the CRS are longitudes and latitudes in degrees. */
bool ncr_crs_is_degrees(nacre_crs *crs);

#endif
