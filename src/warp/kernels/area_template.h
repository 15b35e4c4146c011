/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */

/* Included by kernel_template.h: resamplings that take all source pixels under a destination pixel. */

/* What was found of one band. Sums stay in four lanes by column until the end, so that rows without gaps may be summed
 * by vectors to the same bits. */
typedef struct {
    ncr_v4d sums, squares;
    double weight;
    TYPE least, most;
    size_t count;
} FN(gathered);

/* Without masks: the weights of columns stand in job->across. */
TARGET static void FN(gather_whole)(const FN(job) * job, const FN(band) * band, const ncr_footprint *f,
                                    FN(gathered) * out)
{
    int columns = (int)(f->x1 - f->x0);
    const TYPE *values = band->values + ncr_place_of(band->source, f->x0, f->y0).value;
    double across = 0;
    for (int i = 0; i < columns; i++)
        across += job->across[i];
    for (int64_t y = f->y0; y < f->y1; y++, values += band->source->row_length) {
        double down = ncr_footprint_down(f, y);
        ncr_v4d row;
        FN(row_sums)(values, job->across, columns, &row);
        out->sums += row * down;
        out->weight += across * down;
    }
    out->count = 1;
}

/* A row with masks. */
TARGET static void FN(gather_row)(const FN(band) * band, const ncr_footprint *f, int64_t y, FN(gathered) * out)
{
    ncr_v4d sums = {0}, squares = {0};
    double weight = 0, down = ncr_footprint_down(f, y);
    ncr_place at = ncr_place_of(band->source, f->x0, y);
    for (int64_t x = f->x0; x < f->x1; x++, at.value++, at.mask++) {
        double across = ncr_footprint_across(f, x);
        if (!(FN(density_at)(band, at.mask) > NCR_DENSITY_NONE) || !(across > 0 && down > 0))
            continue;
        TYPE value = band->values[at.value];
        sums[(x - f->x0) & 3] += (double)value * across;
        squares[(x - f->x0) & 3] += (double)value * (double)value * across;
        weight += across;
        out->least = !out->count || value < out->least ? value : out->least;
        out->most = !out->count || value > out->most ? value : out->most;
        out->count++;
    }
    out->sums += sums * down;
    out->squares += squares * down;
    out->weight += weight * down;
}

/* --- Median and quartiles --- */

/* Valid values under the pixel, and their weights, into the room; how many there are. For a mode parts of pixels count
 * whole where values have more than 16 bits: so it is in GDAL. */
TARGET static size_t FN(collect)(const FN(job) * job, const FN(band) * band, const ncr_footprint *f)
{
    TYPE *out = job->room->values;
    size_t count = 0;
    for (int64_t y = f->y0; y < f->y1; y++) {
        double down = ncr_footprint_down(f, y);
        ncr_place at = ncr_place_of(band->source, f->x0, y);
        for (int64_t x = f->x0; x < f->x1; x++, at.value++, at.mask++) {
            double weight = ncr_footprint_across(f, x) * down;
            if (!(FN(density_at)(band, at.mask) > NCR_DENSITY_NONE) || !(weight > 0))
                continue;
            job->room->weights[count] = sizeof(TYPE) <= 2 ? weight : 1;
            out[count++] = band->values[at.value];
        }
    }
    return count;
}

/* The value that would stand at an index were they sorted (Hoare's selection; ends with NaNs too, wherever they go). */
TARGET static TYPE FN(select)(TYPE *values, size_t count, size_t index)
{
    ptrdiff_t low = 0, high = (ptrdiff_t)count - 1, wanted = (ptrdiff_t)index;
    while (low < high) {
        TYPE pivot = values[low + (high - low) / 2];
        ptrdiff_t i = low, j = high;
        while (i <= j) {
            while (values[i] < pivot)
                i++;
            while (pivot < values[j])
                j--;
            if (i > j)
                break;
            TYPE value = values[i];
            values[i++] = values[j];
            values[j--] = value;
        }
        if (wanted <= j)
            high = j;
        else if (wanted >= i)
            low = i;
        else
            break;
    }
    return values[wanted];
}

/* --- Mode --- */

TARGET static size_t FN(slot_of)(const ncr_room *room, const TYPE *values, TYPE value)
{
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof value);
    size_t slot = (size_t)((bits * 0x9e3779b97f4a7c15u) >> 32) & room->slot_mask;
    while (room->slots[slot] != UINT32_MAX && values[room->slots[slot]] != value)
        slot = (slot + 1) & room->slot_mask;
    return slot;
}

