/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_RASTER_FRAME_H
#define NCR_RASTER_FRAME_H

#include "raster/read.h"

/* Reads of windows that reach beyond the raster: what lies inside is a read of its own, the frame around it is filled.
 * Where the raster ends on a part of an output pixel, the pixel is inside, as in GDAL's VRTs, through which Rasterio
 * reads such windows. */

/* Sets `inside` and `inside_shows` of a read whose window and size are set. */
void ncr_frame_find(ncr_read *read);

/* Fills the frame, and plans what is inside: see ncr_windows_plan(). */
nacre_status ncr_frame_plan(const ncr_read *read, ncr_call *call, ncr_plan **out, nacre_error *err);

#endif
