/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <expat.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "raster/dtype.h"
#include "tiff/codec.h"
#include "tiff/dataset.h"
#include "tiff/tags.h"

/* --- The text of GDAL_METADATA: <GDALMetadata><Item name= sample= role= domain=>value</Item>... --- */

enum { VALUE_MAX = 16 * 1024 * 1024 };

/* Expat's state: the item that is open, and its text so far. */
typedef struct item_reader {
    ncr_dataset *dataset;
    bool is_open;
    char *name, *role, *domain;
    int sample; /* from 0; -1: of the dataset */
    ncr_buffer text;
    nacre_status status;
    nacre_error *err;
} item_reader;

static void clear_item(item_reader *reader)
{
    free(reader->name);
    free(reader->role);
    free(reader->domain);
    reader->name = reader->role = reader->domain = NULL;
    reader->is_open = false;
    reader->text.size = 0;
}

static nacre_status set_text(char **to, const char *value, nacre_error *err)
{
    char *copy = ncr_text_copy(value);
    if (!copy)
        return ncr_error_memory(err);
    free(*to);
    *to = copy;
    return NACRE_OK;
}

static void XMLCALL start_element(void *user, const XML_Char *element, const XML_Char **attributes)
{
    item_reader *reader = user;
    if (strcmp(element, "Item") || reader->status != NACRE_OK)
        return;
    clear_item(reader);
    reader->is_open = true;
    reader->sample = -1;
    for (; *attributes && reader->status == NACRE_OK; attributes += 2) {
        if (!strcmp(attributes[0], "name"))
            reader->status = set_text(&reader->name, attributes[1], reader->err);
        else if (!strcmp(attributes[0], "role"))
            reader->status = set_text(&reader->role, attributes[1], reader->err);
        else if (!strcmp(attributes[0], "domain"))
            reader->status = set_text(&reader->domain, attributes[1], reader->err);
        else if (!strcmp(attributes[0], "sample") && !ncr_text_to_int(attributes[1], &reader->sample))
            reader->sample = -2;
    }
}

static void XMLCALL add_text(void *user, const XML_Char *text, int length)
{
    item_reader *reader = user;
    if (reader->is_open && !ncr_buffer_append(&reader->text, text, (size_t)length))
        reader->status = ncr_error_memory(reader->err);
}

/* GDAL escapes values once more than XML needs. Undoes that in place. */
static void unescape(char *text)
{
    static const struct row {
        const char *entity;
        char character;
    } rows[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}};
    char *to = text;
    while (*text) {
        char character = *text;
        size_t length = 1;
        for (size_t i = 0; character == '&' && length == 1 && i < sizeof rows / sizeof *rows; i++)
            if (ncr_text_starts(text, rows[i].entity)) {
                *to = rows[i].character;
                length = strlen(rows[i].entity);
            }
        if (length == 1)
            *to = character;
        to++;
        text += length;
    }
    *to = 0;
}

/* Sets what a role stands for; *known tells whether it is one. */
static nacre_status set_role(ncr_band *band, const char *role, const char *value, bool *known, nacre_error *err)
{
    *known = true;
    if (!strcmp(role, "scale"))
        ncr_text_to_double(value, &band->scale);
    else if (!strcmp(role, "offset"))
        ncr_text_to_double(value, &band->offset);
    else if (!strcmp(role, "unittype"))
        return set_text(&band->unit, value, err);
    else if (!strcmp(role, "description"))
        return set_text(&band->description, value, err);
    else if (!strcmp(role, "colorinterp"))
        band->color = ncr_color_from_gdal_name(value);
    else
        *known = false;
    return NACRE_OK;
}

static nacre_status keep_item(item_reader *reader, const char *value)
{
    ncr_dataset *dataset = reader->dataset;
    const char *domain = reader->domain ? reader->domain : "";
    if (!reader->name || reader->sample < -1 || reader->sample >= dataset->band_count ||
        !strcmp(domain, "IMAGE_STRUCTURE"))
        return NACRE_OK;
    bool is_document = ncr_text_starts(domain, "xml:");
    if (reader->sample < 0)
        return ncr_metadata_set(&dataset->metadata, domain, is_document ? "" : reader->name, value, reader->err);
    ncr_band *band = &dataset->bands[reader->sample];
    bool known = false;
    nacre_status status = reader->role ? set_role(band, reader->role, value, &known, reader->err) : NACRE_OK;
    if (status == NACRE_OK && !known)
        status = ncr_metadata_set(&band->metadata, domain, is_document ? "" : reader->name, value, reader->err);
    return status;
}

static void XMLCALL end_element(void *user, const XML_Char *element)
{
    item_reader *reader = user;
    if (strcmp(element, "Item") || !reader->is_open || reader->status != NACRE_OK)
        return;
    if (!ncr_buffer_append(&reader->text, "", 1)) {
        reader->status = ncr_error_memory(reader->err);
    } else {
        unescape((char *)reader->text.data);
        reader->status = keep_item(reader, (const char *)reader->text.data);
    }
    clear_item(reader);
}

