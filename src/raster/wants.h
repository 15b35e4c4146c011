/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_RASTER_WANTS_H
#define NCR_RASTER_WANTS_H

#include "raster/plan.h"

/* The wants of one round, as a step appends them and the executor takes them. Paths are owned. Single-thread. */
struct ncr_wants {
    ncr_want *items;
    size_t count, capacity;
};

void ncr_wants_clear(ncr_wants *wants);

#endif
