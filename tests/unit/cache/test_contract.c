/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <string.h>

#include "cache/limits.h"
#include "cmocka_all.h"
#include "support/call.h"
#include "support/fake_store.h"

/* The coherence contract, point by point, against a store that misbehaves as it is told. Each test fails when its rule
 * is broken in the cache; docs/internals/cache.md says how that was tried. */

enum { BIG = 200 * 1024 };

static fake_store *store;
static ncr_call *call;
static ncr_object *object;

static int begin(void **state)
{
    (void)state;
    store = fake_store_new();
    call = test_call_new(NULL);
    object = fake_object(store, "k");
    fake_set(store, "k", "v=1", true, NULL, BIG);
    return 0;
}

static int end(void **state)
{
    (void)state;
    ncr_object_unref(object);
    ncr_call_unref(call);
    fake_store_free(store);
    return 0;
}

static void open_and_check(const char *token)
{
    test_open open;
    test_open_start(&open, object, call);
    assert_int_equal(open.op.status, NACRE_OK);
    assert_string_equal(ncr_pin_facts(open.op.pin)->version.token, token);
    assert_int_equal(open.op.head.size, NCR_FIRST_READ);
    for (size_t i = 0; i < open.op.head.size; i++)
        assert_int_equal(open.op.head.data[i], fake_byte(token, i));
    test_open_clear(&open);
}

static void read_and_check(ncr_pin *pin, uint64_t offset, size_t length, const char *token)
{
    test_fetch fetch;
    assert_int_equal(test_fetch_now(&fetch, pin, call, offset, length), NACRE_OK);
    test_fetch_check(&fetch, token, offset, length);
    test_fetch_clear(&fetch);
}

/* --- 1. Own writes are seen at once. --- */

static void put_text(const char *text)
{
    ncr_put put = {.object = object, .call = call, .data = text, .size = strlen(text)};
    ncr_cache_change_begin(object, NULL);
    nacre_status status = object->store->class->put(&put, NULL);
    ncr_cache_change_end(object, NULL, put.outcome, status == NACRE_OK ? &put.facts : NULL, text, strlen(text));
}

static void assert_opens_as(const char *text)
{
    test_open open;
    test_open_start(&open, object, call);
    assert_int_equal(open.op.status, NACRE_OK);
    assert_int_equal(open.op.head.size, strlen(text));
    assert_memory_equal(open.op.head.data, text, strlen(text));
    test_open_clear(&open);
}

static void own_put_is_seen_and_fills_the_cache(void **state)
{
    (void)state;
    open_and_check("v=1");
    put_text("hello");
    fake_forget_requests(store);
    assert_opens_as("hello");
    assert_int_equal(fake_count(store, 'g'), 1);
    assert_int_equal(fake_bytes_sent(store), 0); /* one small request: "is it still what I put?" */
    assert_int_equal(fake_last(store).match, NCR_MATCH_MODIFIED);
}

static nacre_status open_offline(ncr_object_facts *facts)
{
    ncr_call *offline = test_call_new("cache=offline", NULL);
    test_open open;
    test_open_start(&open, object, offline);
    nacre_status status = open.op.status;
    if (status == NACRE_OK)
        *facts = *ncr_pin_facts(open.op.pin);
    test_open_clear(&open);
    ncr_call_unref(offline);
    return status;
}

/* Another's version was shown while our own put was under way: its end must not make ours the last one that was known,
 * or an open without proof would go back in time. */
static void what_was_shown_during_a_put_is_not_forgotten_for_the_put(void **state)
{
    (void)state;
    static const char text[] = "mine";
    ncr_object_facts facts;
    ncr_put put = {.object = object, .call = call, .data = text, .size = sizeof text};
    ncr_cache_change_begin(object, NULL);
    assert_int_equal(object->store->class->put(&put, NULL), NACRE_OK);
    fake_set(store, "k", "v=theirs", true, NULL, 100000);
    open_and_check("v=theirs");
    ncr_cache_change_end(object, NULL, put.outcome, &put.facts, text, sizeof text);
    assert_int_equal(open_offline(&facts), NACRE_ERROR_OFFLINE);
}

