/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cache/limits.h"
#include "cmocka_all.h"
#include "support/call.h"
#include "support/fake_store.h"

/* Requests that several readers share, and what becomes of the others when one of them gives up. */

enum { BIG = 400 * 1024 };

static fake_store *store;
static ncr_call *call, *other_call;
static nacre_cancel *cancel;
static ncr_object *object;
static ncr_pin *pin;

static int begin(void **state)
{
    (void)state;
    store = fake_store_new();
    call = test_call_new(NULL);
    cancel = nacre_cancel_new();
    other_call = test_call_with_cancel(cancel, NULL);
    object = fake_object(store, "k");
    fake_set(store, "k", "v=1", true, NULL, BIG);
    pin = test_open_now(object, call);
    fake_forget_requests(store);
    fake_manners_of(store)->hold = true;
    return 0;
}

static int end(void **state)
{
    (void)state;
    ncr_pin_unref(pin);
    ncr_object_unref(object);
    ncr_call_unref(call);
    ncr_call_unref(other_call);
    nacre_cancel_free(cancel);
    fake_store_free(store);
    return 0;
}

static void wait_a_moment(void)
{
    const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
    nanosleep(&pause, NULL);
}

static void readers_of_one_block_cause_one_request(void **state)
{
    (void)state;
    test_fetch fetches[20];
    for (int i = 0; i < 20; i++)
        test_fetch_start(&fetches[i], pin, call, 100000, 5000);
    assert_int_equal(fake_count(store, 'g'), 1);
    fake_release_all(store);
    for (int i = 0; i < 20; i++) {
        test_fetch_check(&fetches[i], "v=1", 100000, 5000);
        test_fetch_clear(&fetches[i]);
    }
}

static void overlapping_reader_asks_only_for_the_rest(void **state)
{
    (void)state;
    test_fetch first, second;
    test_fetch_start(&first, pin, call, 100000, 5000);
    test_fetch_start(&second, pin, call, 102000, 5000);
    assert_int_equal(fake_count(store, 'g'), 2);
    assert_int_equal(fake_last(store).offset, 105000);
    assert_int_equal(fake_last(store).length, 2000);
    fake_release_all(store);
    test_fetch_check(&first, "v=1", 100000, 5000);
    test_fetch_check(&second, "v=1", 102000, 5000);
    test_fetch_clear(&first);
    test_fetch_clear(&second);
}

static void another_open_of_the_same_version_shares_requests(void **state)
{
    (void)state;
    fake_manners_of(store)->hold = false;
    ncr_pin *other = test_open_now(object, call);
    fake_forget_requests(store);
    fake_manners_of(store)->hold = true;
    test_fetch first, second;
    test_fetch_start(&first, pin, call, 100000, 5000);
    test_fetch_start(&second, other, call, 100000, 5000);
    assert_int_equal(fake_count(store, 'g'), 1);
    fake_release_all(store);
    test_fetch_check(&second, "v=1", 100000, 5000);
    test_fetch_clear(&first);
    test_fetch_clear(&second);
    ncr_pin_unref(other);
}

static void sharers_go_on_when_the_first_reader_is_cancelled(void **state)
{
    (void)state;
    test_fetch first, second;
    test_fetch_start(&first, pin, other_call, 100000, 5000);
    test_fetch_start(&second, pin, call, 100000, 5000);
    assert_int_equal(fake_count(store, 'g'), 1);
    nacre_cancel_trigger(cancel);
    fake_release_failed(store, NACRE_ERROR_CANCELLED); /* as the network ends it */
    assert_int_equal(first.op.status, NACRE_ERROR_CANCELLED);
    assert_int_equal(second.done, 0);
    assert_int_equal(fake_count(store, 'g'), 2); /* it asks on its own */
    fake_release_all(store);
    test_fetch_check(&second, "v=1", 100000, 5000);
    test_fetch_clear(&first);
    test_fetch_clear(&second);
}

