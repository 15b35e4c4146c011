/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "warp/part.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "raster/dtype.h"
#include "warp/mask.h"

enum { CELL_PIXELS = NCR_CELL * NCR_CELL };

void ncr_warp_part_clear(ncr_warp_part *part)
{
    free(part->planes);
    free(part->values);
    free(part->mask);
    free(part->band_valid);
    free(part->valid);
    free(part->density);
    part->planes = NULL;
    part->values = part->mask = part->band_valid = part->valid = NULL;
    part->density = NULL;
}

static size_t plane_count(const ncr_warp_read *read)
{
    return (size_t)read->used_count + (read->engine->setup->src_alpha ? 1 : 0);
}

size_t ncr_warp_part_size(const ncr_warp_read *read, const ncr_rect *src)
{
    const ncr_warp_engine *engine = read->engine;
    size_t per_pixel = read->is_direct ? 0 : plane_count(read) * ncr_dtype_size(engine->kernel.dtype), size;
    if (ncr_warp_setup_has_src_nodata(engine->setup))
        per_pixel += (size_t)read->used_count + 1;
    if (engine->uses_mask)
        per_pixel += 1;
    if (engine->setup->src_alpha || engine->setup->cutline)
        per_pixel += sizeof(float);
    if (!ncr_size_mul((size_t)src->width, (size_t)src->height, &size) || !ncr_size_mul(size, per_pixel, &size))
        return SIZE_MAX;
    return size;
}

/* Planes in memory of the part's own. */
static nacre_status reserve_values(const ncr_warp_read *read, ncr_warp_part *part, size_t pixels, nacre_error *err)
{
    size_t plane, size;
    if (!ncr_size_mul(pixels, ncr_dtype_size(read->engine->kernel.dtype), &plane) ||
        !ncr_size_mul(plane, plane_count(read), &size))
        return ncr_error_memory(err);
    part->values = malloc(size);
    if (!part->values)
        return ncr_error_memory(err);
    part->row_length = part->src.width;
    for (size_t i = 0; i < plane_count(read); i++)
        part->planes[i] = part->values + i * plane;
    return NACRE_OK;
}

static void point_at_source(const ncr_warp_read *read, ncr_warp_part *part)
{
    const ncr_pixels *pixels = &read->direct;
    part->row_length = pixels->row_stride / pixels->pixel_stride;
    for (size_t i = 0; i < plane_count(read); i++)
        part->planes[i] = (const uint8_t *)pixels->values + (read->source_bands[i] - 1) * pixels->band_stride +
                          part->src.y * pixels->row_stride + part->src.x * pixels->pixel_stride;
}

nacre_status ncr_warp_part_reserve(const ncr_warp_read *read, ncr_warp_part *part, nacre_error *err)
{
    size_t pixels = (size_t)part->src.width * (size_t)part->src.height;
    if (!pixels)
        return NACRE_OK;
    part->planes = ncr_alloc_array(plane_count(read), sizeof *part->planes);
    if (!part->planes)
        return ncr_error_memory(err);
    nacre_status status = NACRE_OK;
    if (read->is_direct)
        point_at_source(read, part);
    else
        status = reserve_values(read, part, pixels, err);
    if (status || !read->engine->uses_mask)
        return status;
    part->mask = malloc(pixels);
    return part->mask ? NACRE_OK : ncr_error_memory(err);
}

/* --- Masks --- */

/* Validity of each used band, from its nodata. */
static nacre_status set_band_valid(const ncr_warp_read *read, ncr_warp_part *part, size_t pixels, nacre_error *err)
{
    const ncr_warp_engine *engine = read->engine;
    size_t row_size = (size_t)part->row_length * ncr_dtype_size(engine->kernel.dtype), width = (size_t)part->src.width;
    part->band_valid = ncr_alloc_array((size_t)read->used_count, pixels);
    if (!part->band_valid)
        return ncr_error_memory(err);
    for (int i = 0; i < read->used_count; i++) {
        const ncr_warp_band *band = &engine->setup->bands[read->used[i]];
        uint8_t *valid = part->band_valid + (size_t)i * pixels;
        memset(valid, 1, pixels);
        for (int64_t row = 0; band->has_src_nodata && row < part->src.height; row++)
            ncr_mask_nodata(engine->kernel.dtype, (const uint8_t *)part->planes[i] + (size_t)row * row_size,
                            band->src_nodata, width, valid + (size_t)row * width);
    }
    return NACRE_OK;
}

