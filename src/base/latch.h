/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_BASE_LATCH_H
#define NCR_BASE_LATCH_H

#include <pthread.h>
#include <stddef.h>

/* Counts down to zero; a caller waits for that. Never waited for on a worker or on the loop thread. Synchronised. */
typedef struct ncr_latch {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t count; /* guarded by lock */
} ncr_latch;

void ncr_latch_init(ncr_latch *latch, size_t count);
void ncr_latch_clear(ncr_latch *latch);
void ncr_latch_down(ncr_latch *latch);
void ncr_latch_wait(ncr_latch *latch);

#endif
