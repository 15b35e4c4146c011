/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "raster/memory.h"

#include <stdlib.h>
#include <string.h>

#include "raster/dtype.h"

typedef struct memory_dataset {
    ncr_dataset base;
    const uint8_t *pixels; /* borrowed */
    ptrdiff_t pixel_stride, row_stride, band_stride;
} memory_dataset;

typedef struct memory_plan {
    ncr_plan plan;
    memory_dataset *dataset; /* referenced */
    ncr_read_request request;
} memory_plan;

static nacre_status step(ncr_plan *plan, ncr_wants *wants, bool *more, nacre_error *err)
{
    (void)plan, (void)wants, (void)err;
    *more = false;
    return NACRE_OK;
}

static void copy_row(const memory_dataset *dataset, const ncr_read_request *r, const uint8_t *from, uint8_t *to)
{
    nacre_dtype dtype = dataset->base.bands[0].dtype;
    ptrdiff_t value = (ptrdiff_t)ncr_dtype_size(dtype);
    if (dtype == r->dtype && dataset->pixel_stride == value && r->pixel_stride == value)
        memcpy(to, from, (size_t)(r->window.width * value));
    else
        ncr_convert(from, dtype, dataset->pixel_stride, to, r->dtype, r->pixel_stride, (size_t)r->window.width);
}

static nacre_status compose(ncr_plan *plan, nacre_error *err)
{
    (void)err;
    const memory_plan *p = (memory_plan *)plan;
    const memory_dataset *dataset = p->dataset;
    const ncr_read_request *r = &p->request;
    for (int64_t y = 0; y < r->window.height; y++)
        for (int i = 0; i < r->band_count; i++) {
            const uint8_t *from = dataset->pixels + (ptrdiff_t)(r->bands[i] - 1) * dataset->band_stride +
                                  (ptrdiff_t)(r->window.y + y) * dataset->row_stride +
                                  (ptrdiff_t)r->window.x * dataset->pixel_stride;
            copy_row(dataset, r, from, r->buffer + i * r->band_stride + y * r->row_stride);
        }
    return NACRE_OK;
}

static void free_plan(ncr_plan *plan)
{
    ncr_dataset_unref(&((memory_plan *)plan)->dataset->base);
    free(plan);
}

static nacre_status plan_read(ncr_dataset *dataset, const ncr_read_request *request, ncr_call *call, ncr_plan **out,
                              nacre_error *err)
{
    static const ncr_plan_class class = {.step = step, .compose = compose, .free = free_plan};
    memory_plan *p = ncr_plan_new(sizeof *p, &class, call);
    if (!p)
        return ncr_error_memory(err);
    p->dataset = (memory_dataset *)ncr_dataset_ref(dataset);
    p->request = *request;
    *out = &p->plan;
    return NACRE_OK;
}

static bool direct(ncr_dataset *dataset, int level, ncr_pixels *out)
{
    const memory_dataset *memory = (const memory_dataset *)dataset;
    *out = (ncr_pixels){memory->pixels, dataset->bands[0].dtype, memory->pixel_stride, memory->row_stride,
                        memory->band_stride};
    return level == 0;
}

nacre_status ncr_memory_dataset_new(int width, int height, int band_count, nacre_dtype dtype, const void *pixels,
                                    ptrdiff_t pixel_stride, ptrdiff_t row_stride, ptrdiff_t band_stride,
                                    ncr_dataset **out, nacre_error *err)
{
    static const ncr_dataset_class class = {.driver = "memory", .plan_read = plan_read, .direct = direct};
    memory_dataset *dataset = (memory_dataset *)ncr_dataset_new(sizeof *dataset, &class, "", NULL, band_count);
    *out = &dataset->base;
    if (!dataset)
        return ncr_error_memory(err);
    dataset->base.width = width;
    dataset->base.height = height;
    dataset->pixels = pixels;
    dataset->pixel_stride = pixel_stride;
    dataset->row_stride = row_stride;
    dataset->band_stride = band_stride;
    for (int i = 0; i < band_count; i++) {
        ncr_band *band = &dataset->base.bands[i];
        band->dtype = dtype;
        band->bits = (int)ncr_dtype_size(dtype) * 8;
        band->block_width = width;
        band->block_height = 1;
        band->color = i ? NACRE_COLOR_UNDEFINED : NACRE_COLOR_GRAY;
    }
    return NACRE_OK;
}
