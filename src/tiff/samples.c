/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tiff/samples.h"

#include <string.h>
#include <tiff.h>

#include "raster/dtype.h"

/* --- Types --- */

static nacre_dtype unsigned_dtype(unsigned bits)
{
    if (!bits || bits > 64)
        return NACRE_DTYPE_UNKNOWN;
    if (bits <= 8)
        return NACRE_DTYPE_UINT8;
    if (bits <= 16)
        return NACRE_DTYPE_UINT16;
    return bits <= 32 ? NACRE_DTYPE_UINT32 : NACRE_DTYPE_UINT64;
}

static nacre_dtype signed_dtype(unsigned bits)
{
    switch (bits) {
    case 8:
        return NACRE_DTYPE_INT8;
    case 16:
        return NACRE_DTYPE_INT16;
    case 32:
        return NACRE_DTYPE_INT32;
    case 64:
        return NACRE_DTYPE_INT64;
    default:
        return unsigned_dtype(bits);
    }
}

static nacre_dtype float_dtype(unsigned bits)
{
    switch (bits) {
    case 16:
        return NACRE_DTYPE_FLOAT16;
    case 24:
    case 32:
        return NACRE_DTYPE_FLOAT32;
    case 64:
        return NACRE_DTYPE_FLOAT64;
    default:
        return NACRE_DTYPE_UNKNOWN;
    }
}

static nacre_dtype complex_dtype(unsigned bits, unsigned format)
{
    bool is_integer = format == NCR_SAMPLE_COMPLEX_INT;
    switch (bits) {
    case 32:
        return is_integer ? NACRE_DTYPE_COMPLEX_INT16 : NACRE_DTYPE_COMPLEX64;
    case 64:
        return is_integer ? NACRE_DTYPE_COMPLEX_INT32 : NACRE_DTYPE_COMPLEX64;
    case 128:
        return is_integer ? NACRE_DTYPE_UNKNOWN : NACRE_DTYPE_COMPLEX128;
    default:
        return NACRE_DTYPE_UNKNOWN;
    }
}

nacre_dtype ncr_tiff_samples_dtype(unsigned bits, unsigned format)
{
    switch (format) {
    case NCR_SAMPLE_INT:
        return signed_dtype(bits);
    case NCR_SAMPLE_FLOAT:
        return float_dtype(bits);
    case NCR_SAMPLE_COMPLEX_INT:
    case NCR_SAMPLE_COMPLEX:
        return complex_dtype(bits, format);
    default:
        return unsigned_dtype(bits);
    }
}

/* --- Unpacking --- */

bool ncr_tiff_samples_are_packed(const ncr_tiff_layout *layout)
{
    return layout->bits != 8 * ncr_dtype_size(layout->dtype);
}

size_t ncr_tiff_samples_row_size(unsigned bits, size_t row_values)
{
    return row_values / 8 * bits + (row_values % 8 * bits + 7) / 8;
}

static void unpack_single_bits(const uint8_t *packed, size_t count, uint8_t *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = packed[i / 8] >> (7 - i % 8) & 1;
}

/* Any number of bits, byte by byte; a sample of 64 bits or fewer touches at most nine bytes. */
static void unpack_integers(const uint8_t *packed, unsigned bits, size_t size, size_t count, uint8_t *out)
{
    size_t at = 0; /* in bits */
    for (size_t i = 0; i < count; i++, out += size) {
        uint64_t value = 0;
        for (unsigned left = bits; left;) {
            unsigned there = 8 - (unsigned)(at % 8), take = left < there ? left : there;
            uint64_t part = packed[at / 8] >> (there - take) & ((1u << take) - 1);
            value = value << take | part;
            at += take;
            left -= take;
        }
        uint8_t value8 = (uint8_t)value;
        uint16_t value16 = (uint16_t)value;
        uint32_t value32 = (uint32_t)value;
        const void *from = size == 1 ? (void *)&value8 : size == 2 ? (void *)&value16 : (void *)&value32;
        memcpy(out, size == 8 ? &value : from, size);
    }
}

/* A float of 24 bits: 1 of sign, 7 of exponent (bias 63), 16 of mantissa; in the machine's byte order, which is that of
 * the low byte first wherever libtiff's swapping of three bytes makes sense. */
