/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_RASTER_OVERVIEW_H
#define NCR_RASTER_OVERVIEW_H

#include "raster/dataset.h"

/* The level (0: full resolution) from which a window of level 0 is resampled to out_width x out_height, as GDAL's
 * RasterIO chooses it: the most reduced one that is not more, or only a little more, reduced than what is asked for.
 * nearest: that little is a fifth instead of nothing. */
int ncr_overview_choose(const ncr_dataset *dataset, const nacre_window *window, int out_width, int out_height,
                        bool nearest);

/* Width and height of a level of the dataset, which exists. */
void ncr_overview_size(const ncr_dataset *dataset, int level, int *width, int *height);

#endif