/* Text that is no XML is left out, as GDAL does: metadata never makes pixels unreadable. */
nacre_status ncr_tiff_gdal_metadata(ncr_dataset *dataset, const char *text, nacre_error *err)
{
    XML_Parser parser = XML_ParserCreate("UTF-8");
    if (!parser)
        return ncr_error_memory(err);
    item_reader reader = {.dataset = dataset, .err = err};
    ncr_buffer_init(&reader.text, VALUE_MAX);
    XML_SetUserData(parser, &reader);
    XML_SetElementHandler(parser, start_element, end_element);
    XML_SetCharacterDataHandler(parser, add_text);
    if (XML_Parse(parser, text, (int)strnlen(text, VALUE_MAX), 1) == XML_STATUS_ERROR &&
        XML_GetErrorCode(parser) == XML_ERROR_NO_MEMORY)
        reader.status = ncr_error_memory(err);
    XML_ParserFree(parser);
    clear_item(&reader);
    ncr_buffer_clear(&reader.text);
    return reader.status;
}

/* --- Other tags that GDAL shows as metadata --- */

static nacre_status set_texts(ncr_dataset *base, const ncr_tiff_directory *directory, nacre_error *err)
{
    nacre_status status = NACRE_OK;
    for (size_t i = 0; i < NCR_TIFF_TEXT_TAGS && status == NACRE_OK; i++) {
        const char *text = ncr_tiff_text(directory, ncr_tiff_text_tags[i].id);
        if (text)
            status = ncr_metadata_set(&base->metadata, "", ncr_tiff_text_tags[i].key, text, err);
    }
    return status;
}

/* The smallest and largest value that samples have, of the first one. */
static nacre_status set_extremes(ncr_dataset *base, const ncr_tiff_directory *directory, nacre_error *err)
{
    static const struct row {
        ncr_tiff_tag_id id;
        const char *key;
    } rows[] = {{NCR_TAG_MIN_SAMPLE_VALUE, "TIFFTAG_MINSAMPLEVALUE"},
                {NCR_TAG_MAX_SAMPLE_VALUE, "TIFFTAG_MAXSAMPLEVALUE"}};
    nacre_status status = NACRE_OK;
    char text[NCR_TEXT_DOUBLE_SIZE];
    uint64_t value;
    for (size_t i = 0; i < sizeof rows / sizeof *rows && status == NACRE_OK; i++)
        if (ncr_tiff_tag_uint(ncr_tiff_tag_find(directory, rows[i].id), 0, &value) && value <= UINT16_MAX) {
            snprintf(text, sizeof text, "%" PRIu64, value);
            status = ncr_metadata_set(&base->metadata, "", rows[i].key, text, err);
        }
    return status;
}

static nacre_status set_resolution(ncr_dataset *base, const ncr_tiff_directory *directory, nacre_error *err)
{
    static const char *const units[] = {"1 (unitless)", "2 (pixels/inch)", "3 (pixels/cm)"};
    nacre_status status = NACRE_OK;
    char text[NCR_TEXT_DOUBLE_SIZE];
    double value;
    /* GDAL prints what libtiff holds as a float. */
    if (ncr_tiff_tag_double(ncr_tiff_tag_find(directory, NCR_TAG_X_RESOLUTION), 0, &value)) {
        snprintf(text, sizeof text, "%.8g", (double)(float)value);
        status = ncr_metadata_set(&base->metadata, "", "TIFFTAG_XRESOLUTION", text, err);
    }
    if (status == NACRE_OK && ncr_tiff_tag_double(ncr_tiff_tag_find(directory, NCR_TAG_Y_RESOLUTION), 0, &value)) {
        snprintf(text, sizeof text, "%.8g", (double)(float)value);
        status = ncr_metadata_set(&base->metadata, "", "TIFFTAG_YRESOLUTION", text, err);
    }
    uint64_t unit = ncr_tiff_uint(directory, NCR_TAG_RESOLUTION_UNIT, 0);
    if (status == NACRE_OK && unit >= 1 && unit <= 3)
        status = ncr_metadata_set(&base->metadata, "", "TIFFTAG_RESOLUTIONUNIT", units[unit - 1], err);
    return status;
}

/* What colours were before they are given as red, green and blue. */
static const char *color_space(const ncr_tiff_layout *layout)
{
    if (layout->photometric == NCR_PHOTOMETRIC_YCBCR)
        return "YCbCr";
    if (!layout->is_rgba)
        return NULL;
    return layout->photometric == NCR_PHOTOMETRIC_SEPARATED ? "CMYK" : "CIELAB";
}

