/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */

/* Included by kernel_template.h: the usual pixels of a row, all of whose taps are there and valid, one band after
 * another. */

/* Taps to either side of a point. */
NCR_INLINE int FN(reach_of)(int way)
{
    return way == FN(way_lanczos) ? 3 : way == FN(way_cubic) ? 2 : 1;
}

/* --- Which pixels of a row are usual --- */

/* Whether all bands are valid in a square of source pixels. */
TARGET static bool FN(all_whole)(const ncr_kernel *kernel, const ncr_kernel_source *source, ptrdiff_t first, int side)
{
    if (source->density)
        return false;
    size_t plane = (size_t)source->window.width * (size_t)source->window.height;
    unsigned whole = 1;
    for (int row = 0; row < side; row++, first += source->window.width) {
        for (int i = 0; source->valid && i < side; i++)
            whole &= source->valid[first + i];
        for (int band = 0; source->band_valid && band < kernel->band_count; band++)
            for (int i = 0; i < side; i++)
                whole &= source->band_valid[(size_t)band * plane + (size_t)(first + i)];
    }
    return whole;
}

TARGET static void FN(classify)(const ncr_kernel *kernel, const double *x, const double *y, int reach, int count,
                                ncr_row *row, int32_t *columns, int32_t *rows)
{
    double low = reach - 1, high_x = kernel->width - reach, high_y = kernel->height - reach;
    for (int k = 0; k < count; k++) {
        double px = x[k] - 0.5, py = y[k] - 0.5;
        bool is_usual = (px >= low) & (py >= low) & (px < high_x) & (py < high_y);
        bool is_inside = (x[k] >= 0) & (y[k] >= 0) & (x[k] + 1e-10 <= kernel->width) & (y[k] + 1e-10 <= kernel->height);
        row->way[k] = is_usual ? NCR_WAY_FAST : is_inside ? NCR_WAY_GENERAL : NCR_WAY_NONE;
        px = is_usual ? px : 0;
        py = is_usual ? py : 0;
        columns[k] = (int32_t)px;
        rows[k] = (int32_t)py;
        row->x[k] = px - columns[k];
        row->y[k] = py - rows[k];
    }
}

TARGET static void FN(prepare)(const ncr_kernel *kernel, const ncr_kernel_source *source, const double *x,
                               const double *y, int way, int count, ncr_row *row)
{
    int32_t columns[NCR_CELL], rows[NCR_CELL];
    int reach = FN(reach_of)(way);
    FN(classify)(kernel, x, y, reach, count, row, columns, rows);
    bool has_masks = source->valid || source->band_valid || source->density;
    for (int k = 0; k < count; k++) {
        ncr_place first = ncr_place_of(source, (int64_t)columns[k] - (reach - 1), (int64_t)rows[k] - (reach - 1));
        row->at[k] = first.value;
        if (has_masks && row->way[k] == NCR_WAY_FAST && !FN(all_whole)(kernel, source, first.mask, 2 * reach))
            row->way[k] = NCR_WAY_GENERAL;
    }
}

TARGET static void FN(prepare_nearest)(const ncr_kernel *kernel, const ncr_kernel_source *source, const double *x,
                                       const double *y, int count, ncr_row *row)
{
    int32_t columns[NCR_CELL], rows[NCR_CELL];
    for (int k = 0; k < count; k++) {
        bool is_inside = (x[k] >= 0) & (y[k] >= 0) & (x[k] + 1e-10 <= kernel->width) & (y[k] + 1e-10 <= kernel->height);
        row->way[k] = is_inside ? NCR_WAY_FAST : NCR_WAY_NONE;
        int32_t column = (int32_t)(is_inside ? x[k] + 1e-10 : 0), line = (int32_t)(is_inside ? y[k] + 1e-10 : 0);
        columns[k] = column - (column == kernel->width);
        rows[k] = line - (line == kernel->height);
    }
    for (int k = 0; k < count; k++) {
        ncr_place first = ncr_place_of(source, columns[k], rows[k]);
        row->at[k] = first.value;
        if (row->way[k] != NCR_WAY_FAST)
            continue;
        if (source->valid && !source->valid[first.mask])
            row->way[k] = NCR_WAY_NONE;
        else if (source->band_valid || source->density)
            row->way[k] = NCR_WAY_GENERAL;
    }
}

/* --- Runs of usual pixels: `count` of them, from the first of `at` --- */

TARGET NCR_APART static void FN(nearest_run)(const TYPE *values, const ptrdiff_t *at, int count, TYPE *out)
{
    for (int k = 0; k < count; k++)
        out[k] = values[at[k]];
}

TARGET NCR_APART static void FN(bilinear_run)(const TYPE *values, ptrdiff_t row_length, const ncr_row *row, int first,
                                              int count, TYPE *out)
{
    TYPE upper[2 * NCR_CELL], lower[2 * NCR_CELL];
    const ptrdiff_t *at = row->at + first;
    const double *x = row->x + first, *y = row->y + first;
    for (int k = 0; k < count; k++) {
        memcpy(upper + (ptrdiff_t)2 * k, values + at[k], 2 * sizeof(TYPE));
        memcpy(lower + (ptrdiff_t)2 * k, values + at[k] + row_length, 2 * sizeof(TYPE));
    }
    for (int k = 0; k < count; k++) {
        double value = FN(bilinear_whole)(upper + (ptrdiff_t)2 * k, lower + (ptrdiff_t)2 * k, 1 - x[k], 1 - y[k]);
        out[k] = ROUND(value);
    }
}

