/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <math.h>
#include <nacre/dataset.h>
#include <stdlib.h>

#include "base/memory.h"
#include "raster/dataset.h"
#include "raster/dtype.h"
#include "raster/execute.h"

/* nacre_dataset_read(): checks, then one plan, or several in succession where one would need too much memory. */

/* Windows that were computed may miss the edge by rounding, by so much of a pixel. */
static const double slack = 1e-6;

/* Pixels that a length in pixels takes, at least one. */
static int pixels_of(double length)
{
    double whole = ceil(length - slack);
    return whole < 1 ? 1 : (int)whole;
}

/* A checked request. */
typedef struct {
    ncr_dataset *dataset;
    ncr_scaled_request request;
    int *all_bands; /* owned; where the caller named none */
    bool masks;     /* the masks of the bands, or of the dataset where there are none */
    bool is_whole;  /* unresampled: `rect` is what is read */
    ncr_rect rect;
    ncr_call *call;
} job;

static nacre_status check_window(job *j, const nacre_read_options *options, nacre_error *err)
{
    const ncr_dataset *dataset = j->dataset;
    nacre_window window = options->window;
    if (window.x == 0 && window.y == 0 && window.width == 0 && window.height == 0)
        window = (nacre_window){0, 0, dataset->width, dataset->height};
    bool inside = window.x >= -slack && window.y >= -slack && window.width > 0 && window.height > 0 &&
                  window.x + window.width <= dataset->width + slack &&
                  window.y + window.height <= dataset->height + slack;
    if (!inside)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: window %g,%g,%g,%g lies outside the raster of %dx%d",
                             ncr_dataset_name(dataset), window.x, window.y, window.width, window.height, dataset->width,
                             dataset->height);
    if (options->out_width < 0 || options->out_height < 0)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: output of %dx%d pixels", ncr_dataset_name(dataset),
                             options->out_width, options->out_height);
    j->request.window = window;
    j->request.out_width = options->out_width ? options->out_width : pixels_of(window.width);
    j->request.out_height = options->out_height ? options->out_height : pixels_of(window.height);
    return NACRE_OK;
}

static nacre_status choose_bands(job *j, const nacre_read_options *options, nacre_error *err)
{
    ncr_read_request *to = &j->request.to;
    if (options->dataset_mask)
        return NACRE_OK;
    if (options->bands && options->band_count > 0) {
        to->bands = options->bands;
        to->band_count = options->band_count;
    } else {
        to->band_count = j->dataset->band_count;
        j->all_bands = ncr_alloc_array((size_t)to->band_count, sizeof *j->all_bands);
        if (!j->all_bands)
            return ncr_error_memory(err);
        for (int i = 0; i < to->band_count; i++)
            j->all_bands[i] = i + 1;
        to->bands = j->all_bands;
    }
    for (int i = 0; i < to->band_count; i++)
        if (to->bands[i] < 1 || to->bands[i] > j->dataset->band_count)
            return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: no band %d: it has %d", ncr_dataset_name(j->dataset),
                                 to->bands[i], j->dataset->band_count);
    return NACRE_OK;
}

static nacre_status choose_dtype(job *j, const nacre_read_options *options, nacre_error *err)
{
    j->masks = options->masks || options->dataset_mask;
    nacre_dtype dtype = options->dtype;
    if (dtype == NACRE_DTYPE_UNKNOWN)
        dtype = j->masks ? NACRE_DTYPE_UINT8 : j->dataset->bands[j->request.to.bands[0] - 1].dtype;
    if (!ncr_dtype_size(dtype))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: unknown data type %d", ncr_dataset_name(j->dataset),
                             (int)dtype);
    if (j->masks && dtype != NACRE_DTYPE_UINT8)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: masks are uint8, not %s", ncr_dataset_name(j->dataset),
                             ncr_dtype_name(dtype));
    j->request.to.dtype = dtype;
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

