/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <geotiff/geo_simpletags.h>
#include <geotiff/geo_tiffp.h>
#include <geotiff/geotiff.h>
#include <geotiff/geovalues.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "raster/crs.h"
#include "tiff/crs_parts.h"
#include "tiff/geokeys.h"

/* Writing GeoKeys. A CRS is taken apart through its PROJJSON, whose methods and parameters carry EPSG's codes. */

enum {
    FIRST_CODE = 1024,
    LAST_CODE = 32766,
    RADIAN = 9101,
    DEGREE = 9102,
    GRAD = 9105,
    METRE = 9001,
    FOOT = 9002,
    US_FOOT = 9003
};

void ncr_geokey_tags_clear(ncr_geokey_tags *tags)
{
    free(tags->directory);
    free(tags->doubles);
    free(tags->ascii);
    *tags = (ncr_geokey_tags){0};
}

static void set_short(GTIF *gtif, geokey_t key, unsigned value)
{
    GTIFKeySet(gtif, key, TYPE_SHORT, 1, (int)value);
}

static void set_double(GTIF *gtif, geokey_t key, double value)
{
    GTIFKeySet(gtif, key, TYPE_DOUBLE, 1, value);
}

static void set_text(GTIF *gtif, geokey_t key, const char *text)
{
    if (text && *text)
        GTIFKeySet(gtif, key, TYPE_ASCII, 0, text);
}

/* --- Reading PROJJSON --- */

static const char *name_of(const json_t *object)
{
    const char *name = json_string_value(json_object_get(object, "name"));
    return name ? name : "";
}

/* EPSG's code of an object, or 0. */
static unsigned code_of(const json_t *object)
{
    const json_t *id = json_object_get(object, "id");
    const char *authority = json_string_value(json_object_get(id, "authority"));
    json_int_t code = json_integer_value(json_object_get(id, "code"));
    bool is_code = authority && !strcmp(authority, "EPSG") && code >= FIRST_CODE && code <= LAST_CODE;
    return is_code ? (unsigned)code : 0;
}

/* What a unit is in metres or degrees; a unit is a name or an object. */
static double unit_factor(const json_t *unit)
{
    const char *type = json_string_value(json_object_get(unit, "type"));
    double factor = json_number_value(json_object_get(unit, "conversion_factor"));
    if (!type || !(factor > 0))
        return 1;
    if (strcmp(type, "AngularUnit"))
        return factor;
    double degrees = factor * 180 / M_PI;
    return fabs(degrees - 1) < 1e-12 ? 1 : degrees; /* texts round it: 90 degrees must not become more */
}

/* A number that may be a value with a unit. */
static double quantity(const json_t *value)
{
    if (json_is_number(value))
        return json_number_value(value);
    return json_number_value(json_object_get(value, "value")) * unit_factor(json_object_get(value, "unit"));
}

static const json_t *first_unit(const json_t *crs)
{
    const json_t *axes = json_object_get(json_object_get(crs, "coordinate_system"), "axis");
    return json_object_get(json_array_get(axes, 0), "unit");
}

static bool has_axes(const json_t *crs, const char *subtype)
{
    const char *told = json_string_value(json_object_get(json_object_get(crs, "coordinate_system"), "subtype"));
    return told && !strcmp(told, subtype);
}

/* --- The geographic part --- */

static void set_ellipsoid(GTIF *gtif, const json_t *ellipsoid)
{
    unsigned code = code_of(ellipsoid);
    double radius = quantity(json_object_get(ellipsoid, "radius"));
    double major = radius > 0 ? radius : quantity(json_object_get(ellipsoid, "semi_major_axis"));
    double minor = quantity(json_object_get(ellipsoid, "semi_minor_axis"));
    double flattening = quantity(json_object_get(ellipsoid, "inverse_flattening"));
    set_short(gtif, GeogEllipsoidGeoKey, code ? code : KvUserDefined);
    set_double(gtif, GeogSemiMajorAxisGeoKey, major);
    if (flattening > 0)
        set_double(gtif, GeogInvFlatteningGeoKey, flattening);
    else
        set_double(gtif, GeogSemiMinorAxisGeoKey, minor > 0 ? minor : major);
}

