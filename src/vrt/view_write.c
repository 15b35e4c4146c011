/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdio.h>

#include "base/text.h"
#include "raster/dtype.h"
#include "vrt/common.h"
#include "vrt/view.h"

/* A view's bands with their sources, and its MaskBand. */

static bool write_rect(ncr_xml *parent, const char *name, const nacre_window *rect)
{
    ncr_xml *element = ncr_xml_add(parent, name);
    return element && ncr_xml_set_attribute_double(element, "xOff", rect->x) &&
           ncr_xml_set_attribute_double(element, "yOff", rect->y) &&
           ncr_xml_set_attribute_double(element, "xSize", rect->width) &&
           ncr_xml_set_attribute_double(element, "ySize", rect->height);
}

/* What saves a reader from opening the source; only known where it is open here. */
static bool write_properties(ncr_xml *parent, const ncr_dataset *dataset, int band)
{
    if (!dataset || band > dataset->band_count)
        return true;
    const ncr_band *facts = &dataset->bands[band - 1];
    ncr_xml *element = ncr_xml_add(parent, "SourceProperties");
    return element && ncr_xml_set_attribute_int(element, "RasterXSize", dataset->width) &&
           ncr_xml_set_attribute_int(element, "RasterYSize", dataset->height) &&
           ncr_xml_set_attribute(element, "DataType", ncr_dtype_gdal_name(facts->dtype)) &&
           ncr_xml_set_attribute_int(element, "BlockXSize", facts->block_width) &&
           ncr_xml_set_attribute_int(element, "BlockYSize", facts->block_height);
}

static bool write_lut(ncr_xml *parent, const ncr_vrt_recipe *recipe)
{
    if (!recipe->lut_count)
        return true;
    ncr_buffer text;
    ncr_buffer_init(&text, SIZE_MAX / 2);
    bool done = true;
    for (size_t i = 0; i < recipe->lut_count && done; i++) {
        char input[NCR_TEXT_DOUBLE_SIZE], output[NCR_TEXT_DOUBLE_SIZE];
        ncr_text_from_double(recipe->lut[i][0], input);
        ncr_text_from_double(recipe->lut[i][1], output);
        done = ncr_text_appendf(&text, "%s%s:%s", i ? "," : "", input, output);
    }
    done = done && ncr_xml_add_text(parent, "LUT", (const char *)text.data);
    ncr_buffer_clear(&text);
    return done;
}

static bool write_scaling(ncr_xml *parent, const ncr_vrt_recipe *recipe)
{
    if (recipe->is_linear)
        return ncr_xml_add_double(parent, "ScaleOffset", recipe->offset) &&
               ncr_xml_add_double(parent, "ScaleRatio", recipe->ratio);
    if (!recipe->is_exponential)
        return true;
    return ncr_xml_add_double(parent, "Exponent", recipe->exponent) &&
           ncr_xml_add_double(parent, "SrcMin", recipe->src_min) &&
           ncr_xml_add_double(parent, "SrcMax", recipe->src_max) &&
           ncr_xml_add_double(parent, "DstMin", recipe->dst_min) &&
           ncr_xml_add_double(parent, "DstMax", recipe->dst_max) &&
           (recipe->clamp || ncr_xml_add_text(parent, "Clamp", "false"));
}

/* The value as the document had it: the exact integer only where it differs from the double. */
static bool write_nodata(ncr_xml *parent, const nacre_nodata *nodata)
{
    char text[NCR_VRT_NUMBER_SIZE];
    if (!nodata->is_set)
        return true;
    nacre_dtype dtype = NACRE_DTYPE_FLOAT64;
    if ((double)nodata->int64_value == nodata->value)
        dtype = NACRE_DTYPE_INT64;
    else if ((double)nodata->uint64_value == nodata->value)
        dtype = NACRE_DTYPE_UINT64;
    ncr_vrt_nodata_text(nodata, dtype, text);
    return ncr_xml_add_text(parent, "NODATA", text);
}

