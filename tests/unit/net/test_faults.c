/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/clock.h"
#include "support/call.h"
#include "support/http_server.h"

/* What goes wrong on the way, and that the right bytes or one clear error come of it. */

enum { SIZE = 200000, PART = 150000, OFFSET = 1000 };

/* A server of one object; change() spoils the answer to a request. */
typedef struct {
    test_object object;
    uint8_t *bytes;
    test_server *server;
    unsigned port;
    void (*change)(const test_request *request, test_answer *answer, test_object *object);
} fixture;

static void answer_spoiled(void *user, const test_request *request, test_answer *answer)
{
    fixture *f = user;
    test_object_answer(&f->object, request, answer);
    if (f->change)
        f->change(request, answer, &f->object);
}

static void begin(fixture *f, void (*change)(const test_request *, test_answer *, test_object *))
{
    *f = (fixture){.bytes = test_bytes(SIZE, 1), .change = change};
    f->object = (test_object){.data = f->bytes, .size = SIZE, .etag = "\"v1\""};
    f->server = test_server_start(answer_spoiled, f);
    assert_non_null(f->server);
    f->port = test_server_port(f->server);
}

static void end(fixture *f)
{
    test_server_stop(f->server);
    free(f->bytes);
}

/* Fetches a range and checks that it is the first or, with other, that object's. */
static void check_range(fixture *f, ncr_call *call, const uint8_t *expected)
{
    ncr_http_request *request = test_get_new(call, f->port, "/k", OFFSET, PART);
    nacre_error error;
    if (ncr_http_perform(request, &error) != NACRE_OK)
        fail_msg("%s", error.message);
    assert_int_equal(request->response.status, 206);
    assert_int_equal(request->response.received, PART);
    assert_true(request->response.is_range);
    assert_int_equal(request->response.total, SIZE);
    assert_memory_equal(request->sink.data, expected + OFFSET, PART);
    test_get_free(request);
}

/* Fetches a range and gives the error that came of it. */
static nacre_error fail_range(fixture *f, ncr_call *call, uint64_t offset, size_t length)
{
    ncr_http_request *request = test_get_new(call, f->port, "/k", offset, length);
    nacre_error error = {0};
    nacre_status status = ncr_http_perform(request, &error);
    assert_int_not_equal(status, NACRE_OK);
    assert_int_equal(status, error.status);
    assert_memory_equal(error.message, "NAME: ", 6);
    test_get_free(request);
    return error;
}

static void check_header(fixture *f, unsigned index, const char *name, const char *expected)
{
    char value[128] = "";
    bool is_there = test_request_header(test_server_request(f->server, index), name, value, sizeof value);
    assert_int_equal(is_there, expected != NULL);
    if (expected)
        assert_string_equal(value, expected);
}

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
    assert_in_range(ncr_clock_ms() - begin_ms, 1000, 1500);
    ncr_call_unref(call);
    end(&f);
}

