/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tiff/pyramid.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <tiff.h>

#include "base/pool.h"
#include "raster/dtype.h"
#include "tiff/cell.h"
#include "tiff/update.h"

/* Levels are made one after another, each cell by cell (cell.h), while the next cell is being read. What a file holds
 * does not depend on how it is cut into cells, nor on the number of threads. */

/* Pixels of a cell, of which two are held: enough blocks for all threads. */
enum { CELL_BYTES = 12 * 1024 * 1024, CELL_BYTES_PER_THREAD = 6 * 1024 * 1024, CELL_BYTES_MAX = 64 * 1024 * 1024 };

static size_t cell_bytes(void)
{
    size_t bytes = (size_t)ncr_pool_threads() * CELL_BYTES_PER_THREAD;
    bytes = bytes > CELL_BYTES ? bytes : CELL_BYTES;
    return bytes < CELL_BYTES_MAX ? bytes : CELL_BYTES_MAX;
}

/* --- At most so many at once --- */

typedef struct lanes {
    void (*function)(void *user, size_t index);
    void *user;
    size_t count;
    _Atomic size_t next;
} lanes;

static void run_lane(void *user, size_t unused)
{
    (void)unused;
    lanes *l = user;
    for (size_t i; (i = atomic_fetch_add(&l->next, 1)) < l->count;)
        l->function(l->user, i);
}

void ncr_pyramid_for(const ncr_pyramid *pyramid, size_t count, void (*function)(void *user, size_t index), void *user)
{
    size_t threads = (size_t)pyramid->creation->threads;
    lanes l = {.function = function, .user = user, .count = count};
    if (threads)
        ncr_pool_for(threads < count ? threads : count, run_lane, &l);
    else
        ncr_pool_for(count, function, user);
}

/* --- Building and releasing --- */

/* Blocks of one image, 32 bytes of memory for each. */
enum { BLOCKS_MAX = 1 << 27 };

static nacre_status check_block_count(const ncr_pyramid *pyramid, const ncr_out_level *level, nacre_error *err)
{
    const ncr_save *save = pyramid->save;
    const ncr_creation *creation = pyramid->creation;
    uint64_t plane = (uint64_t)level->across * (uint64_t)level->down;
    uint64_t planes = creation->is_separate ? (uint64_t)creation->band_count : 1;
    if (plane <= BLOCKS_MAX && plane * planes <= BLOCKS_MAX) /* no overflow: at most 2^16 planes */
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_TOO_LARGE,
                         "%s: %d x %d pixels take more than %d blocks of %d x %d: choose larger blocks or a part",
                         save->destination->name, level->width, level->height, BLOCKS_MAX, level->format.block_width,
                         level->format.block_height);
}

static void set_formats(const ncr_pyramid *pyramid, ncr_out_level *level, bool is_overview)
{
    const ncr_creation *creation = pyramid->creation;
    level->format = (ncr_tiff_format){
        .dtype = creation->dtype,
        .bits = creation->bits,
        .samples = creation->is_separate ? 1 : (unsigned)creation->band_count,
        .photometric = is_overview ? creation->overview_photometric : creation->photometric,
        .coding = is_overview ? creation->overview_coding : creation->coding,
        .is_tiled = creation->is_tiled,
        .block_width = creation->is_tiled ? creation->block_width : level->width,
        .block_height =
            creation->block_height < level->height || creation->is_tiled ? creation->block_height : level->height,
    };
    ncr_update_format(pyramid->save, level->source, &level->format);
    level->mask_format = level->format;
    level->mask_format.dtype = NACRE_DTYPE_UINT8;
    level->mask_format.bits = 1;
    level->mask_format.samples = 1;
    level->mask_format.photometric = NCR_PHOTOMETRIC_MASK;
    level->mask_format.coding =
        (ncr_coding){.codec = ncr_tiff_codec_find(COMPRESSION_ADOBE_DEFLATE), .level = -1, .predictor = 1};
}

