/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TIFF_CREATION_H
#define NCR_TIFF_CREATION_H

#include "raster/save.h"
#include "tiff/codec.h"

typedef enum ncr_bigtiff {
    NCR_BIGTIFF_IF_NEEDED, /* where offsets of 32 bits do not reach */
    NCR_BIGTIFF_YES,
    NCR_BIGTIFF_NO,
} ncr_bigtiff;

/* What the creation options say, under GDAL's names and with its defaults. Plain value. */
typedef struct ncr_creation {
    bool is_cog;
    const ncr_tiff_codec *codec;
    int codec_level; /* -1: libtiff's own */
    unsigned predictor;
    bool is_tiled, is_separate;
    int block_width, block_height;
    bool with_overviews;
    nacre_resampling resampling; /* of overviews */
    ncr_bigtiff bigtiff;
    unsigned photometric;
} ncr_creation;

/* NACRE_ERROR_INVALID: an unknown option or value (named). */
nacre_status ncr_creation_read(const ncr_save *save, bool is_cog, ncr_creation *out, nacre_error *err);

#endif
