/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */

/* Included by kernels.c once a type, with
 *   TYPE        the type
 *   TYPE_NAME   its name in function names
 *   STEP(value) the value beside it that is taken where a result equals nodata
 *   ROUND(x)    a double to TYPE, rounded and clamped as GDAL does
 *   TARGET      the processor it is for, as an attribute; empty: any
 *   REAL        what taps at full scale are summed in: float for types of 8 and 16 bits, else double
 *   ROUND_REAL  ROUND for a REAL, to the same result
 *   WIDEN4(v)   a vector of four TYPE to four REAL; WIDEN2(v): of two
 *   WIDEN4_DOUBLE(v) a vector of four TYPE to ncr_v4d
 *   MOST        only integers of 8 and 16 bits: the largest
 *   WIDEN16(p)  only where sixteen pixels are done together (sixteen_template.h): the values from p on to a vector
 * No include guard. The general way takes a pixel at a time: find the source pixel, ask the masks, sample each band,
 * set it. Rows of usual pixels are done together (row_template.h). */

#define JOIN_(a, b) a##_##b
#define JOIN(a, b)  JOIN_(a, b)
#define FN(name)    JOIN(name, TYPE_NAME)

enum { FN(way_general), FN(way_nearest), FN(way_bilinear), FN(way_cubic), FN(way_lanczos) };

#include "warp/kernels/taps_template.h"

/* What a band's taps gave. */
typedef struct {
    double value, density;
} FN(sample);

typedef struct {
    const ncr_kernel *kernel;
    const ncr_kernel_source *source;
    const TYPE *values;        /* of this band */
    const uint8_t *band_valid; /* of this band */
} FN(band);

TARGET static inline FN(band) FN(band_of)(const ncr_kernel *kernel, const ncr_kernel_source *source, int index)
{
    size_t plane = (size_t)source->window.width * (size_t)source->window.height * (size_t)index;
    return (FN(band)){kernel, source, source->planes[index], source->band_valid ? source->band_valid + plane : NULL};
}

/* The density of a source pixel: 0 where it is masked out. */
TARGET static inline double FN(density_at)(const FN(band) * band, ptrdiff_t at)
{
    if (band->band_valid && !band->band_valid[at])
        return 0;
    if (band->source->valid && !band->source->valid[at])
        return 0;
    return band->source->density ? band->source->density[at] : 1;
}

/* Whether all pixels of a block are wholly valid. */
TARGET static inline bool FN(is_whole)(const FN(band) * band, ptrdiff_t at, int width, int height)
{
    const ncr_kernel_source *source = band->source;
    if (source->density)
        return false;
    if (!band->band_valid && !source->valid)
        return true;
    unsigned whole = 1;
    for (int row = 0; row < height; row++, at += source->window.width) {
        for (int i = 0; i < width && band->band_valid; i++)
            whole &= band->band_valid[at + i];
        for (int i = 0; i < width && source->valid; i++)
            whole &= source->valid[at + i];
    }
    return whole;
}

/* --- Bilinear, four taps --- */

/* With taps outside the source or masked: those left share the weight. */
TARGET static FN(sample) FN(bilinear_part)(const FN(band) * band, int64_t x, int64_t y, double right, double below)
{
    const ncr_kernel *kernel = band->kernel;
    double sum = 0, density = 0, weight = 0;
    for (int64_t row = y; row <= y + 1; row++) {
        for (int64_t column = x; column <= x + 1; column++) {
            if (row < 0 || row >= kernel->height || column < 0 || column >= kernel->width)
                continue;
            ncr_place at = ncr_place_of(band->source, column, row);
            double tap_density = FN(density_at)(band, at.mask);
            if (!(tap_density > NCR_DENSITY_NONE))
                continue;
            double tap = (column == x ? 1 - right : right) * (row == y ? 1 - below : below);
            weight += tap;
            sum += (double)band->values[at.value] * tap;
            density += tap_density * tap;
        }
    }
    if (weight < NCR_WEIGHT_NONE)
        return (FN(sample)){0, 0};
    if (weight == 1)
        return (FN(sample)){sum, density};
    return (FN(sample)){sum / weight, density / weight};
}

