/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_CACHE_FETCH_H
#define NCR_CACHE_FETCH_H

#include "cache/table.h"

/* In the child of a fork: the requests under way are the parent's. */
void ncr_flights_abandon_locked(ncr_snapshot *snapshot);

#endif
