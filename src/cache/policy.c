/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <assert.h>
#include <stdlib.h>

#include "cache/table.h"

/* Which entries stay: S3-FIFO (Yang et al., SOSP 2023), over bytes. New entries go through a small queue, a tenth of
 * the budget; only what is used again there moves on to the main queue, so that a scan drives out nothing but other
 * parts of the scan. The fingerprints of what left the small queue unused are remembered for a while: an entry that
 * comes back so soon goes straight to the main queue. Everything here is guarded by the cache's lock. */

enum {
    MAX_USES = 3,
    USES_TO_MOVE = 2,  /* uses in the small queue that make an entry worth keeping */
    SMALL_SHARE = 10,  /* the small queue has at most one part in so many of the budget */
    LARGEST_SHARE = 4, /* an entry larger than one part in so many is not kept */
    MOST_GHOSTS = 1 << 14,
    GHOST_SHARE = 128, /* what is remembered takes no more than one part in so many of the budget, and is not in it */
};

typedef struct queue {
    ncr_cached *newest, *oldest;
    size_t bytes, count;
} queue;

typedef struct ghost {
    uint32_t mark;  /* half of the fingerprint; 0: none */
    uint32_t birth; /* how many entries had been remembered before */
} ghost;

static size_t budget;
static bool has_budget;
static queue queues[2];
static size_t shared_bytes; /* what entries have in common: their snapshots and subjects */
static ghost *ghosts;       /* by the other half of the fingerprint; NULL: none yet, or out of memory */
static size_t ghost_count;  /* a power of two */
static uint32_t ghost_births;
static uint64_t evictions;

static void push(ncr_cached *cached, ncr_queue_name name)
{
    queue *q = &queues[name];
    cached->queue = name;
    cached->newer = NULL;
    cached->older = q->newest;
    if (q->newest)
        q->newest->newer = cached;
    else
        q->oldest = cached;
    q->newest = cached;
    q->bytes += cached->charge;
    q->count++;
}

static void pull(ncr_cached *cached)
{
    queue *q = &queues[cached->queue];
    *(cached->newer ? &cached->newer->older : &q->newest) = cached->older;
    *(cached->older ? &cached->older->newer : &q->oldest) = cached->newer;
    cached->newer = cached->older = NULL;
    cached->queue = NCR_QUEUE_NONE;
    q->bytes -= cached->charge;
    q->count--;
}

static ghost *ghost_place(const ncr_cached *cached)
{
    return ghosts ? &ghosts[cached->fingerprint & (ghost_count - 1)] : NULL;
}

static uint32_t ghost_mark(const ncr_cached *cached)
{
    return (uint32_t)(cached->fingerprint >> 32) | 1;
}

static void make_ghosts(void)
{
    ghost_count = 1;
    while (ghost_count < MOST_GHOSTS && ghost_count * 2 * sizeof *ghosts <= budget / GHOST_SHARE)
        ghost_count *= 2;
    ghosts = calloc(ghost_count, sizeof *ghosts);
}

static void remember(const ncr_cached *cached)
{
    if (!ghosts)
        make_ghosts();
    ghost *place = ghost_place(cached);
    if (place)
        *place = (ghost){.mark = ghost_mark(cached), .birth = ++ghost_births};
}

/* Whether it left the small queue no longer ago than as many others as the main queue holds. */
static bool is_remembered(const ncr_cached *cached)
{
    const ghost *place = ghost_place(cached);
    if (!place || place->mark != ghost_mark(cached))
        return false;
    size_t age = ghost_births - place->birth, reach = queues[NCR_QUEUE_MAIN].count;
    return age <= (reach < 64 ? 64 : reach);
}

static size_t held(void)
{
    return queues[NCR_QUEUE_SMALL].bytes + queues[NCR_QUEUE_MAIN].bytes + shared_bytes;
}

static void evict_from_small(void)
{
    ncr_cached *cached = queues[NCR_QUEUE_SMALL].oldest;
    assert(cached); /* the queue holds bytes */
    if (cached->uses >= USES_TO_MOVE) {
        pull(cached);
        cached->uses = 0;
        push(cached, NCR_QUEUE_MAIN);
        return;
    }
    remember(cached);
    evictions++;
    ncr_cached_drop_locked(cached);
}

static void evict_from_main(void)
{
    ncr_cached *cached = queues[NCR_QUEUE_MAIN].oldest;
    if (cached->uses) {
        pull(cached);
        cached->uses--;
        push(cached, NCR_QUEUE_MAIN);
        return;
    }
    evictions++;
    ncr_cached_drop_locked(cached);
}

/* Ends, since each step drops an entry, moves one out of the small queue or takes away a use. */
static void keep_budget(void)
{
    while (held() > budget) {
        const queue *small = &queues[NCR_QUEUE_SMALL];
        if (small->count && (small->bytes > budget / SMALL_SHARE || !queues[NCR_QUEUE_MAIN].count))
            evict_from_small();
        else
            evict_from_main();
    }
}

bool ncr_policy_admits_locked(size_t charge)
{
    return charge <= budget / LARGEST_SHARE;
}

void ncr_policy_add_locked(ncr_cached *cached)
{
    assert(cached->queue == NCR_QUEUE_NONE);
    shared_bytes += ncr_cached_join_locked(cached);
    push(cached, is_remembered(cached) ? NCR_QUEUE_MAIN : NCR_QUEUE_SMALL);
    keep_budget();
}

void ncr_policy_remove_locked(ncr_cached *cached)
{
    if (cached->queue == NCR_QUEUE_NONE)
        return;
    pull(cached);
    shared_bytes -= ncr_cached_leave_locked(cached);
}

void ncr_policy_hit(ncr_cached *cached)
{
    /* Two at once may count as one: it is a hint. Where there is nothing to count, the line is left to the other
     * threads. */
    unsigned uses = atomic_load_explicit(&cached->uses, memory_order_relaxed);
    if (uses < MAX_USES)
        atomic_store_explicit(&cached->uses, uses + 1, memory_order_relaxed);
}

void ncr_policy_set_budget_locked(size_t bytes)
{
    budget = bytes;
    has_budget = true;
    free(ghosts);
    ghosts = NULL;
    keep_budget();
}

bool ncr_policy_has_budget_locked(void)
{
    return has_budget;
}

void ncr_policy_stats_locked(nacre_cache_stats *out)
{
    out->bytes = held();
    out->budget_bytes = budget;
    out->entries = queues[NCR_QUEUE_SMALL].count + queues[NCR_QUEUE_MAIN].count;
    out->evictions = evictions;
}
