/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "draft.h"

#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "support/call.h"
#include "support/fake_store.h"

/* Objects in the making: what is sent when, and what is there in the end. */

enum { PART = 64 * 1024, SIZE = 3 * 1024 * 1024 }; /* PART is the fake store's */

static fake_store *store;
static ncr_call *call;
static ncr_object *object;
static ncr_gdal_draft *draft;
static nacre_error error;
static uint8_t *data;

static int begin(void **state)
{
    (void)state;
    store = fake_store_new();
    call = test_call_new(NULL);
    object = fake_object(store, "k");
    data = malloc(SIZE);
    for (size_t i = 0; i < SIZE; i++)
        data[i] = fake_byte("data", i);
    assert_int_equal(ncr_gdal_draft_new(object, call, NULL, NULL, &draft, &error), NACRE_OK);
    return 0;
}

static int end(void **state)
{
    (void)state;
    ncr_gdal_draft_free(draft);
    free(data);
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

static void expect_content(size_t size)
{
    ncr_pin *pin = test_open_now(object, call);
    test_fetch fetch;
    assert_int_equal(ncr_pin_facts(pin)->size, size);
    assert_int_equal(test_fetch_now(&fetch, pin, call, 0, size + 1), NACRE_OK);
    assert_memory_equal(fetch.op.slice.data, data, size);
    test_fetch_clear(&fetch);
    ncr_pin_unref(pin);
}

static void parts_go_out_while_it_is_written(void **state)
{
    (void)state;
    check(ncr_gdal_draft_write(draft, 0, data, SIZE, &error));
    assert_in_range(fake_count(store, 'u'), 1, SIZE / PART);
    check(ncr_gdal_draft_commit(draft, &error));
    expect_content(SIZE);
    assert_int_equal(fake_count(store, 'u'), SIZE / PART);
}

static void bytes_that_were_sent_can_be_changed(void **state)
{
    (void)state;
    check(ncr_gdal_draft_write(draft, 0, data, SIZE, &error));
    data[100] ^= 1;
    check(ncr_gdal_draft_write(draft, 100, data + 100, 1, &error));
    check(ncr_gdal_draft_commit(draft, &error));
    expect_content(SIZE);
}

/* Its writers come back to the first bytes: all would be sent twice. */
static void a_tiff_is_sent_once(void **state)
{
    (void)state;
    memcpy(data, "II*\0\0\0\0\0", 8);
    check(ncr_gdal_draft_write(draft, 0, data, 8, &error));
    check(ncr_gdal_draft_write(draft, 8, data + 8, SIZE - 8, &error));
    assert_int_equal(fake_count(store, 'u'), 0);
    data[4] = 8;
    check(ncr_gdal_draft_write(draft, 4, data + 4, 4, &error));
    check(ncr_gdal_draft_commit(draft, &error));
    expect_content(SIZE);
    assert_int_equal(fake_count(store, 'u'), SIZE / PART);
}

static void what_was_not_committed_leaves_nothing(void **state)
{
    (void)state;
    ncr_object_facts facts;
    check(ncr_gdal_draft_write(draft, 0, data, SIZE, &error));
    ncr_gdal_draft_free(draft);
    draft = NULL;
    assert_int_equal(ncr_vfs_stat(object, call, &facts, &error), NACRE_ERROR_NOT_FOUND);
}

static void what_is_cut_is_not_there(void **state)
{
    (void)state;
    check(ncr_gdal_draft_write(draft, 0, data, SIZE, &error));
    check(ncr_gdal_draft_truncate(draft, PART / 2, &error));
    check(ncr_gdal_draft_commit(draft, &error));
    expect_content(PART / 2);
}

static void holes_are_zeros(void **state)
{
    (void)state;
    check(ncr_gdal_draft_write(draft, 0, data, 10, &error));
    check(ncr_gdal_draft_write(draft, 2 * PART, data + 2 * (size_t)PART, 10, &error));
    memset(data + 10, 0, 2 * (size_t)PART - 10);
    check(ncr_gdal_draft_commit(draft, &error));
    expect_content(2 * PART + 10);
}

static void an_update_replaces_only_what_it_was_made_of(void **state)
{
    (void)state;
    ncr_object_facts facts;
    fake_set(store, "k", "v1", true, data, 1000);
    check(ncr_vfs_stat(object, call, &facts, &error));
    for (int is_changed = 0; is_changed < 2; is_changed++) {
        ncr_gdal_draft_free(draft);
        check(ncr_gdal_draft_new(object, call, &facts.version, NULL, &draft, &error));
        check(ncr_gdal_draft_write(draft, 0, data, 2000, &error));
        /* The first commit has made a new version. */
        assert_int_equal(ncr_gdal_draft_commit(draft, &error), is_changed ? NACRE_ERROR_CHANGED : NACRE_OK);
    }
    expect_content(2000);
}

static void after_a_failure_nothing_is_committed(void **state)
{
    (void)state;
    ncr_gdal_draft_free(draft);
    check(ncr_gdal_draft_new(object, call, NULL, NULL, &draft, &error));
    check(ncr_gdal_draft_write(draft, 0, data, 10, &error));
    assert_int_equal(ncr_gdal_draft_write(draft, UINT64_MAX - 3, data, 10, &error), NACRE_ERROR_IO);
    assert_int_equal(ncr_gdal_draft_commit(draft, &error), NACRE_ERROR_IO);
    ncr_object_facts facts;
    assert_int_equal(ncr_vfs_stat(object, call, &facts, &error), NACRE_ERROR_NOT_FOUND);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(parts_go_out_while_it_is_written),
        TEST(bytes_that_were_sent_can_be_changed),
        TEST(a_tiff_is_sent_once),
        TEST(what_was_not_committed_leaves_nothing),
        TEST(what_is_cut_is_not_there),
        TEST(holes_are_zeros),
        TEST(an_update_replaces_only_what_it_was_made_of),
        TEST(after_a_failure_nothing_is_committed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
