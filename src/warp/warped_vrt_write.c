/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "raster/dtype.h"
#include "warp/map.h"
#include "warp/view.h"
#include "warp/warped_vrt.h"

/* Writing a view as GDAL's VRTWarpedDataset. The functions return false when out of memory. */

static bool add_transform(ncr_xml *parent, const char *element, const nacre_transform *t)
{
    const double values[6] = {t->c, t->a, t->b, t->f, t->d, t->e};
    char text[6 * NCR_TEXT_DOUBLE_SIZE] = "";
    size_t size = 0;
    for (int i = 0; i < 6; i++) {
        if (i)
            text[size++] = ',';
        ncr_text_from_double(values[i], text + size);
        size += strlen(text + size);
    }
    return ncr_xml_add_text(parent, element, text);
}

/* WKT 1 where the CRS has it, for older versions of GDAL. */
static nacre_status add_crs(ncr_xml *parent, const char *element, nacre_crs *crs, nacre_error *err)
{
    const char *text;
    nacre_status status = ncr_crs_text(crs, NACRE_CRS_WKT1, &text, err);
    if (status == NACRE_ERROR_UNSUPPORTED)
        status = ncr_crs_text(crs, NACRE_CRS_WKT2, &text, err);
    if (status)
        return status;
    return ncr_xml_add_text(parent, element, text) ? NACRE_OK : ncr_error_memory(err);
}

static bool add_keyed(ncr_xml *parent, const char *element, const char *attribute, const char *key, const char *value)
{
    ncr_xml *e = ncr_xml_add(parent, element);
    return e && ncr_xml_set_attribute(e, attribute, key) && ncr_xml_set_content(e, value);
}

static bool add_reprojection_options(ncr_xml *reprojection, const ncr_reprojection_spec *spec)
{
    if (!spec->has_area && !spec->has_center)
        return true;
    ncr_xml *options = ncr_xml_add(reprojection, "Options");
    bool good = options != NULL;
    if (good && spec->has_area) {
        char text[4 * NCR_TEXT_DOUBLE_SIZE] = "";
        size_t size = 0;
        for (int i = 0; i < 4; i++) {
            if (i)
                text[size++] = ',';
            ncr_text_from_double(spec->area[i], text + size);
            size += strlen(text + size);
        }
        good = add_keyed(options, "Option", "key", "AREA_OF_INTEREST", text);
    }
    if (good && spec->has_center) {
        char text[NCR_TEXT_DOUBLE_SIZE];
        ncr_text_from_double(spec->center, text);
        good = add_keyed(options, "Option", "key", "CENTER_LONG", text);
    }
    return good;
}

static nacre_status add_reprojection(ncr_xml *image, const ncr_reprojection_spec *spec, nacre_error *err)
{
    if (!spec->src || !spec->dst || (ncr_crs_equal(spec->src, spec->dst) && !spec->has_center))
        return NACRE_OK;
    ncr_xml *reproject = ncr_xml_add(image, "ReprojectTransformer");
    ncr_xml *reprojection = reproject ? ncr_xml_add(reproject, "ReprojectionTransformer") : NULL;
    if (!reprojection)
        return ncr_error_memory(err);
    nacre_status status = add_crs(reprojection, "SourceSRS", spec->src, err);
    if (!status)
        status = add_crs(reprojection, "TargetSRS", spec->dst, err);
    if (status)
        return status;
    return add_reprojection_options(reprojection, spec) ? NACRE_OK : ncr_error_memory(err);
}

