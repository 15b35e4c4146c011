/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "raster/dtype.h"

#include <float.h>
#include <math.h>
#include <stdint.h>

#include "base/text.h"

typedef struct {
    const char *name, *gdal_name;
    size_t size;
    bool is_integer, is_signed, is_complex;
    double min, max; /* finite ends; of the parts for complex types */
} dtype_row;

static const dtype_row dtypes[] = {
    [NACRE_DTYPE_UNKNOWN] = {"unknown", "Unknown", 0, false, false, false, 0, 0},
    [NACRE_DTYPE_UINT8] = {"uint8", "Byte", 1, true, false, false, 0, UINT8_MAX},
    [NACRE_DTYPE_INT8] = {"int8", "Int8", 1, true, true, false, INT8_MIN, INT8_MAX},
    [NACRE_DTYPE_UINT16] = {"uint16", "UInt16", 2, true, false, false, 0, UINT16_MAX},
    [NACRE_DTYPE_INT16] = {"int16", "Int16", 2, true, true, false, INT16_MIN, INT16_MAX},
    [NACRE_DTYPE_UINT32] = {"uint32", "UInt32", 4, true, false, false, 0, UINT32_MAX},
    [NACRE_DTYPE_INT32] = {"int32", "Int32", 4, true, true, false, INT32_MIN, INT32_MAX},
    [NACRE_DTYPE_UINT64] = {"uint64", "UInt64", 8, true, false, false, 0, (double)UINT64_MAX},
    [NACRE_DTYPE_INT64] = {"int64", "Int64", 8, true, true, false, (double)INT64_MIN, (double)INT64_MAX},
    [NACRE_DTYPE_FLOAT16] = {"float16", "Float16", 2, false, true, false, -65504, 65504},
    [NACRE_DTYPE_FLOAT32] = {"float32", "Float32", 4, false, true, false, -FLT_MAX, FLT_MAX},
    [NACRE_DTYPE_FLOAT64] = {"float64", "Float64", 8, false, true, false, -DBL_MAX, DBL_MAX},
    [NACRE_DTYPE_COMPLEX_INT16] = {"complex_int16", "CInt16", 4, true, true, true, INT16_MIN, INT16_MAX},
    [NACRE_DTYPE_COMPLEX_INT32] = {"complex_int32", "CInt32", 8, true, true, true, INT32_MIN, INT32_MAX},
    [NACRE_DTYPE_COMPLEX64] = {"complex64", "CFloat32", 8, false, true, true, -FLT_MAX, FLT_MAX},
    [NACRE_DTYPE_COMPLEX128] = {"complex128", "CFloat64", 16, false, true, true, -DBL_MAX, DBL_MAX},
};
enum { DTYPE_COUNT = sizeof dtypes / sizeof dtypes[0] };

static const dtype_row *row_of(nacre_dtype dtype)
{
    return &dtypes[(unsigned)dtype < DTYPE_COUNT ? dtype : NACRE_DTYPE_UNKNOWN];
}

size_t ncr_dtype_size(nacre_dtype dtype)
{
    return row_of(dtype)->size;
}

const char *ncr_dtype_name(nacre_dtype dtype)
{
    return row_of(dtype)->name;
}

nacre_dtype ncr_dtype_from_name(const char *name)
{
    for (unsigned i = 1; i < DTYPE_COUNT; i++)
        if (ncr_text_equal_nocase(name, dtypes[i].name) || ncr_text_equal_nocase(name, dtypes[i].gdal_name))
            return (nacre_dtype)i;
    return NACRE_DTYPE_UNKNOWN;
}

const char *ncr_dtype_gdal_name(nacre_dtype dtype)
{
    return row_of(dtype)->gdal_name;
}

bool ncr_dtype_is_integer(nacre_dtype dtype)
{
    return row_of(dtype)->is_integer;
}

bool ncr_dtype_is_signed(nacre_dtype dtype)
{
    return row_of(dtype)->is_signed;
}

