/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "failures.h"

#include <pthread.h>
#include <string.h>

#include "base/fork.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static nacre_error kept[NCR_GDAL_FAILURES_KEPT];
static uint64_t total;

NCR_AT_LOAD keep_over_forks(void)
{
    ncr_fork_keep(&lock);
}

void ncr_gdal_failures_add(const nacre_error *error)
{
    pthread_mutex_lock(&lock);
    if (total < NCR_GDAL_FAILURES_KEPT)
        kept[total] = *error;
    total++;
    pthread_mutex_unlock(&lock);
}

uint64_t ncr_gdal_failures_take(nacre_error *errors, size_t count)
{
    pthread_mutex_lock(&lock);
    const uint64_t had = total;
    size_t copied = had < NCR_GDAL_FAILURES_KEPT ? (size_t)had : NCR_GDAL_FAILURES_KEPT;
    if (copied > count)
        copied = count;
    if (copied)
        memcpy(errors, kept, copied * sizeof *errors);
    total = 0;
    pthread_mutex_unlock(&lock);
    return had;
}
