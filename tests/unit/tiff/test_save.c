/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "raster/crs.h"
#include "raster/execute.h"
#include "support/call.h"
#include "support/mem_file.h"
#include "support/memory_dataset.h"
#include "tiff/blocks.h"
#include "tiff/tiff.h"

/* Rasters in memory are saved in the memory store, opened again and compared. */

enum { WIDTH = 70, HEIGHT = 45, BANDS = 3 };

static uint16_t pixels[BANDS][HEIGHT][WIDTH];
static uint8_t mask[HEIGHT][WIDTH];

static memory_dataset *new_source(bool has_mask)
{
    for (int band = 0; band < BANDS; band++)
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++)
                pixels[band][y][x] = (uint16_t)(band * 20000 + y * 200 + x);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            mask[y][x] = x > 20 && y > 10 ? 255 : 0;
    memory_dataset *source = memory_dataset_new(WIDTH, HEIGHT, BANDS, NACRE_DTYPE_UINT16, pixels);
    source->base.has_transform = true;
    source->base.transform = (nacre_transform){30, 0, 500000, 0, -30, 4000000};
    assert_int_equal(ncr_crs_from_authority("EPSG", "32618", &source->base.crs, NULL), NACRE_OK);
    source->masks[0] = has_mask ? mask[0] : NULL;
    for (int band = 0; band < BANDS && has_mask; band++)
        source->base.bands[band].mask_flags = NACRE_MASK_PER_DATASET;
    return source;
}

static nacre_status save(const ncr_saver *saver, memory_dataset *source, const char *path, const char *const *creation,
                         bool overwrite, nacre_error *err)
{
    ncr_call *call = test_call_new(NULL);
    ncr_save task = {.dataset = &source->base, .creation = creation, .condition.absent = !overwrite, .call = call};
    nacre_status status = ncr_vfs_resolve(path, NULL, call, &task.destination, err);
    if (status == NACRE_OK)
        status = saver->save(&task, err);
    ncr_object_unref(task.destination);
    ncr_call_unref(call);
    return status;
}

static void must_save(const ncr_saver *saver, memory_dataset *source, const char *path, const char *const *creation)
{
    nacre_error err;
    if (save(saver, source, path, creation, true, &err) != NACRE_OK)
        fail_msg("%s", err.message);
}

static nacre_status try_open(const char *path, const char *setting, ncr_dataset **out, nacre_error *err)
{
    ncr_call *call = test_call_new(setting, NULL);
    nacre_status status = ncr_dataset_open(path, NULL, call, out, err);
    ncr_call_unref(call);
    return status;
}

