/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_VRT_INDEX_H
#define NCR_VRT_INDEX_H

#include <nacre/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which of many rectangles touch a window: a grid of cells over the extent of them all, so that a tile of a mosaic of
 * 100 000 sources looks at the few that are near. Immutable. */
typedef struct ncr_vrt_index ncr_vrt_index;

/* rect(user, i) gives rectangle i of count. NULL: out of memory. */
ncr_vrt_index *ncr_vrt_index_new(size_t count, const nacre_window *(*rect)(const void *user, size_t i),
                                 const void *user);
void ncr_vrt_index_free(ncr_vrt_index *index);

/* The rectangles that may touch window, ascending and each once, as a new array (free()); false: out of memory. */
bool ncr_vrt_index_find(const ncr_vrt_index *index, const nacre_window *window, uint32_t **out, size_t *count);

#endif
