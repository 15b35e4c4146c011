/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/pool.h"
#include "warp/hull.h"
#include "warp/part.h"

ncr_rect ncr_rect_intersect(const ncr_rect *a, const ncr_rect *b)
{
    int64_t left = a->x > b->x ? a->x : b->x, top = a->y > b->y ? a->y : b->y;
    int64_t right = a->x + a->width < b->x + b->width ? a->x + a->width : b->x + b->width;
    int64_t bottom = a->y + a->height < b->y + b->height ? a->y + a->height : b->y + b->height;
    if (right <= left || bottom <= top)
        return (ncr_rect){0};
    return (ncr_rect){left, top, right - left, bottom - top};
}

static ncr_rect unite(const ncr_rect *a, const ncr_rect *b)
{
    if (!a->width)
        return *b;
    if (!b->width)
        return *a;
    int64_t left = a->x < b->x ? a->x : b->x, top = a->y < b->y ? a->y : b->y;
    int64_t right = a->x + a->width > b->x + b->width ? a->x + a->width : b->x + b->width;
    int64_t bottom = a->y + a->height > b->y + b->height ? a->y + a->height : b->y + b->height;
    return (ncr_rect){left, top, right - left, bottom - top};
}

const ncr_cell *ncr_sheet_cell(const ncr_sheet *sheet, int64_t column, int64_t row)
{
    return &sheet->cells[(row - sheet->first_row) * sheet->columns + (column - sheet->first_column)];
}

/* The extent of those points of a rectangle of a cell that are on the source. */
typedef struct {
    double low_x, high_x, low_y, high_y;
} extent;

static extent extent_of(const ncr_kernel *kernel, const ncr_cell_points *points, const ncr_rect *part)
{
    extent e = {HUGE_VAL, -HUGE_VAL, HUGE_VAL, -HUGE_VAL};
    for (int64_t row = part->y; row < part->y + part->height; row++) {
        const double *x = &points->x[row * NCR_CELL], *y = &points->y[row * NCR_CELL];
        for (int64_t i = part->x; i < part->x + part->width; i++) {
            if (!(x[i] >= 0 && y[i] >= 0 && x[i] <= kernel->width && y[i] <= kernel->height))
                continue;
            e.low_x = x[i] < e.low_x ? x[i] : e.low_x;
            e.high_x = x[i] > e.high_x ? x[i] : e.high_x;
            e.low_y = y[i] < e.low_y ? y[i] : e.low_y;
            e.high_y = y[i] > e.high_y ? y[i] : e.high_y;
        }
    }
    return e;
}

/* The part of a hull that is on the source. */
static extent clip_hull(const ncr_kernel *kernel, const double low[2], const double high[2])
{
    extent e = {fmax(low[0], 0), fmin(high[0], kernel->width), fmax(low[1], 0), fmin(high[1], kernel->height)};
    bool meets = e.low_x <= e.high_x && e.low_y <= e.high_y;
    return meets ? e : (extent){HUGE_VAL, -HUGE_VAL, HUGE_VAL, -HUGE_VAL};
}

/* Where corners lie on both sides of the seam, or around a pole, pixels may need whole rows, up to the pole. */
static void widen_hull(const ncr_kernel *kernel, const ncr_rect *area, double low[2], double high[2])
{
    const ncr_globe *globe = &kernel->globe;
    const ncr_pole *pole = ncr_globe_pole_in(globe, area->x, area->y, area->width, area->height);
    if (!(globe->period > 0) || !(pole || high[0] - low[0] > globe->period / 2))
        return;
    ncr_hull_add(low, high, 0, pole ? pole->row : low[1]);
    ncr_hull_add(low, high, kernel->width, high[1]);
}

/* The extent of the corners of a rectangle of a cell, as far as it is on the source. */
static extent extent_of_corners(const ncr_kernel *kernel, const ncr_cell *cell, const ncr_cell_points *points,
                                const ncr_rect *part)
{
    double low[2] = {HUGE_VAL, HUGE_VAL}, high[2] = {-HUGE_VAL, -HUGE_VAL};
    for (int64_t row = part->y; row <= part->y + part->height; row++) {
        const double *x = &points->x[row * NCR_CORNERS], *y = &points->y[row * NCR_CORNERS];
        for (int64_t i = part->x; i <= part->x + part->width; i++) {
            if (x[i] == HUGE_VAL)
                continue;
            ncr_hull_add(low, high, x[i], y[i]);
        }
    }
    ncr_rect area = {cell->x + part->x, cell->y + part->y, part->width, part->height};
    if (low[0] <= high[0])
        widen_hull(kernel, &area, low, high);
    return clip_hull(kernel, low, high);
}

