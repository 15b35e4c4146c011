/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>

#include "cache/block.h"
#include "cache/limits.h"
#include "cmocka_all.h"
#include "support/call.h"
#include "support/fake_store.h"
#include "vfs/vfs.h"

/* Changes of objects as vfs makes them: visible at the commit or never, in bounded parts, and told to the cache. */

enum { PART = 64 * 1024 }; /* of the fake store */

static fake_store *store;
static ncr_call *call;
static ncr_object *object;
static nacre_error error;

static int begin(void **state)
{
    (void)state;
    store = fake_store_new();
    call = test_call_new(NULL);
    object = fake_object(store, "k");
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

#define check(call_)                       \
    do {                                   \
        if ((call_) != NACRE_OK)           \
            fail_msg("%s", error.message); \
    } while (0)

static uint8_t *pattern(size_t size)
{
    uint8_t *data = malloc(size + 1);
    for (size_t i = 0; i < size; i++)
        data[i] = fake_byte("pattern", i);
    return data;
}

static nacre_status write_all(size_t size, size_t step, const ncr_condition *condition)
{
    uint8_t *data = pattern(size);
    ncr_writer *writer;
    nacre_status status = ncr_writer_open(object, NULL, condition, call, &writer, &error);
    for (size_t at = 0; at < size && status == NACRE_OK; at += step)
        status = ncr_writer_write(writer, data + at, size - at < step ? size - at : step, &error);
    if (status == NACRE_OK)
        status = ncr_writer_commit(writer, &error);
    ncr_writer_close(writer);
    free(data);
    return status;
}

static void assert_content(ncr_object *which, size_t size)
{
    ncr_pin *pin = test_open_now(which, call);
    test_fetch fetch;
    assert_int_equal(ncr_pin_facts(pin)->size, size);
    assert_int_equal(test_fetch_now(&fetch, pin, call, 0, size + 1), NACRE_OK);
    test_fetch_check(&fetch, "pattern", 0, size);
    test_fetch_clear(&fetch);
    ncr_pin_unref(pin);
}

static void small_object_is_one_put(void **state)
{
    (void)state;
    const size_t sizes[] = {0, 1, PART - 1, PART};
    for (int i = 0; i < 4; i++) {
        fake_forget_requests(store);
        check(write_all(sizes[i], 1000, NULL));
        assert_int_equal(fake_count(store, 'p'), 1);
        assert_int_equal(fake_count(store, 'u'), 0);
        assert_content(object, sizes[i]);
    }
}

static void large_object_goes_out_in_parts(void **state)
{
    (void)state;
    const size_t sizes[] = {PART + 1, 3 * PART, 3 * PART + 5};
    const size_t steps[] = {1000, 7 * PART};
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 2; j++) {
            fake_forget_requests(store);
            check(write_all(sizes[i], steps[j], NULL));
            assert_int_equal(fake_count(store, 'u'), (sizes[i] + PART - 1) / PART);
            assert_content(object, sizes[i]);
        }
}

/* The upload is begun before the first byte; what fits in a part is one put all the same. */
static void writer_that_was_begun_early_leaves_the_same(void **state)
{
    (void)state;
    const size_t sizes[] = {0, PART, 2 * PART + 1};
    for (int i = 0; i < 3; i++) {
        uint8_t *data = pattern(sizes[i]);
        ncr_writer *writer;
        fake_forget_requests(store);
        check(ncr_writer_open(object, NULL, NULL, call, &writer, &error));
        check(ncr_writer_begin(writer, &error));
        check(ncr_writer_write(writer, data, sizes[i], &error));
        check(ncr_writer_commit(writer, &error));
        ncr_writer_close(writer);
        free(data);
        assert_int_equal(fake_count(store, 'u'), sizes[i] > PART ? 3 : 0); /* parts */
        assert_content(object, sizes[i]);
    }
}

static bool is_own(ncr_block *block)
{
    return atomic_load(&block->references) == 1;
}

/* Gives a writer the pattern from `at` on, as a slice. Returns the block, with a reference of the caller's. */
static ncr_block *give(ncr_writer *writer, const uint8_t *data, size_t at, size_t size)
{
    ncr_block *block = ncr_block_new(size);
    memcpy(block->data, data + at, size);
    ncr_slice slice = ncr_slice_of(block, block->data, size);
    check(ncr_writer_take(writer, &slice, &error));
    ncr_slice_clear(&slice);
    return block;
}

