/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */

/* Included by area_template.h: pixels whose corners lie on both sides of the source's seam, or that touch a pole. What
 * they cover is a handful of quadrilaterals of source pixels, each of which counts by its share in them. */

/* Whether the corners of a pixel are further apart than half of the way around the earth: all four of them for a sum,
 * else the two that make its footprint. */
TARGET static bool FN(is_torn)(const FN(job) * job, int column, int line)
{
    ptrdiff_t stride = job->cell->point_stride;
    const double *x = &job->cell->x[line * stride + column], half = job->kernel->globe.period / 2;
    double low = x[0] < x[stride + 1] ? x[0] : x[stride + 1], high = x[0] < x[stride + 1] ? x[stride + 1] : x[0];
    if (job->kernel->resampling == NACRE_RESAMPLING_SUM) {
        low = fmin(low, fmin(x[1], x[stride]));
        high = fmax(high, fmax(x[1], x[stride]));
    }
    return half > 0 && high - low > half && high < HUGE_VAL;
}

TARGET static bool FN(is_at)(const FN(job) * job, const ncr_pole *pole, int column, int line)
{
    return pole && ncr_globe_pole_in(&job->kernel->globe, job->cell->grid_x + column, job->cell->grid_y + line, 1, 1);
}

TARGET static bool FN(is_row_torn)(const FN(job) * job, const ncr_pole *pole, int line)
{
    bool is_torn = false;
    for (int k = 0; job->kernel->globe.period > 0 && k < job->cell->width && !is_torn; k++)
        is_torn = FN(is_torn)(job, k, line) || FN(is_at)(job, pole, k, line);
    return is_torn;
}

/* The rectangle of source pixels from one corner to the other, as footprints are; at least a row of them. */
TARGET static void FN(box)(const ncr_kernel *kernel, double x[4], double y[4])
{
    double low = y[0] < y[2] ? y[0] : y[2], high = y[0] < y[2] ? y[2] : y[0];
    low = low < 0 ? 0 : low;
    high = high > kernel->height ? kernel->height : high;
    if (ceil(high) - floor(low) <= 1) {
        low = floor(low);
        high = low + 1;
    }
    x[1] = x[2];
    x[3] = x[0];
    y[0] = y[1] = low;
    y[2] = y[3] = high;
}

/* False: the pixel has a footprint as others. */
TARGET static bool FN(covers_quads)(const FN(job) * job, const ncr_pole *pole, int column, int line, ncr_quads *out)
{
    const ncr_kernel *kernel = job->kernel;
    const ptrdiff_t stride = job->cell->point_stride, first = line * stride + column;
    const ptrdiff_t at[4] = {first, first + 1, first + stride + 1, first + stride};
    double x[4], y[4];
    for (int i = 0; i < 4; i++) {
        x[i] = job->cell->x[at[i]];
        y[i] = job->cell->y[at[i]];
    }
    if (FN(is_at)(job, pole, column, line)) {
        ncr_quads_at_pole(&kernel->globe, pole, kernel->width, job->cell->grid_x + column, job->cell->grid_y + line, x,
                          y, out);
        return true;
    }
    if (!FN(is_torn)(job, column, line))
        return false;
    if (kernel->resampling != NACRE_RESAMPLING_SUM)
        FN(box)(kernel, x, y);
    ncr_quads_at_seam(&kernel->globe, kernel->width, x, y, out);
    return true;
}

/* What one quadrilateral holds of a band, added to what was found; values and their shares go into the room. */
TARGET static void FN(add_quad)(const FN(band) * band, const double x[4], const double y[4], ncr_room *room,
                                FN(gathered) * out)
{
    ncr_rect box = ncr_quad_box(x, y, band->kernel->width, band->kernel->height);
    for (int64_t row = box.y; row < box.y + box.height; row++) {
        ncr_place at = ncr_place_of(band->source, box.x, row);
        for (int64_t column = box.x; column < box.x + box.width; column++, at.value++, at.mask++) {
            double share = FN(density_at)(band, at.mask) > NCR_DENSITY_NONE ? ncr_quad_share(x, y, column, row) : 0;
            if (!(share > NCR_DENSITY_NONE))
                continue;
            TYPE value = band->values[at.value];
            ((TYPE *)room->values)[out->count] = value;
            room->weights[out->count] = sizeof(TYPE) <= 2 ? share : 1;
            out->sums[0] += (double)value * share;
            out->squares[0] += (double)value * (double)value * share;
            out->weight += share;
            out->least = !out->count || value < out->least ? value : out->least;
            out->most = !out->count || value > out->most ? value : out->most;
            out->count++;
        }
    }
}

TARGET static bool FN(quads_value)(nacre_resampling r, const ncr_room *room, const FN(gathered) * found, TYPE *out)
{
    bool sorts = r == NACRE_RESAMPLING_MED || r == NACRE_RESAMPLING_Q1 || r == NACRE_RESAMPLING_Q3;
    if (sorts && found->count)
        *out = FN(select)(room->values, found->count, (size_t)ncr_rank(r, found->count));
    else if (r == NACRE_RESAMPLING_MODE && found->count)
        *out = FN(most_frequent)(room, found->count);
    else if (r == NACRE_RESAMPLING_SUM)
        *out = ROUND(found->sums[0]);
    else
        return FN(reduce)(r, found, out);
    return found->count > 0;
}

/* False: out of memory. */
TARGET static bool FN(quads_pixel)(FN(job) * job, const ncr_quads *quads, int column, int line)
{
    const ncr_kernel *kernel = job->kernel;
    ncr_room room;
    if (!ncr_room_init(&room, ncr_quads_size(quads, kernel->width, kernel->height), sizeof(TYPE)))
        return false;
    ptrdiff_t to = line * job->cell->row_length + column;
    bool any = false;
    for (int index = 0; index < kernel->band_count; index++) {
        FN(band) band = FN(band_of)(kernel, job->source, index);
        FN(gathered) found = {0};
        TYPE value;
        for (int i = 0; i < quads->count; i++)
            FN(add_quad)(&band, quads->x[i], quads->y[i], &room, &found);
        if (!FN(quads_value)(kernel->resampling, &room, &found, &value))
            continue;
        any = true;
        ((TYPE *)job->cell->planes[index])[to] = value;
        if (kernel->dst_nodata && !kernel->nudge_together)
            FN(nudge)(kernel, job->cell, index, to);
    }
    if (any)
        FN(finish_pixel)(job, column, line);
    ncr_room_clear(&room);
    return true;
}
