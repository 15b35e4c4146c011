/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tiff/creation.h"

#include <string.h>
#include <tiff.h>

#include "base/text.h"
#include "raster/dtype.h"
#include "tiff/reduce.h"
#include "tiff/tags.h"

enum { COG_BLOCK = 512, TILE = 256, STRIP_BYTES = 8192, MAX_BLOCK = 65536 };

static const char *const cog_names[] = {
    "COMPRESS",   "LEVEL",      "PREDICTOR",   "BLOCKSIZE", "OVERVIEWS", "BIGTIFF", "OVERVIEW_RESAMPLING",
    "RESAMPLING", "INTERLEAVE", "NUM_THREADS", NULL};
static const char *const gtiff_names[] = {"COMPRESS",   "ZLEVEL",      "ZSTD_LEVEL", "PREDICTOR", "TILED",
                                          "BLOCKXSIZE", "BLOCKYSIZE",  "INTERLEAVE", "BIGTIFF",   "PHOTOMETRIC",
                                          "PROFILE",    "NUM_THREADS", NULL};

static nacre_status bad_value(const ncr_save *save, const char *name, const char *value, const char *wanted,
                              nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: creation option %s=%s: it takes %s", save->destination->name,
                         name, value, wanted);
}

/* A whole number from lowest to highest; *out stays where the option is not given. */
static nacre_status read_number(const ncr_save *save, const char *name, int lowest, int highest, int *out,
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

static bool is_one_of(const char *text, const char *a, const char *b)
{
    return ncr_text_equal_nocase(text, a) || ncr_text_equal_nocase(text, b);
}

static nacre_status read_codec(const ncr_save *save, ncr_creation *out, nacre_error *err)
{
    const char *compress = ncr_save_option(save, "COMPRESS", out->is_cog ? "LZW" : "NONE");
    out->codec = ncr_tiff_codec_for_writing(compress);
    if (!out->codec || !ncr_tiff_codec_is_supported(out->codec->compression))
        return bad_value(save, "COMPRESS", compress, "NONE, LZW, DEFLATE or ZSTD", err);
    out->codec_level = -1;
    bool is_zstd = out->codec->compression == COMPRESSION_ZSTD;
    const char *name = out->is_cog ? "LEVEL" : is_zstd ? "ZSTD_LEVEL" : "ZLEVEL";
    return read_number(save, name, 1, is_zstd ? 22 : 12, &out->codec_level, err);
}

static nacre_status read_predictor(const ncr_save *save, ncr_creation *out, nacre_error *err)
{
    const char *text = ncr_save_option(save, "PREDICTOR", "NO");
    nacre_dtype dtype = save->dataset->bands[0].dtype;
    bool is_float = !ncr_dtype_is_integer(dtype);
    if (is_one_of(text, "YES", "TRUE"))
        out->predictor = is_float ? 3 : 2;
    else if (is_one_of(text, "STANDARD", "2"))
        out->predictor = 2;
    else if (is_one_of(text, "FLOATING_POINT", "3"))
        out->predictor = 3;
    else if (is_one_of(text, "NO", "FALSE") || is_one_of(text, "1", "NONE"))
        out->predictor = 1;
    else
        return bad_value(save, "PREDICTOR", text, "YES, NO, STANDARD (2) or FLOATING_POINT (3)", err);
    if (out->predictor == 3 && !is_float)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: creation option PREDICTOR=%s: the values are %s",
                             save->destination->name, text, ncr_dtype_name(dtype));
    if (out->codec->compression == COMPRESSION_NONE)
        out->predictor = 1;
    return NACRE_OK;
}

static nacre_status read_interleave(const ncr_save *save, ncr_creation *out, nacre_error *err)
{
    const char *text = ncr_save_option(save, "INTERLEAVE", "PIXEL");
    bool is_band = ncr_text_equal_nocase(text, "BAND");
    if (!is_band && !ncr_text_equal_nocase(text, "PIXEL"))
        return bad_value(save, "INTERLEAVE", text, out->is_cog ? "PIXEL" : "PIXEL or BAND", err);
    if (is_band && out->is_cog)
        return bad_value(save, "INTERLEAVE", text, "PIXEL in a COG", err);
    out->is_separate = is_band && save->dataset->band_count > 1;
    return NACRE_OK;
}

static nacre_status read_tiling(const ncr_save *save, ncr_creation *out, nacre_error *err)
{
    const ncr_dataset *dataset = save->dataset;
    if (out->is_cog) {
        out->is_tiled = true;
        out->block_width = COG_BLOCK;
        nacre_status status = read_number(save, "BLOCKSIZE", 16, MAX_BLOCK, &out->block_width, err);
        out->block_height = out->block_width;
        return status;
    }
    const char *tiled = ncr_save_option(save, "TILED", "NO");
    if (!ncr_text_to_bool(tiled, &out->is_tiled))
        return bad_value(save, "TILED", tiled, "YES or NO", err);
    /* Strips of some KiB, as GDAL makes them. */
    size_t row = (size_t)dataset->width * ncr_dtype_size(dataset->bands[0].dtype) *
                 (out->is_separate ? 1 : (size_t)dataset->band_count);
    size_t rows = row < STRIP_BYTES ? STRIP_BYTES / row : 1;
    out->block_width = out->is_tiled ? TILE : dataset->width;
    out->block_height = out->is_tiled ? TILE : (int)(rows < (size_t)dataset->height ? rows : (size_t)dataset->height);
    nacre_status status = NACRE_OK;
    if (out->is_tiled)
        status = read_number(save, "BLOCKXSIZE", 16, MAX_BLOCK, &out->block_width, err);
    return status == NACRE_OK ? read_number(save, "BLOCKYSIZE", 1, MAX_BLOCK, &out->block_height, err) : status;
}