TARGET static FN(sample) FN(bilinear)(const FN(band) * band, double x, double y)
{
    const ncr_kernel *kernel = band->kernel;
    int64_t column = ncr_floor(x - 0.5), row = ncr_floor(y - 0.5);
    double right = x - 0.5 - (double)column, below = y - 0.5 - (double)row;
    if (column >= 0 && row >= 0 && column + 1 < kernel->width && row + 1 < kernel->height) {
        ncr_place at = ncr_place_of(band->source, column, row);
        const TYPE *upper = band->values + at.value;
        if (FN(is_whole)(band, at.mask, 2, 2)) {
            REAL left = 1 - (REAL)right, above = 1 - (REAL)below;
            return (FN(sample)){FN(bilinear_whole)(upper, upper + band->source->row_length, left, above), 1};
        }
    }
    return FN(bilinear_part)(band, column, row, right, below);
}

/* --- Cubic, sixteen taps --- */

TARGET static FN(sample) FN(cubic)(const FN(band) * band, double x, double y)
{
    const ncr_kernel *kernel = band->kernel;
    int64_t column = ncr_floor(x - 0.5), row = ncr_floor(y - 0.5);
    if (column < 1 || row < 1 || column + 2 >= kernel->width || row + 2 >= kernel->height)
        return FN(bilinear)(band, x, y);
    ncr_place first = ncr_place_of(band->source, column - 1, row - 1);
    bool is_whole = FN(is_whole)(band, first.mask, 4, 4);
    if (!is_whole && !band->source->density)
        return FN(bilinear)(band, x, y);
    FN(real4) across, down;
    FN(weigh_cubic)(&ncr_catmull_rom, (REAL)(x - 0.5 - (double)column), &across);
    FN(weigh_cubic)(&ncr_catmull_rom, (REAL)(y - 0.5 - (double)row), &down);
    double density = 0;
    REAL value = FN(cubic_whole)(band->values + first.value, band->source->row_length, &across, &down);
    if (is_whole)
        return (FN(sample)){value, 1};
    for (int j = 0; j < 4; j++) {
        double sum = 0;
        for (int i = 0; i < 4; i++) {
            double tap_density = FN(density_at)(band, first.mask + j * band->source->window.width + i);
            if (tap_density < NCR_DENSITY_NONE)
                return FN(bilinear)(band, x, y);
            sum += (double)across[i] * tap_density;
        }
        density += (double)down[j] * sum;
    }
    return (FN(sample)){value, density};
}

/* --- Any kernel, widened by the scale --- */

typedef struct {
    int64_t first_x, first_y; /* of the source */
    int columns, rows;
    double *across, *down;
} FN(window);

/* All taps are there; the weights' sums stand with them. */
TARGET static FN(sample) FN(wide_whole)(const FN(band) * band, const FN(window) * w)
{
    const TYPE *row = band->values + ncr_place_of(band->source, w->first_x, w->first_y).value;
    double sum = 0, across = 0, down = 0;
    for (int j = 0; j < w->rows; j++, row += band->source->row_length)
        sum += FN(row_sum)(row, w->across, w->columns) * w->down[j];
    for (int i = 0; i < w->columns; i++)
        across += w->across[i];
    for (int j = 0; j < w->rows; j++)
        down += w->down[j];
    double weight = across * down;
    return weight < NCR_WIDE_NONE ? (FN(sample)){0, 0} : (FN(sample)){sum / weight, 1};
}

