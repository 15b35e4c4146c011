/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_WARP_POINTS_H
#define NCR_WARP_POINTS_H

#include <nacre/points.h>

#include "base/error.h"

/* The functions of nacre/points.h that PROJ answers, under private names. */
nacre_status ncr_points_reproject(nacre_crs *src, nacre_crs *dst, size_t count, double *x, double *y, double *z,
                                  nacre_error *err);
nacre_status ncr_bounds_reproject(nacre_crs *src, nacre_crs *dst, const double bounds[4], int densify, double out[4],
                                  nacre_error *err);

#endif
