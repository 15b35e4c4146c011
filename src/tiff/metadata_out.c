/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "raster/dtype.h"
#include "tiff/tags_out.h"

enum { TEXT_MAX = 64 * 1024 * 1024 };

/* What stands for a character in XML; NULL: itself. */
static const char *entity_of(char character)
{
    switch (character) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    default:
        return NULL;
    }
}

static bool add_escaped(ncr_buffer *text, const char *value)
{
    bool added = true;
    for (; *value && added; value++) {
        const char *entity = entity_of(*value);
        /* XML has no way to say other control characters. */
        bool can_be_said = (unsigned char)*value >= ' ' || strchr("\t\n\r", *value);
        if (entity)
            added = ncr_text_append(text, entity);
        else if (can_be_said)
            added = ncr_buffer_append(text, value, 1);
    }
    return added;
}

/* GDAL escapes values once more than XML needs, and undoes that when it reads. */
static bool add_value(ncr_buffer *text, const char *value)
{
    ncr_buffer once;
    ncr_buffer_init(&once, TEXT_MAX);
    bool added = add_escaped(&once, value);
    if (added && once.size)
        added = ncr_buffer_append(&once, "", 1) && add_escaped(text, (const char *)once.data);
    ncr_buffer_clear(&once);
    return added;
}

/* band: from 0, -1 the dataset. */
static bool add_item(ncr_buffer *text, const char *name, int band, const char *role, const char *domain,
                     const char *value)
{
    bool added = ncr_text_append(text, "  <Item name=\"") && add_escaped(text, name) && ncr_text_append(text, "\"");
    if (added && band >= 0)
        added = ncr_text_appendf(text, " sample=\"%d\"", band);
    if (added && role)
        added = ncr_text_appendf(text, " role=\"%s\"", role);
    if (added && *domain)
        added = ncr_text_append(text, " domain=\"") && add_escaped(text, domain) && ncr_text_append(text, "\"");
    return added && ncr_text_append(text, ">") && add_value(text, value) && ncr_text_append(text, "</Item>\n");
}

/* Items that tags of their own hold, or that only the file they came from can say. */
static bool is_left_out(const ncr_metadata_item *item)
{
    static const char *const domains[] = {"IMAGE_STRUCTURE", "DERIVED_SUBDATASETS", "SUBDATASETS", "RPC",
                                          "xml:XMP",         "COLOR_PROFILE",       "EXIF"};
    for (size_t i = 0; i < sizeof domains / sizeof *domains; i++)
        if (!strcmp(item->domain, domains[i]))
            return true;
    return !*item->domain && (!strcmp(item->key, "AREA_OR_POINT") || ncr_text_starts(item->key, "TIFFTAG_"));
}

static bool add_metadata(ncr_buffer *text, const ncr_creation *creation, const ncr_metadata *metadata, int band)
{
    for (size_t i = 0; i < metadata->count; i++) {
        const ncr_metadata_item *item = &metadata->items[i];
        const char *name = *item->key ? item->key : item->domain;
        bool is_statistic = !*item->domain && ncr_text_starts(item->key, "STATISTICS_");
        if (is_statistic && (creation->without_statistics || creation->with_statistics))
            continue;
        if (!is_left_out(item) && !add_item(text, name, band, NULL, item->domain, item->value))
            return false;
    }
    return true;
}

static bool add_statistics(ncr_buffer *text, const ncr_statistics *s, int band)
{
    if (!s->count)
        return true;
    const struct {
        const char *name;
        double value;
    } items[] = {{"STATISTICS_MAXIMUM", s->maximum},
                 {"STATISTICS_MEAN", s->mean},
                 {"STATISTICS_MINIMUM", s->minimum},
                 {"STATISTICS_STDDEV", sqrt(s->squares / (double)s->count)}};
    char number[NCR_TEXT_DOUBLE_SIZE];
    bool added = true;
    for (size_t i = 0; i < sizeof items / sizeof *items && added; i++) {
        ncr_text_from_double(items[i].value, number);
        added = add_item(text, items[i].name, band, NULL, "", number);
    }
    snprintf(number, sizeof number, "%.4g", 100.0 * (double)s->count / (double)s->in_all);
    return added && add_item(text, "STATISTICS_VALID_PERCENT", band, NULL, "", number);
}

static bool add_band(ncr_buffer *text, const ncr_dataset *dataset, const ncr_creation *creation, int band)
{
    const ncr_band *b = &dataset->bands[band];
    char number[NCR_TEXT_DOUBLE_SIZE];
    bool added = true;
    if (b->offset != 0 || b->scale != 1) {
        ncr_text_from_double(b->offset, number);
        added = add_item(text, "OFFSET", band, "offset", "", number);
        ncr_text_from_double(b->scale, number);
        added = added && add_item(text, "SCALE", band, "scale", "", number);
    }
    if (added && b->unit && *b->unit)
        added = add_item(text, "UNITTYPE", band, "unittype", "", b->unit);
    if (added && b->description && *b->description)
        added = add_item(text, "DESCRIPTION", band, "description", "", b->description);
    if (added && b->color != ncr_out_natural_color(dataset, creation, band))
        added = add_item(text, "COLORINTERP", band, "colorinterp", "", ncr_color_gdal_name(b->color));
    return added && add_metadata(text, creation, &b->metadata, band);
}

nacre_status ncr_out_gdal_metadata(const ncr_save *save, const ncr_creation *creation, const ncr_statistics *statistics,
                                   char **out, nacre_error *err)
{
    static const char start[] = "<GDALMetadata>\n";
    const ncr_dataset *dataset = save->dataset;
    ncr_buffer text;
    ncr_buffer_init(&text, TEXT_MAX);
    *out = NULL;
    bool added = ncr_text_append(&text, start) && add_metadata(&text, creation, &dataset->metadata, -1);
    for (int band = 0; band < creation->band_count && added; band++)
        added =
            add_band(&text, dataset, creation, band) && (!statistics || add_statistics(&text, &statistics[band], band));
    bool is_empty = text.size == sizeof start - 1;
    if (added && !is_empty)
        added = ncr_text_append(&text, "</GDALMetadata>\n");
    if (added && !is_empty)
        *out = ncr_text_copy_n((const char *)text.data, text.size);
    ncr_buffer_clear(&text);
    return added && (is_empty || *out) ? NACRE_OK : ncr_error_memory(err);
}
