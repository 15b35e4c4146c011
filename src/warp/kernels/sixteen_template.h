/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */

/* Included by kernel_template.h for AVX-512 and types of 8 and 16 bits: sixteen usual pixels together, a lane each.
 * Where sixteen neighbours have their taps in 32 columns and in the same rows, or one row further down, which is so
 * unless a view is turned or shrunk by much, the rows of taps are loaded as they lie and each lane picks its own. Sums
 * are added in the order of taps_template.h, so the bits are the same.
 *
 * WIDEN16(p)       sixteen values from p on, as floats
 * WIDEN32(p)       thirty-two values from p on, as they are, in lanes of 16 bits; NARROW32(p, v) stores such
 * NARROW16(p, v)   stores sixteen int32 as values
 * LOWEST, HIGHEST  the type's, as floats; IS_SIGNED */

enum { FN(table) = 32 };

typedef struct {
    ptrdiff_t at;    /* of the table's first value, in the window */
    __m512i index;   /* each lane's first tap in a row of the table */
    __mmask16 below; /* lanes whose taps begin one row further down */
} FN(block);

/* False: they lie too far from each other. */
TARGET NCR_INLINE bool FN(block_of)(const ncr_kernel_source *source, const ncr_row *row, int first, int taps,
                                    FN(block) * out)
{
    const int32_t *columns = row->columns + first, *rows = row->rows + first;
    int32_t left = columns[0] < columns[15] ? columns[0] : columns[15];
    int32_t top = rows[0] < rows[15] ? rows[0] : rows[15];
    int64_t most = source->window.width - FN(table);
    left = left < most ? left : (int32_t)most;
    __m512i across = _mm512_sub_epi32(_mm512_loadu_si512(columns), _mm512_set1_epi32(left));
    __m512i down = _mm512_sub_epi32(_mm512_loadu_si512(rows), _mm512_set1_epi32(top));
    out->at = top * source->row_length + left;
    out->index = across;
    out->below = _mm512_test_epi32_mask(down, down);
    __mmask16 is_far = _mm512_cmpgt_epu32_mask(across, _mm512_set1_epi32(FN(table) - taps)) |
                       _mm512_cmpgt_epu32_mask(down, _mm512_set1_epi32(1));
    return left >= 0 && !is_far;
}

/* Thirty-two nearest pixels, all bands; false: they are left to the other way. */
TARGET static bool FN(thirty_two)(const FN(job) * job, const ncr_row *row, int first, ptrdiff_t to)
{
    const ncr_kernel_source *source = job->source;
    const int32_t *columns = row->columns + first, *rows = row->rows + first;
    int32_t left = columns[0] < columns[31] ? columns[0] : columns[31];
    int32_t top = rows[0] < rows[31] ? rows[0] : rows[31];
    int64_t most = source->window.width - FN(table);
    left = left < most ? left : (int32_t)most;
    __m512i lefts = _mm512_set1_epi32(left), tops = _mm512_set1_epi32(top);
    __m512i x0 = _mm512_sub_epi32(_mm512_loadu_si512(columns), lefts);
    __m512i x1 = _mm512_sub_epi32(_mm512_loadu_si512(columns + 16), lefts);
    __m512i y0 = _mm512_sub_epi32(_mm512_loadu_si512(rows), tops);
    __m512i y1 = _mm512_sub_epi32(_mm512_loadu_si512(rows + 16), tops);
    __m512i x_bits = _mm512_or_si512(x0, x1), y_bits = _mm512_or_si512(y0, y1);
    if (left < 0 || _mm512_cmpgt_epu32_mask(x_bits, _mm512_set1_epi32(FN(table) - 1)) ||
        _mm512_cmpgt_epu32_mask(y_bits, _mm512_set1_epi32(1)))
        return false;
    __m512i index = _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtepi32_epi16(x0)), _mm512_cvtepi32_epi16(x1), 1);
    __mmask32 below = _mm512_test_epi32_mask(y0, y0) | (__mmask32)_mm512_test_epi32_mask(y1, y1) << 16;
    ptrdiff_t at = top * source->row_length + left;
    for (int band = 0; band < job->kernel->band_count; band++) {
        const TYPE *from = (const TYPE *)source->planes[band] + at;
        __m512i values = _mm512_permutexvar_epi16(index, WIDEN32(from));
        if (below)
            values = _mm512_mask_permutexvar_epi16(values, below, index, WIDEN32(from + source->row_length));
        TYPE *out = (TYPE *)job->cell->planes[band] + to;
        NARROW32(out, values);
        __builtin_prefetch(from + NCR_AHEAD * source->row_length);
        __builtin_prefetch(out + NCR_AHEAD * job->cell->row_length, 1);
    }
    return true;
}

