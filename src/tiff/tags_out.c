/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tiff/tags_out.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tiff.h>

#include "base/text.h"
#include "raster/dtype.h"
#include "tiff/geokeys.h"
#include "tiff/tags.h"

/* --- Pixels --- */

static bool is_rgb(const ncr_creation *creation)
{
    return creation->photometric == NCR_PHOTOMETRIC_RGB || creation->photometric == NCR_PHOTOMETRIC_YCBCR;
}

static int color_samples(const ncr_creation *creation)
{
    return is_rgb(creation) ? 3 : 1;
}

/* Whether a band (from 0) is alpha in the file. */
static bool is_alpha(const ncr_dataset *dataset, const ncr_creation *creation, int band)
{
    if (band + 1 == creation->band_count)
        return creation->last_is_alpha;
    return dataset->bands[band].color == NACRE_COLOR_ALPHA;
}

nacre_color ncr_out_natural_color(const ncr_dataset *dataset, const ncr_creation *creation, int band)
{
    if (band >= color_samples(creation))
        return is_alpha(dataset, creation, band) ? NACRE_COLOR_ALPHA : NACRE_COLOR_UNDEFINED;
    if (is_rgb(creation))
        return (nacre_color)(NACRE_COLOR_RED + band);
    return creation->photometric == NCR_PHOTOMETRIC_PALETTE ? NACRE_COLOR_PALETTE : NACRE_COLOR_GRAY;
}

static void add_repeated(ncr_out_directory *directory, unsigned id, unsigned value, unsigned count)
{
    uint16_t *values = ncr_alloc_array(count, sizeof *values);
    if (!values) {
        directory->failed = true;
        return;
    }
    for (unsigned i = 0; i < count; i++)
        values[i] = (uint16_t)value;
    ncr_out_shorts(directory, id, values, count);
    free(values);
}

static void add_extra_samples(ncr_out_directory *directory, const ncr_dataset *dataset, const ncr_creation *creation,
                              unsigned photometric)
{
    int first = photometric == NCR_PHOTOMETRIC_RGB || photometric == NCR_PHOTOMETRIC_YCBCR ? 3 : 1;
    if (creation->band_count <= first)
        return;
    size_t count = (size_t)(creation->band_count - first);
    uint16_t *values = ncr_alloc_array(count, sizeof *values);
    if (!values) {
        directory->failed = true;
        return;
    }
    for (size_t i = 0; i < count; i++)
        if (is_alpha(dataset, creation, first + (int)i))
            values[i] = (uint16_t)creation->alpha;
    ncr_out_shorts(directory, NCR_TAG_EXTRA_SAMPLES, values, count);
    free(values);
}

/* What a reader must know of a scheme besides its number. */
static nacre_status add_coding(ncr_out_directory *directory, const char *name, const ncr_tiff_format *format,
                               nacre_error *err)
{
    const ncr_coding *coding = &format->coding;
    ncr_buffer tables;
    if (coding->predictor > 1)
        ncr_out_short(directory, NCR_TAG_PREDICTOR, coding->predictor);
    if (coding->codec->compression == COMPRESSION_LERC) {
        uint32_t parameters[2] = {LERC_VERSION_2_4, coding->addition};
        ncr_out_longs(directory, NCR_TAG_LERC_PARAMETERS, parameters, 2);
    }
    if (format->photometric == NCR_PHOTOMETRIC_YCBCR) {
        static const uint32_t black_white[12] = {0, 1, 255, 1, 128, 1, 255, 1, 128, 1, 255, 1};
        ncr_out_shorts(directory, NCR_TAG_YCBCR_SUBSAMPLING, (uint16_t[]){2, 2}, 2);
        ncr_out_rationals(directory, NCR_TAG_REFERENCE_BLACK_WHITE, black_white, 6);
    }
    nacre_status status = ncr_tiff_encode_tables(format, name, &tables, err);
    ncr_out_bytes(directory, NCR_TAG_JPEG_TABLES, NCR_TYPE_UNDEFINED, tables.data, tables.size);
    ncr_buffer_clear(&tables);
    return status;
}

static void add_blocks(ncr_out_directory *directory, const ncr_tiff_format *format, const ncr_out_image *image)
{
    if (format->is_tiled) {
        ncr_out_long(directory, NCR_TAG_TILE_WIDTH, (uint32_t)format->block_width);
        ncr_out_long(directory, NCR_TAG_TILE_LENGTH, (uint32_t)format->block_height);
    } else {
        ncr_out_long(directory, NCR_TAG_ROWS_PER_STRIP, (uint32_t)format->block_height);
    }
    ncr_out_arrays(directory, format->is_tiled, image->block_count);
}

