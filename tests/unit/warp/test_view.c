/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/pool.h"
#include "cmocka_all.h"
#include "raster/crs.h"
#include "raster/dtype.h"
#include "support/call.h"
#include "support/memory_raster.h"
#include "support/warp_scene.h"
#include "warp/warp.h"

/* Views of rasters in memory. What they hold is compared with arithmetic done here, and with themselves. */

/* --- Identity and shifts --- */

static void identity_is_a_copy(void **state)
{
    (void)state;
    for (int i = 0; i < ALL; i++) {
        memory_raster *source = scene(150, 90, 2);
        nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
        options.resampling = all[i];
        ncr_dataset *view = warp(source, &options, NULL);
        assert_int_equal(view->width, 150);
        uint8_t *pixels = read_all(view);
        assert_memory_equal(pixels, source->values, 150 * 90 * 2);
        free(pixels);
        free_pair(view, source);
    }
}

static void whole_pixel_shift_is_a_copy_with_nothing_outside(void **state)
{
    (void)state;
    memory_raster *source = scene(100, 80, 1);
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    nacre_transform shifted = {100, 0, 300000 - 700, 0, -100, 5000000 - 500};
    options.resampling = NACRE_RESAMPLING_CUBIC;
    options.transform = &shifted;
    options.width = 120;
    options.height = 90;
    ncr_dataset *view = warp(source, &options, "EPSG:32633");
    uint8_t *pixels = read_all(view);
    for (int y = 0; y < 90; y++)
        for (int x = 0; x < 120; x++) {
            bool inside = x >= 7 && x < 107 && y + 5 < 80;
            assert_int_equal(pixels[y * 120 + x], inside ? texture(x - 7, y + 5, 0) : 0);
        }
    free(pixels);
    free_pair(view, source);
}

/* --- Windows --- */

static unsigned seed;

static int random_below(int limit)
{
    seed = seed * 1664525 + 1013904223;
    return (int)((seed >> 8) % (unsigned)limit);
}

static void check_window(ncr_dataset *view, const uint8_t *whole, ncr_rect window)
{
    uint8_t *part = memory_raster_read(view, window);
    size_t size = ncr_dtype_size(view->bands[0].dtype), row_bytes = (size_t)window.width * size;
    for (int band = 0; band < view->band_count; band++)
        for (int64_t row = 0; row < window.height; row++) {
            size_t from = (((size_t)band * (size_t)view->height + (size_t)(window.y + row)) * (size_t)view->width +
                           (size_t)window.x) *
                          size;
            size_t at = ((size_t)band * (size_t)window.height + (size_t)row) * row_bytes;
            if (memcmp(part + at, whole + from, row_bytes) != 0)
                fail_msg("window %d %d %d x %d differs in band %d row %d", (int)window.x, (int)window.y,
                         (int)window.width, (int)window.height, band + 1, (int)row);
        }
    free(part);
}

/* Also where the view shrinks, where the transform is asked directly, and over nodata. */
static void window_is_the_crop_of_the_whole(void **state)
{
    (void)state;
    static const char *const crs[] = {"EPSG:4326", "EPSG:3857", "EPSG:3413", "ESRI:54030"};
    const double nodata = 77;
    for (int i = 0; i < 4; i++) {
        for (int r = 0; r < ALL; r++) {
            memory_raster *source = scene(331, 217, 2);
            nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
            options.resampling = all[r];
            options.src_nodata = i % 2 ? &nodata : NULL;
            options.width = i == 3 ? 150 : 0;
            ncr_dataset *view = warp(source, &options, crs[i]);
            uint8_t *whole = read_all(view);
            check_window(view, whole, (ncr_rect){view->width - 1, view->height - 1, 1, 1});
            check_window(view, whole, (ncr_rect){63, 63, 2, 2});
            check_window(view, whole, (ncr_rect){0, 1, view->width, 1});
            seed = (unsigned)(i * 3 + r);
            for (int turn = 0; turn < 5; turn++) {
                int x = random_below(view->width), y = random_below(view->height);
                check_window(view, whole,
                             (ncr_rect){x, y, 1 + random_below(view->width - x), 1 + random_below(view->height - y)});
            }
            free(whole);
            free_pair(view, source);
        }
    }
}

static uint64_t hash_of(const uint8_t *bytes, size_t count)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ bytes[i]) * 1099511628211u;
    return hash;
}

