/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tiff/codec.h"

#include <stddef.h>
#include <tiffio.h>

#include "base/text.h"

/* Schemes that libtiff decodes block by block without any help but tags that decode.c gives it. Those that Rasterio has
 * no name for it tells by GDAL's. */
static const ncr_tiff_codec codecs[] = {
    {COMPRESSION_NONE, "none", NULL, true, "NONE"},
    {COMPRESSION_LZW, "lzw", "LZW", true, "LZW"},
    {COMPRESSION_ADOBE_DEFLATE, "deflate", "DEFLATE", true, "DEFLATE"},
    {COMPRESSION_DEFLATE, "deflate", "DEFLATE", true, NULL},
    {COMPRESSION_ZSTD, "zstd", "ZSTD", true, "ZSTD"},
    {COMPRESSION_JPEG, "jpeg", "JPEG", true, "JPEG"},
    {COMPRESSION_PACKBITS, "packbits", "PACKBITS", true, "PACKBITS"},
    {COMPRESSION_LERC, "lerc", "LERC", true, "LERC"},
    {COMPRESSION_WEBP, "webp", "WEBP", true, "WEBP"},
    {COMPRESSION_LZMA, "lzma", "LZMA", true, "LZMA"},
    {COMPRESSION_CCITTRLE, "ccittrle", "CCITTRLE", true, NULL},
    {COMPRESSION_CCITTFAX3, "ccittfax3", "CCITTFAX3", true, NULL},
    {COMPRESSION_CCITTFAX4, "ccittfax4", "CCITTFAX4", true, NULL},
    {COMPRESSION_CCITTRLEW, "ccittrlew", "CCITTRLEW", false, NULL}, /* libtiff does not read what it writes */
    {COMPRESSION_OJPEG, "old-style jpeg", "OJPEG", false, NULL},
    {COMPRESSION_NEXT, "NEXT", "NEXT", true, NULL},
    {COMPRESSION_THUNDERSCAN, "thunderscan", "THUNDERSCAN", false, NULL},
    {COMPRESSION_PIXARFILM, "pixarfilm", "PIXARFILM", false, NULL},
    {COMPRESSION_PIXARLOG, "PIXARLOG", "PIXARLOG", true, NULL},
    {COMPRESSION_DCS, "dcs", "DCS", false, NULL},
    {COMPRESSION_JBIG, "jbig", "JBIG", false, NULL},
    {COMPRESSION_SGILOG, "sgilog", "SGILOG", false, NULL},
    {COMPRESSION_SGILOG24, "sgilog24", "SGILOG24", false, NULL},
    {COMPRESSION_JP2000, "jp2000", "JP2000", false, NULL},
    {COMPRESSION_JXL, "jxl", "JXL", false, NULL},
    {52546, "jxl", "JXL", false, NULL}, /* DNG 1.7 */
};

const ncr_tiff_codec *ncr_tiff_codec_find(unsigned compression)
{
    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++)
        if (codecs[i].compression == compression)
            return &codecs[i];
    return NULL;
}

const ncr_tiff_codec *ncr_tiff_codec_for_writing(const char *creation)
{
    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++)
        if (codecs[i].creation && ncr_text_equal_nocase(codecs[i].creation, creation))
            return &codecs[i];
    return NULL;
}

bool ncr_tiff_codec_is_supported(unsigned compression)
{
    const ncr_tiff_codec *codec = ncr_tiff_codec_find(compression);
    return codec && codec->is_read && TIFFIsCODECConfigured((uint16_t)compression);
}

/* LERC's bytes may be compressed once more, which a tag of its own tells. */
static unsigned lerc_addition(const ncr_tiff_directory *directory)
{
    uint64_t addition = 0;
    if (ncr_tiff_uint(directory, NCR_TAG_COMPRESSION, COMPRESSION_NONE) == COMPRESSION_LERC)
        ncr_tiff_tag_uint(ncr_tiff_tag_find(directory, NCR_TAG_LERC_PARAMETERS), 1, &addition);
    return addition <= LERC_ADD_COMPRESSION_ZSTD ? (unsigned)addition : 0;
}

static const ncr_tiff_codec *codec_of(const ncr_tiff_directory *directory)
{
    return ncr_tiff_codec_find((unsigned)ncr_tiff_uint(directory, NCR_TAG_COMPRESSION, COMPRESSION_NONE));
}

const char *ncr_tiff_codec_name(const ncr_tiff_directory *directory)
{
    static const char *const with_addition[] = {NULL, "lerc_deflate", "lerc_zstd"};
    const char *name = with_addition[lerc_addition(directory)];
    return name ? name : codec_of(directory)->name;
}

const char *ncr_tiff_codec_gdal_name(const ncr_tiff_directory *directory)
{
    static const char *const with_addition[] = {NULL, "LERC_DEFLATE", "LERC_ZSTD"};
    const char *name = with_addition[lerc_addition(directory)];
    return name ? name : codec_of(directory)->gdal_name;
}
