/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/call.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/pool.h"

static int64_t fake_now = 5000;

static int64_t fake_clock(int wall)
{
    return wall ? fake_now + 1000000 : fake_now;
}

static void a_deadline_follows_the_clock(void **state)
{
    (void)state;
    ncr_clock_replace(fake_clock);
    nacre_io_options options = NACRE_IO_OPTIONS_INIT;
    options.timeout_ms = 100;
    ncr_call *call;
    assert_int_equal(ncr_call_new(&options, &call, NULL), NACRE_OK);
    nacre_error err;
    assert_int_equal(ncr_call_check(call, "x", &err), NACRE_OK);
    fake_now += 100;
    assert_int_equal(ncr_call_check(call, "x", &err), NACRE_ERROR_UNAVAILABLE);
    assert_string_equal(err.message, "x: not done before the deadline");
    ncr_call_unref(call);
    ncr_clock_replace(NULL);
}

static void a_triggered_cancel_ends_calls_now_and_later(void **state)
{
    (void)state;
    nacre_cancel *cancel = nacre_cancel_new();
    nacre_io_options options = NACRE_IO_OPTIONS_INIT;
    options.cancel = cancel;
    ncr_call *call;
    assert_int_equal(ncr_call_new(&options, &call, NULL), NACRE_OK);
    assert_int_equal(ncr_call_check(call, "x", NULL), NACRE_OK);
    nacre_cancel_trigger(cancel);
    nacre_cancel_free(cancel); /* the call keeps it */
    assert_int_equal(ncr_call_check(call, "x", NULL), NACRE_ERROR_CANCELLED);
    ncr_call_unref(call);
}

static void counts_reach_the_caller_and_the_total(void **state)
{
    (void)state;
    nacre_io_stats before, after, mine = {0};
    nacre_io_stats_total(&before);
    nacre_io_options options = NACRE_IO_OPTIONS_INIT;
    options.stats = &mine;
    ncr_call *call;
    assert_int_equal(ncr_call_new(&options, &call, NULL), NACRE_OK);
    ncr_call_count(call, NCR_COUNT_REQUESTS, 3);
    ncr_call_count(call, NCR_COUNT_BYTES_RECEIVED, 100);
    ncr_call_round_used(call, 2);
    ncr_call_round_used(call, 1);
    ncr_call_report(call, &options);
    ncr_call_unref(call);
    nacre_io_stats_total(&after);
    assert_int_equal(mine.requests, 3);
    assert_int_equal(mine.bytes_received, 100);
    assert_int_equal(mine.rounds, 2);
    assert_int_equal(after.requests - before.requests, 3);
    assert_int_equal(after.rounds - before.rounds, 2);
}

static void a_message_is_one_line(void **state)
{
    (void)state;
    nacre_error err;
    assert_int_equal(ncr_error_set(&err, NACRE_ERROR_CORRUPT, "a\nb\tc"), NACRE_ERROR_CORRUPT);
    assert_string_equal(err.message, "a b c");
    assert_int_equal(ncr_error_errno(&err, ENOENT, "/p", "open"), NACRE_ERROR_NOT_FOUND);
    assert_string_equal(err.message, "/p: cannot open: No such file or directory");
    assert_int_equal(ncr_error_errno(NULL, ENOSPC, "/p", "write"), NACRE_ERROR_IO);
    assert_string_equal(nacre_status_text(NACRE_ERROR_REFUSED), "refused");
    assert_string_equal(nacre_status_text((nacre_status)99), "unknown status");
}

static char last_line[256];

static void keep_line(void *user, int level, const char *text)
{
    (void)level;
    *(int *)user += 1;
    strncat(last_line, text, sizeof last_line - 1);
}

static void log_lines_go_to_the_receiver(void **state)
{
    (void)state;
    int lines = 0;
    ncr_log(NCR_LOG_INFO, "lost");
    ncr_log_set(keep_line, &lines);
    ncr_log(NCR_LOG_INFO, "kept %d", 1);
    ncr_log_set(NULL, NULL);
    ncr_log(NCR_LOG_INFO, "lost");
    assert_int_equal(lines, 1);
    assert_string_equal(last_line, "kept 1");
}

static void a_log_line_is_one_line_without_secrets(void **state)
{
    (void)state;
    int lines = 0;
    last_line[0] = '\0';
    ncr_log_set(keep_line, &lines);
    ncr_log(NCR_LOG_DEBUG, "%s: written", "http://h/a\nb?sig=abc");
    ncr_log_set(NULL, NULL);
    assert_int_equal(lines, 1);
    assert_null(strchr(last_line, '\n'));
    assert_null(strstr(last_line, "abc"));
    assert_non_null(strstr(last_line, "http://h/a b?sig="));
}

static void the_key_threads_sizes_the_pool(void **state)
{
    (void)state;
    nacre_io_options options = NACRE_IO_OPTIONS_INIT;
    nacre_config *config = nacre_config_new();
    options.config = config;
    assert_int_equal(nacre_config_set(config, "threads", "3", NULL), NACRE_OK);
    ncr_call *call;
    assert_int_equal(ncr_call_new(&options, &call, NULL), NACRE_OK);
    assert_int_equal(ncr_pool_threads(), 3);
    ncr_call_unref(call);
    nacre_config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deadline_follows_the_clock),
        cmocka_unit_test(a_triggered_cancel_ends_calls_now_and_later),
        cmocka_unit_test(counts_reach_the_caller_and_the_total),
        cmocka_unit_test(a_message_is_one_line),
        cmocka_unit_test(log_lines_go_to_the_receiver),
        cmocka_unit_test(a_log_line_is_one_line_without_secrets),
        cmocka_unit_test(the_key_threads_sizes_the_pool),
    };
    return cmocka_run_group_tests_name("base/call", tests, NULL, NULL);
}
