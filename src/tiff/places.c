/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tiff/places.h"

#include <stdlib.h>

#include "raster/execute.h"

typedef struct places_plan {
    ncr_plan plan;
    ncr_tiff_blocks blocks;
    uint64_t first, count;
    bool is_begun;
} places_plan;

static nacre_status step(ncr_plan *plan, ncr_wants *wants, bool *more, nacre_error *err)
{
    places_plan *p = (places_plan *)plan;
    nacre_status status = p->is_begun ? ncr_tiff_blocks_arrived(&p->blocks, err) : NACRE_OK;
    for (uint64_t i = 0; i < p->count && !p->is_begun && status == NACRE_OK; i++)
        status = ncr_tiff_blocks_touch(&p->blocks, p->first + i, err);
    p->is_begun = true;
    *more = false;
    return status == NACRE_OK ? ncr_tiff_blocks_ask(&p->blocks, plan->call, wants, more, err) : status;
}

static void free_plan(ncr_plan *plan)
{
    ncr_tiff_blocks_clear(&((places_plan *)plan)->blocks);
    free(plan);
}

nacre_status ncr_tiff_places(const ncr_tiff_dataset *tiff, const ncr_tiff_level *level, uint64_t first, uint64_t count,
                             ncr_call *call, void (*take)(void *user, uint64_t number, uint64_t offset, uint64_t size),
                             void *user, nacre_error *err)
{
    static const ncr_plan_class class = {.step = step, .free = free_plan};
    places_plan *p = ncr_plan_new(sizeof *p, &class, call);
    if (!p)
        return ncr_error_memory(err);
    p->first = first;
    p->count = count;
    nacre_status status = ncr_tiff_blocks_begin(&p->blocks, tiff->base.path, tiff->index, level, tiff->base.file, err);
    if (status == NACRE_OK)
        status = ncr_execute(&p->plan, err);
    for (uint64_t i = 0; i < count && status == NACRE_OK; i++) {
        uint64_t offset = 0, size = 0;
        status = ncr_tiff_blocks_find(&p->blocks, first + i, &offset, &size, err);
        if (status == NACRE_OK)
            take(user, first + i, offset, size);
    }
    ncr_plan_free(&p->plan);
    return status;
}
