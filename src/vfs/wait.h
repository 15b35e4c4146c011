/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_VFS_WAIT_H
#define NCR_VFS_WAIT_H

#include "base/latch.h"
#include "cache/cache.h"
#include "store/store.h"

/* Asynchronous operations for those who wait; private to this layer. Never on workers nor the loop thread. */

/* Proves and pins an object. *out is the caller's. */
nacre_status ncr_pin_open_wait(ncr_object *object, ncr_call *call, ncr_pin **out, nacre_error *err);

/* One fetch whose arrival can be awaited. */
typedef struct ncr_fetch_wait {
    ncr_fetch fetch;
    ncr_latch latch;
    bool under_way;
} ncr_fetch_wait;

/* Starts it; wait->fetch is filled in as far as it is the caller's. */
void ncr_fetch_wait_begin(ncr_fetch_wait *wait);

/* Waits for it; the slice is in wait->fetch. NACRE_OK where none is under way. */
nacre_status ncr_fetch_wait_end(ncr_fetch_wait *wait, nacre_error *err);

/* Runs a stat and a page of a listing beside one another, or (NULL) one of them. */
void ncr_store_ask(ncr_stat_op *stat, ncr_list_op *list);

#endif
