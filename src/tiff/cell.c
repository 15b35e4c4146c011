/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tiff/cell.h"

#include <stdlib.h>

#include "raster/execute.h"
#include "tiff/update.h"

/* --- Where it is, and what is made of it --- */

static ncr_rect core_of(const ncr_out_cell *c)
{
    const ncr_out_level *level = &c->pyramid->levels[c->level];
    const ncr_tiff_format *format = &level->format;
    int x = c->first_x * format->block_width, y = c->first_y * format->block_height;
    int end_x = c->end_x == level->across ? level->width : c->end_x * format->block_width;
    int end_y = c->end_y == level->down ? level->height : c->end_y * format->block_height;
    return (ncr_rect){x, y, end_x - x, end_y - y};
}

/* The first output of [0, outputs) that belongs to what begins at `at` of [0, inputs): cells share the outputs out
 * among themselves without gaps. */
static int64_t first_output(int64_t at, int inputs, int outputs)
{
    return at == inputs ? outputs : at * outputs / inputs;
}

static void widen(int64_t *start, int64_t *size, int64_t first, int64_t end)
{
    int64_t old_end = *start + *size;
    *start = first < *start ? first : *start;
    *size = (end > old_end ? end : old_end) - *start;
}

static nacre_status add_part(ncr_out_cell *c, int number, nacre_error *err)
{
    const ncr_out_level *above = &c->pyramid->levels[c->level], *level = &c->pyramid->levels[number];
    nacre_resampling resampling = c->pyramid->creation->resampling;
    const ncr_rect *core = &c->core;
    ncr_out_cell_part *part = &c->parts[c->part_count];
    ncr_rect area = {.x = first_output(core->x, above->width, level->width),
                     .y = first_output(core->y, above->height, level->height)};
    area.width = first_output(core->x + core->width, above->width, level->width) - area.x;
    area.height = first_output(core->y + core->height, above->height, level->height) - area.y;
    if (!area.width || !area.height)
        return NACRE_OK;
    *part = (ncr_out_cell_part){.level = number, .area = area};
    c->part_count++;
    nacre_status status =
        ncr_reduce_axis_init(&part->x, resampling, above->width, level->width, (int)area.x, (int)area.width, err);
    if (status == NACRE_OK)
        status = ncr_reduce_axis_init(&part->y, resampling, above->height, level->height, (int)area.y, (int)area.height,
                                      err);
    if (status != NACRE_OK)
        return status;
    widen(&c->area.x, &c->area.width, part->x.input_first, part->x.input_end);
    widen(&c->area.y, &c->area.height, part->y.input_first, part->y.input_end);
    return NACRE_OK;
}

static nacre_status add_parts(ncr_out_cell *c, nacre_error *err)
{
    const ncr_pyramid *pyramid = c->pyramid;
    c->core = c->area = core_of(c);
    c->parts = ncr_alloc_array((size_t)pyramid->level_count, sizeof *c->parts);
    nacre_status status = c->parts ? NACRE_OK : ncr_error_memory(err);
    for (int i = c->level + 1; i < pyramid->level_count && status == NACRE_OK; i++)
        if (pyramid->levels[i].parent == c->level)
            status = add_part(c, i, err);
    return status;
}

/* --- Reading --- */

nacre_status ncr_out_cell_keep(const ncr_pyramid *pyramid, ncr_out_level *level, const ncr_rect *area, uint8_t *pixels,
                               uint8_t *mask, bool write, nacre_error *err)
{
    uint64_t width = (uint64_t)level->width, plane = width * (uint64_t)level->height * pyramid->pixel_size;
    size_t row = (size_t)area->width * pyramid->pixel_size;
    nacre_status status = NACRE_OK;
    for (int64_t y = 0; y < area->height && status == NACRE_OK; y++) {
        uint64_t at = (uint64_t)(area->y + y) * width + (uint64_t)area->x;
        uint8_t *line = pixels + (size_t)y * row, *mask_line = mask ? mask + y * area->width : NULL;
        size_t mask_row = mask ? (size_t)area->width : 0;
        status = write ? ncr_scratch_write(&level->pixels, at * pyramid->pixel_size, line, row, err)
                       : ncr_scratch_read(&level->pixels, at * pyramid->pixel_size, line, row, err);
        if (status == NACRE_OK && mask_row)
            status = write ? ncr_scratch_write(&level->pixels, plane + at, mask_line, mask_row, err)
                           : ncr_scratch_read(&level->pixels, plane + at, mask_line, mask_row, err);
    }
    return status;
}

static void plan_done(void *user, nacre_status status, const nacre_error *error)
{
    ncr_out_cell *c = user;
    pthread_mutex_lock(&c->latch.lock);
    if (status != NACRE_OK && c->status == NACRE_OK) {
        c->status = status;
        c->error = *error;
    }
    pthread_mutex_unlock(&c->latch.lock);
    ncr_latch_down(&c->latch);
}

