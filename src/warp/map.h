/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_WARP_MAP_H
#define NCR_WARP_MAP_H

#include <nacre/types.h>
#include <stdbool.h>

#include "warp/globe.h"
#include "warp/reprojection.h"

/* From pixels of a destination grid to pixels of a source, through four coordinate systems:
 *   1 destination pixels (0, 0 is the upper left corner of the upper left pixel, whose centre is 0.5, 0.5);
 *   2 the destination's CRS; 3 the source's CRS; 4 source pixels, counted like 1.
 * A plain value, immutable once set; the reprojection is referenced. */
typedef struct ncr_map {
    ncr_reprojection *reprojection;
    nacre_transform dst, dst_inverse; /* 1 to 2 and back */
    nacre_transform src, src_inverse; /* 4 to 3 and back */
    ncr_globe globe;                  /* of the source's pixels; zeros unless ncr_map_find_globe() was called */
} ncr_map;

/* NACRE_ERROR_INVALID: a transform that cannot be inverted, naming `name`. */
nacre_status ncr_map_init(ncr_map *map, const char *name, ncr_reprojection *reprojection, const nacre_transform *src,
                          const nacre_transform *dst, nacre_error *err);
void ncr_map_clear(ncr_map *map);

/* Sets the globe, where the source is an upright grid in degrees. NACRE_ERROR_MEMORY. */
nacre_status ncr_map_find_globe(ncr_map *map, nacre_error *err);

/* The affine inverse in GDAL's order of operations, so that its ties round alike; false: singular or not finite. */
bool ncr_map_invert(const nacre_transform *transform, nacre_transform *out);

/* Points in place, 1 to 4 and 4 to 1, exactly. Points without a result become HUGE_VAL. */
nacre_status ncr_map_to_source(const ncr_map *map, size_t count, double *x, double *y, nacre_error *err);
nacre_status ncr_map_to_destination(const ncr_map *map, size_t count, double *x, double *y, nacre_error *err);

/* Whether the map only shifts by whole pixels (to 1e-6): then the result is a copy whatever the resampling. */
bool ncr_map_is_shift(const ncr_map *map);

/* Whether one operation of PROJ serves a rectangle of destination pixels. */
bool ncr_map_is_one_piece(const ncr_map *map, int64_t x, int64_t y, int width, int height);

/* --- Cells: the map of all pixels of a part of the grid ---
 * The full destination grid is cut into cells of NCR_CELL pixels a side, counted from its upper left corner; those at
 * its right and bottom end with it. The transform of a cell is found without looking outside it, so what a pixel gets
 * depends on the grid and that pixel alone, never on the window that is read. */
enum { NCR_CELL = 64 };

/* How far the interpolated transform may be from PROJ's, in source pixels; checked against a quarter of it. */
#define NCR_MAP_TOLERANCE 0.001

/* Four by four cells, counted from the grid's corner. Where a pair of polynomials of the fourth degree serves all of
 * them, cells are found from these, and PROJ is asked a fifth as often. A plain value. */
enum { NCR_BLOCK = 4 * NCR_CELL, NCR_BLOCK_POINTS = 8 };
typedef struct ncr_block {
    bool holds;   /* else cells ask PROJ */
    int64_t x, y; /* of its first pixel in the grid */
    int width, height;
    double x_terms[25], y_terms[25]; /* powers of (u, v) in [-1, 1]: rows of u for each power of v */
} ncr_block;

/* The block whose first pixel is (column * NCR_BLOCK, row * NCR_BLOCK) of a grid of this size. */
nacre_status ncr_block_init(ncr_block *block, const ncr_map *map, int grid_width, int grid_height, int64_t column,
                            int64_t row, nacre_error *err);
/* Source coordinates, by the polynomials, at all pairs of the grid's x and y (at most NCR_BLOCK_POINTS each), rows of
 * y. */
void ncr_block_evaluate(const ncr_block *block, const double *x, const double *y, int count, double *out_x,
                        double *out_y);

/* A leaf of a cell: a square in which the map is a pair of biquadratic polynomials, or asked from PROJ pixel by
 * pixel where these would be too far off. */
typedef struct ncr_leaf {
    uint8_t x, y, width, height; /* in the cell */
    bool is_direct;
    double x_terms[9], y_terms[9]; /* powers of (u, v) in [-1, 1]: 1 u uu, v uv uuv, vv uvv uuvv */
} ncr_leaf;

/* A row of a leaf: polynomials of u, which are at u[i] for each pixel: terms 1 u uu. */
typedef struct ncr_row_terms {
    const double *u;
    double x[3], y[3];
} ncr_row_terms;

typedef struct ncr_cell {
    int64_t x, y; /* of its first pixel in the grid */
    int width, height;
    ncr_leaf *leaves;
    int leaf_count;
} ncr_cell;

/* Source coordinates of the centres of a cell's pixels, rows NCR_CELL apart; or of their corners, one more each way,
 * rows NCR_CORNERS apart. HUGE_VAL where there are none. */
enum { NCR_CORNERS = NCR_CELL + 1 };
typedef struct ncr_cell_points {
    double x[NCR_CORNERS * NCR_CORNERS], y[NCR_CORNERS * NCR_CORNERS];
} ncr_cell_points;

/* The cell whose first pixel is (column * NCR_CELL, row * NCR_CELL) of a grid of this size; block is the one that it
 * lies in. */
nacre_status ncr_cell_init(ncr_cell *cell, const ncr_block *block, const ncr_map *map, int grid_width, int grid_height,
                           int64_t column, int64_t row, nacre_error *err);
void ncr_cell_clear(ncr_cell *cell);
/* Bounds of the source coordinates of all its pixels, corners included, x and y, that need no evaluation; false: there
 * are none. */
bool ncr_cell_hull(const ncr_cell *cell, double low[2], double high[2]);
/* Whether a row of it is one of a single leaf's polynomials; then these of a row of centres, for u from ncr_cell_u().
 */
bool ncr_cell_has_rows(const ncr_cell *cell);
void ncr_cell_row(const ncr_cell *cell, int row, ncr_row_terms *out);
/* Where the centres of a row of `width` pixels are in [-1, 1]. */
void ncr_cell_u(int width, double *out);
nacre_status ncr_cell_evaluate(const ncr_cell *cell, const ncr_map *map, bool corners, ncr_cell_points *out,
                               nacre_error *err);

#endif
