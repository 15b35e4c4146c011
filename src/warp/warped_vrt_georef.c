/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "warp/geoloc.h"
#include "warp/rpc.h"
#include "warp/warped_vrt.h"

/* The transformers of GDAL's GenImgProjTransformer that stand in place of the source's geotransform. */

static nacre_status corrupt(const char *name, const char *what, nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: %s", name, what);
}

static nacre_status check_forward(const char *name, const ncr_xml *e, nacre_error *err)
{
    if (!ncr_xml_bool(e, "Reversed", false))
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: a reversed %s in a warped VRT is not supported", name,
                         ncr_xml_name(e));
}

/* --- Rational polynomials --- */

static const char *metadata_text(void *user, const char *key)
{
    const ncr_xml *list = user;
    for (const ncr_xml *e = list ? ncr_xml_first(list, "MDI") : NULL; e; e = ncr_xml_next(e, "MDI"))
        if (ncr_text_equal_nocase(ncr_xml_attribute(e, "key", ""), key))
            return ncr_xml_content(e);
    return NULL;
}

static nacre_status read_dem(const char *name, const ncr_xml *e, const ncr_vrt_document *document, ncr_dem_spec *dem,
                             nacre_error *err)
{
    const ncr_xml *path = ncr_xml_first(e, "DEMPath");
    if (!path)
        return NACRE_OK;
    const char *interpolation = ncr_xml_text(e, "DEMInterpolation", "bilinear"), *crs = ncr_xml_text(e, "DEMSRS", "");
    if (!ncr_dem_interpolation_from_name(interpolation, &dem->interpolation))
        return corrupt(name, "its DEMInterpolation is not known", err);
    dem->has_missing = ncr_xml_first(e, "DEMMissingValue") != NULL;
    dem->keeps_heights = !ncr_xml_bool(e, "DEMApplyVDatumShift", true);
    nacre_status status = ncr_xml_double(e, "DEMMissingValue", 0, &dem->missing, err);
    if (!status && *crs)
        status = ncr_vrt_read_crs(document, crs, &dem->crs, err);
    return status ? status : ncr_vrt_read_source(path, document, &dem->source, err);
}

static nacre_status read_rpc(const char *name, const ncr_xml *e, const ncr_vrt_document *document, ncr_georef **out,
                             nacre_error *err)
{
    ncr_rpc_spec spec = ncr_rpc_spec_default();
    if (ncr_xml_first(e, "RPCFootprint"))
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: RPCFootprint in a warped VRT is not supported", name);
    nacre_status status = check_forward(name, e, err);
    if (!status)
        status = ncr_rpc_read(name, metadata_text, (void *)ncr_xml_first(e, "Metadata"), &spec, err);
    if (!status)
        status = ncr_xml_double(e, "HeightOffset", 0, &spec.height, err);
    if (!status)
        status = ncr_xml_double(e, "HeightScale", 1, &spec.height_scale, err);
    if (!status)
        status = ncr_xml_double(e, "PixErrThreshold", 0.1, &spec.threshold, err);
    if (!status)
        status = read_dem(name, e, document, &spec.dem, err);
    if (!status)
        return ncr_georef_rpc(name, &spec, out, err);
    ncr_rpc_spec_clear(&spec);
    return status;
}

static bool add_item(ncr_xml *list, const char *key, const char *value)
{
    ncr_xml *e = ncr_xml_add(list, "MDI");
    return e && ncr_xml_set_attribute(e, "key", key) && ncr_xml_set_content(e, value);
}

