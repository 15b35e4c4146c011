/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tiff/blocks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tiff.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "tiff/samples.h"

enum { OFFSETS, SIZES, ARRAYS };

/* Values of a part. Immutable; cached as NCR_VALUE_TIFF_INDEX with a = the directory's number + 1, b = twice the part's
 * number, and 1 for byte counts. */
typedef struct values {
    ncr_value value;
    ncr_tiff_tag tag; /* owned, of these values alone */
} values;

struct ncr_tiff_part {
    uint64_t number;
    values *values;  /* referenced; NULL: not known */
    ncr_slice slice; /* what was asked for */
    bool is_asked;
};

/* --- The arrays --- */

/* Some writers name the arrays of tiles as those of strips, and the reverse; libtiff reads both. */
static const ncr_tiff_tag *index_tag(const ncr_tiff_level *level, int array)
{
    static const unsigned ids[2][ARRAYS] = {{NCR_TAG_STRIP_OFFSETS, NCR_TAG_STRIP_BYTE_COUNTS},
                                            {NCR_TAG_TILE_OFFSETS, NCR_TAG_TILE_BYTE_COUNTS}};
    bool is_tiled = level->layout.is_tiled;
    const ncr_tiff_tag *tag = ncr_tiff_tag_find(level->directory, ids[is_tiled][array]);
    return tag ? tag : ncr_tiff_tag_find(level->directory, ids[!is_tiled][array]);
}

/* Blocks that the arrays tell. */
static uint64_t stored_count(const ncr_tiff_level *level)
{
    return level->layout.is_chopped ? 1 : level->layout.block_count;
}

static nacre_status check_array(const char *name, const ncr_tiff_level *level, int array, nacre_error *err)
{
    const ncr_tiff_tag *tag = index_tag(level, array);
    const char *what = array == OFFSETS ? "offsets" : "byte counts";
    if (!tag && array == SIZES && (level->layout.compression == COMPRESSION_NONE || stored_count(level) == 1))
        return NACRE_OK; /* their size follows: see mend_size() */
    if (!tag)
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: directory %u has no %s of blocks", name, level->number + 1,
                             what);
    if (tag->type != NCR_TYPE_SHORT && tag->type != NCR_TYPE_LONG && tag->type != NCR_TYPE_LONG8)
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: directory %u has %s of blocks of field type %u", name,
                             level->number + 1, what, tag->type);
    if (tag->count < stored_count(level))
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: directory %u has %" PRIu64 " %s for %" PRIu64 " blocks",
                             name, level->number + 1, tag->count, what, stored_count(level));
    return NACRE_OK;
}

nacre_status ncr_tiff_blocks_begin(ncr_tiff_blocks *blocks, const char *name, const ncr_tiff_index *index,
                                   const ncr_tiff_level *level, ncr_file *file, nacre_error *err)
{
    *blocks = (ncr_tiff_blocks){.name = name, .index = index, .level = level, .file = file};
    nacre_status status = check_array(name, level, OFFSETS, err);
    return status == NACRE_OK ? check_array(name, level, SIZES, err) : status;
}

void ncr_tiff_blocks_clear(ncr_tiff_blocks *blocks)
{
    for (int array = 0; array < ARRAYS; array++) {
        ncr_tiff_part_list *list = &blocks->lists[array];
        for (size_t i = 0; i < list->count; i++) {
            ncr_slice_clear(&list->items[i].slice);
            if (list->items[i].values)
                ncr_value_unref(&list->items[i].values->value);
        }
        free(list->items);
    }
    *blocks = (ncr_tiff_blocks){0};
}

/* --- Parts of the arrays --- */

