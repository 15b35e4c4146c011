/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TIFF_CELL_H
#define NCR_TIFF_CELL_H

#include "base/latch.h"
#include "tiff/pyramid.h"
#include "tiff/reduce.h"

/* The work on one cell of a level: a rectangle of whole blocks. Its phases:
 *   1. its pixels are read, and so many around it as reductions need: begun while the cell before it is at work;
 *   2. its blocks are encoded, in parallel, and put aside;
 *   3. its parts of the levels that are reduced from it are computed, in parallel, and put aside as pixels, which are
 *      what those levels' cells read. */

/* A cell's part of a level that is reduced from its own. */
typedef struct ncr_out_cell_part {
    int level;
    ncr_rect area; /* pixels of that level */
    ncr_reduce_axis x, y;
} ncr_out_cell_part;

/* Single-thread. */
typedef struct ncr_out_cell {
    ncr_pyramid *pyramid;
    int level;
    int first_x, first_y, end_x, end_y; /* blocks */
    ncr_rect core;                      /* pixels of the blocks */
    ncr_rect area;                      /* pixels that are read */
    uint8_t *pixels;                    /* area, pixel by pixel, all bands */
    uint8_t *mask;                      /* area; NULL: no mask */
    ncr_out_cell_part *parts;
    int part_count;
    /* Of the read: one plan for the pixels, one for the mask. */
    ncr_latch latch;
    int *bands;
    ncr_read_request requests[2];
    ncr_plan *plans[2];
    nacre_status status; /* of the first plan that failed; guarded by the latch's lock */
    nacre_error error;
    bool is_reading;
} ncr_out_cell;

/* Begins reading. After failure, and at the end, ncr_out_cell_clear(). */
nacre_status ncr_out_cell_begin(ncr_out_cell *cell, nacre_error *err);
/* Waits for the pixels. Not for workers. */
nacre_status ncr_out_cell_wait(ncr_out_cell *cell, nacre_error *err);
/* Waits where something is under way, then releases. */
void ncr_out_cell_clear(ncr_out_cell *cell);

/* Phase 2. */
nacre_status ncr_out_cell_encode(const ncr_out_cell *cell, nacre_error *err);
/* Phase 3. */
nacre_status ncr_out_cell_reduce(const ncr_out_cell *cell, nacre_error *err);

/* Reads or writes a rectangle of the pixels that an overview keeps, row by row. */
nacre_status ncr_out_cell_keep(const ncr_pyramid *pyramid, ncr_out_level *level, const ncr_rect *area, uint8_t *pixels,
                               uint8_t *mask, bool write, nacre_error *err);

#endif
