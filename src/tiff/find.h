/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TIFF_FIND_H
#define NCR_TIFF_FIND_H

#include <nacre/measure.h>

#include "raster/dataset.h"

/* As nacre_dataset_block_find(); blocks. */
nacre_status ncr_tiff_block_find(ncr_dataset *dataset, int band, int overview, int column, int row, ncr_call *call,
                                 nacre_block_place *out, nacre_error *err);

#endif