typedef struct {
    ncr_v4d across[NCR_CELL], down[NCR_CELL];
} FN(cubic_weights);

TARGET NCR_APART static void FN(cubic_run)(const TYPE *values, ptrdiff_t row_length, const ncr_row *row,
                                           const FN(cubic_weights) * weights, int first, int count, TYPE *out)
{
    double sums[NCR_CELL];
    for (int k = 0; k < count; k++)
        sums[k] = FN(cubic_whole)(values + row->at[first + k], row_length, &weights->across[first + k],
                                  &weights->down[first + k]);
    for (int k = 0; k < count; k++)
        out[k] = ROUND(sums[k]);
}

typedef struct {
    double across[NCR_CELL][6], down[NCR_CELL][6];
} FN(lanczos_taps);

TARGET NCR_APART static void FN(lanczos_run)(const TYPE *values, ptrdiff_t row_length, const ncr_row *row,
                                             const FN(lanczos_taps) * taps, int first, int count, TYPE *out)
{
    double sums[NCR_CELL];
    for (int k = 0; k < count; k++)
        sums[k] =
            FN(lanczos_whole)(values + row->at[first + k], row_length, taps->across[first + k], taps->down[first + k]);
    for (int k = 0; k < count; k++)
        out[k] = ROUND(sums[k]);
}

TARGET NCR_APART static void FN(find_lanczos)(const double *x, int count, double out[][6])
{
    double sines[NCR_CELL], cosines[NCR_CELL];
    for (int k = 0; k < count; k++) {
        sines[k] = ncr_sine(x[k] * (NCR_PI / 3));
        cosines[k] = ncr_cosine(x[k] * (NCR_PI / 3));
    }
    for (int k = 0; k < count; k++)
        ncr_lanczos_weights(x[k], sines[k], cosines[k], out[k]);
}

/* The weights of a row, for its kernel. */
typedef union {
    FN(cubic_weights) cubic;
    FN(lanczos_taps) lanczos;
} FN(row_weights);

TARGET NCR_APART static void FN(find_weights)(const ncr_kernel *kernel, const ncr_row *row, int way, int count,
                                              FN(row_weights) * out)
{
    if (way == FN(way_lanczos)) {
        FN(find_lanczos)(row->x, count, out->lanczos.across);
        FN(find_lanczos)(row->y, count, out->lanczos.down);
    }
    if (way != FN(way_cubic))
        return;
    const ncr_cubic_terms *terms = kernel->resampling == NACRE_RESAMPLING_CUBIC ? &ncr_catmull_rom : &ncr_b_spline;
    for (int k = 0; k < count; k++) {
        ncr_cubic_weights(terms, row->x[k], &out->cubic.across[k]);
        ncr_cubic_weights(terms, row->y[k], &out->cubic.down[k]);
    }
}

TARGET static void FN(fast_run)(const FN(job) * job, const ncr_row *row, const FN(row_weights) * weights, int way,
                                int first, int count, size_t to)
{
    const ncr_kernel *kernel = job->kernel;
    ptrdiff_t row_length = job->source->row_length;
    for (int band = 0; band < kernel->band_count; band++) {
        const TYPE *values = job->source->planes[band];
        TYPE *out = (TYPE *)job->cell->values + (size_t)band * NCR_CELL * NCR_CELL + to;
        if (way == FN(way_nearest))
            FN(nearest_run)(values, row->at + first, count, out);
        else if (way == FN(way_bilinear))
            FN(bilinear_run)(values, row_length, row, first, count, out);
        else if (way == FN(way_cubic))
            FN(cubic_run)(values, row_length, row, &weights->cubic, first, count, out);
        else
            FN(lanczos_run)(values, row_length, row, &weights->lanczos, first, count, out);
        for (int k = 0; kernel->dst_nodata && !kernel->nudge_together && k < count; k++)
            FN(nudge)(kernel, job->cell, band, to + (size_t)k);
    }
    for (int k = 0; kernel->dst_nodata && kernel->nudge_together && k < count; k++)
        FN(nudge_together)(kernel, job->cell, to + (size_t)k);
    for (int k = 0; job->cell->alpha && k < count; k++)
        job->cell->alpha[to + (size_t)k] = 1;
}

/* A row of a cell: runs of usual pixels, the others one by one. */
TARGET static void FN(warp_row)(const FN(job) * job, int way, int line)
{
    const ncr_kernel_cell *cell = job->cell;
    size_t start = (size_t)line * NCR_CELL + (size_t)cell->x;
    const double *x = cell->points->x + start, *y = cell->points->y + start;
    ncr_row row;
    FN(row_weights) weights;
    if (way == FN(way_nearest))
        FN(prepare_nearest)(job->kernel, job->source, x, y, cell->width, &row);
    else
        FN(prepare)(job->kernel, job->source, x, y, way, cell->width, &row);
    FN(find_weights)(job->kernel, &row, way, cell->width, &weights);
    for (int k = 0; k < cell->width;) {
        int first = k;
        while (k < cell->width && row.way[k] == NCR_WAY_FAST)
            k++;
        if (k > first)
            FN(fast_run)(job, &row, &weights, way, first, k - first, start + (size_t)first);
        for (; k < cell->width && row.way[k] != NCR_WAY_FAST; k++)
            if (row.way[k] == NCR_WAY_GENERAL)
                FN(warp_pixel)(job, start + (size_t)k);
    }
}
