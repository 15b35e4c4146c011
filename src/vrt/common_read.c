/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "raster/crs.h"
#include "raster/dtype.h"
#include "vrt/common.h"
#include "vrt/vrt.h"

/* What all kinds of VRT share, from elements to the dataset model. */

static const char *name_of(const ncr_dataset *dataset)
{
    ncr_vrt_document document = {.path = dataset->path};
    return ncr_vrt_document_name(&document);
}

static nacre_status corrupt(const ncr_dataset *dataset, const char *reason, nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: %s", name_of(dataset), reason);
}

/* --- The dataset --- */

static nacre_status read_size(const ncr_xml *root, const char *path, int *width, int *height, nacre_error *err)
{
    nacre_status status = ncr_xml_attribute_int(root, "rasterXSize", 0, width, err);
    if (status == NACRE_OK)
        status = ncr_xml_attribute_int(root, "rasterYSize", 0, height, err);
    if (status == NACRE_OK && (*width <= 0 || *height <= 0))
        status = ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: rasterXSize and rasterYSize must be above 0", path);
    return status;
}

nacre_status ncr_vrt_read_crs(const ncr_vrt_document *document, const char *text, nacre_crs **out, nacre_error *err)
{
    *out = NULL;
    if (!text || !text[0])
        return NACRE_OK;
    return ncr_crs_from_document(ncr_vrt_document_name(document), text, document->may_name_files, out, err);
}

/* GDAL's order: c, a, b, f, d, e. */
static nacre_status read_transform(const ncr_xml *root, ncr_dataset *dataset, nacre_error *err)
{
    const char *text = ncr_xml_text(root, "GeoTransform", NULL);
    if (!text)
        return NACRE_OK;
    double values[6];
    char *copy = ncr_text_copy(text);
    if (!copy)
        return ncr_error_memory(err);
    int count = 0;
    char *rest = copy;
    for (char *part; count < 6 && (part = strsep(&rest, ",")); count++) {
        part += strspn(part, " \t\r\n");
        size_t length = strlen(part);
        while (length && strchr(" \t\r\n", part[length - 1]))
            part[--length] = '\0';
        if (!ncr_text_to_double(part, &values[count]))
            break;
    }
    bool is_whole = count == 6 && !rest;
    free(copy);
    if (!is_whole)
        return corrupt(dataset, "GeoTransform is not six numbers", err);
    dataset->transform = (nacre_transform){values[1], values[2], values[0], values[4], values[5], values[3]};
    dataset->has_transform = true;
    return NACRE_OK;
}

static nacre_status read_gcp(const ncr_xml *element, nacre_gcp *gcp, nacre_error *err)
{
    gcp->id = ncr_text_copy(ncr_xml_attribute(element, "Id", ""));
    gcp->info = ncr_text_copy(ncr_xml_attribute(element, "Info", ""));
    if (!gcp->id || !gcp->info)
        return ncr_error_memory(err);
    const struct {
        const char *name;
        double *out;
    } numbers[] = {
        {"Pixel", &gcp->pixel}, {"Line", &gcp->line}, {"X", &gcp->x}, {"Y", &gcp->y}, {"GCPZ", &gcp->z},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        nacre_status status = ncr_xml_attribute_double(element, numbers[i].name, 0, numbers[i].out, err);
        if (status != NACRE_OK)
            return status;
    }
    return ncr_xml_attribute_double(element, "Z", gcp->z, &gcp->z, err);
}

static int count_children(const ncr_xml *parent, const char *name)
{
    int count = 0;
    for (const ncr_xml *child = ncr_xml_first(parent, name); child && count < INT_MAX;
         child = ncr_xml_next(child, name))
        count++;
    return count;
}

static nacre_status read_gcps(const ncr_xml *root, const ncr_vrt_document *document, ncr_dataset *dataset,
                              nacre_error *err)
{
    const ncr_xml *list = ncr_xml_first(root, "GCPList");
    int count = count_children(list, "GCP");
    if (!count)
        return NACRE_OK;
    dataset->gcps = ncr_alloc_array((size_t)count, sizeof *dataset->gcps);
    if (!dataset->gcps)
        return ncr_error_memory(err);
    dataset->gcp_count = count;
    const ncr_xml *element = ncr_xml_first(list, "GCP");
    for (int i = 0; i < count; i++, element = ncr_xml_next(element, "GCP")) {
        nacre_status status = read_gcp(element, &dataset->gcps[i], err);
        if (status != NACRE_OK)
            return status;
    }
    return ncr_vrt_read_crs(document, ncr_xml_attribute(list, "Projection", NULL), &dataset->gcp_crs, err);
}