static ncr_rect reach_of(const ncr_kernel *kernel, const extent *e)
{
    if (e->low_x > e->high_x)
        return (ncr_rect){0};
    int64_t left, right, top, bottom;
    ncr_kernel_reach(kernel, true, e->low_x, e->high_x, &left, &right);
    ncr_kernel_reach(kernel, false, e->low_y, e->high_y, &top, &bottom);
    ncr_rect all = {0, 0, kernel->width, kernel->height}, wanted = {left, top, right - left + 1, bottom - top + 1};
    return ncr_rect_intersect(&all, &wanted);
}

/* The source pixels that a rectangle of the grid needs from one cell. */
static nacre_status cell_reach(const ncr_sheet *sheet, const ncr_cell *cell, const ncr_rect *window, ncr_rect *out,
                               nacre_error *err)
{
    const ncr_warp_engine *engine = sheet->read->engine;
    ncr_rect whole = {cell->x, cell->y, cell->width, cell->height}, part = ncr_rect_intersect(&whole, window);
    *out = (ncr_rect){0};
    double low[2], high[2];
    if (part.width == cell->width && part.height == cell->height && ncr_cell_hull(cell, low, high)) {
        extent e = clip_hull(&engine->kernel, low, high);
        *out = reach_of(&engine->kernel, &e);
        return NACRE_OK;
    }
    ncr_cell_points *points = malloc(sizeof *points);
    if (!points)
        return ncr_error_memory(err);
    nacre_status status = ncr_cell_evaluate(cell, &engine->map, engine->kernel.is_area, points, err);
    if (!status) {
        part.x -= cell->x;
        part.y -= cell->y;
        extent e = engine->kernel.is_area ? extent_of_corners(&engine->kernel, cell, points, &part)
                                          : extent_of(&engine->kernel, points, &part);
        *out = reach_of(&engine->kernel, &e);
    }
    free(points);
    return status;
}

/* --- Finding the cells, in parallel --- */

typedef struct {
    ncr_sheet *sheet;
    int64_t first_column, first_row; /* of blocks */
    int columns, rows;
    nacre_status *status; /* a block each */
} block_search;

enum { BLOCK_SIDE = NCR_BLOCK / NCR_CELL };

static nacre_status find_cell(ncr_sheet *sheet, const ncr_block *block, int64_t column, int64_t row, nacre_error *err)
{
    const ncr_warp_engine *engine = sheet->read->engine;
    if (column < sheet->first_column || column >= sheet->first_column + sheet->columns || row < sheet->first_row ||
        row >= sheet->first_row + sheet->rows)
        return NACRE_OK;
    int64_t index = (row - sheet->first_row) * sheet->columns + (column - sheet->first_column);
    ncr_cell *cell = &sheet->cells[index];
    nacre_status status = ncr_cell_init(cell, block, &engine->map, engine->width, engine->height, column, row, err);
    return status ? status : cell_reach(sheet, cell, &sheet->window, &sheet->reach[index], err);
}

/* The cells of a block that belong to the sheet. */
static void find_block(void *user, size_t index)
{
    block_search *search = user;
    ncr_sheet *sheet = search->sheet;
    const ncr_warp_engine *engine = sheet->read->engine;
    int64_t column = search->first_column + (int64_t)index % search->columns;
    int64_t row = search->first_row + (int64_t)index / search->columns;
    nacre_error error = {0};
    ncr_block block;
    nacre_status status = ncr_call_check(sheet->call, "", NULL);
    if (!status)
        status = ncr_block_init(&block, &engine->map, engine->width, engine->height, column, row, &error);
    for (int i = 0; i < BLOCK_SIDE * BLOCK_SIDE && !status; i++)
        status =
            find_cell(sheet, &block, column * BLOCK_SIDE + i % BLOCK_SIDE, row * BLOCK_SIDE + i / BLOCK_SIDE, &error);
    search->status[index] = status;
}

static nacre_status find_cells(ncr_sheet *sheet, nacre_error *err)
{
    size_t count = (size_t)sheet->columns * (size_t)sheet->rows;
    sheet->cells = ncr_alloc_array(count, sizeof *sheet->cells);
    sheet->reach = ncr_alloc_array(count, sizeof *sheet->reach);
    block_search search = {sheet, sheet->first_column / BLOCK_SIDE, sheet->first_row / BLOCK_SIDE, 0, 0, NULL};
    search.columns = (int)((sheet->first_column + sheet->columns - 1) / BLOCK_SIDE - search.first_column + 1);
    search.rows = (int)((sheet->first_row + sheet->rows - 1) / BLOCK_SIDE - search.first_row + 1);
    size_t blocks = (size_t)search.columns * (size_t)search.rows;
    search.status = ncr_alloc_array(blocks, sizeof *search.status);
    nacre_status status = NACRE_OK;
    if (sheet->cells && sheet->reach && search.status)
        ncr_pool_for(blocks, find_block, &search);
    else
        status = ncr_error_memory(err);
    /* Finding cells fails for want of memory, or because the call must end, which the caller can tell. */
    for (size_t i = 0; i < blocks && !status; i++)
        if (search.status[i])
            status = search.status[i] == NACRE_ERROR_MEMORY ? ncr_error_memory(err) : search.status[i];
    free(search.status);
    return status;
}

