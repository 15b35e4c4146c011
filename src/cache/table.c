/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cache/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/thread.h"
#include "cache/limits.h"
#include "cache/lock.h"
#include "cache/stand_in.h"

/* Guarded by the cache's lock. */
static ncr_map subjects;
static ncr_cached *doomed; /* dropped, to be released after the lock; linked by `older` */

static void release(ncr_cached *cached)
{
    ncr_block_unref(cached->block);
    ncr_value_unref(cached->value);
    if (cached->kind == NCR_CACHED_PROVEN)
        free(((ncr_proven *)cached)->credentials);
    free(cached);
}

void ncr_cache_lock(void)
{
    ncr_lock_whole();
}

void ncr_cache_unlock(void)
{
    ncr_cached *dropped = doomed;
    doomed = NULL;
    ncr_unlock_whole();
    for (ncr_cached *next; dropped; dropped = next) {
        next = dropped->older;
        release(dropped);
    }
}

/* --- Subjects. --- */

ncr_subject *ncr_subject_find_locked(const char *id)
{
    uint64_t hash = ncr_hash(0, id, strlen(id));
    for (ncr_map_node *node = ncr_map_find(&subjects, hash); node; node = ncr_map_find_next(node))
        if (strcmp(((ncr_subject *)node)->id, id) == 0)
            return (ncr_subject *)node;
    return NULL;
}

ncr_subject *ncr_subject_get_locked(const char *id)
{
    ncr_subject *subject = ncr_subject_find_locked(id);
    if (subject) {
        subject->references++;
        return subject;
    }
    subject = calloc(1, sizeof *subject);
    if (!subject)
        return NULL;
    subject->references = 1;
    subject->id = ncr_text_copy(id);
    if (!subject->id || !ncr_map_add(&subjects, &subject->node, ncr_hash(0, id, strlen(id)))) {
        free(subject->id);
        free(subject);
        return NULL;
    }
    return subject;
}

void ncr_subject_unref_locked(ncr_subject *subject)
{
    if (!subject || --subject->references)
        return;
    assert(!subject->snapshots && !subject->proven && !subject->proofs && !subject->changes);
    ncr_map_remove(&subjects, &subject->node);
    free(subject->id);
    free(subject);
}

void ncr_subject_each_locked(const char *prefix, void (*function)(ncr_subject *subject))
{
    for (size_t i = 0; i < subjects.slot_count; i++)
        for (ncr_map_node *node = subjects.slots[i], *next; node; node = next) {
            next = node->next;
            if (ncr_text_starts(((ncr_subject *)node)->id, prefix))
                function((ncr_subject *)node);
        }
}

/* --- Snapshots. --- */

ncr_snapshot *ncr_snapshot_find_locked(const ncr_subject *subject, const ncr_object_facts *facts)
{
    for (ncr_snapshot *snapshot = subject->snapshots; snapshot; snapshot = snapshot->next)
        if (snapshot->size == facts->size && ncr_version_same(&snapshot->version, &facts->version))
            return snapshot;
    return NULL;
}

ncr_snapshot *ncr_snapshot_ref_locked(ncr_snapshot *snapshot)
{
    snapshot->references++;
    return snapshot;
}

ncr_snapshot *ncr_snapshot_get_locked(ncr_subject *subject, const ncr_object_facts *facts, bool keep_bytes)
{
    ncr_snapshot *snapshot = subject ? ncr_snapshot_find_locked(subject, facts) : NULL;
    if (snapshot)
        return ncr_snapshot_ref_locked(snapshot);
    snapshot = calloc(1, sizeof *snapshot);
    if (!snapshot)
        return NULL;
    snapshot->references = 1;
    snapshot->size = facts->size;
    snapshot->version = facts->version;
    if (subject) {
        snapshot->subject = subject;
        subject->references++;
        snapshot->keep_bytes = keep_bytes;
        snapshot->next = subject->snapshots;
        subject->snapshots = snapshot;
    }
    return snapshot;
}

void ncr_snapshot_unref_locked(ncr_snapshot *snapshot)
{
    if (!snapshot || --snapshot->references)
        return;
    assert(!snapshot->interval_count && !snapshot->flight_count);
    if (snapshot->subject) {
        ncr_snapshot **at = &snapshot->subject->snapshots;
        while (*at != snapshot)
            at = &(*at)->next;
        *at = snapshot->next;
        ncr_subject_unref_locked(snapshot->subject);
    }
    free(snapshot->intervals);
    free(snapshot->flights);
    free(snapshot);
}

