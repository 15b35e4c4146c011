/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_RASTER_MEMORY_H
#define NCR_RASTER_MEMORY_H

#include "raster/dataset.h"

/* A dataset over pixels in memory, which are the caller's and stay until it is released: values of one type, strides in
 * bytes. NACRE_ERROR_MEMORY. */
nacre_status ncr_memory_dataset_new(int width, int height, int band_count, nacre_dtype dtype, const void *pixels,
                                    ptrdiff_t pixel_stride, ptrdiff_t row_stride, ptrdiff_t band_stride,
                                    ncr_dataset **out, nacre_error *err);

#endif