static nacre_status add_level(ncr_pyramid *pyramid, int width, int height, int parent, int source, nacre_error *err)
{
    const ncr_creation *creation = pyramid->creation;
    ncr_out_level *level = &pyramid->levels[pyramid->level_count++];
    ncr_scratch_init(&level->pixels);
    level->source = source;
    level->width = width;
    level->height = height;
    level->parent = parent;
    set_formats(pyramid, level, pyramid->level_count > 1);
    level->across = (width - 1) / level->format.block_width + 1;
    level->down = (height - 1) / level->format.block_height + 1;
    nacre_status status = check_block_count(pyramid, level, err);
    if (status != NACRE_OK)
        return status;
    size_t plane = (size_t)level->across * (size_t)level->down;
    level->block_count = plane * (creation->is_separate ? (size_t)creation->band_count : 1);
    level->blocks = ncr_alloc_array(level->block_count, sizeof *level->blocks);
    if (pyramid->has_mask)
        level->masks = ncr_alloc_array(plane, sizeof *level->masks);
    pyramid->blocks_in_all += plane;
    return level->blocks && (level->masks || !pyramid->has_mask) ? NACRE_OK : ncr_error_memory(err);
}

/* An overview before levels are laid out. */
typedef struct plan {
    int width, height;
    int source; /* the level of the dataset that is copied; -1: made */
    int factor; /* of the reduction, where it is made by one that was asked for; 0: half of the one before */
} plan;

static void add_plan(plan *plans, int *count, plan one)
{
    for (int i = 0; i < *count; i++)
        if (plans[i].width == one.width && plans[i].height == one.height) {
            plans[i] = one; /* made anew */
            return;
        }
    if (*count + 1 >= NCR_OUT_LEVELS)
        return;
    int at = (*count)++;
    for (; at && (int64_t)plans[at - 1].width * plans[at - 1].height < (int64_t)one.width * one.height; at--)
        plans[at] = plans[at - 1];
    plans[at] = one;
}

/* The dataset's own overviews; of a file that is updated those inside it. Without masks they are made anew where the
 * mask is new. */
static void plan_copies(const ncr_pyramid *pyramid, plan *plans, int *count)
{
    const ncr_dataset *dataset = pyramid->save->dataset;
    const ncr_tiff_dataset *tiff = ncr_update_of(pyramid->save);
    bool is_new_mask = tiff && pyramid->has_mask && tiff->base.bands[0].mask_flags != NACRE_MASK_PER_DATASET;
    int most = tiff ? tiff->level_count - 1 : dataset->overview_count;
    for (int i = 0; i < most; i++) {
        plan one = {.width = dataset->overviews[i][0], .height = dataset->overviews[i][1], .source = i + 1};
        if (is_new_mask) {
            one.source = -1;
            one.factor = (dataset->width + one.width / 2) / one.width;
        }
        add_plan(plans, count, one);
    }
}

/* Overviews are halved, until one block holds all where no number was given. */
static void plan_halves(const ncr_pyramid *pyramid, plan *plans, int *count)
{
    const ncr_creation *creation = pyramid->creation;
    int width = pyramid->save->dataset->width, height = pyramid->save->dataset->height;
    for (int i = 0; i + 1 < NCR_OUT_LEVELS; i++) {
        bool fits = width <= creation->block_width && height <= creation->block_height;
        if (creation->overview_count < 0 ? fits : i == creation->overview_count || (width == 1 && height == 1))
            break;
        width = width / 2 + width % 2;
        height = height / 2 + height % 2;
        add_plan(plans, count, (plan){.width = width, .height = height, .source = -1});
    }
}

static void plan_factors(const ncr_pyramid *pyramid, plan *plans, int *count)
{
    const ncr_save *save = pyramid->save;
    for (int i = 0; save->overview_factors && i < save->overview_count; i++) {
        int factor = save->overview_factors[i];
        plan one = {.width = (save->dataset->width - 1) / factor + 1,
                    .height = (save->dataset->height - 1) / factor + 1,
                    .source = -1,
                    .factor = factor};
        add_plan(plans, count, one);
    }
}

