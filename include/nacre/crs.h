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
    NACRE_CRS_PROJ = 3, /* "+proj=utm +zone=18 +datum=WGS84 ...", as GDAL's exportToProj4() */
    NACRE_CRS_WKT2_2015 = 4,
    NACRE_CRS_WKT1_ESRI = 5
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

/* As nacre_crs_authority(), but a CRS without an identifier is believed to be one that PROJ knows from this confidence
 * on, in percent (nacre_crs_authority() believes from 90 on, and EPSG only). PROJ's database is searched: that takes
 * milliseconds, once for each CRS. */
NACRE_API bool nacre_crs_identify(nacre_crs *crs, int confidence, const char **name, const char **code);

/* "WGS 84 / UTM zone 18N"; "" where it has none. */
NACRE_API const char *nacre_crs_name(nacre_crs *crs);

/* Whether both mean the same system, whatever their texts and the order of axes. Two NULLs are equal. */
NACRE_API bool nacre_crs_equal(nacre_crs *a, nacre_crs *b);

/* As nacre_crs_equal(), where axes in another order make another system if ignore_axis_order is false. */
NACRE_API bool nacre_crs_same(nacre_crs *a, nacre_crs *b, bool ignore_axis_order);

/* Whether coordinates are angles in degrees. */
NACRE_API bool nacre_crs_is_geographic(nacre_crs *crs);
/* Whether it is a map projection, also as the horizontal part of a compound. */
NACRE_API bool nacre_crs_is_projected(nacre_crs *crs);
/* Whether its authority puts northing (latitude) before easting. */
NACRE_API bool nacre_crs_is_northing_first(nacre_crs *crs);

/* The unit of the first axis ("metre", "degree"), and how many metres or radians it is; "" and 1: unknown. The text
 * lives as long as the CRS. */
NACRE_API const char *nacre_crs_unit(nacre_crs *crs, double *factor);

/* The geographic CRS below a projected, compound or geocentric one, the CRS itself where it is geographic.
 * NACRE_ERROR_INVALID: there is none. *out is the caller's until nacre_crs_unref(). */
NACRE_API nacre_status nacre_crs_geodetic(nacre_crs *crs, nacre_crs **out, nacre_error *err);

#ifdef __cplusplus
}
#endif

#endif