/* --- Intervals. --- */

static uint64_t interval_end(const ncr_cached *interval)
{
    return interval->offset + interval->length;
}

size_t ncr_interval_after(const ncr_snapshot *snapshot, uint64_t position)
{
    size_t low = 0, high = snapshot->interval_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (interval_end(snapshot->intervals[middle]) <= position)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void insert_interval(ncr_snapshot *snapshot, size_t at, ncr_cached *interval)
{
    memmove(&snapshot->intervals[at + 1], &snapshot->intervals[at],
            (snapshot->interval_count - at) * sizeof(ncr_cached *));
    snapshot->intervals[at] = interval;
    snapshot->interval_count++;
}

static ncr_cached *new_interval(ncr_snapshot *snapshot, uint64_t begin, uint64_t end, const uint8_t *data,
                                ncr_block *block)
{
    /* The whole block is charged, since it lives as long as any part of it is kept. */
    ncr_cached *interval = ncr_cached_new_locked(NCR_CACHED_INTERVAL, snapshot,
                                                 ncr_alloc_size(block->size) + ncr_alloc_size(sizeof *block));
    if (!interval)
        return NULL;
    interval->offset = begin;
    interval->length = (size_t)(end - begin);
    interval->data = data;
    interval->block = ncr_block_ref(block);
    interval->fingerprint =
        ncr_hash(ncr_hash(snapshot->subject->node.hash, snapshot->version.token, strlen(snapshot->version.token)),
                 &begin, sizeof begin);
    return interval;
}

void ncr_interval_add_locked(ncr_snapshot *snapshot, uint64_t offset, size_t length, const uint8_t *data,
                             ncr_block *block)
{
    uint64_t begin = offset, end = offset + length;
    if (!snapshot->keep_bytes || !length || !ncr_policy_admits_locked(block->size) ||
        !ncr_array_reserve(&snapshot->intervals, &snapshot->interval_capacity, snapshot->interval_count + 1,
                           sizeof(ncr_cached *)))
        return;
    /* What is there at the ends stays, and the new interval is cut; what lies within is replaced. */
    size_t at = ncr_interval_after(snapshot, begin);
    if (at < snapshot->interval_count && snapshot->intervals[at]->offset <= begin &&
        (snapshot->intervals[at]->offset < begin || interval_end(snapshot->intervals[at]) >= end)) {
        begin = interval_end(snapshot->intervals[at]);
        at++;
    }
    ncr_snapshot_ref_locked(snapshot); /* it may lose its last entry here */
    while (at < snapshot->interval_count && begin < end && interval_end(snapshot->intervals[at]) <= end)
        ncr_cached_drop_locked(snapshot->intervals[at]);
    if (at < snapshot->interval_count && begin < end && snapshot->intervals[at]->offset < end)
        end = snapshot->intervals[at]->offset;
    ncr_cached *interval = begin < end ? new_interval(snapshot, begin, end, data + (begin - offset), block) : NULL;
    if (interval) {
        insert_interval(snapshot, at, interval);
        ncr_policy_add_locked(interval);
    }
    ncr_snapshot_unref_locked(snapshot);
}

static bool covers(const ncr_snapshot *snapshot, size_t at, uint64_t offset, uint64_t end)
{
    for (uint64_t position = offset; position < end; at++) {
        if (at >= snapshot->interval_count || snapshot->intervals[at]->offset > position)
            return false;
        position = interval_end(snapshot->intervals[at]);
    }
    return true;
}

/* What this thread's reference to an interval's bytes is one to. Two that are first at once may both take themselves
 * for it, once. */
static ncr_block *referred(ncr_cached *interval)
{
    unsigned stripe = ncr_thread_stripe(), first = atomic_load_explicit(&interval->hit_by, memory_order_relaxed);
    if (!first)
        atomic_store_explicit(&interval->hit_by, stripe + 1, memory_order_relaxed);
    return !first || first == stripe + 1 ? interval->block : ncr_stand_in_for(interval->block, stripe);
}

bool ncr_interval_hit(const ncr_snapshot *snapshot, uint64_t offset, size_t length, ncr_slice *out)
{
    size_t at = ncr_interval_after(snapshot, offset);
    if (at >= snapshot->interval_count || !length)
        return false;
    ncr_cached *interval = snapshot->intervals[at];
    if (interval->offset > offset || interval_end(interval) < offset + length)
        return false;
    ncr_policy_hit(interval);
    *out = ncr_slice_of(referred(interval), interval->data + (offset - interval->offset), length);
    return true;
}

bool ncr_interval_collect_locked(ncr_snapshot *snapshot, uint64_t offset, size_t length, ncr_slice *out)
{
    *out = (ncr_slice){0};
    if (!length)
        return true;
    if (ncr_interval_hit(snapshot, offset, length, out))
        return true;
    uint64_t end = offset + length;
    size_t at = ncr_interval_after(snapshot, offset);
    if (!covers(snapshot, at, offset, end))
        return false;
    ncr_block *block = ncr_block_new(length);
    if (!block)
        return false;
    for (uint64_t position = offset; position < end; at++) {
        ncr_cached *interval = snapshot->intervals[at];
        ncr_policy_hit(interval);
        uint64_t until = interval_end(interval) < end ? interval_end(interval) : end;
        memcpy(block->data + (position - offset), interval->data + (position - interval->offset),
               (size_t)(until - position));
        position = until;
    }
    *out = (ncr_slice){.data = block->data, .size = length, .block = block};
    return true;
}

bool ncr_head_collect_locked(ncr_snapshot *snapshot, ncr_slice *out)
{
    const size_t sizes[] = {NCR_FIRST_READ, NCR_FIRST_READ_OF_MANY};
    bool is_there = false;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes && !is_there; i++) {
        size_t head = snapshot->size < sizes[i] ? (size_t)snapshot->size : sizes[i];
        is_there = ncr_interval_collect_locked(snapshot, 0, head, out);
    }
    return is_there;
}

