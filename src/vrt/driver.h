/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_VRT_DRIVER_H
#define NCR_VRT_DRIVER_H

#include "vrt/vrt.h"

/* The registered subclass that a dataset is of, or NULL. */
const ncr_vrt_subclass *ncr_vrt_subclass_of(const ncr_dataset *dataset);

#endif
