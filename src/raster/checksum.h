/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_RASTER_CHECKSUM_H
#define NCR_RASTER_CHECKSUM_H

#include <nacre/types.h>

/* GDAL's checksum of pixels under way: zeroed before the first value. Plain value. */
typedef struct ncr_checksum {
    uint16_t sum;
    unsigned turn; /* which prime is next */
} ncr_checksum;

/* Adds count values without gaps, which come row by row. */
void ncr_checksum_add(ncr_checksum *checksum, const void *values, nacre_dtype dtype, size_t count);

#endif