/* The unit of angles of a geographic CRS, in degrees, which is returned. */
static double set_angular_unit(GTIF *gtif, double degrees)
{
    static const struct row {
        unsigned code;
        double degrees;
    } rows[] = {{DEGREE, 1}, {GRAD, 0.9}, {RADIAN, 180 / M_PI}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (fabs(degrees / rows[i].degrees - 1) < 1e-12) {
            set_short(gtif, GeogAngularUnitsGeoKey, rows[i].code);
            return degrees;
        }
    set_short(gtif, GeogAngularUnitsGeoKey, KvUserDefined);
    set_double(gtif, GeogAngularUnitSizeGeoKey, degrees * M_PI / 180);
    return degrees;
}

/* A CRS without a code is told by its datum and ellipsoid, and by names in GDAL's form of the citation. Angles of a
 * projection are in degrees. */
static nacre_status set_geographic(GTIF *gtif, const json_t *crs, bool is_base, nacre_error *err)
{
    unsigned code = code_of(crs);
    set_short(gtif, GeographicTypeGeoKey, code ? code : KvUserDefined);
    if (code) {
        set_text(gtif, GeogCitationGeoKey, name_of(crs));
        return NACRE_OK;
    }
    bool is_cartesian = has_axes(crs, "Cartesian");
    double unit = set_angular_unit(gtif, is_base || is_cartesian ? 1 : unit_factor(first_unit(crs)));
    const json_t *datum = json_object_get(crs, "datum");
    datum = datum ? datum : json_object_get(crs, "datum_ensemble");
    const json_t *ellipsoid = json_object_get(datum, "ellipsoid"), *meridian = json_object_get(datum, "prime_meridian");
    unsigned datum_code = code_of(datum);
    char *citation = ncr_text_format("GCS Name = %s|Datum = %s|Ellipsoid = %s|Primem = %s|", name_of(crs),
                                     name_of(datum), name_of(ellipsoid), meridian ? name_of(meridian) : "Greenwich");
    if (!citation)
        return ncr_error_memory(err);
    set_text(gtif, GeogCitationGeoKey, citation);
    free(citation);
    set_short(gtif, GeogGeodeticDatumGeoKey, datum_code ? datum_code : KvUserDefined);
    set_ellipsoid(gtif, ellipsoid);
    if (meridian && quantity(json_object_get(meridian, "longitude")) != 0) {
        set_short(gtif, GeogPrimeMeridianGeoKey, KvUserDefined);
        set_double(gtif, GeogPrimeMeridianLongGeoKey, quantity(json_object_get(meridian, "longitude")) / unit);
    }
    return NACRE_OK;
}

/* --- Projections --- */

/* EPSG's codes of parameters. */
enum {
    LATITUDE_OF_ORIGIN = 8801,
    LONGITUDE_OF_ORIGIN = 8802,
    SCALE = 8805,
    FALSE_EASTING = 8806,
    FALSE_NORTHING = 8807,
    CENTRE_LATITUDE = 8811,
    CENTRE_LONGITUDE = 8812,
    AZIMUTH = 8813,
    GRID_ANGLE = 8814,
    CENTRE_SCALE = 8815,
    CENTRE_EASTING = 8816,
    CENTRE_NORTHING = 8817,
    FALSE_ORIGIN_LATITUDE = 8821,
    FALSE_ORIGIN_LONGITUDE = 8822,
    PARALLEL_1 = 8823,
    PARALLEL_2 = 8824,
    FALSE_ORIGIN_EASTING = 8826,
    FALSE_ORIGIN_NORTHING = 8827,
    POLAR_LATITUDE = 8832,
    POLAR_LONGITUDE = 8833,
};

typedef struct pair {
    int parameter;
    int key;
} pair;

enum { PAIRS_MAX = 8 };

/* How a method's parameters become keys, as GDAL writes them; false easting and northing (8806, 8807) are common to
 * all. */
typedef struct method {
    int code;         /* EPSG's; 0: it has none, then `name` is PROJ's */
    const char *name; /* NULL: not looked at */
    int transform;    /* value of ProjCoordTrans */
    pair pairs[PAIRS_MAX];
} method;

#define NAT_ORIGIN                                   \
    {LATITUDE_OF_ORIGIN, ProjNatOriginLatGeoKey},    \
    {                                                \
        LONGITUDE_OF_ORIGIN, ProjNatOriginLongGeoKey \
    }
#define CENTRE                                    \
    {LATITUDE_OF_ORIGIN, ProjCenterLatGeoKey},    \
    {                                             \
        LONGITUDE_OF_ORIGIN, ProjCenterLongGeoKey \
    }

static const method methods[] = {
    {9807, NULL, CT_TransverseMercator, {NAT_ORIGIN, {SCALE, ProjScaleAtNatOriginGeoKey}}},
    {9804, NULL, CT_Mercator, {NAT_ORIGIN, {SCALE, ProjScaleAtNatOriginGeoKey}}},
    {9805, NULL, CT_Mercator, {{PARALLEL_1, ProjStdParallel1GeoKey}, NAT_ORIGIN}},
    {9801, NULL, CT_LambertConfConic_1SP, {NAT_ORIGIN, {SCALE, ProjScaleAtNatOriginGeoKey}}},
    {9802,
     NULL,
     CT_LambertConfConic_2SP,
     {{FALSE_ORIGIN_LATITUDE, ProjFalseOriginLatGeoKey},
      {FALSE_ORIGIN_LONGITUDE, ProjFalseOriginLongGeoKey},
      {PARALLEL_1, ProjStdParallel1GeoKey},
      {PARALLEL_2, ProjStdParallel2GeoKey},
      {FALSE_ORIGIN_EASTING, ProjFalseOriginEastingGeoKey},
      {FALSE_ORIGIN_NORTHING, ProjFalseOriginNorthingGeoKey}}},
    {9822,
     NULL,
     CT_AlbersEqualArea,
     {{FALSE_ORIGIN_LATITUDE, ProjNatOriginLatGeoKey},
      {FALSE_ORIGIN_LONGITUDE, ProjNatOriginLongGeoKey},
      {PARALLEL_1, ProjStdParallel1GeoKey},
      {PARALLEL_2, ProjStdParallel2GeoKey},
      {FALSE_ORIGIN_EASTING, ProjFalseEastingGeoKey},
      {FALSE_ORIGIN_NORTHING, ProjFalseNorthingGeoKey}}},
    {9820, NULL, CT_LambertAzimEqualArea, {CENTRE}},
    {1027, NULL, CT_LambertAzimEqualArea, {CENTRE}},
    {9810,
     NULL,
     CT_PolarStereographic,
     {{LATITUDE_OF_ORIGIN, ProjNatOriginLatGeoKey},
      {LONGITUDE_OF_ORIGIN, ProjStraightVertPoleLongGeoKey},
      {SCALE, ProjScaleAtNatOriginGeoKey}}},
    {9829,
     NULL,
     CT_PolarStereographic,
     {{POLAR_LATITUDE, ProjNatOriginLatGeoKey}, {POLAR_LONGITUDE, ProjStraightVertPoleLongGeoKey}}},
    {9809, NULL, CT_ObliqueStereographic, {NAT_ORIGIN, {SCALE, ProjScaleAtNatOriginGeoKey}}},
    {1028, NULL, CT_Equirectangular, {CENTRE, {PARALLEL_1, ProjStdParallel1GeoKey}}},
    {1029, NULL, CT_Equirectangular, {CENTRE, {PARALLEL_1, ProjStdParallel1GeoKey}}},
    {9835,
     NULL,
     CT_CylindricalEqualArea,
     {{LONGITUDE_OF_ORIGIN, ProjNatOriginLongGeoKey}, {PARALLEL_1, ProjStdParallel1GeoKey}}},
    {9834,
     NULL,
     CT_CylindricalEqualArea,
     {{LONGITUDE_OF_ORIGIN, ProjNatOriginLongGeoKey}, {PARALLEL_1, ProjStdParallel1GeoKey}}},
    {9832, NULL, CT_AzimuthalEquidistant, {CENTRE}},
    {1125, NULL, CT_AzimuthalEquidistant, {CENTRE}},
    {0, "Azimuthal Equidistant", CT_AzimuthalEquidistant, {CENTRE}},
    {9840, NULL, CT_Orthographic, {CENTRE}},
    {9818, NULL, CT_Polyconic, {NAT_ORIGIN}},
    {9806, NULL, CT_CassiniSoldner, {NAT_ORIGIN}},
    {0, "Stereographic", CT_Stereographic, {CENTRE, {SCALE, ProjScaleAtNatOriginGeoKey}}},
    {0, "Robinson", CT_Robinson, {{LONGITUDE_OF_ORIGIN, ProjCenterLongGeoKey}}},
    {0, "Van Der Grinten", CT_VanDerGrinten, {{LONGITUDE_OF_ORIGIN, ProjCenterLongGeoKey}}},
    {9812,
     NULL,
     CT_ObliqueMercator,
     {{CENTRE_LATITUDE, ProjCenterLatGeoKey},
      {CENTRE_LONGITUDE, ProjCenterLongGeoKey},
      {AZIMUTH, ProjAzimuthAngleGeoKey},
      {GRID_ANGLE, ProjRectifiedGridAngleGeoKey},
      {CENTRE_SCALE, ProjScaleAtCenterGeoKey}}},
    {9815,
     NULL,
     CT_HotineObliqueMercatorAzimuthCenter,
     {{CENTRE_LATITUDE, ProjCenterLatGeoKey},
      {CENTRE_LONGITUDE, ProjCenterLongGeoKey},
      {AZIMUTH, ProjAzimuthAngleGeoKey},
      {GRID_ANGLE, ProjRectifiedGridAngleGeoKey},
      {CENTRE_SCALE, ProjScaleAtCenterGeoKey},
      {CENTRE_EASTING, ProjFalseEastingGeoKey},
      {CENTRE_NORTHING, ProjFalseNorthingGeoKey}}},
    {0, "Sinusoidal", CT_Sinusoidal, {{LONGITUDE_OF_ORIGIN, ProjCenterLongGeoKey}}},
    {0, "Miller Cylindrical", CT_MillerCylindrical, {{LONGITUDE_OF_ORIGIN, ProjCenterLongGeoKey}}},
    {9811, NULL, CT_NewZealandMapGrid, {NAT_ORIGIN}},
    {9808, NULL, CT_TransvMercator_SouthOriented, {NAT_ORIGIN, {SCALE, ProjScaleAtNatOriginGeoKey}}},
};

static const method *find_method(const json_t *conversion)
{
    const json_t *described = json_object_get(conversion, "method");
    int code = (int)json_integer_value(json_object_get(json_object_get(described, "id"), "code"));
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (methods[i].name ? !strcmp(methods[i].name, name_of(described)) : methods[i].code == code)
            return &methods[i];
    return NULL;
}

static int key_of(const method *m, int parameter)
{
    if (parameter == FALSE_EASTING)
        return ProjFalseEastingGeoKey;
    if (parameter == FALSE_NORTHING)
        return ProjFalseNorthingGeoKey;
    for (int i = 0; i < PAIRS_MAX && m->pairs[i].parameter; i++)
        if (m->pairs[i].parameter == parameter)
            return m->pairs[i].key;
    return 0;
}

static bool is_length(int key)
{
    return key == ProjFalseEastingGeoKey || key == ProjFalseNorthingGeoKey || key == ProjFalseOriginEastingGeoKey ||
           key == ProjFalseOriginNorthingGeoKey;
}

static void set_linear_unit(GTIF *gtif, geokey_t key, double metres)
{
    static const struct row {
        unsigned code;
        double metres;
    } rows[] = {{METRE, 1}, {FOOT, 0.3048}, {US_FOOT, 1200.0 / 3937}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (fabs(metres / rows[i].metres - 1) < 1e-12) {
            set_short(gtif, key, rows[i].code);
            return;
        }
    set_short(gtif, key, KvUserDefined);
    if (key == ProjLinearUnitsGeoKey) /* heights have no key for it */
        set_double(gtif, ProjLinearUnitSizeGeoKey, metres);
}

static nacre_status set_projection(GTIF *gtif, const json_t *crs, const char *name, nacre_error *err)
{
    const json_t *conversion = json_object_get(crs, "conversion");
    const method *m = find_method(conversion);
    if (!m)
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: GeoTIFF has no keys for the projection \"%.200s\"",
                             name, name_of(json_object_get(conversion, "method")));
    double unit = unit_factor(first_unit(crs));
    set_short(gtif, ProjectedCSTypeGeoKey, KvUserDefined);
    set_text(gtif, PCSCitationGeoKey, name_of(crs));
    set_short(gtif, ProjectionGeoKey, KvUserDefined);
    set_short(gtif, ProjCoordTransGeoKey, (unsigned)m->transform);
    set_linear_unit(gtif, ProjLinearUnitsGeoKey, unit);
    const json_t *parameters = json_object_get(conversion, "parameters");
    for (size_t i = 0; i < json_array_size(parameters); i++) {
        const json_t *parameter = json_array_get(parameters, i);
        int key = key_of(m, (int)json_integer_value(json_object_get(json_object_get(parameter, "id"), "code")));
        double value = quantity(parameter);
        if (key)
            set_double(gtif, (geokey_t)key, is_length(key) ? value / unit : value);
    }
    return NACRE_OK;
}

/* --- A CRS --- */

/* One that is not tied to the Earth. */
static nacre_status set_local(GTIF *gtif, const json_t *crs)
{
    set_short(gtif, GTModelTypeGeoKey, KvUserDefined);
    set_text(gtif, GTCitationGeoKey, name_of(crs));
    set_linear_unit(gtif, ProjLinearUnitsGeoKey, unit_factor(first_unit(crs)));
    return NACRE_OK;
}

static nacre_status set_geocentric(GTIF *gtif, const json_t *crs, nacre_error *err)
{
    set_short(gtif, GTModelTypeGeoKey, ModelTypeGeocentric);
    set_text(gtif, GTCitationGeoKey, name_of(crs));
    set_linear_unit(gtif, GeogLinearUnitsGeoKey, unit_factor(first_unit(crs)));
    return set_geographic(gtif, crs, false, err);
}

/* The vertical part, in GeoTIFF 1.1, in which it counts. */
static void set_vertical(GTIF *gtif, const json_t *crs)
{
    unsigned code = code_of(crs), datum = code_of(json_object_get(crs, "datum"));
    GTIFSetVersionNumbers(gtif, 1, 1, 1);
    set_short(gtif, VerticalCSTypeGeoKey, code ? code : KvUserDefined);
    if (code)
        return;
    set_text(gtif, VerticalCitationGeoKey, name_of(crs));
    set_short(gtif, VerticalDatumGeoKey, datum ? datum : KvUserDefined);
    set_linear_unit(gtif, VerticalUnitsGeoKey, unit_factor(first_unit(crs)));
}

static nacre_status set_horizontal(GTIF *gtif, const json_t *crs, const char *name, nacre_error *err)
{
    const char *type = json_string_value(json_object_get(crs, "type"));
    const json_t *base = json_object_get(crs, "base_crs");
    unsigned code = code_of(crs);
    if (type && !strcmp(type, "EngineeringCRS"))
        return set_local(gtif, crs);
    if (type && !strcmp(type, "GeodeticCRS") && has_axes(crs, "Cartesian"))
        return set_geocentric(gtif, crs, err);
    if (!type || (strcmp(type, "ProjectedCRS") && strcmp(type, "GeographicCRS")))
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: GeoTIFF has no keys for a CRS of type %s", name,
                             type ? type : "unknown");
    set_short(gtif, GTModelTypeGeoKey, base ? ModelTypeProjected : ModelTypeGeographic);
    set_text(gtif, GTCitationGeoKey, name_of(crs));
    if (!base)
        return set_geographic(gtif, crs, false, err);
    if (code) {
        set_short(gtif, ProjectedCSTypeGeoKey, code);
        set_text(gtif, GeogCitationGeoKey, name_of(base));
        set_linear_unit(gtif, ProjLinearUnitsGeoKey, unit_factor(first_unit(crs)));
        return NACRE_OK;
    }
    nacre_status status = set_geographic(gtif, base, true, err);
    return status == NACRE_OK ? set_projection(gtif, crs, name, err) : status;
}

