/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tiff/pyramid.h"

#include <stdlib.h>
#include <string.h>
#include <tiff.h>

#include "base/pool.h"
#include "raster/dtype.h"
#include "tiff/reduce.h"

/* Levels are made one after another, each cell by cell. A cell is a rectangle of whole blocks; with a level below it
 * the number of blocks is even both ways, so that it makes whole pixels of that level. Phases of a cell:
 *   1. its pixels are read, and so many around it as the reduction needs;
 *   2. its blocks are encoded, in parallel, and put aside;
 *   3. its part of the level below is computed and put aside as pixels, which are what that level's cells read. */

enum { CELL_BYTES = 48 * 1024 * 1024 };

typedef struct cell {
    ncr_pyramid *pyramid;
    int level;
    int first_x, first_y, end_x, end_y; /* blocks */
    ncr_rect area;                      /* pixels that are read */
    uint8_t *pixels;                    /* area, pixel by pixel, all bands */
    uint8_t *mask;                      /* area; NULL: no mask */
} cell;

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

/* --- Building and releasing --- */

/* Blocks of one image, 32 bytes of memory for each. */
enum { BLOCKS_MAX = 1 << 27 };

static nacre_status check_block_count(const ncr_pyramid *pyramid, const ncr_out_level *level, nacre_error *err)
{
    const ncr_save *save = pyramid->save;
    const ncr_creation *creation = pyramid->creation;
    uint64_t plane = (uint64_t)level->across * (uint64_t)level->down;
    uint64_t planes = creation->is_separate ? (uint64_t)save->dataset->band_count : 1;
    if (plane <= BLOCKS_MAX && plane * planes <= BLOCKS_MAX) /* no overflow: at most 2^16 planes */
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_TOO_LARGE,
                         "%s: %d x %d pixels take more than %d blocks of %d x %d: choose larger blocks or a part",
                         save->destination->name, level->width, level->height, BLOCKS_MAX, creation->block_width,
                         creation->block_height);
}

static nacre_status add_level(ncr_pyramid *pyramid, int width, int height, nacre_error *err)
{
    const ncr_creation *creation = pyramid->creation;
    ncr_out_level *level = &pyramid->levels[pyramid->level_count++];
    ncr_scratch_init(&level->pixels);
    level->width = width;
    level->height = height;
    level->across = (width - 1) / creation->block_width + 1;
    level->down = (height - 1) / creation->block_height + 1;
    nacre_status status = check_block_count(pyramid, level, err);
    if (status != NACRE_OK)
        return status;
    size_t plane = (size_t)level->across * (size_t)level->down;
    level->block_count = plane * (creation->is_separate ? (size_t)pyramid->save->dataset->band_count : 1);
    level->blocks = ncr_alloc_array(level->block_count, sizeof *level->blocks);
    if (pyramid->has_mask)
        level->masks = ncr_alloc_array(plane, sizeof *level->masks);
    pyramid->blocks_in_all += plane;
    return level->blocks && (!pyramid->has_mask || level->masks) ? NACRE_OK : ncr_error_memory(err);
}

/* Overviews are halved until one block holds all. */
static nacre_status add_levels(ncr_pyramid *pyramid, nacre_error *err)
{
    enum { LEVELS_MAX = 32 };
    const ncr_creation *creation = pyramid->creation;
    int width = pyramid->save->dataset->width, height = pyramid->save->dataset->height;
    pyramid->levels = ncr_alloc_array(LEVELS_MAX, sizeof *pyramid->levels);
    if (!pyramid->levels)
        return ncr_error_memory(err);
    nacre_status status = add_level(pyramid, width, height, err);
    while (status == NACRE_OK && creation->with_overviews &&
           (width > creation->block_width || height > creation->block_height)) {
        width = width / 2 + width % 2;
        height = height / 2 + height % 2;
        status = add_level(pyramid, width, height, err);
    }
    return status;
}

static nacre_status check_bands(const ncr_save *save, nacre_error *err)
{
    const ncr_dataset *dataset = save->dataset;
    const char *name = save->destination->name;
    for (int i = 1; i < dataset->band_count; i++)
        if (dataset->bands[i].dtype != dataset->bands[0].dtype)
            return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: bands of different types (%s, %s) in one TIFF",
                                 name, ncr_dtype_name(dataset->bands[0].dtype),
                                 ncr_dtype_name(dataset->bands[i].dtype));
    if (dataset->band_count < 1 || dataset->band_count > UINT16_MAX)
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: a TIFF of %d bands", name, dataset->band_count);
    if (ncr_dtype_is_complex(dataset->bands[0].dtype))
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: complex values (%s) are not written", name,
                             ncr_dtype_name(dataset->bands[0].dtype));
    return NACRE_OK;
}

