/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_BASE_CLOCK_H
#define NCR_BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds of a monotonic clock with an unspecified beginning. */
int64_t ncr_clock_ms(void);

/* Milliseconds since 1970-01-01 UTC. */
int64_t ncr_clock_wall_ms(void);

/* For tests: both clocks read from this instead, until it is set to NULL. wall tells which one is asked for. */
typedef int64_t (*ncr_clock_function)(int wall);
void ncr_clock_replace(ncr_clock_function function);

#endif
