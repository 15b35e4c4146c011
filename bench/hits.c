/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/call.h"
#include "base/text.h"
#include "cache/cache.h"
#include "vfs/vfs.h"

/* How many references to one warm block of 16 KiB are taken in a second: bench-hits PATH THREADS SECONDS. Prints
 * {"hits": N, "seconds": S}. */

enum { BLOCK = 16 << 10, ROUND = 1000 };

typedef struct taker {
    pthread_t thread;
    ncr_file *file;
    uint64_t hits;
} taker;

static atomic_bool is_over;

static void take(ncr_fetch *fetch)
{
    if (fetch->status != NACRE_OK || fetch->slice.size != BLOCK) {
        fprintf(stderr, "bench-hits: %s\n", fetch->error.message);
        exit(1);
    }
    ncr_slice_clear(&fetch->slice);
}

static void *run(void *user)
{
    taker *self = user;
    ncr_call *call;
    if (ncr_call_new(NULL, &call, NULL) != NACRE_OK)
        exit(1);
    while (!atomic_load_explicit(&is_over, memory_order_relaxed)) {
        for (int i = 0; i < ROUND; i++) {
            ncr_fetch fetch = {.pin = ncr_file_pin(self->file), .call = call, .offset = 0, .length = BLOCK};
            ncr_fetch *one = &fetch;
            fetch.done = take;
            ncr_cache_fetch_start(&one, 1);
        }
        self->hits += ROUND;
    }
    ncr_call_unref(call);
    return NULL;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void sleep_for(double seconds)
{
    struct timespec pause = {.tv_sec = (time_t)seconds, .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&pause, NULL);
}

int main(int argc, char **argv)
{
    uint64_t threads;
    if (argc != 4 || !ncr_text_to_uint64(argv[2], &threads) || threads < 1 || threads > 1024) {
        fprintf(stderr, "usage: bench-hits PATH THREADS SECONDS\n");
        return 2;
    }
    ncr_call *call;
    ncr_file *file;
    nacre_error error = {0};
    if (ncr_call_new(NULL, &call, &error) != NACRE_OK || ncr_file_open_wait(argv[1], call, &file, &error) != NACRE_OK) {
        fprintf(stderr, "bench-hits: %s\n", error.message);
        return 1;
    }
    taker *takers = calloc(threads, sizeof *takers);
    double begin = now();
    for (uint64_t i = 0; takers && i < threads; i++) {
        takers[i].file = file;
        if (pthread_create(&takers[i].thread, NULL, run, &takers[i]) != 0)
            return 1;
    }
    sleep_for(strtod(argv[3], NULL));
    atomic_store(&is_over, true);
    uint64_t hits = 0;
    for (uint64_t i = 0; takers && i < threads; i++) {
        pthread_join(takers[i].thread, NULL);
        hits += takers[i].hits;
    }
    printf("{\"hits\": %llu, \"seconds\": %.3f}\n", (unsigned long long)hits, now() - begin);
    free(takers);
    ncr_file_unref(file);
    ncr_call_unref(call);
    return 0;
}
