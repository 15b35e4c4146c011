/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tiff/pam.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "raster/crs.h"
#include "raster/dtype.h"

enum { TEXT_MAX = 16 * 1024 * 1024, COLORS_MAX = 65536 };

/* Expat's state. Elements are told by their depth below the dataset or below the band that is open. */
typedef struct reader {
    XML_Parser parser;
    const char *name, *source; /* of the file; its text */
    size_t source_size;
    ncr_tiff_dataset *dataset;
    ncr_band *band; /* that is open; NULL: none */
    bool is_pam, is_band, skips_band;
    int depth;
    ncr_buffer content; /* of the innermost element */
    char *key, *domain; /* of the metadata that are open */
    bool is_document;   /* they are an XML document, which begins at byte `document_at`, -1: not yet */
    XML_Index document_at;
    bool has_crs; /* told by the file */
    bool has_rpc; /* told by a tag or another file: these go before */
    nacre_status status;
    nacre_error *err;
} reader;

static const char *attribute(const XML_Char **attributes, const char *name)
{
    for (; *attributes; attributes += 2)
        if (ncr_text_equal_nocase(attributes[0], name))
            return attributes[1];
    return NULL;
}

static nacre_status replace(char **to, const char *value, nacre_error *err)
{
    char *copy = ncr_text_copy(value);
    if (value && !copy)
        return ncr_error_memory(err);
    free(*to);
    *to = copy;
    return NACRE_OK;
}

static ncr_metadata *metadata_of(reader *r)
{
    return r->band ? &r->band->metadata : &r->dataset->base.metadata;
}

/* --- The position --- */

static nacre_status read_crs(reader *r, const char *text, nacre_crs **to)
{
    nacre_crs *crs = NULL;
    nacre_status status = ncr_crs_from_document(r->name, text, false, &crs, r->err);
    if (status != NACRE_OK)
        return status;
    ncr_crs_unref(*to);
    *to = crs;
    return NACRE_OK;
}

/* GDAL's order of the six numbers. */
static void read_transform(reader *r, const char *text)
{
    double numbers[6];
    for (int i = 0; i < 6; i++) {
        char *end;
        numbers[i] = strtod(text, &end);
        if (end == text)
            return;
        text = end + strspn(end, " \t\r\n,");
    }
    ncr_dataset *base = &r->dataset->base;
    base->has_transform = true;
    base->transform = (nacre_transform){
        .a = numbers[1], .b = numbers[2], .c = numbers[0], .d = numbers[4], .e = numbers[5], .f = numbers[3]};
}

static void drop_gcps(ncr_dataset *base)
{
    for (int i = 0; i < base->gcp_count; i++) {
        free((char *)base->gcps[i].id);
        free((char *)base->gcps[i].info);
    }
    free(base->gcps);
    base->gcps = NULL;
    base->gcp_count = 0;
}

/* Points of the file stand for those of the tags; then the tags' CRS has no meaning. */
static nacre_status begin_gcps(reader *r, const XML_Char **attributes)
{
    ncr_dataset *base = &r->dataset->base;
    const char *projection = attribute(attributes, "Projection");
    drop_gcps(base);
    if (!r->has_crs) {
        ncr_crs_unref(base->crs);
        base->crs = NULL;
    }
    ncr_crs_unref(base->gcp_crs);
    base->gcp_crs = NULL;
    return projection && *projection ? read_crs(r, projection, &base->gcp_crs) : NACRE_OK;
}

static double number_of(const XML_Char **attributes, const char *name)
{
    double value = 0;
    const char *text = attribute(attributes, name);
    if (text)
        ncr_text_to_double(text, &value);
    return value;
}

static nacre_status add_gcp(reader *r, const XML_Char **attributes)
{
    ncr_dataset *base = &r->dataset->base;
    nacre_gcp *grown = realloc(base->gcps, ((size_t)base->gcp_count + 1) * sizeof *grown);
    if (!grown)
        return ncr_error_memory(r->err);
    base->gcps = grown;
    const char *id = attribute(attributes, "Id"), *info = attribute(attributes, "Info");
    nacre_gcp *gcp = &grown[base->gcp_count++];
    *gcp = (nacre_gcp){.id = ncr_text_copy(id ? id : ""),
                       .info = ncr_text_copy(info ? info : ""),
                       .pixel = number_of(attributes, "Pixel"),
                       .line = number_of(attributes, "Line"),
                       .x = number_of(attributes, "X"),
                       .y = number_of(attributes, "Y"),
                       .z = number_of(attributes, "Z")};
    return gcp->id && gcp->info ? NACRE_OK : ncr_error_memory(r->err);
}

