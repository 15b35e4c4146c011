/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "raster/canvas.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "raster/dtype.h"
#include "raster/execute.h"
#include "raster/nodata.h"

/* --- Chunks --- */

enum { CHUNK_SIDE = 1024, CHUNKS_MAX = 1 << 27 };

static const ncr_dataset_class canvas_class;

ncr_canvas *ncr_canvas_of(ncr_dataset *dataset)
{
    return dataset->class == &canvas_class ? (ncr_canvas *)dataset : NULL;
}

static nacre_dtype plane_dtype(const ncr_canvas *canvas, int plane)
{
    return plane < canvas->base.band_count ? canvas->base.bands[plane].dtype : NACRE_DTYPE_UINT8;
}

static size_t chunk_count(const ncr_canvas *canvas)
{
    return (size_t)canvas->across * (size_t)canvas->down;
}

static uint64_t place_of(const ncr_canvas *canvas, int plane, int64_t x, int64_t y)
{
    const uint64_t *places = canvas->places[plane];
    return places ? places[y * canvas->across + x] : 0;
}

/* The part of a chunk that a rectangle covers. */
static ncr_rect part_of(const ncr_canvas *canvas, int64_t x, int64_t y, const ncr_rect *window)
{
    int64_t left = x * canvas->chunk_width, top = y * canvas->chunk_height;
    int64_t right = left + canvas->chunk_width, bottom = top + canvas->chunk_height;
    ncr_rect part = {window->x > left ? window->x : left, window->y > top ? window->y : top, 0, 0};
    int64_t window_right = window->x + window->width, window_bottom = window->y + window->height;
    part.width = (window_right < right ? window_right : right) - part.x;
    part.height = (window_bottom < bottom ? window_bottom : bottom) - part.y;
    return part;
}

/* The pixels of a chunk that lie in the raster. */
static ncr_rect chunk_rect(const ncr_canvas *canvas, int64_t x, int64_t y)
{
    ncr_rect whole = {0, 0, canvas->base.width, canvas->base.height};
    return part_of(canvas, x, y, &whole);
}

/* Place of a pixel in the scratch, for a chunk that is there. */
static uint64_t pixel_place(const ncr_canvas *canvas, uint64_t place, size_t value, int64_t x, int64_t y)
{
    uint64_t column = (uint64_t)(x % canvas->chunk_width), row = (uint64_t)(y % canvas->chunk_height);
    return place - 1 + (row * (uint64_t)canvas->chunk_width + column) * value;
}

/* The chunks [x, end_x) by [y, end_y) under a rectangle. */
typedef struct span {
    int64_t x, y, end_x, end_y;
} span;

static span span_of(const ncr_canvas *canvas, const ncr_rect *window)
{
    return (span){window->x / canvas->chunk_width, window->y / canvas->chunk_height,
                  (window->x + window->width - 1) / canvas->chunk_width + 1,
                  (window->y + window->height - 1) / canvas->chunk_height + 1};
}

static bool is_plane_touched(const ncr_canvas *canvas, const ncr_rect *area, int plane)
{
    span s = span_of(canvas, area);
    for (int64_t y = s.y; y < s.end_y && canvas->places[plane]; y++)
        for (int64_t x = s.x; x < s.end_x; x++)
            if (place_of(canvas, plane, x, y))
                return true;
    return false;
}

static bool is_plane_written(const ncr_canvas *canvas, const ncr_rect *area, int plane)
{
    span s = span_of(canvas, area);
    for (int64_t y = s.y; y < s.end_y; y++)
        for (int64_t x = s.x; x < s.end_x; x++)
            if (!place_of(canvas, plane, x, y))
                return false;
    return true;
}

bool ncr_canvas_is_touched(const ncr_canvas *canvas, const ncr_rect *area, int plane)
{
    int bands = canvas->base.band_count;
    if (plane >= -1)
        return is_plane_touched(canvas, area, plane < 0 ? bands : plane);
    for (int i = 0; i <= bands; i++)
        if (is_plane_touched(canvas, area, i))
            return true;
    return false;
}

/* --- Building and releasing --- */

