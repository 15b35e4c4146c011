/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/pool.h"
#include "raster/dtype.h"
#include "tiff/blocks.h"
#include "tiff/decode.h"
#include "tiff/samples.h"

/* A read: a round for parts of the arrays of blocks where they are not known, a round for all blocks together. Blocks
 * are decoded as they arrive and copied into the request's buffer; those that were decoded before, and sparse ones, are
 * copied at the end. */

enum { VALUE_MAX = 16 }; /* bytes of a value of the largest type */

/* A decoded block in the cache. */
typedef struct tile {
    ncr_value value;
    uint8_t data[];
} tile;

typedef struct read_plan read_plan;

/* How far a block is. */
typedef enum job_state {
    JOB_NEW,   /* its place must be found */
    JOB_LOST,  /* its offset does not tell its size, or its leader was wrong */
    JOB_ASKED, /* then it is done, or lost where its leader is wrong */
    JOB_DONE,
} job_state;

/* A block of the window. */
typedef struct job {
    read_plan *plan;
    job_state state;
    bool is_led;               /* offset and size are those of what holds the block behind its leader */
    uint64_t number;           /* of the block, planes included */
    uint32_t block_x, block_y; /* in blocks */
    unsigned plane;            /* sample, from 0; 0 where samples are not separate */
    uint64_t offset, size;     /* encoded, in the file; size 0: sparse */
    uint64_t length;           /* that is read: perhaps with the mask's block */
    tile *tile;                /* decoded before; referenced */
} job;

struct read_plan {
    ncr_plan base;
    ncr_tiff_dataset *dataset; /* referenced */
    ncr_tiff_level *level;
    ncr_read_request request;
    ncr_tiff_blocks blocks;
    ncr_tiff_blocks masks; /* of the level's mask, where its blocks follow those of the image; else its level is NULL */
    bool is_planned;
    bool gives_pixels_whole;     /* all samples that a block has */
    ncr_tiff_header whole, last; /* of whole blocks, and of those in the last row of blocks */
    job *jobs;
    size_t job_count;
};

/* The blocks that the window touches: [x0, x1) by [y0, y1). */
typedef struct block_range {
    uint32_t x0, x1, y0, y1;
} block_range;

static block_range range_of(const ncr_tiff_layout *layout, const ncr_rect *window)
{
    return (block_range){
        .x0 = (uint32_t)(window->x / layout->block_width),
        .x1 = (uint32_t)((window->x + window->width - 1) / layout->block_width + 1),
        .y0 = (uint32_t)(window->y / layout->block_height),
        .y1 = (uint32_t)((window->y + window->height - 1) / layout->block_height + 1),
    };
}

/* --- Copying into the buffer --- */

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Part of a block that the window shows, in pixels of the level. */
static ncr_rect shown_part(const job *j)
{
    const ncr_tiff_layout *layout = &j->plan->level->layout;
    const ncr_rect *window = &j->plan->request.window;
    int64_t x0 = (int64_t)j->block_x * layout->block_width, y0 = (int64_t)j->block_y * layout->block_height;
    int64_t x1 = x0 + layout->block_width, y1 = y0 + layout->block_height;
    x0 = x0 > window->x ? x0 : window->x;
    y0 = y0 > window->y ? y0 : window->y;
    x1 = smaller(x1, window->x + window->width);
    y1 = smaller(y1, window->y + window->height);
    return (ncr_rect){x0, y0, x1 - x0, y1 - y0};
}

static uint8_t *buffer_at(const read_plan *plan, int band_index, int64_t x, int64_t y)
{
    const ncr_read_request *to = &plan->request;
    return to->buffer + band_index * to->band_stride + (y - to->window.y) * to->row_stride +
           (x - to->window.x) * to->pixel_stride;
}

/* Copies one sample of a decoded block to one band of the request. A step of 0 repeats the first value. */
static void copy_band(const job *j, const uint8_t *data, unsigned sample, bool repeat, int band_index)
{
    const read_plan *plan = j->plan;
    const ncr_tiff_layout *layout = &plan->level->layout;
    ncr_rect part = shown_part(j);
    size_t value_size = ncr_dtype_size(layout->dtype);
    size_t pixel = repeat ? 0 : value_size * ncr_tiff_layout_block_samples(layout);
    int64_t in_x = part.x - (int64_t)j->block_x * layout->block_width;
    int64_t in_y = part.y - (int64_t)j->block_y * layout->block_height;
    const uint8_t *from = data + (size_t)in_x * pixel + sample * value_size;
    for (int64_t y = 0; y < part.height; y++) {
        const uint8_t *row = from + (size_t)(in_y + y) * layout->block_width * pixel;
        ncr_convert(row, layout->dtype, (ptrdiff_t)pixel, buffer_at(plan, band_index, part.x, part.y + y),
                    plan->request.dtype, plan->request.pixel_stride, (size_t)part.width);
    }
}

