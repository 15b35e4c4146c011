/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tiff/creation.h"

#include <string.h>
#include <tiff.h>

#include "base/text.h"
#include "raster/dtype.h"
#include "tiff/reduce.h"
#include "tiff/tags.h"

enum { COG_BLOCK = 512, TILE = 256, STRIP_BYTES = 8192, MAX_BLOCK = 65536, JPEG_UNIT = 16 };

const char *const ncr_creation_cog_names[] = {"COMPRESS",
                                              "TILING_SCHEME", /* CUSTOM: none; others are not for savers */
                                              "LEVEL",
                                              "QUALITY",
                                              "MAX_Z_ERROR",
                                              "PREDICTOR",
                                              "BLOCKSIZE",
                                              "NBITS",
                                              "OVERVIEWS",
                                              "OVERVIEW_COUNT",
                                              "OVERVIEW_COMPRESS",
                                              "OVERVIEW_QUALITY",
                                              "OVERVIEW_PREDICTOR",
                                              "OVERVIEW_RESAMPLING",
                                              "MAX_Z_ERROR_OVERVIEW",
                                              "RESAMPLING",
                                              "BIGTIFF",
                                              "INTERLEAVE",
                                              "SPARSE_OK",
                                              "ADD_MASK",
                                              "STATISTICS",
                                              "NUM_THREADS",
                                              NULL};
const char *const ncr_creation_gtiff_names[] = {
    "COMPRESS",    "ZLEVEL",    "ZSTD_LEVEL",  "LZMA_PRESET", "JPEG_QUALITY", "WEBP_LEVEL",         "WEBP_LOSSLESS",
    "MAX_Z_ERROR", "PREDICTOR", "NBITS",       "TILED",       "BLOCKXSIZE",   "BLOCKYSIZE",         "INTERLEAVE",
    "SPARSE_OK",   "BIGTIFF",   "PHOTOMETRIC", "ALPHA",       "PROFILE",      "COPY_SRC_OVERVIEWS", "NUM_THREADS",
    NULL};

static bool is_one_of(const char *text, const char *a, const char *b)
{
    return ncr_text_equal_nocase(text, a) || ncr_text_equal_nocase(text, b);
}

static bool is_scheme(const ncr_creation *creation, unsigned compression)
{
    return creation->coding.codec->compression == compression;
}

/* --- Values --- */

static nacre_status check_bands(const ncr_save *save, nacre_error *err)
{
    const ncr_dataset *dataset = save->dataset;
    const char *name = save->destination->name;
    for (int i = 1; i < dataset->band_count; i++)
        if (dataset->bands[i].dtype != dataset->bands[0].dtype)
            return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: bands of different types (%s, %s) in one TIFF",
                                 name, ncr_dtype_name(dataset->bands[0].dtype),
                                 ncr_dtype_name(dataset->bands[i].dtype));
    if (dataset->band_count < 1 || dataset->band_count > UINT16_MAX)
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: a TIFF of %d bands", name, dataset->band_count);
    return NACRE_OK;
}

static nacre_status read_codings(const ncr_save *save, ncr_creation *out, nacre_error *err)
{
    nacre_status status = check_bands(save, err);
    if (status != NACRE_OK)
        return status;
    out->dtype = save->dataset->bands[0].dtype;
    status =
        ncr_coding_read(save, out->is_cog ? NCR_CODING_COG : NCR_CODING_GTIFF, NULL, out->dtype, &out->coding, err);
    out->overview_coding = out->coding;
    if (status != NACRE_OK || !out->is_cog)
        return status;
    return ncr_coding_read(save, NCR_CODING_COG_OVERVIEW, &out->coding, out->dtype, &out->overview_coding, err);
}

