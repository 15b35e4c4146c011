/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/latch.h"
#include "support/call.h"
#include "support/http_server.h"

/* Signers: each attempt is signed anew, one that is not ready holds its request up, and a refusal is answered once. */

enum { SIZE = 100000 };

/* A signer that numbers what it signs, and does as it is told. */
typedef struct {
    ncr_http_signer base;
    _Atomic unsigned signs;   /* how often sign() was READY */
    _Atomic unsigned asked;   /* how often it was called */
    _Atomic bool is_closed;   /* NOT_YET */
    _Atomic bool fails;       /* FAILED */
    _Atomic bool renews;      /* what refused() says */
    _Atomic unsigned refused; /* how often it was asked that */
    ncr_http_refusal last;    /* without its texts */
    char last_body[64], last_url[256], last_method[16];
} signer;

static ncr_http_ready sign(ncr_http_signer *base, ncr_http_attempt *attempt, const char *name, nacre_error *err)
{
    signer *s = (signer *)base;
    char value[32];
    atomic_fetch_add(&s->asked, 1);
    if (s->fails) {
        ncr_error_set(err, NACRE_ERROR_DENIED, "%s: no key was found", name);
        return NCR_HTTP_FAILED;
    }
    if (s->is_closed)
        return NCR_HTTP_NOT_YET;
    unsigned number = atomic_fetch_add(&s->signs, 1) + 1;
    snprintf(value, sizeof value, "secret-%u", number);
    snprintf(s->last_url, sizeof s->last_url, "%s", attempt->url);
    snprintf(s->last_method, sizeof s->last_method, "%s", attempt->method);
    attempt->credential = number;
    return ncr_http_attempt_add(attempt, "X-Signature", value) ? NCR_HTTP_READY : NCR_HTTP_FAILED;
}

static bool refused(ncr_http_signer *base, const ncr_http_refusal *refusal)
{
    signer *s = (signer *)base;
    atomic_fetch_add(&s->refused, 1);
    s->last = *refusal;
    snprintf(s->last_body, sizeof s->last_body, "%.*s", (int)refusal->body_size, refusal->body ? refusal->body : "");
    return s->renews;
}

static const ncr_http_signer_class class = {.sign = sign, .refused = refused};

/* A server of one object that spoils its first answers. */
typedef struct {
    test_object object;
    uint8_t *bytes;
    test_server *server, *other;
    unsigned spoil; /* how many answers are spoiled */
    int status;     /* by this status; 0: cut in the middle */
    char redirect[128];
    char headers[256];
    signer signer;
    ncr_call *call;
} fixture;

static void answer(void *user, const test_request *request, test_answer *out)
{
    fixture *f = user;
    if (strncmp(request->target, "/to", 3) == 0) {
        snprintf(f->headers, sizeof f->headers, "Location: %s\r\n", f->redirect);
        *out = (test_answer){.status = 302, .headers = f->headers};
        return;
    }
    test_object_answer(&f->object, request, out);
    if (strcmp(request->method, "POST") == 0)
        *out = (test_answer){.status = 200, .body = "done", .body_size = 4};
    if (!f->spoil)
        return;
    f->spoil--;
    if (f->status)
        *out = (test_answer){.status = f->status, .body = "why not", .body_size = 7};
    else
        out->cut_body_after1 = 70001;
}

static void begin(fixture *f, unsigned spoil, int status)
{
    *f = (fixture){.bytes = test_bytes(SIZE, 1), .spoil = spoil, .status = status};
    f->object = (test_object){.data = f->bytes, .size = SIZE, .etag = "\"v1\""};
    f->server = test_server_start(answer, f);
    f->other = test_server_start(answer, f);
    f->signer.base.class = &class;
    f->call = test_call_new(NULL);
}

static void end(fixture *f)
{
    ncr_call_unref(f->call);
    test_server_stop(f->server);
    test_server_stop(f->other);
    free(f->bytes);
}

static ncr_http_request *signed_request(fixture *f, const char *method, const char *path)
{
    ncr_http_request *request = test_get_new(f->call, test_server_port(f->server), path, 0, 0);
    request->method = method;
    request->signer = &f->signer.base;
    request->sink.whole_limit = SIZE;
    request->follow = true;
    return request;
}

