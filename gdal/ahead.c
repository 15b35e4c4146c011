/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "ahead.h"

#include <stdlib.h>

#include "base/memory.h"

enum {
    MOST_PLACES = 1 << 20,
    MOST_RANGES = NCR_GDAL_AHEAD_RANGES,
    MOST_ROUNDS = 3,
    SMALL_GAP = 16,
    LEADER = 4,
    MOST_STEPS = 4,
    PATIENCE = 2
};

typedef struct ncr_gdal_level {
    const ncr_tiff_tag *offsets, *counts;
    uint32_t rows, columns; /* in blocks */
    size_t first;           /* bit of ncr_gdal_ahead.unread */
} ncr_gdal_level;

typedef struct ncr_gdal_place {
    uint64_t offset;
    uint32_t level, block;
} ncr_gdal_place;

/* Whether what is fetched of it stays in the cache. */
static bool is_kept(const ncr_file *file)
{
    return ncr_file_facts(file)->version.strong && ncr_store_is_kept(ncr_file_object(file)->store);
}

/* --- The index. --- */

void ncr_gdal_ahead_clear(ncr_gdal_ahead *ahead)
{
    if (ahead->index)
        ncr_value_unref(&ahead->index->value);
    free(ahead->levels);
    free(ahead->places);
    free(ahead->unread);
    *ahead = (ncr_gdal_ahead){0};
}

/* Reads what the parser needs, keeping the bytes in `held` until it is done. GDAL has read the same, so most is cached.
 */
static nacre_status add_needs(ncr_tiff_parser *parser, ncr_file *file, ncr_call *call, const ncr_tiff_need *needs,
                              size_t count, void **held)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        if (!ncr_size_add(total, needs[i].length, &total) || total > NCR_GDAL_AHEAD_MOST)
            return NACRE_ERROR_TOO_LARGE;
    uint8_t *data = *held = malloc(total ? total : 1);
    nacre_range *ranges = ncr_alloc_array(count, sizeof *ranges);
    nacre_status status = data && ranges ? NACRE_OK : NACRE_ERROR_MEMORY;
    for (size_t i = 0; i < count && status == NACRE_OK; i++) {
        ranges[i] = (nacre_range){.offset = needs[i].offset, .length = needs[i].length, .buffer = data};
        data += needs[i].length;
    }
    if (status == NACRE_OK)
        status = ncr_file_read_wait(file, ranges, count, call, NULL);
    for (size_t i = 0; i < count && status == NACRE_OK; i++)
        status = ncr_tiff_parser_add(parser, ranges[i].offset, ranges[i].buffer, ranges[i].got, NULL);
    free(ranges);
    return status;
}

/* The index, or NULL where it does not come in so many rounds. A file that cannot be parsed is GDAL's to complain of.
 */
static ncr_tiff_index *parse(ncr_file *file, ncr_call *call, size_t rounds)
{
    const ncr_slice *head = ncr_file_head(file);
    const int64_t limit = ncr_config_number(call->config, NCR_KEY_LIMIT_DIRECTORIES);
    ncr_tiff_parser *parser;
    ncr_tiff_index *index = NULL;
    void *held[MOST_ROUNDS] = {0};
    if (!ncr_tiff_probe(head->data, head->size) ||
        ncr_tiff_parser_new(ncr_file_path(file), ncr_file_size(file), limit < 0 ? SIZE_MAX : (size_t)limit, &parser,
                            NULL) != NACRE_OK)
        return NULL;
    nacre_status status = ncr_tiff_parser_add(parser, 0, head->data, head->size, NULL);
    for (size_t round = 0; round <= rounds && status == NACRE_OK && !index; round++) {
        const ncr_tiff_need *needs;
        size_t count;
        status = ncr_tiff_parser_step(parser, &needs, &count, &index, NULL);
        if (status == NACRE_OK && !index)
            status = round < rounds ? add_needs(parser, file, call, needs, count, &held[round]) : NACRE_ERROR_TOO_LARGE;
    }
    ncr_tiff_parser_free(parser);
    for (size_t i = 0; i < MOST_ROUNDS; i++)
        free(held[i]);
    return index;
}

static const ncr_tiff_tag *find_array(const ncr_tiff_directory *directory, unsigned tile_id, unsigned strip_id)
{
    const ncr_tiff_tag *tag = ncr_tiff_tag_find(directory, tile_id);
    if (!tag)
        tag = ncr_tiff_tag_find(directory, strip_id);
    return tag && tag->value ? tag : NULL;
}

