/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <math.h>
#include <nacre/measure.h>
#include <stdlib.h>

#include "base/memory.h"
#include "raster/canvas.h"
#include "raster/checksum.h"
#include "raster/dtype.h"
#include "raster/execute.h"
#include "tiff/find.h"
#include "tiff/statistics.h"

/* What is computed of pixels that are read piece by piece. */

enum { PIECE_BYTES = 8 << 20, ENOUGH = 2500 };

typedef struct pass pass;

/* Takes a piece: values without gaps, and its mask where one was asked for. */
typedef void take_piece(pass *p, const void *values, const uint8_t *mask, size_t count);

/* A way through a window of one band. */
struct pass {
    ncr_dataset *dataset;
    int band, level;
    ncr_call *call;
    bool with_mask;
    take_piece *take;
    uint8_t *values, *mask; /* of a piece */
    union {
        ncr_statistics statistics;
        ncr_checksum checksum;
    } sum;
};

static nacre_status run(ncr_plan *plan, nacre_status status, nacre_error *err)
{
    if (status == NACRE_OK)
        status = ncr_execute(plan, err);
    ncr_plan_free(plan);
    return status;
}

static nacre_status read_piece(pass *p, const ncr_rect *piece, nacre_error *err)
{
    ncr_plan *plan = NULL;
    nacre_dtype dtype = p->dataset->bands[p->band - 1].dtype;
    ptrdiff_t size = (ptrdiff_t)ncr_dtype_size(dtype), width = (ptrdiff_t)piece->width;
    ncr_read_request request = {.level = p->level,
                                .window = *piece,
                                .bands = &p->band,
                                .band_count = 1,
                                .dtype = dtype,
                                .buffer = p->values,
                                .pixel_stride = size,
                                .row_stride = size * width,
                                .band_stride = size * width * (ptrdiff_t)piece->height};
    nacre_status status = ncr_call_check(p->call, ncr_dataset_name(p->dataset), err);
    if (status == NACRE_OK)
        status = ncr_dataset_plan_read(p->dataset, &request, p->call, &plan, err);
    status = run(plan, status, err);
    if (status != NACRE_OK || !p->with_mask)
        return status;
    ncr_scaled_request masks = {.window = {(double)piece->x, (double)piece->y, (double)width, (double)piece->height},
                                .out_width = (int)width,
                                .out_height = (int)piece->height,
                                .to = {.bands = &p->band,
                                       .band_count = 1,
                                       .dtype = NACRE_DTYPE_UINT8,
                                       .buffer = p->mask,
                                       .pixel_stride = 1,
                                       .row_stride = width,
                                       .band_stride = width * (ptrdiff_t)piece->height}};
    plan = NULL;
    status = ncr_dataset_plan_masks(p->dataset, &masks, p->call, &plan, err);
    return run(plan, status, err);
}

/* Reads a window in pieces, in the order of its rows; of whole rows where these fit. */
static nacre_status go_through(pass *p, const ncr_rect *window, nacre_error *err)
{
    const ncr_band *band = &p->dataset->bands[p->band - 1];
    int64_t most = PIECE_BYTES / (int64_t)ncr_dtype_size(band->dtype);
    int64_t columns = window->width < most ? window->width : most, rows = most / columns, block = band->block_height;
    if (rows > block)
        rows -= rows % block;
    rows = rows < window->height ? rows : window->height;
    p->values = ncr_alloc_array((size_t)(columns * rows), ncr_dtype_size(band->dtype));
    p->mask = p->with_mask ? ncr_alloc_array((size_t)(columns * rows), 1) : NULL;
    nacre_status status = p->values && (p->mask || !p->with_mask) ? NACRE_OK : ncr_error_memory(err);
    int64_t right = window->x + window->width, bottom = window->y + window->height;
    for (int64_t y = window->y; y < bottom && status == NACRE_OK; y += rows)
        for (int64_t x = window->x; x < right && status == NACRE_OK; x += columns) {
            ncr_rect piece = {x, y, right - x < columns ? right - x : columns, bottom - y < rows ? bottom - y : rows};
            status = read_piece(p, &piece, err);
            if (status == NACRE_OK)
                p->take(p, p->values, p->mask, (size_t)(piece.width * piece.height));
        }
    free(p->values);
    free(p->mask);
    p->values = p->mask = NULL;
    return status;
}

static nacre_status check_band(const ncr_dataset *dataset, int band, nacre_error *err)
{
    if (band >= 1 && band <= dataset->band_count)
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: no band %d: it has %d", ncr_dataset_name(dataset), band,
                         dataset->band_count);
}

/* --- Statistics --- */

static void add_statistics(pass *p, const void *values, const uint8_t *mask, size_t count)
{
    const ncr_band *band = &p->dataset->bands[p->band - 1];
    ncr_statistics_add(&p->sum.statistics, values, band->dtype, ncr_dtype_size(band->dtype), count, mask,
                       &band->nodata);
}

/* The smallest overview that has enough pixels; 0: the image itself. */
static int sample_level(const ncr_dataset *dataset)
{
    int best = 0;
    double pixels = (double)dataset->width * dataset->height;
    for (int i = 0; i < dataset->overview_count; i++) {
        double its = (double)dataset->overviews[i][0] * dataset->overviews[i][1];
        if (its < pixels && its > ENOUGH) {
            pixels = its;
            best = i + 1;
        }
    }
    return best;
}