/* Fewer bits than the type has, as GDAL takes them. */
static nacre_status read_bits(const ncr_save *save, ncr_creation *out, nacre_error *err)
{
    nacre_dtype dtype = out->dtype;
    int bits = (int)ncr_dtype_size(dtype) * 8;
    bool is_unsigned = ncr_dtype_is_integer(dtype) && !ncr_dtype_is_signed(dtype) && bits <= 32;
    int lowest = is_unsigned ? bits / 2 + 1 : bits;
    lowest = dtype == NACRE_DTYPE_UINT8 ? 1 : lowest;
    int wanted = bits;
    nacre_status status = ncr_creation_number(save, "NBITS", lowest, bits, &wanted, err);
    out->bits = (unsigned)wanted;
    bool is_plain = out->coding.predictor == 1 && out->overview_coding.predictor == 1 &&
                    !is_scheme(out, COMPRESSION_LERC) && !is_scheme(out, COMPRESSION_JPEG) &&
                    !is_scheme(out, COMPRESSION_WEBP);
    if (status == NACRE_OK && wanted < bits && !is_plain)
        return ncr_error_set(err, NACRE_ERROR_INVALID,
                             "%s: creation option NBITS=%d: not with a predictor, LERC, JPEG or WEBP",
                             save->destination->name, wanted);
    return status;
}

/* --- Bands --- */

/* JPEG has no alpha: GDAL's COG driver makes a mask of it, as ADD_MASK does. */
static nacre_status read_mask(const ncr_save *save, ncr_creation *out, nacre_error *err)
{
    const ncr_dataset *dataset = save->dataset;
    bool has_alpha = dataset->alpha_band && dataset->alpha_band == dataset->band_count && dataset->band_count > 1;
    bool add = false;
    nacre_status status = ncr_creation_bool(save, "ADD_MASK", &add, err);
    out->band_count = dataset->band_count;
    out->mask_of_alpha = has_alpha && (add || (out->is_cog && is_scheme(out, COMPRESSION_JPEG)));
    out->band_count -= out->mask_of_alpha;
    return status;
}

/* JPEG and WebP hold pictures. */
static nacre_status check_picture(const ncr_save *save, const ncr_coding *coding, const ncr_creation *creation,
                                  nacre_error *err)
{
    bool is_webp = coding->codec->compression == COMPRESSION_WEBP;
    bool is_jpeg = coding->codec->compression == COMPRESSION_JPEG;
    int bands = creation->is_separate ? 1 : creation->band_count;
    if ((!is_webp || bands == 3 || bands == 4) && (!is_jpeg || bands <= 4))
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: creation option COMPRESS=%s: it takes %s bands, not %d",
                         save->destination->name, coding->codec->creation, is_webp ? "3 or 4 interleaved" : "1 to 4",
                         bands);
}

static nacre_status read_interleave(const ncr_save *save, ncr_creation *out, nacre_error *err)
{
    const char *text = ncr_save_option(save, "INTERLEAVE", "PIXEL");
    bool is_band = ncr_text_equal_nocase(text, "BAND");
    if (!is_band && !ncr_text_equal_nocase(text, "PIXEL"))
        return ncr_creation_bad_value(save, "INTERLEAVE", text, out->is_cog ? "PIXEL" : "PIXEL or BAND", err);
    if (is_band && out->is_cog)
        return ncr_creation_bad_value(save, "INTERLEAVE", text, "PIXEL in a COG", err);
    out->is_separate = is_band && out->band_count > 1;
    nacre_status status = check_picture(save, &out->coding, out, err);
    return status == NACRE_OK ? check_picture(save, &out->overview_coding, out, err) : status;
}

static nacre_status read_cog_tiling(const ncr_save *save, ncr_creation *out, nacre_error *err)
{
    out->is_tiled = true;
    out->block_width = COG_BLOCK;
    nacre_status status = ncr_creation_number(save, "BLOCKSIZE", 16, MAX_BLOCK, &out->block_width, err);
    out->block_height = out->block_width;
    return status;
}