static void sharers_go_on_when_the_first_reader_runs_out_of_time(void **state)
{
    (void)state;
    ncr_call *hasty = test_call_new("timeout=0.005", NULL);
    test_fetch first, second;
    test_fetch_start(&first, pin, hasty, 100000, 5000);
    test_fetch_start(&second, pin, call, 100000, 5000);
    wait_a_moment();
    fake_release_failed(store, NACRE_ERROR_UNAVAILABLE);
    assert_int_equal(first.op.status, NACRE_ERROR_UNAVAILABLE);
    fake_release_all(store);
    test_fetch_check(&second, "v=1", 100000, 5000);
    test_fetch_clear(&first);
    test_fetch_clear(&second);
    ncr_call_unref(hasty);
}

static void sharers_go_on_when_the_first_reader_is_denied(void **state)
{
    (void)state;
    fake_manners_of(store)->hold = false;
    ncr_store *as_other = fake_store_as(store, "other");
    ncr_object *theirs = fake_object_as(as_other, "k");
    ncr_pin *their_pin = test_open_now(theirs, other_call);
    fake_forget_requests(store);
    fake_manners_of(store)->hold = true;
    test_fetch first, second, third;
    test_fetch_start(&first, their_pin, other_call, 100000, 5000);
    test_fetch_start(&second, pin, call, 100000, 5000);
    fake_release_failed(store, NACRE_ERROR_DENIED);
    assert_int_equal(first.op.status, NACRE_ERROR_DENIED);
    assert_int_equal(second.done, 0);
    fake_release_all(store);
    test_fetch_check(&second, "v=1", 100000, 5000);
    /* With the same credentials another request would end alike. */
    test_fetch_start(&third, pin, other_call, 200000, 5000);
    test_fetch_clear(&second);
    test_fetch_start(&second, pin, call, 200000, 5000);
    fake_release_failed(store, NACRE_ERROR_DENIED);
    assert_int_equal(second.op.status, NACRE_ERROR_DENIED);
    test_fetch_clear(&first);
    test_fetch_clear(&second);
    test_fetch_clear(&third);
    ncr_pin_unref(their_pin);
    ncr_object_unref(theirs);
    ncr_store_unref(as_other);
}

static void sharers_get_a_failure_that_is_the_stores(void **state)
{
    (void)state;
    test_fetch first, second;
    test_fetch_start(&first, pin, other_call, 100000, 5000);
    test_fetch_start(&second, pin, call, 100000, 5000);
    fake_release_failed(store, NACRE_ERROR_UNAVAILABLE);
    assert_int_equal(first.op.status, NACRE_ERROR_UNAVAILABLE);
    assert_int_equal(second.op.status, NACRE_ERROR_UNAVAILABLE);
    assert_int_equal(fake_count(store, 'g'), 1);
    test_fetch_clear(&first);
    test_fetch_clear(&second);
}

/* Waits until something was done, at most half a second. */
static bool comes_soon(const _Atomic int *done)
{
    for (int i = 0; i < 50 && !*done; i++)
        wait_a_moment();
    return *done;
}

static void cancelled_sharer_does_not_wait_for_the_request_of_another(void **state)
{
    (void)state;
    test_fetch first, second;
    test_fetch_start(&first, pin, call, 100000, 5000);
    test_fetch_start(&second, pin, other_call, 100000, 5000);
    nacre_cancel_trigger(cancel);
    assert_true(comes_soon(&second.done));
    assert_int_equal(second.op.status, NACRE_ERROR_CANCELLED);
    assert_int_equal(first.done, 0);
    fake_release_all(store);
    test_fetch_check(&first, "v=1", 100000, 5000);
    test_fetch_clear(&first);
    test_fetch_clear(&second);
}

static void cancelled_open_does_not_wait_for_the_proof_of_another(void **state)
{
    (void)state;
    test_open first, second, third;
    test_open_start(&first, object, call);
    test_open_start(&second, object, other_call);
    test_open_start(&third, object, call);
    nacre_cancel_trigger(cancel);
    assert_true(comes_soon(&second.done));
    assert_int_equal(second.op.status, NACRE_ERROR_CANCELLED);
    assert_int_equal(first.done + third.done, 0);
    fake_release_all(store);
    assert_int_equal(first.op.status, NACRE_OK);
    assert_int_equal(third.op.status, NACRE_OK);
    test_open_clear(&first);
    test_open_clear(&second);
    test_open_clear(&third);
}

