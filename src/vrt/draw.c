/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "vrt/draw.h"

#include <math.h>
#include <string.h>

#include "raster/dtype.h"

/* A row goes through in runs of RUN pixels: which of them count, their values as doubles where there is something to
 * compute, then each stretch of those that count into the band's type and the buffer's. */

enum { RUN = 512 };

typedef union value64 {
    int64_t int64;
    uint64_t uint64;
    double float64;
} value64;

static bool has_arithmetic(const ncr_vrt_recipe *recipe)
{
    return recipe->is_linear || recipe->is_exponential || recipe->color_component || recipe->lut_count;
}

/* --- Which pixels count --- */

static void leave_out_int64(const ncr_vrt_drawing *d, const uint8_t *src, size_t count, bool *counts)
{
    bool is_unsigned = d->src_dtype == NACRE_DTYPE_UINT64;
    uint64_t nodata = is_unsigned ? d->recipe->nodata.uint64_value : (uint64_t)d->recipe->nodata.int64_value;
    for (size_t i = 0; i < count; i++, src += d->src_pixel_stride) {
        uint64_t value;
        memcpy(&value, src, sizeof value);
        counts[i] = counts[i] && value != nodata;
    }
}

/* The nodata value as the source's type holds it: a float in a document is a decimal text of a double. */
static double nodata_as(nacre_dtype dtype, double nodata)
{
    bool is_float = dtype == NACRE_DTYPE_FLOAT32 || dtype == NACRE_DTYPE_COMPLEX64;
    return is_float ? (double)(float)nodata : nodata;
}

static void leave_out_double(const ncr_vrt_drawing *d, const double *values, size_t count, bool *counts)
{
    double nodata = nodata_as(d->src_dtype, d->recipe->nodata.value);
    bool is_nan = isnan(nodata);
    for (size_t i = 0; i < count; i++)
        counts[i] = counts[i] && !(values[i] == nodata || (is_nan && isnan(values[i])));
}

/* --- What becomes of them --- */

static double look_up(const ncr_vrt_recipe *recipe, double value)
{
    size_t low = 0, high = recipe->lut_count - 1;
    double(*lut)[2] = recipe->lut;
    if (!(value > lut[low][0]))
        return lut[low][1];
    if (value >= lut[high][0])
        return lut[high][1];
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (lut[middle][0] <= value)
            low = middle;
        else
            high = middle;
    }
    double share = (value - lut[low][0]) / (lut[high][0] - lut[low][0]);
    return lut[low][1] + share * (lut[high][1] - lut[low][1]);
}

static double color_of(const ncr_vrt_drawing *d, double value)
{
    if (!(value >= 0 && value < d->color_count))
        return 0;
    const nacre_color_entry *entry = &d->colors[(int)value];
    const uint8_t components[] = {entry->red, entry->green, entry->blue, entry->alpha};
    return components[d->recipe->color_component - 1];
}

static double scale_exponential(const ncr_vrt_recipe *recipe, double value)
{
    double share = (value - recipe->src_min) / (recipe->src_max - recipe->src_min);
    if (recipe->clamp)
        share = share < 0 ? 0 : share > 1 ? 1 : share;
    return (recipe->dst_max - recipe->dst_min) * pow(share, recipe->exponent) + recipe->dst_min;
}

/* GDAL keeps what it computed for a narrow band as float, so that 12.499999999999998 is 12.5, and rounds up. */
static void round_as_float(const ncr_vrt_drawing *d, double *values, size_t count)
{
    bool is_narrow = ncr_dtype_size(d->band_dtype) <= 2 || d->band_dtype == NACRE_DTYPE_FLOAT32;
    for (size_t i = 0; i < count && is_narrow; i++)
        values[i] = (double)(float)values[i];
}

