/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NACRE_CRS_H
#define NACRE_CRS_H

#include "error.h"
#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A coordinate reference system. Axes are always in the traditional order of GIS: x east or longitude, y north or
 * latitude. Immutable and reference-counted: share freely. */
typedef struct nacre_crs nacre_crs;

/* Forms of text for a CRS. */
typedef enum nacre_crs_format {
    NACRE_CRS_WKT2 = 0, /* ISO 19162:2019 */
    NACRE_CRS_WKT1 = 1, /* GDAL's WKT 1, without the axes that GDAL leaves out */
    NACRE_CRS_PROJJSON = 2,
    NACRE_CRS_PROJ = 3 /* "+proj=utm +zone=18 +datum=WGS84 ..." */
} nacre_crs_format;

/* Makes a CRS from a text: "EPSG:32618", "OGC:CRS84", an OGC URN, WKT 1 or 2, PROJJSON, a PROJ string.
 * NACRE_ERROR_INVALID: PROJ does not know it (the message quotes its beginning). *out is the caller's until
 * nacre_crs_unref(); NULL after failure. */
NACRE_API nacre_status nacre_crs_from_text(const char *text, nacre_crs **out, nacre_error *err);

NACRE_API nacre_crs *nacre_crs_ref(nacre_crs *crs);

/* Gives up a reference; accepts NULL. */
NACRE_API void nacre_crs_unref(nacre_crs *crs);

/* The CRS as text, which lives as long as the CRS. NACRE_ERROR_UNSUPPORTED: it has no such form. */
NACRE_API nacre_status nacre_crs_text(nacre_crs *crs, nacre_crs_format format, const char **out, nacre_error *err);

/* "EPSG" and "32618" for a CRS that has an identifier; false, and both "" where it has none. */
NACRE_API bool nacre_crs_authority(nacre_crs *crs, const char **name, const char **code);

/* "WGS 84 / UTM zone 18N"; "" where it has none. */
NACRE_API const char *nacre_crs_name(nacre_crs *crs);

/* Whether both mean the same system, whatever their texts and the order of axes. Two NULLs are equal. */
NACRE_API bool nacre_crs_equal(nacre_crs *a, nacre_crs *b);

/* Whether coordinates are angles in degrees. */
NACRE_API bool nacre_crs_is_geographic(nacre_crs *crs);

#ifdef __cplusplus
}
#endif

#endif
