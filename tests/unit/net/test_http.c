/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <arpa/inet.h>
#include <nacre/config.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/call.h"
#include "support/http_server.h"

/* What goes well: bodies, ranges, heads, connections, counting. */

enum { SIZE = 300000 };

typedef struct {
    test_object object;
    uint8_t *bytes;
    test_server *server;
    unsigned port;
    test_answer answer; /* for handlers that give always the same */
} fixture;

static void answer_object(void *user, const test_request *request, test_answer *answer)
{
    fixture *f = user;
    test_object_answer(&f->object, request, answer);
}

static void answer_fixed(void *user, const test_request *request, test_answer *answer)
{
    (void)request;
    fixture *f = user;
    *answer = f->answer;
}

static void begin(fixture *f, test_handler handler)
{
    f->bytes = test_bytes(SIZE, 1);
    f->object = (test_object){.data = f->bytes, .size = SIZE, .etag = "\"v1\""};
    f->server = test_server_start(handler, f);
    assert_non_null(f->server);
    f->port = test_server_port(f->server);
}

static void end(fixture *f)
{
    test_server_stop(f->server);
    free(f->bytes);
}

static void a_whole_body_arrives(void **state)
{
    (void)state;
    fixture f;
    begin(&f, answer_object);
    ncr_call *call = test_call_new(NULL);
    ncr_http_request *request = test_get_new(call, f.port, "/a%20b/../c?d=e", 0, 0);
    request->needed_round = 4;
    nacre_error error;
    assert_int_equal(ncr_http_perform(request, &error), NACRE_OK);
    assert_int_equal(request->response.status, 200);
    assert_int_equal(request->response.round, 5);
    assert_int_equal(request->response.http_version, 11);
    assert_int_equal(request->response.total, SIZE);
    assert_false(request->response.is_range);
    assert_int_equal(request->response.whole.size, SIZE);
    assert_memory_equal(request->response.whole.data, f.bytes, SIZE);
    assert_null(request->response.location);
    char value[64];
    assert_true(ncr_http_response_header(&request->response, "etag", value, sizeof value));
    assert_string_equal(value, "\"v1\"");
    const test_request *sent = test_server_request(f.server, 0);
    assert_string_equal(sent->target, "/a%20b/../c?d=e"); /* as it is */
    assert_true(test_request_header(sent, "user-agent", value, sizeof value));
    assert_memory_equal(value, "nacre/", 6);
    assert_true(test_request_header(sent, "accept-encoding", value, sizeof value));
    assert_string_equal(value, "identity");
    assert_false(test_request_header(sent, "range", value, sizeof value));
    assert_int_equal(call->counters.requests, 1);
    assert_int_equal(call->counters.connections, 1);
    assert_int_equal(call->counters.bytes_received, SIZE);
    test_get_free(request);
    ncr_call_unref(call);
    end(&f);
}

static void a_range_lands_in_the_callers_memory(void **state)
{
    (void)state;
    fixture f;
    begin(&f, answer_object);
    ncr_call *call = test_call_new(NULL);
    ncr_http_request *request = test_get_new(call, f.port, "/k", 1000, 500);
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
    assert_int_equal(request->response.status, 206);
    assert_true(request->response.is_range);
    assert_int_equal(request->response.received, 500);
    assert_int_equal(request->response.total, SIZE);
    assert_memory_equal(request->sink.data, f.bytes + 1000, 500);
    char value[64];
    assert_true(test_request_header(test_server_request(f.server, 0), "range", value, sizeof value));
    assert_string_equal(value, "bytes=1000-1499");
    test_get_free(request);
    ncr_call_unref(call);
    end(&f);
}

static void a_range_at_the_end_is_short(void **state)
{
    (void)state;
    fixture f;
    begin(&f, answer_object);
    ncr_call *call = test_call_new(NULL);
    ncr_http_request *request = test_get_new(call, f.port, "/k", SIZE - 10, 500);
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
    assert_int_equal(request->response.received, 10);
    assert_memory_equal(request->sink.data, f.bytes + SIZE - 10, 10);
    test_get_free(request);

    request = test_get_new(call, f.port, "/k", SIZE, 500);
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
    assert_int_equal(request->response.status, 416);
    assert_int_equal(request->response.total, SIZE);
    assert_int_equal(request->response.received, 0);
    test_get_free(request);
    ncr_call_unref(call);
    end(&f);
}

