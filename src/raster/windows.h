/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_RASTER_WINDOWS_H
#define NCR_RASTER_WINDOWS_H

#include "raster/dataset.h"

/* A read in bounded memory: where its plan would need more than the key memory.limit, a plan of successive windows of
 * it, each straight into its place in the buffer. They are fetched and composed beside one another, as many as the
 * executor has memory for, so it costs the rounds of one. The result is the same to the bit for any cut.
 *
 * request as for ncr_dataset_plan_scaled(), masks: as for ncr_dataset_plan_masks(); request->part must be empty. What
 * the request points to is borrowed until the plan is freed. A view that resamples in its own way
 * (ncr_dataset_class.plan_scaled) is not cut where it does so: it keeps to the limit by itself. */
nacre_status ncr_windows_plan(ncr_dataset *dataset, const ncr_scaled_request *request, bool masks, ncr_call *call,
                              ncr_plan **out, nacre_error *err);

#endif
