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
    if (read->engine->setup->is_one_of_several)
        return NACRE_OK;
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

/* --- Running cells --- */

struct ncr_warp_scratch {
    ncr_cell_points points;
    float alpha[CELL_PIXELS];
    double converted[NCR_CELL]; /* a row in a view band's type */
    double u[NCR_CELL];         /* of rows of whole cells */
    double other_u[NCR_CELL];   /* of those of a cell at the grid's edge */
    bool is_direct;             /* the kernel writes into the buffer; else into values, from where they are converted */
    void **planes;              /* a used band each: where the kernel writes */
    int *outputs;               /* of the used bands, where that is direct */
    uint8_t *initial;           /* a row of each used band, as the destination is initialised */
    uint8_t *values;            /* planes in the working type */
};

/* The output that a used band goes to in its own type; -1: none. */
static int direct_output(const ncr_warp_read *read, int band)
{
    nacre_dtype working = read->engine->kernel.dtype;
    bool fits = read->dtype == working && read->pixel_stride == (ptrdiff_t)ncr_dtype_size(working) &&
                read->row_stride % read->pixel_stride == 0;
    for (int i = 0; i < read->output_count && fits; i++)
        if (read->outputs[i] == band && read->output_dtypes[i] == working)
            return i;
    return -1;
}

/* One value, then what is there twice over and over. */
static void fill_row(uint8_t *values, size_t size, double value, nacre_dtype dtype)
{
    ncr_convert(&value, NACRE_DTYPE_FLOAT64, 0, values, dtype, 0, 1);
    for (size_t done = 1; done < NCR_CELL; done *= 2)
        memcpy(values + done * size, values, done * size);
}

ncr_warp_scratch *ncr_warp_scratch_new(const ncr_warp_read *read)
{
    nacre_dtype dtype = read->engine->kernel.dtype;
    size_t count = (size_t)read->used_count, row = NCR_CELL * ncr_dtype_size(dtype);
    size_t each = sizeof(void *) + row + CELL_PIXELS * ncr_dtype_size(dtype) + sizeof(int);
    ncr_warp_scratch *s = malloc(sizeof *s + count * each);
    if (!s)
        return NULL;
    s->planes = (void **)(s + 1);
    s->values = (uint8_t *)(s->planes + count);
    s->initial = s->values + count * NCR_CELL * row;
    s->outputs = (int *)(s->initial + count * row);
    s->is_direct = true;
    for (size_t i = 0; i < count; i++) {
        s->outputs[i] = direct_output(read, read->used[i]);
        s->is_direct = s->is_direct && s->outputs[i] >= 0;
        fill_row(s->initial + i * row, ncr_dtype_size(dtype), read->engine->setup->bands[read->used[i]].initial, dtype);
    }
    ncr_cell_u(NCR_CELL, s->u);
    return s;
}

