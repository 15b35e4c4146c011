/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cmocka_all.h"
#include "support/call.h"
#include "warp/view.h"

/* The form of gdalwarp 3.6 and of Rasterio 1.5, in pieces that tests put together. */

#define HEAD                                                                                                    \
    "<VRTDataset rasterXSize=\"803\" rasterYSize=\"736\" subClass=\"VRTWarpedDataset\">"                        \
    "<SRS dataAxisToSRSAxisMapping=\"1,2\">EPSG:3857</SRS>"                                                     \
    "<GeoTransform> -8.7896367078719847e+06,  3.3029929035551481e+02,  0.0,  2.9435602346221642e+06,  0.0,"     \
    " -3.3029929035551481e+02</GeoTransform>"                                                                   \
    "<VRTRasterBand dataType=\"Byte\" band=\"1\" subClass=\"VRTWarpedRasterBand\"><NoDataValue>0</NoDataValue>" \
    "<ColorInterp>Red</ColorInterp></VRTRasterBand>"                                                            \
    "<VRTRasterBand dataType=\"Byte\" band=\"2\" subClass=\"VRTWarpedRasterBand\"/>"                            \
    "<BlockXSize>512</BlockXSize><BlockYSize>128</BlockYSize>"
#define WARP                                                                                          \
    "<GDALWarpOptions><WarpMemoryLimit>6.71089e+07</WarpMemoryLimit><ResampleAlg>Cubic</ResampleAlg>" \
    "<WorkingDataType>Byte</WorkingDataType><Option name=\"INIT_DEST\">NO_DATA</Option>"              \
    "<Option name=\"UNIFIED_SRC_NODATA\">YES</Option>"                                                \
    "<SourceDataset relativeToVRT=\"1\">scene.tif</SourceDataset>"
#define IMAGE                                                                                                \
    "<SrcGeoTransform>101985,300.037926675094809,0,2826915,0,-300.041782729804993</SrcGeoTransform>"         \
    "<SrcInvGeoTransform>-339.9,0.0033,0,9421.7,0,-0.0033</SrcInvGeoTransform>"                              \
    "<DstGeoTransform>-8789636.70787198469,330.299290355514813,0,2943560.23462216416,0,-330.299290355514813" \
    "</DstGeoTransform><DstInvGeoTransform>26611.1,0.0030,0,8911.7,0,-0.0030</DstInvGeoTransform>"
#define REPROJECTION(options)                                                          \
    "<ReprojectTransformer><ReprojectionTransformer><SourceSRS>EPSG:32618</SourceSRS>" \
    "<TargetSRS>EPSG:3857</TargetSRS>" options "</ReprojectionTransformer></ReprojectTransformer>"
#define AREA                                                                                             \
    "<Options><Option key=\"AREA_OF_INTEREST\">-78.95864996539397,23.56499121089265,-76.57492370013779," \
    "25.55087376743434</Option></Options>"
#define APPROXIMATE(inside)                                                       \
    "<Transformer><ApproxTransformer><MaxError>0.125</MaxError><BaseTransformer>" \
    "<GenImgProjTransformer>" inside "</GenImgProjTransformer></BaseTransformer></ApproxTransformer></Transformer>"
#define BANDS                                                                                                     \
    "<BandList><BandMapping src=\"1\" dst=\"1\"><SrcNoDataReal>0</SrcNoDataReal><SrcNoDataImag>0</SrcNoDataImag>" \
    "<DstNoDataReal>0</DstNoDataReal><DstNoDataImag>0</DstNoDataImag></BandMapping>"                              \
    "<BandMapping src=\"3\" dst=\"2\"/></BandList>"
#define TAIL "</GDALWarpOptions></VRTDataset>"

static const char whole[] = HEAD WARP APPROXIMATE(IMAGE REPROJECTION(AREA)) BANDS TAIL;

