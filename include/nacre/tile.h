/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NACRE_TILE_H
#define NACRE_TILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "dataset.h"
#include "error.h"
#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How tiles of a raster look. Initialise with NACRE_TILE_OPTIONS_INIT. */
typedef struct nacre_tile_options {
    size_t size;            /* sizeof(nacre_tile_options) */
    const char *matrix_set; /* an OGC TileMatrixSet, versions 1 and 2, as JSON; NULL: WebMercatorQuad, zoom 0 to 24 */
    const int *bands;       /* one (gray, or colours of a table) or three (red, green, blue), from 1; NULL: those that
                               are red, green and blue, else the first three, or the first one */
    int band_count;
    nacre_resampling resampling; /* bands with a colour table take nearest, whatever this is but mode */
    const double *rescale;       /* pairs MIN, MAX, shown as 0 and 255; NULL: uint8 as it is, others are refused */
    int rescale_count;           /* pairs: one for all bands, or one for each */
    const nacre_color_entry *color_map; /* 256 entries for the values of the one band, after rescaling; NULL: its own
                                           colour table, where it has one and is not rescaled */
    nacre_crs *src_crs;                 /* of the source; NULL: its own */
} nacre_tile_options;

#define NACRE_TILE_OPTIONS_INIT                                                                   \
    {                                                                                             \
        sizeof(nacre_tile_options), NULL, NULL, 0, NACRE_RESAMPLING_BILINEAR, NULL, 0, NULL, NULL \
    }

/* Makes map tiles of one raster. Immutable but for what it keeps of each zoom level, which is synchronised: any number
 * of threads may read tiles. Reference-counted. */
typedef struct nacre_tiler nacre_tiler;

/* References source and does no I/O of its own; the options are not needed after it. *out is the caller's until
 * nacre_tiler_unref(). NACRE_ERROR_INVALID: no CRS or transform, no such band, a type that needs rescaling, a matrix
 * set that is none; NACRE_ERROR_UNSUPPORTED: a matrix set with parts that are not known. */
NACRE_API nacre_status nacre_tiler_new(nacre_dataset *source, const nacre_tile_options *tile_options, nacre_tiler **out,
                                       nacre_error *err);
NACRE_API nacre_tiler *nacre_tiler_ref(nacre_tiler *tiler);
NACRE_API void nacre_tiler_unref(nacre_tiler *tiler); /* accepts NULL */

/* Columns and rows of the tiles that the raster may touch, ends excluded; all zero: none. */
typedef struct nacre_tile_range {
    int64_t left, top, right, bottom;
} nacre_tile_range;

/* NACRE_ERROR_INVALID: the matrix set has no such zoom level. */
NACRE_API nacre_status nacre_tiler_range(nacre_tiler *tiler, int zoom, nacre_tile_range *out, nacre_error *err);

/* A tile as an image file. */
typedef struct nacre_tile {
    void *data; /* NULL: it was not read */
    size_t size;
    bool is_empty; /* all of it is transparent */
} nacre_tile;

/* Reads a tile and encodes it as PNG: 8 bits, gray or colours, with alpha where not all of it is opaque. What is
 * nodata, masked, transparent or beside the raster is transparent. The same raster and options give the same bytes,
 * whichever tiles are read before. *out is to be cleared with nacre_tile_clear(); zeroed after failure.
 * NACRE_ERROR_INVALID: the matrix set has no such zoom level or no such tile; NACRE_ERROR_TOO_LARGE: the raster covers
 * 2^31 pixels or more across at this zoom level; else as nacre_dataset_read(). */
NACRE_API nacre_status nacre_tile_read(nacre_tiler *tiler, int zoom, int64_t column, int64_t row,
                                       const nacre_io_options *options, nacre_tile *out, nacre_error *err);

/* Releases the bytes of a tile; accepts a zeroed one. */
NACRE_API void nacre_tile_clear(nacre_tile *tile);

#ifdef __cplusplus
}
#endif

#endif
