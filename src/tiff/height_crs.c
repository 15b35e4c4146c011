/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tiff/height_crs.h"

#include <geotiff/geotiff.h>
#include <geotiff/geovalues.h>
#include <jansson.h>
#include <math.h>
#include <proj_experimental.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "raster/crs.h"
#include "tiff/user_crs.h"

enum { FIRST_CODE = 1024, LAST_CODE = 32766, WGS84_HEIGHT = 5030, WGS84_ELLIPSOID = 7030, METRE = 9001 };

static unsigned short_key(GTIF *gtif, geokey_t key)
{
    unsigned short value = 0;
    return GTIFKeyGetSHORT(gtif, key, &value, 0, 1) == 1 ? value : 0;
}

/* A CRS of a PROJ object, which is destroyed; NULL: it is NULL, or cannot be told. */
static nacre_crs *crs_of_pj(PJ_CONTEXT *context, PJ *pj)
{
    static const char *const options[] = {"MULTILINE=NO", NULL};
    const char *text = pj ? proj_as_projjson(context, pj, options) : NULL;
    nacre_crs *crs = NULL;
    if (text)
        ncr_crs_from_text(text, &crs, NULL);
    proj_destroy(pj);
    return crs;
}

/* --- Units --- */

/* Whether the first axis of a CRS is in this unit; also where it cannot be told. */
static bool is_in_unit(PJ_CONTEXT *context, const PJ *pj, double metres)
{
    double factor = metres;
    PJ *system = proj_crs_get_coordinate_system(context, pj);
    if (system)
        proj_cs_get_axis_info(context, system, 0, NULL, NULL, NULL, &factor, NULL, NULL, NULL);
    proj_destroy(system);
    return fabs(factor / metres - 1) < 1e-12;
}

nacre_crs *ncr_crs_in_unit(GTIF *gtif, nacre_crs *projected)
{
    unsigned unit = short_key(gtif, ProjLinearUnitsGeoKey);
    const char *name = "unknown";
    double metres = 0;
    char code[NCR_TEXT_DOUBLE_SIZE];
    if (!unit || unit == METRE)
        return NULL;
    PJ_CONTEXT *context = ncr_proj_context();
    snprintf(code, sizeof code, "%u", unit);
    bool is_known = unit == KvUserDefined
                        ? GTIFKeyGetDOUBLE(gtif, ProjLinearUnitSizeGeoKey, &metres, 0, 1) == 1
                        : context && proj_uom_get_info_from_database(context, "EPSG", code, &name, &metres, NULL);
    PJ *pj = is_known && metres > 0 ? ncr_crs_new_pj(projected, context, NULL) : NULL;
    PJ *other = NULL;
    if (pj && proj_get_type(pj) == PJ_TYPE_PROJECTED_CRS && !is_in_unit(context, pj, metres))
        other = proj_crs_alter_cs_linear_unit(context, pj, name, metres, NULL, NULL);
    proj_destroy(pj);
    return crs_of_pj(context, other);
}

/* --- Heights --- */

static bool is_version_1_1(GTIF *gtif)
{
    int versions[3] = {0}, count = 0;
    GTIFDirectoryInfo(gtif, versions, &count);
    return versions[1] > 1 || (versions[1] == 1 && versions[2] >= 1);
}

/* Whether the ellipsoid of a CRS has this code. */
static bool has_ellipsoid(PJ_CONTEXT *context, nacre_crs *crs, unsigned code)
{
    PJ *pj = ncr_crs_new_pj(crs, context, NULL), *ellipsoid = pj ? proj_get_ellipsoid(context, pj) : NULL;
    const char *text = ellipsoid ? proj_get_id_code(ellipsoid, 0) : NULL;
    int number;
    bool is_same = text && ncr_text_to_int(text, &number) && (unsigned)number == code;
    proj_destroy(ellipsoid);
    proj_destroy(pj);
    return is_same;
}

