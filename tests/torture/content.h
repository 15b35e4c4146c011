/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef TORTURE_CONTENT_H
#define TORTURE_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What objects hold: an uncompressed GeoTIFF of 4 bands of uint32, in tiles of 64 x 64, whose every pixel, and so every
 * 16 bytes behind the header, tells the value that was put: {value, value * CONTENT_MIX, offset / 16, ~value}. All of
 * it, the number of tiles too, follows from the value. Few are followed by as many more bytes that tell it, so that
 * they are uploaded in parts. */

enum {
    CONTENT_HEADER = 1024,
    CONTENT_TILE = 64,
    CONTENT_WIDTH = 2 * CONTENT_TILE,
    CONTENT_TILE_BYTES = CONTENT_TILE * CONTENT_TILE * 16,
    CONTENT_MORE = 9 << 20, /* of one in CONTENT_FEW */
    CONTENT_FEW = 509,
    CONTENT_LARGEST = CONTENT_HEADER + 8 * CONTENT_TILE_BYTES + CONTENT_MORE,
};

/* Rows of pixels, and bytes, of the object of this value. */
unsigned content_height(uint32_t value);
size_t content_size(uint32_t value);

/* Writes bytes [offset, offset + length) of it, all of them inside. */
void content_fill(uint32_t value, size_t offset, size_t length, uint8_t *out);

/* What bytes read at an offset tell. */
typedef struct content_seen {
    unsigned count;     /* of values: 1 where all is well, 0 where no value is told (too few bytes) */
    uint32_t values[8]; /* the first of them; UINT32_MAX stands for bytes that are of no value */
} content_seen;

/* Adds what the bytes tell, each of which is checked. */
void content_look(const uint8_t *data, size_t offset, size_t length, content_seen *seen);

/* The same of pixels, four bands interleaved, of a window at (x, y). */
void content_look_pixels(const uint32_t *data, unsigned x, unsigned y, unsigned width, unsigned height,
                         content_seen *seen);

/* Adds a value, where it is new. */
void content_add(content_seen *seen, uint32_t value);

#endif
