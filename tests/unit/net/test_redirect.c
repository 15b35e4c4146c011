/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/call.h"
#include "support/http_server.h"

/* Where requests may go, and what they may carry there. */

enum { SIZE = 5000 };

/* Two servers: the first redirects paths that begin with "/to" to what `location` says, and "/loop" to itself; both
 * serve an object elsewhere. */
typedef struct {
    test_object object;
    uint8_t *bytes;
    test_server *first, *second;
    int status;
    char location[256];
    char headers[512];
    bool cuts, refuses;
} fixture;

static void answer(void *user, const test_request *request, test_answer *out)
{
    fixture *f = user;
    if (f->refuses) {
        *out = (test_answer){.status = f->status};
        return;
    }
    if (strncmp(request->target, "/to", 3) != 0) {
        test_object_answer(&f->object, request, out);
        if (f->cuts) {
            out->cut_body_after1 = 101;
            f->cuts = false;
        }
        return;
    }
    snprintf(f->headers, sizeof f->headers, "Location: %s\r\n", f->location);
    *out = (test_answer){.status = f->status, .headers = f->headers, .body = "moved", .body_size = 5};
}

static void begin(fixture *f, int status, const char *location)
{
    *f = (fixture){.bytes = test_bytes(SIZE, 1), .status = status};
    f->object = (test_object){.data = f->bytes, .size = SIZE, .etag = "\"v1\""};
    f->first = test_server_start(answer, f);
    f->second = test_server_start(answer, f);
    snprintf(f->location, sizeof f->location, "%s", location);
}

static void point_to_second(fixture *f, const char *path)
{
    snprintf(f->location, sizeof f->location, "http://127.0.0.1:%u%s", test_server_port(f->second), path);
}

static void end(fixture *f)
{
    test_server_stop(f->first);
    test_server_stop(f->second);
    free(f->bytes);
}

static ncr_http_request *get_with_secrets(fixture *f, ncr_call *call)
{
    ncr_http_request *request = test_get_new(call, test_server_port(f->first), "/to", 0, 100);
    request->follow = true;
    ncr_http_request_header(request, "Authorization", "Bearer secret");
    ncr_http_request_header(request, "X-Amz-Security-Token", "secret");
    ncr_http_request_header(request, "Cookie", "secret");
    ncr_http_request_header(request, "If-None-Match", "\"other\"");
    return request;
}

static void redirects_within_a_host_keep_credentials(void **state)
{
    (void)state;
    static const int statuses[] = {301, 302, 303, 307, 308};
    for (size_t i = 0; i < 5; i++) {
        fixture f;
        begin(&f, statuses[i], "/k?a=b");
        ncr_call *call = test_call_new(NULL);
        ncr_http_request *request = get_with_secrets(&f, call);
        assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
        assert_int_equal(request->response.status, 206);
        assert_memory_equal(request->sink.data, f.bytes, 100);
        assert_non_null(strstr(request->response.location, "/k?a=b"));
        assert_int_equal(request->response.round, 1);
        char value[64];
        const test_request *second = test_server_request(f.first, 1);
        assert_true(test_request_header(second, "authorization", value, sizeof value));
        assert_string_equal(value, "Bearer secret");
        assert_int_equal(call->counters.requests, 2);
        assert_int_equal(call->counters.retries, 0);
        test_get_free(request);
        ncr_call_unref(call);
        end(&f);
    }
}

static void credentials_do_not_go_to_another_host(void **state)
{
    (void)state;
    fixture f;
    begin(&f, 302, "");
    point_to_second(&f, "/k");
    ncr_call *call = test_call_new(NULL);
    ncr_http_request *request = get_with_secrets(&f, call);
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
    assert_memory_equal(request->sink.data, f.bytes, 100);
    const test_request *sent = test_server_request(f.second, 0);
    assert_null(strstr(sent->headers, "secret"));
    char value[64];
    assert_true(test_request_header(sent, "range", value, sizeof value));
    assert_string_equal(value, "bytes=0-99");
    assert_true(test_request_header(sent, "if-none-match", value, sizeof value));
    test_get_free(request);
    ncr_call_unref(call);
    end(&f);
}

