/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_WARP_GLOBE_H
#define NCR_WARP_GLOBE_H

#include <stdbool.h>
#include <stdint.h>

/* How the pixels of a source in degrees go around the earth: columns come again after a period, and there may be a
 * point of the destination (a pole) around which all of them lie. Plain values, immutable once set. */

/* A pole that is a point of the destination. */
typedef struct ncr_pole {
    bool is_point;
    double x, y; /* in destination pixels */
    double row;  /* where it is a line of the source, counted in its pixels; set for other poles too */
} ncr_pole;

typedef struct ncr_globe {
    double period; /* source pixels once around; 0: the source does not go around, and nothing else is set */
    double seam;   /* the x from which, and up to seam + period, columns are counted */
    ncr_pole poles[2];
} ncr_globe;

/* Points that lie on the seam are brought to its lower side, and those on a pole's line to the row beside it, where
 * rounding would leave them outside the source. */
void ncr_globe_settle(const ncr_globe *globe, int64_t count, double *x, double *y);

/* Which pole lies in a rectangle of destination pixels or on its edge; NULL: none. */
const ncr_pole *ncr_globe_pole_in(const ncr_globe *globe, int64_t x, int64_t y, int64_t width, int64_t height);

/* Quadrilaterals of source pixels, inside the source's width. */
enum { NCR_QUADS = 12 };
typedef struct ncr_quads {
    int count;
    double x[NCR_QUADS][4], y[NCR_QUADS][4];
} ncr_quads;

/* What a destination pixel covers whose corners (from the upper left one around it) lie on both sides of the seam:
 * less than half of the period. */
void ncr_quads_at_seam(const ncr_globe *globe, int source_width, const double x[4], const double y[4], ncr_quads *out);

/* What the destination pixel (column, row) covers that holds a pole, or has it on its edge: from its sides' source
 * points to the pole's line. */
void ncr_quads_at_pole(const ncr_globe *globe, const ncr_pole *pole, int source_width, int64_t column, int64_t row,
                       const double x[4], const double y[4], ncr_quads *out);

#endif