/* Calls copy_band() for each band of the request that the block holds. */
static void copy_block(const job *j, const uint8_t *data)
{
    const read_plan *plan = j->plan;
    bool is_separate = plan->level->layout.is_separate;
    for (int i = 0; i < plan->request.band_count; i++) {
        unsigned sample = (unsigned)plan->request.bands[i] - 1;
        if (!is_separate)
            copy_band(j, data, sample, false, i);
        else if (sample == j->plane)
            copy_band(j, data, 0, false, i);
    }
}

/* A band's value for pixels that are not stored, in the type of the file. */
static void missing_value(const ncr_band *band, nacre_dtype dtype, uint8_t out[VALUE_MAX])
{
    memset(out, 0, VALUE_MAX);
    if (!band->nodata.is_set)
        return;
    if (dtype == NACRE_DTYPE_INT64)
        memcpy(out, &band->nodata.int64_value, 8);
    else if (dtype == NACRE_DTYPE_UINT64)
        memcpy(out, &band->nodata.uint64_value, 8);
    else
        ncr_convert(&band->nodata.value, NACRE_DTYPE_FLOAT64, 0, out, dtype, 0, 1);
}

static void fill_sparse(const job *j)
{
    const read_plan *plan = j->plan;
    const ncr_tiff_layout *layout = &plan->level->layout;
    uint8_t value[VALUE_MAX] = {0};
    for (int i = 0; i < plan->request.band_count; i++) {
        int band = plan->request.bands[i] - 1;
        if (layout->is_separate && (unsigned)band != j->plane)
            continue;
        if (!plan->request.mask)
            missing_value(&plan->dataset->base.bands[band], layout->dtype, value);
        copy_band(j, value, 0, true, i);
    }
}

/* --- Decoding --- */

static void free_tile(ncr_value *value)
{
    free(value);
}

/* Decodes a block into values of the layout's type. Masks of fewer than 8 bits become 0 and 255; those of 8 bits are
 * given as they are, as GDAL does. */
static nacre_status decode_into(const job *j, const ncr_tiff_header *header, const ncr_slice *slice, uint8_t *out,
                                char *message)
{
    const ncr_tiff_layout *layout = &j->plan->level->layout;
    size_t rows = ncr_tiff_layout_block_rows(layout, j->block_y);
    size_t row_values = (size_t)layout->block_width * ncr_tiff_layout_block_samples(layout);
    bool is_packed = ncr_tiff_samples_are_packed(layout);
    uint8_t *decoded = is_packed ? calloc(1, header->decoded_size) : out; /* fax may leave rows as they are */
    if (!decoded)
        return NACRE_ERROR_MEMORY;
    nacre_status status = ncr_tiff_decode(header, slice->data, slice->size, decoded, message);
    if (is_packed && status == NACRE_OK)
        ncr_tiff_samples_unpack(layout, decoded, row_values, rows, out);
    if (is_packed)
        free(decoded);
    for (size_t i = 0; j->plan->request.mask && is_packed && status == NACRE_OK && i < row_values * rows; i++)
        out[i] = out[i] ? 255 : 0;
    return status;
}