static void set_formats(ncr_pyramid *pyramid)
{
    const ncr_creation *creation = pyramid->creation;
    const ncr_dataset *dataset = pyramid->save->dataset;
    pyramid->value_size = ncr_dtype_size(dataset->bands[0].dtype);
    pyramid->pixel_size = pyramid->value_size * (size_t)dataset->band_count;
    pyramid->has_mask = dataset->bands[0].mask_flags == NACRE_MASK_PER_DATASET;
    pyramid->image = (ncr_tiff_format){.dtype = dataset->bands[0].dtype,
                                       .bits = (unsigned)pyramid->value_size * 8,
                                       .samples = creation->is_separate ? 1 : (unsigned)dataset->band_count,
                                       .compression = creation->codec->compression,
                                       .predictor = creation->predictor,
                                       .level = creation->codec_level,
                                       .is_tiled = creation->is_tiled,
                                       .block_width = creation->block_width,
                                       .block_height = creation->block_height};
    pyramid->mask = pyramid->image;
    pyramid->mask.dtype = NACRE_DTYPE_UINT8;
    pyramid->mask.bits = 1;
    pyramid->mask.samples = 1;
    pyramid->mask.compression = COMPRESSION_ADOBE_DEFLATE;
    pyramid->mask.predictor = 1;
    pyramid->mask.level = -1;
}

void ncr_pyramid_clear(ncr_pyramid *pyramid)
{
    for (int i = 0; i < pyramid->level_count; i++) {
        free(pyramid->levels[i].blocks);
        free(pyramid->levels[i].masks);
        ncr_scratch_clear(&pyramid->levels[i].pixels);
    }
    free(pyramid->levels);
    ncr_scratch_clear(&pyramid->encoded);
    *pyramid = (ncr_pyramid){0};
    ncr_scratch_init(&pyramid->encoded);
}

/* --- Phase 1: reading --- */

static nacre_status read_dataset(const cell *c, nacre_error *err)
{
    const ncr_pyramid *pyramid = c->pyramid;
    int count = pyramid->save->dataset->band_count;
    int *bands = ncr_alloc_array((size_t)count, sizeof *bands);
    if (!bands)
        return ncr_error_memory(err);
    for (int i = 0; i < count; i++)
        bands[i] = i + 1;
    ncr_read_request request = {.window = c->area,
                                .bands = bands,
                                .band_count = count,
                                .dtype = pyramid->image.dtype,
                                .buffer = c->pixels,
                                .pixel_stride = (ptrdiff_t)pyramid->pixel_size,
                                .row_stride = (ptrdiff_t)pyramid->pixel_size * (ptrdiff_t)c->area.width,
                                .band_stride = (ptrdiff_t)pyramid->value_size};
    nacre_status status = ncr_save_read(pyramid->save, &request, err);
    free(bands);
    if (status != NACRE_OK || !c->mask)
        return status;
    ncr_read_request mask = {.window = c->area,
                             .mask = true,
                             .dtype = NACRE_DTYPE_UINT8,
                             .buffer = c->mask,
                             .pixel_stride = 1,
                             .row_stride = (ptrdiff_t)c->area.width};
    return ncr_save_read(pyramid->save, &mask, err);
}

