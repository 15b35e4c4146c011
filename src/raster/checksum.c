/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "raster/checksum.h"

#include <math.h>

#include "raster/dtype.h"

/* Each value as a 32-bit integer, modulo the primes in turn; complex values are two. Integers are clamped, others
 * rounded half up first, and what is not finite is the smallest integer. */

static const int32_t primes[] = {7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43};
enum { PRIMES = sizeof primes / sizeof primes[0], STEP = 256 };

static void add(ncr_checksum *checksum, int32_t value)
{
    checksum->sum = (uint16_t)(checksum->sum + value % primes[checksum->turn]);
    checksum->turn = (checksum->turn + 1) % PRIMES;
}

static int32_t rounded(double value)
{
    if (!isfinite(value))
        return INT32_MIN;
    double whole = floor(value + 0.5);
    return whole > INT32_MAX ? INT32_MAX : whole < -(double)INT32_MAX ? -INT32_MAX : (int32_t)whole;
}

void ncr_checksum_add(ncr_checksum *checksum, const void *values, nacre_dtype dtype, size_t count)
{
    size_t parts = ncr_dtype_is_complex(dtype) ? 2 : 1;
    nacre_dtype type = ncr_dtype_part(dtype);
    bool is_float = type == NACRE_DTYPE_FLOAT16 || type == NACRE_DTYPE_FLOAT32 || type == NACRE_DTYPE_FLOAT64;
    ptrdiff_t size = (ptrdiff_t)ncr_dtype_size(type);
    const uint8_t *from = values;
    double floats[STEP];
    int32_t integers[STEP];
    for (size_t done = 0, all = count * parts; done < all; done += STEP) {
        size_t some = all - done < STEP ? all - done : STEP;
        const uint8_t *at = from + (ptrdiff_t)done * size;
        if (is_float)
            ncr_convert(at, type, size, floats, NACRE_DTYPE_FLOAT64, sizeof floats[0], some);
        else
            ncr_convert(at, type, size, integers, NACRE_DTYPE_INT32, sizeof integers[0], some);
        for (size_t i = 0; i < some; i++)
            add(checksum, is_float ? rounded(floats[i]) : integers[i]);
    }
}
