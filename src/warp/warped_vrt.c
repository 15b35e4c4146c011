/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "warp/warped_vrt.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "raster/dtype.h"
#include "warp/map.h"
#include "warp/view.h"

/* Reading VRTWarpedDataset in GDAL's form. What would change pixels and is not done is refused by name, never
 * ignored; no source is opened, and PROJ is not asked for an operation before the first read. */

typedef struct {
    const ncr_xml *warp; /* GDALWarpOptions */
    const ncr_vrt_document *document;
    const char *name;
    ncr_warp_view *view;
} reader;

static nacre_status unsupported(const reader *r, const char *what, nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: %s in a warped VRT is not supported", r->name, what);
}

static nacre_status corrupt(const reader *r, const char *what, nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: %s", r->name, what);
}

/* Refuses children that are not among the NULL-terminated names. */
static nacre_status check_children(const reader *r, const ncr_xml *parent, const char *const *names, nacre_error *err)
{
    for (const ncr_xml *e = ncr_xml_first(parent, NULL); e; e = ncr_xml_next(e, NULL)) {
        bool is_known = false;
        for (size_t i = 0; names[i]; i++)
            is_known = is_known || ncr_text_equal_nocase(names[i], ncr_xml_name(e));
        if (!is_known)
            return unsupported(r, ncr_xml_name(e), err);
    }
    return NACRE_OK;
}

/* --- Transformer --- */

/* "c,a,b,f,d,e" as GDAL orders a geotransform. */
static nacre_status parse_transform(const reader *r, const ncr_xml *parent, const char *element, nacre_transform *out,
                                    nacre_error *err)
{
    const char *text = ncr_xml_text(parent, element, "");
    double v[6];
    for (int i = 0; i < 6; i++) {
        char word[64];
        size_t length = strcspn(text, ",");
        if (length >= sizeof word || (i < 5) != (text[length] == ','))
            return corrupt(r, "a geotransform of the Transformer is not six numbers", err);
        memcpy(word, text, length);
        word[length] = '\0';
        const char *number = word + strspn(word, " ");
        if (!ncr_text_to_double(number, &v[i]) || !isfinite(v[i]))
            return corrupt(r, "a geotransform of the Transformer is not six numbers", err);
        text += length + (i < 5);
    }
    *out = (nacre_transform){v[1], v[2], v[0], v[4], v[5], v[3]};
    nacre_transform inverse;
    if (!ncr_map_invert(out, &inverse))
        return corrupt(r, "a geotransform of the Transformer cannot be inverted", err);
    return NACRE_OK;
}

static nacre_status parse_area(const reader *r, const char *text, ncr_reprojection_spec *spec, nacre_error *err)
{
    for (int i = 0; i < 4; i++) {
        char word[64];
        size_t length = strcspn(text, ",");
        bool fits = length < sizeof word;
        memcpy(word, text, fits ? length : 0);
        word[fits ? length : 0] = '\0';
        if (!ncr_text_to_double(word, &spec->area[i]))
            return corrupt(r, "AREA_OF_INTEREST is not four numbers", err);
        text += length + (text[length] == ',');
    }
    spec->has_area = true;
    return NACRE_OK;
}

static nacre_status apply_reprojection_option(const reader *r, const char *key, const char *value,
                                              ncr_reprojection_spec *spec, nacre_error *err)
{
    bool yes;
    if (ncr_text_equal_nocase(key, "AREA_OF_INTEREST"))
        return parse_area(r, value, spec, err);
    if (ncr_text_equal_nocase(key, "CENTER_LONG")) {
        spec->has_center = ncr_text_to_double(value, &spec->center);
        return spec->has_center ? NACRE_OK : corrupt(r, "CENTER_LONG is no number", err);
    }
    if (ncr_text_equal_nocase(key, "ALLOW_BALLPARK") && ncr_text_to_bool(value, &yes) && yes)
        return NACRE_OK;
    if (ncr_text_equal_nocase(key, "ONLY_BEST") && ncr_text_equal_nocase(value, "AUTO"))
        return NACRE_OK;
    return unsupported(r, key, err);
}

/* Older versions of GDAL kept the longitude in the CRS itself. */
static void find_center_in_crs(const char *wkt, ncr_reprojection_spec *spec)
{
    static const char mark[] = "EXTENSION[\"CENTER_LONG\",\"";
    const char *at = strstr(wkt, mark);
    if (!at)
        return;
    char word[64] = {0};
    size_t length = strcspn(at + sizeof mark - 1, "\"");
    if (length < sizeof word) {
        memcpy(word, at + sizeof mark - 1, length);
        spec->has_center = ncr_text_to_double(word, &spec->center);
    }
}