static nacre_status decode_job(const job *j, const ncr_slice *slice, tile **out, nacre_error *err)
{
    const read_plan *plan = j->plan;
    const ncr_tiff_layout *layout = &plan->level->layout;
    const char *path = plan->dataset->base.path;
    uint32_t rows = ncr_tiff_layout_block_rows(layout, j->block_y);
    const ncr_tiff_header *header = rows == layout->block_height ? &plan->whole : &plan->last;
    size_t size = layout->block_size / layout->block_height * rows;
    tile *t = malloc(sizeof *t + size);
    if (!t)
        return ncr_error_memory(err);
    atomic_init(&t->value.references, 1);
    t->value.size = sizeof *t + size;
    t->value.free = free_tile;

    char message[NCR_TIFF_MESSAGE_SIZE], block[NCR_TIFF_BLOCK_NAME_SIZE];
    nacre_status status = decode_into(j, header, slice, t->data, message);
    if (status == NACRE_OK) {
        *out = t;
        return NACRE_OK;
    }
    free(t);
    if (status == NACRE_ERROR_MEMORY)
        return ncr_error_memory(err);
    ncr_tiff_block_name(plan->level, j->number, block);
    return ncr_error_set(err, status, "%s: %s (%" PRIu64 " bytes at byte %" PRIu64 ") is damaged: %s", path, block,
                         j->size, j->offset, message);
}

/* Masks of bits are cached as 0 and 255, so a directory is never read as both a mask and an image: masks have their
 * own. */
static ncr_value_key tile_key(const read_plan *plan, uint64_t number)
{
    return (ncr_value_key){NCR_VALUE_TIFF_TILE, plan->level->number, number};
}

/* Not what the reader of very many blocks has been given whole: it would drive out what is read again. */
static bool is_worth_caching(const job *j)
{
    const read_plan *plan = j->plan;
    const ncr_tiff_layout *layout = &plan->level->layout;
    if (!plan->request.is_scan || !plan->gives_pixels_whole)
        return true;
    ncr_rect part = shown_part(j);
    int64_t x = (int64_t)j->block_x * layout->block_width, y = (int64_t)j->block_y * layout->block_height;
    int64_t right = smaller(x + layout->block_width, layout->width);
    int64_t bottom = smaller(y + layout->block_height, layout->height);
    return part.width < right - x || part.height < bottom - y;
}

static nacre_status job_arrived(void *user, const ncr_slice *slice, nacre_error *err)
{
    job *j = user;
    const read_plan *plan = j->plan;
    if (slice->size < j->size) {
        char block[NCR_TIFF_BLOCK_NAME_SIZE];
        ncr_tiff_block_name(plan->level, j->number, block);
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: the file ends within %s", plan->dataset->base.path, block);
    }
    ncr_slice led = {.data = slice->data, .size = (size_t)j->size}, inner = led;
    if (j->is_led && !ncr_tiff_blocks_unwrap(plan->dataset->index, &led, &inner)) {
        j->state = JOB_LOST;
        return NACRE_OK;
    }
    tile *t = NULL;
    nacre_status status = decode_job(j, &inner, &t, err);
    if (status != NACRE_OK)
        return status;
    j->state = JOB_DONE;
    copy_block(j, t->data);
    if (is_worth_caching(j))
        ncr_cache_value_put(ncr_file_pin(plan->dataset->base.file), tile_key(plan, j->number), &t->value);
    ncr_value_unref(&t->value);
    return NACRE_OK;
}

/* --- Steps --- */

/* A block of the window: decoded before, or its place is needed. */
static nacre_status add_job(read_plan *plan, uint32_t x, uint32_t y, unsigned plane, nacre_error *err)
{
    const ncr_tiff_layout *layout = &plan->level->layout;
    job *j = &plan->jobs[plan->job_count++];
    *j = (job){.plan = plan, .block_x = x, .block_y = y, .plane = plane};
    j->number = ((uint64_t)plane * layout->blocks_down + y) * layout->blocks_across + x;
    j->tile =
        (tile *)ncr_cache_value_get(ncr_file_pin(plan->dataset->base.file), tile_key(plan, j->number), plan->base.call);
    if (j->tile) {
        j->state = JOB_DONE;
        return NACRE_OK;
    }
    j->is_led = ncr_tiff_blocks_have_leaders(&plan->blocks) && j->number + 1 < layout->block_count;
    return j->is_led ? ncr_tiff_blocks_touch_offset(&plan->blocks, j->number, err)
                     : ncr_tiff_blocks_touch(&plan->blocks, j->number, err);
}

/* Whether a plane of separate samples is wanted. */
static bool wants_plane(const read_plan *plan, unsigned plane)
{
    for (int i = 0; i < plan->request.band_count; i++)
        if ((unsigned)plan->request.bands[i] - 1 == plane)
            return true;
    return false;
}

static bool wants_all_samples(const read_plan *plan)
{
    const ncr_tiff_layout *layout = &plan->level->layout;
    bool all = true;
    for (unsigned sample = 0; sample < layout->samples && all && !layout->is_separate; sample++)
        all = wants_plane(plan, sample);
    return all;
}

