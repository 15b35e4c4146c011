/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cache/cache.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fork.h"
#include "base/text.h"
#include "base/thread.h"
#include "cache/fetch.h"
#include "cache/limits.h"
#include "cache/open.h"
#include "cache/ram.h"
#include "cache/table.h"
#include "cache/tier.h"
#include "cache/watch.h"

/* The cache as one thing: budget, changes, forgetting, figures, fork. */

static struct {
    _Alignas(NCR_CACHE_LINE) _Atomic uint64_t hits;
    _Atomic uint64_t misses;
} counts[NCR_STRIPES];

void ncr_cache_count(ncr_call *call, bool hit)
{
    unsigned stripe = ncr_thread_stripe();
    atomic_fetch_add_explicit(hit ? &counts[stripe].hits : &counts[stripe].misses, 1, memory_order_relaxed);
    if (call)
        ncr_call_count(call, hit ? NCR_COUNT_CACHE_HITS : NCR_COUNT_CACHE_MISSES, 1);
}

/* --- Fork: the child keeps what is cached; the requests under way are the parent's. --- */

static void drop_inflight(ncr_subject *subject)
{
    subject->changes = 0;
    subject->overlapped = false;
    ncr_proofs_abandon_locked(subject);
    for (ncr_snapshot *snapshot = subject->snapshots; snapshot; snapshot = snapshot->next)
        ncr_flights_abandon_locked(snapshot);
}

static void after_fork_parent(void)
{
    ncr_cache_unlock();
}

/* What the parent's threads wait for is left to them: it is not released here, since nobody can tell who of them was
 * about to. */
static void after_fork_child(void)
{
    ncr_subject_each_locked("", drop_inflight);
    ncr_watch_abandon_locked();
    ncr_behind_abandon_locked();
    ncr_cache_unlock();
}

NCR_AT_LOAD set_fork_handlers(void)
{
    ncr_fork_handle(NCR_FORK_CACHE, ncr_cache_lock, after_fork_parent, after_fork_child);
}

void ncr_cache_begin(const ncr_config *config)
{
    static atomic_bool begun;
    if (atomic_load_explicit(&begun, memory_order_acquire))
        return;
    int64_t wanted = config ? ncr_config_number(config, NCR_KEY_CACHE_SIZE) : -1;
    size_t bytes = wanted >= 0 ? (size_t)wanted : ncr_ram_default_cache(); /* reads files: not under the lock */
    ncr_cache_lock();
    if (!ncr_policy_has_budget_locked())
        ncr_policy_set_budget_locked(bytes);
    ncr_cache_unlock();
    atomic_store_explicit(&begun, true, memory_order_release);
}

void ncr_cache_set_budget(size_t bytes)
{
    ncr_cache_lock();
    ncr_policy_set_budget_locked(bytes);
    ncr_cache_unlock();
}

/* --- Changes. --- */

/* The folder of a change, which tells nobody what it refuses: the next open does. */
static ncr_disk *disk_of(const ncr_object *object, const ncr_call *call)
{
    ncr_disk *disk = NULL;
    if (call && ncr_store_is_kept(object->store))
        ncr_disk_open(call->config, &disk, NULL);
    return disk;
}

void ncr_cache_change_begin(const ncr_object *object, const ncr_call *call)
{
    ncr_disk *disk = disk_of(object, call);
    uint64_t mark = disk ? ncr_disk_mark() : 0;
    ncr_cache_begin(NULL);
    ncr_cache_lock();
    /* Without memory there is no subject; then there is no request under way either, that could fill it. */
    ncr_subject *subject = ncr_subject_get_locked(object->id);
    if (subject) {
        subject->epoch++;
        subject->overlapped = subject->changes > 0;
        subject->changes++;
        subject->change_ms = ncr_clock_ms();
        subject->mark = mark;
    }
    ncr_cache_unlock();
    if (disk)
        ncr_disk_change(disk, object->id, mark, false);
}

