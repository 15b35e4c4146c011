/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include "raster/wants.h"
#include "vrt/ramp.h"

/* Reading views: what is composed of what. */

#define SOURCE(name, x, w)                                                                                   \
    "<SourceFilename relativeToVRT=\"1\">" name "</SourceFilename><SrcRect xOff=\"0\" yOff=\"0\" xSize=\"" w \
    "\" ySize=\"3\"/><DstRect xOff=\"" x "\" yOff=\"0\" xSize=\"" w "\" ySize=\"3\"/>"
#define SIMPLE(name, x, w)       "<SimpleSource>" SOURCE(name, x, w) "</SimpleSource>"
#define COMPLEX(name, x, w, how) "<ComplexSource>" SOURCE(name, x, w) how "</ComplexSource>"

static void two_ramps(ncr_call *call)
{
    put_text(call, "mem://v/a", "RAMP w=4 h=3 base=1");
    put_text(call, "mem://v/b", "RAMP w=4 h=3 base=50");
}

static void expect_first_row(const char *attributes, int width, const char *inside, const double *expected)
{
    ncr_call *call = test_call_new(NULL);
    ncr_dataset *view = opened_band(call, width, 3, attributes, inside);
    double *values = calloc((size_t)width * 3, sizeof *values);
    read_all(call, view, values);
    expect_row(values, expected, width);
    free(values);
    ncr_dataset_unref(view);
    ncr_call_unref(call);
}

static void later_sources_lie_on_top_and_gaps_are_zero(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    two_ramps(call);
    expect_first_row("", 9, SIMPLE("a", "0", "4") SIMPLE("b", "2", "4"), (double[]){1, 2, 50, 51, 52, 53, 0, 0, 0});
    expect_first_row("", 9, SIMPLE("b", "2", "4") SIMPLE("a", "0", "4"), (double[]){1, 2, 3, 4, 52, 53, 0, 0, 0});
    ncr_call_unref(call);
}

static void gaps_have_the_nodata_value_also_where_it_is_hidden(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    two_ramps(call);
    expect_first_row("", 6, "<NoDataValue>7</NoDataValue>" SIMPLE("a", "0", "4"), (double[]){1, 2, 3, 4, 7, 7});
    const char *hidden = "<NoDataValue>7</NoDataValue><HideNoDataValue>1</HideNoDataValue>" SIMPLE("a", "0", "4");
    expect_first_row("", 6, hidden, (double[]){1, 2, 3, 4, 7, 7});
    ncr_dataset *view = opened_band(call, 6, 3, "", hidden);
    assert_false(view->bands[0].nodata.is_set);
    assert_int_equal(view->bands[0].mask_flags, NACRE_MASK_ALL_VALID);
    ncr_dataset_unref(view);
    ncr_call_unref(call);
}

static void nodata_of_a_complex_source_shows_what_lies_below(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    two_ramps(call);
    expect_first_row("", 4, SIMPLE("b", "0", "4") COMPLEX("a", "0", "4", "<NODATA>2</NODATA>"),
                     (double[]){1, 51, 3, 4});
    ncr_call_unref(call);
}

static void nodata_of_a_simple_source_means_nothing(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    two_ramps(call);
    expect_first_row("", 4,
                     SIMPLE("b", "0", "4") "<SimpleSource>" SOURCE("a", "0", "4") "<NODATA>2</NODATA></SimpleSource>",
                     (double[]){1, 2, 3, 4});
    ncr_call_unref(call);
}

static void values_are_scaled_rounded_and_clamped_to_the_band(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    two_ramps(call);
    expect_first_row("", 4, COMPLEX("a", "0", "4", "<ScaleOffset>-1</ScaleOffset><ScaleRatio>1.5</ScaleRatio>"),
                     (double[]){1, 2, 4, 5}); /* 0.5 and 3.5 go away from zero */
    /* As GDAL, which computes 6.5 as a float where a double is 6.499999999999999. */
    expect_first_row(
        "", 4,
        COMPLEX("a", "0", "4",
                "<ScaleOffset>6.166666666666666</ScaleOffset><ScaleRatio>0.16666666666666666</ScaleRatio>"),
        (double[]){6, 7, 7, 7});
    expect_first_row("", 4, COMPLEX("b", "0", "4", "<ScaleRatio>5</ScaleRatio>"), (double[]){250, 255, 255, 255});
    expect_first_row(
        "", 4,
        COMPLEX("a", "0", "4",
                "<Exponent>2</Exponent><SrcMin>0</SrcMin><SrcMax>4</SrcMax><DstMin>0</DstMin><DstMax>16</DstMax>"),
        (double[]){1, 4, 9, 16});
    ncr_call_unref(call);
}

