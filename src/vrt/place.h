/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_VRT_PLACE_H
#define NCR_VRT_PLACE_H

#include <nacre/types.h>
#include <stdbool.h>

#include "raster/dataset.h"

/* Which pixels of a request come from which window of a source. Three grids: the source's, the view's, and the
 * output's, which a request lays over a window of the view. */
typedef struct ncr_vrt_place {
    ncr_rect out;     /* of the output */
    nacre_window src; /* of the source; its borders are those of `out`, so it may reach beyond the source */
    bool is_plain;    /* one source pixel for one output pixel, each inside: `whole` is all there is to read */
    ncr_rect whole;   /* of the source */
} ncr_vrt_place;

/* Where the part `src` of a source lies in an output that shows the window `asked` of the view in out_width x
 * out_height pixels, when src is drawn to `dst` of the view. false: none of it is to be seen. With source_width 0 the
 * source's size is not known, and `out` may be too large, never too small. */
bool ncr_vrt_place_find(const nacre_window *src, const nacre_window *dst, int source_width, int source_height,
                        const nacre_window *asked, int out_width, int out_height, ncr_vrt_place *place);

#endif
