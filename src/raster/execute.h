/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_RASTER_EXECUTE_H
#define NCR_RASTER_EXECUTE_H

#include "raster/plan.h"

/* The executor: steps a plan, fetches all wants of a step together, hands arrivals to workers, composes. It is driven
 * by completions and holds no thread while it waits. What all plans that it runs hold for the rounds under way keeps to
 * the key memory.limit (gate.h). */

typedef void ncr_execute_done(void *user, nacre_status status, const nacre_error *error);

/* Runs a plan to its end; plan stays the caller's. done() is called once, on a worker; error is what it was where
 * status is not NACRE_OK. */
void ncr_execute_start(ncr_plan *plan, ncr_execute_done *done, void *user);

/* The same, but what can be done before something is fetched is done in this thread, and done() may be called in it
 * before this returns: what is cached needs no worker. */
void ncr_execute_start_here(ncr_plan *plan, ncr_execute_done *done, void *user);

/* Runs a plan, as far as it can in this thread, and waits; not for workers. */
nacre_status ncr_execute(ncr_plan *plan, nacre_error *err);

/* --- For lanes.c: plans that belong to a plan of plans --- */

/* Like ncr_execute_start_here(), from the round in plan->round on. begun(user) is called once, before done(), when the
 * memory for its first round has been granted (of a plan of plans: for its last plan's), so that another may begin. */
void ncr_execute_lane(ncr_plan *plan, void (*begun)(void *user), ncr_execute_done *done, void *user);

/* Ends at once what there is no memory to begin: begun (may be NULL), then done. */
void ncr_execute_out_of_memory(void (*begun)(void *user), ncr_execute_done *done, void *user);

#endif