static size_t count_planes(const read_plan *plan)
{
    const ncr_tiff_layout *layout = &plan->level->layout;
    if (!layout->is_separate)
        return 1;
    size_t count = 0;
    for (unsigned plane = 0; plane < layout->samples; plane++)
        count += wants_plane(plan, plane);
    return count;
}

static nacre_status add_jobs(read_plan *plan, nacre_error *err)
{
    const ncr_tiff_layout *layout = &plan->level->layout;
    block_range range = range_of(layout, &plan->request.window);
    size_t count = (size_t)(range.x1 - range.x0) * (range.y1 - range.y0), total;
    if (!ncr_size_mul(count, count_planes(plan), &total))
        return ncr_error_memory(err);
    plan->jobs = ncr_alloc_array(total, sizeof *plan->jobs);
    if (!plan->jobs)
        return ncr_error_memory(err);
    nacre_status status = NACRE_OK;
    for (unsigned plane = 0; plane < (layout->is_separate ? layout->samples : 1); plane++) {
        if (layout->is_separate && !wants_plane(plan, plane))
            continue;
        for (uint32_t y = range.y0; y < range.y1; y++)
            for (uint32_t x = range.x0; x < range.x1 && status == NACRE_OK; x++)
                status = add_job(plan, x, y, plane, err);
    }
    return status;
}

static nacre_status make_headers(read_plan *plan, nacre_error *err)
{
    const ncr_tiff_dataset *dataset = plan->dataset;
    const ncr_tiff_layout *layout = &plan->level->layout;
    nacre_status status = ncr_tiff_header_init(&plan->whole, dataset->base.path, dataset->index, plan->level->directory,
                                               layout, layout->block_height, err);
    uint32_t rows = ncr_tiff_layout_block_rows(layout, layout->blocks_down - 1);
    if (status == NACRE_OK && rows != layout->block_height)
        status = ncr_tiff_header_init(&plan->last, dataset->base.path, dataset->index, plan->level->directory, layout,
                                      rows, err);
    return status;
}

/* Finds a block's place, of which everything that was touched is known. */
static nacre_status place_job(read_plan *plan, job *j, nacre_error *err)
{
    if (j->is_led && j->state == JOB_NEW) {
        if (!ncr_tiff_blocks_find_led(&plan->blocks, j->number, &j->offset, &j->size)) {
            j->state = JOB_LOST;
            j->is_led = false;
            return ncr_tiff_blocks_touch(&plan->blocks, j->number, err);
        }
    } else {
        j->is_led = false;
        nacre_status status = ncr_tiff_blocks_find(&plan->blocks, j->number, &j->offset, &j->size, err);
        if (status != NACRE_OK)
            return status;
    }
    j->state = j->size ? JOB_ASKED : JOB_DONE;
    j->length = j->size;
    if (plan->masks.level && j->size && !j->is_led)
        j->length = ncr_tiff_blocks_with_mask(&plan->masks, j->number, j->offset, j->size);
    return NACRE_OK;
}

static nacre_status ask_for_block(job *j, ncr_wants *wants, bool *more, nacre_error *err)
{
    *more = true;
    ncr_want want = {.kind = NCR_WANT_READ,
                     .file = j->plan->dataset->base.file,
                     .offset = j->offset,
                     .length = (size_t)j->length,
                     .arrived = job_arrived,
                     .user = j};
    return ncr_wants_add(wants, &want, err);
}

/* Blocks whose leaders were wrong are looked for again, by their sizes. */
static nacre_status touch_lost(read_plan *plan, nacre_error *err)
{
    nacre_status status = NACRE_OK;
    for (size_t i = 0; i < plan->job_count && status == NACRE_OK; i++)
        if (plan->jobs[i].state == JOB_LOST)
            status = ncr_tiff_blocks_touch(&plan->blocks, plan->jobs[i].number, err);
    return status;
}