static nacre_status set_json(GTIF *gtif, const json_t *crs, const char *name, nacre_error *err)
{
    const json_t *components = json_object_get(crs, "components"), *source = json_object_get(crs, "source_crs");
    if (source) /* of a bound CRS: GeoTIFF has no place for the transformation to WGS 84 */
        return set_json(gtif, source, name, err);
    if (!components)
        return set_horizontal(gtif, crs, name, err);
    nacre_status status = set_json(gtif, json_array_get(components, 0), name, err);
    if (status == NACRE_OK) {
        set_vertical(gtif, json_array_get(components, 1));
        set_text(gtif, GTCitationGeoKey, name_of(crs));
    }
    return status;
}

/* What GeoTIFF has no keys for goes into a citation as Esri's WKT, which GDAL writes and reads too. */
static nacre_status set_esri_text(GTIF *gtif, nacre_crs *crs, nacre_error *err)
{
    static const char *const options[] = {"MULTILINE=NO", NULL};
    PJ_CONTEXT *context = ncr_proj_context();
    nacre_error ignored;
    PJ *pj = context ? ncr_crs_new_pj(crs, context, &ignored) : NULL;
    const char *wkt = pj ? proj_as_wkt(context, pj, PJ_WKT1_ESRI, options) : NULL;
    char *citation = wkt ? ncr_text_format("ESRI PE String = %s", wkt) : NULL;
    proj_destroy(pj);
    if (!citation)
        return err ? err->status : NACRE_ERROR_UNSUPPORTED; /* the reason why there are no keys stays in err */
    bool is_geographic = ncr_crs_is_geographic(crs);
    set_short(gtif, GTModelTypeGeoKey, is_geographic ? ModelTypeGeographic : KvUserDefined);
    set_short(gtif, is_geographic ? GeographicTypeGeoKey : ProjectedCSTypeGeoKey, KvUserDefined);
    set_text(gtif, is_geographic ? GeogCitationGeoKey : PCSCitationGeoKey, citation);
    free(citation);
    return NACRE_OK;
}

