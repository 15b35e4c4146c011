/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_VRT_DRAW_H
#define NCR_VRT_DRAW_H

#include "vrt/view.h"

/* Pixels of a source onto those of a view: one plane. Strides are in bytes. */
typedef struct ncr_vrt_drawing {
    const uint8_t *src;
    nacre_dtype src_dtype;
    ptrdiff_t src_pixel_stride, src_row_stride;
    const uint8_t *mask; /* uint8, 0 left out; NULL: none */
    ptrdiff_t mask_row_stride;
    uint8_t *dst;
    nacre_dtype dst_dtype;
    ptrdiff_t dst_pixel_stride, dst_row_stride;
    nacre_dtype band_dtype; /* of the view's band: values go through this type */
    int64_t width, height;
    const ncr_vrt_recipe *recipe; /* NULL: every pixel as it is */
    const nacre_color_entry *colors;
    int color_count;
} ncr_vrt_drawing;

/* Draws. Regions do not overlap. */
void ncr_vrt_draw(const ncr_vrt_drawing *drawing);

#endif
