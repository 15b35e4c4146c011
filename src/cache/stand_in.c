/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cache/stand_in.h"

#include <stdint.h>

#include "base/thread.h"

enum { SLOTS = 64 };

typedef struct {
    const ncr_block *asked; /* what was asked for last: no reference, only to know it again */
    ncr_block *stand_in;    /* referenced; NULL: none */
} slot;

/* Guarded by the door of the same number. */
static struct {
    _Alignas(NCR_CACHE_LINE) slot slots[SLOTS];
} stripes[NCR_STRIPES];

static slot *slot_of(const ncr_block *block, unsigned door)
{
    uint64_t mixed = (uint64_t)(uintptr_t)block * UINT64_C(0x9e3779b97f4a7c15);
    return &stripes[door].slots[mixed >> 58];
}

ncr_block *ncr_stand_in_for(ncr_block *block, unsigned door)
{
    slot *s = slot_of(block, door);
    if (s->stand_in && s->stand_in->whole == block)
        return s->stand_in;
    if (s->asked != block) {
        s->asked = block;
        return block;
    }
    ncr_block *stand_in = ncr_block_stand_in(block);
    if (!stand_in)
        return block;
    ncr_block_unref(s->stand_in);
    s->stand_in = stand_in;
    return stand_in;
}

void ncr_stand_ins_drop_locked(const ncr_block *block)
{
    for (unsigned door = 0; door < NCR_STRIPES; door++) {
        slot *s = slot_of(block, door);
        if (s->stand_in && s->stand_in->whole == block) {
            ncr_block_unref(s->stand_in);
            *s = (slot){0};
        }
    }
}
