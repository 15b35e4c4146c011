/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "tiff/decode.h"
#include "tiff/samples.h"

/* The header that libtiff decodes a block by: a classic TIFF in the file's byte order with one directory, whose image
 * is exactly one block. For separate planes it has one sample. */

typedef struct builder {
    bool big_endian;
    ncr_buffer entries; /* 12 bytes each */
    ncr_buffer values;  /* those that do not fit into their entries */
    uint32_t values_at; /* place of `values` in the header */
    bool failed;
} builder;

enum { HEADER_SIZE = 8, ENTRY_SIZE = 12, MAX_ENTRIES = 32, VALUES_MAX = 16 * 1024 * 1024 };

static void put(uint8_t *at, uint64_t value, size_t size, bool big_endian)
{
    for (size_t i = 0; i < size; i++)
        at[big_endian ? size - 1 - i : i] = (uint8_t)(value >> (8 * i));
}

/* Adds an entry whose `size` bytes of values are in the file's byte order. */
static void add_bytes(builder *b, unsigned id, unsigned type, uint32_t count, const uint8_t *bytes, size_t size)
{
    uint8_t entry[ENTRY_SIZE] = {0};
    put(entry, id, 2, b->big_endian);
    put(entry + 2, type, 2, b->big_endian);
    put(entry + 4, count, 4, b->big_endian);
    if (size <= 4) {
        memcpy(entry + 8, bytes, size);
    } else {
        put(entry + 8, b->values_at + b->values.size, 4, b->big_endian);
        static const uint8_t padding[1];
        b->failed |= !ncr_buffer_append(&b->values, bytes, size) || !ncr_buffer_append(&b->values, padding, size & 1);
    }
    b->failed |= !ncr_buffer_append(&b->entries, entry, sizeof entry);
}

static void add_number(builder *b, unsigned id, unsigned type, uint64_t value)
{
    uint8_t bytes[4];
    size_t size = ncr_tiff_type_size(type);
    put(bytes, value, size, b->big_endian);
    add_bytes(b, id, type, 1, bytes, size);
}

/* Where the block is and its size: told where a block is decoded, if at all. */
static void add_place(builder *b, unsigned id, size_t *field)
{
    add_number(b, id, NCR_TYPE_LONG, HEADER_SIZE);
    *field = HEADER_SIZE + 2 + b->entries.size - 4;
}

/* The same SHORT for every sample. */
static void add_per_sample(builder *b, unsigned id, unsigned value, unsigned samples)
{
    uint8_t *bytes = malloc((size_t)samples * 2);
    if (!bytes) {
        b->failed = true;
        return;
    }
    for (unsigned i = 0; i < samples; i++)
        put(bytes + 2 * (size_t)i, value, 2, b->big_endian);
    add_bytes(b, id, NCR_TYPE_SHORT, samples, bytes, (size_t)samples * 2);
    free(bytes);
}

/* A tag of the file as it is, where it has it. */
static void add_copy(builder *b, const ncr_tiff_directory *directory, unsigned id)
{
    const ncr_tiff_tag *tag = ncr_tiff_tag_find(directory, id);
    if (!tag || !tag->value || tag->count > VALUES_MAX / 8)
        return;
    size_t unit = ncr_tiff_type_size(tag->type), size = unit * (size_t)tag->count;
    if (tag->type == NCR_TYPE_RATIONAL || tag->type == NCR_TYPE_SRATIONAL)
        unit = 4;
    uint8_t *bytes = malloc(size + 1);
    if (!bytes) {
        b->failed = true;
        return;
    }
    memcpy(bytes, tag->value, size);
    if (b->big_endian != ncr_machine_is_big_endian())
        ncr_swap_bytes(bytes, unit, size / unit);
    add_bytes(b, id, tag->type, (uint32_t)tag->count, bytes, size);
    free(bytes);
}

/* libtiff wants a colour map with a palette, and needs the photometric interpretation only for these. */
static unsigned photometric_for(const ncr_tiff_layout *layout)
{
    bool matters = layout->photometric == NCR_PHOTOMETRIC_RGB || layout->photometric == NCR_PHOTOMETRIC_YCBCR ||
                   layout->photometric == NCR_PHOTOMETRIC_SEPARATED || layout->is_rgba;
    return matters && !layout->is_separate ? layout->photometric : NCR_PHOTOMETRIC_MIN_IS_BLACK;
}

static unsigned sample_format(const ncr_tiff_directory *directory)
{
    return (unsigned)ncr_tiff_uint(directory, NCR_TAG_SAMPLE_FORMAT, NCR_SAMPLE_UINT);
}