/* In a process of its own, since a pool that has started keeps its threads. */
static uint64_t hash_with_threads(int threads)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        ncr_pool_set_threads(threads);
        uint64_t hash = 0;
        for (int i = 0; i < ALL; i++) {
            memory_raster *source = scene(331, 217, 3);
            nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
            options.resampling = all[i];
            ncr_dataset *view = warp(source, &options, "EPSG:3857");
            uint8_t *pixels = read_all(view);
            hash += hash_of(pixels, (size_t)view->width * (size_t)view->height * 3) * (uint64_t)(i + 1);
        }
        _exit(write(ends[1], &hash, sizeof hash) == sizeof hash ? 0 : 1);
    }
    int status;
    uint64_t hash = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(read(ends[0], &hash, sizeof hash), sizeof hash);
    close(ends[0]);
    close(ends[1]);
    return hash;
}

static void threads_give_the_same_bytes(void **state)
{
    (void)state;
    uint64_t one = hash_with_threads(1);
    assert_true(one == hash_with_threads(2));
    assert_true(one == hash_with_threads(7));
}

/* A read by hand: bands, type, memory limit. */
static nacre_status read_as(ncr_dataset *dataset, ncr_rect window, const int *bands, int count, nacre_dtype dtype,
                            const char *key_value, void *buffer)
{
    ptrdiff_t size = (ptrdiff_t)ncr_dtype_size(dtype);
    ncr_read_request request = {.window = window,
                                .bands = bands,
                                .band_count = count,
                                .dtype = dtype,
                                .buffer = buffer,
                                .pixel_stride = size,
                                .row_stride = size * window.width,
                                .band_stride = size * window.width * window.height};
    ncr_call *call = test_call_new(key_value, NULL);
    ncr_plan *plan;
    nacre_status status = ncr_dataset_plan_read(dataset, &request, call, &plan, NULL);
    if (!status)
        status = memory_plan_run(plan, NULL);
    ncr_call_unref(call);
    return status;
}

static void little_memory_gives_the_same_bytes_in_small_pieces(void **state)
{
    (void)state;
    memory_raster *source = scene(800, 600, 2);
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    options.resampling = NACRE_RESAMPLING_CUBIC;
    options.width = 300;
    ncr_dataset *view = warp(source, &options, "EPSG:4326");
    uint8_t *whole = read_all(view);
    assert_true(source->largest > 400000);
    source->largest = 0;
    source->reads = 0;
    size_t size = (size_t)view->width * (size_t)view->height * 2;
    uint8_t *again = malloc(size);
    const int bands[] = {1, 2};
    assert_int_equal(read_as(view, (ncr_rect){0, 0, view->width, view->height}, bands, 2, NACRE_DTYPE_UINT8,
                             "memory.limit=200k", again),
                     NACRE_OK);
    assert_memory_equal(whole, again, size);
    assert_true(source->largest < 20000 && source->reads > 20);
    free(again);
    free(whole);
    free_pair(view, source);
}

static void bands_apart_equal_bands_together(void **state)
{
    (void)state;
    const double nodata = 77;
    for (int turn = 0; turn < 4 * ALL; turn++) {
        int pass = turn / ALL;
        memory_raster *source = scene(200, 150, 3);
        nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
        options.resampling = all[turn % ALL];
        if (pass == 3) /* each band's own */
            for (int band = 0; band < 3; band++)
                source->base.bands[band].nodata = (nacre_nodata){.is_set = true, .value = nodata};
        else
            options.src_nodata = pass ? &nodata : NULL;
        options.add_alpha = pass == 2;
        ncr_dataset *view = warp(source, &options, "EPSG:4326");
        uint8_t *whole = read_all(view);
        size_t plane = (size_t)view->width * (size_t)view->height;
        uint8_t *one = malloc(2 * plane);
        for (int band = 1; band <= view->band_count; band++) {
            const int bands[] = {band, 1};
            assert_int_equal(
                read_as(view, (ncr_rect){0, 0, view->width, view->height}, bands, 2, NACRE_DTYPE_UINT8, NULL, one),
                NACRE_OK);
            assert_memory_equal(one, whole + (size_t)(band - 1) * plane, plane);
            assert_memory_equal(one + plane, whole, plane);
        }
        free(one);
        free(whole);
        free_pair(view, source);
    }
}

