/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "vfs/pace.h"

static void begin_lap(ncr_pace *pace, int64_t now_ms)
{
    pace->given = 0;
    pace->bytes = 0;
    pace->waited_ms = 0;
    pace->began_ms = now_ms;
}

void ncr_pace_begin(ncr_pace *pace, size_t ahead, size_t most, int64_t now_ms)
{
    *pace = (ncr_pace){.ahead = ahead, .most = most};
    begin_lap(pace, now_ms);
}

size_t ncr_pace_given(ncr_pace *pace, size_t size, int64_t waited_ms, int64_t now_ms)
{
    pace->bytes += size;
    pace->waited_ms += waited_ms;
    if (++pace->given < pace->ahead)
        return 0;
    int64_t lap_ms = now_ms > pace->began_ms ? now_ms - pace->began_ms : 1;
    double rate = (double)pace->bytes / (double)lap_ms;
    bool helps = 2 * pace->waited_ms > lap_ms && rate > pace->rate * 9 / 8;
    begin_lap(pace, now_ms);
    if (!helps || pace->ahead >= pace->most)
        return 0;
    pace->rate = rate;
    size_t more = (pace->ahead + 1) / 2, room = pace->most - pace->ahead;
    return more < room ? more : room;
}