static void a_wait_beyond_the_deadline_is_not_begun(void **state)
{
    (void)state;
    fixture f;
    begin(&f, ask_for_a_wait);
    ncr_call *call = test_call_new("timeout=0.9", NULL);
    ncr_http_request *request = test_get_new(call, f.port, "/k", 0, 10);
    int64_t begin_ms = ncr_clock_ms();
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
    assert_int_equal(request->response.status, 429);
    assert_in_range(ncr_clock_ms() - begin_ms, 0, 500);
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

static void refused_connections_are_told(void **state)
{
    (void)state;
    fixture f;
    begin(&f, NULL);
    int fd = socket(AF_INET, SOCK_STREAM, 0); /* bound, but nobody listens */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    getsockname(fd, (struct sockaddr *)&address, &size);
    f.port = ntohs(address.sin_port);
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
    assert_in_range(ncr_clock_ms() - begin_ms, 300, 700);
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
    assert_in_range(ncr_clock_ms() - begin_ms, 500, 3000);
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

/* --- Bodies cut short. --- */

static void cut_first(const test_request *request, test_answer *answer, test_object *object)
{
    (void)object;
    if (request->index == 0)
        answer->cut_body_after1 = 77001;
}

static void a_cut_body_is_resumed_under_its_etag(void **state)
{
    (void)state;
    fixture f;
    begin(&f, cut_first);
    ncr_call *call = test_call_new(NULL);
    check_range(&f, call, f.bytes);
    check_header(&f, 0, "if-match", NULL);
    check_header(&f, 1, "range", "bytes=78000-150999");
    check_header(&f, 1, "if-match", "\"v1\"");
    assert_int_equal(call->counters.bytes_received, PART); /* nothing twice */
    ncr_call_unref(call);
    end(&f);
}

static void a_cut_whole_body_is_resumed(void **state)
{
    (void)state;
    fixture f;
    begin(&f, cut_first);
    ncr_call *call = test_call_new(NULL);
    ncr_http_request *request = test_get_new(call, f.port, "/k", 0, 0);
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
    assert_int_equal(request->response.status, 200); /* as the first answer said */
    assert_false(request->response.is_range);
    assert_int_equal(request->response.whole.size, SIZE);
    assert_int_equal(request->response.total, SIZE);
    assert_int_equal(request->response.content_length, SIZE);
    assert_memory_equal(request->response.whole.data, f.bytes, SIZE);
    check_header(&f, 1, "range", "bytes=77000-");
    test_get_free(request);
    ncr_call_unref(call);
    end(&f);
}

static void the_callers_precondition_is_kept_on_resuming(void **state)
{
    (void)state;
    fixture f;
    begin(&f, cut_first);
    ncr_call *call = test_call_new(NULL);
    ncr_http_request *request = test_get_new(call, f.port, "/k?generation=5", 0, 0);
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
    check_header(&f, 1, "if-match", NULL);
    test_get_free(request);
    ncr_call_unref(call);
    end(&f);
}

static size_t cut_at;

static void cut_there(const test_request *request, test_answer *answer, test_object *object)
{
    (void)object;
    if (request->index % 2 == 0) {
        answer->cut_body_after1 = cut_at + 1;
        answer->reset = cut_at % 3 == 0;
    }
}

static void a_body_cut_at_any_byte_is_right(void **state)
{
    (void)state;
    fixture f;
    begin(&f, cut_there);
    f.object.size = 60;
    ncr_call *call = test_call_new(NULL);
    for (cut_at = 0; cut_at < 60; cut_at++) {
        ncr_http_request *request = test_get_new(call, f.port, "/k", 0, 60);
        nacre_error error;
        if (ncr_http_perform(request, &error) != NACRE_OK)
            fail_msg("cut at %zu: %s", cut_at, error.message);
        assert_int_equal(request->response.received, 60);
        assert_memory_equal(request->sink.data, f.bytes, 60);
        test_get_free(request);
    }
    ncr_call_unref(call);
    end(&f);
}

static void cut_always(const test_request *request, test_answer *answer, test_object *object)
{
    (void)request, (void)object;
    answer->cut_body_after1 = 101;
}

static void a_body_that_is_always_cut_ends(void **state)
{
    (void)state;
    fixture f;
    begin(&f, cut_always);
    ncr_call *call = test_call_new("http.retries=3", NULL);
    nacre_error error = fail_range(&f, call, 0, 1000);
    assert_string_equal(error.message, "NAME: connection broken off after 400 of 1000 bytes (4 attempts)");
    ncr_call_unref(call);
    end(&f);
}

static void cut_each_after_much(const test_request *request, test_answer *answer, test_object *object)
{
    (void)request, (void)object;
    answer->cut_body_after1 = (64 << 10) + 1;
}

static void progress_forgives_cuts(void **state)
{
    (void)state;
    fixture f;
    begin(&f, cut_each_after_much);
    ncr_call *call = test_call_new("http.retries=1", NULL);
    check_range(&f, call, f.bytes);
    assert_int_equal(call->counters.retries, 2);
    ncr_call_unref(call);
    end(&f);
}

static uint8_t *other_bytes;

static void replace_after_cut(const test_request *request, test_answer *answer, test_object *object)
{
    if (request->index)
        return;
    answer->cut_body_after1 = 77001;
    object->data = other_bytes;
    object->etag = "\"v2\"";
}

static void an_object_replaced_in_between_is_read_anew(void **state)
{
    (void)state;
    fixture f;
    other_bytes = test_bytes(SIZE, 2);
    begin(&f, replace_after_cut);
    ncr_call *call = test_call_new(NULL);
    check_range(&f, call, other_bytes);
    assert_int_equal(test_server_request_count(f.server), 3); /* cut, 412, the whole range */
    check_header(&f, 2, "if-match", NULL);
    check_header(&f, 2, "range", "bytes=1000-150999");
    ncr_call_unref(call);
    end(&f);
    free(other_bytes);
}

/* Like fake servers that take no notice of preconditions. */
static void replace_and_ignore_precondition(const test_request *request, test_answer *answer, test_object *object)
{
    replace_after_cut(request, answer, object);
    if (request->index == 1) {
        static char headers[128];
        snprintf(headers, sizeof headers, "ETag: \"v2\"\r\nContent-Range: bytes 78000-150999/%d\r\n", SIZE);
        *answer = (test_answer){.status = 206, .headers = headers, .body = other_bytes + 78000, .body_size = 73000};
    }
}

static void a_changed_etag_on_resuming_is_never_mixed(void **state)
{
    (void)state;
    fixture f;
    other_bytes = test_bytes(SIZE, 2);
    begin(&f, replace_and_ignore_precondition);
    ncr_call *call = test_call_new(NULL);
    check_range(&f, call, other_bytes);
    assert_int_equal(test_server_request_count(f.server), 3);
    ncr_call_unref(call);
    end(&f);
    free(other_bytes);
}

static void cut_without_etag(const test_request *request, test_answer *answer, test_object *object)
{
    object->etag = NULL;
    if (request->index == 0) {
        answer->headers = strstr(answer->headers, "Content-Range");
        answer->cut_body_after1 = 77001;
    }
}

static void without_validator_nothing_is_joined(void **state)
{
    (void)state;
    fixture f;
    begin(&f, cut_without_etag);
    ncr_call *call = test_call_new(NULL);
    check_range(&f, call, f.bytes);
    check_header(&f, 1, "range", "bytes=1000-150999");
    ncr_call_unref(call);
    end(&f);
}

static void grow_total(const test_request *request, test_answer *answer, test_object *object)
{
    if (request->index == 0)
        answer->cut_body_after1 = 77001;
    if (request->index == 1) {
        static char headers[128];
        snprintf(headers, sizeof headers, "ETag: \"v1\"\r\nContent-Range: bytes 78000-150999/%d\r\n", SIZE + 1);
        *answer = (test_answer){.status = 206, .headers = headers, .body = object->data + 78000, .body_size = 73000};
    }
}

static void another_total_on_resuming_is_never_mixed(void **state)
{
    (void)state;
    fixture f;
    begin(&f, grow_total);
    ncr_call *call = test_call_new(NULL);
    check_range(&f, call, f.bytes);
    check_header(&f, 2, "range", "bytes=1000-150999");
    ncr_call_unref(call);
    end(&f);
}

static void vanish_after_cut(const test_request *request, test_answer *answer, test_object *object)
{
    (void)object;
    if (request->index == 0)
        answer->cut_body_after1 = 77001;
    else
        *answer = (test_answer){.status = 404};
}

static void an_object_gone_in_between_is_told(void **state)
{
    (void)state;
    fixture f;
    begin(&f, vanish_after_cut);
    ncr_call *call = test_call_new(NULL);
    ncr_http_request *request = test_get_new(call, f.port, "/k", OFFSET, PART);
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
    assert_int_equal(request->response.status, 404);
    assert_int_equal(request->response.received, 0);
    check_header(&f, 2, "range", "bytes=1000-150999");
    test_get_free(request);
    ncr_call_unref(call);
    end(&f);
}

/* --- Answers that are wrong. --- */

static const char *range_headers;
static size_t range_size;

static void answer_wrong_range(const test_request *request, test_answer *answer, test_object *object)
{
    (void)request;
    *answer = (test_answer){.status = 206, .headers = range_headers, .body = object->data, .body_size = range_size};
}

static void check_wrong_range(const char *headers, size_t size)
{
    fixture f;
    range_headers = headers;
    range_size = size;
    begin(&f, answer_wrong_range);
    ncr_call *call = test_call_new(NULL);
    nacre_error error = fail_range(&f, call, 1000, 100);
    assert_int_equal(error.status, NACRE_ERROR_CORRUPT);
    assert_non_null(strstr(error.message, "server sent another range"));
    assert_int_equal(test_server_request_count(f.server), 1);
    ncr_call_unref(call);
    end(&f);
}

static void another_range_is_refused(void **state)
{
    (void)state;
    check_wrong_range("Content-Range: bytes 1001-1100/200000\r\n", 100);
    check_wrong_range("Content-Range: bytes 0-99/200000\r\n", 100);
    check_wrong_range("", 100);
}

static void a_longer_range_is_refused(void **state)
{
    (void)state;
    check_wrong_range("Content-Range: bytes 1000-1100/200000\r\n", 101);
    check_wrong_range("Content-Range: bytes 1000-1099/200000\r\n", 101);
}

static void a_shorter_range_is_refused(void **state)
{
    (void)state;
    check_wrong_range("Content-Range: bytes 1000-1050/200000\r\n", 51);
    check_wrong_range("Content-Range: bytes 1000-1099/200000\r\n", 51);
}

static void chunk_too_much(const test_request *request, test_answer *answer, test_object *object)
{
    (void)request;
    *answer = (test_answer){.status = 206,
                            .headers = "ETag: \"v1\"\r\nContent-Range: bytes 1000-1099/200000\r\n",
                            .body = object->data + 1000,
                            .body_size = 200,
                            .is_chunked = true};
}

static void more_bytes_than_the_range_are_refused(void **state)
{
    (void)state;
    fixture f;
    begin(&f, chunk_too_much);
    ncr_call *call = test_call_new(NULL);
    nacre_error error = fail_range(&f, call, 1000, 100);
    assert_int_equal(error.status, NACRE_ERROR_CORRUPT);
    ncr_call_unref(call);
    end(&f);
}

static void chunk_too_little(const test_request *request, test_answer *answer, test_object *object)
{
    (void)object;
    answer->is_chunked = true;
    if (request->index == 0)
        answer->body_size = 500;
}

static void fewer_bytes_than_the_range_are_resumed(void **state)
{
    (void)state;
    fixture f;
    begin(&f, chunk_too_little);
    ncr_call *call = test_call_new(NULL);
    check_range(&f, call, f.bytes);
    check_header(&f, 1, "range", "bytes=1500-150999");
    ncr_call_unref(call);
    end(&f);
}

static void ignore_range(const test_request *request, test_answer *answer, test_object *object)
{
    (void)request;
    *answer = (test_answer){.status = 200, .body = object->data, .body_size = SIZE};
}

static void a_whole_body_instead_of_a_range_is_told(void **state)
{
    (void)state;
    fixture f;
    begin(&f, ignore_range);
    ncr_call *call = test_call_new(NULL);
    ncr_http_request *request = test_get_new(call, f.port, "/k", 0, 100);
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
    assert_int_equal(request->response.status, 200);
    assert_false(request->response.is_range);
    assert_int_equal(request->response.received, 0);
    assert_int_equal(request->response.total, SIZE);
    assert_memory_equal(request->response.whole.data, f.bytes, SIZE);
    test_get_free(request);
    ncr_call_unref(call);
    end(&f);
}

static void a_whole_body_over_the_limit_is_broken_off(void **state)
{
    (void)state;
    fixture f;
    begin(&f, ignore_range);
    ncr_call *call = test_call_new(NULL);
    ncr_http_request *request = test_get_new(call, f.port, "/k", 0, 100);
    request->sink.whole_limit = SIZE - 1;
    nacre_error error;
    assert_int_equal(ncr_http_perform(request, &error), NACRE_ERROR_TOO_LARGE);
    assert_non_null(strstr(error.message, "limit.whole_read"));
    assert_int_equal(call->counters.bytes_received, 0); /* by its Content-Length */
    test_get_free(request);
    ncr_call_unref(call);
    end(&f);
}

static void stream_without_length(const test_request *request, test_answer *answer, test_object *object)
{
    (void)request;
    *answer = (test_answer){.status = 200, .body = object->data, .body_size = SIZE, .no_length = true};
}

static void a_body_of_unknown_length_is_limited_too(void **state)
{
    (void)state;
    fixture f;
    begin(&f, stream_without_length);
    ncr_call *call = test_call_new(NULL);
    ncr_http_request *request = test_get_new(call, f.port, "/k", 0, 0);
    request->sink.whole_limit = SIZE;
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
    assert_int_equal(request->response.whole.size, SIZE);
    request->sink.whole_limit = SIZE - 1;
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_ERROR_TOO_LARGE);
    test_get_free(request);
    ncr_call_unref(call);
    end(&f);
}

static void encode(const test_request *request, test_answer *answer, test_object *object)
{
    (void)request;
    object->headers = "Content-Encoding: gzip\r\n";
    test_object_answer(object, request, answer);
}

static void an_encoded_body_is_refused(void **state)
{
    (void)state;
    fixture f;
    begin(&f, encode);
    ncr_call *call = test_call_new(NULL);
    nacre_error error = fail_range(&f, call, 0, 100);
    assert_int_equal(error.status, NACRE_ERROR_CORRUPT);
    assert_non_null(strstr(error.message, "gzip"));
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
    assert_in_range(ncr_clock_ms() - begin_ms, 0, 1200);
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
        cmocka_unit_test(unknown_hosts_are_told),
        cmocka_unit_test(a_url_that_is_none_is_told),
        cmocka_unit_test(a_stall_is_broken_off_and_resumed),
        cmocka_unit_test(a_slow_drip_is_no_stall),
        cmocka_unit_test(a_server_that_does_not_speak_http_is_told),
        cmocka_unit_test(a_cut_body_is_resumed_under_its_etag),
        cmocka_unit_test(a_cut_whole_body_is_resumed),
        cmocka_unit_test(the_callers_precondition_is_kept_on_resuming),
        cmocka_unit_test(a_body_cut_at_any_byte_is_right),
        cmocka_unit_test(a_body_that_is_always_cut_ends),
        cmocka_unit_test(progress_forgives_cuts),
        cmocka_unit_test(an_object_replaced_in_between_is_read_anew),
        cmocka_unit_test(a_changed_etag_on_resuming_is_never_mixed),
        cmocka_unit_test(without_validator_nothing_is_joined),
        cmocka_unit_test(another_total_on_resuming_is_never_mixed),
        cmocka_unit_test(an_object_gone_in_between_is_told),
        cmocka_unit_test(another_range_is_refused),
        cmocka_unit_test(a_longer_range_is_refused),
        cmocka_unit_test(a_shorter_range_is_refused),
        cmocka_unit_test(more_bytes_than_the_range_are_refused),
        cmocka_unit_test(fewer_bytes_than_the_range_are_resumed),
        cmocka_unit_test(a_whole_body_instead_of_a_range_is_told),
        cmocka_unit_test(a_whole_body_over_the_limit_is_broken_off),
        cmocka_unit_test(a_body_of_unknown_length_is_limited_too),
        cmocka_unit_test(an_encoded_body_is_refused),
        cmocka_unit_test(two_hundred_tiles_survive_one_failure_in_two),
        cmocka_unit_test(a_dead_server_ends_by_the_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
