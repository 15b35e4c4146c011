/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_WARP_GEOLOC_INDEX_H
#define NCR_WARP_GEOLOC_INDEX_H

#include "warp/patch.h"

/* Geolocation arrays in memory, and a tree of boxes over them in which points are found. Positions count from the first
 * value of the arrays, in values. Immutable. */
typedef struct ncr_geoloc_index ncr_geoloc_index;

/* Takes both patches (x, y), which cover their rasters. is_centre: values are for centres of squares, which reach half
 * a step beyond the outer ones; else for corners, with a square behind the last ones. NACRE_ERROR_INVALID: sizes
 * differ, or no square has all its values. */
nacre_status ncr_geoloc_index_new(ncr_patch patches[2], bool is_centre, bool is_round, ncr_geoloc_index **out,
                                  nacre_error *err);
void ncr_geoloc_index_free(ncr_geoloc_index *index); /* accepts NULL */

/* Of the arrays, in values. */
void ncr_geoloc_index_size(const ncr_geoloc_index *index, size_t *width, size_t *height);

/* The place of a position, interpolated, or extrapolated from the nearest square; false: it has none. */
bool ncr_geoloc_index_place(const ncr_geoloc_index *index, double column, double row, double *x, double *y);

/* The position of a place, in the first square that holds it; false: none does. */
bool ncr_geoloc_index_find(const ncr_geoloc_index *index, double x, double y, double *column, double *row);

#endif