static size_t position_of(const ncr_tiff_part_list *list, uint64_t number)
{
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list->items[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static nacre_status touch(ncr_tiff_blocks *blocks, int array, uint64_t number, nacre_error *err)
{
    const ncr_tiff_tag *tag = index_tag(blocks->level, array);
    if (!tag || tag->value)
        return NACRE_OK;
    ncr_tiff_part_list *list = &blocks->lists[array];
    number /= NCR_TIFF_PART;
    size_t at = position_of(list, number);
    if (at < list->count && list->items[at].number == number)
        return NACRE_OK;
    if (!ncr_array_reserve(&list->items, &list->capacity, list->count + 1, sizeof *list->items))
        return ncr_error_memory(err);
    memmove(list->items + at + 1, list->items + at, (list->count - at) * sizeof *list->items);
    list->items[at] = (ncr_tiff_part){.number = number};
    list->count++;
    return NACRE_OK;
}

nacre_status ncr_tiff_blocks_touch(ncr_tiff_blocks *blocks, uint64_t number, nacre_error *err)
{
    number = blocks->level->layout.is_chopped ? 0 : number;
    nacre_status status = touch(blocks, OFFSETS, number, err);
    return status == NACRE_OK ? touch(blocks, SIZES, number, err) : status;
}

nacre_status ncr_tiff_blocks_touch_offset(ncr_tiff_blocks *blocks, uint64_t number, nacre_error *err)
{
    nacre_status status = touch(blocks, OFFSETS, number, err);
    return status == NACRE_OK ? touch(blocks, OFFSETS, number + 1, err) : status;
}

static ncr_value_key key_of(const ncr_tiff_blocks *blocks, int array, uint64_t number)
{
    return (ncr_value_key){NCR_VALUE_TIFF_INDEX, blocks->level->number + 1, 2 * number + (array == SIZES)};
}

/* Values of a part: the last one has fewer. */
static size_t part_values(const ncr_tiff_blocks *blocks, uint64_t number)
{
    uint64_t left = stored_count(blocks->level) - number * NCR_TIFF_PART;
    return left < NCR_TIFF_PART ? (size_t)left : NCR_TIFF_PART;
}

static nacre_status ask_part(ncr_tiff_blocks *blocks, int array, ncr_tiff_part *part, ncr_call *call, ncr_wants *wants,
                             uint64_t *sum, nacre_error *err)
{
    part->values = (values *)ncr_cache_value_get(ncr_file_pin(blocks->file), key_of(blocks, array, part->number), call);
    if (part->values)
        return NACRE_OK;
    /* No overflow: the parser has found all values inside the file. */
    const ncr_tiff_tag *tag = index_tag(blocks->level, array);
    size_t unit = ncr_tiff_type_size(tag->type);
    ncr_want want = {.kind = NCR_WANT_READ,
                     .file = blocks->file,
                     .offset = tag->offset + part->number * NCR_TIFF_PART * unit,
                     .length = part_values(blocks, part->number) * unit,
                     .slice_out = &part->slice};
    *sum += want.length;
    part->is_asked = true;
    return ncr_wants_add(wants, &want, err);
}

nacre_status ncr_tiff_blocks_ask(ncr_tiff_blocks *blocks, ncr_call *call, ncr_wants *wants, bool *more,
                                 nacre_error *err)
{
    int64_t limit = ncr_config_number(call->config, NCR_KEY_LIMIT_DIRECTORIES);
    uint64_t sum = 0;
    nacre_status status = NACRE_OK;
    for (int array = 0; array < ARRAYS; array++)
        for (size_t i = 0; i < blocks->lists[array].count && status == NACRE_OK; i++) {
            ncr_tiff_part *part = &blocks->lists[array].items[i];
            if (!part->values)
                status = ask_part(blocks, array, part, call, wants, &sum, err);
        }
    *more = status == NACRE_OK && sum;
    if (status == NACRE_OK && limit >= 0 && sum > (uint64_t)limit)
        return ncr_error_set(err, NACRE_ERROR_TOO_LARGE,
                             "%s: the places of its blocks have %" PRIu64 " bytes, more than %" PRId64
                             " (limit.directories)",
                             blocks->name, sum, limit);
    return status;
}

static void free_values(ncr_value *value)
{
    free(((values *)value)->tag.value);
    free(value);
}

static nacre_status take_part(ncr_tiff_blocks *blocks, int array, ncr_tiff_part *part, nacre_error *err)
{
    const ncr_tiff_tag *tag = index_tag(blocks->level, array);
    size_t unit = ncr_tiff_type_size(tag->type), count = part_values(blocks, part->number), size = count * unit;
    if (part->slice.size < size)
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: %zu bytes at byte %" PRIu64 " could not be read whole",
                             blocks->name, size, tag->offset + part->number * NCR_TIFF_PART * unit);
    values *taken = calloc(1, sizeof *taken);
    void *data = malloc(size);
    if (!taken || !data) {
        free(taken);
        free(data);
        return ncr_error_memory(err);
    }
    memcpy(data, part->slice.data, size);
    if (blocks->index->big_endian != ncr_machine_is_big_endian())
        ncr_swap_bytes(data, unit, count);
    taken->tag = (ncr_tiff_tag){.id = tag->id, .type = tag->type, .count = count, .value = data};
    atomic_init(&taken->value.references, 1);
    taken->value.free = free_values;
    taken->value.size = ncr_alloc_size(sizeof *taken) + ncr_alloc_size(size);
    ncr_slice_clear(&part->slice);
    part->slice = (ncr_slice){0};
    part->is_asked = false;
    part->values = taken;
    ncr_cache_value_put(ncr_file_pin(blocks->file), key_of(blocks, array, part->number), &taken->value);
    return NACRE_OK;
}

nacre_status ncr_tiff_blocks_arrived(ncr_tiff_blocks *blocks, nacre_error *err)
{
    nacre_status status = NACRE_OK;
    for (int array = 0; array < ARRAYS; array++)
        for (size_t i = 0; i < blocks->lists[array].count && status == NACRE_OK; i++)
            if (blocks->lists[array].items[i].is_asked)
                status = take_part(blocks, array, &blocks->lists[array].items[i], err);
    return status;
}

static bool array_get(const ncr_tiff_blocks *blocks, int array, uint64_t number, uint64_t *out)
{
    const ncr_tiff_tag *tag = index_tag(blocks->level, array);
    if (!tag || tag->value)
        return ncr_tiff_tag_uint(tag, number, out);
    const ncr_tiff_part_list *list = &blocks->lists[array];
    size_t at = position_of(list, number / NCR_TIFF_PART);
    if (at == list->count || list->items[at].number != number / NCR_TIFF_PART || !list->items[at].values)
        return false;
    return ncr_tiff_tag_uint(&list->items[at].values->tag, number % NCR_TIFF_PART, out);
}

/* --- Places --- */

void ncr_tiff_block_name(const ncr_tiff_level *level, uint64_t number, char out[NCR_TIFF_BLOCK_NAME_SIZE])
{
    const ncr_tiff_layout *layout = &level->layout;
    uint64_t plane = (uint64_t)layout->blocks_across * layout->blocks_down, within = number % plane;
    int used = snprintf(out, NCR_TIFF_BLOCK_NAME_SIZE, "block (%" PRIu64 ", %" PRIu64 ")",
                        within % layout->blocks_across, within / layout->blocks_across);
    if (layout->is_separate)
        used += snprintf(out + used, NCR_TIFF_BLOCK_NAME_SIZE - (size_t)used, " of band %" PRIu64, number / plane + 1);
    if (level->number)
        snprintf(out + used, NCR_TIFF_BLOCK_NAME_SIZE - (size_t)used, " of directory %u", level->number + 1);
}

/* Bytes of an uncompressed block, the last one of a strip perhaps with fewer rows. */
static uint64_t plain_size(const ncr_tiff_layout *layout, uint64_t number)
{
    uint32_t block_y = (uint32_t)(number / layout->blocks_across % layout->blocks_down);
    uint64_t samples = layout->is_separate ? 1 : layout->stored_samples;
    return ncr_tiff_samples_row_size(layout->bits, layout->block_width * samples) *
           ncr_tiff_layout_block_rows(layout, block_y);
}

/* The part of the one strip that is a block of a chopped image. */
static nacre_status find_chopped(const ncr_tiff_blocks *blocks, uint64_t number, uint64_t *offset, uint64_t *size,
                                 nacre_error *err)
{
    const ncr_tiff_layout *layout = &blocks->level->layout;
    uint64_t whole = plain_size(layout, 0), before = number * whole, strip = *size, wanted = plain_size(layout, number);
    if (before > strip || wanted > strip - before)
        return ncr_error_set(err, NACRE_ERROR_CORRUPT,
                             "%s: its strip has %" PRIu64 " bytes, fewer than %" PRIu64 " by %" PRIu64 " pixels need",
                             blocks->name, strip, (uint64_t)layout->width, (uint64_t)layout->height);
    *offset += before;
    *size = wanted;
    return NACRE_OK;
}

/* Byte counts that are missing or cannot be, as libtiff mends them where what they should be follows from the rest: an
 * uncompressed block has the bytes of its pixels, and a single block reaches to the end of the file. A count that is
 * too small stays an error, and so do several blocks of zero bytes, which GDAL takes for sparse ones. */
static uint64_t mend_size(const ncr_tiff_blocks *blocks, uint64_t number, uint64_t offset, uint64_t size)
{
    const ncr_tiff_layout *layout = &blocks->level->layout;
    bool is_single = stored_count(blocks->level) == 1;
    uint64_t file_size = blocks->index->file_size;
    if (layout->compression != COMPRESSION_NONE)
        return is_single && !size && offset < file_size ? file_size - offset : size;
    if (layout->is_rgba) /* chroma may be subsampled */
        return size;
    uint64_t row = ncr_tiff_samples_row_size(layout->bits, (size_t)layout->block_width *
                                                               (layout->is_separate ? 1 : layout->stored_samples));
    uint64_t whole = layout->is_chopped ? row * layout->height : plain_size(layout, number);
    return size > whole || (is_single && !size) ? whole : size;
}

static nacre_status check_place(const ncr_tiff_blocks *blocks, uint64_t number, uint64_t offset, uint64_t size,
                                nacre_error *err)
{
    char block[NCR_TIFF_BLOCK_NAME_SIZE];
    uint64_t file_size = blocks->index->file_size;
    ncr_tiff_block_name(blocks->level, number, block);
    if (!offset || !size)
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: %s has %" PRIu64 " bytes at byte %" PRIu64, blocks->name,
                             block, size, offset);
    if (offset > file_size || size > file_size - offset)
        return ncr_error_set(err, NACRE_ERROR_CORRUPT,
                             "%s: %s has %" PRIu64 " bytes at byte %" PRIu64 ", beyond the end of the file (%" PRIu64
                             " bytes)",
                             blocks->name, block, size, offset, file_size);
    return NACRE_OK;
}