static nacre_status add_transformer(ncr_xml *warp, const ncr_warp_setup *setup, nacre_error *err)
{
    ncr_xml *at = ncr_xml_add(warp, "Transformer");
    if (at && setup->max_error > 0) {
        at = ncr_xml_add(at, "ApproxTransformer");
        if (at && !ncr_xml_add_double(at, "MaxError", setup->max_error))
            return ncr_error_memory(err);
        at = at ? ncr_xml_add(at, "BaseTransformer") : NULL;
    }
    ncr_xml *image = at ? ncr_xml_add(at, "GenImgProjTransformer") : NULL;
    nacre_transform src_inverse = {0}, dst_inverse = {0};
    ncr_map_invert(&setup->src_transform, &src_inverse);
    ncr_map_invert(&setup->grid.transform, &dst_inverse);
    if (!image)
        return ncr_error_memory(err);
    nacre_status status = ncr_warped_vrt_write_georef(image, setup->spec.georef, err);
    if (status)
        return status;
    bool good = (setup->spec.georef || (add_transform(image, "SrcGeoTransform", &setup->src_transform) &&
                                        add_transform(image, "SrcInvGeoTransform", &src_inverse))) &&
                add_transform(image, "DstGeoTransform", &setup->grid.transform) &&
                add_transform(image, "DstInvGeoTransform", &dst_inverse);
    return good ? add_reprojection(image, &setup->spec, err) : ncr_error_memory(err);
}

static bool add_nodata(ncr_xml *mapping, const char *real, const char *imaginary, double value)
{
    return ncr_xml_add_double(mapping, real, value) && ncr_xml_add_double(mapping, imaginary, 0);
}

static bool add_bands(ncr_xml *warp, const ncr_warp_setup *setup)
{
    ncr_xml *list = ncr_xml_add(warp, "BandList");
    bool good = list != NULL;
    for (int i = 0; i < setup->band_count && good; i++) {
        const ncr_warp_band *band = &setup->bands[i];
        ncr_xml *mapping = ncr_xml_add(list, "BandMapping");
        good = mapping && ncr_xml_set_attribute_int(mapping, "src", band->src) &&
               ncr_xml_set_attribute_int(mapping, "dst", band->dst);
        if (good && band->has_src_nodata)
            good = add_nodata(mapping, "SrcNoDataReal", "SrcNoDataImag", band->src_nodata);
        if (good && band->has_dst_nodata)
            good = add_nodata(mapping, "DstNoDataReal", "DstNoDataImag", band->dst_nodata);
    }
    if (good && setup->src_alpha)
        good = ncr_xml_add_int(warp, "SrcAlphaBand", setup->src_alpha);
    if (good && setup->dst_alpha)
        good = ncr_xml_add_int(warp, "DstAlphaBand", setup->dst_alpha);
    return good;
}

static bool add_cutline(ncr_xml *warp, const ncr_cutline *cutline)
{
    if (!cutline)
        return true;
    char *text = ncr_cutline_text(cutline);
    bool good = text && ncr_xml_add_text(warp, "Cutline", text) &&
                (cutline->blend == 0 || ncr_xml_add_double(warp, "CutlineBlendDist", cutline->blend));
    free(text);
    return good;
}

/* What the pixels without a source get, as INIT_DEST has it: NO_DATA, or a number a band. */
static char *initial_text(const ncr_warp_setup *setup)
{
    bool all_nodata = true, all_zero = true;
    for (int i = 0; i < setup->band_count; i++) {
        const ncr_warp_band *band = &setup->bands[i];
        bool is_nodata = band->has_dst_nodata && (band->initial == band->dst_nodata || isnan(band->dst_nodata));
        all_nodata = all_nodata && is_nodata;
        all_zero = all_zero && band->initial == 0;
    }
    if (all_nodata || all_zero)
        return ncr_text_copy(all_nodata ? "NO_DATA" : "0");
    char *text = ncr_text_copy("");
    for (int i = 0; i < setup->band_count && text; i++) {
        char number[NCR_TEXT_DOUBLE_SIZE];
        ncr_text_from_double(setup->bands[i].initial, number);
        char *longer = ncr_text_format("%s%s%s", text, i ? "," : "", number);
        free(text);
        text = longer;
    }
    return text;
}

/* An option that is given: not 0. */
static bool add_number(ncr_xml *warp, const char *name, double value)
{
    char text[NCR_TEXT_DOUBLE_SIZE];
    ncr_text_from_double(value, text);
    return !(value > 0) || add_keyed(warp, "Option", "name", name, text);
}