static nacre_status read_text(const char *text, ncr_dataset **out, nacre_error *err)
{
    ncr_xml *root;
    assert_int_equal(ncr_xml_parse(text, strlen(text), "view.vrt", &root, err), NACRE_OK);
    ncr_vrt_document document = {.path = "/data/view.vrt"};
    ncr_call *call = test_call_new(NULL, NULL);
    nacre_status status = ncr_warped_vrt.read(root, &document, NULL, call, out, err);
    ncr_call_unref(call);
    ncr_xml_free(root);
    return status;
}

static ncr_warp_view *read_good(const char *text)
{
    ncr_dataset *dataset;
    nacre_error err = {0};
    nacre_status status = read_text(text, &dataset, &err);
    if (status)
        print_error("%s\n", err.message);
    assert_int_equal(status, NACRE_OK);
    return (ncr_warp_view *)dataset;
}

static void check_setup(const ncr_warp_view *view)
{
    const ncr_warp_setup *s = &view->setup;
    assert_int_equal(s->resampling, NACRE_RESAMPLING_CUBIC);
    assert_int_equal(s->unified, NCR_UNIFIED_YES);
    assert_int_equal(s->band_count, 2);
    assert_true(s->bands[0].has_src_nodata && s->bands[0].src_nodata == 0 && s->bands[0].has_dst_nodata);
    assert_true(s->bands[1].src == 3 && s->bands[1].dst == 2 && !s->bands[1].has_src_nodata);
    assert_true(s->max_error == 0.125);
    assert_true(s->src_transform.c == 101985 && s->src_transform.a == 300.037926675094809);
    assert_true(s->grid.transform.e == -330.299290355514813 && s->grid.width == 803);
    assert_true(s->spec.has_area && s->spec.area[0] == -78.95864996539397 && s->spec.area[3] == 25.55087376743434);
    assert_false(s->spec.has_center);
}

static void gdals_form_is_read(void **state)
{
    (void)state;
    ncr_warp_view *view = read_good(whole);
    check_setup(view);
    assert_string_equal(ncr_lazy_path(view->source), "/data/scene.tif");
    assert_null(ncr_lazy_dataset(view->source)); /* nothing was opened */
    assert_int_equal(view->base.bands[0].block_width, 512);
    assert_int_equal(view->base.bands[0].color, NACRE_COLOR_RED);
    ncr_dataset_unref(&view->base);
}

static void what_is_read_is_written_back(void **state)
{
    (void)state;
    ncr_warp_view *view = read_good(whole);
    ncr_xml *root = ncr_xml_new("VRTDataset");
    ncr_vrt_document document = {.path = "/data/view.vrt"};
    assert_int_equal(ncr_warped_vrt.write(&view->base, &document, root, NULL), NACRE_OK);
    ncr_buffer text;
    ncr_buffer_init(&text, 1 << 20);
    assert_int_equal(ncr_xml_write(root, &text, NULL), NACRE_OK);
    const char *written = (const char *)text.data;
    assert_non_null(strstr(written, "<MaxError>0.125</MaxError>"));
    assert_non_null(strstr(written, "<SourceDataset relativeToVRT=\"1\">scene.tif</SourceDataset>"));
    assert_non_null(strstr(written, "<Option name=\"UNIFIED_SRC_NODATA\">YES</Option>"));
    /* Its part, put under the head of the first, gives the same view again. */
    const char *part = strstr(written, "<GDALWarpOptions>");
    char *again = ncr_text_format("%s%s", HEAD, part);
    ncr_warp_view *second = read_good(again);
    check_setup(second);
    ncr_dataset_unref(&second->base);
    free(again);
    ncr_buffer_clear(&text);
    ncr_xml_free(root);
    ncr_dataset_unref(&view->base);
}

