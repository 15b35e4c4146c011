/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_VFS_VFS_H
#define NCR_VFS_VFS_H

#include <nacre/file.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/call.h"
#include "cache/cache.h"
#include "store/store.h"

/* Files over object stores: pinned handles, atomic writers, listings. All spellings of a path are one object. */

/* The object of a path. `document` (NULL: the user) is the object of the document that names it: the rule `sources`
 * is applied (NACRE_ERROR_REFUSED), and what is read for another origin is read without credentials. */
nacre_status ncr_vfs_resolve(const char *path, const ncr_object *document, ncr_call *call, ncr_object **out,
                             nacre_error *err);

/* The normal form of a prefix of paths, as the key `cache.policy` has them: to be freed. NACRE_ERROR_INVALID,
 * NACRE_ERROR_UNSUPPORTED: it is none, or local. */
nacre_status ncr_vfs_check_prefix(const char *prefix, char **out, nacre_error *err);

/* Whether a document (NULL: the user) may name anything: it is local, or the rule `sources` is any. */
bool ncr_vfs_is_trusted(const ncr_object *document, const ncr_call *call);

/* Makes the cache forget an object, or what lies below a prefix; of a member its whole archive. */
void ncr_vfs_forget(const ncr_object *object);

/* --- Reading: asynchronous; rules as in store.h. --- */

/* A pinned handle. Immutable, reference-counted. */
typedef struct ncr_file ncr_file;
ncr_file *ncr_file_ref(ncr_file *file);
void ncr_file_unref(ncr_file *file);
/* The same pin and first bytes under another name: path and object (referenced) are of the same object. NULL: out of
 * memory. */
ncr_file *ncr_file_as(ncr_file *file, const char *path, ncr_object *object);
const char *ncr_file_path(const ncr_file *file); /* as it was named */
const ncr_object *ncr_file_object(const ncr_file *file);
uint64_t ncr_file_size(const ncr_file *file);
const ncr_object_facts *ncr_file_facts(const ncr_file *file);
bool ncr_file_is_proven(const ncr_file *file);
ncr_pin *ncr_file_pin(const ncr_file *file); /* borrowed; for cached values */
/* The first bytes, read by the open itself; lives as long as the file. */
const ncr_slice *ncr_file_head(const ncr_file *file);

typedef struct ncr_file_open ncr_file_open;
struct ncr_file_open {
    const char *path;           /* borrowed until done() */
    const ncr_object *document; /* see ncr_vfs_resolve(); borrowed */
    ncr_object *object;         /* what path was resolved to, borrowed until done(); NULL: it was not yet */
    ncr_call *call;             /* borrowed */
    unsigned needed_round;
    size_t first_read; /* see ncr_cache_open */
    nacre_status status;
    nacre_error error;
    ncr_file *file; /* the caller's */
    unsigned round;
    void (*done)(ncr_file_open *open);
    void *user;
    ncr_cache_open internal;
};
void ncr_file_open_start(ncr_file_open *open);
/* Tells the log of an open that has succeeded; not on the loop thread, which runs no code of the user's. */
void ncr_file_log_open(const ncr_file_open *open);
nacre_status ncr_file_open_wait(const char *path, ncr_call *call, ncr_file **out, nacre_error *err);

/* Reads go through ncr_fetch with ncr_file_pin(). Blocking, for those who are not a plan: */
nacre_status ncr_file_read_wait(ncr_file *file, nacre_range *ranges, size_t count, ncr_call *call, nacre_error *err);
/* The same; meanwhile(user) is called on this thread once the requests are under way, before they are waited for. */
nacre_status ncr_file_read_meanwhile(ncr_file *file, nacre_range *ranges, size_t count, ncr_call *call,
                                     void (*meanwhile)(void *user), void *user, nacre_error *err);

/* Bytes of a pinned object in their order, step by step, for a sink whose first failure ends it. Memory: four steps of
 * NCR_GET_MAX, three where the sink keeps them, two of a local object; where much is to be read, or the way is long and
 * that many do not fill it, bytes beyond that all streams of the process share: NCR_STREAM_MORE, or a sixteenth of the
 * memory where that is less. */
