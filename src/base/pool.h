/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_BASE_POOL_H
#define NCR_BASE_POOL_H

#include <stddef.h>

#include "base/error.h"

/* The process's worker pool: as many threads as affinity and cgroup allow (or the key `threads` at first use), started
 * at the first task, never joined. Tasks compute, or block on local files; they never wait for a future or for another
 * task. After fork the child starts a pool of its own. Synchronised. */

/* A task belongs to whoever submits it and must live until its function was called; the function may free it. */
typedef struct ncr_task {
    void (*run)(struct ncr_task *task);
    struct ncr_task *next; /* the pool's */
} ncr_task;

/* Queues a task, first in first out, before helpers of loops. Cannot fail: with no thread to be had the task runs at
 * once, in the caller. */
void ncr_pool_submit(ncr_task *task);

/* How many threads the pool has or would have; at least 1. */
int ncr_pool_threads(void);

/* Sets the number of threads for a pool that has not started; ignored after. Called by calls with the key `threads`. */
void ncr_pool_set_threads(int threads);

/* Calls function(user, index) for every index below count, on the calling thread and on idle workers, and returns
 * when all are done. Workers go back to tasks that come meanwhile, between two indices: so a large loop delays what
 * arrives by one index, not by the loop. May be called from a worker: it only waits for calls that are running. */
void ncr_pool_for(size_t count, void (*function)(void *user, size_t index), void *user);

#endif
