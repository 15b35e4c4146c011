/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/retry.h"

static void only_passing_statuses_are_tried_again(void **state)
{
    (void)state;
    for (int status = 100; status < 600; status++) {
        bool expected =
            status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
        assert_int_equal(ncr_retry_status(status), expected);
    }
}

static void retry_after_reads_seconds_and_dates(void **state)
{
    (void)state;
    const int64_t noon_ms = 1767268800000; /* Thu, 01 Jan 2026 12:00:00 GMT */
    assert_int_equal(ncr_retry_after_ms(NULL, noon_ms), -1);
    assert_int_equal(ncr_retry_after_ms("0", noon_ms), 0);
    assert_int_equal(ncr_retry_after_ms("7", noon_ms), 7000);
    assert_int_equal(ncr_retry_after_ms("86400", noon_ms), NCR_RETRY_AFTER_MAX_MS);
    assert_int_equal(ncr_retry_after_ms("soon", noon_ms), -1);
    assert_int_equal(ncr_retry_after_ms("-5", noon_ms), -1);
    assert_int_equal(ncr_retry_after_ms("Thu, 01 Jan 2026 12:00:09 GMT", noon_ms), 9000);
    assert_int_equal(ncr_retry_after_ms("Thu, 01 Jan 2026 11:00:00 GMT", noon_ms), 0);
    assert_int_equal(ncr_retry_after_ms("Thu, 01 Jan 2026 13:00:00 GMT", noon_ms), NCR_RETRY_AFTER_MAX_MS);
}

static void waits_double_with_full_jitter(void **state)
{
    (void)state;
    assert_int_equal(ncr_retry_wait_ms(1, 100, 0, -1), 0);
    assert_int_equal(ncr_retry_wait_ms(1, 100, UINT32_MAX, -1), 99);
    assert_int_equal(ncr_retry_wait_ms(1, 100, 1u << 31, -1), 50);
    assert_int_equal(ncr_retry_wait_ms(2, 100, 1u << 31, -1), 100);
    assert_int_equal(ncr_retry_wait_ms(6, 100, 1u << 31, -1), 1600);
    assert_int_equal(ncr_retry_wait_ms(60, 100, 1u << 31, -1), 1600); /* no longer than 32 times */
    assert_int_equal(ncr_retry_wait_ms(9, INT64_MAX, UINT32_MAX, -1), 59999);
}

static void retry_after_is_the_least_wait(void **state)
{
    (void)state;
    assert_int_equal(ncr_retry_wait_ms(1, 100, UINT32_MAX, 5000), 5000);
    assert_int_equal(ncr_retry_wait_ms(6, 1000, UINT32_MAX, 5000), 31999);
}

static void a_dead_server_gets_no_more_than_the_limit(void **state)
{
    (void)state;
    ncr_retry_budget budget;
    ncr_retry_budget_init(&budget, 0);
    unsigned sent = 0;
    for (unsigned failures = 1; failures < 100; failures++) {
        ncr_retry_note(&budget, 1, false, 0);
        sent += ncr_retry_take(&budget, 1, failures, 5, 0);
    }
    assert_int_equal(sent, 5);
    assert_false(ncr_retry_take(&budget, 1, 1, 0, 0)); /* none wanted */
}

static void an_object_that_always_fails_gets_no_more_than_the_limit(void **state)
{
    (void)state;
    ncr_retry_budget budget;
    ncr_retry_budget_init(&budget, 0);
    for (int i = 0; i < 1000; i++)
        ncr_retry_note(&budget, 1, true, 0); /* others are fine */
    unsigned sent = 0;
    for (unsigned failures = 1; failures < 100; failures++) {
        ncr_retry_note(&budget, 1, false, 0);
        sent += ncr_retry_take(&budget, 1, failures, 5, 0);
    }
    assert_int_equal(sent, 5);
}

