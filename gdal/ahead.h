/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_GDAL_AHEAD_H
#define NCR_GDAL_AHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tiff/index.h"
#include "vfs/vfs.h"

/* Reading ahead in a TIFF. GDAL reads the blocks of one window after another: map tiles from left to right and row by
 * row, or the whole image from top to bottom; each window is a round trip. The tile index of the file tells which
 * blocks a read is about. Where a read goes on to the right of, or below, the one before it, the blocks that come next
 * in that direction are fetched while GDAL decodes; where a new row of windows begins, those as far to the right as the
 * last row went, and once two rows were alike, the row below them too. A warp reads a window block by block, and comes
 * back up for the next one: so below the first row that goes to the right what lies below it is fetched, and once it
 * came back, what lies below each read.
 *
 * Bounds: at most NCR_GDAL_AHEAD_MOST bytes at a time; what was fetched in vain is never more than GDAL has read
 * through this handle.
 * They go into the cache; an object that it does not keep (a weak version, a local one) is never read ahead.
 * Single-thread. */

enum { NCR_GDAL_AHEAD_MOST = 16 * 1024 * 1024, NCR_GDAL_AHEAD_KNOWN = 8, NCR_GDAL_AHEAD_RANGES = 64 };

/* Blocks [row0, row1] x [column0, column1] of a plane of a directory. */
typedef struct ncr_gdal_rect {
    uint32_t level, plane;
    uint32_t row0, row1, column0, column1;
} ncr_gdal_rect;

struct ncr_gdal_level;
struct ncr_gdal_place;

typedef struct ncr_gdal_ahead {
    bool is_looked_for;    /* the index was */
    unsigned reads;        /* so far, until then */
    ncr_tiff_index *index; /* NULL: none */
    struct ncr_gdal_level *levels;
    size_t level_count;
    struct ncr_gdal_place *places; /* all blocks by their offsets */
    size_t place_count;
    uint8_t *unread; /* a bit for each block of each level: it was read ahead, and was not wanted since */
    bool has_last, has_row;
    ncr_gdal_rect last;               /* the read before */
    unsigned steps_right, steps_down; /* in its direction so far */
    uint32_t row_column0;             /* where the row of windows begins */
    uint32_t row_column1;             /* how far to the right the one before it went, where has_row */
    bool rows_alike;                  /* two went as far */
    ncr_gdal_rect area;               /* what was read on and on, one beside the other */
    bool is_walked;                   /* reads came back to it */
    struct ncr_gdal_known {
        bool is_set;
        ncr_gdal_rect rect;
    } known[NCR_GDAL_AHEAD_KNOWN]; /* what was read ahead last */
    size_t next_known;
    uint64_t bytes_read, bytes_unused; /* of what was read ahead */
    nacre_range planned[NCR_GDAL_AHEAD_RANGES];
    size_t planned_count;
    uint64_t bytes_planned;
} ncr_gdal_ahead;

void ncr_gdal_ahead_clear(ncr_gdal_ahead *ahead);

/* Tells of a read that GDAL makes, and plans what it makes likely. Whether it is about whole blocks. */
bool ncr_gdal_ahead_read(ncr_gdal_ahead *ahead, ncr_file *file, ncr_call *call, const nacre_range *ranges,
                         size_t count);

/* Starts what was planned: as soon as the read itself is under way, which so has the connections that are open. */
void ncr_gdal_ahead_go(ncr_gdal_ahead *ahead, ncr_file *file, ncr_call *call);

/* Starts fetches that nobody waits for: ranges that somebody knows to come. */
void ncr_gdal_ahead_start(ncr_file *file, ncr_call *call, const nacre_range *ranges, size_t count);

#endif
