/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_RASTER_SCALED_H
#define NCR_RASTER_SCALED_H

#include "raster/dataset.h"

/* What ncr_dataset_plan_scaled() will do with a request. */

/* Whether the window is of whole pixels, inside the raster and in its own size: then nothing is resampled, and the
 * whole output is *rect of the raster. */
bool ncr_scaled_is_plain(const ncr_dataset *dataset, const ncr_scaled_request *request, ncr_rect *rect);

/* Whether request->part may be set: not where the driver resamples in its own way. */
bool ncr_scaled_can_be_cut(const ncr_dataset *dataset, const ncr_scaled_request *request);

/* The size of what a request makes: of its part, or of the whole output. */
void ncr_scaled_size(const ncr_scaled_request *request, int *width, int *height);

#endif