static void a_head_tells_the_size(void **state)
{
    (void)state;
    fixture f;
    begin(&f, answer_object);
    ncr_call *call = test_call_new(NULL);
    ncr_http_request *request = test_get_new(call, f.port, "/k", 0, 0);
    request->method = "HEAD";
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
    assert_int_equal(request->response.status, 200);
    assert_int_equal(request->response.content_length, SIZE);
    assert_int_equal(request->response.total, SIZE);
    assert_int_equal(request->response.whole.size, 0);
    test_get_free(request);
    ncr_call_unref(call);
    end(&f);
}

static void statuses_are_handed_over_with_their_text(void **state)
{
    (void)state;
    fixture f;
    begin(&f, answer_fixed);
    f.answer = (test_answer){.status = 404, .body = "no such key", .body_size = 11};
    ncr_call *call = test_call_new(NULL);
    ncr_http_request *request = test_get_new(call, f.port, "/k", 0, 100);
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
    assert_int_equal(request->response.status, 404);
    assert_int_equal(request->response.received, 0);
    assert_int_equal(request->response.whole.size, 11);
    assert_memory_equal(request->response.whole.data, "no such key", 11);
    test_get_free(request);
    ncr_call_unref(call);
    end(&f);
}

static void a_long_error_text_is_cut(void **state)
{
    (void)state;
    fixture f;
    begin(&f, answer_fixed);
    uint8_t *text = test_bytes((size_t)3 << 20, 1);
    f.answer = (test_answer){.status = 404, .body = text, .body_size = (size_t)3 << 20};
    ncr_call *call = test_call_new(NULL);
    ncr_http_request *request = test_get_new(call, f.port, "/k", 0, 0);
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
    assert_int_equal(request->response.status, 404);
    assert_int_equal(request->response.whole.size, 64 << 10);
    test_get_free(request);
    ncr_call_unref(call);
    end(&f);
    free(text);
}

static void bodies_go_up(void **state)
{
    (void)state;
    fixture f;
    begin(&f, answer_fixed);
    f.answer = (test_answer){.status = 200, .body = "{}", .body_size = 2};
    ncr_call *call = test_call_new(NULL);
    static const char *const methods[] = {"PUT", "POST", "PUT", "DELETE"};
    size_t sizes[] = {SIZE, 10, 0, 0};
    for (unsigned i = 0; i < 4; i++) {
        ncr_http_request *request = test_get_new(call, f.port, "/k", 0, 0);
        request->method = methods[i];
        request->body = f.bytes;
        request->body_size = sizes[i];
        request->sink.whole_limit = 0;
        if (i == 3)
            request->body = NULL;
        assert_true(ncr_http_request_header(request, "X-Thing", "v"));
        assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
        assert_int_equal(request->response.whole.size, 2);
        test_get_free(request);
        const test_request *sent = test_server_request(f.server, i);
        char value[64];
        assert_string_equal(sent->method, methods[i]);
        assert_int_equal(sent->body_size, sizes[i]);
        assert_memory_equal(sent->body, f.bytes, sizes[i]);
        assert_true(test_request_header(sent, "x-thing", value, sizeof value));
        assert_false(test_request_header(sent, "content-type", value, sizeof value));
        assert_false(test_request_header(sent, "expect", value, sizeof value));
        assert_int_equal(test_request_header(sent, "content-length", value, sizeof value), i < 3);
    }
    assert_int_equal(call->counters.bytes_sent, SIZE + 10);
    ncr_call_unref(call);
    end(&f);
}

static void one_connection_serves_requests_in_turn(void **state)
{
    (void)state;
    fixture f;
    begin(&f, answer_object);
    ncr_call *call = test_call_new(NULL);
    for (int i = 0; i < 10; i++) {
        ncr_http_request *request = test_get_new(call, f.port, "/k", (uint64_t)i * 10, 10);
        assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
        assert_memory_equal(request->sink.data, f.bytes + (ptrdiff_t)i * 10, 10);
        test_get_free(request);
    }
    assert_int_equal(test_server_connection_count(f.server), 1);
    assert_int_equal(call->counters.connections, 1);
    assert_int_equal(call->counters.requests, 10);
    ncr_call_unref(call);
    end(&f);
}

