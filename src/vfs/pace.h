/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_VFS_PACE_H
#define NCR_VFS_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How far a stream goes ahead. What fills a way is its rate times its latency, neither of which is known; so a stream
 * begins with a few steps, and looks at each lap, in which as many steps are given as are ahead. Where it waited for
 * the bytes most of a lap, and they came clearly faster than when it last went further ahead, it goes half as far
 * again: more ahead has helped, or was not tried yet. Where the bytes come no faster, the way is full; where the sink
 * is the slower, nothing ahead helps. Single-thread. */
typedef struct ncr_pace {
    size_t ahead; /* steps under way with the one that is given */
    size_t most;
    size_t given; /* in this lap, as the rest */
    uint64_t bytes;
    int64_t began_ms, waited_ms;
    double rate; /* bytes a millisecond, when it last went further ahead; 0: never */
} ncr_pace;

void ncr_pace_begin(ncr_pace *pace, size_t ahead, size_t most, int64_t now_ms);

/* After a step of size bytes was given, for which the stream waited so long. Returns how many steps more should be
 * ahead; the caller adds to pace->ahead those that it can have. */
size_t ncr_pace_given(ncr_pace *pace, size_t size, int64_t waited_ms, int64_t now_ms);

#endif
