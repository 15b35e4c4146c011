/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NACRE_FILE_H
#define NACRE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Paths: "gs://bucket/key", "gcs://", "http(s)://", "file://", "mem://name" and GDAL's "/vsigs/bucket/key",
 * "/vsicurl/URL", "/vsimem/name"; anything else is a local path. All spellings of an object are one object.
 * Bytes of a key are literal: nothing is decoded, nothing is normalised. */

/* Writes a path as it may be shown to others, with the passwords and signatures of URLs replaced by "***", cut at size
 * bytes with the final NUL. Returns its whole length, as snprintf() does; 0 where memory is short. */
NACRE_API size_t nacre_path_shown(const char *path, char *out, size_t size);

/* What is known of one object. Texts live until the callback returns, or until nacre_object_info_free(). */
typedef struct nacre_object_info {
    const char *path;         /* in the spelling of the call */
    uint64_t size;            /* bytes; 0 for a prefix */
    const char *version;      /* "generation=123", "etag=\"abc\"", "file=..."; "" where the store gives none */
    bool version_is_strong;   /* the version proves the bytes (docs/guide/consistency.md) */
    bool is_prefix;           /* a "directory": a common prefix of keys, or a local directory */
    int64_t modified_ms;      /* since 1970-01-01 UTC; -1 unknown */
    const char *content_type; /* "" unknown */
    const char *version_id;   /* of stores that keep old versions, where they tell it; "" otherwise */
    const char *checksum;     /* of all bytes: "crc32c=BASE64", "crc64nvme=BASE64" or "md5=BASE64"; "" unknown */
    const char *policy;       /* when what is cached of it is believed: "fresh", "ttl=60", ...; "" in listings */
} nacre_object_info;

/* Releases the texts of an info that nacre_stat() filled; accepts NULL and zeroed ones. */
NACRE_API void nacre_object_info_free(nacre_object_info *info);

/* Asks the store about one object; never answers from a cache (except cache=offline).
 * *out is the caller's until nacre_object_info_free(); zeroed after failure. */
NACRE_API nacre_status nacre_stat(const char *path, const nacre_io_options *options, nacre_object_info *out,
                                  nacre_error *err);

/* Called for each entry of a listing, in the store's order; false stops the listing. */
typedef bool (*nacre_list_function)(void *user, const nacre_object_info *info);

typedef struct nacre_list_options {
    size_t size;    /* sizeof(nacre_list_options) */
    bool recursive; /* all keys below the prefix, else one level with prefixes */
} nacre_list_options;

#define NACRE_LIST_OPTIONS_INIT           \
    {                                     \
        sizeof(nacre_list_options), false \
    }

/* Lists what lies below path as a stream of pages in constant memory. A path that names neither an object nor a
 * prefix is NACRE_ERROR_NOT_FOUND; a path that names an object lists that object. HTTP has no listing
 * (NACRE_ERROR_UNSUPPORTED). */
NACRE_API nacre_status nacre_list(const char *path, const nacre_list_options *list_options,
                                  const nacre_io_options *options, nacre_list_function function, void *user,
                                  nacre_error *err);

/* Deletes one object. After return every later call in the process sees it gone. */
NACRE_API nacre_status nacre_delete(const char *path, const nacre_io_options *options, nacre_error *err);

/* How a destination may be replaced. */
typedef struct nacre_write_options {
    size_t size;              /* sizeof(nacre_write_options) */
    bool no_clobber;          /* fail with NACRE_ERROR_EXISTS where the destination exists; decided by the store */
    const char *if_version;   /* replace only this version (as in nacre_object_info); NULL: whatever is there */
    const char *content_type; /* NULL: by the path's ending */
} nacre_write_options;

#define NACRE_WRITE_OPTIONS_INIT                       \
    {                                                  \
        sizeof(nacre_write_options), false, NULL, NULL \
    }

/* Copies an object, inside the store where both ends are in one, under the version the source had when the copy
 * began. */
NACRE_API nacre_status nacre_copy(const char *source, const char *destination, const nacre_write_options *write_options,
                                  const nacre_io_options *options, nacre_error *err);

/* Moves an object: local files atomically; in stores copy, then delete of the version that was copied. In between
 * both names may be visible. */
NACRE_API nacre_status nacre_rename(const char *source, const char *destination,
                                    const nacre_write_options *write_options, const nacre_io_options *options,
                                    nacre_error *err);

/* An object opened for reading, pinned to the version it had at open: all reads give bytes of that version or
 * NACRE_ERROR_CHANGED. Immutable: any number of threads may read one handle. */
typedef struct nacre_file nacre_file;

/* Opens an object. *out is the caller's until nacre_file_close(); NULL after failure. */
NACRE_API nacre_status nacre_file_open(const char *path, const nacre_io_options *options, nacre_file **out,
                                       nacre_error *err);

/* Releases the handle; accepts NULL. */
NACRE_API void nacre_file_close(nacre_file *file);

/* Size of the pinned version in bytes. */
NACRE_API uint64_t nacre_file_size(const nacre_file *file);

/* The pinned version's text, as in nacre_object_info; lives as long as the handle. */
NACRE_API const char *nacre_file_version(const nacre_file *file);

/* A range to read. */
typedef struct nacre_range {
    uint64_t offset; /* in the object */
    size_t length;   /* bytes */
    void *buffer;    /* the caller's, of at least length bytes */
    size_t got;      /* bytes read: less than length only at the object's end; set by the call */
} nacre_range;

/* Reads ranges together: all requests go out in one round, near ranges merged. After failure buffers hold
 * unspecified bytes and every got is 0. */
NACRE_API nacre_status nacre_file_read(nacre_file *file, nacre_range *ranges, size_t count,
                                       const nacre_io_options *options, nacre_error *err);

/* Called with bytes in their order, which live until it returns; false stops the reading. */
typedef bool (*nacre_stream_function)(void *user, const void *data, size_t size);

/* Reads `length` bytes from offset on, or all that there are (UINT64_MAX), once and in their order: several requests go
 * ahead of what is given, more of them the more is to be read and the longer the way: 32 MiB are held, and at most 128
 * MiB (or a sixteenth of the memory) beyond by all such calls together. The cache keeps nothing unless there is a
 * folder for it (cache.dir). The function is called on the caller's thread. NACRE_OK also where it stopped the reading.
 */
NACRE_API nacre_status nacre_file_stream(nacre_file *file, uint64_t offset, uint64_t length,
                                         const nacre_io_options *options, nacre_stream_function function, void *user,
                                         nacre_error *err);

/* An object being written. Nothing is visible until nacre_writer_commit() returns; a writer that is closed without
 * commit leaves the old object, or none. Single-thread. */
typedef struct nacre_writer nacre_writer;

/* Begins an object. *out is the caller's until nacre_writer_close(). The options count for all that the writer does:
 * the time-out from here to the commit, and stats, which must live until it is closed, is added to then. */
NACRE_API nacre_status nacre_writer_open(const char *path, const nacre_write_options *write_options,
                                         const nacre_io_options *options, nacre_writer **out, nacre_error *err);

/* Appends bytes; they are copied or sent before return. At most one part (8 MiB) is held in memory. */
NACRE_API nacre_status nacre_writer_write(nacre_writer *writer, const void *data, size_t size, nacre_error *err);

/* Makes the object visible, at once and whole. After failure the object may only be closed. */
NACRE_API nacre_status nacre_writer_commit(nacre_writer *writer, nacre_error *err);

/* Releases the writer, giving up what was not committed; accepts NULL. */
NACRE_API void nacre_writer_close(nacre_writer *writer);

#ifdef __cplusplus
}
#endif

#endif
