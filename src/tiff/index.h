/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TIFF_INDEX_H
#define NCR_TIFF_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/cache.h"
#include "tiff/tags.h"

/* The directories of a TIFF, read by our own reader. It does no I/O: a parser is given bytes of the file and says
 * which it needs next, so that the same code serves plans, the GDAL plugin and fuzzing. It uses base and cache only. */

/* A tag. Immutable. */
typedef struct ncr_tiff_tag {
    uint16_t id, type; /* ncr_tiff_tag_id, ncr_tiff_type: other values occur */
    uint64_t count;    /* of values */
    uint64_t offset;   /* of the values in the file, all of which are inside it where `value` is set */
    void *value;       /* in the machine's byte order; ASCII as it is, with a NUL beyond. NULL: not read, which is so
                          for tags that nobody asks for and for arrays of blocks that were not at hand */
} ncr_tiff_tag;

typedef enum ncr_tiff_role {
    NCR_TIFF_ROLE_OTHER, /* a further page, or what is not understood */
    NCR_TIFF_ROLE_IMAGE, /* the first one */
    NCR_TIFF_ROLE_OVERVIEW,
    NCR_TIFF_ROLE_MASK,
    NCR_TIFF_ROLE_OVERVIEW_MASK,
} ncr_tiff_role;

typedef struct ncr_tiff_directory {
    uint64_t offset;
    ncr_tiff_role role;
    ncr_tiff_tag *tags; /* in the file's order */
    size_t tag_count;
} ncr_tiff_directory;

/* The result. Immutable, reference-counted through `value`; cached as NCR_VALUE_TIFF_INDEX under the pin's version,
 * with a = b = 0. */
typedef struct ncr_tiff_index {
    ncr_value value;
    bool big_endian;
    bool is_big;       /* BigTIFF */
    bool is_cog;       /* carries GDAL's marker of the COG layout */
    bool has_leaders;  /* by that marker: blocks lie in the order of rows, each behind its size (4 bytes, low first) */
    bool has_trailers; /* and before its last four bytes again */
    bool has_masks_behind; /* and the mask's block follows the image's */
    uint64_t file_size;
    ncr_tiff_directory *directories;
    size_t directory_count, directory_capacity;
} ncr_tiff_index;

/* Bytes [offset, offset + length) of the file. */
typedef struct ncr_tiff_need {
    uint64_t offset;
    size_t length;
} ncr_tiff_need;

/* A parser under way. Single-thread. */
typedef struct ncr_tiff_parser ncr_tiff_parser;

enum { NCR_TIFF_MAX_DIRECTORIES = 4096 };

/* Begins. name (copied) is for messages; file_size is that of the object; memory_limit (the key limit.directories) is
 * for all directories together. */
nacre_status ncr_tiff_parser_new(const char *name, uint64_t file_size, size_t memory_limit, ncr_tiff_parser **out,
                                 nacre_error *err);

/* Gives bytes of the file, borrowed until ncr_tiff_parser_free(). Fewer than were needed is an error only at the next
 * step. NACRE_ERROR_MEMORY. */
nacre_status ncr_tiff_parser_add(ncr_tiff_parser *parser, uint64_t offset, const void *data, size_t size,
                                 nacre_error *err);

/* Goes on. Either *out is the finished index (the caller's reference) and *count is 0, or *needs has *count ranges,
 * all inside the file, to be added before the next step; they live until then. Everything that can be asked for
 * together is. The bytes that were asked for and not added at the next step are an error.
 * NACRE_ERROR_CORRUPT: the message tells the position; NACRE_ERROR_TOO_LARGE: over memory_limit or too many
 * directories; NACRE_ERROR_UNSUPPORTED: not a TIFF at all. */
nacre_status ncr_tiff_parser_step(ncr_tiff_parser *parser, const ncr_tiff_need **needs, size_t *count,
                                  ncr_tiff_index **out, nacre_error *err);

/* Whether the header, once a step has read it, carries the marker of the COG layout. */
bool ncr_tiff_parser_is_cog(const ncr_tiff_parser *parser);

void ncr_tiff_parser_free(ncr_tiff_parser *parser); /* accepts NULL */

/* Whether a file that begins so is a TIFF. */
bool ncr_tiff_probe(const uint8_t *head, size_t size);

/* --- Tags --- */

/* Bytes of one value of a field type; 0 for an unknown type. */
size_t ncr_tiff_type_size(unsigned type);

/* The tag, or NULL. */
const ncr_tiff_tag *ncr_tiff_tag_find(const ncr_tiff_directory *directory, unsigned id);

/* The index-th value as a number; false where the tag is NULL, not read, has fewer values or another kind of type.
 * *out is then untouched. Rationals are doubles. */
bool ncr_tiff_tag_uint(const ncr_tiff_tag *tag, uint64_t index, uint64_t *out);
bool ncr_tiff_tag_double(const ncr_tiff_tag *tag, uint64_t index, double *out);

/* The first value of a tag as a number, or fallback. */
uint64_t ncr_tiff_uint(const ncr_tiff_directory *directory, unsigned id, uint64_t fallback);

/* An ASCII tag's text, up to its first NUL; NULL where there is none. Lives as long as the index. */
const char *ncr_tiff_text(const ncr_tiff_directory *directory, unsigned id);

#endif