static void opens_go_on_when_the_first_of_a_shared_proof_is_cancelled(void **state)
{
    (void)state;
    test_open first, second, third;
    test_open_start(&first, object, call);
    test_open_start(&second, object, other_call); /* the next proof is for its call */
    test_open_start(&third, object, call);
    fake_release(store);
    nacre_cancel_trigger(cancel);
    fake_release_failed(store, NACRE_ERROR_CANCELLED);
    assert_int_equal(second.op.status, NACRE_ERROR_CANCELLED);
    assert_int_equal(third.done, 0);
    fake_release_all(store);
    assert_int_equal(third.op.status, NACRE_OK);
    test_open_clear(&first);
    test_open_clear(&second);
    test_open_clear(&third);
}

static void error_names_the_object_as_each_reader_does(void **state)
{
    (void)state;
    ncr_object *alias = ncr_object_new(object->store, "b", "k", "/vsifake/b/k", false);
    fake_manners_of(store)->hold = false;
    ncr_pin *other = test_open_now(alias, call);
    fake_manners_of(store)->hold = true;
    test_fetch first, second;
    test_fetch_start(&first, pin, call, 100000, 5000);
    test_fetch_start(&second, other, call, 100000, 5000);
    fake_release_failed(store, NACRE_ERROR_UNAVAILABLE);
    assert_string_equal(first.op.error.message, "fake://b/k: as the test wishes");
    assert_string_equal(second.op.error.message, "/vsifake/b/k: as the test wishes");
    test_fetch_clear(&first);
    test_fetch_clear(&second);
    ncr_pin_unref(other);
    ncr_object_unref(alias);
}

/* The child has what is cached, and neither waits for the parent's requests nor shares them. */
static void child_of_a_fork_keeps_the_cache_and_not_the_requests(void **state)
{
    (void)state;
    test_fetch under_way;
    test_open opening;
    test_fetch_start(&under_way, pin, call, 100000, 5000);
    test_open_start(&opening, object, call);
    pid_t child = fork();
    if (child == 0) {
        fake_manners_of(store)->hold = false;
        fake_forget_requests(store);
        test_fetch head, fetch;
        bool right = test_fetch_now(&head, pin, call, 0, 100) == NACRE_OK && fake_count(store, 'g') == 0 &&
                     test_fetch_now(&fetch, pin, call, 100000, 5000) == NACRE_OK && fake_count(store, 'g') == 1;
        ncr_pin *own = test_open_now(object, call);
        _exit(right && own ? 0 : 1);
    }
    int outcome;
    assert_int_equal(waitpid(child, &outcome, 0), child);
    assert_int_equal(outcome, 0);
    fake_release_all(store);
    test_fetch_check(&under_way, "v=1", 100000, 5000);
    test_fetch_clear(&under_way);
    test_open_clear(&opening);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(readers_of_one_block_cause_one_request),
        TEST(overlapping_reader_asks_only_for_the_rest),
        TEST(another_open_of_the_same_version_shares_requests),
        TEST(sharers_go_on_when_the_first_reader_is_cancelled),
        TEST(sharers_go_on_when_the_first_reader_runs_out_of_time),
        TEST(sharers_go_on_when_the_first_reader_is_denied),
        TEST(sharers_get_a_failure_that_is_the_stores),
        TEST(cancelled_sharer_does_not_wait_for_the_request_of_another),
        TEST(cancelled_open_does_not_wait_for_the_proof_of_another),
        TEST(opens_go_on_when_the_first_of_a_shared_proof_is_cancelled),
        TEST(error_names_the_object_as_each_reader_does),
        TEST(child_of_a_fork_keeps_the_cache_and_not_the_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