/* The taps of all lanes in one row of the table. */
TARGET NCR_INLINE void FN(pick)(const TYPE *from, const FN(block) * block, int taps, __m512 *out)
{
    __m512 low = WIDEN16(from), high = WIDEN16(from + 16);
    for (int i = 0; i < taps; i++)
        out[i] = _mm512_permutex2var_ps(low, _mm512_add_epi32(block->index, _mm512_set1_epi32(i)), high);
}

/* One row of taps after the other, from the first: each lane's own. Two: some lanes' taps begin in the next row. */
typedef struct {
    const TYPE *from;
    __m512 row[2 * NCR_REACH_MAX];
} FN(rows);

TARGET NCR_INLINE void FN(next_row)(FN(rows) * rows, ptrdiff_t row_length, const FN(block) * block, int taps, bool two,
                                    __m512 *out)
{
    __m512 next[2 * NCR_REACH_MAX];
    if (!two) {
        FN(pick)(rows->from, block, taps, out);
        rows->from += row_length;
        return;
    }
    rows->from += row_length;
    FN(pick)(rows->from, block, taps, next);
    for (int i = 0; i < taps; i++) {
        out[i] = _mm512_mask_blend_ps(block->below, rows->row[i], next[i]);
        rows->row[i] = next[i];
    }
}

TARGET NCR_INLINE void FN(first_row)(const TYPE *values, const FN(block) * block, int taps, bool two, FN(rows) * out)
{
    out->from = values + block->at;
    if (two)
        FN(pick)(out->from, block, taps, out->row);
}

TARGET NCR_INLINE void FN(store_rounded)(__m512 value, TYPE *to)
{
    value = _mm512_min_ps(_mm512_max_ps(value, _mm512_set1_ps(LOWEST)), _mm512_set1_ps(HIGHEST));
    __m512i whole = _mm512_cvttps_epi32(value);
    __m512 rest = _mm512_sub_ps(value, _mm512_cvtepi32_ps(whole));
    __m512i one = _mm512_set1_epi32(1);
    whole = _mm512_mask_add_epi32(whole, _mm512_cmp_ps_mask(rest, _mm512_set1_ps(0.5F), _CMP_GE_OQ), whole, one);
    if (IS_SIGNED)
        whole = _mm512_mask_sub_epi32(whole, _mm512_cmp_ps_mask(rest, _mm512_set1_ps(-0.5F), _CMP_LT_OQ), whole, one);
    NARROW16(to, whole);
}

/* --- Weights of sixteen pixels: a vector a tap --- */

TARGET NCR_INLINE __m512 FN(floats_of)(const double *from)
{
    __m512 low = _mm512_castps256_ps512(_mm512_cvtpd_ps(_mm512_loadu_pd(from)));
    return _mm512_insertf32x8(low, _mm512_cvtpd_ps(_mm512_loadu_pd(from + 8)), 1);
}

TARGET NCR_INLINE void FN(weigh_sixteen)(const ncr_cubic_terms *terms, int way, const double *from, __m512 out[6])
{
    if (way == FN(way_lanczos)) {
        float room[6][16];
        double weights[6][16];
        for (int k = 0; k < 16; k++) {
            double all[6];
            ncr_lanczos_weights(from[k], all);
            for (int i = 0; i < 6; i++)
                weights[i][k] = all[i];
        }
        for (int i = 0; i < 6; i++)
            for (int k = 0; k < 16; k++)
                room[i][k] = (float)weights[i][k];
        for (int i = 0; i < 6; i++)
            out[i] = _mm512_loadu_ps(room[i]);
        return;
    }
    __m512 x = FN(floats_of)(from), one = _mm512_set1_ps(1);
    if (way == FN(way_bilinear)) {
        out[0] = one - x;
        out[1] = one - out[0];
        return;
    }
    for (int i = 0; i < 4; i++)
        out[i] = terms->float_terms[0][i] +
                 x * (terms->float_terms[1][i] + x * (terms->float_terms[2][i] + x * terms->float_terms[3][i]));
}

/* --- A band --- */

TARGET NCR_INLINE __m512 FN(bilinear_sum)(const TYPE *values, ptrdiff_t row_length, const FN(block) * block, bool two,
                                          const __m512 across[6], const __m512 down[6])
{
    FN(rows) rows;
    __m512 upper[2], lower[2];
    FN(first_row)(values, block, 2, two, &rows);
    FN(next_row)(&rows, row_length, block, 2, two, upper);
    FN(next_row)(&rows, row_length, block, 2, two, lower);
    return (upper[0] * across[0] + upper[1] * across[1]) * down[0] +
           (lower[0] * across[0] + lower[1] * across[1]) * down[1];
}