/* --- Cutting --- */

/* What a rectangle needs together, and the sum of what its cells need: where the first is much larger (both sides of
 * the antimeridian), it is better cut. */
typedef struct {
    ncr_rect reach;
    int64_t area, cells;
} needs;

static nacre_status find_needs(const ncr_sheet *sheet, const ncr_rect *dst, needs *out, nacre_error *err)
{
    *out = (needs){0};
    for (int64_t row = dst->y / NCR_CELL; row <= (dst->y + dst->height - 1) / NCR_CELL; row++) {
        for (int64_t column = dst->x / NCR_CELL; column <= (dst->x + dst->width - 1) / NCR_CELL; column++) {
            const ncr_cell *cell = ncr_sheet_cell(sheet, column, row);
            ncr_rect whole = {cell->x, cell->y, cell->width, cell->height};
            ncr_rect mine = ncr_rect_intersect(&whole, dst), all = ncr_rect_intersect(&whole, &sheet->window);
            ncr_rect reach = sheet->reach[cell - sheet->cells];
            nacre_status status = NACRE_OK;
            if (mine.width != all.width || mine.height != all.height)
                status = cell_reach(sheet, cell, dst, &reach, err);
            if (status)
                return status;
            out->reach = unite(&out->reach, &reach);
            out->area += reach.width * reach.height;
            out->cells++;
        }
    }
    return NACRE_OK;
}

/* The length of the first of two parts: half, and whole cells where there are several. */
static int64_t half_of(int64_t start, int64_t length)
{
    int64_t middle = start + length / 2, rounded = middle / NCR_CELL * NCR_CELL;
    if (rounded <= start)
        rounded += NCR_CELL;
    return rounded > start && rounded < start + length ? rounded - start : length / 2;
}

static nacre_status cut(ncr_sheet *sheet, const ncr_rect *dst, size_t limit, nacre_error *err);

static nacre_status cut_in_two(ncr_sheet *sheet, const ncr_rect *dst, size_t limit, nacre_error *err)
{
    ncr_rect first = *dst, second = *dst;
    if (dst->width > dst->height) {
        first.width = half_of(dst->x, dst->width);
        second.x += first.width;
        second.width -= first.width;
    } else {
        first.height = half_of(dst->y, dst->height);
        second.y += first.height;
        second.height -= first.height;
    }
    nacre_status status = cut(sheet, &first, limit, err);
    return status ? status : cut(sheet, &second, limit, err);
}

static nacre_status cut(ncr_sheet *sheet, const ncr_rect *dst, size_t limit, nacre_error *err)
{
    enum { WORTH_CUTTING = 1 << 20, SPARSE = 4 };
    needs n;
    nacre_status status = find_needs(sheet, dst, &n, err);
    if (status)
        return status;
    size_t size = ncr_warp_part_size(sheet->read, &n.reach);
    bool is_sparse = n.cells > 1 && size > WORTH_CUTTING && n.reach.width * n.reach.height / SPARSE > n.area;
    if ((size > limit || is_sparse) && (dst->width > 1 || dst->height > 1))
        return cut_in_two(sheet, dst, limit, err);
    if (!ncr_array_reserve(&sheet->parts, &sheet->part_capacity, sheet->part_count + 1, sizeof *sheet->parts))
        return ncr_error_memory(err);
    sheet->parts[sheet->part_count++] = (ncr_warp_part){.dst = *dst, .src = n.reach};
    return NACRE_OK;
}

nacre_status ncr_sheet_init(ncr_sheet *sheet, const ncr_warp_read *read, const ncr_call *call, const ncr_rect *window,
                            size_t part_limit, nacre_error *err)
{
    *sheet = (ncr_sheet){.read = read, .call = call, .window = *window};
    sheet->first_column = window->x / NCR_CELL;
    sheet->first_row = window->y / NCR_CELL;
    sheet->columns = (int)((window->x + window->width - 1) / NCR_CELL - sheet->first_column + 1);
    sheet->rows = (int)((window->y + window->height - 1) / NCR_CELL - sheet->first_row + 1);
    nacre_status status = find_cells(sheet, err);
    if (!status)
        status = cut(sheet, window, part_limit, err);
    if (status)
        ncr_sheet_clear(sheet);
    return status;
}

void ncr_sheet_clear(ncr_sheet *sheet)
{
    for (size_t i = 0; sheet->cells && i < (size_t)sheet->columns * (size_t)sheet->rows; i++)
        ncr_cell_clear(&sheet->cells[i]);
    for (size_t i = 0; i < sheet->part_count; i++)
        ncr_warp_part_clear(&sheet->parts[i]);
    free(sheet->cells);
    free(sheet->reach);
    free(sheet->parts);
    *sheet = (ncr_sheet){0};
}
