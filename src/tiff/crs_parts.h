/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TIFF_CRS_PARTS_H
#define NCR_TIFF_CRS_PARTS_H

#include <jansson.h>
#include <nacre/crs.h>

#include "base/error.h"

/* The PROJJSON of a CRS, made ready for being written as GeoKeys: methods and parameters of a projection and the parts
 * of a compound CRS have EPSG's codes, also where the text that it came from left them out. Of three dimensions two are
 * left, and *height is EPSG's code of the geographic CRS with all three; 0: there were two, or it has none. *out is the
 * caller's to json_decref(). */
nacre_status ncr_crs_take_apart(nacre_crs *crs, json_t **out, unsigned *height, nacre_error *err);

#endif
