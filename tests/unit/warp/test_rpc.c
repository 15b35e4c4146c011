/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <math.h>
#include <string.h>

#include "support/warp_scene.h"
#include "warp/rpc.h"

/* Rational polynomials, with and without an elevation model. */

static const char *const items[] = {
    "LINE_OFF=150",
    "SAMP_OFF=200",
    "LAT_OFF=45",
    "LONG_OFF=7",
    "HEIGHT_OFF=200 meters",
    "LINE_SCALE=150",
    "SAMP_SCALE=200",
    "LAT_SCALE=0.03",
    "LONG_SCALE=0.035",
    "HEIGHT_SCALE=+500",
    "LINE_NUM_COEFF=0 0.02 -1 0.03 0.001 0 0 0.002 -0.001 0 0 0.0001 0 0 0 0 0 0 0 0",
    "LINE_DEN_COEFF=1 0.001 -0.002 0.001 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0",
    "SAMP_NUM_COEFF=0 1 0.03 -0.04 -0.002 0 0 0 0.001 0 0 0 0 0 0 0 0 0 0 0",
    "SAMP_DEN_COEFF=1 0.001 -0.002 0.001 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0",
};
enum { ITEMS = sizeof items / sizeof *items };

/* The items, one of them in another form; without it where that is NULL. */
typedef struct {
    const char *key, *value;
} changed;

static const char *text_of(void *user, const char *key)
{
    const changed *c = user;
    if (c->key && strcmp(key, c->key) == 0)
        return c->value;
    for (int i = 0; i < ITEMS; i++) {
        size_t length = strlen(key);
        if (strncmp(items[i], key, length) == 0 && items[i][length] == '=')
            return items[i] + length + 1;
    }
    return NULL;
}

static nacre_status read(const char *key, const char *value, ncr_rpc_spec *spec, nacre_error *err)
{
    changed c = {key, value};
    *spec = ncr_rpc_spec_default();
    return ncr_rpc_read("it", text_of, &c, spec, err);
}

static void the_point_of_reference_is_its_pixel(void **state)
{
    (void)state;
    ncr_rpc_spec spec;
    ncr_georef *georef;
    assert_int_equal(read(NULL, NULL, &spec, NULL), NACRE_OK);
    spec.height = 200;
    assert_int_equal(ncr_georef_rpc("it", &spec, &georef, NULL), NACRE_OK);
    double x = 7, y = 45;
    assert_int_equal(ncr_georef_run(georef, true, 1, &x, &y, NULL), NACRE_OK);
    /* Offsets count from the centre of the first pixel. */
    assert_true(fabs(x - 200.5) < 1e-9 && fabs(y - 150.5) < 1e-9);
    ncr_georef_unref(georef);
}

static void there_and_back_is_within_the_threshold(void **state)
{
    (void)state;
    ncr_rpc_spec spec;
    ncr_georef *georef;
    assert_int_equal(read(NULL, NULL, &spec, NULL), NACRE_OK);
    assert_int_equal(ncr_georef_rpc("it", &spec, &georef, NULL), NACRE_OK);
    for (int i = 0; i <= 20; i++) {
        double x = i * 20, y = 300 - i * 15, expected_x = x, expected_y = y;
        assert_int_equal(ncr_georef_run(georef, false, 1, &x, &y, NULL), NACRE_OK);
        assert_true(fabs(x - 7) < 0.05 && fabs(y - 45) < 0.05);
        assert_int_equal(ncr_georef_run(georef, true, 1, &x, &y, NULL), NACRE_OK);
        assert_true(fabs(x - expected_x) < 0.1 && fabs(y - expected_y) < 0.1);
    }
    ncr_georef_unref(georef);
}

static void assert_bad(const char *key, const char *value, const char *said)
{
    ncr_rpc_spec spec;
    nacre_error err = {0};
    assert_int_equal(read(key, value, &spec, &err), NACRE_ERROR_INVALID);
    assert_non_null(strstr(err.message, key));
    assert_non_null(strstr(err.message, said));
}