/* 200 tiles at once, each attempt failing by chance: all end right, whatever the seed. */
static bool all_tiles_arrive(uint32_t seed, unsigned *retries)
{
    enum { TILES = 200 };
    unsigned failures[TILES] = {0};
    bool done[TILES] = {false};
    ncr_retry_budget budget;
    ncr_retry_budget_init(&budget, 0);
    *retries = 0;
    for (int round = 0, left = TILES; left; round++)
        for (int i = 0; i < TILES; i++) {
            if (done[i])
                continue;
            seed = seed * 1664525u + 1013904223u;
            done[i] = seed >> 31;
            ncr_retry_note(&budget, 1, done[i], round);
            left -= done[i];
            if (done[i])
                continue;
            if (!ncr_retry_take(&budget, 1, ++failures[i], 5, round))
                return false;
            ++*retries;
        }
    return true;
}

static void another_servers_luck_does_not_count(void **state)
{
    (void)state;
    ncr_retry_budget budget;
    ncr_retry_budget_init(&budget, 0);
    for (int i = 0; i < 1000; i++)
        ncr_retry_note(&budget, 2, i % 2, 0);
    assert_true(ncr_retry_take(&budget, 2, 6, 5, 0));
    assert_false(ncr_retry_take(&budget, 1, 6, 5, 0));
    assert_false(ncr_retry_take(&budget, 2, 20, 5, 0));
    for (uint64_t server = 3; server < 30; server++)
        ncr_retry_note(&budget, server, true, (int64_t)server);
    assert_false(ncr_retry_take(&budget, 2, 6, 5, 30)); /* forgotten */
}

static void one_failure_in_two_is_survived(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 500; seed++) {
        unsigned retries;
        if (!all_tiles_arrive(seed * 2654435761u, &retries))
            fail_msg("seed %u", seed);
    }
}

static void retries_of_a_dead_server_end_with_the_budget(void **state)
{
    (void)state;
    ncr_retry_budget budget;
    ncr_retry_budget_init(&budget, 0);
    unsigned sent = 0;
    for (int request = 0; request < 1000; request++)
        for (unsigned failures = 1; failures <= 5; failures++) {
            ncr_retry_note(&budget, 1, false, 0);
            sent += ncr_retry_take(&budget, 1, failures, 5, 0);
        }
    assert_int_equal(sent, NCR_RETRY_TOKENS);
    assert_false(ncr_retry_take(&budget, 1, 1, 5, 50));
    assert_true(ncr_retry_take(&budget, 1, 1, 5, 100)); /* time gives some back */
    assert_false(ncr_retry_take(&budget, 1, 1, 5, 100));
    ncr_retry_note(&budget, 1, true, 100); /* and so do good answers */
    assert_true(ncr_retry_take(&budget, 1, 1, 5, 100));
}

static void a_clock_that_goes_back_is_borne(void **state)
{
    (void)state;
    ncr_retry_budget budget;
    ncr_retry_budget_init(&budget, 1000000);
    for (int i = 0; i < NCR_RETRY_TOKENS; i++)
        assert_true(ncr_retry_take(&budget, 1, 1, 5, 0));
    assert_false(ncr_retry_take(&budget, 1, 1, 5, 999999));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_passing_statuses_are_tried_again),
        cmocka_unit_test(retry_after_reads_seconds_and_dates),
        cmocka_unit_test(waits_double_with_full_jitter),
        cmocka_unit_test(retry_after_is_the_least_wait),
        cmocka_unit_test(a_dead_server_gets_no_more_than_the_limit),
        cmocka_unit_test(an_object_that_always_fails_gets_no_more_than_the_limit),
        cmocka_unit_test(another_servers_luck_does_not_count),
        cmocka_unit_test(one_failure_in_two_is_survived),
        cmocka_unit_test(retries_of_a_dead_server_end_with_the_budget),
        cmocka_unit_test(a_clock_that_goes_back_is_borne),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
