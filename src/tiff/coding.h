/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TIFF_CODING_H
#define NCR_TIFF_CODING_H

#include "raster/save.h"
#include "tiff/codec.h"

/* How the blocks of an image are compressed, as creation options say it. Plain value. */
typedef struct ncr_coding {
    const ncr_tiff_codec *codec;
    int level;          /* of Deflate, ZSTD and LZMA; -1: libtiff's own, of Deflate what fits each block */
    int quality;        /* of JPEG and WebP, 1 to 100 */
    bool is_lossless;   /* WebP */
    double max_z_error; /* LERC: how far a value may be off */
    unsigned addition;  /* LERC: libtiff's number of what compresses its bytes once more */
    unsigned predictor; /* 1 (none), 2, 3 */
} ncr_coding;

/* The names of the options that a coding is read from: those of a COG, of its overviews, of a GeoTIFF. */
typedef enum ncr_coding_names { NCR_CODING_GTIFF, NCR_CODING_COG, NCR_CODING_COG_OVERVIEW } ncr_coding_names;

/* Reads a coding for values of a type; what is not said is as in fallback (NULL: the format's own default).
 * NACRE_ERROR_INVALID: a value that cannot be, or a scheme that does not take such values (both are named). */
nacre_status ncr_coding_read(const ncr_save *save, ncr_coding_names names, const ncr_coding *fallback,
                             nacre_dtype dtype, ncr_coding *out, nacre_error *err);

/* --- For those who read creation options --- */

/* NACRE_ERROR_INVALID, which names the option, its value and what it takes. */
nacre_status ncr_creation_bad_value(const ncr_save *save, const char *name, const char *value, const char *wanted,
                                    nacre_error *err);
/* A whole number from lowest to highest; *out stays where the option is not given. */
nacre_status ncr_creation_number(const ncr_save *save, const char *name, int lowest, int highest, int *out,
                                 nacre_error *err);
/* YES or NO in their spellings; *out stays where the option is not given. */
nacre_status ncr_creation_bool(const ncr_save *save, const char *name, bool *out, nacre_error *err);

#endif