static ncr_dataset *must_open(const char *path)
{
    ncr_dataset *dataset = NULL;
    nacre_error err;
    if (try_open(path, NULL, &dataset, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    return dataset;
}

static nacre_status read(ncr_dataset *dataset, ncr_read_request *request, const char *setting, nacre_error *err)
{
    ncr_call *call = test_call_new(setting, NULL);
    ncr_plan *plan = NULL;
    nacre_status status = ncr_dataset_plan_read(dataset, request, call, &plan, err);
    if (status == NACRE_OK)
        status = ncr_execute(plan, err);
    ncr_plan_free(plan);
    ncr_call_unref(call);
    return status;
}

static nacre_status read_window(ncr_dataset *dataset, int level, ncr_rect window, uint16_t *out, nacre_error *err)
{
    static const int bands[] = {1, 2, 3};
    ncr_read_request request = {.level = level,
                                .window = window,
                                .bands = bands,
                                .band_count = BANDS,
                                .dtype = NACRE_DTYPE_UINT16,
                                .buffer = (uint8_t *)out,
                                .pixel_stride = 2,
                                .row_stride = 2 * (ptrdiff_t)window.width,
                                .band_stride = 2 * (ptrdiff_t)(window.width * window.height)};
    return read(dataset, &request, NULL, err);
}

static void assert_window(ncr_dataset *dataset, ncr_rect window)
{
    static uint16_t out[BANDS * HEIGHT * WIDTH];
    nacre_error err;
    if (read_window(dataset, 0, window, out, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    const uint16_t *at = out;
    for (int band = 0; band < BANDS; band++)
        for (int64_t y = 0; y < window.height; y++, at += window.width)
            assert_memory_equal(at, &pixels[band][window.y + y][window.x], (size_t)window.width * 2);
}

static void assert_mask(ncr_dataset *dataset)
{
    static uint8_t out[HEIGHT][WIDTH];
    ncr_read_request request = {.window = {0, 0, WIDTH, HEIGHT},
                                .mask = true,
                                .dtype = NACRE_DTYPE_UINT8,
                                .buffer = out[0],
                                .pixel_stride = 1,
                                .row_stride = WIDTH};
    assert_int_equal(read(dataset, &request, NULL, NULL), NACRE_OK);
    assert_memory_equal(out, mask, sizeof out);
}

/* The whole object; freed by the caller. */
static uint8_t *load(const char *path, size_t *size)
{
    ncr_call *call = test_call_new(NULL);
    ncr_file *file = mem_open(call, path);
    *size = (size_t)ncr_file_size(file);
    uint8_t *bytes = malloc(*size);
    nacre_range range = {0, *size, bytes, 0};
    assert_int_equal(ncr_file_read_wait(file, &range, 1, call, NULL), NACRE_OK);
    ncr_file_unref(file);
    ncr_call_unref(call);
    return bytes;
}

static void put(const char *path, const uint8_t *bytes, size_t size)
{
    ncr_call *call = test_call_new(NULL);
    mem_put(call, path, bytes, size);
    ncr_call_unref(call);
}

static const char *const small_tiles[] = {"COMPRESS=DEFLATE", "BLOCKSIZE=16", "PREDICTOR=YES", NULL};

static void every_form_comes_back(void **state)
{
    (void)state;
    static const char *const creations[][6] = {
        {NULL},
        {"COMPRESS=NONE", "BLOCKSIZE=16", NULL},
        {"COMPRESS=DEFLATE", "BLOCKSIZE=32", "PREDICTOR=STANDARD", "LEVEL=9", "BIGTIFF=YES", NULL},
        {"COMPRESS=LZW", "BLOCKSIZE=16", "OVERVIEWS=NONE", NULL},
        {"COMPRESS=ZSTD", "BLOCKSIZE=48", "OVERVIEW_RESAMPLING=AVERAGE", NULL},
    };
    static const char *const plain[][6] = {
        {NULL},
        {"TILED=YES", "BLOCKXSIZE=32", "BLOCKYSIZE=16", NULL},
        {"INTERLEAVE=BAND", "COMPRESS=DEFLATE", "PREDICTOR=2", NULL},
        {"TILED=YES", "INTERLEAVE=BAND", "BIGTIFF=YES", NULL},
        {"BLOCKYSIZE=7", "COMPRESS=LZW", NULL},
    };
    for (int has_mask = 0; has_mask < 2; has_mask++)
        for (int i = 0; i < 10; i++) {
            memory_dataset *source = new_source(has_mask);
            must_save(i < 5 ? &ncr_cog_saver : &ncr_gtiff_saver, source, "mem://tiff/form.tif",
                      i < 5 ? creations[i] : plain[i - 5]);
            ncr_dataset_unref(&source->base);
            ncr_dataset *dataset = must_open("mem://tiff/form.tif");
            assert_int_equal(dataset->is_cog, i < 5);
            assert_int_equal(dataset->transform.c, 500000);
            const char *name, *code;
            assert_true(ncr_crs_authority(dataset->crs, &name, &code));
            assert_string_equal(code, "32618");
            assert_window(dataset, (ncr_rect){0, 0, WIDTH, HEIGHT});
            if (has_mask)
                assert_mask(dataset);
            ncr_dataset_unref(dataset);
        }
}

static void any_window_is_the_crop_of_the_whole(void **state)
{
    (void)state;
    memory_dataset *source = new_source(false);
    must_save(&ncr_cog_saver, source, "mem://tiff/window.tif", small_tiles);
    ncr_dataset_unref(&source->base);
    ncr_dataset *dataset = must_open("mem://tiff/window.tif");
    for (int i = 0; i < 200; i++) {
        int x = i * 31 % WIDTH, y = i * 17 % HEIGHT;
        assert_window(dataset, (ncr_rect){x, y, 1 + i * 13 % (WIDTH - x), 1 + i * 7 % (HEIGHT - y)});
    }
    ncr_dataset_unref(dataset);
}

/* Bands in another order, one twice, as another type, pixel by pixel. */
static void bands_go_where_the_request_says(void **state)
{
    (void)state;
    static const char *const separate[] = {"INTERLEAVE=BAND", "TILED=YES", NULL};
    static const int bands[] = {3, 1, 3};
    for (int i = 0; i < 2; i++) {
        memory_dataset *source = new_source(false);
        must_save(i ? &ncr_gtiff_saver : &ncr_cog_saver, source, "mem://tiff/bands.tif", i ? separate : NULL);
        ncr_dataset_unref(&source->base);
        ncr_dataset *dataset = must_open("mem://tiff/bands.tif");
        double out[4][5][3];
        ncr_read_request request = {.window = {33, 20, 5, 4},
                                    .bands = bands,
                                    .band_count = 3,
                                    .dtype = NACRE_DTYPE_FLOAT64,
                                    .buffer = (uint8_t *)out,
                                    .pixel_stride = 24,
                                    .row_stride = 120,
                                    .band_stride = 8};
        assert_int_equal(read(dataset, &request, NULL, NULL), NACRE_OK);
        for (int y = 0; y < 4; y++)
            for (int x = 0; x < 5; x++)
                for (int band = 0; band < 3; band++)
                    assert_true(out[y][x][band] == pixels[bands[band] - 1][20 + y][33 + x]);
        ncr_dataset_unref(dataset);
    }
}

static void overviews_halve_down_to_one_block(void **state)
{
    (void)state;
    static const int sizes[][2] = {{35, 23}, {18, 12}, {9, 6}};
    static uint16_t out[BANDS * 35 * 23];
    memory_dataset *source = new_source(true);
    must_save(&ncr_cog_saver, source, "mem://tiff/overviews.tif", small_tiles);
    ncr_dataset_unref(&source->base);
    ncr_dataset *dataset = must_open("mem://tiff/overviews.tif");
    assert_int_equal(dataset->overview_count, 3);
    assert_memory_equal(dataset->overviews, sizes, sizeof sizes);
    assert_int_equal(read_window(dataset, 1, (ncr_rect){0, 0, 35, 23}, out, NULL), NACRE_OK);
    assert_in_range(out[15 * 35 + 20], pixels[0][29][40], pixels[0][31][41]);
    ncr_dataset_unref(dataset);
}

/* --- The COG layout --- */

/* Offset and size of a block of a level, or of its mask. */
static void find_block(const ncr_tiff_dataset *dataset, const ncr_tiff_level *level, uint64_t number, uint64_t *offset,
                       uint64_t *size)
{
    ncr_tiff_blocks blocks;
    assert_int_equal(ncr_tiff_blocks_begin(&blocks, "f", dataset->index, level, dataset->base.file, NULL), NACRE_OK);
    assert_int_equal(ncr_tiff_blocks_find(&blocks, number, offset, size, NULL), NACRE_OK);
    ncr_tiff_blocks_clear(&blocks);
}

static void assert_framed(const uint8_t *file, uint64_t offset, uint64_t size)
{
    assert_int_equal(ncr_read_u32(file + offset - 4, false), size);
    assert_memory_equal(file + offset + size, file + offset + size - 4, 4);
}

static void a_cog_has_the_layout_that_its_marker_says(void **state)
{
    (void)state;
    size_t size;
    memory_dataset *source = new_source(true);
    must_save(&ncr_cog_saver, source, "mem://tiff/layout.tif", small_tiles);
    ncr_dataset_unref(&source->base);
    uint8_t *file = load("mem://tiff/layout.tif", &size);
    static const char marker[] = "GDAL_STRUCTURAL_METADATA_SIZE=000174 bytes\nLAYOUT=IFDS_BEFORE_DATA\n"
                                 "BLOCK_ORDER=ROW_MAJOR\nBLOCK_LEADER=SIZE_AS_UINT4\n"
                                 "BLOCK_TRAILER=LAST_4_BYTES_REPEATED\nKNOWN_INCOMPATIBLE_EDITION=NO\n "
                                 "MASK_INTERLEAVED_WITH_IMAGERY=YES\n";
    assert_memory_equal(file + 8, marker, sizeof marker - 1);
    assert_int_equal(sizeof marker - 1 - 43, 174);

    ncr_dataset *base = must_open("mem://tiff/layout.tif");
    const ncr_tiff_dataset *dataset = (const ncr_tiff_dataset *)base;
    uint64_t before = 0, offset, block;
    for (size_t i = 0; i < dataset->index->directory_count; i++) {
        assert_true(dataset->index->directories[i].offset > before);
        before = dataset->index->directories[i].offset;
    }
    for (int level = dataset->level_count - 1; level >= 0; level--)
        for (uint64_t i = 0; i < dataset->images[level].layout.block_count; i++) {
            find_block(dataset, &dataset->images[level], i, &offset, &block);
            assert_true(offset > before); /* after all directories, and in order */
            assert_framed(file, offset, block);
            before = offset + block + 4;
            find_block(dataset, &dataset->masks[level], i, &offset, &block);
            assert_int_equal(offset, before + 4); /* right behind its image */
            assert_framed(file, offset, block);
            before = offset + block + 4;
        }
    assert_int_equal(before, size);
    ncr_dataset_unref(base);
    free(file);
}

/* --- What goes wrong --- */

static void options_that_are_not_known_are_named(void **state)
{
    (void)state;
    static const struct row {
        const char *option, *part;
    } rows[] = {
        {"COLOUR=RED", "COLOUR"},       {"COMPRESS=JXL", "COMPRESS=JXL"},  {"BLOCKSIZE=20", "multiples of 16"},
        {"BLOCKSIZE=x", "BLOCKSIZE=x"}, {"PREDICTOR=3", "the values are"}, {"OVERVIEWS=MANY", "OVERVIEWS=MANY"},
        {"RESAMPLING=MAX", "=MAX"},     {"BIGTIFF=MAYBE", "BIGTIFF"},      {"LEVEL=99", "LEVEL=99: it takes 1 to 12"},
        {"TILED=YES", "TILED"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *creation[] = {"COMPRESS=DEFLATE", rows[i].option, NULL};
        nacre_error err;
        memory_dataset *source = new_source(false);
        assert_int_equal(save(&ncr_cog_saver, source, "mem://tiff/never.tif", creation, true, &err),
                         NACRE_ERROR_INVALID);
        if (!strstr(err.message, rows[i].part))
            fail_msg("the message is \"%s\"", err.message);
        ncr_dataset_unref(&source->base);
        ncr_dataset *dataset = NULL;
        assert_int_equal(try_open("mem://tiff/never.tif", NULL, &dataset, &err), NACRE_ERROR_NOT_FOUND);
    }
}

static void what_exists_is_not_replaced_unasked(void **state)
{
    (void)state;
    nacre_error err;
    memory_dataset *source = new_source(false);
    put("mem://tiff/there.tif", (const uint8_t *)"here", 4);
    assert_int_equal(save(&ncr_cog_saver, source, "mem://tiff/there.tif", NULL, false, &err), NACRE_ERROR_EXISTS);
    size_t size;
    uint8_t *bytes = load("mem://tiff/there.tif", &size);
    assert_int_equal(size, 4);
    free(bytes);
    ncr_dataset_unref(&source->base);
}

static void bands_of_two_types_are_refused(void **state)
{
    (void)state;
    nacre_error err;
    memory_dataset *source = new_source(false);
    source->base.bands[1].dtype = NACRE_DTYPE_FLOAT32;
    assert_int_equal(save(&ncr_cog_saver, source, "mem://tiff/never.tif", NULL, true, &err), NACRE_ERROR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "uint16, float32"));
    ncr_dataset_unref(&source->base);
}

static void a_damaged_block_leaves_others_readable(void **state)
{
    (void)state;
    size_t size;
    uint64_t offset, block;
    nacre_error err;
    static uint16_t out[BANDS * 16 * 16];
    memory_dataset *source = new_source(false);
    must_save(&ncr_cog_saver, source, "mem://tiff/good.tif", small_tiles);
    ncr_dataset_unref(&source->base);
    ncr_dataset *dataset = must_open("mem://tiff/good.tif");
    find_block((ncr_tiff_dataset *)dataset, ((ncr_tiff_dataset *)dataset)->images, 6, &offset, &block);
    ncr_dataset_unref(dataset);
    uint8_t *file = load("mem://tiff/good.tif", &size);
    memset(file + offset + 2, 0xFF, 20);
    put("mem://tiff/damaged.tif", file, size);
    dataset = must_open("mem://tiff/damaged.tif");
    assert_int_equal(read_window(dataset, 0, (ncr_rect){16, 16, 16, 16}, out, &err), NACRE_ERROR_CORRUPT);
    if (!strstr(err.message, "mem://tiff/damaged.tif: block (1, 1) ("))
        fail_msg("the message is \"%s\"", err.message);
    assert_window(dataset, (ncr_rect){0, 0, WIDTH, 16});
    assert_window(dataset, (ncr_rect){32, 16, WIDTH - 32, HEIGHT - 16});
    ncr_dataset_unref(dataset);

    put("mem://tiff/cut.tif", file, (size_t)offset + 1);
    dataset = must_open("mem://tiff/cut.tif");
    assert_int_equal(read_window(dataset, 0, (ncr_rect){16, 16, 16, 16}, out, &err), NACRE_ERROR_CORRUPT);
    assert_non_null(strstr(err.message, "beyond the end of the file"));
    assert_window(dataset, (ncr_rect){0, 0, WIDTH, 16});
    ncr_dataset_unref(dataset);
    free(file);
}

static void a_block_over_the_limit_is_refused(void **state)
{
    (void)state;
    static const int bands[] = {1};
    nacre_error err;
    uint16_t out;
    memory_dataset *source = new_source(false);
    must_save(&ncr_cog_saver, source, "mem://tiff/limit.tif", NULL);
    ncr_dataset_unref(&source->base);
    ncr_dataset *dataset = must_open("mem://tiff/limit.tif");
    ncr_read_request request = {.window = {0, 0, 1, 1},
                                .bands = bands,
                                .band_count = 1,
                                .dtype = NACRE_DTYPE_UINT16,
                                .buffer = (uint8_t *)&out,
                                .pixel_stride = 2,
                                .row_stride = 2};
    assert_int_equal(read(dataset, &request, "limit.tile=1M", &err), NACRE_ERROR_TOO_LARGE);
    assert_non_null(strstr(err.message, "limit.tile"));
    assert_int_equal(read(dataset, &request, "limit.tile=2M", &err), NACRE_OK);
    ncr_dataset_unref(dataset);
}

static void metadata_comes_back(void **state)
{
    (void)state;
    memory_dataset *source = new_source(false);
    ncr_band *band = &source->base.bands[1];
    ncr_metadata_set(&source->base.metadata, "", "NAME", "a <b> & \"c\" &amp; \xC3\xA9", NULL);
    ncr_metadata_set(&source->base.metadata, "own", "K", "v", NULL);
    ncr_metadata_set(&source->base.metadata, "", "TIFFTAG_SOFTWARE", "nacre", NULL);
    ncr_metadata_set(&source->base.metadata, "", "AREA_OR_POINT", "Point", NULL);
    ncr_metadata_set(&band->metadata, "", "STATISTICS_MEAN", "1.5", NULL);
    band->scale = 0.1;
    band->offset = -3;
    band->unit = strdup("m");
    band->description = strdup("height & depth");
    band->color = NACRE_COLOR_BLUE;
    for (int i = 0; i < BANDS; i++)
        source->base.bands[i].nodata = (nacre_nodata){.is_set = true, .value = 65535};
    must_save(&ncr_gtiff_saver, source, "mem://tiff/metadata.tif", NULL);
    ncr_dataset_unref(&source->base);

    ncr_dataset *dataset = must_open("mem://tiff/metadata.tif");
    band = &dataset->bands[1];
    assert_string_equal(ncr_metadata_get(&dataset->metadata, "", "NAME"), "a <b> & \"c\" &amp; \xC3\xA9");
    assert_string_equal(ncr_metadata_get(&dataset->metadata, "own", "K"), "v");
    assert_string_equal(ncr_metadata_get(&dataset->metadata, "", "TIFFTAG_SOFTWARE"), "nacre");
    assert_string_equal(ncr_metadata_get(&dataset->metadata, "", "AREA_OR_POINT"), "Point");
    assert_true(dataset->transform.c == 500000 && dataset->transform.f == 4000000); /* the half pixels cancel out */
    assert_string_equal(ncr_metadata_get(&band->metadata, "", "STATISTICS_MEAN"), "1.5");
    assert_true(band->scale == 0.1 && band->offset == -3);
    assert_string_equal(band->unit, "m");
    assert_string_equal(band->description, "height & depth");
    assert_int_equal(band->color, NACRE_COLOR_BLUE);
    assert_true(band->nodata.is_set && band->nodata.value == 65535);
    ncr_dataset_unref(dataset);
}

static void integers_of_64_bits_are_exact(void **state)
{
    (void)state;
    static int64_t values[4] = {INT64_MAX, INT64_MIN, INT64_C(9007199254740993), -1};
    static const int bands[] = {1};
    int64_t out[4];
    memory_dataset *source = memory_dataset_new(2, 2, 1, NACRE_DTYPE_INT64, values);
    source->base.bands[0].nodata =
        (nacre_nodata){.is_set = true, .value = 9007199254740992.0, .int64_value = INT64_C(9007199254740993)};
    must_save(&ncr_cog_saver, source, "mem://tiff/exact.tif", NULL);
    ncr_dataset_unref(&source->base);
    ncr_dataset *dataset = must_open("mem://tiff/exact.tif");
    assert_true(dataset->bands[0].nodata.int64_value == INT64_C(9007199254740993));
    ncr_read_request request = {.window = {0, 0, 2, 2},
                                .bands = bands,
                                .band_count = 1,
                                .dtype = NACRE_DTYPE_INT64,
                                .buffer = (uint8_t *)out,
                                .pixel_stride = 8,
                                .row_stride = 16};
    assert_int_equal(read(dataset, &request, NULL, NULL), NACRE_OK);
    assert_memory_equal(out, values, sizeof out);
    ncr_dataset_unref(dataset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_comes_back),
        cmocka_unit_test(any_window_is_the_crop_of_the_whole),
        cmocka_unit_test(bands_go_where_the_request_says),
        cmocka_unit_test(overviews_halve_down_to_one_block),
        cmocka_unit_test(a_cog_has_the_layout_that_its_marker_says),
        cmocka_unit_test(options_that_are_not_known_are_named),
        cmocka_unit_test(what_exists_is_not_replaced_unasked),
        cmocka_unit_test(bands_of_two_types_are_refused),
        cmocka_unit_test(a_damaged_block_leaves_others_readable),
        cmocka_unit_test(a_block_over_the_limit_is_refused),
        cmocka_unit_test(metadata_comes_back),
        cmocka_unit_test(integers_of_64_bits_are_exact),
    };
    ncr_driver_register(&ncr_tiff_driver);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
