/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_API_WEB_H
#define NCR_API_WEB_H

#include "raster/save.h"

/* COGs whose blocks are the tiles of a web map: the creation options TILING_SCHEME=GoogleMapsCompatible, ZOOM_LEVEL,
 * ZOOM_LEVEL_STRATEGY, ALIGNED_LEVELS, WARP_RESAMPLING and ADD_ALPHA of GDAL's COG driver. They join warp and tiff, and
 * so they are here. */

/* Whether it is the name of one of these options, in any case. */
bool ncr_web_has_option(const char *name);

/* saver->save() of the task, or of the dataset reprojected to the scheme where the options ask for one. */
nacre_status ncr_web_save(const ncr_saver *saver, const ncr_save *task, nacre_error *err);

/* saver->describe(), likewise; the form is that of the file, whose size is not known yet. */
nacre_status ncr_web_describe(const ncr_saver *saver, const ncr_save *task, ncr_save_form *out, nacre_error *err);

#endif
