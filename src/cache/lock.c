/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cache/lock.h"

#include <pthread.h>

#include "base/fork.h"
#include "base/thread.h"

static struct door {
    _Alignas(NCR_CACHE_LINE) pthread_mutex_t lock;
} doors[NCR_STRIPES];

NCR_AT_LOAD make_doors(void)
{
    for (unsigned i = 0; i < NCR_STRIPES; i++)
        pthread_mutex_init(&doors[i].lock, NULL);
}

void ncr_lock_whole(void)
{
    for (unsigned i = 0; i < NCR_STRIPES; i++)
        pthread_mutex_lock(&doors[i].lock);
}

void ncr_unlock_whole(void)
{
    for (unsigned i = NCR_STRIPES; i-- > 0;)
        pthread_mutex_unlock(&doors[i].lock);
}

unsigned ncr_lock_enter(void)
{
    unsigned door = ncr_thread_stripe();
    pthread_mutex_lock(&doors[door].lock);
    return door;
}

void ncr_lock_leave(unsigned door)
{
    pthread_mutex_unlock(&doors[door].lock);
}