bool ncr_dtype_is_complex(nacre_dtype dtype)
{
    return row_of(dtype)->is_complex;
}

nacre_dtype ncr_dtype_part(nacre_dtype dtype)
{
    switch (dtype) {
    case NACRE_DTYPE_COMPLEX_INT16:
        return NACRE_DTYPE_INT16;
    case NACRE_DTYPE_COMPLEX_INT32:
        return NACRE_DTYPE_INT32;
    case NACRE_DTYPE_COMPLEX64:
        return NACRE_DTYPE_FLOAT32;
    case NACRE_DTYPE_COMPLEX128:
        return NACRE_DTYPE_FLOAT64;
    default:
        return dtype;
    }
}

double ncr_dtype_min(nacre_dtype dtype)
{
    return row_of(dtype)->min;
}

double ncr_dtype_max(nacre_dtype dtype)
{
    return row_of(dtype)->max;
}

bool ncr_dtype_holds(nacre_dtype dtype, double value)
{
    if (!ncr_dtype_is_integer(dtype))
        return true;
    return value >= ncr_dtype_min(dtype) && value <= ncr_dtype_max(dtype) && value == floor(value);
}

typedef struct {
    const char *name, *gdal_name;
} names;

static const names resamplings[] = {
    [NACRE_RESAMPLING_NEAREST] = {"nearest", "NearestNeighbour"},
    [NACRE_RESAMPLING_BILINEAR] = {"bilinear", "Bilinear"},
    [NACRE_RESAMPLING_CUBIC] = {"cubic", "Cubic"},
    [NACRE_RESAMPLING_CUBIC_SPLINE] = {"cubic_spline", "CubicSpline"},
    [NACRE_RESAMPLING_LANCZOS] = {"lanczos", "Lanczos"},
    [NACRE_RESAMPLING_AVERAGE] = {"average", "Average"},
    [NACRE_RESAMPLING_MODE] = {"mode", "Mode"},
    [NACRE_RESAMPLING_GAUSS] = {"gauss", "Gauss"},
    [NACRE_RESAMPLING_MAX] = {"max", "Maximum"},
    [NACRE_RESAMPLING_MIN] = {"min", "Minimum"},
    [NACRE_RESAMPLING_MED] = {"med", "Median"},
    [NACRE_RESAMPLING_Q1] = {"q1", "Quartile1"},
    [NACRE_RESAMPLING_Q3] = {"q3", "Quartile3"},
    [NACRE_RESAMPLING_SUM] = {"sum", "Sum"},
    [NACRE_RESAMPLING_RMS] = {"rms", "RootMeanSquare"},
};
enum { RESAMPLING_COUNT = sizeof resamplings / sizeof resamplings[0] };

const char *ncr_resampling_name(nacre_resampling resampling)
{
    return (unsigned)resampling < RESAMPLING_COUNT ? resamplings[resampling].name : NULL;
}

const char *ncr_resampling_gdal_name(nacre_resampling resampling)
{
    return (unsigned)resampling < RESAMPLING_COUNT ? resamplings[resampling].gdal_name : NULL;
}

/* Spellings of gdalwarp and of GDAL's overviews beside the two above. */
static const struct {
    const char *name;
    nacre_resampling resampling;
} aliases[] = {
    {"near", NACRE_RESAMPLING_NEAREST},     {"nearestneighbor", NACRE_RESAMPLING_NEAREST},
    {"median", NACRE_RESAMPLING_MED},       {"maximum", NACRE_RESAMPLING_MAX},
    {"minimum", NACRE_RESAMPLING_MIN},      {"firstquartile", NACRE_RESAMPLING_Q1},
    {"thirdquartile", NACRE_RESAMPLING_Q3},
};

bool ncr_resampling_from_name(const char *name, nacre_resampling *out)
{
    for (unsigned i = 0; i < RESAMPLING_COUNT; i++) {
        if (ncr_text_equal_nocase(name, resamplings[i].name) || ncr_text_equal_nocase(name, resamplings[i].gdal_name)) {
            *out = (nacre_resampling)i;
            return true;
        }
    }
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++) {
        if (ncr_text_equal_nocase(name, aliases[i].name)) {
            *out = aliases[i].resampling;
            return true;
        }
    }
    return false;
}