static nacre_status add_pixels(ncr_out_directory *directory, const ncr_save *save, const ncr_creation *creation,
                               const ncr_tiff_format *format, const ncr_out_image *image, nacre_error *err)
{
    unsigned samples = image->is_mask ? 1 : (unsigned)creation->band_count;
    unsigned subfile = (image->is_overview ? NCR_SUBFILE_REDUCED : 0) | (image->is_mask ? NCR_SUBFILE_MASK : 0);
    bool is_separate = creation->is_separate && !image->is_mask;
    if (subfile)
        ncr_out_long(directory, NCR_TAG_NEW_SUBFILE_TYPE, subfile);
    ncr_out_long(directory, NCR_TAG_IMAGE_WIDTH, (uint32_t)image->width);
    ncr_out_long(directory, NCR_TAG_IMAGE_LENGTH, (uint32_t)image->height);
    add_repeated(directory, NCR_TAG_BITS_PER_SAMPLE, format->bits, samples);
    ncr_out_short(directory, NCR_TAG_COMPRESSION, format->coding.codec->compression);
    ncr_out_short(directory, NCR_TAG_PHOTOMETRIC, image->is_mask ? NCR_PHOTOMETRIC_MASK : format->photometric);
    ncr_out_short(directory, NCR_TAG_SAMPLES_PER_PIXEL, samples);
    ncr_out_short(directory, NCR_TAG_PLANAR_CONFIG, is_separate ? NCR_PLANAR_SEPARATE : NCR_PLANAR_CONTIG);
    add_repeated(directory, NCR_TAG_SAMPLE_FORMAT, ncr_tiff_sample_format(format->dtype), samples);
    if (!image->is_mask)
        add_extra_samples(directory, save->dataset, creation, format->photometric);
    add_blocks(directory, format, image);
    return add_coding(directory, save->destination->name, format, err);
}

/* TIFF has one nodata for all bands: that of the first band. */
static void add_nodata(ncr_out_directory *directory, const ncr_dataset *dataset)
{
    const ncr_band *band = &dataset->bands[0];
    char text[NCR_TEXT_DOUBLE_SIZE];
    if (!band->nodata.is_set)
        return;
    if (band->dtype == NACRE_DTYPE_INT64)
        snprintf(text, sizeof text, "%" PRId64, band->nodata.int64_value);
    else if (band->dtype == NACRE_DTYPE_UINT64)
        snprintf(text, sizeof text, "%" PRIu64, band->nodata.uint64_value);
    else
        ncr_text_from_double(band->nodata.value, text);
    ncr_out_text(directory, NCR_TAG_GDAL_NODATA, text);
}

/* The map has an entry for every value; alpha has no place in it. */
static void add_color_map(ncr_out_directory *directory, const ncr_band *band, unsigned bits)
{
    size_t count = (size_t)1 << bits;
    uint16_t *map = ncr_alloc_array(3 * count, sizeof *map);
    if (!map) {
        directory->failed = true;
        return;
    }
    for (size_t i = 0; i < count && i < (size_t)band->color_count; i++) {
        map[i] = (uint16_t)(band->colors[i].red * 257);
        map[count + i] = (uint16_t)(band->colors[i].green * 257);
        map[2 * count + i] = (uint16_t)(band->colors[i].blue * 257);
    }
    ncr_out_shorts(directory, NCR_TAG_COLOR_MAP, map, 3 * count);
    free(map);
}

/* --- Position: as position.c reads it --- */

static bool is_point(const ncr_dataset *dataset)
{
    const char *value = ncr_metadata_get(&dataset->metadata, "", "AREA_OR_POINT");
    return value && ncr_text_equal_nocase(value, "Point");
}

static void add_transform(ncr_out_directory *directory, const ncr_dataset *dataset, bool point)
{
    nacre_transform t = dataset->transform;
    if (point) {
        t.c += (t.a + t.b) / 2;
        t.f += (t.d + t.e) / 2;
    }
    if (t.b == 0 && t.d == 0 && t.a > 0 && t.e < 0) {
        ncr_out_doubles(directory, NCR_TAG_MODEL_PIXEL_SCALE, (double[]){t.a, -t.e, 0}, 3);
        ncr_out_doubles(directory, NCR_TAG_MODEL_TIEPOINT, (double[]){0, 0, 0, t.c, t.f, 0}, 6);
    } else {
        double matrix[16] = {t.a, t.b, 0, t.c, t.d, t.e, 0, t.f, 0, 0, 0, 0, 0, 0, 0, 1};
        ncr_out_doubles(directory, NCR_TAG_MODEL_TRANSFORMATION, matrix, 16);
    }
}

static void add_gcps(ncr_out_directory *directory, const ncr_dataset *dataset, bool point)
{
    size_t count = (size_t)dataset->gcp_count;
    double *ties = ncr_alloc_array(count * 6, sizeof *ties), shift = point ? 0.5 : 0;
    if (!ties) {
        directory->failed = true;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const nacre_gcp *gcp = &dataset->gcps[i];
        double tie[6] = {gcp->pixel - shift, gcp->line - shift, 0, gcp->x, gcp->y, gcp->z};
        memcpy(ties + 6 * i, tie, sizeof tie);
    }
    ncr_out_doubles(directory, NCR_TAG_MODEL_TIEPOINT, ties, 6 * count);
    free(ties);
}