/* --- What was last proven. --- */

ncr_proven *ncr_proven_find_locked(const ncr_subject *subject, const char *credentials)
{
    ncr_proven *proven = subject->proven;
    while (proven && credentials && strcmp(proven->credentials, credentials) != 0)
        proven = proven->next;
    return proven;
}

static void set_facts(ncr_proven *proven, const ncr_object *object, const ncr_object_facts *facts, int64_t proven_ms)
{
    proven->facts = *facts;
    proven->proven_ms = proven_ms;
    proven->public_only = object->public_only;
}

static ncr_proven *new_proven(ncr_subject *subject, const char *credentials)
{
    ncr_proven *proven = calloc(1, sizeof *proven);
    char *copy = proven ? ncr_text_copy(credentials) : NULL;
    if (!copy) {
        free(proven);
        return NULL;
    }
    proven->base.kind = NCR_CACHED_PROVEN;
    proven->base.queue = NCR_QUEUE_NONE;
    proven->base.charge = ncr_alloc_size(sizeof *proven) + ncr_alloc_size(strlen(credentials) + 1);
    proven->credentials = copy;
    proven->subject = subject;
    subject->references++;
    return proven;
}

void ncr_proven_set_locked(ncr_subject *subject, const ncr_object *object, const ncr_object_facts *facts,
                           int64_t proven_ms)
{
    const char *credentials = object->store->credentials;
    ncr_proven *proven = ncr_proven_find_locked(subject, credentials);
    if (proven && proven == subject->proven) {
        set_facts(proven, object, facts, proven_ms);
        ncr_policy_hit(&proven->base);
        return;
    }
    if (proven) /* it becomes the latest */
        ncr_cached_drop_locked(&proven->base);
    proven = new_proven(subject, credentials);
    if (!proven)
        return;
    set_facts(proven, object, facts, proven_ms);
    proven->base.fingerprint = ncr_hash(subject->node.hash, credentials, strlen(credentials));
    proven->next = subject->proven;
    subject->proven = proven;
    ncr_policy_add_locked(&proven->base);
}

void ncr_proven_forget_locked(ncr_subject *subject)
{
    while (subject->proven)
        ncr_cached_drop_locked(&subject->proven->base);
}

void ncr_proven_deny_locked(ncr_subject *subject, const ncr_object_facts *facts)
{
    for (ncr_proven *proven = subject->proven, *next; proven; proven = next) {
        next = proven->next;
        if (ncr_version_same(&proven->facts.version, &facts->version))
            ncr_cached_drop_locked(&proven->base);
    }
}

static bool is_good(const ncr_proven *proven, const ncr_object *object, ncr_policy policy)
{
    if (object->public_only && !proven->public_only)
        return false;
    switch (policy.kind) {
    case NCR_POLICY_FRESH:
        return false;
    case NCR_POLICY_TTL:
        return ncr_clock_ms() - proven->proven_ms <= policy.ttl_ms;
    case NCR_POLICY_IMMUTABLE:
    case NCR_POLICY_OFFLINE:
        return true;
    }
    return false;
}

