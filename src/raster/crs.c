/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "raster/crs.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* A CRS is the text that defines it. PROJ objects belong to one thread's context, so they are made from the text when
 * something is asked, and what was found is kept; two threads that ask at once find the same, and the first answer
 * stays. Nothing is computed under the lock. */

enum { FORMAT_COUNT = 6 };
/* Confidence in an identifier, percent: its own; the most in one that was found; enough for nacre_crs_authority(). */
enum { OWN = 100, FOUND = 99, SURE = 90 };

typedef struct {
    bool is_known;
    char *authority, *code, *name, *unit;
    int confidence; /* in authority and code, percent */
    double unit_factor;
    bool is_geographic, is_projected, is_northing_first;
} facts;

struct nacre_crs {
    _Atomic int references;
    char *definition;       /* what proj_create() understands */
    char *authority, *code; /* of an identifier that is believed; else NULL */
    pthread_mutex_t lock;
    /* Guarded by lock; each is set once. */
    char *texts[FORMAT_COUNT];
    facts facts;
};

static void free_facts(facts *f)
{
    free(f->authority);
    free(f->code);
    free(f->name);
    free(f->unit);
    *f = (facts){0};
}

nacre_crs *ncr_crs_ref(nacre_crs *crs)
{
    atomic_fetch_add(&crs->references, 1);
    return crs;
}

void ncr_crs_unref(nacre_crs *crs)
{
    if (!crs || atomic_fetch_sub(&crs->references, 1) != 1)
        return;
    for (int i = 0; i < FORMAT_COUNT; i++)
        free(crs->texts[i]);
    free_facts(&crs->facts);
    pthread_mutex_destroy(&crs->lock);
    free(crs->definition);
    free(crs->authority);
    free(crs->code);
    free(crs);
}

/* Takes definition, which may be NULL: out of memory. */
static nacre_crs *new_crs(char *definition)
{
    nacre_crs *crs = definition ? calloc(1, sizeof *crs) : NULL;
    if (!crs) {
        free(definition);
        return NULL;
    }
    atomic_init(&crs->references, 1);
    pthread_mutex_init(&crs->lock, NULL);
    crs->definition = definition;
    return crs;
}

nacre_status ncr_crs_from_authority(const char *name, const char *code, nacre_crs **out, nacre_error *err)
{
    *out = NULL;
    nacre_crs *crs = new_crs(ncr_text_format("%s:%s", name, code));
    if (!crs)
        return ncr_error_memory(err);
    crs->authority = ncr_text_copy(name);
    crs->code = ncr_text_copy(code);
    if (!crs->authority || !crs->code) {
        ncr_crs_unref(crs);
        return ncr_error_memory(err);
    }
    *out = crs;
    return NACRE_OK;
}

/* Names without an authority that have one meaning to everybody. PROJ would also take a part of any name in its
 * database, and so would find something for many a misspelling. */
static const char *const known_names[] = {"WGS84", "WGS72", "NAD27", "NAD83", "CRS84", "CRS83", "CRS27"};

static bool is_known_name(const char *text)
{
    for (size_t i = 0; i < sizeof known_names / sizeof known_names[0]; i++)
        if (ncr_text_equal_nocase(text, known_names[i]))
            return true;
    return false;
}

/* WKT and PROJJSON may quote a PROJ string. */
static bool is_proj_string(const char *text)
{
    if (strpbrk(text, "[{"))
        return false;
    return strstr(text, "+proj=") || strstr(text, "+init=") || ncr_text_starts(text, "proj=") ||
           ncr_text_starts(text, "init=");
}

/* The text as proj_create() wants it, or NULL: out of memory. */
static char *definition_of(const char *text)
{
    if (is_known_name(text))
        return ncr_text_starts_nocase(text, "CRS") ? ncr_text_format("OGC:%s", text) : ncr_text_copy(text);
    if (is_proj_string(text) && !strstr(text, "type=crs"))
        return ncr_text_format("%s +type=crs", text); /* else PROJ makes an operation of it */
    return ncr_text_copy(text);
}

/* Whether a text has one of the forms that name or define a CRS at all. */
static bool has_form(const char *text)
{
    return is_known_name(text) || is_proj_string(text) || text[0] == '{' || strchr(text, ':') || strchr(text, '[') ||
           strchr(text, '(');
}