static void nodata_is_compared_before_scaling(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    two_ramps(call);
    expect_first_row(
        "", 4, "<NoDataValue>9</NoDataValue>" COMPLEX("a", "0", "4", "<ScaleRatio>2</ScaleRatio><NODATA>2</NODATA>"),
        (double[]){2, 9, 6, 8});
    ncr_call_unref(call);
}

static void a_look_up_table_is_linear_in_between_and_flat_outside(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    two_ramps(call);
    expect_first_row("", 4, COMPLEX("a", "0", "4", "<LUT>2:10, 4:30</LUT>"), (double[]){10, 10, 20, 30});
    ncr_call_unref(call);
}

static void a_source_mask_leaves_pixels_out(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    two_ramps(call);
    put_text(call, "mem://v/m", "RAMP w=4 h=3 base=1 mask=1");
    expect_first_row("", 4, SIMPLE("b", "0", "4") COMPLEX("m", "0", "4", "<UseMaskBand>true</UseMaskBand>"),
                     (double[]){1, 51, 3, 53});
    ncr_call_unref(call);
}

static void a_mask_may_be_a_source_of_pixels(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    put_text(call, "mem://v/m", "RAMP w=4 h=3 base=1 mask=1");
    expect_first_row("", 4,
                     "<SimpleSource><SourceFilename relativeToVRT=\"1\">m</SourceFilename><SourceBand>mask,1"
                     "</SourceBand></SimpleSource>",
                     (double[]){255, 0, 255, 0});
    ncr_call_unref(call);
}

static void a_mask_band_is_the_mask_of_the_dataset(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    put_text(call, "mem://v/m", "RAMP w=4 h=3 base=1 mask=1");
    put_text(call, "mem://v/v.vrt",
             "<VRTDataset rasterXSize=\"6\" rasterYSize=\"3\"><VRTRasterBand dataType=\"Byte\"/><MaskBand>"
             "<VRTRasterBand dataType=\"Byte\"><SimpleSource>" SOURCE(
                 "m", "1", "4") "<SourceBand>mask,1</SourceBand>"
                                "</SimpleSource></VRTRasterBand></MaskBand></VRTDataset>");
    ncr_dataset *view = opened(call, "mem://v/v.vrt");
    assert_int_equal(view->bands[0].mask_flags, NACRE_MASK_PER_DATASET);
    uint8_t mask[18];
    nacre_window all = {0, 0, 6, 3};
    assert_int_equal(read_scaled(call, view, all, 6, 3, NACRE_DTYPE_UINT8, NULL, 0, mask, NULL), NACRE_OK);
    assert_memory_equal(mask, ((uint8_t[]){0, 255, 0, 255, 0, 0}), 6);
    ncr_dataset_unref(view);
    ncr_call_unref(call);
}

static void nodata_of_64_bit_integers_is_exact(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    put_text(call, "mem://v/l", "RAMP w=4 h=3 base=9007199254740992 dtype=int64");
    put_text(
        call, "mem://v/v.vrt",
        "<VRTDataset rasterXSize=\"4\" rasterYSize=\"3\"><VRTRasterBand dataType=\"Int64\"><NoDataValue>"
        "9007199254740993</NoDataValue>" COMPLEX("l", "0", "4", "<NODATA>9007199254740994</NODATA>") "</VRTRasterBand>"
                                                                                                     "</VRTDataset>");
    ncr_dataset *view = opened(call, "mem://v/v.vrt");
    int64_t values[12];
    nacre_window all = {0, 0, 4, 3};
    assert_int_equal(read_scaled(call, view, all, 4, 3, NACRE_DTYPE_INT64, (int[]){1}, 1, values, NULL), NACRE_OK);
    assert_true(values[0] == 9007199254740992);
    assert_true(values[2] == 9007199254740993); /* a gap: the source's 9007199254740994 is left out */
    ncr_dataset_unref(view);
    ncr_call_unref(call);
}

