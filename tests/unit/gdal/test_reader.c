/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "reader.h"

#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "support/call.h"
#include "support/fake_store.h"

/* The reads of one handle: right bytes, and how many requests they cost. */

enum { SIZE = 20 * 1024 * 1024 };

static fake_store *store;
static ncr_call *call;
static ncr_object *object;
static ncr_file *file;
static ncr_gdal_reader reader;

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
    ncr_gdal_reader_init(&reader, file);
    fake_forget_requests(store);
    return 0;
}

static int end(void **state)
{
    (void)state;
    ncr_gdal_reader_clear(&reader);
    ncr_file_unref(file);
    file = NULL;
    ncr_object_unref(object);
    ncr_call_unref(call);
    fake_store_free(store);
    return 0;
}

static void expect(uint64_t offset, size_t size, size_t wanted)
{
    uint8_t *buffer = malloc(size + 1);
    size_t got;
    nacre_error error;
    if (ncr_gdal_reader_read(&reader, call, offset, buffer, size, false, &got, &error) != NACRE_OK)
        fail_msg("%s", error.message);
    assert_int_equal(got, wanted);
    for (size_t i = 0; i < got; i++)
        if (buffer[i] != fake_byte("v1", offset + i))
            fail_msg("byte %zu is wrong", (size_t)offset + i);
    free(buffer);
}

static void the_first_bytes_cost_nothing(void **state)
{
    (void)state;
    expect(0, 8, 8);
    expect(100, 30000, 30000);
    assert_int_equal(fake_count(store, 'g'), 0);
}

static void what_lies_near_comes_along(void **state)
{
    (void)state;
    expect(5 * 1024 * 1024 + 100, 10, 10);
    expect(5 * 1024 * 1024 + 5000, 10, 10);
    expect(5 * 1024 * 1024, 100, 100); /* before it, too */
    assert_int_equal(fake_count(store, 'g'), 1);
    assert_int_equal(fake_bytes_sent(store), NCR_GDAL_WINDOW_MIN);
}

static void reads_one_after_another_need_ever_fewer_requests(void **state)
{
    (void)state;
    for (uint64_t at = 0; at + 1000 <= SIZE; at += 1000)
        expect(at, 1000, 1000);
    assert_in_range(fake_count(store, 'g'), 5, 20); /* 16, 32, 64 KiB ... 4 MiB, and again 4 MiB */
}

static void the_end_is_where_it_is(void **state)
{
    (void)state;
    expect(SIZE - 10, 100, 10);
    expect(SIZE, 100, 0);
    expect(UINT64_MAX - 5, 100, 0);
}

static void long_reads_are_cut_and_whole(void **state)
{
    (void)state;
    expect(0, SIZE, SIZE);
    expect(40000, 9 * 1024 * 1024 + 3, 9 * 1024 * 1024 + 3);
}

static void a_read_that_fails_gives_nothing(void **state)
{
    (void)state;
    uint8_t buffer[100];
    size_t got = 7;
    nacre_error error;
    fake_manners_of(store)->fail = NACRE_ERROR_UNAVAILABLE;
    assert_int_equal(ncr_gdal_reader_read(&reader, call, 1024 * 1024, buffer, 100, false, &got, &error),
                     NACRE_ERROR_UNAVAILABLE);
    assert_int_equal(got, 0);
}

static void only_so_many_windows_are_held(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 1000; i++)
        expect(i * 19997, 50, 50);
    assert_true(reader.count <= NCR_GDAL_RECENT);
    assert_true(reader.bytes <= NCR_GDAL_RECENT_BYTES);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_bytes_cost_nothing),
        TEST(what_lies_near_comes_along),
        TEST(reads_one_after_another_need_ever_fewer_requests),
        TEST(the_end_is_where_it_is),
        TEST(long_reads_are_cut_and_whole),
        TEST(a_read_that_fails_gives_nothing),
        TEST(only_so_many_windows_are_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
