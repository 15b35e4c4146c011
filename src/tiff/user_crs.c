/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tiff/user_crs.h"

#include <geotiff/geo_normalize.h>
#include <geotiff/geovalues.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "raster/crs.h"

/* A user-defined CRS in three steps: libgeotiff brings the keys to metres and degrees; a PROJ string of them gives the
 * projection and its axes as PROJJSON; in that the geographic part and the names are replaced by what the keys say,
 * which a PROJ string cannot. libgeotiff's own PROJ strings have few digits and miss some projections. */

enum { TEXT_SIZE = 4096 };

bool ncr_geokey_text(GTIF *gtif, geokey_t key, char out[NCR_CITATION_SIZE])
{
    return GTIFKeyGetASCII(gtif, key, out, NCR_CITATION_SIZE) > 0 && *out;
}

/* --- The PROJ string --- */

/* Parameters that have other names than most projections have are named here; NULL: as most. */
typedef struct projection {
    int transform; /* of ProjCoordTrans */
    const char *name;
    const char *parallel_1; /* NULL: lat_1 */
    const char *longitude;  /* NULL: lon_0 */
    const char *extra;      /* NULL: nothing */
} projection;

static const projection projections[] = {
    {CT_TransverseMercator, "tmerc", NULL, NULL, NULL},
    {CT_TransvMercator_SouthOriented, "tmerc", NULL, NULL, " +axis=wsu"},
    {CT_ObliqueMercator, "omerc", NULL, "lonc", " +no_uoff"},
    {CT_ObliqueMercator_Laborde, "labrd", NULL, NULL, NULL},
    {CT_HotineObliqueMercatorAzimuthCenter, "omerc", NULL, "lonc", NULL},
    {CT_Mercator, "merc", "lat_ts", NULL, NULL},
    {CT_LambertConfConic_2SP, "lcc", NULL, NULL, NULL},
    {CT_LambertConfConic_1SP, "lcc", NULL, NULL, NULL},
    {CT_LambertAzimEqualArea, "laea", NULL, NULL, NULL},
    {CT_AlbersEqualArea, "aea", NULL, NULL, NULL},
    {CT_AzimuthalEquidistant, "aeqd", NULL, NULL, NULL},
    {CT_EquidistantConic, "eqdc", NULL, NULL, NULL},
    {CT_Stereographic, "stere", NULL, NULL, NULL},
    {CT_PolarStereographic, "stere", NULL, NULL, NULL},
    {CT_ObliqueStereographic, "sterea", NULL, NULL, NULL},
    {CT_Equirectangular, "eqc", "lat_ts", NULL, NULL},
    {CT_CassiniSoldner, "cass", NULL, NULL, NULL},
    {CT_Gnomonic, "gnom", NULL, NULL, NULL},
    {CT_MillerCylindrical, "mill", NULL, NULL, " +R_A"},
    {CT_Orthographic, "ortho", NULL, NULL, NULL},
    {CT_Polyconic, "poly", NULL, NULL, NULL},
    {CT_Robinson, "robin", NULL, NULL, NULL},
    {CT_Sinusoidal, "sinu", NULL, NULL, NULL},
    {CT_VanDerGrinten, "vandg", NULL, NULL, " +R_A"},
    {CT_NewZealandMapGrid, "nzmg", NULL, NULL, NULL},
    {CT_CylindricalEqualArea, "cea", "lat_ts", NULL, NULL},
};

static const projection *find_projection(int transform)
{
    for (size_t i = 0; i < sizeof projections / sizeof *projections; i++)
        if (projections[i].transform == transform)
            return &projections[i];
    return NULL;
}

