/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_VFS_PATH_H
#define NCR_VFS_PATH_H

#include <stdbool.h>

#include "base/call.h"
#include "store/store.h"

/* The path grammar (docs/internals/vfs.md). A parsed path is a plain struct of texts owned by it. */
typedef enum ncr_spelling { NCR_SPELLING_URL, NCR_SPELLING_GDAL, NCR_SPELLING_LOCAL } ncr_spelling;

typedef struct ncr_path {
    char *scheme;   /* "gs", "http", "file", "mem", ... in lower case; aliases resolved (gcs is gs, https is http,
                       abfs is az) */
    char *location; /* "https://host:port" normalised, for http; "account" or "account.host" in lower case where an az
                       path names it; else NULL */
    char *bucket;   /* "" where the scheme has none */
    char *user;     /* "user:password" of an http URL as it is written; NULL: none. In no text that is made of a path */
    char *key;      /* literal bytes; for http the path and query, normalised; for file the local path; for zip the
                       member's name, see ncr_zip_member_name() */
    struct ncr_path *archive; /* of a zip path: where the archive lies, whose text is the location; else NULL */
    ncr_spelling spelling;
} ncr_path;

/* NACRE_ERROR_INVALID with the path in the message; NACRE_ERROR_UNSUPPORTED for schemes that are known but not built
 * in (the message names them). */
nacre_status ncr_path_parse(const char *text, ncr_path *out, nacre_error *err);
void ncr_path_clear(ncr_path *path);

/* Whether the location is a server, and the key a path and query of it. */
bool ncr_path_is_http(const ncr_path *path);

/* How a path is written: as a URL ("gs://b/k", "/tmp/x"), or for GDAL ("/vsigs/b/k", "/vsicurl/http://...",
 * "/vsimem/x", "/tmp/x"). NULL: out of memory. */
char *ncr_path_text(const ncr_path *path, ncr_spelling spelling);

/* A path as it may be shown: passwords and signatures in URLs are replaced by "***". NULL: out of memory. */
char *ncr_path_shown(const char *text);

/* Whether a path holds a password, a signature or another secret that ncr_path_shown() would hide. False: out of
 * memory, in *has nothing. */
bool ncr_path_has_secret(const char *text, bool *has);

/* A local path from the root, with "//" and "/./" made one slash; ".." stays, since what is above a symbolic link only
 * the system knows. The current directory is looked up. NACRE_ERROR_IO, NACRE_ERROR_MEMORY. */
nacre_status ncr_path_absolute(const char *local, char **out, nacre_error *err);

/* The path that `name`, written relative to the document `base`, means: joined to base's directory in base's spelling.
 * An absolute name or one with a scheme is itself. Keys are literal, but "." and ".." segments of `name` are applied,
 * never above the bucket or host (NACRE_ERROR_INVALID); local paths are only put together, and the system follows
 * "..", links included. */
nacre_status ncr_path_join(const char *base, const char *name, char **out, nacre_error *err);

/* How document `base` can name `target` relatively ("scene.tif", "../a/scene.tif") so that ncr_path_join() gives the
 * same object: NULL in *out where it cannot (another bucket, host or scheme; a key that is not kept by joining). */
nacre_status ncr_path_relative(const char *base, const char *target, char **out, nacre_error *err);

#endif