static void an_exact_transformer_is_read(void **state)
{
    (void)state;
    ncr_warp_view *view = read_good(HEAD WARP "<Transformer><GenImgProjTransformer>" IMAGE
                                              "</GenImgProjTransformer></Transformer>" BANDS TAIL);
    assert_true(view->setup.max_error == 0);
    assert_null(view->setup.spec.src);
    ncr_dataset_unref(&view->base);
}

static void an_overview_as_source_is_read(void **state)
{
    (void)state;
    ncr_warp_view *view = read_good(
        HEAD WARP "<OpenOptions><OOI key=\"OVERVIEW_LEVEL\">2</OOI></OpenOptions>" APPROXIMATE(IMAGE REPROJECTION(AREA))
            BANDS TAIL);
    assert_int_equal(view->setup.overview, 2);
    assert_true(view->setup.is_level_transform);
    ncr_dataset_unref(&view->base);
}

static void longitude_of_the_centre_is_read(void **state)
{
    (void)state;
    ncr_warp_view *view = read_good(HEAD WARP APPROXIMATE(
        IMAGE REPROJECTION("<Options><Option key=\"CENTER_LONG\">182.5</Option></Options>")) BANDS TAIL);
    assert_true(view->setup.spec.has_center && view->setup.spec.center == 182.5);
    ncr_dataset_unref(&view->base);
}

static void initial_values_are_read_band_by_band(void **state)
{
    (void)state;
    ncr_warp_view *view = read_good(
        HEAD WARP "<Option name=\"INIT_DEST\">7, 8.5</Option>" APPROXIMATE(IMAGE REPROJECTION(AREA)) BANDS TAIL);
    assert_true(view->setup.bands[0].initial == 7 && view->setup.bands[1].initial == 8.5);
    ncr_dataset_unref(&view->base);
}

/* What would change pixels and is not done is named, never ignored. */
static void what_is_not_done_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *word;
    } cases[] = {
        {HEAD WARP "<Option name=\"CUTLINE_ALL_TOUCHED\">TRUE</Option>" APPROXIMATE(IMAGE) BANDS TAIL,
         "CUTLINE_ALL_TOUCHED"},
        {HEAD WARP "<Option name=\"APPLY_VERTICAL_SHIFT\">YES</Option>" APPROXIMATE(IMAGE) BANDS TAIL,
         "APPLY_VERTICAL_SHIFT"},
        {HEAD WARP "<Option name=\"SOMETHING_NEW\">1</Option>" APPROXIMATE(IMAGE) BANDS TAIL, "SOMETHING_NEW"},
        {HEAD WARP "<OpenOptions><OOI key=\"GEOREF_SOURCES\">NONE</OOI></OpenOptions>" APPROXIMATE(IMAGE) BANDS TAIL,
         "GEOREF_SOURCES"},
        {HEAD WARP APPROXIMATE("<SrcTransformer/>" IMAGE) BANDS TAIL, "SrcTransformer"},
        {HEAD WARP "<Transformer><TPSTransformer/></Transformer>" BANDS TAIL, "TPSTransformer"},
        {HEAD WARP APPROXIMATE(IMAGE REPROJECTION(
             "<Options><Option key=\"COORDINATE_OPERATION\">+proj=noop</Option></Options>")) BANDS TAIL,
         "COORDINATE_OPERATION"},
        {HEAD "<GDALWarpOptions><ResampleAlg>Gauss</ResampleAlg><SourceDataset>a.tif</SourceDataset>" APPROXIMATE(IMAGE)
             BANDS TAIL,
         "auss"},
        {HEAD
         "<GDALWarpOptions><WorkingDataType>CFloat32</WorkingDataType><SourceDataset>a.tif</SourceDataset>" APPROXIMATE(
             IMAGE) BANDS TAIL,
         "complex"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ncr_dataset *dataset;
        nacre_error err = {0};
        nacre_status status = read_text(cases[i].text, &dataset, &err);
        if (status != NACRE_ERROR_UNSUPPORTED)
            fail_msg("case %zu: status %d, \"%s\"", i, (int)status, err.message);
        assert_null(dataset);
        if (!strstr(err.message, cases[i].word) || strncmp(err.message, "/data/view.vrt: ", 16) != 0)
            fail_msg("\"%s\" is not in \"%s\"", cases[i].word, err.message);
    }
}