/* --- Validity --- */

static memory_raster *small_scene(const uint8_t *values, int width, int height, int bands)
{
    uint8_t *copy = malloc((size_t)(width * height * bands));
    memcpy(copy, values, (size_t)(width * height * bands));
    return memory_raster_new(width, height, bands, NACRE_DTYPE_UINT8, copy, &utm, "EPSG:32633");
}

/* A view twice as fine, where bilinear has simple weights. */
static ncr_dataset *twice_as_fine(memory_raster *source, nacre_warp_options *options)
{
    static const nacre_transform fine = {50, 0, 300000, 0, -50, 5000000};
    options->transform = &fine;
    options->width = 2 * source->base.width;
    options->height = 2 * source->base.height;
    return warp(source, options, "EPSG:32633");
}

static void bilinear_weights_are_right(void **state)
{
    (void)state;
    const uint8_t values[] = {0, 100, 200, 40};
    memory_raster *source = small_scene(values, 2, 2, 1);
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    options.resampling = NACRE_RESAMPLING_BILINEAR;
    ncr_dataset *view = twice_as_fine(source, &options);
    uint8_t *p = read_all(view);
    const uint8_t expected[16] = {0, 25, 75, 100, 50, 59, 76, 85, 150, 126, 79, 55, 200, 160, 80, 40};
    assert_memory_equal(p, expected, 16);
    free(p);
    free_pair(view, source);
}

static void nodata_takes_no_part_and_comes_out(void **state)
{
    (void)state;
    const uint8_t values[] = {10, 10, 9, 10, 10, 10, 10, 10, 10};
    const double nodata = 9;
    memory_raster *source = small_scene(values, 3, 3, 1);
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    options.resampling = NACRE_RESAMPLING_BILINEAR;
    options.src_nodata = &nodata;
    ncr_dataset *view = twice_as_fine(source, &options);
    assert_true(view->bands[0].nodata.is_set && view->bands[0].nodata.value == 9);
    assert_int_equal(view->bands[0].mask_flags, NACRE_MASK_NODATA);
    uint8_t *p = read_all(view);
    for (int i = 0; i < 36; i++) /* the four pixels over the invalid one are nodata, all others 10 and no mix */
        assert_int_equal(p[i], i / 6 < 2 && i % 6 >= 4 ? 9 : 10);
    free(p);
    free_pair(view, source);
}

static void a_valid_result_is_moved_off_nodata(void **state)
{
    (void)state;
    const uint8_t values[] = {0, 20, 0, 20, 0, 20};
    const double nodata = 255, out = 5;
    memory_raster *source = small_scene(values, 3, 2, 1);
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    options.resampling = NACRE_RESAMPLING_BILINEAR;
    options.src_nodata = &nodata;
    options.dst_nodata = &out;
    ncr_dataset *view = twice_as_fine(source, &options);
    uint8_t *p = read_all(view);
    assert_int_equal(p[0], 0);
    assert_int_equal(p[1], 4); /* 5, were it not nodata */
    assert_int_equal(p[2], 15);
    free(p);
    free_pair(view, source);
}

/* GDAL's UNIFIED_SRC_NODATA: given nodata joins the bands, the file's own leaves each its own. */
static void nodata_of_several_bands(void **state)
{
    (void)state;
    const uint8_t values[] = {9, 9, 50, 9, /* second band */ 9, 60, 60, 60};
    const double nodata = 9;
    memory_raster *source = small_scene(values, 4, 1, 2);
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    options.src_nodata = &nodata;
    const double out = 1;
    options.dst_nodata = &out;
    ncr_dataset *view = twice_as_fine(source, &options);
    uint8_t *p = read_all(view);
    /* Valid in one band is valid in all: the value 9 of the first band comes through. */
    assert_true(p[0] == 1 && p[2] == 9 && p[4] == 50 && p[6] == 9);
    assert_true(p[16] == 1 && p[18] == 60);
    free(p);
    ncr_dataset_unref(view);
    options.src_nodata = NULL;
    for (int band = 0; band < 2; band++)
        source->base.bands[band].nodata = (nacre_nodata){.is_set = true, .value = 9};
    view = twice_as_fine(source, &options);
    p = read_all(view);
    assert_true(p[0] == 1 && p[2] == 1 && p[4] == 50 && p[6] == 1);
    assert_true(p[16] == 1 && p[18] == 60);
    free(p);
    ncr_dataset_unref(view);
    options.unified_nodata = true;
    view = twice_as_fine(source, &options);
    p = read_all(view);
    assert_true(p[0] == 1 && p[2] == 9 && p[4] == 50 && p[6] == 9);
    free(p);
    free_pair(view, source);
}