static void fetch_many(fixture *f, ncr_call *call, size_t count)
{
    ncr_http_request **requests = calloc(count, sizeof *requests);
    for (size_t i = 0; i < count; i++)
        requests[i] = test_get_new(call, f->port, "/k", i * 100, 100);
    test_fetch_all(requests, count);
    for (size_t i = 0; i < count; i++) {
        if (requests[i]->status != NACRE_OK)
            fail_msg("%s", requests[i]->error.message);
        assert_int_equal(requests[i]->response.received, 100);
        assert_memory_equal(requests[i]->sink.data, f->bytes + i * 100, 100);
        test_get_free(requests[i]);
    }
    free(requests);
}

static void answer_slowly(void *user, const test_request *request, test_answer *answer)
{
    answer_object(user, request, answer);
    answer->delay_ms = 50;
}

static void many_requests_go_at_once(void **state)
{
    (void)state;
    fixture f;
    begin(&f, answer_slowly);
    ncr_call *call = test_call_new("http.connections=64", NULL);
    fetch_many(&f, call, 64);
    assert_in_range(call->counters.connections, 2, 64); /* one after another needs one */
    ncr_call_unref(call);
    end(&f);
}

static void connections_to_a_host_are_limited(void **state)
{
    (void)state;
    fixture f;
    begin(&f, answer_object);
    ncr_call *call = test_call_new("http.connections=3", NULL);
    fetch_many(&f, call, 2000);
    assert_in_range(test_server_connection_count(f.server), 1, 3);
    ncr_call_unref(call);
    end(&f);
}

static void a_default_does_not_undo_the_limit(void **state)
{
    (void)state;
    fixture f;
    begin(&f, answer_slowly);
    ncr_call *call = test_call_new("http.connections=2", NULL), *indifferent = test_call_new(NULL);
    fetch_many(&f, call, 4);
    fetch_many(&f, indifferent, 16);
    assert_in_range(test_server_connection_count(f.server), 1, 2);
    ncr_call_unref(indifferent);
    ncr_call_unref(call);
    end(&f);
}

static void waiting_for_a_connection_is_no_failure(void **state)
{
    (void)state;
    fixture f;
    begin(&f, answer_slowly);
    ncr_call *call = test_call_new("http.connections=1", "http.connect_timeout=0.2", "http.stall_timeout=0.2", NULL);
    fetch_many(&f, call, 12); /* the last waits for 550 ms */
    assert_int_equal(call->counters.retries, 0);
    ncr_call_unref(call);
    end(&f);
}

/* --- What is not sent. --- */

static void offline_sends_nothing(void **state)
{
    (void)state;
    fixture f;
    begin(&f, answer_object);
    ncr_call *call = test_call_new("cache=offline", NULL);
    ncr_http_request *request = test_get_new(call, f.port, "/k", 0, 0);
    nacre_error error;
    assert_int_equal(ncr_http_perform(request, &error), NACRE_ERROR_OFFLINE);
    assert_int_equal(test_server_request_count(f.server), 0);
    test_get_free(request);
    ncr_call_unref(call);
    end(&f);
}

/* --- done() and fork. --- */

typedef struct {
    fixture *f;
    ncr_call *call;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int left;
} chain;

static void send_next(ncr_http_request *request)
{
    chain *c = request->user;
    bool is_ok = request->status == NACRE_OK && request->response.status == 206;
    test_get_free(request);
    pthread_mutex_lock(&c->lock);
    int left = c->left = is_ok ? c->left - 1 : -1;
    pthread_cond_signal(&c->changed);
    pthread_mutex_unlock(&c->lock);
    if (left <= 0)
        return;
    request = test_get_new(c->call, c->f->port, "/k", 0, 10);
    request->done = send_next;
    request->user = c;
    ncr_http_start(request);
}

