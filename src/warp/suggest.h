/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_WARP_SUGGEST_H
#define NCR_WARP_SUGGEST_H

#include <nacre/view.h>

#include "warp/map.h"

/* A source as a grid in a CRS, and where it goes. */
typedef struct ncr_warp_source {
    const char *name; /* for messages */
    int width, height;
    nacre_transform transform;
    nacre_crs *crs, *dst_crs; /* NULL: none, as if they were the same */
    ncr_reprojection *reprojection;
    const ncr_georef *georef; /* the reprojection's, NULL: none; with it transform is the unit one */
} ncr_warp_source;

/* The grid that GDAL's GDALSuggestedWarpOutput2 suggests. NACRE_ERROR_INVALID: too little of the source has a place in
 * dst_crs; NACRE_ERROR_TOO_LARGE. */
nacre_status ncr_suggest_grid(const ncr_warp_source *source, nacre_grid *out, nacre_error *err);

/* The grid of nacre_warp_options: suggested, or as gdalwarp finds it from size, resolution, bounds and alignment. */
nacre_status ncr_resolve_grid(const ncr_warp_source *source, const nacre_warp_options *options, nacre_grid *out,
                              nacre_error *err);

/* Widens bounds (min_x, min_y, max_x, max_y) of the transformed source by what its sampled edge does not show: poles
 * and the antimeridian inside it. Sets *degrees where the destination counts degrees and the source does not. */
nacre_status ncr_widen_bounds(const ncr_warp_source *source, double bounds[4], bool *degrees, nacre_error *err);

#endif