TARGET static FN(sample) FN(wide)(const FN(band) * band, const FN(window) * w)
{
    ncr_place first = ncr_place_of(band->source, w->first_x, w->first_y);
    if (FN(is_whole)(band, first.mask, w->columns, w->rows))
        return FN(wide_whole)(band, w);
    double sum = 0, density = 0, weight = 0;
    int64_t count = 0;
    for (int j = 0; j < w->rows; j++) {
        ncr_place at = ncr_place_of(band->source, w->first_x, w->first_y + j);
        double row_sum = 0, row_density = 0, row_weight = 0;
        for (int i = 0; i < w->columns; i++) {
            double tap_density = FN(density_at)(band, at.mask + i);
            if (tap_density < NCR_DENSITY_NONE)
                continue;
            row_sum += (double)band->values[at.value + i] * w->across[i];
            row_density += tap_density * w->across[i];
            row_weight += w->across[i];
            count++;
        }
        sum += row_sum * w->down[j];
        density += row_density * w->down[j];
        weight += row_weight * w->down[j];
    }
    if (weight < NCR_WIDE_NONE || density < NCR_WIDE_NONE || count < ncr_kernel_least(band->kernel))
        return (FN(sample)){0, 0};
    /* GDAL's test, but that a kernel without gaps is always brought to a weight of one. */
    if (weight < 0.99999 || weight > 1.00001)
        return (FN(sample)){sum / weight, density / weight};
    return (FN(sample)){sum, density};
}

/* At full scale the kernels without gaps have ways of their own. */
TARGET static FN(sample) FN(full)(const FN(band) * band, const FN(window) * w, double x, double y)
{
    const ncr_kernel *kernel = band->kernel;
    int reach = kernel->resampling == NACRE_RESAMPLING_LANCZOS ? 3 : 2;
    int64_t column = ncr_floor(x - 0.5), row = ncr_floor(y - 0.5);
    bool fits =
        column >= reach - 1 && row >= reach - 1 && column + reach < kernel->width && row + reach < kernel->height;
    ncr_place first = ncr_place_of(band->source, column - (reach - 1), row - (reach - 1));
    if (!fits || !FN(is_whole)(band, first.mask, 2 * reach, 2 * reach))
        return FN(wide)(band, w);
    const TYPE *values = band->values + first.value;
    double dx = x - 0.5 - (double)column, dy = y - 0.5 - (double)row;
    if (reach == 2) {
        FN(real4) across, down;
        FN(weigh_cubic)(&ncr_b_spline, (REAL)dx, &across);
        FN(weigh_cubic)(&ncr_b_spline, (REAL)dy, &down);
        return (FN(sample)){FN(cubic_whole)(values, band->source->row_length, &across, &down), 1};
    }
    REAL across[6], down[6];
    FN(weigh_lanczos)(dx, across);
    FN(weigh_lanczos)(dy, down);
    return (FN(sample)){FN(lanczos_whole)(values, band->source->row_length, across, down), 1};
}

/* --- Setting --- */

TARGET static inline void FN(nudge)(const ncr_kernel *kernel, const ncr_kernel_cell *cell, int band, ptrdiff_t at)
{
    TYPE *value = (TYPE *)cell->planes[band] + at;
    if ((double)*value == kernel->dst_nodata[band])
        *value = STEP(*value);
}

TARGET static void FN(nudge_together)(const ncr_kernel *kernel, const ncr_kernel_cell *cell, ptrdiff_t at)
{
    for (int band = 0; band < kernel->band_count; band++)
        if ((double)((const TYPE *)cell->planes[band])[at] != kernel->dst_nodata[band])
            return;
    for (int band = 0; band < kernel->band_count; band++)
        FN(nudge)(kernel, cell, band, at);
}

/* Mixes a partly covered value with what is there. */
TARGET static inline double FN(mix)(const ncr_kernel *kernel, TYPE there, double value, double density)
{
    double rest = kernel->blends_initial ? 1 - density : 0;
    return (value * density + (double)there * rest) / (density + rest);
}

