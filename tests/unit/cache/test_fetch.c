/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>

#include "cache/limits.h"
#include "cmocka_all.h"
#include "support/call.h"
#include "support/fake_store.h"

/* Which requests a batch of reads becomes. */

enum { BIG = 20 * 1024 * 1024 };

static fake_store *store;
static ncr_call *call;
static ncr_object *object;
static ncr_pin *pin;

static int begin(void **state)
{
    (void)state;
    store = fake_store_new();
    call = test_call_new(NULL);
    object = fake_object(store, "k");
    fake_set(store, "k", "v=1", true, NULL, BIG);
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

static void batch_done(ncr_fetch *fetch)
{
    ((test_fetch *)fetch)->done++;
}

/* Reads ranges together and checks every byte. */
static void read_batch(const uint64_t ranges[][2], size_t count, bool bypass)
{
    test_fetch *fetches = calloc(count, sizeof *fetches);
    ncr_fetch **list = calloc(count, sizeof(ncr_fetch *));
    for (size_t i = 0; i < count; i++) {
        fetches[i].op = (ncr_fetch){.pin = pin,
                                    .call = call,
                                    .offset = ranges[i][0],
                                    .length = (size_t)ranges[i][1],
                                    .bypass = bypass,
                                    .done = batch_done};
        list[i] = &fetches[i].op;
    }
    ncr_cache_fetch_start(list, count);
    for (size_t i = 0; i < count; i++) {
        test_fetch_check(&fetches[i], "v=1", ranges[i][0], (size_t)ranges[i][1]);
        test_fetch_clear(&fetches[i]);
    }
    free(fetches);
    free(list);
}

static void near_ranges_are_one_request(void **state)
{
    (void)state;
    const uint64_t ranges[][2] = {{1000000 + 5000 + NCR_MERGE_GAP, 10}, {1000000, 5000}};
    read_batch(ranges, 2, false);
    assert_int_equal(fake_count(store, 'g'), 1);
    assert_int_equal(fake_last(store).offset, 1000000);
    assert_int_equal(fake_last(store).length, 5000 + NCR_MERGE_GAP + 10);
}

static void far_ranges_are_two_requests(void **state)
{
    (void)state;
    const uint64_t ranges[][2] = {{1000000, 5000}, {1000000 + 5000 + NCR_MERGE_GAP + 1, 10}};
    read_batch(ranges, 2, false);
    assert_int_equal(fake_count(store, 'g'), 2);
    assert_int_equal(fake_bytes_sent(store), 5010);
}

static void overlapping_and_equal_ranges_are_one_request(void **state)
{
    (void)state;
    const uint64_t ranges[][2] = {{1000000, 5000}, {1000000, 5000}, {1002000, 100}, {1003000, 9000}};
    read_batch(ranges, 4, false);
    assert_int_equal(fake_count(store, 'g'), 1);
    assert_int_equal(fake_bytes_sent(store), 12000);
}

static void cached_parts_are_not_asked_for_again(void **state)
{
    (void)state;
    const uint64_t first[][2] = {{1000000, 100000}, {1200000, 100000}};
    read_batch(first, 2, false);
    fake_forget_requests(store);
    const uint64_t all[][2] = {{900000, 500000}};
    read_batch(all, 1, false);
    assert_int_equal(fake_count(store, 'g'), 3);
    assert_int_equal(fake_bytes_sent(store), 300000);
    fake_forget_requests(store);
    read_batch(all, 1, false); /* put together from all the intervals */
    assert_int_equal(fake_count(store, 'g'), 0);
}

static void cached_bytes_in_a_gap_are_read_over(void **state)
{
    (void)state;
    const uint64_t middle[][2] = {{1010000, 10000}};
    read_batch(middle, 1, false);
    fake_forget_requests(store);
    const uint64_t both[][2] = {{1000000, 30000}};
    read_batch(both, 1, false);
    assert_int_equal(fake_count(store, 'g'), 1);
    read_batch(both, 1, false);
    read_batch(middle, 1, false);
    assert_int_equal(fake_count(store, 'g'), 1);
}

static void long_range_is_cut_into_requests(void **state)
{
    (void)state;
    const uint64_t range[][2] = {{100000, 2 * NCR_GET_MAX + 1}};
    read_batch(range, 1, false);
    assert_int_equal(fake_count(store, 'g'), 3);
    assert_int_equal(fake_last(store).length, 1);
}

static void failure_of_one_part_of_a_long_range_fails_it_once(void **state)
{
    (void)state;
    fake_manners_of(store)->hold = true;
    test_fetch fetch;
    test_fetch_start(&fetch, pin, call, 100000, 2 * NCR_GET_MAX + 1);
    assert_int_equal(fake_held(store), 3);
    fake_release(store);
    fake_release_failed(store, NACRE_ERROR_UNAVAILABLE);
    assert_int_equal(fetch.done, 0);
    fake_release(store);
    assert_int_equal(fetch.op.status, NACRE_ERROR_UNAVAILABLE);
    test_fetch_clear(&fetch);
}

static void range_beyond_the_end_is_cut(void **state)
{
    (void)state;
    test_fetch fetch;
    assert_int_equal(test_fetch_now(&fetch, pin, call, BIG - 10, 100), NACRE_OK);
    test_fetch_check(&fetch, "v=1", BIG - 10, 10);
    test_fetch_clear(&fetch);
    assert_int_equal(test_fetch_now(&fetch, pin, call, BIG, 100), NACRE_OK);
    assert_int_equal(fetch.op.slice.size, 0);
    test_fetch_clear(&fetch);
    assert_int_equal(test_fetch_now(&fetch, pin, call, UINT64_MAX - 5, 100), NACRE_OK);
    assert_int_equal(fetch.op.slice.size, 0);
    test_fetch_clear(&fetch);
}

static void bypassing_reads_are_not_kept(void **state)
{
    (void)state;
    const uint64_t range[][2] = {{1000000, 5000}};
    read_batch(range, 1, true);
    read_batch(range, 1, true);
    assert_int_equal(fake_count(store, 'g'), 2);
}

static void server_without_ranges_is_read_whole_and_checked(void **state)
{
    (void)state;
    fake_manners_of(store)->ignore_ranges = true;
    const uint64_t ranges[][2] = {{1000000, 5000}, {10000000, 5000}};
    read_batch(ranges, 2, true);
    const uint64_t range[][2] = {{100000, 2 * NCR_GET_MAX}};
    read_batch(range, 1, true);
}

static void rounds_follow_from_what_was_needed(void **state)
{
    (void)state;
    test_fetch fetch = {.op = {.pin = pin, .call = call, .offset = 1000000, .length = 10, .needed_round = 4}};
    ncr_fetch *op = &fetch.op;
    op->done = batch_done;
    ncr_cache_fetch_start(&op, 1);
    assert_int_equal(op->round, 5);
    assert_int_equal(call->counters.round, 5);
    test_fetch_clear(&fetch);
    fetch.done = 0;
    ncr_cache_fetch_start(&op, 1);
    assert_int_equal(op->round, 4); /* from the cache */
    test_fetch_clear(&fetch);
}

static void local_files_bytes_are_not_kept_twice(void **state)
{
    (void)state;
    fake_store *local = fake_store_new();
    fake_manners_of(local)->is_local = true;
    fake_set(local, "f", "file=1", true, NULL, 100000);
    ncr_object *file = fake_object(local, "f");
    nacre_cache_stats before, after;
    ncr_cache_stats(&before);
    ncr_pin *opened = test_open_now(file, call);
    test_fetch fetch;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(test_fetch_now(&fetch, opened, call, 50000, 1000), NACRE_OK);
        test_fetch_check(&fetch, "file=1", 50000, 1000);
        test_fetch_clear(&fetch);
    }
    ncr_cache_stats(&after);
    assert_int_equal(before.bytes, after.bytes);
    assert_int_equal(fake_count(local, 'g'), 3);
    ncr_pin_unref(opened);
    ncr_object_unref(file);
    fake_store_free(local);
}