/* Validity of whole pixels: that of one of the bands. */
static nacre_status set_valid(const ncr_warp_read *read, ncr_warp_part *part, size_t pixels, nacre_error *err)
{
    if (read->engine->setup->band_count == 1) {
        part->valid = part->band_valid;
        part->band_valid = NULL;
        return NACRE_OK;
    }
    ncr_unified unified = read->engine->setup->unified;
    if (unified == NCR_UNIFIED_NO)
        return NACRE_OK;
    part->valid = malloc(pixels);
    if (!part->valid)
        return ncr_error_memory(err);
    memcpy(part->valid, part->band_valid, pixels);
    for (int band = 1; band < read->used_count; band++) {
        const uint8_t *valid = part->band_valid + (size_t)band * pixels;
        for (size_t i = 0; i < pixels; i++)
            part->valid[i] |= valid[i];
    }
    if (unified == NCR_UNIFIED_YES) {
        free(part->band_valid);
        part->band_valid = NULL;
    }
    return NACRE_OK;
}

/* Masks that leave nothing out are let go of: pixels without them are warped faster, to the same values. */
static void drop_idle_masks(ncr_warp_part *part, size_t pixels, size_t bands)
{
    if (part->valid && !memchr(part->valid, 0, pixels)) {
        free(part->valid);
        part->valid = NULL;
    }
    if (part->band_valid && !memchr(part->band_valid, 0, pixels * bands)) {
        free(part->band_valid);
        part->band_valid = NULL;
    }
}

/* By alpha and the cutline. It stays where it is 1 throughout, since kernels round otherwise without it. */
static nacre_status set_density(const ncr_warp_read *read, ncr_warp_part *part, size_t pixels, nacre_error *err)
{
    const ncr_warp_engine *engine = read->engine;
    const ncr_cutline *cutline = engine->setup->cutline;
    if (!engine->setup->src_alpha && !cutline)
        return NACRE_OK;
    part->density = ncr_alloc_array(pixels, sizeof *part->density);
    if (!part->density)
        return ncr_error_memory(err);
    size_t row_size = (size_t)part->row_length * ncr_dtype_size(engine->kernel.dtype), width = (size_t)part->src.width;
    const uint8_t *alpha = engine->setup->src_alpha ? part->planes[read->used_count] : NULL;
    for (int64_t row = 0; alpha && row < part->src.height; row++)
        ncr_mask_density(engine->kernel.dtype, alpha + (size_t)row * row_size, engine->src_alpha_max, width,
                         part->density + (size_t)row * width);
    for (size_t i = 0; !alpha && i < pixels; i++)
        part->density[i] = 1;
    if (!cutline)
        return NACRE_OK;
    bool is_own = engine->setup->is_level_transform;
    double x_ratio = is_own ? 1 : (double)engine->kernel.width / engine->source->width;
    double y_ratio = is_own ? 1 : (double)engine->kernel.height / engine->source->height;
    return ncr_cutline_apply(cutline, x_ratio, y_ratio, &part->src, part->density, err);
}

nacre_status ncr_warp_part_set_masks(const ncr_warp_read *read, ncr_warp_part *part, nacre_error *err)
{
    const ncr_warp_engine *engine = read->engine;
    size_t pixels = (size_t)part->src.width * (size_t)part->src.height;
    if (!pixels)
        return NACRE_OK;
    if (part->mask) {
        for (size_t i = 0; i < pixels; i++)
            part->mask[i] = part->mask[i] != 0;
        part->valid = part->mask;
        part->mask = NULL;
    }
    nacre_status status = NACRE_OK;
    if (ncr_warp_setup_has_src_nodata(engine->setup)) {
        status = set_band_valid(read, part, pixels, err);
        if (!status)
            status = set_valid(read, part, pixels, err);
    }
    drop_idle_masks(part, pixels, (size_t)read->used_count);
    return status ? status : set_density(read, part, pixels, err);
}

/* --- Running a cell --- */

struct ncr_warp_scratch {
    ncr_cell_points points;
    float alpha[CELL_PIXELS];
    double converted[NCR_CELL]; /* a row in a view band's type */
    uint8_t values[];           /* planes in the working type */
};

ncr_warp_scratch *ncr_warp_scratch_new(const ncr_warp_read *read)
{
    size_t size = (size_t)read->used_count * CELL_PIXELS * ncr_dtype_size(read->engine->kernel.dtype);
    return malloc(sizeof(ncr_warp_scratch) + size);
}

/* One value, then what is there twice over and over. */
static void fill(uint8_t *values, size_t size, double value, nacre_dtype dtype)
{
    ncr_convert(&value, NACRE_DTYPE_FLOAT64, 0, values, dtype, 0, 1);
    for (size_t done = 1; done < CELL_PIXELS; done *= 2)
        memcpy(values + done * size, values, (done < CELL_PIXELS - done ? done : CELL_PIXELS - done) * size);
}

