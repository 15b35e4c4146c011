/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_RASTER_REFRESH_H
#define NCR_RASTER_REFRESH_H

#include "raster/dataset.h"

/* Whether what a dataset was made of is still the same, and a dataset of what there is now. */

/* Proves every object again that was opened for a dataset, all in one round, and opens it anew on these proofs. *out is
 * the caller's; NULL where nothing has changed, and after failure. `drivers` as in ncr_open_request. The call must
 * prove again (ncr_call.proves_again). An object that is gone is a change; that of the dataset itself is
 * NACRE_ERROR_NOT_FOUND. NACRE_ERROR_UNSUPPORTED: a view, which is not opened by a path. */
nacre_status ncr_dataset_refresh(ncr_dataset *dataset, const char *const *drivers, ncr_call *call, ncr_dataset **out,
                                 nacre_error *err);

/* NACRE_ERROR_CHANGED, saying what differs, where the size, bands, their types, CRS or transform are not the same. */
nacre_status ncr_dataset_check_alike(const ncr_dataset *was, const ncr_dataset *now, nacre_error *err);

#endif