/* The first of the values whose weights add up to the most. */
TARGET static TYPE FN(most_frequent)(const ncr_room *room, size_t count)
{
    TYPE *values = room->values;
    double *weights = room->weights;
    size_t kinds = 0, best = 0;
    memset(room->slots, 0xff, (room->slot_mask + 1) * sizeof *room->slots);
    for (size_t i = 0; i < count; i++) { /* distinct values move to the front */
        size_t slot = FN(slot_of)(room, values, values[i]);
        if (room->slots[slot] != UINT32_MAX) {
            weights[room->slots[slot]] += weights[i];
            continue;
        }
        room->slots[slot] = (uint32_t)kinds;
        values[kinds] = values[i];
        weights[kinds++] = weights[i];
    }
    for (size_t k = 1; k < kinds; k++)
        if (weights[k] > weights[best])
            best = k;
    return values[best];
}

/* --- A pixel --- */

/* One of the values under the pixel; false: there is none. */
TARGET static bool FN(area_value)(const FN(job) * job, const FN(band) * band, const ncr_footprint *f, TYPE *out)
{
    nacre_resampling resampling = band->kernel->resampling;
    size_t count = FN(collect)(job, band, f);
    if (!count)
        return false;
    if (resampling == NACRE_RESAMPLING_MODE) {
        *out = FN(most_frequent)(job->room, count);
        return true;
    }
    *out = FN(select)(job->room->values, count, ncr_rank(resampling, count));
    return true;
}

/* A mean or an extreme of what was found; false: there is none. */
TARGET static bool FN(reduce)(nacre_resampling resampling, const FN(gathered) * found, TYPE *out)
{
    if (!found->count || !(found->weight > 0))
        return false;
    if (resampling == NACRE_RESAMPLING_MAX || resampling == NACRE_RESAMPLING_MIN) {
        *out = resampling == NACRE_RESAMPLING_MAX ? found->most : found->least;
        return true;
    }
    ncr_v4d lanes = resampling == NACRE_RESAMPLING_AVERAGE ? found->sums : found->squares;
    double value = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) / found->weight;
    value = resampling == NACRE_RESAMPLING_AVERAGE ? value : sqrt(value);
    *out = ROUND(value);
    return true;
}

/* A mean or extreme; false: there is none. */
TARGET static bool FN(area_sum)(const FN(job) * job, const FN(band) * band, const ncr_footprint *f, TYPE *out)
{
    nacre_resampling resampling = band->kernel->resampling;
    FN(gathered) found = {0};
    bool has_masks = band->band_valid || band->source->valid || band->source->density;
    if (job->across_is_set && !has_masks)
        FN(gather_whole)(job, band, f, &found);
    else
        for (int64_t y = f->y0; y < f->y1; y++)
            FN(gather_row)(band, f, y, &found);
    return FN(reduce)(resampling, &found, out);
}

/* Every source pixel gives each destination pixel the share that is in it: so sums are kept. */
TARGET static bool FN(area_shares)(const FN(band) * band, const ncr_footprint *f, TYPE *out)
{
    double sum = 0, weight = 0;
    for (int64_t y = f->y0; y < f->y1; y++) {
        ncr_place at = ncr_place_of(band->source, f->x0, y);
        for (int64_t x = f->x0; x < f->x1; x++, at.value++, at.mask++) {
            if (!(FN(density_at)(band, at.mask) > NCR_DENSITY_NONE))
                continue;
            double share = ncr_quad_share(f->quad_x, f->quad_y, x, y);
            if (share > 0) {
                sum += (double)band->values[at.value] * share;
                weight += share;
            }
        }
    }
    *out = ROUND(sum);
    return weight > 0;
}

/* The corners of a pixel around it, from upper left; their extent is what counts. */
TARGET static bool FN(quad)(const FN(job) * job, const double *x, const double *y, ncr_footprint *f)
{
    const ptrdiff_t stride = job->cell->point_stride, at[4] = {0, 1, stride + 1, stride};
    double low_x = HUGE_VAL, high_x = -HUGE_VAL, low_y = HUGE_VAL, high_y = -HUGE_VAL;
    for (int i = 0; i < 4; i++) {
        if (x[at[i]] == HUGE_VAL)
            return false;
        f->quad_x[i] = x[at[i]];
        f->quad_y[i] = y[at[i]];
        low_x = fmin(low_x, f->quad_x[i]);
        high_x = fmax(high_x, f->quad_x[i]);
        low_y = fmin(low_y, f->quad_y[i]);
        high_y = fmax(high_y, f->quad_y[i]);
    }
    const ncr_kernel *kernel = job->kernel;
    return ncr_footprint_axis(low_x, high_x, kernel->width, &f->x0, &f->x1, &f->left, &f->right) &&
           ncr_footprint_axis(low_y, high_y, kernel->height, &f->y0, &f->y1, &f->above, &f->below);
}