static void whole_parts_are_taken_and_others_copied(void **state)
{
    (void)state;
    const size_t steps[][4] = {
        {PART}, {PART, 1}, {PART, PART, PART}, {1, PART, PART}, {PART, PART - 1, PART, 1}, {2 * PART, PART}, {10}};
    uint8_t *data = pattern(6 * PART);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        ncr_writer *writer;
        ncr_block *blocks[4] = {NULL};
        size_t at = 0;
        fake_forget_requests(store);
        check(ncr_writer_open(object, NULL, NULL, call, &writer, &error));
        for (int k = 0; k < 4 && steps[i][k]; at += steps[i][k++]) {
            blocks[k] = give(writer, data, at, steps[i][k]);
            assert_int_equal(is_own(blocks[k]), at % PART || steps[i][k] != PART);
        }
        check(ncr_writer_commit(writer, &error));
        ncr_writer_close(writer);
        for (int k = 0; k < 4; k++) {
            assert_true(!blocks[k] || is_own(blocks[k]));
            ncr_block_unref(blocks[k]);
        }
        assert_int_equal(fake_count(store, 'u'), at > PART ? (at + PART - 1) / PART : 0);
        assert_content(object, at);
    }
    free(data);
}

static void what_was_taken_is_let_go_of_without_a_commit(void **state)
{
    (void)state;
    uint8_t *data = pattern(PART);
    ncr_writer *writer;
    check(ncr_writer_open(object, NULL, NULL, call, &writer, &error));
    ncr_block *block = give(writer, data, 0, PART);
    assert_int_equal(ncr_writer_kept(writer), 0);
    ncr_writer_close(writer);
    assert_true(is_own(block));
    ncr_block_unref(block);
    free(data);
}

static void bytes_can_be_changed_until_they_are_sent(void **state)
{
    (void)state;
    uint8_t *data = pattern(3 * PART);
    ncr_writer *writer;
    check(ncr_writer_open(object, NULL, NULL, call, &writer, &error));
    assert_false(ncr_writer_keep_first(writer)); /* the fake store takes parts in their order */
    data[10] ^= 1;
    check(ncr_writer_write(writer, data, PART, &error));
    assert_int_equal(ncr_writer_kept(writer), PART);
    data[10] ^= 1;
    check(ncr_writer_change(writer, 10, data + 10, 1, &error));
    assert_int_equal(ncr_writer_change(writer, PART - 1, data, 2, &error), NACRE_ERROR_INVALID);
    assert_int_equal(ncr_writer_change(writer, SIZE_MAX, data, 2, &error), NACRE_ERROR_INVALID);
    check(ncr_writer_write(writer, data + PART, 2 * PART, &error));
    assert_int_equal(ncr_writer_kept(writer), 0);
    assert_int_equal(ncr_writer_change(writer, 0, data, 1, &error), NACRE_ERROR_INVALID);
    check(ncr_writer_commit(writer, &error));
    ncr_writer_close(writer);
    assert_content(object, 3 * PART);
    free(data);
}

static void nothing_is_visible_before_the_commit(void **state)
{
    (void)state;
    uint8_t *data = pattern(3 * PART);
    for (int commit = 0; commit < 2; commit++) {
        ncr_writer *writer;
        check(ncr_writer_open(object, NULL, NULL, call, &writer, &error));
        check(ncr_writer_write(writer, data, 3 * PART, &error));
        ncr_object_facts facts;
        assert_int_equal(ncr_vfs_stat(object, call, &facts, &error), NACRE_ERROR_NOT_FOUND);
        if (commit)
            check(ncr_writer_commit(writer, &error));
        ncr_writer_close(writer);
        assert_int_equal(ncr_vfs_stat(object, call, &facts, &error), commit ? NACRE_OK : NACRE_ERROR_NOT_FOUND);
    }
    free(data);
}

static void writer_that_was_committed_or_failed_can_only_be_closed(void **state)
{
    (void)state;
    ncr_writer *writer;
    check(ncr_writer_open(object, NULL, NULL, call, &writer, &error));
    check(ncr_writer_commit(writer, &error));
    assert_int_equal(ncr_writer_write(writer, "x", 1, &error), NACRE_ERROR_INVALID);
    assert_int_equal(ncr_writer_commit(writer, &error), NACRE_ERROR_INVALID);
    ncr_writer_close(writer);
    fake_manners_of(store)->fail_change = NCR_OUTCOME_NOT_DONE;
    check(ncr_writer_open(object, NULL, NULL, call, &writer, &error));
    assert_int_equal(ncr_writer_commit(writer, &error), NACRE_ERROR_UNAVAILABLE);
    assert_int_equal(ncr_writer_commit(writer, &error), NACRE_ERROR_INVALID);
    ncr_writer_close(writer);
}

