/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_WARP_PIECES_H
#define NCR_WARP_PIECES_H

#include <proj.h>
#include <stdbool.h>
#include <stddef.h>

/* Between CRSs of different datums PROJ often knows several operations, and takes for each point the best one whose
 * area holds it. Where it passes from one to the next the result jumps, by metres: there it must not be interpolated.
 * These are the edges of those areas, rectangles in the destination's CRS. Immutable. */
typedef struct ncr_pieces {
    bool is_unknown;    /* the areas could not be found: an edge may be anywhere */
    double (*rects)[4]; /* min_x, min_y, max_x, max_y */
    size_t count;
} ncr_pieces;

/* The pieces of an operation that PROJ made from src to dst for an area (NULL: none); none where it is a single
 * operation. All objects are of the context. */
void ncr_pieces_find(ncr_pieces *pieces, PJ_CONTEXT *context, const PJ *operation, const PJ *src, const PJ *dst,
                     const double *area);
void ncr_pieces_clear(ncr_pieces *pieces);

/* Whether one operation serves all of a rectangle of the destination's CRS (its corners in any order). */
bool ncr_pieces_is_one(const ncr_pieces *pieces, double x0, double y0, double x1, double y1);

#endif