/* Strips of some KiB, as GDAL makes them; of JPEG in its units. */
static int strip_rows(const ncr_save *save, const ncr_creation *creation)
{
    size_t row = (size_t)save->dataset->width * ncr_dtype_size(creation->dtype) *
                 (creation->is_separate ? 1 : (size_t)creation->band_count);
    size_t rows = row < STRIP_BYTES ? STRIP_BYTES / row : 1, height = (size_t)save->dataset->height;
    if (is_scheme(creation, COMPRESSION_JPEG))
        rows = (rows + JPEG_UNIT - 1) / JPEG_UNIT * JPEG_UNIT;
    return (int)(rows < height ? rows : height);
}

static nacre_status read_tiling(const ncr_save *save, ncr_creation *out, nacre_error *err)
{
    if (out->is_cog)
        return read_cog_tiling(save, out, err);
    nacre_status status = ncr_creation_bool(save, "TILED", &out->is_tiled, err);
    out->block_width = out->is_tiled ? TILE : save->dataset->width;
    out->block_height = out->is_tiled ? TILE : strip_rows(save, out);
    if (out->is_tiled && status == NACRE_OK)
        status = ncr_creation_number(save, "BLOCKXSIZE", 16, MAX_BLOCK, &out->block_width, err);
    return status == NACRE_OK ? ncr_creation_number(save, "BLOCKYSIZE", 1, MAX_BLOCK, &out->block_height, err) : status;
}

static nacre_status check_tiling(const ncr_save *save, const ncr_creation *creation, nacre_error *err)
{
    bool is_jpeg = is_scheme(creation, COMPRESSION_JPEG);
    if (creation->is_tiled
            ? creation->block_width % 16 == 0 && creation->block_height % 16 == 0
            : !is_jpeg || creation->block_height % JPEG_UNIT == 0 || creation->block_height >= save->dataset->height)
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: %s of %d by %d: TIFF wants multiples of 16",
                         save->destination->name, creation->is_tiled ? "tiles" : "strips", creation->block_width,
                         creation->block_height);
}

static nacre_status read_resampling(const ncr_save *save, ncr_creation *out, nacre_error *err)
{
    const char *fallback = save->dataset->bands[0].color_count ? "NEAREST" : "CUBIC";
    fallback = ncr_save_option(save, "RESAMPLING", fallback);
    const char *resampling = ncr_save_option(save, "OVERVIEW_RESAMPLING", fallback);
    if (ncr_resampling_from_name(resampling, &out->resampling) && ncr_reduce_can(out->resampling))
        return NACRE_OK;
    return ncr_creation_bad_value(save, "OVERVIEW_RESAMPLING", resampling,
                                  "NEAREST, AVERAGE, BILINEAR, CUBIC, CUBICSPLINE, LANCZOS, MODE, GAUSS or RMS", err);
}

/* Whether the dataset has overviews, or would have them by now had it been committed. */
static bool has_overviews(const ncr_save *save)
{
    return save->dataset->overview_count || save->overviews_are_own;
}

static nacre_status read_cog_overviews(const ncr_save *save, ncr_creation *out, nacre_error *err)
{
    static const char wanted[] = "AUTO, IGNORE_EXISTING, FORCE_USE_EXISTING or NONE";
    const char *text = ncr_save_option(save, "OVERVIEWS", "AUTO");
    bool has_some = has_overviews(save), counted = ncr_save_option(save, "OVERVIEW_COUNT", NULL);
    if (ncr_text_equal_nocase(text, "AUTO"))
        out->overviews = has_some && !counted ? NCR_OVERVIEWS_COPY : NCR_OVERVIEWS_MAKE;
    else if (ncr_text_equal_nocase(text, "IGNORE_EXISTING"))
        out->overviews = NCR_OVERVIEWS_MAKE;
    else if (ncr_text_equal_nocase(text, "FORCE_USE_EXISTING"))
        out->overviews = has_some ? NCR_OVERVIEWS_COPY : NCR_OVERVIEWS_NONE;
    else if (!ncr_text_equal_nocase(text, "NONE"))
        return ncr_creation_bad_value(save, "OVERVIEWS", text, wanted, err);
    nacre_status status = ncr_creation_number(save, "OVERVIEW_COUNT", 0, 30, &out->overview_count, err);
    return status == NACRE_OK ? read_resampling(save, out, err) : status;
}