static void bad_items_are_named(void **state)
{
    (void)state;
    assert_bad("LINE_OFF", NULL, "lack");
    assert_bad("HEIGHT_SCALE", "0", "\"0\"");
    assert_bad("LONG_SCALE", "0.0 degrees", "\"0.0 degrees\"");
    assert_bad("LAT_OFF", "nan", "nan");
    assert_bad("SAMP_OFF", "inf", "inf");
    assert_bad("SAMP_OFF", "", "\"\"");
    assert_bad("LINE_NUM_COEFF", "1 2 3", "1 2 3");
    assert_bad("SAMP_DEN_COEFF", NULL, "lack");
}

static void polynomials_without_an_inverse_are_an_error(void **state)
{
    (void)state;
    static const char zeros[] = "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0";
    static const char *const keys[] = {"LINE_NUM_COEFF", "SAMP_DEN_COEFF"};
    for (int i = 0; i < 2; i++) {
        ncr_rpc_spec spec;
        ncr_georef *georef;
        nacre_error err = {0};
        assert_int_equal(read(keys[i], zeros, &spec, NULL), NACRE_OK);
        assert_int_equal(ncr_georef_rpc("it", &spec, &georef, &err), NACRE_ERROR_INVALID);
        assert_null(georef);
        assert_string_equal(err.message, "it: its rational polynomials cannot be inverted");
    }
}

/* --- Views --- */

static memory_raster *rpc_scene(void)
{
    memory_raster *source = scene(400, 300, 1);
    ncr_crs_unref(source->base.crs);
    source->base.crs = NULL;
    source->base.has_transform = false;
    for (int i = 0; i < ITEMS; i++) {
        char key[40];
        size_t length = strcspn(items[i], "=");
        memcpy(key, items[i], length);
        key[length] = '\0';
        assert_int_equal(ncr_metadata_set(&source->base.metadata, "RPC", key, items[i] + length + 1, NULL), NACRE_OK);
    }
    return source;
}

static const double no_height = -9999;

/* Hills with a hole, in degrees or in UTM. */
static memory_raster *model(bool is_utm)
{
    enum { SIDE = 160 };
    float *values = malloc(sizeof *values * SIDE * SIDE);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            values[y * SIDE + x] = x > 70 && x < 80 && y > 60 && y < 80
                                       ? (float)no_height
                                       : (float)(300 + 150 * sin(x / 5.0) * cos(y / 6.0));
    nacre_transform degrees = {0.0007, 0, 6.944, 0, -0.0007, 45.056}, metres = {56, 0, 338000, 0, -56, 4990500};
    memory_raster *raster = memory_raster_new(SIDE, SIDE, 1, NACRE_DTYPE_FLOAT32, values, is_utm ? &metres : &degrees,
                                              is_utm ? "EPSG:32632" : "EPSG:4326");
    raster->base.bands[0].nodata = (nacre_nodata){.is_set = true, .value = no_height};
    return raster;
}

static ncr_dataset *rpc_view(memory_raster *source, memory_raster *dem, nacre_resampling resampling,
                             const char *interpolation)
{
    const char *words[] = {interpolation, NULL};
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    options.resampling = resampling;
    options.transformer = dem ? words : NULL;
    options.rpc_dem = dem ? &dem->base : NULL;
    return warp(source, &options, "EPSG:32632");
}

static const char *const interpolations[] = {"RPC_DEMINTERPOLATION=near", "RPC_DEMINTERPOLATION=bilinear",
                                             "RPC_DEMINTERPOLATION=cubic"};

/* Every window, whatever it is cut into, is the crop of the whole. */
static void windows_are_crops_of_the_whole(void **state)
{
    (void)state;
    for (int turn = 0; turn < 5; turn++) {
        memory_raster *source = rpc_scene(), *dem = turn ? model(turn == 4) : NULL;
        nacre_resampling resampling = turn % 2 ? NACRE_RESAMPLING_CUBIC : NACRE_RESAMPLING_AVERAGE;
        ncr_dataset *view = rpc_view(source, dem, resampling, interpolations[turn % 3]);
        uint8_t *whole = read_all(view);
        for (int i = 0; i < 12; i++) {
            ncr_rect window = {i * 31 % (view->width - 20), i * 57 % (view->height - 20), 20 - i, 9 + i};
            uint8_t *part = memory_raster_read(view, window);
            for (int64_t row = 0; row < window.height; row++)
                assert_memory_equal(part + row * window.width, whole + (window.y + row) * view->width + window.x,
                                    (size_t)window.width);
            free(part);
        }
        free(whole);
        free_pair(view, source);
        if (dem)
            ncr_dataset_unref(&dem->base);
    }
}