TARGET static inline void FN(set)(const ncr_kernel *kernel, const ncr_kernel_cell *cell, int band, ptrdiff_t at,
                                  FN(sample) sample)
{
    TYPE *to = (TYPE *)cell->planes[band] + at;
    if (sample.density < NCR_DENSITY_WHOLE) {
        if (sample.density < NCR_DENSITY_LITTLE)
            return;
        sample.value = FN(mix)(kernel, *to, sample.value, sample.density);
    }
    *to = ROUND(sample.value);
    if (kernel->dst_nodata && !kernel->nudge_together)
        FN(nudge)(kernel, cell, band, at);
}

/* Nearest copies values as they are: 64-bit integers are no doubles. */
TARGET static inline bool FN(copy)(const FN(band) * band, const ncr_kernel_cell *cell, int index, ncr_place from,
                                   ptrdiff_t at)
{
    double density = FN(density_at)(band, from.mask);
    if (!(density > NCR_DENSITY_NONE))
        return false;
    TYPE value = band->values[from.value];
    TYPE *to = (TYPE *)cell->planes[index] + at;
    if (density < NCR_DENSITY_WHOLE && density >= NCR_DENSITY_LITTLE)
        value = ROUND(FN(mix)(band->kernel, *to, (double)value, density));
    if (density >= NCR_DENSITY_LITTLE) {
        *to = value;
        if (band->kernel->dst_nodata && !band->kernel->nudge_together)
            FN(nudge)(band->kernel, cell, index, at);
    }
    return true;
}

/* --- A pixel, a cell --- */

typedef struct {
    const ncr_kernel *kernel;
    const ncr_kernel_source *source;
    const ncr_kernel_cell *cell;
    double *across, *down; /* room for the weights of a wide kernel */
    bool across_is_set;    /* of an area: its columns' weights stand in across */
    ncr_room *room;        /* of an area */
} FN(job);

TARGET static FN(window) FN(window_of)(const FN(job) * job, double x, double y)
{
    const ncr_kernel *kernel = job->kernel;
    double (*weigh)(double) = ncr_kernel_weight(kernel->resampling);
    int64_t column = ncr_floor(x - 0.5), row = ncr_floor(y - 0.5);
    double dx = x - 0.5 - (double)column, dy = y - 0.5 - (double)row;
    double x_scale = kernel->is_wide ? fmin(kernel->x_scale, 1) : 1;
    double y_scale = kernel->is_wide ? fmin(kernel->y_scale, 1) : 1;
    int64_t left = column - kernel->x_radius + 1, right = column + kernel->x_radius;
    int64_t top = row - kernel->y_radius + 1, bottom = row + kernel->y_radius;
    left = left < 0 ? 0 : left;
    top = top < 0 ? 0 : top;
    right = right >= kernel->width ? kernel->width - 1 : right;
    bottom = bottom >= kernel->height ? kernel->height - 1 : bottom;
    for (int64_t i = left; i <= right; i++)
        job->across[i - left] = weigh(((double)(i - column) - dx) * x_scale);
    for (int64_t j = top; j <= bottom; j++)
        job->down[j - top] = weigh(((double)(j - row) - dy) * y_scale);
    return (FN(window)){left, top, (int)(right - left + 1), (int)(bottom - top + 1), job->across, job->down};
}

TARGET static inline FN(sample) FN(sample_band)(const FN(band) * band, const FN(window) * window, double x, double y)
{
    nacre_resampling resampling = band->kernel->resampling;
    if (band->kernel->is_wide)
        return FN(wide)(band, window);
    if (resampling == NACRE_RESAMPLING_CUBIC)
        return FN(cubic)(band, x, y);
    return resampling == NACRE_RESAMPLING_BILINEAR ? FN(bilinear)(band, x, y) : FN(full)(band, window, x, y);
}

