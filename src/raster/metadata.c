/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "raster/metadata.h"

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
    *metadata = (ncr_metadata){0};
}

static ncr_metadata_item *find(const ncr_metadata *metadata, const char *domain, const char *key)
{
    for (size_t i = 0; i < metadata->count; i++) {
        ncr_metadata_item *item = &metadata->items[i];
        if (strcmp(item->domain, domain) == 0 && strcmp(item->key, key) == 0)
            return item;
    }
    return NULL;
}

static nacre_status append(ncr_metadata *metadata, const char *domain, const char *key, char *value, nacre_error *err)
{
    char *domain_copy = ncr_text_copy(domain), *key_copy = ncr_text_copy(key);
    if (!domain_copy || !key_copy ||
        !ncr_array_reserve(&metadata->items, &metadata->capacity, metadata->count + 1, sizeof *metadata->items)) {
        free(domain_copy);
        free(key_copy);
        free(value);
        return ncr_error_memory(err);
    }
    metadata->items[metadata->count++] = (ncr_metadata_item){domain_copy, key_copy, value};
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