/* One axis of the footprints of a row, as ncr_footprint_axis() has it, from the corners' coordinates. In doubles, which
 * compilers turn into vectors. */
TARGET NCR_APART static void FN(set_axis)(const double *a, const double *b, int size, int count,
                                          ncr_footprint_axes *out)
{
    for (int k = 0; k < count; k++) {
        double low = a[k] < b[k] ? a[k] : b[k], high = a[k] < b[k] ? b[k] : a[k];
        double is_there = high >= 0 ? 1 : 0;
        is_there = low <= size ? is_there : 0;
        is_there = high - low <= 1e9 ? is_there : 0;
        low = is_there > 0 ? low : 0;
        high = is_there > 0 ? high : -2;
        double from = low < 0 ? 0 : low + 1e-10, to = high > size ? size : high - 1e-10;
        double first = (int32_t)from, end = (int32_t)to;
        end += to > end ? 1 : 0;
        double more = first == end ? 1 : 0;
        end += end < size ? more : 0;
        end = first < end ? end : -1;
        bool is_single = first + 1 == end;
        out->first[k] = (int32_t)first;
        out->end[k] = (int32_t)end;
        out->low_weight[k] = is_single ? 1 : 1 - (low - first);
        out->high_weight[k] = is_single ? 1 : 1 - (end - high);
    }
}

/* The footprints of a row of a cell. */
TARGET static void FN(set_footprints)(const FN(job) * job, int line, ncr_footprints *out)
{
    ptrdiff_t stride = job->cell->point_stride;
    const double *x = &job->cell->x[line * stride], *y = &job->cell->y[line * stride];
    FN(set_axis)(x, x + stride + 1, job->kernel->width, job->cell->width, &out->x);
    FN(set_axis)(y, y + stride + 1, job->kernel->height, job->cell->width, &out->y);
}

/* The pixels under (column, line) of a cell, whose row's footprints are set unless it is a sum; false: none. */
TARGET static bool FN(footprint)(const FN(job) * job, const ncr_footprints *row, int column, int line, ncr_footprint *f)
{
    ptrdiff_t stride = job->cell->point_stride;
    const double *x = &job->cell->x[line * stride + column], *y = &job->cell->y[line * stride + column];
    if (job->kernel->resampling == NACRE_RESAMPLING_SUM)
        return FN(quad)(job, x, y, f);
    if (row->x.end[column] < 0 || row->y.end[column] < 0)
        return false;
    *f = (ncr_footprint){.x0 = row->x.first[column],
                         .y0 = row->y.first[column],
                         .x1 = row->x.end[column],
                         .y1 = row->y.end[column],
                         .left = row->x.low_weight[column],
                         .right = row->x.high_weight[column],
                         .above = row->y.low_weight[column],
                         .below = row->y.high_weight[column]};
    return true;
}

#ifdef MOST
#include "warp/kernels/small_area_template.h"
#else
TARGET static bool FN(small_row)(const FN(job) * job, const ncr_footprints *row, int line)
{
    (void)job, (void)row, (void)line;
    return false;
}
#endif

/* --- A pixel, the general way --- */

/* Whether any band got a value. */
TARGET static bool FN(general_pixel)(FN(job) * job, const ncr_footprint *f, ptrdiff_t at)
{
    const ncr_kernel *kernel = job->kernel;
    nacre_resampling r = kernel->resampling;
    bool sorts = r == NACRE_RESAMPLING_MED || r == NACRE_RESAMPLING_Q1 || r == NACRE_RESAMPLING_Q3;
    bool takes = sorts || r == NACRE_RESAMPLING_MODE, any = false;
    job->across_is_set =
        (r == NACRE_RESAMPLING_AVERAGE || r == NACRE_RESAMPLING_SUM) && f->x1 - f->x0 <= 2 * NCR_KERNEL_RADIUS_MAX;
    for (int64_t x = f->x0; job->across_is_set && x < f->x1; x++)
        job->across[x - f->x0] = ncr_footprint_across(f, x);
    for (int index = 0; index < kernel->band_count; index++) {
        FN(band) band = FN(band_of)(kernel, job->source, index);
        TYPE value;
        bool found = takes                       ? FN(area_value)(job, &band, f, &value)
                     : r == NACRE_RESAMPLING_SUM ? FN(area_shares)(&band, f, &value)
                                                 : FN(area_sum)(job, &band, f, &value);
        if (!found)
            continue;
        any = true;
        ((TYPE *)job->cell->planes[index])[at] = value;
        if (kernel->dst_nodata && !kernel->nudge_together)
            FN(nudge)(kernel, job->cell, index, at);
    }
    return any;
}

