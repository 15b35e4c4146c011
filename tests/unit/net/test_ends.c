/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "support/call.h"
#include "support/http_server.h"

/* Ends before the end: cancels and deadlines, by a clock that stands still but for the tests. How soon something ends
 * is told by that clock, whatever the machine's load; the machine's own time only bounds how long a test that fails
 * takes. The server never answers, and nothing else is due. */

enum { PROMPT_MS = 50, LONGEST_S = 10 };

static _Atomic int64_t now_ms = 1000000;

static int64_t stopped_clock(int wall)
{
    (void)wall;
    return now_ms;
}

static int stop_the_clock(void **state)
{
    (void)state;
    ncr_clock_replace(stopped_clock);
    return 0;
}

static int start_the_clock(void **state)
{
    (void)state;
    ncr_clock_replace(NULL);
    return 0;
}

typedef struct {
    test_server *server;
    ncr_call *call;
    ncr_http_request *request;
    atomic_bool done;
} fixture;

static void answer_never(void *user, const test_request *request, test_answer *answer)
{
    (void)user, (void)request;
    *answer = (test_answer){.status = 200, .hang = true, .cut_after = 5};
}

static void answer_later(void *user, const test_request *request, test_answer *answer)
{
    (void)user, (void)request;
    *answer = (test_answer){.status = 503, .headers = "Retry-After: 30\r\n"};
}

static void note_done(ncr_http_request *request)
{
    ((fixture *)request->user)->done = true;
}

/* The call is the fixture's from now on. */
static void begin(fixture *f, test_handler handler, ncr_call *call)
{
    *f = (fixture){.server = test_server_start(handler, NULL), .call = call};
    assert_non_null(f->server);
    f->request = test_get_new(call, test_server_port(f->server), "/k", 0, 0);
    f->request->done = note_done;
    f->request->user = f;
}

static void start(fixture *f)
{
    ncr_http_start(f->request);
    for (int i = 0; i < LONGEST_S * 1000 && !test_server_request_count(f->server); i++)
        usleep(1000);
    assert_int_equal(test_server_request_count(f->server), 1);
}

/* Lets the loop turn a few times. */
static void assert_goes_on(fixture *f)
{
    usleep(100000);
    assert_false(f->done);
}

static void assert_ends(fixture *f, nacre_status status, const char *message)
{
    for (int i = 0; i < LONGEST_S * 1000 && !f->done; i++)
        usleep(1000);
    assert_true(f->done);
    assert_int_equal(f->request->status, status);
    assert_string_equal(f->request->error.message, message);
}

static void end(fixture *f)
{
    test_server_stop(f->server);
    test_get_free(f->request);
    ncr_call_unref(f->call);
}

static void a_cancel_ends_a_request_promptly(void **state)
{
    (void)state;
    fixture f;
    nacre_cancel *cancel = nacre_cancel_new();
    begin(&f, answer_never, test_call_with_cancel(cancel, NULL));
    start(&f);
    assert_goes_on(&f);
    nacre_cancel_trigger(cancel);
    now_ms += PROMPT_MS;
    assert_ends(&f, NACRE_ERROR_CANCELLED, "NAME: cancelled");
    f.done = false;
    ncr_http_start(f.request); /* and every later one */
    assert_ends(&f, NACRE_ERROR_CANCELLED, "NAME: cancelled");
    assert_int_equal(test_server_request_count(f.server), 1);
    nacre_cancel_free(cancel);
    end(&f);
}

static void a_cancel_ends_a_wait_for_the_next_attempt(void **state)
{
    (void)state;
    fixture f;
    nacre_cancel *cancel = nacre_cancel_new();
    begin(&f, answer_later, test_call_with_cancel(cancel, NULL));
    start(&f);
    assert_goes_on(&f);
    nacre_cancel_trigger(cancel);
    now_ms += PROMPT_MS; /* of the 30 s */
    assert_ends(&f, NACRE_ERROR_CANCELLED, "NAME: cancelled");
    assert_int_equal(test_server_request_count(f.server), 1);
    nacre_cancel_free(cancel);
    end(&f);
}

static void a_deadline_ends_a_request(void **state)
{
    (void)state;
    fixture f;
    begin(&f, answer_never, test_call_new("timeout=5", NULL));
    start(&f);
    now_ms += 5000 - 1;
    assert_goes_on(&f);
    now_ms += PROMPT_MS;
    assert_ends(&f, NACRE_ERROR_UNAVAILABLE, "NAME: not done before the deadline");
    end(&f);
}

static void a_requests_own_time_limit_ends_it(void **state)
{
    (void)state;
    fixture f;
    begin(&f, answer_never, test_call_new("timeout=5", NULL));
    f.request->timeout_ms = 2000;
    start(&f);
    now_ms += 2000 - 1;
    assert_goes_on(&f);
    now_ms += PROMPT_MS;
    assert_ends(&f, NACRE_ERROR_UNAVAILABLE, "NAME: no answer within 2000 ms");
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cancel_ends_a_request_promptly),
        cmocka_unit_test(a_cancel_ends_a_wait_for_the_next_attempt),
        cmocka_unit_test(a_deadline_ends_a_request),
        cmocka_unit_test(a_requests_own_time_limit_ends_it),
    };
    return cmocka_run_group_tests(tests, stop_the_clock, start_the_clock);
}
