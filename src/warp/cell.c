/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "warp/map.h"

/* Finding the leaves of a cell. A square is sampled at 5 x 5 points, from corner to corner of its corner pixels.
 * Every second one (3 x 3) sets the biquadratic polynomials; at the 16 others, where the cubic error of such a
 * polynomial is within 3 % of its largest, it is compared with PROJ. The margin of 4 on the tolerance covers that and
 * the terms of higher order. A straight line across which the transform jumps parts the samples on the square's edge,
 * since it cannot meet one edge twice: so it is always noticed; where PROJ passes from one operation to another is
 * known beforehand (pieces.h), since areas have corners. A square that fails is cut into four; those of SMALLEST pixels
 * are asked from PROJ directly. */
enum { SMALLEST = 16, SAMPLES = 5 };

typedef struct {
    const ncr_map *map;
    const ncr_block *block; /* the one that it lies in */
    ncr_cell *cell;
    size_t capacity;
} builder;

static double sample_at(double first, int length, int index)
{
    return first + length * (index / (double)(SAMPLES - 1));
}

static nacre_status sample(const builder *b, const ncr_leaf *leaf, double *x, double *y, nacre_error *err)
{
    double columns[SAMPLES], rows[SAMPLES];
    for (int i = 0; i < SAMPLES; i++) {
        columns[i] = sample_at((double)(b->cell->x + leaf->x), leaf->width, i);
        rows[i] = sample_at((double)(b->cell->y + leaf->y), leaf->height, i);
    }
    if (b->block->holds) {
        ncr_block_evaluate(b->block, columns, rows, SAMPLES, x, y);
        return NACRE_OK;
    }
    for (int j = 0; j < SAMPLES; j++) {
        for (int i = 0; i < SAMPLES; i++) {
            x[j * SAMPLES + i] = columns[i];
            y[j * SAMPLES + i] = rows[j];
        }
    }
    return ncr_map_to_source(b->map, SAMPLES * SAMPLES, x, y, err);
}

/* The quadratic through (-1, f0), (0, f1), (1, f2): its terms in place. */
static void fit(double *f0, double *f1, double *f2)
{
    double first = *f0, middle = *f1, last = *f2;
    *f0 = middle;
    *f1 = (last - first) / 2;
    *f2 = (last + first) / 2 - middle;
}

static void fit_terms(const double *values, double terms[9])
{
    for (int j = 0; j < 3; j++)
        for (int i = 0; i < 3; i++)
            terms[3 * j + i] = values[2 * j * SAMPLES + 2 * i];
    for (int j = 0; j < 3; j++)
        fit(&terms[3 * j], &terms[3 * j + 1], &terms[3 * j + 2]);
    for (int i = 0; i < 3; i++)
        fit(&terms[i], &terms[3 + i], &terms[6 + i]);
}

static double evaluate(const double terms[9], double u, double v)
{
    double row0 = terms[0] + u * (terms[1] + u * terms[2]);
    double row1 = terms[3] + u * (terms[4] + u * terms[5]);
    double row2 = terms[6] + u * (terms[7] + u * terms[8]);
    return row0 + v * (row1 + v * row2);
}

/* Whether the polynomials meet PROJ at all samples. */
static bool holds(const ncr_leaf *leaf, const double *x, const double *y)
{
    for (int j = 0; j < SAMPLES; j++) {
        for (int i = 0; i < SAMPLES; i++) {
            double u = (i - 2) / 2.0, v = (j - 2) / 2.0;
            int at = j * SAMPLES + i;
            double dx = evaluate(leaf->x_terms, u, v) - x[at], dy = evaluate(leaf->y_terms, u, v) - y[at];
            if (!(fabs(dx) <= NCR_MAP_TOLERANCE / 4 && fabs(dy) <= NCR_MAP_TOLERANCE / 4))
                return false;
        }
    }
    return true;
}

static nacre_status add_leaf(builder *b, const ncr_leaf *leaf, nacre_error *err)
{
    size_t count = (size_t)b->cell->leaf_count;
    if (!ncr_array_reserve(&b->cell->leaves, &b->capacity, count + 1, sizeof *leaf))
        return ncr_error_memory(err);
    b->cell->leaves[count] = *leaf;
    b->cell->leaf_count++;
    return NACRE_OK;
}

static nacre_status build(builder *b, ncr_leaf leaf, nacre_error *err);

