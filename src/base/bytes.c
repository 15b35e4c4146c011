/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "base/bytes.h"

static void swap16(uint8_t *at, size_t count)
{
    for (size_t i = 0; i < count; i++, at += 2) {
        uint16_t value;
        memcpy(&value, at, 2);
        value = __builtin_bswap16(value);
        memcpy(at, &value, 2);
    }
}

static void swap32(uint8_t *at, size_t count)
{
    for (size_t i = 0; i < count; i++, at += 4) {
        uint32_t value;
        memcpy(&value, at, 4);
        value = __builtin_bswap32(value);
        memcpy(at, &value, 4);
    }
}

static void swap64(uint8_t *at, size_t count)
{
    for (size_t i = 0; i < count; i++, at += 8) {
        uint64_t value;
        memcpy(&value, at, 8);
        value = __builtin_bswap64(value);
        memcpy(at, &value, 8);
    }
}

void ncr_swap_bytes(void *values, size_t value_size, size_t count)
{
    if (value_size == 2)
        swap16(values, count);
    else if (value_size == 4)
        swap32(values, count);
    else if (value_size == 8)
        swap64(values, count);
}
