/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_RASTER_METADATA_H
#define NCR_RASTER_METADATA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* Items of metadata in domains, as GDAL has them, in the order in which they were set. The default domain is "". A
 * domain that holds a document ("xml:XMP") has one item with key "". Single-thread while it is filled, then
 * immutable. */
typedef struct ncr_metadata_item {
    char *domain, *key, *value;
} ncr_metadata_item;

typedef struct ncr_metadata {
    ncr_metadata_item *items;
    size_t count, capacity;
    size_t *slots; /* a hash table: number of an item + 1, 0: free; NULL while items are few */
    size_t slot_count;
} ncr_metadata;

void ncr_metadata_clear(ncr_metadata *metadata);
/* Sets or replaces an item; texts are copied. */
nacre_status ncr_metadata_set(ncr_metadata *metadata, const char *domain, const char *key, const char *value,
                              nacre_error *err);
const char *ncr_metadata_get(const ncr_metadata *metadata, const char *domain, const char *key); /* NULL: absent */
nacre_status ncr_metadata_copy(ncr_metadata *to, const ncr_metadata *from, nacre_error *err);

#endif
