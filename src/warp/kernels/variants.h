/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_WARP_KERNEL_VARIANTS_H
#define NCR_WARP_KERNEL_VARIANTS_H

#include "warp/kernel.h"

/* The variants for x86-64. NULL: the dtype has none, or this machine cannot run it. */
ncr_kernel_function ncr_kernel_find_avx2(nacre_dtype dtype);
ncr_kernel_function ncr_kernel_find_avx512(nacre_dtype dtype);

#endif