/* The same where the proof's answer comes after the put's end. */
static void what_a_late_proof_shows_ends_the_belief_in_another_version(void **state)
{
    (void)state;
    static const char text[] = "mine";
    ncr_object_facts facts;
    test_open slow;
    ncr_put put = {.object = object, .call = call, .data = text, .size = sizeof text};
    ncr_cache_change_begin(object, NULL);
    assert_int_equal(object->store->class->put(&put, NULL), NACRE_OK);
    fake_set(store, "k", "v=theirs", true, NULL, 100000);
    fake_manners_of(store)->hold = true;
    test_open_start(&slow, object, call);
    fake_manners_of(store)->hold = false;
    ncr_cache_change_end(object, NULL, put.outcome, &put.facts, text, sizeof text);
    assert_int_equal(open_offline(&facts), NACRE_OK); /* nobody was shown anything else yet */
    fake_release_all(store);
    assert_string_equal(ncr_pin_facts(slow.op.pin)->version.token, "v=theirs");
    test_open_clear(&slow);
    assert_int_equal(open_offline(&facts), NACRE_ERROR_OFFLINE);
}

static void own_delete_is_seen(void **state)
{
    (void)state;
    open_and_check("v=1");
    ncr_delete op = {.object = object, .call = call};
    ncr_cache_change_begin(object, NULL);
    assert_int_equal(object->store->class->remove(&op, NULL), NACRE_OK);
    ncr_cache_change_end(object, NULL, op.outcome, NULL, NULL, 0);
    test_open open;
    test_open_start(&open, object, call);
    assert_int_equal(open.op.status, NACRE_ERROR_NOT_FOUND);
    test_open_clear(&open);
}

/* A proof that was sent before a change, and arrives after it, tells nothing of the time after. */
static void proof_that_began_before_a_change_never_fills_the_cache(void **state)
{
    (void)state;
    fake_manners_of(store)->hold = true;
    test_open slow;
    test_open_start(&slow, object, call); /* the server answers v=1 */
    put_text("hello");
    fake_release_all(store);
    fake_manners_of(store)->hold = false;
    assert_string_equal(ncr_pin_facts(slow.op.pin)->version.token, "v=1"); /* true when it was asked */
    test_open_clear(&slow);
    /* Nor is ours believed any more: who was shown another version must not be shown an older one after it. */
    ncr_object_facts facts;
    assert_int_equal(open_offline(&facts), NACRE_ERROR_OFFLINE);
}

static void fetch_that_began_before_a_change_never_fills_the_cache(void **state)
{
    (void)state;
    ncr_pin *pin = test_open_now(object, call);
    fake_manners_of(store)->hold = true;
    test_fetch slow, again;
    test_fetch_start(&slow, pin, call, 100000, 1000);
    ncr_cache_change_begin(object, NULL);
    ncr_cache_change_end(object, NULL, NCR_OUTCOME_NOT_DONE, NULL, NULL, 0);
    fake_release_all(store);
    fake_manners_of(store)->hold = false;
    test_fetch_check(&slow, "v=1", 100000, 1000); /* its reader gets them: they are of the pinned version */
    test_fetch_clear(&slow);
    fake_forget_requests(store);
    assert_int_equal(test_fetch_now(&again, pin, call, 100000, 1000), NACRE_OK);
    assert_int_equal(fake_count(store, 'g'), 1); /* nothing of it was kept */
    test_fetch_clear(&again);
    ncr_pin_unref(pin);
}

