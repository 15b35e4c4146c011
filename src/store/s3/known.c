/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/fork.h"
#include "store/s3/s3.h"

/* What answers taught of endpoints and buckets. Nothing here is believed without the store's own word: a region that is
 * no longer right is corrected by the next answer, a clock too. */

enum { MOST_BUCKETS = 256, MOST_ENDPOINTS = 16, ENDPOINT_SIZE = 256, BUCKET_SIZE = 224 };

typedef struct known_bucket {
    char endpoint[ENDPOINT_SIZE];
    char bucket[BUCKET_SIZE];
    char region[NCR_S3_REGION];
} known_bucket;

typedef struct known_clock {
    char endpoint[ENDPOINT_SIZE];
    int64_t skew_ms;
} known_clock;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Guarded by lock; rings, the next to be written over is at `next`. */
static known_bucket buckets[MOST_BUCKETS];
static size_t next_bucket;
static known_clock clocks[MOST_ENDPOINTS];
static size_t next_clock;

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

bool ncr_s3_known_region(const char *endpoint, const char *bucket, char out[NCR_S3_REGION])
{
    pthread_mutex_lock(&lock);
    const known_bucket *known = find_bucket_locked(endpoint, bucket);
    if (known)
        memcpy(out, known->region, NCR_S3_REGION);
    pthread_mutex_unlock(&lock);
    return known != NULL;
}

void ncr_s3_learn_region(const char *endpoint, const char *bucket, const char *region)
{
    if (strlen(endpoint) >= ENDPOINT_SIZE || strlen(bucket) >= BUCKET_SIZE || strlen(region) >= NCR_S3_REGION)
        return;
    pthread_mutex_lock(&lock);
    known_bucket *known = find_bucket_locked(endpoint, bucket);
    if (!known) {
        known = &buckets[next_bucket];
        next_bucket = (next_bucket + 1) % MOST_BUCKETS;
        snprintf(known->endpoint, ENDPOINT_SIZE, "%s", endpoint);
        snprintf(known->bucket, BUCKET_SIZE, "%s", bucket);
    }
    snprintf(known->region, NCR_S3_REGION, "%s", region);
    pthread_mutex_unlock(&lock);
}

static known_clock *find_clock_locked(const char *endpoint)
{
    for (size_t i = 0; i < MOST_ENDPOINTS; i++)
        if (clocks[i].endpoint[0] && strcmp(clocks[i].endpoint, endpoint) == 0)
            return &clocks[i];
    return NULL;
}

int64_t ncr_s3_known_skew(const char *endpoint)
{
    pthread_mutex_lock(&lock);
    const known_clock *known = find_clock_locked(endpoint);
    int64_t skew_ms = known ? known->skew_ms : 0;
    pthread_mutex_unlock(&lock);
    return skew_ms;
}

void ncr_s3_learn_skew(const char *endpoint, int64_t skew_ms)
{
    if (strlen(endpoint) >= ENDPOINT_SIZE)
        return;
    pthread_mutex_lock(&lock);
    known_clock *known = find_clock_locked(endpoint);
    if (!known) {
        known = &clocks[next_clock];
        next_clock = (next_clock + 1) % MOST_ENDPOINTS;
        snprintf(known->endpoint, ENDPOINT_SIZE, "%s", endpoint);
    }
    known->skew_ms = skew_ms;
    pthread_mutex_unlock(&lock);
}

bool ncr_s3_is_region(const char *text)
{
    size_t length = strlen(text);
    return length && length < NCR_S3_REGION && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}