/* Random batches over a small object, with forgetting in between: every byte is right. */
static void random_batches_give_the_right_bytes(void **state)
{
    (void)state;
    srand(7);
    for (int round = 0; round < 300; round++) {
        uint64_t ranges[8][2];
        size_t count = 1 + (size_t)rand() % 8;
        for (size_t i = 0; i < count; i++) {
            ranges[i][0] = (uint64_t)(rand() % 400000);
            ranges[i][1] = (uint64_t)(1 + rand() % 60000);
        }
        read_batch((const uint64_t(*)[2])ranges, count, rand() % 4 == 0);
        if (rand() % 20 == 0)
            ncr_cache_forget(object);
    }
}

/* Copies what it can; false without a byte where a fetch is needed, or tells why not. */
static void copies_are_of_cached_bytes_in_one_piece(void **state)
{
    (void)state;
    enum { AT = 1000000, LENGTH = 5000 };
    uint8_t bytes[LENGTH];
    size_t got = 7;
    const uint64_t ranges[][2] = {{AT, LENGTH}, {BIG - 10, 10}};
    assert_false(ncr_cache_copy(pin, call, AT, LENGTH, bytes, &got));
    assert_int_equal(got, 0);
    read_batch(ranges, 2, false);
    fake_forget_requests(store);
    assert_true(ncr_cache_copy(pin, call, AT + 1, LENGTH - 1, bytes, &got));
    assert_int_equal(got, LENGTH - 1);
    for (size_t i = 0; i < got; i++)
        assert_int_equal(bytes[i], fake_byte("v=1", AT + 1 + i));
    assert_true(ncr_cache_copy(pin, call, BIG - 10, LENGTH, bytes, &got)); /* cut at the end */
    assert_int_equal(got, 10);
    assert_false(ncr_cache_copy(pin, call, AT, LENGTH + 1, bytes, &got));
    assert_false(ncr_cache_copy(pin, call, AT - 1, 10, bytes, &got));
    assert_false(ncr_cache_copy(pin, call, BIG, 10, bytes, &got));
    assert_false(ncr_cache_copy(pin, call, UINT64_MAX - 5, 100, bytes, &got));
    assert_int_equal(got, 0);
    assert_int_equal(fake_count(store, 'g'), 0);
    nacre_cancel *cancel = nacre_cancel_new();
    ncr_call *cancelled = test_call_with_cancel(cancel, NULL);
    nacre_cancel_trigger(cancel);
    assert_false(ncr_cache_copy(pin, cancelled, AT, LENGTH, bytes, &got));
    ncr_call_unref(cancelled);
    nacre_cancel_free(cancel);
}

