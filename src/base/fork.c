/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "base/fork.h"

#include <assert.h>

enum { MOST_LOCKS = 32 };
static pthread_mutex_t *kept[MOST_LOCKS]; /* not changed after loading */
static int kept_count;

static void take_all(void)
{
    for (int i = 0; i < kept_count; i++)
        pthread_mutex_lock(kept[i]);
}

static void release_all(void)
{
    for (int i = kept_count; i-- > 0;)
        pthread_mutex_unlock(kept[i]);
}

void ncr_fork_keep(pthread_mutex_t *lock)
{
    assert(kept_count < MOST_LOCKS);
    if (!kept_count)
        pthread_atfork(take_all, release_all, release_all);
    kept[kept_count++] = lock;
}
