/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "net/spoiled.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

/* Servers and connections that fail: statuses, resets, stalls, nobody there. */

/* --- Statuses. --- */

static int passing_status;

static void fail_first(const test_request *request, test_answer *answer, test_object *object)
{
    (void)object;
    if (request->index == 0)
        *answer = (test_answer){.status = passing_status, .body = "not now", .body_size = 7};
}

static void passing_statuses_are_tried_again(void **state)
{
    (void)state;
    static const int statuses[] = {408, 429, 500, 502, 503, 504};
    for (size_t i = 0; i < 6; i++) {
        fixture f;
        passing_status = statuses[i];
        begin(&f, fail_first);
        ncr_call *call = test_call_new(NULL);
        check_range(&f, call, f.bytes);
        assert_int_equal(call->counters.requests, 2);
        assert_int_equal(call->counters.retries, 1);
        assert_int_equal(call->counters.connections, 1);
        ncr_call_unref(call);
        end(&f);
    }
}

static void other_statuses_are_not_tried_again(void **state)
{
    (void)state;
    static const int statuses[] = {304, 400, 401, 403, 404, 409, 412, 501};
    for (size_t i = 0; i < 8; i++) {
        fixture f;
        passing_status = statuses[i];
        begin(&f, fail_first);
        ncr_call *call = test_call_new(NULL);
        ncr_http_request *request = test_get_new(call, f.port, "/k", 0, 10);
        assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
        assert_int_equal(request->response.status, statuses[i]);
        assert_int_equal(test_server_request_count(f.server), 1);
        test_get_free(request);
        ncr_call_unref(call);
        end(&f);
    }
}

static void fail_always(const test_request *request, test_answer *answer, test_object *object)
{
    (void)request, (void)object;
    *answer = (test_answer){.status = 503, .body = "busy", .body_size = 4};
}

static void a_status_that_stays_is_handed_over(void **state)
{
    (void)state;
    fixture f;
    begin(&f, fail_always);
    ncr_call *call = test_call_new("http.retries=3", NULL);
    ncr_http_request *request = test_get_new(call, f.port, "/k", 0, 10);
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
    assert_int_equal(request->response.status, 503);
    assert_int_equal(request->response.attempts, 4);
    assert_int_equal(request->response.sent, 4);
    assert_memory_equal(request->response.whole.data, "busy", 4);
    assert_int_equal(test_server_request_count(f.server), 4);
    nacre_error error;
    assert_int_equal(ncr_http_status_error(request, NULL, &error), NACRE_ERROR_UNAVAILABLE);
    test_get_free(request);
    ncr_call_unref(call);
    end(&f);
}

static void only_repeatable_requests_are_repeated(void **state)
{
    (void)state;
    static const struct {
        const char *method;
        bool idempotent, no_retry;
        unsigned sent;
    } rows[] = {{"POST", false, false, 1}, {"PUT", false, false, 1}, {"DELETE", false, false, 1},
                {"PUT", true, false, 2},   {"POST", true, false, 2}, {"HEAD", false, false, 2},
                {"GET", false, true, 1},   {"PUT", true, true, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fixture f;
        passing_status = 503;
        begin(&f, fail_first);
        ncr_call *call = test_call_new(NULL);
        ncr_http_request *request = test_get_new(call, f.port, "/k", 0, 0);
        request->method = rows[i].method;
        request->idempotent = rows[i].idempotent;
        request->no_retry = rows[i].no_retry;
        request->body = rows[i].method[0] == 'P' ? "body" : NULL;
        request->body_size = request->body ? 4 : 0;
        assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
        assert_int_equal(request->response.status, rows[i].sent == 1 ? 503 : 200);
        assert_int_equal(test_server_request_count(f.server), rows[i].sent);
        if (request->body)
            assert_memory_equal(test_server_request(f.server, rows[i].sent - 1)->body, "body", 4);
        test_get_free(request);
        ncr_call_unref(call);
        end(&f);
    }
}

static void ask_for_a_wait(const test_request *request, test_answer *answer, test_object *object)
{
    (void)object;
    if (request->index == 0)
        *answer = (test_answer){.status = 429, .headers = "Retry-After: 1\r\n"};
}

static void retry_after_is_waited_for(void **state)
{
    (void)state;
    fixture f;
    begin(&f, ask_for_a_wait);
    ncr_call *call = test_call_new(NULL);
    int64_t begin_ms = ncr_clock_ms();
    check_range(&f, call, f.bytes);
    assert_in_range(ncr_clock_ms() - begin_ms, 1000, 10000);
    ncr_call_unref(call);
    end(&f);
}

static void ask_for_a_long_wait(const test_request *request, test_answer *answer, test_object *object)
{
    (void)request, (void)object;
    *answer = (test_answer){.status = 429, .headers = "Retry-After: 50\r\n"};
}

static void a_wait_beyond_the_deadline_is_not_begun(void **state)
{
    (void)state;
    fixture f;
    begin(&f, ask_for_a_long_wait);
    ncr_call *call = test_call_new("timeout=30", NULL);
    ncr_http_request *request = test_get_new(call, f.port, "/k", 0, 10);
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK); /* the deadline's own end would be UNAVAILABLE */
    assert_int_equal(request->response.status, 429);
    test_get_free(request);
    ncr_call_unref(call);
    end(&f);
}

