/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>
#include <tiff.h>

#include "raster/dtype.h"
#include "tiff/cell.h"
#include "tiff/update.h"

/* Phase 2 of a cell. */

typedef struct encode_job {
    const ncr_out_cell *cell;
    int x, y, plane; /* plane -1: the mask */
    ncr_out_block block;
    bool stays;                 /* as it is in the file that is updated */
    ncr_statistics *statistics; /* [bands] of its block; NULL: not wanted */
    nacre_status status;
    nacre_error error;
} encode_job;

/* The pixels of a block that lie in the image, relative to the cell's area. */
typedef struct extent {
    int x, y, width, height;
    int rows; /* that are stored: strips end with the image */
} extent;

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static extent extent_of(const encode_job *job)
{
    const ncr_out_cell *c = job->cell;
    const ncr_out_level *level = &c->pyramid->levels[c->level];
    const ncr_tiff_format *format = &level->format;
    int x0 = job->x * format->block_width, y0 = job->y * format->block_height;
    extent e = {.x = x0 - (int)c->area.x,
                .y = y0 - (int)c->area.y,
                .width = smaller(format->block_width, level->width - x0),
                .height = smaller(format->block_height, level->height - y0)};
    e.rows = format->is_tiled ? format->block_height : e.height;
    return e;
}

static const uint8_t *pixel_at(const ncr_out_cell *c, int x, int y)
{
    return c->pixels + ((size_t)y * (size_t)c->area.width + (size_t)x) * c->pyramid->pixel_size;
}

/* Copies a block's pixels out of the cell; what lies beyond the image stays 0. */
static void copy_pixels(const encode_job *job, const ncr_tiff_format *format, const extent *e, uint8_t *out)
{
    const ncr_pyramid *pyramid = job->cell->pyramid;
    size_t out_pixel = pyramid->value_size * format->samples;
    for (int y = 0; y < e->height; y++) {
        const uint8_t *from = pixel_at(job->cell, e->x, e->y + y) + (size_t)job->plane * pyramid->value_size;
        uint8_t *to = out + (size_t)y * (size_t)format->block_width * out_pixel;
        if (out_pixel == pyramid->pixel_size)
            memcpy(to, from, (size_t)e->width * out_pixel);
        else
            ncr_convert(from, format->dtype, (ptrdiff_t)pyramid->pixel_size, to, format->dtype, (ptrdiff_t)out_pixel,
                        (size_t)e->width);
    }
}

/* Continues the last column and row beyond the image: schemes with loss would smear an edge to 0 into it. */
static void extend_edges(const ncr_tiff_format *format, const extent *e, uint8_t *out)
{
    size_t pixel = ncr_dtype_size(format->dtype) * format->samples, row = (size_t)format->block_width * pixel;
    for (int y = 0; y < e->height; y++)
        for (int x = e->width; x < format->block_width; x++)
            memcpy(out + (size_t)y * row + (size_t)x * pixel, out + (size_t)y * row + (size_t)(e->width - 1) * pixel,
                   pixel);
    for (int y = e->height; y < e->rows; y++)
        memcpy(out + (size_t)y * row, out + (size_t)(e->height - 1) * row, row);
}

static void pack_mask(const encode_job *job, const ncr_tiff_format *format, const extent *e, uint8_t *out)
{
    const ncr_out_cell *c = job->cell;
    size_t row_size = ncr_tiff_format_row_size(format);
    for (int y = 0; y < e->height; y++) {
        const uint8_t *from = c->mask + (size_t)(e->y + y) * (size_t)c->area.width + (size_t)e->x;
        for (int x = 0; x < e->width; x++)
            if (from[x])
                out[(size_t)y * row_size + (size_t)x / 8] |= (uint8_t)(0x80 >> x % 8);
    }
}

/* Turns whole values into packed ones; NULL: out of memory. */
static uint8_t *pack_values(const ncr_tiff_format *format, const uint8_t *values, int rows)
{
    size_t count = (size_t)format->block_width * format->samples, row = ncr_tiff_format_row_size(format);
    uint8_t *packed = ncr_alloc_array(row * (size_t)rows, 1);
    for (int y = 0; packed && y < rows; y++)
        ncr_tiff_pack_bits(values + (size_t)y * count * ncr_dtype_size(format->dtype), format->dtype, format->bits,
                           count, packed + (size_t)y * row);
    return packed;
}

