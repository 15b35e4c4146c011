/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cache/lock.h"
#include "cache/pin.h"

/* Parsed headers and decoded tiles, found by snapshot and key. */

static ncr_map values; /* guarded by the cache's lock */

ncr_value *ncr_value_ref(ncr_value *value)
{
    atomic_fetch_add_explicit(&value->references, 1, memory_order_relaxed);
    return value;
}

void ncr_value_unref(ncr_value *value)
{
    if (value && atomic_fetch_sub(&value->references, 1) == 1)
        value->free(value);
}

static uint64_t hash_of(const ncr_snapshot *snapshot, ncr_value_key key)
{
    const uint64_t parts[] = {(uint64_t)(uintptr_t)snapshot, (uint64_t)key.kind << 32 | key.a, key.b};
    return ncr_hash(0, parts, sizeof parts);
}

static ncr_cached *find(const ncr_snapshot *snapshot, ncr_value_key key)
{
    for (ncr_map_node *node = ncr_map_find(&values, hash_of(snapshot, key)); node; node = ncr_map_find_next(node)) {
        ncr_cached *cached = (ncr_cached *)node;
        if (cached->snapshot == snapshot && cached->key.kind == key.kind && cached->key.a == key.a &&
            cached->key.b == key.b)
            return cached;
    }
    return NULL;
}

void ncr_value_map_remove_locked(ncr_cached *cached)
{
    ncr_map_remove(&values, &cached->node);
    *cached->value_at = cached->next_value;
    if (cached->next_value)
        cached->next_value->value_at = cached->value_at;
}

static void list_locked(ncr_snapshot *snapshot, ncr_cached *cached)
{
    cached->next_value = snapshot->values;
    cached->value_at = &snapshot->values;
    if (snapshot->values)
        snapshot->values->value_at = &cached->next_value;
    snapshot->values = cached;
}

ncr_value *ncr_cache_value_get(const ncr_pin *pin, ncr_value_key key, ncr_call *call)
{
    if (!pin->snapshot->subject)
        return NULL;
    unsigned door = ncr_lock_enter();
    ncr_cached *cached = find(pin->snapshot, key);
    ncr_value *value = cached ? ncr_value_ref(cached->value) : NULL;
    if (cached)
        ncr_policy_hit(cached);
    ncr_lock_leave(door);
    ncr_cache_count(call, value != NULL);
    return value;
}

static void put_locked(ncr_snapshot *snapshot, ncr_value_key key, ncr_value *value)
{
    if (!ncr_policy_admits_locked(value->size) || find(snapshot, key))
        return;
    ncr_cached *cached = ncr_cached_new_locked(NCR_CACHED_VALUE, snapshot, ncr_alloc_size(value->size));
    if (!cached)
        return;
    cached->key = key;
    cached->fingerprint =
        ncr_hash(ncr_hash(0, snapshot->version.token, strlen(snapshot->version.token)), &key, sizeof key);
    if (!ncr_map_add(&values, &cached->node, hash_of(snapshot, key))) {
        ncr_snapshot_unref_locked(snapshot);
        free(cached);
        return;
    }
    cached->value = ncr_value_ref(value);
    list_locked(snapshot, cached);
    ncr_policy_add_locked(cached);
}

void ncr_cache_value_put(const ncr_pin *pin, ncr_value_key key, ncr_value *value)
{
    if (!pin->snapshot->subject)
        return;
    ncr_cache_lock();
    put_locked(pin->snapshot, key, value);
    ncr_cache_unlock();
}