static bool add_rpc_metadata(ncr_xml *parent, const ncr_rpc_spec *spec)
{
    ncr_xml *list = ncr_xml_add(parent, "Metadata");
    bool good = list != NULL;
    for (int i = 0; i < NCR_RPC_NUMBERS && good; i++) {
        char text[NCR_TEXT_DOUBLE_SIZE];
        ncr_text_from_double(spec->numbers[i], text);
        good = isnan(spec->numbers[i]) || add_item(list, ncr_rpc_number_names[i], text);
    }
    for (int i = 0; i < NCR_RPC_LISTS && good; i++) {
        char text[NCR_RPC_TERMS * NCR_TEXT_DOUBLE_SIZE] = "";
        size_t size = 0;
        for (int k = 0; k < NCR_RPC_TERMS; k++) {
            if (k)
                text[size++] = ' ';
            ncr_text_from_double(spec->lists[i][k], text + size);
            size += strlen(text + size);
        }
        good = add_item(list, ncr_rpc_list_names[i], text);
    }
    return good;
}

/* GDAL takes the path from where it runs, not from the document: so it is whole. */
static nacre_status add_dem(ncr_xml *parent, const ncr_dem_spec *dem, nacre_error *err)
{
    if (!dem->source)
        return NACRE_OK;
    const ncr_vrt_document nowhere = {.path = ""};
    nacre_status status = ncr_vrt_write_source(dem->source, &nowhere, parent, "DEMPath", err);
    if (status)
        return status;
    bool good = ncr_xml_add_text(parent, "DEMInterpolation", ncr_dem_interpolation_name(dem->interpolation)) &&
                (!dem->has_missing || ncr_xml_add_double(parent, "DEMMissingValue", dem->missing)) &&
                ncr_xml_add_text(parent, "DEMApplyVDatumShift", dem->keeps_heights ? "false" : "true");
    const char *crs = NULL;
    if (good && dem->crs)
        status = ncr_crs_text(dem->crs, NACRE_CRS_WKT2, &crs, err);
    if (status)
        return status;
    return good && (!crs || ncr_xml_add_text(parent, "DEMSRS", crs)) ? NACRE_OK : ncr_error_memory(err);
}

static nacre_status write_rpc(ncr_xml *image, const ncr_rpc_spec *spec, nacre_error *err)
{
    ncr_xml *outer = ncr_xml_add(image, "SrcRPCTransformer");
    ncr_xml *e = outer ? ncr_xml_add(outer, "RPCTransformer") : NULL;
    bool good = e && ncr_xml_add_int(e, "Reversed", 0) && ncr_xml_add_double(e, "HeightOffset", spec->height) &&
                (spec->height_scale == 1 || ncr_xml_add_double(e, "HeightScale", spec->height_scale));
    if (!good)
        return ncr_error_memory(err);
    nacre_status status = add_dem(e, &spec->dem, err);
    if (status)
        return status;
    good = ncr_xml_add_double(e, "PixErrThreshold", spec->threshold) && add_rpc_metadata(e, spec);
    return good ? NACRE_OK : ncr_error_memory(err);
}

/* --- Geolocation arrays --- */

static nacre_status read_geoloc(const char *name, const ncr_xml *image, const ncr_xml *e,
                                const ncr_vrt_document *document, ncr_georef **out, nacre_error *err)
{
    ncr_geoloc_spec spec;
    const char *path = ncr_xml_text(e, "SourceDataset", NULL), *crs;
    ncr_geoloc_place place = {
        .name = name, .path = path, .document = document->object, .pins = document->pins, .depth = document->depth};
    nacre_crs *parsed = NULL;
    nacre_status status = check_forward(name, e, err);
    if (!status)
        status = ncr_geoloc_read(&place, metadata_text, (void *)ncr_xml_first(e, "Metadata"), &spec, err);
    if (status)
        return status;
    crs = ncr_xml_text(image, "ReprojectTransformer/ReprojectionTransformer/SourceSRS", spec.crs ? spec.crs : "");
    if (*crs)
        status = ncr_vrt_read_crs(document, crs, &parsed, err);
    if (status) {
        ncr_geoloc_spec_clear(&spec);
        return status;
    }
    spec.is_round = ncr_crs_is_degrees(parsed);
    ncr_crs_unref(parsed);
    return ncr_georef_geoloc(&spec, out, err);
}