static void conditions_are_the_stores_to_decide(void **state)
{
    (void)state;
    const ncr_condition absent = {.absent = true};
    ncr_version version = {.strong = true, .token = "own=1"};
    const ncr_condition same = {.version = &version};
    check(write_all(10, 10, &absent));
    assert_int_equal(write_all(10, 10, &absent), NACRE_ERROR_EXISTS);
    check(write_all(3 * PART, PART, &same));
    assert_int_equal(write_all(3 * PART, PART, &same), NACRE_ERROR_CHANGED);
    assert_int_equal(ncr_vfs_remove(object, &same, call, &error), NACRE_ERROR_CHANGED);
}

/* Every kind of change is followed by an open that tells the truth, and was told to the cache: what the cache took for
 * the last version before is not offered offline. */
static void assert_told(const char *what)
{
    ncr_object_facts known, now;
    bool knows = ncr_cache_known(object, call, &known, NULL) == NACRE_OK;
    bool exists = ncr_vfs_stat(object, call, &now, NULL) == NACRE_OK;
    if (knows && (!exists || strcmp(known.version.token, now.version.token) != 0))
        fail_msg("after %s the cache believes %s", what, known.version.token);
}

static void every_change_is_told_to_the_cache(void **state)
{
    (void)state;
    ncr_object *other = fake_object(store, "other");
    fake_set(store, "other", "v=1", true, NULL, 100);
    check(write_all(100, 100, NULL));
    assert_content(object, 100);
    check(write_all(3 * PART, PART, NULL));
    assert_told("an upload");
    assert_content(object, 3 * PART);
    check(ncr_vfs_put(object, "abc", 3, NULL, NULL, call, &error));
    assert_told("a put");
    ncr_pin_unref(test_open_now(object, call));
    check(ncr_vfs_copy(other, object, NULL, call, &error));
    assert_told("a copy");
    ncr_pin_unref(test_open_now(object, call));
    check(ncr_vfs_rename(other, object, NULL, call, &error));
    assert_told("a rename to it");
    ncr_pin_unref(test_open_now(object, call));
    check(ncr_vfs_rename(object, other, NULL, call, &error));
    assert_told("a rename from it");
    check(ncr_vfs_rename(other, object, NULL, call, &error));
    ncr_pin_unref(test_open_now(object, call));
    check(ncr_vfs_remove(object, NULL, call, &error));
    assert_told("a delete");
    fake_manners_of(store)->change_happens = true;
    check(ncr_vfs_put(object, "abc", 3, NULL, NULL, call, &error));
    ncr_pin_unref(test_open_now(object, call));
    fake_manners_of(store)->fail_change = NCR_OUTCOME_UNKNOWN;
    assert_int_equal(ncr_vfs_put(object, "abcd", 4, NULL, NULL, call, &error), NACRE_ERROR_UNAVAILABLE);
    assert_told("a put that timed out");
    assert_int_equal(ncr_vfs_remove(object, NULL, call, &error), NACRE_ERROR_UNAVAILABLE);
    assert_told("a delete that timed out");
    ncr_object_unref(other);
}

static void copy_between_stores_is_of_one_version(void **state)
{
    (void)state;
    enum { SIZE = 2 * NCR_GET_MAX + 1000 };
    fake_store *there = fake_store_new();
    ncr_object *source = fake_object(there, "s");
    fake_set(there, "s", "pattern", true, NULL, SIZE);
    nacre_cache_stats before, after;
    ncr_cache_stats(&before);
    check(ncr_vfs_copy(source, object, NULL, call, &error));
    ncr_cache_stats(&after);
    assert_true(after.bytes < before.bytes + 2 * NCR_FIRST_READ); /* what passes through is not kept */
    assert_content(object, SIZE);
    ncr_object_unref(source);
    fake_store_free(there);
}