static void free_canvas(ncr_dataset *dataset)
{
    ncr_canvas *canvas = (ncr_canvas *)dataset;
    if (canvas->free_owner)
        canvas->free_owner(canvas->owner);
    for (int i = 0; canvas->places && i <= dataset->band_count; i++)
        free(canvas->places[i]);
    free(canvas->places);
    ncr_scratch_clear(&canvas->scratch);
    ncr_dataset_unref(canvas->below);
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static nacre_status init_chunks(ncr_canvas *canvas, int block_width, int block_height, nacre_error *err)
{
    const ncr_dataset *dataset = &canvas->base;
    canvas->chunk_width = smaller(block_width > 0 ? block_width : CHUNK_SIDE, CHUNK_SIDE);
    canvas->chunk_height = smaller(block_height > 0 ? block_height : CHUNK_SIDE, CHUNK_SIDE);
    canvas->across = (dataset->width - 1) / canvas->chunk_width + 1;
    canvas->down = (dataset->height - 1) / canvas->chunk_height + 1;
    canvas->places = ncr_alloc_array((size_t)dataset->band_count + 1, sizeof *canvas->places);
    if ((int64_t)canvas->across * canvas->down > CHUNKS_MAX)
        return ncr_error_set(err, NACRE_ERROR_TOO_LARGE, "%s: %d x %d pixels in blocks of %d x %d: choose larger ones",
                             dataset->path, dataset->width, dataset->height, block_width, block_height);
    return canvas->places ? NACRE_OK : ncr_error_memory(err);
}

nacre_status ncr_canvas_new(const char *path, int width, int height, int band_count, nacre_dtype dtype, int block_width,
                            int block_height, ncr_canvas **out, nacre_error *err)
{
    *out = NULL;
    ncr_canvas *canvas = (ncr_canvas *)ncr_dataset_new(sizeof *canvas, &canvas_class, path, NULL, band_count);
    if (!canvas)
        return ncr_error_memory(err);
    ncr_scratch_init(&canvas->scratch);
    canvas->base.width = width;
    canvas->base.height = height;
    for (int i = 0; i < band_count; i++) {
        ncr_band *band = &canvas->base.bands[i];
        band->dtype = dtype;
        band->bits = (int)ncr_dtype_size(dtype) * 8;
        band->block_width = block_width;
        band->block_height = block_height;
        band->color = i ? NACRE_COLOR_UNDEFINED : NACRE_COLOR_GRAY;
    }
    nacre_status status = init_chunks(canvas, block_width, block_height, err);
    if (status == NACRE_OK)
        *out = canvas;
    else
        ncr_dataset_unref(&canvas->base);
    return status;
}

static nacre_status describe_as(ncr_canvas *canvas, const ncr_dataset *from, nacre_error *err)
{
    ncr_dataset *to = &canvas->base;
    nacre_status status = ncr_metadata_copy(&to->metadata, &from->metadata, err);
    for (int i = 0; i < from->band_count && status == NACRE_OK; i++) {
        status = ncr_band_copy(&to->bands[i], &from->bands[i], err);
        to->bands[i].block_width = from->bands[i].block_width;
        to->bands[i].block_height = from->bands[i].block_height;
    }
    to->alpha_band = from->alpha_band;
    to->interleave = from->interleave;
    to->is_tiled = from->is_tiled;
    to->is_cog = from->is_cog;
    ncr_canvas_set_crs(canvas, from->crs);
    ncr_canvas_set_transform(canvas, from->has_transform ? &from->transform : NULL);
    if (status == NACRE_OK)
        status = ncr_canvas_set_gcps(canvas, from->gcps, from->gcp_count, from->gcp_crs, err);
    to->overviews = ncr_alloc_array((size_t)from->overview_count, sizeof *to->overviews);
    to->compression = from->compression ? strdup(from->compression) : NULL;
    if ((from->overview_count && !to->overviews) || (from->compression && !to->compression))
        return ncr_error_memory(err);
    if (from->overview_count)
        memcpy(to->overviews, from->overviews, (size_t)from->overview_count * sizeof *to->overviews);
    to->overview_count = from->overview_count;
    return status;
}

nacre_status ncr_canvas_over(ncr_dataset *below, ncr_canvas **out, nacre_error *err)
{
    *out = NULL;
    if (ncr_dataset_has_own_masks(below))
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED,
                             "%s: its bands have masks of their own, which an update would lose", below->path);
    ncr_canvas *canvas =
        (ncr_canvas *)ncr_dataset_new(sizeof *canvas, &canvas_class, below->path, below->file, below->band_count);
    if (!canvas)
        return ncr_error_memory(err);
    ncr_scratch_init(&canvas->scratch);
    canvas->base.width = below->width;
    canvas->base.height = below->height;
    canvas->below = ncr_dataset_ref(below);
    canvas->has_mask = below->band_count && below->bands[0].mask_flags == NACRE_MASK_PER_DATASET;
    nacre_status status = describe_as(canvas, below, err);
    if (status == NACRE_OK)
        status = init_chunks(canvas, below->bands[0].block_width, below->bands[0].block_height, err);
    canvas->is_changed = false;
    if (status == NACRE_OK)
        *out = canvas;
    else
        ncr_dataset_unref(&canvas->base);
    return status;
}