/* PROJ's name of a parameter; NULL: it has none. */
static const char *parameter_name(const projection *p, int key)
{
    static const struct row {
        int key;
        const char *name;
    } rows[] = {
        {ProjNatOriginLatGeoKey, "lat_0"},         {ProjCenterLatGeoKey, "lat_0"},
        {ProjFalseOriginLatGeoKey, "lat_0"},       {ProjNatOriginLongGeoKey, "lon_0"},
        {ProjCenterLongGeoKey, "lon_0"},           {ProjFalseOriginLongGeoKey, "lon_0"},
        {ProjStraightVertPoleLongGeoKey, "lon_0"}, {ProjStdParallel1GeoKey, "lat_1"},
        {ProjStdParallel2GeoKey, "lat_2"},         {ProjScaleAtNatOriginGeoKey, "k_0"},
        {ProjScaleAtCenterGeoKey, "k_0"},          {ProjFalseEastingGeoKey, "x_0"},
        {ProjFalseOriginEastingGeoKey, "x_0"},     {ProjCenterEastingGeoKey, "x_0"},
        {ProjFalseNorthingGeoKey, "y_0"},          {ProjFalseOriginNorthingGeoKey, "y_0"},
        {ProjCenterNorthingGeoKey, "y_0"},         {ProjAzimuthAngleGeoKey, "alpha"},
        {ProjRectifiedGridAngleGeoKey, "gamma"},
    };
    const char *name = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows && !name; i++)
        if (rows[i].key == key)
            name = rows[i].name;
    if (name && !strcmp(name, "lon_0") && p->longitude)
        return p->longitude;
    if (name && !strcmp(name, "alpha") && p->transform == CT_ObliqueMercator_Laborde)
        return "azi";
    return name && !strcmp(name, "lat_1") && p->parallel_1 ? p->parallel_1 : name;
}

static bool add(ncr_buffer *text, const char *name, double value)
{
    char number[NCR_TEXT_DOUBLE_SIZE];
    ncr_text_from_double(value, number);
    return ncr_text_appendf(text, " +%s=%s", name, number);
}

/* PROJ keeps a string that tells a scale to a projection which has none as something of its own. */
static bool has_scale(const projection *p, const GTIFDefn *definition)
{
    static const int transforms[] = {CT_TransverseMercator,
                                     CT_TransvMercator_SouthOriented,
                                     CT_ObliqueMercator,
                                     CT_ObliqueMercator_Laborde,
                                     CT_HotineObliqueMercatorAzimuthCenter,
                                     CT_Mercator,
                                     CT_LambertConfConic_1SP,
                                     CT_Stereographic,
                                     CT_PolarStereographic,
                                     CT_ObliqueStereographic};
    for (int i = 0; i < definition->nParms && i < MAX_GTIF_PROJPARMS; i++) {
        int key = definition->ProjParmId[i];
        if (p->transform == CT_Mercator && key == ProjStdParallel1GeoKey && definition->ProjParm[i] != 0)
            return false; /* its scale is that of the parallel */
        if (p->transform == CT_PolarStereographic && key == ProjNatOriginLatGeoKey &&
            fabs(definition->ProjParm[i]) != 90)
            return false;
    }
    for (size_t i = 0; i < sizeof transforms / sizeof *transforms; i++)
        if (transforms[i] == p->transform)
            return true;
    return false;
}

/* Latitudes that rounding has moved beyond a pole, which PROJ refuses. */
static double at_most_a_pole(double latitude)
{
    return fabs(latitude) > 90 && fabs(latitude) < 90 + 1e-9 ? copysign(90, latitude) : latitude;
}

/* The latitude of a polar stereographic projection is the pole with a scale, or the parallel of true scale. */
static bool add_polar_latitude(ncr_buffer *text, double latitude)
{
    latitude = at_most_a_pole(latitude);
    if (fabs(latitude) == 90)
        return add(text, "lat_0", latitude);
    return add(text, "lat_0", latitude < 0 ? -90 : 90) && add(text, "lat_ts", latitude);
}

