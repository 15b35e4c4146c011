/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <string.h>

#include "base/clock.h"
#include "cache/limits.h"
#include "cmocka_all.h"
#include "support/call.h"
#include "support/fake_store.h"

/* What each cache policy promises (docs/guide/consistency.md), with exact counts of requests. The clock is the tests'.
 */

enum { BIG = 200 * 1024 };

static fake_store *store;
static ncr_call *call;
static ncr_object *object;
static _Atomic int64_t now_ms = 1000000;

static int64_t test_clock(int wall)
{
    (void)wall;
    return now_ms;
}

static int begin(void **state)
{
    (void)state;
    store = fake_store_new();
    call = test_call_new(NULL);
    object = fake_object(store, "k");
    fake_set(store, "k", "v=1", true, NULL, BIG);
    ncr_clock_replace(test_clock);
    return 0;
}

static int end(void **state)
{
    (void)state;
    ncr_clock_replace(NULL);
    ncr_cache_set_budget((size_t)64 << 20);
    ncr_object_unref(object);
    ncr_call_unref(call);
    fake_store_free(store);
    return 0;
}

/* Opens with a policy, which must end at once with a status and, where that is none, a version. */
static void expect_of(ncr_object *of, const char *cache, nacre_status status, const char *token)
{
    ncr_call *with = test_call_new(cache, NULL);
    test_open open;
    test_open_start(&open, of, with);
    if (open.op.status != status)
        fail_msg("%s: status %d, not %d: %s", cache, open.op.status, status, open.op.error.message);
    if (status == NACRE_OK)
        assert_string_equal(ncr_pin_facts(open.op.pin)->version.token, token);
    for (size_t i = 0; i < open.op.head.size; i++)
        assert_int_equal(open.op.head.data[i], fake_byte(token, i));
    test_open_clear(&open);
    ncr_call_unref(with);
}

static void expect(const char *cache, const char *token)
{
    expect_of(object, cache, NACRE_OK, token);
}

static void fresh_asks_at_each_open(void **state)
{
    (void)state;
    for (int i = 1; i <= 3; i++) {
        expect("cache=fresh", "v=1");
        assert_int_equal(fake_count(store, 'g'), i);
    }
}

static void ttl_asks_again_when_the_proof_is_older(void **state)
{
    (void)state;
    expect("cache=ttl=60", "v=1");
    fake_set(store, "k", "v=2", true, NULL, BIG);
    now_ms += 60000;
    expect("cache=ttl=60", "v=1"); /* it is just so old */
    assert_int_equal(fake_count(store, 'g'), 1);
    expect("cache=ttl=59.999", "v=2"); /* each asker has a limit of its own, and the new proof is good for all */
    expect("cache=ttl=60", "v=2");
    assert_int_equal(fake_count(store, 'g'), 2);
    now_ms += 60001;
    expect("cache=ttl=60", "v=2");
    assert_int_equal(fake_count(store, 'g'), 3);
}

static void ttl_counts_from_when_the_request_was_sent(void **state)
{
    (void)state;
    test_open slow;
    fake_manners_of(store)->hold = true;
    test_open_start(&slow, object, call);
    now_ms += 50000; /* it takes so long to be answered */
    fake_release(store);
    test_open_clear(&slow);
    fake_manners_of(store)->hold = false;
    now_ms += 9000;
    expect("cache=ttl=60", "v=1");
    assert_int_equal(fake_count(store, 'g'), 1);
    now_ms += 1001;
    expect("cache=ttl=60", "v=1");
    assert_int_equal(fake_count(store, 'g'), 2);
}

