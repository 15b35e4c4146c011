/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_WARP_CUTLINE_H
#define NCR_WARP_CUTLINE_H

#include "raster/dataset.h"
#include "warp/map.h"

/* A polygon, or several, in pixels of a source: what lies outside is not warped. As GDAL's, a source pixel counts where
 * its centre is inside; within `blend` pixels of an edge it counts by a share, from 1 inside through a half on the edge
 * to 0. Immutable once made. */

typedef struct ncr_cutline_ring {
    size_t first, count; /* of the points; the last one is not the first one again */
    int polygon;         /* rings of a polygon are its edge and its holes, in any order */
} ncr_cutline_ring;

typedef struct ncr_cutline {
    double (*points)[2];
    size_t point_count, point_capacity;
    ncr_cutline_ring *rings;
    size_t ring_count, ring_capacity;
    int polygon_count;
    double blend; /* source pixels */
} ncr_cutline;

/* From WKT or GeoJSON, in its own coordinates: POLYGON, MULTIPOLYGON, features and collections of them. *is_geojson:
 * those are in longitude and latitude. name is whose it is, for messages. NACRE_ERROR_INVALID: it is no polygon. */
nacre_status ncr_cutline_parse(const char *name, const char *text, ncr_cutline **out, bool *is_geojson,
                               nacre_error *err);
void ncr_cutline_free(ncr_cutline *cutline); /* accepts NULL */

/* Building. */
ncr_cutline *ncr_cutline_new(void); /* NULL: out of memory */
bool ncr_cutline_add_point(ncr_cutline *cutline, double x, double y);
/* The points since the last ring are one of a polygon, numbered from 0. */
bool ncr_cutline_add_ring(ncr_cutline *cutline, int polygon);

/* The same in source pixels: map goes from the cutline's coordinates to these. Edges that become curves get more
 * points, so that they are within 0.05 pixel. NACRE_ERROR_INVALID: a point of it has no place in the source. */
nacre_status ncr_cutline_to_pixels(const char *name, const ncr_cutline *cutline, const ncr_map *map, ncr_cutline **out,
                                   nacre_error *err);

/* WKT, as GDAL writes it; free(). NULL: out of memory. */
char *ncr_cutline_text(const ncr_cutline *cutline);

/* Multiplies the densities of a window of a level whose pixels are x_ratio and y_ratio of the cutline's wide and high.
 */
nacre_status ncr_cutline_apply(const ncr_cutline *cutline, double x_ratio, double y_ratio, const ncr_rect *window,
                               float *density, nacre_error *err);

#endif