/* A pixel whose bands are set. */
TARGET static void FN(finish_pixel)(const FN(job) * job, int column, int line)
{
    if (job->kernel->dst_nodata && job->kernel->nudge_together)
        FN(nudge_together)(job->kernel, job->cell, line * job->cell->row_length + column);
    if (job->cell->alpha)
        job->cell->alpha[line * NCR_CELL + column] = 1;
}

TARGET static void FN(finish_small_row)(const FN(job) * job, int line)
{
    const ncr_kernel *kernel = job->kernel;
    for (int k = 0; (kernel->dst_nodata || job->cell->alpha) && k < job->cell->width; k++) {
        for (int band = 0; kernel->dst_nodata && !kernel->nudge_together && band < kernel->band_count; band++)
            FN(nudge)(kernel, job->cell, band, line * job->cell->row_length + k);
        FN(finish_pixel)(job, k, line);
    }
}

#include "warp/kernels/globe_template.h"

/* The largest footprint of a cell, in pixels. */
TARGET static size_t FN(largest)(const FN(job) * job)
{
    size_t most = 0;
    ncr_footprints row;
    for (int line = 0; line < job->cell->height; line++) {
        FN(set_footprints)(job, line, &row);
        for (int k = 0; k < job->cell->width; k++) {
            if (row.x.end[k] < 0 || row.y.end[k] < 0 || FN(is_torn)(job, k, line))
                continue;
            size_t size = (size_t)(row.x.end[k] - row.x.first[k]) * (size_t)(row.y.end[k] - row.y.first[k]);
            most = size > most ? size : most;
        }
    }
    return most;
}

/* Pixels of a row one by one; pole: one in the cell, or NULL. False: out of memory. */
TARGET static bool FN(general_row)(FN(job) * job, const ncr_footprints *row, const ncr_pole *pole, bool is_torn,
                                   int line)
{
    const ncr_kernel_cell *cell = job->cell;
    ncr_footprint f;
    ncr_quads quads;
    for (int column = 0; column < cell->width; column++) {
        if (is_torn && FN(covers_quads)(job, pole, column, line, &quads)) {
            if (!FN(quads_pixel)(job, &quads, column, line))
                return false;
        } else if (FN(footprint)(job, row, column, line, &f) &&
                   FN(general_pixel)(job, &f, line * cell->row_length + column)) {
            FN(finish_pixel)(job, column, line);
        }
    }
    return true;
}

TARGET NCR_APART static bool FN(warp_area)(const FN(job) * whole)
{
    double across[2 * NCR_KERNEL_RADIUS_MAX + 2];
    FN(job) own = *whole, *job = &own;
    own.across = across;
    const ncr_kernel_cell *cell = job->cell;
    nacre_resampling r = job->kernel->resampling;
    bool takes =
        r == NACRE_RESAMPLING_MODE || r == NACRE_RESAMPLING_MED || r == NACRE_RESAMPLING_Q1 || r == NACRE_RESAMPLING_Q3;
    ncr_room room = {0};
    own.room = &room;
    if (takes && !ncr_room_init(&room, FN(largest)(job), sizeof(TYPE)))
        return false;
    ncr_footprints row;
    const ncr_pole *pole =
        ncr_globe_pole_in(&job->kernel->globe, cell->grid_x, cell->grid_y, cell->width, cell->height);
    bool done = true;
    for (int line = 0; line < cell->height && done; line++) {
        bool is_torn = FN(is_row_torn)(job, pole, line);
        if (r != NACRE_RESAMPLING_SUM)
            FN(set_footprints)(job, line, &row);
        if (r != NACRE_RESAMPLING_SUM && !is_torn && FN(small_row)(job, &row, line))
            FN(finish_small_row)(job, line);
        else
            done = FN(general_row)(job, &row, pole, is_torn, line);
    }
    ncr_room_clear(&room);
    return done;
}