/* Whether any band got a value. */
TARGET static bool FN(sample_bands)(const FN(job) * job, double x, double y, ncr_place from, ptrdiff_t at)
{
    const ncr_kernel *kernel = job->kernel;
    nacre_resampling resampling = kernel->resampling;
    FN(window) window = {0};
    if (kernel->is_wide || resampling == NACRE_RESAMPLING_CUBIC_SPLINE || resampling == NACRE_RESAMPLING_LANCZOS)
        window = FN(window_of)(job, x, y);
    bool any = false;
    for (int index = 0; index < kernel->band_count; index++) {
        FN(band) band = FN(band_of)(kernel, job->source, index);
        if (resampling == NACRE_RESAMPLING_NEAREST) {
            any |= FN(copy)(&band, job->cell, index, from, at);
            continue;
        }
        FN(sample) sample = FN(sample_band)(&band, &window, x, y);
        if (sample.density < NCR_BAND_NONE)
            continue;
        any = true;
        FN(set)(kernel, job->cell, index, at, sample);
    }
    return any;
}

/* (x, y): the source's point under (column, line) of the cell. */
TARGET static void FN(warp_pixel)(const FN(job) * job, int column, int line, double x, double y)
{
    const ncr_kernel *kernel = job->kernel;
    const ncr_kernel_source *source = job->source;
    ptrdiff_t at = line * job->cell->row_length + column;
    ncr_place from;
    if (!ncr_source_pixel(kernel, source, x, y, &from))
        return;
    double density = source->density ? source->density[from.mask] : 1;
    if (density < NCR_DENSITY_NONE || (source->valid && !source->valid[from.mask]))
        return;
    if (!FN(sample_bands)(job, x, y, from, at))
        return;
    if (kernel->dst_nodata && kernel->nudge_together)
        FN(nudge_together)(kernel, job->cell, at);
    if (job->cell->alpha && density >= NCR_DENSITY_LITTLE)
        job->cell->alpha[line * NCR_CELL + column] = (float)density;
}

#include "warp/kernels/row_template.h"

#include "warp/kernels/area_template.h"

/* Widened kernels and areas need room for their weights: on the stack of their own functions. */
TARGET NCR_APART static void FN(warp_wide)(const FN(job) * job)
{
    double across[2 * NCR_KERNEL_RADIUS_MAX + 2], down[2 * NCR_KERNEL_RADIUS_MAX + 2];
    const ncr_kernel_cell *cell = job->cell;
    FN(job) own = *job;
    own.across = across;
    own.down = down;
    for (int line = 0; line < cell->height; line++) {
        ncr_points_room room;
        ncr_points points = FN(points_of)(cell, line, &room);
        for (int column = 0; column < cell->width; column++)
            FN(warp_pixel)(&own, column, line, points.x[column], points.y[column]);
    }
}

TARGET static int FN(way_of)(nacre_resampling resampling)
{
    switch ((int)resampling) {
    case NACRE_RESAMPLING_NEAREST:
        return FN(way_nearest);
    case NACRE_RESAMPLING_BILINEAR:
        return FN(way_bilinear);
    case NACRE_RESAMPLING_LANCZOS:
        return FN(way_lanczos);
    default:
        return FN(way_cubic);
    }
}

TARGET static bool FN(warp_cell)(const ncr_kernel *kernel, const ncr_kernel_source *source, const ncr_kernel_cell *cell)
{
    double across[2 * NCR_REACH_MAX], down[2 * NCR_REACH_MAX];
    FN(job) job = {.kernel = kernel, .source = source, .cell = cell, .across = across, .down = down};
    if (kernel->is_area)
        return FN(warp_area)(&job);
    if (kernel->is_wide || !ncr_offsets_fit(source)) {
        FN(warp_wide)(&job);
        return true;
    }
    int way = FN(way_of)(kernel->resampling);
    for (int line = 0; line < cell->height; line++)
        FN(warp_row)(&job, way, line);
    return true;
}

#undef FN
#undef JOIN
#undef JOIN_
#undef TYPE
#undef TYPE_NAME
#undef STEP
#undef ROUND
#undef REAL
#undef ROUND_REAL
#undef WIDEN4_DOUBLE
#undef WIDEN4
#undef WIDEN2
#undef MOST
#undef WIDEN16
#undef NARROW16
#undef WIDEN32
#undef NARROW32
#undef LOWEST
#undef HIGHEST
#undef IS_SIGNED
