/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TIFF_USER_CRS_H
#define NCR_TIFF_USER_CRS_H

#include <geotiff/geotiff.h>
#include <nacre/crs.h>

enum { NCR_CITATION_SIZE = 4096 };

/* A key's text; false where there is none. */
bool ncr_geokey_text(GTIF *gtif, geokey_t key, char out[NCR_CITATION_SIZE]);

/* The horizontal or geocentric CRS that GeoKeys define by parameters ("user-defined"), the caller's; NULL: they define
 * none. Opens PROJ's database. */
nacre_crs *ncr_user_crs(GTIF *gtif);

/* A local CRS with the name and the unit that the keys tell, as GDAL has it where they define no other; the caller's.
 * NULL: out of memory. */
nacre_crs *ncr_local_crs(GTIF *gtif);

#endif