nacre_status ncr_tiff_blocks_find(const ncr_tiff_blocks *blocks, uint64_t number, uint64_t *offset, uint64_t *size,
                                  nacre_error *err)
{
    const ncr_tiff_level *level = blocks->level;
    uint64_t stored = level->layout.is_chopped ? 0 : number;
    bool has_sizes = index_tag(level, SIZES);
    *size = plain_size(&level->layout, number);
    if (!array_get(blocks, OFFSETS, stored, offset) || (has_sizes && !array_get(blocks, SIZES, stored, size)))
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: directory %u tells too few blocks", blocks->name,
                             level->number + 1);
    if (!*offset && (!*size || !has_sizes)) {
        *size = 0;
        return NACRE_OK;
    }
    nacre_status status = NACRE_OK;
    bool is_known = has_sizes || level->layout.compression == COMPRESSION_NONE;
    *size = mend_size(blocks, number, *offset, is_known ? *size : 0);
    if (level->layout.is_chopped)
        status = find_chopped(blocks, number, offset, size, err);
    return status == NACRE_OK ? check_place(blocks, number, *offset, *size, err) : status;
}

/* --- Leaders and trailers of GDAL's COG layout --- */

enum { LEADER = 4, TRAILER = 4, LED_SLACK = 65536 };

