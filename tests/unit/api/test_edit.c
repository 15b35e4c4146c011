/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <nacre/nacre.h>
#include <string.h>

/* Datasets that are made and changed, in the memory store: nacre/edit.h. */

enum { WIDTH = 90, HEIGHT = 70, BANDS = 2 };
static uint16_t pixels[BANDS][HEIGHT][WIDTH];

static void fill_pixels(void)
{
    for (int band = 0; band < BANDS; band++)
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++)
                pixels[band][y][x] = (uint16_t)(band * 10000 + y * 100 + x);
}

static void ok(nacre_status status, const nacre_error *err)
{
    if (status != NACRE_OK)
        fail_msg("%s", err->message);
}

static nacre_dataset *make(const char *path, const char *const *creation)
{
    nacre_create_options options = NACRE_CREATE_OPTIONS_INIT;
    nacre_dataset *dataset = NULL;
    nacre_error err;
    options.creation = creation;
    options.overwrite = true;
    fill_pixels();
    ok(nacre_dataset_create(path, WIDTH, HEIGHT, BANDS, NACRE_DTYPE_UINT16, &options, NULL, &dataset, &err), &err);
    ok(nacre_dataset_write(dataset, NULL, NULL, pixels, sizeof pixels, &err), &err);
    return dataset;
}

static void commit(nacre_dataset *dataset)
{
    nacre_error err;
    ok(nacre_dataset_commit(dataset, NULL, NULL, NULL, &err), &err);
    nacre_dataset_close(dataset);
}

static void assert_pixels(nacre_dataset *dataset)
{
    static uint16_t out[BANDS][HEIGHT][WIDTH];
    nacre_error err;
    ok(nacre_dataset_read(dataset, NULL, NULL, out, sizeof out, &err), &err);
    assert_memory_equal(out, pixels, sizeof out);
}

static void assert_file(const char *path)
{
    nacre_dataset *dataset = NULL;
    nacre_error err;
    ok(nacre_dataset_open(path, NULL, NULL, &dataset, &err), &err);
    assert_pixels(dataset);
    nacre_dataset_close(dataset);
}

static const char *const tiles[] = {"BLOCKSIZE=32", "COMPRESS=DEFLATE", NULL};

static void what_was_written_is_read_before_and_after_the_commit(void **state)
{
    (void)state;
    nacre_dataset *dataset = make("mem://edit/made.tif", tiles), *none = NULL;
    assert_int_equal(nacre_dataset_open("mem://edit/made.tif", NULL, NULL, &none, NULL), NACRE_ERROR_NOT_FOUND);
    assert_pixels(dataset);
    nacre_error err;
    ok(nacre_dataset_commit(dataset, NULL, NULL, NULL, &err), &err);
    assert_pixels(dataset);
    nacre_dataset_close(dataset);
    assert_file("mem://edit/made.tif");
}

static void values_below_what_was_written_stay(void **state)
{
    (void)state;
    commit(make("mem://edit/changed.tif", tiles));
    nacre_dataset *dataset = NULL;
    nacre_error err;
    ok(nacre_dataset_update("mem://edit/changed.tif", NULL, NULL, &dataset, &err), &err);
    nacre_dataset_write_options options = NACRE_DATASET_WRITE_OPTIONS_INIT;
    const int bands[] = {2};
    uint16_t value[2][3] = {{1, 2, 3}, {4, 5, 6}};
    options.window = (nacre_window){30, 31, 3, 2};
    options.bands = bands;
    options.band_count = 1;
    ok(nacre_dataset_write(dataset, &options, NULL, value, sizeof value, &err), &err);
    for (int y = 0; y < 2; y++)
        memcpy(&pixels[1][31 + y][30], value[y], sizeof value[y]);
    assert_pixels(dataset);
    commit(dataset);
    assert_file("mem://edit/changed.tif");
}