static nacre_status check_buffer(job *j, const nacre_read_options *options, void *buffer, size_t buffer_size,
                                 nacre_error *err)
{
    ncr_read_request *to = &j->request.to;
    size_t value = ncr_dtype_size(to->dtype), row, plane;
    to->buffer = buffer;
    to->pixel_stride = options->pixel_stride;
    to->row_stride = options->row_stride;
    to->band_stride = options->band_stride;
    bool fits = true;
    if (!to->pixel_stride && !to->row_stride && !to->band_stride) {
        fits = ncr_size_mul(value, (size_t)j->request.out_width, &row) &&
               ncr_size_mul(row, (size_t)j->request.out_height, &plane) && plane <= PTRDIFF_MAX;
        to->pixel_stride = (ptrdiff_t)value;
        to->row_stride = fits ? (ptrdiff_t)row : 0;
        to->band_stride = fits ? (ptrdiff_t)plane : 0;
    }
    size_t needed = value;
    fits = fits && add_extent(&needed, j->request.out_width, to->pixel_stride) &&
           add_extent(&needed, j->request.out_height, to->row_stride) &&
           add_extent(&needed, to->band_count, to->band_stride);
    if (!fits)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: strides that are not positive, or beyond the memory",
                             ncr_dataset_name(j->dataset));
    if (!buffer || needed > buffer_size)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: the buffer has %zu bytes, and %zu are needed",
                             ncr_dataset_name(j->dataset), buffer ? buffer_size : 0, needed);
    return NACRE_OK;
}

/* Whether the window is of whole pixels in its own size, and so nothing is resampled. */
static void find_rect(job *j)
{
    const nacre_window *window = &j->request.window;
    double x = round(window->x), y = round(window->y);
    j->is_whole = fabs(window->x - x) <= slack && fabs(window->y - y) <= slack &&
                  fabs(window->width - j->request.out_width) <= slack &&
                  fabs(window->height - j->request.out_height) <= slack;
    j->rect = (ncr_rect){(int64_t)x, (int64_t)y, j->request.out_width, j->request.out_height};
}

static nacre_status check(job *j, const nacre_read_options *options, void *buffer, size_t buffer_size, nacre_error *err)
{
    if (!j->dataset->band_count)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: it has no bands", ncr_dataset_name(j->dataset));
    j->request.resampling = options->resampling;
    nacre_status status = check_window(j, options, err);
    if (status == NACRE_OK)
        status = choose_bands(j, options, err);
    if (status == NACRE_OK)
        status = choose_dtype(j, options, err);
    if (status == NACRE_OK)
        status = check_buffer(j, options, buffer, buffer_size, err);
    if (status == NACRE_OK)
        find_rect(j);
    return status;
}

/* A plan for the part of the rect that is given, straight into its place in the buffer. */
static nacre_status plan_part(const job *j, const ncr_rect *part, ncr_scaled_request *request, ncr_plan **out,
                              nacre_error *err)
{
    *request = j->request;
    request->window = (nacre_window){(double)part->x, (double)part->y, (double)part->width, (double)part->height};
    request->out_width = (int)part->width;
    request->out_height = (int)part->height;
    request->to.window = *part;
    request->to.buffer += (ptrdiff_t)(part->y - j->rect.y) * request->to.row_stride +
                          (ptrdiff_t)(part->x - j->rect.x) * request->to.pixel_stride;
    if (j->masks)
        return ncr_dataset_plan_masks(j->dataset, request, j->call, out, err);
    return ncr_dataset_plan_read(j->dataset, &request->to, j->call, out, err);
}

/* How long the next part of [start, end) is: about `wanted`, in full blocks as far as that can be, and all of it where
 * a cut would fall inside one block, which would then be decoded twice. */
static int64_t part_length(int64_t start, int64_t end, int64_t wanted, int block)
{
    int64_t cut = start + (wanted > 1 ? wanted : 1);
    if (block > 1)
        cut = cut / block * block > start ? cut / block * block : (start / block + 1) * block;
    return (cut < end ? cut : end) - start;
}

static nacre_status read_rect(const job *j, const ncr_rect *rect, size_t limit, nacre_error *err);

