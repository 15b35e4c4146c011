/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_RASTER_NODATA_H
#define NCR_RASTER_NODATA_H

#include <nacre/dataset.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes count mask values, 0 where a value is the nodata value of its band and 255 elsewhere. The values are of type
 * dtype, the band's own (or a wider one they were converted to); strides in bytes. NaN is equal to NaN; floats are
 * equal within two units of their precision, as GDAL has it; of complex values the real part counts. */
void ncr_nodata_mark(const nacre_nodata *nodata, nacre_dtype dtype, const void *values, ptrdiff_t stride, uint8_t *mask,
                     ptrdiff_t mask_stride, size_t count);

/* Whether the type's range holds the nodata value; else it masks nothing. */
bool ncr_nodata_counts(const nacre_nodata *nodata, nacre_dtype dtype);

/* The nodata value as a double of type dtype, 0 where there is none: what pixels without a valid source get. */
double ncr_nodata_fill(const nacre_nodata *nodata, nacre_dtype dtype);

/* The value beside the nodata value that a computed value gets which happens to be equal to it. */
double ncr_nodata_beside(const nacre_nodata *nodata, nacre_dtype dtype);

#endif
