/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "raster/execute.h"
#include "raster/lazy.h"
#include "raster/sidecar.h"
#include "support/call.h"
#include "support/fake_driver.h"
#include "support/mem_file.h"

static nacre_status open_path(ncr_call *call, const char *path, const char *const *drivers, ncr_dataset **out,
                              nacre_error *err)
{
    memset(err, 0, sizeof *err);
    return ncr_dataset_open(path, drivers, call, out, err);
}

static void the_driver_that_knows_the_first_bytes_opens(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    mem_put(call, "mem://open/a", "FAKE1234", 8);
    ncr_dataset *dataset = NULL;
    nacre_error err;
    if (open_path(call, "mem://open/a", NULL, &dataset, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    assert_string_equal(dataset->path, "mem://open/a");
    ncr_dataset_unref(dataset);
    ncr_call_unref(call);
}

static void what_no_driver_knows_is_not_a_raster(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    mem_put(call, "mem://open/text", "hello", 5);
    mem_put(call, "mem://open/empty", "", 0);
    mem_put(call, "mem://open/a", "FAKE1234", 8);
    static const char *const others[] = {"GTiff", NULL};
    ncr_dataset *dataset = NULL;
    nacre_error err;
    assert_int_equal(open_path(call, "mem://open/text", NULL, &dataset, &err), NACRE_ERROR_UNSUPPORTED);
    assert_string_equal(err.message, "mem://open/text: not a raster that nacre reads (GeoTIFF, COG, VRT)");
    assert_null(dataset);
    assert_int_equal(open_path(call, "mem://open/empty", NULL, &dataset, &err), NACRE_ERROR_UNSUPPORTED);
    assert_int_equal(open_path(call, "mem://open/a", others, &dataset, &err), NACRE_ERROR_UNSUPPORTED);
    ncr_call_unref(call);
}

static void text_of_a_document_needs_no_file(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    ncr_dataset *dataset = NULL;
    nacre_error err;
    assert_int_equal(open_path(call, "<VRTDataset rasterXSize=\"1\"/>", NULL, &dataset, &err), NACRE_OK);
    assert_null(dataset->file);
    ncr_dataset_unref(dataset);
    ncr_call_unref(call);
}

static void a_failure_gives_no_dataset(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    mem_put(call, "mem://open/bad", "FAKE!!!!", 8);
    ncr_dataset *dataset = (ncr_dataset *)&dataset;
    nacre_error err;
    assert_int_equal(open_path(call, "mem://open/bad", NULL, &dataset, &err), NACRE_ERROR_CORRUPT);
    assert_null(dataset);
    assert_int_equal(open_path(call, "mem://open/missing", NULL, &dataset, &err), NACRE_ERROR_NOT_FOUND);
    assert_ptr_equal(strstr(err.message, "mem://open/missing: "), err.message);
    ncr_call_unref(call);
}

static void documents_within_documents_have_an_end(void **state)
{
    (void)state;
    ncr_call *call = test_call_new("limit.vrt_depth=2", NULL);
    ncr_open_request request = {.path = "mem://open/a", .depth = 3};
    ncr_dataset *dataset = NULL;
    ncr_plan *plan = NULL;
    nacre_error err;
    assert_int_equal(ncr_dataset_plan_open(&request, call, &dataset, &plan, &err), NACRE_ERROR_TOO_LARGE);
    assert_null(plan);
    request.depth = 2;
    assert_int_equal(ncr_dataset_plan_open(&request, call, &dataset, &plan, &err), NACRE_OK);
    ncr_plan_free(plan);
    ncr_call_unref(call);
}

/* --- Lazy --- */

static nacre_status open_lazy(ncr_lazy *lazy, ncr_call *call, nacre_error *err)
{
    ncr_plan *plan = NULL;
    nacre_status status = ncr_lazy_plan_open(lazy, call, &plan, err);
    if (status == NACRE_OK)
        status = ncr_execute(plan, err);
    ncr_plan_free(plan);
    return status;
}

static void a_lazy_source_is_opened_once(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    mem_put(call, "mem://open/a", "FAKE1234", 8);
    ncr_lazy *lazy = ncr_lazy_new(&(ncr_open_request){.path = "mem://open/a", .depth = 1});
    nacre_error err;
    assert_null(ncr_lazy_dataset(lazy));
    fake_driver_opened = 0;
    assert_int_equal(open_lazy(lazy, call, &err), NACRE_OK);
    ncr_dataset *dataset = ncr_lazy_dataset(lazy);
    assert_non_null(dataset);
    assert_int_equal(open_lazy(lazy, call, &err), NACRE_OK);
    assert_ptr_equal(ncr_lazy_dataset(lazy), dataset);
    assert_int_equal(fake_driver_opened, 1);
    ncr_lazy_unref(lazy);
    ncr_call_unref(call);
}

static void of_two_readers_the_first_ones_dataset_is_kept(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    mem_put(call, "mem://open/a", "FAKE1234", 8);
    ncr_lazy *lazy = ncr_lazy_new(&(ncr_open_request){.path = "mem://open/a", .depth = 1});
    ncr_plan *first = NULL, *second = NULL;
    nacre_error err;
    assert_int_equal(ncr_lazy_plan_open(lazy, call, &first, &err), NACRE_OK);
    assert_int_equal(ncr_lazy_plan_open(lazy, call, &second, &err), NACRE_OK);
    assert_int_equal(ncr_execute(second, &err), NACRE_OK);
    ncr_dataset *dataset = ncr_lazy_dataset(lazy);
    assert_int_equal(ncr_execute(first, &err), NACRE_OK);
    assert_ptr_equal(ncr_lazy_dataset(lazy), dataset);
    ncr_plan_free(first);
    ncr_plan_free(second);
    ncr_lazy_unref(lazy);
    ncr_call_unref(call);
}

static void a_failed_open_is_tried_again(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    ncr_lazy *lazy = ncr_lazy_new(&(ncr_open_request){.path = "mem://open/later", .depth = 1});
    nacre_error err;
    assert_int_equal(open_lazy(lazy, call, &err), NACRE_ERROR_NOT_FOUND);
    mem_put(call, "mem://open/later", "FAKE1234", 8);
    assert_int_equal(open_lazy(lazy, call, &err), NACRE_OK);
    assert_non_null(ncr_lazy_dataset(lazy));
    ncr_lazy_unref(lazy);
    ncr_call_unref(call);
}

static void another_version_than_the_pinned_one_is_changed(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    mem_put(call, "mem://open/a", "FAKE1234", 8);
    ncr_file *file = mem_open(call, "mem://open/a");
    ncr_lazy *same = ncr_lazy_new(
        &(ncr_open_request){.path = "mem://open/a", .depth = 1, .pinned_version = ncr_file_facts(file)->version.token});
    ncr_lazy *other =
        ncr_lazy_new(&(ncr_open_request){.path = "mem://open/a", .depth = 1, .pinned_version = "generation=0"});
    nacre_error err;
    assert_int_equal(open_lazy(same, call, &err), NACRE_OK);
    assert_int_equal(open_lazy(other, call, &err), NACRE_ERROR_CHANGED);
    assert_non_null(strstr(err.message, "generation=0"));
    assert_null(ncr_lazy_dataset(other));
    ncr_lazy_unref(same);
    ncr_lazy_unref(other);
    ncr_file_unref(file);
    ncr_call_unref(call);
}

static void take_source(void *user, const char *path, const char *version, const char *snapshot)
{
    snprintf(user, 256, "%s|%s|%s", path, *version ? "version" : "", snapshot);
}

static void a_source_tells_whether_it_was_opened(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    mem_put(call, "mem://open/a", "FAKE1234", 8);
    ncr_lazy *lazy = ncr_lazy_new(&(ncr_open_request){.path = "mem://open/a", .depth = 1});
    char told[256];
    ncr_lazy_sources(lazy, take_source, told);
    assert_string_equal(told, "mem://open/a||");
    nacre_error err;
    assert_int_equal(open_lazy(lazy, call, &err), NACRE_OK);
    ncr_lazy_sources(lazy, take_source, told);
    assert_string_equal(told, "mem://open/a|version|proven");
    ncr_lazy_unref(lazy);
    ncr_call_unref(call);
}

/* --- Sidecars --- */

static void find_sidecars(ncr_call *call, const char *path, ncr_sidecars *out)
{
    ncr_file *file = mem_open(call, path);
    ncr_plan *plan = NULL;
    nacre_error err;
    nacre_status status = ncr_sidecars_plan(file, true, call, out, &plan, &err);
    if (status == NACRE_OK)
        status = ncr_execute(plan, &err);
    if (status != NACRE_OK)
        fail_msg("%s", err.message);
    ncr_plan_free(plan);
    ncr_file_unref(file);
}

static void files_beside_a_raster_are_found(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL), *never = test_call_new("sidecars=never", NULL);
    mem_put(call, "mem://sidecar/a.tif", "FAKE1234", 8);
    mem_put(call, "mem://sidecar/a.tif.ovr", "x", 1);
    mem_put(call, "mem://sidecar/a.tif.aux.xml", "x", 1);
    mem_put(call, "mem://sidecar/a.tif.mskk", "x", 1);
    ncr_sidecars sidecars;
    find_sidecars(call, "mem://sidecar/a.tif", &sidecars);
    assert_string_equal(sidecars.paths[NCR_SIDECAR_OVR], "mem://sidecar/a.tif.ovr");
    assert_string_equal(sidecars.paths[NCR_SIDECAR_AUX_XML], "mem://sidecar/a.tif.aux.xml");
    assert_null(sidecars.paths[NCR_SIDECAR_MSK]);
    ncr_sidecars_clear(&sidecars);
    find_sidecars(never, "mem://sidecar/a.tif", &sidecars);
    for (int i = 0; i < NCR_SIDECAR_KINDS; i++)
        assert_null(sidecars.paths[i]);
    ncr_call_unref(call);
    ncr_call_unref(never);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_driver_that_knows_the_first_bytes_opens),
        cmocka_unit_test(what_no_driver_knows_is_not_a_raster),
        cmocka_unit_test(text_of_a_document_needs_no_file),
        cmocka_unit_test(a_failure_gives_no_dataset),
        cmocka_unit_test(documents_within_documents_have_an_end),
        cmocka_unit_test(a_lazy_source_is_opened_once),
        cmocka_unit_test(of_two_readers_the_first_ones_dataset_is_kept),
        cmocka_unit_test(a_failed_open_is_tried_again),
        cmocka_unit_test(another_version_than_the_pinned_one_is_changed),
        cmocka_unit_test(a_source_tells_whether_it_was_opened),
        cmocka_unit_test(files_beside_a_raster_are_found),
    };
    return cmocka_run_group_tests(tests, fake_driver_set_up, NULL);
}