static void fetch_that_arrives_during_a_change_never_fills_the_cache(void **state)
{
    (void)state;
    ncr_pin *pin = test_open_now(object, call);
    fake_manners_of(store)->hold = true;
    test_fetch slow, again;
    test_fetch_start(&slow, pin, call, 100000, 1000);
    ncr_cache_change_begin(object, NULL);
    fake_release_all(store);
    ncr_cache_change_end(object, NULL, NCR_OUTCOME_NOT_DONE, NULL, NULL, 0);
    fake_manners_of(store)->hold = false;
    test_fetch_clear(&slow);
    fake_forget_requests(store);
    assert_int_equal(test_fetch_now(&again, pin, call, 100000, 1000), NACRE_OK);
    assert_int_equal(fake_count(store, 'g'), 1);
    test_fetch_clear(&again);
    ncr_pin_unref(pin);
}

static void fetch_that_began_during_a_change_never_fills_the_cache(void **state)
{
    (void)state;
    ncr_pin *pin = test_open_now(object, call);
    ncr_cache_change_begin(object, NULL);
    fake_manners_of(store)->hold = true;
    test_fetch slow, again;
    test_fetch_start(&slow, pin, call, 100000, 1000);
    ncr_cache_change_end(object, NULL, NCR_OUTCOME_DONE, NULL, NULL, 0);
    fake_release_all(store);
    fake_manners_of(store)->hold = false;
    test_fetch_clear(&slow);
    fake_forget_requests(store);
    assert_int_equal(test_fetch_now(&again, pin, call, 100000, 1000), NACRE_OK);
    assert_int_equal(fake_count(store, 'g'), 1);
    test_fetch_clear(&again);
    ncr_pin_unref(pin);
}

static void change_with_unknown_outcome_counts_as_a_change(void **state)
{
    (void)state;
    open_and_check("v=1");
    fake_manners_of(store)->fail_change = NCR_OUTCOME_UNKNOWN;
    fake_manners_of(store)->change_happens = true;
    put_text("hello"); /* times out, and happened */
    ncr_object_facts facts;
    nacre_error err;
    assert_int_equal(ncr_cache_known(object, call, &facts, &err), NACRE_ERROR_OFFLINE);
    assert_opens_as("hello");
}

static void change_that_was_refused_leaves_the_cache(void **state)
{
    (void)state;
    open_and_check("v=1");
    fake_manners_of(store)->fail_change = NCR_OUTCOME_NOT_DONE;
    put_text("hello");
    fake_forget_requests(store);
    open_and_check("v=1");
    assert_int_equal(fake_bytes_sent(store), 0);
}

static void of_two_changes_at_once_none_fills_the_cache(void **state)
{
    (void)state;
    ncr_object_facts facts = {.size = 5, .version = {.strong = true, .token = "own=9"}};
    nacre_error err;
    ncr_cache_change_begin(object, NULL);
    ncr_cache_change_begin(object, NULL);
    ncr_cache_change_end(object, NULL, NCR_OUTCOME_DONE, &facts, "hello", 5);
    assert_int_equal(ncr_cache_known(object, call, &facts, &err), NACRE_ERROR_OFFLINE);
    ncr_cache_change_end(object, NULL, NCR_OUTCOME_DONE, &facts, "hello", 5);
    assert_int_equal(ncr_cache_known(object, call, &facts, &err), NACRE_ERROR_OFFLINE);
}

/* --- 2. Others' writes are seen at open. --- */

static void what_a_whole_store_has_is_forgotten(void **state)
{
    (void)state;
    open_and_check("v=1");
    ncr_object *all = ncr_object_new(object->store, "", "", "fake://", false);
    ncr_cache_forget_below(all);
    ncr_object_unref(all);
    fake_forget_requests(store);
    open_and_check("v=1");
    assert_int_equal(fake_last(store).match, NCR_MATCH_ANY);
}

static void not_modified_that_nobody_asked_for_is_no_empty_object(void **state)
{
    (void)state;
    fake_manners_of(store)->always_not_modified = true;
    test_open open;
    test_open_start(&open, object, call);
    assert_int_equal(open.op.status, NACRE_ERROR_CORRUPT);
    assert_non_null(strstr(open.op.error.message, "without being asked"));
    test_open_clear(&open);
}

