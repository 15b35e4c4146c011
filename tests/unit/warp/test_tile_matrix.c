/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "warp/tile_matrix.h"

static const double half_world = 20037508.342789244;

static ncr_tile_matrix_set *must_read(const char *json)
{
    ncr_tile_matrix_set *set;
    nacre_error err;
    if (ncr_tile_matrix_set_new(json, &set, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    return set;
}

static void must_refuse(const char *json, nacre_status status, const char *part)
{
    ncr_tile_matrix_set *set;
    nacre_error err;
    assert_int_equal(ncr_tile_matrix_set_new(json, &set, &err), status);
    assert_null(set);
    if (!strstr(err.message, part))
        fail_msg("'%s' does not say '%s'", err.message, part);
}

/* A set of one matrix with some members, as version 2. */
static char *one(const char *crs, const char *members)
{
    return ncr_text_format("{\"crs\": \"%s\", \"tileMatrices\": [{%s}]}", crs, members);
}

#define CORNER "\"pointOfOrigin\": [0, 1000]"
#define SIZES  "\"tileWidth\": 256, \"tileHeight\": 128, \"matrixWidth\": 4, \"matrixHeight\": 8"

static void web_mercator_is_the_standards(void **state)
{
    (void)state;
    ncr_tile_matrix_set *set = must_read(NULL);
    assert_int_equal(set->count, NCR_TILE_ZOOM_MAX + 1);
    const ncr_tile_matrix *m = ncr_tile_matrix_find(set, 3);
    assert_int_equal(m->columns, 8);
    assert_int_equal(m->rows, 8);
    assert_true(fabs(m->pixel - 19567.87924100512) < 1e-8);
    assert_null(ncr_tile_matrix_find(set, NCR_TILE_ZOOM_MAX + 1));
    assert_null(ncr_tile_matrix_find(set, -1));
    ncr_tile_matrix_set_free(set);
}

static void range_of_a_rectangle(void **state)
{
    (void)state;
    ncr_tile_matrix_set *set = must_read(NULL);
    const ncr_tile_matrix *m = ncr_tile_matrix_find(set, 2);
    double tile = half_world / 2;
    const double world[4] = {-half_world, -half_world, half_world, half_world};
    nacre_tile_range r = ncr_tile_matrix_range(m, world);
    assert_true(r.left == 0 && r.top == 0 && r.right == 4 && r.bottom == 4);
    const double one_tile[4] = {0, 0, tile, tile}; /* edges touch no neighbour */
    r = ncr_tile_matrix_range(m, one_tile);
    assert_true(r.left == 2 && r.right == 3 && r.top == 1 && r.bottom == 2);
    const double over[4] = {-1, -1, 1, 1};
    r = ncr_tile_matrix_range(m, over);
    assert_true(r.left == 1 && r.right == 3 && r.top == 1 && r.bottom == 3);
    const double beyond[4] = {-3 * half_world, -3 * half_world, 3 * half_world, 3 * half_world};
    r = ncr_tile_matrix_range(m, beyond);
    assert_true(r.left == 0 && r.top == 0 && r.right == 4 && r.bottom == 4);
    const double beside[4] = {2 * half_world, 0, 3 * half_world, 1};
    r = ncr_tile_matrix_range(m, beside);
    assert_true(r.left == 0 && r.right == 0 && r.top == 0 && r.bottom == 0);
    const double nowhere[4] = {NAN, NAN, NAN, NAN};
    r = ncr_tile_matrix_range(m, nowhere);
    assert_true(r.right == 0 && r.bottom == 0);
    ncr_tile_matrix_set_free(set);
}

static void version_two_is_read(void **state)
{
    (void)state;
    char *text =
        one("http://www.opengis.net/def/crs/EPSG/0/32632", "\"id\": \"7\", \"cellSize\": 10, " CORNER ", " SIZES);
    ncr_tile_matrix_set *set = must_read(text);
    const ncr_tile_matrix *m = ncr_tile_matrix_find(set, 7);
    assert_non_null(m);
    assert_true(m->left == 0 && m->top == 1000 && m->pixel == 10);
    assert_true(m->tile_width == 256 && m->tile_height == 128 && m->columns == 4 && m->rows == 8);
    ncr_tile_matrix_set_free(set);
    free(text);
}

static void version_one_in_degrees_is_read(void **state)
{
    (void)state;
    ncr_tile_matrix_set *set = must_read(
        "{\"supportedCRS\": \"http://www.opengis.net/def/crs/EPSG/0/4326\", \"tileMatrix\": [{"
        "\"identifier\": \"EPSG:4326:0\", \"scaleDenominator\": 279541132.0143589, \"topLeftCorner\": [90, -180], "
        "\"tileWidth\": 256, \"tileHeight\": 256, \"matrixWidth\": 2, \"matrixHeight\": 1}]}");
    const ncr_tile_matrix *m = ncr_tile_matrix_find(set, 0);
    assert_non_null(m);
    assert_true(m->left == -180 && m->top == 90);
    assert_true(fabs(m->pixel - 180.0 / 256) < 1e-9);
    ncr_tile_matrix_set_free(set);
}

static void what_is_no_matrix_set_is_refused(void **state)
{
    (void)state;
    must_refuse("{", NACRE_ERROR_INVALID, "no JSON");
    must_refuse("[]", NACRE_ERROR_INVALID, "no JSON object");
    must_refuse("{}", NACRE_ERROR_INVALID, "names no CRS");
    must_refuse("{\"crs\": \"EPSG:3857\"}", NACRE_ERROR_INVALID, "0 matrices");
    static const struct {
        const char *members, *part;
    } cases[] = {
        {"\"cellSize\": 1, " CORNER ", " SIZES, "no identifier"},
        {"\"id\": \"low\", \"cellSize\": 1, " CORNER ", " SIZES, "'low' is no zoom"},
        {"\"id\": \"1\", \"cellSize\": 1, " SIZES, "no pointOfOrigin"},
        {"\"id\": \"1\", \"cellSize\": 0, " CORNER ", " SIZES, "cellSize"},
        {"\"id\": \"1\", " CORNER ", " SIZES, "scaleDenominator"},
        {"\"id\": \"1\", \"cellSize\": 1, \"tileWidth\": 0, " CORNER, "tileWidth"},
        {"\"id\": \"1\", \"cellSize\": 1, \"tileWidth\": 100000, \"tileHeight\": 1, " CORNER, "tileWidth"},
        {"\"id\": \"1\", \"cellSize\": 1, \"tileWidth\": 1, \"tileHeight\": 1, \"matrixWidth\": 1e40, " CORNER,
         "matrixWidth"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = one("EPSG:3857", cases[i].members);
        must_refuse(text, NACRE_ERROR_INVALID, cases[i].part);
        free(text);
    }
}

static void what_is_not_read_of_a_set_is_named(void **state)
{
    (void)state;
    char *text =
        one("EPSG:3857", "\"id\": \"1\", \"cellSize\": 1, \"cornerOfOrigin\": \"bottomLeft\", " CORNER ", " SIZES);
    must_refuse(text, NACRE_ERROR_UNSUPPORTED, "bottomLeft");
    free(text);
    text = one("EPSG:3857", "\"id\": \"1\", \"cellSize\": 1, \"variableMatrixWidths\": [{}], " CORNER ", " SIZES);
    must_refuse(text, NACRE_ERROR_UNSUPPORTED, "variableMatrixWidths");
    free(text);
}

static void zoom_that_is_there_twice_is_refused(void **state)
{
    (void)state;
#define MATRIX "{\"id\": \"3\", \"cellSize\": 1, " CORNER ", " SIZES "}"
    must_refuse("{\"crs\": \"EPSG:3857\", \"tileMatrices\": [" MATRIX ", " MATRIX "]}", NACRE_ERROR_INVALID,
                "zoom 3 is there twice");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(web_mercator_is_the_standards),
        cmocka_unit_test(range_of_a_rectangle),
        cmocka_unit_test(version_two_is_read),
        cmocka_unit_test(version_one_in_degrees_is_read),
        cmocka_unit_test(what_is_no_matrix_set_is_refused),
        cmocka_unit_test(what_is_not_read_of_a_set_is_named),
        cmocka_unit_test(zoom_that_is_there_twice_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