static float float_of_24(const uint8_t *bytes)
{
    uint32_t bits = bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16;
    uint32_t sign = (bits & 0x800000u) << 8, exponent = bits >> 16 & 0x7f, mantissa = bits & 0xffff;
    uint32_t result = sign | (exponent + 64) << 23 | mantissa << 7;
    if (exponent == 0x7f) /* infinity and NaN */
        result = sign | 0x7f800000u | mantissa << 7;
    float out;
    if (exponent) {
        memcpy(&out, &result, sizeof out);
        return out;
    }
    out = (float)mantissa * 0x1p-78f; /* zero and subnormal */
    return sign ? -out : out;
}

static void unpack_floats(const uint8_t *packed, size_t count, float *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = float_of_24(packed + 3 * i);
}

static void unpack_row(const ncr_tiff_layout *layout, const uint8_t *packed, size_t count, void *out)
{
    if (layout->dtype == NACRE_DTYPE_COMPLEX64) /* two halves a value */
        ncr_convert(packed, NACRE_DTYPE_FLOAT16, 2, out, NACRE_DTYPE_FLOAT32, 4, 2 * count);
    else if (layout->dtype == NACRE_DTYPE_FLOAT32)
        unpack_floats(packed, count, out);
    else if (layout->bits == 1)
        unpack_single_bits(packed, count, out);
    else
        unpack_integers(packed, layout->bits, ncr_dtype_size(layout->dtype), count, out);
}

void ncr_tiff_samples_unpack(const ncr_tiff_layout *layout, const uint8_t *packed, size_t row_values, size_t rows,
                             void *out)
{
    size_t row_size = ncr_tiff_samples_row_size(layout->bits, row_values);
    uint8_t *to = out;
    for (size_t y = 0; y < rows; y++, packed += row_size, to += row_values * ncr_dtype_size(layout->dtype))
        unpack_row(layout, packed, row_values, to);
}

/* --- Predictor 2 --- */

bool ncr_tiff_samples_are_differences(const ncr_tiff_layout *layout)
{
    unsigned scheme = layout->compression;
    bool takes_predictor = scheme == COMPRESSION_LZW || scheme == COMPRESSION_ADOBE_DEFLATE ||
                           scheme == COMPRESSION_DEFLATE || scheme == COMPRESSION_ZSTD;
    bool is_whole = layout->bits == 8 || layout->bits == 16 || layout->bits == 32;
    return takes_predictor && layout->predictor == 2 && is_whole && !layout->is_rgba;
}

/* Sums that stay in registers: what is written is not read back for the next pixel. The number of samples is a constant
 * where it is one of the usual ones. */
#define SUM_ROW(type)                                                                     \
    static inline void sum_few_##type(type *restrict row, size_t width, unsigned samples) \
    {                                                                                     \
        type sums[4] = {0};                                                               \
        for (size_t x = 0; x < width; x++, row += samples)                                \
            for (unsigned s = 0; s < samples; s++)                                        \
                row[s] = sums[s] = (type)(sums[s] + row[s]);                              \
    }                                                                                     \
    static void sum_row_##type(type *row, size_t width, unsigned samples)                 \
    {                                                                                     \
        if (samples == 1)                                                                 \
            sum_few_##type(row, width, 1);                                                \
        else if (samples == 2)                                                            \
            sum_few_##type(row, width, 2);                                                \
        else if (samples == 3)                                                            \
            sum_few_##type(row, width, 3);                                                \
        else if (samples == 4)                                                            \
            sum_few_##type(row, width, 4);                                                \
        else                                                                              \
            for (size_t i = samples; i < width * samples; i++)                            \
                row[i] = (type)(row[i] + row[i - samples]);                               \
    }

SUM_ROW(uint8_t)
SUM_ROW(uint16_t)
SUM_ROW(uint32_t)

void ncr_tiff_samples_sum(void *values, unsigned bits, unsigned samples, size_t width, size_t rows)
{
    size_t row = width * samples;
    for (size_t y = 0; y < rows; y++)
        if (bits == 8)
            sum_row_uint8_t((uint8_t *)values + y * row, width, samples);
        else if (bits == 16)
            sum_row_uint16_t((uint16_t *)values + y * row, width, samples);
        else
            sum_row_uint32_t((uint32_t *)values + y * row, width, samples);
}