static void ttl_believes_a_proof_that_came_while_it_waited(void **state)
{
    (void)state;
    ncr_call *ttl = test_call_new("cache=ttl=60", NULL);
    test_open first, second, fresh;
    fake_manners_of(store)->hold = true;
    test_open_start(&first, object, ttl);
    test_open_start(&second, object, ttl);
    test_open_start(&fresh, object, call);
    fake_release(store);
    assert_int_equal(first.done, 1);
    assert_int_equal(second.done, 1);
    assert_int_equal(fresh.done, 0); /* it was not there when that was sent */
    assert_int_equal(second.op.status, NACRE_OK);
    fake_release_all(store);
    assert_int_equal(fresh.done, 1);
    assert_int_equal(fake_count(store, 'g'), 2);
    test_open_clear(&first);
    test_open_clear(&second);
    test_open_clear(&fresh);
    ncr_call_unref(ttl);
}

static void own_change_ends_a_proof(void **state)
{
    (void)state;
    static const char *const policies[] = {"cache=ttl=60", "cache=immutable"};
    const ncr_outcome outcomes[] = {NCR_OUTCOME_DONE, NCR_OUTCOME_UNKNOWN};
    for (size_t i = 0; i < 4; i++) {
        char token[8] = {'v', '=', (char)('3' + i)};
        expect(policies[i / 2], i ? (char[]){'v', '=', (char)('2' + i), 0} : "v=1");
        ncr_cache_change_begin(object, NULL);
        fake_set(store, "k", token, true, NULL, BIG);
        ncr_cache_change_end(object, NULL, outcomes[i % 2], NULL, NULL, 0);
        fake_forget_requests(store);
        expect(policies[i / 2], token);
        assert_int_equal(fake_count(store, 'g'), 1);
    }
    ncr_cache_change_begin(object, NULL);
    ncr_cache_change_end(object, NULL, NCR_OUTCOME_NOT_DONE, NULL, NULL, 0);
    expect("cache=ttl=60", "v=6"); /* that was none */
    assert_int_equal(fake_count(store, 'g'), 1);
}

static void own_put_is_a_proof(void **state)
{
    (void)state;
    ncr_object_facts facts = {.size = 5, .version = {.strong = true, .token = "v=7"}, .modified_ms = -1};
    uint8_t data[5];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = fake_byte("v=7", i);
    ncr_cache_change_begin(object, NULL);
    now_ms += 30000;
    ncr_cache_change_end(object, NULL, NCR_OUTCOME_DONE, &facts, data, sizeof data);
    now_ms += 30000;
    expect("cache=ttl=60", "v=7");
    assert_int_equal(fake_count(store, 'g'), 0);
    now_ms += 1; /* it counts from its beginning */
    expect("cache=ttl=60", "v=1");
    assert_int_equal(fake_count(store, 'g'), 1);
}

static void absence_is_asked_for_each_time(void **state)
{
    (void)state;
    static const char *const policies[] = {"cache=ttl=60", "cache=immutable"};
    ncr_object *missing = fake_object(store, "missing");
    for (int i = 0; i < 4; i++) {
        expect_of(missing, policies[i / 2], NACRE_ERROR_NOT_FOUND, NULL);
        assert_int_equal(fake_count(store, 'g'), i + 1);
    }
    fake_set(store, "missing", "v=1", true, NULL, BIG);
    expect_of(missing, "cache=immutable", NACRE_OK, "v=1");
    ncr_object_unref(missing);
}

static void ttl_learns_that_an_object_is_gone(void **state)
{
    (void)state;
    expect("cache=ttl=60", "v=1");
    fake_remove(store, "k");
    now_ms += 60001;
    expect_of(object, "cache=ttl=60", NACRE_ERROR_NOT_FOUND, NULL);
    expect_of(object, "cache=ttl=1000000", NACRE_ERROR_NOT_FOUND, NULL); /* the older proof is not believed again */
}

static void proofs_are_by_credentials(void **state)
{
    (void)state;
    static const char *const policies[] = {"cache=ttl=60", "cache=immutable"};
    ncr_store *other = fake_store_as(store, "user");
    ncr_object *as_user = fake_object_as(other, "k");
    expect("cache=ttl=60", "v=1");
    for (int i = 0; i < 2; i++) {
        fake_forget_requests(store);
        expect_of(as_user, policies[i], NACRE_OK, "v=1");
        assert_int_equal(fake_count(store, 'g'), i == 0);
    }
    ncr_object_unref(as_user);
    ncr_store_unref(other);
}

