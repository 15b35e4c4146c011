/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TIFF_TIFF_H
#define NCR_TIFF_TIFF_H

#include "raster/dataset.h"
#include "raster/save.h"

/* GeoTIFF and COG. */
extern const ncr_driver ncr_tiff_driver;
extern const ncr_saver ncr_cog_saver;   /* "COG", .tif and .tiff */
extern const ncr_saver ncr_gtiff_saver; /* "GTiff" */

#endif
