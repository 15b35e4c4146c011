/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tiff/geokeys.h"

#include <geotiff/geo_normalize.h>
#include <geotiff/geo_simpletags.h>
#include <geotiff/geo_tiffp.h>
#include <geotiff/geovalues.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "raster/crs.h"

enum { CITATION_SIZE = 4096, FIRST_CODE = 1024, LAST_CODE = 32766 };

/* --- A libgeotiff object on a directory's tags --- */

typedef struct keys {
    ST_TIFF *tags;
    GTIF *gtif;
} keys;

static void drop_message(struct gtiff *gtif, int level, const char *format, ...)
{
    (void)gtif, (void)level, (void)format;
}

static void give_tag(keys *k, const ncr_tiff_directory *directory, unsigned id, unsigned type, int simple_type)
{
    const ncr_tiff_tag *tag = ncr_tiff_tag_find(directory, id);
    if (tag && tag->value && tag->type == type && tag->count <= INT_MAX)
        ST_SetKey(k->tags, (int)id, (int)tag->count, simple_type, tag->value);
}

static void close_keys(keys *k)
{
    if (k->gtif)
        GTIFFree(k->gtif);
    if (k->tags)
        ST_Destroy(k->tags);
    *k = (keys){0};
}

static bool open_keys(keys *k, const ncr_tiff_directory *directory)
{
    TIFFMethod methods;
    GTIFSetSimpleTagsMethods(&methods);
    k->tags = ST_Create();
    if (k->tags) {
        give_tag(k, directory, NCR_TAG_GEO_KEY_DIRECTORY, NCR_TYPE_SHORT, STT_SHORT);
        give_tag(k, directory, NCR_TAG_GEO_DOUBLE_PARAMS, NCR_TYPE_DOUBLE, STT_DOUBLE);
        give_tag(k, directory, NCR_TAG_GEO_ASCII_PARAMS, NCR_TYPE_ASCII, STT_ASCII);
        k->gtif = GTIFNewWithMethodsEx(k->tags, &methods, drop_message, NULL);
    }
    return k->gtif;
}

static unsigned short_key(const keys *k, geokey_t key)
{
    unsigned short value = 0;
    return GTIFKeyGetSHORT(k->gtif, key, &value, 0, 1) == 1 ? value : 0;
}

static bool text_key(const keys *k, geokey_t key, char out[CITATION_SIZE])
{
    return GTIFKeyGetASCII(k->gtif, key, out, CITATION_SIZE) > 0 && *out;
}

/* --- A CRS with a code --- */

static bool is_code(unsigned value)
{
    return value >= FIRST_CODE && value <= LAST_CODE;
}

/* The code of the horizontal CRS, or 0. */
static unsigned horizontal_code(const keys *k)
{
    unsigned model = short_key(k, GTModelTypeGeoKey);
    unsigned projected = short_key(k, ProjectedCSTypeGeoKey), geographic = short_key(k, GeographicTypeGeoKey);
    if (model == ModelTypeProjected || (!model && projected))
        return is_code(projected) ? projected : 0;
    if (model == ModelTypeGeographic || model == ModelTypeGeocentric || (!model && geographic))
        return is_code(geographic) ? geographic : 0;
    return 0;
}

/* A vertical CRS counts in GeoTIFF 1.1 only, as with GDAL: before that the key was used loosely. */
static unsigned vertical_code(const keys *k)
{
    int versions[3] = {0}, count = 0;
    GTIFDirectoryInfo(k->gtif, versions, &count);
    bool is_1_1 = versions[1] > 1 || (versions[1] == 1 && versions[2] >= 1);
    unsigned code = short_key(k, VerticalCSTypeGeoKey);
    return is_1_1 && is_code(code) ? code : 0;
}

static nacre_status crs_of_codes(unsigned horizontal, unsigned vertical, nacre_crs **out, nacre_error *err)
{
    char *code = vertical ? ncr_text_format("%u+%u", horizontal, vertical) : ncr_text_format("%u", horizontal);
    if (!code)
        return ncr_error_memory(err);
    nacre_status status = ncr_crs_from_authority("EPSG", code, out, err);
    free(code);
    return status;
}

/* --- A user-defined CRS --- */

/* Esri's writers put the whole definition into a citation. */
static nacre_crs *crs_of_citation(const keys *k)
{
    static const char mark[] = "ESRI PE String = ";
    static const geokey_t citations[] = {PCSCitationGeoKey, GTCitationGeoKey, GeogCitationGeoKey};
    char text[CITATION_SIZE];
    nacre_crs *crs = NULL;
    for (int i = 0; i < 3 && !crs; i++) {
        const char *definition = text_key(k, citations[i], text) ? strstr(text, mark) : NULL;
        if (definition)
            ncr_crs_from_text(definition + sizeof mark - 1, &crs, NULL);
    }
    return crs;
}

/* Sets the name of a JSON object to the part of a citation after `label` ("Datum = "), up to a bar; with label NULL to
 * a citation that has no labels. */
static void set_name(json_t *object, const char *citation, const char *label)
{
    const char *start = label ? strstr(citation, label) : citation;
    if (!json_is_object(object) || !start || (!label && strstr(citation, " = ")))
        return;
    start += label ? strlen(label) : 0;
    size_t length = strcspn(start, "|");
    if (length)
        json_object_set_new(object, "name", json_stringn(start, length));
}