TARGET NCR_INLINE __m512 FN(cubic_sum)(const TYPE *values, ptrdiff_t row_length, const FN(block) * block, bool two,
                                       const __m512 across[6], const __m512 down[6])
{
    FN(rows) rows;
    __m512 row[4], upper[4], lower[4];
    FN(first_row)(values, block, 4, two, &rows);
    FN(next_row)(&rows, row_length, block, 4, two, row);
    for (int i = 0; i < 4; i++)
        upper[i] = row[i] * down[0];
    FN(next_row)(&rows, row_length, block, 4, two, row);
    for (int i = 0; i < 4; i++)
        upper[i] += row[i] * down[1];
    FN(next_row)(&rows, row_length, block, 4, two, row);
    for (int i = 0; i < 4; i++)
        lower[i] = row[i] * down[2];
    FN(next_row)(&rows, row_length, block, 4, two, row);
    for (int i = 0; i < 4; i++)
        lower[i] += row[i] * down[3];
    for (int i = 0; i < 4; i++)
        upper[i] = (upper[i] + lower[i]) * across[i];
    return (upper[0] + upper[1]) + (upper[2] + upper[3]);
}

TARGET NCR_INLINE __m512 FN(lanczos_sum)(const TYPE *values, ptrdiff_t row_length, const FN(block) * block, bool two,
                                         const __m512 across[6], const __m512 down[6])
{
    FN(rows) rows;
    __m512 row[6], sum[6];
    FN(first_row)(values, block, 6, two, &rows);
    FN(next_row)(&rows, row_length, block, 6, two, row);
    for (int i = 0; i < 6; i++)
        sum[i] = row[i] * down[0];
    for (int j = 1; j < 6; j++) {
        FN(next_row)(&rows, row_length, block, 6, two, row);
        for (int i = 0; i < 6; i++)
            sum[i] += row[i] * down[j];
    }
    for (int i = 0; i < 6; i++)
        sum[i] *= across[i];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]) + (sum[4] + sum[5]);
}

/* Each with and without a second row, so that the usual one keeps all in registers. */
#define BAND(name)                                                                                                 \
    TARGET NCR_APART static void FN(name##_one)(const TYPE *values, ptrdiff_t row_length, const FN(block) * block, \
                                                const __m512 across[6], const __m512 down[6], TYPE *to)            \
    {                                                                                                              \
        FN(store_rounded)(FN(name##_sum)(values, row_length, block, false, across, down), to);                     \
    }                                                                                                              \
    TARGET NCR_APART static void FN(name##_two)(const TYPE *values, ptrdiff_t row_length, const FN(block) * block, \
                                                const __m512 across[6], const __m512 down[6], TYPE *to)            \
    {                                                                                                              \
        FN(store_rounded)(FN(name##_sum)(values, row_length, block, true, across, down), to);                      \
    }

BAND(bilinear)
BAND(cubic)
BAND(lanczos)
#undef BAND

typedef void (*FN(band_function))(const TYPE *values, ptrdiff_t row_length, const FN(block) * block,
                                  const __m512 across[6], const __m512 down[6], TYPE *to);

TARGET static FN(band_function) FN(function_of)(int way, bool two)
{
    if (way == FN(way_bilinear))
        return two ? FN(bilinear_two) : FN(bilinear_one);
    if (way == FN(way_cubic))
        return two ? FN(cubic_two) : FN(cubic_one);
    return two ? FN(lanczos_two) : FN(lanczos_one);
}

/* Sixteen usual pixels of a row from the first, all bands; false: they are left to the other way. */
TARGET static bool FN(sixteen)(const FN(job) * job, const ncr_row *row, int way, int first, ptrdiff_t to)
{
    const ncr_kernel *kernel = job->kernel;
    ptrdiff_t row_length = job->source->row_length;
    FN(block) block;
    if (!FN(block_of)(job->source, row, first, 2 * FN(reach_of)(way), &block))
        return false;
    const ncr_cubic_terms *terms = FN(cubic_terms)(kernel);
    __m512 across[6], down[6];
    FN(weigh_sixteen)(terms, way, row->x + first, across);
    FN(weigh_sixteen)(terms, way, row->y + first, down);
    FN(band_function) function = FN(function_of)(way, block.below != 0);
    for (int band = 0; band < kernel->band_count; band++) {
        const TYPE *values = job->source->planes[band];
        TYPE *out = (TYPE *)job->cell->planes[band] + to;
        __builtin_prefetch(values + block.at + (NCR_AHEAD + 2 * FN(reach_of)(way)) * row_length);
        __builtin_prefetch(out + NCR_AHEAD * job->cell->row_length, 1);
        function(values, row_length, &block, across, down, out);
    }
    return true;
}
