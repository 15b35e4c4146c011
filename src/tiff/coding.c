/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tiff/coding.h"

#include <assert.h>
#include <math.h>
#include <string.h>
#include <tiff.h>

#include "base/text.h"
#include "raster/dtype.h"

nacre_status ncr_creation_bad_value(const ncr_save *save, const char *name, const char *value, const char *wanted,
                                    nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: creation option %s=%s: it takes %s", save->destination->name,
                         name, value, wanted);
}

nacre_status ncr_creation_number(const ncr_save *save, const char *name, int lowest, int highest, int *out,
                                 nacre_error *err)
{
    const char *text = ncr_save_option(save, name, NULL);
    int value;
    if (!text)
        return NACRE_OK;
    if (!ncr_text_to_int(text, &value) || value < lowest || value > highest)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: creation option %s=%s: it takes %d to %d",
                             save->destination->name, name, text, lowest, highest);
    *out = value;
    return NACRE_OK;
}

nacre_status ncr_creation_bool(const ncr_save *save, const char *name, bool *out, nacre_error *err)
{
    const char *text = ncr_save_option(save, name, NULL);
    if (!text || ncr_text_to_bool(text, out))
        return NACRE_OK;
    return ncr_creation_bad_value(save, name, text, "YES or NO", err);
}

/* --- The names of options, for each set of them --- */

typedef struct names {
    const char *compress, *predictor, *max_z_error, *jpeg_quality, *webp_quality;
    const char *deflate_level, *zstd_level, *lzma_level;
} names;

static const names all_names[] = {
    [NCR_CODING_GTIFF] = {"COMPRESS", "PREDICTOR", "MAX_Z_ERROR", "JPEG_QUALITY", "WEBP_LEVEL", "ZLEVEL", "ZSTD_LEVEL",
                          "LZMA_PRESET"},
    [NCR_CODING_COG] = {"COMPRESS", "PREDICTOR", "MAX_Z_ERROR", "QUALITY", "QUALITY", "LEVEL", "LEVEL", "LEVEL"},
    [NCR_CODING_COG_OVERVIEW] = {"OVERVIEW_COMPRESS", "OVERVIEW_PREDICTOR", "MAX_Z_ERROR_OVERVIEW", "OVERVIEW_QUALITY",
                                 "OVERVIEW_QUALITY", "LEVEL", "LEVEL", "LEVEL"},
};

/* --- Compression --- */

static bool is_scheme(const ncr_coding *coding, unsigned compression)
{
    return coding->codec->compression == compression;
}

static nacre_status read_codec(const ncr_save *save, const names *n, ncr_coding *out, nacre_error *err)
{
    static const char wanted[] =
        "NONE, LZW, DEFLATE, ZSTD, PACKBITS, LZMA, LERC, LERC_DEFLATE, LERC_ZSTD, JPEG or WEBP";
    const char *text = ncr_save_option(save, n->compress, NULL);
    if (!text || (n == &all_names[NCR_CODING_COG_OVERVIEW] && ncr_text_equal_nocase(text, "AUTO")))
        return NACRE_OK;
    out->addition = ncr_text_equal_nocase(text, "LERC_DEFLATE") ? LERC_ADD_COMPRESSION_DEFLATE
                    : ncr_text_equal_nocase(text, "LERC_ZSTD")  ? LERC_ADD_COMPRESSION_ZSTD
                                                                : LERC_ADD_COMPRESSION_NONE;
    out->codec = ncr_tiff_codec_for_writing(out->addition ? "LERC" : text);
    if (out->codec && ncr_tiff_codec_is_supported(out->codec->compression))
        return NACRE_OK;
    out->codec = NULL;
    return ncr_creation_bad_value(save, n->compress, text, wanted, err);
}

static nacre_status read_level(const ncr_save *save, const names *n, ncr_coding *out, nacre_error *err)
{
    bool is_zstd = is_scheme(out, COMPRESSION_ZSTD) || out->addition == LERC_ADD_COMPRESSION_ZSTD;
    if (is_scheme(out, COMPRESSION_LZMA))
        return ncr_creation_number(save, n->lzma_level, 0, 9, &out->level, err);
    return ncr_creation_number(save, is_zstd ? n->zstd_level : n->deflate_level, 1, is_zstd ? 22 : 12, &out->level,
                               err);
}

static nacre_status read_quality(const ncr_save *save, const names *n, ncr_coding *out, nacre_error *err)
{
    bool is_webp = is_scheme(out, COMPRESSION_WEBP);
    nacre_status status =
        ncr_creation_number(save, is_webp ? n->webp_quality : n->jpeg_quality, 1, 100, &out->quality, err);
    if (status != NACRE_OK || !is_webp)
        return status;
    if (n != &all_names[NCR_CODING_GTIFF]) {
        out->is_lossless = out->quality == 100; /* as GDAL's COG driver has it */
        return NACRE_OK;
    }
    return ncr_creation_bool(save, "WEBP_LOSSLESS", &out->is_lossless, err);
}