static void done_may_start_and_free_requests(void **state)
{
    (void)state;
    fixture f;
    begin(&f, answer_object);
    ncr_call *call = test_call_new(NULL);
    chain c = {.f = &f, .call = call, .left = 20};
    pthread_mutex_init(&c.lock, NULL);
    pthread_cond_init(&c.changed, NULL);
    ncr_http_request *request = test_get_new(call, f.port, "/k", 0, 10);
    request->done = send_next;
    request->user = &c;
    ncr_http_start(request);
    pthread_mutex_lock(&c.lock);
    while (c.left > 0)
        pthread_cond_wait(&c.changed, &c.lock);
    assert_int_equal(c.left, 0);
    pthread_mutex_unlock(&c.lock);
    pthread_mutex_destroy(&c.lock);
    pthread_cond_destroy(&c.changed);
    ncr_call_unref(call);
    end(&f);
}

static void a_request_can_be_sent_twice(void **state)
{
    (void)state;
    fixture f;
    begin(&f, answer_object);
    ncr_call *call = test_call_new(NULL);
    ncr_http_request *request = test_get_new(call, f.port, "/k", 0, 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
        assert_int_equal(request->response.whole.size, SIZE);
    }
    test_get_free(request);
    ncr_call_unref(call);
    end(&f);
}

/* Whether this process holds the client's end of a connection to the server. */
static bool holds_connection(unsigned port)
{
    for (int fd = 3; fd < 512; fd++) {
        struct sockaddr_in peer = {0};
        socklen_t size = sizeof peer;
        if (getpeername(fd, (struct sockaddr *)&peer, &size) == 0 && ntohs(peer.sin_port) == port)
            return true;
    }
    return false;
}

/* In the child: one request; the exit status tells. */
static int fetch_in_child(fixture *f, ncr_call *call)
{
    alarm(20); /* a child that waits for its parent's loop waits for ever */
    if (holds_connection(f->port))
        return 2;
    ncr_http_request *request = test_get_new(call, f->port, "/k", 0, 100);
    nacre_status status = ncr_http_perform(request, NULL);
    return status == NACRE_OK && memcmp(request->sink.data, f->bytes, 100) == 0 ? 0 : 1;
}

static void a_forked_child_makes_its_own_connections(void **state)
{
    (void)state;
    fixture f;
    begin(&f, answer_object);
    ncr_call *call = test_call_new(NULL);
    fetch_many(&f, call, 1);
    for (int i = 0; i < 3; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            _exit(fetch_in_child(&f, call));
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    fetch_many(&f, call, 1);
    assert_int_equal(test_server_connection_count(f.server), 4); /* the parent's lived on */
    ncr_call_unref(call);
    end(&f);
}

typedef struct {
    fixture *f;
    ncr_call *call;
} fetcher;

static void *fetch_steadily(void *user)
{
    fetcher *f = user;
    for (int i = 0; i < 8; i++)
        fetch_many(f->f, f->call, 8);
    return NULL;
}

static void fork_in_the_middle_of_requests_is_safe(void **state)
{
    (void)state;
    fixture f;
    begin(&f, answer_slowly);
    ncr_call *call = test_call_new(NULL);
    fetcher steady = {&f, call};
    pthread_t thread;
    pthread_create(&thread, NULL, fetch_steadily, &steady);
    for (int turn = 0; turn < 5; turn++) {
        usleep(60000);
        pid_t child = fork();
        if (child == 0)
            _exit(fetch_in_child(&f, call));
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    pthread_join(thread, NULL);
    ncr_call_unref(call);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_body_arrives),
        cmocka_unit_test(a_range_lands_in_the_callers_memory),
        cmocka_unit_test(a_range_at_the_end_is_short),
        cmocka_unit_test(a_head_tells_the_size),
        cmocka_unit_test(statuses_are_handed_over_with_their_text),
        cmocka_unit_test(a_long_error_text_is_cut),
        cmocka_unit_test(bodies_go_up),
        cmocka_unit_test(one_connection_serves_requests_in_turn),
        cmocka_unit_test(many_requests_go_at_once),
        cmocka_unit_test(connections_to_a_host_are_limited),
        cmocka_unit_test(a_default_does_not_undo_the_limit),
        cmocka_unit_test(waiting_for_a_connection_is_no_failure),
        cmocka_unit_test(offline_sends_nothing),
        cmocka_unit_test(done_may_start_and_free_requests),
        cmocka_unit_test(a_request_can_be_sent_twice),
        cmocka_unit_test(a_forked_child_makes_its_own_connections),
        cmocka_unit_test(fork_in_the_middle_of_requests_is_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
