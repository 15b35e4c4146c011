/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_RASTER_DTYPE_H
#define NCR_RASTER_DTYPE_H

#include <nacre/types.h>
#include <stdbool.h>
#include <stddef.h>

/* nacre_dtype_size() and its kin under private names. */
size_t ncr_dtype_size(nacre_dtype dtype);
const char *ncr_dtype_name(nacre_dtype dtype);
nacre_dtype ncr_dtype_from_name(const char *name);
const char *ncr_dtype_gdal_name(nacre_dtype dtype); /* "Byte", "CFloat32" */
bool ncr_dtype_is_integer(nacre_dtype dtype);
bool ncr_dtype_is_signed(nacre_dtype dtype);
bool ncr_dtype_is_complex(nacre_dtype dtype);
/* The type of a complex value's parts; a real type's own. */
nacre_dtype ncr_dtype_part(nacre_dtype dtype);
double ncr_dtype_min(nacre_dtype dtype); /* lowest finite value, as a double */
double ncr_dtype_max(nacre_dtype dtype);
/* Whether a pixel of the type can be exactly this value; floats hold what is near enough. */
bool ncr_dtype_holds(nacre_dtype dtype, double value);

/* Converts count values, with strides in bytes: floats to integers are rounded to nearest (halves away from zero) and
 * clamped, NaN becomes 0; wider to narrower integers are clamped; complex to real drops the imaginary part. As GDAL's
 * GDALCopyWords. src and dst must not overlap unless they are equal with equal types and strides. */
void ncr_convert(const void *src, nacre_dtype src_dtype, ptrdiff_t src_stride, void *dst, nacre_dtype dst_dtype,
                 ptrdiff_t dst_stride, size_t count);

/* Resampling names under private names. */
const char *ncr_resampling_name(nacre_resampling resampling);      /* Rasterio's "cubic_spline" */
const char *ncr_resampling_gdal_name(nacre_resampling resampling); /* VRT's "CubicSpline" */
bool ncr_resampling_from_name(const char *name, nacre_resampling *out);
const char *ncr_color_name(nacre_color color);
const char *ncr_color_gdal_name(nacre_color color); /* VRT's "Gray", "Palette", "Red" */
nacre_color ncr_color_from_gdal_name(const char *name);

#endif
