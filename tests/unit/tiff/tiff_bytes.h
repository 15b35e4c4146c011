/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TESTS_TIFF_BYTES_H
#define NCR_TESTS_TIFF_BYTES_H

#include <stdbool.h>
#include <string.h>

#include "tiff/index.h"

/* TIFFs made by hand, in either byte order and form. Include after cmocka_all.h. */

enum { TIFF_BYTES_MAX = 1 << 17 };

typedef struct tiff_bytes {
    bool big_endian, is_big;
    size_t size;
    size_t count_at, entries; /* of the directory under way */
    size_t link_at;           /* where the offset of the next directory goes */
    uint8_t data[TIFF_BYTES_MAX];
} tiff_bytes;

static inline void tiff_put(tiff_bytes *t, size_t at, uint64_t value, size_t size)
{
    assert_true(at + size <= TIFF_BYTES_MAX);
    for (size_t i = 0; i < size; i++)
        t->data[at + (t->big_endian ? size - 1 - i : i)] = (uint8_t)(value >> (8 * i));
    t->size = at + size > t->size ? at + size : t->size;
}

static inline size_t tiff_word(const tiff_bytes *t)
{
    return t->is_big ? 8 : 4;
}

static inline void tiff_begin(tiff_bytes *t, bool big_endian, bool is_big)
{
    memset(t, 0, sizeof *t);
    t->big_endian = big_endian;
    t->is_big = is_big;
    memcpy(t->data, big_endian ? "MM" : "II", 2);
    tiff_put(t, 2, is_big ? 43 : 42, 2);
    if (is_big)
        tiff_put(t, 4, 8, 2);
    t->link_at = is_big ? 8 : 4;
    t->size = is_big ? 16 : 8;
}

/* Begins a directory with room for `entries` tags at the end of what is there. */
static inline void tiff_directory(tiff_bytes *t, size_t entries)
{
    size_t at = t->size + t->size % 2, count_size = t->is_big ? 8 : 2;
    tiff_put(t, t->link_at, at, tiff_word(t));
    tiff_put(t, at, entries, count_size);
    t->count_at = at;
    t->entries = 0;
    t->link_at = at + count_size + entries * (t->is_big ? 20 : 12);
    tiff_put(t, t->link_at, 0, tiff_word(t));
}

static inline size_t tiff_entry_at(const tiff_bytes *t, size_t index)
{
    return t->count_at + (t->is_big ? 8 : 2) + index * (t->is_big ? 20 : 12);
}

/* Adds a tag whose value field is `field` as it is. */
static inline void tiff_raw_tag(tiff_bytes *t, unsigned id, unsigned type, uint64_t count, uint64_t field, size_t size)
{
    size_t at = tiff_entry_at(t, t->entries++);
    tiff_put(t, at, id, 2);
    tiff_put(t, at + 2, type, 2);
    tiff_put(t, at + 4, count, tiff_word(t));
    tiff_put(t, at + 4 + tiff_word(t), field, size);
}

/* Adds a tag of whole numbers, inline where they fit. */
static inline void tiff_tag(tiff_bytes *t, unsigned id, unsigned type, const uint64_t *values, size_t count)
{
    size_t unit = ncr_tiff_type_size(type), at = tiff_entry_at(t, t->entries) + 4 + tiff_word(t);
    if (unit * count > tiff_word(t)) {
        tiff_raw_tag(t, id, type, count, t->size + t->size % 2, tiff_word(t));
        at = t->size + t->size % 2;
    } else {
        tiff_raw_tag(t, id, type, count, 0, tiff_word(t));
    }
    for (size_t i = 0; i < count; i++)
        tiff_put(t, at + i * unit, values[i], unit);
}

static inline void tiff_tag1(tiff_bytes *t, unsigned id, unsigned type, uint64_t value)
{
    tiff_tag(t, id, type, &value, 1);
}

/* A directory of a gray 8-bit image in strips of 4 rows, whose strips lie at 8, 8 + 4 * width... of size 4 * width. */
static inline void tiff_image(tiff_bytes *t, unsigned width, unsigned height, unsigned subfile)
{
    uint64_t offsets[64], sizes[64];
    size_t strips = (height + 3) / 4;
    assert_true(strips <= 64);
    for (size_t i = 0; i < strips; i++) {
        offsets[i] = 8 + i * 4 * width;
        sizes[i] = 4 * (uint64_t)width;
    }
    tiff_directory(t, 9);
    tiff_tag1(t, NCR_TAG_NEW_SUBFILE_TYPE, NCR_TYPE_LONG, subfile);
    tiff_tag1(t, NCR_TAG_IMAGE_WIDTH, NCR_TYPE_SHORT, width);
    tiff_tag1(t, NCR_TAG_IMAGE_LENGTH, NCR_TYPE_LONG, height);
    tiff_tag1(t, NCR_TAG_BITS_PER_SAMPLE, NCR_TYPE_SHORT, 8);
    tiff_tag1(t, NCR_TAG_COMPRESSION, NCR_TYPE_SHORT, 1);
    tiff_tag1(t, NCR_TAG_PHOTOMETRIC, NCR_TYPE_SHORT, 1);
    tiff_tag(t, NCR_TAG_STRIP_OFFSETS, NCR_TYPE_LONG, offsets, strips);
    tiff_tag1(t, NCR_TAG_ROWS_PER_STRIP, NCR_TYPE_LONG, 4);
    tiff_tag(t, NCR_TAG_STRIP_BYTE_COUNTS, NCR_TYPE_LONG, sizes, strips);
}

#endif
