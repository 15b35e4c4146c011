/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <nacre/dataset.h>

#include "api/future.h"
#include "raster/execute.h"
#include "raster/read.h"

static nacre_status run(const ncr_read *read, ncr_call *call, nacre_error *err)
{
    ncr_plan *plan = NULL;
    nacre_status status = ncr_call_check(call, ncr_dataset_name(read->dataset), err);
    if (status == NACRE_OK)
        status = ncr_read_plan(read, call, &plan, err);
    if (status == NACRE_OK)
        status = ncr_execute(plan, err);
    ncr_plan_free(plan);
    return status;
}

nacre_status nacre_dataset_read(nacre_dataset *dataset, const nacre_read_options *read_options,
                                const nacre_io_options *options, void *buffer, size_t buffer_size, nacre_error *err)
{
    ncr_read read;
    ncr_call *call = NULL;
    nacre_status status = ncr_read_init(&read, dataset, read_options, err);
    if (status == NACRE_OK)
        status = ncr_read_set_buffer(&read, buffer, buffer_size, err);
    if (status == NACRE_OK)
        status = ncr_call_new(options, &call, err);
    if (status == NACRE_OK) {
        status = run(&read, call, err);
        ncr_call_report(call, options);
    }
    ncr_call_unref(call);
    ncr_read_clear(&read);
    return status;
}

nacre_status nacre_dataset_read_start(nacre_dataset *dataset, const nacre_read_options *read_options,
                                      const nacre_io_options *options, void *buffer, size_t buffer_size,
                                      nacre_future **future, nacre_error *err)
{
    nacre_future *f = NULL;
    *future = NULL;
    nacre_status status = ncr_future_new(options, &f, err);
    if (status == NACRE_OK)
        status = ncr_read_init(&f->read, dataset, read_options, err);
    if (status == NACRE_OK)
        status = ncr_read_set_buffer(&f->read, buffer, buffer_size, err);
    if (status == NACRE_OK)
        status = ncr_read_plan(&f->read, f->call, &f->plan, err);
    if (status != NACRE_OK) {
        ncr_future_clear(f);
        return status;
    }
    ncr_future_start(f, future);
    return NACRE_OK;
}
