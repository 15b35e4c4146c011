/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/credentials.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmocka_all.h"
#include "store/bearer.h"
#include "support/call.h"
#include "support/http_server.h"

/* Secrets that are fetched once for many, renewed before they end, and given up when the store refuses them. The clock
 * is the test's, so nothing here waits for it. */

static _Atomic int64_t now_ms = 1000000;

static int64_t test_clock(int wall)
{
    return now_ms + (wall ? 1600000000000 : 0);
}

/* A source that counts; fetches wait while it is shut. */
typedef struct {
    ncr_secret_source base;
    _Atomic int fetches, ended, freed;
    _Atomic bool is_shut, fails;
    _Atomic int64_t life_ms;
} source;

static nacre_status fetch(ncr_secret_source *base, ncr_call *call, ncr_secret **out, nacre_error *err)
{
    source *s = (source *)base;
    char token[32];
    int number = atomic_fetch_add(&s->fetches, 1) + 1;
    assert_non_null(call->config);
    while (s->is_shut)
        usleep(1000);
    *out = NULL;
    atomic_fetch_add(&s->ended, 1);
    if (s->fails)
        return ncr_error_set_http(err, NACRE_ERROR_DENIED, 400, "the token server HOST answered 400");
    snprintf(token, sizeof token, "secret-%d", number);
    *out = ncr_secret_new(NULL, NULL, token, ncr_clock_wall_ms() + s->life_ms);
    return NACRE_OK;
}

static void forget(ncr_secret_source *base)
{
    atomic_fetch_add(&((source *)base)->freed, 1);
}

typedef struct {
    source source;
    ncr_call *call;
    ncr_credentials *credentials;
} fixture;

/* The process keeps credentials, and so their sources, until it ends. */
static fixture *begin(int64_t life_ms)
{
    static int count;
    char id[32];
    fixture *f = calloc(1, sizeof *f);
    f->source.base = (ncr_secret_source){.fetch = fetch, .free = forget};
    f->source.life_ms = life_ms;
    f->call = test_call_new(NULL);
    snprintf(id, sizeof id, "test:%d", ++count);
    f->credentials = ncr_credentials_open(id, "the test", &f->source.base, f->call->config);
    ncr_clock_replace(test_clock);
    return f;
}

static void end(fixture *f)
{
    ncr_clock_replace(NULL);
    ncr_credentials_unref(f->credentials);
    ncr_call_unref(f->call); /* f itself stays, as its source does */
}

static void wait_for_fetches(const fixture *f, int count)
{
    for (int i = 0; i < 5000 && f->source.ended < count; i++)
        usleep(1000);
    assert_int_equal(f->source.ended, count);
}

/* The token of now, "" where it is NOT_YET; a fetch that was begun is waited for. */
static const char *token_now(fixture *f)
{
    static char token[32];
    ncr_secret *secret;
    nacre_error error;
    token[0] = '\0';
    ncr_http_ready ready = ncr_credentials_get(f->credentials, "NAME", &secret, &error);
    if (ready == NCR_HTTP_FAILED)
        fail_msg("%s", error.message);
    if (ready == NCR_HTTP_READY)
        snprintf(token, sizeof token, "%s", secret->token);
    ncr_secret_unref(secret);
    return token;
}

static ncr_secret *wait_for_secret(fixture *f)
{
    ncr_secret *secret;
    nacre_error error;
    for (int i = 0; i < 5000; i++) {
        ncr_http_ready ready = ncr_credentials_get(f->credentials, "NAME", &secret, &error);
        if (ready == NCR_HTTP_READY)
            return secret;
        if (ready == NCR_HTTP_FAILED)
            fail_msg("%s", error.message);
        usleep(1000);
    }
    fail_msg("no secret came");
    return NULL;
}

static void check_token(fixture *f, const char *expected)
{
    ncr_secret *secret = wait_for_secret(f);
    assert_string_equal(secret->token, expected);
    ncr_secret_unref(secret);
}

