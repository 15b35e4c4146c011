/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "base/clock.h"

#include <stdatomic.h>
#include <stddef.h>
#include <time.h>

static _Atomic(ncr_clock_function) replacement;

static int64_t read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t ncr_clock_ms(void)
{
    ncr_clock_function function = atomic_load(&replacement);
    return function ? function(0) : read_clock(CLOCK_MONOTONIC);
}

int64_t ncr_clock_wall_ms(void)
{
    ncr_clock_function function = atomic_load(&replacement);
    return function ? function(1) : read_clock(CLOCK_REALTIME);
}

void ncr_clock_replace(ncr_clock_function function)
{
    atomic_store(&replacement, function);
}