nacre_status ncr_canvas_settle(ncr_canvas *canvas, ncr_dataset *below, nacre_error *err)
{
    ncr_dataset *base = &canvas->base;
    int(*overviews)[2] = ncr_alloc_array((size_t)below->overview_count, sizeof *overviews);
    if (below->overview_count && !overviews)
        return ncr_error_memory(err);
    if (below->overview_count)
        memcpy(overviews, below->overviews, (size_t)below->overview_count * sizeof *overviews);
    free(base->overviews);
    base->overviews = overviews;
    base->overview_count = below->overview_count;
    for (int i = 0; i <= base->band_count; i++) {
        free(canvas->places[i]);
        canvas->places[i] = NULL;
    }
    ncr_scratch_clear(&canvas->scratch);
    ncr_scratch_init(&canvas->scratch);
    ncr_dataset *before = canvas->below;
    canvas->below = ncr_dataset_ref(below);
    ncr_dataset_unref(before);
    return NACRE_OK;
}

/* --- Writing --- */

/* Fills a chunk with what would be read there now. */
static nacre_status fill_chunk(const ncr_canvas *canvas, int plane, const ncr_rect *area, uint8_t *chunk,
                               ncr_call *call, nacre_error *err)
{
    bool is_mask = plane == canvas->base.band_count;
    nacre_dtype dtype = plane_dtype(canvas, plane);
    size_t value = ncr_dtype_size(dtype), count = (size_t)canvas->chunk_width * (size_t)canvas->chunk_height;
    if (canvas->below && (!is_mask || canvas->has_mask)) {
        int band = plane + 1;
        ncr_read_request request = {.window = *area,
                                    .bands = is_mask ? NULL : &band,
                                    .band_count = is_mask ? 0 : 1,
                                    .mask = is_mask,
                                    .dtype = dtype,
                                    .buffer = chunk,
                                    .pixel_stride = (ptrdiff_t)value,
                                    .row_stride = (ptrdiff_t)(value * (size_t)canvas->chunk_width),
                                    .band_stride = (ptrdiff_t)(value * count)};
        ncr_plan *plan = NULL;
        nacre_status status = ncr_dataset_plan_read(canvas->below, &request, call, &plan, err);
        if (status == NACRE_OK)
            status = ncr_execute(plan, err);
        ncr_plan_free(plan);
        return status;
    }
    double fill = is_mask ? 0 : ncr_nodata_fill(&canvas->base.bands[plane].nodata, dtype);
    if (fill != 0)
        ncr_convert(&fill, NACRE_DTYPE_FLOAT64, 0, chunk, dtype, (ptrdiff_t)value, count);
    return NACRE_OK;
}

/* Converts a row of the request into a plane's own values. */
static void convert_row(const ncr_write_request *r, const uint8_t *from, nacre_dtype dtype, uint8_t *to, size_t count)
{
    ncr_convert(from, r->dtype, r->pixel_stride, to, dtype, (ptrdiff_t)ncr_dtype_size(dtype), count);
    for (size_t i = 0; r->mask && i < count; i++)
        to[i] = to[i] ? 255 : 0;
}

static nacre_status write_rows(ncr_canvas *canvas, const ncr_write_request *r, const uint8_t *plane_data, int plane,
                               const ncr_rect *part, uint64_t place, uint8_t *row, nacre_error *err)
{
    nacre_dtype dtype = plane_dtype(canvas, plane);
    size_t value = ncr_dtype_size(dtype), count = (size_t)part->width;
    nacre_status status = NACRE_OK;
    for (int64_t y = part->y; y < part->y + part->height && status == NACRE_OK; y++) {
        const uint8_t *from = plane_data + (ptrdiff_t)(y - r->window.y) * r->row_stride +
                              (ptrdiff_t)(part->x - r->window.x) * r->pixel_stride;
        convert_row(r, from, dtype, row, count);
        status =
            ncr_scratch_write(&canvas->scratch, pixel_place(canvas, place, value, part->x, y), row, count * value, err);
    }
    return status;
}