/* The names that the citations tell, which a PROJ string cannot. */
static void set_names(const keys *k, json_t *crs)
{
    char text[CITATION_SIZE];
    json_t *base = json_object_get(crs, "base_crs");
    if (base && (text_key(k, PCSCitationGeoKey, text) || text_key(k, GTCitationGeoKey, text))) {
        set_name(crs, text, NULL);
        set_name(crs, text, "PCS Name = ");
    }
    if (!text_key(k, GeogCitationGeoKey, text) && (base || !text_key(k, GTCitationGeoKey, text)))
        return;
    base = base ? base : crs;
    json_t *datum = json_object_get(base, "datum");
    set_name(base, text, NULL);
    set_name(base, text, "GCS Name = ");
    set_name(datum, text, "Datum = ");
    set_name(json_object_get(datum, "ellipsoid"), text, "Ellipsoid = ");
    set_name(json_object_get(datum, "prime_meridian"), text, "Primem = ");
}

/* A PROJ string has fewer digits than the keys. Puts the exact number where the two are close. */
static void sharpen(json_t *object, const char *name, double exact, double tolerance)
{
    json_t *number = json_object_get(object, name);
    double difference = json_is_number(number) ? fabs(json_number_value(number) - exact) : 0;
    if (difference > 0 && difference <= tolerance)
        json_object_set_new(object, name, json_real(exact));
}

static void sharpen_all(json_t *crs, const GTIFDefn *definition)
{
    enum { PARAMETERS = 7 };
    const double length_tolerance = 1e-3, angle_tolerance = 1e-8;
    json_t *base = json_object_get(crs, "base_crs");
    json_t *ellipsoid = json_object_get(json_object_get(base ? base : crs, "datum"), "ellipsoid");
    sharpen(ellipsoid, "radius", definition->SemiMajor, length_tolerance);
    sharpen(ellipsoid, "semi_major_axis", definition->SemiMajor, length_tolerance);
    sharpen(ellipsoid, "semi_minor_axis", definition->SemiMinor, length_tolerance);
    json_t *parameters = json_object_get(json_object_get(crs, "conversion"), "parameters"), *parameter;
    size_t index;
    json_array_foreach (parameters, index, parameter) {
        const char *unit = json_string_value(json_object_get(parameter, "unit"));
        bool is_length = unit && !strcmp(unit, "metre");
        for (int i = 0; i < PARAMETERS && i < definition->nParms; i++)
            sharpen(parameter, "value", definition->ProjParm[i], is_length ? length_tolerance : angle_tolerance);
    }
}

/* The CRS of a PROJ string with what the keys know better. */
static nacre_crs *refined_crs(const keys *k, const char *proj_text, const GTIFDefn *definition)
{
    nacre_crs *plain = NULL, *refined = NULL;
    const char *text = NULL;
    if (ncr_crs_from_text(proj_text, &plain, NULL) != NACRE_OK)
        return NULL;
    if (ncr_crs_text(plain, NACRE_CRS_PROJJSON, &text, NULL) == NACRE_OK) {
        json_t *json = json_loads(text, 0, NULL);
        set_names(k, json);
        sharpen_all(json, definition);
        char *better = json ? json_dumps(json, JSON_COMPACT) : NULL;
        if (better)
            ncr_crs_from_text(better, &refined, NULL);
        free(better);
        json_decref(json);
    }
    if (!refined)
        return plain;
    ncr_crs_unref(plain);
    return refined;
}

static nacre_crs *crs_of_parameters(const keys *k)
{
    nacre_crs *crs = NULL;
    GTIFDefn *definition = GTIFAllocDefn();
    PJ_CONTEXT *context = ncr_proj_context();
    if (definition && context) {
        GTIFAttachPROJContext(k->gtif, context);
        char *proj = GTIFGetDefn(k->gtif, definition) ? GTIFGetProj4Defn(definition) : NULL;
        char *text = proj && *proj ? ncr_text_format("%s +type=crs", proj) : NULL;
        if (text)
            crs = refined_crs(k, text, definition);
        free(text);
        GTIFFreeMemory(proj);
    }
    GTIFFreeDefn(definition);
    return crs;
}

nacre_status ncr_geokeys_read(const ncr_tiff_directory *directory, ncr_geokeys *out, nacre_error *err)
{
    *out = (ncr_geokeys){0};
    if (!ncr_tiff_tag_find(directory, NCR_TAG_GEO_KEY_DIRECTORY))
        return NACRE_OK;
    keys k = {0};
    nacre_status status = NACRE_OK;
    if (open_keys(&k, directory)) {
        out->is_present = true;
        out->is_point = short_key(&k, GTRasterTypeGeoKey) == RasterPixelIsPoint;
        unsigned code = horizontal_code(&k), model = short_key(&k, GTModelTypeGeoKey);
        if (code)
            status = crs_of_codes(code, vertical_code(&k), &out->crs, err);
        else
            out->crs = crs_of_citation(&k);
        if (!code && !out->crs && (model == ModelTypeProjected || model == ModelTypeGeographic))
            out->crs = crs_of_parameters(&k);
    }
    close_keys(&k);
    return status;
}
