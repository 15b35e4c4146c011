/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/call.h"
#include "support/http_server.h"

/* A process that forks while another thread of it sends its very first request. A program of its own, since there is
 * one first request only. */

static test_server *server;
static ncr_call *call;
static bool is_due; /* the first request is sent in the middle of the next fork */
static nacre_status first_status = NACRE_ERROR_INVALID;

static void answer_ok(void *user, const test_request *request, test_answer *answer)
{
    (void)user;
    (void)request;
    *answer = (test_answer){.status = 200, .body = "0123456789", .body_size = 10};
}

static nacre_status fetch(void)
{
    ncr_http_request *request = test_get_new(call, test_server_port(server), "/k", 0, 0);
    nacre_status status = ncr_http_perform(request, NULL);
    test_get_free(request);
    return status;
}

static void *fetch_first(void *user)
{
    (void)user;
    first_status = fetch();
    return NULL;
}

static void in_the_middle_of_a_fork(void)
{
    pthread_t thread;
    if (!is_due)
        return;
    is_due = false;
    pthread_create(&thread, NULL, fetch_first, NULL);
    pthread_join(thread, NULL);
}

static void a_child_of_the_moment_of_the_first_request_has_its_own_loop(void **state)
{
    (void)state;
    server = test_server_start(answer_ok, NULL);
    call = test_call_new(NULL);
    pthread_atfork(in_the_middle_of_a_fork, NULL, NULL);
    is_due = true;
    pid_t child = fork();
    if (child == 0) {
        alarm(20); /* a child that waits for its parent's loop waits for ever */
        _exit(fetch() == NACRE_OK ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(first_status, NACRE_OK);
    assert_int_equal(fetch(), NACRE_OK);
    ncr_call_unref(call);
    test_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_of_the_moment_of_the_first_request_has_its_own_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
