/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TIFF_CREATION_H
#define NCR_TIFF_CREATION_H

#include "raster/save.h"
#include "tiff/coding.h"

typedef enum ncr_bigtiff {
    NCR_BIGTIFF_IF_NEEDED, /* where offsets of 32 bits do not reach */
    NCR_BIGTIFF_YES,
    NCR_BIGTIFF_NO,
} ncr_bigtiff;

/* Which tags besides those of the pixels are written. */
typedef enum ncr_profile {
    NCR_PROFILE_GDAL,
    NCR_PROFILE_GEOTIFF, /* those of TIFF and GeoTIFF */
    NCR_PROFILE_BASELINE /* those of TIFF */
} ncr_profile;

typedef enum ncr_overviews {
    NCR_OVERVIEWS_NONE,
    NCR_OVERVIEWS_MAKE,
    NCR_OVERVIEWS_COPY, /* the source's own ones */
} ncr_overviews;

/* What the creation options say, under GDAL's names and with its defaults. Plain value. */
typedef struct ncr_creation {
    bool is_cog;
    nacre_dtype dtype;
    int band_count;     /* of the file: less than the dataset's where the alpha band becomes the mask */
    bool mask_of_alpha; /* the last band is the mask, and no band of the file */
    ncr_coding coding, overview_coding;
    unsigned bits; /* of a value as it is stored: those of its type, or NBITS */
    bool is_tiled, is_separate, is_sparse;
    int block_width, block_height;
    ncr_overviews overviews;
    int overview_count;          /* of those that are made; -1: until a block holds all */
    nacre_resampling resampling; /* of overviews */
    ncr_bigtiff bigtiff;
    unsigned photometric, overview_photometric;
    bool last_is_alpha;
    unsigned alpha; /* the value of ExtraSamples for an alpha band */
    ncr_profile profile;
    int threads;             /* at most so many work at once; 0: all there are */
    bool with_statistics;    /* found while the pixels pass by */
    bool without_statistics; /* the source's own are left out */
} ncr_creation;

/* Names of the options, NULL-terminated. */
extern const char *const ncr_creation_cog_names[], *const ncr_creation_gtiff_names[];

/* NACRE_ERROR_INVALID: an unknown option or value (named); NACRE_ERROR_UNSUPPORTED: bands that a TIFF cannot hold. */
nacre_status ncr_creation_read(const ncr_save *save, bool is_cog, ncr_creation *out, nacre_error *err);

#endif