static uint64_t divide_up(uint64_t a, uint64_t b)
{
    return b ? a / b + (a % b != 0) : 0;
}

/* A directory's blocks; rows 0: it has none that are known. */
static ncr_gdal_level describe(const ncr_tiff_directory *directory)
{
    ncr_gdal_level level = {.offsets = find_array(directory, NCR_TAG_TILE_OFFSETS, NCR_TAG_STRIP_OFFSETS),
                            .counts = find_array(directory, NCR_TAG_TILE_BYTE_COUNTS, NCR_TAG_STRIP_BYTE_COUNTS)};
    const uint64_t width = ncr_tiff_uint(directory, NCR_TAG_IMAGE_WIDTH, 0);
    const uint64_t height = ncr_tiff_uint(directory, NCR_TAG_IMAGE_LENGTH, 0);
    const uint64_t tile_width = ncr_tiff_uint(directory, NCR_TAG_TILE_WIDTH, width);
    const uint64_t strip_height = ncr_tiff_uint(directory, NCR_TAG_ROWS_PER_STRIP, height);
    const uint64_t columns = divide_up(width, tile_width);
    const uint64_t rows = divide_up(height, ncr_tiff_uint(directory, NCR_TAG_TILE_LENGTH, strip_height));
    if (!level.offsets || !level.counts || level.offsets->count != level.counts->count || !rows || !columns ||
        rows > UINT32_MAX || columns > UINT32_MAX || level.offsets->count < rows * columns)
        return (ncr_gdal_level){0};
    level.rows = (uint32_t)rows;
    level.columns = (uint32_t)columns;
    return level;
}

