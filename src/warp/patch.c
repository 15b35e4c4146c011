/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "warp/patch.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"
#include "raster/dtype.h"

/* OPENING (both rasters in one round) -> READING (both patches in one round) -> done. */

typedef struct {
    ncr_plan base; /* first */
    ncr_patch_loading loading;
    bool is_reading;
    ncr_plan *children[NCR_PATCHES_MAX]; /* of the phase; NULL: done */
    ncr_patch patches[NCR_PATCHES_MAX];
    size_t size; /* bytes of all patches */
} load_plan;

void ncr_patch_clear(ncr_patch *patch)
{
    ncr_dataset_unref(patch->dataset);
    free(patch->values);
    *patch = (ncr_patch){0};
}

/* Steps the children of a phase; *more: some are not done. */
static nacre_status step_children(load_plan *p, ncr_wants *wants, bool *more, nacre_error *err)
{
    *more = false;
    nacre_status status = NACRE_OK;
    for (int i = 0; i < p->loading.count && status == NACRE_OK; i++)
        status = ncr_plan_step_held(&p->children[i], wants, more, err);
    return status;
}

static bool fits_single(nacre_dtype dtype)
{
    return dtype == NACRE_DTYPE_FLOAT32 || dtype == NACRE_DTYPE_FLOAT16 ||
           (ncr_dtype_is_integer(dtype) && ncr_dtype_size(dtype) <= 2);
}

static nacre_status reserve(load_plan *p, ncr_patch *patch, nacre_error *err)
{
    const ncr_dataset *dataset = patch->dataset;
    int64_t limit = ncr_config_number(p->base.call->config, NCR_KEY_MEMORY_LIMIT);
    size_t count, size;
    patch->is_single = fits_single(dataset->bands[patch->band - 1].dtype);
    size_t value = patch->is_single ? sizeof(float) : sizeof(double);
    bool fits = ncr_size_mul((size_t)patch->window.width, (size_t)patch->window.height, &count) &&
                ncr_size_mul(count, value, &size) && ncr_size_add(p->size, size, &p->size);
    if (!fits || (limit > 0 && p->size > (size_t)limit))
        return ncr_error_set(err, NACRE_ERROR_TOO_LARGE,
                             "%s: %" PRId64 " x %" PRId64 " of its pixels must be held in memory, which is more than "
                             "memory.limit: use a coarser one",
                             ncr_dataset_name(dataset), patch->window.width, patch->window.height);
    patch->values = ncr_alloc_array(count, value);
    return patch->values ? NACRE_OK : ncr_error_memory(err);
}

static nacre_status plan_read(load_plan *p, int index, nacre_error *err)
{
    ncr_patch *patch = &p->patches[index];
    patch->dataset = ncr_dataset_ref(ncr_lazy_dataset(p->loading.sources[index]));
    patch->band = 1;
    nacre_status status = p->loading.choose(p->loading.georef, index, patch, err);
    if (status || patch->window.width <= 0 || patch->window.height <= 0) {
        patch->window = (ncr_rect){0};
        return status;
    }
    status = reserve(p, patch, err);
    if (status)
        return status;
    ptrdiff_t size = patch->is_single ? sizeof(float) : sizeof(double);
    ncr_read_request request = {.window = patch->window,
                                .bands = &patch->band,
                                .band_count = 1,
                                .dtype = patch->is_single ? NACRE_DTYPE_FLOAT32 : NACRE_DTYPE_FLOAT64,
                                .buffer = patch->values,
                                .pixel_stride = size,
                                .row_stride = size * patch->window.width,
                                .band_stride = size * patch->window.width * patch->window.height};
    return ncr_dataset_plan_read(patch->dataset, &request, p->base.call, &p->children[index], err);
}

static nacre_status step(ncr_plan *plan, ncr_wants *wants, bool *more, nacre_error *err)
{
    load_plan *p = (load_plan *)plan;
    nacre_status status = step_children(p, wants, more, err);
    if (status || *more || p->is_reading)
        return status;
    p->is_reading = true;
    for (int i = 0; i < p->loading.count && !status; i++)
        status = plan_read(p, i, err);
    return status ? status : step_children(p, wants, more, err);
}

static nacre_status compose(ncr_plan *plan, nacre_error *err)
{
    load_plan *p = (load_plan *)plan;
    return p->loading.finish(p->loading.georef, p->patches, err);
}

static void free_plan(ncr_plan *plan)
{
    load_plan *p = (load_plan *)plan;
    for (int i = 0; i < p->loading.count; i++) {
        ncr_plan_free(p->children[i]);
        ncr_patch_clear(&p->patches[i]);
    }
    ncr_georef_unref(p->loading.georef);
    free(p);
}

static size_t estimate(const ncr_plan *plan)
{
    return ((const load_plan *)plan)->size;
}

static const ncr_plan_class load_class = {.step = step, .compose = compose, .free = free_plan, .estimate = estimate};

nacre_status ncr_patch_plan_load(const ncr_patch_loading *loading, ncr_call *call, ncr_plan **out, nacre_error *err)
{
    *out = NULL;
    load_plan *p = ncr_plan_new(sizeof *p, &load_class, call);
    if (!p)
        return ncr_error_memory(err);
    p->loading = *loading;
    ncr_georef_ref(loading->georef);
    nacre_status status = NACRE_OK;
    for (int i = 0; i < loading->count && !status; i++)
        if (!ncr_lazy_dataset(loading->sources[i]))
            status = ncr_lazy_plan_open(loading->sources[i], call, &p->children[i], err);
    if (status)
        ncr_plan_free(&p->base);
    else
        *out = &p->base;
    return status;
}