ncr_proven *ncr_proven_believe_locked(const ncr_subject *subject, const ncr_object *object, ncr_policy policy,
                                      ncr_slice *head)
{
    ncr_proven *proven = ncr_proven_find_locked(subject, object->store->credentials);
    if (!proven || !is_good(proven, object, policy))
        return NULL;
    ncr_snapshot *snapshot = ncr_snapshot_find_locked(subject, &proven->facts);
    if (!snapshot)
        return NULL;
    if (!ncr_head_collect_locked(snapshot, head))
        return NULL;
    ncr_policy_hit(&proven->base);
    return proven;
}

/* --- Entries. --- */

ncr_cached *ncr_cached_new_locked(ncr_cached_kind kind, ncr_snapshot *snapshot, size_t payload)
{
    ncr_cached *cached = calloc(1, sizeof *cached);
    if (!cached)
        return NULL;
    cached->kind = kind;
    cached->queue = NCR_QUEUE_NONE;
    cached->snapshot = ncr_snapshot_ref_locked(snapshot);
    enum { PLACES = 4 * sizeof(void *) }; /* its own in a map or an array, which double as they grow */
    cached->charge = payload + ncr_alloc_size(sizeof *cached) + PLACES;
    return cached;
}

static ncr_subject *subject_of(const ncr_cached *cached)
{
    return cached->snapshot ? cached->snapshot->subject : ((const ncr_proven *)cached)->subject;
}

static size_t subject_size(const ncr_subject *subject)
{
    enum { PLACES = 2 * sizeof(void *) };
    return ncr_alloc_size(sizeof *subject) + ncr_alloc_size(strlen(subject->id) + 1) + PLACES;
}

size_t ncr_cached_join_locked(const ncr_cached *cached)
{
    ncr_subject *subject = subject_of(cached);
    size_t size = subject->entries++ ? 0 : subject_size(subject);
    if (cached->snapshot && !cached->snapshot->entries++)
        size += ncr_alloc_size(sizeof *cached->snapshot);
    return size;
}

size_t ncr_cached_leave_locked(const ncr_cached *cached)
{
    ncr_subject *subject = subject_of(cached);
    size_t size = --subject->entries ? 0 : subject_size(subject);
    if (cached->snapshot && !--cached->snapshot->entries)
        size += ncr_alloc_size(sizeof *cached->snapshot);
    return size;
}

static void remove_interval(ncr_cached *interval)
{
    ncr_snapshot *snapshot = interval->snapshot;
    size_t at = ncr_interval_after(snapshot, interval->offset);
    assert(snapshot->intervals[at] == interval);
    snapshot->interval_count--;
    memmove(&snapshot->intervals[at], &snapshot->intervals[at + 1],
            (snapshot->interval_count - at) * sizeof(ncr_cached *));
}

static void remove_proven(ncr_proven *proven)
{
    ncr_proven **at = &proven->subject->proven;
    while (*at != proven)
        at = &(*at)->next;
    *at = proven->next;
    ncr_subject_unref_locked(proven->subject);
}

void ncr_cached_drop_locked(ncr_cached *cached)
{
    ncr_policy_remove_locked(cached);
    if (cached->kind == NCR_CACHED_INTERVAL) {
        ncr_stand_ins_drop_locked(cached->block);
        remove_interval(cached);
    } else if (cached->kind == NCR_CACHED_VALUE)
        ncr_value_map_remove_locked(cached);
    else
        remove_proven((ncr_proven *)cached);
    ncr_snapshot_unref_locked(cached->snapshot);
    cached->older = doomed;
    doomed = cached;
}

static void forget_snapshot(ncr_snapshot *snapshot)
{
    ncr_snapshot_ref_locked(snapshot);
    while (snapshot->interval_count)
        ncr_cached_drop_locked(snapshot->intervals[snapshot->interval_count - 1]);
    while (snapshot->values)
        ncr_cached_drop_locked(snapshot->values);
    ncr_snapshot_unref_locked(snapshot);
}

void ncr_subject_forget_locked(ncr_subject *subject)
{
    subject->references++;
    ncr_proven_forget_locked(subject);
    for (ncr_snapshot *snapshot = subject->snapshots, *next; snapshot; snapshot = next) {
        next = snapshot->next;
        forget_snapshot(snapshot);
    }
    ncr_subject_unref_locked(subject);
}
