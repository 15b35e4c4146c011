/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <nacre/batch.h>
#include <stdlib.h>

#include "api/drivers.h"
#include "api/future.h"
#include "base/memory.h"
#include "raster/batch.h"
#include "raster/execute.h"

/* A batch whose items may not be told of: without a future. */
typedef struct {
    ncr_batch batch;
    const nacre_batch_options *options;
} blocking_batch;

static nacre_status check(const nacre_batch_item *items, size_t count, nacre_error *err)
{
    if (count && (!items || items->size < sizeof(nacre_batch_item)))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "batch: the size of the items is not set");
    ncr_drivers_register();
    return NACRE_OK;
}

/* Forgets what an earlier batch left in the items. */
static void reset(const ncr_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        nacre_batch_item *item = ncr_batch_item(batch, i);
        item->is_done = item->has_transform = false;
        item->status = NACRE_OK;
        item->width = item->height = item->band_count = 0;
        item->dtype = NACRE_DTYPE_UNKNOWN;
    }
}

static ncr_batch batch_of(nacre_batch_item *items, size_t count, const nacre_batch_options *options)
{
    ncr_batch batch = {.items = items, .count = count};
    if (options && options->open_options)
        batch.drivers = options->open_options->drivers;
    reset(&batch);
    return batch;
}

static void tell(const nacre_batch_options *options, const ncr_batch *batch, size_t index)
{
    if (options && options->item_done)
        options->item_done(options->user, index, ncr_batch_item(batch, index));
}

static void item_done(void *user, size_t index)
{
    const blocking_batch *b = user;
    tell(b->options, &b->batch, index);
}

static nacre_status run(blocking_batch *b, ncr_call *call, nacre_error *err)
{
    ncr_plan *plan = NULL;
    nacre_status status = ncr_batch_plan(&b->batch, call, &plan, err);
    if (status == NACRE_OK)
        status = ncr_execute(plan, err);
    ncr_plan_free(plan);
    return status;
}

nacre_status nacre_dataset_read_batch(nacre_batch_item *items, size_t count, const nacre_batch_options *batch_options,
                                      const nacre_io_options *options, nacre_error *err)
{
    ncr_call *call = NULL;
    nacre_status status = check(items, count, err);
    if (status == NACRE_OK)
        status = ncr_call_new(options, &call, err);
    if (status != NACRE_OK)
        return status;
    blocking_batch b = {.batch = batch_of(items, count, batch_options), .options = batch_options};
    b.batch.done = item_done;
    b.batch.user = &b;
    status = run(&b, call, err);
    ncr_call_report(call, options);
    ncr_call_unref(call);
    return status;
}

/* --- Started --- */

static void future_item_done(void *user, size_t index)
{
    nacre_future *future = user;
    tell(&future->batch_options, &future->batch, index);
    ncr_future_item_ended(future, index);
}

nacre_status nacre_dataset_read_batch_start(nacre_batch_item *items, size_t count,
                                            const nacre_batch_options *batch_options, const nacre_io_options *options,
                                            nacre_future **future, nacre_error *err)
{
    nacre_future *f = NULL;
    *future = NULL;
    nacre_status status = check(items, count, err);
    if (status == NACRE_OK)
        status = ncr_future_new(options, &f, err);
    if (status != NACRE_OK)
        return status;
    if (batch_options)
        f->batch_options = *batch_options;
    f->batch = batch_of(items, count, batch_options);
    f->batch.done = future_item_done;
    f->batch.user = f;
    f->ended = ncr_alloc_array(count, sizeof *f->ended);
    status = count && !f->ended ? ncr_error_memory(err) : ncr_batch_plan(&f->batch, f->call, &f->plan, err);
    if (status != NACRE_OK) {
        ncr_future_clear(f);
        return status;
    }
    ncr_future_start(f, future);
    return NACRE_OK;
}

void nacre_batch_item_clear(nacre_batch_item *item)
{
    if (!item->is_allocated)
        return;
    free(item->buffer);
    item->buffer = NULL;
    item->buffer_size = 0;
    item->is_allocated = false;
}

void nacre_batch_buffer_free(void *buffer)
{
    free(buffer);
}
