/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "support/memory_raster.h"

#include <stdlib.h>

#include "cmocka_all.h"
#include "raster/crs.h"
#include "raster/dtype.h"
#include "raster/execute.h"
#include "support/call.h"

typedef struct {
    ncr_plan base; /* first */
    memory_raster *raster;
    ncr_read_request request;
    int bands[16];
} memory_plan;

/* The pixel of the full resolution that a level's pixel shows. */
static size_t pixel_at(const memory_raster *r, int level, int64_t column, int64_t row)
{
    int64_t factor =
        level ? (r->base.width + r->base.overviews[level - 1][0] - 1) / r->base.overviews[level - 1][0] : 1;
    return (size_t)(row * factor * r->base.width + column * factor);
}

static nacre_status plan_compose(ncr_plan *plan, nacre_error *err)
{
    (void)err;
    memory_plan *p = (memory_plan *)plan;
    const ncr_read_request *q = &p->request;
    size_t pixels = (size_t)p->raster->base.width * (size_t)p->raster->base.height;
    for (int band = 0; band < (q->mask ? 1 : q->band_count); band++) {
        nacre_dtype dtype = q->mask ? NACRE_DTYPE_UINT8 : p->raster->base.bands[p->bands[band] - 1].dtype;
        size_t size = ncr_dtype_size(dtype);
        const uint8_t *from =
            q->mask ? p->raster->mask : p->raster->values + (size_t)(p->bands[band] - 1) * pixels * size;
        for (int64_t row = 0; row < q->window.height; row++)
            for (int64_t column = 0; column < q->window.width; column++)
                ncr_convert(from + pixel_at(p->raster, q->level, q->window.x + column, q->window.y + row) * size, dtype,
                            0, q->buffer + band * q->band_stride + row * q->row_stride + column * q->pixel_stride,
                            q->dtype, 0, 1);
    }
    return NACRE_OK;
}

static nacre_status plan_step(ncr_plan *plan, ncr_wants *wants, bool *more, nacre_error *err)
{
    (void)plan, (void)wants, (void)err;
    *more = false;
    return NACRE_OK;
}

static void plan_free(ncr_plan *plan)
{
    free(plan);
}

static const ncr_plan_class memory_plan_class = {.step = plan_step, .compose = plan_compose, .free = plan_free};

static nacre_status plan_read(ncr_dataset *dataset, const ncr_read_request *request, ncr_call *call, ncr_plan **out,
                              nacre_error *err)
{
    (void)err;
    memory_plan *p = ncr_plan_new(sizeof *p, &memory_plan_class, call);
    assert_non_null(p);
    p->raster = (memory_raster *)dataset;
    p->request = *request;
    for (int i = 0; i < request->band_count && !request->mask; i++)
        p->bands[i] = request->bands[i];
    p->raster->reads++;
    int64_t pixels = request->window.width * request->window.height;
    if (pixels > p->raster->largest)
        p->raster->largest = pixels;
    *out = &p->base;
    return NACRE_OK;
}

static void raster_free(ncr_dataset *dataset)
{
    free(((memory_raster *)dataset)->values);
    free(((memory_raster *)dataset)->mask);
}

static const ncr_dataset_class memory_class = {.driver = "Memory", .plan_read = plan_read, .free = raster_free};

memory_raster *memory_raster_new(int width, int height, int band_count, nacre_dtype dtype, void *values,
                                 const nacre_transform *transform, const char *crs)
{
    memory_raster *r = (memory_raster *)ncr_dataset_new(sizeof *r, &memory_class, "memory", NULL, band_count);
    assert_non_null(r);
    r->values = values;
    r->base.width = width;
    r->base.height = height;
    for (int i = 0; i < band_count; i++) {
        r->base.bands[i].dtype = dtype;
        r->base.bands[i].bits = 8 * (int)ncr_dtype_size(dtype);
        r->base.bands[i].mask_flags = NACRE_MASK_ALL_VALID;
    }
    r->base.has_transform = transform != NULL;
    if (transform)
        r->base.transform = *transform;
    if (crs)
        assert_int_equal(ncr_crs_from_text(crs, &r->base.crs, NULL), NACRE_OK);
    return r;
}

void memory_raster_add_overview(memory_raster *raster, int factor)
{
    int(*sizes)[2] = realloc(raster->base.overviews, sizeof *sizes * (size_t)(raster->base.overview_count + 1));
    assert_non_null(sizes);
    raster->base.overviews = sizes;
    sizes[raster->base.overview_count][0] = (raster->base.width + factor - 1) / factor;
    sizes[raster->base.overview_count++][1] = (raster->base.height + factor - 1) / factor;
}

nacre_status memory_plan_run(ncr_plan *plan, nacre_error *err)
{
    nacre_status status = ncr_execute(plan, err);
    ncr_plan_free(plan);
    return status;
}

void *memory_raster_read(ncr_dataset *dataset, ncr_rect window)
{
    nacre_dtype dtype = dataset->bands[0].dtype;
    ptrdiff_t size = (ptrdiff_t)ncr_dtype_size(dtype);
    uint8_t *buffer = malloc((size_t)(size * window.width * window.height * dataset->band_count));
    int bands[16];
    for (int i = 0; i < dataset->band_count; i++)
        bands[i] = i + 1;
    ncr_read_request request = {.window = window,
                                .bands = bands,
                                .band_count = dataset->band_count,
                                .dtype = dtype,
                                .buffer = buffer,
                                .pixel_stride = size,
                                .row_stride = size * window.width,
                                .band_stride = size * window.width * window.height};
    ncr_call *call = test_call_new(NULL, NULL);
    ncr_plan *plan;
    nacre_error err = {0};
    nacre_status status = ncr_dataset_plan_read(dataset, &request, call, &plan, &err);
    if (!status)
        status = memory_plan_run(plan, &err);
    if (status)
        print_error("%s\n", err.message);
    assert_int_equal(status, NACRE_OK);
    ncr_call_unref(call);
    return buffer;
}