/* The requests for the pixels and, where there is one, the mask. */
static nacre_status make_requests(ncr_out_cell *c, nacre_error *err)
{
    const ncr_pyramid *pyramid = c->pyramid;
    const ncr_creation *creation = pyramid->creation;
    int source = pyramid->levels[c->level].source;
    c->bands = ncr_alloc_array((size_t)creation->band_count + 1, sizeof *c->bands);
    if (!c->bands)
        return ncr_error_memory(err);
    for (int i = 0; i <= creation->band_count; i++)
        c->bands[i] = i + 1; /* the last of them is the alpha band that becomes the mask, where there is one */
    c->requests[0] = (ncr_read_request){.level = source,
                                        .window = c->area,
                                        .bands = c->bands,
                                        .band_count = creation->band_count,
                                        .dtype = creation->dtype,
                                        .buffer = c->pixels,
                                        .pixel_stride = (ptrdiff_t)pyramid->pixel_size,
                                        .row_stride = (ptrdiff_t)pyramid->pixel_size * (ptrdiff_t)c->area.width,
                                        .band_stride = (ptrdiff_t)pyramid->value_size};
    c->requests[1] = (ncr_read_request){.level = source,
                                        .window = c->area,
                                        .mask = !creation->mask_of_alpha,
                                        .bands = creation->mask_of_alpha ? c->bands + creation->band_count : NULL,
                                        .band_count = creation->mask_of_alpha ? 1 : 0,
                                        .dtype = NACRE_DTYPE_UINT8,
                                        .buffer = c->mask,
                                        .pixel_stride = 1,
                                        .row_stride = (ptrdiff_t)c->area.width,
                                        .band_stride = 1};
    return NACRE_OK;
}

static nacre_status begin_reading(ncr_out_cell *c, nacre_error *err)
{
    const ncr_save *save = c->pyramid->save;
    size_t count = c->mask ? 2 : 1;
    nacre_status status = make_requests(c, err);
    for (size_t i = 0; i < count && status == NACRE_OK; i++)
        status = ncr_dataset_plan_read(save->dataset, &c->requests[i], save->call, &c->plans[i], err);
    if (status != NACRE_OK)
        return status;
    ncr_latch_init(&c->latch, count);
    c->is_reading = true;
    for (size_t i = 0; i < count; i++)
        ncr_execute_start(c->plans[i], plan_done, c);
    return NACRE_OK;
}

nacre_status ncr_out_cell_begin(ncr_out_cell *c, nacre_error *err)
{
    ncr_pyramid *pyramid = c->pyramid;
    nacre_status status = add_parts(c, err);
    if (status != NACRE_OK)
        return status;
    if (!c->part_count && ncr_update_of(pyramid->save) &&
        ncr_update_stays(pyramid, c->level, c->first_x, c->first_y, c->end_x, c->end_y))
        return NACRE_OK; /* no pixel is needed */
    size_t count = (size_t)c->area.width * (size_t)c->area.height;
    c->pixels = ncr_alloc_array(count, pyramid->pixel_size);
    if (pyramid->has_mask)
        c->mask = ncr_alloc_array(count, 1);
    if (!c->pixels || (pyramid->has_mask && !c->mask))
        return ncr_error_memory(err);
    ncr_out_level *level = &pyramid->levels[c->level];
    if (level->parent >= 0)
        return ncr_out_cell_keep(pyramid, level, &c->area, c->pixels, c->mask, false, err);
    return begin_reading(c, err);
}

static void end_reading(ncr_out_cell *c)
{
    if (!c->is_reading)
        return;
    ncr_latch_wait(&c->latch);
    ncr_latch_clear(&c->latch);
    c->is_reading = false;
}

nacre_status ncr_out_cell_wait(ncr_out_cell *c, nacre_error *err)
{
    end_reading(c);
    for (size_t i = 0; i < 2; i++) {
        ncr_plan_free(c->plans[i]);
        c->plans[i] = NULL;
    }
    return c->status == NACRE_OK ? NACRE_OK : ncr_error_copy(err, &c->error, c->status);
}

void ncr_out_cell_clear(ncr_out_cell *c)
{
    end_reading(c);
    for (size_t i = 0; i < 2; i++)
        ncr_plan_free(c->plans[i]);
    for (int i = 0; i < c->part_count; i++) {
        ncr_reduce_axis_clear(&c->parts[i].x);
        ncr_reduce_axis_clear(&c->parts[i].y);
    }
    free(c->parts);
    free(c->bands);
    free(c->pixels);
    free(c->mask);
    *c = (ncr_out_cell){0};
}