/* A file's own options as they are, else those that say what the view does. */
static bool add_options(ncr_xml *warp, const ncr_warp_setup *setup)
{
    bool good = true;
    for (size_t i = 0; i < setup->option_count && good; i++)
        good = add_keyed(warp, "Option", "name", setup->options[i].name, setup->options[i].value);
    if (setup->option_count)
        return good;
    static const char *const unified[] = {NULL, "YES", "NO", "PARTIAL"};
    if (setup->unified != NCR_UNIFIED_UNSET)
        good = add_keyed(warp, "Option", "name", "UNIFIED_SRC_NODATA", unified[setup->unified]);
    good = good && add_number(warp, "XSCALE", setup->x_scale) && add_number(warp, "YSCALE", setup->y_scale) &&
           add_number(warp, "SRC_ALPHA_MAX", setup->src_alpha_max);
    if (good && setup->samples_scale)
        good = add_keyed(warp, "Option", "name", "XSCALE", "FROM_GRID_SAMPLING");
    char *initial = initial_text(setup);
    good = good && initial && add_keyed(warp, "Option", "name", "INIT_DEST", initial);
    free(initial);
    return good && add_keyed(warp, "Option", "name", "ERROR_OUT_IF_EMPTY_SOURCE_WINDOW", "FALSE");
}

static bool add_open_options(ncr_xml *warp, const ncr_warp_setup *setup)
{
    if (!setup->is_level_transform)
        return true;
    ncr_xml *options = ncr_xml_add(warp, "OpenOptions");
    char *level = ncr_text_format("%d", setup->overview);
    bool good = options && level && add_keyed(options, "OOI", "key", "OVERVIEW_LEVEL", level);
    free(level);
    return good;
}

static const char *resampling_text(nacre_resampling resampling)
{
    return resampling == NACRE_RESAMPLING_NEAREST ? "NearestNeighbour" : ncr_resampling_gdal_name(resampling);
}

/* GDAL computes in this type; where it is not told, in what holds all bands. */
static nacre_dtype working_dtype(const ncr_warp_view *view)
{
    nacre_dtype dtype = view->setup.working;
    ncr_dataset *source = ncr_lazy_dataset(view->source);
    for (int i = 0; i < view->base.band_count && view->setup.working == NACRE_DTYPE_UNKNOWN; i++)
        dtype = ncr_dtype_union(dtype, view->base.bands[i].dtype);
    for (int i = 0; source && i < source->band_count && view->setup.working == NACRE_DTYPE_UNKNOWN; i++)
        dtype = ncr_dtype_union(dtype, source->bands[i].dtype);
    return dtype;
}

nacre_status ncr_warped_vrt_write(const ncr_dataset *dataset, const ncr_vrt_document *document, ncr_xml *root,
                                  nacre_error *err)
{
    const ncr_warp_view *view = (const ncr_warp_view *)dataset;
    const ncr_warp_setup *setup = &view->setup;
    const ncr_band *band = &dataset->bands[0];
    bool good = ncr_xml_add_int(root, "BlockXSize", band->block_width) &&
                ncr_xml_add_int(root, "BlockYSize", band->block_height);
    ncr_xml *warp = good ? ncr_xml_add(root, "GDALWarpOptions") : NULL;
    good = warp && ncr_xml_add_double(warp, "WarpMemoryLimit", setup->memory_limit) &&
           ncr_xml_add_text(warp, "ResampleAlg", resampling_text(setup->resampling)) &&
           ncr_xml_add_text(warp, "WorkingDataType", ncr_dtype_gdal_name(working_dtype(view))) &&
           add_options(warp, setup);
    if (!good)
        return ncr_error_memory(err);
    nacre_status status = ncr_vrt_write_source(view->source, document, warp, "SourceDataset", err);
    if (!status && !add_open_options(warp, setup))
        status = ncr_error_memory(err);
    if (!status)
        status = add_transformer(warp, setup, err);
    if (!status && !(add_bands(warp, setup) && add_cutline(warp, setup->cutline)))
        status = ncr_error_memory(err);
    return status;
}
