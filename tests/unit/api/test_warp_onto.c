/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <nacre/nacre.h>
#include <string.h>

/* Warping onto a dataset that is being made or changed: nacre_warp_onto(). */

enum { SIDE = 8, SMALL = 4 };

static void ok(nacre_status status, const nacre_error *err)
{
    if (status != NACRE_OK)
        fail_msg("%s", err->message);
}

/* Pixels of 10 from (0, 0), of bands of one value each. */
static nacre_dataset *make(const char *path, int side, int bands, nacre_dtype dtype, const double *values)
{
    nacre_create_options options = NACRE_CREATE_OPTIONS_INIT;
    nacre_dataset_write_options write = NACRE_DATASET_WRITE_OPTIONS_INIT;
    nacre_dataset *dataset = NULL;
    nacre_error err;
    double pixels[SIDE * SIDE];
    const nacre_transform grid = {10, 0, 0, 0, -10, 0};
    options.overwrite = true;
    options.format = "GTiff";
    ok(nacre_dataset_create(path, side, side, bands, dtype, &options, NULL, &dataset, &err), &err);
    ok(nacre_dataset_set_transform(dataset, &grid, &err), &err);
    for (int band = 1; band <= bands; band++) {
        for (int i = 0; i < side * side; i++)
            pixels[i] = values[band - 1];
        write.bands = &band;
        write.band_count = 1;
        write.dtype = NACRE_DTYPE_FLOAT64;
        ok(nacre_dataset_write(dataset, &write, NULL, pixels, sizeof pixels, &err), &err);
    }
    return dataset;
}

static double value_at(nacre_dataset *dataset, int band, int x, int y)
{
    nacre_read_options options = NACRE_READ_OPTIONS_INIT;
    nacre_error err;
    double value;
    options.window = (nacre_window){x, y, 1, 1};
    options.bands = &band;
    options.band_count = 1;
    options.dtype = NACRE_DTYPE_FLOAT64;
    ok(nacre_dataset_read(dataset, &options, NULL, &value, sizeof value, &err), &err);
    return value;
}

static void what_is_covered_in_part_is_mixed(void **state)
{
    (void)state;
    nacre_dataset *to = make("mem://onto/to.tif", SIDE, 2, NACRE_DTYPE_UINT8, (const double[]){100, 7});
    nacre_dataset *from = make("mem://onto/from.tif", SMALL, 2, NACRE_DTYPE_UINT8, (const double[]){200, 51});
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    nacre_error err;
    options.src_alpha = 2;
    options.src_alpha_only = true;
    ok(nacre_warp_onto(to, from, &options, NULL, NULL, NULL, &err), &err);
    assert_true(value_at(to, 1, 0, 0) == 120 && value_at(to, 1, SMALL, 0) == 100 && value_at(to, 2, 0, 0) == 7);
    options.dst_alpha = 2;
    ok(nacre_warp_onto(to, from, &options, NULL, NULL, NULL, &err), &err);
    /* 7 of 255 were there already: (200 * 0.2 + 120 * 0.027 * 0.8) / (0.2 + 0.027 * 0.8). */
    assert_true(value_at(to, 1, 0, 0) == 192 && value_at(to, 2, 0, 0) == 57 && value_at(to, 2, SMALL, 0) == 7);
    nacre_dataset_close(from);
    nacre_dataset_close(to);
}

/* Data that is the nodata value is moved by a step, down unless it is the lowest. */
static void data_never_becomes_nodata(void **state)
{
    (void)state;
    static const struct {
        nacre_dtype dtype;
        double value, becomes;
    } cases[] = {{NACRE_DTYPE_UINT8, 9, 8},
                 {NACRE_DTYPE_UINT8, 0, 1},
                 {NACRE_DTYPE_INT64, -5, -6},
                 {NACRE_DTYPE_UINT64, 0, 1},
                 {NACRE_DTYPE_FLOAT64, 1, 1 - 0x1p-53},
                 {NACRE_DTYPE_FLOAT32, 1, 1 - 0x1p-24}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nacre_dataset *to = make("mem://onto/to.tif", SIDE, 1, cases[i].dtype, (const double[]){3});
        nacre_dataset *from = make("mem://onto/from.tif", SMALL, 1, cases[i].dtype, &cases[i].value);
        nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
        nacre_error err;
        options.dst_nodata = &cases[i].value;
        ok(nacre_warp_onto(to, from, &options, NULL, NULL, NULL, &err), &err);
        assert_true(value_at(to, 1, 0, 0) == cases[i].becomes && value_at(to, 1, SMALL, 0) == 3);
        nacre_dataset_close(from);
        nacre_dataset_close(to);
    }
}

static void refused(nacre_dataset *to, nacre_dataset *from, const nacre_warp_options *options, const char *words)
{
    nacre_error err = {0};
    assert_int_equal(nacre_warp_onto(to, from, options, NULL, NULL, NULL, &err), NACRE_ERROR_INVALID);
    if (!strstr(err.message, words))
        fail_msg("\"%s\" is not in \"%s\"", words, err.message);
}

static void what_would_make_another_dataset_is_refused(void **state)
{
    (void)state;
    nacre_dataset *to = make("mem://onto/to.tif", SIDE, 1, NACRE_DTYPE_UINT8, (const double[]){100});
    nacre_dataset *from = make("mem://onto/from.tif", SMALL, 2, NACRE_DTYPE_UINT8, (const double[]){200, 51});
    const nacre_warp_options none = NACRE_WARP_OPTIONS_INIT;
    nacre_warp_options options = none;
    refused(to, from, &none, "1 bands, and 2");
    options.width = options.height = 3;
    refused(to, from, &options, "its grid");
    options = none;
    options.add_alpha = true;
    refused(to, from, &options, "its bands");
    options = none;
    options.dtype = NACRE_DTYPE_FLOAT32;
    refused(to, from, &options, "its bands");
    options = none;
    options.dst_alpha = 2;
    refused(to, from, &options, "no band 2");
    options = none;
    options.warp = (const char *const[]){"INIT_DEST=0", NULL};
    refused(to, from, &options, "INIT_DEST");
    nacre_error err;
    ok(nacre_dataset_set_transform(to, NULL, &err), &err);
    refused(to, from, &none, "no geotransform");
    ok(nacre_dataset_commit(to, NULL, NULL, NULL, &err), &err);
    refused(to, from, &none, "committed");
    nacre_dataset_close(from);
    nacre_dataset_close(to);
}

static bool stop(void *user, double fraction)
{
    (void)user;
    return fraction > 2;
}

static void it_is_cancelled_by_its_progress(void **state)
{
    (void)state;
    nacre_dataset *to = make("mem://onto/to.tif", SIDE, 1, NACRE_DTYPE_UINT8, (const double[]){100});
    nacre_error err;
    assert_int_equal(nacre_warp_onto(to, to, NULL, stop, NULL, NULL, &err), NACRE_ERROR_CANCELLED);
    nacre_dataset_close(to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_covered_in_part_is_mixed),
        cmocka_unit_test(data_never_becomes_nodata),
        cmocka_unit_test(what_would_make_another_dataset_is_refused),
        cmocka_unit_test(it_is_cancelled_by_its_progress),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
