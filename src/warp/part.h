/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_WARP_PART_H
#define NCR_WARP_PART_H

#include "warp/engine.h"

/* What a read of an engine needs and where it goes. */
typedef struct ncr_warp_read {
    ncr_warp_engine *engine; /* referenced */
    ncr_rect window;         /* of the destination grid */
    /* Output bands: indices into the setup's bands, or WARP_ALPHA. */
    int *outputs;
    nacre_dtype *output_dtypes; /* of the view's bands: values pass through them */
    int output_count;
    /* Bands that are computed: indices into the setup's bands, in order. Others' masks may matter, so this is all or
     * those that are output. */
    int *used;
    int used_count;
    int *source_bands; /* of the used bands, then alpha; borrowed */
    bool has_alpha;    /* among the outputs */
    bool is_direct;    /* the source's pixels lie in memory as they are needed: direct */
    ncr_pixels direct;
    ncr_kernel kernel;  /* the engine's, for the used bands */
    double *dst_nodata; /* of the used bands; the kernel's */
    nacre_dtype dtype;  /* of the buffer */
    uint8_t *buffer;
    ptrdiff_t pixel_stride, row_stride, band_stride;
} ncr_warp_read;

enum { NCR_WARP_ALPHA = -1 };

/* A rectangle of the destination and the source pixels that it needs. */
typedef struct ncr_warp_part {
    ncr_rect dst;         /* of the grid, inside one sheet */
    ncr_rect src;         /* of the level; width 0: none */
    const void **planes;  /* a used band each, then the source's alpha: their first pixels */
    ptrdiff_t row_length; /* of planes, in values */
    uint8_t *values;      /* what planes point into, in the working type; NULL: the source's own memory */
    uint8_t *mask;        /* the source's mask, where that is used */
    uint8_t *band_valid;
    uint8_t *valid;
    float *density;
} ncr_warp_part;

void ncr_warp_part_clear(ncr_warp_part *part);
/* Bytes that the part's source pixels and masks take; SIZE_MAX on overflow. */
size_t ncr_warp_part_size(const ncr_warp_read *read, const ncr_rect *src);
/* Memory for the part's pixels and mask; none for pixels that lie in memory as they are needed. */
nacre_status ncr_warp_part_reserve(const ncr_warp_read *read, ncr_warp_part *part, nacre_error *err);
/* Makes validity and density from the pixels that have arrived. */
nacre_status ncr_warp_part_set_masks(const ncr_warp_read *read, ncr_warp_part *part, nacre_error *err);

/* What a worker needs for a cell: points, planes of the used bands. NULL: out of memory; free() releases it. */
typedef struct ncr_warp_scratch ncr_warp_scratch;
ncr_warp_scratch *ncr_warp_scratch_new(const ncr_warp_read *read);

/* Warps what the part and some neighbouring cells of a row have in common, into the read's buffer: row by row over all
 * of them, since long rows are what memory likes. */
enum { NCR_STRIP_CELLS = 16 };
nacre_status ncr_warp_part_run(const ncr_warp_read *read, const ncr_warp_part *part, const ncr_cell *cells, int count,
                               ncr_warp_scratch *scratch, nacre_error *err);

/* --- A sheet: cells of a window, and how it is cut --- */

/* At most this many cells at once, so that a window of any size takes bounded memory. */
enum { NCR_SHEET_CELLS = 64 * 64 };

typedef struct ncr_sheet {
    const ncr_warp_read *read;
    const ncr_call *call;            /* borrowed; looked at while the cells are found */
    ncr_rect window;                 /* of the grid */
    int64_t first_column, first_row; /* of cells */
    int columns, rows;
    ncr_cell *cells;
    ncr_rect *reach; /* source pixels that each cell's share of the window needs; width 0: none */
    ncr_warp_part *parts;
    size_t part_count, part_capacity;
} ncr_sheet;

/* Finds the cells of a window and cuts it into parts whose source pixels take at most part_limit bytes each (a single
 * destination pixel may take more). Uses the pool. Fails for want of memory, or without a message because the call must
 * end. */
nacre_status ncr_sheet_init(ncr_sheet *sheet, const ncr_warp_read *read, const ncr_call *call, const ncr_rect *window,
                            size_t part_limit, nacre_error *err);
void ncr_sheet_clear(ncr_sheet *sheet);
const ncr_cell *ncr_sheet_cell(const ncr_sheet *sheet, int64_t column, int64_t row);

ncr_rect ncr_rect_intersect(const ncr_rect *a, const ncr_rect *b); /* width and height 0 where they do not meet */

#endif