static nacre_status check_tiling(const ncr_save *save, const ncr_creation *creation, nacre_error *err)
{
    if (!creation->is_tiled || (creation->block_width % 16 == 0 && creation->block_height % 16 == 0))
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: tiles of %d by %d: TIFF wants multiples of 16",
                         save->destination->name, creation->block_width, creation->block_height);
}

static nacre_status read_overviews(const ncr_save *save, ncr_creation *out, nacre_error *err)
{
    const char *overviews = ncr_save_option(save, "OVERVIEWS", "AUTO");
    const char *fallback = save->dataset->bands[0].color_count ? "NEAREST" : "CUBIC";
    fallback = ncr_save_option(save, "RESAMPLING", fallback);
    const char *resampling = ncr_save_option(save, "OVERVIEW_RESAMPLING", fallback);
    if (!is_one_of(overviews, "AUTO", "NONE") && !ncr_text_equal_nocase(overviews, "IGNORE_EXISTING"))
        return bad_value(save, "OVERVIEWS", overviews, "AUTO, IGNORE_EXISTING or NONE", err);
    out->with_overviews = out->is_cog && !ncr_text_equal_nocase(overviews, "NONE");
    if (!ncr_resampling_from_name(resampling, &out->resampling) || !ncr_reduce_can(out->resampling))
        return bad_value(save, "OVERVIEW_RESAMPLING", resampling,
                         "NEAREST, AVERAGE, BILINEAR, CUBIC, CUBICSPLINE or LANCZOS", err);
    return NACRE_OK;
}

static nacre_status read_bigtiff(const ncr_save *save, ncr_creation *out, nacre_error *err)
{
    const char *text = ncr_save_option(save, "BIGTIFF", "IF_NEEDED");
    bool is_yes;
    /* The size is known before the header is written, so that nothing needs to be safer. */
    if (is_one_of(text, "IF_NEEDED", "IF_SAFER"))
        out->bigtiff = NCR_BIGTIFF_IF_NEEDED;
    else if (ncr_text_to_bool(text, &is_yes))
        out->bigtiff = is_yes ? NCR_BIGTIFF_YES : NCR_BIGTIFF_NO;
    else
        return bad_value(save, "BIGTIFF", text, "YES, NO, IF_NEEDED or IF_SAFER", err);
    return NACRE_OK;
}

static unsigned natural_photometric(const ncr_dataset *dataset)
{
    const ncr_band *bands = dataset->bands;
    bool is_byte = bands[0].dtype == NACRE_DTYPE_UINT8 || bands[0].dtype == NACRE_DTYPE_UINT16;
    if (dataset->band_count == 1 && bands[0].color_count && is_byte)
        return NCR_PHOTOMETRIC_PALETTE;
    bool is_rgb = dataset->band_count >= 3 && bands[0].color == NACRE_COLOR_RED &&
                  bands[1].color == NACRE_COLOR_GREEN && bands[2].color == NACRE_COLOR_BLUE;
    return is_rgb ? NCR_PHOTOMETRIC_RGB : NCR_PHOTOMETRIC_MIN_IS_BLACK;
}

static nacre_status read_photometric(const ncr_save *save, ncr_creation *out, nacre_error *err)
{
    const char *text = ncr_save_option(save, "PHOTOMETRIC", NULL);
    out->photometric = natural_photometric(save->dataset);
    if (!text)
        return NACRE_OK;
    if (ncr_text_equal_nocase(text, "RGB") && save->dataset->band_count >= 3)
        out->photometric = NCR_PHOTOMETRIC_RGB;
    else if (ncr_text_equal_nocase(text, "MINISBLACK"))
        out->photometric = NCR_PHOTOMETRIC_MIN_IS_BLACK;
    else if (ncr_text_equal_nocase(text, "MINISWHITE"))
        out->photometric = NCR_PHOTOMETRIC_MIN_IS_WHITE;
    else
        return bad_value(save, "PHOTOMETRIC", text, "MINISBLACK, MINISWHITE, or RGB for three bands and more", err);
    return NACRE_OK;
}

nacre_status ncr_creation_read(const ncr_save *save, bool is_cog, ncr_creation *out, nacre_error *err)
{
    *out = (ncr_creation){.is_cog = is_cog};
    nacre_status status = ncr_save_check_options(save, is_cog ? cog_names : gtiff_names, err);
    nacre_status (*const parts[])(const ncr_save *, ncr_creation *, nacre_error *) = {
        read_codec, read_predictor, read_interleave, read_tiling, read_overviews, read_bigtiff, read_photometric};
    for (size_t i = 0; i < sizeof parts / sizeof *parts && status == NACRE_OK; i++)
        status = parts[i](save, out, err);
    return status == NACRE_OK ? check_tiling(save, out, err) : status;
}
