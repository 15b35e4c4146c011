/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TIFF_TAGS_OUT_H
#define NCR_TIFF_TAGS_OUT_H

#include "tiff/creation.h"
#include "tiff/directory_out.h"
#include "tiff/encode.h"
#include "tiff/statistics.h"

/* What the directories of a file being written say of a dataset. */

typedef struct ncr_out_image {
    int width, height;
    bool is_overview, is_mask;
    size_t block_count;
} ncr_out_image;

/* The tags of an image: all of them for full resolution, those that describe pixels for overviews, few for masks.
 * statistics: of each band, or NULL. directory is cleared by the caller whatever happens. */
nacre_status ncr_out_describe(ncr_out_directory *directory, const ncr_save *save, const ncr_creation *creation,
                              const ncr_tiff_format *format, const ncr_statistics *statistics,
                              const ncr_out_image *image, nacre_error *err);

/* The colour that a reader finds for a band (from 0) without being told. */
nacre_color ncr_out_natural_color(const ncr_dataset *dataset, const ncr_creation *creation, int band);

/* The text of the tag GDAL_METADATA; *out is NULL where there is nothing to say, else the caller's to free. */
nacre_status ncr_out_gdal_metadata(const ncr_save *save, const ncr_creation *creation, const ncr_statistics *statistics,
                                   char **out, nacre_error *err);

#endif
