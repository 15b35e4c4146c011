/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "base/latch.h"

void ncr_latch_init(ncr_latch *latch, size_t count)
{
    pthread_mutex_init(&latch->lock, NULL);
    pthread_cond_init(&latch->changed, NULL);
    latch->count = count;
}

void ncr_latch_clear(ncr_latch *latch)
{
    pthread_mutex_destroy(&latch->lock);
    pthread_cond_destroy(&latch->changed);
}

/* Signals under the lock: the waiter may destroy the latch as soon as it sees zero. */
void ncr_latch_down(ncr_latch *latch)
{
    pthread_mutex_lock(&latch->lock);
    if (--latch->count == 0)
        pthread_cond_broadcast(&latch->changed);
    pthread_mutex_unlock(&latch->lock);
}

void ncr_latch_wait(ncr_latch *latch)
{
    pthread_mutex_lock(&latch->lock);
    while (latch->count)
        pthread_cond_wait(&latch->changed, &latch->lock);
    pthread_mutex_unlock(&latch->lock);
}
