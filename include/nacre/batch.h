/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NACRE_BATCH_H
#define NACRE_BATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"
#include "dataset.h"
#include "error.h"
#include "future.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One read of a batch. Zero it, and set the first group. */
typedef struct nacre_batch_item {
    size_t size;                            /* sizeof(nacre_batch_item); the same in all items of an array */
    nacre_dataset *dataset;                 /* what is read; NULL: what `path` names */
    const char *path;                       /* opened once for all items that have it, closed after the last of them */
    const nacre_read_options *read_options; /* NULL: the whole raster */
    void *buffer;                           /* NULL: allocated as the values need; see nacre_batch_item_clear() */
    size_t buffer_size;                     /* bytes; of an allocated one it is filled in */

    /* Filled in when the item is done. */
    bool is_done;
    nacre_status status;
    nacre_error *error;        /* the caller's, filled in where status is not NACRE_OK; NULL: not wanted */
    int width, height;         /* of the values, 0 where they are not known */
    int band_count;            /* planes: bands, or masks */
    nacre_dtype dtype;         /* of the values */
    bool is_allocated;         /* the library allocated the buffer */
    nacre_transform transform; /* of the dataset; only where has_transform is set */
    bool has_transform;
} nacre_batch_item;

typedef struct nacre_batch_options {
    size_t size;                            /* sizeof(nacre_batch_options) */
    const nacre_open_options *open_options; /* for paths; NULL: the defaults. Must stay until the batch is done */
    /* Called when an item is done: on a thread of the library, one item after another, never two at once. It must be
     * quick and must not call what may do I/O; the item is its to use, the array is not to be moved. NULL: none. */
    void (*item_done)(void *user, size_t index, nacre_batch_item *item);
    void *user;
} nacre_batch_options;

#define NACRE_BATCH_OPTIONS_INIT                      \
    {                                                 \
        sizeof(nacre_batch_options), NULL, NULL, NULL \
    }

/* Reads many windows of many datasets as one: all opens, then all bytes go out together, as far as the key
 * `memory.limit` allows, so it takes the rounds of a single read. What is near one another in one dataset is fetched
 * together, what several items need once. Items end in any order; one that fails does not end the others.
 *
 * The status of the call is NACRE_OK when all items are; else that of the first in the array that failed, with its
 * error. Cancelled, out of time: items that were done are good. */
NACRE_API nacre_status nacre_dataset_read_batch(nacre_batch_item *items, size_t count,
                                                const nacre_batch_options *batch_options,
                                                const nacre_io_options *options, nacre_error *err);

/* The same, started. The items, and what they point to, must stay until it is done; an item that nacre_future_next()
 * or item_done has told is the caller's. */
NACRE_API nacre_status nacre_dataset_read_batch_start(nacre_batch_item *items, size_t count,
                                                      const nacre_batch_options *batch_options,
                                                      const nacre_io_options *options, nacre_future **future,
                                                      nacre_error *err);

/* Releases the buffer of an item if the library allocated it. */
NACRE_API void nacre_batch_item_clear(nacre_batch_item *item);

/* Releases such a buffer after it was taken out of its item; accepts NULL. */
NACRE_API void nacre_batch_buffer_free(void *buffer);

#ifdef __cplusplus
}
#endif

#endif