static void a_view_without_nodata_is_zero_where_the_source_has_none(void **state)
{
    (void)state;
    const uint8_t values[] = {9, 10, 10, 10};
    memory_raster *source = small_scene(values, 2, 2, 1);
    source->base.bands[0].nodata = (nacre_nodata){.is_set = true, .value = 9};
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    options.no_dst_nodata = true;
    ncr_dataset *view = twice_as_fine(source, &options);
    assert_false(view->bands[0].nodata.is_set);
    assert_int_equal(view->bands[0].mask_flags, NACRE_MASK_ALL_VALID);
    uint8_t *p = read_all(view);
    assert_true(p[0] == 0 && p[2] == 10);
    free(p);
    free_pair(view, source);
}

static void alpha_weighs_and_comes_out(void **state)
{
    (void)state;
    const uint8_t values[] = {100, 200, 50, 50, /* alpha */ 255, 0, 255, 255};
    memory_raster *source = small_scene(values, 2, 2, 2);
    source->base.alpha_band = 2;
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    options.resampling = NACRE_RESAMPLING_BILINEAR;
    ncr_dataset *view = twice_as_fine(source, &options);
    assert_int_equal(view->band_count, 2);
    assert_int_equal(view->alpha_band, 2);
    assert_int_equal(view->bands[0].mask_flags, NACRE_MASK_PER_DATASET | NACRE_MASK_ALPHA);
    uint8_t *p = read_all(view);
    assert_int_equal(p[1], 100); /* its right neighbour is transparent */
    assert_int_equal(p[2], 0);   /* transparent itself */
    assert_int_equal(p[16 + 1], 255);
    assert_int_equal(p[16 + 2], 0);
    free(p);
    free_pair(view, source);
}

static void alpha_is_added(void **state)
{
    (void)state;
    const uint8_t values[] = {10, 9, 10, 10};
    const double nodata = 9;
    memory_raster *source = small_scene(values, 2, 2, 1);
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    options.src_nodata = &nodata;
    options.add_alpha = true;
    ncr_dataset *view = twice_as_fine(source, &options);
    assert_int_equal(view->band_count, 2);
    assert_int_equal(view->bands[1].color, NACRE_COLOR_ALPHA);
    assert_false(view->bands[0].nodata.is_set);
    uint8_t *p = read_all(view);
    assert_true(p[0] == 10 && p[16] == 255);
    assert_true(p[2] == 0 && p[16 + 2] == 0);
    free(p);
    free_pair(view, source);
}

static void a_mask_of_the_dataset_is_obeyed(void **state)
{
    (void)state;
    const uint8_t values[] = {10, 90, 10, 10};
    memory_raster *source = small_scene(values, 2, 2, 1);
    source->mask = malloc(4);
    memcpy(source->mask, "\377\0\377\377", 4);
    source->base.bands[0].mask_flags = NACRE_MASK_PER_DATASET;
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    options.resampling = NACRE_RESAMPLING_BILINEAR;
    ncr_dataset *view = twice_as_fine(source, &options);
    uint8_t *p = read_all(view);
    assert_true(p[0] == 10 && p[1] == 10 && p[2] == 0 && p[3] == 0 && p[8] == 10);
    free(p);
    free_pair(view, source);
}

static void count_warning(void *user, int level, const char *text)
{
    if (level == NCR_LOG_WARNING && strstr(text, "memory: nothing of it"))
        ++*(int *)user;
}

static void nothing_in_common_is_nodata_and_a_warning(void **state)
{
    (void)state;
    int warnings = 0;
    ncr_log_set(count_warning, &warnings);
    memory_raster *source = scene(50, 50, 1);
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    nacre_transform far = {100, 0, 900000, 0, -100, 9000000};
    const double nodata = 8;
    options.transform = &far;
    options.width = options.height = 70;
    options.dst_nodata = &nodata;
    ncr_dataset *view = warp(source, &options, "EPSG:32633");
    uint8_t *p = read_all(view);
    for (int i = 0; i < 70 * 70; i++)
        assert_int_equal(p[i], 8);
    ncr_log_set(NULL, NULL);
    assert_int_equal(warnings, 1);
    assert_int_equal(source->reads, 0);
    free(p);
    free_pair(view, source);
}