/* Whether a geographic CRS of three dimensions is that below a horizontal one, with heights. */
static bool is_below(PJ_CONTEXT *context, nacre_crs *horizontal, const PJ *geographic)
{
    PJ *pj = ncr_crs_new_pj(horizontal, context, NULL), *own = pj ? proj_crs_get_geodetic_crs(context, pj) : NULL;
    PJ *flat = proj_crs_demote_to_2D(context, NULL, geographic);
    bool is_same =
        own && flat && proj_is_equivalent_to_with_ctx(context, own, flat, PJ_COMP_EQUIVALENT_EXCEPT_AXIS_ORDER_GEOGCRS);
    proj_destroy(flat);
    proj_destroy(own);
    proj_destroy(pj);
    return is_same;
}

static nacre_crs *in_three_dimensions(PJ_CONTEXT *context, nacre_crs *horizontal)
{
    PJ *pj = ncr_crs_new_pj(horizontal, context, NULL);
    PJ *promoted = pj ? proj_crs_promote_to_3D(context, NULL, pj) : NULL;
    proj_destroy(pj);
    return crs_of_pj(context, promoted);
}

/* Both parts have codes: the CRS is told by them. */
static nacre_crs *crs_of_codes(nacre_crs *horizontal, const char *code)
{
    const char *name, *horizontal_code;
    nacre_crs *crs = NULL;
    char *text = NULL;
    if (ncr_crs_authority(horizontal, &name, &horizontal_code))
        text = ncr_text_format("%s:%s+%s", name, horizontal_code, code);
    if (text)
        ncr_crs_from_text(text, &crs, NULL);
    free(text);
    return crs;
}

static nacre_crs *compound_of(PJ_CONTEXT *context, nacre_crs *horizontal, PJ *vertical)
{
    PJ *pj = ncr_crs_new_pj(horizontal, context, NULL);
    char *name = pj ? ncr_text_format("%s + %s", proj_get_name(pj), proj_get_name(vertical)) : NULL;
    PJ *compound = name ? proj_create_compound_crs(context, name, pj, vertical) : NULL;
    free(name);
    proj_destroy(pj);
    return crs_of_pj(context, compound);
}

static nacre_crs *with_height_of_code(PJ_CONTEXT *context, nacre_crs *horizontal, unsigned code, bool is_1_1)
{
    char text[NCR_TEXT_DOUBLE_SIZE];
    nacre_crs *crs = NULL;
    snprintf(text, sizeof text, "%u", code);
    PJ *vertical = proj_create_from_database(context, "EPSG", text, PJ_CATEGORY_CRS, 0, NULL);
    PJ_TYPE type = vertical ? proj_get_type(vertical) : PJ_TYPE_UNKNOWN;
    bool is_deep = type == PJ_TYPE_GEOGRAPHIC_3D_CRS && is_below(context, horizontal, vertical);
    if (is_deep && ncr_crs_is_geographic(horizontal))
        ncr_crs_from_authority("EPSG", text, &crs, NULL);
    else if (is_deep)
        crs = in_three_dimensions(context, horizontal);
    else if (is_1_1 && type == PJ_TYPE_VERTICAL_CRS && !(crs = crs_of_codes(horizontal, text)))
        crs = compound_of(context, horizontal, vertical);
    proj_destroy(vertical);
    return crs;
}

/* A citation up to its bar. */
static json_t *cited_name(GTIF *gtif, geokey_t key, const char *fallback)
{
    char citation[NCR_CITATION_SIZE];
    if (!ncr_geokey_text(gtif, key, citation))
        return json_string(fallback);
    citation[strcspn(citation, "|")] = 0;
    return json_string(*citation ? citation : fallback);
}

/* A datum by its code, else one of which nothing is known. */
static json_t *vertical_datum(GTIF *gtif, PJ_CONTEXT *context)
{
    char code[NCR_TEXT_DOUBLE_SIZE];
    snprintf(code, sizeof code, "%u", short_key(gtif, VerticalDatumGeoKey));
    PJ *pj = proj_create_from_database(context, "EPSG", code, PJ_CATEGORY_DATUM, 0, NULL);
    const char *text = pj ? proj_as_projjson(context, pj, NULL) : NULL;
    json_t *datum = text ? json_loads(text, 0, NULL) : NULL;
    proj_destroy(pj);
    return datum ? datum : json_pack("{s:s, s:s}", "type", "VerticalReferenceFrame", "name", "unknown");
}

