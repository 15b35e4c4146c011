/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_PICTURE_ENCODE_H
#define NCR_PICTURE_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* A small picture in memory: 8 bits a channel, interleaved, rows without gaps. */
typedef struct ncr_picture {
    const uint8_t *pixels;
    int width, height;
    int channels;  /* 1 gray, 2 gray and alpha, 3 colours, 4 colours and alpha */
    bool is_chart; /* few values in large areas, as those of a colour table; else like a photograph */
} ncr_picture;

/* Encodes as PNG, as fast as libpng can; the same pixels give the same bytes. *out is the caller's, to be freed; NULL
 * after failure (NACRE_ERROR_MEMORY, NACRE_ERROR_INVALID). */
nacre_status ncr_picture_encode_png(const ncr_picture *picture, uint8_t **out, size_t *size, nacre_error *err);

#endif
