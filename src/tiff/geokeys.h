/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TIFF_GEOKEYS_H
#define NCR_TIFF_GEOKEYS_H

#include <nacre/crs.h>

#include "base/memory.h"
#include "tiff/index.h"

/* GeoKeys, read and written with libgeotiff on plain arrays: libtiff's directories have no part in it. */

typedef struct ncr_geokeys {
    bool is_area;      /* GTRasterType is PixelIsArea */
    bool is_point;     /* GTRasterType is PixelIsPoint: model positions are those of pixel centres */
    nacre_crs *crs;    /* the caller's; NULL: the keys define none */
    char *height_unit; /* of a vertical CRS that they tell too; the caller's; NULL: none */
} ncr_geokeys;

/* Reads the keys of a directory. A CRS with a code alone, in metres or degrees, is believed: no database is opened.
 * Keys that make no sense define no CRS, as with GDAL; only NACRE_ERROR_MEMORY is a failure. */
nacre_status ncr_geokeys_read(const ncr_tiff_directory *directory, ncr_geokeys *out, nacre_error *err);

/* The three tags of a CRS and a raster type. Arrays are the caller's to free; empty ones are NULL. */
typedef struct ncr_geokey_tags {
    uint16_t *directory;
    double *doubles;
    char *ascii;
    size_t directory_count, double_count, ascii_size;
} ncr_geokey_tags;

/* Makes the tags: the EPSG code where the CRS has one, else its projection's parameters, as far as GeoTIFF has keys for
 * them (docs/internals/tiff.md lists them). crs may be NULL.
 * NACRE_ERROR_UNSUPPORTED: GeoTIFF has no keys for the CRS. */
nacre_status ncr_geokeys_write(nacre_crs *crs, bool is_point, const char *name, ncr_geokey_tags *out, nacre_error *err);
void ncr_geokey_tags_clear(ncr_geokey_tags *tags);

#endif