static ncr_http_ready failure_now(fixture *f, nacre_error *error)
{
    ncr_secret *secret;
    ncr_http_ready ready;
    for (int i = 0; i < 5000; i++) {
        ready = ncr_credentials_get(f->credentials, "NAME", &secret, error);
        if (ready != NCR_HTTP_NOT_YET)
            break;
        usleep(1000);
    }
    ncr_secret_unref(secret);
    return ready;
}

/* --- One fetch for many. --- */

static void *get_in_thread(void *user)
{
    ncr_secret *secret = wait_for_secret(user);
    bool is_first = strcmp(secret->token, "secret-1") == 0;
    ncr_secret_unref(secret);
    return is_first ? user : NULL;
}

static void one_fetch_serves_many(void **state)
{
    (void)state;
    fixture *f = begin(3600000);
    pthread_t threads[16];
    f->source.is_shut = true;
    for (int i = 0; i < 16; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, get_in_thread, f), 0);
    while (!f->source.fetches)
        usleep(1000);
    f->source.is_shut = false;
    for (int i = 0; i < 16; i++) {
        void *result;
        pthread_join(threads[i], &result);
        assert_ptr_equal(result, f);
    }
    assert_int_equal(f->source.fetches, 1);
    end(f);
}

static void an_id_is_found_again(void **state)
{
    (void)state;
    fixture *f = begin(3600000);
    source other = {.base = {.fetch = fetch, .free = forget}};
    check_token(f, "secret-1");
    ncr_credentials *again =
        ncr_credentials_open(ncr_credentials_id(f->credentials), "the test", &other.base, f->call->config);
    assert_ptr_equal(again, f->credentials);
    assert_int_equal(other.freed, 1);
    assert_int_equal(f->source.freed, 0);
    ncr_credentials_unref(again);
    end(f);
}

static void different_ids_are_different_credentials(void **state)
{
    (void)state;
    fixture *a = begin(3600000), *b = begin(3600000);
    assert_ptr_not_equal(a->credentials, b->credentials);
    end(a);
    end(b);
}

/* --- Renewal. --- */

static void a_new_secret_is_fetched_while_the_old_one_serves(void **state)
{
    (void)state;
    fixture *f = begin(3600000);
    check_token(f, "secret-1");
    now_ms += 3600000 - 301000; /* 5 minutes and a second are left */
    assert_string_equal(token_now(f), "secret-1");
    assert_int_equal(f->source.fetches, 1);
    f->source.is_shut = true;
    now_ms += 2000;
    assert_string_equal(token_now(f), "secret-1");
    assert_string_equal(token_now(f), "secret-1");
    f->source.is_shut = false;
    wait_for_fetches(f, 2);
    for (int i = 0; i < 5000 && strcmp(token_now(f), "secret-2") != 0; i++)
        usleep(1000);
    assert_string_equal(token_now(f), "secret-2");
    assert_int_equal(f->source.fetches, 2);
    end(f);
}

static void an_ended_secret_does_not_serve(void **state)
{
    (void)state;
    fixture *f = begin(3600000);
    check_token(f, "secret-1");
    now_ms += 3600000 - 5000; /* a request would outlive it */
    f->source.is_shut = true;
    assert_string_equal(token_now(f), "");
    f->source.is_shut = false;
    check_token(f, "secret-2");
    end(f);
}

static void a_renewal_that_fails_lets_the_old_one_serve(void **state)
{
    (void)state;
    fixture *f = begin(3600000);
    check_token(f, "secret-1");
    now_ms += 3600000 - 200000;
    f->source.fails = true;
    assert_string_equal(token_now(f), "secret-1");
    wait_for_fetches(f, 2);
    usleep(5000);
    now_ms += 2000;
    for (int i = 0; i < 5; i++)
        assert_string_equal(token_now(f), "secret-1");
    assert_int_equal(f->source.fetches, 2); /* and not once a request */
    f->source.fails = false;
    now_ms += 20000;
    assert_string_equal(token_now(f), "secret-1");
    wait_for_fetches(f, 3);
    for (int i = 0; i < 5000 && strcmp(token_now(f), "secret-3") != 0; i++)
        usleep(1000);
    assert_string_equal(token_now(f), "secret-3");
    end(f);
}