static bool add_parameter(ncr_buffer *text, const projection *p, int key, double value, bool with_scale)
{
    const char *name = parameter_name(p, key);
    if (key == ProjScaleAtNatOriginGeoKey || key == ProjScaleAtCenterGeoKey)
        return !with_scale || add(text, "k_0", value);
    if (p->transform == CT_PolarStereographic && key == ProjNatOriginLatGeoKey)
        return add_polar_latitude(text, value);
    if (p->transform == CT_Mercator && key == ProjNatOriginLatGeoKey && value == 0)
        return true; /* PROJ has no name for a Mercator projection with both latitudes */
    if (p->transform == CT_LambertConfConic_1SP && key == ProjNatOriginLatGeoKey && !add(text, "lat_1", value))
        return false;
    return !name || add(text, name, ncr_text_starts(name, "lat_") ? at_most_a_pole(value) : value);
}

static bool add_projection(ncr_buffer *text, const GTIFDefn *definition)
{
    const projection *p = find_projection(definition->CTProjection);
    if (!p || !ncr_text_appendf(text, "+proj=%s%s", p->name, p->extra ? p->extra : ""))
        return false;
    bool with_scale = has_scale(p, definition);
    for (int i = 0; i < definition->nParms && i < MAX_GTIF_PROJPARMS; i++)
        if (definition->ProjParmId[i] &&
            !add_parameter(text, p, definition->ProjParmId[i], definition->ProjParm[i], with_scale))
            return false;
    return definition->UOMLengthInMeters == 1 || add(text, "to_meter", definition->UOMLengthInMeters);
}

static bool add_to_wgs84(ncr_buffer *text, const GTIFDefn *definition)
{
    char number[NCR_TEXT_DOUBLE_SIZE];
    int count = definition->TOWGS84Count;
    if (count != 3 && count != 7)
        return true;
    bool added = ncr_text_append(text, " +towgs84=");
    for (int i = 0; i < count && added; i++) {
        ncr_text_from_double(definition->TOWGS84[i], number);
        added = ncr_text_appendf(text, "%s%s", i ? "," : "", number);
    }
    return added;
}

/* The PROJ string, NUL-terminated in text; false: the keys define no CRS, or out of memory. */
static bool make_proj_text(ncr_buffer *text, const GTIFDefn *definition)
{
    double major = definition->SemiMajor, minor = definition->SemiMinor;
    bool is_projected = definition->Model == ModelTypeProjected;
    if (!(major > 0) || !(minor > 0))
        return false;
    bool added = is_projected ? add_projection(text, definition) : ncr_text_append(text, "+proj=longlat");
    if (added)
        added = major == minor ? add(text, "R", major) : add(text, "a", major) && add(text, "b", minor);
    if (added && definition->PMLongToGreenwich != 0)
        added = add(text, "pm", definition->PMLongToGreenwich);
    return added && add_to_wgs84(text, definition) && ncr_text_append(text, " +no_defs +type=crs");
}

/* --- The geographic part --- */

static bool is_code(int value)
{
    return value > 0 && value != KvUserDefined;
}

/* The PROJJSON of an object of PROJ's database; NULL: it does not know the code. */
static json_t *object_of_code(int code, PJ_CATEGORY category)
{
    PJ_CONTEXT *context = ncr_proj_context();
    char *text = ncr_text_format("%d", code);
    PJ *object = context && text ? proj_create_from_database(context, "EPSG", text, category, 0, NULL) : NULL;
    const char *json = object ? proj_as_projjson(context, object, NULL) : NULL;
    json_t *result = json ? json_loads(json, 0, NULL) : NULL;
    proj_destroy(object);
    free(text);
    return result;
}

/* The part of a citation after `label` ("Datum = "), up to a bar; with label "" a citation without labels. `fallback`
 * where there is none. */
static json_t *cited_name(const char *citation, const char *label, const char *fallback)
{
    const char *start = *label ? strstr(citation, label) : citation;
    if (!start || (!*label && strstr(citation, " = ")))
        return json_string(fallback);
    start += strlen(label);
    size_t length = strcspn(start, "|");
    return length ? json_stringn(start, length) : json_string(fallback);
}

