/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "vfs/wait.h"

#include "vfs/object.h"

static void open_done(ncr_cache_open *open)
{
    ncr_latch_down(open->user);
}

nacre_status ncr_pin_open_wait(ncr_object *object, ncr_call *call, ncr_pin **out, nacre_error *err)
{
    *out = NULL;
    nacre_status status = ncr_object_check(object, err);
    if (status != NACRE_OK)
        return status;
    ncr_latch latch;
    ncr_latch_init(&latch, 1);
    ncr_cache_open open = {.object = object, .call = call, .done = open_done, .user = &latch};
    ncr_cache_open_start(&open);
    ncr_latch_wait(&latch);
    ncr_latch_clear(&latch);
    ncr_slice_clear(&open.head);
    *out = open.pin;
    return open.status == NACRE_OK ? NACRE_OK : ncr_error_copy(err, &open.error, open.status);
}

static void fetch_done(ncr_fetch *fetch)
{
    ncr_latch_down(fetch->user);
}

void ncr_fetch_wait_begin(ncr_fetch_wait *wait)
{
    ncr_latch_init(&wait->latch, 1);
    wait->under_way = true;
    wait->fetch.done = fetch_done;
    wait->fetch.user = &wait->latch;
    ncr_fetch *fetch = &wait->fetch;
    ncr_cache_fetch_start(&fetch, 1);
}

nacre_status ncr_fetch_wait_end(ncr_fetch_wait *wait, nacre_error *err)
{
    if (!wait->under_way)
        return NACRE_OK;
    ncr_latch_wait(&wait->latch);
    ncr_latch_clear(&wait->latch);
    wait->under_way = false;
    if (wait->fetch.status == NACRE_OK)
        return NACRE_OK;
    return ncr_error_copy(err, &wait->fetch.error, wait->fetch.status);
}

static void stat_done(ncr_stat_op *op)
{
    ncr_latch_down(op->user);
}

static void list_done(ncr_list_op *op)
{
    ncr_latch_down(op->user);
}

void ncr_store_ask(ncr_stat_op *stat, ncr_list_op *list)
{
    ncr_latch latch;
    ncr_latch_init(&latch, (size_t)(stat != NULL) + (size_t)(list != NULL));
    if (stat) {
        stat->done = stat_done;
        stat->user = &latch;
        stat->object->store->class->stat(stat);
    }
    if (list) {
        list->done = list_done;
        list->user = &latch;
        list->object->store->class->list(list);
    }
    ncr_latch_wait(&latch);
    ncr_latch_clear(&latch);
    if (stat)
        ncr_call_round_used(stat->call, stat->round);
    if (list)
        ncr_call_round_used(list->call, list->round);
}
