/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_WARP_GEOLOC_H
#define NCR_WARP_GEOLOC_H

#include "raster/lazy.h"
#include "warp/georef.h"

/* Geolocation arrays: two bands that tell x and y of every so many pixels of a raster. Between them places are
 * interpolated bilinearly, and half a step (a whole one for corners) beyond them extrapolated, as GDAL does it; the way
 * back finds the first quadrilateral of the array, in reading order of blocks, that holds a point, and solves that
 * exactly. */

/* What a transformer is made from; index 0: x and columns, 1: y and rows. */
typedef struct ncr_geoloc_spec {
    ncr_lazy *sources[2]; /* referenced */
    int bands[2];
    double offset[2], step[2]; /* value i is for pixel offset + i * step */
    bool is_centre;            /* of that pixel; else its upper left corner */
    bool swaps;                /* the first band holds y */
    bool is_round;             /* x counts degrees: 181 is -179. Found from the CRS, not written */
    char *crs;                 /* as it is written; NULL: it is not. Owned */
} ncr_geoloc_spec;

void ncr_geoloc_spec_clear(ncr_geoloc_spec *spec);

/* How the rasters of the arrays are named: by texts, and where these stand. */
typedef struct ncr_geoloc_place {
    const char *name;           /* of the raster, for messages */
    const char *path;           /* of the raster: for arrays without a path of their own, and relative ones */
    const ncr_object *document; /* in whose name paths are resolved; NULL: the user's */
    ncr_pins *pins;             /* of the tree; NULL: none */
    int depth;
    ncr_dataset *dataset; /* the raster itself, where it is open; NULL */
} ncr_geoloc_place;

/* Fills a spec from the items of the metadata domain GEOLOCATION. NACRE_ERROR_INVALID: one is missing or no number, or
 * a step is 0. */
nacre_status ncr_geoloc_read(const ncr_geoloc_place *place, const char *(*text_of)(void *user, const char *key),
                             void *user, ncr_geoloc_spec *spec, nacre_error *err);

/* Takes what spec holds, also after failure. */
nacre_status ncr_georef_geoloc(ncr_geoloc_spec *spec, ncr_georef **out, nacre_error *err);

/* What it was made from; NULL: it is of another kind. */
const ncr_geoloc_spec *ncr_georef_geoloc_spec(const ncr_georef *georef);

#endif
