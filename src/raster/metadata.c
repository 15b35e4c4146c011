/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "raster/metadata.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

void ncr_metadata_clear(ncr_metadata *metadata)
{
    for (size_t i = 0; i < metadata->count; i++) {
        free(metadata->items[i].domain);
        free(metadata->items[i].key);
        free(metadata->items[i].value);
    }
    free(metadata->items);
    free(metadata->slots);
    *metadata = (ncr_metadata){0};
}

/* --- Finding an item: documents may hold very many --- */

enum { FEW = 16, FIRST_SLOTS = 64 };

static size_t add_to_hash(size_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return (hash ^ 0x100) * 1099511628211u; /* an end that is no character */
}

static bool is_item(const ncr_metadata_item *item, const char *domain, const char *key)
{
    return strcmp(item->domain, domain) == 0 && strcmp(item->key, key) == 0;
}

/* The slot of an item, or the free one where it belongs. At most half of them are taken. */
static size_t *find_slot(const ncr_metadata *metadata, const char *domain, const char *key)
{
    size_t at = add_to_hash(add_to_hash(1469598103934665603u, domain), key) & (metadata->slot_count - 1);
    while (metadata->slots[at] && !is_item(&metadata->items[metadata->slots[at] - 1], domain, key))
        at = (at + 1) & (metadata->slot_count - 1);
    return &metadata->slots[at];
}

static ncr_metadata_item *find(const ncr_metadata *metadata, const char *domain, const char *key)
{
    if (metadata->slots) {
        size_t number = *find_slot(metadata, domain, key);
        return number ? &metadata->items[number - 1] : NULL;
    }
    for (size_t i = 0; i < metadata->count; i++)
        if (is_item(&metadata->items[i], domain, key))
            return &metadata->items[i];
    return NULL;
}

/* Makes room in the table for one item more; a new table holds all items. */
static bool reserve_slot(ncr_metadata *metadata)
{
    if (metadata->count < FEW || 2 * (metadata->count + 1) <= metadata->slot_count)
        return true;
    assert(metadata->items);
    size_t count = metadata->slot_count ? 2 * metadata->slot_count : FIRST_SLOTS;
    size_t *slots = ncr_alloc_array(count, sizeof *slots);
    if (!slots)
        return false;
    free(metadata->slots);
    metadata->slots = slots;
    metadata->slot_count = count;
    for (size_t i = 0; i < metadata->count; i++)
        *find_slot(metadata, metadata->items[i].domain, metadata->items[i].key) = i + 1;
    return true;
}

static nacre_status append(ncr_metadata *metadata, const char *domain, const char *key, char *value, nacre_error *err)
{
    char *domain_copy = ncr_text_copy(domain), *key_copy = ncr_text_copy(key);
    if (!domain_copy || !key_copy || !reserve_slot(metadata) ||
        !ncr_array_reserve(&metadata->items, &metadata->capacity, metadata->count + 1, sizeof *metadata->items)) {
        free(domain_copy);
        free(key_copy);
        free(value);
        return ncr_error_memory(err);
    }
    metadata->items[metadata->count++] = (ncr_metadata_item){domain_copy, key_copy, value};
    if (metadata->slots)
        *find_slot(metadata, domain, key) = metadata->count;
    return NACRE_OK;
}

nacre_status ncr_metadata_set(ncr_metadata *metadata, const char *domain, const char *key, const char *value,
                              nacre_error *err)
{
    char *copy = ncr_text_copy(value);
    if (!copy)
        return ncr_error_memory(err);
    ncr_metadata_item *item = find(metadata, domain, key);
    if (!item)
        return append(metadata, domain, key, copy, err);
    free(item->value);
    item->value = copy;
    return NACRE_OK;
}

const char *ncr_metadata_get(const ncr_metadata *metadata, const char *domain, const char *key)
{
    const ncr_metadata_item *item = find(metadata, domain, key);
    return item ? item->value : NULL;
}

nacre_status ncr_metadata_copy(ncr_metadata *to, const ncr_metadata *from, nacre_error *err)
{
    nacre_status status = NACRE_OK;
    for (size_t i = 0; i < from->count && status == NACRE_OK; i++)
        status = ncr_metadata_set(to, from->items[i].domain, from->items[i].key, from->items[i].value, err);
    return status;
}