static void a_cut_after_a_redirect_is_resumed_without_credentials(void **state)
{
    (void)state;
    fixture f;
    begin(&f, 302, "");
    point_to_second(&f, "/k");
    f.cuts = true;
    f.object.size = SIZE;
    ncr_call *call = test_call_new(NULL);
    ncr_http_request *request = get_with_secrets(&f, call);
    request->range.length = 0;
    free(request->sink.data);
    request->sink.data = NULL;
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
    assert_int_equal(request->response.whole.size, SIZE);
    assert_memory_equal(request->response.whole.data, f.bytes, SIZE);
    assert_int_equal(test_server_request_count(f.second), 2);
    for (unsigned i = 0; i < 2; i++)
        assert_null(strstr(test_server_request(f.second, i)->headers, "secret"));
    test_get_free(request);
    ncr_call_unref(call);
    end(&f);
}

/* --- Targets that end. --- */

/* "/to" leads to "/k?sig=N", of which each serves one request, of which the first is cut. */
typedef struct {
    test_object object;
    char headers[64];
    int given, used;
} signer;

static void answer_once(void *user, const test_request *request, test_answer *out)
{
    signer *s = user;
    if (strcmp(request->target, "/to") == 0) {
        snprintf(s->headers, sizeof s->headers, "Location: /k?sig=%d\r\n", ++s->given);
        *out = (test_answer){.status = 302, .headers = s->headers};
    } else if (s->used == s->given || strtol(strchr(request->target, '=') + 1, NULL, 10) != s->given) {
        *out = (test_answer){.status = 403};
    } else {
        test_object_answer(&s->object, request, out);
        out->cut_body_after1 = s->used++ ? 0 : 101;
    }
}

static void a_target_that_has_ended_is_asked_for_anew(void **state)
{
    (void)state;
    uint8_t *bytes = test_bytes(SIZE, 1);
    for (int strong = 0; strong < 2; strong++) {
        signer s = {.object = {.data = bytes, .size = SIZE, .etag = strong ? "\"v1\"" : NULL}};
        test_server *server = test_server_start(answer_once, &s);
        ncr_call *call = test_call_new(NULL);
        for (int i = 0; i < 3; i++) {
            ncr_http_request *request = test_get_new(call, test_server_port(server), "/to", 100, 2000);
            request->follow = true;
            nacre_error err;
            if (ncr_http_perform(request, &err) != NACRE_OK)
                fail_msg("%s", err.message);
            assert_int_equal(request->response.status, 206);
            assert_memory_equal(request->sink.data, bytes + 100, 2000);
            test_get_free(request);
        }
        assert_int_equal(s.given, 4); /* each read, and the one whose target ended in the middle once more */
        ncr_call_unref(call);
        test_server_stop(server);
    }
    free(bytes);
}

static void proofs_stay_proofs_behind_a_redirect(void **state)
{
    (void)state;
    fixture f;
    begin(&f, 302, "");
    point_to_second(&f, "/k");
    ncr_call *call = test_call_new(NULL);
    ncr_http_request *request = get_with_secrets(&f, call);
    ncr_http_request_header(request, "Cache-Control", "no-cache");
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
    char value[64];
    assert_true(test_request_header(test_server_request(f.second, 0), "cache-control", value, sizeof value));
    assert_string_equal(value, "no-cache");
    test_get_free(request);
    ncr_call_unref(call);
    end(&f);
}

static void redirects_are_not_followed_unasked(void **state)
{
    (void)state;
    fixture f;
    begin(&f, 302, "/k");
    ncr_call *call = test_call_new(NULL);
    for (int i = 0; i < 2; i++) {
        ncr_http_request *request = get_with_secrets(&f, call);
        request->follow = i == 1;
        request->method = i == 1 ? "PUT" : "GET"; /* nor with a body to send */
        assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
        assert_int_equal(request->response.status, 302);
        test_get_free(request);
    }
    ncr_call_unref(call);
    end(&f);
}

static nacre_error fail_redirect(const char *location)
{
    fixture f;
    begin(&f, 302, location);
    ncr_call *call = test_call_new(NULL);
    ncr_http_request *request = get_with_secrets(&f, call);
    nacre_error error = {0};
    assert_int_not_equal(ncr_http_perform(request, &error), NACRE_OK);
    test_get_free(request);
    ncr_call_unref(call);
    end(&f);
    return error;
}

