/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

void *ncr_alloc_array(size_t count, size_t element_size)
{
    return count ? calloc(count, element_size) : NULL;
}

size_t ncr_alloc_size(size_t size)
{
    enum { HEAD = 8, STEP = 16, LEAST = 32, MAPPED_FROM = 128 * 1024, PAGE = 4096 };
    if (!size)
        return 0;
    if (size >= MAPPED_FROM)
        return (size + 2 * HEAD + PAGE - 1) / PAGE * PAGE;
    size_t taken = (size + HEAD + STEP - 1) / STEP * STEP;
    return taken < LEAST ? LEAST : taken;
}

bool ncr_array_reserve(void *array_pointer, size_t *capacity, size_t needed, size_t element_size)
{
    if (needed <= *capacity)
        return true;
    size_t wanted = *capacity ? *capacity : 8;
    while (wanted < needed)
        if (!ncr_size_mul(wanted, 2, &wanted))
            return false;
    size_t bytes;
    if (!ncr_size_mul(wanted, element_size, &bytes))
        return false;
    void *old;
    memcpy(&old, array_pointer, sizeof old);
    void *grown = realloc(old, bytes);
    if (!grown)
        return false;
    memcpy(array_pointer, &grown, sizeof grown);
    *capacity = wanted;
    return true;
}

void ncr_buffer_init(ncr_buffer *buffer, size_t maximum)
{
    *buffer = (ncr_buffer){.maximum = maximum};
}

void ncr_buffer_clear(ncr_buffer *buffer)
{
    free(buffer->data);
    *buffer = (ncr_buffer){.maximum = buffer->maximum};
}

void *ncr_buffer_reserve(ncr_buffer *buffer, size_t size)
{
    size_t needed;
    if (!ncr_size_add(buffer->size, size, &needed) || needed > buffer->maximum)
        return NULL;
    if (needed > buffer->capacity) {
        size_t wanted = buffer->capacity < 256 ? 256 : buffer->capacity;
        while (wanted < needed)
            wanted = wanted > buffer->maximum / 2 ? buffer->maximum : wanted * 2;
        uint8_t *grown = realloc(buffer->data, wanted);
        if (!grown)
            return NULL;
        buffer->data = grown;
        buffer->capacity = wanted;
    }
    return buffer->data + buffer->size;
}

bool ncr_buffer_append(ncr_buffer *buffer, const void *data, size_t size)
{
    if (!size)
        return true;
    void *place = ncr_buffer_reserve(buffer, size);
    if (!place)
        return false;
    memcpy(place, data, size);
    buffer->size += size;
    return true;
}
