/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "content.h"

#include <stdio.h>
#include <string.h>

#define CONTENT_MIX 2654435761u

enum { DESCRIPTION = 224, TABLES = 320 };

unsigned content_height(uint32_t value)
{
    return CONTENT_TILE * (2 + value * CONTENT_MIX % 3);
}

static unsigned tile_count(uint32_t value)
{
    return 2 * content_height(value) / CONTENT_TILE;
}

size_t content_size(uint32_t value)
{
    size_t more = value % CONTENT_FEW == 0 ? CONTENT_MORE : 0;
    return CONTENT_HEADER + (size_t)tile_count(value) * CONTENT_TILE_BYTES + more;
}

static void unit(uint32_t value, size_t offset, uint32_t out[4])
{
    out[0] = value;
    out[1] = value * CONTENT_MIX;
    out[2] = (uint32_t)(offset / 16);
    out[3] = ~value;
}

static void put_entry(uint8_t **at, unsigned tag, unsigned type, uint32_t count, uint32_t value)
{
    const uint16_t head[2] = {(uint16_t)tag, (uint16_t)type};
    memcpy(*at, head, 4);
    memcpy(*at + 4, &count, 4);
    memcpy(*at + 8, &value, 4);
    *at += 12;
}

static void fill_header(uint32_t value, uint8_t out[CONTENT_HEADER])
{
    enum { BITS = 192, EXTRA = 200, FORMAT = 208, OFFSETS = 256, COUNTS = 288, SHORT = 3, LONG = 4, TEXT = 2 };
    const uint16_t bits[4] = {32, 32, 32, 32}, none[3] = {0, 0, 0}, format[4] = {1, 1, 1, 1}, entries = 14;
    uint32_t tiles = tile_count(value);
    for (size_t at = 0; at < CONTENT_HEADER; at += 16) {
        uint32_t words[4];
        unit(value, at, words);
        memcpy(out + at, words, 16);
    }
    memset(out, 0, TABLES);
    memcpy(out, "II*\0\10\0\0\0", 8);
    memcpy(out + 8, &entries, 2);
    uint8_t *at = out + 10;
    put_entry(&at, 256, LONG, 1, CONTENT_WIDTH);
    put_entry(&at, 257, LONG, 1, content_height(value));
    put_entry(&at, 258, SHORT, 4, BITS);
    put_entry(&at, 259, SHORT, 1, 1);
    put_entry(&at, 262, SHORT, 1, 1);
    put_entry(&at, 270, TEXT, 17, DESCRIPTION);
    put_entry(&at, 277, SHORT, 1, 4);
    put_entry(&at, 284, SHORT, 1, 1);
    put_entry(&at, 322, SHORT, 1, CONTENT_TILE);
    put_entry(&at, 323, SHORT, 1, CONTENT_TILE);
    put_entry(&at, 324, LONG, tiles, OFFSETS);
    put_entry(&at, 325, LONG, tiles, COUNTS);
    put_entry(&at, 338, SHORT, 3, EXTRA);
    put_entry(&at, 339, SHORT, 4, FORMAT);
    memcpy(out + BITS, bits, 8);
    memcpy(out + EXTRA, none, 6);
    memcpy(out + FORMAT, format, 8);
    snprintf((char *)out + DESCRIPTION, 17, "value=%010u", value);
    for (uint32_t i = 0; i < tiles; i++) {
        const uint32_t offset = CONTENT_HEADER + i * CONTENT_TILE_BYTES, count = CONTENT_TILE_BYTES;
        memcpy(out + OFFSETS + 4 * (size_t)i, &offset, 4);
        memcpy(out + COUNTS + 4 * (size_t)i, &count, 4);
    }
}

void content_fill(uint32_t value, size_t offset, size_t length, uint8_t *out)
{
    size_t end = offset + length, at = offset;
    if (at < CONTENT_HEADER) {
        uint8_t header[CONTENT_HEADER];
        fill_header(value, header);
        size_t stop = end < CONTENT_HEADER ? end : CONTENT_HEADER;
        memcpy(out, header + at, stop - at);
        at = stop;
    }
    while (at < end) {
        uint32_t words[4];
        unit(value, at, words);
        size_t skip = at % 16, count = 16 - skip < end - at ? 16 - skip : end - at;
        memcpy(out + (at - offset), (uint8_t *)words + skip, count);
        at += count;
    }
}

void content_add(content_seen *seen, uint32_t value)
{
    for (unsigned i = 0; i < seen->count; i++)
        if (seen->values[i] == value)
            return;
    if (seen->count < sizeof seen->values / sizeof *seen->values)
        seen->values[seen->count++] = value;
}

/* The value of four words, or UINT32_MAX. */
static uint32_t value_of(const uint32_t words[4], size_t offset)
{
    uint32_t right[4];
    unit(words[0], offset, right);
    return memcmp(words, right, 16) == 0 ? words[0] : UINT32_MAX;
}

/* Bytes of the header, whose value is told by others, or by the text in it. */
static void look_at_header(const uint8_t *data, size_t offset, size_t length, content_seen *seen)
{
    unsigned told = 0;
    if (!seen->count && (offset > DESCRIPTION || offset + length < DESCRIPTION + 16))
        return;
    char text[17] = "";
    if (!seen->count)
        memcpy(text, data + (DESCRIPTION - offset), 16);
    if (!seen->count && sscanf(text, "value=%10u", &told) != 1)
        told = UINT32_MAX;
    uint32_t value = seen->count ? seen->values[0] : told;
    uint8_t right[CONTENT_HEADER];
    fill_header(value, right);
    content_add(seen, memcmp(data, right + offset, length) == 0 ? value : UINT32_MAX);
}

void content_look(const uint8_t *data, size_t offset, size_t length, content_seen *seen)
{
    size_t end = offset + length;
    for (size_t at = offset < CONTENT_HEADER ? CONTENT_HEADER : (offset + 15) / 16 * 16; at + 16 <= end; at += 16) {
        uint32_t words[4];
        memcpy(words, data + (at - offset), 16);
        if (!seen->count || words[0] != seen->values[seen->count - 1] || value_of(words, at) != words[0])
            content_add(seen, value_of(words, at));
    }
    if (offset < CONTENT_HEADER)
        look_at_header(data, offset, end < CONTENT_HEADER ? length : CONTENT_HEADER - offset, seen);
}

void content_look_pixels(const uint32_t *data, unsigned x, unsigned y, unsigned width, unsigned height,
                         content_seen *seen)
{
    for (unsigned row = y; row < y + height; row++)
        for (unsigned column = x; column < x + width; column++, data += 4) {
            size_t tile = (size_t)(row / CONTENT_TILE) * 2 + column / CONTENT_TILE;
            size_t inside = (size_t)(row % CONTENT_TILE) * CONTENT_TILE + column % CONTENT_TILE;
            content_add(seen, value_of(data, CONTENT_HEADER + tile * CONTENT_TILE_BYTES + inside * 16));
        }
}
