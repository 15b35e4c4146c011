/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "raster/read.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "raster/dtype.h"
#include "raster/frame.h"
#include "raster/windows.h"

/* Windows that were computed may miss the edge by rounding, by so much of a pixel. */
static const double slack = 1e-6;

/* Pixels that a length in pixels takes, at least one. */
static int pixels_of(double length)
{
    double whole = ceil(length - slack);
    return whole < 1 ? 1 : whole < INT_MAX ? (int)whole : INT_MAX;
}

static bool is_sound(const nacre_window *window)
{
    return isfinite(window->x) && isfinite(window->y) && isfinite(window->width) && isfinite(window->height) &&
           window->width > 0 && window->height > 0;
}

static bool is_inside(const ncr_dataset *dataset, const nacre_window *window)
{
    return window->x >= -slack && window->y >= -slack && window->width > 0 && window->height > 0 &&
           window->x + window->width <= dataset->width + slack && window->y + window->height <= dataset->height + slack;
}

static nacre_status check_window(ncr_read *read, const nacre_read_options *options, nacre_error *err)
{
    const ncr_dataset *dataset = read->dataset;
    nacre_window window = options->window;
    if (window.x == 0 && window.y == 0 && window.width == 0 && window.height == 0)
        window = (nacre_window){0, 0, dataset->width, dataset->height};
    bool inside = is_inside(dataset, &window);
    if (options->boundless ? !is_sound(&window) : !inside)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: window %g,%g,%g,%g lies outside the raster of %dx%d",
                             ncr_dataset_name(dataset), window.x, window.y, window.width, window.height, dataset->width,
                             dataset->height);
    if (options->out_width < 0 || options->out_height < 0)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: output of %dx%d pixels", ncr_dataset_name(dataset),
                             options->out_width, options->out_height);
    read->request.window = window;
    read->request.out_width = options->out_width ? options->out_width : pixels_of(window.width);
    read->request.out_height = options->out_height ? options->out_height : pixels_of(window.height);
    read->is_framed = !inside;
    read->has_fill = options->has_fill;
    read->fill = options->fill;
    return NACRE_OK;
}

static nacre_status choose_bands(ncr_read *read, const nacre_read_options *options, nacre_error *err)
{
    ncr_read_request *to = &read->request.to;
    if (options->dataset_mask)
        return NACRE_OK;
    bool is_all = !options->bands || options->band_count <= 0;
    to->band_count = is_all ? read->dataset->band_count : options->band_count;
    read->bands = ncr_alloc_array((size_t)to->band_count, sizeof *read->bands);
    if (!read->bands)
        return ncr_error_memory(err);
    for (int i = 0; i < to->band_count; i++)
        read->bands[i] = is_all ? i + 1 : options->bands[i];
    to->bands = read->bands;
    for (int i = 0; i < to->band_count; i++)
        if (to->bands[i] < 1 || to->bands[i] > read->dataset->band_count)
            return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: no band %d: it has %d", ncr_dataset_name(read->dataset),
                                 to->bands[i], read->dataset->band_count);
    return NACRE_OK;
}

static nacre_status choose_dtype(ncr_read *read, const nacre_read_options *options, nacre_error *err)
{
    read->masks = options->masks || options->dataset_mask;
    nacre_dtype dtype = options->dtype;
    if (dtype == NACRE_DTYPE_UNKNOWN)
        dtype = read->masks ? NACRE_DTYPE_UINT8 : read->dataset->bands[read->request.to.bands[0] - 1].dtype;
    if (!ncr_dtype_size(dtype))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: unknown data type %d", ncr_dataset_name(read->dataset),
                             (int)dtype);
    if (read->masks && dtype != NACRE_DTYPE_UINT8)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: masks are uint8, not %s", ncr_dataset_name(read->dataset),
                             ncr_dtype_name(dtype));
    read->request.to.dtype = dtype;
    return NACRE_OK;
}

/* Adds (count - 1) * stride to *size; false: overflow, or a stride that is not positive. */
static bool add_extent(size_t *size, int count, ptrdiff_t stride)
{
    size_t extent;
    if (count <= 1)
        return true;
    return stride > 0 && ncr_size_mul((size_t)(count - 1), (size_t)stride, &extent) &&
           ncr_size_add(*size, extent, size);
}