/* A chunk that was not there: whole, in one write. */
static nacre_status write_new(ncr_canvas *canvas, const ncr_write_request *r, const uint8_t *plane_data, int plane,
                              const ncr_rect *chunk_area, const ncr_rect *part, uint64_t *place, ncr_call *call,
                              nacre_error *err)
{
    nacre_dtype dtype = plane_dtype(canvas, plane);
    size_t value = ncr_dtype_size(dtype), row = value * (size_t)canvas->chunk_width;
    uint8_t *chunk = ncr_alloc_array(row, (size_t)canvas->chunk_height);
    if (!chunk)
        return ncr_error_memory(err);
    bool is_whole = part->width == chunk_area->width && part->height == chunk_area->height;
    nacre_status status = is_whole ? NACRE_OK : fill_chunk(canvas, plane, chunk_area, chunk, call, err);
    for (int64_t y = part->y; y < part->y + part->height && status == NACRE_OK; y++) {
        const uint8_t *from = plane_data + (ptrdiff_t)(y - r->window.y) * r->row_stride +
                              (ptrdiff_t)(part->x - r->window.x) * r->pixel_stride;
        convert_row(r, from, dtype,
                    chunk + (size_t)(y - chunk_area->y) * row + (size_t)(part->x - chunk_area->x) * value,
                    (size_t)part->width);
    }
    uint64_t at = canvas->scratch.size;
    if (status == NACRE_OK)
        status = ncr_scratch_write(&canvas->scratch, at, chunk, row * (size_t)canvas->chunk_height, err);
    if (status == NACRE_OK)
        *place = at + 1;
    free(chunk);
    return status;
}

static nacre_status write_plane(ncr_canvas *canvas, const ncr_write_request *r, const uint8_t *plane_data, int plane,
                                ncr_call *call, nacre_error *err)
{
    span s = span_of(canvas, &r->window);
    nacre_status status = NACRE_OK;
    if (!canvas->places[plane])
        canvas->places[plane] = ncr_alloc_array(chunk_count(canvas), sizeof **canvas->places);
    uint8_t *row = ncr_alloc_array((size_t)canvas->chunk_width, ncr_dtype_size(plane_dtype(canvas, plane)));
    if (!canvas->places[plane] || !row)
        status = ncr_error_memory(err);
    for (int64_t y = s.y; y < s.end_y && status == NACRE_OK; y++)
        for (int64_t x = s.x; x < s.end_x && status == NACRE_OK; x++) {
            ncr_rect part = part_of(canvas, x, y, &r->window), area = chunk_rect(canvas, x, y);
            uint64_t *place = &canvas->places[plane][y * canvas->across + x];
            status = *place ? write_rows(canvas, r, plane_data, plane, &part, *place, row, err)
                            : write_new(canvas, r, plane_data, plane, &area, &part, place, call, err);
        }
    free(row);
    return status;
}

nacre_status ncr_canvas_write(ncr_canvas *canvas, const ncr_write_request *request, ncr_call *call, nacre_error *err)
{
    int count = request->mask ? 1 : request->band_count;
    nacre_status status = NACRE_OK;
    canvas->is_changed = true;
    for (int i = 0; i < count && status == NACRE_OK; i++) {
        status = ncr_call_check(call, canvas->base.path, err);
        if (status == NACRE_OK)
            status = write_plane(canvas, request, request->buffer + i * request->band_stride,
                                 request->mask ? canvas->base.band_count : request->bands[i] - 1, call, err);
    }
    if (status == NACRE_OK && request->mask && !canvas->has_mask) {
        canvas->has_mask = true;
        ncr_dataset_set_mask_flags(&canvas->base, true);
    }
    return status;
}

/* --- Reading: what lies below first, then what was written over it --- */

typedef struct canvas_plan {
    ncr_plan plan;
    ncr_canvas *canvas; /* referenced */
    ncr_read_request request;
    ncr_plan *below; /* NULL: not needed */
} canvas_plan;

static nacre_status step(ncr_plan *plan, ncr_wants *wants, bool *more, nacre_error *err)
{
    canvas_plan *p = (canvas_plan *)plan;
    *more = false;
    return p->below ? ncr_plan_step_child(p->below, wants, more, err) : NACRE_OK;
}

/* Fills a part that was never written, where there is nothing below. */
static void fill_part(const canvas_plan *p, int plane, const ncr_rect *part, uint8_t *to)
{
    const ncr_read_request *r = &p->request;
    bool is_mask = plane == p->canvas->base.band_count;
    double fill = is_mask ? 0 : ncr_nodata_fill(&p->canvas->base.bands[plane].nodata, plane_dtype(p->canvas, plane));
    for (int64_t y = 0; y < part->height; y++)
        ncr_convert(&fill, NACRE_DTYPE_FLOAT64, 0, to + y * r->row_stride, r->dtype, r->pixel_stride,
                    (size_t)part->width);
}

