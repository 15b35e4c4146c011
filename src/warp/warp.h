/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_WARP_WARP_H
#define NCR_WARP_WARP_H

#include <nacre/view.h>

#include "raster/dataset.h"
#include "vrt/vrt.h"

/* Warped views; see nacre_view_warp(), nacre_warp_grid(), nacre_warp_grid_of(). */
nacre_status ncr_warp_view_new(ncr_dataset *source, const nacre_warp_options *options, ncr_dataset **out,
                               nacre_error *err);
nacre_status ncr_warp_grid(ncr_dataset *source, const nacre_warp_options *options, nacre_grid *out, nacre_error *err);
nacre_status ncr_warp_grid_of(const nacre_grid *source, const nacre_warp_options *options, nacre_grid *out,
                              nacre_error *err);

extern const ncr_vrt_subclass ncr_warped_vrt; /* "VRTWarpedDataset" */

#endif