static nacre_status refuse(const char *text, const char *reason, nacre_error *err)
{
    enum { QUOTED = 60 };
    size_t length = strlen(text);
    static const char added[] = " +type=crs"; /* by definition_of() */
    if (length > sizeof added && strcmp(text + length + 1 - sizeof added, added) == 0)
        length -= sizeof added - 1;
    if (length == 0)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "CRS: the text is empty; give one such as EPSG:4326");
    if (text[strspn(text, "0123456789")] == '\0')
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%.60s: unknown CRS: a number alone is none; try EPSG:%.60s",
                             text, text);
    return ncr_error_set(err, NACRE_ERROR_INVALID, "%.*s%s: unknown CRS%s%s", (int)(length < QUOTED ? length : QUOTED),
                         text, length > QUOTED ? "..." : "", reason ? ": " : "", reason ? reason : "");
}

/* A PROJ object of a definition, which must be a CRS; NULL after failure. */
static PJ *create_pj(PJ_CONTEXT *context, const char *definition, nacre_error *err)
{
    if (!context) {
        ncr_error_memory(err);
        return NULL;
    }
    PJ *pj = proj_create(context, definition);
    if (pj && proj_is_crs(pj))
        return pj;
    int number = pj ? 0 : proj_context_errno(context);
    bool says_why = number && number != PROJ_ERR_OTHER; /* the text of that one is its number */
    refuse(definition, says_why ? proj_context_errno_string(context, number) : NULL, err);
    proj_destroy(pj);
    return NULL;
}

PJ *ncr_crs_new_pj(nacre_crs *crs, PJ_CONTEXT *context, nacre_error *err)
{
    return create_pj(context, crs->definition, err);
}

nacre_status ncr_crs_from_text(const char *text, nacre_crs **out, nacre_error *err)
{
    *out = NULL;
    text += strspn(text, " \t\r\n");
    if (!has_form(text))
        return refuse(text, NULL, err);
    nacre_crs *crs = new_crs(definition_of(text));
    if (!crs)
        return ncr_error_memory(err);
    PJ *pj = create_pj(ncr_proj_context(), crs->definition, err);
    if (!pj) {
        ncr_crs_unref(crs);
        return err ? err->status : NACRE_ERROR_INVALID;
    }
    proj_destroy(pj);
    *out = crs;
    return NACRE_OK;
}

/* --- Texts --- */

/* Without the word that only tells PROJ what the string is for. */
static char *copy_proj_string(const char *text)
{
    char *copy = ncr_text_copy(text);
    char *type = copy ? strstr(copy, " +type=crs") : NULL;
    if (type)
        memmove(type, type + strlen(" +type=crs"), strlen(type + strlen(" +type=crs")) + 1);
    return copy;
}

/* PROJ's own text, which lives as long as pj; NULL: there is none. */
static const char *format_pj(PJ_CONTEXT *context, const PJ *pj, nacre_crs_format format)
{
    static const char *const one_line[] = {"MULTILINE=NO", NULL};
    static const char *const as_gdal[] = {"MULTILINE=NO", "OUTPUT_AXIS=YES", NULL};
    switch (format) {
    case NACRE_CRS_WKT2:
        return proj_as_wkt(context, pj, PJ_WKT2_2019, one_line);
    case NACRE_CRS_WKT1:
        return proj_as_wkt(context, pj, PJ_WKT1_GDAL, as_gdal);
    case NACRE_CRS_PROJJSON:
        return proj_as_projjson(context, pj, one_line);
    case NACRE_CRS_PROJ:
        return proj_as_proj_string(context, pj, PJ_PROJ_4, NULL);
    case NACRE_CRS_WKT2_2015:
        return proj_as_wkt(context, pj, PJ_WKT2_2015, one_line);
    case NACRE_CRS_WKT1_ESRI:
        return proj_as_wkt(context, pj, PJ_WKT1_ESRI, one_line);
    }
    return NULL;
}

static const char *const format_names[FORMAT_COUNT] = {"WKT 2",       "WKT 1",           "PROJJSON",
                                                       "PROJ string", "WKT 2 (of 2015)", "Esri's WKT"};

