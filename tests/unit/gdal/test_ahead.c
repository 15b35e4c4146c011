/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "ahead.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cmocka_all.h"
#include "support/call.h"
#include "support/fake_store.h"

/* Reading ahead in a TIFF of 16 x 16 tiles, 40,000 bytes each, that lie row by row behind the header. */

enum { SIDE = 16, TILE = 40000, DATA = 4096, FILE_SIZE = DATA + SIDE * SIDE * TILE, ENTRIES = 6 };

static fake_store *store;
static ncr_call *call;
static ncr_object *object;
static ncr_file *file;
static ncr_gdal_ahead ahead;

static void put_number(uint8_t *at, uint32_t value, int size)
{
    for (int i = 0; i < size; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static uint32_t tile_offset(uint32_t row, uint32_t column)
{
    return DATA + (row * SIDE + column) * TILE;
}

static uint8_t *make_tiff(void)
{
    const uint32_t offsets = 200, counts = offsets + 4 * SIDE * SIDE;
    const uint32_t entries[ENTRIES][3] = {{256, 1, SIDE * 64}, {257, 1, SIDE * 64},         {322, 1, 64},
                                          {323, 1, 64},        {324, SIDE * SIDE, offsets}, {325, SIDE * SIDE, counts}};
    uint8_t *data = calloc(1, FILE_SIZE);
    memcpy(data, "II*\0\x08\0\0\0", 8);
    put_number(data + 8, ENTRIES, 2);
    for (uint32_t i = 0; i < ENTRIES; i++) {
        uint8_t *at = data + 10 + 12 * (size_t)i;
        put_number(at, entries[i][0], 2);
        put_number(at + 2, 4, 2);
        put_number(at + 4, entries[i][1], 4);
        put_number(at + 8, entries[i][2], 4);
    }
    for (uint32_t i = 0; i < SIDE * SIDE; i++) {
        put_number(data + offsets + 4 * (size_t)i, tile_offset(i / SIDE, i % SIDE), 4);
        put_number(data + counts + 4 * (size_t)i, TILE, 4);
    }
    return data;
}

static void opened(ncr_file_open *open)
{
    file = open->file;
}

static void open_object(const void *data, size_t size)
{
    fake_set(store, "k", "v1", true, data, size);
    ncr_file_open open = {.path = "gs://b/k", .object = object, .call = call, .done = opened};
    ncr_file_open_start(&open);
    assert_non_null(file);
}

static int begin(void **state)
{
    (void)state;
    store = fake_store_new();
    call = test_call_new(NULL);
    object = fake_object(store, "k");
    uint8_t *data = make_tiff();
    open_object(data, FILE_SIZE);
    free(data);
    ahead = (ncr_gdal_ahead){0};
    fake_forget_requests(store);
    return 0;
}

static int end(void **state)
{
    (void)state;
    ncr_gdal_ahead_clear(&ahead);
    ncr_file_unref(file);
    file = NULL;
    ncr_object_unref(object);
    ncr_call_unref(call);
    fake_store_free(store);
    return 0;
}

/* Reads a window of tiles as GDAL does, and says how many requests went out before it had its bytes. */
static size_t read_window(uint32_t row0, uint32_t row1, uint32_t column0, uint32_t column1)
{
    nacre_range ranges[SIDE] = {0};
    size_t count = 0;
    const size_t length = (size_t)(column1 - column0 + 1) * TILE;
    for (uint32_t row = row0; row <= row1; row++, count++)
        ranges[count] = (nacre_range){.offset = tile_offset(row, column0), .length = length, .buffer = malloc(length)};
    assert_true(ncr_gdal_ahead_read(&ahead, file, call, ranges, count));
    ncr_gdal_ahead_go(&ahead, file, call);
    const size_t before = fake_count(store, 'g');
    assert_int_equal(ncr_file_read_wait(file, ranges, count, call, NULL), NACRE_OK);
    for (size_t i = 0; i < count; i++)
        free(ranges[i].buffer);
    return fake_count(store, 'g') - before;
}

static void what_lies_to_the_right_is_there_when_it_is_asked_for(void **state)
{
    (void)state;
    assert_int_equal(read_window(2, 3, 4, 5), 2); /* a request for each row of tiles */
    assert_int_equal(fake_count(store, 'g'), 2);  /* and nothing ahead: nobody knows where it goes */
    assert_int_equal(read_window(2, 3, 6, 7), 2);
    assert_int_equal(read_window(2, 3, 8, 9), 0);
}

static void a_new_row_is_fetched_as_far_as_the_last_one_went(void **state)
{
    (void)state;
    for (uint32_t column = 0; column < 8; column += 2)
        read_window(0, 1, column, column + 1);
    assert_true(read_window(2, 3, 0, 1) < 2); /* some of what lies below was fetched with the row above it */
    const uint64_t bytes = fake_bytes_sent(store);
    for (uint32_t column = 2; column < 8; column += 2)
        assert_int_equal(read_window(2, 3, column, column + 1), 0);
    assert_int_equal(fake_bytes_sent(store), bytes); /* the end of the row is known */
    assert_int_equal(read_window(4, 5, 0, 1), 2);
    assert_int_equal(read_window(6, 7, 0, 1), 0); /* two rows were alike, so this one was foreseen */
}

static void what_lies_below_is_there_when_it_is_asked_for(void **state)
{
    (void)state;
    assert_int_equal(read_window(0, 0, 0, 15), 1);
    assert_int_equal(read_window(1, 1, 0, 15), 1);
    for (uint32_t row = 2; row < 16; row++)
        assert_int_equal(read_window(row, row, 0, 15), 0);
}

/* A warp reads a window block by block, then the next one to the right, then those below. */
static void a_walk_finds_what_lies_beside_it(void **state)
{
    (void)state;
    assert_int_equal(read_window(2, 2, 1, 2), 1);
    assert_int_equal(read_window(2, 2, 3, 3), 1);
    const uint32_t places[][3] = {{3, 1, 2}, {3, 3, 3}, {2, 4, 4}, {3, 4, 4}, {4, 1, 2}, {4, 3, 3}, {4, 4, 4}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (read_window(places[i][0], places[i][0], places[i][1], places[i][2]) != 0)
            fail_msg("read %zu", i);
    assert_true(fake_bytes_sent(store) <= 2 * (32768 + 12 * TILE));
}

static void windows_here_and_there_fetch_nothing_ahead(void **state)
{
    (void)state;
    const uint32_t places[][2] = {{1, 1}, {5, 9}, {12, 3}, {3, 3}, {8, 14}, {1, 7}};
    for (size_t i = 0; i < 6; i++)
        read_window(places[i][0], places[i][0], places[i][1], places[i][1]);
    assert_int_equal(fake_count(store, 'g'), 6);
    assert_int_equal(fake_bytes_sent(store), 6 * TILE);
}

/* It may be wrong each time, and then has cost as much again, no more. */
static void no_more_is_fetched_than_was_read(void **state)
{
    (void)state;
    uint64_t read = 0;
    for (uint32_t row = 0; row < 16; row += 3) {
        read_window(row, row, 0, 0);
        read_window(row, row, 1, 1);
        read += 2 * TILE;
        assert_true(fake_bytes_sent(store) <= 2 * read + 64 * SIDE);
    }
}

/* Of blocks that were read ahead and not wanted since. */
static uint64_t bytes_in_vain(void)
{
    uint64_t bytes = 0;
    for (unsigned i = 0; i < SIDE * SIDE; i++)
        bytes += ahead.unread && ahead.unread[i / 8] >> i % 8 & 1 ? TILE : 0;
    return bytes;
}

/* Wherever it goes, and however often it reads the same. */
static void a_random_walk_costs_as_much_again_at_most(void **state)
{
    (void)state;
    uint64_t read = 32768;
    int row = 3, column = 5;
    srand(4);
    for (int step = 0; step < 400; step++) {
        const int width = rand() % 3 == 0;
        row = (row + rand() % 3 - 1 + SIDE) % SIDE;
        column = (column + rand() % 3 - 1 + SIDE - 1) % (SIDE - 1);
        for (int again = rand() % 3; again >= 0; again--) {
            read_window((uint32_t)row, (uint32_t)row, (uint32_t)column, (uint32_t)(column + width));
            if (again == 0)
                read += (uint64_t)(width + 1) * TILE;
        }
        if (rand() % 40 == 0) {
            ncr_cache_forget(object);
            row = rand() % SIDE;
        }
        assert_true(bytes_in_vain() <= ahead.bytes_unused && ahead.bytes_unused <= ahead.bytes_read);
    }
    assert_true(fake_bytes_sent(store) <= 2 * read + 20 * fake_count(store, 'g'));
}

static void bytes_between_blocks_are_fetched_too(void **state)
{
    (void)state;
    uint8_t buffer[TILE + 8];
    read_window(0, 0, 0, 0);
    read_window(0, 0, 1, 1);
    nacre_range range = {.offset = tile_offset(0, 2) - 4, .length = TILE + 8, .buffer = buffer};
    const size_t before = fake_count(store, 'g');
    assert_true(ncr_gdal_ahead_read(&ahead, file, call, &range, 1));
    ncr_gdal_ahead_go(&ahead, file, call);
    const size_t ahead_of_it = fake_count(store, 'g');
    range.offset += 4; /* the bytes before it are those of the block that was read */
    range.length -= 4;
    assert_int_equal(ncr_file_read_wait(file, &range, 1, call, NULL), NACRE_OK);
    assert_int_equal(fake_count(store, 'g'), ahead_of_it);
    assert_true(ahead_of_it >= before);
}

static void other_files_are_left_alone(void **state)
{
    (void)state;
    uint8_t *data = calloc(1, FILE_SIZE);
    ncr_file_unref(file);
    fake_set(store, "k", "v2", true, data, FILE_SIZE);
    free(data);
    ncr_file_open open = {.path = "gs://b/k", .object = object, .call = call, .done = opened};
    ncr_file_open_start(&open);
    fake_forget_requests(store);
    for (int i = 0; i < 5; i++) {
        const nacre_range range = {.offset = tile_offset(0, (uint32_t)i), .length = TILE};
        assert_false(ncr_gdal_ahead_read(&ahead, file, call, &range, 1));
    }
    assert_int_equal(fake_count(store, 'g'), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_lies_to_the_right_is_there_when_it_is_asked_for),
        TEST(a_new_row_is_fetched_as_far_as_the_last_one_went),
        TEST(what_lies_below_is_there_when_it_is_asked_for),
        TEST(a_walk_finds_what_lies_beside_it),
        TEST(windows_here_and_there_fetch_nothing_ahead),
        TEST(no_more_is_fetched_than_was_read),
        TEST(a_random_walk_costs_as_much_again_at_most),
        TEST(bytes_between_blocks_are_fetched_too),
        TEST(other_files_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
