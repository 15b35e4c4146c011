/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_CACHE_MAP_H
#define NCR_CACHE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A hash table of nodes that are embedded in what they find. It never allocates for a node, so adding can fail only
 * while the table has no slot at all. Single-thread. */
typedef struct ncr_map_node {
    struct ncr_map_node *next;
    uint64_t hash;
} ncr_map_node;

typedef struct ncr_map {
    ncr_map_node **slots;
    size_t slot_count; /* a power of two, or 0 */
    size_t count;
} ncr_map;

/* False: out of memory, and nothing is added. */
bool ncr_map_add(ncr_map *map, ncr_map_node *node, uint64_t hash);
void ncr_map_remove(ncr_map *map, ncr_map_node *node);

/* The nodes of one hash, one after another; NULL at the end. */
ncr_map_node *ncr_map_find(const ncr_map *map, uint64_t hash);
ncr_map_node *ncr_map_find_next(const ncr_map_node *node);

/* FNV-1a with a final mix; seed 0 begins, another hash goes on from it. */
uint64_t ncr_hash(uint64_t seed, const void *data, size_t size);

#endif
