/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/limits.h"
#include "cache/ram.h"
#include "cmocka_all.h"
#include "support/call.h"
#include "support/fake_store.h"

/* What stays in the cache, and how much. */

enum { BUDGET = 4 << 20, OBJECT = 16 << 20, TILE = 16 * 1024 };

static fake_store *store;
static ncr_call *call;
static ncr_object *object;
static ncr_pin *pin;

static int begin(void **state)
{
    (void)state;
    ncr_cache_begin(NULL);
    ncr_cache_forget_all();
    ncr_cache_set_budget(BUDGET);
    store = fake_store_new();
    call = test_call_new(NULL);
    object = fake_object(store, "k");
    fake_set(store, "k", "v=1", true, NULL, OBJECT);
    pin = test_open_now(object, call);
    fake_forget_requests(store);
    return 0;
}

static int end(void **state)
{
    (void)state;
    ncr_pin_unref(pin);
    ncr_object_unref(object);
    ncr_call_unref(call);
    fake_store_free(store);
    return 0;
}

/* Reads a tile (they do not merge) and tells whether a request was needed. */
static bool read_tile(int number)
{
    size_t before = fake_count(store, 'g');
    uint64_t offset = 65536 + (uint64_t)number * TILE;
    test_fetch fetch;
    assert_int_equal(test_fetch_now(&fetch, pin, call, offset, TILE), NACRE_OK);
    test_fetch_check(&fetch, "v=1", offset, TILE);
    test_fetch_clear(&fetch);
    nacre_cache_stats stats;
    ncr_cache_stats(&stats);
    assert_true(stats.bytes <= stats.budget_bytes);
    return fake_count(store, 'g') > before;
}

static void cache_stays_within_its_budget(void **state)
{
    (void)state;
    nacre_cache_stats stats;
    for (int i = 0; i < 900; i++)
        read_tile(i);
    ncr_cache_stats(&stats);
    assert_true(stats.bytes > BUDGET / 2);
    assert_true(stats.evictions > 0);
    ncr_cache_set_budget(1 << 20);
    ncr_cache_stats(&stats);
    assert_true(stats.bytes <= 1 << 20);
}

static void scan_does_not_drive_out_what_is_used(void **state)
{
    (void)state;
    for (int turn = 0; turn < 4; turn++)
        for (int i = 0; i < 50; i++)
            read_tile(i);
    for (int i = 100; i < 900; i++) /* four times the budget, each once */
        read_tile(i);
    int lost = 0;
    for (int i = 0; i < 50; i++)
        lost += read_tile(i);
    assert_true(lost <= 2);
}

static void bytes_in_a_readers_hand_outlive_eviction(void **state)
{
    (void)state;
    test_fetch held;
    assert_int_equal(test_fetch_now(&held, pin, call, 65536, TILE), NACRE_OK);
    for (int i = 100; i < 900; i++)
        read_tile(i);
    ncr_cache_forget_all();
    test_fetch_check(&held, "v=1", 65536, TILE);
    test_fetch_clear(&held);
}

static void entry_larger_than_its_share_is_not_kept(void **state)
{
    (void)state;
    test_fetch fetch;
    nacre_cache_stats stats;
    assert_int_equal(test_fetch_now(&fetch, pin, call, 100000, BUDGET), NACRE_OK);
    test_fetch_check(&fetch, "v=1", 100000, BUDGET);
    test_fetch_clear(&fetch);
    ncr_cache_stats(&stats);
    assert_true(stats.bytes < BUDGET / 4);
}

/* --- Values. --- */

typedef struct test_value {
    ncr_value base;
    int *freed;
} test_value;

static void free_value(ncr_value *value)
{
    (*((test_value *)value)->freed)++;
    free(value);
}

static ncr_value *new_value(size_t size, int *freed)
{
    test_value *value = calloc(1, sizeof *value);
    atomic_init(&value->base.references, 1);
    value->base.size = size;
    value->base.free = free_value;
    value->freed = freed;
    return &value->base;
}

static void value_is_found_by_every_pin_of_the_version(void **state)
{
    (void)state;
    int freed = 0;
    const ncr_value_key key = {NCR_VALUE_TIFF_TILE, 1, 2}, other_key = {NCR_VALUE_TIFF_TILE, 2, 1};
    ncr_value *value = new_value(1000, &freed);
    assert_null(ncr_cache_value_get(pin, key, call));
    ncr_cache_value_put(pin, key, value);
    ncr_pin *second = test_open_now(object, call);
    ncr_value *found = ncr_cache_value_get(second, key, call);
    assert_ptr_equal(found, value);
    assert_null(ncr_cache_value_get(second, other_key, call));
    fake_set(store, "k", "v=2", true, NULL, OBJECT);
    ncr_pin *newer = test_open_now(object, call);
    assert_null(ncr_cache_value_get(newer, key, call));
    ncr_value_unref(found);
    ncr_value_unref(value);
    assert_int_equal(freed, 0);
    ncr_cache_forget(object);
    assert_int_equal(freed, 1);
    ncr_pin_unref(second);
    ncr_pin_unref(newer);
}

