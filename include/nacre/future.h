/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NACRE_FUTURE_H
#define NACRE_FUTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "dataset.h"
#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A call that was started and goes on without a thread of the caller's: an open, a read, a batch (batch.h). While it is
 * under way, what it was given to write to (buffer, *out, the stats of nacre_io_options) must stay, and is not to be
 * looked at; options, paths and lists of bands are copied when it is started.
 *
 * Each started call does what the one without `_start` does, and has its statuses. What is wrong with its arguments is
 * told at once, and *future is NULL then. Synchronised, but for its release. In the child of a fork it is over with
 * NACRE_ERROR_CANCELLED: the call is the parent's. */
typedef struct nacre_future nacre_future;

/* nacre_dataset_open(), started; *out is set when it is done, NULL until then and after failure. The names in
 * open_options->drivers must stay until it is done. */
NACRE_API nacre_status nacre_dataset_open_start(const char *path, const nacre_open_options *open_options,
                                                const nacre_io_options *options, nacre_dataset **out,
                                                nacre_future **future, nacre_error *err);

/* nacre_dataset_read(), started. The dataset may be closed meanwhile. */
NACRE_API nacre_status nacre_dataset_read_start(nacre_dataset *dataset, const nacre_read_options *read_options,
                                                const nacre_io_options *options, void *buffer, size_t buffer_size,
                                                nacre_future **future, nacre_error *err);

/* Waits until it is done, at most so many milliseconds (0: only looks; less: without limit). False: it is not; time is
 * over, or a signal was handled in this thread, which the caller may want to look at. Any number of threads may wait,
 * any number of times. */
NACRE_API bool nacre_future_wait(nacre_future *future, int64_t timeout_ms);

/* What became of it. NACRE_ERROR_INVALID: it is not done. */
NACRE_API nacre_status nacre_future_status(nacre_future *future, nacre_error *err);

/* A descriptor for poll(), select() and event loops: readable as soon as it is done (a batch: also while it has items
 * that nacre_future_next() has not told). It is the future's: only look at it. *out is -1 after failure.
 * NACRE_ERROR_IO: there are no descriptors left. */
NACRE_API nacre_status nacre_future_fd(nacre_future *future, int *out, nacre_error *err);

/* The index of an item of a batch that is done and was not told before, in the order in which they end. False: there
 * is none now, and none at all when it is done (of another call: always). */
NACRE_API bool nacre_future_next(nacre_future *future, size_t *index);

/* Has it end with NACRE_ERROR_CANCELLED within about 50 ms, unless it is done before. The nacre_cancel that it was
 * started with still counts, and is not triggered. Does not wait. */
NACRE_API void nacre_future_cancel(nacre_future *future);

/* Releases it; accepts NULL. One that is not done is cancelled and waited for, so that nothing writes to the caller's
 * memory after this. */
NACRE_API void nacre_future_free(nacre_future *future);

#ifdef __cplusplus
}
#endif

#endif
