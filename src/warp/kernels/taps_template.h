/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */

/* Included by kernel_template.h: a pixel all of whose taps are there and valid. The fast ways and the general one call
 * the same functions, so a pixel gets the same bits whichever is taken. */

typedef REAL FN(real4) __attribute__((vector_size(4 * sizeof(REAL))));
typedef REAL FN(real2) __attribute__((vector_size(2 * sizeof(REAL))));
typedef TYPE FN(vector4) __attribute__((vector_size(4 * sizeof(TYPE))));
typedef TYPE FN(vector2) __attribute__((vector_size(2 * sizeof(TYPE))));

TARGET NCR_INLINE void FN(load4)(const TYPE *from, FN(real4) * out)
{
    FN(vector4) values;
    memcpy(&values, from, sizeof values);
    *out = WIDEN4(values);
}

TARGET NCR_INLINE void FN(load4_double)(const TYPE *from, ncr_v4d *out)
{
    FN(vector4) values;
    memcpy(&values, from, sizeof values);
    *out = WIDEN4_DOUBLE(values);
}

TARGET NCR_INLINE void FN(load2)(const TYPE *from, FN(real2) * out)
{
    FN(vector2) values;
    memcpy(&values, from, sizeof values);
    *out = WIDEN2(values);
}

/* --- Weights, from how far the point is behind the tap left of it --- */

TARGET NCR_INLINE void FN(weigh_cubic)(const ncr_cubic_terms *t, REAL x, FN(real4) * out)
{
    for (int i = 0; i < 4; i++)
        (*out)[i] = NCR_CUBIC_WEIGHT(REAL, t, i, x);
}

TARGET NCR_INLINE void FN(weigh_lanczos)(double x, REAL out[6])
{
    double weights[6];
    ncr_lanczos_weights(x, weights);
    for (int i = 0; i < 6; i++)
        out[i] = (REAL)weights[i];
}

/* --- All taps of a pixel --- */

/* left and above are the weights of the first column and row. */
TARGET NCR_INLINE REAL FN(bilinear_whole)(const TYPE *upper, const TYPE *lower, REAL left, REAL above)
{
    return ((REAL)upper[0] * left + (REAL)upper[1] * (1 - left)) * above +
           ((REAL)lower[0] * left + (REAL)lower[1] * (1 - left)) * (1 - above);
}

/* Sixteen taps, from the first: columns first, four beside one another. */
TARGET NCR_INLINE REAL FN(cubic_whole)(const TYPE *at, ptrdiff_t row_length, const FN(real4) * across,
                                       const FN(real4) * down)
{
    FN(real4) row0, row1, row2, row3;
    FN(load4)(at, &row0);
    FN(load4)(at + row_length, &row1);
    FN(load4)(at + 2 * row_length, &row2);
    FN(load4)(at + 3 * row_length, &row3);
    const FN(real4) d = *down;
    FN(real4) sum = (row0 * d[0] + row1 * d[1] + (row2 * d[2] + row3 * d[3])) * *across;
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* Thirty-six taps, likewise. */
TARGET NCR_INLINE REAL FN(lanczos_whole)(const TYPE *at, ptrdiff_t row_length, const REAL across[6], const REAL down[6])
{
    FN(real4) sum4 = {0, 0, 0, 0}, row4, across4;
    FN(real2) sum2 = {0, 0}, row2, across2;
    for (int j = 0; j < 6; j++, at += row_length) {
        FN(load4)(at, &row4);
        FN(load2)(at + 4, &row2);
        sum4 += row4 * down[j];
        sum2 += row2 * down[j];
    }
    memcpy(&across4, across, sizeof across4);
    memcpy(&across2, across + 4, sizeof across2);
    sum4 *= across4;
    sum2 *= across2;
    return (sum4[0] + sum4[1]) + (sum4[2] + sum4[3]) + (sum2[0] + sum2[1]);
}

/* A weighted sum of a row of any length: four sums, of every fourth value each. */
TARGET NCR_INLINE void FN(row_sums)(const TYPE *values, const double *weights, int count, ncr_v4d *out)
{
    ncr_v4d sum = {0, 0, 0, 0}, four, weight;
    int i = 0;
    for (; i + 4 <= count; i += 4) {
        FN(load4_double)(values + i, &four);
        memcpy(&weight, weights + i, sizeof weight);
        sum += four * weight;
    }
    double lanes[4] = {sum[0], sum[1], sum[2], sum[3]};
    for (; i < count; i++)
        lanes[i & 3] += (double)values[i] * weights[i];
    memcpy(out, lanes, sizeof *out);
}

TARGET NCR_INLINE double FN(row_sum)(const TYPE *values, const double *weights, int count)
{
    ncr_v4d sums;
    FN(row_sums)(values, weights, count, &sums);
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}