static nacre_status read_reprojection(const reader *r, const ncr_xml *reprojection, nacre_error *err)
{
    static const char *const known[] = {"SourceSRS", "TargetSRS", "Options", NULL};
    ncr_reprojection_spec *spec = &r->view->setup.spec;
    nacre_status status = check_children(r, reprojection, known, err);
    const char *src = ncr_xml_text(reprojection, "SourceSRS", ""), *dst = ncr_xml_text(reprojection, "TargetSRS", "");
    if (!status && (!*src || !*dst))
        status = corrupt(r, "a ReprojectionTransformer without SourceSRS or TargetSRS", err);
    if (!status)
        status = ncr_vrt_read_crs(r->document, src, &spec->src, err);
    if (!status)
        status = ncr_vrt_read_crs(r->document, dst, &spec->dst, err);
    if (status)
        return status;
    find_center_in_crs(src, spec);
    const ncr_xml *options = ncr_xml_first(reprojection, "Options");
    for (const ncr_xml *e = options ? ncr_xml_first(options, "Option") : NULL; e && !status;
         e = ncr_xml_next(e, "Option"))
        status = apply_reprojection_option(r, ncr_xml_attribute(e, "key", ""), ncr_xml_content(e), spec, err);
    return status;
}

static nacre_status read_image_transformer(const reader *r, const ncr_xml *image, nacre_error *err)
{
    static const char *const known[] = {
        "SrcGeoTransform",   "SrcInvGeoTransform", "DstGeoTransform",   "DstInvGeoTransform",   "ReprojectTransformer",
        "SrcRPCTransformer", "SrcGCPTransformer",  "SrcTPSTransformer", "SrcGeoLocTransformer", NULL};
    ncr_warp_setup *setup = &r->view->setup;
    nacre_status status = check_children(r, image, known, err);
    if (!status)
        status = ncr_warped_vrt_read_georef(image, r->document, r->name, &setup->spec.georef, err);
    setup->src_transform = (nacre_transform){.a = 1, .e = 1};
    if (!status && !setup->spec.georef)
        status = parse_transform(r, image, "SrcGeoTransform", &setup->src_transform, err);
    if (!status)
        status = parse_transform(r, image, "DstGeoTransform", &setup->grid.transform, err);
    const ncr_xml *reproject = status ? NULL : ncr_xml_first(image, "ReprojectTransformer");
    if (!reproject)
        return status;
    const ncr_xml *reprojection = ncr_xml_first(reproject, NULL);
    if (!reprojection)
        return corrupt(r, "an empty ReprojectTransformer", err);
    if (!ncr_text_equal_nocase(ncr_xml_name(reprojection), "ReprojectionTransformer"))
        return unsupported(r, ncr_xml_name(reprojection), err);
    return read_reprojection(r, reprojection, err);
}

static nacre_status read_transformer(const reader *r, nacre_error *err)
{
    static const char *const known[] = {"MaxError", "BaseTransformer", NULL};
    const ncr_xml *e = ncr_xml_first(r->warp, "Transformer");
    e = e ? ncr_xml_first(e, NULL) : NULL;
    if (e && ncr_text_equal_nocase(ncr_xml_name(e), "ApproxTransformer")) {
        nacre_status status = check_children(r, e, known, err);
        if (!status)
            status = ncr_xml_double(e, "MaxError", 0.25, &r->view->setup.max_error, err);
        if (status)
            return status;
        e = ncr_xml_first(e, "BaseTransformer");
        e = e ? ncr_xml_first(e, NULL) : NULL;
    }
    if (!e)
        return corrupt(r, "a VRTWarpedDataset without a Transformer", err);
    if (!ncr_text_equal_nocase(ncr_xml_name(e), "GenImgProjTransformer"))
        return unsupported(r, ncr_xml_name(e), err);
    return read_image_transformer(r, e, err);
}

/* --- Bands --- */

static nacre_status read_number(const reader *r, const ncr_xml *band, const char *element, bool *has, double *out,
                                nacre_error *err)
{
    const char *text = ncr_xml_text(band, element, NULL);
    *has = text != NULL;
    if (text && !ncr_text_to_double(text, out))
        return corrupt(r, "a nodata value of BandMapping is no number", err);
    return NACRE_OK;
}

static nacre_status read_band(const reader *r, const ncr_xml *mapping, ncr_warp_band *band, nacre_error *err)
{
    static const char *const known[] = {"SrcNoDataReal", "SrcNoDataImag", "DstNoDataReal", "DstNoDataImag", NULL};
    int fallback = (int)(band - r->view->setup.bands) + 1;
    nacre_status status = check_children(r, mapping, known, err);
    if (!status)
        status = ncr_xml_attribute_int(mapping, "src", fallback, &band->src, err);
    if (!status)
        status = ncr_xml_attribute_int(mapping, "dst", fallback, &band->dst, err);
    if (!status)
        status = read_number(r, mapping, "SrcNoDataReal", &band->has_src_nodata, &band->src_nodata, err);
    if (!status)
        status = read_number(r, mapping, "DstNoDataReal", &band->has_dst_nodata, &band->dst_nodata, err);
    if (!status && (band->dst < 1 || band->dst > r->view->base.band_count || band->src < 1))
        status = corrupt(r, "a BandMapping to a band that is not there", err);
    return status;
}

