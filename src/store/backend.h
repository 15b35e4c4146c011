/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_STORE_BACKEND_H
#define NCR_STORE_BACKEND_H

#include "base/text.h"
#include "store/store.h"

/* What back ends share with one another and with the registry in store.c; private to this layer and to views of its
 * objects (see ncr_store.is_view). */

/* What a back end is opened with; borrowed. */
typedef struct ncr_store_options {
    const char *location; /* see ncr_store_open() */
    bool anonymous;
    ncr_config *config; /* which credentials may keep */
} ncr_store_options;

/* The back ends' constructors, one line each in store.c's registry. */
nacre_status ncr_az_store_open(const ncr_store_options *options, ncr_store **out, nacre_error *err);
nacre_status ncr_file_store_open(const ncr_store_options *options, ncr_store **out, nacre_error *err);
nacre_status ncr_gs_store_open(const ncr_store_options *options, ncr_store **out, nacre_error *err);
nacre_status ncr_http_store_open(const ncr_store_options *options, ncr_store **out, nacre_error *err);
nacre_status ncr_mem_store_open(const ncr_store_options *options, ncr_store **out, nacre_error *err);
nacre_status ncr_s3_store_open(const ncr_store_options *options, ncr_store **out, nacre_error *err);

/* Makes a zeroed store of size bytes, whose struct begins with ncr_store; the texts are copied. NULL: out of memory.
 * The class's free() releases what the back end added (it may be NULL); the rest is released by ncr_store_unref(). */
ncr_store *ncr_store_new(size_t size, const ncr_store_class *class, const char *id, const char *credentials);

/* NACRE_ERROR_CHANGED: the object was pinned to `expected` and the store now has `found` (NULL, or an empty token: the
 * answer did not say). */
nacre_status ncr_version_changed(nacre_error *err, const char *name, const ncr_version *expected,
                                 const ncr_version *found);

/* NACRE_ERROR_CHANGED: the object was pinned to `expected` and is not there any more. */
nacre_status ncr_version_gone(nacre_error *err, const char *name, const ncr_version *expected);

/* Whether an answer's version is the one that was pinned, weak or strong. */
bool ncr_version_matches(const ncr_version *pinned, const ncr_version *found);

/* Compares the version in the get's facts with the one that its match pins, if it pins one. An object without any
 * validator has nothing to compare. */
nacre_status ncr_get_check_version(ncr_get *get);

/* The verdict on a range that the server refused (416), by the facts in the get: right, if it begins at or beyond the
 * end. */
nacre_status ncr_get_take_end(ncr_get *get);

/* Whether 304 answers the get: it is believed unless it names another version (`said`; "" none) than the one that is
 * proven. The get's results are then set. */
bool ncr_get_take_not_modified(ncr_get *get, const ncr_version *said);

/* Whether a get asks for the whole object. */
bool ncr_get_is_whole(const ncr_get *get);

/* How many of the wanted bytes lie inside an object of `size` bytes. */
size_t ncr_get_inside(const ncr_get *get, uint64_t size);

/* NACRE_ERROR_TOO_LARGE where an object of `size` bytes is over limit.whole_read; `why` ends the sentence "it is read
 * whole, since ...", NULL where the caller asked for that. */
nacre_status ncr_whole_read_check(const ncr_call *call, const char *name, uint64_t size, const char *why,
                                  nacre_error *err);

/* Begins an operation: its results are as if there were none yet. */
void ncr_get_begin(ncr_get *get);
void ncr_stat_op_begin(ncr_stat_op *op);
void ncr_list_op_begin(ncr_list_op *op);

/* Ends an operation: sets its status and calls done(). */
void ncr_get_end(ncr_get *get, nacre_status status);
void ncr_stat_op_end(ncr_stat_op *op, nacre_status status);
void ncr_list_op_end(ncr_list_op *op, nacre_status status);

/* Puts a page's entries into the order of their keys' bytes. */
void ncr_list_op_sort(ncr_list_op *op);

/* Adds an entry with a copy of key to a listing; false when out of memory. *capacity is the caller's, 0 at first. */
bool ncr_list_op_add(ncr_list_op *op, size_t *capacity, const char *key, bool is_prefix, const ncr_object_facts *facts);

/* What only names a bucket is no object: NACRE_ERROR_NOT_FOUND. For stores whose class has a holder. */
nacre_status ncr_object_check_key(const ncr_object *object, nacre_error *err);

#endif