static int by_offset(const void *a, const void *b)
{
    const ncr_gdal_place *x = a, *y = b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static void add_places(ncr_gdal_ahead *ahead, uint32_t which)
{
    const ncr_gdal_level *level = &ahead->levels[which];
    for (uint64_t i = 0; level->rows && i < level->offsets->count; i++) {
        uint64_t offset = 0;
        if (ncr_tiff_tag_uint(level->offsets, i, &offset) && offset)
            ahead->places[ahead->place_count++] = (ncr_gdal_place){offset, which, (uint32_t)i};
    }
}

static void make_places(ncr_gdal_ahead *ahead)
{
    uint64_t total = 0;
    ahead->levels = ncr_alloc_array(ahead->index->directory_count, sizeof *ahead->levels);
    if (!ahead->levels)
        return;
    for (; ahead->level_count < ahead->index->directory_count; ahead->level_count++) {
        ncr_gdal_level level = describe(&ahead->index->directories[ahead->level_count]);
        level.first = (size_t)total;
        ahead->levels[ahead->level_count] = level;
        total += level.rows ? level.offsets->count : 0;
        if (total > MOST_PLACES)
            return;
    }
    ahead->places = ncr_alloc_array((size_t)total, sizeof *ahead->places);
    ahead->unread = calloc(1, (size_t)total / 8 + 1);
    for (uint32_t i = 0; i < ahead->level_count && ahead->places && ahead->unread; i++)
        add_places(ahead, i);
    if (ahead->places && ahead->place_count)
        qsort(ahead->places, ahead->place_count, sizeof *ahead->places, by_offset);
}

/* A COG's directories are in the bytes that the open has read. Others are worth requests of their own only for who
 * reads on and on. */
static bool has_index(ncr_gdal_ahead *ahead, ncr_file *file, ncr_call *call)
{
    if (ahead->is_looked_for)
        return ahead->place_count > 0;
    ahead->is_looked_for = ++ahead->reads > PATIENCE || !is_kept(file);
    if (is_kept(file))
        ahead->index = parse(file, call, ahead->is_looked_for ? MOST_ROUNDS : 0);
    if (ahead->index) {
        ahead->is_looked_for = true;
        make_places(ahead);
    }
    return ahead->place_count > 0;
}

/* --- Which blocks a read was about. --- */

static size_t first_place(const ncr_gdal_ahead *ahead, uint64_t offset)
{
    size_t low = 0, high = ahead->place_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (ahead->places[middle].offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static ncr_gdal_rect block_rect(const ncr_gdal_ahead *ahead, const ncr_gdal_place *place)
{
    const ncr_gdal_level *level = &ahead->levels[place->level];
    const uint64_t per_plane = (uint64_t)level->rows * level->columns;
    const uint32_t inside = (uint32_t)(place->block % per_plane);
    const uint32_t row = inside / level->columns, column = inside % level->columns;
    return (ncr_gdal_rect){place->level, (uint32_t)(place->block / per_plane), row, row, column, column};
}

static bool grow(ncr_gdal_rect *rect, const ncr_gdal_rect *by)
{
    if (rect->level != by->level || rect->plane != by->plane)
        return false;
    rect->row0 = by->row0 < rect->row0 ? by->row0 : rect->row0;
    rect->row1 = by->row1 > rect->row1 ? by->row1 : rect->row1;
    rect->column0 = by->column0 < rect->column0 ? by->column0 : rect->column0;
    rect->column1 = by->column1 > rect->column1 ? by->column1 : rect->column1;
    return true;
}

/* The blocks that begin in the ranges; those of the first one's plane. False: none do. */
static bool find_rect(const ncr_gdal_ahead *ahead, const nacre_range *ranges, size_t count, ncr_gdal_rect *out)
{
    bool found = false;
    for (size_t i = 0; i < count; i++)
        for (size_t p = first_place(ahead, ranges[i].offset);
             p < ahead->place_count && ahead->places[p].offset - ranges[i].offset < ranges[i].length; p++) {
            const ncr_gdal_rect rect = block_rect(ahead, &ahead->places[p]);
            if (!found)
                *out = rect;
            found = true;
            grow(out, &rect);
        }
    return found;
}

/* --- Fetching. --- */

static void fetched(ncr_fetch *fetch)
{
    ncr_slice_clear(&fetch->slice); /* the cache has it; what failed will fail again when it is wanted */
    ncr_pin_unref(fetch->pin);
    ncr_call_unref(fetch->call);
    free(fetch);
}

void ncr_gdal_ahead_start(ncr_file *file, ncr_call *call, const nacre_range *ranges, size_t count)
{
    ncr_fetch *list[MOST_RANGES];
    size_t started = 0;
    if (!is_kept(file))
        return;
    for (size_t i = 0; i < count && started < MOST_RANGES; i++) {
        ncr_fetch *fetch = calloc(1, sizeof *fetch);
        if (!fetch)
            break;
        *fetch = (ncr_fetch){.pin = ncr_pin_ref(ncr_file_pin(file)),
                             .call = ncr_call_ref(call),
                             .offset = ranges[i].offset,
                             .length = ranges[i].length,
                             .done = fetched};
        list[started++] = fetch;
    }
    if (started)
        ncr_cache_fetch_start(list, started);
}

static bool is_inside(const ncr_gdal_rect *rect, const ncr_gdal_rect *of, uint32_t row, uint32_t column)
{
    return rect->level == of->level && rect->plane == of->plane && row >= of->row0 && row <= of->row1 &&
           column >= of->column0 && column <= of->column1;
}

/* Whether a block was fetched ahead already. */
static bool is_there(const ncr_gdal_ahead *ahead, const ncr_gdal_rect *rect, uint32_t row, uint32_t column)
{
    for (size_t i = 0; i < NCR_GDAL_AHEAD_KNOWN; i++)
        if (ahead->known[i].is_set && is_inside(rect, &ahead->known[i].rect, row, column))
            return true;
    return false;
}

typedef struct block_place {
    uint64_t offset, length;
    size_t bit;
} block_place;

/* The place of a block; false: it has none. */
static bool find_block(const ncr_gdal_ahead *ahead, const ncr_gdal_rect *rect, uint32_t row, uint32_t column,
                       block_place *out)
{
    const ncr_gdal_level *level = &ahead->levels[rect->level];
    const uint64_t block = ((uint64_t)rect->plane * level->rows + row) * level->columns + column;
    out->bit = level->first + (size_t)block;
    return ncr_tiff_tag_uint(level->offsets, block, &out->offset) && out->offset >= LEADER &&
           ncr_tiff_tag_uint(level->counts, block, &out->length) && out->length;
}

/* Adds a block to the plan; false when there is no room for it. */
static bool plan_block(ncr_gdal_ahead *ahead, const block_place *place)
{
    const uint64_t offset = place->offset, length = place->length;
    nacre_range *last = ahead->planned_count ? &ahead->planned[ahead->planned_count - 1] : NULL;
    uint64_t most = ahead->bytes_read > ahead->bytes_unused ? ahead->bytes_read - ahead->bytes_unused : 0;
    if (ahead->bytes_planned + length > NCR_GDAL_AHEAD_MOST || length > most)
        return false;
    if (last && offset >= last->offset + last->length && offset - last->offset - last->length <= SMALL_GAP)
        last->length = (size_t)(offset + length - last->offset);
    else if (ahead->planned_count == MOST_RANGES)
        return false;
    else
        ahead->planned[ahead->planned_count++] = (nacre_range){.offset = offset, .length = (size_t)length};
    ahead->bytes_planned += length;
    ahead->bytes_unused += length;
    ahead->unread[place->bit / 8] |= (uint8_t)(1u << place->bit % 8);
    return true;
}

static void know(ncr_gdal_ahead *ahead, ncr_gdal_rect rect)
{
    ahead->known[ahead->next_known] = (struct ncr_gdal_known){true, rect};
    ahead->next_known = (ahead->next_known + 1) % NCR_GDAL_AHEAD_KNOWN;
}

/* What there was room for of a rectangle, up to a block. */
static void know_until(ncr_gdal_ahead *ahead, const ncr_gdal_rect *rect, uint32_t row, uint32_t column)
{
    ncr_gdal_rect rows = *rect, part = *rect;
    rows.row1 = row - 1;
    part.row0 = part.row1 = row;
    part.column1 = column - 1;
    if (row > rect->row0)
        know(ahead, rows);
    if (column > rect->column0)
        know(ahead, part);
}

static void plan_rect(ncr_gdal_ahead *ahead, const ncr_gdal_rect *rect)
{
    const ncr_gdal_level *level = &ahead->levels[rect->level];
    const size_t before = ahead->planned_count;
    block_place place;
    for (uint32_t row = rect->row0; row <= rect->row1 && row < level->rows; row++)
        for (uint32_t column = rect->column0; column <= rect->column1 && column < level->columns; column++)
            if (!is_there(ahead, rect, row, column) && find_block(ahead, rect, row, column, &place) &&
                !plan_block(ahead, &place)) {
                know_until(ahead, rect, row, column);
                return;
            }
    if (ahead->planned_count > before)
        know(ahead, *rect);
}

void ncr_gdal_ahead_go(ncr_gdal_ahead *ahead, ncr_file *file, ncr_call *call)
{
    for (size_t i = 0; i < ahead->planned_count; i++) { /* GDAL reads what COGs have before and behind a block, too */
        ahead->planned[i].offset -= LEADER;
        ahead->planned[i].length += LEADER + SMALL_GAP;
    }
    if (ahead->planned_count)
        ncr_gdal_ahead_start(file, call, ahead->planned, ahead->planned_count);
    ahead->planned_count = 0;
    ahead->bytes_planned = 0;
}

/* What was fetched ahead and is read now was not in vain. */
static void count_used(ncr_gdal_ahead *ahead, const ncr_gdal_rect *rect)
{
    block_place place;
    for (uint32_t row = rect->row0; row <= rect->row1 && ahead->bytes_unused; row++)
        for (uint32_t column = rect->column0; column <= rect->column1; column++)
            if (find_block(ahead, rect, row, column, &place) && ahead->unread[place.bit / 8] >> place.bit % 8 & 1) {
                ahead->unread[place.bit / 8] &= (uint8_t) ~(1u << place.bit % 8);
                ahead->bytes_unused -= place.length < ahead->bytes_unused ? place.length : ahead->bytes_unused;
            }
}

/* --- What comes next. --- */

/* To the right of the last read, in the same rows of blocks. */
static bool predict_right(ncr_gdal_ahead *ahead, const ncr_gdal_rect *now, ncr_gdal_rect *next)
{
    const ncr_gdal_rect *last = &ahead->last;
    const bool same_rows = last->row0 <= now->row1 && now->row0 <= last->row1;
    if (!same_rows || now->column1 <= last->column1 || now->column0 > last->column1 + 1)
        return false;
    const uint32_t windows = ahead->steps_right++ ? 2 : 1; /* like this one */
    const uint32_t width = windows * (now->column1 - now->column0 + 1);
    next->column0 = now->column1 + 1;
    next->column1 = ahead->has_row ? ahead->row_column1 : now->column1 + width;
    return true; /* also where the end of the row is known and reached */
}

/* Back where the last row of windows began, after steps to the right: as far as that went. */
static bool predict_row(ncr_gdal_ahead *ahead, const ncr_gdal_rect *now, ncr_gdal_rect *next)
{
    const ncr_gdal_rect *last = &ahead->last;
    const bool is_row = now->row1 > last->row1 || now->row0 < last->row0;
    if (!is_row || !ahead->steps_right || now->column0 > ahead->row_column0 + 1 ||
        ahead->row_column0 > now->column0 + 1)
        return false;
    ahead->rows_alike = ahead->has_row && last->column1 == ahead->row_column1 && now->column0 == ahead->row_column0;
    ahead->has_row = true;
    ahead->row_column1 = last->column1;
    ahead->row_column0 = now->column0;
    ahead->steps_right = 0;
    next->column0 = now->column1 + 1;
    next->column1 = last->column1;
    return next->column1 >= next->column0;
}

/* Below a read, as high as it, in these columns. */
static ncr_gdal_rect below(const ncr_gdal_rect *now, uint32_t column0, uint32_t column1)
{
    ncr_gdal_rect next = *now;
    next.row0 = now->row1 + 1;
    next.row1 = now->row1 + (now->row1 - now->row0 + 1);
    next.column0 = column0;
    next.column1 = column1;
    return next;
}

/* Below the last read, in the same columns. */
static bool predict_down(ncr_gdal_ahead *ahead, const ncr_gdal_rect *now, ncr_gdal_rect *next)
{
    const ncr_gdal_rect *last = &ahead->last;
    if (now->column0 != last->column0 || now->column1 != last->column1 || now->row1 <= last->row1 ||
        now->row0 > last->row1 + 1)
        return false;
    if (ahead->steps_down < MOST_STEPS)
        ahead->steps_down++;
    next->row0 = now->row1 + 1;
    next->row1 = now->row1 + (now->row1 - now->row0 + 1) * ahead->steps_down;
    return true;
}

static void begin_anew(ncr_gdal_ahead *ahead, const ncr_gdal_rect *now)
{
    ahead->steps_right = ahead->steps_down = 0;
    ahead->has_row = ahead->rows_alike = ahead->is_walked = false;
    ahead->row_column0 = now->column0;
    ahead->area = *now;
}

/* Beside what was read on and on, or in it. */
static bool is_beside(const ncr_gdal_rect *area, const ncr_gdal_rect *now)
{
    return now->row0 <= area->row1 + 1 && area->row0 <= now->row1 + 1 && now->column0 <= area->column1 + 1 &&
           area->column0 <= now->column1 + 1;
}

/* Not where the last read led to, but beside what was read: the next window of a walk. */
static void come_back(ncr_gdal_ahead *ahead, const ncr_gdal_rect *now)
{
    ahead->steps_right = ahead->steps_down = 0;
    ahead->has_row = ahead->rows_alike = false;
    ahead->row_column0 = now->column0;
    ahead->is_walked = true;
}

/* What follows below: of windows whose rows are alike the next row, of the first row that goes to the right and of a
 * walk what lies below all of it. */
static void plan_below(ncr_gdal_ahead *ahead, const ncr_gdal_rect *now)
{
    const bool is_first_row = ahead->steps_right && ahead->area.row0 == now->row0 && ahead->area.row1 == now->row1;
    ncr_gdal_rect next;
    if (ahead->rows_alike)
        next = below(now, ahead->row_column0, ahead->row_column1);
    else if (is_first_row || ahead->is_walked)
        next = below(now, ahead->area.column0, ahead->area.column1);
    else
        return;
    plan_rect(ahead, &next);
}

/* What this read makes likely, after the one before it. */
static void plan(ncr_gdal_ahead *ahead, const ncr_gdal_rect *now)
{
    ncr_gdal_rect next = *now;
    const bool goes_on = ahead->has_last && ahead->last.level == now->level && ahead->last.plane == now->plane;
    if (goes_on &&
        (predict_right(ahead, now, &next) || predict_row(ahead, now, &next) || predict_down(ahead, now, &next)))
        plan_rect(ahead, &next);
    else if (goes_on && is_beside(&ahead->area, now))
        come_back(ahead, now);
    else
        begin_anew(ahead, now);
    grow(&ahead->area, now);
    plan_below(ahead, now);
}

bool ncr_gdal_ahead_read(ncr_gdal_ahead *ahead, ncr_file *file, ncr_call *call, const nacre_range *ranges, size_t count)
{
    ncr_gdal_rect now;
    if (!ahead->bytes_read)
        ahead->bytes_read = ncr_file_head(file)->size;
    for (size_t i = 0; i < count; i++)
        ahead->bytes_read += ranges[i].length;
    if (!has_index(ahead, file, call) || !find_rect(ahead, ranges, count, &now))
        return false;
    count_used(ahead, &now);
    plan(ahead, &now);
    ahead->last = now;
    ahead->has_last = true;
    return true;
}
