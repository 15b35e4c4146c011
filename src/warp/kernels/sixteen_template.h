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

/* All taps: rows of them. */
TARGET NCR_INLINE void FN(pick_rows)(const TYPE *values, ptrdiff_t row_length, const FN(block) * block, int taps,
                                     __m512 out[][6])
{
    const TYPE *from = values + block->at;
    for (int j = 0; j < taps; j++, from += row_length)
        FN(pick)(from, block, taps, out[j]);
    if (!block->below)
        return;
    FN(pick)(from, block, taps, out[taps]);
    for (int j = 0; j < taps; j++)
        for (int i = 0; i < taps; i++)
            out[j][i] = _mm512_mask_blend_ps(block->below, out[j][i], out[j + 1][i]);
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
        out[i] = NCR_CUBIC_WEIGHT(float, terms, i, x);
}

/* --- A band --- */

TARGET NCR_APART static void FN(bilinear_sixteen)(const TYPE *values, ptrdiff_t row_length, const FN(block) * block,
                                                  const __m512 across[6], const __m512 down[6], TYPE *to)
{
    __m512 t[3][6];
    FN(pick_rows)(values, row_length, block, 2, t);
    FN(store_rounded)
    ((t[0][0] * across[0] + t[0][1] * across[1]) * down[0] + (t[1][0] * across[0] + t[1][1] * across[1]) * down[1], to);
}

TARGET NCR_APART static void FN(cubic_sixteen)(const TYPE *values, ptrdiff_t row_length, const FN(block) * block,
                                               const __m512 across[6], const __m512 down[6], TYPE *to)
{
    __m512 t[5][6], sum[4];
    FN(pick_rows)(values, row_length, block, 4, t);
    for (int i = 0; i < 4; i++)
        sum[i] = (t[0][i] * down[0] + t[1][i] * down[1] + (t[2][i] * down[2] + t[3][i] * down[3])) * across[i];
    FN(store_rounded)((sum[0] + sum[1]) + (sum[2] + sum[3]), to);
}

TARGET NCR_APART static void FN(lanczos_sixteen)(const TYPE *values, ptrdiff_t row_length, const FN(block) * block,
                                                 const __m512 across[6], const __m512 down[6], TYPE *to)
{
    __m512 t[7][6], sum[6];
    FN(pick_rows)(values, row_length, block, 6, t);
    for (int i = 0; i < 6; i++) {
        sum[i] = t[0][i] * down[0];
        for (int j = 1; j < 6; j++)
            sum[i] += t[j][i] * down[j];
        sum[i] *= across[i];
    }
    FN(store_rounded)((sum[0] + sum[1]) + (sum[2] + sum[3]) + (sum[4] + sum[5]), to);
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
    for (int band = 0; band < kernel->band_count; band++) {
        const TYPE *values = job->source->planes[band];
        TYPE *out = (TYPE *)job->cell->planes[band] + to;
        __builtin_prefetch(values + block.at + (NCR_AHEAD + 2 * FN(reach_of)(way)) * row_length);
        __builtin_prefetch(out + NCR_AHEAD * job->cell->row_length, 1);
        if (way == FN(way_bilinear))
            FN(bilinear_sixteen)(values, row_length, &block, across, down, out);
        else if (way == FN(way_cubic))
            FN(cubic_sixteen)(values, row_length, &block, across, down, out);
        else
            FN(lanczos_sixteen)(values, row_length, &block, across, down, out);
    }
    return true;
}
