/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_WARP_HULL_H
#define NCR_WARP_HULL_H

#include <math.h>

/* The upright rectangle around points, grown point by point from HUGE_VAL, HUGE_VAL and -HUGE_VAL, -HUGE_VAL. */
static inline void ncr_hull_add(double low[2], double high[2], double x, double y)
{
    low[0] = fmin(low[0], x);
    low[1] = fmin(low[1], y);
    high[0] = fmax(high[0], x);
    high[1] = fmax(high[1], y);
}

#endif
