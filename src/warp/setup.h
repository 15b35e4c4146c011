/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_WARP_SETUP_H
#define NCR_WARP_SETUP_H

#include <nacre/view.h>

#include "raster/dataset.h"
#include "warp/cutline.h"
#include "warp/reprojection.h"

/* A warped view as it is written in a file: what its pixels follow from, together with the source. */

/* How nodata of several bands join: GDAL's UNIFIED_SRC_NODATA. */
typedef enum ncr_unified {
    NCR_UNIFIED_UNSET,  /* a pixel is invalid where all bands are, and a band where it is */
    NCR_UNIFIED_YES,    /* a pixel is invalid where all bands are; else all its bands are valid */
    NCR_UNIFIED_NO,     /* each band for itself */
    NCR_UNIFIED_PARTIAL /* as unset */
} ncr_unified;

/* Which level of the source is read. */
enum {
    NCR_OVERVIEW_AUTO = -2, /* -2 - n: that many levels finer */
    NCR_OVERVIEW_NONE = -1  /* others: that overview, from 0 */
};

typedef struct ncr_warp_band {
    int src, dst; /* from 1 */
    bool has_src_nodata, has_dst_nodata;
    double src_nodata, dst_nodata;
    double initial; /* what pixels without a source get */
} ncr_warp_band;

typedef struct ncr_warp_option {
    char *name, *value;
} ncr_warp_option;

typedef struct ncr_warp_setup {
    nacre_grid grid;
    nacre_transform src_transform; /* of the source's full resolution */
    bool is_level_transform;       /* of the overview that is read instead; then overview is its number */
    ncr_reprojection_spec spec;
    nacre_resampling resampling;
    nacre_dtype working; /* UNKNOWN: found from the bands on both sides */
    nacre_dtype output;  /* holds the values of the view's bands */
    ncr_warp_band *bands;
    int band_count;
    int src_alpha, dst_alpha;            /* bands, 0: none */
    double src_alpha_max, dst_alpha_max; /* 0: found from the bands */
    ncr_unified unified;
    bool is_one_of_several; /* its only band was one of several that are each for itself: a pixel whose centre it lacks
                               gets what is around */
    int overview;
    ncr_cutline *cutline; /* in pixels of the full resolution, or of the level where is_level_transform; NULL: none */
    double x_scale, y_scale;  /* given by the file: XSCALE, YSCALE; 0: found */
    bool samples_scale;       /* the scale is the mean of those at places all over the grid: FROM_GRID_SAMPLING */
    double max_error;         /* for GDAL: 0 exact */
    double memory_limit;      /* for GDAL, bytes */
    ncr_warp_option *options; /* all of a file's options, as they are written */
    size_t option_count, option_capacity;
} ncr_warp_setup;

void ncr_warp_setup_clear(ncr_warp_setup *setup);
bool ncr_warp_setup_has_src_nodata(const ncr_warp_setup *setup);
bool ncr_warp_setup_has_dst_nodata(const ncr_warp_setup *setup);
/* Sets or replaces an option. */
nacre_status ncr_warp_setup_option(ncr_warp_setup *setup, const char *name, const char *value, nacre_error *err);

/* The smallest real type that holds the values of both; FLOAT32 in place of FLOAT16. UNKNOWN takes the other. */
nacre_dtype ncr_dtype_union(nacre_dtype a, nacre_dtype b);

/* The largest value of an alpha band. */
double ncr_alpha_max(nacre_dtype dtype, int bits);

#endif
