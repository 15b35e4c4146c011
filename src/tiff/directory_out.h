/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TIFF_DIRECTORY_OUT_H
#define NCR_TIFF_DIRECTORY_OUT_H

#include "base/memory.h"
#include "tiff/tags.h"

/* Directories of a TIFF being written, always little-endian, and the head of the file that holds them all. */

typedef enum ncr_out_kind { NCR_OUT_VALUES, NCR_OUT_OFFSETS, NCR_OUT_SIZES } ncr_out_kind;

typedef struct ncr_out_entry {
    uint16_t id, type; /* the type of arrays of blocks follows from the head's form */
    ncr_out_kind kind;
    uint64_t count;
    uint8_t *data; /* owned; values in the file's byte order */
    size_t size;
    uint64_t position; /* of values that do not fit into the entry; set by ncr_out_head_size() */
} ncr_out_entry;

enum { NCR_OUT_ENTRIES = 48 };

/* A directory. Single-thread. */
typedef struct ncr_out_directory {
    ncr_out_entry entries[NCR_OUT_ENTRIES];
    size_t entry_count;
    bool failed;                     /* out of memory while entries were added */
    size_t block_count;              /* of the two arrays */
    const uint64_t *offsets, *sizes; /* borrowed; read by ncr_out_head_write() only */
    uint64_t position;               /* set by ncr_out_head_size() */
} ncr_out_directory;

void ncr_out_directory_clear(ncr_out_directory *directory);

/* Adds a tag; no order is needed. Values are copied; nothing is added where count is 0. Failures are kept in
 * `failed`. */
void ncr_out_short(ncr_out_directory *directory, unsigned id, unsigned value);
void ncr_out_long(ncr_out_directory *directory, unsigned id, uint32_t value);
void ncr_out_shorts(ncr_out_directory *directory, unsigned id, const uint16_t *values, size_t count);
void ncr_out_longs(ncr_out_directory *directory, unsigned id, const uint32_t *values, size_t count);
/* count pairs of numerator and denominator. */
void ncr_out_rationals(ncr_out_directory *directory, unsigned id, const uint32_t *values, size_t count);
void ncr_out_doubles(ncr_out_directory *directory, unsigned id, const double *values, size_t count);
void ncr_out_text(ncr_out_directory *directory, unsigned id, const char *text); /* NULL: nothing */
void ncr_out_bytes(ncr_out_directory *directory, unsigned id, unsigned type, const void *bytes, size_t size);
/* The two arrays of blocks, under the names for tiles or strips. */
void ncr_out_arrays(ncr_out_directory *directory, bool is_tiled, size_t block_count);

/* The head of a file. */
typedef struct ncr_out_head {
    bool is_big;
    const char *ghost; /* text after the header; NULL: none */
    ncr_out_directory *directories;
    size_t directory_count;
} ncr_out_head;

/* Places everything and returns the size of the head: header, ghost text, directories with their values, and last the
 * arrays of blocks, in GDAL's order for COGs. It depends on the number of blocks, not on where they are. */
uint64_t ncr_out_head_size(ncr_out_head *head);

/* Appends the head, placed before, to out. NACRE_ERROR_MEMORY. */
nacre_status ncr_out_head_write(const ncr_out_head *head, ncr_buffer *out, nacre_error *err);

#endif
