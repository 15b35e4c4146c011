/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "raster/windows.h"

#include <stdlib.h>

#include "raster/scaled.h"

/* Coordinates: of output pixels. The windows lie in a grid of equal ones whose corner lies on the corner of a block, so
 * that no block is cut as long as that can be. */

/* So many windows shall fit the memory limit, that some are fetched while others are composed. */
enum { WINDOWS_AT_ONCE = 4 };

/* Side of the smallest window of a resampled read, which has no blocks of its own. */
enum { RESAMPLED_SIDE = 64 };

typedef struct {
    ncr_plan plan;
    ncr_dataset *dataset; /* referenced */
    ncr_scaled_request request;
    bool masks;
    int64_t left, top;     /* of the grid: not positive */
    int64_t width, height; /* of a window of the grid */
    int64_t x, y;          /* of the next one; y: past the output when there is none */
} windows_plan;

static nacre_status plan_part(const windows_plan *p, const ncr_rect *part, ncr_plan **out, nacre_error *err)
{
    ncr_scaled_request request = p->request;
    request.part = *part;
    request.to.buffer += (ptrdiff_t)part->y * request.to.row_stride + (ptrdiff_t)part->x * request.to.pixel_stride;
    return p->masks ? ncr_dataset_plan_masks(p->dataset, &request, p->plan.call, out, err)
                    : ncr_dataset_plan_scaled(p->dataset, &request, p->plan.call, out, err);
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static nacre_status next(ncr_plan *plan, ncr_plan **out, nacre_error *err)
{
    windows_plan *p = (windows_plan *)plan;
    int64_t right = p->request.out_width, bottom = p->request.out_height;
    if (p->y >= bottom)
        return NACRE_OK;
    ncr_rect part = {.x = p->x > 0 ? p->x : 0, .y = p->y > 0 ? p->y : 0};
    part.width = smaller(p->x + p->width, right) - part.x;
    part.height = smaller(p->y + p->height, bottom) - part.y;
    p->x += p->width;
    if (p->x >= right) {
        p->x = p->left;
        p->y += p->height;
    }
    return plan_part(p, &part, out, err);
}

static nacre_status ended(ncr_plan *plan, ncr_plan *child, nacre_status status, const nacre_error *error,
                          nacre_error *err)
{
    (void)plan;
    ncr_plan_free(child);
    return status == NACRE_OK ? NACRE_OK : ncr_error_copy(err, error, status);
}

static void free_windows(ncr_plan *plan)
{
    ncr_dataset_unref(((windows_plan *)plan)->dataset);
    free(plan);
}

static const ncr_plan_class windows_class = {.next = next, .ended = ended, .free = free_windows};

/* --- Cutting --- */

/* What a window of the grid needs: of the one at the grid's corner, which for the count may begin outside the output.
 */
static nacre_status estimate(const windows_plan *p, size_t *out, nacre_error *err)
{
    ncr_plan *plan = NULL;
    ncr_rect part = {p->left, p->top, smaller(p->width, p->request.out_width - p->left),
                     smaller(p->height, p->request.out_height - p->top)};
    nacre_status status = plan_part(p, &part, &plan, err);
    *out = status == NACRE_OK ? ncr_plan_estimate(plan) : 0;
    ncr_plan_free(plan);
    return status;
}

/* Half of a length, in whole blocks. */
static int64_t half_of(int64_t length, int64_t block)
{
    int64_t blocks = (length + block - 1) / block;
    return (blocks + 1) / 2 * block;
}

/* Makes windows half as large; false: they are one block. */
static bool halve(windows_plan *p, int64_t block_width, int64_t block_height)
{
    if (p->height > block_height)
        p->height = half_of(p->height, block_height);
    else if (p->width > block_width)
        p->width = half_of(p->width, block_width);
    else
        return false;
    return true;
}

/* The grid of windows before it is cut: one. *block_width and *block_height: what is not cut. */
static void begin_grid(windows_plan *p, int64_t *block_width, int64_t *block_height)
{
    const ncr_band *band = &p->dataset->bands[0];
    ncr_rect plain;
    bool is_plain = ncr_scaled_is_plain(p->dataset, &p->request, &plain);
    *block_width = !is_plain ? RESAMPLED_SIDE : band->block_width > 0 ? band->block_width : 1;
    *block_height = !is_plain ? RESAMPLED_SIDE : band->block_height > 0 ? band->block_height : 1;
    p->request.to.is_scan = is_plain;
    p->left = is_plain ? -(plain.x % *block_width) : 0;
    p->top = is_plain ? -(plain.y % *block_height) : 0;
    p->width = p->request.out_width - p->left;
    p->height = p->request.out_height - p->top;
}

/* Whether a window is too large for sure: a mask takes its memory when it is planned. */
static bool is_large_mask(const windows_plan *p, size_t limit)
{
    return p->masks && (double)p->width * (double)p->height > (double)limit;
}

/* Finds the windows' size; *is_cut false: they are one, since it is one block. */
static nacre_status cut(windows_plan *p, size_t limit, bool *is_cut, nacre_error *err)
{
    int64_t block_width, block_height;
    size_t share = limit / WINDOWS_AT_ONCE, needed = SIZE_MAX;
    nacre_status status = NACRE_OK;
    begin_grid(p, &block_width, &block_height);
    while (status == NACRE_OK && needed > share && halve(p, block_width, block_height)) {
        *is_cut = true;
        if (!is_large_mask(p, share))
            status = estimate(p, &needed, err);
    }
    p->x = p->left;
    p->y = p->top;
    return status;
}

/* One plan for all, NULL where it would be too large. */
static nacre_status plan_whole(windows_plan *p, size_t limit, ncr_plan **out, nacre_error *err)
{
    p->width = p->request.out_width;
    p->height = p->request.out_height;
    if (is_large_mask(p, limit))
        return NACRE_OK;
    ncr_rect all = {0};
    nacre_status status = plan_part(p, &all, out, err);
    if (status == NACRE_OK && ncr_plan_estimate(*out) > limit) {
        ncr_plan_free(*out);
        *out = NULL;
    }
    return status;
}

nacre_status ncr_windows_plan(ncr_dataset *dataset, const ncr_scaled_request *request, bool masks, ncr_call *call,
                              ncr_plan **out, nacre_error *err)
{
    *out = NULL;
    int64_t key = ncr_config_number(call->config, NCR_KEY_MEMORY_LIMIT);
    size_t limit = key > 0 && ncr_scaled_can_be_cut(dataset, request) ? (size_t)key : SIZE_MAX;
    windows_plan *p = ncr_plan_new(sizeof *p, &windows_class, call);
    if (!p)
        return ncr_error_memory(err);
    p->dataset = ncr_dataset_ref(dataset);
    p->request = *request;
    p->masks = masks;
    bool is_cut = false;
    nacre_status status = plan_whole(p, limit, out, err);
    if (status == NACRE_OK && !*out)
        status = cut(p, limit, &is_cut, err);
    if (is_cut && status == NACRE_OK) {
        *out = &p->plan;
        return NACRE_OK;
    }
    if (status == NACRE_OK && !*out)
        status = plan_whole(p, SIZE_MAX, out, err);
    ncr_plan_free(&p->plan);
    return status;
}
