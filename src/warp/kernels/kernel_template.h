/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */

/* Included by kernels.c once a type, with
 *   TYPE        the type
 *   TYPE_NAME   its name in function names
 *   STEP(value) the value beside it that is taken where a result equals nodata
 *   ROUND(x)    a double to TYPE, rounded and clamped as GDAL does
 * No include guard. Phases, a pixel at a time: find the source pixel, ask the masks, sample each band, set it. */

#define JOIN_(a, b) a##_##b
#define JOIN(a, b)  JOIN_(a, b)
#define FN(name)    JOIN(name, TYPE_NAME)

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

static inline FN(band) FN(band_of)(const ncr_kernel *kernel, const ncr_kernel_source *source, int index)
{
    size_t plane = (size_t)source->window.width * (size_t)source->window.height * (size_t)index;
    return (FN(band)){kernel, source, (const TYPE *)source->values + plane,
                      source->band_valid ? source->band_valid + plane : NULL};
}

/* The density of a source pixel: 0 where it is masked out. */
static inline double FN(density_at)(const FN(band) * band, size_t at)
{
    if (band->band_valid && !band->band_valid[at])
        return 0;
    if (band->source->valid && !band->source->valid[at])
        return 0;
    return band->source->density ? band->source->density[at] : 1;
}

/* Whether all pixels of a block are wholly valid. */
static inline bool FN(is_whole)(const FN(band) * band, size_t at, int width, int height)
{
    const ncr_kernel_source *source = band->source;
    if (source->density)
        return false;
    if (!band->band_valid && !source->valid)
        return true;
    unsigned whole = 1;
    for (int row = 0; row < height; row++, at += (size_t)source->window.width) {
        for (int i = 0; i < width && band->band_valid; i++)
            whole &= band->band_valid[at + (size_t)i];
        for (int i = 0; i < width && source->valid; i++)
            whole &= source->valid[at + (size_t)i];
    }
    return whole;
}

/* --- Bilinear, four taps --- */

/* With taps outside the source or masked: those left share the weight. */
static FN(sample) FN(bilinear_part)(const FN(band) * band, int64_t x, int64_t y, double right, double below)
{
    const ncr_kernel *kernel = band->kernel;
    double sum = 0, density = 0, weight = 0;
    for (int64_t row = y; row <= y + 1; row++) {
        for (int64_t column = x; column <= x + 1; column++) {
            if (row < 0 || row >= kernel->height || column < 0 || column >= kernel->width)
                continue;
            size_t at = ncr_source_at(&band->source->window, column, row);
            double tap_density = FN(density_at)(band, at);
            if (!(tap_density > NCR_DENSITY_NONE))
                continue;
            double tap = (column == x ? 1 - right : right) * (row == y ? 1 - below : below);
            weight += tap;
            sum += (double)band->values[at] * tap;
            density += tap_density * tap;
        }
    }
    if (weight < NCR_WEIGHT_NONE)
        return (FN(sample)){0, 0};
    if (weight == 1)
        return (FN(sample)){sum, density};
    return (FN(sample)){sum / weight, density / weight};
}

/* All four taps: left and above are the weights of the first column and row. */
static inline double FN(bilinear_whole)(const TYPE *upper, ptrdiff_t row_length, double left, double above)
{
    const TYPE *lower = upper + row_length;
    return ((double)upper[0] * left + (double)upper[1] * (1 - left)) * above +
           ((double)lower[0] * left + (double)lower[1] * (1 - left)) * (1 - above);
}

static inline FN(sample) FN(bilinear)(const FN(band) * band, double x, double y)
{
    const ncr_kernel *kernel = band->kernel;
    int64_t column = ncr_floor(x - 0.5), row = ncr_floor(y - 0.5);
    double left = 1.5 - (x - (double)column), above = 1.5 - (y - (double)row);
    if (column >= 0 && row >= 0 && column + 1 < kernel->width && row + 1 < kernel->height) {
        size_t at = ncr_source_at(&band->source->window, column, row);
        if (FN(is_whole)(band, at, 2, 2))
            return (FN(sample)){FN(bilinear_whole)(band->values + at, band->source->window.width, left, above), 1};
    }
    return FN(bilinear_part)(band, column, row, 1 - left, 1 - above);
}

/* --- Cubic, sixteen taps --- */

