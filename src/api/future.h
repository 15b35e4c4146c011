/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_API_FUTURE_H
#define NCR_API_FUTURE_H

#include <nacre/batch.h>
#include <nacre/future.h>
#include <pthread.h>
#include <semaphore.h>

#include "raster/batch.h"
#include "raster/read.h"

/* A started call: made, its plan made, then started; whoever makes it fills in what the plan needs to live on. */
struct nacre_future {
    unsigned fork_count; /* where it was started: in the child of a fork it is the parent's */
    ncr_call *call;
    nacre_cancel *cancel;   /* its own, beside the caller's; owned */
    nacre_io_options stats; /* where the counters go */
    bool begins_here;
    ncr_plan *plan;    /* owned; NULL once it is done */
    ncr_read read;     /* of a read */
    ncr_dataset **out; /* of an open: the caller's */
    ncr_batch batch;   /* of a batch */
    nacre_batch_options batch_options;
    size_t *ended; /* items of a batch as they ended; owned */
    sem_t over;    /* posted when it is done; each who has waited posts it again */
    pthread_mutex_t lock;
    /* Guarded by lock. */
    size_t ended_count, told_count;
    int fd; /* -1: not asked for */
    bool is_done;
    nacre_status status;
    nacre_error error;
};

/* One with a call of these options and no plan yet. */
nacre_status ncr_future_new(const nacre_io_options *options, nacre_future **out, nacre_error *err);

/* Starts future->plan, and gives the future to the caller. */
void ncr_future_start(nacre_future *future, nacre_future **out);

/* Releases one that was not started, or is done. Accepts NULL. */
void ncr_future_clear(nacre_future *future);

/* Tells that an item of its batch has ended. */
void ncr_future_item_ended(nacre_future *future, size_t index);

#endif