/* --- Connections. --- */

static void reset_first(const test_request *request, test_answer *answer, test_object *object)
{
    (void)object;
    if (request->index == 0) {
        answer->status = 0;
        answer->reset = true;
    }
}

static void a_reset_before_the_answer_is_tried_again(void **state)
{
    (void)state;
    fixture f;
    begin(&f, reset_first);
    ncr_call *call = test_call_new(NULL);
    check_range(&f, call, f.bytes);
    assert_int_equal(call->counters.requests, 2);
    assert_int_equal(call->counters.retries, 1);
    ncr_call_unref(call);
    end(&f);
}

static void reset_in_head(const test_request *request, test_answer *answer, test_object *object)
{
    (void)object;
    if (request->index == 0) {
        answer->cut_after = 30;
        answer->reset = true;
    }
}

static void a_reset_within_the_head_is_tried_again(void **state)
{
    (void)state;
    fixture f;
    begin(&f, reset_in_head);
    ncr_call *call = test_call_new(NULL);
    check_range(&f, call, f.bytes);
    assert_int_equal(call->counters.retries, 1);
    ncr_call_unref(call);
    end(&f);
}

static void lose_answers(const test_request *request, test_answer *answer, test_object *object)
{
    (void)object;
    *answer = (test_answer){.status = request->index ? 0 : 200};
}

static void a_lost_answer_to_a_change_is_not_sent_again(void **state)
{
    (void)state;
    fixture f;
    begin(&f, lose_answers);
    ncr_call *call = test_call_new(NULL);
    ncr_http_request *request = test_get_new(call, f.port, "/k", 0, 0);
    request->method = "POST";
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
    nacre_error error;
    /* On a connection that is kept from before libcurl would send it again by itself. */
    assert_int_equal(ncr_http_perform(request, &error), NACRE_ERROR_UNAVAILABLE);
    assert_int_equal(test_server_request_count(f.server), 2);
    test_get_free(request);
    ncr_call_unref(call);
    end(&f);
}

/* A port at which nobody listens; *fd holds it. */
static unsigned take_port(int *fd)
{
    *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    assert_int_equal(bind(*fd, (struct sockaddr *)&address, sizeof address), 0);
    getsockname(*fd, (struct sockaddr *)&address, &size);
    return ntohs(address.sin_port);
}

static void refused_connections_are_told(void **state)
{
    (void)state;
    fixture f;
    int fd;
    begin(&f, NULL);
    f.port = take_port(&fd);
    ncr_call *call = test_call_new("http.retries=2", NULL);
    nacre_error error = fail_range(&f, call, 0, 10);
    char expected[128];
    snprintf(expected, sizeof expected, "NAME: cannot connect to 127.0.0.1:%u: connection refused (3 attempts)",
             f.port);
    assert_string_equal(error.message, expected);
    assert_int_equal(error.status, NACRE_ERROR_UNAVAILABLE);
    assert_int_equal(call->counters.requests, 0);
    close(fd);
    ncr_call_unref(call);
    end(&f);
}

/* A signer that is asked before each attempt: at the second, somebody listens. */
typedef struct {
    ncr_http_signer base;
    int listener;
    unsigned attempts;
} late_listener;

static ncr_http_ready listen_late(ncr_http_signer *base, ncr_http_attempt *attempt, const char *name, nacre_error *err)
{
    (void)attempt, (void)name, (void)err;
    late_listener *late = (late_listener *)base;
    if (++late->attempts == 2)
        assert_int_equal(listen(late->listener, 4), 0);
    return NCR_HTTP_READY;
}

/* Answers one request. */
static void *answer_one(void *user)
{
    static const char answer[] = "HTTP/1.1 412 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    const late_listener *late = user;
    char data[4096];
    int fd = accept4(late->listener, NULL, NULL, SOCK_CLOEXEC);
    while (fd < 0 && errno == EINVAL) { /* it does not listen yet */
        usleep(1000);
        fd = accept4(late->listener, NULL, NULL, SOCK_CLOEXEC);
    }
    recv(fd, data, sizeof data, 0);
    send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
    close(fd);
    return NULL;
}