/* Places and asks for every block that can be; `left` are those whose sizes must be read first. */
static nacre_status ask_for_blocks(read_plan *plan, ncr_wants *wants, bool *more, size_t *left, nacre_error *err)
{
    nacre_status status = NACRE_OK;
    *left = 0;
    for (size_t i = 0; i < plan->job_count && status == NACRE_OK; i++) {
        job *j = &plan->jobs[i];
        if (j->state != JOB_NEW && j->state != JOB_LOST)
            continue;
        status = place_job(plan, j, err);
        *left += j->state == JOB_LOST;
        if (status == NACRE_OK && j->state == JOB_ASKED)
            status = ask_for_block(j, wants, more, err);
    }
    return status;
}

/* Whoever reads an image of a COG reads its mask as a rule: the bytes come together, and the cache keeps them. */
static nacre_status begin_masks(read_plan *plan, nacre_error *err)
{
    ncr_tiff_dataset *dataset = plan->dataset;
    if (plan->request.mask || !dataset->masks || !dataset->index->has_masks_behind || plan->level->layout.is_separate)
        return NACRE_OK;
    const ncr_tiff_level *masks = &dataset->masks[plan->request.level];
    if (masks->layout.block_count != plan->level->layout.block_count)
        return NACRE_OK;
    return ncr_tiff_blocks_begin(&plan->masks, dataset->base.path, dataset->index, masks, dataset->base.file, err);
}

static nacre_status begin(read_plan *plan, nacre_error *err)
{
    ncr_tiff_dataset *dataset = plan->dataset;
    plan->is_planned = true;
    plan->gives_pixels_whole = wants_all_samples(plan);
    nacre_status status =
        ncr_tiff_blocks_begin(&plan->blocks, dataset->base.path, dataset->index, plan->level, dataset->base.file, err);
    if (status == NACRE_OK)
        status = make_headers(plan, err);
    if (status == NACRE_OK)
        status = begin_masks(plan, err);
    return status == NACRE_OK ? add_jobs(plan, err) : status;
}

static nacre_status step(ncr_plan *base, ncr_wants *wants, bool *more, nacre_error *err)
{
    read_plan *plan = (read_plan *)base;
    size_t left = 0;
    *more = false;
    nacre_status status = plan->is_planned ? ncr_tiff_blocks_arrived(&plan->blocks, err) : begin(plan, err);
    if (status == NACRE_OK)
        status = touch_lost(plan, err);
    if (status == NACRE_OK)
        status = ncr_tiff_blocks_ask(&plan->blocks, base->call, wants, more, err);
    if (status != NACRE_OK || *more)
        return status;
    status = ask_for_blocks(plan, wants, more, &left, err);
    bool is_asking = false;
    if (status == NACRE_OK && left) /* beside the blocks that are under way */
        status = ncr_tiff_blocks_ask(&plan->blocks, base->call, wants, &is_asking, err);
    *more |= left > 0;
    return status;
}

/* Pixels of a window that is copied sooner than workers are woken. */
enum { SMALL_WINDOW = 512 * 512 };

static void compose_job(void *user, size_t index)
{
    const read_plan *plan = user;
    const job *j = &plan->jobs[index];
    if (j->tile)
        copy_block(j, j->tile->data);
    else if (!j->size)
        fill_sparse(j);
}

static nacre_status compose(ncr_plan *base, nacre_error *err)
{
    (void)err;
    read_plan *plan = (read_plan *)base;
    const ncr_rect *window = &plan->request.window;
    bool is_small = window->width * window->height <= SMALL_WINDOW;
    for (size_t i = 0; is_small && i < plan->job_count; i++)
        compose_job(plan, i);
    if (!is_small)
        ncr_pool_for(plan->job_count, compose_job, plan);
    return NACRE_OK;
}

static void free_plan(ncr_plan *base)
{
    read_plan *plan = (read_plan *)base;
    for (size_t i = 0; i < plan->job_count; i++)
        if (plan->jobs[i].tile)
            ncr_value_unref(&plan->jobs[i].tile->value);
    free(plan->jobs);
    ncr_tiff_blocks_clear(&plan->blocks);
    ncr_tiff_blocks_clear(&plan->masks);
    ncr_tiff_header_clear(&plan->whole);
    ncr_tiff_header_clear(&plan->last);
    ncr_dataset_unref(&plan->dataset->base);
    free(plan);
}

