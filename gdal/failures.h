/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_GDAL_FAILURES_H
#define NCR_GDAL_FAILURES_H

#include <nacre/error.h>
#include <stddef.h>
#include <stdint.h>

/* What failed at close, kept for nacre_gdal_check(). Synchronised. */

enum { NCR_GDAL_FAILURES_KEPT = 64 };

void ncr_gdal_failures_add(const nacre_error *error);

/* Copies up to count of the oldest, forgets all, returns how many there were. */
uint64_t ncr_gdal_failures_take(nacre_error *errors, size_t count);

#endif
