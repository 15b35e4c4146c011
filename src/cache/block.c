/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cache/block.h"

#include <stdlib.h>

ncr_block *ncr_block_adopt(uint8_t *data, size_t size)
{
    ncr_block *block = data ? calloc(1, sizeof *block) : NULL;
    if (!block) {
        free(data);
        return NULL;
    }
    atomic_init(&block->references, 1);
    block->size = size;
    block->data = data;
    return block;
}

ncr_block *ncr_block_new(size_t size)
{
    return ncr_block_adopt(malloc(size ? size : 1), size);
}

void ncr_block_shrink(ncr_block *block, size_t size)
{
    if (size >= block->size)
        return;
    uint8_t *smaller = realloc(block->data, size ? size : 1);
    if (smaller)
        block->data = smaller;
    block->size = size;
}

ncr_block *ncr_block_ref(ncr_block *block)
{
    atomic_fetch_add_explicit(&block->references, 1, memory_order_relaxed);
    return block;
}

void ncr_block_unref(ncr_block *block)
{
    if (!block || atomic_fetch_sub(&block->references, 1) != 1)
        return;
    free(block->data);
    free(block);
}

ncr_slice ncr_slice_of(ncr_block *block, const uint8_t *data, size_t size)
{
    return (ncr_slice){.data = data, .size = size, .block = ncr_block_ref(block)};
}

void ncr_slice_clear(ncr_slice *slice)
{
    ncr_block_unref(slice->block);
    *slice = (ncr_slice){0};
}
