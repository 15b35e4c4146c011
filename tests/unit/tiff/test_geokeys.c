/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "raster/crs.h"
#include "tiff/geokeys.h"

/* A directory that holds the tags of GeoKeys. */
typedef struct scene {
    ncr_tiff_directory directory;
    ncr_tiff_tag tags[3];
} scene;

static void init_scene(scene *s, const ncr_geokey_tags *tags)
{
    *s = (scene){0};
    s->tags[0] = (ncr_tiff_tag){.id = NCR_TAG_GEO_KEY_DIRECTORY,
                                .type = NCR_TYPE_SHORT,
                                .count = tags->directory_count,
                                .value = tags->directory};
    s->tags[1] = (ncr_tiff_tag){
        .id = NCR_TAG_GEO_DOUBLE_PARAMS, .type = NCR_TYPE_DOUBLE, .count = tags->double_count, .value = tags->doubles};
    s->tags[2] = (ncr_tiff_tag){
        .id = NCR_TAG_GEO_ASCII_PARAMS, .type = NCR_TYPE_ASCII, .count = tags->ascii_size, .value = tags->ascii};
    s->directory = (ncr_tiff_directory){.tags = s->tags, .tag_count = 3};
}

/* Writes a CRS's keys and reads them again. */
static nacre_crs *round_trip(nacre_crs *crs)
{
    ncr_geokey_tags tags;
    ncr_geokeys keys;
    nacre_error err;
    scene s;
    if (ncr_geokeys_write(crs, true, "f.tif", &tags, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    init_scene(&s, &tags);
    assert_int_equal(ncr_geokeys_read(&s.directory, &keys, &err), NACRE_OK);
    assert_true(keys.is_point && !keys.is_area);
    ncr_geokey_tags_clear(&tags);
    free(keys.height_unit);
    return keys.crs;
}

static void codes_come_back_as_codes(void **state)
{
    (void)state;
    static const char *const codes[] = {"32618", "4326", "3857", "2263", "3031", "4807"};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        nacre_crs *crs = NULL;
        const char *name, *code;
        assert_int_equal(ncr_crs_from_authority("EPSG", codes[i], &crs, NULL), NACRE_OK);
        nacre_crs *back = round_trip(crs);
        assert_true(ncr_crs_authority(back, &name, &code));
        assert_string_equal(code, codes[i]);
        ncr_crs_unref(crs);
        ncr_crs_unref(back);
    }
}

static void projections_without_a_code_come_back_exactly(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "+proj=utm +zone=18 +ellps=intl +type=crs",
        "+proj=tmerc +lat_0=49 +lon_0=-2 +k=0.9996012717 +x_0=400000.1234567 +y_0=-100000 +ellps=airy +type=crs",
        "+proj=lcc +lat_0=40 +lon_0=-96 +lat_1=33.3333333333333 +lat_2=45 +x_0=1000000 +datum=NAD83 +units=us-ft "
        "+type=crs",
        "+proj=aea +lat_0=37.5 +lon_0=-96 +lat_1=29.5 +lat_2=45.5 +datum=NAD83 +type=crs",
        "+proj=laea +lat_0=-90 +lon_0=0 +datum=WGS84 +type=crs",
        "+proj=stere +lat_0=90 +lat_ts=60 +lon_0=-45 +datum=WGS84 +type=crs",
        "+proj=stere +lat_0=-90 +k=0.994 +x_0=2000000 +y_0=2000000 +datum=WGS84 +type=crs",
        "+proj=merc +lat_ts=20 +lon_0=5 +ellps=bessel +type=crs",
        "+proj=sterea +lat_0=52.1561605555556 +lon_0=5.38763888888889 +k=0.9999079 +x_0=155000 +ellps=bessel +type=crs",
        "+proj=eqc +lat_ts=-10 +lon_0=180 +R=3395582.0270805 +type=crs",
        "+proj=sinu +R=6371007.181 +type=crs",
        "+proj=cea +lat_ts=30 +datum=WGS84 +type=crs",
        "+proj=ortho +lat_0=42 +lon_0=-43 +R=6371000 +type=crs",
        "+proj=robin +datum=WGS84 +type=crs",
        "+proj=omerc +lat_0=4 +lonc=115 +alpha=53.3 +gamma=53.1 +k=0.99984 +ellps=WGS84 +type=crs",
        "+proj=longlat +R=3396190 +type=crs",
        "+proj=longlat +ellps=bessel +pm=paris +type=crs",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        nacre_crs *crs = NULL;
        const char *before, *after;
        assert_int_equal(ncr_crs_from_text(texts[i], &crs, NULL), NACRE_OK);
        nacre_crs *back = round_trip(crs);
        assert_non_null(back);
        if (!ncr_crs_equal(crs, back)) {
            ncr_crs_text(crs, NACRE_CRS_WKT2, &before, NULL);
            ncr_crs_text(back, NACRE_CRS_WKT2, &after, NULL);
            fail_msg("%s became %s", before, after);
        }
        ncr_crs_unref(crs);
        ncr_crs_unref(back);
    }
}

