/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */

/* Included by area_template.h for integers of 8 and 16 bits, with MOST, the type's largest: means, medians and
 * quartiles without masks, where footprints are of at most 4 x 4 pixels, a row at a time. To the bits of the general
 * way. */

/* Of a row of footprints. */
typedef struct {
    ncr_v4d across[NCR_CELL];
    double down[4][NCR_CELL], weight[NCR_CELL]; /* what lies beyond a footprint weighs nothing */
    int32_t at[NCR_CELL];                       /* of the first pixel, in the window */
    int32_t columns[NCR_CELL], rows[NCR_CELL];
} FN(small);

/* The weight of the pixel i of n; the last one's is given. */
NCR_INLINE double FN(small_weight)(int i, int n, double last)
{
    return n > i + 1 ? 1 : n == i + 1 ? last : 0;
}

/* False: some are larger, or missing, or at the window's right edge, beyond which nothing may be read. */
TARGET NCR_APART static bool FN(set_small)(const FN(job) * job, const ncr_footprints *row, FN(small) * out)
{
    const ncr_kernel_source *source = job->source;
    int count = job->cell->width;
    int32_t left = (int32_t)source->window.x, top = (int32_t)source->window.y,
            right = left + (int32_t)source->window.width;
    int32_t row_length = (int32_t)source->row_length;
    unsigned all = 1;
    for (int k = 0; k < count; k++) {
        int32_t columns = row->x.end[k] - row->x.first[k], rows = row->y.end[k] - row->y.first[k];
        all &= (columns > 0) & (columns <= 4) & (rows > 0) & (rows <= 4) & (row->x.first[k] + 4 <= right);
        out->columns[k] = columns;
        out->rows[k] = rows;
        out->at[k] = (row->y.first[k] - top) * row_length + (row->x.first[k] - left);
    }
    return all;
}

TARGET NCR_APART static void FN(weigh_small)(const ncr_footprints *row, int count, FN(small) * s)
{
    for (int k = 0; k < count; k++) {
        double x1 = FN(small_weight)(1, s->columns[k], row->x.high_weight[k]);
        double x2 = FN(small_weight)(2, s->columns[k], row->x.high_weight[k]);
        double x3 = FN(small_weight)(3, s->columns[k], row->x.high_weight[k]);
        double x0 = row->x.low_weight[k], sum = x0 + x1 + x2 + x3;
        s->across[k] = (ncr_v4d){x0, x1, x2, x3};
        s->down[0][k] = row->y.low_weight[k];
        s->down[1][k] = FN(small_weight)(1, s->rows[k], row->y.high_weight[k]);
        s->down[2][k] = FN(small_weight)(2, s->rows[k], row->y.high_weight[k]);
        s->down[3][k] = FN(small_weight)(3, s->rows[k], row->y.high_weight[k]);
        s->weight[k] = sum * s->down[0][k] + sum * s->down[1][k] + sum * s->down[2][k] + sum * s->down[3][k];
    }
}

TARGET NCR_APART static void FN(average_small)(const TYPE *values, ptrdiff_t row_length, const FN(small) * s, int count,
                                               TYPE *to)
{
    double means[NCR_CELL];
    for (int k = 0; k < count; k++) {
        const TYPE *from = values + s->at[k];
        ncr_v4d row, sums;
        FN(load4_double)(from, &row);
        sums = row * s->across[k] * s->down[0][k];
        for (int j = 1; j < s->rows[k]; j++) {
            FN(load4_double)(from + j * row_length, &row);
            sums += row * s->across[k] * s->down[j][k];
        }
        means[k] = (sums[0] + sums[1]) + (sums[2] + sums[3]);
        if (k % 16 == 0)
            __builtin_prefetch(from + 6 * row_length);
    }
    for (int k = 0; k < count; k++) {
        double mean = means[k] / s->weight[k];
        to[k] = ROUND(mean);
    }
}

/* Four values in a number; those beyond the columns become the type's largest. */
TARGET NCR_INLINE uint64_t FN(four_of)(const TYPE *from, int columns)
{
    const TYPE all[4] = {MOST, MOST, MOST, MOST};
    uint64_t bits = 0, beyond = 0;
    memcpy(&bits, from, sizeof all);
    memcpy(&beyond, all, sizeof all);
    int shift = 8 * (int)sizeof(TYPE) * columns;
    uint64_t mask = shift < 64 ? UINT64_MAX << shift : 0;
    return (bits & ~mask) | (beyond & mask);
}

typedef TYPE FN(vector16) __attribute__((vector_size(16 * sizeof(TYPE))));

/* The value at a rank: the largest that has no more than that many below it. Largest values that are there to fill the
 * room come last, where they change nothing. */
TARGET NCR_INLINE TYPE FN(select_small)(const TYPE values[16], int rank)
{
    FN(vector16) all, below = {0};
    memcpy(&all, values, sizeof all);
    for (int j = 0; j < 16; j++)
        below -= (FN(vector16))(all > values[j]);
    int32_t best = INT32_MIN;
    for (int i = 0; i < 16; i++) {
        int32_t value = (int32_t)below[i] <= rank ? (int32_t)all[i] : INT32_MIN;
        best = value > best ? value : best;
    }
    return (TYPE)best;
}

TARGET NCR_APART static void FN(middle_small)(const TYPE *values, ptrdiff_t row_length, const FN(small) * s, int count,
                                              nacre_resampling resampling, TYPE *to)
{
    int ranks[17];
    for (int i = 1; i <= 16; i++)
        ranks[i] = ncr_rank(resampling, (size_t)i);
    for (int k = 0; k < count; k++) {
        TYPE room[16];
        const TYPE *from = values + s->at[k];
        for (int j = 0; j < 4; j++) {
            uint64_t four = FN(four_of)(from, j < s->rows[k] ? s->columns[k] : 0);
            memcpy(room + (ptrdiff_t)4 * j, &four, 4 * sizeof(TYPE));
            from += j + 1 < s->rows[k] ? row_length : 0;
        }
        to[k] = FN(select_small)(room, ranks[s->columns[k] * s->rows[k]]);
    }
}

/* A row of means, medians or quartiles; false: it is for the general way. */
TARGET NCR_APART static bool FN(small_row)(const FN(job) * job, const ncr_footprints *row, int line)
{
    nacre_resampling r = job->kernel->resampling;
    const ncr_kernel_source *source = job->source;
    bool sorts = r == NACRE_RESAMPLING_MED || r == NACRE_RESAMPLING_Q1 || r == NACRE_RESAMPLING_Q3;
    if (source->valid || source->band_valid || source->density || !ncr_offsets_fit(source) ||
        !(sorts || r == NACRE_RESAMPLING_AVERAGE))
        return false;
    FN(small) s;
    if (!FN(set_small)(job, row, &s))
        return false;
    if (!sorts)
        FN(weigh_small)(row, job->cell->width, &s);
    for (int band = 0; band < job->kernel->band_count; band++) {
        const TYPE *values = source->planes[band];
        TYPE *to = (TYPE *)job->cell->planes[band] + line * job->cell->row_length;
        if (sorts)
            FN(middle_small)(values, source->row_length, &s, job->cell->width, r, to);
        else
            FN(average_small)(values, source->row_length, &s, job->cell->width, to);
    }
    return true;
}
