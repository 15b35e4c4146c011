/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "raster/overview.h"

#include <math.h>

void ncr_overview_size(const ncr_dataset *dataset, int level, int *width, int *height)
{
    *width = level ? dataset->overviews[level - 1][0] : dataset->width;
    *height = level ? dataset->overviews[level - 1][1] : dataset->height;
}

/* Source pixels to an output pixel along the less reduced axis. */
static double wanted_factor(const nacre_window *window, int out_width, int out_height)
{
    double x = window->width / out_width, y = window->height / out_height;
    return x < y || out_height == 1 ? x : y;
}

int ncr_overview_choose(const ncr_dataset *dataset, const nacre_window *window, int out_width, int out_height,
                        bool nearest)
{
    if (out_width >= window->width && out_height >= window->height)
        return 0;
    /* Sizes of overviews are rounded up, so their factors are not quite whole. */
    static const double slack = 0.1;
    double wanted = wanted_factor(window, out_width, out_height), threshold = nearest ? 1.2 : 1.0, best = 0;
    int level = 0;
    for (int i = 0; i < dataset->overview_count; i++) {
        const int *size = dataset->overviews[i];
        double factor = fmin((double)dataset->width / size[0], (double)dataset->height / size[1]);
        if (factor >= wanted * threshold + slack || factor <= best)
            continue;
        best = factor;
        level = i + 1;
        if (fabs(wanted - factor) < slack)
            break;
    }
    return level;
}
