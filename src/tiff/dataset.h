/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TIFF_DATASET_H
#define NCR_TIFF_DATASET_H

#include "raster/dataset.h"
#include "tiff/index.h"
#include "tiff/layout.h"

/* One image of the file: full resolution, an overview or a mask. Immutable. */
typedef struct ncr_tiff_level {
    const ncr_tiff_directory *directory; /* the index's; NULL: there is no such level */
    uint32_t number;                     /* of the directory in the index; for keys of cached values */
    ncr_tiff_layout layout;
} ncr_tiff_level;

/* An open TIFF. */
typedef struct ncr_tiff_dataset {
    ncr_dataset base;
    ncr_tiff_index *index;  /* referenced */
    ncr_tiff_level *images; /* [overviews inside the file + 1], the levels of requests */
    ncr_tiff_level *masks;  /* alike; NULL: no mask inside the file; of as many samples as the image: one a band */
    int level_count;
    ncr_dataset *overview_file; /* its levels follow the file's own one; NULL: none */
    ncr_dataset *mask_file;     /* its first band is the mask, or each one that of a band; NULL: none */
    ncr_file *notes[3];         /* read into it: .aux.xml, coefficients, world file; NULL: none */
} ncr_tiff_dataset;

extern const ncr_dataset_class ncr_tiff_dataset_class;

/* Makes the dataset of an index: everything but sidecars. `file` is the open object. */
nacre_status ncr_tiff_dataset_new(const char *path, ncr_file *file, ncr_tiff_index *index, ncr_tiff_dataset **out,
                                  nacre_error *err);

/* The driver's plan_read. */
nacre_status ncr_tiff_plan_read(ncr_dataset *dataset, const ncr_read_request *request, ncr_call *call, ncr_plan **out,
                                nacre_error *err);

/* --- Parts of making a dataset; each fills in what its name says from the first directory. --- */
nacre_status ncr_tiff_describe_bands(ncr_tiff_dataset *dataset, nacre_error *err);
nacre_status ncr_tiff_describe_metadata(ncr_tiff_dataset *dataset, nacre_error *err);
void ncr_tiff_describe_masks(ncr_tiff_dataset *dataset); /* after both: metadata may say which band is alpha */
nacre_status ncr_tiff_describe_position(ncr_tiff_dataset *dataset, nacre_error *err);

/* A nodata value as text, exact for 64-bit integers; not set where the text is no number. */
nacre_nodata ncr_tiff_nodata_read(const char *text, nacre_dtype dtype);

/* Items of the text of the tag GDAL_METADATA, into the dataset and its bands. */
nacre_status ncr_tiff_gdal_metadata(ncr_dataset *dataset, const char *text, nacre_error *err);

#endif