static nacre_status add_position(ncr_out_directory *directory, const ncr_save *save, nacre_error *err)
{
    const ncr_dataset *dataset = save->dataset;
    bool point = is_point(dataset), has_gcps = !dataset->has_transform && dataset->gcp_count;
    if (dataset->has_transform)
        add_transform(directory, dataset, point);
    else if (has_gcps)
        add_gcps(directory, dataset, point);
    nacre_crs *crs = has_gcps ? dataset->gcp_crs : dataset->crs;
    if (!crs && !point)
        return NACRE_OK;
    ncr_geokey_tags tags;
    nacre_status status = ncr_geokeys_write(crs, point, save->destination->name, &tags, err);
    ncr_out_shorts(directory, NCR_TAG_GEO_KEY_DIRECTORY, tags.directory, tags.directory_count);
    ncr_out_doubles(directory, NCR_TAG_GEO_DOUBLE_PARAMS, tags.doubles, tags.double_count);
    ncr_out_bytes(directory, NCR_TAG_GEO_ASCII_PARAMS, NCR_TYPE_ASCII, tags.ascii, tags.ascii_size);
    ncr_geokey_tags_clear(&tags);
    return status;
}

/* --- Metadata --- */

static void add_texts(ncr_out_directory *directory, const ncr_metadata *metadata)
{
    for (size_t i = 0; i < NCR_TIFF_TEXT_TAGS; i++)
        ncr_out_text(directory, ncr_tiff_text_tags[i].id, ncr_metadata_get(metadata, "", ncr_tiff_text_tags[i].key));
    const char *xmp = ncr_metadata_get(metadata, "xml:XMP", "");
    if (xmp)
        ncr_out_bytes(directory, NCR_TAG_XMP, NCR_TYPE_BYTE, xmp, strlen(xmp));
}

/* Rational polynomial coefficients: 92 doubles, of the items that the domain RPC has; no tag where one is missing. */
static void add_rpcs(ncr_out_directory *directory, const ncr_metadata *metadata)
{
    static const struct {
        const char *key;
        int count;
        bool is_needed;
    } items[] = {{"ERR_BIAS", 1, false},       {"ERR_RAND", 1, false},       {"LINE_OFF", 1, true},
                 {"SAMP_OFF", 1, true},        {"LAT_OFF", 1, true},         {"LONG_OFF", 1, true},
                 {"HEIGHT_OFF", 1, true},      {"LINE_SCALE", 1, true},      {"SAMP_SCALE", 1, true},
                 {"LAT_SCALE", 1, true},       {"LONG_SCALE", 1, true},      {"HEIGHT_SCALE", 1, true},
                 {"LINE_NUM_COEFF", 20, true}, {"LINE_DEN_COEFF", 20, true}, {"SAMP_NUM_COEFF", 20, true},
                 {"SAMP_DEN_COEFF", 20, true}};
    double values[92];
    size_t at = 0;
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        const char *text = ncr_metadata_get(metadata, "RPC", items[i].key);
        if (!text && items[i].is_needed)
            return;
        for (int k = 0; k < items[i].count; k++) {
            char one[64];
            size_t length = text ? strcspn(text + strspn(text, " "), " ") : 0;
            text = text ? text + strspn(text, " ") : NULL;
            snprintf(one, sizeof one, "%.*s", (int)length, text ? text : "");
            values[at] = -1; /* unknown errors */
            if (text && (!length || !ncr_text_to_double(one, &values[at])))
                return;
            text = text ? text + length : NULL;
            at++;
        }
    }
    ncr_out_doubles(directory, NCR_TAG_RPC_COEFFICIENTS, values, at);
}

static nacre_status add_metadata(ncr_out_directory *directory, const ncr_save *save, const ncr_creation *creation,
                                 const ncr_statistics *statistics, nacre_error *err)
{
    char *text = NULL;
    add_texts(directory, &save->dataset->metadata);
    if (creation->profile != NCR_PROFILE_GDAL)
        return NACRE_OK;
    add_rpcs(directory, &save->dataset->metadata);
    nacre_status status = ncr_out_gdal_metadata(save, creation, statistics, &text, err);
    ncr_out_text(directory, NCR_TAG_GDAL_METADATA, text);
    free(text);
    return status;
}

nacre_status ncr_out_describe(ncr_out_directory *directory, const ncr_save *save, const ncr_creation *creation,
                              const ncr_tiff_format *format, const ncr_statistics *statistics,
                              const ncr_out_image *image, nacre_error *err)
{
    *directory = (ncr_out_directory){0};
    nacre_status status = add_pixels(directory, save, creation, format, image, err);
    if (image->is_mask || status != NACRE_OK)
        return status;
    if (creation->profile == NCR_PROFILE_GDAL)
        add_nodata(directory, save->dataset);
    if (format->photometric == NCR_PHOTOMETRIC_PALETTE)
        add_color_map(directory, &save->dataset->bands[0], format->bits);
    if (image->is_overview)
        return NACRE_OK;
    if (creation->profile != NCR_PROFILE_BASELINE)
        status = add_position(directory, save, err);
    return status == NACRE_OK ? add_metadata(directory, save, creation, statistics, err) : status;
}
