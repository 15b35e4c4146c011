/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_RASTER_HALF_H
#define NCR_RASTER_HALF_H

#include <stdint.h>
#include <string.h>

/* IEEE 754 binary16 as its bits. */
typedef struct ncr_half {
    uint16_t bits;
} ncr_half;

/* Exact. */
static inline float ncr_half_to_float(ncr_half half)
{
    uint32_t sign = (uint32_t)(half.bits & 0x8000u) << 16;
    uint32_t rest = half.bits & 0x7fffu;
    uint32_t bits;
    if (rest >= 0x7c00u) { /* infinity and NaN */
        bits = sign | 0x7f800000u | (rest & 0x3ffu) << 13;
    } else if (rest >= 0x400u) { /* normal: the exponent's bias goes from 15 to 127 */
        bits = sign | ((rest << 13) + (112u << 23));
    } else { /* zero and subnormal: rest * 2^-24, which a float holds */
        float value = (float)rest * 0x1p-24f;
        memcpy(&bits, &value, sizeof bits);
        bits |= sign;
    }
    float out;
    memcpy(&out, &bits, sizeof out);
    return out;
}

/* Rounded to nearest, ties to even; beyond the range infinity; NaN stays one. From a double, so that a value is
 * rounded once. */
static inline ncr_half ncr_half_from_double(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint16_t sign = (uint16_t)(bits >> 48 & 0x8000u);
    bits &= 0x7fffffffffffffffu;
    if (bits > 0x7ff0000000000000u)
        return (ncr_half){(uint16_t)(sign | 0x7e00u)};
    if (bits >= 0x40effe0000000000u) /* 65520, half way from the largest to what would be next */
        return (ncr_half){(uint16_t)(sign | 0x7c00u)};
    int exponent = (int)(bits >> 52) - 1023;
    if (exponent < -25)
        return (ncr_half){sign};
    uint64_t mantissa = (bits & 0xfffffffffffffu) | 0x10000000000000u;
    /* Bits below the last one kept: 42 for a normal number, more for a subnormal one. */
    int drop = exponent >= -14 ? 42 : 42 + (-14 - exponent);
    uint64_t kept = mantissa >> drop, rest = mantissa & (((uint64_t)1 << drop) - 1), tie = (uint64_t)1 << (drop - 1);
    kept += rest > tie || (rest == tie && (kept & 1));
    /* The leading one of a normal number adds one to the exponent field, and so does a carry. */
    uint64_t field = exponent >= -14 ? (uint64_t)(exponent + 14) << 10 : 0;
    return (ncr_half){(uint16_t)(sign | (uint16_t)(field + kept))};
}

#endif