/* --- Types --- */

/* A plane is reproduced by linear kernels, in every type and to the edge of the view. */
static void every_real_type_is_warped(void **state)
{
    (void)state;
    static const nacre_dtype dtypes[] = {NACRE_DTYPE_UINT8,   NACRE_DTYPE_INT8,   NACRE_DTYPE_UINT16,
                                         NACRE_DTYPE_INT16,   NACRE_DTYPE_UINT32, NACRE_DTYPE_INT32,
                                         NACRE_DTYPE_UINT64,  NACRE_DTYPE_INT64,  NACRE_DTYPE_FLOAT16,
                                         NACRE_DTYPE_FLOAT32, NACRE_DTYPE_FLOAT64};
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        size_t size = ncr_dtype_size(dtypes[i]);
        uint8_t *values = malloc(60 * 40 * size);
        for (int y = 0; y < 40; y++)
            for (int x = 0; x < 60; x++) {
                double value = x + y;
                ncr_convert(&value, NACRE_DTYPE_FLOAT64, 0, values + (size_t)(y * 60 + x) * size, dtypes[i], 0, 1);
            }
        memory_raster *source = memory_raster_new(60, 40, 1, dtypes[i], values, &utm, "EPSG:32633");
        for (nacre_resampling r = NACRE_RESAMPLING_NEAREST; r <= NACRE_RESAMPLING_CUBIC; r++) {
            nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
            options.resampling = r;
            ncr_dataset *view = twice_as_fine(source, &options);
            assert_int_equal(view->bands[0].dtype, dtypes[i]);
            double *p = malloc(120 * 80 * sizeof *p);
            const int band = 1;
            assert_int_equal(read_as(view, (ncr_rect){0, 0, 120, 80}, &band, 1, NACRE_DTYPE_FLOAT64, NULL, p),
                             NACRE_OK);
            for (int y = 4; y < 76; y++)
                for (int x = 4; x < 116; x++) {
                    double expected = (x + 0.5) / 2 - 0.5 + (y + 0.5) / 2 - 0.5;
                    double slack = r == NACRE_RESAMPLING_NEAREST ? 0.51 : ncr_dtype_is_integer(dtypes[i]) ? 0.5 : 0.07;
                    assert_true(fabs(p[y * 120 + x] - expected) <= slack);
                }
            free(p);
            ncr_dataset_unref(view);
        }
        ncr_dataset_unref(&source->base);
    }
}

static void large_integers_are_copied_exactly(void **state)
{
    (void)state;
    uint64_t *values = malloc(4 * sizeof *values);
    for (int i = 0; i < 4; i++)
        values[i] = UINT64_MAX - (uint64_t)i;
    memory_raster *source = memory_raster_new(2, 2, 1, NACRE_DTYPE_UINT64, values, &utm, "EPSG:32633");
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    ncr_dataset *view = twice_as_fine(source, &options);
    uint64_t *p = memory_raster_read(view, (ncr_rect){0, 0, 4, 4});
    assert_true(p[0] == UINT64_MAX && p[3] == UINT64_MAX - 1 && p[15] == UINT64_MAX - 3);
    free(p);
    free_pair(view, source);
}

static void values_pass_through_the_views_type(void **state)
{
    (void)state;
    float *values = malloc(4 * sizeof *values);
    const float given[] = {-5, 300, 1.4f, 1.6f};
    memcpy(values, given, sizeof given);
    memory_raster *source = memory_raster_new(2, 2, 1, NACRE_DTYPE_FLOAT32, values, &utm, "EPSG:32633");
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    options.dtype = NACRE_DTYPE_UINT8;
    ncr_dataset *view = warp(source, &options, NULL);
    double p[4];
    const int band = 1;
    assert_int_equal(read_as(view, (ncr_rect){0, 0, 2, 2}, &band, 1, NACRE_DTYPE_FLOAT64, NULL, p), NACRE_OK);
    assert_true(p[0] == 0 && p[1] == 255 && p[2] == 1 && p[3] == 2);
    free_pair(view, source);
}

