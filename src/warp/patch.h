/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_WARP_PATCH_H
#define NCR_WARP_PATCH_H

#include "raster/lazy.h"
#include "warp/georef.h"

/* A part of a band that is held in memory, for what must be looked up point by point. Immutable once it is read. */
typedef struct ncr_patch {
    ncr_dataset *dataset; /* referenced */
    int band;
    ncr_rect window;
    bool is_single; /* values are float, which holds all of the band's; else double */
    void *values;
} ncr_patch;

void ncr_patch_clear(ncr_patch *patch);

/* The value of a pixel of the raster; NaN outside of the window. */
static inline double ncr_patch_value(const ncr_patch *patch, int64_t column, int64_t row)
{
    int64_t x = column - patch->window.x, y = row - patch->window.y;
    if (x < 0 || y < 0 || x >= patch->window.width || y >= patch->window.height)
        return (double)__builtin_nan("");
    int64_t at = y * patch->window.width + x;
    return patch->is_single ? (double)((const float *)patch->values)[at] : ((const double *)patch->values)[at];
}

enum { NCR_PATCHES_MAX = 2 };

/* What a georef loads: up to two patches of as many rasters. */
typedef struct ncr_patch_loading {
    ncr_georef *georef;                 /* referenced by the plan */
    ncr_lazy *sources[NCR_PATCHES_MAX]; /* borrowed from the georef */
    int count;
    /* Sets band and window of a patch, whose dataset is set. A window without pixels is not read. */
    nacre_status (*choose)(ncr_georef *georef, int index, ncr_patch *patch, nacre_error *err);
    /* Takes the patches that it keeps, and zeroes them; may be called again by another read. */
    nacre_status (*finish)(ncr_georef *georef, ncr_patch *patches, nacre_error *err);
} ncr_patch_loading;

/* A plan that opens the rasters, reads the patches and hands them on. NACRE_ERROR_TOO_LARGE: they are larger than the
 * key memory.limit. */
nacre_status ncr_patch_plan_load(const ncr_patch_loading *loading, ncr_call *call, ncr_plan **out, nacre_error *err);

#endif