static void a_source_is_scaled_to_its_place(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    two_ramps(call);
    expect_first_row("", 8,
                     "<SimpleSource><SourceFilename relativeToVRT=\"1\">a</SourceFilename><SrcRect xOff=\"0\" "
                     "yOff=\"0\" xSize=\"4\" ySize=\"3\"/><DstRect xOff=\"0\" yOff=\"0\" xSize=\"8\" "
                     "ySize=\"3\"/></SimpleSource>",
                     (double[]){1, 1, 2, 2, 3, 3, 4, 4});
    ncr_call_unref(call);
}

static void a_window_is_the_crop_of_the_whole(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    put_text(call, "mem://v/a", "RAMP w=13 h=9 base=1");
    put_text(call, "mem://v/b", "RAMP w=13 h=9 base=100");
    ncr_dataset *view = opened_band(
        call, 20, 12, "",
        "<NoDataValue>255</NoDataValue>"
        "<SimpleSource><SourceFilename relativeToVRT=\"1\">a</SourceFilename><SrcRect xOff=\"0.4\" yOff=\"0\" "
        "xSize=\"12.6\" ySize=\"9\"/><DstRect xOff=\"0.3\" yOff=\"0.7\" xSize=\"12.6\" ySize=\"9\"/></SimpleSource>"
        "<ComplexSource><SourceFilename relativeToVRT=\"1\">b</SourceFilename><SrcRect xOff=\"0\" yOff=\"0\" "
        "xSize=\"13\" ySize=\"9\"/><DstRect xOff=\"8.2\" yOff=\"2.5\" xSize=\"11.1\" ySize=\"9.3\"/><NODATA>120"
        "</NODATA></ComplexSource>");
    uint8_t whole[12][20], part[12 * 20];
    nacre_window all = {0, 0, 20, 12};
    assert_int_equal(read_scaled(call, view, all, 20, 12, NACRE_DTYPE_UINT8, (int[]){1}, 1, whole, NULL), NACRE_OK);
    for (int x = 0; x < 20; x++)
        for (int y = 0; y < 12; y++)
            for (int w = 1; x + w <= 20; w += 3)
                for (int h = 1; y + h <= 12; h += 4) {
                    nacre_window window = {x, y, w, h};
                    assert_int_equal(
                        read_scaled(call, view, window, w, h, NACRE_DTYPE_UINT8, (int[]){1}, 1, part, NULL), NACRE_OK);
                    for (int row = 0; row < h; row++)
                        assert_memory_equal(part + row * w, &whole[y + row][x], (size_t)w);
                }
    ncr_dataset_unref(view);
    ncr_call_unref(call);
}

static void bands_of_one_source_are_read_together_in_any_order(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    put_text(call, "mem://v/c", "RAMP w=4 h=3 bands=2 base=1");
    put_text(
        call, "mem://v/v.vrt",
        "<VRTDataset rasterXSize=\"4\" rasterYSize=\"3\">"
        "<VRTRasterBand dataType=\"Byte\"><SimpleSource>" SOURCE(
            "c", "0", "4") "<SourceBand>2</SourceBand>"
                           "</SimpleSource></VRTRasterBand><VRTRasterBand dataType=\"Byte\"><SimpleSource>" SOURCE(
                               "c", "0", "4") "<SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>");
    ncr_dataset *view = opened(call, "mem://v/v.vrt");
    uint8_t values[3 * 12];
    nacre_window all = {0, 0, 4, 3};
    int before = atomic_load(&ramp_reads);
    assert_int_equal(read_scaled(call, view, all, 4, 3, NACRE_DTYPE_UINT8, (int[]){1, 2, 1}, 3, values, NULL),
                     NACRE_OK);
    assert_int_equal(atomic_load(&ramp_reads) - before, 1);
    assert_int_equal(values[0], 101);
    assert_int_equal(values[12], 1);
    assert_int_equal(values[24 + 3], 104);
    ncr_dataset_unref(view);
    ncr_call_unref(call);
}