static nacre_crs *with_user_height(GTIF *gtif, PJ_CONTEXT *context, nacre_crs *horizontal)
{
    const char *unit_name = "metre";
    double metres = 1;
    char code[NCR_TEXT_DOUBLE_SIZE];
    snprintf(code, sizeof code, "%u", short_key(gtif, VerticalUnitsGeoKey));
    proj_uom_get_info_from_database(context, "EPSG", code, &unit_name, &metres, NULL);
    json_t *unit = json_pack("{s:s, s:s, s:f}", "type", "LinearUnit", "name", unit_name, "conversion_factor", metres);
    json_t *json = json_pack("{s:s, s:o, s:o, s:{s:s, s:[{s:s, s:s, s:s, s:o}]}}", "type", "VerticalCRS", "name",
                             cited_name(gtif, VerticalCitationGeoKey, "unknown"), "datum",
                             vertical_datum(gtif, context), "coordinate_system", "subtype", "vertical", "axis", "name",
                             "Gravity-related height", "abbreviation", "H", "direction", "up", "unit", unit);
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    PJ *vertical = text ? proj_create(context, text) : NULL;
    nacre_crs *crs = vertical ? compound_of(context, horizontal, vertical) : NULL;
    proj_destroy(vertical);
    free(text);
    json_decref(json);
    return crs;
}

nacre_crs *ncr_crs_with_height(GTIF *gtif, nacre_crs *horizontal)
{
    unsigned code = short_key(gtif, VerticalCSTypeGeoKey);
    PJ_CONTEXT *context = code ? ncr_proj_context() : NULL;
    if (!context)
        return NULL;
    if (code == WGS84_HEIGHT)
        return has_ellipsoid(context, horizontal, WGS84_ELLIPSOID) ? in_three_dimensions(context, horizontal) : NULL;
    bool is_1_1 = is_version_1_1(gtif), is_code = code >= FIRST_CODE && code <= LAST_CODE;
    if (code == KvUserDefined && is_1_1)
        return with_user_height(gtif, context, horizontal);
    return is_code ? with_height_of_code(context, horizontal, code, is_1_1) : NULL;
}

/* Name of the unit of a CRS's first axis, the caller's, or NULL. */
static char *unit_of(PJ_CONTEXT *context, const PJ *pj)
{
    PJ *system = proj_crs_get_coordinate_system(context, pj);
    const char *name = NULL;
    bool is_told = system && proj_cs_get_axis_info(context, system, 0, NULL, NULL, NULL, NULL, &name, NULL, NULL);
    char *copy = is_told && name ? ncr_text_copy(name) : NULL;
    proj_destroy(system);
    return copy;
}

char *ncr_height_unit(GTIF *gtif)
{
    char code[NCR_TEXT_DOUBLE_SIZE];
    unsigned vertical = short_key(gtif, VerticalCSTypeGeoKey);
    bool is_ellipsoidal = vertical == WGS84_HEIGHT;
    PJ_CONTEXT *context = vertical && !is_ellipsoidal ? ncr_proj_context() : NULL;
    if (!context)
        return NULL;
    snprintf(code, sizeof code, "%u", vertical);
    PJ *pj =
        vertical == KvUserDefined ? NULL : proj_create_from_database(context, "EPSG", code, PJ_CATEGORY_CRS, 0, NULL);
    char *unit = pj && proj_get_type(pj) == PJ_TYPE_VERTICAL_CRS ? unit_of(context, pj) : NULL;
    proj_destroy(pj);
    const char *name = NULL;
    snprintf(code, sizeof code, "%u", short_key(gtif, VerticalUnitsGeoKey));
    if (!unit && proj_uom_get_info_from_database(context, "EPSG", code, &name, NULL, NULL) && name)
        unit = ncr_text_copy(name);
    return unit;
}
