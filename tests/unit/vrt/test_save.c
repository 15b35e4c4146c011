/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <math.h>

#include "cmocka_all.h"

#include "raster/crs.h"
#include "vrt/driver.h"
#include "vrt/ramp.h"

/* Writing views, and making mosaics and translations. */

/* What a dataset is written as at path. */
static char *text_of(ncr_dataset *dataset, const char *path)
{
    ncr_vrt_document document = {.path = path};
    ncr_xml *root;
    nacre_error err = {0};
    if (ncr_vrt_tree(dataset, &document, &root, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    ncr_buffer out;
    ncr_buffer_init(&out, 1 << 20);
    assert_int_equal(ncr_xml_write(root, &out, NULL), NACRE_OK);
    char *text = ncr_text_copy_n((const char *)out.data, out.size);
    ncr_buffer_clear(&out);
    ncr_xml_free(root);
    return text;
}

static void expect_text(ncr_dataset *dataset, const char *path, const char *part)
{
    char *text = text_of(dataset, path);
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in\n%s", part, text);
    free(text);
}

static void a_view_is_written_as_it_was_read(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    const char *text = "<VRTDataset rasterXSize=\"40\" rasterYSize=\"30\">\n"
                       "  <GeoTransform>1.5, 2, 0, 3.25, 0, -2</GeoTransform>\n"
                       "  <GCPList>\n"
                       "    <GCP Id=\"1\" Info=\"a\" Pixel=\"0.5\" Line=\"1\" X=\"2\" Y=\"3\" Z=\"4\" />\n"
                       "  </GCPList>\n"
                       "  <Metadata>\n"
                       "    <MDI key=\"k\">v &amp; w</MDI>\n"
                       "  </Metadata>\n"
                       "  <Metadata domain=\"xml:D\" format=\"xml\">\n"
                       "    <D>\n"
                       "      <E a=\"1\" />\n"
                       "    </D>\n"
                       "  </Metadata>\n"
                       "  <VRTRasterBand dataType=\"UInt16\" band=\"1\" blockXSize=\"256\" blockYSize=\"256\">\n"
                       "    <Metadata domain=\"x\">\n"
                       "      <MDI key=\"k\">v</MDI>\n"
                       "    </Metadata>\n"
                       "    <Description>d</Description>\n"
                       "    <UnitType>m</UnitType>\n"
                       "    <Offset>1</Offset>\n"
                       "    <Scale>0.1</Scale>\n"
                       "    <NoDataValue>7</NoDataValue>\n"
                       "    <HideNoDataValue>1</HideNoDataValue>\n"
                       "    <ColorInterp>Palette</ColorInterp>\n"
                       "    <ColorTable>\n"
                       "      <Entry c1=\"1\" c2=\"2\" c3=\"3\" c4=\"255\" />\n"
                       "    </ColorTable>\n"
                       "    <SimpleSource resampling=\"Bilinear\">\n"
                       "      <SourceFilename relativeToVRT=\"1\">a &amp; b.tif</SourceFilename>\n"
                       "      <SourceBand>mask,2</SourceBand>\n"
                       "      <SrcRect xOff=\"0.5\" yOff=\"0\" xSize=\"4\" ySize=\"3\" />\n"
                       "      <DstRect xOff=\"1\" yOff=\"2\" xSize=\"8\" ySize=\"6\" />\n"
                       "    </SimpleSource>\n"
                       "    <ComplexSource>\n"
                       "      <SourceFilename relativeToVRT=\"1\">sub/c.tif</SourceFilename>\n"
                       "      <SourceBand>1</SourceBand>\n"
                       "      <DstRect xOff=\"1\" yOff=\"2\" xSize=\"8\" ySize=\"6\" />\n"
                       "      <ScaleOffset>1</ScaleOffset>\n"
                       "      <ScaleRatio>2</ScaleRatio>\n"
                       "      <LUT>0:1,2:3.5</LUT>\n"
                       "      <NODATA>-9999</NODATA>\n"
                       "      <UseMaskBand>true</UseMaskBand>\n"
                       "    </ComplexSource>\n"
                       "  </VRTRasterBand>\n"
                       "  <MaskBand>\n"
                       "    <VRTRasterBand dataType=\"Byte\">\n"
                       "      <SimpleSource>\n"
                       "        <SourceFilename relativeToVRT=\"0\">/vsigs/bucket/m.tif</SourceFilename>\n"
                       "        <SourceBand>mask,1</SourceBand>\n"
                       "        <SrcRect xOff=\"0\" yOff=\"0\" xSize=\"40\" ySize=\"30\" />\n"
                       "        <DstRect xOff=\"0\" yOff=\"0\" xSize=\"40\" ySize=\"30\" />\n"
                       "      </SimpleSource>\n"
                       "    </VRTRasterBand>\n"
                       "  </MaskBand>\n"
                       "  <OverviewList resampling=\"Average\">2 4</OverviewList>\n"
                       "</VRTDataset>\n";
    put_text(call, "mem://v/v.vrt", text);
    ncr_dataset *view = opened(call, "mem://v/v.vrt");
    char *again = text_of(view, "mem://v/v.vrt");
    assert_string_equal(again, text);
    free(again);
    assert_int_equal(view->overview_count, 2);
    assert_int_equal(view->overviews[1][1], 8); /* 7.5 is rounded */
    assert_int_equal(view->bands[0].mask_flags, NACRE_MASK_PER_DATASET);
    ncr_dataset_unref(view);
    ncr_call_unref(call);
}

static void sources_are_named_relative_only_where_gdal_can_follow(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    const struct {
        const char *source, *document, *element;
    } cases[] = {
        {"gs://b/d/a.tif", "gs://b/d/v.vrt", "relativeToVRT=\"1\">a.tif<"},
        {"/vsigs/b/d/e/a.tif", "gs://b/d/v.vrt", "relativeToVRT=\"1\">e/a.tif<"},
        {"gs://b/a.tif", "gs://b/d/v.vrt", "relativeToVRT=\"0\">/vsigs/b/a.tif<"},
        {"gs://c/d/a.tif", "gs://b/d/v.vrt", "relativeToVRT=\"0\">/vsigs/c/d/a.tif<"},
        {"/x/a.tif", "/x/d/v.vrt", "relativeToVRT=\"1\">../a.tif<"},
        {"/x/a.tif", "gs://b/v.vrt", "relativeToVRT=\"0\">/x/a.tif<"},
        {"https://h/a.tif?q=1", "/x/v.vrt", "relativeToVRT=\"0\">/vsicurl/https://h/a.tif?q=1<"},
        {"https://u:secret@h/a.tif?q=1", "/x/v.vrt", "relativeToVRT=\"0\">/vsicurl/https://h/a.tif?q=1<"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ncr_dataset *source = ramp_new(cases[i].source, NULL, "RAMP w=4 h=3");
        expect_text(source, cases[i].document, cases[i].element);
        ncr_dataset_unref(source);
    }
    ncr_call_unref(call);
}

static void a_signature_is_not_written_into_a_document(void **state)
{
    (void)state;
    static const char *const sources[] = {"https://h/d/a.tif?sp=r&sig=secret", "/vsicurl/https://h/a.tif?token=secret",
                                          "https://u:secret@h/d/a.tif?X-Amz-Signature=secret"};
    static const char *const documents[] = {"/x/v.vrt", "https://h/d/v.vrt", "mem://v.vrt"};
    for (size_t i = 0; i < 9; i++) {
        ncr_dataset *source = ramp_new(sources[i / 3], NULL, "RAMP w=4 h=3"), *view;
        nacre_translate_options options = NACRE_TRANSLATE_OPTIONS_INIT;
        nacre_error err;
        ncr_vrt_document document = {.path = documents[i % 3]};
        ncr_xml *root;
        assert_int_equal(ncr_vrt_translate_new(source, &options, &view, NULL), NACRE_OK);
        assert_int_equal(ncr_vrt_tree(view, &document, &root, &err), NACRE_ERROR_REFUSED);
        assert_null(root);
        assert_non_null(strstr(err.message, "has a signature in its name"));
        assert_null(strstr(err.message, "secret"));
        ncr_dataset_unref(view);
        ncr_dataset_unref(source);
    }
}

static void a_view_of_what_has_no_path_cannot_be_written(void **state)
{
    (void)state;
    ncr_dataset *source = ramp_new("", NULL, "RAMP w=4 h=3"), *view;
    nacre_translate_options options = NACRE_TRANSLATE_OPTIONS_INIT;
    assert_int_equal(ncr_vrt_translate_new(source, &options, &view, NULL), NACRE_OK);
    ncr_vrt_document document = {.path = "v.vrt"};
    ncr_xml *root;
    nacre_error err = {0};
    assert_int_equal(ncr_vrt_tree(view, &document, &root, &err), NACRE_ERROR_INVALID);
    assert_null(root);
    assert_non_null(strstr(err.message, "no path"));
    ncr_dataset_unref(view);
    ncr_dataset_unref(source);
}

static void saving_is_whole_and_keeps_to_its_condition(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    put_text(call, "mem://s/a", "RAMP w=4 h=3 bands=2 base=1 nodata=4 left=10 top=20");
    ncr_dataset *source = opened(call, "mem://s/a");
    ncr_object *object;
    assert_int_equal(ncr_vfs_resolve("mem://s/sub/out.vrt", NULL, call, &object, NULL), NACRE_OK);
    ncr_save save = {.dataset = source, .destination = object, .condition = {.absent = true}, .call = call};
    nacre_error err = {0};
    assert_int_equal(ncr_vrt_saver.save(&save, &err), NACRE_OK);
    assert_int_equal(ncr_vrt_saver.save(&save, &err), NACRE_ERROR_EXISTS);
    const char *options[] = {"FLAVOUR=mint", NULL};
    save.creation = options;
    assert_int_equal(ncr_vrt_saver.save(&save, &err), NACRE_ERROR_INVALID);
    assert_non_null(strstr(err.message, "FLAVOUR"));
    ncr_dataset *again = opened(call, "mem://s/sub/out.vrt");
    assert_int_equal(again->band_count, 2);
    assert_true(again->transform.c == 10 && again->transform.f == 20 && again->transform.e == -1);
    assert_true(again->bands[1].nodata.is_set && again->bands[1].nodata.value == 4);
    double values[12];
    read_all(call, again, values);
    expect_row(values, (double[]){1, 2, 3, 4, 11, 12}, 6);
    ncr_dataset_unref(again);
    ncr_object_unref(object);
    ncr_dataset_unref(source);
    ncr_call_unref(call);
}

/* --- Subclasses --- */

static bool owns_ramp(const ncr_dataset *dataset)
{
    return dataset->class == &ramp_class && strcmp(dataset->path, "owned") == 0;
}

static nacre_status write_ramp(const ncr_dataset *dataset, const ncr_vrt_document *document, ncr_xml *root,
                               nacre_error *err)
{
    (void)dataset;
    (void)document;
    return ncr_xml_add_text(root, "Extra", "yes") ? NACRE_OK : ncr_error_memory(err);
}

static nacre_status read_ramp(const ncr_xml *root, const ncr_vrt_document *document, ncr_file *file, ncr_call *call,
                              ncr_dataset **out, nacre_error *err)
{
    (void)call;
    assert_string_equal(ncr_xml_text(root, "Extra", ""), "yes");
    return ncr_vrt_read_common(root, document, file, sizeof(ramp), &ramp_class, out, err);
}

static const ncr_vrt_subclass ramp_subclass = {
    .name = "RampDataset", .band_name = "RampBand", .read = read_ramp, .owns = owns_ramp, .write = write_ramp};

static void a_subclass_writes_and_reads_its_own_part(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    ncr_dataset *source = ramp_new("owned", NULL, "RAMP w=4 h=3 bands=2 dtype=float32 nodata=-1");
    char *text = text_of(source, "mem://v/s.vrt");
    assert_non_null(strstr(text, "subClass=\"RampDataset\""));
    assert_non_null(strstr(text, "subClass=\"RampBand\""));
    assert_non_null(strstr(text, "<Extra>yes</Extra>"));
    put_text(call, "mem://v/s.vrt", text);
    ncr_dataset *again = opened(call, "mem://v/s.vrt");
    assert_int_equal(again->width, 4);
    assert_int_equal(again->bands[1].dtype, NACRE_DTYPE_FLOAT32);
    assert_true(again->bands[1].nodata.value == -1);
    free(text);
    ncr_dataset_unref(again);
    ncr_dataset_unref(source);
    ncr_call_unref(call);
}

/* --- Mosaics --- */

static nacre_status mosaic_of(const char *const *texts, const nacre_mosaic_options *options, ncr_dataset **out,
                              nacre_error *err)
{
    ncr_dataset *sources[4] = {0};
    size_t count = 0;
    for (; texts[count]; count++) {
        char *name = ncr_text_format("s%zu", count);
        sources[count] = ramp_new(name, NULL, texts[count]);
        free(name);
    }
    nacre_mosaic_options defaults = NACRE_MOSAIC_OPTIONS_INIT;
    nacre_status status = ncr_vrt_mosaic_new(sources, count, options ? options : &defaults, out, err);
    for (size_t i = 0; i < count; i++)
        ncr_dataset_unref(sources[i]);
    return status;
}

static void a_mosaic_spans_its_sources_at_the_mean_resolution(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    ncr_dataset *mosaic;
    const char *texts[] = {"RAMP w=4 h=3 base=1 left=10 top=20 nodata=2", "RAMP w=4 h=3 base=50 left=13 top=21", NULL};
    nacre_error err = {0};
    if (mosaic_of(texts, NULL, &mosaic, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    assert_int_equal(mosaic->width, 7);
    assert_int_equal(mosaic->height, 4);
    assert_true(mosaic->transform.c == 10 && mosaic->transform.f == 21 && mosaic->transform.a == 1);
    assert_true(mosaic->bands[0].nodata.value == 2);
    double values[28];
    read_all(call, mosaic, values);
    expect_row(values, (double[]){2, 2, 2, 50, 51, 52, 53, 1, 2, 3, 60, 61, 62, 63}, 14);
    ncr_dataset_unref(mosaic);
    ncr_call_unref(call);
}

static void bounds_and_resolution_of_a_mosaic_may_be_given(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    ncr_dataset *mosaic;
    nacre_mosaic_options options = NACRE_MOSAIC_OPTIONS_INIT;
    options.res_x = options.res_y = 0.5;
    options.bounds = (double[]){11, 18, 13, 20};
    options.dst_nodata = &(double){9};
    options.src_nodata = &(double){3};
    const char *texts[] = {"RAMP w=4 h=3 base=1 left=10 top=20", NULL};
    assert_int_equal(mosaic_of(texts, &options, &mosaic, NULL), NACRE_OK);
    assert_int_equal(mosaic->width, 4);
    double values[16];
    read_all(call, mosaic, values);
    expect_row(values, (double[]){2, 2, 9, 9}, 4);
    ncr_dataset_unref(mosaic);
    ncr_call_unref(call);
}

static void separate_sources_become_bands(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    ncr_dataset *mosaic;
    nacre_mosaic_options options = NACRE_MOSAIC_OPTIONS_INIT;
    options.separate = true;
    const char *texts[] = {"RAMP w=2 h=1 base=1", "RAMP w=2 h=1 base=500 dtype=uint16 left=1", NULL};
    assert_int_equal(mosaic_of(texts, &options, &mosaic, NULL), NACRE_OK);
    assert_int_equal(mosaic->band_count, 2);
    assert_int_equal(mosaic->bands[1].dtype, NACRE_DTYPE_UINT16);
    uint16_t values[6];
    nacre_window all = {0, 0, 3, 1};
    assert_int_equal(read_scaled(call, mosaic, all, 3, 1, NACRE_DTYPE_UINT16, (int[]){1, 2}, 2, values, NULL),
                     NACRE_OK);
    assert_memory_equal(values, ((uint16_t[]){1, 2, 0, 0, 500, 501}), sizeof values);
    ncr_dataset_unref(mosaic);
    ncr_call_unref(call);
}

static void an_invalid_part_of_a_later_source_hides_nothing(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    ncr_dataset *mosaic;
    const char *texts[] = {"RAMP w=4 h=2 base=1 mask=1", "RAMP w=4 h=2 base=50 mask=1 left=1", NULL};
    assert_int_equal(mosaic_of(texts, NULL, &mosaic, NULL), NACRE_OK);
    assert_int_equal(mosaic->bands[0].mask_flags, NACRE_MASK_PER_DATASET);
    uint8_t mask[10];
    double values[10];
    nacre_window all = {0, 0, 5, 2};
    read_all(call, mosaic, values);
    expect_row(values, (double[]){1, 50, 3, 52, 0}, 5);
    assert_int_equal(read_scaled(call, mosaic, all, 5, 2, NACRE_DTYPE_UINT8, NULL, 0, mask, NULL), NACRE_OK);
    assert_memory_equal(mask, ((uint8_t[]){255, 255, 255, 255, 0}), 5);
    ncr_dataset_unref(mosaic);

    const char *alphas[] = {"RAMP w=2 h=2 bands=2 base=1 alpha=1", "RAMP w=2 h=2 bands=2 base=50 alpha=1", NULL};
    assert_int_equal(mosaic_of(alphas, NULL, &mosaic, NULL), NACRE_OK);
    uint8_t both[8];
    all = (nacre_window){0, 0, 2, 2};
    assert_int_equal(read_scaled(call, mosaic, all, 2, 2, NACRE_DTYPE_UINT8, (int[]){1, 2}, 2, both, NULL), NACRE_OK);
    assert_memory_equal(both, ((uint8_t[]){50, 51, 0, 0, 255, 255, 0, 0}), 8);
    ncr_dataset_unref(mosaic);
    ncr_call_unref(call);
}

static void sources_that_do_not_fit_are_named(void **state)
{
    (void)state;
    const struct {
        const char *second, *word;
    } cases[] = {
        {"RAMP w=4 h=3 bands=2", "bands differs"},
        {"RAMP w=4 h=3 dtype=int16", "data type"},
        {"RAMP w=4 h=3 turn=0.1", "rotated"},
        {"RAMP w=4 h=3 res=-1", "north up"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *texts[] = {"RAMP w=4 h=3", cases[i].second, NULL};
        ncr_dataset *mosaic = (ncr_dataset *)1;
        nacre_error err = {0};
        assert_int_equal(mosaic_of(texts, NULL, &mosaic, &err), NACRE_ERROR_INVALID);
        assert_null(mosaic);
        if (!ncr_text_starts(err.message, "s1: ") || !strstr(err.message, cases[i].word))
            fail_msg("%s: %s", cases[i].word, err.message);
    }
}

/* --- Translations --- */

static void a_translation_cuts_reorders_scales_and_moves_the_grid(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    ncr_dataset *source = ramp_new("mem://v/a", NULL, "RAMP w=8 h=6 bands=2 base=1 left=100 top=50 res=2"), *view;
    nacre_translate_options options = NACRE_TRANSLATE_OPTIONS_INIT;
    options.window = (nacre_window){2, 1, 4, 4};
    options.out_width = 2;
    options.out_height = 2;
    options.bands = (int[]){2, 1};
    options.band_count = 2;
    options.dtype = NACRE_DTYPE_UINT16;
    options.scale = (double[]){0, 100, 0, 1000};
    options.nodata = &(double){65535};
    nacre_error err = {0};
    if (ncr_vrt_translate_new(source, &options, &view, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    assert_int_equal(view->width, 2);
    assert_int_equal(view->bands[0].dtype, NACRE_DTYPE_UINT16);
    assert_true(view->bands[0].nodata.value == 65535);
    assert_true(view->transform.c == 104 && view->transform.f == 48 && view->transform.a == 4);
    uint16_t values[8];
    nacre_window all = {0, 0, 2, 2};
    assert_int_equal(read_scaled(call, view, all, 2, 2, NACRE_DTYPE_UINT16, (int[]){1, 2}, 2, values, NULL), NACRE_OK);
    /* The pixel under each output centre: columns 3 and 5, rows 2 and 4. */
    assert_memory_equal(values, ((uint16_t[]){1240, 1260, 1440, 1460, 240, 260, 440, 460}), sizeof values);
    expect_text(view, "mem://v/out.vrt", "<ScaleRatio>10</ScaleRatio>");
    ncr_dataset_unref(view);
    ncr_dataset_unref(source);
    ncr_call_unref(call);
}

static void bounds_become_whole_pixels(void **state)
{
    (void)state;
    ncr_dataset *source = ramp_new("mem://v/a", NULL, "RAMP w=8 h=6 left=100 top=50 res=2"), *view;
    nacre_translate_options options = NACRE_TRANSLATE_OPTIONS_INIT;
    options.bounds = (double[]){104, 42, 108, 48};
    assert_int_equal(ncr_vrt_translate_new(source, &options, &view, NULL), NACRE_OK);
    expect_text(view, "mem://v/out.vrt", "<SrcRect xOff=\"2\" yOff=\"1\" xSize=\"2\" ySize=\"3\" />");
    ncr_dataset_unref(view);
    options.bounds = (double[]){90, 42, 108, 48};
    nacre_error err = {0};
    assert_int_equal(ncr_vrt_translate_new(source, &options, &view, &err), NACRE_ERROR_INVALID);
    assert_non_null(strstr(err.message, "outside"));
    ncr_dataset_unref(source);
}

static void wrong_options_of_a_translation_are_invalid(void **state)
{
    (void)state;
    ncr_dataset *source = ramp_new("mem://v/a", NULL, "RAMP w=8 h=6"), *view;
    nacre_translate_options options = NACRE_TRANSLATE_OPTIONS_INIT;
    options.bands = (int[]){3};
    options.band_count = 1;
    assert_int_equal(ncr_vrt_translate_new(source, &options, &view, NULL), NACRE_ERROR_INVALID);
    options = (nacre_translate_options)NACRE_TRANSLATE_OPTIONS_INIT;
    options.window = (nacre_window){0.5, 0, 2, 2};
    assert_int_equal(ncr_vrt_translate_new(source, &options, &view, NULL), NACRE_ERROR_INVALID);
    options = (nacre_translate_options)NACRE_TRANSLATE_OPTIONS_INIT;
    options.scale = (double[]){1, 1, 0, 255};
    assert_int_equal(ncr_vrt_translate_new(source, &options, &view, NULL), NACRE_ERROR_INVALID);
    assert_null(view);
    options = (nacre_translate_options)NACRE_TRANSLATE_OPTIONS_INIT;
    options.dtype = NACRE_DTYPE_UINT8;
    options.nodata = &(double){300};
    assert_int_equal(ncr_vrt_translate_new(source, &options, &view, NULL), NACRE_ERROR_INVALID);
    options.nodata = &(double){NAN};
    assert_int_equal(ncr_vrt_translate_new(source, &options, &view, NULL), NACRE_ERROR_INVALID);
    ncr_dataset_unref(source);
}

static void nodata_goes_the_way_of_the_pixels(void **state)
{
    (void)state;
    ncr_dataset *source = ramp_new("mem://v/a", NULL, "RAMP w=8 h=6 dtype=int16 nodata=-9999"), *view;
    nacre_translate_options options = NACRE_TRANSLATE_OPTIONS_INIT;
    options.dtype = NACRE_DTYPE_UINT8;
    assert_int_equal(ncr_vrt_translate_new(source, &options, &view, NULL), NACRE_OK);
    assert_true(view->bands[0].nodata.is_set && view->bands[0].nodata.value == 0);
    ncr_dataset_unref(view);
    ncr_dataset_unref(source);
}

static void a_crs_is_written_with_its_axes(void **state)
{
    (void)state;
    ncr_dataset *source = ramp_new("mem://v/a", NULL, "RAMP w=8 h=6"), *view;
    nacre_translate_options options = NACRE_TRANSLATE_OPTIONS_INIT;
    const char *const cases[][2] = {{"EPSG:4326", "dataAxisToSRSAxisMapping=\"2,1\">GEOGCS"},
                                    {"EPSG:32618", "dataAxisToSRSAxisMapping=\"1,2\">PROJCS"},
                                    {"OGC:CRS84", "dataAxisToSRSAxisMapping=\"1,2\">GEOGCS"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(ncr_crs_from_text(cases[i][0], &options.assign_crs, NULL), NACRE_OK);
        assert_int_equal(ncr_vrt_translate_new(source, &options, &view, NULL), NACRE_OK);
        expect_text(view, "mem://v/out.vrt", cases[i][1]);
        ncr_crs_unref(options.assign_crs);
        ncr_dataset_unref(view);
    }
    ncr_dataset_unref(source);
}

static int set_up(void **state)
{
    ncr_vrt_subclass_register(&ramp_subclass);
    return ramp_set_up(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_view_is_written_as_it_was_read),
        cmocka_unit_test(sources_are_named_relative_only_where_gdal_can_follow),
        cmocka_unit_test(a_signature_is_not_written_into_a_document),
        cmocka_unit_test(a_view_of_what_has_no_path_cannot_be_written),
        cmocka_unit_test(saving_is_whole_and_keeps_to_its_condition),
        cmocka_unit_test(a_subclass_writes_and_reads_its_own_part),
        cmocka_unit_test(a_mosaic_spans_its_sources_at_the_mean_resolution),
        cmocka_unit_test(bounds_and_resolution_of_a_mosaic_may_be_given),
        cmocka_unit_test(separate_sources_become_bands),
        cmocka_unit_test(an_invalid_part_of_a_later_source_hides_nothing),
        cmocka_unit_test(sources_that_do_not_fit_are_named),
        cmocka_unit_test(a_translation_cuts_reorders_scales_and_moves_the_grid),
        cmocka_unit_test(bounds_become_whole_pixels),
        cmocka_unit_test(wrong_options_of_a_translation_are_invalid),
        cmocka_unit_test(nodata_goes_the_way_of_the_pixels),
        cmocka_unit_test(a_crs_is_written_with_its_axes),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
