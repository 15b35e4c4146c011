/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "vrt/place.h"

#include <math.h>

/* Positions closer to a pixel's border than this, in pixels of the output, lie on it: rectangles in documents are
 * rounded numbers. As GDAL. */
static const double BORDER = 1e-3;
/* And so close to 1 that no pixel of the widest output is another one. */
static const double UNIT = 1e-10;

typedef struct axis {
    double src, src_size, dst, dst_size; /* the source's part and where it is drawn */
    double asked, asked_size;            /* of the view */
    int out;                             /* output pixels */
    int extent;                          /* source pixels, 0 unknown */
} axis;

typedef struct span {
    int64_t first, count; /* output pixels */
    double src, src_size;
    bool is_plain;
    int64_t whole;
} span;

/* The visible part in source pixels; false: none. */
static bool visible_part(const axis *a, double *low, double *high)
{
    double from = fmax(a->asked, a->dst), to = fmin(a->asked + a->asked_size, a->dst + a->dst_size);
    if (!(from < to))
        return false;
    double scale = a->src_size / a->dst_size;
    *low = fmax(0, (from - a->dst) * scale + a->src);
    *high = (to - a->dst) * scale + a->src;
    if (a->extent)
        *high = fmin(*high, a->extent);
    return *low < *high;
}

/* Of an output position, the source position. */
static double to_source(const axis *a, double out)
{
    double in_view = a->asked + out * (a->asked_size / a->out);
    return (in_view - a->dst) * (a->src_size / a->dst_size) + a->src;
}

static double to_output(const axis *a, double source)
{
    double in_view = (source - a->src) * (a->dst_size / a->src_size) + a->dst;
    return (in_view - a->asked) * (a->out / a->asked_size);
}

/* One source pixel for each output pixel: the first is the one under the centre of the first output pixel. */
static void find_plain(const axis *a, span *found)
{
    double scale = found->src_size / (double)found->count;
    found->whole = (int64_t)floor(found->src + 0.5 + UNIT);
    found->is_plain = fabs(scale - 1) * (double)found->count < BORDER && found->whole >= 0 &&
                      (!a->extent || found->whole + found->count <= a->extent);
}

static bool find_span(const axis *a, span *found)
{
    double low, high;
    if (!visible_part(a, &low, &high))
        return false;
    double first = floor(to_output(a, low) + BORDER), last = ceil(to_output(a, high) - BORDER);
    first = fmax(first, 0);
    last = fmin(last, a->out);
    if (!(first < last))
        return false;
    found->first = (int64_t)first;
    found->count = (int64_t)(last - first);
    found->src = to_source(a, first);
    found->src_size = to_source(a, last) - found->src;
    find_plain(a, found);
    return true;
}

bool ncr_vrt_place_find(const nacre_window *src, const nacre_window *dst, int source_width, int source_height,
                        const nacre_window *asked, int out_width, int out_height, ncr_vrt_place *place)
{
    axis across = {src->x, src->width, dst->x, dst->width, asked->x, asked->width, out_width, source_width};
    axis down = {src->y, src->height, dst->y, dst->height, asked->y, asked->height, out_height, source_height};
    span x, y;
    if (!find_span(&across, &x) || !find_span(&down, &y))
        return false;
    place->out = (ncr_rect){x.first, y.first, x.count, y.count};
    place->src = (nacre_window){x.src, y.src, x.src_size, y.src_size};
    place->is_plain = x.is_plain && y.is_plain;
    place->whole = (ncr_rect){x.whole, y.whole, x.count, y.count};
    return true;
}
