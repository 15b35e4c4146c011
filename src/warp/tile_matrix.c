/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "warp/tile_matrix.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

static const double half_world = 20037508.342789244; /* of EPSG:3857: pi times the radius of WGS 84's equator */
static const double equator_radius = 6378137;
static const double screen_pixel = 0.28e-3; /* metres: what OGC's scale denominators are defined by */

enum { WEB_TILE = 256 };

static nacre_status invalid(nacre_error *err, const char *what)
{
    return ncr_error_set(err, NACRE_ERROR_INVALID, "tile matrix set: %s", what);
}

/* --- WebMercatorQuad --- */

static nacre_status make_web_mercator(ncr_tile_matrix_set *set, nacre_error *err)
{
    set->matrices = ncr_alloc_array(NCR_TILE_ZOOM_MAX + 1, sizeof *set->matrices);
    if (!set->matrices)
        return ncr_error_memory(err);
    set->count = NCR_TILE_ZOOM_MAX + 1;
    for (int zoom = 0; zoom <= NCR_TILE_ZOOM_MAX; zoom++)
        set->matrices[zoom] = (ncr_tile_matrix){.zoom = zoom,
                                                .left = -half_world,
                                                .top = half_world,
                                                .pixel = ldexp(2 * half_world / WEB_TILE, -zoom),
                                                .tile_width = WEB_TILE,
                                                .tile_height = WEB_TILE,
                                                .columns = (int64_t)1 << zoom,
                                                .rows = (int64_t)1 << zoom};
    return ncr_crs_from_authority("EPSG", "3857", &set->crs, err);
}

/* --- JSON --- */

/* The value under the name of version 2, or that of version 1. */
static const json_t *either(const json_t *object, const char *name, const char *older)
{
    const json_t *value = json_object_get(object, name);
    return value ? value : json_object_get(object, older);
}

static nacre_status read_crs(const json_t *root, ncr_tile_matrix_set *set, nacre_error *err)
{
    const json_t *crs = either(root, "crs", "supportedCRS");
    if (json_is_object(crs))
        crs = json_object_get(crs, "uri") ? json_object_get(crs, "uri") : json_object_get(crs, "wkt");
    if (json_is_string(crs))
        return ncr_crs_from_text(json_string_value(crs), &set->crs, err);
    if (!json_is_object(crs))
        return invalid(err, "it names no CRS (\"crs\" or \"supportedCRS\")");
    char *text = json_dumps(crs, JSON_COMPACT); /* PROJJSON */
    nacre_status status = text ? ncr_crs_from_text(text, &set->crs, err) : ncr_error_memory(err);
    free(text);
    return status;
}

static nacre_status read_zoom(const json_t *matrix, int *out, nacre_error *err)
{
    const char *id = json_string_value(either(matrix, "id", "identifier"));
    if (!id)
        return invalid(err, "a matrix has no identifier (\"id\" or \"identifier\")");
    const char *colon = strrchr(id, ':');
    if (!ncr_text_to_int(colon ? colon + 1 : id, out) || *out < 0)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "tile matrix set: identifier '%.40s' is no zoom level", id);
    return NACRE_OK;
}

static bool read_count(const json_t *matrix, const char *name, int64_t most, int64_t *out)
{
    const json_t *value = json_object_get(matrix, name);
    *out = json_is_integer(value) ? json_integer_value(value) : 0;
    return *out >= 1 && *out <= most;
}

/* Metres that a unit of the CRS is, for scale denominators: degrees lie on the equator. */
static double metres_of(nacre_crs *crs)
{
    double factor = 1;
    ncr_crs_unit(crs, &factor);
    return ncr_crs_is_geographic(crs) ? factor * equator_radius : factor;
}

static nacre_status read_origin(const json_t *json, nacre_crs *crs, ncr_tile_matrix *matrix, nacre_error *err)
{
    const json_t *point = either(json, "pointOfOrigin", "topLeftCorner");
    const char *corner = json_string_value(json_object_get(json, "cornerOfOrigin"));
    if (corner && strcmp(corner, "topLeft") != 0)
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED,
                             "tile matrix set: cornerOfOrigin %.20s: only topLeft is read", corner);
    const json_t *first = json_array_get(point, 0), *second = json_array_get(point, 1);
    if (!json_is_number(first) || !json_is_number(second))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "tile matrix set: zoom %d has no pointOfOrigin of two numbers",
                             matrix->zoom);
    bool swapped = ncr_crs_is_northing_first(crs);
    matrix->left = json_number_value(swapped ? second : first);
    matrix->top = json_number_value(swapped ? first : second);
    return NACRE_OK;
}

