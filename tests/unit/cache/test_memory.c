/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/pages.h"
#include "cmocka_all.h"
#include "support/call.h"
#include "support/fake_store.h"

/* What the cache says it holds, beside what the allocator gave: where sanitizers replace the allocator, which then
 * tells nothing, these only run. */

enum { BUDGET = 8 << 20, OBJECT = 64 << 20 };

static fake_store *store;
static ncr_call *call;

static int begin(void **state)
{
    (void)state;
    ncr_cache_begin(NULL);
    ncr_cache_forget_all();
    ncr_cache_set_budget(BUDGET);
    store = fake_store_new();
    call = test_call_new(NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    ncr_call_unref(call);
    fake_store_free(store);
    return 0;
}

static size_t allocated(void)
{
    struct mallinfo2 info = mallinfo2();
    size_t in_use, spare;
    ncr_pages_count(&in_use, &spare);
    return info.uordblks + info.hblkhd + in_use;
}

/* Forgets all, and compares what that gave back with what the cache said it held, and with the budget. */
static void assert_counted(bool is_full)
{
    nacre_cache_stats stats;
    fake_forget_requests(store);
    ncr_cache_stats(&stats);
    size_t before = allocated();
    ncr_cache_forget_all();
    size_t after = allocated(), held = before > after ? before - after : 0;
    if (held > BUDGET + BUDGET / 20 || held > stats.bytes + stats.bytes / 50 ||
        (held && stats.bytes > held + held / 4) || stats.bytes > BUDGET)
        fail_msg("%zu bytes were held, %zu counted, %d allowed", held, (size_t)stats.bytes, BUDGET);
    if (is_full && stats.bytes < BUDGET / 2)
        fail_msg("only %zu bytes of %d are used", (size_t)stats.bytes, BUDGET);
    ncr_cache_stats(&stats);
    assert_int_equal(stats.bytes, 0);
    assert_int_equal(stats.entries, 0);
}

/* Reads ranges of one object that do not merge. */
static void read_ranges(size_t length, int count)
{
    ncr_object *object = fake_object(store, "k");
    fake_set(store, "k", "v=1", true, NULL, OBJECT);
    ncr_pin *pin = test_open_now(object, call);
    for (int i = 0; i < count; i++) {
        test_fetch fetch;
        assert_int_equal(test_fetch_now(&fetch, pin, call, 65536 + (uint64_t)i * length, length), NACRE_OK);
        test_fetch_clear(&fetch);
    }
    ncr_pin_unref(pin);
    ncr_object_unref(object);
}

static void bytes_of_small_ranges_are_counted(void **state)
{
    (void)state;
    read_ranges(1, 30000);
    assert_counted(true);
    read_ranges(100, 20000);
    assert_counted(true);
}

static void bytes_of_tiles_are_counted(void **state)
{
    (void)state;
    read_ranges(16 * 1024, 1000);
    assert_counted(true);
    read_ranges(16 * 1024 + 1, 1000);
    assert_counted(true);
}

static void bytes_of_large_ranges_are_counted(void **state)
{
    (void)state;
    read_ranges(128 * 1024 + 1, 100);
    assert_counted(true);
    read_ranges(1 << 20, 20);
    assert_counted(true);
}

static void bytes_of_many_objects_are_counted(void **state)
{
    (void)state;
    for (int i = 0; i < 6000; i++) {
        char key[64];
        snprintf(key, sizeof key, "a/folder/%0*d", i % 50 + 1, i);
        fake_set(store, key, "v=1", true, NULL, (size_t)(i * 7 % 5000));
        ncr_object *object = fake_object(store, key);
        ncr_pin_unref(test_open_now(object, call));
        ncr_object_unref(object);
        fake_remove(store, key);
    }
    assert_counted(true);
}

static void free_value(ncr_value *value)
{
    free(value);
}

static void bytes_of_values_are_counted(void **state)
{
    (void)state;
    ncr_object *object = fake_object(store, "k");
    fake_set(store, "k", "v=1", true, NULL, OBJECT);
    ncr_pin *pin = test_open_now(object, call);
    for (uint32_t i = 0; i < 20000; i++) {
        size_t size = sizeof(ncr_value) + i * 37 % 40000;
        ncr_value *value = calloc(1, size);
        atomic_init(&value->references, 1);
        value->size = size;
        value->free = free_value;
        ncr_cache_value_put(pin, (ncr_value_key){NCR_VALUE_TIFF_TILE, 0, i}, value);
        ncr_value_unref(value);
    }
    assert_counted(true);
    ncr_pin_unref(pin);
    ncr_object_unref(object);
}

static void an_allocation_is_never_counted_for_less_than_it_takes(void **state)
{
    (void)state;
    for (size_t size = 1; size < 40000000; size += size / 3 + 1) {
        size_t before = allocated();
        void *volatile block = malloc(size);
        size_t taken = allocated() - before;
        free(block);
        if (taken > ncr_alloc_size(size) + 16)
            fail_msg("%zu bytes take %zu, not %zu", size, taken, ncr_alloc_size(size));
    }
    assert_int_equal(ncr_alloc_size(0), 0);
}

/* Entries of others are not walked: what is forgotten at once stays the same however much else is cached. Counted in
 * entries, since nothing here is timed. */
static void forgetting_one_object_leaves_the_others(void **state)
{
    (void)state;
    nacre_cache_stats before, after;
    read_ranges(1000, 50);
    ncr_cache_stats(&before);
    ncr_object *other = fake_object(store, "other");
    fake_set(store, "other", "v=1", true, NULL, 1000);
    ncr_pin_unref(test_open_now(other, call));
    ncr_cache_stats(&after);
    assert_true(after.entries > before.entries);
    ncr_cache_forget(other);
    ncr_cache_stats(&after);
    assert_int_equal(after.entries, before.entries);
    assert_int_equal(after.bytes, before.bytes);
    ncr_object_unref(other);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bytes_of_small_ranges_are_counted),
        TEST(bytes_of_tiles_are_counted),
        TEST(bytes_of_large_ranges_are_counted),
        TEST(bytes_of_many_objects_are_counted),
        TEST(bytes_of_values_are_counted),
        TEST(an_allocation_is_never_counted_for_less_than_it_takes),
        TEST(forgetting_one_object_leaves_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
