/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmocka_all.h"
#include "support/call.h"
#include "support/http_server.h"

/* Asking token servers: what is sent, what is taken from the answers, and what errors say and do not say. */

typedef struct {
    test_server *server;
    test_answer answer;
    ncr_call *call;
    char url[64], host[32];
} fixture;

static void answer(void *user, const test_request *request, test_answer *out)
{
    (void)request;
    *out = ((fixture *)user)->answer;
}

static void begin(fixture *f, int status, const char *body)
{
    *f = (fixture){.answer = {.status = status, .body = body, .body_size = strlen(body)}};
    f->server = test_server_start(answer, f);
    f->call = test_call_new(NULL);
    snprintf(f->host, sizeof f->host, "127.0.0.1:%u", test_server_port(f->server));
    snprintf(f->url, sizeof f->url, "http://%s/token?secret", f->host);
}

static void end(fixture *f)
{
    ncr_call_unref(f->call);
    test_server_stop(f->server);
}

static void a_form_is_posted_and_its_token_taken(void **state)
{
    (void)state;
    fixture f;
    begin(&f, 200, "{\"access_token\": \"abc\", \"expires_in\": 1800}");
    ncr_buffer form;
    ncr_buffer_init(&form, 1000);
    assert_true(ncr_token_form_add(&form, "grant_type", "refresh_token"));
    assert_true(ncr_token_form_add(&form, "refresh_token", "1//a b&c=d"));
    static const char *const headers[] = {"Content-Type", "application/x-www-form-urlencoded", "X-A", "b", NULL};
    ncr_token_ask ask = {.method = "POST", .url = f.url, .headers = headers};
    ask.body = (const char *)form.data;
    ask.body_size = form.size;
    ncr_secret *secret;
    nacre_error error;
    int64_t before_ms = ncr_clock_wall_ms();
    if (ncr_token_fetch(&ask, f.call, &secret, &error) != NACRE_OK)
        fail_msg("%s", error.message);
    assert_string_equal(secret->token, "abc");
    assert_true(secret->expires_ms >= before_ms + 1800000 && secret->expires_ms <= ncr_clock_wall_ms() + 1800000);
    const test_request *sent = test_server_request(f.server, 0);
    static const char expected[] = "grant_type=refresh_token&refresh_token=1%2F%2Fa%20b%26c%3Dd";
    assert_string_equal(sent->method, "POST");
    assert_int_equal(sent->body_size, sizeof expected - 1);
    assert_memory_equal(sent->body, expected, sizeof expected - 1);
    char value[64];
    assert_true(test_request_header(sent, "x-a", value, sizeof value));
    ncr_secret_unref(secret);
    ncr_token_wipe(&form);
    end(&f);
}

static void check_refusal(int status, const char *body, nacre_status expected, const char *message)
{
    fixture f;
    begin(&f, status, body);
    ncr_token_ask ask = {.method = "GET", .url = f.url, .secrets = {"hunter2", "other-secret"}, .once = true};
    ncr_secret *secret;
    nacre_error error;
    char full[600];
    assert_int_equal(ncr_token_fetch(&ask, f.call, &secret, &error), expected);
    assert_null(secret);
    snprintf(full, sizeof full, "the token server %s %s", f.host, message);
    assert_string_equal(error.message, full);
    end(&f);
}

static void refusals_say_what_the_server_says(void **state)
{
    (void)state;
    check_refusal(400, "{\"error\": \"invalid_grant\", \"error_description\": \"Bad Request\"}", NACRE_ERROR_DENIED,
                  "answered 400: invalid_grant: Bad Request");
    check_refusal(403, "{\"error\": {\"code\": 403, \"message\": \"no role\", \"status\": \"PERMISSION_DENIED\"}}",
                  NACRE_ERROR_DENIED, "answered 403: PERMISSION_DENIED: no role");
    check_refusal(403, "<ErrorResponse><Error><Code>ExpiredToken</Code><Message>It is old</Message></Error>",
                  NACRE_ERROR_DENIED, "answered 403: ExpiredToken: It is old");
    check_refusal(404, "not here\n", NACRE_ERROR_DENIED, "answered 404: not here");
    check_refusal(404, "<html><title>Not found</title>", NACRE_ERROR_DENIED, "answered 404");
    check_refusal(400, "", NACRE_ERROR_DENIED, "answered 400");
    check_refusal(503, "{\"code\": \"x\", \"message\": \"later\"}", NACRE_ERROR_UNAVAILABLE, "answered 503: x: later");
    check_refusal(302, "", NACRE_ERROR_DENIED, "answered 302");
    check_refusal(200, "{\"token\": 5}", NACRE_ERROR_DENIED, "answered without access_token");
    check_refusal(200, "[1]", NACRE_ERROR_DENIED, "answered without a JSON object");
    check_refusal(200, "no", NACRE_ERROR_DENIED, "answered without a JSON object");
}

static void secrets_that_the_server_repeats_are_masked(void **state)
{
    (void)state;
    check_refusal(401, "{\"error\": \"bad\", \"error_description\": \"hunter2 and other-secret, hunter2\"}",
                  NACRE_ERROR_DENIED, "answered 401: bad: ******* and ************, *******");
    check_refusal(400, "you sent hunter2", NACRE_ERROR_DENIED, "answered 400: you sent *******");
}

static void a_dead_server_is_told_without_the_url(void **state)
{
    (void)state;
    fixture f;
    begin(&f, 200, "");
    test_server_stop(f.server);
    ncr_token_ask ask = {.method = "GET", .url = f.url, .server = "the metadata server", .once = true};
    ncr_token_answer answer;
    nacre_error error;
    assert_int_equal(ncr_token_ask_any(&ask, f.call, &answer, &error), NACRE_ERROR_UNAVAILABLE);
    assert_memory_equal(error.message, "the metadata server 127.0.0.1", 29);
    assert_null(strstr(error.message, "secret"));
    f.server = NULL;
    end(&f);
}