/* A domain whose item is a document: the text of the tree, or of JSON. */
static nacre_status read_document_domain(const ncr_xml *element, const char *domain, bool is_json, ncr_metadata *out,
                                         nacre_error *err)
{
    if (is_json)
        return ncr_metadata_set(out, domain, "", ncr_xml_content(element), err);
    const ncr_xml *tree = ncr_xml_first(element, NULL);
    if (!tree)
        return NACRE_OK;
    ncr_buffer text;
    ncr_buffer_init(&text, SIZE_MAX / 2);
    nacre_status status = ncr_xml_write(tree, &text, err);
    if (status == NACRE_OK)
        status = ncr_text_append(&text, "") ? ncr_metadata_set(out, domain, "", (const char *)text.data, err)
                                            : ncr_error_memory(err);
    ncr_buffer_clear(&text);
    return status;
}

nacre_status ncr_vrt_read_metadata(const ncr_xml *parent, ncr_metadata *out, nacre_error *err)
{
    nacre_status status = NACRE_OK;
    for (const ncr_xml *element = ncr_xml_first(parent, "Metadata"); element && status == NACRE_OK;
         element = ncr_xml_next(element, "Metadata")) {
        const char *domain = ncr_xml_attribute(element, "domain", "");
        const char *format = ncr_xml_attribute(element, "format", "");
        bool is_json = ncr_text_equal_nocase(format, "json");
        if (is_json || ncr_text_equal_nocase(format, "xml")) {
            status = read_document_domain(element, domain, is_json, out, err);
            continue;
        }
        for (const ncr_xml *item = ncr_xml_first(element, "MDI"); item && status == NACRE_OK;
             item = ncr_xml_next(item, "MDI"))
            status = ncr_metadata_set(out, domain, ncr_xml_attribute(item, "key", ""), ncr_xml_content(item), err);
    }
    return status;
}

/* --- Bands --- */

nacre_status ncr_vrt_parse_nodata(const char *text, nacre_dtype dtype, nacre_nodata *out)
{
    *out = (nacre_nodata){0};
    if (!ncr_text_to_double(text, &out->value))
        return NACRE_ERROR_CORRUPT;
    out->is_set = true;
    if (dtype == NACRE_DTYPE_INT64 && !ncr_text_to_int64(text, &out->int64_value))
        ncr_convert(&out->value, NACRE_DTYPE_FLOAT64, 0, &out->int64_value, NACRE_DTYPE_INT64, 0, 1);
    if (dtype == NACRE_DTYPE_UINT64 && !ncr_text_to_uint64(text, &out->uint64_value))
        ncr_convert(&out->value, NACRE_DTYPE_FLOAT64, 0, &out->uint64_value, NACRE_DTYPE_UINT64, 0, 1);
    return NACRE_OK;
}

nacre_status ncr_vrt_read_nodata(const ncr_xml *element, const char *document, nacre_dtype dtype, nacre_nodata *out,
                                 nacre_error *err)
{
    *out = (nacre_nodata){0};
    /* GDAL wrote the second spelling once. */
    const char *text = ncr_xml_text(element, "NoDataValue", ncr_xml_text(element, "NodataValue", NULL));
    if (text && ncr_vrt_parse_nodata(text, dtype, out) != NACRE_OK)
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: NoDataValue is not a number: \"%.60s\"", document, text);
    return NACRE_OK;
}

static nacre_status read_colors(const ncr_xml *element, ncr_band *band, nacre_error *err)
{
    const ncr_xml *table = ncr_xml_first(element, "ColorTable");
    int count = count_children(table, "Entry");
    if (!count)
        return NACRE_OK;
    band->colors = ncr_alloc_array((size_t)count, sizeof *band->colors);
    if (!band->colors)
        return ncr_error_memory(err);
    band->color_count = count;
    const ncr_xml *entry = ncr_xml_first(table, "Entry");
    for (int i = 0; i < count; i++, entry = ncr_xml_next(entry, "Entry")) {
        int values[4];
        for (int k = 0; k < 4; k++) {
            char name[3] = {'c', (char)('1' + k), '\0'};
            nacre_status status = ncr_xml_attribute_int(entry, name, k == 3 ? 255 : 0, &values[k], err);
            if (status != NACRE_OK)
                return status;
            values[k] = values[k] < 0 ? 0 : values[k] > 255 ? 255 : values[k];
        }
        band->colors[i] =
            (nacre_color_entry){(uint8_t)values[0], (uint8_t)values[1], (uint8_t)values[2], (uint8_t)values[3]};
    }
    return NACRE_OK;
}

/* Sizes in the document hold also beyond the raster; below the default they do not, as in GDAL. */
static int block_size(int value, int size)
{
    int least = size < NCR_VRT_BLOCK ? size : NCR_VRT_BLOCK;
    return value > least ? value : least;
}

static nacre_status read_block(const int fallback[2], const ncr_xml *element, ncr_dataset *dataset, ncr_band *band,
                               nacre_error *err)
{
    int width, height;
    nacre_status status = ncr_xml_attribute_int(element, "blockXSize", fallback[0], &width, err);
    if (status == NACRE_OK)
        status = ncr_xml_attribute_int(element, "blockYSize", fallback[1], &height, err);
    if (status != NACRE_OK)
        return status;
    if (width < 0 || height < 0)
        return corrupt(dataset, "a block size is below 0", err);
    band->block_width = block_size(width, dataset->width);
    band->block_height = block_size(height, dataset->height);
    return NACRE_OK;
}

