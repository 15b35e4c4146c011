/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_VRT_DRIVER_H
#define NCR_VRT_DRIVER_H

#include "vrt/vrt.h"

/* The registered subclass that a dataset is of, or NULL. */
const ncr_vrt_subclass *ncr_vrt_subclass_of(const ncr_dataset *dataset);

/* The tree of a dataset as it is written at document. */
nacre_status ncr_vrt_tree(ncr_dataset *dataset, const ncr_vrt_document *document, ncr_xml **out, nacre_error *err);

#endif