static void redirects_to_nowhere_are_told(void **state)
{
    (void)state;
    nacre_error error = fail_redirect("/to/again");
    assert_string_equal(error.message, "NAME: redirected more than 10 times");
    assert_int_equal(fail_redirect("").status, NACRE_ERROR_CORRUPT);
    assert_int_equal(fail_redirect("file:///etc/passwd").status, NACRE_ERROR_CORRUPT);
    assert_int_equal(fail_redirect("ftp://h/k").status, NACRE_ERROR_CORRUPT);
}

/* --- Addresses. --- */

static void private_addresses_are_refused_where_asked(void **state)
{
    (void)state;
    fixture f;
    begin(&f, 302, "");
    static const char *const hosts[] = {"127.0.0.1",       "localhost",          "[::1]",
                                        "169.254.169.254", "[::ffff:127.0.0.1]", "2130706433"};
    ncr_call *call = test_call_new(NULL);
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        char url[64];
        snprintf(url, sizeof url, "http://%s:%u/k", hosts[i], test_server_port(f.first));
        ncr_http_request *request = ncr_http_request_new("GET", url, "NAME", call);
        request->public_only = true;
        nacre_error error;
        assert_int_equal(ncr_http_perform(request, &error), NACRE_ERROR_REFUSED);
        assert_memory_equal(error.message, "NAME: ", 6);
        ncr_http_request_free(request);
    }
    assert_int_equal(test_server_connection_count(f.first), 0);
    ncr_call_unref(call);
    end(&f);
}

static nacre_status get_by_name(fixture *f, ncr_call *call, bool public_only)
{
    /* This machine's own name is the nearest thing to a public name with a private address. */
    char host[128], url[256];
    assert_int_equal(gethostname(host, sizeof host), 0);
    snprintf(url, sizeof url, "http://%s:%u/k", host, test_server_port(f->first));
    ncr_http_request *request = ncr_http_request_new("GET", url, "NAME", call);
    request->sink.whole_limit = SIZE;
    request->public_only = public_only;
    nacre_status status = ncr_http_perform(request, NULL);
    ncr_http_request_free(request);
    return status;
}

static void names_with_private_addresses_are_refused(void **state)
{
    (void)state;
    fixture f;
    begin(&f, 302, "");
    ncr_call *call = test_call_new("http.retries=0", NULL);
    nacre_status status = get_by_name(&f, call, true);
    bool is_refused = status == NACRE_ERROR_REFUSED;
    unsigned connections = test_server_connection_count(f.first);
    /* On a connection that another request has left open, too. */
    bool is_reachable = get_by_name(&f, call, false) == NACRE_OK;
    nacre_status again = get_by_name(&f, call, true);
    ncr_call_unref(call);
    end(&f);
    if (!is_reachable)
        skip(); /* the name has no address here, or a public one */
    assert_true(is_refused);
    assert_int_equal(connections, 0);
    assert_int_equal(again, NACRE_ERROR_REFUSED);
}

static void a_proxy_of_the_environment_is_trusted(void **state)
{
    (void)state;
    fixture f;
    begin(&f, 302, "");
    char proxy[64];
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%u", test_server_port(f.second));
    ncr_call *call = test_call_new(NULL);
    assert_int_equal(setenv("http_proxy", proxy, 1), 0);
    for (int public_only = 0; public_only < 2; public_only++) {
        ncr_http_request *request = ncr_http_request_new("GET", "http://public.invalid/k", "NAME", call);
        request->sink.whole_limit = SIZE;
        request->public_only = public_only;
        nacre_error error;
        if (ncr_http_perform(request, &error) != NACRE_OK)
            fail_msg("%s", error.message);
        assert_memory_equal(request->response.whole.data, f.bytes, SIZE);
        ncr_http_request_free(request);
        assert_string_equal(test_server_request(f.second, (unsigned)public_only)->target, "http://public.invalid/k");
    }
    unsetenv("http_proxy");
    ncr_call_unref(call);
    end(&f);
}