bool ncr_tiff_world_read(const char *text, size_t size, nacre_transform *out)
{
    enum { COUNT = 6, LINE = 64 };
    double v[COUNT];
    for (int i = 0; i < COUNT; i++) {
        char line[LINE] = {0};
        size_t used = 0;
        while (size && strchr(" \t\r\n", *text) && *text)
            text++, size--;
        for (; size && *text != '\n' && *text != '\r' && *text != ' '; text++, size--)
            if (used < LINE - 1)
                line[used++] = *text == ',' ? '.' : *text;
        if (!ncr_text_to_double(line, &v[i]))
            return false;
    }
    if ((v[0] == 0 && v[2] == 0) || (v[3] == 0 && v[1] == 0))
        return false;
    /* The last two are the centre of the first pixel. */
    *out = (nacre_transform){
        .a = v[0], .b = v[2], .c = v[4] - (v[0] + v[2]) / 2, .d = v[1], .e = v[3], .f = v[5] - (v[1] + v[3]) / 2};
    return true;
}

/* --- Bands --- */

static uint8_t color_part(const XML_Char **attributes, const char *name, uint8_t fallback)
{
    int value;
    const char *text = attribute(attributes, name);
    if (!text || !ncr_text_to_int(text, &value))
        return fallback;
    return value < 0 ? 0 : value > 255 ? 255 : (uint8_t)value;
}

static nacre_status add_color(reader *r, const XML_Char **attributes)
{
    ncr_band *band = r->band;
    if (band->color_count == COLORS_MAX)
        return NACRE_OK;
    nacre_color_entry *grown = realloc(band->colors, ((size_t)band->color_count + 1) * sizeof *grown);
    if (!grown)
        return ncr_error_memory(r->err);
    band->colors = grown;
    grown[band->color_count++] =
        (nacre_color_entry){color_part(attributes, "c1", 0), color_part(attributes, "c2", 0),
                            color_part(attributes, "c3", 0), color_part(attributes, "c4", 255)};
    return NACRE_OK;
}

static void begin_colors(ncr_band *band)
{
    free(band->colors);
    band->colors = NULL;
    band->color_count = 0;
}

static void begin_band(reader *r, const XML_Char **attributes)
{
    int number = 0;
    const char *text = attribute(attributes, "band");
    bool is_known = text && ncr_text_to_int(text, &number) && number >= 1 && number <= r->dataset->base.band_count;
    r->is_band = true;
    r->skips_band = !is_known;
    r->band = is_known ? &r->dataset->base.bands[number - 1] : NULL;
}

static nacre_status end_band_element(reader *r, const char *element, const char *text)
{
    ncr_band *band = r->band;
    if (ncr_text_equal_nocase(element, "Description"))
        return replace(&band->description, text, r->err);
    if (ncr_text_equal_nocase(element, "UnitType"))
        return replace(&band->unit, text, r->err);
    if (ncr_text_equal_nocase(element, "Offset"))
        ncr_text_to_double(text, &band->offset);
    else if (ncr_text_equal_nocase(element, "Scale"))
        ncr_text_to_double(text, &band->scale);
    else if (ncr_text_equal_nocase(element, "ColorInterp"))
        band->color = ncr_color_from_gdal_name(text);
    else if (ncr_text_equal_nocase(element, "NoDataValue") && *text)
        band->nodata = ncr_tiff_nodata_read(text, band->dtype);
    return NACRE_OK;
}

/* --- Metadata --- */

static nacre_status begin_metadata(reader *r, const XML_Char **attributes)
{
    const char *domain = attribute(attributes, "domain"), *format = attribute(attributes, "format");
    r->is_document = format && ncr_text_equal_nocase(format, "xml");
    r->document_at = -1;
    return replace(&r->domain, domain ? domain : "", r->err);
}

/* What lies between the tags of a document, as it is, with a line's end as GDAL writes it. */
static nacre_status end_document(reader *r)
{
    XML_Index end = XML_GetCurrentByteIndex(r->parser);
    if (r->document_at < 0 || end < r->document_at || (size_t)end > r->source_size)
        return NACRE_OK;
    size_t size = (size_t)(end - r->document_at);
    const char *begin = r->source + r->document_at;
    while (size && strchr(" \t\r\n", begin[size - 1]))
        size--;
    char *text = ncr_text_format("%.*s\n", (int)size, begin);
    nacre_status status =
        text ? ncr_metadata_set(metadata_of(r), r->domain, "", text, r->err) : ncr_error_memory(r->err);
    free(text);
    return status;
}

/* --- Elements --- */

static nacre_status begin_top(reader *r, const char *element, const XML_Char **attributes)
{
    if (ncr_text_equal_nocase(element, "Metadata"))
        return begin_metadata(r, attributes);
    if (r->band && ncr_text_equal_nocase(element, "ColorTable"))
        begin_colors(r->band);
    else if (!r->is_band && ncr_text_equal_nocase(element, "PAMRasterBand"))
        begin_band(r, attributes);
    else if (!r->is_band && ncr_text_equal_nocase(element, "GCPList"))
        return begin_gcps(r, attributes);
    return NACRE_OK;
}

static nacre_status begin_inner(reader *r, const char *element, const XML_Char **attributes)
{
    if (r->domain && r->is_document && r->document_at < 0)
        r->document_at = XML_GetCurrentByteIndex(r->parser);
    else if (r->domain && ncr_text_equal_nocase(element, "MDI"))
        return replace(&r->key, attribute(attributes, "key"), r->err);
    else if (r->band && ncr_text_equal_nocase(element, "Entry"))
        return add_color(r, attributes);
    else if (!r->is_band && ncr_text_equal_nocase(element, "GCP"))
        return add_gcp(r, attributes);
    return NACRE_OK;
}