/* Two that were opened at one version: the second commit must not undo the first. */
static void only_one_of_two_updates_is_committed(void **state)
{
    (void)state;
    commit(make("mem://edit/two.tif", tiles));
    nacre_dataset *one = NULL, *other = NULL;
    nacre_error err;
    ok(nacre_dataset_update("mem://edit/two.tif", NULL, NULL, &one, &err), &err);
    ok(nacre_dataset_update("mem://edit/two.tif", NULL, NULL, &other, &err), &err);
    ok(nacre_dataset_set_metadata(one, 0, NULL, "WHO", "one", &err), &err);
    ok(nacre_dataset_set_metadata(other, 0, NULL, "WHO", "other", &err), &err);
    commit(one);
    assert_int_equal(nacre_dataset_commit(other, NULL, NULL, NULL, &err), NACRE_ERROR_CHANGED);
    nacre_dataset_close(other);
    assert_file("mem://edit/two.tif");
}

static void pixels_in_memory_are_a_dataset(void **state)
{
    (void)state;
    nacre_dataset *dataset = NULL;
    nacre_error err;
    nacre_save_options save = NACRE_SAVE_OPTIONS_INIT;
    save.overwrite = true;
    fill_pixels();
    ok(nacre_dataset_from_memory(WIDTH, HEIGHT, BANDS, NACRE_DTYPE_UINT16, pixels, 0, 0, 0, &dataset, &err), &err);
    assert_pixels(dataset);
    ok(nacre_dataset_save(dataset, "mem://edit/memory.tif", &save, NULL, &err), &err);
    assert_int_equal(nacre_dataset_commit(dataset, NULL, NULL, NULL, &err), NACRE_ERROR_INVALID);
    nacre_dataset_close(dataset);
    assert_file("mem://edit/memory.tif");
}

static void a_dataset_that_is_read_is_not_written(void **state)
{
    (void)state;
    commit(make("mem://edit/read.tif", tiles));
    nacre_dataset *dataset = NULL;
    nacre_error err;
    ok(nacre_dataset_open("mem://edit/read.tif", NULL, NULL, &dataset, &err), &err);
    assert_int_equal(nacre_dataset_write(dataset, NULL, NULL, pixels, sizeof pixels, &err), NACRE_ERROR_INVALID);
    assert_non_null(strstr(err.message, "it was opened for reading"));
    assert_int_equal(nacre_dataset_set_crs(dataset, NULL, &err), NACRE_ERROR_INVALID);
    nacre_dataset_close(dataset);
}

static bool stop(void *user, double fraction)
{
    (void)user;
    return fraction < 0.5;
}

static void a_commit_that_was_cancelled_leaves_what_was(void **state)
{
    (void)state;
    commit(make("mem://edit/stopped.tif", tiles));
    nacre_dataset *dataset = NULL;
    nacre_error err;
    ok(nacre_dataset_update("mem://edit/stopped.tif", NULL, NULL, &dataset, &err), &err);
    uint16_t zeros[BANDS][HEIGHT][WIDTH] = {{{0}}};
    ok(nacre_dataset_write(dataset, NULL, NULL, zeros, sizeof zeros, &err), &err);
    assert_int_equal(nacre_dataset_commit(dataset, stop, NULL, NULL, &err), NACRE_ERROR_CANCELLED);
    assert_file("mem://edit/stopped.tif");
    ok(nacre_dataset_commit(dataset, NULL, NULL, NULL, &err), &err);
    memset(pixels, 0, sizeof pixels);
    nacre_dataset_close(dataset);
    assert_file("mem://edit/stopped.tif");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read_before_and_after_the_commit),
        cmocka_unit_test(values_below_what_was_written_stay),
        cmocka_unit_test(only_one_of_two_updates_is_committed),
        cmocka_unit_test(pixels_in_memory_are_a_dataset),
        cmocka_unit_test(a_dataset_that_is_read_is_not_written),
        cmocka_unit_test(a_commit_that_was_cancelled_leaves_what_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
