/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/ops.h"

#include <pthread.h>
#include <stdio.h>

#include "store/backend.h"

static ncr_call *call;
static ncr_store *store;

static ncr_object *object(const char *key)
{
    char name[256];
    snprintf(name, sizeof name, "mem://%s", key);
    ncr_object *o = ncr_object_new(store, "", key, name, false);
    assert_non_null(o);
    return o;
}

static int setup(void **state)
{
    (void)state;
    call = test_call_new(NULL);
    store = open_store("mem", NULL, false, call);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ncr_object *all = object("");
    char *keys = list_keys(all, call, true, 0);
    for (char *key = keys, *end; (end = strchr(key, ' ')); key = end + 1) {
        *end = '\0';
        ncr_object *o = object(key);
        remove_object(o, call, NULL, NULL);
        ncr_object_unref(o);
    }
    free(keys);
    ncr_object_unref(all);
    ncr_store_unref(store);
    ncr_call_unref(call);
    return 0;
}

static void what_is_put_is_read_in_ranges_and_whole(void **state)
{
    (void)state;
    ncr_object *o = object("a");
    ncr_object_facts facts;
    char buffer[8] = "";
    assert_int_equal(put_text(o, call, "hello world", NULL, &facts, NULL), NACRE_OK);
    assert_true(facts.version.strong);
    assert_int_equal(facts.size, 11);
    ncr_get get = {.object = o, .call = call, .offset = 6, .length = 8, .buffer = (uint8_t *)buffer};
    assert_int_equal(run_get(&get), NACRE_OK);
    assert_int_equal(get.got, 5);
    assert_memory_equal(buffer, "world", 5);
    assert_true(ncr_version_same(&get.facts.version, &facts.version));
    assert_string_equal(get.facts.content_type, "text/plain");
    ncr_get beyond = {.object = o, .call = call, .offset = 11, .length = 8, .buffer = (uint8_t *)buffer};
    assert_int_equal(run_get(&beyond), NACRE_OK);
    assert_int_equal(beyond.got, 0);
    assert_text(o, call, "hello world");
    ncr_object_unref(o);
}

static void versions_never_repeat(void **state)
{
    (void)state;
    ncr_object *o = object("v");
    ncr_object_facts first, second;
    put_text(o, call, "same", NULL, &first, NULL);
    assert_int_equal(remove_object(o, call, NULL, NULL), NACRE_OK);
    put_text(o, call, "same", NULL, &second, NULL);
    assert_false(ncr_version_same(&first.version, &second.version));
    ncr_object_unref(o);
}

static void a_pinned_read_of_a_replaced_object_is_changed(void **state)
{
    (void)state;
    ncr_object *o = object("p");
    ncr_object_facts first, second;
    char buffer[4];
    put_text(o, call, "old", NULL, &first, NULL);
    put_text(o, call, "new", NULL, &second, NULL);
    ncr_get get = {.object = o, .call = call, .length = 3, .buffer = (uint8_t *)buffer};
    get.match = NCR_MATCH_VERSION;
    get.version = &first.version;
    assert_int_equal(run_get(&get), NACRE_ERROR_CHANGED);
    assert_contains(get.error.message, "mem://p: ");
    assert_contains(get.error.message, first.version.token);
    assert_contains(get.error.message, second.version.token);
    remove_object(o, call, NULL, NULL);
    assert_int_equal(run_get(&get), NACRE_ERROR_CHANGED);
    assert_contains(get.error.message, "no longer there");
    ncr_object_unref(o);
}

static void a_proof_says_not_modified_or_gives_the_new_bytes(void **state)
{
    (void)state;
    ncr_object *o = object("m");
    ncr_object_facts first;
    char buffer[4];
    put_text(o, call, "old", NULL, &first, NULL);
    ncr_get get = {.object = o, .call = call, .length = 3, .buffer = (uint8_t *)buffer};
    get.match = NCR_MATCH_MODIFIED;
    get.version = &first.version;
    assert_int_equal(run_get(&get), NACRE_OK);
    assert_true(get.not_modified);
    assert_int_equal(get.got, 0);
    put_text(o, call, "new", NULL, NULL, NULL);
    assert_int_equal(run_get(&get), NACRE_OK);
    assert_false(get.not_modified);
    assert_memory_equal(buffer, "new", 3);
    ncr_object_unref(o);
}

