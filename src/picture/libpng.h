/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_PICTURE_LIBPNG_H
#define NCR_PICTURE_LIBPNG_H

#include <png.h>

/* What libpng is given alike wherever a picture is written. */

/* PNG's colour type of 1 gray, 2 gray and alpha, 3 colours, 4 colours and alpha. */
int ncr_png_color_type(int channels);

void ncr_png_ignore_warning(png_structp png, png_const_charp text);
void ncr_png_ignore_flush(png_structp png);

#endif