/* What the user has read from a private address is not for a document that may not ask there. */
static void proof_of_the_user_is_none_for_a_document_from_elsewhere(void **state)
{
    (void)state;
    ncr_object *named = ncr_object_new(object->store, "b", "k", "fake://b/k", true);
    expect("cache=fresh", "v=1");
    expect_of(named, "cache=offline", NACRE_ERROR_OFFLINE, NULL);
    expect_of(named, "cache=ttl=60", NACRE_OK, "v=1");
    assert_int_equal(fake_count(store, 'g'), 2);
    expect_of(named, "cache=ttl=60", NACRE_OK, "v=1");
    expect("cache=ttl=60", "v=1");
    assert_int_equal(fake_count(store, 'g'), 2);
    ncr_object_unref(named);
}

static void read_that_finds_a_change_ends_the_proof(void **state)
{
    (void)state;
    ncr_call *ttl = test_call_new("cache=ttl=60", NULL);
    ncr_pin *pin = test_open_now(object, ttl);
    fake_set(store, "k", "v=2", true, NULL, BIG);
    test_fetch fetch;
    assert_int_equal(test_fetch_now(&fetch, pin, ttl, 100000, 10), NACRE_ERROR_CHANGED);
    test_fetch_clear(&fetch);
    expect("cache=ttl=60", "v=2");
    ncr_pin_unref(pin);
    ncr_call_unref(ttl);
}

static void read_of_a_range_is_no_proof(void **state)
{
    (void)state;
    ncr_pin *pin = test_open_now(object, call);
    now_ms += 60001;
    test_fetch fetch;
    assert_int_equal(test_fetch_now(&fetch, pin, call, 100000, 10), NACRE_OK);
    test_fetch_clear(&fetch);
    fake_forget_requests(store);
    expect("cache=ttl=60", "v=1");
    assert_int_equal(fake_count(store, 'g'), 1);
    ncr_pin_unref(pin);
}

/* --- Immutable. --- */

static void immutable_is_asked_for_once(void **state)
{
    (void)state;
    expect("cache=immutable", "v=1");
    now_ms += INT64_C(1) << 40;
    fake_set(store, "k", "v=2", true, NULL, BIG);
    for (int i = 0; i < 3; i++)
        expect("cache=immutable", "v=1");
    assert_int_equal(fake_count(store, 'g'), 1);
    expect("cache=fresh", "v=2");
}

static void immutable_that_changed_is_an_error_where_an_answer_shows_it(void **state)
{
    (void)state;
    ncr_call *immutable = test_call_new("cache=immutable", NULL);
    ncr_pin *pin = test_open_now(object, immutable);
    fake_set(store, "k", "v=2", true, NULL, BIG);
    test_fetch fetch;
    for (int i = 0; i < 2; i++) { /* the second time too: what was proven stays */
        assert_int_equal(test_fetch_now(&fetch, pin, immutable, 100000, 10), NACRE_ERROR_CHANGED);
        test_fetch_clear(&fetch);
        expect("cache=immutable", "v=1");
    }
    ncr_pin_unref(pin);
    ncr_call_unref(immutable);
}

/* The version is known, but its first bytes are too many for the cache. */
static void immutable_that_must_be_read_again_is_the_same_or_an_error(void **state)
{
    (void)state;
    ncr_cache_set_budget(100000);
    expect("cache=immutable", "v=1");
    expect("cache=immutable", "v=1");
    assert_int_equal(fake_count(store, 'g'), 2);
    for (int i = 0; i < 4; i++) {
        if (i < 2)
            fake_set(store, "k", "v=2", true, NULL, BIG);
        else
            fake_remove(store, "k");
        test_open open;
        ncr_call *immutable = test_call_new("cache=immutable", NULL);
        test_open_start(&open, object, immutable);
        assert_int_equal(open.op.status, NACRE_ERROR_CHANGED);
        assert_null(open.op.pin);
        assert_non_null(strstr(open.op.error.message, i < 2 ? "was v=1, now v=2" : "was v=1, is gone"));
        test_open_clear(&open);
        ncr_call_unref(immutable);
    }
    ncr_cache_forget(object);
    expect_of(object, "cache=immutable", NACRE_ERROR_NOT_FOUND, NULL);
    fake_set(store, "k", "v=3", true, NULL, BIG);
    expect("cache=immutable", "v=3");
}

