/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "raster/crs.h"
#include "raster/dtype.h"
#include "vrt/common.h"

/* What all kinds of VRT share, from the dataset model to elements. */

static nacre_status done_or_memory(bool done, nacre_error *err)
{
    return done ? NACRE_OK : ncr_error_memory(err);
}

/* WKT 1 is what every GDAL reads; WKT 2 where the CRS has no such form. */
static nacre_status crs_text(nacre_crs *crs, const char **out, nacre_error *err)
{
    nacre_status status = ncr_crs_text(crs, NACRE_CRS_WKT1, out, err);
    return status == NACRE_ERROR_UNSUPPORTED ? ncr_crs_text(crs, NACRE_CRS_WKT2, out, err) : status;
}

static const char *axis_mapping(nacre_crs *crs)
{
    return ncr_crs_is_northing_first(crs) ? "2,1" : "1,2";
}

static nacre_status write_crs(const ncr_dataset *dataset, ncr_xml *root, nacre_error *err)
{
    if (!dataset->crs)
        return NACRE_OK;
    const char *text;
    nacre_status status = crs_text(dataset->crs, &text, err);
    if (status != NACRE_OK)
        return status;
    ncr_xml *element = ncr_xml_add(root, "SRS");
    return done_or_memory(element &&
                              ncr_xml_set_attribute(element, "dataAxisToSRSAxisMapping", axis_mapping(dataset->crs)) &&
                              ncr_xml_set_content(element, text),
                          err);
}

/* GDAL's order: c, a, b, f, d, e. */
static bool write_transform(const ncr_dataset *dataset, ncr_xml *root)
{
    if (!dataset->has_transform)
        return true;
    const nacre_transform *t = &dataset->transform;
    const double values[6] = {t->c, t->a, t->b, t->f, t->d, t->e};
    char text[6 * (NCR_TEXT_DOUBLE_SIZE + 2)];
    size_t length = 0;
    for (int i = 0; i < 6; i++) {
        char number[NCR_TEXT_DOUBLE_SIZE];
        ncr_text_from_double(values[i], number);
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", i ? ", " : "", number);
    }
    return ncr_xml_add_text(root, "GeoTransform", text);
}

static bool write_gcp(const nacre_gcp *gcp, ncr_xml *list)
{
    ncr_xml *element = ncr_xml_add(list, "GCP");
    return element && ncr_xml_set_attribute(element, "Id", gcp->id ? gcp->id : "") &&
           (!gcp->info || !gcp->info[0] || ncr_xml_set_attribute(element, "Info", gcp->info)) &&
           ncr_xml_set_attribute_double(element, "Pixel", gcp->pixel) &&
           ncr_xml_set_attribute_double(element, "Line", gcp->line) &&
           ncr_xml_set_attribute_double(element, "X", gcp->x) && ncr_xml_set_attribute_double(element, "Y", gcp->y) &&
           (gcp->z == 0 || ncr_xml_set_attribute_double(element, "Z", gcp->z));
}

static nacre_status write_gcps(const ncr_dataset *dataset, ncr_xml *root, nacre_error *err)
{
    if (!dataset->gcp_count)
        return NACRE_OK;
    ncr_xml *list = ncr_xml_add(root, "GCPList");
    if (!list)
        return ncr_error_memory(err);
    if (dataset->gcp_crs) {
        const char *text;
        nacre_status status = crs_text(dataset->gcp_crs, &text, err);
        if (status != NACRE_OK)
            return status;
        if (!ncr_xml_set_attribute(list, "Projection", text) ||
            !ncr_xml_set_attribute(list, "dataAxisToSRSAxisMapping", axis_mapping(dataset->gcp_crs)))
            return ncr_error_memory(err);
    }
    for (int i = 0; i < dataset->gcp_count; i++)
        if (!write_gcp(&dataset->gcps[i], list))
            return ncr_error_memory(err);
    return NACRE_OK;
}

/* --- Metadata --- */

/* A domain with a document: as a tree where it is XML, as text where it is JSON. false: it is neither. */
static bool write_document(const ncr_metadata_item *item, ncr_xml *element, bool *memory)
{
    if (ncr_text_starts_nocase(item->domain, "json:")) {
        *memory = !ncr_xml_set_attribute(element, "format", "json") || !ncr_xml_set_content(element, item->value);
        return true;
    }
    ncr_xml *tree;
    if (!ncr_text_starts_nocase(item->domain, "xml:") ||
        ncr_xml_parse(item->value, strlen(item->value), item->domain, &tree, NULL) != NACRE_OK)
        return false;
    *memory = !ncr_xml_set_attribute(element, "format", "xml") || !ncr_xml_add_copy(element, tree);
    ncr_xml_free(tree);
    return true;
}

static bool write_item(const ncr_metadata_item *item, ncr_xml *element)
{
    bool memory = false;
    if (!item->key[0] && write_document(item, element, &memory))
        return !memory;
    ncr_xml *added = ncr_xml_add(element, "MDI");
    return added && ncr_xml_set_attribute(added, "key", item->key) && ncr_xml_set_content(added, item->value);
}

/* What describes how a file is laid out, not the pixels; but GDAL writes how a warped view's bands are interleaved. */
static bool is_of_the_file(const ncr_metadata_item *item)
{
    if (strcmp(item->domain, "IMAGE_STRUCTURE") == 0)
        return strcmp(item->key, "INTERLEAVE") != 0;
    return strcmp(item->domain, "DERIVED_SUBDATASETS") == 0 || strcmp(item->domain, "SUBDATASETS") == 0;
}

