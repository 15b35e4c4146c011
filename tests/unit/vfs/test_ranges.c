/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "support/call.h"
#include "support/fake_store.h"
#include "vfs/vfs.h"

/* Ranges that are read together by who waits for them. */

enum { SIZE = 20 * 1024 * 1024, RANGES = 4, LENGTH = 5000, STEP = 1000 * 1000 };

static fake_store *store;
static ncr_call *call;
static ncr_object *object;
static ncr_file *file;
static uint8_t bytes[RANGES][LENGTH];
static nacre_range ranges[RANGES];

static void opened(ncr_file_open *open)
{
    file = open->file;
}

static int begin(void **state)
{
    (void)state;
    store = fake_store_new();
    call = test_call_new(NULL);
    object = fake_object(store, "k");
    fake_set(store, "k", "v1", true, NULL, SIZE);
    ncr_file_open open = {.path = "gs://b/k", .object = object, .call = call, .done = opened};
    ncr_file_open_start(&open);
    assert_non_null(file);
    for (uint64_t i = 0; i < RANGES; i++)
        ranges[i] = (nacre_range){.offset = (i + 1) * STEP, .length = LENGTH, .buffer = bytes[i]};
    memset(bytes, 0, sizeof bytes);
    fake_forget_requests(store);
    return 0;
}

static int end(void **state)
{
    (void)state;
    ncr_file_unref(file);
    file = NULL;
    ncr_object_unref(object);
    ncr_call_unref(call);
    fake_store_free(store);
    return 0;
}

static void expect(const nacre_range *range, size_t got)
{
    assert_int_equal(range->got, got);
    for (size_t i = 0; i < got; i++)
        if (((const uint8_t *)range->buffer)[i] != fake_byte("v1", range->offset + i))
            fail_msg("byte %zu is wrong", (size_t)range->offset + i);
}

static void ranges_come_whole_and_cut_at_the_end(void **state)
{
    (void)state;
    ranges[2].offset = SIZE - 10;
    ranges[3].offset = SIZE;
    assert_int_equal(ncr_file_read_wait(file, ranges, RANGES, call, NULL), NACRE_OK);
    assert_int_equal(fake_count(store, 'g'), 3);
    expect(&ranges[0], LENGTH);
    expect(&ranges[1], LENGTH);
    expect(&ranges[2], 10);
    expect(&ranges[3], 0);
    assert_int_equal(ncr_file_read_wait(file, NULL, 0, call, NULL), NACRE_OK);
}

static void what_is_cached_is_not_asked_for_with_the_rest(void **state)
{
    (void)state;
    assert_int_equal(ncr_file_read_wait(file, &ranges[1], 1, call, NULL), NACRE_OK);
    fake_forget_requests(store);
    assert_int_equal(ncr_file_read_wait(file, ranges, RANGES, call, NULL), NACRE_OK);
    assert_int_equal(fake_count(store, 'g'), RANGES - 1);
    for (size_t i = 0; i < RANGES; i++)
        expect(&ranges[i], LENGTH);
}

/* Nothing counts as read where one range fails, not even what was cached. */
static void one_that_fails_fails_all(void **state)
{
    (void)state;
    nacre_error error;
    assert_int_equal(ncr_file_read_wait(file, &ranges[1], 1, call, NULL), NACRE_OK);
    fake_manners_of(store)->fail = NACRE_ERROR_UNAVAILABLE;
    assert_int_equal(ncr_file_read_wait(file, ranges, RANGES, call, &error), NACRE_ERROR_UNAVAILABLE);
    assert_int_equal(error.status, NACRE_ERROR_UNAVAILABLE);
    for (size_t i = 0; i < RANGES; i++)
        expect(&ranges[i], 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ranges_come_whole_and_cut_at_the_end),
        TEST(what_is_cached_is_not_asked_for_with_the_rest),
        TEST(one_that_fails_fails_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
