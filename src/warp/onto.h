/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_WARP_ONTO_H
#define NCR_WARP_ONTO_H

#include <nacre/view.h>

#include "raster/canvas.h"

/* Warps source onto a canvas, over what it holds; see nacre_warp_onto(). Blocks; memory is 16 MiB a buffer, of which
 * there are four, besides what reads need. */
nacre_status ncr_warp_onto(ncr_canvas *canvas, ncr_dataset *source, const nacre_warp_options *options,
                           nacre_progress_function progress, void *user, ncr_call *call, nacre_error *err);

#endif
