/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_VFS_ZIP_FORMAT_H
#define NCR_VFS_ZIP_FORMAT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/cache.h"

/* The ZIP format, as pure functions on bytes that come from outside (docs/internals/zip.md). `name` is that of the
 * archive, for messages. Failures are NACRE_ERROR_CORRUPT, NACRE_ERROR_UNSUPPORTED, NACRE_ERROR_TOO_LARGE and
 * NACRE_ERROR_MEMORY. */

enum {
    NCR_ZIP_TAIL = 66 * 1024, /* bytes at the end that hold the end record, its comment, zip64's records */
    NCR_ZIP_HEADER = 30,      /* bytes of a local header before the name */
};

/* Where the central directory lies. */
typedef struct ncr_zip_end {
    uint64_t offset; /* where it really begins */
    uint64_t size;
    uint64_t count;      /* of entries, as the record says */
    uint64_t shift;      /* bytes before the archive's own first one (of a program that unpacks itself) */
    bool count_is_short; /* the count has 16 bits only */
} ncr_zip_end;

/* Finds the end record in the last `size` bytes of an archive of archive_size bytes. */
nacre_status ncr_zip_find_end(const char *name, const uint8_t *tail, size_t size, uint64_t archive_size,
                              ncr_zip_end *out, nacre_error *err);

/* Why a member may not be read. */
typedef enum ncr_zip_fault { NCR_ZIP_SOUND, NCR_ZIP_OVERLAPS, NCR_ZIP_OUTSIDE } ncr_zip_fault;

typedef struct ncr_zip_entry {
    const char *name;  /* UTF-8, with slashes; a directory's ends with one. Without ".", "..", "//" and NUL */
    uint64_t header;   /* where its local header really lies */
    uint64_t until;    /* where its bytes must have ended: the next header, or the directory */
    uint64_t packed;   /* bytes in the archive */
    uint64_t size;     /* bytes of the member */
    uint64_t raw_hash; /* of the name's bytes as they are */
    int64_t modified_ms;
    uint32_t crc;
    uint16_t raw_length, extra_length; /* of the name's bytes; of the extra field */
    uint16_t method, flags;
    ncr_zip_fault fault;
    _Atomic uint64_t data; /* where its bytes begin, once its local header was read; 0: not known yet */
} ncr_zip_entry;

/* A central directory; a cached value. Immutable but for `data`. Of several members of one name it has the first. */
typedef struct ncr_zip_directory {
    ncr_value value;
    ncr_zip_entry *entries; /* by the bytes of their names */
    size_t count;
    char *names;
} ncr_zip_directory;

/* Parses the directory's bytes. limit: most bytes that it may take in memory; negative: any. *out is released by
 * ncr_value_unref(). */
nacre_status ncr_zip_parse_directory(const char *name, const uint8_t *data, const ncr_zip_end *end, int64_t limit,
                                     ncr_zip_directory **out, nacre_error *err);

/* Index of the first entry whose name is not before `name`. */
size_t ncr_zip_lower_bound(const ncr_zip_directory *directory, const char *name);

/* The member of that name; "": the only one there is. NULL: there is none. */
ncr_zip_entry *ncr_zip_find(const ncr_zip_directory *directory, const char *name);

/* NACRE_ERROR_UNSUPPORTED or NACRE_ERROR_CORRUPT where a member cannot be read; `name` is the member's. */
nacre_status ncr_zip_check_entry(const char *name, const ncr_zip_entry *entry, nacre_error *err);

/* Holds a local header of `size` bytes, which must have the name too, against its entry, and notes in entry->data where
 * the member's bytes begin. */
nacre_status ncr_zip_check_header(const char *name, ncr_zip_entry *entry, const uint8_t *header, size_t size,
                                  nacre_error *err);

/* The bytes of a member from those in the archive (entry->packed of them), as many as the entry says (out has room for
 * entry->size), held against its CRC. */
nacre_status ncr_zip_unpack(const char *name, const ncr_zip_entry *entry, const uint8_t *packed, uint8_t *out,
                            nacre_error *err);

/* A member's name as it is looked for: no leading slashes, no empty segments, "." and ".." applied. NULL: out of
 * memory, or (*above) it leads out of the archive. */
char *ncr_zip_member_name(const char *text, bool *above);

#endif
