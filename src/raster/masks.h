/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_RASTER_MASKS_H
#define NCR_RASTER_MASKS_H

#include <stddef.h>
#include <stdint.h>

/* Alpha of 16 bits to a mask of 8 as GDAL: what is not quite transparent stays so, also where a file has 0 to 255 in
 * 16 bits. Values need not be aligned. */
void ncr_mask_of_alpha16(const uint8_t *values, uint8_t *out, size_t count);

#endif