static void conditions_are_kept(void **state)
{
    (void)state;
    ncr_object *o = object("c");
    ncr_object_facts first, second;
    nacre_error err;
    ncr_condition absent = {.absent = true};
    assert_int_equal(put_text(o, call, "1", &absent, &first, &err), NACRE_OK);
    assert_int_equal(put_text(o, call, "2", &absent, NULL, &err), NACRE_ERROR_EXISTS);
    assert_string_equal(err.message, "mem://c: exists already");
    ncr_condition same = {.version = &first.version};
    assert_int_equal(put_text(o, call, "2", &same, &second, &err), NACRE_OK);
    assert_int_equal(put_text(o, call, "3", &same, NULL, &err), NACRE_ERROR_CHANGED);
    assert_int_equal(remove_object(o, call, &first.version, &err), NACRE_ERROR_CHANGED);
    assert_text(o, call, "2");
    assert_int_equal(remove_object(o, call, &second.version, &err), NACRE_OK);
    assert_int_equal(remove_object(o, call, NULL, &err), NACRE_ERROR_NOT_FOUND);
    assert_int_equal(put_text(o, call, "3", &same, NULL, &err), NACRE_ERROR_CHANGED);
    ncr_object_unref(o);
}

static void a_copy_has_a_version_of_its_own(void **state)
{
    (void)state;
    ncr_object *from = object("from"), *to = object("to");
    ncr_object_facts facts;
    nacre_error err;
    put_text(from, call, "text", NULL, &facts, NULL);
    ncr_copy copy = {.source = from, .destination = to, .call = call, .source_version = &facts.version};
    assert_true(store->class->can_copy(from, to));
    assert_int_equal(store->class->copy(&copy, &err), NACRE_OK);
    assert_false(ncr_version_same(&copy.facts.version, &facts.version));
    assert_text(to, call, "text");
    put_text(from, call, "other", NULL, NULL, NULL);
    assert_int_equal(store->class->copy(&copy, &err), NACRE_ERROR_CHANGED);
    assert_text(to, call, "text");
    ncr_object_unref(from);
    ncr_object_unref(to);
}

static void an_upload_shows_only_when_finished(void **state)
{
    (void)state;
    ncr_object *o = object("u");
    ncr_upload *upload;
    ncr_outcome outcome;
    ncr_object_facts facts;
    nacre_error err;
    const ncr_store_class *c = store->class;
    assert_int_equal(c->upload_begin(o, call, NULL, "text/plain", &upload, &err), NACRE_OK);
    assert_int_equal(c->upload_part(upload, 1, "ab", 2, &err), NACRE_OK);
    ncr_stat_op op = {.object = o, .call = call};
    assert_int_equal(run_stat(&op), NACRE_ERROR_NOT_FOUND);
    assert_int_equal(c->upload_part(upload, 1, "cd", 2, &err), NACRE_OK);
    assert_int_equal(c->upload_finish(upload, &outcome, &facts, &err), NACRE_OK);
    assert_int_equal(outcome, NCR_OUTCOME_DONE);
    assert_int_equal(facts.size, 4);
    assert_text(o, call, "abcd");
    assert_int_equal(c->upload_begin(o, call, NULL, "", &upload, &err), NACRE_OK);
    assert_int_equal(c->upload_part(upload, 1, "x", 1, &err), NACRE_OK);
    c->upload_abort(upload);
    assert_text(o, call, "abcd");
    ncr_object_unref(o);
}