/* Whether a reader finds all these values where nothing is stored: nodata, or 0. Compared as bytes. */
static bool is_empty(const ncr_pyramid *pyramid, const ncr_tiff_format *format, const extent *e, const uint8_t *values)
{
    const nacre_nodata *nodata = &pyramid->save->dataset->bands[0].nodata;
    size_t size = ncr_dtype_size(format->dtype), row = (size_t)format->block_width * format->samples;
    uint8_t empty[16] = {0};
    if (nodata->is_set && format->dtype == NACRE_DTYPE_INT64)
        memcpy(empty, &nodata->int64_value, size);
    else if (nodata->is_set && format->dtype == NACRE_DTYPE_UINT64)
        memcpy(empty, &nodata->uint64_value, size);
    else if (nodata->is_set)
        ncr_convert(&nodata->value, NACRE_DTYPE_FLOAT64, 8, empty, format->dtype, (ptrdiff_t)size, 1);
    for (int y = 0; y < e->height; y++)
        for (size_t i = 0; i < (size_t)e->width * format->samples; i++)
            if (memcmp(values + ((size_t)y * row + i) * size, empty, size) != 0)
                return false;
    return true;
}

static bool has_loss(const ncr_tiff_format *format)
{
    unsigned compression = format->coding.codec->compression;
    return compression == COMPRESSION_JPEG || compression == COMPRESSION_WEBP;
}

static bool is_all_zero(const uint8_t *bytes, size_t size)
{
    return !size || (!bytes[0] && !memcmp(bytes, bytes + 1, size - 1));
}

/* Where blocks are put aside, and in what order, does not matter to the file. */
static nacre_status put_aside(encode_job *job, const ncr_buffer *bytes)
{
    uint64_t place;
    job->block = (ncr_out_block){.origin = NCR_OUT_SPARSE};
    if (!bytes->size)
        return NACRE_OK;
    nacre_status status =
        ncr_scratch_append(&job->cell->pyramid->encoded, bytes->data, bytes->size, &place, &job->error);
    if (status == NACRE_OK)
        job->block = (ncr_out_block){.place = place, .size = bytes->size, .origin = NCR_OUT_ENCODED};
    return status;
}

static nacre_status encode_pixels(encode_job *job, const ncr_tiff_format *format, const extent *e)
{
    const ncr_pyramid *pyramid = job->cell->pyramid;
    const char *name = pyramid->save->destination->name;
    size_t row = ncr_tiff_format_row_size(format), value = ncr_dtype_size(format->dtype);
    ncr_buffer bytes;
    ncr_buffer_init(&bytes, SIZE_MAX);
    bool is_mask = job->plane < 0, is_packed = !is_mask && format->bits < value * 8;
    size_t wide = is_packed ? (size_t)format->block_width * format->samples * value : row;
    uint8_t *pixels = ncr_alloc_array(wide * (size_t)e->rows, 1), *packed = NULL;
    nacre_status status = pixels ? NACRE_OK : ncr_error_memory(&job->error);
    bool is_sparse = false;
    if (status == NACRE_OK && is_mask) {
        pack_mask(job, format, e, pixels);
        is_sparse = pyramid->creation->is_sparse && is_all_zero(pixels, row * (size_t)e->rows);
    } else if (status == NACRE_OK) {
        copy_pixels(job, format, e, pixels);
        is_sparse = pyramid->creation->is_sparse && is_empty(pyramid, format, e, pixels);
        if (has_loss(format))
            extend_edges(format, e, pixels);
        packed = is_packed ? pack_values(format, pixels, e->rows) : NULL;
        if (is_packed && !packed)
            status = ncr_error_memory(&job->error);
    }
    if (status == NACRE_OK && !is_sparse)
        status = ncr_tiff_encode(format, name, e->rows, packed ? packed : pixels, row * (size_t)e->rows, &bytes,
                                 &job->error);
    free(pixels);
    free(packed);
    if (status == NACRE_OK)
        status = put_aside(job, &bytes);
    ncr_buffer_clear(&bytes);
    return status;
}