/* Where the model has no height there is no pixel, unless one is given in its place. */
static void holes_of_the_model_are_holes(void **state)
{
    (void)state;
    size_t empty[2];
    for (int i = 0; i < 2; i++) {
        memory_raster *source = rpc_scene(), *dem = model(false);
        const char *words[] = {i ? "RPC_DEM_MISSING_VALUE=300" : NULL, NULL};
        nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
        options.rpc_dem = &dem->base;
        options.transformer = words;
        ncr_dataset *view = warp(source, &options, "EPSG:4326");
        uint8_t *pixels = read_all(view);
        empty[i] = 0;
        for (int64_t at = 0; at < (int64_t)view->width * view->height; at++)
            empty[i] += pixels[at] == 0;
        free(pixels);
        free_pair(view, source);
        ncr_dataset_unref(&dem->base);
    }
    assert_true(empty[0] > empty[1] + 1000);
}

/* A flat model is the same as that height. */
static void a_flat_model_is_a_height(void **state)
{
    (void)state;
    memory_raster *source = rpc_scene(), *dem = model(false);
    for (int i = 0; i < 160 * 160; i++)
        ((float *)dem->values)[i] = 350;
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    options.rpc_dem = &dem->base;
    ncr_dataset *by_model = warp(source, &options, "EPSG:4326");
    static const char *const words[] = {"METHOD=RPC", "RPC_HEIGHT=350", NULL};
    options.rpc_dem = NULL;
    options.transformer = words;
    ncr_dataset *by_height = warp(source, &options, "EPSG:4326");
    assert_int_equal(by_model->width, by_height->width);
    assert_int_equal(by_model->height, by_height->height);
    uint8_t *a = read_all(by_model), *b = read_all(by_height);
    size_t differ = 0, count = (size_t)by_model->width * (size_t)by_model->height;
    for (size_t i = 0; i < count; i++)
        differ += a[i] != b[i];
    assert_true(differ * 100 < count);
    free(a);
    free(b);
    ncr_dataset_unref(by_height);
    free_pair(by_model, source);
    ncr_dataset_unref(&dem->base);
}

static void assert_refused(memory_raster *source, const char *word, const char *said)
{
    const char *words[] = {word, NULL};
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    options.transformer = words;
    ncr_dataset *view;
    nacre_error err = {0};
    assert_int_equal(ncr_warp_view_new(&source->base, &options, &view, &err), NACRE_ERROR_INVALID);
    assert_null(view);
    if (!strstr(err.message, said))
        fail_msg("\"%s\" does not say %s", err.message, said);
}

static void options_that_mean_nothing_are_named(void **state)
{
    (void)state;
    memory_raster *source = rpc_scene(), *plain = scene(20, 20, 1);
    assert_refused(source, "RPC_HEIGHT=high", "RPC_HEIGHT=high");
    assert_refused(source, "RPC_HEIGHT", "no transformer option");
    assert_refused(source, "RPC_DEMINTERPOLATION=lanczos", "no such value");
    assert_refused(source, "NOT_AN_OPTION=1", "NOT_AN_OPTION");
    assert_refused(source, "METHOD=GEOTRANSFORM", "no geotransform");
    assert_refused(source, "METHOD=GCP_TPS", "no ground control points");
    assert_refused(plain, "METHOD=RPC", "no rational polynomials");
    ncr_dataset_unref(&source->base);
    ncr_dataset_unref(&plain->base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_point_of_reference_is_its_pixel),
        cmocka_unit_test(there_and_back_is_within_the_threshold),
        cmocka_unit_test(bad_items_are_named),
        cmocka_unit_test(polynomials_without_an_inverse_are_an_error),
        cmocka_unit_test(windows_are_crops_of_the_whole),
        cmocka_unit_test(holes_of_the_model_are_holes),
        cmocka_unit_test(a_flat_model_is_a_height),
        cmocka_unit_test(options_that_mean_nothing_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