/* Every n-th block, n about the root of their number, and not always in the first column. */
static nacre_status go_through_some(pass *p, nacre_error *err)
{
    const ncr_dataset *dataset = p->dataset;
    const ncr_band *band = &dataset->bands[p->band - 1];
    int64_t across = (dataset->width + (int64_t)band->block_width - 1) / band->block_width;
    int64_t down = (dataset->height + (int64_t)band->block_height - 1) / band->block_height;
    int64_t rate = (int64_t)sqrt((double)across * (double)down);
    rate = rate < 1 ? 1 : rate;
    rate += rate == across && across > 1;
    nacre_status status = NACRE_OK;
    for (int64_t i = 0; i < across * down && status == NACRE_OK; i += rate) {
        int64_t x = i % across * band->block_width, y = i / across * band->block_height;
        int64_t width = dataset->width - x, height = dataset->height - y;
        ncr_rect block = {x, y, width < band->block_width ? width : band->block_width,
                          height < band->block_height ? height : band->block_height};
        status = go_through(p, &block, err);
    }
    return status;
}

static nacre_status find_statistics(pass *p, bool is_approximate, nacre_error *err)
{
    const ncr_dataset *dataset = p->dataset;
    const ncr_band *band = &dataset->bands[p->band - 1];
    bool has_mask = !(band->mask_flags & (NACRE_MASK_ALL_VALID | NACRE_MASK_NODATA));
    p->level = is_approximate ? sample_level(dataset) : 0;
    /* As GDAL: a nodata value leaves no room for a mask, but in single precision, and but for NaN, never valid. */
    bool is_single = band->dtype == NACRE_DTYPE_FLOAT16 || band->dtype == NACRE_DTYPE_FLOAT32;
    bool has_nodata = band->nodata.is_set && !isnan(band->nodata.value) && !is_single;
    p->with_mask = has_mask && !has_nodata && band->color != NACRE_COLOR_ALPHA && !p->level;
    if (is_approximate && !p->level)
        return go_through_some(p, err);
    ncr_rect all = {0, 0, dataset->width, dataset->height};
    if (p->level) {
        all.width = dataset->overviews[p->level - 1][0];
        all.height = dataset->overviews[p->level - 1][1];
    }
    return go_through(p, &all, err);
}

nacre_status nacre_dataset_statistics(nacre_dataset *dataset, int band, bool is_approximate,
                                      const nacre_io_options *options, nacre_statistics *out, nacre_error *err)
{
    *out = (nacre_statistics){0};
    pass p = {.dataset = dataset, .band = band, .take = add_statistics};
    nacre_status status = check_band(dataset, band, err);
    if (status == NACRE_OK)
        status = ncr_call_new(options, &p.call, err);
    if (status != NACRE_OK)
        return status;
    status = find_statistics(&p, is_approximate, err);
    ncr_call_report(p.call, options);
    ncr_call_unref(p.call);
    const ncr_statistics *s = &p.sum.statistics;
    if (status == NACRE_OK)
        *out = (nacre_statistics){.valid_count = s->count,
                                  .count = s->in_all,
                                  .minimum = s->minimum,
                                  .maximum = s->maximum,
                                  .mean = s->mean,
                                  .standard_deviation = s->count ? sqrt(s->squares / (double)s->count) : 0};
    return status;
}

/* --- Checksum --- */

static void add_checksum(pass *p, const void *values, const uint8_t *mask, size_t count)
{
    (void)mask;
    ncr_checksum_add(&p->sum.checksum, values, p->dataset->bands[p->band - 1].dtype, count);
}

static nacre_status find_rect(const ncr_dataset *dataset, const nacre_window *window, ncr_rect *out, nacre_error *err)
{
    *out = (ncr_rect){0, 0, dataset->width, dataset->height};
    if (!window)
        return NACRE_OK;
    nacre_window w = *window;
    bool is_whole = w.x == floor(w.x) && w.y == floor(w.y) && w.width == floor(w.width) && w.height == floor(w.height);
    if (!is_whole || !(w.x >= 0) || !(w.y >= 0) || !(w.width >= 1) || !(w.height >= 1) ||
        !(w.x + w.width <= dataset->width) || !(w.y + w.height <= dataset->height))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: window %g,%g,%g,%g is not of whole pixels inside it",
                             ncr_dataset_name(dataset), w.x, w.y, w.width, w.height);
    *out = (ncr_rect){(int64_t)w.x, (int64_t)w.y, (int64_t)w.width, (int64_t)w.height};
    return NACRE_OK;
}

nacre_status nacre_dataset_checksum(nacre_dataset *dataset, int band, const nacre_window *window,
                                    const nacre_io_options *options, int *out, nacre_error *err)
{
    *out = 0;
    pass p = {.dataset = dataset, .band = band, .take = add_checksum};
    ncr_rect rect;
    nacre_status status = check_band(dataset, band, err);
    if (status == NACRE_OK)
        status = find_rect(dataset, window, &rect, err);
    if (status == NACRE_OK)
        status = ncr_call_new(options, &p.call, err);
    if (status != NACRE_OK)
        return status;
    status = go_through(&p, &rect, err);
    ncr_call_report(p.call, options);
    ncr_call_unref(p.call);
    *out = status == NACRE_OK ? p.sum.checksum.sum : 0;
    return status;
}

/* --- Blocks --- */

nacre_status nacre_dataset_block_find(nacre_dataset *dataset, int band, int overview, int column, int row,
                                      const nacre_io_options *options, nacre_block_place *out, nacre_error *err)
{
    ncr_call *call = NULL;
    ncr_canvas *canvas = ncr_canvas_of(dataset);
    *out = (nacre_block_place){0};
    nacre_status status = ncr_call_new(options, &call, err);
    if (status != NACRE_OK)
        return status;
    status = ncr_tiff_block_find(canvas && canvas->below ? canvas->below : dataset, band, overview, column, row, call,
                                 out, err);
    ncr_call_report(call, options);
    ncr_call_unref(call);
    return status;
}