static void a_fault_is_asked_again_unless_once(void **state)
{
    (void)state;
    fixture f;
    begin(&f, 503, "");
    ncr_token_ask ask = {.method = "POST", .url = f.url, .once = true};
    ncr_token_answer answer;
    assert_int_equal(ncr_token_ask_any(&ask, f.call, &answer, NULL), NACRE_OK);
    assert_int_equal(answer.status, 503);
    assert_int_equal(test_server_request_count(f.server), 1);
    ncr_token_answer_clear(&answer);
    ask.once = false;
    assert_int_equal(ncr_token_ask_any(&ask, f.call, &answer, NULL), NACRE_OK);
    assert_true(test_server_request_count(f.server) > 2);
    ncr_token_answer_clear(&answer);
    end(&f);
}

static void no_proxy_is_asked_for_what_is_direct(void **state)
{
    (void)state;
    fixture f;
    begin(&f, 200, "{\"access_token\": \"abc\", \"expires_in\": \"60\"}");
    setenv("http_proxy", "http://127.0.0.1:9", 1);
    ncr_token_ask ask = {.method = "GET", .url = f.url, .direct = true, .once = true};
    ncr_secret *secret;
    nacre_status status = ncr_token_fetch(&ask, f.call, &secret, NULL);
    unsetenv("http_proxy");
    assert_int_equal(status, NACRE_OK);
    ncr_secret_unref(secret);
    end(&f);
}

static void times_are_read_in_any_zone(void **state)
{
    (void)state;
    assert_int_equal(ncr_token_time_ms("2020-11-01T10:00:00Z"), 1604224800000);
    assert_int_equal(ncr_token_time_ms("2020-11-01T10:00:00.25Z"), 1604224800250);
    assert_int_equal(ncr_token_time_ms("2020-11-01T12:30:00+02:30"), 1604224800000);
    assert_int_equal(ncr_token_time_ms("2020-11-01T05:00:00.123456-05:00"), 1604224800123);
    static const char *const bad[] = {"",
                                      "soon",
                                      "2020-11-01",
                                      "2020-11-01T10:00:00",
                                      "2020-13-01T10:00:00Z",
                                      "2020-11-01T10:00:00Zulu",
                                      "2020-11-01T10:00:00+1",
                                      "20-11-01T10:00:00Z",
                                      "2020-11-01T10:-1:00Z"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (ncr_token_time_ms(bad[i]) != -1)
            fail_msg("'%s' was taken", bad[i]);
}

static void numbers_may_be_texts(void **state)
{
    (void)state;
    json_t *root = json_loads("{\"a\": 5, \"b\": \"6\", \"c\": 7.0, \"d\": \"x\", \"e\": 1e300}", 0, NULL);
    int64_t value;
    assert_true(ncr_token_number(root, "a", &value) && value == 5);
    assert_true(ncr_token_number(root, "b", &value) && value == 6);
    assert_true(ncr_token_number(root, "c", &value) && value == 7);
    assert_false(ncr_token_number(root, "d", &value));
    assert_false(ncr_token_number(root, "e", &value));
    assert_false(ncr_token_number(root, "f", &value));
    json_decref(root);
}

static void files_are_read_up_to_a_limit(void **state)
{
    (void)state;
    char path[] = "/tmp/ncr_token_XXXXXX";
    ncr_buffer text;
    nacre_error error;
    int file = mkstemp(path);
    assert_int_equal(write(file, "token\n", 6), 6);
    assert_int_equal(ncr_token_read_file(path, "the token file", &text, &error), NACRE_OK);
    assert_int_equal(text.size, 6);
    assert_string_equal((const char *)text.data, "token\n");
    ncr_token_wipe(&text);
    assert_int_equal(ftruncate(file, NCR_TOKEN_ANSWER_LIMIT * 2), 0);
    assert_int_equal(ncr_token_read_file(path, "the token file", &text, &error), NACRE_ERROR_TOO_LARGE);
    close(file);
    unlink(path);
    assert_int_equal(ncr_token_read_file(path, "the token file", &text, &error), NACRE_ERROR_NOT_FOUND);
    assert_non_null(strstr(error.message, "the token file /tmp/ncr_token_"));
    assert_int_equal(ncr_token_read_file("/tmp", "the token file", &text, &error), NACRE_ERROR_IO);
}

static void hashes_tell_texts_apart(void **state)
{
    (void)state;
    char a[NCR_TOKEN_HASH_TEXT], b[NCR_TOKEN_HASH_TEXT];
    ncr_token_hash("secret", 6, a);
    ncr_token_hash("secres", 6, b);
    assert_int_equal(strlen(a), 32);
    assert_string_not_equal(a, b);
    assert_string_equal(a, "2bb80d537b1da3e38bd30361aa855686");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_form_is_posted_and_its_token_taken),
        cmocka_unit_test(refusals_say_what_the_server_says),
        cmocka_unit_test(secrets_that_the_server_repeats_are_masked),
        cmocka_unit_test(a_dead_server_is_told_without_the_url),
        cmocka_unit_test(a_fault_is_asked_again_unless_once),
        cmocka_unit_test(no_proxy_is_asked_for_what_is_direct),
        cmocka_unit_test(times_are_read_in_any_zone),
        cmocka_unit_test(numbers_may_be_texts),
        cmocka_unit_test(files_are_read_up_to_a_limit),
        cmocka_unit_test(hashes_tell_texts_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
