/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "warp/georef_options.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "warp/geoloc.h"
#include "warp/reprojection.h"
#include "warp/rpc.h"

/* GDAL's transformer options (those of the source), as far as they mean something here. */

typedef enum { ANY, GEOTRANSFORM, POLYNOMIAL, SPLINE, RPC, GEOLOC } method;

typedef struct {
    const char *name; /* of the source, for messages */
    method method;
    int order;
    ncr_rpc_spec rpc;
} words;

/* --- The options --- */

static nacre_status set_method(words *w, const char *value, bool *good, nacre_error *err)
{
    static const struct {
        const char *name;
        method method;
    } methods[] = {{"AUTO", ANY}, {"GEOTRANSFORM", GEOTRANSFORM}, {"GCP_POLYNOMIAL", POLYNOMIAL}, {"GCP_TPS", SPLINE},
                   {"RPC", RPC},  {"GEOLOC_ARRAY", GEOLOC}};
    (void)err;
    *good = false;
    for (size_t i = 0; i < sizeof methods / sizeof *methods && !*good; i++) {
        *good = ncr_text_equal_nocase(methods[i].name, value);
        w->method = *good ? methods[i].method : w->method;
    }
    return NACRE_OK;
}

static nacre_status set_order(words *w, const char *value, bool *good, nacre_error *err)
{
    (void)err;
    int order;
    *good = ncr_text_to_int(value, &order) && order >= -1 && order <= 3;
    w->order = *good && order > 0 ? order : 0;
    if (*good && order == -1)
        w->method = SPLINE;
    return NACRE_OK;
}

static bool is_number(const char *value, double *out)
{
    double number;
    if (!ncr_text_to_double(value, &number) || !isfinite(number))
        return false;
    *out = number;
    return true;
}

static nacre_status set_height(words *w, const char *value, bool *good, nacre_error *err)
{
    (void)err;
    *good = is_number(value, &w->rpc.height);
    return NACRE_OK;
}

static nacre_status set_height_scale(words *w, const char *value, bool *good, nacre_error *err)
{
    (void)err;
    *good = is_number(value, &w->rpc.height_scale);
    return NACRE_OK;
}

static nacre_status set_missing(words *w, const char *value, bool *good, nacre_error *err)
{
    (void)err;
    *good = w->rpc.dem.has_missing = is_number(value, &w->rpc.dem.missing);
    return NACRE_OK;
}

static nacre_status set_interpolation(words *w, const char *value, bool *good, nacre_error *err)
{
    (void)err;
    *good = ncr_dem_interpolation_from_name(value, &w->rpc.dem.interpolation);
    return NACRE_OK;
}

static nacre_status set_dem_crs(words *w, const char *value, bool *good, nacre_error *err)
{
    *good = true;
    ncr_crs_unref(w->rpc.dem.crs);
    return ncr_crs_from_text(value, &w->rpc.dem.crs, err);
}

static nacre_status set_vertical(words *w, const char *value, bool *good, nacre_error *err)
{
    (void)err;
    bool shifts = true;
    *good = ncr_text_to_bool(value, &shifts);
    w->rpc.dem.keeps_heights = !shifts;
    return NACRE_OK;
}

static nacre_status set_threshold(words *w, const char *value, bool *good, nacre_error *err)
{
    (void)err;
    *good = is_number(value, &w->rpc.threshold);
    return NACRE_OK;
}

static nacre_status set_iterations(words *w, const char *value, bool *good, nacre_error *err)
{
    (void)err;
    enum { MOST = 10000 };
    *good = ncr_text_to_int(value, &w->rpc.iterations) && w->rpc.iterations >= 0 && w->rpc.iterations <= MOST;
    return NACRE_OK;
}

static nacre_status ignore(words *w, const char *value, bool *good, nacre_error *err)
{
    (void)w, (void)value, (void)err;
    *good = true;
    return NACRE_OK;
}

