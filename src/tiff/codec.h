/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TIFF_CODEC_H
#define NCR_TIFF_CODEC_H

#include <stdbool.h>
#include <stdint.h>

#include "tiff/index.h"

/* A compression scheme. One line a scheme in codec.c. */
typedef struct ncr_tiff_codec {
    uint16_t compression;  /* of the tag Compression */
    const char *name;      /* as Rasterio spells it ("deflate") */
    const char *gdal_name; /* of the metadata item COMPRESSION ("DEFLATE") */
    bool is_read;          /* whether blocks are decoded, where libtiff was built with it */
    const char *creation;  /* value of the creation option COMPRESS; NULL: not written */
} ncr_tiff_codec;

/* The scheme of a number; NULL: not known at all. */
const ncr_tiff_codec *ncr_tiff_codec_find(unsigned compression);

/* The scheme of a creation option's value in any case; NULL: it cannot be written. */
const ncr_tiff_codec *ncr_tiff_codec_for_writing(const char *creation);

/* The names of the scheme of a directory that is supported: LERC has some for what is added to it. */
const char *ncr_tiff_codec_name(const ncr_tiff_directory *directory);
const char *ncr_tiff_codec_gdal_name(const ncr_tiff_directory *directory);

/* Whether blocks of this scheme can be decoded here. */
bool ncr_tiff_codec_is_supported(unsigned compression);

#endif
