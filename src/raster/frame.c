/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "raster/frame.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "raster/dtype.h"
#include "raster/nodata.h"
#include "raster/windows.h"

/* Coordinates: 0. pixels of the raster, 1. output pixels, both from the corner. */

/* Borders closer to one of an output pixel than this, in output pixels, lie on it: windows are computed. As GDAL. */
static const double BORDER = 1e-3;

typedef struct {
    int64_t first, count; /* output pixels */
    double from, length;  /* of the raster */
} span;

/* The output pixels of [start, start + length) of an axis, in `out` pixels, that show something of [0, size). */
static span find_span(double start, double length, int out, int size)
{
    double ratio = length / out, low = fmax(start, 0), high = fmin(start + length, size);
    span found = {0};
    if (!(low < high))
        return found;
    double first = fmax(floor((low - start) / ratio + BORDER), 0);
    double last = fmin(ceil((high - start) / ratio - BORDER), out);
    if (!(first < last))
        return found;
    found.first = (int64_t)first;
    found.count = (int64_t)(last - first);
    found.from = start + first * ratio;
    found.length = (last - first) * ratio;
    return found;
}

/* One pixel of the raster for one of the output is not resampled, also where the window has a fraction. */
static bool straighten(span *s, int size)
{
    double whole = floor(s->from + 0.5 + 1e-10);
    if (fabs(s->length - (double)s->count) >= BORDER || whole < 0 || whole + (double)s->count > size)
        return false;
    s->from = whole;
    s->length = (double)s->count;
    return true;
}

void ncr_frame_find(ncr_read *read)
{
    const nacre_window *window = &read->request.window;
    span x = find_span(window->x, window->width, read->request.out_width, read->dataset->width);
    span y = find_span(window->y, window->height, read->request.out_height, read->dataset->height);
    span plain_x = x, plain_y = y;
    if (straighten(&plain_x, read->dataset->width) && straighten(&plain_y, read->dataset->height)) {
        x = plain_x;
        y = plain_y;
    }
    read->inside = x.count && y.count ? (ncr_rect){x.first, y.first, x.count, y.count} : (ncr_rect){0};
    read->inside_shows = (nacre_window){x.from, y.from, x.length, y.length};
}

/* --- Filling --- */

/* What lies beyond the raster in a plane, in the type of the buffer. */
static void make_fill(const ncr_read *read, int plane, uint8_t value[16])
{
    const ncr_read_request *to = &read->request.to;
    uint8_t of_band[16];
    double fill = 0;
    memset(value, 0, 16);
    if (read->masks)
        return;
    const ncr_band *band = &read->dataset->bands[to->bands[plane] - 1];
    if (!read->has_fill && band->nodata.is_set && band->dtype == NACRE_DTYPE_INT64) {
        ncr_convert(&band->nodata.int64_value, band->dtype, 0, value, to->dtype, 0, 1);
        return;
    }
    if (!read->has_fill && band->nodata.is_set && band->dtype == NACRE_DTYPE_UINT64) {
        ncr_convert(&band->nodata.uint64_value, band->dtype, 0, value, to->dtype, 0, 1);
        return;
    }
    fill = read->has_fill ? read->fill : ncr_nodata_fill(&band->nodata, ncr_dtype_part(band->dtype));
    ncr_convert(&fill, NACRE_DTYPE_FLOAT64, 0, of_band, band->dtype, 0, 1);
    ncr_convert(of_band, band->dtype, 0, value, to->dtype, 0, 1);
}

static void fill_row(uint8_t *row, ptrdiff_t stride, int64_t from, int64_t to, const uint8_t *value, size_t size)
{
    for (int64_t x = from; x < to; x++)
        memcpy(row + x * stride, value, size);
}

static void fill_plane(const ncr_read *read, int plane)
{
    const ncr_read_request *to = &read->request.to;
    const ncr_rect *inside = &read->inside;
    size_t size = ncr_dtype_size(to->dtype);
    uint8_t value[16];
    make_fill(read, plane, value);
    for (int64_t y = 0; y < read->request.out_height; y++) {
        uint8_t *row = to->buffer + plane * to->band_stride + y * to->row_stride;
        bool is_beside = y < inside->y || y >= inside->y + inside->height;
        int64_t left = is_beside ? read->request.out_width : inside->x;
        fill_row(row, to->pixel_stride, 0, left, value, size);
        if (!is_beside)
            fill_row(row, to->pixel_stride, inside->x + inside->width, read->request.out_width, value, size);
    }
}

/* --- Planning --- */

static nacre_status step_nothing(ncr_plan *plan, ncr_wants *wants, bool *more, nacre_error *err)
{
    (void)plan;
    (void)wants;
    (void)more;
    (void)err;
    return NACRE_OK;
}

static void free_nothing(ncr_plan *plan)
{
    free(plan);
}

/* Of a window that lies beside the raster. */
static nacre_status plan_nothing(ncr_call *call, ncr_plan **out, nacre_error *err)
{
    static const ncr_plan_class class = {.step = step_nothing, .free = free_nothing};
    *out = ncr_plan_new(sizeof **out, &class, call);
    return *out ? NACRE_OK : ncr_error_memory(err);
}

nacre_status ncr_frame_plan(const ncr_read *read, ncr_call *call, ncr_plan **out, nacre_error *err)
{
    ncr_scaled_request request = read->request;
    for (int plane = 0; plane < read->plane_count; plane++)
        fill_plane(read, plane);
    if (!read->inside.width)
        return plan_nothing(call, out, err);
    request.window = read->inside_shows;
    request.out_width = (int)read->inside.width;
    request.out_height = (int)read->inside.height;
    request.to.buffer +=
        (ptrdiff_t)read->inside.y * request.to.row_stride + (ptrdiff_t)read->inside.x * request.to.pixel_stride;
    return ncr_windows_plan(read->dataset, &request, read->masks, call, out, err);
}