static const struct {
    const char *key;
    nacre_status (*set)(words *w, const char *value, bool *good, nacre_error *err);
} rows[] = {
    {"METHOD", set_method},
    {"SRC_METHOD", set_method},
    {"MAX_GCP_ORDER", set_order},
    {"RPC_HEIGHT", set_height},
    {"RPC_HEIGHT_SCALE", set_height_scale},
    {"RPC_DEMINTERPOLATION", set_interpolation},
    {"RPC_DEM_MISSING_VALUE", set_missing},
    {"RPC_DEM_SRS", set_dem_crs},
    {"RPC_DEM_APPLY_VDATUM_SHIFT", set_vertical},
    {"RPC_PIXEL_ERROR_THRESHOLD", set_threshold},
    {"RPC_MAX_ITERATIONS", set_iterations},
    /* How GDAL finds a first guess, and where it keeps it. */
    {"GEOLOC_BACKMAP_OVERSAMPLE_FACTOR", ignore},
    {"GEOLOC_USE_TEMP_DATASETS", ignore},
};

static nacre_status apply(words *w, const char *item, nacre_error *err)
{
    size_t length = strcspn(item, "=");
    for (size_t i = 0; i < sizeof rows / sizeof *rows && item[length]; i++) {
        if (strlen(rows[i].key) != length || !ncr_text_starts_nocase(item, rows[i].key))
            continue;
        bool good;
        nacre_status status = rows[i].set(w, item + length + 1, &good, err);
        if (status || good)
            return status;
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: the transformer option \"%.80s\" has no such value",
                             w->name, item);
    }
    return ncr_error_set(err, NACRE_ERROR_INVALID,
                         "%s: \"%.80s\" is no transformer option that is known: they are METHOD, MAX_GCP_ORDER and "
                         "RPC_... as GDAL has them",
                         w->name, item);
}

static nacre_status read_words(const nacre_warp_options *options, words *w, nacre_error *err)
{
    if (options->gcp_spline)
        w->method = SPLINE;
    w->order = options->gcp_order;
    nacre_status status = NACRE_OK;
    for (size_t i = 0; options->transformer && options->transformer[i] && !status; i++)
        status = apply(w, options->transformer[i], err);
    if (!status && options->rpc_dem) {
        w->rpc.dem.source = ncr_lazy_of(options->rpc_dem);
        status = w->rpc.dem.source ? NACRE_OK : ncr_error_memory(err);
    }
    return status;
}

/* --- The source --- */

/* An item of the options' RPCs, else of the source's. */
static const char *rpc_text(void *user, const char *key)
{
    const void *const *both = user;
    const nacre_warp_options *options = both[0];
    const ncr_dataset *source = both[1];
    if (!options->rpcs)
        return ncr_metadata_get(&source->metadata, "RPC", key);
    size_t length = strlen(key);
    for (const char *const *item = options->rpcs; *item; item++)
        if (ncr_text_starts_nocase(*item, key) && (*item)[length] == '=')
            return *item + length + 1;
    return NULL;
}

static nacre_status place_by_rpc(const ncr_dataset *source, const nacre_warp_options *options, words *w,
                                 ncr_placing *out, nacre_error *err)
{
    const void *both[2] = {options, source};
    nacre_status status = ncr_rpc_read(w->name, rpc_text, both, &w->rpc, err);
    if (!status && !out->crs) {
        status = ncr_crs_from_authority("EPSG", "4326", &out->crs, err);
        out->is_own = !status;
    }
    return status ? status : ncr_georef_rpc(w->name, &w->rpc, &out->georef, err);
}

static const char *geoloc_text(void *user, const char *key)
{
    return ncr_metadata_get(&((const ncr_dataset *)user)->metadata, "GEOLOCATION", key);
}

/* An item of the options' arrays: these are the bands 1 and 2, for each pixel unless it is said otherwise. */
static const char *given_geoloc_text(void *user, const char *key)
{
    static const char *const usual[][2] = {{"X_BAND", "1"},     {"Y_BAND", "2"},      {"PIXEL_OFFSET", "0"},
                                           {"PIXEL_STEP", "1"}, {"LINE_OFFSET", "0"}, {"LINE_STEP", "1"}};
    const nacre_warp_options *options = user;
    size_t length = strlen(key);
    for (const char *const *item = options->geoloc_items; item && *item; item++)
        if (ncr_text_starts_nocase(*item, key) && (*item)[length] == '=')
            return *item + length + 1;
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (!strcmp(usual[i][0], key))
            return usual[i][1];
    return NULL;
}