static nacre_status read_matrix(const json_t *json, nacre_crs *crs, ncr_tile_matrix *matrix, nacre_error *err)
{
    nacre_status status = read_zoom(json, &matrix->zoom, err);
    if (status == NACRE_OK)
        status = read_origin(json, crs, matrix, err);
    if (status != NACRE_OK)
        return status;
    if (json_array_size(json_object_get(json, "variableMatrixWidths")))
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED,
                             "tile matrix set: zoom %d has variableMatrixWidths, which are not read", matrix->zoom);
    int64_t width, height;
    const int64_t most = (int64_t)1 << 31;
    if (!read_count(json, "tileWidth", NCR_TILE_SIZE_MAX, &width) ||
        !read_count(json, "tileHeight", NCR_TILE_SIZE_MAX, &height))
        return ncr_error_set(err, NACRE_ERROR_INVALID,
                             "tile matrix set: tileWidth and tileHeight of zoom %d are not from 1 to %d", matrix->zoom,
                             NCR_TILE_SIZE_MAX);
    if (!read_count(json, "matrixWidth", most, &matrix->columns) ||
        !read_count(json, "matrixHeight", most, &matrix->rows))
        return ncr_error_set(err, NACRE_ERROR_INVALID,
                             "tile matrix set: matrixWidth and matrixHeight of zoom %d are not from 1 to 2^31",
                             matrix->zoom);
    matrix->tile_width = (int)width;
    matrix->tile_height = (int)height;
    const json_t *cell = json_object_get(json, "cellSize"), *scale = json_object_get(json, "scaleDenominator");
    matrix->pixel = cell ? json_number_value(cell) : json_number_value(scale) * screen_pixel / metres_of(crs);
    if (!(matrix->pixel > 0) || !isfinite(matrix->pixel))
        return ncr_error_set(err, NACRE_ERROR_INVALID,
                             "tile matrix set: zoom %d has neither a cellSize nor a scaleDenominator above 0",
                             matrix->zoom);
    return NACRE_OK;
}

static nacre_status read_matrices(const json_t *root, ncr_tile_matrix_set *set, nacre_error *err)
{
    const json_t *matrices = either(root, "tileMatrices", "tileMatrix");
    size_t count = json_array_size(matrices);
    if (count < 1 || count > NCR_TILE_MATRICES_MAX)
        return ncr_error_set(err, NACRE_ERROR_INVALID,
                             "tile matrix set: it has %zu matrices (\"tileMatrices\" or \"tileMatrix\"), and 1 to %d "
                             "are read",
                             count, NCR_TILE_MATRICES_MAX);
    set->matrices = ncr_alloc_array(count, sizeof *set->matrices);
    if (!set->matrices)
        return ncr_error_memory(err);
    nacre_status status = NACRE_OK;
    for (size_t i = 0; i < count && status == NACRE_OK; i++) {
        ncr_tile_matrix matrix = {0};
        status = read_matrix(json_array_get(matrices, i), set->crs, &matrix, err);
        if (status == NACRE_OK && ncr_tile_matrix_find(set, matrix.zoom))
            return ncr_error_set(err, NACRE_ERROR_INVALID, "tile matrix set: zoom %d is there twice", matrix.zoom);
        set->matrices[set->count++] = matrix;
    }
    return status;
}

static nacre_status read_json(const char *text, ncr_tile_matrix_set *set, nacre_error *err)
{
    json_t *root = NULL;
    json_error_t why;
    nacre_status status = ncr_json_load(text, strlen(text), 0, &root, &why);
    if (status == NACRE_ERROR_CORRUPT)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "tile matrix set: no JSON: line %d: %s", why.line, why.text);
    if (status != NACRE_OK)
        return ncr_error_memory(err);
    status = json_is_object(root) ? read_crs(root, set, err) : invalid(err, "it is no JSON object");
    if (status == NACRE_OK)
        status = read_matrices(root, set, err);
    json_decref(root);
    return status;
}

/* --- Sets --- */

nacre_status ncr_tile_matrix_set_new(const char *json, ncr_tile_matrix_set **out, nacre_error *err)
{
    *out = NULL;
    ncr_tile_matrix_set *set = calloc(1, sizeof *set);
    if (!set)
        return ncr_error_memory(err);
    nacre_status status = json ? read_json(json, set, err) : make_web_mercator(set, err);
    if (status == NACRE_OK)
        *out = set;
    else
        ncr_tile_matrix_set_free(set);
    return status;
}

void ncr_tile_matrix_set_free(ncr_tile_matrix_set *set)
{
    if (!set)
        return;
    ncr_crs_unref(set->crs);
    free(set->matrices);
    free(set);
}

const ncr_tile_matrix *ncr_tile_matrix_find(const ncr_tile_matrix_set *set, int zoom)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->matrices[i].zoom == zoom)
            return &set->matrices[i];
    return NULL;
}

/* Tiles [*first, *end) of `count` that an interval touches, in tiles. */
static void find_touched(double from, double to, int64_t count, double slack, int64_t *first, int64_t *end)
{
    from = fmin(fmax(floor(from + slack), 0), (double)count);
    to = fmin(fmax(ceil(to - slack), 0), (double)count);
    *first = (int64_t)from;
    *end = (int64_t)fmax(to, from);
}

nacre_tile_range ncr_tile_matrix_range(const ncr_tile_matrix *matrix, const double bounds[4])
{
    const double slack = 1e-6;
    double width = matrix->pixel * matrix->tile_width, height = matrix->pixel * matrix->tile_height;
    nacre_tile_range r;
    find_touched((bounds[0] - matrix->left) / width, (bounds[2] - matrix->left) / width, matrix->columns,
                 slack / matrix->tile_width, &r.left, &r.right);
    find_touched((matrix->top - bounds[3]) / height, (matrix->top - bounds[1]) / height, matrix->rows,
                 slack / matrix->tile_height, &r.top, &r.bottom);
    if (r.left < r.right && r.top < r.bottom)
        return r;
    return (nacre_tile_range){0};
}