static void values_are_clamped_to_the_working_type_first(void **state)
{
    (void)state;
    float *values = malloc(2 * sizeof *values);
    values[0] = 355;
    values[1] = 155;
    memory_raster *source = memory_raster_new(2, 1, 1, NACRE_DTYPE_FLOAT32, values, &utm, "EPSG:32633");
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    const nacre_transform half = {200, 0, 300000, 0, -100, 5000000};
    options.transform = &half;
    options.width = options.height = 1;
    options.resampling = NACRE_RESAMPLING_BILINEAR;
    options.dtype = NACRE_DTYPE_UINT8;
    const nacre_dtype working[] = {NACRE_DTYPE_UNKNOWN, NACRE_DTYPE_UINT8};
    const double expected[] = {255, 205}; /* the mean; the mean of 255 and 155 */
    for (int i = 0; i < 2; i++) {
        options.working_dtype = working[i];
        ncr_dataset *view = warp(source, &options, NULL);
        double p;
        const int band = 1;
        assert_int_equal(read_as(view, (ncr_rect){0, 0, 1, 1}, &band, 1, NACRE_DTYPE_FLOAT64, NULL, &p), NACRE_OK);
        assert_true(p == expected[i]);
        ncr_dataset_unref(view);
    }
    ncr_dataset_unref(&source->base);
}

static void a_wider_output_is_computed_in_its_own_type(void **state)
{
    (void)state;
    uint8_t *values = malloc(4);
    memcpy(values, (const uint8_t[]){0, 10, 20, 40}, 4);
    memory_raster *source = memory_raster_new(2, 2, 1, NACRE_DTYPE_UINT8, values, &utm, "EPSG:32633");
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    const double in = 0, out = -1;
    options.dtype = NACRE_DTYPE_FLOAT32;
    options.src_nodata = &in;
    options.dst_nodata = &out;
    const nacre_transform shifted = {100, 0, 300000 + 25, 0, -100, 5000000};
    options.transform = &shifted;
    options.width = options.height = 2;
    options.resampling = NACRE_RESAMPLING_BILINEAR;
    ncr_dataset *view = warp(source, &options, NULL);
    double p[4];
    const int band = 1;
    assert_int_equal(read_as(view, (ncr_rect){0, 0, 2, 2}, &band, 1, NACRE_DTYPE_FLOAT64, NULL, p), NACRE_OK);
    assert_true(p[0] == -1); /* the type of the source has no -1 */
    assert_true(p[2] == 25);
    free_pair(view, source);

    source = scene(40, 30, 1);
    options.src_nodata = options.dst_nodata = NULL;
    view = warp(source, &options, NULL);
    assert_int_equal(read_as(view, (ncr_rect){0, 0, 1, 1}, &band, 1, NACRE_DTYPE_FLOAT64, NULL, p), NACRE_OK);
    assert_true(p[0] == 0.75 * texture(0, 0, 0) + 0.25 * texture(1, 0, 0)); /* no rounding to the source's type */
    free_pair(view, source);
}

/* --- Scale, overviews, reads of another size --- */

static void shrinking_takes_the_mean_of_what_is_covered(void **state)
{
    (void)state;
    uint8_t *values = malloc(256 * 256);
    for (int i = 0; i < 256 * 256; i++)
        values[i] = (uint8_t)((i % 256 + i / 256) % 2 ? 200 : 0);
    memory_raster *source = memory_raster_new(256, 256, 1, NACRE_DTYPE_UINT8, values, &utm, "EPSG:32633");
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    options.resampling = NACRE_RESAMPLING_BILINEAR;
    options.width = options.height = 32;
    ncr_dataset *view = warp(source, &options, "EPSG:32633");
    uint8_t *p = read_all(view);
    for (int i = 0; i < 32 * 32; i++)
        assert_in_range(p[i], 99, 101);
    free(p);
    free_pair(view, source);
}

static void the_overview_of_the_scale_is_read(void **state)
{
    (void)state;
    memory_raster *source = scene(512, 512, 1);
    memory_raster_add_overview(source, 2);
    memory_raster_add_overview(source, 4);
    memory_raster_add_overview(source, 8);
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    options.width = options.height = 128;
    ncr_dataset *view = warp(source, &options, "EPSG:32633");
    uint8_t *p = read_all(view);
    /* Level 2 shows every fourth pixel, and the view is that level. */
    for (int y = 0; y < 128; y++)
        for (int x = 0; x < 128; x++)
            assert_int_equal(p[y * 128 + x], texture(4 * x, 4 * y, 0));
    assert_true(source->largest <= 128 * 128);
    /* A window of it reads the same level. */
    check_window(view, p, (ncr_rect){17, 5, 30, 40});
    free(p);
    free_pair(view, source);
}