static void copy_fails_when_its_source_changes(void **state)
{
    (void)state;
    fake_store *there = fake_store_new();
    ncr_object *source = fake_object(there, "s");
    fake_set(there, "s", "", false, NULL, 100);
    assert_int_equal(ncr_vfs_copy(object, source, NULL, call, &error), NACRE_ERROR_NOT_FOUND);
    fake_manners_of(there)->fail = NACRE_ERROR_UNAVAILABLE;
    assert_int_equal(ncr_vfs_copy(source, object, NULL, call, &error), NACRE_ERROR_UNAVAILABLE);
    ncr_object_facts facts;
    assert_int_equal(ncr_vfs_stat(object, call, &facts, &error), NACRE_ERROR_NOT_FOUND); /* nothing half-written */
    ncr_object_unref(source);
    fake_store_free(there);
}

static void rename_deletes_only_what_it_copied(void **state)
{
    (void)state;
    ncr_object *destination = fake_object(store, "new");
    check(ncr_vfs_put(object, "abc", 3, NULL, NULL, call, &error));
    check(ncr_vfs_rename(object, destination, NULL, call, &error));
    ncr_object_facts facts;
    assert_int_equal(ncr_vfs_stat(object, call, &facts, &error), NACRE_ERROR_NOT_FOUND);
    check(ncr_vfs_stat(destination, call, &facts, &error));
    assert_int_equal(facts.size, 3);
    assert_int_equal(ncr_vfs_rename(destination, destination, NULL, call, &error), NACRE_ERROR_INVALID);
    ncr_object_unref(destination);
}

static void offline_no_request_is_sent(void **state)
{
    (void)state;
    ncr_call *offline = test_call_new("cache=offline", NULL);
    ncr_writer *writer;
    ncr_object_facts facts;
    ncr_object *other = fake_object(store, "other");
    assert_int_equal(ncr_vfs_stat(object, offline, &facts, &error), NACRE_ERROR_OFFLINE);
    assert_int_equal(ncr_vfs_remove(object, NULL, offline, &error), NACRE_ERROR_OFFLINE);
    assert_int_equal(ncr_vfs_put(object, "x", 1, NULL, NULL, offline, &error), NACRE_ERROR_OFFLINE);
    assert_int_equal(ncr_vfs_copy(object, other, NULL, offline, &error), NACRE_ERROR_OFFLINE);
    assert_int_equal(ncr_vfs_list(object, false, offline, NULL, NULL, &error), NACRE_ERROR_OFFLINE);
    assert_int_equal(ncr_writer_open(object, NULL, NULL, offline, &writer, &error), NACRE_ERROR_OFFLINE);
    assert_null(writer);
    ncr_object_unref(other);
    ncr_call_unref(offline);
}

static void bucket_is_no_object(void **state)
{
    (void)state;
    ncr_object *bucket = fake_object(store, "");
    ncr_object_facts facts;
    assert_int_equal(ncr_vfs_stat(bucket, call, &facts, &error), NACRE_ERROR_INVALID);
    assert_int_equal(ncr_vfs_put(bucket, "x", 1, NULL, NULL, call, &error), NACRE_ERROR_INVALID);
    assert_int_equal(ncr_vfs_remove(bucket, NULL, call, &error), NACRE_ERROR_INVALID);
    ncr_object_unref(bucket);
}

static void content_type_follows_the_ending(void **state)
{
    (void)state;
    assert_string_equal(ncr_content_type("a/b.TIF"), "image/tiff; application=geotiff");
    assert_string_equal(ncr_content_type("x.vrt"), "application/xml");
    assert_string_equal(ncr_content_type("x"), "application/octet-stream");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(small_object_is_one_put),
        TEST(large_object_goes_out_in_parts),
        TEST(writer_that_was_begun_early_leaves_the_same),
        TEST(whole_parts_are_taken_and_others_copied),
        TEST(what_was_taken_is_let_go_of_without_a_commit),
        TEST(bytes_can_be_changed_until_they_are_sent),
        TEST(nothing_is_visible_before_the_commit),
        TEST(writer_that_was_committed_or_failed_can_only_be_closed),
        TEST(conditions_are_the_stores_to_decide),
        TEST(every_change_is_told_to_the_cache),
        TEST(copy_between_stores_is_of_one_version),
        TEST(copy_fails_when_its_source_changes),
        TEST(rename_deletes_only_what_it_copied),
        TEST(offline_no_request_is_sent),
        TEST(bucket_is_no_object),
        TEST(content_type_follows_the_ending),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
