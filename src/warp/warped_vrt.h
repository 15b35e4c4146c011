/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_WARP_WARPED_VRT_H
#define NCR_WARP_WARPED_VRT_H

#include "vrt/vrt.h"
#include "warp/setup.h"

/* Between the files that read and write VRTWarpedDataset. `name` is the document's, for messages. */

/* The Option elements of GDALWarpOptions, and what they say. NACRE_ERROR_UNSUPPORTED: one that would change pixels and
 * is not done, or is not known. The bands must be there. */
nacre_status ncr_warped_vrt_read_options(const ncr_xml *warp, const char *name, ncr_warp_setup *setup,
                                         nacre_error *err);

/* The same from "KEY=VALUE" items, NULL-terminated (NULL: none). NACRE_ERROR_INVALID for bad values. */
nacre_status ncr_warp_apply_options(const char *name, const char *const *items, ncr_warp_setup *setup,
                                    nacre_error *err);

/* A cutline in pixels of the source. NACRE_ERROR_CORRUPT: it is no polygon. */
nacre_status ncr_warped_vrt_set_cutline(const char *name, const char *text, ncr_warp_setup *setup, nacre_error *err);

/* What stands in a GenImgProjTransformer in place of SrcGeoTransform: NULL: nothing. *out is the caller's. */
nacre_status ncr_warped_vrt_read_georef(const ncr_xml *image, const ncr_vrt_document *document, const char *name,
                                        ncr_georef **out, nacre_error *err);
nacre_status ncr_warped_vrt_write_georef(ncr_xml *image, const ncr_georef *georef, nacre_error *err);

/* Adds a GDALWarpOptions for a setup to root. */
nacre_status ncr_warped_vrt_write(const ncr_dataset *dataset, const ncr_vrt_document *document, ncr_xml *root,
                                  nacre_error *err);

#endif
