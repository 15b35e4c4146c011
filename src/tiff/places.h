/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TIFF_PLACES_H
#define NCR_TIFF_PLACES_H

#include "tiff/blocks.h"

/* Tells where blocks [first, first + count) of a level are, in order; offset and size 0: sparse. Blocks; not for
 * workers. Errors as of blocks.h. */
nacre_status ncr_tiff_places(const ncr_tiff_dataset *tiff, const ncr_tiff_level *level, uint64_t first, uint64_t count,
                             ncr_call *call, void (*take)(void *user, uint64_t number, uint64_t offset, uint64_t size),
                             void *user, nacre_error *err);

#endif