static void pixels_may_lie_apart_in_the_buffer(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    two_ramps(call);
    ncr_dataset *view = opened_band(call, 4, 3, "", SIMPLE("a", "0", "4") COMPLEX("b", "2", "2", ""));
    uint16_t out[3][4][3];
    memset(out, 0xEE, sizeof out);
    ncr_read_request request = {.window = {0, 0, 4, 3},
                                .bands = (int[]){1},
                                .band_count = 1,
                                .dtype = NACRE_DTYPE_UINT16,
                                .buffer = (uint8_t *)&out[0][0][1],
                                .pixel_stride = 6,
                                .row_stride = 24,
                                .band_stride = 72};
    ncr_plan *plan;
    assert_int_equal(ncr_dataset_plan_read(view, &request, call, &plan, NULL), NACRE_OK);
    assert_int_equal(ncr_execute(plan, NULL), NACRE_OK);
    ncr_plan_free(plan);
    assert_int_equal(out[1][1][1], 12);
    assert_int_equal(out[1][2][1], 60);
    assert_int_equal(out[1][2][0], 0xEEEE);
    assert_int_equal(out[1][2][2], 0xEEEE);
    ncr_dataset_unref(view);
    ncr_call_unref(call);
}

static void what_is_hidden_is_not_read(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    two_ramps(call);
    ncr_dataset *view = opened_band(call, 4, 3, "", SIMPLE("a", "0", "4") SIMPLE("b", "0", "4"));
    double values[12];
    read_all(call, view, values);
    int before = atomic_load(&ramp_reads);
    read_all(call, view, values);
    assert_int_equal(atomic_load(&ramp_reads) - before, 1);
    assert_true(values[0] == 50);
    ncr_dataset_unref(view);
    ncr_call_unref(call);
}

/* --- Opening --- */

static void opening_touches_no_source_and_reading_opens_each_once(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    two_ramps(call);
    int before = atomic_load(&ramp_opens);
    ncr_dataset *view = opened_band(call, 9, 3, "", SIMPLE("a", "0", "4") SIMPLE("b", "4", "4") SIMPLE("a", "5", "4"));
    assert_int_equal(atomic_load(&ramp_opens) - before, 0);
    double values[27];
    read_all(call, view, values);
    read_all(call, view, values);
    assert_int_equal(atomic_load(&ramp_opens) - before, 2);
    ncr_dataset_unref(view);
    ncr_call_unref(call);
}

static void note_source(void *user, const char *path, const char *version, const char *snapshot)
{
    ncr_buffer *text = user;
    (void)version;
    assert_true(ncr_text_appendf(text, "%s %s;", path, snapshot[0] ? snapshot : "unopened"));
}

static void every_object_behind_a_view_is_told_once(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    two_ramps(call);
    ncr_dataset *view = opened_band(call, 9, 3, "", SIMPLE("a", "0", "4") SIMPLE("b", "4", "4") SIMPLE("a", "5", "4"));
    ncr_buffer text;
    ncr_buffer_init(&text, 1000);
    ncr_dataset_sources(view, note_source, &text);
    assert_string_equal((char *)text.data, "mem://v/v.vrt proven;mem://v/a unopened;mem://v/b unopened;");
    double values[27];
    read_all(call, view, values);
    text.size = 0;
    ncr_dataset_sources(view, note_source, &text);
    assert_string_equal((char *)text.data, "mem://v/v.vrt proven;mem://v/a proven;mem://v/b proven;");
    ncr_buffer_clear(&text);
    ncr_dataset_unref(view);
    ncr_call_unref(call);
}

static void all_sources_are_wanted_in_the_first_round(void **state)
{
    (void)state;
    ncr_call *call = test_call_new("sidecars=never", NULL);
    two_ramps(call);
    ncr_dataset *view = opened_band(call, 8, 3, "", SIMPLE("a", "0", "4") SIMPLE("b", "4", "4"));
    uint8_t out[24];
    ncr_read_request request = {.window = {0, 0, 8, 3},
                                .bands = (int[]){1},
                                .band_count = 1,
                                .dtype = NACRE_DTYPE_UINT8,
                                .buffer = out,
                                .pixel_stride = 1,
                                .row_stride = 8,
                                .band_stride = 24};
    ncr_plan *plan;
    assert_int_equal(ncr_dataset_plan_read(view, &request, call, &plan, NULL), NACRE_OK);
    ncr_wants wants = {0};
    bool more = false;
    assert_int_equal(plan->class->step(plan, &wants, &more, NULL), NACRE_OK);
    assert_true(more);
    assert_int_equal(wants.count, 2);
    ncr_wants_clear(&wants);
    ncr_plan_free(plan);
    ncr_dataset_unref(view);
    ncr_call_unref(call);
}

