/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_VFS_PACE_H
#define NCR_VFS_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How far a stream goes ahead. What fills a way is its rate times its latency, neither of which is known; so a stream
 * begins with a few steps, and looks at each lap, in which as many steps are given as are ahead. Where it waited for
 * the bytes most of a lap, and they came clearly faster than when it last went further ahead, it goes as far again:
 * more ahead has helped, or was not tried yet. Where they come no faster for it, the way is full, and it goes back to
 * what filled it; where the sink is the slower, nothing ahead helps. Single-thread. */
typedef struct ncr_pace {
    size_t ahead; /* steps under way with the one that is given; the caller sets it to what it could have */
    size_t most;
    size_t enough; /* ahead before it last went further; 0: it has not, or that has helped */
    size_t given;  /* in this lap, as the rest */
    uint64_t bytes;
    int64_t began_ms, waited_ms;
    double rate; /* bytes a millisecond, when it last went further ahead; 0: never */
} ncr_pace;

void ncr_pace_begin(ncr_pace *pace, size_t ahead, size_t most, int64_t now_ms);

/* Bytes of step `index` (from 0 on) of the `count` that a stream begins with: the last has `most`. They grow, so that
 * first bytes come soon, who stops soon has asked for little, and the steps, which share a rate, do not end together.
 * At least 1. */
size_t ncr_pace_first(size_t index, size_t count, size_t most);

/* After a step of size bytes was given, for which the stream waited so long. Returns how many steps should be ahead
 * from now on; pace->ahead is the caller's to set, since it may not have them all. */
size_t ncr_pace_given(ncr_pace *pace, size_t size, int64_t waited_ms, int64_t now_ms);

#endif