static nacre_status split(builder *b, const ncr_leaf *leaf, nacre_error *err)
{
    int half_width = leaf->width > SMALLEST ? (leaf->width + 1) / 2 : leaf->width;
    int half_height = leaf->height > SMALLEST ? (leaf->height + 1) / 2 : leaf->height;
    for (int y = 0; y < leaf->height; y += half_height) {
        for (int x = 0; x < leaf->width; x += half_width) {
            ncr_leaf part = {.x = (uint8_t)(leaf->x + x), .y = (uint8_t)(leaf->y + y)};
            part.width = (uint8_t)(leaf->width - x < half_width ? leaf->width - x : half_width);
            part.height = (uint8_t)(leaf->height - y < half_height ? leaf->height - y : half_height);
            nacre_status status = build(b, part, err);
            if (status)
                return status;
        }
    }
    return NACRE_OK;
}

static nacre_status fit_leaf(const builder *b, ncr_leaf *leaf, nacre_error *err)
{
    double x[SAMPLES * SAMPLES], y[SAMPLES * SAMPLES];
    leaf->is_direct = true;
    /* Very thin squares (the last column of a grid) cost no more when asked directly. */
    if (leaf->width * leaf->height <= SAMPLES * SAMPLES)
        return NACRE_OK;
    if (!b->block->holds &&
        !ncr_map_is_one_piece(b->map, b->cell->x + leaf->x, b->cell->y + leaf->y, leaf->width, leaf->height))
        return NACRE_OK;
    nacre_status status = sample(b, leaf, x, y, err);
    if (status)
        return status;
    fit_terms(x, leaf->x_terms);
    fit_terms(y, leaf->y_terms);
    leaf->is_direct = !holds(leaf, x, y);
    return NACRE_OK;
}

static nacre_status build(builder *b, ncr_leaf leaf, nacre_error *err)
{
    nacre_status status = fit_leaf(b, &leaf, err);
    if (status)
        return status;
    if (leaf.is_direct && (leaf.width > SMALLEST || leaf.height > SMALLEST))
        return split(b, &leaf, err);
    return add_leaf(b, &leaf, err);
}

nacre_status ncr_cell_init(ncr_cell *cell, const ncr_block *block, const ncr_map *map, int grid_width, int grid_height,
                           int64_t column, int64_t row, nacre_error *err)
{
    *cell = (ncr_cell){.x = column * NCR_CELL, .y = row * NCR_CELL};
    int64_t right = grid_width - cell->x, below = grid_height - cell->y;
    cell->width = (int)(right < NCR_CELL ? right : NCR_CELL);
    cell->height = (int)(below < NCR_CELL ? below : NCR_CELL);
    if (ncr_reprojection_is_same(map->reprojection) || ncr_reprojection_is_rough(map->reprojection))
        return NACRE_OK; /* cheap enough to do exactly, or not to be interpolated */
    builder b = {.map = map, .block = block, .cell = cell};
    ncr_leaf whole = {.width = (uint8_t)cell->width, .height = (uint8_t)cell->height};
    nacre_status status = build(&b, whole, err);
    if (status)
        ncr_cell_clear(cell);
    return status;
}

void ncr_cell_clear(ncr_cell *cell)
{
    free(cell->leaves);
    cell->leaves = NULL;
    cell->leaf_count = 0;
}

/* The range of a polynomial with terms 1 u uu of v = [-1, 1]: it lies within its three Bernstein coefficients. */
static void extend_range(double constant, double linear, double square, double *low, double *high)
{
    const double points[3] = {constant - linear + square, constant - square, constant + linear + square};
    for (int i = 0; i < 3; i++) {
        *low = fmin(*low, points[i]);
        *high = fmax(*high, points[i]);
    }
}

/* The same for two variables: coefficients in v, of each of them in u. */
static void extend_hull(const double t[9], double *low, double *high)
{
    double row[3];
    for (int i = 0; i < 3; i++)
        row[i] = t[i] - t[3 + i] + t[6 + i];
    extend_range(row[0], row[1], row[2], low, high);
    for (int i = 0; i < 3; i++)
        row[i] = t[i] - t[6 + i];
    extend_range(row[0], row[1], row[2], low, high);
    for (int i = 0; i < 3; i++)
        row[i] = t[i] + t[3 + i] + t[6 + i];
    extend_range(row[0], row[1], row[2], low, high);
}