static nacre_status read_overviews(const ncr_save *save, ncr_creation *out, nacre_error *err)
{
    out->overview_count = -1;
    out->resampling = NACRE_RESAMPLING_NEAREST;
    if (out->is_cog)
        return read_cog_overviews(save, out, err);
    bool copy = false;
    nacre_status status = ncr_creation_bool(save, "COPY_SRC_OVERVIEWS", &copy, err);
    out->overviews = copy && has_overviews(save) ? NCR_OVERVIEWS_COPY : NCR_OVERVIEWS_NONE;
    return status;
}

/* --- Colours --- */

static unsigned natural_photometric(const ncr_dataset *dataset, const ncr_creation *creation, const ncr_coding *coding)
{
    const ncr_band *bands = dataset->bands;
    bool is_byte = creation->dtype == NACRE_DTYPE_UINT8 || creation->dtype == NACRE_DTYPE_UINT16;
    bool is_jpeg = coding->codec->compression == COMPRESSION_JPEG;
    if (creation->band_count == 1 && bands[0].color_count && is_byte && !is_jpeg)
        return NCR_PHOTOMETRIC_PALETTE;
    bool is_rgb = creation->band_count >= 3 && bands[0].color == NACRE_COLOR_RED &&
                  bands[1].color == NACRE_COLOR_GREEN && bands[2].color == NACRE_COLOR_BLUE;
    if (creation->is_cog && is_jpeg && creation->band_count == 3)
        return NCR_PHOTOMETRIC_YCBCR;
    return is_rgb ? NCR_PHOTOMETRIC_RGB : NCR_PHOTOMETRIC_MIN_IS_BLACK;
}

static nacre_status read_photometric(const ncr_save *save, ncr_creation *out, nacre_error *err)
{
    static const char wanted[] = "MINISBLACK, MINISWHITE, RGB for three bands and more, or YCBCR for three of JPEG";
    const char *text = ncr_save_option(save, "PHOTOMETRIC", NULL);
    bool can_ycbcr = out->band_count == 3 && !out->is_separate && is_scheme(out, COMPRESSION_JPEG);
    out->photometric = natural_photometric(save->dataset, out, &out->coding);
    if (text && ncr_text_equal_nocase(text, "RGB") && out->band_count >= 3)
        out->photometric = NCR_PHOTOMETRIC_RGB;
    else if (text && ncr_text_equal_nocase(text, "MINISBLACK"))
        out->photometric = NCR_PHOTOMETRIC_MIN_IS_BLACK;
    else if (text && ncr_text_equal_nocase(text, "MINISWHITE"))
        out->photometric = NCR_PHOTOMETRIC_MIN_IS_WHITE;
    else if (text && ncr_text_equal_nocase(text, "YCBCR") && can_ycbcr)
        out->photometric = NCR_PHOTOMETRIC_YCBCR;
    else if (text && (is_one_of(text, "CMYK", "CIELAB") || is_one_of(text, "ICCLAB", "ITULAB")))
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED,
                             "%s: creation option PHOTOMETRIC=%s: these colours are not written; it takes %s",
                             save->destination->name, text, wanted);
    else if (text)
        return ncr_creation_bad_value(save, "PHOTOMETRIC", text, wanted, err);
    out->overview_photometric =
        out->is_cog ? natural_photometric(save->dataset, out, &out->overview_coding) : out->photometric;
    return NACRE_OK;
}

