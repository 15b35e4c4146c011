/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "warp/kernels/variants.h"

#if defined(__x86_64__)

#include <float.h>
#include <limits.h>

#include "warp/kernels/kernel_common.h"

/* The usual types for processors that have AVX-512. Nothing is fused or reordered, so the bits are the portable ones.
 */

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#include "warp/kernels/x86_loads.h"

#define HAS_SIXTEEN
#define LOAD128(p)        _mm_loadu_si128((const __m128i *)(p))
#define LOAD256(p)        _mm256_loadu_si256((const __m256i *)(p))
#define WIDEN16_uint8(p)  _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(LOAD128(p)))
#define WIDEN16_int8(p)   _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(LOAD128(p)))
#define WIDEN16_uint16(p) _mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(LOAD256(p)))
#define WIDEN16_int16(p)  _mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(LOAD256(p)))
#define LOAD512(p)        _mm512_loadu_si512(p)
#define WIDEN32_8(p)      _mm512_cvtepu8_epi16(LOAD256(p))
#define WIDEN32_16(p)     LOAD512(p)
#define NARROW32_8(p, v)  _mm256_storeu_si256((__m256i *)(p), _mm512_cvtepi16_epi8(v))
#define NARROW32_16(p, v) _mm512_storeu_si512(p, v)
#define NARROW16_8(p, v)  _mm_storeu_si128((__m128i *)(p), _mm512_cvtepi32_epi8(v))
#define NARROW16_16(p, v) _mm256_storeu_si256((__m256i *)(p), _mm512_cvtepi32_epi16(v))

#include "warp/kernels/common_types_template.h"

static bool is_there(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

ncr_kernel_function ncr_kernel_find_avx512(nacre_dtype dtype)
{
    return is_there() ? COMMON_TYPES(dtype) : NULL;
}

#else

ncr_kernel_function ncr_kernel_find_avx512(nacre_dtype dtype)
{
    (void)dtype;
    return NULL;
}

#endif