/* The level that overview `number` is reduced from: the smallest made one whose factor divides its own. */
static int parent_of(const plan *plans, int number)
{
    if (plans[number].source >= 0)
        return -1;
    if (!plans[number].factor)
        return number;
    for (int i = number - 1; i >= 0; i--)
        if (plans[i].factor && plans[number].factor % plans[i].factor == 0)
            return i + 1;
    return 0;
}

static nacre_status add_levels(ncr_pyramid *pyramid, nacre_error *err)
{
    const ncr_dataset *dataset = pyramid->save->dataset;
    plan plans[NCR_OUT_LEVELS];
    int count = 0;
    bool has_factors = pyramid->save->overview_factors && !pyramid->save->overviews_are_own;
    if (pyramid->creation->overviews == NCR_OVERVIEWS_COPY)
        plan_copies(pyramid, plans, &count);
    else if (pyramid->creation->overviews == NCR_OVERVIEWS_MAKE && !has_factors)
        plan_halves(pyramid, plans, &count);
    if (has_factors || pyramid->creation->overviews == NCR_OVERVIEWS_COPY)
        plan_factors(pyramid, plans, &count);
    pyramid->levels = ncr_alloc_array(NCR_OUT_LEVELS, sizeof *pyramid->levels);
    if (!pyramid->levels)
        return ncr_error_memory(err);
    nacre_status status = add_level(pyramid, dataset->width, dataset->height, -1, 0, err);
    for (int i = 0; i < count && status == NACRE_OK; i++) {
        status = add_level(pyramid, plans[i].width, plans[i].height, parent_of(plans, i), plans[i].source, err);
    }
    for (int i = 0; i < pyramid->level_count && status == NACRE_OK; i++)
        status = ncr_update_level(pyramid, &pyramid->levels[i], err);
    return status;
}

static void set_sizes(ncr_pyramid *pyramid)
{
    const ncr_creation *creation = pyramid->creation;
    pyramid->value_size = ncr_dtype_size(creation->dtype);
    pyramid->pixel_size = pyramid->value_size * (size_t)creation->band_count;
    pyramid->has_mask =
        creation->mask_of_alpha || pyramid->save->dataset->bands[0].mask_flags == NACRE_MASK_PER_DATASET;
    const ncr_tiff_dataset *tiff = ncr_update_of(pyramid->save);
    ncr_rect whole = {0, 0, pyramid->save->dataset->width, pyramid->save->dataset->height};
    if (tiff && tiff->mask_file && !tiff->masks &&
        !ncr_canvas_is_touched(ncr_canvas_of(pyramid->save->dataset), &whole, -1))
        pyramid->has_mask = false; /* it stays where it is, beside the file */
}

const ncr_tiff_format *ncr_pyramid_format(const ncr_pyramid *pyramid, int level, bool is_mask)
{
    return is_mask ? &pyramid->levels[level].mask_format : &pyramid->levels[level].format;
}

void ncr_pyramid_clear(ncr_pyramid *pyramid)
{
    for (int i = 0; i < pyramid->level_count; i++) {
        free(pyramid->levels[i].blocks);
        free(pyramid->levels[i].masks);
        ncr_scratch_clear(&pyramid->levels[i].pixels);
    }
    free(pyramid->levels);
    free(pyramid->statistics);
    ncr_scratch_clear(&pyramid->encoded);
    *pyramid = (ncr_pyramid){0};
    ncr_scratch_init(&pyramid->encoded);
}

/* --- Cell by cell --- */

/* Blocks of a cell, from what memory a block takes: as many across as there are, then down. */
static void cell_size(const ncr_pyramid *pyramid, int number, int *across, int *down)
{
    const ncr_out_level *level = &pyramid->levels[number];
    const ncr_tiff_format *format = &level->format;
    size_t block = (size_t)format->block_width * (size_t)format->block_height * (pyramid->pixel_size + 1);
    size_t fit = cell_bytes() / block, wide = (size_t)level->across, high = (size_t)level->down;
    fit = fit ? fit : 1;
    size_t rows = fit / wide ? fit / wide : 1;
    *across = (int)(fit < wide ? fit : wide);
    *down = (int)(rows < high ? rows : high);
}