static bool add_number(ncr_xml *list, const char *key, double value)
{
    char text[NCR_TEXT_DOUBLE_SIZE];
    ncr_text_from_double(value, text);
    return add_item(list, key, text);
}

/* As ncr_vrt_write_source(), but an item of the metadata. */
static nacre_status add_path(ncr_xml *list, const char *key, ncr_lazy *source, nacre_error *err)
{
    const ncr_vrt_document nowhere = {.path = ""};
    ncr_xml *named = ncr_xml_new("Named");
    if (!named)
        return ncr_error_memory(err);
    nacre_status status = ncr_vrt_write_source(source, &nowhere, named, "Path", err);
    if (!status && !add_item(list, key, ncr_xml_text(named, "Path", "")))
        status = ncr_error_memory(err);
    ncr_xml_free(named);
    return status;
}

static nacre_status write_geoloc(ncr_xml *image, const ncr_geoloc_spec *spec, nacre_error *err)
{
    ncr_xml *outer = ncr_xml_add(image, "SrcGeoLocTransformer");
    ncr_xml *e = outer ? ncr_xml_add(outer, "GeoLocTransformer") : NULL;
    ncr_xml *list = e && ncr_xml_add_int(e, "Reversed", 0) ? ncr_xml_add(e, "Metadata") : NULL;
    bool good = list && add_number(list, "LINE_OFFSET", spec->offset[1]) &&
                add_number(list, "LINE_STEP", spec->step[1]) && add_number(list, "PIXEL_OFFSET", spec->offset[0]) &&
                add_number(list, "PIXEL_STEP", spec->step[0]) && add_number(list, "X_BAND", spec->bands[0]) &&
                add_number(list, "Y_BAND", spec->bands[1]) &&
                (!spec->is_centre || add_item(list, "GEOREFERENCING_CONVENTION", "PIXEL_CENTER")) &&
                (!spec->swaps || add_item(list, "SWAP_XY", "YES")) && (!spec->crs || add_item(list, "SRS", spec->crs));
    nacre_status status = good ? NACRE_OK : ncr_error_memory(err);
    if (!status)
        status = add_path(list, "X_DATASET", spec->sources[0], err);
    return status ? status : add_path(list, "Y_DATASET", spec->sources[1], err);
}

/* --- Ground control points --- */

static nacre_status read_gcp(const ncr_xml *e, nacre_gcp *gcp, nacre_error *err)
{
    *gcp = (nacre_gcp){.id = "", .info = ""};
    nacre_status status = ncr_xml_attribute_double(e, "Pixel", 0, &gcp->pixel, err);
    if (!status)
        status = ncr_xml_attribute_double(e, "Line", 0, &gcp->line, err);
    if (!status)
        status = ncr_xml_attribute_double(e, "X", 0, &gcp->x, err);
    if (!status)
        status = ncr_xml_attribute_double(e, "Y", 0, &gcp->y, err);
    return status;
}

static nacre_status read_points(const char *name, const ncr_xml *e, bool is_spline, ncr_georef **out, nacre_error *err)
{
    const ncr_xml *list = ncr_xml_first(e, "GCPList");
    size_t capacity = 0;
    nacre_gcp *gcps = NULL;
    int count = 0, order;
    nacre_status status = check_forward(name, e, err);
    if (!status)
        status = ncr_xml_int(e, "Order", 0, &order, err);
    if (!status && ncr_xml_bool(e, "Refine", false))
        status =
            ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: refined points in a warped VRT are not supported", name);
    for (const ncr_xml *g = list ? ncr_xml_first(list, "GCP") : NULL; g && !status; g = ncr_xml_next(g, "GCP")) {
        if (!ncr_array_reserve(&gcps, &capacity, (size_t)count + 1, sizeof *gcps))
            status = ncr_error_memory(err);
        else
            status = read_gcp(g, &gcps[count++], err);
    }
    if (!status && is_spline)
        status = ncr_georef_spline(name, gcps, count, out, err);
    else if (!status)
        status = ncr_georef_polynomial(name, gcps, count, order, out, err);
    free(gcps);
    return status;
}

