/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_WARP_GEOREF_H
#define NCR_WARP_GEOREF_H

#include <nacre/types.h>

#include "base/error.h"

/* Where pixels lie in their CRS, by ground control points instead of a geotransform. Immutable, reference-counted. */
typedef struct ncr_georef ncr_georef;

/* Polynomials of order 1 to 3 through the points, by least squares, one way and the other; order 0: 1, or 2 of six
 * points and more. name is the raster's, for messages. NACRE_ERROR_INVALID: too few points, or points on a line. */
nacre_status ncr_georef_polynomial(const char *name, const nacre_gcp *gcps, int count, int order, ncr_georef **out,
                                   nacre_error *err);
/* Thin plate splines, which meet the points exactly. NACRE_ERROR_INVALID as above; NACRE_ERROR_TOO_LARGE. */
nacre_status ncr_georef_spline(const char *name, const nacre_gcp *gcps, int count, ncr_georef **out, nacre_error *err);

ncr_georef *ncr_georef_ref(ncr_georef *georef); /* accepts NULL */
void ncr_georef_unref(ncr_georef *georef);      /* accepts NULL */

/* Coordinates in place, from the CRS to pixels or the other way; HUGE_VAL stays. */
void ncr_georef_run(const ncr_georef *georef, bool to_pixels, size_t count, double *x, double *y);

#endif
