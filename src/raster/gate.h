/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_RASTER_GATE_H
#define NCR_RASTER_GATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/call.h"

/* The process's gate for memory: what all plans that run at once may hold for the rounds that are under way. Who does
 * not fit waits its turn, first come, first served; somebody is always let through, so that what is larger than the
 * limit runs alone. After a fork the child begins with an empty gate. Synchronised. */

/* What one execution holds; a part of its owner's struct, zeroed before the first use. */
typedef struct ncr_gate_share {
    size_t bytes; /* held, or, while it waits, wanted; the gate's, as is all below */
    size_t limit; /* of the call */
    const ncr_call *call;
    void (*granted)(struct ncr_gate_share *share);
    struct ncr_gate_share *next;
} ncr_gate_share;

/* Changes what a share holds. True: it holds that now (what is not more than before is granted always). False: it
 * holds nothing, and granted() will be called, on another thread or before this returns, when the bytes are its own,
 * or its call must end, which is for the caller to look at. limit: of all shares together, for this one. */
bool ncr_gate_take(ncr_gate_share *share, size_t bytes, size_t limit, const ncr_call *call,
                   void (*granted)(ncr_gate_share *share));

/* Gives back what a share holds. */
void ncr_gate_give(ncr_gate_share *share);

/* Bytes that are held now; for tests. */
size_t ncr_gate_held(void);

#endif