typedef struct ncr_stream {
    ncr_pin *pin;            /* borrowed */
    ncr_call *call;          /* borrowed */
    uint64_t offset, length; /* cut at the object's end */
    bool keep;               /* in the cache */
    /* On the caller's thread. The slice is the stream's; who keeps its bytes refers to its block (ncr_slice_of()). */
    nacre_status (*sink)(void *user, const ncr_slice *slice, nacre_error *err);
    bool is_kept; /* the sink keeps blocks for a while: the stream goes three steps ahead, and no further */
    void *user;
} ncr_stream;
enum { NCR_STREAM_MORE = 128 << 20 };
/* Blocking. */
nacre_status ncr_stream_run(const ncr_stream *stream, nacre_error *err);

/* A page of what lies beside an object: the keys that begin with its own. Asynchronous, as the store's list; the
 * caller sets object, call, needed_round, done and user. A URL with a query has nothing beside it, since nobody can say
 * what it would be called: an empty page. NACRE_ERROR_UNSUPPORTED where there are no listings. */
void ncr_vfs_list_beside_start(ncr_list_op *op);

/* --- The rest blocks: never on workers nor the loop thread. Every change is told to the cache. --- */

nacre_status ncr_vfs_stat(ncr_object *object, ncr_call *call, ncr_object_facts *out, nacre_error *err);
/* false from function stops. Entries are named in the spelling of `object`. */
nacre_status ncr_vfs_list(ncr_object *object, bool recursive, ncr_call *call, nacre_list_function function, void *user,
                          nacre_error *err);
nacre_status ncr_vfs_remove(ncr_object *object, const ncr_condition *condition, ncr_call *call, nacre_error *err);
nacre_status ncr_vfs_copy(ncr_object *source, ncr_object *destination, const ncr_condition *condition, ncr_call *call,
                          nacre_error *err);
nacre_status ncr_vfs_rename(ncr_object *source, ncr_object *destination, const ncr_condition *condition, ncr_call *call,
                            nacre_error *err);
nacre_status ncr_vfs_put(ncr_object *object, const void *data, size_t size, const char *content_type,
                         const ncr_condition *condition, ncr_call *call, nacre_error *err);

/* An object being written, visible at commit or never. Up to one part is held; a small object is one put. */
typedef struct ncr_writer ncr_writer;
nacre_status ncr_writer_open(ncr_object *object, const char *content_type, const ncr_condition *condition,
                             ncr_call *call, ncr_writer **out, nacre_error *err);
/* Begins the upload before there is a byte, so that who may not write is told at once; where the store has a request
 * for that. A small object is one put all the same. */
nacre_status ncr_writer_begin(ncr_writer *writer, nacre_error *err);
/* Keeps the first part back until the commit, where the store takes parts in any order, so that it can be changed until
 * then: for formats whose header is written last. False: it is sent like the others. Before the first byte. */
bool ncr_writer_keep_first(ncr_writer *writer);
/* How many bytes from the first on can still be changed, and changing them. */
size_t ncr_writer_kept(const ncr_writer *writer);
nacre_status ncr_writer_change(ncr_writer *writer, size_t offset, const void *data, size_t size, nacre_error *err);
nacre_status ncr_writer_write(ncr_writer *writer, const void *data, size_t size, nacre_error *err);
/* The same, but a slice that is a whole part is not copied: the writer keeps its block until the part is sent. Such a
 * part cannot be changed. */
nacre_status ncr_writer_take(ncr_writer *writer, const ncr_slice *slice, nacre_error *err);
nacre_status ncr_writer_commit(ncr_writer *writer, nacre_error *err);
void ncr_writer_close(ncr_writer *writer);

/* The content type of a path by its ending ("image/tiff; application=geotiff" for .tif...). */
const char *ncr_content_type(const char *path);

#endif