static void short_lives_do_not_make_a_fetch_for_each_request(void **state)
{
    (void)state;
    static const int64_t lives[] = {240000, 5000, 0, -7200000}; /* the last: a clock that is wrong */
    for (size_t i = 0; i < sizeof lives / sizeof lives[0]; i++) {
        fixture *f = begin(lives[i]);
        check_token(f, "secret-1");
        for (int n = 0; n < 50; n++)
            assert_string_equal(token_now(f), "secret-1");
        assert_int_equal(f->source.fetches, 1);
        now_ms += 2000; /* of four minutes, most are left; the others have ended */
        assert_string_equal(token_now(f), i == 0 ? "secret-1" : "");
        usleep(20000); /* for a fetch that should not be under way to be counted */
        assert_int_equal(f->source.fetches, i == 0 ? 1 : 2);
        end(f);
    }
}

/* --- Failure. --- */

static void a_failure_is_remembered_for_a_second(void **state)
{
    (void)state;
    nacre_error error;
    fixture *f = begin(3600000);
    f->source.fails = true;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(failure_now(f, &error), NCR_HTTP_FAILED);
        assert_string_equal(error.message, "NAME: the token server HOST answered 400");
        assert_int_equal(error.status, NACRE_ERROR_DENIED);
        assert_int_equal(error.http_status, 400);
    }
    assert_int_equal(f->source.fetches, 1);
    now_ms += 1100;
    f->source.fails = false;
    check_token(f, "secret-2");
    end(f);
}

/* --- Refused by the store. --- */

static void a_refused_secret_is_given_up_once_for_all(void **state)
{
    (void)state;
    fixture *f = begin(3600000);
    ncr_secret *first = wait_for_secret(f);
    for (int i = 0; i < 5; i++) /* as many requests as were under way */
        assert_true(ncr_credentials_refused(f->credentials, first->number));
    check_token(f, "secret-2");
    assert_true(ncr_credentials_refused(f->credentials, first->number)); /* a late one */
    check_token(f, "secret-2");
    assert_int_equal(f->source.fetches, 2);
    ncr_secret_unref(first);
    end(f);
}

static void two_refused_one_after_the_other_are_enough(void **state)
{
    (void)state;
    fixture *f = begin(3600000);
    ncr_secret *first = wait_for_secret(f);
    assert_true(ncr_credentials_refused(f->credentials, first->number));
    ncr_secret *second = wait_for_secret(f);
    assert_int_not_equal(first->number, second->number);
    assert_false(ncr_credentials_refused(f->credentials, second->number));
    check_token(f, "secret-2");
    now_ms += 6000; /* later it may be worth another */
    assert_true(ncr_credentials_refused(f->credentials, second->number));
    check_token(f, "secret-3");
    ncr_secret_unref(first);
    ncr_secret_unref(second);
    end(f);
}

static void a_fixed_secret_is_never_replaced(void **state)
{
    (void)state;
    ncr_secret *secret = ncr_secret_new("id", "key", "token", 5), *got;
    ncr_credentials *fixed = ncr_credentials_fixed("fixed", "NCR_VARIABLE", secret);
    assert_false(ncr_credentials_refused(fixed, secret->number));
    assert_int_equal(ncr_credentials_get(fixed, "NAME", &got, NULL), NCR_HTTP_READY);
    assert_ptr_equal(got, secret);
    assert_string_equal(got->key, "key");
    assert_string_equal(ncr_credentials_origin(fixed), "NCR_VARIABLE");
    ncr_secret_unref(got);
    ncr_secret_unref(secret);
    ncr_credentials_unref(fixed);
}

/* --- Fork. --- */

