/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "raster/execute.h"
#include "raster/lazy.h"
#include "raster/refresh.h"
#include "support/call.h"
#include "support/fake_driver.h"
#include "support/mem_file.h"

/* Proving again what is open; with real rasters in tests/integration/test_consistency.py. */

static ncr_call *call;
static nacre_error err;

static int begin(void **state)
{
    (void)state;
    call = test_call_new(NULL);
    call->proves_again = true;
    mem_put(call, "mem://refresh/a", "FAKE1234", 8);
    mem_put(call, "mem://refresh/b", "FAKE1234", 8);
    return 0;
}

static int end(void **state)
{
    (void)state;
    ncr_call_unref(call);
    return 0;
}

static ncr_dataset *open_root(const char *path)
{
    ncr_dataset *dataset;
    if (ncr_dataset_open(path, NULL, call, &dataset, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    return dataset;
}

static ncr_dataset *refreshed(ncr_dataset *dataset)
{
    ncr_dataset *out;
    if (ncr_dataset_refresh(dataset, NULL, call, &out, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    return out;
}

static void remove_object(const char *path)
{
    ncr_object *object;
    assert_int_equal(ncr_vfs_resolve(path, NULL, call, &object, &err), NACRE_OK);
    assert_int_equal(ncr_vfs_remove(object, NULL, call, &err), NACRE_OK);
    ncr_object_unref(object);
}

static const char *token_of(const ncr_dataset *dataset)
{
    return ncr_file_facts(dataset->file)->version.token;
}

static void what_is_the_same_gives_nothing_new(void **state)
{
    (void)state;
    ncr_dataset *dataset = open_root("mem://refresh/a");
    assert_null(refreshed(dataset));
    ncr_dataset_unref(dataset);
}

static void new_version_is_another_dataset_and_the_old_one_stays(void **state)
{
    (void)state;
    ncr_dataset *dataset = open_root("mem://refresh/a");
    char before[192];
    snprintf(before, sizeof before, "%s", token_of(dataset));
    mem_put(call, "mem://refresh/a", "FAKE5678", 8);
    ncr_dataset *now = refreshed(dataset);
    assert_non_null(now);
    assert_string_equal(token_of(dataset), before);
    assert_string_not_equal(token_of(now), before);
    assert_null(refreshed(now));
    ncr_dataset_unref(now);
    ncr_dataset_unref(dataset);
}

/* Opens b as a source of the tree of a dataset. */
static ncr_lazy *open_source(ncr_pins *pins)
{
    ncr_lazy *lazy = ncr_lazy_new(&(ncr_open_request){.path = "mem://refresh/b", .depth = 1, .pins = pins});
    ncr_plan *plan;
    assert_int_equal(ncr_lazy_plan_open(lazy, call, &plan, &err), NACRE_OK);
    if (ncr_execute(plan, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    ncr_plan_free(plan);
    return lazy;
}

static void source_that_is_new_or_gone_is_a_change_and_is_opened_once(void **state)
{
    (void)state;
    ncr_dataset *dataset = open_root("mem://refresh/a");
    ncr_lazy *source = open_source(dataset->pins);
    mem_put(call, "mem://refresh/b", "FAKE5678", 8);
    ncr_dataset *now = refreshed(dataset);
    assert_non_null(now);
    mem_put(call, "mem://refresh/b", "FAKE9999", 8); /* after the refresh: what that has proven is pinned */
    ncr_lazy_unref(source);
    ncr_file **files;
    size_t count;
    assert_int_equal(ncr_pins_list(now->pins, &files, &count, &err), NACRE_OK);
    assert_int_equal(count, 2);
    for (size_t i = 0; i < count; i++)
        ncr_file_unref(files[i]);
    free(files);
    remove_object("mem://refresh/b");
    ncr_dataset *without = refreshed(now);
    assert_non_null(without);
    assert_int_equal(ncr_pins_count(without->pins), 1);
    ncr_dataset_unref(without);
    ncr_dataset_unref(now);
    ncr_dataset_unref(dataset);
}

static void root_that_is_gone_is_not_found(void **state)
{
    (void)state;
    ncr_dataset *dataset = open_root("mem://refresh/a"), *out = dataset;
    remove_object("mem://refresh/a");
    assert_int_equal(ncr_dataset_refresh(dataset, NULL, call, &out, &err), NACRE_ERROR_NOT_FOUND);
    assert_null(out);
    assert_non_null(strstr(err.message, "mem://refresh/a"));
    ncr_dataset_unref(dataset);
}

static void what_is_damaged_now_is_an_error(void **state)
{
    (void)state;
    ncr_dataset *dataset = open_root("mem://refresh/a"), *out = dataset;
    mem_put(call, "mem://refresh/a", "FAKE!!!!", 8);
    assert_int_equal(ncr_dataset_refresh(dataset, NULL, call, &out, &err), NACRE_ERROR_CORRUPT);
    assert_null(out);
    ncr_dataset_unref(dataset);
}

static void text_is_opened_from_itself(void **state)
{
    (void)state;
    ncr_dataset *dataset = open_root("<VRTDataset/>");
    assert_null(refreshed(dataset));
    ncr_lazy *source = open_source(dataset->pins);
    mem_put(call, "mem://refresh/b", "FAKE5678", 8);
    ncr_dataset *now = refreshed(dataset);
    assert_non_null(now);
    assert_null(refreshed(now));
    ncr_lazy_unref(source);
    ncr_dataset_unref(now);
    ncr_dataset_unref(dataset);
}

static void view_is_made_anew_by_its_maker(void **state)
{
    (void)state;
    static const ncr_dataset_class class = {.driver = "VRT"};
    ncr_dataset *view = ncr_dataset_new(sizeof *view, &class, "", NULL, 1), *out = view;
    assert_int_equal(ncr_dataset_refresh(view, NULL, call, &out, &err), NACRE_ERROR_UNSUPPORTED);
    assert_null(out);
    ncr_dataset_unref(view);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_the_same_gives_nothing_new),
        TEST(new_version_is_another_dataset_and_the_old_one_stays),
        TEST(source_that_is_new_or_gone_is_a_change_and_is_opened_once),
        TEST(root_that_is_gone_is_not_found),
        TEST(what_is_damaged_now_is_an_error),
        TEST(text_is_opened_from_itself),
        TEST(view_is_made_anew_by_its_maker),
    };
    return cmocka_run_group_tests(tests, fake_driver_set_up, NULL);
}
