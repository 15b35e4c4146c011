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

/* Immutable; cached as NCR_VALUE_TIFF_INDEX with a = the directory's number + 1. */
struct ncr_tiff_blocks {
    ncr_value value;
    ncr_tiff_tag arrays[ARRAYS]; /* values owned; NULL where the index has them */
};

static void free_blocks(ncr_value *value)
{
    ncr_tiff_blocks *blocks = (ncr_tiff_blocks *)value;
    free(blocks->arrays[OFFSETS].value);
    free(blocks->arrays[SIZES].value);
    free(blocks);
}

static ncr_value_key key_of(const ncr_tiff_level *level)
{
    return (ncr_value_key){NCR_VALUE_TIFF_INDEX, level->number + 1, 0};
}

/* Some writers name the arrays of tiles as those of strips, and the reverse; libtiff reads both. */
static const ncr_tiff_tag *index_tag(const ncr_tiff_level *level, int array)
{
    static const unsigned ids[2][ARRAYS] = {{NCR_TAG_STRIP_OFFSETS, NCR_TAG_STRIP_BYTE_COUNTS},
                                            {NCR_TAG_TILE_OFFSETS, NCR_TAG_TILE_BYTE_COUNTS}};
    bool is_tiled = level->layout.is_tiled;
    const ncr_tiff_tag *tag = ncr_tiff_tag_find(level->directory, ids[is_tiled][array]);
    return tag ? tag : ncr_tiff_tag_find(level->directory, ids[!is_tiled][array]);
}

static bool is_in_index(const ncr_tiff_level *level)
{
    for (int i = 0; i < ARRAYS; i++) {
        const ncr_tiff_tag *tag = index_tag(level, i);
        if (tag && !tag->value)
            return false;
    }
    return true;
}

/* Gives the level its arrays, unless another thread was first. Takes over the reference. */
static void keep(ncr_tiff_level *level, ncr_tiff_blocks *blocks)
{
    ncr_tiff_blocks *none = NULL;
    if (!atomic_compare_exchange_strong(&level->blocks, &none, blocks))
        ncr_value_unref(&blocks->value);
}

bool ncr_tiff_blocks_known(ncr_tiff_level *level, const ncr_pin *pin)
{
    if (is_in_index(level) || atomic_load(&level->blocks))
        return true;
    ncr_value *cached = ncr_cache_value_get(pin, key_of(level), NULL);
    if (!cached)
        return false;
    keep(level, (ncr_tiff_blocks *)cached);
    return true;
}

static nacre_status check_array(const char *name, const ncr_tiff_level *level, int array, nacre_error *err)
{
    const ncr_tiff_tag *tag = index_tag(level, array);
    const char *what = array == OFFSETS ? "offsets" : "byte counts";
    if (!tag && array == SIZES && level->layout.compression == COMPRESSION_NONE)
        return NACRE_OK; /* their size follows */
    if (!tag)
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: directory %u has no %s of blocks", name, level->number + 1,
                             what);
    if (tag->type != NCR_TYPE_SHORT && tag->type != NCR_TYPE_LONG && tag->type != NCR_TYPE_LONG8)
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: directory %u has %s of blocks of field type %u", name,
                             level->number + 1, what, tag->type);
    if (tag->count < level->layout.block_count)
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: directory %u has %" PRIu64 " %s for %" PRIu64 " blocks",
                             name, level->number + 1, tag->count, what, level->layout.block_count);
    return NACRE_OK;
}

nacre_status ncr_tiff_blocks_needs(const char *name, const ncr_tiff_level *level, const ncr_call *call,
                                   ncr_tiff_need needs[2], nacre_error *err)
{
    int64_t limit = ncr_config_number(call->config, NCR_KEY_LIMIT_DIRECTORIES);
    uint64_t sum = 0;
    for (int i = 0; i < ARRAYS; i++) {
        needs[i] = (ncr_tiff_need){0};
        nacre_status status = check_array(name, level, i, err);
        if (status != NACRE_OK)
            return status;
        const ncr_tiff_tag *tag = index_tag(level, i);
        if (!tag || tag->value)
            continue;
        /* No overflow: the parser has found count values inside the file, and block_count is not more. */
        needs[i].offset = tag->offset;
        needs[i].length = (size_t)level->layout.block_count * ncr_tiff_type_size(tag->type);
        sum += needs[i].length;
    }
    if (limit >= 0 && sum > (uint64_t)limit)
        return ncr_error_set(err, NACRE_ERROR_TOO_LARGE,
                             "%s: the index of its blocks has %" PRIu64 " bytes, more than %" PRId64
                             " (limit.directories)",
                             name, sum, limit);
    return NACRE_OK;
}