static nacre_status set_crs(GTIF *gtif, nacre_crs *crs, const char *name, nacre_error *err)
{
    json_t *json = NULL;
    unsigned height = 0;
    nacre_status status = ncr_crs_take_apart(crs, &json, &height, err);
    if (status != NACRE_OK)
        return status;
    status = set_json(gtif, json, name, err);
    json_decref(json);
    if (status == NACRE_OK && height) {
        GTIFSetVersionNumbers(gtif, 1, 1, 1);
        set_short(gtif, VerticalCSTypeGeoKey, height);
    }
    return status == NACRE_ERROR_UNSUPPORTED ? set_esri_text(gtif, crs, err) : status;
}

/* --- The tags --- */

/* A copy of a tag's values; NULL with *count 0 where there is none. */
static bool take_tag(ST_TIFF *tags, int id, size_t value_size, void **out, size_t *count)
{
    int values = 0, type = 0;
    void *data = NULL;
    if (!ST_GetKey(tags, id, &values, &type, &data) || values <= 0)
        return true;
    *out = ncr_alloc_array((size_t)values, value_size);
    if (!*out)
        return false;
    memcpy(*out, data, (size_t)values * value_size);
    *count = (size_t)values;
    return true;
}

static nacre_status take_tags(ST_TIFF *tags, ncr_geokey_tags *out, nacre_error *err)
{
    void *directory = NULL, *doubles = NULL, *ascii = NULL;
    bool taken = take_tag(tags, NCR_TAG_GEO_KEY_DIRECTORY, 2, &directory, &out->directory_count) &&
                 take_tag(tags, NCR_TAG_GEO_DOUBLE_PARAMS, 8, &doubles, &out->double_count) &&
                 take_tag(tags, NCR_TAG_GEO_ASCII_PARAMS, 1, &ascii, &out->ascii_size);
    out->directory = directory;
    out->doubles = doubles;
    out->ascii = ascii;
    return taken ? NACRE_OK : ncr_error_memory(err);
}

static void drop_message(struct gtiff *gtif, int level, const char *format, ...)
{
    (void)gtif, (void)level, (void)format;
}

nacre_status ncr_geokeys_write(nacre_crs *crs, bool is_point, const char *name, ncr_geokey_tags *out, nacre_error *err)
{
    *out = (ncr_geokey_tags){0};
    TIFFMethod access;
    GTIFSetSimpleTagsMethods(&access);
    ST_TIFF *tags = ST_Create();
    GTIF *gtif = tags ? GTIFNewWithMethodsEx(tags, &access, drop_message, NULL) : NULL;
    nacre_status status = gtif ? NACRE_OK : ncr_error_memory(err);
    if (status == NACRE_OK && crs)
        status = set_crs(gtif, crs, name, err);
    if (status == NACRE_OK) {
        set_short(gtif, GTRasterTypeGeoKey, is_point ? RasterPixelIsPoint : RasterPixelIsArea);
        GTIFWriteKeys(gtif);
        status = take_tags(tags, out, err);
    }
    if (gtif)
        GTIFFree(gtif);
    if (tags)
        ST_Destroy(tags);
    if (status != NACRE_OK)
        ncr_geokey_tags_clear(out);
    return status;
}
