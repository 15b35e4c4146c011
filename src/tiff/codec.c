/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tiff/codec.h"

#include <stddef.h>
#include <tiffio.h>

#include "base/text.h"

/* Schemes that libtiff decodes block by block without any help but tags that decode.c gives it. */
static const ncr_tiff_codec codecs[] = {
    {COMPRESSION_NONE, "none", NULL, true, "NONE"},
    {COMPRESSION_LZW, "lzw", "LZW", true, "LZW"},
    {COMPRESSION_ADOBE_DEFLATE, "deflate", "DEFLATE", true, "DEFLATE"},
    {COMPRESSION_DEFLATE, "deflate", "DEFLATE", true, NULL},
    {COMPRESSION_ZSTD, "zstd", "ZSTD", true, "ZSTD"},
    {COMPRESSION_JPEG, "jpeg", "JPEG", true, NULL},
    {COMPRESSION_PACKBITS, "packbits", "PACKBITS", true, NULL},
    {COMPRESSION_LERC, "lerc", "LERC", true, NULL},
    {COMPRESSION_WEBP, "webp", "WEBP", true, NULL},
    {COMPRESSION_LZMA, "lzma", "LZMA", true, NULL},
    {COMPRESSION_CCITTRLE, "ccittrle", "CCITTRLE", true, NULL},
    {COMPRESSION_CCITTFAX3, "ccittfax3", "CCITTFAX3", true, NULL},
    {COMPRESSION_CCITTFAX4, "ccittfax4", "CCITTFAX4", true, NULL},
    {COMPRESSION_CCITTRLEW, "ccittrlew", "CCITTRLEW", false, NULL},
    {COMPRESSION_OJPEG, "old-style jpeg", "OJPEG", false, NULL},
    {COMPRESSION_NEXT, "next", "NEXT", false, NULL},
    {COMPRESSION_THUNDERSCAN, "thunderscan", "THUNDERSCAN", false, NULL},
    {COMPRESSION_PIXARFILM, "pixarfilm", "PIXARFILM", false, NULL},
    {COMPRESSION_PIXARLOG, "pixarlog", "PIXARLOG", false, NULL},
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