static void initialise(const ncr_warp_read *read, ncr_warp_scratch *s)
{
    nacre_dtype dtype = read->engine->kernel.dtype;
    size_t size = ncr_dtype_size(dtype);
    for (int i = 0; i < read->used_count; i++)
        fill(s->values + (size_t)i * CELL_PIXELS * size, size, read->engine->setup->bands[read->used[i]].initial,
             dtype);
    if (read->has_alpha)
        memset(s->alpha, 0, sizeof s->alpha);
}

/* Alpha from density: cut off, with GDAL's tenth on top of the largest value. */
static void finish_alpha(const ncr_warp_read *read, ncr_warp_scratch *s)
{
    float most = (float)read->engine->dst_alpha_max + 0.1f;
    for (int i = 0; i < CELL_PIXELS; i++)
        s->alpha[i] = (float)(int)(s->alpha[i] * most);
}

/* A row through the view band's type into the buffer. */
static void write_row(const ncr_warp_read *read, const void *row, nacre_dtype dtype, nacre_dtype band_dtype,
                      double *room, uint8_t *to, size_t count)
{
    if (band_dtype != dtype && band_dtype != read->dtype) {
        ptrdiff_t size = (ptrdiff_t)ncr_dtype_size(band_dtype);
        ncr_convert(row, dtype, (ptrdiff_t)ncr_dtype_size(dtype), room, band_dtype, size, count);
        row = room;
        dtype = band_dtype;
    }
    ncr_convert(row, dtype, (ptrdiff_t)ncr_dtype_size(dtype), to, read->dtype, read->pixel_stride, count);
}

/* area: of the cell. */
static void write_out(const ncr_warp_read *read, const ncr_cell *cell, const ncr_rect *area, ncr_warp_scratch *s)
{
    nacre_dtype working = read->engine->kernel.dtype;
    size_t size = ncr_dtype_size(working);
    for (int output = 0; output < read->output_count; output++) {
        bool is_alpha = read->outputs[output] == NCR_WARP_ALPHA;
        int plane = 0;
        while (!is_alpha && read->used[plane] != read->outputs[output])
            plane++;
        for (int64_t row = area->y; row < area->y + area->height; row++) {
            size_t at = (size_t)(row * NCR_CELL + area->x);
            const void *from =
                is_alpha ? (const void *)&s->alpha[at] : s->values + ((size_t)plane * CELL_PIXELS + at) * size;
            uint8_t *to = read->buffer + output * read->band_stride +
                          (cell->y + row - read->window.y) * read->row_stride +
                          (cell->x + area->x - read->window.x) * read->pixel_stride;
            write_row(read, from, is_alpha ? NACRE_DTYPE_FLOAT32 : working, read->output_dtypes[output], s->converted,
                      to, (size_t)area->width);
        }
    }
}

static nacre_status run_kernel(const ncr_warp_read *read, const ncr_warp_part *part, const ncr_cell *cell,
                               const ncr_rect *area, ncr_warp_scratch *s, nacre_error *err)
{
    const ncr_warp_engine *engine = read->engine;
    nacre_status status = ncr_cell_evaluate(cell, &engine->map, engine->kernel.is_area, &s->points, err);
    if (status)
        return status;
    ncr_kernel_source source = {part->src,        part->planes, part->row_length,
                                part->band_valid, part->valid,  part->density};
    ncr_kernel_cell job = {&s->points,
                           (int)area->x,
                           (int)area->y,
                           (int)area->width,
                           (int)area->height,
                           s->values,
                           read->has_alpha ? s->alpha : NULL};
    return engine->run(&read->kernel, &source, &job) ? NACRE_OK : ncr_error_memory(err);
}

nacre_status ncr_warp_part_run(const ncr_warp_read *read, const ncr_warp_part *part, const ncr_cell *cell,
                               ncr_warp_scratch *s, nacre_error *err)
{
    ncr_rect whole = {cell->x, cell->y, cell->width, cell->height}, area = ncr_rect_intersect(&whole, &part->dst);
    area.x -= cell->x;
    area.y -= cell->y;
    initialise(read, s);
    nacre_status status = part->src.width ? run_kernel(read, part, cell, &area, s, err) : NACRE_OK;
    if (status)
        return status;
    if (read->has_alpha)
        finish_alpha(read, s);
    write_out(read, cell, &area, s);
    return NACRE_OK;
}
