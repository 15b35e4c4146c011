/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_WARP_TILE_MATRIX_H
#define NCR_WARP_TILE_MATRIX_H

#include <nacre/tile.h>

#include "raster/crs.h"

/* One zoom level of a tile matrix set: tiles of equal size from its upper left corner, in units of the CRS with x east.
 */
typedef struct ncr_tile_matrix {
    int zoom;
    double left, top, pixel;     /* corner; size of a pixel, above 0 */
    int tile_width, tile_height; /* pixels, 1 to NCR_TILE_SIZE_MAX */
    int64_t columns, rows;       /* tiles, 1 to 2^31 */
} ncr_tile_matrix;

enum { NCR_TILE_SIZE_MAX = 4096, NCR_TILE_MATRICES_MAX = 64, NCR_TILE_ZOOM_MAX = 24 };

/* Immutable. */
typedef struct ncr_tile_matrix_set {
    nacre_crs *crs;
    ncr_tile_matrix *matrices; /* owned */
    size_t count;
} ncr_tile_matrix_set;

/* The set of an OGC TileMatrixSet (versions 1 and 2) in JSON; NULL: WebMercatorQuad, from zoom 0 to NCR_TILE_ZOOM_MAX.
 * A matrix' zoom is the number its identifier is, or ends with after a colon. *out is the caller's until
 * ncr_tile_matrix_set_free(). NACRE_ERROR_INVALID, NACRE_ERROR_UNSUPPORTED (variable widths, an origin at the bottom),
 * NACRE_ERROR_MEMORY; messages begin with "tile matrix set". */
nacre_status ncr_tile_matrix_set_new(const char *json, ncr_tile_matrix_set **out, nacre_error *err);
void ncr_tile_matrix_set_free(ncr_tile_matrix_set *set); /* accepts NULL and half-built ones */

/* NULL: there is none for this zoom. */
const ncr_tile_matrix *ncr_tile_matrix_find(const ncr_tile_matrix_set *set, int zoom);

/* The tiles that a rectangle (left, bottom, right, top) touches by more than a millionth of a pixel; all zero: none. */
nacre_tile_range ncr_tile_matrix_range(const ncr_tile_matrix *matrix, const double bounds[4]);

#endif
