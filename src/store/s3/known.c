/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/fork.h"
#include "store/s3/s3.h"

/* What answers taught of buckets. Nothing here is believed without the store's own word: a region that is no longer
 * right is corrected by the next answer. */

enum { MOST_BUCKETS = 256, ENDPOINT_SIZE = 256, BUCKET_SIZE = 224 };

typedef struct known_bucket {
    char endpoint[ENDPOINT_SIZE];
    char bucket[BUCKET_SIZE];
    char region[NCR_AWS_REGION];
} known_bucket;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Guarded by lock; a ring, the next to be written over is at `next`. */
static known_bucket buckets[MOST_BUCKETS];
static size_t next_bucket;

NCR_AT_LOAD keep_over_forks(void)
{
    ncr_fork_keep(&lock);
}

static known_bucket *find_bucket_locked(const char *endpoint, const char *bucket)
{
    for (size_t i = 0; i < MOST_BUCKETS; i++)
        if (buckets[i].region[0] && strcmp(buckets[i].bucket, bucket) == 0 &&
            strcmp(buckets[i].endpoint, endpoint) == 0)
            return &buckets[i];
    return NULL;
}

bool ncr_s3_known_region(const char *endpoint, const char *bucket, char out[NCR_AWS_REGION])
{
    pthread_mutex_lock(&lock);
    const known_bucket *known = find_bucket_locked(endpoint, bucket);
    if (known)
        memcpy(out, known->region, NCR_AWS_REGION);
    pthread_mutex_unlock(&lock);
    return known != NULL;
}

void ncr_s3_learn_region(const char *endpoint, const char *bucket, const char *region)
{
    if (strlen(endpoint) >= ENDPOINT_SIZE || strlen(bucket) >= BUCKET_SIZE || strlen(region) >= NCR_AWS_REGION)
        return;
    pthread_mutex_lock(&lock);
    known_bucket *known = find_bucket_locked(endpoint, bucket);
    if (!known) {
        known = &buckets[next_bucket];
        next_bucket = (next_bucket + 1) % MOST_BUCKETS;
        snprintf(known->endpoint, ENDPOINT_SIZE, "%s", endpoint);
        snprintf(known->bucket, BUCKET_SIZE, "%s", bucket);
    }
    snprintf(known->region, NCR_AWS_REGION, "%s", region);
    pthread_mutex_unlock(&lock);
}