static bool write_gcp(ncr_xml *list, const nacre_gcp *gcp, int number)
{
    ncr_xml *e = ncr_xml_add(list, "GCP");
    return e && ncr_xml_set_attribute_int(e, "Id", number) && ncr_xml_set_attribute_double(e, "Pixel", gcp->pixel) &&
           ncr_xml_set_attribute_double(e, "Line", gcp->line) && ncr_xml_set_attribute_double(e, "X", gcp->x) &&
           ncr_xml_set_attribute_double(e, "Y", gcp->y);
}

static nacre_status write_points(ncr_xml *image, const ncr_georef_points *points, nacre_error *err)
{
    bool is_spline = points->order == 0;
    ncr_xml *outer = ncr_xml_add(image, is_spline ? "SrcTPSTransformer" : "SrcGCPTransformer");
    ncr_xml *e = outer ? ncr_xml_add(outer, is_spline ? "TPSTransformer" : "GCPTransformer") : NULL;
    bool good = e && (is_spline || ncr_xml_add_int(e, "Order", points->order)) && ncr_xml_add_int(e, "Reversed", 0);
    ncr_xml *list = good ? ncr_xml_add(e, "GCPList") : NULL;
    good = list != NULL;
    for (int i = 0; i < points->count && good; i++)
        good = write_gcp(list, &points->gcps[i], i + 1);
    return good ? NACRE_OK : ncr_error_memory(err);
}

/* --- All --- */

static nacre_status read_georef(const ncr_xml *image, const ncr_vrt_document *document, const char *name,
                                ncr_georef **out, nacre_error *err)
{
    static const struct {
        const char *outer, *inner;
    } kinds[] = {{"SrcRPCTransformer", "RPCTransformer"},
                 {"SrcGCPTransformer", "GCPTransformer"},
                 {"SrcTPSTransformer", "TPSTransformer"},
                 {"SrcGeoLocTransformer", "GeoLocTransformer"}};
    *out = NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const ncr_xml *outer = ncr_xml_first(image, kinds[i].outer);
        const ncr_xml *e = outer ? ncr_xml_first(outer, kinds[i].inner) : NULL;
        if (outer && !e)
            return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: an empty %s", name, kinds[i].outer);
        if (e)
            return i == 0   ? read_rpc(name, e, document, out, err)
                   : i == 3 ? read_geoloc(name, image, e, document, out, err)
                            : read_points(name, e, i == 2, out, err);
    }
    return NACRE_OK;
}

/* What would be an invalid argument elsewhere is damage in a document. */
nacre_status ncr_warped_vrt_read_georef(const ncr_xml *image, const ncr_vrt_document *document, const char *name,
                                        ncr_georef **out, nacre_error *err)
{
    nacre_error cause = {0};
    nacre_status status = read_georef(image, document, name, out, &cause);
    if (status == NACRE_OK)
        return status;
    return ncr_error_copy(err, &cause, status == NACRE_ERROR_INVALID ? NACRE_ERROR_CORRUPT : status);
}

nacre_status ncr_warped_vrt_write_georef(ncr_xml *image, const ncr_georef *georef, nacre_error *err)
{
    const ncr_rpc_spec *rpc = ncr_georef_rpc_spec(georef);
    const ncr_geoloc_spec *geoloc = ncr_georef_geoloc_spec(georef);
    ncr_georef_points points;
    if (rpc)
        return write_rpc(image, rpc, err);
    if (geoloc)
        return write_geoloc(image, geoloc, err);
    return ncr_georef_points_get(georef, &points) ? write_points(image, &points, err) : NACRE_OK;
}