static void a_child_fetches_for_itself(void **state)
{
    (void)state;
    fixture *f = begin(3600000);
    f->source.is_shut = true;
    assert_string_equal(token_now(f), "");
    while (!f->source.fetches)
        usleep(1000);
    pid_t child = fork(); /* the fetch's thread is not in the child */
    if (child == 0) {
        alarm(20);
        f->source.is_shut = false;
        ncr_secret *secret;
        for (int i = 0; i < 10000; i++) {
            if (ncr_credentials_get(f->credentials, "NAME", &secret, NULL) == NCR_HTTP_READY)
                _exit(strcmp(secret->token, "secret-2") == 0 ? 0 : 1);
            usleep(1000);
        }
        _exit(2);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    f->source.is_shut = false;
    check_token(f, "secret-1");
    end(f);
}

/* --- Bearer tokens, with the engine. --- */

static void answer(void *user, const test_request *request, test_answer *out)
{
    char value[64] = "";
    test_request_header(request, "authorization", value, sizeof value);
    bool is_right = strcmp(value, user) == 0;
    *out = (test_answer){.status = is_right ? 200 : 401, .body = "words", .body_size = 5};
}

static void a_request_waits_for_its_token_and_renews_it(void **state)
{
    (void)state;
    fixture *f = begin(3600000);
    ncr_clock_replace(NULL);
    char expected[] = "Bearer secret-2";
    test_server *server = test_server_start(answer, expected);
    ncr_bearer bearer;
    ncr_bearer_init(&bearer, ncr_credentials_ref(f->credentials));
    ncr_http_request *request = test_get_new(f->call, test_server_port(server), "/k", 0, 0);
    request->signer = ncr_bearer_signer(&bearer);
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
    assert_int_equal(request->response.status, 200);
    assert_int_equal(test_server_request_count(server), 2);
    assert_int_equal(request->response.sent, 1); /* the refused one has had no effect */
    assert_int_equal(f->source.fetches, 2);
    test_get_free(request);
    ncr_bearer_clear(&bearer);
    test_server_stop(server);
    end(f);
}

static void what_a_server_repeats_of_a_token_is_nowhere(void **state)
{
    (void)state;
    fixture *f = begin(3600000);
    ncr_clock_replace(NULL);
    char expected[] = "Bearer other";
    test_server *server = test_server_start(answer, expected);
    ncr_bearer bearer;
    nacre_error error;
    ncr_bearer_init(&bearer, ncr_credentials_ref(f->credentials));
    ncr_http_request *request = test_get_new(f->call, test_server_port(server), "/k", 0, 0);
    request->signer = ncr_bearer_signer(&bearer);
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
    ncr_http_status_error(request, NULL, &error);
    assert_int_equal(error.status, NACRE_ERROR_DENIED);
    assert_null(strstr(error.message, "secret"));
    test_get_free(request);
    ncr_bearer_clear(&bearer);
    test_server_stop(server);
    end(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_fetch_serves_many),
        cmocka_unit_test(an_id_is_found_again),
        cmocka_unit_test(different_ids_are_different_credentials),
        cmocka_unit_test(a_new_secret_is_fetched_while_the_old_one_serves),
        cmocka_unit_test(an_ended_secret_does_not_serve),
        cmocka_unit_test(a_renewal_that_fails_lets_the_old_one_serve),
        cmocka_unit_test(short_lives_do_not_make_a_fetch_for_each_request),
        cmocka_unit_test(a_failure_is_remembered_for_a_second),
        cmocka_unit_test(a_refused_secret_is_given_up_once_for_all),
        cmocka_unit_test(two_refused_one_after_the_other_are_enough),
        cmocka_unit_test(a_fixed_secret_is_never_replaced),
        cmocka_unit_test(a_child_fetches_for_itself),
        cmocka_unit_test(a_request_waits_for_its_token_and_renews_it),
        cmocka_unit_test(what_a_server_repeats_of_a_token_is_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