static json_t *make_ellipsoid(GTIF *gtif, const GTIFDefn *definition, const char *citation)
{
    json_t *known =
        is_code(definition->Ellipsoid) ? object_of_code(definition->Ellipsoid, PJ_CATEGORY_ELLIPSOID) : NULL;
    if (known)
        return known;
    double flattening = 0;
    json_t *ellipsoid = json_object();
    json_object_set_new(ellipsoid, "name", cited_name(citation, "Ellipsoid = ", "unknown"));
    if (definition->SemiMajor == definition->SemiMinor) {
        json_object_set_new(ellipsoid, "radius", json_real(definition->SemiMajor));
        return ellipsoid;
    }
    json_object_set_new(ellipsoid, "semi_major_axis", json_real(definition->SemiMajor));
    if (GTIFKeyGetDOUBLE(gtif, GeogInvFlatteningGeoKey, &flattening, 0, 1) == 1 && flattening > 0)
        json_object_set_new(ellipsoid, "inverse_flattening", json_real(flattening));
    else
        json_object_set_new(ellipsoid, "semi_minor_axis", json_real(definition->SemiMinor));
    return ellipsoid;
}

static json_t *make_meridian(const GTIFDefn *definition, const char *citation)
{
    bool is_of_code = is_code(definition->PM) && !strstr(citation, "Primem = ");
    json_t *known = is_of_code ? object_of_code(definition->PM, PJ_CATEGORY_PRIME_MERIDIAN) : NULL;
    if (known)
        return known;
    json_t *meridian = json_object();
    json_object_set_new(meridian, "name", cited_name(citation, "Primem = ", "unnamed"));
    json_object_set_new(meridian, "longitude", json_real(definition->PMLongToGreenwich));
    return meridian;
}

static json_t *make_datum(GTIF *gtif, const GTIFDefn *definition, const char *citation)
{
    json_t *datum = is_code(definition->Datum) ? object_of_code(definition->Datum, PJ_CATEGORY_DATUM) : NULL;
    if (!datum) {
        datum = json_object();
        json_object_set_new(datum, "type", json_string("GeodeticReferenceFrame"));
        json_object_set_new(datum, "name", cited_name(citation, "Datum = ", "unknown"));
        json_object_set_new(datum, "ellipsoid", make_ellipsoid(gtif, definition, citation));
    }
    bool is_told = definition->PMLongToGreenwich != 0 || strstr(citation, "Primem = ");
    if (is_told && !json_object_get(datum, "members"))
        json_object_set_new(datum, "prime_meridian", make_meridian(definition, citation));
    return datum;
}

/* Degrees, or another angle by its name. */
static json_t *make_angle(const GTIFDefn *definition)
{
    const char *name = NULL;
    double radians = definition->UOMAngleInDegrees * M_PI / 180;
    char code[NCR_TEXT_DOUBLE_SIZE];
    bool is_degree = fabs(definition->UOMAngleInDegrees - 1) < 1e-12 || !(radians > 0);
    snprintf(code, sizeof code, "%d", definition->UOMAngle);
    if (!is_degree && is_code(definition->UOMAngle))
        proj_uom_get_info_from_database(ncr_proj_context(), "EPSG", code, &name, NULL, NULL);
    return is_degree ? json_string("degree")
                     : json_pack("{s:s, s:s, s:f}", "type", "AngularUnit", "name", name ? name : "unknown",
                                 "conversion_factor", radians);
}

static json_t *make_axes(const GTIFDefn *definition)
{
    return json_pack("{s:s, s:[{s:s, s:s, s:s, s:o}, {s:s, s:s, s:s, s:o}]}", "subtype", "ellipsoidal", "axis", "name",
                     "Geodetic latitude", "abbreviation", "Lat", "direction", "north", "unit", make_angle(definition),
                     "name", "Geodetic longitude", "abbreviation", "Lon", "direction", "east", "unit",
                     make_angle(definition));
}

