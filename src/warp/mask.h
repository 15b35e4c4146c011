/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_WARP_MASK_H
#define NCR_WARP_MASK_H

#include <nacre/types.h>
#include <stddef.h>
#include <stdint.h>

/* Sets valid[i] to 0 where values[i] is nodata, else to 1; equality as GDAL's warper has it. */
void ncr_mask_nodata(nacre_dtype dtype, const void *values, double nodata, size_t count, uint8_t *valid);

/* Density from the values of an alpha band: 0 to 1. */
void ncr_mask_density(nacre_dtype dtype, const void *values, double alpha_max, size_t count, float *density);

#endif
