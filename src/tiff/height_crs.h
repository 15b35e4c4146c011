/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TIFF_HEIGHT_CRS_H
#define NCR_TIFF_HEIGHT_CRS_H

#include <geotiff/geotiff.h>
#include <nacre/crs.h>

/* What GeoKeys say beside a horizontal CRS: another unit of lengths, heights. Each function opens PROJ's database only
 * where the keys have something to say, and gives the caller's new CRS; NULL: they do not, or it makes no sense. */

/* The projected CRS in the unit that the keys tell, where that is another. Metres are believed to be its own. */
nacre_crs *ncr_crs_in_unit(GTIF *gtif, nacre_crs *projected);

/* The CRS with heights: compound, or of three dimensions. A vertical CRS counts in GeoTIFF 1.1 only, as with GDAL,
 * since before that the key was used loosely; but for heights above an ellipsoid. */
nacre_crs *ncr_crs_with_height(GTIF *gtif, nacre_crs *horizontal);

/* Name of the unit of the heights that the keys tell, in any version; the caller's. NULL: they tell none. */
char *ncr_height_unit(GTIF *gtif);

#endif
