/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "raster/convert_values.h"
#include "raster/dtype.h"

typedef void (*convert_function)(const uint8_t *src, ptrdiff_t src_stride, uint8_t *dst, ptrdiff_t dst_stride,
                                 size_t count);

#define SOURCE      uint8_t
#define SOURCE_NAME uint8
#define WIDEN       NCR_WIDEN
#define WIDE        int64
#include "raster/convert_template.h"

#define SOURCE      int8_t
#define SOURCE_NAME int8
#define WIDEN       NCR_WIDEN
#define WIDE        int64
#include "raster/convert_template.h"

#define SOURCE      uint16_t
#define SOURCE_NAME uint16
#define WIDEN       NCR_WIDEN
#define WIDE        int64
#include "raster/convert_template.h"

#define SOURCE      int16_t
#define SOURCE_NAME int16
#define WIDEN       NCR_WIDEN
#define WIDE        int64
#include "raster/convert_template.h"

#define SOURCE      uint32_t
#define SOURCE_NAME uint32
#define WIDEN       NCR_WIDEN
#define WIDE        int64
#include "raster/convert_template.h"

#define SOURCE      int32_t
#define SOURCE_NAME int32
#define WIDEN       NCR_WIDEN
#define WIDE        int64
#include "raster/convert_template.h"

#define SOURCE      uint64_t
#define SOURCE_NAME uint64
#define WIDEN       NCR_WIDEN
#define WIDE        uint64
#include "raster/convert_template.h"

#define SOURCE      int64_t
#define SOURCE_NAME int64
#define WIDEN       NCR_WIDEN
#define WIDE        int64
#include "raster/convert_template.h"

#define SOURCE      ncr_half
#define SOURCE_NAME float16
#define WIDEN       NCR_WIDEN_HALF
#define WIDE        double
#include "raster/convert_template.h"

#define SOURCE      float
#define SOURCE_NAME float32
#define WIDEN       NCR_WIDEN_FLOAT
#define WIDE        double
#include "raster/convert_template.h"

#define SOURCE      double
#define SOURCE_NAME float64
#define WIDEN       NCR_WIDEN
#define WIDE        double
#include "raster/convert_template.h"

static const convert_function *const functions[] = {
    [NACRE_DTYPE_UINT8] = uint8_to_any,     [NACRE_DTYPE_INT8] = int8_to_any,
    [NACRE_DTYPE_UINT16] = uint16_to_any,   [NACRE_DTYPE_INT16] = int16_to_any,
    [NACRE_DTYPE_UINT32] = uint32_to_any,   [NACRE_DTYPE_INT32] = int32_to_any,
    [NACRE_DTYPE_UINT64] = uint64_to_any,   [NACRE_DTYPE_INT64] = int64_to_any,
    [NACRE_DTYPE_FLOAT16] = float16_to_any, [NACRE_DTYPE_FLOAT32] = float32_to_any,
    [NACRE_DTYPE_FLOAT64] = float64_to_any,
};

/* A loop for each size: the compiler makes a plain move of memcpy with a constant. */
#define COPY_LOOP(size)                                                      \
    for (size_t i = 0; i < count; i++, src += src_stride, dst += dst_stride) \
    memcpy(dst, src, size)

static void copy_values(const uint8_t *src, ptrdiff_t src_stride, uint8_t *dst, ptrdiff_t dst_stride, size_t size,
                        size_t count)
{
    if (src == dst && src_stride == dst_stride)
        return;
    if (src_stride == (ptrdiff_t)size && dst_stride == (ptrdiff_t)size) {
        memcpy(dst, src, size * count);
        return;
    }
    switch (size) {
    case 1:
        COPY_LOOP(1);
        break;
    case 2:
        COPY_LOOP(2);
        break;
    case 4:
        COPY_LOOP(4);
        break;
    case 8:
        COPY_LOOP(8);
        break;
    default:
        COPY_LOOP(size);
    }
}

#undef COPY_LOOP

static void zero_values(uint8_t *dst, ptrdiff_t dst_stride, size_t size, size_t count)
{
    for (size_t i = 0; i < count; i++, dst += dst_stride)
        memset(dst, 0, size);
}

void ncr_convert(const void *src, nacre_dtype src_dtype, ptrdiff_t src_stride, void *dst, nacre_dtype dst_dtype,
                 ptrdiff_t dst_stride, size_t count)
{
    assert(ncr_dtype_size(src_dtype) && ncr_dtype_size(dst_dtype));
    if (src_dtype == dst_dtype) {
        copy_values(src, src_stride, dst, dst_stride, ncr_dtype_size(dst_dtype), count);
        return;
    }
    nacre_dtype src_part = ncr_dtype_part(src_dtype), dst_part = ncr_dtype_part(dst_dtype);
    convert_function function = functions[src_part][dst_part];
    function(src, src_stride, dst, dst_stride, count);
    if (!ncr_dtype_is_complex(dst_dtype))
        return;
    uint8_t *imaginary = (uint8_t *)dst + ncr_dtype_size(dst_part);
    if (ncr_dtype_is_complex(src_dtype))
        function((const uint8_t *)src + ncr_dtype_size(src_part), src_stride, imaginary, dst_stride, count);
    else
        zero_values(imaginary, dst_stride, ncr_dtype_size(dst_part), count);
}