/* The bytes of a whole put become those of the version in its answer. */
static void fill_locked(ncr_subject *subject, const ncr_object *object, const ncr_object_facts *facts, ncr_block *block,
                        const ncr_place *place)
{
    ncr_snapshot *snapshot = ncr_snapshot_get_locked(subject, facts, true);
    if (!snapshot)
        return;
    ncr_cache_fill_locked(snapshot, 0, block->size, block->data, block, place);
    ncr_cache_prove_locked(subject, object, facts, subject->change_ms, subject->mark, place->disk);
    ncr_snapshot_unref_locked(snapshot);
}

static uint64_t mark_of(const ncr_object *object)
{
    ncr_cache_lock();
    const ncr_subject *subject = ncr_subject_find_locked(object->id);
    uint64_t mark = subject ? subject->mark : 0;
    ncr_cache_unlock();
    return mark;
}

void ncr_cache_change_end(const ncr_object *object, const ncr_call *call, ncr_outcome outcome,
                          const ncr_object_facts *facts, const void *data, size_t size)
{
    ncr_block *block = NULL;
    ncr_place place = {.disk = disk_of(object, call)};
    if (outcome == NCR_OUTCOME_DONE && facts && data && facts->version.strong && facts->size == size &&
        size <= NCR_PUT_FILLS_CACHE && ncr_store_is_kept(object->store))
        block = ncr_block_new(size);
    if (block && size)
        memcpy(block->data, data, size);
    if (place.disk)
        ncr_disk_change(place.disk, object->id, mark_of(object), true);
    if (block)
        place = ncr_place_of(place.disk, object, facts);
    ncr_cache_lock();
    ncr_subject *subject = ncr_subject_find_locked(object->id);
    if (subject && subject->changes) { /* none: it began without memory, or in the parent of a fork */
        subject->epoch++;
        if (outcome != NCR_OUTCOME_NOT_DONE)
            ncr_proven_forget_locked(subject);
        if (block && !subject->overlapped)
            fill_locked(subject, object, facts, block, &place);
        subject->changes--;
        if (!subject->changes)
            subject->overlapped = false;
        ncr_subject_unref_locked(subject);
    }
    ncr_cache_unlock();
    ncr_block_unref(block);
    ncr_behind_start();
}

/* --- For the user. --- */

static void forget_subject(ncr_subject *subject)
{
    subject->epoch++; /* what is under way does not bring it back */
    ncr_subject_forget_locked(subject);
}

void ncr_cache_forget(const ncr_object *object)
{
    ncr_cache_lock();
    ncr_subject *subject = ncr_subject_find_locked(object->id);
    if (subject)
        forget_subject(subject);
    ncr_cache_unlock();
}

static void forget_below(const char *prefix)
{
    ncr_cache_lock();
    ncr_subject_each_locked(prefix, forget_subject);
    ncr_cache_unlock();
}

void ncr_cache_forget_below(const ncr_object *prefix)
{
    if (prefix->bucket[0] || prefix->key[0]) {
        forget_below(prefix->id);
        return;
    }
    char *all_buckets = ncr_text_format("%s/", prefix->store->id); /* "gs://": all that the store has */
    forget_below(all_buckets ? all_buckets : prefix->store->id);
    free(all_buckets);
}

void ncr_cache_forget_all(void)
{
    forget_below("");
}

bool ncr_cache_flush(void)
{
    enum { LONGEST_MS = 5000 };
    return ncr_behind_wait(LONGEST_MS);
}

void ncr_cache_stats(nacre_cache_stats *out)
{
    ncr_cache_begin(NULL);
    *out = (nacre_cache_stats){0};
    for (int i = 0; i < NCR_STRIPES; i++) {
        out->hits += atomic_load(&counts[i].hits);
        out->misses += atomic_load(&counts[i].misses);
    }
    ncr_cache_lock();
    ncr_policy_stats_locked(out);
    ncr_cache_unlock();
    ncr_disk_stats(out);
}