static void values_and_bytes_share_one_budget(void **state)
{
    (void)state;
    int freed = 0;
    nacre_cache_stats stats;
    for (uint32_t i = 0; i < 100; i++) {
        ncr_value *value = new_value(BUDGET / 50, &freed);
        ncr_cache_value_put(pin, (ncr_value_key){NCR_VALUE_TIFF_TILE, 0, i}, value);
        ncr_value_unref(value);
    }
    ncr_cache_stats(&stats);
    assert_true(stats.bytes <= BUDGET);
    assert_true(freed >= 50);
    ncr_cache_forget_all();
    assert_int_equal(freed, 100);
}

static void weak_objects_have_no_values(void **state)
{
    (void)state;
    int freed = 0;
    fake_set(store, "w", "etag=W/1", false, NULL, 100);
    ncr_object *weak = fake_object(store, "w");
    ncr_pin *opened = test_open_now(weak, call);
    ncr_value *value = new_value(1000, &freed);
    ncr_cache_value_put(opened, (ncr_value_key){NCR_VALUE_VRT, 0, 0}, value);
    assert_null(ncr_cache_value_get(opened, (ncr_value_key){NCR_VALUE_VRT, 0, 0}, call));
    ncr_value_unref(value);
    assert_int_equal(freed, 1);
    ncr_pin_unref(opened);
    ncr_object_unref(weak);
}

static void forgetting_below_a_prefix_keeps_the_rest(void **state)
{
    (void)state;
    const char *keys[] = {"d/a", "d/b", "e/a"};
    ncr_object *objects[3], *prefix = fake_object(store, "d/");
    ncr_object_facts facts;
    for (int i = 0; i < 3; i++) {
        fake_set(store, keys[i], "v=1", true, NULL, 100);
        objects[i] = fake_object(store, keys[i]);
        ncr_pin_unref(test_open_now(objects[i], call));
    }
    ncr_cache_forget_below(prefix);
    assert_int_equal(ncr_cache_known(objects[0], call, &facts, NULL), NACRE_ERROR_OFFLINE);
    assert_int_equal(ncr_cache_known(objects[1], call, &facts, NULL), NACRE_ERROR_OFFLINE);
    assert_int_equal(ncr_cache_known(objects[2], call, &facts, NULL), NACRE_OK);
    for (int i = 0; i < 3; i++)
        ncr_object_unref(objects[i]);
    ncr_object_unref(prefix);
}

/* Everything that was opened is forgotten in the end: many objects leave nothing but what the budget allows. */
static void many_objects_stay_within_the_budget(void **state)
{
    (void)state;
    nacre_cache_stats stats;
    ncr_cache_set_budget(256 * 1024);
    for (int i = 0; i < 2000; i++) {
        char key[32];
        snprintf(key, sizeof key, "many/%d", i % 100);
        char token[32];
        snprintf(token, sizeof token, "v=%d", i);
        fake_set(store, key, token, true, NULL, 300);
        ncr_object *one = fake_object(store, key);
        ncr_pin_unref(test_open_now(one, call));
        ncr_object_unref(one);
        ncr_cache_stats(&stats);
        assert_true(stats.bytes <= 256 * 1024);
    }
}

static void default_budget_is_a_share_of_memory(void **state)
{
    (void)state;
    assert_true(ncr_ram_bytes() > (size_t)64 << 20);
    assert_true(ncr_ram_default_cache() >= (size_t)64 << 20);
    assert_true(ncr_ram_default_cache() <= ncr_ram_bytes());
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(cache_stays_within_its_budget),
        TEST(scan_does_not_drive_out_what_is_used),
        TEST(bytes_in_a_readers_hand_outlive_eviction),
        TEST(entry_larger_than_its_share_is_not_kept),
        TEST(value_is_found_by_every_pin_of_the_version),
        TEST(values_and_bytes_share_one_budget),
        TEST(weak_objects_have_no_values),
        TEST(forgetting_below_a_prefix_keeps_the_rest),
        TEST(many_objects_stay_within_the_budget),
        TEST(default_budget_is_a_share_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