bool ncr_cell_hull(const ncr_cell *cell, double low[2], double high[2])
{
    low[0] = low[1] = HUGE_VAL;
    high[0] = high[1] = -HUGE_VAL;
    for (int i = 0; i < cell->leaf_count; i++) {
        if (cell->leaves[i].is_direct)
            return false;
        extend_hull(cell->leaves[i].x_terms, &low[0], &high[0]);
        extend_hull(cell->leaves[i].y_terms, &low[1], &high[1]);
    }
    return cell->leaf_count > 0;
}

/* Points of a leaf: the centres of its pixels, or their corners. */
typedef struct {
    ncr_cell_points *points;
    int stride, more; /* rows apart; points a side beyond the pixels */
    double offset;    /* of a pixel's point */
} target;

static target target_of(ncr_cell_points *points, bool corners)
{
    return corners ? (target){points, NCR_CORNERS, 1, 0} : (target){points, NCR_CELL, 0, 0.5};
}

static nacre_status evaluate_exactly(const ncr_cell *cell, const ncr_map *map, const ncr_leaf *leaf, const target *to,
                                     nacre_error *err)
{
    for (int row = leaf->y; row < leaf->y + leaf->height + to->more; row++) {
        double *x = &to->points->x[row * to->stride + leaf->x], *y = &to->points->y[row * to->stride + leaf->x];
        int count = leaf->width + to->more;
        for (int i = 0; i < count; i++) {
            x[i] = (double)(cell->x + leaf->x + i) + to->offset;
            y[i] = (double)(cell->y + row) + to->offset;
        }
        nacre_status status = ncr_map_to_source(map, (size_t)count, x, y, err);
        if (status)
            return status;
        if (map->globe.period > 0 && !to->more)
            ncr_globe_settle(&map->globe, count, x, y);
    }
    return NACRE_OK;
}

/* The terms of a row at v. */
static void row_terms(const double terms[9], double v, double out[3])
{
    for (int i = 0; i < 3; i++)
        out[i] = terms[i] + v * (terms[3 + i] + v * terms[6 + i]);
}

/* A row of a polynomial: quadratic in u. */
static void evaluate_row(const double terms[9], double v, const double *u, int count, double *out)
{
    double row[3];
    row_terms(terms, v, row);
    for (int i = 0; i < count; i++)
        out[i] = row[0] + u[i] * (row[1] + u[i] * row[2]);
}

bool ncr_cell_has_rows(const ncr_cell *cell)
{
    return cell->leaf_count == 1 && !cell->leaves[0].is_direct;
}

void ncr_cell_row(const ncr_cell *cell, int row, ncr_row_terms *out)
{
    const ncr_leaf *leaf = &cell->leaves[0];
    double v = (row + 0.5) * (2.0 / leaf->height) - 1;
    row_terms(leaf->x_terms, v, out->x);
    row_terms(leaf->y_terms, v, out->y);
}

void ncr_cell_u(int width, double *out)
{
    double step = 2.0 / width;
    for (int i = 0; i < width; i++)
        out[i] = (i + 0.5) * step - 1;
}

static void evaluate_polynomials(const ncr_leaf *leaf, const target *to)
{
    double u[NCR_CORNERS], u_step = 2.0 / leaf->width, v_step = 2.0 / leaf->height;
    int count = leaf->width + to->more;
    for (int i = 0; i < count; i++)
        u[i] = (i + to->offset) * u_step - 1;
    for (int j = 0; j < leaf->height + to->more; j++) {
        int at = (leaf->y + j) * to->stride + leaf->x;
        double v = (j + to->offset) * v_step - 1;
        evaluate_row(leaf->x_terms, v, u, count, &to->points->x[at]);
        evaluate_row(leaf->y_terms, v, u, count, &to->points->y[at]);
    }
}

nacre_status ncr_cell_evaluate(const ncr_cell *cell, const ncr_map *map, bool corners, ncr_cell_points *out,
                               nacre_error *err)
{
    target to = target_of(out, corners);
    if (!cell->leaf_count) {
        ncr_leaf whole = {.width = (uint8_t)cell->width, .height = (uint8_t)cell->height};
        return evaluate_exactly(cell, map, &whole, &to, err);
    }
    for (int i = 0; i < cell->leaf_count; i++) {
        const ncr_leaf *leaf = &cell->leaves[i];
        if (!leaf->is_direct) {
            evaluate_polynomials(leaf, &to);
            continue;
        }
        nacre_status status = evaluate_exactly(cell, map, leaf, &to, err);
        if (status)
            return status;
    }
    return NACRE_OK;
}