static nacre_status copy_array(const char *name, const ncr_tiff_index *index, const ncr_tiff_level *level, int array,
                               const ncr_slice *slice, ncr_tiff_tag *out, nacre_error *err)
{
    const ncr_tiff_tag *tag = index_tag(level, array);
    if (!tag || tag->value)
        return NACRE_OK;
    size_t unit = ncr_tiff_type_size(tag->type), size = (size_t)level->layout.block_count * unit;
    if (slice->size < size)
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: %zu bytes at byte %" PRIu64 " could not be read whole",
                             name, size, tag->offset);
    *out = *tag;
    out->count = level->layout.block_count;
    out->value = malloc(size);
    if (!out->value)
        return ncr_error_memory(err);
    memcpy(out->value, slice->data, size);
    if (index->big_endian != ncr_machine_is_big_endian())
        ncr_swap_bytes(out->value, unit, size / unit);
    return NACRE_OK;
}

nacre_status ncr_tiff_blocks_set(const char *name, const ncr_tiff_index *index, ncr_tiff_level *level,
                                 const ncr_pin *pin, const ncr_slice slices[2], nacre_error *err)
{
    ncr_tiff_blocks *blocks = calloc(1, sizeof *blocks);
    if (!blocks)
        return ncr_error_memory(err);
    atomic_init(&blocks->value.references, 1);
    blocks->value.free = free_blocks;
    blocks->value.size =
        ncr_alloc_size(sizeof *blocks) + ncr_alloc_size(slices[OFFSETS].size) + ncr_alloc_size(slices[SIZES].size);
    nacre_status status = NACRE_OK;
    for (int i = 0; i < ARRAYS && status == NACRE_OK; i++)
        status = copy_array(name, index, level, i, &slices[i], &blocks->arrays[i], err);
    if (status != NACRE_OK) {
        free_blocks(&blocks->value);
        return status;
    }
    ncr_cache_value_put(pin, key_of(level), &blocks->value);
    keep(level, blocks);
    return NACRE_OK;
}

void ncr_tiff_blocks_clear(ncr_tiff_level *level)
{
    ncr_tiff_blocks *blocks = atomic_exchange(&level->blocks, NULL);
    if (blocks)
        ncr_value_unref(&blocks->value);
}

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

static bool array_get(const ncr_tiff_level *level, int array, uint64_t number, uint64_t *out)
{
    const ncr_tiff_tag *tag = index_tag(level, array);
    const ncr_tiff_blocks *blocks = atomic_load(&level->blocks);
    if (tag && !tag->value && blocks)
        tag = &blocks->arrays[array];
    return ncr_tiff_tag_uint(tag, number, out);
}

/* Bytes of an uncompressed block whose file tells none. */
static uint64_t plain_size(const ncr_tiff_layout *layout, uint64_t number)
{
    uint32_t block_y = (uint32_t)(number / layout->blocks_across % layout->blocks_down);
    uint64_t samples = layout->is_separate ? 1 : layout->stored_samples;
    return ncr_tiff_samples_row_size(layout->bits, layout->block_width * samples) *
           ncr_tiff_layout_block_rows(layout, block_y);
}

nacre_status ncr_tiff_block_find(const char *name, const ncr_tiff_index *index, const ncr_tiff_level *level,
                                 uint64_t number, uint64_t *offset, uint64_t *size, nacre_error *err)
{
    char block[NCR_TIFF_BLOCK_NAME_SIZE];
    *size = plain_size(&level->layout, number);
    if (!array_get(level, OFFSETS, number, offset) ||
        (index_tag(level, SIZES) && !array_get(level, SIZES, number, size)))
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: directory %u tells too few blocks", name,
                             level->number + 1);
    if (!*offset && (!*size || !index_tag(level, SIZES))) {
        *size = 0;
        return NACRE_OK;
    }
    ncr_tiff_block_name(level, number, block);
    if (!*offset || !*size)
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: %s has %" PRIu64 " bytes at byte %" PRIu64, name, block,
                             *size, *offset);
    if (*offset > index->file_size || *size > index->file_size - *offset)
        return ncr_error_set(err, NACRE_ERROR_CORRUPT,
                             "%s: %s has %" PRIu64 " bytes at byte %" PRIu64 ", beyond the end of the file (%" PRIu64
                             " bytes)",
                             name, block, *size, *offset, index->file_size);
    return NACRE_OK;
}