static void warm_open_is_one_request_without_bytes(void **state)
{
    (void)state;
    open_and_check("v=1");
    fake_forget_requests(store);
    open_and_check("v=1");
    assert_int_equal(fake_count(store, 'g'), 1);
    assert_int_equal(fake_bytes_sent(store), 0);
    fake_request last = fake_last(store);
    assert_int_equal(last.match, NCR_MATCH_MODIFIED);
    assert_string_equal(last.version, "v=1");
}

static void another_writers_version_is_seen_at_open(void **state)
{
    (void)state;
    open_and_check("v=1");
    fake_set(store, "k", "v=2", true, NULL, BIG);
    fake_forget_requests(store);
    open_and_check("v=2");
    assert_int_equal(fake_count(store, 'g'), 1); /* the proof is the request that reads the header */
}

static void another_writers_version_is_seen_though_preconditions_are_ignored(void **state)
{
    (void)state;
    fake_manners_of(store)->ignore_preconditions = true;
    open_and_check("v=1");
    open_and_check("v=1");
    fake_set(store, "k", "v=2", true, NULL, BIG);
    open_and_check("v=2");
}

static void conditional_open_needs_the_whole_head_in_the_cache(void **state)
{
    (void)state;
    ncr_object_facts facts;
    ncr_pin *pin = test_open_now(object, call); /* so that the version stays known */
    ncr_cache_set_budget(8 * 1024);             /* drives out the bytes, and not what was proven */
    ncr_cache_set_budget(64 << 20);
    assert_int_equal(ncr_cache_known(object, call, &facts, NULL), NACRE_OK);
    fake_forget_requests(store);
    open_and_check("v=1");
    assert_int_equal(fake_count(store, 'g'), 1);
    assert_int_equal(fake_last(store).match, NCR_MATCH_ANY); /* a 304 would have brought no bytes */
    assert_int_equal(fake_bytes_sent(store), NCR_FIRST_READ);
    ncr_pin_unref(pin);
}

static void forgotten_object_is_read_again(void **state)
{
    (void)state;
    open_and_check("v=1");
    ncr_cache_forget(object);
    fake_forget_requests(store);
    open_and_check("v=1");
    assert_int_equal(fake_bytes_sent(store), NCR_FIRST_READ);
}

static void proof_serves_only_opens_that_began_before_it_was_sent(void **state)
{
    (void)state;
    fake_manners_of(store)->hold = true;
    test_open early, late, later;
    test_open_start(&early, object, call);
    fake_set(store, "k", "v=2", true, NULL, BIG);
    test_open_start(&late, object, call);
    test_open_start(&later, object, call);
    assert_int_equal(fake_count(store, 'g'), 1);
    fake_release(store);
    assert_int_equal(early.done, 1);
    assert_string_equal(ncr_pin_facts(early.op.pin)->version.token, "v=1");
    assert_int_equal(late.done + later.done, 0);
    assert_int_equal(fake_count(store, 'g'), 2); /* the two that waited share the next proof */
    fake_release(store);
    assert_string_equal(ncr_pin_facts(late.op.pin)->version.token, "v=2");
    assert_string_equal(ncr_pin_facts(later.op.pin)->version.token, "v=2");
    assert_int_equal(fake_count(store, 'g'), 2);
    test_open_clear(&early);
    test_open_clear(&late);
    test_open_clear(&later);
}

static void reading_warm_costs_no_request(void **state)
{
    (void)state;
    ncr_pin *pin = test_open_now(object, call);
    read_and_check(pin, 50000, 20000, "v=1");
    fake_forget_requests(store);
    read_and_check(pin, 55000, 10000, "v=1");
    read_and_check(pin, 0, 1000, "v=1");
    assert_int_equal(fake_count(store, 'g'), 0);
    ncr_pin *second = test_open_now(object, call); /* proves once, then shares the bytes */
    read_and_check(second, 50000, 20000, "v=1");
    assert_int_equal(fake_count(store, 'g'), 1);
    ncr_pin_unref(pin);
    ncr_pin_unref(second);
}

