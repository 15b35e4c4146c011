/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */

/* Included by the variants for x86-64: four small values to floats or doubles in two instructions, which compilers do
 * not find by themselves. No include guard. */
#include <immintrin.h>

#define LOW64(v) _mm_cvtsi64_si128((int64_t)(v))
#define LOW32(v) _mm_cvtsi32_si128((int32_t)(v))

#define WIDEN4_uint8(v)   ((ncr_v4f)_mm_cvtepi32_ps(_mm_cvtepu8_epi32(LOW32(v))))
#define WIDEN4_int8(v)    ((ncr_v4f)_mm_cvtepi32_ps(_mm_cvtepi8_epi32(LOW32(v))))
#define WIDEN4_uint16(v)  ((ncr_v4f)_mm_cvtepi32_ps(_mm_cvtepu16_epi32(LOW64(v))))
#define WIDEN4_int16(v)   ((ncr_v4f)_mm_cvtepi32_ps(_mm_cvtepi16_epi32(LOW64(v))))
#define WIDEN4_float32(v) ((ncr_v4d)_mm256_cvtps_pd((__m128)(v)))

#define WIDEN4_DOUBLE_uint8(v)  ((ncr_v4d)_mm256_cvtepi32_pd(_mm_cvtepu8_epi32(LOW32(v))))
#define WIDEN4_DOUBLE_int8(v)   ((ncr_v4d)_mm256_cvtepi32_pd(_mm_cvtepi8_epi32(LOW32(v))))
#define WIDEN4_DOUBLE_uint16(v) ((ncr_v4d)_mm256_cvtepi32_pd(_mm_cvtepu16_epi32(LOW64(v))))
#define WIDEN4_DOUBLE_int16(v)  ((ncr_v4d)_mm256_cvtepi32_pd(_mm_cvtepi16_epi32(LOW64(v))))
