/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "support/fake_driver.h"

#include "raster/wants.h"
#include "support/memory_dataset.h"

_Atomic int fake_driver_opened;

typedef struct {
    ncr_plan plan;
    const ncr_open_request *request;
    ncr_dataset **out;
    ncr_slice rest;
    bool asked;
} fake_open;

static bool fake_probe(const ncr_open_request *request)
{
    if (!request->file)
        return strncmp(request->path, "<VRTDataset", 11) == 0;
    const ncr_slice *head = ncr_file_head(request->file);
    return head->size >= 4 && memcmp(head->data, "FAKE", 4) == 0;
}

static nacre_status fake_step(ncr_plan *plan, ncr_wants *wants, bool *more, nacre_error *err)
{
    fake_open *open = (fake_open *)plan;
    if (open->asked || !open->request->file)
        return NACRE_OK;
    open->asked = *more = true;
    ncr_want want = {
        .kind = NCR_WANT_READ, .file = open->request->file, .offset = 4, .length = 4, .slice_out = &open->rest};
    return ncr_wants_add(wants, &want, err);
}

static nacre_status fake_compose(ncr_plan *plan, nacre_error *err)
{
    fake_open *open = (fake_open *)plan;
    if (open->rest.size && open->rest.data[0] == '!')
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: damaged", open->request->path);
    fake_driver_opened++;
    ncr_dataset *dataset =
        ncr_dataset_new(sizeof(memory_dataset), &memory_class, open->request->path, open->request->file, 1);
    if (!dataset)
        return ncr_error_memory(err);
    *open->out = dataset;
    return NACRE_OK;
}

static void fake_free(ncr_plan *plan)
{
    ncr_slice_clear(&((fake_open *)plan)->rest);
    free(plan);
}

static nacre_status fake_plan_open(const ncr_open_request *request, ncr_call *call, ncr_dataset **dataset_out,
                                   ncr_plan **out, nacre_error *err)
{
    static const ncr_plan_class class = {.step = fake_step, .compose = fake_compose, .free = fake_free};
    fake_open *open = ncr_plan_new(sizeof *open, &class, call);
    if (!open)
        return ncr_error_memory(err);
    open->request = request;
    open->out = dataset_out;
    *out = &open->plan;
    return NACRE_OK;
}

static const ncr_driver fake_driver = {"Fake", fake_probe, fake_plan_open};

int fake_driver_set_up(void **state)
{
    (void)state;
    ncr_driver_register(&fake_driver);
    return 0;
}