static void names_come_back(void **state)
{
    (void)state;
    static const char text[] =
        "PROJCS[\"My grid\",GEOGCS[\"My degrees\",DATUM[\"My_datum\",SPHEROID[\"My ball\",6378000,300]],"
        "PRIMEM[\"Greenwich\",0],UNIT[\"degree\",0.0174532925199433]],PROJECTION[\"Transverse_Mercator\"],"
        "PARAMETER[\"latitude_of_origin\",0],PARAMETER[\"central_meridian\",9],PARAMETER[\"scale_factor\",1],"
        "PARAMETER[\"false_easting\",0],PARAMETER[\"false_northing\",0],UNIT[\"metre\",1]]";
    nacre_crs *crs = NULL;
    const char *wkt;
    assert_int_equal(ncr_crs_from_text(text, &crs, NULL), NACRE_OK);
    nacre_crs *back = round_trip(crs);
    assert_string_equal(ncr_crs_name(back), "My grid");
    assert_int_equal(ncr_crs_text(back, NACRE_CRS_WKT2, &wkt, NULL), NACRE_OK);
    assert_non_null(strstr(wkt, "\"My degrees\""));
    assert_non_null(strstr(wkt, "ELLIPSOID[\"My ball\",6378000,300"));
    ncr_crs_unref(crs);
    ncr_crs_unref(back);
}

static void a_projection_without_keys_goes_into_a_citation(void **state)
{
    (void)state;
    nacre_crs *crs = NULL;
    const char *proj;
    assert_int_equal(ncr_crs_from_text("+proj=moll +lon_0=11 +datum=WGS84 +type=crs", &crs, NULL), NACRE_OK);
    nacre_crs *back = round_trip(crs);
    assert_non_null(back);
    assert_int_equal(ncr_crs_text(back, NACRE_CRS_PROJ, &proj, NULL), NACRE_OK);
    assert_non_null(strstr(proj, "+proj=moll +lon_0=11"));
    ncr_crs_unref(crs);
    ncr_crs_unref(back);
}

static void a_vertical_crs_comes_back(void **state)
{
    (void)state;
    nacre_crs *crs = NULL;
    assert_int_equal(ncr_crs_from_text("EPSG:26918+5703", &crs, NULL), NACRE_OK);
    nacre_crs *back = round_trip(crs);
    assert_true(ncr_crs_equal(crs, back));
    ncr_crs_unref(crs);
    ncr_crs_unref(back);
}

static void no_crs_is_no_crs(void **state)
{
    (void)state;
    assert_null(round_trip(NULL));
}

/* Each value of the directory in turn is made nonsense. */
static void damaged_keys_define_nothing_and_do_no_harm(void **state)
{
    (void)state;
    static const uint16_t nonsense[] = {0, 1, 255, 32767, 65535};
    nacre_crs *crs = NULL;
    ncr_geokey_tags tags;
    assert_int_equal(ncr_crs_from_text("+proj=utm +zone=18 +ellps=intl +type=crs", &crs, NULL), NACRE_OK);
    assert_int_equal(ncr_geokeys_write(crs, false, "f.tif", &tags, NULL), NACRE_OK);
    for (size_t i = 0; i < tags.directory_count; i++)
        for (size_t j = 0; j < sizeof nonsense / sizeof *nonsense; j++) {
            uint16_t value = tags.directory[i];
            scene s;
            ncr_geokeys keys;
            tags.directory[i] = nonsense[j];
            init_scene(&s, &tags);
            assert_int_equal(ncr_geokeys_read(&s.directory, &keys, NULL), NACRE_OK);
            ncr_crs_unref(keys.crs);
            tags.directory[i] = value;
        }
    for (size_t count = 0; count < tags.directory_count; count++) {
        scene s;
        ncr_geokeys keys;
        init_scene(&s, &tags);
        s.tags[0].count = count;
        assert_int_equal(ncr_geokeys_read(&s.directory, &keys, NULL), NACRE_OK);
        ncr_crs_unref(keys.crs);
    }
    ncr_geokey_tags_clear(&tags);
    ncr_crs_unref(crs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_come_back_as_codes),
        cmocka_unit_test(projections_without_a_code_come_back_exactly),
        cmocka_unit_test(names_come_back),
        cmocka_unit_test(a_projection_without_keys_goes_into_a_citation),
        cmocka_unit_test(a_vertical_crs_comes_back),
        cmocka_unit_test(no_crs_is_no_crs),
        cmocka_unit_test(damaged_keys_define_nothing_and_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
