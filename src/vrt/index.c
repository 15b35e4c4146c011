/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "vrt/index.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* A rectangle that touches more cells than this is kept beside the grid and always told. */
enum { MAX_CELLS_OF_ONE = 64, MAX_SIDE = 1024 };

struct ncr_vrt_index {
    double x, y, cell_width, cell_height;
    int columns, rows;
    size_t *starts; /* of each cell's run in items; one more than cells */
    uint32_t *items;
    uint32_t *wide; /* those beside the grid, ascending */
    size_t wide_count;
};

typedef struct cells {
    int first_column, last_column, first_row, last_row;
} cells;

static int clamp_cell(double position, int count)
{
    if (!(position > 0))
        return 0;
    return position >= count ? count - 1 : (int)position;
}

static cells cells_of(const ncr_vrt_index *index, const nacre_window *rect)
{
    cells touched = {
        .first_column = clamp_cell(floor((rect->x - index->x) / index->cell_width), index->columns),
        .last_column = clamp_cell(floor((rect->x + rect->width - index->x) / index->cell_width), index->columns),
        .first_row = clamp_cell(floor((rect->y - index->y) / index->cell_height), index->rows),
        .last_row = clamp_cell(floor((rect->y + rect->height - index->y) / index->cell_height), index->rows),
    };
    return touched;
}

static size_t cell_count(const cells *touched)
{
    return (size_t)(touched->last_column - touched->first_column + 1) *
           (size_t)(touched->last_row - touched->first_row + 1);
}

typedef struct rects {
    size_t count;
    const nacre_window *(*rect)(const void *user, size_t i);
    const void *user;
} rects;

static void set_grid(ncr_vrt_index *index, const rects *all)
{
    double left = INFINITY, top = INFINITY, right = -INFINITY, bottom = -INFINITY;
    for (size_t i = 0; i < all->count; i++) {
        const nacre_window *rect = all->rect(all->user, i);
        left = fmin(left, rect->x);
        top = fmin(top, rect->y);
        right = fmax(right, rect->x + rect->width);
        bottom = fmax(bottom, rect->y + rect->height);
    }
    double side = ceil(sqrt((double)all->count));
    index->columns = index->rows = side > MAX_SIDE ? MAX_SIDE : (int)side;
    index->x = left;
    index->y = top;
    index->cell_width = fmax((right - left) / index->columns, 1e-9);
    index->cell_height = fmax((bottom - top) / index->rows, 1e-9);
}

/* Calls for each cell of each rectangle: once to count, once to fill. */
static void each_cell(ncr_vrt_index *index, const rects *all, size_t *cursors, bool fill)
{
    for (size_t i = 0; i < all->count; i++) {
        cells touched = cells_of(index, all->rect(all->user, i));
        if (cell_count(&touched) > MAX_CELLS_OF_ONE) {
            if (fill)
                index->wide[index->wide_count] = (uint32_t)i;
            index->wide_count++;
            continue;
        }
        for (int row = touched.first_row; row <= touched.last_row; row++)
            for (int column = touched.first_column; column <= touched.last_column; column++) {
                size_t *cursor = &cursors[(size_t)row * (size_t)index->columns + (size_t)column];
                if (fill)
                    index->items[*cursor] = (uint32_t)i;
                ++*cursor;
            }
    }
}

static bool fill_cells(ncr_vrt_index *index, const rects *all)
{
    size_t count = (size_t)index->columns * (size_t)index->rows;
    size_t *cursors = ncr_alloc_array(count, sizeof *cursors);
    index->starts = ncr_alloc_array(count + 1, sizeof *index->starts);
    if (!cursors || !index->starts) {
        free(cursors);
        return false;
    }
    each_cell(index, all, cursors, false);
    for (size_t i = 0; i < count; i++) {
        index->starts[i + 1] = index->starts[i] + cursors[i];
        cursors[i] = index->starts[i];
    }
    index->items = ncr_alloc_array(index->starts[count] + 1, sizeof *index->items);
    index->wide = ncr_alloc_array(index->wide_count + 1, sizeof *index->wide);
    bool done = index->items && index->wide;
    index->wide_count = 0;
    if (done)
        each_cell(index, all, cursors, true);
    free(cursors);
    return done;
}

ncr_vrt_index *ncr_vrt_index_new(size_t count, const nacre_window *(*rect)(const void *user, size_t i),
                                 const void *user)
{
    ncr_vrt_index *index = calloc(1, sizeof *index);
    if (!index || count == 0 || count > UINT32_MAX) {
        free(index);
        return NULL;
    }
    rects all = {count, rect, user};
    set_grid(index, &all);
    if (fill_cells(index, &all))
        return index;
    ncr_vrt_index_free(index);
    return NULL;
}

void ncr_vrt_index_free(ncr_vrt_index *index)
{
    if (!index)
        return;
    free(index->starts);
    free(index->items);
    free(index->wide);
    free(index);
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static size_t sort_unique(uint32_t *items, size_t count)
{
    if (count)
        qsort(items, count, sizeof *items, compare);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || items[kept - 1] != items[i])
            items[kept++] = items[i];
    return kept;
}

bool ncr_vrt_index_find(const ncr_vrt_index *index, const nacre_window *window, uint32_t **out, size_t *count)
{
    *out = NULL;
    *count = 0;
    cells touched = cells_of(index, window);
    size_t total = index->wide_count;
    for (int row = touched.first_row; row <= touched.last_row; row++) {
        size_t begin = (size_t)row * (size_t)index->columns;
        total += index->starts[begin + (size_t)touched.last_column + 1] -
                 index->starts[begin + (size_t)touched.first_column];
    }
    uint32_t *found = ncr_alloc_array(total + 1, sizeof *found);
    if (!found)
        return false;
    size_t at = index->wide_count;
    memcpy(found, index->wide, at * sizeof *found);
    for (int row = touched.first_row; row <= touched.last_row; row++) {
        /* The cells of a row lie side by side in items. */
        size_t begin = (size_t)row * (size_t)index->columns;
        size_t from = index->starts[begin + (size_t)touched.first_column];
        size_t to = index->starts[begin + (size_t)touched.last_column + 1];
        memcpy(found + at, index->items + from, (to - from) * sizeof *found);
        at += to - from;
    }
    *out = found;
    *count = sort_unique(found, at);
    return true;
}