static void a_missing_source_fails_the_read_by_name_and_is_tried_again(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    ncr_dataset *view = opened_band(call, 4, 3, "", SIMPLE("late", "0", "4"));
    uint8_t out[12];
    nacre_error err = {0};
    nacre_window all = {0, 0, 4, 3};
    assert_int_equal(read_scaled(call, view, all, 4, 3, NACRE_DTYPE_UINT8, (int[]){1}, 1, out, &err),
                     NACRE_ERROR_NOT_FOUND);
    assert_non_null(strstr(err.message, "mem://v/late"));
    put_text(call, "mem://v/late", "RAMP w=4 h=3 base=8");
    assert_int_equal(read_scaled(call, view, all, 4, 3, NACRE_DTYPE_UINT8, (int[]){1}, 1, out, &err), NACRE_OK);
    assert_int_equal(out[0], 8);
    ncr_dataset_unref(view);
    ncr_call_unref(call);
}

static void a_band_that_the_source_lacks_is_corrupt(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    two_ramps(call);
    ncr_dataset *view =
        opened_band(call, 4, 3, "", "<SimpleSource>" SOURCE("a", "0", "4") "<SourceBand>3</SourceBand></SimpleSource>");
    uint8_t out[12];
    nacre_error err = {0};
    nacre_window all = {0, 0, 4, 3};
    assert_int_equal(read_scaled(call, view, all, 4, 3, NACRE_DTYPE_UINT8, (int[]){1}, 1, out, &err),
                     NACRE_ERROR_CORRUPT);
    assert_string_equal(err.message, "mem://v/v.vrt: names band 3 of mem://v/a, which has 1");
    ncr_dataset_unref(view);
    ncr_call_unref(call);
}

static void a_vrt_that_names_itself_is_corrupt(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    put_text(call, "mem://v/other.vrt",
             "<VRTDataset rasterXSize=\"4\" rasterYSize=\"3\"><VRTRasterBand>" SIMPLE(
                 "v.vrt", "0", "4") "</VRTRasterBand></VRTDataset>");
    const char *names[] = {"v.vrt", "other.vrt"};
    for (int i = 0; i < 2; i++) {
        char *inside = ncr_text_format("<SimpleSource><SourceFilename relativeToVRT=\"1\">%s</SourceFilename>"
                                       "</SimpleSource>",
                                       names[i]);
        ncr_dataset *view = opened_band(call, 4, 3, "", inside);
        uint8_t out[12];
        nacre_error err = {0};
        nacre_window all = {0, 0, 4, 3};
        assert_int_equal(read_scaled(call, view, all, 4, 3, NACRE_DTYPE_UINT8, (int[]){1}, 1, out, &err),
                         NACRE_ERROR_CORRUPT);
        assert_non_null(strstr(err.message, "v.vrt: names itself"));
        free(inside);
        ncr_dataset_unref(view);
    }
    ncr_call_unref(call);
}

static void a_text_may_be_opened_as_a_path(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    two_ramps(call);
    ncr_dataset *view = opened(call, "<VRTDataset rasterXSize=\"4\" rasterYSize=\"3\"><VRTRasterBand><SimpleSource>"
                                     "<SourceFilename>mem://v/a</SourceFilename></SimpleSource></VRTRasterBand>"
                                     "</VRTDataset>");
    double values[12];
    read_all(call, view, values);
    assert_true(values[1] == 2);
    ncr_dataset_unref(view);
    ncr_call_unref(call);
}

static void expect_refusal(const char *text, nacre_status expected, const char *word)
{
    ncr_call *call = test_call_new("limit.vrt_text=3000", NULL);
    put_text(call, "mem://v/bad.vrt", text);
    ncr_dataset *dataset = NULL;
    nacre_error err = {0};
    nacre_status status = ncr_dataset_open("mem://v/bad.vrt", NULL, call, &dataset, &err);
    assert_null(dataset);
    if (status != expected || !strstr(err.message, word))
        fail_msg("%d \"%s\" for %s", (int)status, err.message, text);
    assert_true(ncr_text_starts(err.message, "mem://v/bad.vrt: "));
    ncr_call_unref(call);
}