static uint8_t *read_scaled(ncr_dataset *view, nacre_window window, int width, int height)
{
    uint8_t *buffer = malloc((size_t)(width * height));
    const int band = 1;
    ncr_scaled_request request = {.window = window,
                                  .out_width = width,
                                  .out_height = height,
                                  .to = {.bands = &band,
                                         .band_count = 1,
                                         .dtype = NACRE_DTYPE_UINT8,
                                         .buffer = buffer,
                                         .pixel_stride = 1,
                                         .row_stride = width,
                                         .band_stride = width * height}};
    ncr_call *call = test_call_new(NULL, NULL);
    ncr_plan *plan;
    assert_int_equal(ncr_dataset_plan_scaled(view, &request, call, &plan, NULL), NACRE_OK);
    assert_int_equal(memory_plan_run(plan, NULL), NACRE_OK);
    ncr_call_unref(call);
    return buffer;
}

static void another_size_is_the_view_on_the_scaled_grid(void **state)
{
    (void)state;
    memory_raster *source = scene(400, 300, 1);
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    options.resampling = NACRE_RESAMPLING_CUBIC;
    nacre_transform full = {100, 0, 1600000, 0, -100, 5650000};
    options.transform = &full;
    options.width = 600;
    options.height = 480;
    nacre_transform half = {200, 0, 1600000, 0, -200, 5650000};
    ncr_dataset *view = warp(source, &options, "EPSG:3857");
    options.transform = &half;
    options.width = 300;
    options.height = 240;
    ncr_dataset *coarse = warp(source, &options, "EPSG:3857");
    uint8_t *expected = read_all(coarse);
    uint8_t *scaled = read_scaled(view, (nacre_window){0, 0, 600, 480}, 300, 240);
    assert_memory_equal(scaled, expected, 300 * 240);
    /* Windows beside one another are windows of one grid. */
    uint8_t *part = read_scaled(view, (nacre_window){200, 100, 128, 60}, 64, 30);
    for (int row = 0; row < 30; row++)
        assert_memory_equal(part + row * 64, expected + (row + 50) * 300 + 100, 64);
    free(part);
    free(scaled);
    free(expected);
    ncr_dataset_unref(coarse);
    free_pair(view, source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* First, since it forks before the pool has threads. */
        cmocka_unit_test(threads_give_the_same_bytes),
        cmocka_unit_test(identity_is_a_copy),
        cmocka_unit_test(whole_pixel_shift_is_a_copy_with_nothing_outside),
        cmocka_unit_test(window_is_the_crop_of_the_whole),
        cmocka_unit_test(little_memory_gives_the_same_bytes_in_small_pieces),
        cmocka_unit_test(bands_apart_equal_bands_together),
        cmocka_unit_test(bilinear_weights_are_right),
        cmocka_unit_test(nodata_takes_no_part_and_comes_out),
        cmocka_unit_test(a_valid_result_is_moved_off_nodata),
        cmocka_unit_test(nodata_of_several_bands),
        cmocka_unit_test(a_view_without_nodata_is_zero_where_the_source_has_none),
        cmocka_unit_test(alpha_weighs_and_comes_out),
        cmocka_unit_test(alpha_is_added),
        cmocka_unit_test(a_mask_of_the_dataset_is_obeyed),
        cmocka_unit_test(nothing_in_common_is_nodata_and_a_warning),
        cmocka_unit_test(every_real_type_is_warped),
        cmocka_unit_test(large_integers_are_copied_exactly),
        cmocka_unit_test(values_pass_through_the_views_type),
        cmocka_unit_test(values_are_clamped_to_the_working_type_first),
        cmocka_unit_test(a_wider_output_is_computed_in_its_own_type),
        cmocka_unit_test(shrinking_takes_the_mean_of_what_is_covered),
        cmocka_unit_test(the_overview_of_the_scale_is_read),
        cmocka_unit_test(another_size_is_the_view_on_the_scaled_grid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
