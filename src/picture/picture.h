/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_PICTURE_PICTURE_H
#define NCR_PICTURE_PICTURE_H

#include "raster/save.h"

/* Pictures for people. */
extern const ncr_saver ncr_png_saver; /* "PNG": one to four bands of uint8 or uint16 */

#endif
