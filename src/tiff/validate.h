/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TIFF_VALIDATE_H
#define NCR_TIFF_VALIDATE_H

#include <nacre/validate.h>

#include "raster/dataset.h"

/* nacre_dataset_validate_cog(). */
nacre_status ncr_tiff_validate_cog(ncr_dataset *dataset, ncr_call *call, nacre_finding_function function, void *user,
                                   bool *is_valid, nacre_error *err);

#endif