/* The cell after `c`; false: there is none. */
static bool next_cell(ncr_out_cell *c, const ncr_out_level *level, int across, int down)
{
    c->first_x += across;
    if (c->first_x >= level->across) {
        c->first_x = 0;
        c->first_y += down;
    }
    c->end_x = c->first_x + across < level->across ? c->first_x + across : level->across;
    c->end_y = c->first_y + down < level->down ? c->first_y + down : level->down;
    return c->first_y < level->down;
}

static nacre_status make_cell(ncr_out_cell *c, nacre_error *err)
{
    ncr_pyramid *pyramid = c->pyramid;
    bool is_left_out = pyramid->save->overviews_only && !c->level;
    nacre_status status = is_left_out ? NACRE_OK : ncr_out_cell_encode(c, err);
    if (status == NACRE_OK)
        status = ncr_out_cell_reduce(c, err);
    pyramid->blocks_done += (uint64_t)(c->end_x - c->first_x) * (uint64_t)(c->end_y - c->first_y);
    if (status != NACRE_OK)
        return status;
    return ncr_save_progress(pyramid->save, 0.9 * (double)pyramid->blocks_done / (double)pyramid->blocks_in_all, err);
}

static nacre_status make_level(ncr_pyramid *pyramid, int number, nacre_error *err)
{
    ncr_out_level *level = &pyramid->levels[number];
    int across, down;
    cell_size(pyramid, number, &across, &down);
    ncr_out_cell place = {.pyramid = pyramid, .level = number, .first_x = -across};
    ncr_out_cell cells[2] = {{0}}; /* the one at work, and the one that is read meanwhile */
    bool more = next_cell(&place, level, across, down);
    cells[0] = place;
    nacre_status status = ncr_out_cell_begin(&cells[0], err);
    for (int now = 0; more && status == NACRE_OK; now = !now) {
        status = ncr_out_cell_wait(&cells[now], err);
        more = next_cell(&place, level, across, down);
        if (more && status == NACRE_OK) {
            cells[!now] = place;
            status = ncr_out_cell_begin(&cells[!now], err);
        }
        if (status == NACRE_OK)
            status = make_cell(&cells[now], err);
        ncr_out_cell_clear(&cells[now]);
    }
    ncr_out_cell_clear(&cells[0]);
    ncr_out_cell_clear(&cells[1]);
    ncr_scratch_clear(&level->pixels);
    return status;
}

/* In the order of blocks, so that the last digits do not depend on threads. */
static void sum_statistics(ncr_pyramid *pyramid)
{
    size_t bands = (size_t)pyramid->creation->band_count;
    size_t blocks = (size_t)pyramid->levels->across * (size_t)pyramid->levels->down;
    for (size_t i = 1; i <= blocks; i++)
        for (size_t band = 0; band < bands; band++)
            ncr_statistics_merge(&pyramid->statistics[band], &pyramid->statistics[i * bands + band]);
}

nacre_status ncr_pyramid_make(ncr_pyramid *pyramid, const ncr_save *save, const ncr_creation *creation,
                              nacre_error *err)
{
    *pyramid = (ncr_pyramid){.save = save, .creation = creation};
    ncr_scratch_init(&pyramid->encoded);
    set_sizes(pyramid);
    nacre_status status = add_levels(pyramid, err);
    if (status == NACRE_OK && creation->with_statistics) {
        size_t bands = (size_t)creation->band_count, blocks = (size_t)pyramid->levels->across;
        pyramid->statistics =
            ncr_alloc_array(bands * (blocks * (size_t)pyramid->levels->down + 1), sizeof *pyramid->statistics);
        status = pyramid->statistics ? NACRE_OK : ncr_error_memory(err);
    }
    for (int i = 0; i < pyramid->level_count && status == NACRE_OK; i++)
        status = make_level(pyramid, i, err);
    if (status == NACRE_OK && pyramid->statistics)
        sum_statistics(pyramid);
    return status;
}
