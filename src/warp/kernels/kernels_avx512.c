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