/* All sixteen, from the first. */
static inline double FN(cubic_whole)(const TYPE *at, ptrdiff_t row_length, const double across[4], const double down[4])
{
    double value = 0;
    for (int j = 0; j < 4; j++, at += row_length)
        value += down[j] * (across[0] * (double)at[0] + across[1] * (double)at[1] + across[2] * (double)at[2] +
                            across[3] * (double)at[3]);
    return value;
}

static inline FN(sample) FN(cubic)(const FN(band) * band, double x, double y)
{
    const ncr_kernel *kernel = band->kernel;
    int64_t column = (int64_t)(x - 0.5), row = (int64_t)(y - 0.5);
    if (column < 1 || row < 1 || column + 2 >= kernel->width || row + 2 >= kernel->height)
        return FN(bilinear)(band, x, y);
    const ncr_rect *window = &band->source->window;
    size_t first = ncr_source_at(window, column - 1, row - 1);
    bool is_whole = FN(is_whole)(band, first, 4, 4);
    if (!is_whole && !band->source->density)
        return FN(bilinear)(band, x, y);
    double across[4], down[4], density = 0;
    ncr_cubic_weights(x - 0.5 - (double)column, across);
    ncr_cubic_weights(y - 0.5 - (double)row, down);
    double value = FN(cubic_whole)(band->values + first, window->width, across, down);
    if (is_whole)
        return (FN(sample)){value, 1};
    for (int j = 0; j < 4; j++) {
        double sum = 0;
        for (int i = 0; i < 4; i++) {
            double tap_density = FN(density_at)(band, first + (size_t)(j * window->width + i));
            if (tap_density < NCR_DENSITY_NONE)
                return FN(bilinear)(band, x, y);
            sum += across[i] * tap_density;
        }
        density += down[j] * sum;
    }
    return (FN(sample)){value, density};
}

/* --- Any kernel, widened by the scale --- */

typedef struct {
    int64_t first_x, first_y; /* of the source */
    int columns, rows;
    double *across, *down;
} FN(window);

static FN(sample) FN(wide)(const FN(band) * band, const FN(window) * w)
{
    double sum = 0, density = 0, weight = 0;
    bool is_whole = true;
    for (int j = 0; j < w->rows; j++) {
        size_t at = ncr_source_at(&band->source->window, w->first_x, w->first_y + j);
        double row_sum = 0, row_density = 0, row_weight = 0;
        for (int i = 0; i < w->columns; i++) {
            double tap_density = FN(density_at)(band, at + (size_t)i);
            is_whole = is_whole && tap_density == 1;
            if (tap_density < NCR_DENSITY_NONE)
                continue;
            row_sum += (double)band->values[at + (size_t)i] * w->across[i];
            row_density += tap_density * w->across[i];
            row_weight += w->across[i];
        }
        sum += row_sum * w->down[j];
        density += row_density * w->down[j];
        weight += row_weight * w->down[j];
    }
    if (weight < NCR_WIDE_NONE || density < NCR_WIDE_NONE)
        return (FN(sample)){0, 0};
    /* GDAL's test, but that a kernel without gaps is always brought to a weight of one. */
    if (is_whole || weight < 0.99999 || weight > 1.00001)
        return (FN(sample)){sum / weight, is_whole ? 1 : density / weight};
    return (FN(sample)){sum, density};
}

/* --- Setting --- */

static inline void FN(nudge)(const ncr_kernel *kernel, const ncr_kernel_cell *cell, int band, size_t at)
{
    TYPE *value = (TYPE *)cell->values + (size_t)band * NCR_CELL * NCR_CELL + at;
    if ((double)*value == kernel->dst_nodata[band])
        *value = STEP(*value);
}

static void FN(nudge_together)(const ncr_kernel *kernel, const ncr_kernel_cell *cell, size_t at)
{
    const TYPE *values = cell->values;
    for (int band = 0; band < kernel->band_count; band++)
        if ((double)values[(size_t)band * NCR_CELL * NCR_CELL + at] != kernel->dst_nodata[band])
            return;
    for (int band = 0; band < kernel->band_count; band++)
        FN(nudge)(kernel, cell, band, at);
}

/* Mixes a partly covered value with what is there. */
static inline double FN(mix)(const ncr_kernel *kernel, TYPE there, double value, double density)
{
    double rest = kernel->blends_initial ? 1 - density : 0;
    return (value * density + (double)there * rest) / (density + rest);
}