static nacre_status set_structure(const ncr_tiff_dataset *dataset, nacre_error *err)
{
    ncr_metadata *metadata = (ncr_metadata *)&dataset->base.metadata;
    const ncr_tiff_layout *layout = &dataset->images[0].layout;
    bool is_ycbcr = layout->photometric == NCR_PHOTOMETRIC_YCBCR && !layout->is_rgba;
    const char *space = color_space(layout);
    const char *compression = ncr_tiff_codec_gdal_name(dataset->images[0].directory);
    nacre_status status = NACRE_OK;
    if (dataset->index->is_cog)
        status = ncr_metadata_set(metadata, "IMAGE_STRUCTURE", "LAYOUT", "COG", err);
    if (status == NACRE_OK && space)
        status = ncr_metadata_set(metadata, "IMAGE_STRUCTURE", "SOURCE_COLOR_SPACE", space, err);
    if (status == NACRE_OK && compression)
        status =
            ncr_metadata_set(metadata, "IMAGE_STRUCTURE", "COMPRESSION", is_ycbcr ? "YCbCr JPEG" : compression, err);
    if (status == NACRE_OK)
        status = ncr_metadata_set(metadata, "IMAGE_STRUCTURE", "INTERLEAVE",
                                  *dataset->base.interleave == 'p' ? "PIXEL" : "BAND", err);
    if (status == NACRE_OK && layout->photometric == NCR_PHOTOMETRIC_MIN_IS_WHITE)
        status = ncr_metadata_set(metadata, "IMAGE_STRUCTURE", "MINISWHITE", "YES", err);
    bool is_odd = layout->bits < 128 && (layout->bits & (layout->bits - 1) || layout->bits < 8);
    char bits[16];
    snprintf(bits, sizeof bits, "%u", layout->bits);
    for (int i = 0; i < dataset->base.band_count && status == NACRE_OK && is_odd; i++)
        status = ncr_metadata_set(&dataset->base.bands[i].metadata, "IMAGE_STRUCTURE", "NBITS", bits, err);
    return status;
}

/* Rational polynomial coefficients: 92 doubles, in the order of the tag. */
static nacre_status set_rpc(ncr_dataset *base, const ncr_tiff_directory *directory, nacre_error *err)
{
    static const char *const singles[] = {"ERR_BIAS",   "ERR_RAND",  "LINE_OFF",   "SAMP_OFF",
                                          "LAT_OFF",    "LONG_OFF",  "HEIGHT_OFF", "LINE_SCALE",
                                          "SAMP_SCALE", "LAT_SCALE", "LONG_SCALE", "HEIGHT_SCALE"};
    static const char *const lists[] = {"LINE_NUM_COEFF", "LINE_DEN_COEFF", "SAMP_NUM_COEFF", "SAMP_DEN_COEFF"};
    enum { SINGLES = 12, LIST = 20, COUNT = SINGLES + 4 * LIST };
    const ncr_tiff_tag *tag = ncr_tiff_tag_find(directory, NCR_TAG_RPC_COEFFICIENTS);
    if (!tag || tag->type != NCR_TYPE_DOUBLE || tag->count != COUNT || !tag->value)
        return NACRE_OK;
    const double *values = tag->value;
    nacre_status status = NACRE_OK;
    char text[LIST * NCR_TEXT_DOUBLE_SIZE];
    for (int i = 0; i < SINGLES && status == NACRE_OK; i++) {
        snprintf(text, sizeof text, "%.15g", values[i]);
        status = ncr_metadata_set(&base->metadata, "RPC", singles[i], text, err);
    }
    for (int i = 0; i < 4 && status == NACRE_OK; i++) {
        size_t used = 0;
        for (int j = 0; j < LIST; j++)
            used += (size_t)snprintf(text + used, sizeof text - used, j ? " %.15g" : "%.15g",
                                     values[SINGLES + i * LIST + j]);
        status = ncr_metadata_set(&base->metadata, "RPC", lists[i], text, err);
    }
    return status;
}

nacre_status ncr_tiff_describe_metadata(ncr_tiff_dataset *dataset, nacre_error *err)
{
    ncr_dataset *base = &dataset->base;
    const ncr_tiff_directory *directory = dataset->images[0].directory;
    const char *text = ncr_tiff_text(directory, NCR_TAG_GDAL_METADATA);
    const char *xmp = ncr_tiff_text(directory, NCR_TAG_XMP);
    nacre_status status = text ? ncr_tiff_gdal_metadata(base, text, err) : NACRE_OK;
    if (status == NACRE_OK)
        status = set_texts(base, directory, err);
    if (status == NACRE_OK)
        status = set_extremes(base, directory, err);
    if (status == NACRE_OK)
        status = set_resolution(base, directory, err);
    if (status == NACRE_OK)
        status = set_structure(dataset, err);
    if (status == NACRE_OK)
        status = set_rpc(base, directory, err);
    if (status == NACRE_OK && xmp)
        status = ncr_metadata_set(&base->metadata, "xml:XMP", "", xmp, err);
    return status;
}