/* Entries go in the order of their numbers. */
static void add_entries(builder *b, const ncr_tiff_directory *directory, const ncr_tiff_layout *layout,
                        ncr_tiff_header *header)
{
    unsigned samples = layout->is_separate ? 1 : layout->stored_samples;
    uint32_t rows = header->rows;
    add_number(b, NCR_TAG_IMAGE_WIDTH, NCR_TYPE_LONG, layout->block_width);
    add_number(b, NCR_TAG_IMAGE_LENGTH, NCR_TYPE_LONG, rows);
    add_per_sample(b, NCR_TAG_BITS_PER_SAMPLE, layout->bits, samples);
    add_number(b, NCR_TAG_COMPRESSION, NCR_TYPE_SHORT, layout->compression);
    add_number(b, NCR_TAG_PHOTOMETRIC, NCR_TYPE_SHORT, photometric_for(layout));
    add_number(b, NCR_TAG_FILL_ORDER, NCR_TYPE_SHORT, layout->fill_order == 2 ? 2 : 1);
    if (!layout->is_tiled)
        add_place(b, NCR_TAG_STRIP_OFFSETS, &header->offset_at);
    add_number(b, NCR_TAG_SAMPLES_PER_PIXEL, NCR_TYPE_SHORT, samples);
    if (!layout->is_tiled) {
        add_number(b, NCR_TAG_ROWS_PER_STRIP, NCR_TYPE_LONG, rows);
        add_place(b, NCR_TAG_STRIP_BYTE_COUNTS, &header->size_at);
    }
    add_number(b, NCR_TAG_PLANAR_CONFIG, NCR_TYPE_SHORT, NCR_PLANAR_CONTIG);
    add_copy(b, directory, NCR_TAG_GROUP3_OPTIONS);
    add_copy(b, directory, NCR_TAG_GROUP4_OPTIONS);
    if (layout->predictor != 1 && !header->summed_bits)
        add_number(b, NCR_TAG_PREDICTOR, NCR_TYPE_SHORT, layout->predictor);
    if (layout->is_rgba)
        add_copy(b, directory, NCR_TAG_WHITE_POINT);
    if (layout->is_tiled) {
        add_number(b, NCR_TAG_TILE_WIDTH, NCR_TYPE_LONG, layout->block_width);
        add_number(b, NCR_TAG_TILE_LENGTH, NCR_TYPE_LONG, rows);
        add_place(b, NCR_TAG_TILE_OFFSETS, &header->offset_at);
        add_place(b, NCR_TAG_TILE_BYTE_COUNTS, &header->size_at);
    }
    if (!layout->is_separate)
        add_copy(b, directory, NCR_TAG_EXTRA_SAMPLES);
    add_per_sample(b, NCR_TAG_SAMPLE_FORMAT, sample_format(directory), samples);
    add_copy(b, directory, NCR_TAG_JPEG_TABLES);
    if (layout->is_rgba)
        add_copy(b, directory, NCR_TAG_YCBCR_COEFFICIENTS);
    if (layout->photometric == NCR_PHOTOMETRIC_YCBCR)
        add_copy(b, directory, NCR_TAG_YCBCR_SUBSAMPLING);
    if (layout->is_rgba) {
        add_copy(b, directory, NCR_TAG_YCBCR_POSITIONING);
        add_copy(b, directory, NCR_TAG_REFERENCE_BLACK_WHITE);
    }
    add_copy(b, directory, NCR_TAG_LERC_PARAMETERS);
}

static nacre_status join(builder *b, ncr_tiff_header *header, nacre_error *err)
{
    size_t entries_size = b->entries.size, values_size = b->values.size;
    header->size = b->values_at + values_size;
    header->data = b->failed ? NULL : calloc(1, header->size);
    if (!header->data)
        return ncr_error_memory(err);
    uint8_t *at = header->data;
    memcpy(at, b->big_endian ? "MM" : "II", 2);
    put(at + 2, 42, 2, b->big_endian);
    put(at + 4, HEADER_SIZE, 4, b->big_endian);
    put(at + HEADER_SIZE, entries_size / ENTRY_SIZE, 2, b->big_endian);
    memcpy(at + HEADER_SIZE + 2, b->entries.data, entries_size);
    if (values_size)
        memcpy(at + b->values_at, b->values.data, values_size);
    return NACRE_OK;
}

nacre_status ncr_tiff_header_init(ncr_tiff_header *header, const char *name, const ncr_tiff_index *index,
                                  const ncr_tiff_directory *directory, const ncr_tiff_layout *layout, uint32_t rows,
                                  nacre_error *err)
{
    *header = (ncr_tiff_header){0};
    size_t row_size =
        ncr_tiff_samples_row_size(layout->bits, (size_t)layout->block_width * ncr_tiff_layout_block_samples(layout));
    if (!ncr_size_mul(row_size, rows, &header->decoded_size))
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: rows of %zu bytes", name, row_size);
    header->is_tiled = layout->is_tiled;
    header->is_ycbcr = layout->photometric == NCR_PHOTOMETRIC_YCBCR && !layout->is_rgba;
    header->is_reversed = layout->fill_order == 2;
    if (layout->is_rgba)
        header->rgba_samples = layout->samples;
    header->summed_bits = ncr_tiff_samples_are_differences(layout) ? layout->bits : 0;
    header->samples = ncr_tiff_layout_block_samples(layout);
    header->big_endian = index->big_endian;
    header->width = layout->block_width;
    header->rows = rows;

    /* The place of the values must be known before the entries are: there is room for every entry. */
    builder b = {.big_endian = index->big_endian, .values_at = HEADER_SIZE + 2 + MAX_ENTRIES * ENTRY_SIZE + 4};
    ncr_buffer_init(&b.entries, MAX_ENTRIES * ENTRY_SIZE);
    ncr_buffer_init(&b.values, VALUES_MAX);
    add_entries(&b, directory, layout, header);
    nacre_status status = join(&b, header, err);
    ncr_buffer_clear(&b.entries);
    ncr_buffer_clear(&b.values);
    return status;
}

void ncr_tiff_header_clear(ncr_tiff_header *header)
{
    free(header->data);
    *header = (ncr_tiff_header){0};
}