/* --- 3. An open dataset is a snapshot of each object. --- */

static void assert_changed(ncr_pin *pin, uint64_t offset, const char *expected)
{
    test_fetch fetch;
    assert_int_equal(test_fetch_now(&fetch, pin, call, offset, 1000), NACRE_ERROR_CHANGED);
    assert_int_equal(fetch.op.error.status, NACRE_ERROR_CHANGED);
    if (!strstr(fetch.op.error.message, expected))
        fail_msg("'%s' does not say '%s'", fetch.op.error.message, expected);
    test_fetch_clear(&fetch);
}

static void overwritten_object_is_changed_and_both_versions_are_named(void **state)
{
    (void)state;
    ncr_pin *pin = test_open_now(object, call);
    fake_set(store, "k", "v=2", true, NULL, BIG);
    assert_changed(pin, 100000, "fake://b/k: changed since it was opened: was v=1, now v=2");
    ncr_pin_unref(pin);
}

static void mixed_versions_are_refused_though_the_store_ignores_preconditions(void **state)
{
    (void)state;
    fake_manners_of(store)->ignore_preconditions = true;
    ncr_pin *pin = test_open_now(object, call);
    read_and_check(pin, 60000, 1000, "v=1");
    fake_set(store, "k", "v=2", true, NULL, BIG);
    assert_changed(pin, 100000, "was v=1, now v=2");
    read_and_check(pin, 60000, 1000, "v=1"); /* what is cached of the pinned version is still its snapshot */
    ncr_pin_unref(pin);
}

static void answer_without_the_validator_is_changed(void **state)
{
    (void)state;
    ncr_pin *pin = test_open_now(object, call);
    fake_manners_of(store)->no_version_in_ranges = true;
    assert_changed(pin, 100000, "was v=1");
    ncr_pin_unref(pin);
}

static void pinned_object_that_is_gone_is_changed(void **state)
{
    (void)state;
    ncr_pin *pin = test_open_now(object, call);
    fake_remove(store, "k");
    fake_manners_of(store)->ignore_preconditions = true; /* then the answer is 404 */
    assert_changed(pin, 100000, "is gone; was v=1");
    ncr_pin_unref(pin);
}

static void each_read_carries_the_version(void **state)
{
    (void)state;
    ncr_pin *pin = test_open_now(object, call);
    read_and_check(pin, 100000, 10, "v=1");
    fake_request last = fake_last(store);
    assert_int_equal(last.match, NCR_MATCH_VERSION);
    assert_string_equal(last.version, "v=1");
    ncr_pin_unref(pin);
}

static void short_body_is_corrupt(void **state)
{
    (void)state;
    ncr_pin *pin = test_open_now(object, call);
    fake_manners_of(store)->cut = 1;
    test_fetch fetch;
    assert_int_equal(test_fetch_now(&fetch, pin, call, 100000, 1000), NACRE_ERROR_CORRUPT);
    test_fetch_clear(&fetch);
    ncr_cache_forget(object);
    test_open open;
    test_open_start(&open, object, call);
    assert_int_equal(open.op.status, NACRE_ERROR_CORRUPT);
    test_open_clear(&open);
    ncr_pin_unref(pin);
}

static void same_version_of_another_size_is_corrupt(void **state)
{
    (void)state;
    ncr_pin *pin = test_open_now(object, call);
    fake_set(store, "k", "v=1", true, NULL, BIG + 5);
    test_fetch fetch;
    assert_int_equal(test_fetch_now(&fetch, pin, call, 100000, 1000), NACRE_ERROR_CORRUPT);
    test_fetch_clear(&fetch);
    ncr_pin_unref(pin);
}