static void a_proxy_that_refuses_is_told(void **state)
{
    (void)state;
    fixture f;
    begin(&f, 302, "");
    char proxy[64];
    snprintf(proxy, sizeof proxy, "http://user:secret@127.0.0.1:%u", test_server_port(f.second));
    ncr_call *call = test_call_new("http.retries=0", NULL);
    ncr_http_request *request = ncr_http_request_new("GET", "https://public.invalid/k", "NAME", call);
    setenv("https_proxy", proxy, 1);
    nacre_error error;
    f.status = 403;
    f.refuses = true;
    assert_int_equal(ncr_http_perform(request, &error), NACRE_ERROR_UNAVAILABLE);
    assert_non_null(strstr(error.message, "the proxy does not connect to public.invalid:443: "));
    assert_non_null(strstr(error.message, "403"));
    test_server_stop(f.second);
    f.second = NULL;
    assert_int_equal(ncr_http_perform(request, &error), NACRE_ERROR_UNAVAILABLE);
    assert_non_null(strstr(error.message, "cannot connect to the proxy for public.invalid:443: connection refused"));
    assert_null(strstr(error.message, "secret"));
    unsetenv("https_proxy");
    ncr_http_request_free(request);
    ncr_call_unref(call);
    end(&f);
}

static void the_proxys_user_is_told_to_it_alone(void **state)
{
    (void)state;
    fixture f;
    char proxy[80], value[64];
    begin(&f, 302, "");
    snprintf(proxy, sizeof proxy, "http.proxy=http://127.0.0.1:%u", test_server_port(f.second));
    ncr_call *call = test_call_new(proxy, "http.proxy_userpwd=user:secret", "http.retries=0", NULL);
    ncr_http_request *request = ncr_http_request_new("GET", "http://public.invalid/k", "NAME", call);
    request->sink.whole_limit = SIZE;
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
    const test_request *sent = test_server_request(f.second, 0);
    assert_true(test_request_header(sent, "proxy-authorization", value, sizeof value));
    assert_string_equal(value, "Basic dXNlcjpzZWNyZXQ=");
    assert_false(test_request_header(sent, "authorization", value, sizeof value));
    ncr_http_request_free(request);
    setenv("no_proxy", "127.0.0.0/8", 1);
    request = test_get_new(call, test_server_port(f.first), "/k", 0, 100);
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
    assert_int_equal(test_server_request_count(f.first), 1);
    assert_false(test_request_header(test_server_request(f.first, 0), "proxy-authorization", value, sizeof value));
    test_get_free(request);
    unsetenv("no_proxy");
    ncr_call_unref(call);
    end(&f);
}

static void a_proxy_that_wants_a_password_is_told(void **state)
{
    (void)state;
    fixture f;
    char proxy[80];
    begin(&f, 302, "");
    f.refuses = true;
    f.status = 407;
    snprintf(proxy, sizeof proxy, "http.proxy=http://127.0.0.1:%u", test_server_port(f.second));
    ncr_call *call = test_call_new(proxy, NULL);
    static const char *const urls[] = {"https://public.invalid/k", "http://public.invalid/k"};
    for (int i = 0; i < 2; i++) {
        ncr_http_request *request = ncr_http_request_new("GET", urls[i], "NAME", call);
        nacre_error error;
        nacre_status status = ncr_http_perform(request, &error);
        if (status == NACRE_OK)
            status = ncr_http_status_error(request, NULL, &error);
        assert_int_equal(status, NACRE_ERROR_DENIED);
        assert_non_null(strstr(error.message, "the proxy wants a user and password"));
        assert_non_null(strstr(error.message, "http.proxy_userpwd"));
        assert_int_equal(test_server_request_count(f.second), i + 1);
        ncr_http_request_free(request);
    }
    ncr_call_unref(call);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(redirects_within_a_host_keep_credentials),
        cmocka_unit_test(credentials_do_not_go_to_another_host),
        cmocka_unit_test(a_cut_after_a_redirect_is_resumed_without_credentials),
        cmocka_unit_test(a_target_that_has_ended_is_asked_for_anew),
        cmocka_unit_test(proofs_stay_proofs_behind_a_redirect),
        cmocka_unit_test(redirects_are_not_followed_unasked),
        cmocka_unit_test(redirects_to_nowhere_are_told),
        cmocka_unit_test(private_addresses_are_refused_where_asked),
        cmocka_unit_test(names_with_private_addresses_are_refused),
        cmocka_unit_test(a_proxy_of_the_environment_is_trusted),
        cmocka_unit_test(a_proxy_that_refuses_is_told),
        cmocka_unit_test(the_proxys_user_is_told_to_it_alone),
        cmocka_unit_test(a_proxy_that_wants_a_password_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