static void damage_is_an_error(void **state)
{
    (void)state;
    static const char *const cases[] = {
        HEAD "</VRTDataset>",
        HEAD WARP BANDS TAIL,
        HEAD WARP "<Transformer/>" BANDS TAIL,
        HEAD WARP APPROXIMATE("<SrcGeoTransform>1,2,3</SrcGeoTransform>") BANDS TAIL,
        HEAD WARP APPROXIMATE("<SrcGeoTransform>1,0,0,1,0,0</SrcGeoTransform>") BANDS TAIL,
        HEAD WARP APPROXIMATE(IMAGE "<ReprojectTransformer/>") BANDS TAIL,
        HEAD WARP "<Cutline>POINT (1 2)</Cutline>" APPROXIMATE(IMAGE) BANDS TAIL,
        HEAD WARP "<Cutline>POLYGON ((0 0,1 0,1 1))</Cutline><CutlineBlendDist>-1</CutlineBlendDist>" APPROXIMATE(IMAGE)
            BANDS TAIL,
        HEAD WARP APPROXIMATE("<SrcRPCTransformer/>" IMAGE) BANDS TAIL,
        HEAD WARP APPROXIMATE("<SrcGeoLocTransformer/>" IMAGE) BANDS TAIL,
        HEAD WARP APPROXIMATE("<SrcGeoLocTransformer><GeoLocTransformer/></SrcGeoLocTransformer>" IMAGE) BANDS TAIL,
        HEAD WARP APPROXIMATE("<SrcRPCTransformer><RPCTransformer/></SrcRPCTransformer>" IMAGE) BANDS TAIL,
        HEAD WARP APPROXIMATE("<SrcGCPTransformer><GCPTransformer/></SrcGCPTransformer>" IMAGE) BANDS TAIL,
        HEAD WARP APPROXIMATE(
            "<SrcTPSTransformer><TPSTransformer><GCPList><GCP Pixel=\"x\"/></GCPList></TPSTransformer>"
            "</SrcTPSTransformer>" IMAGE) BANDS TAIL,
        HEAD WARP APPROXIMATE(IMAGE) TAIL,
        HEAD WARP APPROXIMATE(IMAGE) "<BandList><BandMapping src=\"1\" dst=\"1\"/></BandList>" TAIL,
        HEAD WARP APPROXIMATE(IMAGE) "<BandList><BandMapping src=\"1\" dst=\"1\"/><BandMapping src=\"1\" dst=\"9\"/>"
                                     "</BandList>" TAIL,
        HEAD WARP APPROXIMATE(IMAGE) BANDS "<DstAlphaBand>3</DstAlphaBand>" TAIL,
        HEAD "<GDALWarpOptions>" APPROXIMATE(IMAGE) BANDS TAIL,
        HEAD WARP "<Option name=\"INIT_DEST\">black</Option>" APPROXIMATE(IMAGE) BANDS TAIL,
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ncr_dataset *dataset;
        nacre_error err = {0};
        nacre_status status = read_text(cases[i], &dataset, &err);
        if (status != NACRE_ERROR_CORRUPT)
            fail_msg("case %zu: status %d, \"%s\"", i, (int)status, err.message);
        assert_null(dataset);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gdals_form_is_read),
        cmocka_unit_test(what_is_read_is_written_back),
        cmocka_unit_test(an_exact_transformer_is_read),
        cmocka_unit_test(an_overview_as_source_is_read),
        cmocka_unit_test(longitude_of_the_centre_is_read),
        cmocka_unit_test(initial_values_are_read_band_by_band),
        cmocka_unit_test(what_is_not_done_is_named),
        cmocka_unit_test(damage_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
