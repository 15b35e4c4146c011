/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tiff/crs_parts.h"

#include <proj_experimental.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "raster/crs.h"

static json_t *load(nacre_crs *crs)
{
    const char *text = NULL;
    return ncr_crs_text(crs, NACRE_CRS_PROJJSON, &text, NULL) == NACRE_OK ? json_loads(text, 0, NULL) : NULL;
}

/* --- Projections --- */

/* The projected CRS of a CRS, also inside of a bound or compound one; NULL: it has none. */
static json_t *projected_of(json_t *crs)
{
    json_t *components = json_object_get(crs, "components"), *source = json_object_get(crs, "source_crs");
    if (source || components)
        return projected_of(source ? source : json_array_get(components, 0));
    return json_object_get(crs, "conversion") ? crs : NULL;
}

/* Texts of WKT 2 may leave the codes of methods and parameters out; PROJ finds them by the names of WKT 1. */
static void find_method(nacre_crs *crs, json_t *json)
{
    json_t *projected = projected_of(json),
           *method = json_object_get(json_object_get(projected, "conversion"), "method");
    const char *wkt = NULL;
    nacre_crs *known = NULL;
    if (!method || json_object_get(method, "id") || ncr_crs_text(crs, NACRE_CRS_WKT1, &wkt, NULL) != NACRE_OK ||
        ncr_crs_from_text(wkt, &known, NULL) != NACRE_OK)
        return;
    json_t *other = load(known), *conversion = json_object_get(projected_of(other), "conversion");
    if (conversion)
        json_object_set(projected, "conversion", conversion);
    json_decref(other);
    ncr_crs_unref(known);
}

/* --- Parts of a compound CRS --- */

static void set_id(json_t *part, const PJ *pj)
{
    const char *authority = pj ? proj_get_id_auth_name(pj, 0) : NULL, *code = pj ? proj_get_id_code(pj, 0) : NULL;
    int number;
    if (part && !json_object_get(part, "id") && authority && code && ncr_text_to_int(code, &number))
        json_object_set_new(part, "id", json_pack("{s:s, s:i}", "authority", authority, "code", number));
}

/* PROJ tells no codes of parts where the whole has one: they are asked of its database. */
static void find_parts(nacre_crs *crs, json_t *json)
{
    const char *name, *code;
    PJ_CONTEXT *context = ncr_proj_context();
    json_t *components = json_object_get(json, "components");
    if (!components || !context || !json_object_get(json, "id") || !ncr_crs_authority(crs, &name, &code))
        return;
    PJ *whole = proj_create_from_database(context, name, code, PJ_CATEGORY_CRS, 0, NULL);
    for (int i = 0; whole && i < 2; i++) {
        PJ *part = proj_crs_get_sub_crs(context, whole, i);
        set_id(json_array_get(components, (size_t)i), part);
        proj_destroy(part);
    }
    proj_destroy(whole);
}

/* --- Three dimensions --- */

static size_t axis_count(const json_t *crs)
{
    return json_array_size(json_object_get(json_object_get(crs, "coordinate_system"), "axis"));
}

static unsigned epsg_code(const json_t *crs)
{
    const json_t *id = json_object_get(crs, "id");
    const char *authority = json_string_value(json_object_get(id, "authority"));
    json_int_t code = json_integer_value(json_object_get(id, "code"));
    return authority && !strcmp(authority, "EPSG") && code > 0 && code < 32767 ? (unsigned)code : 0;
}

/* The same CRS without its heights; NULL: it cannot be made. */
static nacre_crs *flat(nacre_crs *crs)
{
    static const char *const options[] = {"MULTILINE=NO", NULL};
    nacre_crs *out = NULL;
    PJ_CONTEXT *context = ncr_proj_context();
    PJ *pj = context ? ncr_crs_new_pj(crs, context, NULL) : NULL;
    PJ *demoted = pj ? proj_crs_demote_to_2D(context, NULL, pj) : NULL;
    const char *text = demoted ? proj_as_projjson(context, demoted, options) : NULL;
    if (text)
        ncr_crs_from_text(text, &out, NULL);
    proj_destroy(demoted);
    proj_destroy(pj);
    return out;
}

nacre_status ncr_crs_take_apart(nacre_crs *crs, json_t **out, unsigned *height, nacre_error *err)
{
    const char *text = NULL;
    *out = NULL;
    *height = 0;
    nacre_status status = ncr_crs_text(crs, NACRE_CRS_PROJJSON, &text, err);
    if (status != NACRE_OK)
        return status;
    json_t *json = json_loads(text, 0, NULL); /* PROJ writes no wrong ones */
    if (!json)
        return ncr_error_memory(err);
    const json_t *base = json_object_get(json, "base_crs");
    const char *type = json_string_value(json_object_get(json, "type"));
    bool is_deep = axis_count(json) == 3 && type && (!strcmp(type, "GeographicCRS") || !strcmp(type, "ProjectedCRS"));
    nacre_crs *two = is_deep ? flat(crs) : NULL;
    if (two) {
        *height = epsg_code(base ? base : json);
        json_t *less = load(two);
        if (less) {
            json_decref(json);
            json = less;
        }
    }
    find_method(two ? two : crs, json);
    find_parts(crs, json);
    ncr_crs_unref(two);
    *out = json;
    return NACRE_OK;
}
