/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_RASTER_LANES_H
#define NCR_RASTER_LANES_H

#include "raster/execute.h"

/* Runs a plan of plans: see ncr_plan_class.next. The next one is begun as soon as there is memory for it: when the one
 * before has been let through the gate. begun: see ncr_execute_lane(); NULL: nobody wants to know. */
void ncr_lanes_start(ncr_plan *plan, void (*begun)(void *user), ncr_execute_done *done, void *user);

#endif
