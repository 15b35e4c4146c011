/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cache/block.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/pages.h"
#include "base/thread.h"
#include "cache/limits.h"

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

ncr_block *ncr_block_new_passing(size_t size)
{
    if (size < NCR_PAGES_LEAST)
        return ncr_block_new(size);
    ncr_block *block = calloc(1, sizeof *block);
    uint8_t *data = block ? ncr_pages_new(size) : NULL;
    if (!data) {
        free(block);
        return NULL;
    }
    atomic_init(&block->references, 1);
    block->size = size;
    block->data = data;
    block->is_in_pages = true;
    return block;
}

ncr_block *ncr_block_stand_in(ncr_block *block)
{
    _Static_assert(sizeof(ncr_block) <= NCR_CACHE_LINE, "one line for each");
    ncr_block *stand_in = aligned_alloc(NCR_CACHE_LINE, NCR_CACHE_LINE);
    if (!stand_in)
        return NULL;
    *stand_in = (ncr_block){.size = block->size, .data = block->data, .whole = ncr_block_ref(block)};
    atomic_init(&stand_in->references, 1);
    return stand_in;
}

#ifdef MADV_POPULATE_WRITE
static void populate(uintptr_t begin, uintptr_t end)
{
    madvise((void *)begin, end - begin, MADV_POPULATE_WRITE); /* where it fails, the pages come one by one */
}
#else
static void populate(uintptr_t begin, uintptr_t end)
{
    (void)begin, (void)end;
}
#endif

void ncr_block_touch(ncr_block *block)
{
    enum { LEAST = 256 << 10, MOST = NCR_GET_MAX, PAGE = 4096 };
    if (block->size < LEAST)
        return;
    size_t size = block->size < MOST ? block->size : MOST;
    uintptr_t begin = (uintptr_t)block->data;
    populate((begin + PAGE - 1) / PAGE * PAGE, (begin + size) / PAGE * PAGE);
}

void ncr_block_shrink(ncr_block *block, size_t size)
{
    if (size >= block->size)
        return;
    if (block->is_in_pages) {
        size_t stays = ncr_pages_size(size), was = ncr_pages_size(block->size);
        if (stays < was)
            ncr_pages_free(block->data + stays, was - stays);
        block->size = size;
        return;
    }
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
    if (block->whole)
        ncr_block_unref(block->whole);
    else if (block->is_in_pages)
        ncr_pages_free(block->data, block->size);
    else
        free(block->data);
    free(block);
}

ncr_slice ncr_slice_of(ncr_block *block, const uint8_t *data, size_t size)
{
    return (ncr_slice){.data = data, .size = size, .block = ncr_block_ref(block)};
}

ncr_slice ncr_slice_copy(const uint8_t *data, size_t size)
{
    ncr_block *block = ncr_block_new(size);
    if (!block)
        return (ncr_slice){0};
    memcpy(block->data, data, size);
    return (ncr_slice){.data = block->data, .size = size, .block = block};
}

void ncr_slice_clear(ncr_slice *slice)
{
    ncr_block_unref(slice->block);
    *slice = (ncr_slice){0};
}