nacre_status ncr_crs_text(nacre_crs *crs, nacre_crs_format format, const char **out, nacre_error *err)
{
    *out = NULL;
    if ((unsigned)format >= FORMAT_COUNT)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "CRS: no such form of text: %d", (int)format);
    pthread_mutex_lock(&crs->lock);
    *out = crs->texts[format];
    pthread_mutex_unlock(&crs->lock);
    if (*out)
        return NACRE_OK;

    PJ_CONTEXT *context = ncr_proj_context();
    nacre_error ignored;
    PJ *pj = ncr_crs_new_pj(crs, context, err ? err : &ignored);
    if (!pj)
        return err ? err->status : ignored.status;
    const char *formatted = format_pj(context, pj, format);
    char *text = format == NACRE_CRS_PROJ ? copy_proj_string(formatted) : ncr_text_copy(formatted);
    proj_destroy(pj);
    if (formatted && !text)
        return ncr_error_memory(err);
    if (!formatted)
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%.60s: this CRS has no form as %s", crs->definition,
                             format_names[format]);
    pthread_mutex_lock(&crs->lock);
    if (!crs->texts[format]) {
        crs->texts[format] = text;
        text = NULL;
    }
    *out = crs->texts[format];
    pthread_mutex_unlock(&crs->lock);
    free(text);
    return NACRE_OK;
}

/* --- Facts --- */

/* The CRS inside a bound one (with TOWGS84), which is what has an identifier; a new object or NULL. */
static PJ *without_bound(PJ_CONTEXT *context, const PJ *pj)
{
    PJ *inner = proj_get_type(pj) == PJ_TYPE_BOUND_CRS ? proj_get_source_crs(context, pj) : NULL;
    return inner ? inner : proj_clone(context, pj);
}

/* The horizontal part of a compound CRS; a new object or NULL. */
static PJ *horizontal_part(PJ_CONTEXT *context, const PJ *pj)
{
    PJ *part = proj_get_type(pj) == PJ_TYPE_COMPOUND_CRS ? proj_crs_get_sub_crs(context, pj, 0) : NULL;
    if (!part)
        return proj_clone(context, pj);
    PJ *inner = without_bound(context, part);
    proj_destroy(part);
    return inner;
}

static bool take_id(facts *f, const PJ *pj, int confidence)
{
    const char *authority = proj_get_id_auth_name(pj, 0), *code = proj_get_id_code(pj, 0);
    if (!authority || !code)
        return false;
    f->authority = ncr_text_copy(authority);
    f->code = ncr_text_copy(code);
    f->confidence = confidence;
    return true;
}

/* The identifier that PROJ holds for the likeliest, for a CRS that has none; EPSG's before others'. */
static void identify(facts *f, PJ_CONTEXT *context, const PJ *pj)
{
    static const char *const authorities[] = {"EPSG", NULL};
    for (int i = 0; i < 2 && !f->authority; i++) {
        int *confidence = NULL;
        PJ_OBJ_LIST *list = proj_identify(context, pj, authorities[i], NULL, &confidence);
        int count = list ? proj_list_get_count(list) : 0;
        /* The best come first; two that are equally good say nothing. */
        bool is_one = count > 0 && (count == 1 || confidence[1] < confidence[0]);
        PJ *best = is_one ? proj_list_get(context, list, 0) : NULL;
        if (best)
            take_id(f, best, confidence[0] < FOUND ? confidence[0] : FOUND);
        proj_destroy(best);
        proj_int_list_destroy(confidence);
        proj_list_destroy(list);
    }
}

static bool is_north(PJ_CONTEXT *context, const PJ *system, int axis)
{
    const char *direction = NULL;
    return proj_cs_get_axis_info(context, system, axis, NULL, NULL, &direction, NULL, NULL, NULL, NULL) && direction &&
           ncr_text_equal_nocase(direction, "north");
}

static bool is_northing_first(PJ_CONTEXT *context, const PJ *horizontal)
{
    PJ *system = proj_crs_get_coordinate_system(context, horizontal);
    bool first = system && is_north(context, system, 0) && !is_north(context, system, 1);
    proj_destroy(system);
    return first;
}

static void find_unit(facts *f, PJ_CONTEXT *context, const PJ *horizontal)
{
    PJ *system = proj_crs_get_coordinate_system(context, horizontal);
    const char *name = NULL;
    f->unit_factor = 1;
    if (system && proj_cs_get_axis_info(context, system, 0, NULL, NULL, NULL, &f->unit_factor, &name, NULL, NULL))
        f->unit = ncr_text_copy(name);
    proj_destroy(system);
}

static bool is_geographic_type(PJ_TYPE type)
{
    return type == PJ_TYPE_GEOGRAPHIC_2D_CRS || type == PJ_TYPE_GEOGRAPHIC_3D_CRS || type == PJ_TYPE_GEOGRAPHIC_CRS;
}

