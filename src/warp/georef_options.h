/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_WARP_GEOREF_OPTIONS_H
#define NCR_WARP_GEOREF_OPTIONS_H

#include <nacre/view.h>

#include "raster/dataset.h"
#include "warp/georef.h"

/* How the pixels of a source are placed: by a geotransform, or by a georef. */
typedef struct ncr_placing {
    nacre_transform transform; /* the unit one with a georef */
    ncr_georef *georef;        /* NULL: none. The caller's */
    nacre_crs *crs;            /* what the options and the source say; NULL: nothing. Borrowed from these, or the
                                  caller's, where is_own */
    bool is_own;
} ncr_placing;

/* By what the options ask for, else by what the source has, in GDAL's order: geotransform, ground control points,
 * rational polynomials, geolocation arrays. Nothing is loaded yet. NACRE_ERROR_INVALID: the source does not have it; an
 * option is not known or has no such value. */
nacre_status ncr_placing_find(ncr_dataset *source, const nacre_warp_options *options, ncr_placing *out,
                              nacre_error *err);
void ncr_placing_clear(ncr_placing *placing);

#endif
