/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_RASTER_BESIDE_H
#define NCR_RASTER_BESIDE_H

#include "raster/dataset.h"

/* Files beside a document (`looks_beside` of a dataset), which its open does not look for, so that it stays one
 * request. They are looked for once, together with what its first read asks for. What they hold is not read; but that
 * they are there is never passed over where it would change what a read gives. */

/* Whether the next read will look. */
bool ncr_beside_will_look(const ncr_dataset *dataset, const ncr_call *call);

/* Makes of a plan that reads the dataset (taken over, also on failure) one that looks beside it too, where that was not
 * done; *out may be the plan itself. NACRE_ERROR_MEMORY. The plan fails with NACRE_ERROR_UNSUPPORTED, and names the
 * file, where there is a mask (.msk) and the document has none of its own, or is_reduced (the read is of less than full
 * resolution) and there are overviews (.ovr). The key `sidecars` says never: nothing is looked for or refused. */
nacre_status ncr_beside_plan(ncr_dataset *dataset, bool is_reduced, ncr_plan *plan, ncr_plan **out, nacre_error *err);

#endif