static nacre_status copy_part(const canvas_plan *p, int plane, const ncr_rect *part, uint64_t place, uint8_t *row,
                              uint8_t *to, nacre_error *err)
{
    const ncr_read_request *r = &p->request;
    nacre_dtype dtype = plane_dtype(p->canvas, plane);
    size_t value = ncr_dtype_size(dtype);
    nacre_status status = NACRE_OK;
    for (int64_t y = 0; y < part->height && status == NACRE_OK; y++) {
        status = ncr_scratch_read(&p->canvas->scratch, pixel_place(p->canvas, place, value, part->x, part->y + y), row,
                                  (size_t)part->width * value, err);
        if (status == NACRE_OK)
            ncr_convert(row, dtype, (ptrdiff_t)value, to + y * r->row_stride, r->dtype, r->pixel_stride,
                        (size_t)part->width);
    }
    return status;
}

static nacre_status compose_plane(const canvas_plan *p, int plane, uint8_t *buffer, uint8_t *row, nacre_error *err)
{
    const ncr_read_request *r = &p->request;
    span s = span_of(p->canvas, &r->window);
    nacre_status status = NACRE_OK;
    for (int64_t y = s.y; y < s.end_y && status == NACRE_OK; y++)
        for (int64_t x = s.x; x < s.end_x && status == NACRE_OK; x++) {
            ncr_rect part = part_of(p->canvas, x, y, &r->window);
            uint64_t place = place_of(p->canvas, plane, x, y);
            uint8_t *to = buffer + (ptrdiff_t)(part.y - r->window.y) * r->row_stride +
                          (ptrdiff_t)(part.x - r->window.x) * r->pixel_stride;
            if (place)
                status = copy_part(p, plane, &part, place, row, to, err);
            else if (!p->below)
                fill_part(p, plane, &part, to);
        }
    return status;
}

static nacre_status compose(ncr_plan *plan, nacre_error *err)
{
    const canvas_plan *p = (canvas_plan *)plan;
    const ncr_read_request *r = &p->request;
    int bands = p->canvas->base.band_count;
    if (r->level)
        return NACRE_OK;
    uint8_t *row = ncr_alloc_array((size_t)p->canvas->chunk_width, 16);
    if (!row)
        return ncr_error_memory(err);
    nacre_status status = NACRE_OK;
    for (int i = 0; i < (r->mask ? 1 : r->band_count) && status == NACRE_OK; i++)
        status = compose_plane(p, r->mask ? bands : r->bands[i] - 1, r->buffer + i * r->band_stride, row, err);
    free(row);
    return status;
}

static void free_plan(ncr_plan *plan)
{
    canvas_plan *p = (canvas_plan *)plan;
    ncr_plan_free(p->below);
    ncr_dataset_unref(&p->canvas->base);
    free(p);
}

static size_t estimate(const ncr_plan *plan)
{
    const canvas_plan *p = (const canvas_plan *)plan;
    return p->below ? ncr_plan_estimate(p->below) : 0;
}

/* Whether something of what is asked for was not written. */
static bool needs_below(const ncr_canvas *canvas, const ncr_read_request *r)
{
    if (!canvas->below)
        return false;
    if (r->level)
        return true;
    if (r->mask)
        return canvas->below->bands[0].mask_flags == NACRE_MASK_PER_DATASET &&
               !is_plane_written(canvas, &r->window, canvas->base.band_count);
    for (int i = 0; i < r->band_count; i++)
        if (!is_plane_written(canvas, &r->window, r->bands[i] - 1))
            return true;
    return false;
}

static nacre_status plan_read(ncr_dataset *dataset, const ncr_read_request *request, ncr_call *call, ncr_plan **out,
                              nacre_error *err)
{
    static const ncr_plan_class class = {.step = step, .compose = compose, .free = free_plan, .estimate = estimate};
    ncr_canvas *canvas = (ncr_canvas *)dataset;
    if (canvas->stale == NACRE_ERROR_MEMORY)
        return ncr_error_memory(err);
    if (canvas->stale != NACRE_OK)
        return ncr_error_set(err, canvas->stale, "%s: it was committed, and could not be opened again; open it",
                             dataset->path);
    canvas_plan *p = ncr_plan_new(sizeof *p, &class, call);
    if (!p)
        return ncr_error_memory(err);
    p->canvas = (ncr_canvas *)ncr_dataset_ref(dataset);
    p->request = *request;
    nacre_status status =
        needs_below(canvas, request) ? ncr_dataset_plan_read(canvas->below, request, call, &p->below, err) : NACRE_OK;
    if (status == NACRE_OK)
        *out = &p->plan;
    else
        ncr_plan_free(&p->plan);
    return status;
}

static const ncr_dataset_class canvas_class = {.driver = "canvas", .plan_read = plan_read, .free = free_canvas};
