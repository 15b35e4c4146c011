/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_WARP_VIEW_H
#define NCR_WARP_VIEW_H

#include "raster/lazy.h"
#include "warp/engine.h"
#include "warp/warp.h"

/* A warped view as a dataset: made from an open source, or read from a file with the source opened at its first read.
 * Immutable but for the engine, which is made once. */
typedef struct ncr_warp_view {
    ncr_dataset base; /* first */
    ncr_lazy *source;
    ncr_warp_setup setup;
    _Atomic(ncr_warp_engine *) engine; /* NULL: not made yet */
} ncr_warp_view;

extern const ncr_dataset_class ncr_warp_view_class;

/* A view of ncr_warp_view_class whose base has band_count bands; the caller sets source, setup and the rest. NULL: out
 * of memory. */
ncr_warp_view *ncr_warp_view_alloc(int band_count);

/* What a view is called in messages: its own path, else that of its source. */
const char *ncr_warp_view_name(const ncr_warp_view *view);

/* The view's engine; its source must be open. *out is the caller's. */
nacre_status ncr_warp_view_engine(ncr_warp_view *view, ncr_warp_engine **out, nacre_error *err);

/* Plans of ncr_dataset_class. */
nacre_status ncr_warp_plan_read(ncr_dataset *dataset, const ncr_read_request *request, ncr_call *call, ncr_plan **out,
                                nacre_error *err);
nacre_status ncr_warp_plan_scaled(ncr_dataset *dataset, const ncr_scaled_request *request, ncr_call *call,
                                  ncr_plan **out, nacre_error *err);

/* A nodata value of any type. */
nacre_nodata ncr_warp_nodata_of(double value);

/* The type that holds all bands' values, for the setup; after the bands are set. */
void ncr_warp_view_set_output(ncr_warp_view *view);

/* Which dataset band is the alpha that the view computes, and flags and types of masks that follow; after setup and
 * bands are set. */
void ncr_warp_view_set_masks(ncr_warp_view *view);

#endif
