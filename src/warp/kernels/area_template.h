/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */

/* Included by kernel_template.h: resamplings that take all source pixels under a destination pixel. */

/* What was found of one band. Sums go into four lanes by column, so that rows without gaps may be summed by vectors to
 * the same bits. */
typedef struct {
    double sum, squares, weight;
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
        out->sum += FN(row_sum)(values, job->across, columns) * down;
        out->weight += across * down;
    }
    out->count = 1;
}

/* A row with masks. */
TARGET static void FN(gather_row)(const FN(band) * band, const ncr_footprint *f, int64_t y, FN(gathered) * out)
{
    double sums[4] = {0}, squares[4] = {0}, weight = 0, down = ncr_footprint_down(f, y);
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
    out->sum += ((sums[0] + sums[1]) + (sums[2] + sums[3])) * down;
    out->squares += ((squares[0] + squares[1]) + (squares[2] + squares[3])) * down;
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
    double share = resampling == NACRE_RESAMPLING_MED ? 0.5 : resampling == NACRE_RESAMPLING_Q1 ? 0.25 : 0.75;
    double index = ceil(share * (double)count - 1);
    *out = FN(select)(job->room->values, count, index > 0 ? (size_t)index : 0);
    return true;
}

/* A sum, mean or extreme; false: there is none. */
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
    if (!found.count || !(found.weight > 0))
        return false;
    if (resampling == NACRE_RESAMPLING_MAX || resampling == NACRE_RESAMPLING_MIN) {
        *out = resampling == NACRE_RESAMPLING_MAX ? found.most : found.least;
        return true;
    }
    double value =
        resampling == NACRE_RESAMPLING_AVERAGE ? found.sum / found.weight : sqrt(found.squares / found.weight);
    *out = ROUND(value);
    return true;
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

/* The pixels under (column, line) of a cell; false: none. */
TARGET static bool FN(footprint)(const FN(job) * job, int column, int line, ncr_footprint *f)
{
    const ncr_kernel *kernel = job->kernel;
    ptrdiff_t stride = job->cell->point_stride;
    const double *x = &job->cell->x[line * stride + column], *y = &job->cell->y[line * stride + column];
    if (kernel->resampling == NACRE_RESAMPLING_SUM)
        return FN(quad)(job, x, y, f);
    double x0 = x[0], y0 = y[0], x1 = x[stride + 1], y1 = y[stride + 1];
    if (x0 == HUGE_VAL || x1 == HUGE_VAL)
        return false;
    return ncr_footprint_axis(x0, x1, kernel->width, &f->x0, &f->x1, &f->left, &f->right) &&
           ncr_footprint_axis(y0, y1, kernel->height, &f->y0, &f->y1, &f->above, &f->below);
}

TARGET static void FN(area_pixel)(FN(job) * job, const ncr_footprint *f, int column, int line)
{
    const ncr_kernel *kernel = job->kernel;
    ptrdiff_t at = line * job->cell->row_length + column;
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
    if (any && kernel->dst_nodata && kernel->nudge_together)
        FN(nudge_together)(kernel, job->cell, at);
    if (any && job->cell->alpha)
        job->cell->alpha[line * NCR_CELL + column] = 1;
}

/* The largest footprint of a cell, in pixels. */
TARGET static size_t FN(largest)(const FN(job) * job)
{
    const ncr_kernel_cell *cell = job->cell;
    size_t most = 0;
    ncr_footprint f;
    for (int line = 0; line < cell->height; line++)
        for (int column = 0; column < cell->width; column++)
            if (FN(footprint)(job, column, line, &f) && (size_t)((f.x1 - f.x0) * (f.y1 - f.y0)) > most)
                most = (size_t)((f.x1 - f.x0) * (f.y1 - f.y0));
    return most;
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
    ncr_footprint f;
    for (int line = 0; line < cell->height; line++)
        for (int column = 0; column < cell->width; column++)
            if (FN(footprint)(job, column, line, &f))
                FN(area_pixel)(job, &f, column, line);
    ncr_room_clear(&room);
    return true;
}