static void check_signature(test_server *server, unsigned index, const char *expected)
{
    char value[64];
    assert_non_null(test_server_request(server, index));
    bool is_there = test_request_header(test_server_request(server, index), "x-signature", value, sizeof value);
    assert_int_equal(is_there, expected != NULL);
    if (expected)
        assert_string_equal(value, expected);
}

static void each_retry_is_signed_anew(void **state)
{
    (void)state;
    fixture f;
    begin(&f, 2, 503);
    ncr_http_request *request = signed_request(&f, "GET", "/k?a=b");
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
    assert_int_equal(request->response.status, 200);
    assert_int_equal(test_server_request_count(f.server), 3);
    check_signature(f.server, 0, "secret-1");
    check_signature(f.server, 1, "secret-2");
    check_signature(f.server, 2, "secret-3");
    assert_non_null(strstr(f.signer.last_url, "/k?a=b"));
    assert_string_equal(f.signer.last_method, "GET");
    test_get_free(request);
    end(&f);
}

static void each_resumption_is_signed_anew(void **state)
{
    (void)state;
    fixture f;
    begin(&f, 1, 0);
    ncr_http_request *request = signed_request(&f, "GET", "/k");
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
    assert_int_equal(request->response.whole.size, SIZE);
    assert_memory_equal(request->response.whole.data, f.bytes, SIZE);
    assert_int_equal(test_server_request_count(f.server), 2);
    check_signature(f.server, 1, "secret-2");
    char range[64];
    assert_true(test_request_header(test_server_request(f.server, 1), "range", range, sizeof range));
    assert_string_equal(range, "bytes=70000-");
    test_get_free(request);
    end(&f);
}

/* The lines that a signer sees are those that are sent: signatures cover them. */
static const char *seen_range;
static char seen[128];
static ncr_http_ready look(ncr_http_signer *base, ncr_http_attempt *attempt, const char *name, nacre_error *err)
{
    (void)base;
    (void)name;
    (void)err;
    const char *line;
    for (size_t i = 0; (line = ncr_http_attempt_line(attempt, i)); i++)
        if (strncmp(line, "Range: ", 7) == 0) {
            snprintf(seen, sizeof seen, "%s", line);
            seen_range = seen;
        }
    return NCR_HTTP_READY;
}

static void the_signer_sees_the_lines_that_are_sent(void **state)
{
    (void)state;
    fixture f;
    static const ncr_http_signer_class looking = {.sign = look};
    ncr_http_signer looker = {.class = &looking};
    begin(&f, 0, 0);
    ncr_http_request *request = test_get_new(f.call, test_server_port(f.server), "/k", 5, 10);
    request->signer = &looker;
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
    assert_non_null(seen_range);
    assert_string_equal(seen_range, "Range: bytes=5-14");
    test_get_free(request);
    end(&f);
}

/* --- Not ready. --- */

static void count_down(ncr_http_request *request)
{
    ncr_latch_down(request->user);
}

static void wait_until_asked(const signer *s, unsigned count)
{
    for (int i = 0; i < 5000 && s->asked < count; i++)
        usleep(2000);
    assert_true(s->asked >= count);
}

static void a_request_waits_for_its_signer(void **state)
{
    (void)state;
    fixture f;
    ncr_latch latch;
    ncr_http_request *requests[20];
    begin(&f, 0, 0);
    f.signer.is_closed = true;
    ncr_latch_init(&latch, 20);
    for (int i = 0; i < 20; i++) {
        requests[i] = signed_request(&f, "GET", "/k");
        requests[i]->done = count_down;
        requests[i]->user = &latch;
        ncr_http_start(requests[i]);
    }
    wait_until_asked(&f.signer, 20);
    assert_int_equal(test_server_request_count(f.server), 0);
    ncr_http_wake(); /* for nothing: others share the engine */
    wait_until_asked(&f.signer, 40);
    assert_int_equal(test_server_request_count(f.server), 0);
    f.signer.is_closed = false;
    ncr_http_wake();
    ncr_latch_wait(&latch);
    ncr_latch_clear(&latch);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(requests[i]->status, NACRE_OK);
        assert_int_equal(requests[i]->response.attempts, 1);
        test_get_free(requests[i]);
    }
    assert_int_equal(f.signer.signs, 20);
    assert_int_equal(f.call->counters.retries, 0);
    end(&f);
}