static nacre_status place_by_arrays(ncr_dataset *source, const nacre_warp_options *options, ncr_placing *out,
                                    nacre_error *err)
{
    ncr_geoloc_spec spec;
    ncr_dataset *arrays = options->geoloc ? options->geoloc : source;
    ncr_geoloc_place place = {.name = source->path,
                              .path = arrays->path,
                              .document = arrays->file ? ncr_file_object(arrays->file) : NULL,
                              .pins = arrays->pins,
                              .dataset = arrays};
    nacre_status status = options->geoloc
                              ? ncr_geoloc_read(&place, given_geoloc_text, (void *)(uintptr_t)options, &spec, err)
                              : ncr_geoloc_read(&place, geoloc_text, source, &spec, err);
    if (status)
        return status;
    if (!options->src_crs && spec.crs) {
        status = ncr_crs_from_text(spec.crs, &out->crs, err);
        out->is_own = !status;
    }
    if (status) {
        ncr_geoloc_spec_clear(&spec);
        return status;
    }
    spec.is_round = ncr_crs_is_degrees(out->crs);
    return ncr_georef_geoloc(&spec, &out->georef, err);
}

static nacre_status missing(const words *w, const char *what, nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: it has no %s to warp by", w->name, what);
}

static nacre_status place_by_points(const ncr_dataset *source, const nacre_warp_options *options, const words *w,
                                    ncr_placing *out, nacre_error *err)
{
    if (!source->gcp_count)
        return missing(w, "ground control points", err);
    if (!options->src_crs && source->gcp_crs)
        out->crs = source->gcp_crs;
    if (w->method == SPLINE)
        return ncr_georef_spline(w->name, source->gcps, source->gcp_count, &out->georef, err);
    return ncr_georef_polynomial(w->name, source->gcps, source->gcp_count, w->order, &out->georef, err);
}

/* What is taken where nothing is asked for. */
static method find_method(const ncr_dataset *source, const nacre_warp_options *options)
{
    if (options->src_transform)
        return GEOTRANSFORM;
    if (options->geoloc)
        return GEOLOC;
    if (options->rpcs)
        return RPC;
    if (source->has_transform)
        return GEOTRANSFORM;
    if (source->gcp_count)
        return POLYNOMIAL;
    if (ncr_metadata_get(&source->metadata, "RPC", "LINE_OFF"))
        return RPC;
    return ncr_metadata_get(&source->metadata, "GEOLOCATION", "X_BAND") ? GEOLOC : GEOTRANSFORM;
}

static nacre_status place(ncr_dataset *source, const nacre_warp_options *options, words *w, ncr_placing *out,
                          nacre_error *err)
{
    static const nacre_transform unit = {.a = 1, .e = 1};
    if (w->method == ANY)
        w->method = find_method(source, options);
    /* Splines are asked for where there are points; else the geotransform does. */
    if (options->gcp_spline && w->method == SPLINE && !source->gcp_count)
        w->method = find_method(source, options);
    out->transform = unit;
    out->crs = options->src_crs ? options->src_crs : source->crs;
    switch (w->method) {
    case RPC:
        out->crs = options->src_crs;
        if (!options->rpcs && !ncr_metadata_get(&source->metadata, "RPC", "LINE_OFF"))
            return missing(w, "rational polynomials", err);
        return place_by_rpc(source, options, w, out, err);
    case GEOLOC:
        if (!options->geoloc && !ncr_metadata_get(&source->metadata, "GEOLOCATION", "X_BAND"))
            return missing(w, "geolocation arrays", err);
        return place_by_arrays(source, options, out, err);
    case POLYNOMIAL:
    case SPLINE:
        return place_by_points(source, options, w, out, err);
    default:
        if (!options->src_transform && !source->has_transform)
            return missing(w, "geotransform", err);
        out->transform = options->src_transform ? *options->src_transform : source->transform;
        return NACRE_OK;
    }
}

nacre_status ncr_placing_find(ncr_dataset *source, const nacre_warp_options *options, ncr_placing *out,
                              nacre_error *err)
{
    *out = (ncr_placing){0};
    words w = {.name = source->path, .rpc = ncr_rpc_spec_default()};
    nacre_status status = read_words(options, &w, err);
    if (!status)
        status = place(source, options, &w, out, err);
    ncr_rpc_spec_clear(&w.rpc);
    if (status)
        ncr_placing_clear(out);
    return status;
}

void ncr_placing_clear(ncr_placing *placing)
{
    ncr_georef_unref(placing->georef);
    if (placing->is_own)
        ncr_crs_unref(placing->crs);
    *placing = (ncr_placing){0};
}