/* Depth of an element below the dataset or the band: 1 for its children. */
static int level_of(const reader *r)
{
    return r->depth - r->is_band;
}

static void XMLCALL start_element(void *user, const XML_Char *element, const XML_Char **attributes)
{
    reader *r = user;
    int level = level_of(r);
    r->content.size = 0;
    if (r->depth++ == 0)
        r->is_pam = ncr_text_equal_nocase(element, "PAMDataset");
    if (!r->is_pam || r->skips_band || r->status != NACRE_OK)
        return;
    if (level == 1)
        r->status = begin_top(r, element, attributes);
    else if (level == 2)
        r->status = begin_inner(r, element, attributes);
}

static void XMLCALL add_text(void *user, const XML_Char *text, int length)
{
    reader *r = user;
    if (r->status == NACRE_OK && r->is_pam && !ncr_buffer_append(&r->content, text, (size_t)length))
        r->status = ncr_error_memory(r->err);
}

static nacre_status end_top(reader *r, const char *element, const char *text)
{
    if (r->domain && ncr_text_equal_nocase(element, "Metadata")) {
        nacre_status status = r->is_document ? end_document(r) : NACRE_OK;
        free(r->domain);
        r->domain = NULL;
        return status;
    }
    if (r->band)
        return end_band_element(r, element, text);
    if (ncr_text_equal_nocase(element, "GeoTransform")) {
        read_transform(r, text);
    } else if (ncr_text_equal_nocase(element, "SRS") && *text) {
        r->has_crs = true;
        return read_crs(r, text, &r->dataset->base.crs);
    }
    return NACRE_OK;
}

static nacre_status end_inner(reader *r, const char *element, const char *text)
{
    if (!r->key || !r->domain || r->is_document || !ncr_text_equal_nocase(element, "MDI"))
        return NACRE_OK;
    bool is_said = r->has_rpc && !r->band && !strcmp(r->domain, "RPC");
    nacre_status status = is_said ? NACRE_OK : ncr_metadata_set(metadata_of(r), r->domain, r->key, text, r->err);
    free(r->key);
    r->key = NULL;
    return status;
}

static void XMLCALL end_element(void *user, const XML_Char *element)
{
    reader *r = user;
    r->depth--;
    int level = level_of(r);
    if (!ncr_buffer_append(&r->content, "", 1) && r->status == NACRE_OK)
        r->status = ncr_error_memory(r->err);
    if (r->is_band && level == 0) {
        r->is_band = r->skips_band = false;
        r->band = NULL;
    } else if (r->is_pam && !r->skips_band && r->status == NACRE_OK && level == 1) {
        r->status = end_top(r, element, (const char *)r->content.data);
    } else if (r->is_pam && !r->skips_band && r->status == NACRE_OK && level == 2) {
        r->status = end_inner(r, element, (const char *)r->content.data);
    }
    r->content.size = 0;
}

static nacre_status parse(reader *r)
{
    if (XML_Parse(r->parser, r->source, (int)r->source_size, 1) != XML_STATUS_ERROR || r->status != NACRE_OK)
        return r->status;
    if (XML_GetErrorCode(r->parser) == XML_ERROR_NO_MEMORY)
        return ncr_error_memory(r->err);
    if (!r->is_pam) /* some servers answer every name, with a page of HTML or the raster again */
        return NACRE_OK;
    return ncr_error_set(r->err, NACRE_ERROR_CORRUPT, "%s: line %lu: %s; sidecars=never reads the raster without it",
                         r->name, (unsigned long)XML_GetCurrentLineNumber(r->parser),
                         XML_ErrorString(XML_GetErrorCode(r->parser)));
}

nacre_status ncr_tiff_pam_read(const char *name, const char *text, size_t size, ncr_tiff_dataset *dataset,
                               nacre_error *err)
{
    if (size > TEXT_MAX)
        return ncr_error_set(err, NACRE_ERROR_TOO_LARGE, "%s: it has %zu bytes, more than %d", name, size, TEXT_MAX);
    XML_Parser parser = XML_ParserCreate(NULL);
    if (!parser)
        return ncr_error_memory(err);
    reader r = {.parser = parser, .name = name, .source = text, .source_size = size, .dataset = dataset, .err = err};
    r.has_rpc = ncr_metadata_get(&dataset->base.metadata, "RPC", "LINE_OFF");
    ncr_buffer_init(&r.content, TEXT_MAX);
    XML_SetUserData(parser, &r);
    XML_SetElementHandler(parser, start_element, end_element);
    XML_SetCharacterDataHandler(parser, add_text);
    nacre_status status = parse(&r);
    XML_ParserFree(parser);
    ncr_buffer_clear(&r.content);
    free(r.key);
    free(r.domain);
    return status;
}
