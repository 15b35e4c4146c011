/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <nacre/batch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "raster/gate.h"
#include "support/memory_dataset.h"

/* nacre_dataset_read_batch(): many windows of datasets in memory and of paths. */

enum { WIDTH = 60, HEIGHT = 48, DATASETS = 3, WINDOWS = 20, ITEMS = DATASETS * WINDOWS };
static uint16_t pixels[DATASETS][HEIGHT][WIDTH];
static memory_dataset *datasets[DATASETS];
static const char view[] = "<VRTDataset rasterXSize=\"3\" rasterYSize=\"2\"><VRTRasterBand dataType=\"Int16\"/>"
                           "</VRTDataset>";

static int set_up(void **state)
{
    (void)state;
    for (int i = 0; i < DATASETS; i++) {
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++)
                pixels[i][y][x] = (uint16_t)(i * 10000 + y * 100 + x);
        datasets[i] = memory_dataset_new(WIDTH, HEIGHT, 1, NACRE_DTYPE_UINT16, pixels[i]);
        datasets[i]->bytes_per_pixel_estimated = 2;
        datasets[i]->base.bands[0].block_width = 16;
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < DATASETS; i++)
        nacre_dataset_close(&datasets[i]->base);
    assert_int_equal(ncr_gate_held(), 0);
    return 0;
}

/* What a larger program might put behind each item. */
typedef struct {
    nacre_batch_item item;
    nacre_read_options options;
    nacre_error error;
    int told;
} large_item;

static large_item *new_items(void)
{
    large_item *items = calloc(ITEMS, sizeof *items);
    assert_non_null(items);
    for (int i = 0; i < ITEMS; i++) {
        const nacre_read_options init = NACRE_READ_OPTIONS_INIT;
        items[i].options = init;
        items[i].options.window = (nacre_window){i % 30, i % 20, 1 + i % 25, 1 + i % 17};
        items[i].item = (nacre_batch_item){.size = sizeof items[i],
                                           .dataset = &datasets[i % DATASETS]->base,
                                           .read_options = &items[i].options,
                                           .error = &items[i].error};
    }
    return items;
}

static void free_items(large_item *items)
{
    for (int i = 0; i < ITEMS; i++)
        nacre_batch_item_clear(&items[i].item);
    free(items);
}

static void check_item(const large_item *large, int i)
{
    const nacre_batch_item *item = &large->item;
    const nacre_window *window = &large->options.window;
    if (item->status != NACRE_OK)
        fail_msg("item %d: %s", i, large->error.message);
    assert_true(item->is_done);
    assert_int_equal(item->width, (int)window->width);
    assert_int_equal(item->height, (int)window->height);
    assert_int_equal(item->band_count, 1);
    assert_int_equal(item->dtype, NACRE_DTYPE_UINT16);
    const uint16_t *values = item->buffer;
    for (int y = 0; y < item->height; y++)
        for (int x = 0; x < item->width; x++)
            assert_int_equal(values[y * item->width + x], pixels[i % DATASETS][y + (int)window->y][x + (int)window->x]);
}

static void windows_of_many_datasets_are_read_with_any_memory(void **state)
{
    (void)state;
    static const char *const limits[] = {"1G", "2000", "1"};
    nacre_io_options io = NACRE_IO_OPTIONS_INIT;
    for (int limit = 0; limit < 3; limit++) {
        nacre_config *config = nacre_config_new();
        assert_int_equal(nacre_config_set(config, "memory.limit", limits[limit], NULL), NACRE_OK);
        io.config = config;
        large_item *items = new_items();
        nacre_error err;
        if (nacre_dataset_read_batch(&items->item, ITEMS, NULL, &io, &err) != NACRE_OK)
            fail_msg("%s", err.message);
        for (int i = 0; i < ITEMS; i++) {
            assert_true(items[i].item.is_allocated);
            check_item(&items[i], i);
        }
        free_items(items);
        nacre_config_free(config);
    }
}

