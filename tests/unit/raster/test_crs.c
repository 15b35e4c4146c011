/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "raster/crs.h"

static nacre_crs *crs_of(const char *text)
{
    nacre_error err;
    nacre_crs *crs = NULL;
    if (ncr_crs_from_text(text, &crs, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    return crs;
}

static const char *text_of(nacre_crs *crs, nacre_crs_format format)
{
    const char *text = NULL;
    nacre_error err;
    if (ncr_crs_text(crs, format, &text, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    return text;
}

static void assert_authority(nacre_crs *crs, const char *name, const char *code)
{
    const char *got_name, *got_code;
    assert_int_equal(ncr_crs_authority(crs, &got_name, &got_code), *name != '\0');
    assert_string_equal(got_name, name);
    assert_string_equal(got_code, code);
}

static void every_form_of_text_reads_back_as_the_same_crs(void **state)
{
    (void)state;
    const char *names[] = {"EPSG:32618", "EPSG:4326", "EPSG:3857", "EPSG:2193"};
    for (int i = 0; i < 4; i++) {
        nacre_crs *crs = crs_of(names[i]);
        for (int format = NACRE_CRS_WKT2; format <= NACRE_CRS_PROJJSON; format++) {
            nacre_crs *back = crs_of(text_of(crs, (nacre_crs_format)format));
            assert_true(ncr_crs_equal(crs, back));
            assert_authority(back, "EPSG", names[i] + 5);
            ncr_crs_unref(back);
        }
        ncr_crs_unref(crs);
    }
}

static void wkt1_is_one_line_with_axes_as_gdal_writes_it(void **state)
{
    (void)state;
    nacre_crs *crs = crs_of("EPSG:4326");
    const char *wkt = text_of(crs, NACRE_CRS_WKT1);
    assert_null(strchr(wkt, '\n'));
    assert_ptr_equal(strstr(wkt, "GEOGCS[\"WGS 84\",DATUM[\"WGS_1984\""), wkt);
    assert_non_null(strstr(wkt, "AXIS[\"Latitude\",NORTH],AXIS[\"Longitude\",EAST],AUTHORITY[\"EPSG\",\"4326\"]]"));
    ncr_crs_unref(crs);
}

static void a_crs_without_a_form_says_so(void **state)
{
    (void)state;
    nacre_crs *crs = crs_of("EPSG:4979"); /* three-dimensional: WKT 1 has no such thing */
    const char *text = "before";
    nacre_error err;
    assert_int_equal(ncr_crs_text(crs, NACRE_CRS_WKT1, &text, &err), NACRE_ERROR_UNSUPPORTED);
    assert_null(text);
    ncr_crs_unref(crs);
}

static void proj_strings_need_no_type(void **state)
{
    (void)state;
    nacre_crs *crs = crs_of("+proj=utm +zone=18 +datum=WGS84 +units=m +no_defs");
    assert_string_equal(text_of(crs, NACRE_CRS_PROJ), "+proj=utm +zone=18 +datum=WGS84 +units=m +no_defs");
    ncr_crs_unref(crs);
}

/* Removes the identifiers from a WKT 1. */
static void strip_authorities(char *wkt)
{
    for (char *at; (at = strstr(wkt, ",AUTHORITY["));) {
        char *end = strchr(at, ']') + 1;
        memmove(at, end, strlen(end) + 1);
    }
}

static void a_definition_without_identifier_is_recognised(void **state)
{
    (void)state;
    nacre_crs *crs = crs_of("EPSG:32618");
    char wkt[4096];
    snprintf(wkt, sizeof wkt, "%s", text_of(crs, NACRE_CRS_WKT1));
    strip_authorities(wkt);
    nacre_crs *anonymous = crs_of(wkt);
    assert_authority(anonymous, "EPSG", "32618");
    ncr_crs_unref(anonymous);
    ncr_crs_unref(crs);
}

static void unknown_texts_are_refused_with_their_beginning(void **state)
{
    (void)state;
    const char *texts[] = {"EPSG:999999", "foo", "", "UTM 18N", "EPSG:nonsense", "PROJCS[\"broken\"", "{\"type\": 1}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        nacre_crs *crs = (nacre_crs *)&texts;
        nacre_error err = {0};
        assert_int_equal(ncr_crs_from_text(texts[i], &crs, &err), NACRE_ERROR_INVALID);
        assert_null(crs);
        assert_int_equal(strncmp(err.message, texts[i], strlen(texts[i])), 0);
    }
}

static void an_operation_is_no_crs(void **state)
{
    (void)state;
    nacre_crs *crs = NULL;
    nacre_error err;
    assert_int_equal(ncr_crs_from_text("CONVERSION[\"a\",METHOD[\"Transverse Mercator\"]]", &crs, &err),
                     NACRE_ERROR_INVALID);
    assert_null(crs);
}

static void an_identifier_is_believed_until_it_is_asked(void **state)
{
    (void)state;
    nacre_crs *crs = NULL;
    nacre_error err;
    assert_int_equal(ncr_crs_from_authority("EPSG", "999999", &crs, &err), NACRE_OK);
    assert_authority(crs, "EPSG", "999999");
    const char *text;
    assert_int_equal(ncr_crs_text(crs, NACRE_CRS_WKT2, &text, &err), NACRE_ERROR_INVALID);
    assert_null(text);
    assert_string_equal(ncr_crs_name(crs), "");
    ncr_crs_unref(crs);
}

static void axis_order_does_not_make_a_difference(void **state)
{
    (void)state;
    nacre_crs *latitude_first = crs_of("EPSG:4326"), *longitude_first = crs_of("OGC:CRS84"),
              *utm = crs_of("EPSG:32618");
    assert_true(ncr_crs_equal(latitude_first, longitude_first));
    assert_false(ncr_crs_equal(latitude_first, utm));
    assert_false(ncr_crs_equal(latitude_first, NULL));
    assert_true(ncr_crs_equal(NULL, NULL));
    ncr_crs_unref(latitude_first);
    ncr_crs_unref(longitude_first);
    ncr_crs_unref(utm);
}

static void facts_follow_from_the_definition(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name;
        bool is_geographic, is_northing_first;
    } rows[] = {
        {"EPSG:4326", "WGS 84", true, true},
        {"OGC:CRS84", "WGS 84 (CRS84)", true, false},
        {"EPSG:32618", "WGS 84 / UTM zone 18N", false, false},
        {"EPSG:2193", "NZGD2000 / New Zealand Transverse Mercator 2000", false, true},
        {"EPSG:32661", "WGS 84 / UPS North (N,E)", false, false}, /* both axes point south */
        {"EPSG:4326+5773", "WGS 84 + EGM96 height", true, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        nacre_crs *crs = crs_of(rows[i].text);
        assert_string_equal(ncr_crs_name(crs), rows[i].name);
        assert_int_equal(ncr_crs_is_geographic(crs), rows[i].is_geographic);
        assert_int_equal(ncr_crs_is_northing_first(crs), rows[i].is_northing_first);
        ncr_crs_unref(crs);
    }
}

static void a_crs_of_ones_own_has_no_identifier(void **state)
{
    (void)state;
    nacre_crs *crs = crs_of("+proj=aea +lat_1=12.5 +lat_2=33.25 +lat_0=1 +lon_0=2 +x_0=3 +y_0=4 +ellps=bessel");
    assert_authority(crs, "", "");
    ncr_crs_unref(crs);
}

static void *ask_everything(void *user)
{
    nacre_crs *crs = user;
    const char *name, *code, *text;
    for (int i = 0; i < 20; i++) {
        ncr_crs_authority(crs, &name, &code);
        ncr_crs_text(crs, NACRE_CRS_WKT2, &text, NULL);
        ncr_crs_is_geographic(crs);
    }
    return NULL;
}

static void threads_may_ask_one_crs_at_once(void **state)
{
    (void)state;
    nacre_crs *crs = crs_of("+proj=utm +zone=18 +datum=WGS84");
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_everything, crs), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ncr_crs_unref(crs);
}

/* PROJ would open each of these. */
static void a_document_from_elsewhere_names_no_files(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "+proj=longlat +ellps=GRS80 +nadgrids=/etc/passwd",
        "+proj=longlat +ellps=GRS80 +nadgrids=a.gsb,../../../etc/passwd",
        "+init=/etc/passwd:root",
        " init=C:\\x:1",
        "+proj=pipeline +step +proj=hgridshift +grids=/etc/passwd",
        "GEOGCS[\"a\",DATUM[\"b\",SPHEROID[\"c\",6378137,298],EXTENSION[\"PROJ4_GRIDS\",\"/etc/passwd\"]]]",
        "GEOGCS[\"a \"\" / b\",EXTENSION [\"PROJ4\",\"+proj=longlat +nadgrids=/etc/passwd\"]]",
        "BOUNDCRS[X[1],ABRIDGEDTRANSFORMATION[\"a\",METHOD[\"NTv2\"],parameterfile[\"f\",\"/etc/passwd\"]]]",
        "BOUNDCRS[X[1],ABRIDGEDTRANSFORMATION(\"a\",PARAMETERFILE(f,/etc/passwd))]",
        "BOUNDCRS[PARAMETERFILE[\xE2\x80\x9C\"]\xE2\x80\x9D,\xE2\x80\x9C/etc/passwd\xE2\x80\x9D]]",
        "DERIVEDPROJCRS[\"a\",METHOD[\"PROJ-based operation method: +proj=x +grids=/etc/passwd\"]]",
        "{\"type\":\"BoundCRS\",\"parameters\":[{\"name\":\"file\",\"value\":\"\\u002fetc/passwd\"}]}",
        "{\"method\":{\"name\":\"PROJ-based operation method: +proj=x +grids=\\/etc/passwd\"}}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        nacre_crs *crs = NULL;
        nacre_error err = {0};
        if (ncr_crs_from_document("gs://b/a.vrt", texts[i], false, &crs, &err) != NACRE_ERROR_REFUSED)
            fail_msg("%s: %s", texts[i], err.message);
        assert_null(crs);
        assert_ptr_equal(strstr(err.message, "gs://b/a.vrt: refused: "), err.message);
    }
}

static void a_document_from_elsewhere_has_any_other_crs(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "EPSG:32618",
        "urn:ogc:def:crs:EPSG::3857",
        "http://www.opengis.net/def/crs/EPSG/0/4326",
        "+proj=merc +a=6378137 +b=6378137 +nadgrids=@null +wktext +no_defs",
        "+proj=longlat +ellps=GRS80 +nadgrids=ntf_r93.gsb",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        nacre_crs *crs = NULL;
        nacre_error err = {0};
        if (ncr_crs_from_document("gs://b/a.vrt", texts[i], false, &crs, &err) != NACRE_OK)
            fail_msg("%s", err.message);
        for (int format = NACRE_CRS_WKT2; format <= NACRE_CRS_PROJJSON; format++) {
            const char *text = NULL;
            nacre_crs *back = NULL;
            if (ncr_crs_text(crs, (nacre_crs_format)format, &text, NULL) != NACRE_OK)
                continue;
            if (ncr_crs_from_document("gs://b/a.vrt", text, false, &back, &err) != NACRE_OK)
                fail_msg("%s", err.message);
            ncr_crs_unref(back);
        }
        ncr_crs_unref(crs);
    }
}

static void an_unknown_crs_of_a_document_tells_the_document(void **state)
{
    (void)state;
    nacre_crs *crs = NULL;
    nacre_error err = {0};
    assert_int_equal(ncr_crs_from_document("a.vrt", "EPSG:x", true, &crs, &err), NACRE_ERROR_INVALID);
    assert_ptr_equal(strstr(err.message, "a.vrt: EPSG:x: unknown CRS"), err.message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_from_elsewhere_names_no_files),
        cmocka_unit_test(a_document_from_elsewhere_has_any_other_crs),
        cmocka_unit_test(an_unknown_crs_of_a_document_tells_the_document),
        cmocka_unit_test(every_form_of_text_reads_back_as_the_same_crs),
        cmocka_unit_test(wkt1_is_one_line_with_axes_as_gdal_writes_it),
        cmocka_unit_test(a_crs_without_a_form_says_so),
        cmocka_unit_test(proj_strings_need_no_type),
        cmocka_unit_test(a_definition_without_identifier_is_recognised),
        cmocka_unit_test(unknown_texts_are_refused_with_their_beginning),
        cmocka_unit_test(an_operation_is_no_crs),
        cmocka_unit_test(an_identifier_is_believed_until_it_is_asked),
        cmocka_unit_test(axis_order_does_not_make_a_difference),
        cmocka_unit_test(facts_follow_from_the_definition),
        cmocka_unit_test(a_crs_of_ones_own_has_no_identifier),
        cmocka_unit_test(threads_may_ask_one_crs_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