/* What the pixels of a block are like, of all bands of the pixel or of the plane's. */
static void find_statistics(const encode_job *job, const extent *e)
{
    const ncr_out_cell *c = job->cell;
    const ncr_pyramid *pyramid = c->pyramid;
    const ncr_creation *creation = pyramid->creation;
    int first = creation->is_separate ? job->plane : 0, end = creation->is_separate ? first + 1 : creation->band_count;
    for (int band = first; band < end; band++)
        for (int y = 0; y < e->height; y++) {
            const uint8_t *mask = c->mask ? c->mask + (size_t)(e->y + y) * (size_t)c->area.width + (size_t)e->x : NULL;
            ncr_statistics_add(&job->statistics[band], pixel_at(c, e->x, e->y + y) + (size_t)band * pyramid->value_size,
                               creation->dtype, pyramid->pixel_size, (size_t)e->width, mask,
                               &pyramid->save->dataset->bands[band].nodata);
        }
}

static void encode(void *user, size_t index)
{
    encode_job *job = (encode_job *)user + index;
    const ncr_pyramid *pyramid = job->cell->pyramid;
    job->status = ncr_call_check(pyramid->save->call, pyramid->save->destination->name, &job->error);
    job->stays =
        ncr_update_of(pyramid->save) && ncr_update_block_stays(pyramid, job->cell->level, job->plane, job->x, job->y);
    if (job->status != NACRE_OK || job->stays)
        return;
    extent e = extent_of(job);
    if (job->statistics && job->plane >= 0)
        find_statistics(job, &e);
    job->status = encode_pixels(job, ncr_pyramid_format(pyramid, job->cell->level, job->plane < 0), &e);
}

static nacre_status keep_block(ncr_pyramid *pyramid, const encode_job *job, nacre_error *err)
{
    ncr_out_level *level = &pyramid->levels[job->cell->level];
    size_t plane = job->plane < 0 ? 0 : (size_t)job->plane;
    size_t number = (plane * (size_t)level->down + (size_t)job->y) * (size_t)level->across + (size_t)job->x;
    ncr_out_block *block = job->plane < 0 ? &level->masks[number] : &level->blocks[number];
    if (job->status != NACRE_OK)
        return ncr_error_copy(err, &job->error, job->status);
    if (job->stays)
        return NACRE_OK;
    *block = job->block;
    return NACRE_OK;
}

/* Those of a block; its planes have different bands of them. */
static ncr_statistics *statistics_of(const ncr_out_cell *c, int x, int y)
{
    const ncr_pyramid *pyramid = c->pyramid;
    size_t number = (size_t)y * (size_t)pyramid->levels[c->level].across + (size_t)x + 1;
    if (!pyramid->statistics || c->level)
        return NULL;
    return pyramid->statistics + number * (size_t)pyramid->creation->band_count;
}

/* A job for each block of each plane, and of the mask. */
static size_t fill_jobs(const ncr_out_cell *c, encode_job *jobs)
{
    const ncr_creation *creation = c->pyramid->creation;
    int planes = creation->is_separate ? creation->band_count : 1, first_plane = c->pyramid->has_mask ? -1 : 0;
    size_t count = 0;
    for (int y = c->first_y; y < c->end_y; y++)
        for (int x = c->first_x; x < c->end_x; x++)
            for (int plane = first_plane; plane < planes; plane++)
                jobs[count++] =
                    (encode_job){.cell = c, .x = x, .y = y, .plane = plane, .statistics = statistics_of(c, x, y)};
    return count;
}

nacre_status ncr_out_cell_encode(const ncr_out_cell *c, nacre_error *err)
{
    ncr_pyramid *pyramid = c->pyramid;
    const ncr_creation *creation = pyramid->creation;
    size_t planes = (creation->is_separate ? (size_t)creation->band_count : 1) + pyramid->has_mask;
    size_t most = (size_t)(c->end_x - c->first_x) * (size_t)(c->end_y - c->first_y) * planes;
    encode_job *jobs = ncr_alloc_array(most, sizeof *jobs);
    if (!jobs)
        return ncr_error_memory(err);
    nacre_status status = NACRE_OK;
    size_t count = fill_jobs(c, jobs);
    ncr_pyramid_for(pyramid, count, encode, jobs);
    for (size_t i = 0; i < count && status == NACRE_OK; i++)
        status = keep_block(pyramid, &jobs[i], err);
    free(jobs);
    return status;
}