/* Reads a rect whose plan would need `parts` times the memory there is, in rows of blocks or else in columns of them.
 * Sets *is_cut false where it is one block. */
static nacre_status read_parts(const job *j, const ncr_rect *rect, size_t parts, size_t limit, bool *is_cut,
                               nacre_error *err)
{
    const ncr_band *band = &j->dataset->bands[0];
    int64_t bottom = rect->y + rect->height, right = rect->x + rect->width;
    int64_t rows = rect->height / (int64_t)parts, columns = rect->width / (int64_t)parts;
    bool by_rows = part_length(rect->y, bottom, rows, band->block_height) < rect->height;
    bool by_columns = !by_rows && part_length(rect->x, right, columns, band->block_width) < rect->width;
    *is_cut = by_rows || by_columns;
    nacre_status status = NACRE_OK;
    ncr_rect part = *rect;
    for (; by_rows && part.y < bottom && status == NACRE_OK; part.y += part.height) {
        part.height = part_length(part.y, bottom, rows, band->block_height);
        status = read_rect(j, &part, limit, err);
    }
    for (; by_columns && part.x < right && status == NACRE_OK; part.x += part.width) {
        part.width = part_length(part.x, right, columns, band->block_width);
        status = read_rect(j, &part, limit, err);
    }
    return status;
}

/* Reads a rect, part by part where its plan would need more memory than there is; each part is at least a block
 * smaller than what it is a part of, and so this ends. */
static nacre_status read_rect(const job *j, const ncr_rect *rect, size_t limit, nacre_error *err)
{
    ncr_scaled_request request; /* lives as long as the plan */
    ncr_plan *plan = NULL;
    nacre_status status = plan_part(j, rect, &request, &plan, err);
    if (status != NACRE_OK)
        return status;
    size_t estimate = ncr_plan_estimate(plan);
    if (estimate > limit) {
        bool is_cut;
        ncr_plan_free(plan);
        plan = NULL;
        size_t parts = estimate / limit + 1;
        status = read_parts(j, rect, parts < INT32_MAX ? parts : INT32_MAX, limit, &is_cut, err);
        if (is_cut)
            return status;
        status = plan_part(j, rect, &request, &plan, err);
    }
    if (status == NACRE_OK)
        status = ncr_execute(plan, err);
    ncr_plan_free(plan);
    return status;
}

static nacre_status read_scaled(const job *j, nacre_error *err)
{
    ncr_plan *plan = NULL;
    nacre_status status = j->masks ? ncr_dataset_plan_masks(j->dataset, &j->request, j->call, &plan, err)
                                   : ncr_dataset_plan_scaled(j->dataset, &j->request, j->call, &plan, err);
    if (status == NACRE_OK)
        status = ncr_execute(plan, err);
    ncr_plan_free(plan);
    return status;
}

static nacre_status run(job *j, nacre_error *err)
{
    nacre_status status = ncr_call_check(j->call, ncr_dataset_name(j->dataset), err);
    if (status != NACRE_OK)
        return status;
    if (!j->is_whole)
        return read_scaled(j, err);
    int64_t limit = ncr_config_number(j->call->config, NCR_KEY_MEMORY_LIMIT);
    return read_rect(j, &j->rect, limit > 0 ? (size_t)limit : SIZE_MAX, err);
}

nacre_status nacre_dataset_read(nacre_dataset *dataset, const nacre_read_options *read_options,
                                const nacre_io_options *options, void *buffer, size_t buffer_size, nacre_error *err)
{
    static const nacre_read_options defaults = NACRE_READ_OPTIONS_INIT;
    job j = {.dataset = dataset};
    nacre_status status = check(&j, read_options ? read_options : &defaults, buffer, buffer_size, err);
    if (status == NACRE_OK)
        status = ncr_call_new(options, &j.call, err);
    if (status == NACRE_OK) {
        status = run(&j, err);
        ncr_call_report(j.call, options);
    }
    ncr_call_unref(j.call);
    free(j.all_bands);
    return status;
}