static void compute(const ncr_vrt_drawing *d, double *values, size_t count)
{
    const ncr_vrt_recipe *recipe = d->recipe;
    for (size_t i = 0; i < count && recipe->color_component; i++)
        values[i] = color_of(d, values[i]);
    for (size_t i = 0; i < count && recipe->is_linear; i++)
        values[i] = values[i] * recipe->ratio + recipe->offset;
    for (size_t i = 0; i < count && recipe->is_exponential; i++)
        values[i] = scale_exponential(recipe, values[i]);
    round_as_float(d, values, count);
    for (size_t i = 0; i < count && recipe->lut_count; i++)
        values[i] = look_up(recipe, values[i]);
    if (recipe->lut_count)
        round_as_float(d, values, count);
}

/* --- Rows --- */

/* Values into the band's type, then into the buffer's. */
static void put(const ncr_vrt_drawing *d, const uint8_t *src, nacre_dtype dtype, ptrdiff_t stride, uint8_t *dst,
                size_t count)
{
    if (dtype == d->band_dtype || d->band_dtype == d->dst_dtype) {
        ncr_convert(src, dtype, stride, dst, d->dst_dtype, d->dst_pixel_stride, count);
        return;
    }
    _Alignas(16) uint8_t between[RUN * 16];
    ptrdiff_t size = (ptrdiff_t)ncr_dtype_size(d->band_dtype);
    ncr_convert(src, dtype, stride, between, d->band_dtype, size, count);
    ncr_convert(between, d->band_dtype, size, dst, d->dst_dtype, d->dst_pixel_stride, count);
}

static void put_counting(const ncr_vrt_drawing *d, const bool *counts, const uint8_t *src, nacre_dtype dtype,
                         ptrdiff_t stride, uint8_t *dst, size_t count)
{
    for (size_t i = 0; i < count;) {
        size_t end = i;
        while (end < count && counts[end] == counts[i])
            end++;
        if (counts[i])
            put(d, src + (ptrdiff_t)i * stride, dtype, stride, dst + (ptrdiff_t)i * d->dst_pixel_stride, end - i);
        i = end;
    }
}

static void draw_run(const ncr_vrt_drawing *d, const uint8_t *src, const uint8_t *mask, uint8_t *dst, size_t count)
{
    bool counts[RUN];
    double values[RUN];
    for (size_t i = 0; i < count; i++)
        counts[i] = !mask || mask[i] != 0;
    bool is_exact = d->src_dtype == NACRE_DTYPE_INT64 || d->src_dtype == NACRE_DTYPE_UINT64;
    bool computes = has_arithmetic(d->recipe);
    if (computes || (d->recipe->nodata.is_set && !is_exact))
        ncr_convert(src, d->src_dtype, d->src_pixel_stride, values, NACRE_DTYPE_FLOAT64, sizeof *values, count);
    if (d->recipe->nodata.is_set && is_exact)
        leave_out_int64(d, src, count, counts);
    else if (d->recipe->nodata.is_set)
        leave_out_double(d, values, count, counts);
    if (!computes) {
        put_counting(d, counts, src, d->src_dtype, d->src_pixel_stride, dst, count);
        return;
    }
    compute(d, values, count);
    put_counting(d, counts, (const uint8_t *)values, NACRE_DTYPE_FLOAT64, sizeof *values, dst, count);
}

void ncr_vrt_draw(const ncr_vrt_drawing *d)
{
    for (int64_t y = 0; y < d->height; y++) {
        const uint8_t *src = d->src + y * d->src_row_stride;
        const uint8_t *mask = d->mask ? d->mask + y * d->mask_row_stride : NULL;
        uint8_t *dst = d->dst + y * d->dst_row_stride;
        for (int64_t x = 0; x < d->width; x += RUN) {
            size_t count = (size_t)(d->width - x < RUN ? d->width - x : RUN);
            if (d->recipe)
                draw_run(d, src, mask, dst, count);
            else
                put(d, src, d->src_dtype, d->src_pixel_stride, dst, count);
            src += (ptrdiff_t)count * d->src_pixel_stride;
            mask = mask ? mask + count : NULL;
            dst += (ptrdiff_t)count * d->dst_pixel_stride;
        }
    }
}