static void an_item_that_fails_does_not_end_the_others(void **state)
{
    (void)state;
    large_item *items = new_items();
    static const int bands[] = {2};
    uint8_t small[1];
    items[4].item.dataset = NULL;
    items[4].item.path = "mem://batch/missing.tif";
    items[5].options.window = (nacre_window){59, 0, 2, 2};
    items[6].options.bands = bands;
    items[6].options.band_count = 1;
    items[7].item.buffer = small;
    items[7].item.buffer_size = sizeof small;
    items[8].item.dataset = NULL;
    items[9].item.dataset = NULL;
    items[9].item.path = "mem://batch/missing.tif";
    nacre_error err;
    assert_int_equal(nacre_dataset_read_batch(&items->item, ITEMS, NULL, NULL, &err), NACRE_ERROR_NOT_FOUND);
    assert_ptr_equal(strstr(err.message, "mem://batch/missing.tif: "), err.message);
    for (int i = 0; i < ITEMS; i++) {
        if (i < 4 || i > 9)
            check_item(&items[i], i);
        else
            assert_true(items[i].item.is_done && !items[i].item.is_allocated);
    }
    assert_int_equal(items[4].item.status, NACRE_ERROR_NOT_FOUND);
    assert_string_equal(items[4].error.message, err.message);
    assert_int_equal(items[5].item.status, NACRE_ERROR_INVALID);
    assert_string_equal(items[5].error.message, "memory: window 59,0,2,2 lies outside the raster of 60x48");
    assert_string_equal(items[6].error.message, "memory: no band 2: it has 1");
    assert_int_equal(items[7].item.status, NACRE_ERROR_INVALID);
    assert_string_equal(items[8].error.message, "batch: item 8 names neither a dataset nor a path");
    assert_string_equal(items[9].error.message, err.message);
    free_items(items);
}

static void what_a_path_names_is_opened_for_it(void **state)
{
    (void)state;
    large_item *items = new_items();
    for (int i = 0; i < ITEMS; i += 2) {
        items[i].item.dataset = NULL;
        items[i].item.path = view;
        items[i].item.read_options = NULL;
    }
    nacre_error err;
    if (nacre_dataset_read_batch(&items->item, ITEMS, NULL, NULL, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    for (int i = 0; i < ITEMS; i++) {
        const nacre_batch_item *item = &items[i].item;
        if (i % 2) {
            check_item(&items[i], i);
            continue;
        }
        assert_int_equal(item->dtype, NACRE_DTYPE_INT16);
        assert_int_equal(item->buffer_size, 12);
        for (size_t at = 0; at < 12; at++)
            assert_int_equal(((const uint8_t *)item->buffer)[at], 0);
    }
    free_items(items);
}

static _Atomic int inside;

static void note_item(void *user, size_t index, nacre_batch_item *item)
{
    large_item *items = user;
    assert_int_equal(atomic_fetch_add(&inside, 1), 0);
    assert_ptr_equal(item, &items[index].item);
    assert_true(item->is_done);
    items[index].told++;
    atomic_fetch_sub(&inside, 1);
}

static void each_item_is_told_once_and_one_after_another(void **state)
{
    (void)state;
    large_item *items = new_items();
    items[11].item.dataset = NULL;
    nacre_batch_options options = NACRE_BATCH_OPTIONS_INIT;
    options.item_done = note_item;
    options.user = items;
    assert_int_equal(nacre_dataset_read_batch(&items->item, ITEMS, &options, NULL, NULL), NACRE_ERROR_INVALID);
    for (int i = 0; i < ITEMS; i++)
        assert_int_equal(items[i].told, 1);
    free_items(items);
}

static void a_cancelled_batch_says_so_of_every_item(void **state)
{
    (void)state;
    large_item *items = new_items();
    nacre_io_options io = NACRE_IO_OPTIONS_INIT;
    io.cancel = nacre_cancel_new();
    nacre_cancel_trigger(io.cancel);
    nacre_error err;
    assert_int_equal(nacre_dataset_read_batch(&items->item, ITEMS, NULL, &io, &err), NACRE_ERROR_CANCELLED);
    for (int i = 0; i < ITEMS; i++) {
        assert_int_equal(items[i].item.status, NACRE_ERROR_CANCELLED);
        assert_null(items[i].item.buffer);
    }
    nacre_cancel_free(io.cancel);
    free_items(items);
}

static void none_is_a_batch_too_and_a_size_must_be_set(void **state)
{
    (void)state;
    nacre_error err;
    assert_int_equal(nacre_dataset_read_batch(NULL, 0, NULL, NULL, &err), NACRE_OK);
    nacre_batch_item item = {.dataset = &datasets[0]->base};
    assert_int_equal(nacre_dataset_read_batch(&item, 1, NULL, NULL, &err), NACRE_ERROR_INVALID);
    assert_false(item.is_done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(windows_of_many_datasets_are_read_with_any_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_item_that_fails_does_not_end_the_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_a_path_names_is_opened_for_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_item_is_told_once_and_one_after_another, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cancelled_batch_says_so_of_every_item, set_up, tear_down),
        cmocka_unit_test_setup_teardown(none_is_a_batch_too_and_a_size_must_be_set, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
