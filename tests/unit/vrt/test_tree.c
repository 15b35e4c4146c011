/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include "raster/wants.h"
#include "vrt/ramp.h"

/* Documents that name one another, one object at several places, and files beside a document. */

#define SOURCE(path, x)                                                                                  \
    "<SimpleSource><SourceFilename>" path "</SourceFilename><SrcRect xOff=\"0\" yOff=\"0\" xSize=\"4\" " \
    "ySize=\"3\"/><DstRect xOff=\"" x "\" yOff=\"0\" xSize=\"4\" ySize=\"3\"/></SimpleSource>"
#define VRT_WITH(width, inside, more)                                                                             \
    "<VRTDataset rasterXSize=\"" width "\" rasterYSize=\"3\"><VRTRasterBand dataType=\"Byte\" band=\"1\">" inside \
    "</VRTRasterBand>" more "</VRTDataset>"
#define VRT(width, inside) VRT_WITH(width, inside, "")

static double first_value(ncr_call *call, ncr_dataset *view, int x)
{
    double value = -1;
    nacre_error err = {0};
    nacre_window window = {x, 0, 1, 1};
    if (read_scaled(call, view, window, 1, 1, NACRE_DTYPE_FLOAT64, (int[]){1}, 1, &value, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    return value;
}

/* The whole of a ramp is in the first bytes, which a pin holds: an old version stays readable. */
static void expect_old_value_through(ncr_call *call, const char *right)
{
    put_text(call, "mem://v/a", "RAMP w=4 h=3 base=1");
    char *text = ncr_text_format(VRT("8", SOURCE("mem://v/a", "0") "%s"), right);
    put_text(call, "mem://v/outer.vrt", text);
    free(text);
    ncr_dataset *view = opened(call, "mem://v/outer.vrt");
    assert_true(first_value(call, view, 0) == 1);
    put_text(call, "mem://v/a", "RAMP w=4 h=3 base=90");
    assert_true(first_value(call, view, 4) == 1);
    ncr_dataset *fresh = opened(call, "mem://v/outer.vrt");
    assert_true(first_value(call, fresh, 4) == 90);
    ncr_dataset_unref(fresh);
    ncr_dataset_unref(view);
}

static void another_spelling_reads_the_version_first_seen(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    expect_old_value_through(call, SOURCE("/vsimem/v/a", "4"));
    ncr_call_unref(call);
}

static void a_nested_document_reads_the_version_first_seen(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    put_text(call, "mem://v/inner.vrt", VRT("4", SOURCE("/vsimem/v/a", "0")));
    expect_old_value_through(call, SOURCE("mem://v/inner.vrt", "4"));
    put_text(call, "mem://v/middle.vrt", VRT("4", SOURCE("/vsimem/v/inner.vrt", "0")));
    expect_old_value_through(call, SOURCE("mem://v/middle.vrt", "4"));
    ncr_call_unref(call);
}

static void documents_that_name_one_another_are_corrupt_by_any_way(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    /* b is open already, as a's source, when c names it. */
    put_text(call, "mem://v/b.vrt", VRT("4", SOURCE("mem://v/c.vrt", "0")));
    put_text(call, "mem://v/c.vrt", VRT("4", SOURCE("/vsimem/v/b.vrt", "0")));
    put_text(call, "mem://v/a.vrt", VRT("8", SOURCE("mem://v/c.vrt", "0") SOURCE("mem://v/b.vrt", "4")));
    ncr_dataset *view = opened(call, "mem://v/a.vrt");
    uint8_t out[24];
    nacre_error err = {0};
    nacre_window all = {0, 0, 8, 3};
    assert_int_equal(read_scaled(call, view, all, 8, 3, NACRE_DTYPE_UINT8, (int[]){1}, 1, out, &err),
                     NACRE_ERROR_CORRUPT);
    assert_non_null(strstr(err.message, "names itself, through other VRTs"));
    ncr_dataset_unref(view);
    ncr_call_unref(call);
}

/* --- Files beside a document --- */

static nacre_status read_at(ncr_call *call, ncr_dataset *view, int size, nacre_error *err)
{
    uint8_t out[16];
    nacre_window window = {0, 0, 2, 2};
    return read_scaled(call, view, window, size, size, NACRE_DTYPE_UINT8, (int[]){1}, 1, out, err);
}

static nacre_status read_mask(ncr_call *call, ncr_dataset *view, nacre_error *err)
{
    uint8_t out[12];
    ncr_scaled_request request = {.window = {0, 0, 4, 3}, .out_width = 4, .out_height = 3};
    request.to = (ncr_read_request){.bands = (int[]){1},
                                    .band_count = 1,
                                    .dtype = NACRE_DTYPE_UINT8,
                                    .buffer = out,
                                    .pixel_stride = 1,
                                    .row_stride = 4,
                                    .band_stride = 12};
    ncr_plan *plan = NULL;
    nacre_status status = ncr_dataset_plan_masks(view, &request, call, &plan, err);
    if (status == NACRE_OK)
        status = ncr_execute(plan, err);
    ncr_plan_free(plan);
    return status;
}

static ncr_dataset *opened_beside(ncr_call *call, const char *path, const char *suffix, const char *more)
{
    put_text(call, "mem://v/a", "RAMP w=4 h=3 base=1");
    char *whole = ncr_text_format(VRT_WITH("4", SOURCE("mem://v/a", "0"), "%s"), more);
    char *beside = ncr_text_format("%s%s", path, suffix);
    put_text(call, path, whole);
    put_text(call, beside, "anything");
    free(whole);
    free(beside);
    return opened(call, path);
}

static void a_mask_beside_a_document_is_never_passed_over(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL), *never = test_call_new("sidecars=never", NULL);
    nacre_error err = {0};
    ncr_dataset *view = opened_beside(call, "mem://v/m1.vrt", ".msk", "");
    assert_int_equal(read_mask(call, view, &err), NACRE_ERROR_UNSUPPORTED); /* which reads no pixel */
    assert_ptr_equal(strstr(err.message, "mem://v/m1.vrt.msk: "), err.message);
    assert_int_equal(read_at(call, view, 2, &err), NACRE_ERROR_UNSUPPORTED);
    assert_int_equal(read_at(never, view, 2, &err), NACRE_OK);
    assert_int_equal(read_mask(never, view, &err), NACRE_OK);
    ncr_dataset_unref(view);
    view = opened_beside(call, "mem://v/m2.vrt", ".msk", "");
    put_text(call, "mem://v/outer.vrt", VRT("4", SOURCE("mem://v/m2.vrt", "0")));
    ncr_dataset *outer = opened(call, "mem://v/outer.vrt");
    assert_int_equal(read_at(call, outer, 2, &err), NACRE_ERROR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "m2.vrt.msk: "));
    ncr_dataset_unref(outer);
    ncr_dataset_unref(view);
    ncr_call_unref(never);
    ncr_call_unref(call);
}