static nacre_status check_mapping(const reader *r, nacre_error *err)
{
    const ncr_warp_setup *setup = &r->view->setup;
    for (int number = 1; number <= r->view->base.band_count; number++) {
        bool is_mapped = number == setup->dst_alpha;
        for (int i = 0; i < setup->band_count; i++)
            is_mapped = is_mapped || setup->bands[i].dst == number;
        if (!is_mapped)
            return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: no BandMapping to band %d", r->name, number);
    }
    return NACRE_OK;
}

static nacre_status read_bands(const reader *r, nacre_error *err)
{
    ncr_warp_setup *setup = &r->view->setup;
    const ncr_xml *list = ncr_xml_first(r->warp, "BandList");
    size_t count = 0;
    for (const ncr_xml *e = list ? ncr_xml_first(list, "BandMapping") : NULL; e; e = ncr_xml_next(e, "BandMapping"))
        count++;
    if (!count || count > (size_t)r->view->base.band_count)
        return corrupt(r, "BandList does not fit its bands", err);
    setup->bands = ncr_alloc_array(count, sizeof *setup->bands);
    if (!setup->bands)
        return ncr_error_memory(err);
    nacre_status status = NACRE_OK;
    for (const ncr_xml *e = ncr_xml_first(list, "BandMapping"); e && !status; e = ncr_xml_next(e, "BandMapping"))
        status = read_band(r, e, &setup->bands[setup->band_count++], err);
    if (!status)
        status = ncr_xml_int(r->warp, "SrcAlphaBand", 0, &setup->src_alpha, err);
    if (!status)
        status = ncr_xml_int(r->warp, "DstAlphaBand", 0, &setup->dst_alpha, err);
    if (!status && (setup->src_alpha < 0 || setup->dst_alpha < 0 || setup->dst_alpha > r->view->base.band_count))
        status = corrupt(r, "an alpha band that is not there", err);
    return status ? status : check_mapping(r, err);
}

/* --- The rest --- */

static nacre_status read_resampling(const reader *r, nacre_error *err)
{
    ncr_warp_setup *setup = &r->view->setup;
    const char *name = ncr_xml_text(r->warp, "ResampleAlg", "NearestNeighbour");
    setup->resampling = NACRE_RESAMPLING_NEAREST;
    bool is_default = ncr_text_equal_nocase(name, "Default") || ncr_text_equal_nocase(name, "NearestNeighbour");
    if (!is_default && !ncr_resampling_from_name(name, &setup->resampling))
        return unsupported(r, name, err);
    return ncr_warp_check_resampling(r->name, setup->resampling, err);
}

/* OpenOptions of the source: an overview of it. */
static nacre_status read_open_options(const reader *r, nacre_error *err)
{
    ncr_warp_setup *setup = &r->view->setup;
    setup->overview = NCR_OVERVIEW_AUTO;
    const ncr_xml *options = ncr_xml_first(r->warp, "OpenOptions");
    for (const ncr_xml *e = options ? ncr_xml_first(options, "OOI") : NULL; e; e = ncr_xml_next(e, "OOI")) {
        const char *key = ncr_xml_attribute(e, "key", "");
        if (ncr_text_equal_nocase(key, "NUM_THREADS"))
            continue;
        int level;
        if (!ncr_text_equal_nocase(key, "OVERVIEW_LEVEL"))
            return unsupported(r, key, err);
        if (ncr_text_equal_nocase(ncr_xml_content(e), "NONE")) {
            setup->overview = NCR_OVERVIEW_NONE;
            continue;
        }
        if (!ncr_text_to_int(ncr_xml_content(e), &level) || level < 0)
            return unsupported(r, "this OVERVIEW_LEVEL", err);
        setup->overview = level;
        setup->is_level_transform = true;
    }
    return NACRE_OK;
}

/* What gdalwarp notes of its -ovr; a level given there is in OpenOptions already. */
static nacre_status read_overview_rule(const reader *r, nacre_error *err)
{
    const char *text = ncr_metadata_get(&r->view->base.metadata, "", "SrcOvrLevel");
    int level;
    if (!text || r->view->setup.is_level_transform)
        return NACRE_OK;
    if (!ncr_text_to_int(text, &level))
        return corrupt(r, "SrcOvrLevel is no number", err);
    if (level < 0)
        r->view->setup.overview = level;
    return NACRE_OK;
}