static void readers_of_two_versions_share_nothing(void **state)
{
    (void)state;
    fake_manners_of(store)->ignore_preconditions = true;
    ncr_pin *old = test_open_now(object, call);
    read_and_check(old, 100000, 1000, "v=1");
    fake_set(store, "k", "v=2", true, NULL, BIG);
    ncr_pin *new = test_open_now(object, call);
    read_and_check(new, 100000, 1000, "v=2");
    read_and_check(old, 100000, 1000, "v=1");
    ncr_pin_unref(old);
    ncr_pin_unref(new);
}

/* --- 4. Absence is never cached; 5. failures are never cached. --- */

static void object_made_after_it_was_missing_is_there(void **state)
{
    (void)state;
    ncr_object *missing = fake_object(store, "m");
    for (int i = 0; i < 2; i++) {
        test_open open;
        test_open_start(&open, missing, call);
        assert_int_equal(open.op.status, NACRE_ERROR_NOT_FOUND);
        test_open_clear(&open);
    }
    assert_int_equal(fake_count(store, 'g'), 2); /* asked each time */
    fake_set(store, "m", "v=1", true, NULL, 10);
    ncr_pin *pin = test_open_now(missing, call);
    assert_int_equal(ncr_pin_facts(pin)->size, 10);
    ncr_pin_unref(pin);
    ncr_object_unref(missing);
}

static void failed_open_is_tried_again(void **state)
{
    (void)state;
    fake_manners_of(store)->fail = NACRE_ERROR_DENIED;
    test_open open;
    test_open_start(&open, object, call);
    assert_int_equal(open.op.status, NACRE_ERROR_DENIED);
    test_open_clear(&open);
    fake_manners_of(store)->fail = NACRE_OK;
    open_and_check("v=1");
}

static void failed_read_is_tried_again(void **state)
{
    (void)state;
    ncr_pin *pin = test_open_now(object, call);
    fake_manners_of(store)->fail = NACRE_ERROR_UNAVAILABLE;
    test_fetch fetch;
    assert_int_equal(test_fetch_now(&fetch, pin, call, 100000, 1000), NACRE_ERROR_UNAVAILABLE);
    test_fetch_clear(&fetch);
    fake_manners_of(store)->fail = NACRE_OK;
    read_and_check(pin, 100000, 1000, "v=1");
    ncr_pin_unref(pin);
}

static void denied_with_some_credentials_is_not_denied_with_others(void **state)
{
    (void)state;
    ncr_store *other = fake_store_as(store, "user");
    ncr_object *as_user = fake_object_as(other, "k");
    fake_manners_of(store)->hold = true;
    test_open first, second;
    test_open_start(&first, object, call);
    test_open_start(&second, as_user, call); /* other credentials: no waiting for the first one's proof */
    assert_int_equal(fake_held(store), 2);
    fake_release_failed(store, NACRE_ERROR_DENIED);
    fake_release(store);
    assert_int_equal(first.op.status, NACRE_ERROR_DENIED);
    assert_int_equal(second.op.status, NACRE_OK);
    test_open_clear(&first);
    test_open_clear(&second);
    ncr_object_unref(as_user);
    ncr_store_unref(other);
}

/* --- 6. Offline. --- */

static void offline_gives_what_was_last_proven(void **state)
{
    (void)state;
    open_and_check("v=1");
    ncr_pin *pin = test_open_now(object, call);
    read_and_check(pin, 50000, 1000, "v=1");
    ncr_pin_unref(pin);
    fake_set(store, "k", "v=2", true, NULL, BIG);
    fake_forget_requests(store);
    ncr_call *offline = test_call_new("cache=offline", NULL);
    pin = test_open_now(object, offline);
    assert_string_equal(ncr_pin_facts(pin)->version.token, "v=1");
    test_fetch fetch;
    assert_int_equal(test_fetch_now(&fetch, pin, offline, 50000, 1000), NACRE_OK);
    test_fetch_check(&fetch, "v=1", 50000, 1000);
    test_fetch_clear(&fetch);
    assert_int_equal(test_fetch_now(&fetch, pin, offline, 150000, 1000), NACRE_ERROR_OFFLINE);
    test_fetch_clear(&fetch);
    assert_int_equal(fake_count(store, 'g'), 0);
    ncr_pin_unref(pin);
    ncr_call_unref(offline);
}