static bool write_recipe(ncr_xml *parent, const ncr_vrt_recipe *recipe)
{
    return write_scaling(parent, recipe) &&
           (!recipe->color_component || ncr_xml_add_int(parent, "ColorTableComponent", recipe->color_component)) &&
           write_lut(parent, recipe) && write_nodata(parent, &recipe->nodata) &&
           (!recipe->use_mask || ncr_xml_add_text(parent, "UseMaskBand", "true"));
}

static bool write_source_band(ncr_xml *parent, const ncr_vrt_source *source)
{
    char text[32];
    snprintf(text, sizeof text, "%s%d", source->is_mask ? "mask," : "", source->band);
    return ncr_xml_add_text(parent, "SourceBand", text);
}

static nacre_status write_source(const ncr_vrt_view *view, const ncr_vrt_source *source,
                                 const ncr_vrt_document *document, ncr_xml *band, nacre_error *err)
{
    ncr_lazy *lazy = view->lazies[source->lazy];
    ncr_xml *element = ncr_xml_add(band, source->recipe ? "ComplexSource" : "SimpleSource");
    if (!element || (source->has_resampling &&
                     !ncr_xml_set_attribute(element, "resampling", ncr_resampling_gdal_name(source->resampling))))
        return ncr_error_memory(err);
    nacre_status status = ncr_vrt_write_source(lazy, document, element, "SourceFilename", err);
    if (status != NACRE_OK)
        return status;
    bool done = write_source_band(element, source) && write_properties(element, ncr_lazy_dataset(lazy), source->band) &&
                (source->src.width == 0 || write_rect(element, "SrcRect", &source->src)) &&
                write_rect(element, "DstRect", &source->dst) &&
                (!source->recipe || write_recipe(element, source->recipe));
    return done ? NACRE_OK : ncr_error_memory(err);
}

static nacre_status write_layer(const ncr_vrt_view *view, const ncr_vrt_layer *layer, const ncr_vrt_document *document,
                                ncr_xml *band, nacre_error *err)
{
    nacre_status status = NACRE_OK;
    for (size_t i = 0; i < layer->count && status == NACRE_OK; i++)
        status = write_source(view, &layer->sources[i], document, band, err);
    return status;
}

static nacre_status write_mask(const ncr_vrt_view *view, const ncr_vrt_document *document, ncr_xml *root,
                               nacre_error *err)
{
    ncr_xml *mask = ncr_xml_add(root, "MaskBand");
    ncr_xml *band = mask ? ncr_xml_add(mask, "VRTRasterBand") : NULL;
    if (!band || !ncr_xml_set_attribute(band, "dataType", "Byte"))
        return ncr_error_memory(err);
    return write_layer(view, &view->layers[view->base.band_count], document, band, err);
}

static bool write_overviews(const ncr_vrt_view *view, ncr_xml *root)
{
    if (!view->overview_factors)
        return true;
    char text[512];
    size_t length = 0;
    for (int i = 0; i < view->base.overview_count && length < sizeof text; i++)
        length +=
            (size_t)snprintf(text + length, sizeof text - length, "%s%d", i ? " " : "", view->overview_factors[i]);
    ncr_xml *list = ncr_xml_add(root, "OverviewList");
    return list && ncr_xml_set_attribute(list, "resampling", ncr_resampling_gdal_name(view->overview_resampling)) &&
           ncr_xml_set_content(list, text);
}

nacre_status ncr_vrt_view_write(const ncr_vrt_view *view, const ncr_vrt_document *document, ncr_xml *root,
                                nacre_error *err)
{
    nacre_status status = ncr_vrt_write_root(&view->base, root, err);
    for (int i = 0; i < view->base.band_count && status == NACRE_OK; i++) {
        ncr_xml *band;
        status = ncr_vrt_write_band(&view->base, i + 1, &view->layers[i].fill, root, &band, err);
        if (status == NACRE_OK)
            status = write_layer(view, &view->layers[i], document, band, err);
    }
    if (status == NACRE_OK && view->has_mask)
        status = write_mask(view, document, root, err);
    return status == NACRE_OK && !write_overviews(view, root) ? ncr_error_memory(err) : status;
}
