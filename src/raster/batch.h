/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_RASTER_BATCH_H
#define NCR_RASTER_BATCH_H

#include <nacre/batch.h>

#include "raster/plan.h"

/* Many reads as one plan of plans: an open for each path, then for each dataset what its items need, joined as far as
 * memory allows. Items are given in the public form; they, and what they point to, must stay until the plan is freed.
 *
 * done(user, index) is called on a worker, one after another, when an item is filled in; NULL: none. The plan fails as
 * the first item in the array that failed, when all are done. */
typedef struct ncr_batch {
    nacre_batch_item *items;
    size_t count;
    const char *const *drivers; /* NULL: all */
    void (*done)(void *user, size_t index);
    void *user;
} ncr_batch;

nacre_status ncr_batch_plan(const ncr_batch *batch, ncr_call *call, ncr_plan **out, nacre_error *err);

/* An item of an array, whose elements may be larger than what this library knows of. */
nacre_batch_item *ncr_batch_item(const ncr_batch *batch, size_t index);

#endif
