/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TIFF_STATISTICS_H
#define NCR_TIFF_STATISTICS_H

#include <nacre/dataset.h>
#include <stdint.h>

/* What a band's valid values are like. Plain value; zeroed: of none. */
typedef struct ncr_statistics {
    uint64_t count, in_all; /* valid values, and all */
    double minimum, maximum, mean;
    double squares; /* sum of squared distances from the mean */
} ncr_statistics;

/* Adds count values of a row, whose neighbours are `stride` bytes apart; `mask` (a byte each, NULL: all valid) and
 * nodata tell which are valid, NaN never is. */
void ncr_statistics_add(ncr_statistics *statistics, const void *values, nacre_dtype dtype, size_t stride, size_t count,
                        const uint8_t *mask, const nacre_nodata *nodata);
/* Adds what was found of other values. In another order the last digits may be others. */
void ncr_statistics_merge(ncr_statistics *statistics, const ncr_statistics *other);

#endif