static nacre_status read_block_size(const reader *r, const ncr_xml *root, nacre_error *err)
{
    int width, height;
    ncr_dataset *base = &r->view->base;
    nacre_status status = ncr_xml_int(root, "BlockXSize", base->width < 512 ? base->width : 512, &width, err);
    if (!status)
        status = ncr_xml_int(root, "BlockYSize", base->height < 128 ? base->height : 128, &height, err);
    if (!status && (width < 1 || height < 1))
        status = corrupt(r, "its block size is not positive", err);
    for (int i = 0; i < base->band_count && !status; i++) {
        base->bands[i].block_width = width;
        base->bands[i].block_height = height;
    }
    base->is_tiled = !status && width < base->width;
    return status;
}

static nacre_status read_cutline(const reader *r, nacre_error *err)
{
    ncr_warp_setup *setup = &r->view->setup;
    const char *text = ncr_xml_text(r->warp, "Cutline", "");
    double blend;
    nacre_status status = *text ? ncr_warped_vrt_set_cutline(r->name, text, setup, err) : NACRE_OK;
    if (!status)
        status = ncr_xml_double(r->warp, "CutlineBlendDist", 0, &blend, err);
    if (!status && (!(blend >= 0) || isinf(blend)))
        status = corrupt(r, "its CutlineBlendDist is no distance", err);
    if (!status && setup->cutline)
        setup->cutline->blend = blend;
    return status;
}

static nacre_status read_warp_options(const reader *r, nacre_error *err)
{
    static const char *const known[] = {
        "WarpMemoryLimit",    "ResampleAlg", "WorkingDataType",  "Option",   "SourceDataset",
        "DestinationDataset", "OpenOptions", "Transformer",      "BandList", "SrcAlphaBand",
        "DstAlphaBand",       "Cutline",     "CutlineBlendDist", NULL};
    ncr_warp_setup *setup = &r->view->setup;
    nacre_status status = check_children(r, r->warp, known, err);
    if (!status)
        status = ncr_xml_double(r->warp, "WarpMemoryLimit", 64 * 1024 * 1024, &setup->memory_limit, err);
    setup->working = ncr_dtype_from_name(ncr_xml_text(r->warp, "WorkingDataType", "Unknown"));
    if (!status && ncr_dtype_is_complex(setup->working))
        status = unsupported(r, "warping of complex values", err);
    if (!status)
        status = read_resampling(r, err);
    if (!status)
        status = read_open_options(r, err);
    if (!status)
        status = read_overview_rule(r, err);
    if (!status)
        status = read_bands(r, err);
    if (!status)
        status = read_cutline(r, err);
    if (!status)
        status = ncr_warped_vrt_read_options(r->warp, r->name, setup, err);
    return status ? status : read_transformer(r, err);
}

static nacre_status read_view(const ncr_xml *root, const ncr_vrt_document *document, ncr_warp_view *view,
                              nacre_error *err)
{
    reader r = {.warp = ncr_xml_first(root, "GDALWarpOptions"),
                .document = document,
                .name = document->path[0] ? document->path : "VRT",
                .view = view};
    if (!r.warp)
        return corrupt(&r, "a VRTWarpedDataset without GDALWarpOptions", err);
    if (view->base.band_count < 1)
        return corrupt(&r, "a VRTWarpedDataset without bands", err);
    const ncr_xml *source = ncr_xml_first(r.warp, "SourceDataset");
    if (!source)
        return corrupt(&r, "a VRTWarpedDataset without a SourceDataset", err);
    nacre_status status = ncr_vrt_read_source(source, document, &view->source, err);
    if (!status)
        status = read_block_size(&r, root, err);
    if (!status)
        status = read_warp_options(&r, err);
    if (status)
        return status;
    view->setup.grid.width = view->base.width;
    view->setup.grid.height = view->base.height;
    ncr_warp_view_set_output(view);
    ncr_warp_view_set_masks(view);
    return NACRE_OK;
}

static nacre_status read(const ncr_xml *root, const ncr_vrt_document *document, ncr_file *file, ncr_call *call,
                         ncr_dataset **out, nacre_error *err)
{
    (void)call;
    ncr_dataset *dataset;
    *out = NULL;
    nacre_status status =
        ncr_vrt_read_common(root, document, file, sizeof(ncr_warp_view), &ncr_warp_view_class, &dataset, err);
    if (status)
        return status;
    status = read_view(root, document, (ncr_warp_view *)dataset, err);
    if (status)
        ncr_dataset_unref(dataset);
    else
        *out = dataset;
    return status;
}

static bool owns(const ncr_dataset *dataset)
{
    return dataset->class == &ncr_warp_view_class;
}

const ncr_vrt_subclass ncr_warped_vrt = {.name = "VRTWarpedDataset",
                                         .band_name = "VRTWarpedRasterBand",
                                         .read = read,
                                         .owns = owns,
                                         .write = ncr_warped_vrt_write};
