/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "picture/libpng.h"

int ncr_png_color_type(int channels)
{
    static const int types[] = {0, PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                                PNG_COLOR_TYPE_RGB_ALPHA};
    return types[channels];
}

void ncr_png_ignore_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

void ncr_png_ignore_flush(png_structp png)
{
    (void)png;
}
