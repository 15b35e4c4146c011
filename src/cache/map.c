/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cache/map.h"

#include <stdlib.h>

uint64_t ncr_hash(uint64_t seed, const void *data, size_t size)
{
    uint64_t hash = seed ^ UINT64_C(0xcbf29ce484222325);
    const unsigned char *at = data;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    hash ^= hash >> 32;
    hash *= UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

/* Doubles the slots; where there is no memory for that, chains grow longer instead. */
static void grow(ncr_map *map)
{
    size_t wanted = map->slot_count ? map->slot_count * 2 : 64;
    ncr_map_node **slots = calloc(wanted, sizeof(ncr_map_node *));
    if (!slots)
        return;
    for (size_t i = 0; i < map->slot_count; i++)
        for (ncr_map_node *node = map->slots[i], *next; node; node = next) {
            next = node->next;
            node->next = slots[node->hash & (wanted - 1)];
            slots[node->hash & (wanted - 1)] = node;
        }
    free(map->slots);
    map->slots = slots;
    map->slot_count = wanted;
}

bool ncr_map_add(ncr_map *map, ncr_map_node *node, uint64_t hash)
{
    if (map->count >= map->slot_count)
        grow(map);
    if (!map->slot_count)
        return false;
    ncr_map_node **slot = &map->slots[hash & (map->slot_count - 1)];
    node->hash = hash;
    node->next = *slot;
    *slot = node;
    map->count++;
    return true;
}

void ncr_map_remove(ncr_map *map, ncr_map_node *node)
{
    ncr_map_node **at = &map->slots[node->hash & (map->slot_count - 1)];
    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
    map->count--;
}

static ncr_map_node *same_hash(ncr_map_node *node, uint64_t hash)
{
    while (node && node->hash != hash)
        node = node->next;
    return node;
}

ncr_map_node *ncr_map_find(const ncr_map *map, uint64_t hash)
{
    return map->slot_count ? same_hash(map->slots[hash & (map->slot_count - 1)], hash) : NULL;
}

ncr_map_node *ncr_map_find_next(const ncr_map_node *node)
{
    return same_hash(node->next, node->hash);
}
