/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/call.h"
#include "base/latch.h"
#include "base/text.h"
#include "cache/cache.h"
#include "vfs/vfs.h"

/* Reads ranges of an object at random places, so many of them under way at a time: bench-ranges PATH COUNT SIZE
 * IN_FLIGHT SEED keep|drop. The places are whole multiples of SIZE and none comes twice, as far as the object reaches.
 * What is read stays in the cache, or is let go of at once. */

typedef struct job {
    ncr_file *file;
    ncr_call *call;
    size_t size;
    bool drops;
    uint64_t places; /* of SIZE bytes in the object */
    uint64_t step;   /* from one place to the next; prime to `places`, so all are met */
    pthread_mutex_t lock;
    uint64_t next, count; /* guarded by lock: ranges begun, ranges wanted */
    ncr_latch latch;      /* of the lanes */
} job;

/* One of those under way. */
typedef struct lane {
    ncr_fetch fetch;
    job *job;
} lane;

static void end(ncr_fetch *fetch);

static void begin(lane *l)
{
    job *j = l->job;
    pthread_mutex_lock(&j->lock);
    uint64_t number = j->next < j->count ? j->next++ : UINT64_MAX;
    pthread_mutex_unlock(&j->lock);
    if (number == UINT64_MAX) {
        ncr_latch_down(&j->latch);
        return;
    }
    l->fetch = (ncr_fetch){.pin = ncr_file_pin(j->file), .call = j->call, .length = j->size, .done = end, .user = l};
    l->fetch.offset = number * j->step % j->places * j->size;
    l->fetch.bypass = j->drops;
    ncr_fetch *one = &l->fetch;
    ncr_cache_fetch_start(&one, 1);
}

static void end(ncr_fetch *fetch)
{
    lane *l = fetch->user;
    if (fetch->status != NACRE_OK || fetch->slice.size != l->job->size) {
        fprintf(stderr, "bench-ranges: %s\n", fetch->error.message);
        exit(1);
    }
    ncr_slice_clear(&fetch->slice);
    begin(l);
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static bool open_file(job *j, const char *path)
{
    nacre_error error = {0};
    if (ncr_call_new(NULL, &j->call, &error) == NACRE_OK &&
        ncr_file_open_wait(path, j->call, &j->file, &error) == NACRE_OK)
        return true;
    fprintf(stderr, "bench-ranges: %s\n", error.message);
    return false;
}

int main(int argc, char **argv)
{
    uint64_t size, in_flight, seed;
    job j = {.lock = PTHREAD_MUTEX_INITIALIZER};
    if (argc != 7 || !ncr_text_to_uint64(argv[2], &j.count) || !ncr_text_to_uint64(argv[3], &size) || !size ||
        !ncr_text_to_uint64(argv[4], &in_flight) || !in_flight || !ncr_text_to_uint64(argv[5], &seed)) {
        fprintf(stderr, "usage: bench-ranges PATH COUNT SIZE IN_FLIGHT SEED keep|drop\n");
        return 2;
    }
    if (!open_file(&j, argv[1]))
        return 1;
    j.size = size;
    j.drops = strcmp(argv[6], "drop") == 0;
    j.places = ncr_file_size(j.file) / size;
    if (!j.places)
        return 1;
    for (j.step = j.places / 3 * 2 + seed; common_divisor(j.step, j.places) != 1;)
        j.step++;
    lane *lanes = calloc(in_flight, sizeof *lanes);
    ncr_latch_init(&j.latch, in_flight);
    for (uint64_t i = 0; lanes && i < in_flight; i++) {
        lanes[i].job = &j;
        begin(&lanes[i]);
    }
    ncr_latch_wait(&j.latch);
    free(lanes);
    ncr_file_unref(j.file);
    ncr_call_unref(j.call);
    return 0;
}
