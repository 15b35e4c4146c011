/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */

/* Included by kernel_template.h: the usual pixels of a row, all of whose taps are there and valid, one band after
 * another. */

/* Taps to either side of a point. */
NCR_INLINE int FN(reach_of)(int way)
{
    return way == FN(way_lanczos) ? 3 : way == FN(way_cubic) ? 2 : 1;
}

/* The coordinates of a row's centres. */
TARGET NCR_INLINE ncr_points FN(points_of)(const ncr_kernel_cell *cell, int line, ncr_points_room *room)
{
    if (cell->x)
        return (ncr_points){cell->x + line * cell->point_stride, cell->y + line * cell->point_stride};
    const ncr_row_terms *t = &cell->terms;
    for (int k = 0; k < cell->width; k++) {
        room->x[k] = t->x[0] + t->u[k] * (t->x[1] + t->u[k] * t->x[2]);
        room->y[k] = t->y[0] + t->u[k] * (t->y[1] + t->u[k] * t->y[2]);
    }
    return (ncr_points){room->x, room->y};
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

/* Where the taps of a row's pixels begin; of those that are not usual somewhere in the window. */
TARGET NCR_APART static void FN(classify)(const ncr_kernel *kernel, const ncr_kernel_source *source,
                                          const ncr_points *points, int reach, int count, ncr_row *row)
{
    const double *x = points->x, *y = points->y;
    double low = reach - 1, high_x = kernel->width - reach, high_y = kernel->height - reach;
    int32_t left = (int32_t)source->window.x + reach - 1, top = (int32_t)source->window.y + reach - 1;
    for (int k = 0; k < count; k++) {
        double px = x[k] - 0.5, py = y[k] - 0.5;
        bool is_usual = (px >= low) & (py >= low) & (px < high_x) & (py < high_y);
        bool is_inside = (x[k] >= 0) & (y[k] >= 0) & (x[k] + 1e-10 <= kernel->width) & (y[k] + 1e-10 <= kernel->height);
        row->way[k] = is_usual ? NCR_WAY_FAST : is_inside ? NCR_WAY_GENERAL : NCR_WAY_NONE;
        px = is_usual ? px : left;
        py = is_usual ? py : top;
        int32_t column = (int32_t)px, line = (int32_t)py;
        row->x[k] = px - column;
        row->y[k] = py - line;
        row->columns[k] = column - left;
        row->rows[k] = line - top;
    }
}

/* The same of a row all of whose pixels are usual. */
TARGET NCR_APART static void FN(locate)(const ncr_kernel_source *source, const ncr_points *points, int reach, int count,
                                        ncr_row *row)
{
    int32_t left = (int32_t)source->window.x + reach - 1, top = (int32_t)source->window.y + reach - 1;
    for (int k = 0; k < count; k++) {
        double px = points->x[k] - 0.5, py = points->y[k] - 0.5;
        int32_t column = (int32_t)px, line = (int32_t)py;
        row->x[k] = px - column;
        row->y[k] = py - line;
        row->columns[k] = column - left;
        row->rows[k] = line - top;
    }
}

TARGET static void FN(set_offsets)(const ncr_kernel_source *source, int count, ncr_row *row)
{
    int32_t row_length = (int32_t)source->row_length;
    for (int k = 0; k < count; k++)
        row->at[k] = row->rows[k] * row_length + row->columns[k];
}

TARGET static bool FN(is_all_fast)(const ncr_row *row, int count)
{
    unsigned all = 1;
    for (int k = 0; k < count; k++)
        all &= row->way[k] == NCR_WAY_FAST;
    return all;
}

TARGET static void FN(prepare)(const FN(job) * job, const ncr_points *points, int way, ncr_row *row)
{
    const ncr_kernel_source *source = job->source;
    int reach = FN(reach_of)(way), count = job->cell->width;
    bool has_masks = source->valid || source->band_valid || source->density;
    row->is_fast = job->cell->is_interior && !has_masks;
    if (row->is_fast) {
        FN(locate)(source, points, reach, count, row);
        FN(set_offsets)(source, count, row);
        return;
    }
    FN(classify)(job->kernel, source, points, reach, count, row);
    FN(set_offsets)(source, count, row);
    for (int k = 0; has_masks && k < count; k++) {
        ptrdiff_t mask = row->rows[k] * (ptrdiff_t)source->window.width + row->columns[k];
        if (row->way[k] == NCR_WAY_FAST && !FN(all_whole)(job->kernel, source, mask, 2 * reach))
            row->way[k] = NCR_WAY_GENERAL;
    }
    row->is_fast = FN(is_all_fast)(row, count);
}

/* --- Nearest --- */

/* Pixels outside the source are sought at its window's corner. */
TARGET NCR_APART static void FN(locate_nearest)(const ncr_kernel *kernel, const ncr_kernel_source *source,
                                                const ncr_points *points, int count, ncr_row *row)
{
    const double *x = points->x, *y = points->y;
    int32_t left = (int32_t)source->window.x, top = (int32_t)source->window.y;
    for (int k = 0; k < count; k++) {
        bool is_inside = (x[k] >= 0) & (y[k] >= 0) & (x[k] + 1e-10 <= kernel->width) & (y[k] + 1e-10 <= kernel->height);
        row->way[k] = is_inside ? NCR_WAY_FAST : NCR_WAY_NONE;
        int32_t column = (int32_t)(is_inside ? x[k] + 1e-10 : left), line = (int32_t)(is_inside ? y[k] + 1e-10 : top);
        row->columns[k] = column - (column == kernel->width) - left;
        row->rows[k] = line - (line == kernel->height) - top;
    }
}

TARGET NCR_APART static void FN(locate_nearest_inside)(const ncr_kernel_source *source, const ncr_points *points,
                                                       int count, ncr_row *row)
{
    int32_t left = (int32_t)source->window.x, top = (int32_t)source->window.y;
    for (int k = 0; k < count; k++) {
        row->columns[k] = (int32_t)(points->x[k] + 1e-10) - left;
        row->rows[k] = (int32_t)(points->y[k] + 1e-10) - top;
    }
}

TARGET static void FN(prepare_nearest)(const FN(job) * job, const ncr_points *points, ncr_row *row)
{
    const ncr_kernel_source *source = job->source;
    int count = job->cell->width;
    bool has_masks = source->valid || source->band_valid || source->density;
    row->is_fast = job->cell->is_interior && !has_masks;
    if (row->is_fast) {
        FN(locate_nearest_inside)(source, points, count, row);
        FN(set_offsets)(source, count, row);
        return;
    }
    FN(locate_nearest)(job->kernel, source, points, count, row);
    FN(set_offsets)(source, count, row);
    for (int k = 0; has_masks && k < count; k++) {
        ptrdiff_t mask = row->rows[k] * (ptrdiff_t)source->window.width + row->columns[k];
        if (row->way[k] != NCR_WAY_FAST)
            continue;
        if (source->valid && !source->valid[mask])
            row->way[k] = NCR_WAY_NONE;
        else if (source->band_valid || source->density)
            row->way[k] = NCR_WAY_GENERAL;
    }
    row->is_fast = FN(is_all_fast)(row, count);
}

/* --- Runs of usual pixels: `count` of them, from the first --- */

TARGET NCR_APART static void FN(nearest_run)(const TYPE *values, const int32_t *at, int count, TYPE *out)
{
    for (int k = 0; k < count; k++)
        out[k] = values[at[k]];
}

TARGET NCR_APART static void FN(bilinear_run)(const TYPE *values, ptrdiff_t row_length, const ncr_row *row, int first,
                                              int count, TYPE *out)
{
    TYPE upper[2 * NCR_CELL], lower[2 * NCR_CELL];
    const int32_t *at = row->at + first;
    const double *x = row->x + first, *y = row->y + first;
    for (int k = 0; k < count; k++) {
        memcpy(upper + (ptrdiff_t)2 * k, values + at[k], 2 * sizeof(TYPE));
        memcpy(lower + (ptrdiff_t)2 * k, values + at[k] + row_length, 2 * sizeof(TYPE));
    }
    for (int k = 0; k < count; k++) {
        REAL value =
            FN(bilinear_whole)(upper + (ptrdiff_t)2 * k, lower + (ptrdiff_t)2 * k, 1 - (REAL)x[k], 1 - (REAL)y[k]);
        out[k] = ROUND_REAL(value);
    }
}

typedef struct {
    FN(real4) across[NCR_CELL], down[NCR_CELL];
} FN(cubic_weights);

TARGET NCR_APART static void FN(cubic_run)(const TYPE *values, ptrdiff_t row_length, const int32_t *at,
                                           const FN(cubic_weights) * weights, int count, TYPE *out)
{
    REAL sums[NCR_CELL];
    for (int k = 0; k < count; k++)
        sums[k] = FN(cubic_whole)(values + at[k], row_length, &weights->across[k], &weights->down[k]);
    for (int k = 0; k < count; k++)
        out[k] = ROUND_REAL(sums[k]);
}

typedef struct {
    REAL across[NCR_CELL][6], down[NCR_CELL][6];
} FN(lanczos_taps);

TARGET NCR_APART static void FN(lanczos_run)(const TYPE *values, ptrdiff_t row_length, const int32_t *at,
                                             const FN(lanczos_taps) * taps, int count, TYPE *out)
{
    REAL sums[NCR_CELL];
    for (int k = 0; k < count; k++)
        sums[k] = FN(lanczos_whole)(values + at[k], row_length, taps->across[k], taps->down[k]);
    for (int k = 0; k < count; k++)
        out[k] = ROUND_REAL(sums[k]);
}

/* The weights of a run, for its kernel. */
typedef union {
    FN(cubic_weights) cubic;
    FN(lanczos_taps) lanczos;
} FN(run_weights);

TARGET static const ncr_cubic_terms *FN(cubic_terms)(const ncr_kernel *kernel)
{
    return kernel->resampling == NACRE_RESAMPLING_CUBIC ? &ncr_catmull_rom : &ncr_b_spline;
}

TARGET NCR_APART static void FN(find_weights)(const ncr_kernel *kernel, const double *x, const double *y, int way,
                                              int count, FN(run_weights) * out)
{
    const ncr_cubic_terms *terms = FN(cubic_terms)(kernel);
    for (int k = 0; way == FN(way_cubic) && k < count; k++) {
        FN(weigh_cubic)(terms, (REAL)x[k], &out->cubic.across[k]);
        FN(weigh_cubic)(terms, (REAL)y[k], &out->cubic.down[k]);
    }
    for (int k = 0; way == FN(way_lanczos) && k < count; k++) {
        FN(weigh_lanczos)(x[k], out->lanczos.across[k]);
        FN(weigh_lanczos)(y[k], out->lanczos.down[k]);
    }
}

TARGET static void FN(run)(const FN(job) * job, const ncr_row *row, int way, int first, int count, ptrdiff_t to)
{
    FN(run_weights) weights;
    ptrdiff_t row_length = job->source->row_length;
    FN(find_weights)(job->kernel, row->x + first, row->y + first, way, count, &weights);
    for (int band = 0; band < job->kernel->band_count; band++) {
        const TYPE *values = job->source->planes[band];
        TYPE *out = (TYPE *)job->cell->planes[band] + to;
        if (way == FN(way_nearest))
            FN(nearest_run)(values, row->at + first, count, out);
        else if (way == FN(way_bilinear))
            FN(bilinear_run)(values, row_length, row, first, count, out);
        else if (way == FN(way_cubic))
            FN(cubic_run)(values, row_length, row->at + first, &weights.cubic, count, out);
        else
            FN(lanczos_run)(values, row_length, row->at + first, &weights.lanczos, count, out);
    }
}

#ifdef WIDEN16
#include "warp/kernels/sixteen_template.h"

/* How many pixels are done together, and whether they were. */
TARGET static inline int FN(step_of)(int way)
{
    return way == FN(way_nearest) ? 32 : 16;
}

TARGET static inline bool FN(together)(const FN(job) * job, const ncr_row *row, int way, int first, ptrdiff_t to)
{
    return way == FN(way_nearest) ? FN(thirty_two)(job, row, first, to) : FN(sixteen)(job, row, way, first, to);
}
#else
TARGET static inline int FN(step_of)(int way)
{
    (void)way;
    return NCR_CELL;
}

TARGET static inline bool FN(together)(const FN(job) * job, const ncr_row *row, int way, int first, ptrdiff_t to)
{
    (void)job, (void)row, (void)way, (void)first, (void)to;
    return false;
}
#endif

/* A run of usual pixels of a line, many at a time where that is possible. */
TARGET static void FN(fast_run)(const FN(job) * job, const ncr_row *row, int way, int line, int first, int count)
{
    const ncr_kernel *kernel = job->kernel;
    const ncr_kernel_cell *cell = job->cell;
    ptrdiff_t to = line * cell->row_length + first;
    int step = FN(step_of)(way);
    for (int k = 0; k < count; k += step) {
        int some = count - k < step ? count - k : step;
        if (some != step || !FN(together)(job, row, way, first + k, to + k))
            FN(run)(job, row, way, first + k, some, to + k);
    }
    for (int band = 0; kernel->dst_nodata && !kernel->nudge_together && band < kernel->band_count; band++)
        for (int k = 0; k < count; k++)
            FN(nudge)(kernel, cell, band, to + k);
    for (int k = 0; kernel->dst_nodata && kernel->nudge_together && k < count; k++)
        FN(nudge_together)(kernel, cell, to + k);
    for (int k = 0; cell->alpha && k < count; k++)
        cell->alpha[line * NCR_CELL + first + k] = 1;
}

/* A row of a cell: runs of usual pixels, the others one by one. */
TARGET static void FN(warp_row)(const FN(job) * job, int way, int line)
{
    int width = job->cell->width;
    ncr_points_room room;
    ncr_row row;
    ncr_points points = FN(points_of)(job->cell, line, &room);
    if (way == FN(way_nearest))
        FN(prepare_nearest)(job, &points, &row);
    else
        FN(prepare)(job, &points, way, &row);
    if (row.is_fast)
        FN(fast_run)(job, &row, way, line, 0, width);
    for (int k = 0; !row.is_fast && k < width;) {
        int first = k;
        while (k < width && row.way[k] == NCR_WAY_FAST)
            k++;
        if (k > first)
            FN(fast_run)(job, &row, way, line, first, k - first);
        for (; k < width && row.way[k] != NCR_WAY_FAST; k++)
            if (row.way[k] == NCR_WAY_GENERAL)
                FN(warp_pixel)(job, k, line, points.x[k], points.y[k]);
    }
}
