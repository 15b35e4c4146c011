/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NACRE_TYPES_H
#define NACRE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Types of pixel values; in memory always in the machine's byte order. Values are never renumbered. */
typedef enum nacre_dtype {
    NACRE_DTYPE_UNKNOWN = 0,
    NACRE_DTYPE_UINT8 = 1,
    NACRE_DTYPE_INT8 = 2,
    NACRE_DTYPE_UINT16 = 3,
    NACRE_DTYPE_INT16 = 4,
    NACRE_DTYPE_UINT32 = 5,
    NACRE_DTYPE_INT32 = 6,
    NACRE_DTYPE_UINT64 = 7,
    NACRE_DTYPE_INT64 = 8,
    NACRE_DTYPE_FLOAT16 = 9, /* IEEE 754 binary16 */
    NACRE_DTYPE_FLOAT32 = 10,
    NACRE_DTYPE_FLOAT64 = 11,
    NACRE_DTYPE_COMPLEX_INT16 = 12, /* real, imaginary */
    NACRE_DTYPE_COMPLEX_INT32 = 13,
    NACRE_DTYPE_COMPLEX64 = 14, /* two float32 */
    NACRE_DTYPE_COMPLEX128 = 15 /* two float64 */
} nacre_dtype;

/* Bytes of one value; 0 for NACRE_DTYPE_UNKNOWN. */
NACRE_API size_t nacre_dtype_size(nacre_dtype dtype);

/* Numpy's name ("uint8", "complex64"; "complex_int16" and "complex_int32" as Rasterio has them); "unknown". */
NACRE_API const char *nacre_dtype_name(nacre_dtype dtype);

/* The type of a name: numpy's and GDAL's ("Byte", "CFloat32") in any case; NACRE_DTYPE_UNKNOWN for others. */
NACRE_API nacre_dtype nacre_dtype_from_name(const char *name);

/* How values between pixels are found. Values are Rasterio's (GDAL's), and never renumbered. */
typedef enum nacre_resampling {
    NACRE_RESAMPLING_NEAREST = 0,
    NACRE_RESAMPLING_BILINEAR = 1,
    NACRE_RESAMPLING_CUBIC = 2,
    NACRE_RESAMPLING_CUBIC_SPLINE = 3,
    NACRE_RESAMPLING_LANCZOS = 4,
    NACRE_RESAMPLING_AVERAGE = 5,
    NACRE_RESAMPLING_MODE = 6,
    NACRE_RESAMPLING_GAUSS = 7,
    NACRE_RESAMPLING_MAX = 8,
    NACRE_RESAMPLING_MIN = 9,
    NACRE_RESAMPLING_MED = 10,
    NACRE_RESAMPLING_Q1 = 11,
    NACRE_RESAMPLING_Q3 = 12,
    NACRE_RESAMPLING_SUM = 13,
    NACRE_RESAMPLING_RMS = 14
} nacre_resampling;

/* "nearest", "cubic_spline"...; NULL for another value. */
NACRE_API const char *nacre_resampling_name(nacre_resampling resampling);

/* Reads a name, GDAL's too ("near", "cubicspline"), in any case; false, and *out untouched, for others. */
NACRE_API bool nacre_resampling_from_name(const char *name, nacre_resampling *out);

/* A rectangle of a grid in pixels from its upper left corner; fractions are legal where a function says so. */
typedef struct nacre_window {
    double x, y, width, height;
} nacre_window;

/* Pixel (column, row), measured at pixel corners, to coordinates, in Affine order:
 * x = a * column + b * row + c, y = d * column + e * row + f. */
typedef struct nacre_transform {
    double a, b, c, d, e, f;
} nacre_transform;

/* What a band shows. Values are GDAL's. */
typedef enum nacre_color {
    NACRE_COLOR_UNDEFINED = 0,
    NACRE_COLOR_GRAY = 1,
    NACRE_COLOR_PALETTE = 2,
    NACRE_COLOR_RED = 3,
    NACRE_COLOR_GREEN = 4,
    NACRE_COLOR_BLUE = 5,
    NACRE_COLOR_ALPHA = 6,
    NACRE_COLOR_HUE = 7,
    NACRE_COLOR_SATURATION = 8,
    NACRE_COLOR_LIGHTNESS = 9,
    NACRE_COLOR_CYAN = 10,
    NACRE_COLOR_MAGENTA = 11,
    NACRE_COLOR_YELLOW = 12,
    NACRE_COLOR_BLACK = 13,
    NACRE_COLOR_Y = 14,
    NACRE_COLOR_CB = 15,
    NACRE_COLOR_CR = 16,
    NACRE_COLOR_PAN = 17,
    NACRE_COLOR_COASTAL = 18,
    NACRE_COLOR_RED_EDGE = 19,
    NACRE_COLOR_NIR = 20,
    NACRE_COLOR_SWIR = 21,
    NACRE_COLOR_MWIR = 22,
    NACRE_COLOR_LWIR = 23,
    NACRE_COLOR_TIR = 24,
    NACRE_COLOR_OTHER_IR = 25,
    NACRE_COLOR_SAR_KA = 30,
    NACRE_COLOR_SAR_K = 31,
    NACRE_COLOR_SAR_KU = 32,
    NACRE_COLOR_SAR_X = 33,
    NACRE_COLOR_SAR_C = 34,
    NACRE_COLOR_SAR_S = 35,
    NACRE_COLOR_SAR_L = 36,
    NACRE_COLOR_SAR_P = 37
} nacre_color;

/* "gray", "red"...; "undefined" for other values. */
NACRE_API const char *nacre_color_name(nacre_color color);

/* Where a band's mask comes from; a set of bits, as GDAL's GMF_ flags. None: the band has a mask of its own. */
enum {
    NACRE_MASK_ALL_VALID = 1,
    NACRE_MASK_PER_DATASET = 2, /* one mask for all bands */
    NACRE_MASK_ALPHA = 4,       /* with PER_DATASET: an alpha band */
    NACRE_MASK_NODATA = 8
};

/* An entry of a colour table, 0 to 255. */
typedef struct nacre_color_entry {
    uint8_t red, green, blue, alpha;
} nacre_color_entry;

/* A ground control point: pixel and line from the upper left corner, and where that is in the CRS of the points. */
typedef struct nacre_gcp {
    const char *id, *info; /* "" where there is none */
    double pixel, line, x, y, z;
} nacre_gcp;

#ifdef __cplusplus
}
#endif

#endif