static void requests_without_signer_go_on_meanwhile(void **state)
{
    (void)state;
    fixture f;
    begin(&f, 0, 0);
    f.signer.is_closed = true;
    ncr_latch latch;
    ncr_latch_init(&latch, 1);
    ncr_http_request *held = signed_request(&f, "GET", "/k"), *free_one = signed_request(&f, "GET", "/k");
    held->done = count_down;
    held->user = &latch;
    free_one->signer = NULL;
    ncr_http_start(held);
    assert_int_equal(ncr_http_perform(free_one, NULL), NACRE_OK);
    f.signer.is_closed = false;
    ncr_http_wake();
    ncr_latch_wait(&latch);
    ncr_latch_clear(&latch);
    assert_int_equal(held->status, NACRE_OK);
    test_get_free(held);
    test_get_free(free_one);
    end(&f);
}

static void the_deadline_ends_a_request_that_waits(void **state)
{
    (void)state;
    fixture f;
    begin(&f, 0, 0);
    f.signer.is_closed = true;
    ncr_call *call = test_call_new("timeout=0.15", NULL);
    ncr_http_request *request = test_get_new(call, test_server_port(f.server), "/k", 0, 0);
    request->signer = &f.signer.base;
    nacre_error error;
    assert_int_equal(ncr_http_perform(request, &error), NACRE_ERROR_UNAVAILABLE);
    assert_memory_equal(error.message, "NAME: ", 6);
    assert_int_equal(test_server_request_count(f.server), 0);
    test_get_free(request);
    /* A request's own limit, too. */
    request = signed_request(&f, "GET", "/k");
    request->timeout_ms = 100;
    assert_int_equal(ncr_http_perform(request, &error), NACRE_ERROR_UNAVAILABLE);
    test_get_free(request);
    ncr_call_unref(call);
    end(&f);
}

static void cancelling_ends_a_request_that_waits(void **state)
{
    (void)state;
    fixture f;
    begin(&f, 0, 0);
    f.signer.is_closed = true;
    nacre_cancel *cancel = nacre_cancel_new();
    ncr_call *call = test_call_with_cancel(cancel, NULL);
    ncr_latch latch;
    ncr_latch_init(&latch, 1);
    ncr_http_request *request = test_get_new(call, test_server_port(f.server), "/k", 0, 0);
    request->signer = &f.signer.base;
    request->done = count_down;
    request->user = &latch;
    ncr_http_start(request);
    wait_until_asked(&f.signer, 1);
    nacre_cancel_trigger(cancel);
    ncr_latch_wait(&latch);
    ncr_latch_clear(&latch);
    assert_int_equal(request->status, NACRE_ERROR_CANCELLED);
    test_get_free(request);
    ncr_call_unref(call);
    nacre_cancel_free(cancel);
    end(&f);
}

static void a_signer_that_fails_fails_the_request(void **state)
{
    (void)state;
    fixture f;
    begin(&f, 0, 0);
    f.signer.fails = true;
    ncr_http_request *request = signed_request(&f, "GET", "/k");
    nacre_error error;
    assert_int_equal(ncr_http_perform(request, &error), NACRE_ERROR_DENIED);
    assert_string_equal(error.message, "NAME: no key was found");
    assert_int_equal(test_server_connection_count(f.server), 0);
    test_get_free(request);
    end(&f);
}

/* --- Refused. --- */

