/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_GDAL_READER_H
#define NCR_GDAL_READER_H

#include <stdbool.h>

#include "vfs/vfs.h"

/* Reads of one handle, one after another, as GDAL makes them: small, and of what lies near. Each fetches a window that
 * is larger than what was asked for, the next one twice as much where it goes on where the last one ended. Memory: the
 * windows read last, at most NCR_GDAL_RECENT of NCR_GDAL_WINDOW_MAX bytes, which the cache mostly shares.
 * Single-thread. */

enum {
    NCR_GDAL_RECENT = 256,                    /* windows that are held, */
    NCR_GDAL_RECENT_BYTES = 16 * 1024 * 1024, /* and at most so many bytes of them, but for the last */
    NCR_GDAL_WINDOW_MIN = 16 * 1024,
    NCR_GDAL_WINDOW_MAX = 4 * 1024 * 1024,
    NCR_GDAL_LARGE = 1024 * 1024,        /* what is as long as this goes straight to the caller */
    NCR_GDAL_AT_ONCE = 32 * 1024 * 1024, /* of it at a time, since the cache holds it too meanwhile */
};

typedef struct ncr_gdal_reader {
    ncr_file *file; /* borrowed */
    struct ncr_gdal_window {
        uint64_t offset;
        ncr_slice slice;
    } * recent;          /* a ring, the oldest first; made with the first window */
    size_t first, count; /* of it */
    size_t bytes;        /* held */
    uint64_t expected;   /* where the last window ended */
    size_t window;       /* bytes of it */
} ncr_gdal_reader;

void ncr_gdal_reader_init(ncr_gdal_reader *reader, ncr_file *file);
void ncr_gdal_reader_clear(ncr_gdal_reader *reader);

/* Reads at most size bytes at an offset: *got is less only at the end, and 0 after failure. is_exact: what lies near is
 * not wanted with it. */
nacre_status ncr_gdal_reader_read(ncr_gdal_reader *reader, ncr_call *call, uint64_t offset, void *buffer, size_t size,
                                  bool is_exact, size_t *got, nacre_error *err);

#endif
