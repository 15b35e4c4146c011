/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tiff/statistics.h"

#include <math.h>

#include "raster/dtype.h"

static void add_value(ncr_statistics *s, double value)
{
    double distance = value - s->mean;
    s->minimum = s->count && s->minimum < value ? s->minimum : value;
    s->maximum = s->count && s->maximum > value ? s->maximum : value;
    s->count++;
    s->mean += distance / (double)s->count;
    s->squares += distance * (value - s->mean);
}

void ncr_statistics_add(ncr_statistics *statistics, const void *values, nacre_dtype dtype, size_t stride, size_t count,
                        const uint8_t *mask, const nacre_nodata *nodata)
{
    enum { STEP = 256 };
    double step[STEP];
    const uint8_t *from = values;
    statistics->in_all += count;
    for (size_t done = 0; done < count; done += STEP) {
        size_t some = count - done < STEP ? count - done : STEP;
        ncr_convert(from + done * stride, dtype, (ptrdiff_t)stride, step, NACRE_DTYPE_FLOAT64, sizeof(double), some);
        for (size_t i = 0; i < some; i++)
            if ((!mask || mask[done + i]) && !isnan(step[i]) && !(nodata->is_set && step[i] == nodata->value))
                add_value(statistics, step[i]);
    }
}

/* Chan, Golub and LeVeque's update. */
void ncr_statistics_merge(ncr_statistics *s, const ncr_statistics *other)
{
    s->in_all += other->in_all;
    if (!other->count)
        return;
    double ours = (double)s->count, theirs = (double)other->count, all = ours + theirs;
    double distance = other->mean - s->mean;
    s->minimum = s->count && s->minimum < other->minimum ? s->minimum : other->minimum;
    s->maximum = s->count && s->maximum > other->maximum ? s->maximum : other->maximum;
    s->squares += other->squares + distance * distance * ours * theirs / all;
    s->mean += distance * theirs / all;
    s->count += other->count;
}