/* Whether an item that is written begins its domain's element. */
static bool is_first_of_domain(const ncr_metadata *metadata, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(metadata->items[i].domain, metadata->items[index].domain) == 0 &&
            !is_of_the_file(&metadata->items[i]))
            return false;
    return !is_of_the_file(&metadata->items[index]);
}

static bool write_metadata(const ncr_metadata *metadata, ncr_xml *parent)
{
    for (size_t i = 0; i < metadata->count; i++) {
        const char *domain = metadata->items[i].domain;
        if (!is_first_of_domain(metadata, i))
            continue;
        ncr_xml *element = ncr_xml_add(parent, "Metadata");
        if (!element || (domain[0] && !ncr_xml_set_attribute(element, "domain", domain)))
            return false;
        for (size_t k = i; k < metadata->count; k++)
            if (strcmp(metadata->items[k].domain, domain) == 0 && !is_of_the_file(&metadata->items[k]) &&
                !write_item(&metadata->items[k], element))
                return false;
    }
    return true;
}

nacre_status ncr_vrt_write_root(const ncr_dataset *dataset, ncr_xml *root, nacre_error *err)
{
    if (!ncr_xml_set_attribute_int(root, "rasterXSize", dataset->width) ||
        !ncr_xml_set_attribute_int(root, "rasterYSize", dataset->height))
        return ncr_error_memory(err);
    nacre_status status = write_crs(dataset, root, err);
    if (status == NACRE_OK)
        status = done_or_memory(write_transform(dataset, root), err);
    if (status == NACRE_OK)
        status = write_gcps(dataset, root, err);
    if (status == NACRE_OK)
        status = done_or_memory(write_metadata(&dataset->metadata, root), err);
    return status;
}

/* --- Bands --- */

void ncr_vrt_nodata_text(const nacre_nodata *nodata, nacre_dtype dtype, char out[NCR_VRT_NUMBER_SIZE])
{
    if (dtype == NACRE_DTYPE_INT64)
        snprintf(out, NCR_VRT_NUMBER_SIZE, "%lld", (long long)nodata->int64_value);
    else if (dtype == NACRE_DTYPE_UINT64)
        snprintf(out, NCR_VRT_NUMBER_SIZE, "%llu", (unsigned long long)nodata->uint64_value);
    else
        ncr_text_from_double(nodata->value, out);
}

static bool write_nodata(const ncr_band *band, const nacre_nodata *fill, ncr_xml *element)
{
    char text[NCR_VRT_NUMBER_SIZE];
    const nacre_nodata *nodata = band->nodata.is_set || !fill ? &band->nodata : fill;
    if (!nodata->is_set)
        return true;
    ncr_vrt_nodata_text(nodata, band->dtype, text);
    return ncr_xml_add_text(element, "NoDataValue", text) &&
           (nodata == &band->nodata || ncr_xml_add_text(element, "HideNoDataValue", "1"));
}

static bool write_colors(const ncr_band *band, ncr_xml *element)
{
    if (band->color != NACRE_COLOR_UNDEFINED &&
        !ncr_xml_add_text(element, "ColorInterp", ncr_color_gdal_name(band->color)))
        return false;
    ncr_xml *table = band->color_count ? ncr_xml_add(element, "ColorTable") : NULL;
    if (band->color_count && !table)
        return false;
    for (int i = 0; i < band->color_count; i++) {
        const nacre_color_entry *color = &band->colors[i];
        ncr_xml *entry = ncr_xml_add(table, "Entry");
        if (!entry || !ncr_xml_set_attribute_int(entry, "c1", color->red) ||
            !ncr_xml_set_attribute_int(entry, "c2", color->green) ||
            !ncr_xml_set_attribute_int(entry, "c3", color->blue) ||
            !ncr_xml_set_attribute_int(entry, "c4", color->alpha))
            return false;
    }
    return true;
}

static bool write_texts(const ncr_band *band, ncr_xml *element)
{
    return (!band->description || !band->description[0] ||
            ncr_xml_add_text(element, "Description", band->description)) &&
           (!band->unit || !band->unit[0] || ncr_xml_add_text(element, "UnitType", band->unit)) &&
           (band->offset == 0 || ncr_xml_add_double(element, "Offset", band->offset)) &&
           (band->scale == 1 || ncr_xml_add_double(element, "Scale", band->scale));
}

/* Only where it is not what a reader takes by itself. */
static bool write_block(const ncr_dataset *dataset, const ncr_band *band, ncr_xml *element)
{
    int width = dataset->width < NCR_VRT_BLOCK ? dataset->width : NCR_VRT_BLOCK;
    int height = dataset->height < NCR_VRT_BLOCK ? dataset->height : NCR_VRT_BLOCK;
    if (band->block_width <= 0 || band->block_height <= 0 ||
        (band->block_width == width && band->block_height == height))
        return true;
    return ncr_xml_set_attribute_int(element, "blockXSize", band->block_width) &&
           ncr_xml_set_attribute_int(element, "blockYSize", band->block_height);
}

nacre_status ncr_vrt_write_band(const ncr_dataset *dataset, int band_number, const nacre_nodata *fill, ncr_xml *root,
                                ncr_xml **out, nacre_error *err)
{
    const ncr_band *band = &dataset->bands[band_number - 1];
    *out = ncr_xml_add(root, "VRTRasterBand");
    bool done = *out && ncr_xml_set_attribute(*out, "dataType", ncr_dtype_gdal_name(band->dtype)) &&
                ncr_xml_set_attribute_int(*out, "band", band_number) && write_block(dataset, band, *out) &&
                write_metadata(&band->metadata, *out) && write_texts(band, *out) && write_nodata(band, fill, *out) &&
                write_colors(band, *out);
    return done_or_memory(done, err);
}
