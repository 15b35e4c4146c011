/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_API_EDIT_H
#define NCR_API_EDIT_H

#include "raster/save.h"

/* Tells a save elsewhere of the overviews that the commit of save->dataset is going to make; of a dataset that is not
 * being changed, or has none to make, nothing. The save borrows them of the dataset. */
void ncr_edit_plan_overviews(ncr_save *save);

#endif