/* --- Which policy holds. --- */

static void policy_of_the_object_holds_and_that_of_the_call_comes_before(void **state)
{
    (void)state;
    expect("cache=fresh", "v=1");
    fake_forget_requests(store);
    object->policy = (ncr_policy){.kind = NCR_POLICY_IMMUTABLE, .origin = NCR_POLICY_OF_PREFIX};
    expect("cache=fresh", "v=1"); /* a key is weaker than a prefix */
    assert_int_equal(fake_count(store, 'g'), 0);
    nacre_io_options options = NACRE_IO_OPTIONS_INIT;
    options.cache = "fresh";
    ncr_call *with;
    assert_int_equal(ncr_call_new(&options, &with, NULL), NACRE_OK);
    ncr_pin_unref(test_open_now(object, with));
    assert_int_equal(fake_count(store, 'g'), 1);
    with->policy = (ncr_policy){.kind = NCR_POLICY_IMMUTABLE, .origin = NCR_POLICY_OF_ARGUMENT};
    with->proves_again = true; /* a refresh asks whatever is believed */
    ncr_pin_unref(test_open_now(object, with));
    assert_int_equal(fake_count(store, 'g'), 2);
    ncr_call_unref(with);
}

static void object_opened_offline_is_read_offline(void **state)
{
    (void)state;
    expect("cache=fresh", "v=1");
    object->policy = (ncr_policy){.kind = NCR_POLICY_OFFLINE, .origin = NCR_POLICY_OF_PREFIX};
    ncr_pin *pin = test_open_now(object, call);
    test_fetch fetch;
    assert_int_equal(test_fetch_now(&fetch, pin, call, 100000, 10), NACRE_ERROR_OFFLINE);
    test_fetch_clear(&fetch);
    assert_int_equal(fake_count(store, 'g'), 1);
    ncr_pin_unref(pin);
}

static void local_objects_are_always_looked_at(void **state)
{
    (void)state;
    fake_manners_of(store)->is_local = true;
    ncr_store *local = fake_store_as(store, "none");
    local->is_local = true;
    ncr_object *file = fake_object_as(local, "k");
    static const char *const policies[] = {"cache=ttl=60", "cache=immutable", "cache=offline"};
    for (int i = 0; i < 3; i++) {
        expect_of(file, policies[i], NACRE_OK, "v=1");
        assert_int_equal(fake_count(store, 'g'), i + 1);
    }
    ncr_object_unref(file);
    ncr_store_unref(local);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fresh_asks_at_each_open),
        TEST(ttl_asks_again_when_the_proof_is_older),
        TEST(ttl_counts_from_when_the_request_was_sent),
        TEST(ttl_believes_a_proof_that_came_while_it_waited),
        TEST(own_change_ends_a_proof),
        TEST(own_put_is_a_proof),
        TEST(absence_is_asked_for_each_time),
        TEST(ttl_learns_that_an_object_is_gone),
        TEST(proofs_are_by_credentials),
        TEST(proof_of_the_user_is_none_for_a_document_from_elsewhere),
        TEST(read_that_finds_a_change_ends_the_proof),
        TEST(read_of_a_range_is_no_proof),
        TEST(immutable_is_asked_for_once),
        TEST(immutable_that_changed_is_an_error_where_an_answer_shows_it),
        TEST(immutable_that_must_be_read_again_is_the_same_or_an_error),
        TEST(policy_of_the_object_holds_and_that_of_the_call_comes_before),
        TEST(object_opened_offline_is_read_offline),
        TEST(local_objects_are_always_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