static json_t *make_cartesian_axes(void)
{
    return json_pack("{s:s, s:[{s:s, s:s, s:s, s:s}, {s:s, s:s, s:s, s:s}, {s:s, s:s, s:s, s:s}]}", "subtype",
                     "Cartesian", "axis", "name", "Geocentric X", "abbreviation", "X", "direction", "geocentricX",
                     "unit", "metre", "name", "Geocentric Y", "abbreviation", "Y", "direction", "geocentricY", "unit",
                     "metre", "name", "Geocentric Z", "abbreviation", "Z", "direction", "geocentricZ", "unit", "metre");
}

static json_t *make_geographic(GTIF *gtif, const GTIFDefn *definition)
{
    json_t *known = is_code(definition->GCS) ? object_of_code(definition->GCS, PJ_CATEGORY_CRS) : NULL;
    if (known)
        return known;
    char citation[NCR_CITATION_SIZE];
    bool is_alone = definition->Model != ModelTypeProjected, is_geocentric = definition->Model == ModelTypeGeocentric;
    if (!ncr_geokey_text(gtif, GeogCitationGeoKey, citation) &&
        !(is_alone && ncr_geokey_text(gtif, GTCitationGeoKey, citation)))
        *citation = 0;
    json_t *crs = json_object(), *datum = make_datum(gtif, definition, citation);
    bool is_labelled = strstr(citation, "GCS Name = ");
    const char *datum_name = json_string_value(json_object_get(datum, "name"));
    json_object_set_new(crs, "type", json_string(is_geocentric ? "GeodeticCRS" : "GeographicCRS"));
    json_object_set_new(crs, "name",
                        cited_name(citation, is_labelled ? "GCS Name = " : "", datum_name ? datum_name : "unknown"));
    json_object_set_new(crs, json_object_get(datum, "members") ? "datum_ensemble" : "datum", datum);
    json_object_set_new(crs, "coordinate_system", is_geocentric ? make_cartesian_axes() : make_axes(definition));
    return crs;
}

/* --- All together --- */

static void name_projected(GTIF *gtif, json_t *crs)
{
    char citation[NCR_CITATION_SIZE];
    if (!ncr_geokey_text(gtif, PCSCitationGeoKey, citation) && !ncr_geokey_text(gtif, GTCitationGeoKey, citation))
        *citation = 0;
    bool is_labelled = strstr(citation, "PCS Name = ");
    json_object_set_new(crs, "name", cited_name(citation, is_labelled ? "PCS Name = " : "", "unnamed"));
}

/* Puts the geographic part into the PROJJSON of the PROJ string; takes over `geographic`. */
static void refine(GTIF *gtif, json_t *root, json_t *geographic)
{
    json_t *source = json_object_get(root, "source_crs"), *crs = source ? source : root;
    json_object_del(root, "remarks"); /* PROJ quotes its string there */
    if (json_object_get(crs, "base_crs")) {
        json_object_set_new(crs, "base_crs", geographic);
        name_projected(gtif, crs);
    } else {
        json_object_clear(crs);
        json_object_update(crs, geographic);
        json_decref(geographic);
    }
}

