/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_RASTER_EXECUTE_H
#define NCR_RASTER_EXECUTE_H

#include "raster/plan.h"

/* The executor: steps a plan, fetches all wants of a step together, hands arrivals to workers, composes. It is driven
 * by completions and holds no thread while it waits. */

/* Runs a plan to its end; plan stays the caller's. done() is called once, on a worker. */
void ncr_execute_start(ncr_plan *plan, void (*done)(void *user, nacre_status status, const nacre_error *error),
                       void *user);

/* Runs a plan and waits; not for workers. */
nacre_status ncr_execute(ncr_plan *plan, nacre_error *err);

#endif
