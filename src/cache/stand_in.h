/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_CACHE_STAND_IN_H
#define NCR_CACHE_STAND_IN_H

#include "cache/block.h"

/* Threads that read one warm block would wait for one another at its count of references: it is one cache line, which
 * each of them writes twice a hit. So a stripe of threads that hits a block of another one's more than once gets a
 * stand-in for it: a block of the same bytes that counts this stripe's references and holds one on the block itself.
 * A stripe has at most 64 of them, of some 64 bytes each; none outlives the entry for which it stands. */

/* What a hit by this door's threads refers to: the block, or its stand-in. The caller is inside by that door, or has
 * the whole lock. */
ncr_block *ncr_stand_in_for(ncr_block *block, unsigned door);

/* Lets go of a block's stand-ins: an entry is dropped that had it. Slices that were given out stay. */
void ncr_stand_ins_drop_locked(const ncr_block *block);

#endif