static void a_text_without_a_place_is_named_as_such(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    const char *texts[] = {"<VRTDataset/>",
                           "<VRTDataset rasterXSize='1' rasterYSize='1'><VRTRasterBand><ArraySource/>"
                           "</VRTRasterBand></VRTDataset>",
                           "<VRTDataset rasterXSize='1' rasterYSize='1' subClass='x'/>", "<VRTDataset"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ncr_dataset *dataset;
        nacre_error err = {0};
        assert_int_not_equal(ncr_dataset_open(texts[i], NULL, call, &dataset, &err), NACRE_OK);
        if (!ncr_text_starts(err.message, "VRT text: "))
            fail_msg("%s", err.message);
    }
    ncr_call_unref(call);
}

static void what_is_not_known_is_refused_by_name(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"<KernelFilteredSource/>", "KernelFilteredSource"},
        {"<AveragedSource/>", "AveragedSource"},
        {"<ArraySource/>", "ArraySource"},
        {"<NoDataFromMaskSource/>", "NoDataFromMaskSource"},
        {"<PixelFunctionType>sum</PixelFunctionType>", "PixelFunctionType"},
        {"<SimpleSource><VRTDataset/></SimpleSource>", "VRTDataset inside"},
        {"<SimpleSource><SourceFilename>a</SourceFilename><New/></SimpleSource>", "New in a SimpleSource"},
        {"<SimpleSource resampling=\"magic\"><SourceFilename>a</SourceFilename></SimpleSource>", "magic"},
        {"<SimpleSource><SourceFilename>a</SourceFilename><OpenOptions><OOI key=\"OVERVIEW_LEVEL\">1</OOI>"
         "</OpenOptions></SimpleSource>",
         "OVERVIEW_LEVEL"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = ncr_text_format("<VRTDataset rasterXSize=\"4\" rasterYSize=\"3\"><VRTRasterBand>%s"
                                     "</VRTRasterBand></VRTDataset>",
                                     cases[i][0]);
        expect_refusal(text, NACRE_ERROR_UNSUPPORTED, cases[i][1]);
        free(text);
    }
    expect_refusal("<VRTDataset rasterXSize=\"4\" rasterYSize=\"3\" subClass=\"VRTPansharpenedDataset\"/>",
                   NACRE_ERROR_UNSUPPORTED, "VRTPansharpenedDataset");
    expect_refusal("<VRTDataset rasterXSize=\"4\" rasterYSize=\"3\"><VRTRasterBand subClass=\"VRTRawRasterBand\"/>"
                   "</VRTDataset>",
                   NACRE_ERROR_UNSUPPORTED, "VRTRawRasterBand");
}

static void damaged_documents_are_corrupt(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"<VRTDataset/>", "rasterXSize"},
        {"<VRTDataset rasterXSize=\"-4\" rasterYSize=\"3\"/>", "rasterXSize"},
        {"<VRTDataset rasterXSize=\"99999999999\" rasterYSize=\"3\"/>", "rasterXSize"},
        {"<VRTDataset rasterXSize=\"4\" rasterYSize=\"3\"><GeoTransform>1,2,3</GeoTransform></VRTDataset>",
         "GeoTransform"},
        {"<VRTDataset rasterXSize=\"4\" rasterYSize=\"3\"><GeoTransform>1,2,3,4,5,6,7</GeoTransform></VRTDataset>",
         "GeoTransform"},
        {"<VRTDataset rasterXSize=\"4\" rasterYSize=\"3\"><VRTRasterBand dataType=\"Bite\"/></VRTDataset>", "Bite"},
        {"<VRTDataset rasterXSize=\"4\" rasterYSize=\"3\"><VRTRasterBand><NoDataValue>x</NoDataValue></VRTRasterBand>"
         "</VRTDataset>",
         "NoDataValue"},
        {"<VRTDataset rasterXSize=\"4\" rasterYSize=\"3\"><VRTRasterBand><SimpleSource/></VRTRasterBand></VRTDataset>",
         "SourceFilename"},
        {"<VRTDataset rasterXSize=\"4\" rasterYSize=\"3\"><VRTRasterBand><SimpleSource><SourceFilename>a"
         "</SourceFilename><SourceBand>0</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>",
         "SourceBand"},
        {"<VRTDataset rasterXSize=\"4\" rasterYSize=\"3\"><VRTRasterBand><SimpleSource><SourceFilename>a"
         "</SourceFilename><DstRect xOff=\"1e30\" yOff=\"0\" xSize=\"1\" ySize=\"1\"/></SimpleSource></VRTRasterBand>"
         "</VRTDataset>",
         "range"},
        {"<Other><VRTDataset rasterXSize=\"4\" rasterYSize=\"3\"/></Other>", "root element"},
        {"<VRTDataset rasterXSize=\"4\" rasterYSize=\"3\">", "line 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_refusal(cases[i][0], NACRE_ERROR_CORRUPT, cases[i][1]);
    expect_refusal("<!DOCTYPE a [<!ENTITY x \"y\">]><VRTDataset rasterXSize=\"4\" rasterYSize=\"3\"/>",
                   NACRE_ERROR_REFUSED, "document type");
    char *blanks = ncr_text_format("<VRTDataset rasterXSize=\"4\" rasterYSize=\"3\">%4000s</VRTDataset>", " ");
    expect_refusal(blanks, NACRE_ERROR_TOO_LARGE, "limit.vrt_text");
    free(blanks);
}

