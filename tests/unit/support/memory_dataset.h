/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TESTS_MEMORY_DATASET_H
#define NCR_TESTS_MEMORY_DATASET_H

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "raster/dataset.h"
#include "raster/dtype.h"

/* A dataset whose pixels lie in memory: every level's bands one after another in each band's own type. Its plans need
 * nothing from outside; they take an extra step, so that drivers with several rounds are imitated. */
typedef struct {
    ncr_dataset base;
    void **levels;   /* of the test; pixels of each level, band by band */
    uint8_t **masks; /* of the test; the dataset's mask of each level, or NULL */
    _Atomic int reads;
    size_t bytes_per_pixel_estimated; /* for tests of the memory limit */
} memory_dataset;

typedef struct {
    ncr_plan plan;
    memory_dataset *dataset;
    ncr_read_request request;
    int steps;
} memory_plan;

static nacre_status memory_step(ncr_plan *plan, ncr_wants *wants, bool *more, nacre_error *err)
{
    (void)wants;
    (void)err;
    *more = ((memory_plan *)plan)->steps++ == 0;
    return NACRE_OK;
}

static void memory_level_size(const memory_dataset *dataset, int level, size_t *width, size_t *height)
{
    *width = (size_t)(level ? dataset->base.overviews[level - 1][0] : dataset->base.width);
    *height = (size_t)(level ? dataset->base.overviews[level - 1][1] : dataset->base.height);
}

static void memory_copy_plane(const uint8_t *plane, size_t level_width, nacre_dtype dtype, const ncr_read_request *r,
                              uint8_t *out)
{
    size_t size = ncr_dtype_size(dtype);
    for (int64_t y = 0; y < r->window.height; y++) {
        const uint8_t *row = plane + ((size_t)(r->window.y + y) * level_width + (size_t)r->window.x) * size;
        ncr_convert(row, dtype, (ptrdiff_t)size, out + y * r->row_stride, r->dtype, r->pixel_stride,
                    (size_t)r->window.width);
    }
}

static nacre_status memory_compose(ncr_plan *plan, nacre_error *err)
{
    (void)err;
    memory_plan *p = (memory_plan *)plan;
    const ncr_read_request *r = &p->request;
    size_t width, height;
    memory_level_size(p->dataset, r->level, &width, &height);
    if (r->mask) {
        memory_copy_plane(p->dataset->masks[r->level], width, NACRE_DTYPE_UINT8, r, r->buffer);
        return NACRE_OK;
    }
    for (int i = 0; i < r->band_count; i++) {
        const uint8_t *plane = p->dataset->levels[r->level];
        for (int band = 0; band < r->bands[i] - 1; band++)
            plane += width * height * ncr_dtype_size(p->dataset->base.bands[band].dtype);
        memory_copy_plane(plane, width, p->dataset->base.bands[r->bands[i] - 1].dtype, r,
                          r->buffer + i * r->band_stride);
    }
    return NACRE_OK;
}

static void memory_free_plan(ncr_plan *plan)
{
    free(plan);
}

static size_t memory_estimate(const ncr_plan *plan)
{
    const memory_plan *p = (const memory_plan *)plan;
    return p->dataset->bytes_per_pixel_estimated * (size_t)p->request.window.width * (size_t)p->request.window.height;
}

static nacre_status memory_plan_read(ncr_dataset *dataset, const ncr_read_request *request, ncr_call *call,
                                     ncr_plan **out, nacre_error *err)
{
    static const ncr_plan_class class = {
        .step = memory_step, .compose = memory_compose, .free = memory_free_plan, .estimate = memory_estimate};
    memory_plan *p = ncr_plan_new(sizeof *p, &class, call);
    if (!p)
        return ncr_error_memory(err);
    p->dataset = (memory_dataset *)dataset;
    p->request = *request;
    atomic_fetch_add(&p->dataset->reads, 1);
    *out = &p->plan;
    return NACRE_OK;
}

static void memory_free(ncr_dataset *dataset)
{
    free(((memory_dataset *)dataset)->levels);
    free(((memory_dataset *)dataset)->masks);
}

static const ncr_dataset_class memory_class = {.driver = "memory", .plan_read = memory_plan_read, .free = memory_free};

/* pixels is borrowed; overviews are added by the test. */
static inline memory_dataset *memory_dataset_new(int width, int height, int bands, nacre_dtype dtype, void *pixels)
{
    memory_dataset *dataset =
        (memory_dataset *)ncr_dataset_new(sizeof(memory_dataset), &memory_class, "memory", NULL, bands);
    if (!dataset)
        abort();
    dataset->base.width = width;
    dataset->base.height = height;
    dataset->levels = calloc(8, sizeof *dataset->levels);
    dataset->masks = calloc(8, sizeof *dataset->masks);
    if (!dataset->levels || !dataset->masks)
        abort();
    dataset->levels[0] = pixels;
    for (int i = 0; i < bands; i++) {
        dataset->base.bands[i].dtype = dtype;
        dataset->base.bands[i].block_width = width;
        dataset->base.bands[i].block_height = 16;
    }
    return dataset;
}

#endif