static void find_facts(nacre_crs *crs, facts *f)
{
    PJ_CONTEXT *context = ncr_proj_context();
    PJ *outer = ncr_crs_new_pj(crs, context, NULL);
    PJ *pj = outer ? without_bound(context, outer) : NULL;
    PJ *horizontal = pj ? horizontal_part(context, pj) : NULL;
    if (horizontal) {
        f->name = ncr_text_copy(proj_get_name(pj));
        f->is_geographic = is_geographic_type(proj_get_type(horizontal));
        f->is_projected = proj_get_type(horizontal) == PJ_TYPE_PROJECTED_CRS;
        f->is_northing_first = is_northing_first(context, horizontal);
        find_unit(f, context, horizontal);
        if (!take_id(f, pj, OWN))
            identify(f, context, pj);
    }
    proj_destroy(horizontal);
    proj_destroy(pj);
    proj_destroy(outer);
    f->is_known = true;
}

/* The facts, found at the first question; they live as long as the CRS. */
static const facts *facts_of(nacre_crs *crs)
{
    pthread_mutex_lock(&crs->lock);
    bool is_known = crs->facts.is_known;
    pthread_mutex_unlock(&crs->lock);
    if (is_known)
        return &crs->facts;
    facts found = {0};
    find_facts(crs, &found);
    pthread_mutex_lock(&crs->lock);
    if (!crs->facts.is_known) {
        crs->facts = found;
        found = (facts){0};
    }
    pthread_mutex_unlock(&crs->lock);
    free_facts(&found);
    return &crs->facts;
}

bool ncr_crs_identify(nacre_crs *crs, int confidence, const char **name, const char **code)
{
    *name = crs->authority;
    *code = crs->code;
    if (!*name) {
        const facts *f = facts_of(crs);
        *name = f->confidence >= confidence ? f->authority : NULL;
        *code = f->code;
    }
    if (*name && *code)
        return true;
    *name = *code = "";
    return false;
}

bool ncr_crs_authority(nacre_crs *crs, const char **name, const char **code)
{
    if (ncr_crs_identify(crs, OWN, name, code))
        return true;
    if (ncr_crs_identify(crs, SURE, name, code) && ncr_text_equal_nocase(*name, "EPSG"))
        return true;
    *name = *code = "";
    return false;
}

const char *ncr_crs_name(nacre_crs *crs)
{
    const char *name = facts_of(crs)->name;
    return name ? name : "";
}

bool ncr_crs_is_geographic(nacre_crs *crs)
{
    return facts_of(crs)->is_geographic;
}

bool ncr_crs_is_northing_first(nacre_crs *crs)
{
    return facts_of(crs)->is_northing_first;
}

bool ncr_crs_is_projected(nacre_crs *crs)
{
    return facts_of(crs)->is_projected;
}

const char *ncr_crs_unit(nacre_crs *crs, double *factor)
{
    const facts *f = facts_of(crs);
    *factor = f->unit ? f->unit_factor : 1;
    return f->unit ? f->unit : "";
}

nacre_status ncr_crs_geodetic(nacre_crs *crs, nacre_crs **out, nacre_error *err)
{
    *out = NULL;
    PJ_CONTEXT *context = ncr_proj_context();
    PJ *pj = ncr_crs_new_pj(crs, context, err);
    if (!pj)
        return err ? err->status : NACRE_ERROR_INVALID;
    PJ *geodetic = proj_crs_get_geodetic_crs(context, pj);
    const char *text = geodetic ? proj_as_wkt(context, geodetic, PJ_WKT2_2019, NULL) : NULL;
    nacre_status status =
        text ? ncr_crs_from_text(text, out, err)
             : ncr_error_set(err, NACRE_ERROR_INVALID, "%.60s: this CRS has no geodetic CRS below it", crs->definition);
    proj_destroy(geodetic);
    proj_destroy(pj);
    return status;
}

bool ncr_crs_same(nacre_crs *a, nacre_crs *b, bool ignore_axis_order)
{
    if (a == b)
        return true;
    if (!a || !b)
        return false;
    if (strcmp(a->definition, b->definition) == 0)
        return true;
    PJ_CONTEXT *context = ncr_proj_context();
    PJ *first = ncr_crs_new_pj(a, context, NULL), *second = ncr_crs_new_pj(b, context, NULL);
    PJ_COMPARISON_CRITERION how = ignore_axis_order ? PJ_COMP_EQUIVALENT_EXCEPT_AXIS_ORDER_GEOGCRS : PJ_COMP_EQUIVALENT;
    bool equal = first && second && proj_is_equivalent_to_with_ctx(context, first, second, how);
    proj_destroy(first);
    proj_destroy(second);
    return equal;
}

bool ncr_crs_equal(nacre_crs *a, nacre_crs *b)
{
    return ncr_crs_same(a, b, true);
}
