/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_BASE_BYTES_H
#define NCR_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Unaligned integers in a stated byte order. The caller has checked that the bytes are there. */

static inline uint16_t ncr_read_u16(const void *at, bool big_endian)
{
    const uint8_t *p = at;
    return (uint16_t)(big_endian ? p[0] << 8 | p[1] : p[1] << 8 | p[0]);
}

static inline uint32_t ncr_read_u32(const void *at, bool big_endian)
{
    const uint8_t *p = at;
    uint32_t high = ncr_read_u16(big_endian ? p : p + 2, big_endian);
    uint32_t low = ncr_read_u16(big_endian ? p + 2 : p, big_endian);
    return high << 16 | low;
}

static inline uint64_t ncr_read_u64(const void *at, bool big_endian)
{
    const uint8_t *p = at;
    uint64_t high = ncr_read_u32(big_endian ? p : p + 4, big_endian);
    uint64_t low = ncr_read_u32(big_endian ? p + 4 : p, big_endian);
    return high << 32 | low;
}

/* Writes, low byte first. */

static inline void ncr_write_u32(void *at, uint32_t value)
{
    uint8_t *p = at;
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(value >> 8 * i);
}

static inline void ncr_write_u64(void *at, uint64_t value)
{
    ncr_write_u32(at, (uint32_t)value);
    ncr_write_u32((uint8_t *)at + 4, (uint32_t)(value >> 32));
}

/* Whether this machine keeps the high byte first. */
static inline bool ncr_machine_is_big_endian(void)
{
    return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
}

/* Reverses the bytes of count values of 2, 4 or 8 bytes in place; other sizes are left as they are. */
void ncr_swap_bytes(void *values, size_t value_size, size_t count);

#endif
