/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>

#include "tiff/blocks.h"
#include "tiff/dataset.h"
#include "tiff/decode.h"
#include "tiff/samples.h"

/* The input is a whole TIFF: its directories are read with little at hand at first, a dataset is made of them, and the
 * first blocks of each image are decoded. */

enum { HEAD = 64, MEMORY = 1 << 20, STEPS = 64, LEVELS = 8, BLOCKS = 4, BLOCK_MAX = 1 << 18 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ncr_tiff_index *parse(const uint8_t *data, size_t size)
{
    ncr_tiff_parser *parser = NULL;
    ncr_tiff_index *index = NULL;
    nacre_status status = ncr_tiff_parser_new("fuzz", size, MEMORY, &parser, NULL);
    if (status == NACRE_OK)
        status = ncr_tiff_parser_add(parser, 0, data, size < HEAD ? size : HEAD, NULL);
    for (int i = 0; i < STEPS && status == NACRE_OK && !index; i++) {
        const ncr_tiff_need *needs;
        size_t count;
        status = ncr_tiff_parser_step(parser, &needs, &count, &index, NULL);
        for (size_t j = 0; j < count && status == NACRE_OK; j++)
            status = ncr_tiff_parser_add(parser, needs[j].offset, data + needs[j].offset, needs[j].length, NULL);
    }
    ncr_tiff_parser_free(parser);
    return index;
}

static void decode(const ncr_tiff_dataset *dataset, const ncr_tiff_level *level, uint64_t number, const uint8_t *data)
{
    uint64_t offset, size;
    ncr_tiff_header header;
    char message[NCR_TIFF_MESSAGE_SIZE];
    ncr_tiff_blocks blocks;
    nacre_status status = ncr_tiff_blocks_begin(&blocks, "fuzz", dataset->index, level, NULL, NULL);
    if (status == NACRE_OK)
        status = ncr_tiff_blocks_find(&blocks, number, &offset, &size, NULL);
    ncr_tiff_blocks_clear(&blocks);
    if (status != NACRE_OK || !size)
        return;
    uint32_t row = (uint32_t)(number / level->layout.blocks_across % level->layout.blocks_down);
    uint32_t rows = ncr_tiff_layout_block_rows(&level->layout, row);
    if (ncr_tiff_header_init(&header, "fuzz", dataset->index, level->directory, &level->layout, rows, NULL) != NACRE_OK)
        return;
    size_t row_values = (size_t)level->layout.block_width * ncr_tiff_layout_block_samples(&level->layout);
    uint8_t *decoded = malloc(header.decoded_size + 1), *out = malloc(level->layout.block_size + 1);
    if (decoded && out && ncr_tiff_decode(&header, data + offset, (size_t)size, decoded, message) == NACRE_OK &&
        ncr_tiff_samples_are_packed(&level->layout))
        ncr_tiff_samples_unpack(&level->layout, decoded, row_values, rows, out);
    free(decoded);
    free(out);
    ncr_tiff_header_clear(&header);
}

static void decode_levels(const ncr_tiff_dataset *dataset, const ncr_tiff_level *levels, const uint8_t *data)
{
    for (int i = 0; levels && i < dataset->level_count && i < LEVELS; i++)
        for (uint64_t number = 0; number < BLOCKS && number < levels[i].layout.block_count; number++)
            if (levels[i].layout.block_size <= BLOCK_MAX)
                decode(dataset, &levels[i], number, data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ncr_tiff_index *index = parse(data, size);
    ncr_tiff_dataset *dataset = NULL;
    if (!index)
        return 0;
    if (ncr_tiff_dataset_new("fuzz", NULL, index, &dataset, NULL) == NACRE_OK) {
        decode_levels(dataset, dataset->images, data);
        decode_levels(dataset, dataset->masks, data);
        ncr_dataset_unref(&dataset->base);
    }
    ncr_value_unref(&index->value);
    return 0;
}
