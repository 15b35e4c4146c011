/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <string.h>

#include "cache/limits.h"
#include "cmocka_all.h"
#include "support/call.h"
#include "support/fake_store.h"

/* Objects whose version proves nothing: their bytes come in one answer, or are marked unproven; they are never kept
 * and never shared. */

enum { MEDIUM = 100 * 1024 };

static fake_store *store;
static ncr_call *call;
static ncr_object *object;

static int begin(void **state)
{
    (void)state;
    store = fake_store_new();
    call = test_call_new("limit.whole_read=1 MiB", NULL);
    object = fake_object(store, "k");
    fake_set(store, "k", "etag=W/1", false, NULL, MEDIUM);
    return 0;
}

static int end(void **state)
{
    (void)state;
    ncr_object_unref(object);
    ncr_call_unref(call);
    fake_store_free(store);
    return 0;
}

static void medium_object_is_read_in_one_answer_and_held(void **state)
{
    (void)state;
    ncr_pin *pin = test_open_now(object, call);
    assert_true(ncr_pin_is_proven(pin));
    assert_int_equal(fake_count(store, 'g'), 2);
    fake_set(store, "k", "etag=W/2", false, NULL, MEDIUM);
    test_fetch fetch;
    assert_int_equal(test_fetch_now(&fetch, pin, call, 50000, 1000), NACRE_OK);
    test_fetch_check(&fetch, "etag=W/1", 50000, 1000); /* the snapshot, though the store has it no more */
    test_fetch_clear(&fetch);
    assert_int_equal(fake_count(store, 'g'), 2);
    ncr_pin_unref(pin);
}

static void small_object_needs_one_request(void **state)
{
    (void)state;
    fake_set(store, "k", "etag=W/1", false, NULL, 1000);
    ncr_pin *pin = test_open_now(object, call);
    assert_true(ncr_pin_is_proven(pin));
    assert_int_equal(fake_count(store, 'g'), 1);
    ncr_pin_unref(pin);
}

static void weak_bytes_are_never_kept(void **state)
{
    (void)state;
    nacre_cache_stats before, after;
    ncr_cache_stats(&before);
    ncr_pin_unref(test_open_now(object, call));
    ncr_cache_stats(&after);
    assert_int_equal(before.bytes, after.bytes);
    fake_forget_requests(store);
    ncr_pin_unref(test_open_now(object, call));
    assert_int_equal(fake_count(store, 'g'), 2);
    assert_int_equal(fake_last(store).match, NCR_MATCH_ANY); /* a weak version is never a condition */
}

static void weak_bytes_are_never_shared(void **state)
{
    (void)state;
    fake_set(store, "k", "etag=W/1", false, NULL, 1000);
    fake_manners_of(store)->hold = true;
    test_open opens[3];
    for (int i = 0; i < 3; i++)
        test_open_start(&opens[i], object, call);
    fake_release(store); /* the first; then one proof for the other two */
    fake_release(store); /* it turns out weak: only its first open may have its bytes */
    assert_int_equal(opens[2].done, 0);
    fake_release_all(store);
    assert_int_equal(fake_count(store, 'g'), 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(opens[i].op.status, NACRE_OK);
        test_open_clear(&opens[i]);
    }
}

static ncr_pin *open_large(void)
{
    fake_set(store, "k", "etag=W/1", false, NULL, 2 << 20);
    return test_open_now(object, call);
}

static void large_object_is_unproven(void **state)
{
    (void)state;
    ncr_pin *pin = open_large();
    assert_false(ncr_pin_is_proven(pin));
    test_fetch fetch;
    for (int i = 0; i < 2; i++) { /* and not kept */
        assert_int_equal(test_fetch_now(&fetch, pin, call, 50000, 1000), NACRE_OK);
        test_fetch_check(&fetch, "etag=W/1", 50000, 1000);
        test_fetch_clear(&fetch);
    }
    assert_int_equal(fake_count(store, 'g'), 3);
    ncr_pin_unref(pin);
}

