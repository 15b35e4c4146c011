/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "raster/gate.h"

#include <pthread.h>
#include <stdint.h>
#include <time.h>

#include "base/fork.h"
#include "base/thread.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Guarded by lock. */
static size_t held;
static ncr_gate_share *first, *last; /* who waits */
static bool watching;

/* So that sums do not overflow: more is not to be had. */
static const size_t MOST = SIZE_MAX >> 12;

static bool fits_locked(size_t bytes, size_t limit)
{
    return !held || (held <= limit && bytes <= limit - held);
}

static void remove_locked(ncr_gate_share **link, ncr_gate_share *before)
{
    ncr_gate_share *share = *link;
    *link = share->next;
    if (last == share)
        last = before;
    share->next = NULL;
}

/* Takes those whose turn it is out of the queue, to be told after the lock. */
static ncr_gate_share *let_in_locked(void)
{
    ncr_gate_share *in = NULL, **end = &in;
    while (first && fits_locked(first->bytes, first->limit)) {
        ncr_gate_share *share = first;
        remove_locked(&first, NULL);
        held += share->bytes;
        *end = share;
        end = &share->next;
    }
    return in;
}

static void tell(ncr_gate_share *shares)
{
    while (shares) {
        ncr_gate_share *next = shares->next;
        shares->next = NULL;
        shares->granted(shares);
        shares = next;
    }
}

/* --- Who waits may be cancelled, or out of time --- */

static bool can_end(const ncr_call *call)
{
    return call->cancel || call->deadline_ms != INT64_MAX;
}

/* Takes those whose calls must end out of the queue: they hold nothing. Tells whether others are left that may. */
static ncr_gate_share *expire_locked(bool *others)
{
    ncr_gate_share *ended = NULL, *before = NULL;
    *others = false;
    for (ncr_gate_share **link = &first; *link;) {
        ncr_gate_share *share = *link;
        if (ncr_call_check(share->call, "", NULL) == NACRE_OK) {
            *others = *others || can_end(share->call);
            before = share;
            link = &share->next;
            continue;
        }
        remove_locked(link, before);
        share->bytes = 0;
        share->next = ended;
        ended = share;
    }
    return ended;
}

static void *watch(void *unused)
{
    const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
    bool others = true;
    while (others) {
        nanosleep(&pause, NULL);
        pthread_mutex_lock(&lock);
        ncr_gate_share *ended = expire_locked(&others);
        ncr_gate_share *in = let_in_locked();
        watching = others;
        pthread_mutex_unlock(&lock);
        tell(ended);
        tell(in);
    }
    return unused;
}

static void start_watch(void)
{
    if (ncr_thread_start(watch, NULL))
        return;
    pthread_mutex_lock(&lock);
    watching = false; /* the next who waits tries again */
    pthread_mutex_unlock(&lock);
}

bool ncr_gate_take(ncr_gate_share *share, size_t bytes, size_t limit, const ncr_call *call,
                   void (*granted)(ncr_gate_share *share))
{
    bool must_watch = false;
    bytes = bytes < MOST ? bytes : MOST;
    pthread_mutex_lock(&lock);
    bool is_less = bytes <= share->bytes;
    held -= share->bytes;
    share->bytes = bytes;
    bool is_in = is_less || (!first && fits_locked(bytes, limit));
    if (is_in)
        held += bytes;
    ncr_gate_share *in = NULL;
    if (!is_in) {
        share->limit = limit;
        share->call = call;
        share->granted = granted;
        share->next = NULL;
        if (last)
            last->next = share;
        else
            first = share;
        last = share;
        must_watch = !watching && can_end(call);
        watching = watching || must_watch;
    }
    in = let_in_locked(); /* what was given back may be enough for others, or for itself */
    pthread_mutex_unlock(&lock);
    if (must_watch)
        start_watch();
    tell(in);
    return is_in;
}

void ncr_gate_give(ncr_gate_share *share)
{
    pthread_mutex_lock(&lock);
    held -= share->bytes;
    share->bytes = 0;
    ncr_gate_share *in = let_in_locked();
    pthread_mutex_unlock(&lock);
    tell(in);
}

size_t ncr_gate_held(void)
{
    pthread_mutex_lock(&lock);
    size_t bytes = held;
    pthread_mutex_unlock(&lock);
    return bytes;
}

/* --- Fork: what runs is the parent's --- */

static void before_fork(void)
{
    pthread_mutex_lock(&lock);
}

static void after_fork_parent(void)
{
    pthread_mutex_unlock(&lock);
}

static void after_fork_child(void)
{
    held = 0;
    first = last = NULL;
    watching = false;
    pthread_mutex_unlock(&lock);
}

NCR_AT_LOAD set_fork_handlers(void)
{
    ncr_fork_handle(NCR_FORK_POOL, before_fork, after_fork_parent, after_fork_child);
}