static void a_mask_of_its_own_comes_before_one_beside_it(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    nacre_error err = {0};
    ncr_dataset *view = opened_beside(
        call, "mem://v/m3.vrt", ".msk",
        "<MaskBand><VRTRasterBand dataType=\"Byte\">" SOURCE("mem://v/a", "0") "</VRTRasterBand></MaskBand>");
    assert_int_equal(read_mask(call, view, &err), NACRE_OK);
    assert_int_equal(read_at(call, view, 2, &err), NACRE_OK);
    ncr_dataset_unref(view);
    ncr_call_unref(call);
}

static void overviews_beside_a_document_matter_to_reduced_reads(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    nacre_error err = {0};
    ncr_dataset *view = opened_beside(call, "mem://v/o.vrt", ".ovr", "");
    assert_int_equal(read_at(call, view, 1, &err), NACRE_ERROR_UNSUPPORTED);
    assert_ptr_equal(strstr(err.message, "mem://v/o.vrt.ovr: "), err.message);
    assert_int_equal(read_at(call, view, 2, &err), NACRE_OK);
    assert_int_equal(read_at(call, view, 4, &err), NACRE_OK);
    assert_int_equal(read_at(call, view, 1, &err), NACRE_ERROR_UNSUPPORTED);
    ncr_dataset_unref(view);
    ncr_call_unref(call);
}

/* Of the wants of a read's first step, those that look beside. */
static int looks_of(ncr_dataset *view, ncr_call *call, int size, ncr_plan **out)
{
    static uint8_t buffer[16];
    nacre_error err = {0};
    ncr_scaled_request request = {.window = {0, 0, 2, 2}, .out_width = size, .out_height = size};
    request.to = (ncr_read_request){.bands = (int[]){1},
                                    .band_count = 1,
                                    .dtype = NACRE_DTYPE_UINT8,
                                    .buffer = buffer,
                                    .pixel_stride = 1,
                                    .row_stride = 4,
                                    .band_stride = 16};
    assert_int_equal(ncr_dataset_plan_scaled(view, &request, call, out, &err), NACRE_OK);
    ncr_wants wants = {0};
    bool more = false;
    assert_int_equal(ncr_plan_step_child(*out, &wants, &more, &err), NACRE_OK);
    int looks = 0; /* the source's own open is none */
    for (size_t i = 0; i < wants.count; i++)
        looks += wants.items[i].kind == NCR_WANT_LIST || strstr(wants.items[i].path, ".vrt.") != NULL;
    ncr_wants_clear(&wants);
    return looks;
}

static void one_read_of_many_plans_looks_once(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL), *other = test_call_new(NULL);
    ncr_dataset *view = opened_beside(call, "mem://v/once.vrt", ".other", "");
    ncr_plan *first = NULL, *second = NULL, *third = NULL, *fourth = NULL;
    int looks = looks_of(view, call, 2, &first);
    assert_true(looks > 0);
    assert_int_equal(looks_of(view, call, 1, &second), 0);
    assert_int_equal(looks_of(view, other, 2, &third), looks); /* nothing is known yet, and it may not wait */
    ncr_plan_free(first);                                      /* given up */
    assert_int_equal(looks_of(view, call, 2, &fourth), looks);
    ncr_plan_free(second);
    ncr_plan_free(third);
    ncr_plan_free(fourth);
    nacre_error err = {0};
    assert_int_equal(read_at(call, view, 2, &err), NACRE_OK);
    assert_int_equal(looks_of(view, call, 2, &first), 0);
    ncr_plan_free(first);
    ncr_dataset_unref(view);
    ncr_call_unref(other);
    ncr_call_unref(call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_spelling_reads_the_version_first_seen),
        cmocka_unit_test(a_nested_document_reads_the_version_first_seen),
        cmocka_unit_test(documents_that_name_one_another_are_corrupt_by_any_way),
        cmocka_unit_test(a_mask_beside_a_document_is_never_passed_over),
        cmocka_unit_test(a_mask_of_its_own_comes_before_one_beside_it),
        cmocka_unit_test(overviews_beside_a_document_matter_to_reduced_reads),
        cmocka_unit_test(one_read_of_many_plans_looks_once),
    };
    return cmocka_run_group_tests(tests, ramp_set_up, NULL);
}