/* Reads or writes a rectangle of the pixels that an overview keeps, from or to the buffers, row by row. */
static nacre_status keep_rows(ncr_pyramid *pyramid, ncr_out_level *level, const ncr_rect *area, uint8_t *pixels,
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

static nacre_status read_cell(cell *c, nacre_error *err)
{
    size_t count = (size_t)c->area.width * (size_t)c->area.height;
    c->pixels = ncr_alloc_array(count, c->pyramid->pixel_size);
    if (c->pyramid->has_mask)
        c->mask = ncr_alloc_array(count, 1);
    if (!c->pixels || (c->pyramid->has_mask && !c->mask))
        return ncr_error_memory(err);
    if (c->level == 0)
        return read_dataset(c, err);
    return keep_rows(c->pyramid, &c->pyramid->levels[c->level], &c->area, c->pixels, c->mask, false, err);
}

/* --- Phase 2: encoding --- */

typedef struct encode_job {
    const cell *cell;
    int x, y, plane; /* plane -1: the mask */
    ncr_buffer bytes;
    nacre_status status;
    nacre_error error;
} encode_job;

/* Rows that a block stores: strips end with the image. */
static int stored_rows(const ncr_tiff_format *format, const ncr_out_level *level, int y)
{
    int left = level->height - y * format->block_height;
    return format->is_tiled ? format->block_height : smaller(left, format->block_height);
}

/* Copies a block's pixels out of the cell; what lies beyond the image stays 0. */
static void copy_pixels(const encode_job *job, int rows, uint8_t *out)
{
    const cell *c = job->cell;
    const ncr_pyramid *pyramid = c->pyramid;
    const ncr_out_level *level = &pyramid->levels[c->level];
    const ncr_tiff_format *format = &pyramid->image;
    int x0 = job->x * format->block_width, y0 = job->y * format->block_height;
    size_t columns = (size_t)smaller(format->block_width, level->width - x0);
    size_t out_pixel = pyramid->value_size * format->samples;
    for (int y = 0; y < smaller(rows, level->height - y0); y++) {
        size_t at = (size_t)(y0 + y - c->area.y) * (size_t)c->area.width + (size_t)(x0 - c->area.x);
        const uint8_t *from = c->pixels + at * pyramid->pixel_size + (size_t)job->plane * pyramid->value_size;
        uint8_t *to = out + (size_t)y * (size_t)format->block_width * out_pixel;
        if (out_pixel == pyramid->pixel_size)
            memcpy(to, from, columns * out_pixel);
        else
            ncr_convert(from, format->dtype, (ptrdiff_t)pyramid->pixel_size, to, format->dtype, (ptrdiff_t)out_pixel,
                        columns);
    }
}

static void pack_mask(const encode_job *job, int rows, uint8_t *out)
{
    const cell *c = job->cell;
    const ncr_out_level *level = &c->pyramid->levels[c->level];
    const ncr_tiff_format *format = &c->pyramid->mask;
    int x0 = job->x * format->block_width, y0 = job->y * format->block_height;
    int columns = smaller(format->block_width, level->width - x0);
    size_t row_size = ((size_t)format->block_width + 7) / 8;
    for (int y = 0; y < smaller(rows, level->height - y0); y++) {
        const uint8_t *from = c->mask + (y0 + y - c->area.y) * c->area.width + (x0 - c->area.x);
        for (int x = 0; x < columns; x++)
            if (from[x])
                out[(size_t)y * row_size + (size_t)x / 8] |= (uint8_t)(0x80 >> x % 8);
    }
}

static void encode(void *user, size_t index)
{
    encode_job *job = (encode_job *)user + index;
    const ncr_pyramid *pyramid = job->cell->pyramid;
    const ncr_tiff_format *format = job->plane < 0 ? &pyramid->mask : &pyramid->image;
    job->status = ncr_call_check(pyramid->save->call, pyramid->save->destination->name, &job->error);
    if (job->status != NACRE_OK)
        return;
    int rows = stored_rows(format, &pyramid->levels[job->cell->level], job->y);
    size_t row_size = format->bits == 1 ? ((size_t)format->block_width + 7) / 8
                                        : (size_t)format->block_width * format->samples * pyramid->value_size;
    size_t size = row_size * (size_t)rows;
    uint8_t *pixels = ncr_alloc_array(size, 1);
    if (!pixels) {
        job->status = ncr_error_memory(&job->error);
        return;
    }
    if (job->plane < 0)
        pack_mask(job, rows, pixels);
    else
        copy_pixels(job, rows, pixels);
    job->status =
        ncr_tiff_encode(format, pyramid->save->destination->name, rows, pixels, size, &job->bytes, &job->error);
    free(pixels);
}

static nacre_status keep_block(ncr_pyramid *pyramid, const encode_job *job, nacre_error *err)
{
    ncr_out_level *level = &pyramid->levels[job->cell->level];
    size_t plane = job->plane < 0 ? 0 : (size_t)job->plane;
    size_t number = (plane * (size_t)level->down + (size_t)job->y) * (size_t)level->across + (size_t)job->x;
    ncr_out_block *block = job->plane < 0 ? &level->masks[number] : &level->blocks[number];
    if (job->status != NACRE_OK)
        return ncr_error_copy(err, &job->error, job->status);
    *block = (ncr_out_block){pyramid->encoded.size, job->bytes.size};
    return ncr_scratch_write(&pyramid->encoded, block->place, job->bytes.data, job->bytes.size, err);
}

static nacre_status encode_cell(const cell *c, nacre_error *err)
{
    ncr_pyramid *pyramid = c->pyramid;
    int planes = pyramid->creation->is_separate ? pyramid->save->dataset->band_count : 1;
    int first_plane = pyramid->has_mask ? -1 : 0;
    size_t most = (size_t)(c->end_x - c->first_x) * (size_t)(c->end_y - c->first_y) * (size_t)(planes - first_plane);
    encode_job *jobs = ncr_alloc_array(most, sizeof *jobs);
    if (!jobs)
        return ncr_error_memory(err);
    size_t count = 0;
    for (int y = c->first_y; y < c->end_y; y++)
        for (int x = c->first_x; x < c->end_x; x++)
            for (int plane = first_plane; plane < planes; plane++)
                jobs[count++] = (encode_job){.cell = c, .x = x, .y = y, .plane = plane};
    ncr_pool_for(count, encode, jobs);
    nacre_status status = NACRE_OK;
    for (size_t i = 0; i < count; i++) {
        if (status == NACRE_OK)
            status = keep_block(pyramid, &jobs[i], err);
        ncr_buffer_clear(&jobs[i].bytes);
    }
    free(jobs);
    return status;
}

/* --- Phase 3: reducing --- */

/* The work on the bands of a cell's part of the level below. */
typedef struct reduction {
    const cell *cell;
    const ncr_reduce_axis *x, *y;
    ncr_rect part;  /* pixels of the level below */
    uint8_t *valid; /* of the cell's alpha, a byte each; NULL */
    uint8_t *pixels, *mask;
    size_t strips;          /* a task is a strip of a band */
    nacre_status *statuses; /* [bands * strips] */
    nacre_error *errors;
} reduction;

enum { STRIP_ROWS = 64 };

static void reduce_strip(void *user, size_t task)
{
    const reduction *r = user;
    size_t band = task / r->strips;
    int first_row = (int)(task % r->strips) * STRIP_ROWS;
    const cell *c = r->cell;
    const ncr_pyramid *pyramid = c->pyramid;
    const ncr_dataset *dataset = pyramid->save->dataset;
    bool is_alpha = dataset->alpha_band == (int)band + 1;
    int64_t x = r->x->input_first - c->area.x, y = r->y->input_first - c->area.y;
    size_t at = (size_t)y * (size_t)c->area.width + (size_t)x;
    ncr_reduce_band to = {.dtype = pyramid->image.dtype,
                          .resampling = pyramid->creation->resampling,
                          .input = c->pixels + at * pyramid->pixel_size + band * pyramid->value_size,
                          .input_pixel = (ptrdiff_t)pyramid->pixel_size,
                          .input_row = (ptrdiff_t)pyramid->pixel_size * (ptrdiff_t)c->area.width,
                          .valid = is_alpha ? NULL : r->valid,
                          .has_nodata = dataset->bands[band].nodata.is_set && !pyramid->has_mask,
                          .nodata = dataset->bands[band].nodata.value,
                          .output = r->pixels + band * pyramid->value_size,
                          .output_pixel = (ptrdiff_t)pyramid->pixel_size,
                          .output_row = (ptrdiff_t)pyramid->pixel_size * (ptrdiff_t)r->part.width};
    int end_row = smaller(first_row + STRIP_ROWS, r->y->count);
    r->statuses[task] = ncr_call_check(pyramid->save->call, pyramid->save->destination->name, &r->errors[task]);
    if (r->statuses[task] == NACRE_OK)
        r->statuses[task] = ncr_reduce(r->x, r->y, &to, first_row, end_row, &r->errors[task]);
}

/* Which inputs are valid by mask or alpha, for the extent of both axes; *out NULL: all. */
static nacre_status valid_inputs(const cell *c, const ncr_reduce_axis *x, const ncr_reduce_axis *y, uint8_t **out,
                                 nacre_error *err)
{
    const ncr_pyramid *pyramid = c->pyramid;
    int alpha = pyramid->save->dataset->alpha_band;
    *out = NULL;
    if (!c->mask && !alpha)
        return NACRE_OK;
    size_t width = (size_t)(x->input_end - x->input_first), height = (size_t)(y->input_end - y->input_first);
    uint8_t *valid = ncr_alloc_array(width * height, 1);
    if (!valid)
        return ncr_error_memory(err);
    for (size_t row = 0; row < height; row++) {
        size_t at = (size_t)(y->input_first - c->area.y + (int64_t)row) * (size_t)c->area.width +
                    (size_t)(x->input_first - c->area.x);
        if (c->mask)
            memcpy(valid + row * width, c->mask + at, width);
        else
            ncr_convert(c->pixels + at * pyramid->pixel_size + (size_t)(alpha - 1) * pyramid->value_size,
                        pyramid->image.dtype, (ptrdiff_t)pyramid->pixel_size, valid + row * width, NACRE_DTYPE_UINT8, 1,
                        width);
    }
    *out = valid;
    return NACRE_OK;
}

static nacre_status reduce_bands(reduction *r, nacre_error *err)
{
    r->strips = ((size_t)r->y->count + STRIP_ROWS - 1) / STRIP_ROWS;
    size_t tasks = (size_t)r->cell->pyramid->save->dataset->band_count * r->strips;
    r->statuses = ncr_alloc_array(tasks, sizeof *r->statuses);
    r->errors = ncr_alloc_array(tasks, sizeof *r->errors);
    nacre_status status = r->statuses && r->errors ? NACRE_OK : ncr_error_memory(err);
    if (status == NACRE_OK)
        ncr_pool_for(tasks, reduce_strip, r);
    for (size_t i = 0; i < tasks && status == NACRE_OK; i++)
        if (r->statuses[i] != NACRE_OK)
            status = ncr_error_copy(err, &r->errors[i], r->statuses[i]);
    free(r->statuses);
    free(r->errors);
    return status;
}

static nacre_status reduce_part(cell *c, reduction *r, nacre_error *err)
{
    ncr_pyramid *pyramid = c->pyramid;
    size_t count = (size_t)r->part.width * (size_t)r->part.height;
    r->pixels = ncr_alloc_array(count, pyramid->pixel_size);
    r->mask = pyramid->has_mask ? ncr_alloc_array(count, 1) : NULL;
    nacre_status status = r->pixels && (r->mask || !pyramid->has_mask) ? NACRE_OK : ncr_error_memory(err);
    if (status == NACRE_OK)
        status = valid_inputs(c, r->x, r->y, &r->valid, err);
    if (status == NACRE_OK)
        status = reduce_bands(r, err);
    if (status == NACRE_OK && pyramid->has_mask)
        status = ncr_reduce_mask(r->x, r->y, pyramid->creation->resampling, r->valid, r->mask, err);
    if (status == NACRE_OK)
        status = keep_rows(pyramid, &pyramid->levels[c->level + 1], &r->part, r->pixels, r->mask, true, err);
    free(r->valid);
    free(r->pixels);
    free(r->mask);
    return status;
}

/* --- A cell --- */

/* The core of a cell: the pixels of its blocks. */
static ncr_rect core_of(const cell *c)
{
    const ncr_creation *creation = c->pyramid->creation;
    const ncr_out_level *level = &c->pyramid->levels[c->level];
    int x = c->first_x * creation->block_width, y = c->first_y * creation->block_height;
    int end_x = c->end_x == level->across ? level->width : c->end_x * creation->block_width;
    int end_y = c->end_y == level->down ? level->height : c->end_y * creation->block_height;
    return (ncr_rect){x, y, end_x - x, end_y - y};
}

/* What it makes of the level below. */
static ncr_rect part_below(const ncr_pyramid *pyramid, int level_number, const ncr_rect *core)
{
    const ncr_out_level *level = &pyramid->levels[level_number], *below = level + 1;
    int64_t end_x = core->x + core->width, end_y = core->y + core->height;
    ncr_rect part = {core->x / 2, core->y / 2, 0, 0};
    part.width = (end_x == level->width ? below->width : end_x / 2) - part.x;
    part.height = (end_y == level->height ? below->height : end_y / 2) - part.y;
    return part;
}

static void widen(int64_t *start, int64_t *size, int64_t first, int64_t end)
{
    int64_t old_end = *start + *size;
    *start = first < *start ? first : *start;
    *size = (end > old_end ? end : old_end) - *start;
}

static nacre_status make_cell_with_part(cell *c, nacre_error *err)
{
    const ncr_pyramid *pyramid = c->pyramid;
    const ncr_out_level *level = &pyramid->levels[c->level];
    ncr_rect core = core_of(c);
    ncr_reduce_axis x = {0}, y = {0};
    reduction r = {.cell = c, .x = &x, .y = &y, .part = part_below(pyramid, c->level, &core)};
    nacre_resampling resampling = pyramid->creation->resampling;
    nacre_status status =
        ncr_reduce_axis_init(&x, resampling, level->width, level[1].width, (int)r.part.x, (int)r.part.width, err);
    if (status == NACRE_OK)
        status = ncr_reduce_axis_init(&y, resampling, level->height, level[1].height, (int)r.part.y, (int)r.part.height,
                                      err);
    if (status == NACRE_OK) {
        c->area = core;
        widen(&c->area.x, &c->area.width, x.input_first, x.input_end);
        widen(&c->area.y, &c->area.height, y.input_first, y.input_end);
        status = read_cell(c, err);
    }
    if (status == NACRE_OK)
        status = encode_cell(c, err);
    if (status == NACRE_OK)
        status = reduce_part(c, &r, err);
    ncr_reduce_axis_clear(&x);
    ncr_reduce_axis_clear(&y);
    return status;
}

static nacre_status make_cell(cell *c, nacre_error *err)
{
    ncr_pyramid *pyramid = c->pyramid;
    nacre_status status;
    if (c->level + 1 < pyramid->level_count) {
        status = make_cell_with_part(c, err);
    } else {
        c->area = core_of(c);
        status = read_cell(c, err);
        if (status == NACRE_OK)
            status = encode_cell(c, err);
    }
    free(c->pixels);
    free(c->mask);
    pyramid->blocks_done += (uint64_t)(c->end_x - c->first_x) * (uint64_t)(c->end_y - c->first_y);
    if (status != NACRE_OK)
        return status;
    return ncr_save_progress(pyramid->save, 0.9 * (double)pyramid->blocks_done / (double)pyramid->blocks_in_all, err);
}

/* Blocks of a cell, from what memory a block takes: as many across as there are, then down. */
static void cell_size(const ncr_pyramid *pyramid, int number, int *across, int *down)
{
    const ncr_out_level *level = &pyramid->levels[number];
    const ncr_creation *creation = pyramid->creation;
    int unit = number + 1 < pyramid->level_count ? 2 : 1;
    size_t block = (size_t)creation->block_width * (size_t)creation->block_height * (pyramid->pixel_size + 1);
    size_t fit = CELL_BYTES / block / (size_t)unit / (size_t)unit; /* units that fit */
    size_t wide = ((size_t)level->across + (size_t)unit - 1) / (size_t)unit;
    fit = fit ? fit : 1;
    *across = (int)(fit < wide ? fit : wide) * unit;
    size_t rows = fit / wide, most = ((size_t)level->down + (size_t)unit - 1) / (size_t)unit;
    rows = rows ? rows : 1;
    *down = (int)(rows < most ? rows : most) * unit;
}

static nacre_status make_level(ncr_pyramid *pyramid, int number, nacre_error *err)
{
    ncr_out_level *level = &pyramid->levels[number];
    int across, down;
    cell_size(pyramid, number, &across, &down);
    nacre_status status = NACRE_OK;
    for (int y = 0; y < level->down; y += down)
        for (int x = 0; x < level->across && status == NACRE_OK; x += across) {
            cell c = {.pyramid = pyramid,
                      .level = number,
                      .first_x = x,
                      .first_y = y,
                      .end_x = smaller(x + across, level->across),
                      .end_y = smaller(y + down, level->down)};
            status = make_cell(&c, err);
        }
    ncr_scratch_clear(&level->pixels);
    return status;
}

nacre_status ncr_pyramid_make(ncr_pyramid *pyramid, const ncr_save *save, const ncr_creation *creation,
                              nacre_error *err)
{
    *pyramid = (ncr_pyramid){.save = save, .creation = creation};
    ncr_scratch_init(&pyramid->encoded);
    nacre_status status = check_bands(save, err);
    if (status != NACRE_OK)
        return status;
    set_formats(pyramid);
    status = add_levels(pyramid, err);
    for (int i = 0; i < pyramid->level_count && status == NACRE_OK; i++)
        status = make_level(pyramid, i, err);
    return status;
}