static nacre_crs *crs_of_proj_text(GTIF *gtif, const GTIFDefn *definition, const char *proj_text)
{
    nacre_crs *plain = NULL, *refined = NULL;
    const char *text = NULL;
    if (ncr_crs_from_text(proj_text, &plain, NULL) != NACRE_OK)
        return NULL;
    json_t *json = ncr_crs_text(plain, NACRE_CRS_PROJJSON, &text, NULL) == NACRE_OK ? json_loads(text, 0, NULL) : NULL;
    if (json) {
        refine(gtif, json, make_geographic(gtif, definition));
        char *better = json_dumps(json, JSON_COMPACT);
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

/* libgeotiff looks other codes up through a context of its own, which complains on standard error. */
static bool is_known_angle(GTIF *gtif)
{
    enum { RADIAN = 9101, SEXAGESIMAL_DMS = 9110, DEGREE = 9122 };
    unsigned short unit = 0;
    if (GTIFKeyGetSHORT(gtif, GeogAngularUnitsGeoKey, &unit, 0, 1) != 1)
        return true;
    return unit == KvUserDefined || (unit >= RADIAN && unit <= SEXAGESIMAL_DMS) || unit == DEGREE;
}

/* Keys of a geocentric CRS define its datum alone. */
static nacre_crs *geocentric_crs(GTIF *gtif, const GTIFDefn *definition)
{
    nacre_crs *crs = NULL;
    bool is_defined = definition->SemiMajor > 0 && definition->SemiMinor > 0;
    json_t *json = is_defined ? make_geographic(gtif, definition) : NULL;
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    if (text)
        ncr_crs_from_text(text, &crs, NULL);
    free(text);
    json_decref(json);
    return crs;
}

/* The unit of lengths that the keys tell, in metres, and its name, the caller's; NULL: they tell none. */
static char *linear_unit(GTIF *gtif, double *metres)
{
    unsigned short unit = 0;
    char code[NCR_TEXT_DOUBLE_SIZE];
    const char *name = NULL;
    *metres = 1;
    if (GTIFKeyGetSHORT(gtif, ProjLinearUnitsGeoKey, &unit, 0, 1) != 1)
        return NULL;
    snprintf(code, sizeof code, "%u", unit);
    if (unit == KvUserDefined)
        GTIFKeyGetDOUBLE(gtif, ProjLinearUnitSizeGeoKey, metres, 0, 1);
    else if (!proj_uom_get_info_from_database(ncr_proj_context(), "EPSG", code, &name, metres, NULL))
        return NULL;
    return ncr_text_copy(name ? name : "unknown");
}

/* Appends a text in quotation marks of WKT. */
static bool append_quoted(ncr_buffer *wkt, const char *text)
{
    bool added = ncr_text_append(wkt, "\"");
    for (; *text && added; text++)
        added = ncr_buffer_append(wkt, text, 1) && (*text != '"' || ncr_text_append(wkt, "\""));
    return added && ncr_text_append(wkt, "\"");
}

nacre_crs *ncr_local_crs(GTIF *gtif)
{
    char citation[NCR_CITATION_SIZE], number[NCR_TEXT_DOUBLE_SIZE];
    double metres;
    nacre_crs *crs = NULL;
    char *unit = linear_unit(gtif, &metres);
    ncr_buffer wkt;
    ncr_buffer_init(&wkt, 4 * NCR_CITATION_SIZE);
    if (!ncr_geokey_text(gtif, GTCitationGeoKey, citation) && !ncr_geokey_text(gtif, PCSCitationGeoKey, citation))
        snprintf(citation, sizeof citation, "unnamed");
    citation[strcspn(citation, "|")] = 0;
    ncr_text_from_double(metres, number);
    if (ncr_text_append(&wkt, "LOCAL_CS[") && append_quoted(&wkt, citation) && ncr_text_append(&wkt, ",UNIT[") &&
        append_quoted(&wkt, unit ? unit : "unknown") &&
        ncr_text_appendf(&wkt, ",%s],AXIS[\"Easting\",EAST],AXIS[\"Northing\",NORTH]]", number))
        ncr_crs_from_text((const char *)wkt.data, &crs, NULL);
    ncr_buffer_clear(&wkt);
    free(unit);
    return crs;
}

nacre_crs *ncr_user_crs(GTIF *gtif)
{
    nacre_crs *crs = NULL;
    GTIFDefn *definition = GTIFAllocDefn();
    PJ_CONTEXT *context = ncr_proj_context();
    ncr_buffer text;
    ncr_buffer_init(&text, TEXT_SIZE);
    if (definition && context && is_known_angle(gtif)) {
        GTIFAttachPROJContext(gtif, context);
        bool is_read = GTIFGetDefn(gtif, definition);
        if (is_read && definition->Model == ModelTypeGeocentric)
            crs = geocentric_crs(gtif, definition);
        else if (is_read && make_proj_text(&text, definition))
            crs = crs_of_proj_text(gtif, definition, (const char *)text.data);
    }
    ncr_buffer_clear(&text);
    GTIFFreeDefn(definition);
    return crs;
}