/* Encoded blocks on their way. Before the blocks are known they are taken for as large as decoded ones. */
static size_t estimate(const ncr_plan *base)
{
    const read_plan *plan = (const read_plan *)base;
    const ncr_tiff_layout *layout = &plan->level->layout;
    double encoded = 0;
    if (plan->is_planned) {
        for (size_t i = 0; i < plan->job_count; i++)
            encoded += plan->jobs[i].tile ? 0 : (double)plan->jobs[i].size;
    } else {
        block_range range = range_of(layout, &plan->request.window);
        encoded = (double)(range.x1 - range.x0) * (range.y1 - range.y0) * (double)count_planes(plan) *
                  (double)layout->block_size;
    }
    return encoded < (double)(SIZE_MAX / 2) ? (size_t)encoded : SIZE_MAX / 2;
}

static const ncr_plan_class read_class = {.step = step, .compose = compose, .free = free_plan, .estimate = estimate};

/* --- The beginning --- */

static nacre_status check_block_size(const ncr_tiff_dataset *dataset, const ncr_tiff_level *level, ncr_call *call,
                                     nacre_error *err)
{
    int64_t limit = ncr_config_number(call->config, NCR_KEY_LIMIT_TILE);
    if (limit >= 0 && level->layout.block_size > (uint64_t)limit)
        return ncr_error_set(err, NACRE_ERROR_TOO_LARGE,
                             "%s: a decoded block has %zu bytes, more than %" PRId64 " (limit.tile)",
                             dataset->base.path, level->layout.block_size, limit);
    return NACRE_OK;
}

/* The request for the samples of a mask: of all bands the first one, of single bands that of the same number. */
static ncr_read_request request_of_mask(const ncr_read_request *request)
{
    static const int first_band = 1;
    ncr_read_request to = *request;
    to.bands = request->own_mask ? request->bands : &first_band;
    to.band_count = 1;
    to.own_mask = false;
    return to;
}

/* The mask in a file beside this one, for any level: that file has levels of its own. */
static nacre_status plan_mask_beside(ncr_tiff_dataset *dataset, const ncr_read_request *request, ncr_call *call,
                                     ncr_plan **out, nacre_error *err)
{
    ncr_read_request to = request_of_mask(request);
    to.mask = false;
    if (request->level == 0)
        return ncr_dataset_plan_read(dataset->mask_file, &to, call, out, err);
    const int *size = dataset->base.overviews[request->level - 1];
    double scale_x = (double)dataset->base.width / size[0], scale_y = (double)dataset->base.height / size[1];
    const ncr_rect *window = &request->window;
    ncr_scaled_request scaled = {.window = {(double)window->x * scale_x, (double)window->y * scale_y,
                                            (double)window->width * scale_x, (double)window->height * scale_y},
                                 .out_width = (int)window->width,
                                 .out_height = (int)window->height,
                                 .resampling = NACRE_RESAMPLING_NEAREST,
                                 .to = to};
    return ncr_dataset_plan_scaled(dataset->mask_file, &scaled, call, out, err);
}

/* Levels and masks of files beside this one are theirs to read. */
static nacre_status plan_beside(ncr_tiff_dataset *dataset, const ncr_read_request *request, ncr_call *call,
                                ncr_plan **out, nacre_error *err)
{
    ncr_read_request to = *request;
    if (request->mask && dataset->mask_file)
        return plan_mask_beside(dataset, request, call, out, err);
    if (request->mask || !dataset->overview_file)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: it has no mask", dataset->base.path);
    to.level -= dataset->level_count;
    return ncr_dataset_plan_read(dataset->overview_file, &to, call, out, err);
}

nacre_status ncr_tiff_plan_read(ncr_dataset *base, const ncr_read_request *request, ncr_call *call, ncr_plan **out,
                                nacre_error *err)
{
    ncr_tiff_dataset *dataset = (ncr_tiff_dataset *)base;
    *out = NULL;
    if (request->mask ? !dataset->masks : request->level >= dataset->level_count)
        return plan_beside(dataset, request, call, out, err);
    ncr_tiff_level *level = &(request->mask ? dataset->masks : dataset->images)[request->level];
    nacre_status status = check_block_size(dataset, level, call, err);
    if (status != NACRE_OK)
        return status;
    read_plan *plan = ncr_plan_new(sizeof *plan, &read_class, call);
    if (!plan)
        return ncr_error_memory(err);
    plan->dataset = dataset;
    ncr_dataset_ref(base);
    plan->level = level;
    plan->request = request->mask ? request_of_mask(request) : *request;
    *out = &plan->base;
    return NACRE_OK;
}