static const names colors[] = {
    [NACRE_COLOR_UNDEFINED] = {"undefined", "Undefined"},
    [NACRE_COLOR_GRAY] = {"gray", "Gray"},
    [NACRE_COLOR_PALETTE] = {"palette", "Palette"},
    [NACRE_COLOR_RED] = {"red", "Red"},
    [NACRE_COLOR_GREEN] = {"green", "Green"},
    [NACRE_COLOR_BLUE] = {"blue", "Blue"},
    [NACRE_COLOR_ALPHA] = {"alpha", "Alpha"},
    [NACRE_COLOR_HUE] = {"hue", "Hue"},
    [NACRE_COLOR_SATURATION] = {"saturation", "Saturation"},
    [NACRE_COLOR_LIGHTNESS] = {"lightness", "Lightness"},
    [NACRE_COLOR_CYAN] = {"cyan", "Cyan"},
    [NACRE_COLOR_MAGENTA] = {"magenta", "Magenta"},
    [NACRE_COLOR_YELLOW] = {"yellow", "Yellow"},
    [NACRE_COLOR_BLACK] = {"black", "Black"},
    [NACRE_COLOR_Y] = {"ycbcr_y", "YCbCr_Y"},
    [NACRE_COLOR_CB] = {"ycbcr_cb", "YCbCr_Cb"},
    [NACRE_COLOR_CR] = {"ycbcr_cr", "YCbCr_Cr"},
    [NACRE_COLOR_PAN] = {"pan", "Pan"},
    [NACRE_COLOR_COASTAL] = {"coastal", "Coastal"},
    [NACRE_COLOR_RED_EDGE] = {"rededge", "RedEdge"},
    [NACRE_COLOR_NIR] = {"nir", "NIR"},
    [NACRE_COLOR_SWIR] = {"swir", "SWIR"},
    [NACRE_COLOR_MWIR] = {"mwir", "MWIR"},
    [NACRE_COLOR_LWIR] = {"lwir", "LWIR"},
    [NACRE_COLOR_TIR] = {"tir", "TIR"},
    [NACRE_COLOR_OTHER_IR] = {"other_ir", "OtherIR"},
    [NACRE_COLOR_SAR_KA] = {"sar_ka", "SAR_Ka"},
    [NACRE_COLOR_SAR_K] = {"sar_k", "SAR_K"},
    [NACRE_COLOR_SAR_KU] = {"sar_ku", "SAR_Ku"},
    [NACRE_COLOR_SAR_X] = {"sar_x", "SAR_X"},
    [NACRE_COLOR_SAR_C] = {"sar_c", "SAR_C"},
    [NACRE_COLOR_SAR_S] = {"sar_s", "SAR_S"},
    [NACRE_COLOR_SAR_L] = {"sar_l", "SAR_L"},
    [NACRE_COLOR_SAR_P] = {"sar_p", "SAR_P"},
};
enum { COLOR_COUNT = sizeof colors / sizeof colors[0] };

static const names *color_names(nacre_color color)
{
    bool is_known = (unsigned)color < COLOR_COUNT && colors[color].name;
    return &colors[is_known ? color : NACRE_COLOR_UNDEFINED];
}

const char *ncr_color_name(nacre_color color)
{
    return color_names(color)->name;
}

const char *ncr_color_gdal_name(nacre_color color)
{
    return color_names(color)->gdal_name;
}

nacre_color ncr_color_from_gdal_name(const char *name)
{
    for (unsigned i = 0; i < COLOR_COUNT; i++)
        if (colors[i].name && ncr_text_equal_nocase(name, colors[i].gdal_name))
            return (nacre_color)i;
    return NACRE_COLOR_UNDEFINED;
}
