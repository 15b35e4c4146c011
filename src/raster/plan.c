/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "raster/plan.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/text.h"
#include "raster/wants.h"

void *ncr_plan_new(size_t size, const ncr_plan_class *class, ncr_call *call)
{
    assert(size >= sizeof(ncr_plan));
    ncr_plan *plan = calloc(1, size);
    if (!plan)
        return NULL;
    plan->class = class;
    plan->call = ncr_call_ref(call);
    return plan;
}

size_t ncr_plan_estimate(const ncr_plan *plan)
{
    return plan->class->estimate ? plan->class->estimate(plan) : 0;
}

void ncr_plan_free(ncr_plan *plan)
{
    if (!plan)
        return;
    /* The class's free releases the plan itself, so the call is let go of after it. */
    ncr_call *call = plan->call;
    plan->class->free(plan);
    ncr_call_unref(call);
}

void ncr_wants_clear(ncr_wants *wants)
{
    for (size_t i = 0; i < wants->count; i++)
        free((char *)wants->items[i].path);
    free(wants->items);
    *wants = (ncr_wants){0};
}

nacre_status ncr_wants_add(ncr_wants *wants, const ncr_want *want, nacre_error *err)
{
    char *path = ncr_text_copy(want->path);
    if ((want->path && !path) ||
        !ncr_array_reserve(&wants->items, &wants->capacity, wants->count + 1, sizeof *wants->items)) {
        free(path);
        return ncr_error_memory(err);
    }
    wants->items[wants->count] = *want;
    wants->items[wants->count].path = path;
    wants->count++;
    return NACRE_OK;
}

nacre_status ncr_plan_step_child(ncr_plan *child, ncr_wants *wants, bool *more, nacre_error *err)
{
    *more = false;
    size_t before = wants->count;
    assert(child->class->step);
    nacre_status status = child->class->step(child, wants, more, err);
    if (status != NACRE_OK) {
        *more = false;
        return status;
    }
    if (*more)
        return NACRE_OK;
    assert(wants->count == before);
    (void)before;
    return child->class->compose ? child->class->compose(child, err) : NACRE_OK;
}

nacre_status ncr_plan_step_held(ncr_plan **child, ncr_wants *wants, bool *more, nacre_error *err)
{
    if (!*child)
        return NACRE_OK;
    bool child_more;
    nacre_status status = ncr_plan_step_child(*child, wants, &child_more, err);
    *more = *more || child_more;
    if (status == NACRE_OK && !child_more) {
        ncr_plan_free(*child);
        *child = NULL;
    }
    return status;
}

void ncr_fault_note(ncr_fault *fault, nacre_status status, const nacre_error *error)
{
    int none = NACRE_OK;
    if (atomic_compare_exchange_strong(&fault->status, &none, (int)status) && fault->error)
        *fault->error = *error;
}

/* Takes back what was appended after the first `count`. */
static void cut_wants(ncr_wants *wants, size_t count)
{
    while (wants->count > count)
        free((char *)wants->items[--wants->count].path);
}

nacre_status ncr_plan_step_part(ncr_plan *part, ncr_fault *fault, ncr_wants *wants, bool *more, nacre_error *err)
{
    size_t before = wants->count;
    *more = false;
    nacre_status status = (nacre_status)atomic_load(&fault->status);
    if (status != NACRE_OK)
        return ncr_error_copy(err, fault->error, status);
    status = ncr_plan_step_child(part, wants, more, err);
    if (status != NACRE_OK) {
        cut_wants(wants, before);
        return status;
    }
    for (size_t i = before; i < wants->count; i++)
        if (!wants->items[i].fault)
            wants->items[i].fault = fault;
    return NACRE_OK;
}