static nacre_status read_texts(const ncr_xml *element, ncr_band *band, nacre_error *err)
{
    const char *description = ncr_xml_text(element, "Description", NULL);
    const char *unit = ncr_xml_text(element, "UnitType", NULL);
    band->description = ncr_text_copy(description);
    band->unit = ncr_text_copy(unit);
    if ((description && !band->description) || (unit && !band->unit))
        return ncr_error_memory(err);
    nacre_status status = ncr_xml_double(element, "Offset", 0, &band->offset, err);
    if (status == NACRE_OK)
        status = ncr_xml_double(element, "Scale", 1, &band->scale, err);
    return status;
}

static nacre_status read_band(const int block[2], const ncr_xml *element, ncr_dataset *dataset, ncr_band *band,
                              nacre_error *err)
{
    const char *type = ncr_xml_attribute(element, "dataType", "Byte");
    band->dtype = ncr_dtype_from_name(type);
    if (band->dtype == NACRE_DTYPE_UNKNOWN)
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: unknown dataType \"%.40s\"", name_of(dataset), type);
    band->bits = (int)(8 * ncr_dtype_size(band->dtype));
    nacre_status status = read_block(block, element, dataset, band, err);
    if (status == NACRE_OK)
        status = ncr_vrt_read_nodata(element, name_of(dataset), band->dtype, &band->nodata, err);
    if (status == NACRE_OK && ncr_xml_bool(element, "HideNoDataValue", false))
        band->nodata = (nacre_nodata){0};
    if (status == NACRE_OK)
        status = read_texts(element, band, err);
    if (status == NACRE_OK)
        status = read_colors(element, band, err);
    if (status == NACRE_OK)
        status = ncr_vrt_read_metadata(element, &band->metadata, err);
    band->color = ncr_color_from_gdal_name(ncr_xml_text(element, "ColorInterp", "Undefined"));
    return status;
}

void ncr_vrt_set_mask_flags(ncr_dataset *dataset, bool has_mask_band)
{
    dataset->alpha_band = 0;
    for (int i = 0; i < dataset->band_count && !dataset->alpha_band; i++)
        if (dataset->bands[i].color == NACRE_COLOR_ALPHA)
            dataset->alpha_band = i + 1;
    ncr_dataset_set_mask_flags(dataset, has_mask_band);
}

static nacre_status read_bands(const ncr_xml *root, ncr_dataset *dataset, nacre_error *err)
{
    int block[2]; /* of the document: looked for once, not for each band */
    nacre_status status = ncr_xml_int(root, "BlockXSize", 0, &block[0], err);
    if (status == NACRE_OK)
        status = ncr_xml_int(root, "BlockYSize", 0, &block[1], err);
    const ncr_xml *element = ncr_xml_first(root, "VRTRasterBand");
    for (int i = 0; i < dataset->band_count && status == NACRE_OK; i++) {
        status = read_band(block, element, dataset, &dataset->bands[i], err);
        element = ncr_xml_next(element, "VRTRasterBand");
    }
    if (status == NACRE_OK && dataset->band_count)
        dataset->is_tiled = dataset->bands[0].block_width < dataset->width;
    ncr_vrt_set_mask_flags(dataset, false);
    return status;
}

const char *ncr_vrt_interleave(const ncr_dataset *dataset)
{
    const char *text = ncr_metadata_get(&dataset->metadata, "IMAGE_STRUCTURE", "INTERLEAVE");
    if (!text)
        return "";
    return ncr_text_equal_nocase(text, "PIXEL") ? "pixel" : ncr_text_equal_nocase(text, "BAND") ? "band" : "";
}

nacre_status ncr_vrt_read_common(const ncr_xml *root, const ncr_vrt_document *document, ncr_file *file, size_t size,
                                 const ncr_dataset_class *class, ncr_dataset **out, nacre_error *err)
{
    *out = NULL;
    int width, height;
    nacre_status status = read_size(root, ncr_vrt_document_name(document), &width, &height, err);
    if (status != NACRE_OK)
        return status;
    ncr_dataset *dataset = ncr_dataset_new(size, class, document->path, file, count_children(root, "VRTRasterBand"));
    if (!dataset)
        return ncr_error_memory(err);
    dataset->width = width;
    dataset->height = height;
    dataset->looks_beside = file != NULL;
    status = ncr_vrt_read_crs(document, ncr_xml_text(root, "SRS", NULL), &dataset->crs, err);
    if (status == NACRE_OK)
        status = read_transform(root, dataset, err);
    if (status == NACRE_OK)
        status = read_gcps(root, document, dataset, err);
    if (status == NACRE_OK)
        status = ncr_vrt_read_metadata(root, &dataset->metadata, err);
    dataset->interleave = ncr_vrt_interleave(dataset);
    if (status == NACRE_OK)
        status = read_bands(root, dataset, err);
    if (status != NACRE_OK) {
        ncr_dataset_unref(dataset);
        return status;
    }
    *out = dataset;
    return NACRE_OK;
}