static void a_refusal_is_answered_by_one_more_attempt(void **state)
{
    (void)state;
    static const int statuses[] = {400, 401, 403};
    static const char *const methods[] = {"GET", "POST", "POST"};
    for (size_t i = 0; i < 3; i++) {
        fixture f;
        begin(&f, 1, statuses[i]);
        f.signer.renews = true;
        ncr_http_request *request = signed_request(&f, methods[i], "/k");
        request->body = i ? "text" : NULL;
        request->body_size = i ? 4 : 0;
        assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
        assert_int_equal(request->response.status, 200);
        assert_int_equal(test_server_request_count(f.server), 2);
        check_signature(f.server, 1, "secret-2");
        assert_int_equal(f.signer.last.status, statuses[i]);
        assert_int_equal(f.signer.last.credential, 1);
        assert_string_equal(f.signer.last_body, "why not");
        assert_int_equal(test_server_request(f.server, 1)->body_size, i ? 4 : 0);
        test_get_free(request);
        end(&f);
    }
}

static void a_second_refusal_is_final(void **state)
{
    (void)state;
    static const char *const methods[] = {"GET", "POST"};
    for (size_t i = 0; i < 2; i++) {
        fixture f;
        begin(&f, 9, 401);
        f.signer.renews = true;
        ncr_http_request *request = signed_request(&f, methods[i], "/k");
        assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
        assert_int_equal(request->response.status, 401);
        assert_int_equal(test_server_request_count(f.server), 2);
        assert_int_equal(f.signer.refused, 1);
        test_get_free(request);
        end(&f);
    }
}

static void a_refusal_without_new_credentials_is_final(void **state)
{
    (void)state;
    fixture f;
    begin(&f, 9, 403);
    ncr_http_request *request = signed_request(&f, "GET", "/k");
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
    assert_int_equal(request->response.status, 403);
    assert_int_equal(test_server_request_count(f.server), 1);
    test_get_free(request);
    end(&f);
}

/* --- Redirects. --- */

static void another_host_gets_no_signature(void **state)
{
    (void)state;
    fixture f;
    begin(&f, 0, 0);
    snprintf(f.redirect, sizeof f.redirect, "http://127.0.0.1:%u/k", test_server_port(f.other));
    ncr_http_request *request = signed_request(&f, "GET", "/to");
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
    assert_int_equal(request->response.status, 200);
    check_signature(f.server, 0, "secret-1");
    check_signature(f.other, 0, NULL);
    assert_int_equal(f.signer.signs, 1);
    test_get_free(request);
    end(&f);
}

static void another_hosts_refusal_is_not_the_signers(void **state)
{
    (void)state;
    fixture f;
    begin(&f, 9, 403);
    f.signer.renews = true;
    snprintf(f.redirect, sizeof f.redirect, "http://127.0.0.1:%u/k", test_server_port(f.other));
    ncr_http_request *request = signed_request(&f, "GET", "/to");
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
    assert_int_equal(request->response.status, 403);
    assert_int_equal(f.signer.refused, 0);
    test_get_free(request);
    end(&f);
}

static void the_same_host_is_signed_for_its_new_url(void **state)
{
    (void)state;
    fixture f;
    begin(&f, 0, 0);
    snprintf(f.redirect, sizeof f.redirect, "/k2");
    ncr_http_request *request = signed_request(&f, "GET", "/to");
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
    check_signature(f.server, 1, "secret-2");
    assert_non_null(strstr(f.signer.last_url, "/k2"));
    test_get_free(request);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_retry_is_signed_anew),
        cmocka_unit_test(each_resumption_is_signed_anew),
        cmocka_unit_test(the_signer_sees_the_lines_that_are_sent),
        cmocka_unit_test(a_request_waits_for_its_signer),
        cmocka_unit_test(requests_without_signer_go_on_meanwhile),
        cmocka_unit_test(the_deadline_ends_a_request_that_waits),
        cmocka_unit_test(cancelling_ends_a_request_that_waits),
        cmocka_unit_test(a_signer_that_fails_fails_the_request),
        cmocka_unit_test(a_refusal_is_answered_by_one_more_attempt),
        cmocka_unit_test(a_second_refusal_is_final),
        cmocka_unit_test(a_refusal_without_new_credentials_is_final),
        cmocka_unit_test(another_host_gets_no_signature),
        cmocka_unit_test(another_hosts_refusal_is_not_the_signers),
        cmocka_unit_test(the_same_host_is_signed_for_its_new_url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