static void long_open_done(ncr_cache_open *open)
{
    (void)open;
}

/* An open that reads more than usual is one request; its head is no longer than any other, and no more than that is
 * held by who has the object open. */
static void a_longer_first_read_fills_the_cache(void **state)
{
    (void)state;
    enum { FIRST = 300000, SMALL = 200000 };
    const char *const keys[] = {"long", "small"};
    const size_t sizes[] = {1000000, SMALL};
    for (size_t i = 0; i < 2; i++) {
        const size_t brought = sizes[i] < FIRST ? sizes[i] : FIRST;
        fake_set(store, keys[i], "v=2", true, NULL, sizes[i]);
        ncr_object *other = fake_object(store, keys[i]);
        ncr_cache_open open = {.object = other, .call = call, .first_read = FIRST, .done = long_open_done};
        fake_forget_requests(store);
        ncr_cache_open_start(&open);
        assert_int_equal(open.status, NACRE_OK);
        assert_int_equal(open.head.size, NCR_FIRST_READ);
        for (size_t at = 0; at < open.head.size; at++)
            assert_int_equal(open.head.data[at], fake_byte("v=2", at));
        test_fetch fetch;
        assert_int_equal(test_fetch_now(&fetch, open.pin, call, NCR_FIRST_READ, brought - NCR_FIRST_READ), NACRE_OK);
        test_fetch_check(&fetch, "v=2", NCR_FIRST_READ, brought - NCR_FIRST_READ);
        test_fetch_clear(&fetch);
        assert_int_equal(fake_count(store, 'g'), 1);
        assert_int_equal(fake_bytes_sent(store), brought);
        ncr_slice_clear(&open.head);
        ncr_pin_unref(open.pin);
        ncr_object_unref(other);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(near_ranges_are_one_request),
        TEST(far_ranges_are_two_requests),
        TEST(overlapping_and_equal_ranges_are_one_request),
        TEST(cached_parts_are_not_asked_for_again),
        TEST(cached_bytes_in_a_gap_are_read_over),
        TEST(long_range_is_cut_into_requests),
        TEST(failure_of_one_part_of_a_long_range_fails_it_once),
        TEST(range_beyond_the_end_is_cut),
        TEST(bypassing_reads_are_not_kept),
        TEST(server_without_ranges_is_read_whole_and_checked),
        TEST(rounds_follow_from_what_was_needed),
        TEST(local_files_bytes_are_not_kept_twice),
        TEST(copies_are_of_cached_bytes_in_one_piece),
        TEST(a_longer_first_read_fills_the_cache),
        TEST(random_batches_give_the_right_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
