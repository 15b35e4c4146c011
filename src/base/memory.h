/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_BASE_MEMORY_H
#define NCR_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Sizes that come from files are multiplied and added with these: false on overflow, and *out is untouched. */
static inline bool ncr_size_mul(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

static inline bool ncr_size_add(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

/* Zeroed memory for count elements, or NULL: out of memory, overflow, or count 0. */
void *ncr_alloc_array(size_t count, size_t element_size);

/* What an allocation of that many bytes takes in all, with the allocator's own part: glibc's rounding, whole pages for
 * what it maps. A chunk that was used before may have 16 bytes more, which nobody can foresee. 0 for 0. */
size_t ncr_alloc_size(size_t size);

/* Grows an array so that at least `needed` elements fit (doubling); false when out of memory, and the array stays.
 * New elements are not initialised. */
bool ncr_array_reserve(void *array_pointer, size_t *capacity, size_t needed, size_t element_size);

/* A growing run of bytes with a maximum that is set once. Single-thread. */
typedef struct ncr_buffer {
    uint8_t *data;
    size_t size;
    size_t capacity;
    size_t maximum;
} ncr_buffer;

void ncr_buffer_init(ncr_buffer *buffer, size_t maximum);
void ncr_buffer_clear(ncr_buffer *buffer);

/* Appends; false when that would pass the maximum, or out of memory, and nothing is appended. */
bool ncr_buffer_append(ncr_buffer *buffer, const void *data, size_t size);

/* Makes room for size more bytes and returns where they go, NULL as ncr_buffer_append(); the caller adds to size. */
void *ncr_buffer_reserve(ncr_buffer *buffer, size_t size);

#endif
