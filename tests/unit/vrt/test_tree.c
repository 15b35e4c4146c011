/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include "vrt/ramp.h"

/* Documents that name one another, and one object at several places. */

#define SOURCE(path, x)                                                                                  \
    "<SimpleSource><SourceFilename>" path "</SourceFilename><SrcRect xOff=\"0\" yOff=\"0\" xSize=\"4\" " \
    "ySize=\"3\"/><DstRect xOff=\"" x "\" yOff=\"0\" xSize=\"4\" ySize=\"3\"/></SimpleSource>"
#define VRT(width, inside)                                                                                        \
    "<VRTDataset rasterXSize=\"" width "\" rasterYSize=\"3\"><VRTRasterBand dataType=\"Byte\" band=\"1\">" inside \
    "</VRTRasterBand></VRTDataset>"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_spelling_reads_the_version_first_seen),
        cmocka_unit_test(a_nested_document_reads_the_version_first_seen),
        cmocka_unit_test(documents_that_name_one_another_are_corrupt_by_any_way),
    };
    return cmocka_run_group_tests(tests, ramp_set_up, NULL);
}