static void listings_fold_and_page_in_byte_order(void **state)
{
    (void)state;
    static const char *const keys[] = {"d/b", "d/a/2", "d/a/1", "d/a.x", "d/\xc3\xa9", "e", "d"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        ncr_object *o = object(keys[i]);
        put_text(o, call, "x", NULL, NULL, NULL);
        ncr_object_unref(o);
    }
    ncr_object *below = object("d/"), *beginning = object("d/a");
    for (size_t page = 0; page < 4; page++) {
        char *one = list_keys(below, call, false, page), *all = list_keys(below, call, true, page);
        char *part = list_keys(beginning, call, false, page);
        assert_string_equal(one, "d/a.x d/a/ d/b d/\xc3\xa9 ");
        assert_string_equal(all, "d/a.x d/a/1 d/a/2 d/b d/\xc3\xa9 ");
        assert_string_equal(part, "d/a.x d/a/ ");
        free(one);
        free(all);
        free(part);
    }
    ncr_object_unref(below);
    ncr_object_unref(beginning);
}

static void *put_if_absent(void *user)
{
    ncr_object *o = object("race");
    ncr_condition absent = {.absent = true};
    if (put_text(o, call, "mine", &absent, NULL, NULL) == NACRE_OK)
        __atomic_fetch_add((int *)user, 1, __ATOMIC_RELAXED);
    ncr_object_unref(o);
    return NULL;
}

static void one_of_many_racing_writers_wins(void **state)
{
    (void)state;
    pthread_t threads[8];
    int winners = 0;
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, put_if_absent, &winners), 0);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(winners, 1);
}

static void whole_reads_have_a_limit(void **state)
{
    (void)state;
    ncr_call *limited = test_call_new("limit.whole_read=4", NULL);
    ncr_object *o = object("big");
    put_text(o, call, "12345", NULL, NULL, NULL);
    ncr_get get = {.object = o, .call = limited, .length = SIZE_MAX};
    assert_int_equal(run_get(&get), NACRE_ERROR_TOO_LARGE);
    assert_contains(get.error.message, "limit.whole_read");
    ncr_call_unref(limited);
    ncr_object_unref(o);
}

static void a_sibling_is_named_like_its_object(void **state)
{
    (void)state;
    static const struct {
        const char *bucket, *key, *name, *sibling_key, *expected;
    } cases[] = {
        {"b", "d/x.tif", "gs://b/d/x.tif", "d/x.tif.ovr", "gs://b/d/x.tif.ovr"},
        {"b", "d/x.tif", "/vsigs/b/d/x.tif", "e", "/vsigs/b/e"},
        {"", "/srv/u/x.tif", "x.tif", "/srv/u/x.tif.msk", "x.tif.msk"},
        {"", "/srv/u/x.tif", "x.tif", "/tmp/y", "/tmp/y"},
        {"", "/srv/u/x.tif", "./x.tif", "/srv/u/z", "./z"},
        {"", "/srv/u/x.tif", "../u/x.tif", "/srv/w/z", "../w/z"},
        {"", "x", "mem://x", "y", "mem://y"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ncr_object *o = ncr_object_new(store, cases[i].bucket, cases[i].key, cases[i].name, true);
        ncr_object *sibling = ncr_object_sibling(o, cases[i].sibling_key);
        assert_string_equal(sibling->name, cases[i].expected);
        assert_string_equal(sibling->key, cases[i].sibling_key);
        assert_true(sibling->public_only);
        assert_ptr_equal(sibling->store, o->store);
        ncr_object_unref(sibling);
        ncr_object_unref(o);
    }
}

static void an_unknown_back_end_is_unsupported(void **state)
{
    (void)state;
    ncr_store *none = store;
    nacre_error err;
    assert_int_equal(ncr_store_open("ftp", NULL, false, call->config, &none, &err), NACRE_ERROR_UNSUPPORTED);
    assert_null(none);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_put_is_read_in_ranges_and_whole),
        TEST(versions_never_repeat),
        TEST(a_pinned_read_of_a_replaced_object_is_changed),
        TEST(a_proof_says_not_modified_or_gives_the_new_bytes),
        TEST(conditions_are_kept),
        TEST(a_copy_has_a_version_of_its_own),
        TEST(an_upload_shows_only_when_finished),
        TEST(listings_fold_and_page_in_byte_order),
        TEST(one_of_many_racing_writers_wins),
        TEST(whole_reads_have_a_limit),
        TEST(a_sibling_is_named_like_its_object),
        TEST(an_unknown_back_end_is_unsupported),
    };
    return cmocka_run_group_tests(tests, clear_environment, NULL);
}
