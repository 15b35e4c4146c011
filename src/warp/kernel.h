/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_WARP_KERNEL_H
#define NCR_WARP_KERNEL_H

#include "raster/dataset.h"
#include "warp/map.h"

/* Resampling: from source pixels in memory and source coordinates to destination pixels, a cell at a time. What a
 * pixel gets depends on the kernel, its coordinates and the source pixels under them only. */

/* Resampling of one view; immutable. Scales are destination pixels per source pixel, below 1 where it shrinks. */
typedef struct ncr_kernel {
    nacre_resampling resampling; /* any but gauss */
    double x_scale, y_scale;
    int x_radius, y_radius; /* source pixels to either side of the two in the middle that may be needed */
    bool is_wide;           /* the view shrinks: the kernel is widened by the scale; else 1, 4, 16 or 36 taps */
    bool is_area;           /* takes all source pixels under the destination pixel: cells hold corners, not centres */
    int width, height;      /* of the source, all of it */
    ncr_globe globe;        /* of its pixels, for areas */
    int band_count;
    nacre_dtype dtype; /* of source and destination in memory: not FLOAT16 */
    /* Valid results equal to these are moved by one step; NULL: none. A band without one has NaN. */
    const double *dst_nodata;
    bool nudge_together; /* only where all bands have theirs */
    bool blends_initial; /* partly covered pixels are mixed with what the destination was initialised to */
} ncr_kernel;

/* Source pixels under a window of the source. Masks have its size, without gaps. */
typedef struct ncr_kernel_source {
    ncr_rect window;           /* of the source; holds all pixels that the kernel may need for the points it is given */
    const void *const *planes; /* a band each: the window's first pixel */
    ptrdiff_t row_length;      /* from one row of values to the next, in values */
    const uint8_t *band_valid; /* planes of the window: 0 where the band has no data; NULL: all valid */
    const uint8_t *valid;      /* one plane, for all bands; NULL: all valid */
    const float *density;      /* one plane, 0 to 1; NULL: 1 */
} ncr_kernel_source;

/* A rectangle of a cell: of at most NCR_CELL pixels a side. */
typedef struct ncr_kernel_cell {
    int width, height;
    /* Source coordinates of the pixels' centres, or (areas) of their corners, one more each way; rows point_stride
     * apart. For a single row of centres they may be NULL: the row's polynomials are evaluated then. */
    const double *x, *y;
    ptrdiff_t point_stride;
    ncr_row_terms terms;
    bool is_interior; /* no point is nearer to the source's edge than the kernel's reach at full scale, and one more */
    void *const *planes;    /* a band each: the first pixel, initialised; pixels without a source stay */
    ptrdiff_t row_length;   /* of planes, in values */
    float *alpha;           /* zeros that get the pixels' density, rows NCR_CELL apart; NULL: not wanted */
    int64_t grid_x, grid_y; /* of its first pixel in the destination grid */
} ncr_kernel_cell;

/* False: out of memory. */
typedef bool (*ncr_kernel_function)(const ncr_kernel *kernel, const ncr_kernel_source *source,
                                    const ncr_kernel_cell *cell);

/* Variants for processors; all give the same bits. The portable one is the definition, and what NEON machines have
 * (its vectors are the compiler's). */
typedef enum ncr_kernel_variant { NCR_KERNEL_PORTABLE, NCR_KERNEL_AVX2, NCR_KERNEL_AVX512 } ncr_kernel_variant;
enum { NCR_KERNEL_VARIANTS = 3 };

/* The fastest that this machine has. NULL: no such dtype. */
ncr_kernel_function ncr_kernel_find(nacre_dtype dtype);
/* One of a variant; NULL: this machine, or this build, does not have it for the dtype. */
ncr_kernel_function ncr_kernel_find_variant(nacre_dtype dtype, ncr_kernel_variant variant);

/* Source pixels to either side that a kernel reaches at full scale. */
int ncr_kernel_taps(nacre_resampling resampling);

/* Whether a resampling takes all source pixels under a destination pixel. */
bool ncr_resampling_is_area(nacre_resampling resampling);

/* Sets resampling, scales, radii, is_wide and is_area. */
void ncr_kernel_set_scale(ncr_kernel *kernel, nacre_resampling resampling, double x_scale, double y_scale);

/* The source pixels that are needed for points within [low, high] on an axis: from *first to *last, not clipped. */
void ncr_kernel_reach(const ncr_kernel *kernel, bool is_x, double low, double high, int64_t *first, int64_t *last);

#endif
