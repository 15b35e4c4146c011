/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NACRE_VALIDATE_H
#define NACRE_VALIDATE_H

#include "dataset.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Told of each thing that keeps a file from being a COG (is_error), or from being a good one; text is one line, valid
 * during the call. */
typedef void (*nacre_finding_function)(void *user, bool is_error, const char *text);

/* Looks whether a dataset is a Cloud Optimized GeoTIFF, by the rules of GDAL's validate_cloud_optimized_geotiff: tiles
 * and overviews inside, directories before data and from the largest image to the smallest, data from the smallest
 * to the largest, the marker's promises kept by the first block of each image. Reads the arrays of blocks as far as
 * needed. *is_valid: there was no error (warnings may have been told). A dataset that is no TIFF is not valid.
 * Errors as of a read. */
NACRE_API nacre_status nacre_dataset_validate_cog(nacre_dataset *dataset, const nacre_io_options *options,
                                                  nacre_finding_function function, void *user, bool *is_valid,
                                                  nacre_error *err);

#ifdef __cplusplus
}
#endif

#endif
