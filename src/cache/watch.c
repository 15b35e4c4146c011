/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cache/watch.h"

#include <stdatomic.h>
#include <time.h>

#include "base/thread.h"

static atomic_bool wanted; /* written under the cache's lock */
static bool running;       /* guarded by it */

void ncr_watch_wanted_locked(const ncr_call *call)
{
    if (call->cancel || call->deadline_ms != INT64_MAX)
        wanted = true;
}

void ncr_watch_abandon_locked(void)
{
    wanted = false;
    running = false;
}

/* Looks once; false: nobody is left who needs it. */
static bool look(void)
{
    ncr_cache_open *opens = NULL;
    ncr_reader *readers = NULL;
    ncr_cache_lock();
    bool more_opens = ncr_proofs_expire_locked(&opens), more_readers = ncr_flights_expire_locked(&readers);
    wanted = false;
    running = more_opens || more_readers;
    bool more = running;
    ncr_cache_unlock();
    ncr_opens_fail(opens);
    ncr_readers_end(readers);
    return more;
}

static void *watch(void *unused)
{
    const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
    do
        nanosleep(&pause, NULL);
    while (look());
    return unused;
}

void ncr_watch_start(void)
{
    if (!wanted)
        return;
    ncr_cache_lock();
    bool start = wanted && !running;
    running |= start;
    ncr_cache_unlock();
    if (!start)
        return;
    if (ncr_thread_start(watch, NULL))
        return;
    ncr_cache_lock();
    running = false; /* the next who waits tries again */
    ncr_cache_unlock();
}