static nacre_status choose_strides(ncr_read *read, const nacre_read_options *options, nacre_error *err)
{
    ncr_read_request *to = &read->request.to;
    size_t value = ncr_dtype_size(to->dtype), row, plane;
    int width = read->request.out_width, height = read->request.out_height;
    to->pixel_stride = options->pixel_stride;
    to->row_stride = options->row_stride;
    to->band_stride = options->band_stride;
    bool fits = true;
    if (!to->pixel_stride && !to->row_stride && !to->band_stride) {
        fits = ncr_size_mul(value, (size_t)width, &row) && ncr_size_mul(row, (size_t)height, &plane) &&
               plane <= PTRDIFF_MAX;
        to->pixel_stride = (ptrdiff_t)value;
        to->row_stride = fits ? (ptrdiff_t)row : 0;
        to->band_stride = fits ? (ptrdiff_t)plane : 0;
    }
    read->plane_count = to->band_count ? to->band_count : 1;
    read->size = value;
    if (fits && add_extent(&read->size, width, to->pixel_stride) && add_extent(&read->size, height, to->row_stride) &&
        add_extent(&read->size, read->plane_count, to->band_stride))
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: strides that are not positive, or beyond the memory",
                         ncr_dataset_name(read->dataset));
}

/* A window of whole pixels in its own size is not resampled: it may have been computed. */
static void straighten(ncr_read *read)
{
    nacre_window *window = &read->request.window;
    double x = round(window->x), y = round(window->y);
    int width = read->request.out_width, height = read->request.out_height;
    if (fabs(window->x - x) <= slack && fabs(window->y - y) <= slack && fabs(window->width - width) <= slack &&
        fabs(window->height - height) <= slack)
        *window = (nacre_window){x, y, width, height};
}

static nacre_status check(ncr_read *read, const nacre_read_options *options, nacre_error *err)
{
    if (!read->dataset->band_count)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: it has no bands", ncr_dataset_name(read->dataset));
    read->request.resampling = options->resampling;
    nacre_status status = check_window(read, options, err);
    if (status == NACRE_OK)
        status = choose_bands(read, options, err);
    if (status == NACRE_OK)
        status = choose_dtype(read, options, err);
    if (status == NACRE_OK)
        status = choose_strides(read, options, err);
    if (status == NACRE_OK && read->is_framed)
        ncr_frame_find(read);
    else if (status == NACRE_OK)
        straighten(read);
    return status;
}

nacre_status ncr_read_init(ncr_read *out, ncr_dataset *dataset, const nacre_read_options *options, nacre_error *err)
{
    static const nacre_read_options defaults = NACRE_READ_OPTIONS_INIT;
    *out = (ncr_read){.dataset = ncr_dataset_ref(dataset)};
    nacre_read_options known = defaults;
    if (options) /* of a caller that does not know of the last ones yet */
        memcpy(&known, options, options->size < sizeof known ? offsetof(nacre_read_options, boundless) : sizeof known);
    nacre_status status = check(out, &known, err);
    if (status != NACRE_OK)
        ncr_read_clear(out);
    return status;
}

void ncr_read_clear(ncr_read *read)
{
    ncr_dataset_unref(read->dataset);
    free(read->bands);
    *read = (ncr_read){0};
}

nacre_status ncr_read_set_buffer(ncr_read *read, void *buffer, size_t buffer_size, nacre_error *err)
{
    read->request.to.buffer = buffer;
    if (buffer && read->size <= buffer_size)
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: the buffer has %zu bytes, and %zu are needed",
                         ncr_dataset_name(read->dataset), buffer ? buffer_size : 0, read->size);
}

nacre_status ncr_read_plan(const ncr_read *read, ncr_call *call, ncr_plan **out, nacre_error *err)
{
    if (read->is_framed)
        return ncr_frame_plan(read, call, out, err);
    return ncr_windows_plan(read->dataset, &read->request, read->masks, call, out, err);
}