static void attempts_that_came_to_no_connection_are_not_sent(void **state)
{
    (void)state;
    static const ncr_http_signer_class class = {.sign = listen_late};
    late_listener late = {.base.class = &class};
    pthread_t thread;
    unsigned port = take_port(&late.listener);
    ncr_call *call = test_call_new("http.retries=2", NULL);
    ncr_http_request *request = test_get_new(call, port, "/k", 0, 0);
    request->method = "DELETE";
    request->idempotent = true;
    request->signer = &late.base;
    pthread_create(&thread, NULL, answer_one, &late);
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
    pthread_join(thread, NULL);
    assert_int_equal(request->response.status, 412);
    assert_int_equal(request->response.attempts, 2);
    assert_int_equal(request->response.sent, 1);
    close(late.listener);
    test_get_free(request);
    ncr_call_unref(call);
}

/* No listener, no such name, and a server that does not know TLS: nothing of the request leaves. */
static void what_never_left_is_not_sent(void **state)
{
    (void)state;
    fixture f;
    int fd;
    char refused[64], broken[64];
    begin(&f, NULL);
    snprintf(refused, sizeof refused, "http://127.0.0.1:%u/k", take_port(&fd));
    snprintf(broken, sizeof broken, "https://127.0.0.1:%u/k", f.port);
    const char *const urls[] = {refused, broken, "http://no-such-host.invalid/k"};
    ncr_call *call = test_call_new("http.retries=1", NULL);
    for (size_t i = 0; i < 3; i++) {
        ncr_http_request *request = ncr_http_request_new("GET", urls[i], "NAME", call);
        assert_int_equal(ncr_http_perform(request, NULL), NACRE_ERROR_UNAVAILABLE);
        assert_int_equal(request->response.attempts, 2);
        assert_int_equal(request->response.sent, 0);
        ncr_http_request_free(request);
    }
    close(fd);
    ncr_call_unref(call);
    end(&f);
}

static void unknown_hosts_are_told(void **state)
{
    (void)state;
    ncr_call *call = test_call_new("http.retries=0", NULL);
    ncr_http_request *request = ncr_http_request_new("GET", "http://no-such-host.invalid/k", "NAME", call);
    nacre_error error;
    assert_int_equal(ncr_http_perform(request, &error), NACRE_ERROR_UNAVAILABLE);
    assert_string_equal(error.message, "NAME: cannot find the address of no-such-host.invalid");
    ncr_http_request_free(request);
    ncr_call_unref(call);
}

static void a_url_that_is_none_is_told(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    static const char *const urls[] = {"ftp://127.0.0.1/k", "file:///etc/passwd", "http://", "k"};
    for (size_t i = 0; i < 4; i++) {
        ncr_http_request *request = ncr_http_request_new("GET", urls[i], "NAME", call);
        nacre_error error;
        assert_int_equal(ncr_http_perform(request, &error), NACRE_ERROR_INVALID);
        assert_string_equal(error.message, "NAME: not an HTTP URL");
        ncr_http_request_free(request);
    }
    ncr_call_unref(call);
}

static void stall_first(const test_request *request, test_answer *answer, test_object *object)
{
    (void)object;
    if (request->index == 0) {
        answer->cut_body_after1 = 1001;
        answer->hang = true;
    }
}

static void a_stall_is_broken_off_and_resumed(void **state)
{
    (void)state;
    fixture f;
    begin(&f, stall_first);
    ncr_call *call = test_call_new("http.stall_timeout=0.3", NULL);
    int64_t begin_ms = ncr_clock_ms();
    check_range(&f, call, f.bytes);
    assert_in_range(ncr_clock_ms() - begin_ms, 300, 10000);
    check_header(&f, 1, "range", "bytes=2000-150999");
    ncr_call_unref(call);
    end(&f);
}

static void drip(const test_request *request, test_answer *answer, test_object *object)
{
    (void)request, (void)object;
    answer->drip_size = 10000;
    answer->drip_ms = 40;
}

static void a_slow_drip_is_no_stall(void **state)
{
    (void)state;
    fixture f;
    begin(&f, drip);
    ncr_call *call = test_call_new("http.stall_timeout=0.3", NULL);
    int64_t begin_ms = ncr_clock_ms();
    check_range(&f, call, f.bytes);
    assert_in_range(ncr_clock_ms() - begin_ms, 500, 10000);
    assert_int_equal(call->counters.retries, 0);
    ncr_call_unref(call);
    end(&f);
}