static void unproven_object_that_shows_a_change_is_changed(void **state)
{
    (void)state;
    ncr_pin *pin = open_large();
    test_fetch fetch;
    fake_set(store, "k", "etag=W/2", false, NULL, 2 << 20);
    assert_int_equal(test_fetch_now(&fetch, pin, call, 50000, 1000), NACRE_ERROR_CHANGED);
    test_fetch_clear(&fetch);
    fake_set(store, "k", "etag=W/1", false, NULL, (2 << 20) + 1);
    assert_int_equal(test_fetch_now(&fetch, pin, call, 50000, 1000), NACRE_ERROR_CHANGED);
    test_fetch_clear(&fetch);
    fake_set(store, "k", "", false, NULL, 2 << 20);
    assert_int_equal(test_fetch_now(&fetch, pin, call, 50000, 1000), NACRE_ERROR_CHANGED);
    test_fetch_clear(&fetch);
    ncr_pin_unref(pin);
}

static void unproven_is_refused_where_that_is_asked_for(void **state)
{
    (void)state;
    fake_set(store, "k", "", false, NULL, 2 << 20);
    ncr_call *strict = test_call_new("limit.whole_read=1 MiB", "unproven=refuse", NULL);
    test_open open;
    test_open_start(&open, object, strict);
    assert_int_equal(open.op.status, NACRE_ERROR_UNPROVEN);
    assert_non_null(strstr(open.op.error.message, "fake://b/k: "));
    test_open_clear(&open);
    fake_set(store, "k", "", false, NULL, MEDIUM); /* this one is held whole */
    ncr_pin_unref(test_open_now(object, strict));
    ncr_call_unref(strict);
}

static void refusing_the_unproven_is_one_readers_choice(void **state)
{
    (void)state;
    fake_set(store, "k", "", false, NULL, 2 << 20);
    ncr_call *strict = test_call_new("limit.whole_read=1 MiB", "unproven=refuse", NULL);
    test_open held, first, second;
    fake_manners_of(store)->hold = true;
    test_open_start(&held, object, call);
    test_open_start(&first, object, strict); /* these two share the next proof */
    test_open_start(&second, object, call);
    fake_manners_of(store)->hold = false;
    fake_release_all(store);
    assert_int_equal(held.op.status, NACRE_OK);
    assert_int_equal(first.op.status, NACRE_ERROR_UNPROVEN);
    assert_int_equal(second.op.status, NACRE_OK);
    test_open_clear(&held);
    test_open_clear(&first);
    test_open_clear(&second);
    ncr_call_unref(strict);
}

static void server_without_ranges_gives_the_whole_at_once(void **state)
{
    (void)state;
    fake_manners_of(store)->ignore_ranges = true;
    ncr_pin *pin = test_open_now(object, call);
    assert_true(ncr_pin_is_proven(pin));
    assert_int_equal(fake_count(store, 'g'), 1);
    test_fetch fetch;
    assert_int_equal(test_fetch_now(&fetch, pin, call, 50000, 1000), NACRE_OK);
    test_fetch_check(&fetch, "etag=W/1", 50000, 1000);
    test_fetch_clear(&fetch);
    assert_int_equal(fake_count(store, 'g'), 1);
    ncr_pin_unref(pin);
}

static void cut_whole_is_corrupt(void **state)
{
    (void)state;
    fake_manners_of(store)->ignore_ranges = true;
    fake_manners_of(store)->cut = 1;
    test_open open;
    test_open_start(&open, object, call);
    assert_int_equal(open.op.status, NACRE_ERROR_CORRUPT);
    test_open_clear(&open);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(medium_object_is_read_in_one_answer_and_held),
        TEST(small_object_needs_one_request),
        TEST(weak_bytes_are_never_kept),
        TEST(weak_bytes_are_never_shared),
        TEST(large_object_is_unproven),
        TEST(unproven_object_that_shows_a_change_is_changed),
        TEST(unproven_is_refused_where_that_is_asked_for),
        TEST(refusing_the_unproven_is_one_readers_choice),
        TEST(server_without_ranges_gives_the_whole_at_once),
        TEST(cut_whole_is_corrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
