/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_WARP_ENGINE_H
#define NCR_WARP_ENGINE_H

#include "warp/kernel.h"
#include "warp/setup.h"

/* A warped view made ready for its open source: which level is read, how its pixels map, how they are resampled.
 * Everything is decided for the whole grid, so that every window gets the same. Immutable, reference-counted. */
typedef struct ncr_warp_engine {
    _Atomic int references;
    const ncr_warp_setup *setup; /* borrowed from the view, which outlives it */
    ncr_dataset *source;         /* referenced */
    int level;                   /* of the source; 0: full resolution */
    ncr_map map;                 /* to pixels of that level */
    int width, height;           /* of the destination grid */
    ncr_kernel kernel;           /* for all bands; its arrays are the engine's */
    ncr_kernel_function run;
    bool uses_mask; /* the source's mask of the whole dataset says what is valid */
    double src_alpha_max, dst_alpha_max;
    double *dst_nodata; /* a band of the setup each; NaN: none */
} ncr_warp_engine;

/* grid: NULL: the setup's, else a scaled one. reprojection: NULL: a new one.
 * NACRE_ERROR_CORRUPT: the setup names a band that the source does not have; NACRE_ERROR_UNSUPPORTED: complex values,
 * a resampling that is not built. name is the view's, for messages. */
nacre_status ncr_warp_engine_new(const char *name, const ncr_warp_setup *setup, ncr_dataset *source,
                                 const nacre_grid *grid, nacre_resampling resampling, ncr_reprojection *reprojection,
                                 ncr_warp_engine **out, nacre_error *err);
ncr_warp_engine *ncr_warp_engine_ref(ncr_warp_engine *engine);
void ncr_warp_engine_unref(ncr_warp_engine *engine);

/* NACRE_ERROR_UNSUPPORTED with the name of a resampling that is not built. */
nacre_status ncr_warp_check_resampling(const char *name, nacre_resampling resampling, nacre_error *err);

/* --- scale.c: what is decided once for a whole grid --- */

/* Destination pixels per source pixel on both axes, as GDAL finds them for one chunk that covers the grid; taps is the
 * kernel's reach at full scale. *meets: false: the grid and the source have nothing in common. */
nacre_status ncr_map_scale(const ncr_map *map, int width, int height, int src_width, int src_height, int taps,
                           double *x_scale, double *y_scale, bool *meets, nacre_error *err);

/* The mean over the grid of how many destination pixels a source pixel becomes. */
nacre_status ncr_map_local_scale(const ncr_map *map, int width, int height, double *x_scale, double *y_scale,
                                 nacre_error *err);

/* The level of the source that gdalwarp's `-ovr AUTO` would read for the grid (overview as in ncr_warp_setup). map is
 * that of the full resolution. */
nacre_status ncr_map_level(const ncr_map *map, int width, int height, const ncr_dataset *source, int overview,
                           int *level, nacre_error *err);

#endif