/* Alpha from density: cut off, with GDAL's tenth on top of the largest value. */
static void finish_alpha(const ncr_warp_read *read, const ncr_rect *area, ncr_warp_scratch *s)
{
    float most = (float)read->engine->dst_alpha_max + 0.1f;
    for (int64_t row = 0; row < area->height; row++)
        for (int64_t i = 0; i < area->width; i++)
            s->alpha[row * NCR_CELL + i] = (float)(int)(s->alpha[row * NCR_CELL + i] * most);
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

/* Where a pixel of the grid goes. */
static uint8_t *buffer_at(const ncr_warp_read *read, int output, int64_t x, int64_t y)
{
    return read->buffer + output * read->band_stride + (y - read->window.y) * read->row_stride +
           (x - read->window.x) * read->pixel_stride;
}

/* What did not go straight into the buffer. area: of the grid, inside one cell. */
static void write_out(const ncr_warp_read *read, const ncr_rect *area, ncr_warp_scratch *s)
{
    nacre_dtype working = read->engine->kernel.dtype;
    ptrdiff_t size = (ptrdiff_t)ncr_dtype_size(working), row_size = s->is_direct ? read->row_stride : NCR_CELL * size;
    for (int output = 0; output < read->output_count; output++) {
        bool is_alpha = read->outputs[output] == NCR_WARP_ALPHA;
        int plane = 0;
        while (!is_alpha && read->used[plane] != read->outputs[output])
            plane++;
        if (!is_alpha && s->is_direct && s->outputs[plane] == output)
            continue;
        for (int64_t row = 0; row < area->height; row++) {
            const void *from =
                is_alpha ? (const void *)&s->alpha[row * NCR_CELL] : (const uint8_t *)s->planes[plane] + row * row_size;
            write_row(read, from, is_alpha ? NACRE_DTYPE_FLOAT32 : working, read->output_dtypes[output], s->converted,
                      buffer_at(read, output, area->x, area->y + row), (size_t)area->width);
        }
    }
}

/* Where the kernel writes an area, and, unless it writes every pixel of it, what stands there before. */
static void aim(const ncr_warp_read *read, const ncr_rect *area, bool is_covered, ncr_warp_scratch *s)
{
    size_t size = ncr_dtype_size(read->engine->kernel.dtype);
    ptrdiff_t row_size = s->is_direct ? read->row_stride : (ptrdiff_t)(NCR_CELL * size);
    for (int i = 0; i < read->used_count; i++) {
        uint8_t *plane = s->is_direct ? buffer_at(read, s->outputs[i], area->x, area->y)
                                      : s->values + (size_t)i * CELL_PIXELS * size;
        s->planes[i] = plane;
        for (int64_t row = 0; row < area->height && !is_covered; row++)
            memcpy(plane + row * row_size, s->initial + (size_t)i * NCR_CELL * size, (size_t)area->width * size);
    }
    for (int64_t row = 0; row < area->height && read->has_alpha; row++)
        memset(s->alpha + row * NCR_CELL, 0, (size_t)area->width * sizeof *s->alpha);
}

/* Whether no pixel of the cell is near the source's edge. */
static bool is_interior(const ncr_kernel *kernel, const ncr_cell *cell)
{
    double low[2], high[2], margin = ncr_kernel_taps(kernel->resampling) + 1;
    return ncr_cell_hull(cell, low, high) && low[0] >= margin && low[1] >= margin &&
           high[0] <= kernel->width - margin && high[1] <= kernel->height - margin;
}

/* Whether the kernel writes every pixel of a cell whose pixels are all away from the source's edge. */
static bool writes_all(const ncr_warp_part *part, const ncr_kernel *kernel)
{
    return !kernel->is_wide && !kernel->is_area && !part->valid && !part->band_valid && !part->density;
}

/* An area of the grid, inside one cell; the job has its points. */
static nacre_status run_area(const ncr_warp_read *read, const ncr_warp_part *part, const ncr_rect *area,
                             ncr_kernel_cell *job, ncr_warp_scratch *s, nacre_error *err)
{
    bool is_covered = job->is_interior && part->src.width && writes_all(part, &read->kernel);
    aim(read, area, is_covered, s);
    ptrdiff_t size = (ptrdiff_t)ncr_dtype_size(read->engine->kernel.dtype);
    ncr_kernel_source source = {part->src,        part->planes, part->row_length,
                                part->band_valid, part->valid,  part->density};
    job->width = (int)area->width;
    job->grid_x = area->x;
    job->grid_y = area->y;
    job->height = (int)area->height;
    job->planes = s->planes;
    job->row_length = s->is_direct ? read->row_stride / size : NCR_CELL;
    job->alpha = read->has_alpha ? s->alpha : NULL;
    if (part->src.width && !read->engine->run(&read->kernel, &source, job))
        return ncr_error_memory(err);
    if (read->has_alpha)
        finish_alpha(read, area, s);
    if (!s->is_direct || read->output_count != read->used_count)
        write_out(read, area, s);
    return NACRE_OK;
}

/* What a cell and the part have in common. */
static ncr_rect share_of(const ncr_warp_part *part, const ncr_cell *cell)
{
    ncr_rect whole = {cell->x, cell->y, cell->width, cell->height};
    return ncr_rect_intersect(&whole, &part->dst);
}

/* A cell that has no rows of polynomials, or of areas: all of it at once. */
static nacre_status run_cell(const ncr_warp_read *read, const ncr_warp_part *part, const ncr_cell *cell,
                             ncr_warp_scratch *s, nacre_error *err)
{
    const ncr_warp_engine *engine = read->engine;
    bool corners = engine->kernel.is_area;
    ncr_rect area = share_of(part, cell);
    nacre_status status = part->src.width ? ncr_cell_evaluate(cell, &engine->map, corners, &s->points, err) : NACRE_OK;
    if (status)
        return status;
    ptrdiff_t stride = corners ? NCR_CORNERS : NCR_CELL, first = (area.y - cell->y) * stride + (area.x - cell->x);
    ncr_kernel_cell job = {.x = s->points.x + first,
                           .y = s->points.y + first,
                           .point_stride = stride,
                           .is_interior = is_interior(&engine->kernel, cell)};
    return run_area(read, part, &area, &job, s, err);
}

/* A cell of a strip. */
typedef struct {
    const ncr_cell *cell;
    ncr_rect area; /* of the grid, that the part has in common with it; height 0: done, or nothing */
    ncr_kernel_cell job;
} strip_cell;

static nacre_status begin_cell(const ncr_warp_read *read, const ncr_warp_part *part, const ncr_cell *cell,
                               strip_cell *out, ncr_warp_scratch *s, nacre_error *err)
{
    *out = (strip_cell){.cell = cell};
    if (read->kernel.is_area || !ncr_cell_has_rows(cell))
        return run_cell(read, part, cell, s, err);
    out->area = share_of(part, cell);
    out->job.is_interior = is_interior(&read->kernel, cell);
    if (cell->width != NCR_CELL) /* the last one of a row */
        ncr_cell_u(cell->width, s->other_u);
    out->job.terms.u = (cell->width == NCR_CELL ? s->u : s->other_u) + (out->area.x - cell->x);
    return NACRE_OK;
}

nacre_status ncr_warp_part_run(const ncr_warp_read *read, const ncr_warp_part *part, const ncr_cell *cells, int count,
                               ncr_warp_scratch *s, nacre_error *err)
{
    strip_cell strip[NCR_STRIP_CELLS];
    nacre_status status = NACRE_OK;
    for (int i = 0; i < count && !status; i++)
        status = begin_cell(read, part, &cells[i], &strip[i], s, err);
    for (int64_t y = cells->y; y < cells->y + cells->height && !status; y++) {
        for (int i = 0; i < count && !status; i++) {
            ncr_rect row = {strip[i].area.x, y, strip[i].area.width, 1};
            if (y < strip[i].area.y || y >= strip[i].area.y + strip[i].area.height)
                continue;
            ncr_cell_row(strip[i].cell, (int)(y - strip[i].cell->y), &strip[i].job.terms);
            status = run_area(read, part, &row, &strip[i].job, s, err);
        }
    }
    return status;
}