static nacre_status read_z_error(const ncr_save *save, const names *n, ncr_coding *out, nacre_error *err)
{
    const char *text = ncr_save_option(save, n->max_z_error, NULL);
    double value;
    if (!text)
        return NACRE_OK;
    if (!ncr_text_to_double(text, &value) || !(value >= 0) || !isfinite(value))
        return ncr_creation_bad_value(save, n->max_z_error, text, "a number from 0", err);
    out->max_z_error = value;
    return NACRE_OK;
}

/* --- Predictor --- */

static bool is_any_of(const char *text, const char *const *words)
{
    while (*words && !ncr_text_equal_nocase(text, *words))
        words++;
    return *words;
}

static nacre_status read_predictor(const ncr_save *save, const names *n, nacre_dtype dtype, ncr_coding *out,
                                   nacre_error *err)
{
    static const char *const yes[] = {"YES", "TRUE", NULL}, *const standard[] = {"STANDARD", "2", NULL},
                             *const floats[] = {"FLOATING_POINT", "3", NULL},
                             *const no[] = {"NO", "FALSE", "1", "NONE", NULL};
    const char *text = ncr_save_option(save, n->predictor, NULL);
    bool is_complex = ncr_dtype_is_complex(dtype), is_float = !is_complex && !ncr_dtype_is_integer(dtype);
    if (!text)
        return NACRE_OK;
    if (is_any_of(text, yes))
        out->predictor = is_complex ? 1 : is_float ? 3 : 2;
    else if (is_any_of(text, standard))
        out->predictor = 2;
    else if (is_any_of(text, floats))
        out->predictor = 3;
    else if (is_any_of(text, no))
        out->predictor = 1;
    else
        return ncr_creation_bad_value(save, n->predictor, text, "YES, NO, STANDARD (2) or FLOATING_POINT (3)", err);
    if ((out->predictor == 3 && !is_float) || (out->predictor == 2 && is_complex))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: creation option %s=%s: the values are %s",
                             save->destination->name, n->predictor, text, ncr_dtype_name(dtype));
    return NACRE_OK;
}

static bool takes_predictor(const ncr_coding *coding)
{
    return is_scheme(coding, COMPRESSION_LZW) || is_scheme(coding, COMPRESSION_ADOBE_DEFLATE) ||
           is_scheme(coding, COMPRESSION_ZSTD);
}

/* --- What a scheme can hold --- */

static nacre_status check_dtype(const ncr_save *save, const names *n, nacre_dtype dtype, const ncr_coding *coding,
                                nacre_error *err)
{
    bool is_lossy_picture = is_scheme(coding, COMPRESSION_JPEG) || is_scheme(coding, COMPRESSION_WEBP);
    bool fits = true;
    if (is_lossy_picture)
        fits = dtype == NACRE_DTYPE_UINT8;
    else if (is_scheme(coding, COMPRESSION_LERC))
        fits = !ncr_dtype_is_complex(dtype) && dtype != NACRE_DTYPE_INT64 && dtype != NACRE_DTYPE_UINT64 &&
               dtype != NACRE_DTYPE_FLOAT16;
    if (fits)
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: creation option %s=%s: it does not take %s values",
                         save->destination->name, n->compress, coding->codec->creation, ncr_dtype_name(dtype));
}

nacre_status ncr_coding_read(const ncr_save *save, ncr_coding_names set, const ncr_coding *fallback, nacre_dtype dtype,
                             ncr_coding *out, nacre_error *err)
{
    const names *n = &all_names[set];
    assert(fallback || set != NCR_CODING_COG_OVERVIEW);
    *out = (ncr_coding){.level = -1, .quality = 75, .predictor = 1};
    if (fallback)
        *out = *fallback;
    else
        out->codec = ncr_tiff_codec_for_writing(set == NCR_CODING_GTIFF ? "NONE" : "LZW");
    nacre_status status = read_codec(save, n, out, err);
    if (status == NACRE_OK && set == NCR_CODING_COG_OVERVIEW && out->codec != fallback->codec)
        out->level = -1; /* LEVEL is that of another scheme */
    else if (status == NACRE_OK)
        status = read_level(save, n, out, err);
    if (status == NACRE_OK)
        status = read_quality(save, n, out, err);
    if (status == NACRE_OK)
        status = read_z_error(save, n, out, err);
    if (status == NACRE_OK)
        status = read_predictor(save, n, dtype, out, err);
    if (status == NACRE_OK && !takes_predictor(out))
        out->predictor = 1;
    return status == NACRE_OK ? check_dtype(save, n, dtype, out, err) : status;
}