static inline void FN(set)(const ncr_kernel *kernel, const ncr_kernel_cell *cell, int band, size_t at,
                           FN(sample) sample)
{
    TYPE *to = (TYPE *)cell->values + (size_t)band * NCR_CELL * NCR_CELL + at;
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
static inline bool FN(copy)(const FN(band) * band, const ncr_kernel_cell *cell, int index, size_t from, size_t at)
{
    double density = FN(density_at)(band, from);
    if (!(density > NCR_DENSITY_NONE))
        return false;
    TYPE value = band->values[from];
    TYPE *to = (TYPE *)cell->values + (size_t)index * NCR_CELL * NCR_CELL + at;
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
} FN(job);

static FN(window) FN(window_of)(const FN(job) * job, double x, double y)
{
    const ncr_kernel *kernel = job->kernel;
    double (*weigh)(double) = kernel->resampling == NACRE_RESAMPLING_CUBIC ? ncr_weight_cubic : ncr_weight_bilinear;
    int64_t column = ncr_floor(x - 0.5), row = ncr_floor(y - 0.5);
    double dx = x - 0.5 - (double)column, dy = y - 0.5 - (double)row;
    double x_scale = fmin(kernel->x_scale, 1), y_scale = fmin(kernel->y_scale, 1);
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

/* Whether any band got a value. */
static bool FN(sample_bands)(const FN(job) * job, double x, double y, size_t from, size_t at)
{
    const ncr_kernel *kernel = job->kernel;
    FN(window) window = {0};
    if (kernel->is_wide)
        window = FN(window_of)(job, x, y);
    bool any = false;
    for (int index = 0; index < kernel->band_count; index++) {
        FN(band) band = FN(band_of)(kernel, job->source, index);
        FN(sample) sample;
        if (kernel->resampling == NACRE_RESAMPLING_NEAREST) {
            any |= FN(copy)(&band, job->cell, index, from, at);
            continue;
        }
        if (kernel->is_wide)
            sample = FN(wide)(&band, &window);
        else if (kernel->resampling == NACRE_RESAMPLING_CUBIC)
            sample = FN(cubic)(&band, x, y);
        else
            sample = FN(bilinear)(&band, x, y);
        if (sample.density < NCR_BAND_NONE)
            continue;
        any = true;
        FN(set)(kernel, job->cell, index, at, sample);
    }
    return any;
}

/* --- Fast ways for the usual pixel: all its taps are there and valid. They do the same arithmetic in the same order
 * as the general way, so that a pixel gets the same whichever is taken. --- */

/* A valid value of a band, rounded. */
static inline void FN(put)(const ncr_kernel *kernel, const ncr_kernel_cell *cell, int band, size_t at, TYPE value)
{
    ((TYPE *)cell->values)[(size_t)band * NCR_CELL * NCR_CELL + at] = value;
    if (kernel->dst_nodata && !kernel->nudge_together)
        FN(nudge)(kernel, cell, band, at);
}

static inline bool FN(nearest_bands)(const FN(job) * job, size_t from, size_t at)
{
    const ncr_kernel_source *source = job->source;
    if (source->band_valid || source->density)
        return FN(sample_bands)(job, 0, 0, from, at);
    const TYPE *value = (const TYPE *)source->values + from;
    size_t plane = (size_t)source->window.width * (size_t)source->window.height;
    for (int band = 0; band < job->kernel->band_count; band++, value += plane)
        FN(put)(job->kernel, job->cell, band, at, *value);
    return true;
}

/* Whether all bands are valid in a square of source pixels. */
static inline bool FN(all_whole)(const FN(job) * job, size_t first, int side)
{
    const ncr_kernel_source *source = job->source;
    if (source->density)
        return false;
    if (!source->valid && !source->band_valid)
        return true;
    size_t plane = (size_t)source->window.width * (size_t)source->window.height;
    unsigned whole = 1;
    for (int row = 0; row < side; row++, first += (size_t)source->window.width) {
        for (int i = 0; source->valid && i < side; i++)
            whole &= source->valid[first + (size_t)i];
        for (int band = 0; source->band_valid && band < job->kernel->band_count; band++)
            for (int i = 0; i < side; i++)
                whole &= source->band_valid[(size_t)band * plane + first + (size_t)i];
    }
    return whole;
}

static inline bool FN(bilinear_bands)(const FN(job) * job, double x, double y, size_t from, size_t at)
{
    const ncr_kernel *kernel = job->kernel;
    const ncr_rect *window = &job->source->window;
    int64_t column = ncr_floor(x - 0.5), row = ncr_floor(y - 0.5);
    if (column < 0 || row < 0 || column + 1 >= kernel->width || row + 1 >= kernel->height)
        return FN(sample_bands)(job, x, y, from, at);
    size_t first = ncr_source_at(window, column, row), plane = (size_t)window->width * (size_t)window->height;
    if (!FN(all_whole)(job, first, 2))
        return FN(sample_bands)(job, x, y, from, at);
    double left = 1.5 - (x - (double)column), above = 1.5 - (y - (double)row);
    const TYPE *values = (const TYPE *)job->source->values + first;
    for (int band = 0; band < kernel->band_count; band++, values += plane) {
        double value = FN(bilinear_whole)(values, window->width, left, above);
        FN(put)(kernel, job->cell, band, at, ROUND(value));
    }
    return true;
}

static inline bool FN(cubic_bands)(const FN(job) * job, double x, double y, size_t from, size_t at)
{
    const ncr_kernel *kernel = job->kernel;
    const ncr_rect *window = &job->source->window;
    int64_t column = (int64_t)(x - 0.5), row = (int64_t)(y - 0.5);
    if (column < 1 || row < 1 || column + 2 >= kernel->width || row + 2 >= kernel->height)
        return FN(sample_bands)(job, x, y, from, at);
    size_t first = ncr_source_at(window, column - 1, row - 1);
    if (!FN(all_whole)(job, first, 4))
        return FN(sample_bands)(job, x, y, from, at);
    double across[4], down[4];
    ncr_cubic_weights(x - 0.5 - (double)column, across);
    ncr_cubic_weights(y - 0.5 - (double)row, down);
    const TYPE *values = (const TYPE *)job->source->values + first;
    size_t plane = (size_t)window->width * (size_t)window->height;
    for (int band = 0; band < kernel->band_count; band++, values += plane) {
        double value = FN(cubic_whole)(values, window->width, across, down);
        FN(put)(kernel, job->cell, band, at, ROUND(value));
    }
    return true;
}

/* --- A pixel, a cell --- */

enum { FN(way_general), FN(way_nearest), FN(way_bilinear), FN(way_cubic) };

static inline __attribute__((always_inline)) void FN(warp_pixel)(const FN(job) * job, int way, size_t at)
{
    const ncr_kernel *kernel = job->kernel;
    const ncr_kernel_source *source = job->source;
    double x = job->cell->points->x[at], y = job->cell->points->y[at];
    size_t from;
    if (!ncr_source_pixel(kernel, &source->window, x, y, &from))
        return;
    double density = source->density ? source->density[from] : 1;
    if (density < NCR_DENSITY_NONE || (source->valid && !source->valid[from]))
        return;
    bool any = way == FN(way_nearest)    ? FN(nearest_bands)(job, from, at)
               : way == FN(way_bilinear) ? FN(bilinear_bands)(job, x, y, from, at)
               : way == FN(way_cubic)    ? FN(cubic_bands)(job, x, y, from, at)
                                         : FN(sample_bands)(job, x, y, from, at);
    if (!any)
        return;
    if (kernel->dst_nodata && kernel->nudge_together)
        FN(nudge_together)(kernel, job->cell, at);
    if (job->cell->alpha && density >= NCR_DENSITY_LITTLE)
        job->cell->alpha[at] = (float)density;
}

/* Inlined once a way, so that the choice is made outside the loop. */
static inline __attribute__((always_inline)) void FN(warp_rows)(const FN(job) * job, int way)
{
    const ncr_kernel_cell *cell = job->cell;
    for (int row = cell->y; row < cell->y + cell->height; row++)
        for (int column = cell->x; column < cell->x + cell->width; column++)
            FN(warp_pixel)(job, way, (size_t)(row * NCR_CELL + column));
}

static void FN(warp_cell)(const ncr_kernel *kernel, const ncr_kernel_source *source, const ncr_kernel_cell *cell)
{
    double across[2 * NCR_KERNEL_RADIUS_MAX + 2], down[2 * NCR_KERNEL_RADIUS_MAX + 2];
    FN(job) job = {kernel, source, cell, across, down};
    if (kernel->is_wide)
        FN(warp_rows)(&job, FN(way_general));
    else if (kernel->resampling == NACRE_RESAMPLING_NEAREST)
        FN(warp_rows)(&job, FN(way_nearest));
    else if (kernel->resampling == NACRE_RESAMPLING_CUBIC)
        FN(warp_rows)(&job, FN(way_cubic));
    else
        FN(warp_rows)(&job, FN(way_bilinear));
}

#undef FN
#undef JOIN
#undef JOIN_
#undef TYPE
#undef TYPE_NAME
#undef STEP
#undef ROUND