static void offline_is_by_credentials_and_refuses_the_unknown(void **state)
{
    (void)state;
    open_and_check("v=1");
    ncr_store *other = fake_store_as(store, "user");
    ncr_object *as_user = fake_object_as(other, "k");
    ncr_call *offline = test_call_new("cache=offline", NULL);
    test_open open;
    test_open_start(&open, as_user, offline);
    assert_int_equal(open.op.status, NACRE_ERROR_OFFLINE);
    test_open_clear(&open);
    ncr_call_unref(offline);
    ncr_object_unref(as_user);
    ncr_store_unref(other);
}

/* --- Versions. --- */

static void equal_strong_validators_are_equal_bytes_whatever_the_ids(void **state)
{
    (void)state;
    const ncr_version first = {.strong = true, .token = "etag=\"a\"", .version_id = "1"};
    const ncr_version again = {.strong = true, .token = "etag=\"a\"", .version_id = "2"};
    const ncr_version other = {.strong = true, .token = "etag=\"b\"", .version_id = "1"};
    const ncr_version weak = {.token = "etag=\"a\"", .version_id = "1"};
    assert_true(ncr_version_same(&first, &again));
    assert_false(ncr_version_same(&first, &other));
    assert_false(ncr_version_same(&weak, &weak));
    assert_false(ncr_version_same(&first, &weak));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(own_put_is_seen_and_fills_the_cache),
        TEST(what_was_shown_during_a_put_is_not_forgotten_for_the_put),
        TEST(what_a_late_proof_shows_ends_the_belief_in_another_version),
        TEST(own_delete_is_seen),
        TEST(proof_that_began_before_a_change_never_fills_the_cache),
        TEST(fetch_that_began_before_a_change_never_fills_the_cache),
        TEST(fetch_that_arrives_during_a_change_never_fills_the_cache),
        TEST(fetch_that_began_during_a_change_never_fills_the_cache),
        TEST(change_with_unknown_outcome_counts_as_a_change),
        TEST(change_that_was_refused_leaves_the_cache),
        TEST(of_two_changes_at_once_none_fills_the_cache),
        TEST(what_a_whole_store_has_is_forgotten),
        TEST(not_modified_that_nobody_asked_for_is_no_empty_object),
        TEST(warm_open_is_one_request_without_bytes),
        TEST(another_writers_version_is_seen_at_open),
        TEST(another_writers_version_is_seen_though_preconditions_are_ignored),
        TEST(conditional_open_needs_the_whole_head_in_the_cache),
        TEST(forgotten_object_is_read_again),
        TEST(proof_serves_only_opens_that_began_before_it_was_sent),
        TEST(reading_warm_costs_no_request),
        TEST(overwritten_object_is_changed_and_both_versions_are_named),
        TEST(mixed_versions_are_refused_though_the_store_ignores_preconditions),
        TEST(answer_without_the_validator_is_changed),
        TEST(pinned_object_that_is_gone_is_changed),
        TEST(each_read_carries_the_version),
        TEST(short_body_is_corrupt),
        TEST(same_version_of_another_size_is_corrupt),
        TEST(readers_of_two_versions_share_nothing),
        TEST(object_made_after_it_was_missing_is_there),
        TEST(failed_open_is_tried_again),
        TEST(failed_read_is_tried_again),
        TEST(denied_with_some_credentials_is_not_denied_with_others),
        TEST(offline_gives_what_was_last_proven),
        TEST(offline_is_by_credentials_and_refuses_the_unknown),
        TEST(equal_strong_validators_are_equal_bytes_whatever_the_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