bool ncr_tiff_blocks_have_leaders(const ncr_tiff_blocks *blocks)
{
    const ncr_tiff_tag *sizes = index_tag(blocks->level, SIZES);
    ncr_tiff_role role = blocks->level->directory->role;
    return blocks->index->has_leaders && sizes && !sizes->value && !blocks->level->layout.is_separate &&
           (role == NCR_TIFF_ROLE_IMAGE || role == NCR_TIFF_ROLE_OVERVIEW);
}

bool ncr_tiff_blocks_find_led(const ncr_tiff_blocks *blocks, uint64_t number, uint64_t *offset, uint64_t *size)
{
    uint64_t at, next;
    *offset = *size = 0;
    if (!array_get(blocks, OFFSETS, number, &at) || (at && at < LEADER))
        return false;
    if (!at)
        return true;
    if (!array_get(blocks, OFFSETS, number + 1, &next) || next <= at || next > blocks->index->file_size ||
        next - at > 2 * (uint64_t)blocks->level->layout.block_size + LED_SLACK)
        return false;
    *offset = at - LEADER;
    *size = next - at;
    return true;
}

bool ncr_tiff_blocks_unwrap(const ncr_tiff_index *index, const ncr_slice *led, ncr_slice *block)
{
    size_t around = LEADER + (index->has_trailers ? TRAILER : 0);
    if (led->size <= around)
        return false;
    size_t size = ncr_read_u32(led->data, false);
    if (size < TRAILER || size > led->size - around)
        return false;
    *block = (ncr_slice){.data = led->data + LEADER, .size = size};
    return !index->has_trailers || !memcmp(block->data + size - TRAILER, block->data + size, TRAILER);
}

uint64_t ncr_tiff_blocks_with_mask(const ncr_tiff_blocks *masks, uint64_t number, uint64_t offset, uint64_t size)
{
    uint64_t mask_offset, mask_size, end = offset + size;
    if (ncr_tiff_blocks_find(masks, number, &mask_offset, &mask_size, NULL) != NACRE_OK || !mask_size)
        return size;
    bool is_behind = mask_offset >= end && mask_offset - end <= LEADER + TRAILER;
    return is_behind && mask_size <= LED_SLACK ? mask_offset + mask_size - offset : size;
}
