/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <math.h>

#include "warp/map.h"

/* A block is sampled at 9 x 9 points, from corner to corner: every second one (5 x 5) sets the polynomials, at the 56
 * others they are compared with PROJ. A straight line across which the transform jumps parts the samples on the block's
 * edge, as in a cell (cell.c). Where a block does not hold its cells ask PROJ themselves. */
enum { SAMPLES = 9, DEGREES = 5 };

/* The quartic through values at -1, -1/2, 0, 1/2 and 1, `step` apart: its terms in place. */
static void fit(double *f, int step)
{
    double middle = f[2 * step];
    double even = (f[4 * step] + f[0]) / 2 - middle, near_even = (f[3 * step] + f[step]) / 2 - middle;
    double odd = (f[4 * step] - f[0]) / 2, near_odd = (f[3 * step] - f[step]) / 2;
    f[0] = middle;
    f[step] = (8 * near_odd - odd) / 3;
    f[2 * step] = (16 * near_even - even) / 3;
    f[3 * step] = odd - f[step];
    f[4 * step] = even - f[2 * step];
}

static void fit_terms(const double *values, double *terms)
{
    for (int j = 0; j < DEGREES; j++)
        for (int i = 0; i < DEGREES; i++)
            terms[DEGREES * j + i] = values[2 * j * SAMPLES + 2 * i];
    for (int j = 0; j < DEGREES; j++)
        fit(&terms[DEGREES * j], 1);
    for (int i = 0; i < DEGREES; i++)
        fit(&terms[i], DEGREES);
}

static double horner(const double *terms, int step, double x)
{
    double value = terms[4 * step];
    for (int i = 3; i >= 0; i--)
        value = terms[i * step] + x * value;
    return value;
}

/* Values at all pairs of u and v, rows of v. */
static void evaluate(const double *terms, const double *u, const double *v, int count, double *out)
{
    for (int j = 0; j < count; j++) {
        double row[DEGREES];
        for (int i = 0; i < DEGREES; i++)
            row[i] = horner(&terms[i], DEGREES, v[j]);
        for (int i = 0; i < count; i++)
            out[j * count + i] = horner(row, 1, u[i]);
    }
}

static bool holds(const double *terms, const double *wanted)
{
    double at[SAMPLES], values[SAMPLES * SAMPLES];
    bool holds = true;
    for (int i = 0; i < SAMPLES; i++)
        at[i] = i / 4.0 - 1;
    evaluate(terms, at, at, SAMPLES, values);
    for (int i = 0; i < SAMPLES * SAMPLES; i++)
        holds = holds && fabs(values[i] - wanted[i]) <= NCR_MAP_TOLERANCE / 8;
    return holds;
}

nacre_status ncr_block_init(ncr_block *block, const ncr_map *map, int grid_width, int grid_height, int64_t column,
                            int64_t row, nacre_error *err)
{
    *block = (ncr_block){.x = column * NCR_BLOCK, .y = row * NCR_BLOCK};
    int64_t right = grid_width - block->x, below = grid_height - block->y;
    block->width = (int)(right < NCR_BLOCK ? right : NCR_BLOCK);
    block->height = (int)(below < NCR_BLOCK ? below : NCR_BLOCK);
    /* What is hardly more than a cell is cheaper without. */
    if (ncr_reprojection_is_same(map->reprojection) || !ncr_reprojection_is_plain(map->reprojection) ||
        block->width <= NCR_CELL || block->height <= NCR_CELL ||
        !ncr_map_is_one_piece(map, block->x, block->y, block->width, block->height))
        return NACRE_OK;
    double x[SAMPLES * SAMPLES], y[SAMPLES * SAMPLES];
    for (int j = 0; j < SAMPLES; j++) {
        for (int i = 0; i < SAMPLES; i++) {
            x[j * SAMPLES + i] = (double)block->x + block->width * (i / (double)(SAMPLES - 1));
            y[j * SAMPLES + i] = (double)block->y + block->height * (j / (double)(SAMPLES - 1));
        }
    }
    nacre_status status = ncr_map_to_source(map, SAMPLES * SAMPLES, x, y, err);
    if (status)
        return status;
    fit_terms(x, block->x_terms);
    fit_terms(y, block->y_terms);
    block->holds = holds(block->x_terms, x) && holds(block->y_terms, y);
    return NACRE_OK;
}

void ncr_block_evaluate(const ncr_block *block, const double *x, const double *y, int count, double *out_x,
                        double *out_y)
{
    double u[NCR_BLOCK_POINTS], v[NCR_BLOCK_POINTS];
    for (int i = 0; i < count; i++) {
        u[i] = (x[i] - (double)block->x) * (2.0 / block->width) - 1;
        v[i] = (y[i] - (double)block->y) * (2.0 / block->height) - 1;
    }
    evaluate(block->x_terms, u, v, count, out_x);
    evaluate(block->y_terms, u, v, count, out_y);
}
