/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TESTS_HELD_DATASET_H
#define NCR_TESTS_HELD_DATASET_H

#include <stdlib.h>
#include <string.h>

#include "raster/dataset.h"
#include "support/fake_store.h"
#include "vfs/vfs.h"

/* A dataset of one band of uint8 whose every read waits for an answer of a fake store, and then gives 7s. Include after
 * cmocka_all.h. */
typedef struct {
    ncr_dataset base;
    ncr_object *object; /* of the test */
} held_dataset;

typedef struct {
    ncr_plan plan;
    held_dataset *dataset;
    ncr_read_request request;
    ncr_file *file;
    bool asked;
} held_plan;

static nacre_status held_step(ncr_plan *plan, ncr_wants *wants, bool *more, nacre_error *err)
{
    held_plan *p = (held_plan *)plan;
    *more = !p->asked;
    p->asked = true;
    ncr_object *object = p->dataset->object;
    ncr_want want = {.kind = NCR_WANT_OPEN, .path = object->name, .object = object, .file_out = &p->file};
    return *more ? ncr_wants_add(wants, &want, err) : NACRE_OK;
}

static nacre_status held_compose(ncr_plan *plan, nacre_error *err)
{
    (void)err;
    const ncr_read_request *r = &((held_plan *)plan)->request;
    for (int64_t y = 0; y < r->window.height; y++)
        memset(r->buffer + y * r->row_stride, 7, (size_t)r->window.width);
    return NACRE_OK;
}

static void held_free_plan(ncr_plan *plan)
{
    ncr_file_unref(((held_plan *)plan)->file);
    free(plan);
}

static nacre_status held_plan_read(ncr_dataset *dataset, const ncr_read_request *request, ncr_call *call,
                                   ncr_plan **out, nacre_error *err)
{
    static const ncr_plan_class class = {.step = held_step, .compose = held_compose, .free = held_free_plan};
    held_plan *p = ncr_plan_new(sizeof *p, &class, call);
    if (!p)
        return ncr_error_memory(err);
    p->dataset = (held_dataset *)dataset;
    p->request = *request;
    *out = &p->plan;
    return NACRE_OK;
}

static void held_free(ncr_dataset *dataset)
{
    (void)dataset;
}

static const ncr_dataset_class held_class = {.driver = "held", .plan_read = held_plan_read, .free = held_free};

static inline held_dataset *held_dataset_new(ncr_object *object)
{
    held_dataset *dataset = (held_dataset *)ncr_dataset_new(sizeof *dataset, &held_class, "held", NULL, 1);
    assert_non_null(dataset);
    dataset->object = object;
    dataset->base.width = dataset->base.height = 8;
    dataset->base.bands[0].dtype = NACRE_DTYPE_UINT8;
    dataset->base.bands[0].block_width = dataset->base.bands[0].block_height = 8;
    return dataset;
}

#endif