static void a_text_longer_than_the_first_read_is_read_whole(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    char *text = ncr_text_format("<VRTDataset rasterXSize=\"4\" rasterYSize=\"3\">%200000s<Metadata><MDI key=\"k\">v"
                                 "</MDI></Metadata><VRTRasterBand/></VRTDataset>",
                                 " ");
    put_text(call, "mem://v/long.vrt", text);
    ncr_dataset *view = opened(call, "mem://v/long.vrt");
    assert_string_equal(ncr_metadata_get(&view->metadata, "", "k"), "v");
    ncr_dataset_unref(view);
    free(text);
    ncr_call_unref(call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(later_sources_lie_on_top_and_gaps_are_zero),
        cmocka_unit_test(gaps_have_the_nodata_value_also_where_it_is_hidden),
        cmocka_unit_test(nodata_of_a_complex_source_shows_what_lies_below),
        cmocka_unit_test(nodata_of_a_simple_source_means_nothing),
        cmocka_unit_test(values_are_scaled_rounded_and_clamped_to_the_band),
        cmocka_unit_test(nodata_is_compared_before_scaling),
        cmocka_unit_test(a_look_up_table_is_linear_in_between_and_flat_outside),
        cmocka_unit_test(a_source_mask_leaves_pixels_out),
        cmocka_unit_test(a_mask_may_be_a_source_of_pixels),
        cmocka_unit_test(a_mask_band_is_the_mask_of_the_dataset),
        cmocka_unit_test(nodata_of_64_bit_integers_is_exact),
        cmocka_unit_test(a_source_is_scaled_to_its_place),
        cmocka_unit_test(a_window_is_the_crop_of_the_whole),
        cmocka_unit_test(bands_of_one_source_are_read_together_in_any_order),
        cmocka_unit_test(pixels_may_lie_apart_in_the_buffer),
        cmocka_unit_test(what_is_hidden_is_not_read),
        cmocka_unit_test(opening_touches_no_source_and_reading_opens_each_once),
        cmocka_unit_test(every_object_behind_a_view_is_told_once),
        cmocka_unit_test(all_sources_are_wanted_in_the_first_round),
        cmocka_unit_test(a_missing_source_fails_the_read_by_name_and_is_tried_again),
        cmocka_unit_test(a_band_that_the_source_lacks_is_corrupt),
        cmocka_unit_test(a_vrt_that_names_itself_is_corrupt),
        cmocka_unit_test(a_text_may_be_opened_as_a_path),
        cmocka_unit_test(a_text_without_a_place_is_named_as_such),
        cmocka_unit_test(what_is_not_known_is_refused_by_name),
        cmocka_unit_test(damaged_documents_are_corrupt),
        cmocka_unit_test(a_text_longer_than_the_first_read_is_read_whole),
    };
    return cmocka_run_group_tests(tests, ramp_set_up, NULL);
}
