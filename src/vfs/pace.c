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
        return pace->ahead;
    int64_t lap_ms = now_ms > pace->began_ms ? now_ms - pace->began_ms : 1;
    double rate = (double)pace->bytes / (double)lap_ms;
    bool waits = 2 * pace->waited_ms > lap_ms;
    begin_lap(pace, now_ms);
    if (waits && rate > pace->rate * 9 / 8) {
        bool is_most = pace->ahead >= pace->most;
        pace->rate = is_most ? pace->rate : rate;
        pace->enough = is_most ? 0 : pace->ahead;
        return pace->ahead < pace->most / 2 ? 2 * pace->ahead : pace->most;
    }
    if (!pace->enough || rate > pace->rate * 17 / 16)
        return pace->ahead;
    size_t enough = pace->enough;
    pace->enough = 0;
    return enough;
}

size_t ncr_pace_first(size_t index, size_t count, size_t most)
{
    size_t size = index + 1 < count ? most / count * (index + 1) : most;
    return size ? size : 1;
}
