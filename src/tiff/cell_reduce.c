/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>

#include "raster/dtype.h"
#include "tiff/cell.h"

/* Phase 3 of a cell. */

/* The work on the bands of a part. */
typedef struct reduction {
    const ncr_out_cell *cell;
    const ncr_out_cell_part *part;
    uint8_t *valid; /* of the part's inputs, a byte each; NULL: all */
    uint8_t *pixels, *mask;
    size_t strips;          /* a task is a strip of a band */
    nacre_status *statuses; /* [bands * strips] */
    nacre_error *errors;
} reduction;

enum { STRIP_ROWS = 64 };

/* Place of the first input of a part in the cell's area. */
static size_t input_at(const ncr_out_cell *c, const ncr_out_cell_part *part, int64_t row)
{
    return (size_t)(part->y.input_first - c->area.y + row) * (size_t)c->area.width +
           (size_t)(part->x.input_first - c->area.x);
}

static void reduce_strip(void *user, size_t task)
{
    const reduction *r = user;
    size_t band = task / r->strips;
    int first_row = (int)(task % r->strips) * STRIP_ROWS, end_row = first_row + STRIP_ROWS;
    const ncr_out_cell *c = r->cell;
    const ncr_out_cell_part *part = r->part;
    const ncr_pyramid *pyramid = c->pyramid;
    const ncr_dataset *dataset = pyramid->save->dataset;
    bool is_alpha = dataset->alpha_band == (int)band + 1;
    ncr_reduce_band to = {
        .dtype = pyramid->creation->dtype,
        .resampling = pyramid->creation->resampling,
        .input = c->pixels + input_at(c, part, 0) * pyramid->pixel_size + band * pyramid->value_size,
        .input_pixel = (ptrdiff_t)pyramid->pixel_size,
        .input_row = (ptrdiff_t)pyramid->pixel_size * (ptrdiff_t)c->area.width,
        .valid = is_alpha ? NULL : r->valid,
        .has_nodata = dataset->bands[band].nodata.is_set && !pyramid->has_mask,
        .nodata = dataset->bands[band].nodata.value,
        .output = r->pixels + band * pyramid->value_size,
        .output_pixel = (ptrdiff_t)pyramid->pixel_size,
        .output_row = (ptrdiff_t)pyramid->pixel_size * (ptrdiff_t)part->area.width,
    };
    end_row = end_row < part->y.count ? end_row : part->y.count;
    r->statuses[task] = ncr_call_check(pyramid->save->call, pyramid->save->destination->name, &r->errors[task]);
    if (r->statuses[task] == NACRE_OK)
        r->statuses[task] = ncr_reduce(&part->x, &part->y, &to, first_row, end_row, &r->errors[task]);
}

/* Which inputs of a part are valid by mask or alpha; *out NULL: all. */
static nacre_status valid_inputs(const ncr_out_cell *c, const ncr_out_cell_part *part, uint8_t **out, nacre_error *err)
{
    const ncr_pyramid *pyramid = c->pyramid;
    int alpha = pyramid->save->dataset->alpha_band;
    *out = NULL;
    if (!c->mask && !alpha)
        return NACRE_OK;
    size_t width = (size_t)(part->x.input_end - part->x.input_first);
    size_t height = (size_t)(part->y.input_end - part->y.input_first);
    uint8_t *valid = ncr_alloc_array(width * height, 1);
    if (!valid)
        return ncr_error_memory(err);
    for (size_t row = 0; row < height; row++) {
        size_t at = input_at(c, part, (int64_t)row);
        if (c->mask)
            memcpy(valid + row * width, c->mask + at, width);
        else
            ncr_convert(c->pixels + at * pyramid->pixel_size + (size_t)(alpha - 1) * pyramid->value_size,
                        pyramid->creation->dtype, (ptrdiff_t)pyramid->pixel_size, valid + row * width,
                        NACRE_DTYPE_UINT8, 1, width);
    }
    *out = valid;
    return NACRE_OK;
}

static nacre_status reduce_bands(reduction *r, nacre_error *err)
{
    const ncr_pyramid *pyramid = r->cell->pyramid;
    r->strips = ((size_t)r->part->y.count + STRIP_ROWS - 1) / STRIP_ROWS;
    size_t tasks = (size_t)pyramid->creation->band_count * r->strips;
    r->statuses = ncr_alloc_array(tasks, sizeof *r->statuses);
    r->errors = ncr_alloc_array(tasks, sizeof *r->errors);
    nacre_status status = r->statuses && r->errors ? NACRE_OK : ncr_error_memory(err);
    if (status == NACRE_OK)
        ncr_pyramid_for(pyramid, tasks, reduce_strip, r);
    for (size_t i = 0; i < tasks && status == NACRE_OK; i++)
        if (r->statuses[i] != NACRE_OK)
            status = ncr_error_copy(err, &r->errors[i], r->statuses[i]);
    free(r->statuses);
    free(r->errors);
    return status;
}

static nacre_status reduce_part(const ncr_out_cell *c, const ncr_out_cell_part *part, nacre_error *err)
{
    ncr_pyramid *pyramid = c->pyramid;
    size_t count = (size_t)part->area.width * (size_t)part->area.height;
    reduction r = {.cell = c, .part = part};
    r.pixels = ncr_alloc_array(count, pyramid->pixel_size);
    r.mask = pyramid->has_mask ? ncr_alloc_array(count, 1) : NULL;
    nacre_status status = r.pixels && (r.mask || !pyramid->has_mask) ? NACRE_OK : ncr_error_memory(err);
    if (status == NACRE_OK)
        status = valid_inputs(c, part, &r.valid, err);
    if (status == NACRE_OK)
        status = reduce_bands(&r, err);
    if (status == NACRE_OK && pyramid->has_mask)
        status = ncr_reduce_mask(&part->x, &part->y, pyramid->creation->resampling, r.valid, r.mask, err);
    if (status == NACRE_OK)
        status = ncr_out_cell_keep(pyramid, &pyramid->levels[part->level], &part->area, r.pixels, r.mask, true, err);
    free(r.valid);
    free(r.pixels);
    free(r.mask);
    return status;
}

nacre_status ncr_out_cell_reduce(const ncr_out_cell *c, nacre_error *err)
{
    nacre_status status = NACRE_OK;
    for (int i = 0; i < c->part_count && status == NACRE_OK; i++)
        status = reduce_part(c, &c->parts[i], err);
    return status;
}