static void a_server_that_does_not_speak_http_is_told(void **state)
{
    (void)state;
    fixture f;
    begin(&f, NULL);
    ncr_call *call = test_call_new("http.retries=1", NULL);
    char url[64];
    snprintf(url, sizeof url, "https://127.0.0.1:%u/k", f.port);
    ncr_http_request *request = ncr_http_request_new("GET", url, "NAME", call);
    nacre_error error;
    assert_int_equal(ncr_http_perform(request, &error), NACRE_ERROR_UNAVAILABLE);
    assert_non_null(strstr(error.message, "TLS with 127.0.0.1:"));
    ncr_http_request_free(request);
    ncr_call_unref(call);
    end(&f);
}

/* --- Many at once. --- */

static unsigned chance_state;

static void fail_one_in_two(const test_request *request, test_answer *answer, test_object *object)
{
    (void)request, (void)object;
    chance_state = chance_state * 1664525u + 1013904223u;
    if (chance_state >> 31)
        return;
    switch (chance_state >> 28 & 3) {
    case 0:
        *answer = (test_answer){.status = 503};
        break;
    case 1:
        *answer = (test_answer){.status = 0, .reset = true};
        break;
    case 2:
        answer->cut_body_after1 = 1 + (chance_state >> 8) % 500;
        break;
    default:
        answer->cut_body_after1 = 1 + (chance_state >> 8) % 500;
        answer->reset = true;
    }
}

static void two_hundred_tiles_survive_one_failure_in_two(void **state)
{
    (void)state;
    enum { TILES = 200 };
    for (unsigned seed = 1; seed <= 3; seed++) {
        fixture f;
        chance_state = seed * 7919;
        begin(&f, fail_one_in_two);
        ncr_call *call = test_call_new(NULL);
        ncr_http_request *requests[TILES];
        for (size_t i = 0; i < TILES; i++)
            requests[i] = test_get_new(call, f.port, "/k", i * 900, 500);
        test_fetch_all(requests, TILES);
        for (size_t i = 0; i < TILES; i++) {
            if (requests[i]->status != NACRE_OK)
                fail_msg("seed %u, tile %zu: %s", seed, i, requests[i]->error.message);
            assert_int_equal(requests[i]->response.received, 500);
            assert_memory_equal(requests[i]->sink.data, f.bytes + i * 900, 500);
            test_get_free(requests[i]);
        }
        ncr_call_unref(call);
        end(&f);
    }
}

static void a_dead_server_ends_by_the_deadline(void **state)
{
    (void)state;
    fixture f;
    begin(&f, fail_always);
    ncr_call *call = test_call_new("timeout=1", "http.retry_delay=0.2", NULL);
    ncr_http_request *requests[20];
    int64_t begin_ms = ncr_clock_ms();
    for (size_t i = 0; i < 20; i++)
        requests[i] = test_get_new(call, f.port, "/k", i, 500);
    test_fetch_all(requests, 20);
    assert_in_range(ncr_clock_ms() - begin_ms, 0, 10000);
    for (size_t i = 0; i < 20; i++) {
        assert_true(requests[i]->status == NACRE_ERROR_UNAVAILABLE || requests[i]->response.status == 503);
        test_get_free(requests[i]);
    }
    ncr_call_unref(call);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passing_statuses_are_tried_again),
        cmocka_unit_test(other_statuses_are_not_tried_again),
        cmocka_unit_test(a_status_that_stays_is_handed_over),
        cmocka_unit_test(only_repeatable_requests_are_repeated),
        cmocka_unit_test(retry_after_is_waited_for),
        cmocka_unit_test(a_wait_beyond_the_deadline_is_not_begun),
        cmocka_unit_test(a_reset_before_the_answer_is_tried_again),
        cmocka_unit_test(a_reset_within_the_head_is_tried_again),
        cmocka_unit_test(a_lost_answer_to_a_change_is_not_sent_again),
        cmocka_unit_test(refused_connections_are_told),
        cmocka_unit_test(attempts_that_came_to_no_connection_are_not_sent),
        cmocka_unit_test(what_never_left_is_not_sent),
        cmocka_unit_test(unknown_hosts_are_told),
        cmocka_unit_test(a_url_that_is_none_is_told),
        cmocka_unit_test(a_stall_is_broken_off_and_resumed),
        cmocka_unit_test(a_slow_drip_is_no_stall),
        cmocka_unit_test(a_server_that_does_not_speak_http_is_told),
        cmocka_unit_test(two_hundred_tiles_survive_one_failure_in_two),
        cmocka_unit_test(a_dead_server_ends_by_the_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