/* What an alpha band is called; ALPHA=YES makes one of the last band. */
static nacre_status read_alpha(const ncr_save *save, ncr_creation *out, nacre_error *err)
{
    const char *text = ncr_save_option(save, "ALPHA", NULL);
    bool is_yes = true;
    out->alpha = NCR_EXTRA_UNASSOCIATED_ALPHA;
    out->last_is_alpha = out->band_count == save->dataset->alpha_band && out->band_count > 1;
    if (!text)
        return NACRE_OK;
    if (ncr_text_equal_nocase(text, "PREMULTIPLIED"))
        out->alpha = NCR_EXTRA_ASSOCIATED_ALPHA;
    else if (!ncr_text_to_bool(text, &is_yes) && !is_one_of(text, "NON-PREMULTIPLIED", "UNSPECIFIED"))
        return ncr_creation_bad_value(save, "ALPHA", text, "YES, NO, PREMULTIPLIED, NON-PREMULTIPLIED or UNSPECIFIED",
                                      err);
    out->last_is_alpha = is_yes && !ncr_text_equal_nocase(text, "UNSPECIFIED") && out->band_count > 1;
    return NACRE_OK;
}

/* --- The file --- */

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
        return ncr_creation_bad_value(save, "BIGTIFF", text, "YES, NO, IF_NEEDED or IF_SAFER", err);
    return NACRE_OK;
}

static nacre_status read_profile(const ncr_save *save, ncr_creation *out, nacre_error *err)
{
    const char *text = ncr_save_option(save, "PROFILE", "GDALGeoTIFF");
    if (ncr_text_equal_nocase(text, "GDALGeoTIFF"))
        out->profile = NCR_PROFILE_GDAL;
    else if (ncr_text_equal_nocase(text, "GeoTIFF"))
        out->profile = NCR_PROFILE_GEOTIFF;
    else if (ncr_text_equal_nocase(text, "BASELINE"))
        out->profile = NCR_PROFILE_BASELINE;
    else
        return ncr_creation_bad_value(save, "PROFILE", text, "GDALGeoTIFF, GeoTIFF or BASELINE", err);
    return NACRE_OK;
}

static nacre_status read_threads(const ncr_save *save, ncr_creation *out, nacre_error *err)
{
    const char *text = ncr_save_option(save, "NUM_THREADS", "ALL_CPUS");
    if (ncr_text_equal_nocase(text, "ALL_CPUS"))
        return NACRE_OK;
    return ncr_creation_number(save, "NUM_THREADS", 1, 1024, &out->threads, err);
}

static nacre_status read_statistics(const ncr_save *save, ncr_creation *out, nacre_error *err)
{
    const char *text = ncr_save_option(save, "STATISTICS", "AUTO");
    bool wanted = true;
    if (!ncr_text_equal_nocase(text, "AUTO") && !ncr_text_to_bool(text, &wanted))
        return ncr_creation_bad_value(save, "STATISTICS", text, "AUTO, YES or NO", err);
    out->without_statistics = !wanted;
    out->with_statistics = wanted && !ncr_text_equal_nocase(text, "AUTO");
    return NACRE_OK;
}

static nacre_status read_sparse(const ncr_save *save, ncr_creation *out, nacre_error *err)
{
    return ncr_creation_bool(save, "SPARSE_OK", &out->is_sparse, err);
}

nacre_status ncr_creation_read(const ncr_save *save, bool is_cog, ncr_creation *out, nacre_error *err)
{
    *out = (ncr_creation){.is_cog = is_cog};
    nacre_status status = ncr_save_check_options(save, is_cog ? ncr_creation_cog_names : ncr_creation_gtiff_names, err);
    /* In this order: each looks at what those before it have found. */
    nacre_status (*const parts[])(const ncr_save *, ncr_creation *, nacre_error *) = {
        read_codings, read_bits,        read_mask,  read_interleave, read_tiling,     read_overviews, read_bigtiff,
        read_profile, read_photometric, read_alpha, read_threads,    read_statistics, read_sparse};
    for (size_t i = 0; i < sizeof parts / sizeof *parts && status == NACRE_OK; i++)
        status = parts[i](save, out, err);
    return status == NACRE_OK ? check_tiling(save, out, err) : status;
}
