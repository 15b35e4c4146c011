/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "jobs.h"

#include <pthread.h>
#include <stdlib.h>

#include "ticker.h"

enum {
    THREADS = 16,
    QUEUE = 64,
    MEMORY = 144 << 20, /* of all jobs that run */
    PART = 8 << 20,     /* what copies read and write at once */
    LARGE = 72 << 20,   /* a copy in parts: three being read, one filled, those on their way */
    UNKNOWN = 32 << 20, /* a copy that is probably not large */
    MESSAGES = 20,      /* failures that are told one by one */
};

typedef struct entry {
    void *job;
    uint64_t weight;
} entry;

struct cli_jobs {
    cli_context *context;
    const cli_jobs_kind *kind;
    cli_ticker *ticker; /* NULL: none */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t threads[THREADS];
    int thread_count;
    /* The rest is guarded by lock. */
    entry queue[QUEUE];
    size_t first, count;
    uint64_t weight; /* of those that run */
    size_t running;
    bool ended;
    size_t done, failed, skipped;
};

uint64_t cli_copy_weight(uint64_t size)
{
    if (size == UINT64_MAX)
        return UNKNOWN;
    return size > PART ? LARGE : 2 * size;
}

static bool stopped_locked(const cli_jobs *jobs)
{
    return cli_interrupted() || (jobs->kind->stops && jobs->failed);
}

static void tell_locked(const cli_jobs *jobs, const nacre_error *error)
{
    if (jobs->failed > MESSAGES || (jobs->kind->stops && jobs->failed > 1))
        return;
    const char *clear = jobs->context->progress ? "\r\033[K" : "";
    fprintf(stderr, "%snacre: %s\n", clear, error->message);
    if (jobs->failed == MESSAGES)
        fprintf(stderr, "nacre: %s: further failures are only counted\n", jobs->context->command->name);
}

static void note_locked(cli_jobs *jobs, nacre_status status, const nacre_error *error, bool skipped)
{
    if (skipped || (status == NACRE_ERROR_CANCELLED && cli_interrupted())) {
        jobs->skipped++;
    } else if (status == NACRE_OK) {
        jobs->done++;
    } else {
        jobs->failed++;
        tell_locked(jobs, error);
    }
}

/* Whether the first in the queue may begin. */
static bool fits_locked(const cli_jobs *jobs)
{
    return jobs->count && (!jobs->running || jobs->weight + jobs->queue[jobs->first].weight <= MEMORY);
}

static void *work(void *user)
{
    cli_jobs *jobs = user;
    pthread_mutex_lock(&jobs->lock);
    for (;;) {
        while (!fits_locked(jobs) && !(jobs->ended && !jobs->count))
            pthread_cond_wait(&jobs->changed, &jobs->lock);
        if (!jobs->count)
            break;
        entry next = jobs->queue[jobs->first];
        jobs->first = (jobs->first + 1) % QUEUE;
        jobs->count--;
        jobs->running++;
        jobs->weight += next.weight;
        bool skip = stopped_locked(jobs);
        pthread_cond_broadcast(&jobs->changed);
        pthread_mutex_unlock(&jobs->lock);

        nacre_error error;
        nacre_status status = skip ? NACRE_OK : jobs->kind->run(jobs->context, next.job, &error);
        jobs->kind->job_free(next.job);

        pthread_mutex_lock(&jobs->lock);
        note_locked(jobs, status, &error, skip);
        jobs->running--;
        jobs->weight -= next.weight;
        pthread_cond_broadcast(&jobs->changed);
    }
    pthread_mutex_unlock(&jobs->lock);
    return NULL;
}

static void progress_line(void *user, char *out, size_t size)
{
    cli_jobs *jobs = user;
    nacre_io_stats stats;
    nacre_io_stats_total(&stats);
    pthread_mutex_lock(&jobs->lock);
    size_t done = jobs->done, failed = jobs->failed;
    pthread_mutex_unlock(&jobs->lock);
    int length = snprintf(out, size, "%zu %s", done, jobs->kind->done);
    if (failed && length > 0 && (size_t)length < size)
        length += snprintf(out + length, size - (size_t)length, ", %zu failed", failed);
    if (length > 0 && (size_t)length < size)
        cli_ticker_bytes(&stats, out + length, size - (size_t)length);
}

cli_jobs *cli_jobs_begin(cli_context *context, const cli_jobs_kind *kind)
{
    cli_jobs *jobs = calloc(1, sizeof *jobs);
    if (!jobs)
        return NULL;
    jobs->context = context;
    jobs->kind = kind;
    pthread_mutex_init(&jobs->lock, NULL);
    pthread_cond_init(&jobs->changed, NULL);
    jobs->ticker = cli_ticker_begin(context, progress_line, jobs);
    return jobs;
}

bool cli_jobs_add(cli_jobs *jobs, void *job, uint64_t weight)
{
    pthread_mutex_lock(&jobs->lock);
    if (jobs->thread_count < THREADS && pthread_create(&jobs->threads[jobs->thread_count], NULL, work, jobs) == 0)
        jobs->thread_count++;
    while (jobs->thread_count > 0 && jobs->count == QUEUE && !stopped_locked(jobs))
        pthread_cond_wait(&jobs->changed, &jobs->lock);
    bool taken = !stopped_locked(jobs) && jobs->thread_count > 0;
    if (taken) {
        jobs->queue[(jobs->first + jobs->count++) % QUEUE] = (entry){job, weight};
        pthread_cond_broadcast(&jobs->changed);
    } else {
        jobs->skipped++;
    }
    pthread_mutex_unlock(&jobs->lock);
    if (!taken)
        jobs->kind->job_free(job);
    return taken;
}

void cli_jobs_refuse(cli_jobs *jobs, const nacre_error *why)
{
    pthread_mutex_lock(&jobs->lock);
    note_locked(jobs, why->status, why, false);
    pthread_mutex_unlock(&jobs->lock);
}

static int sum_up(const cli_jobs *jobs)
{
    const char *name = jobs->context->command->name, *done = jobs->kind->done;
    if (cli_interrupted()) {
        if (!jobs->kind->is_alone)
            fprintf(stderr, "nacre: %s: interrupted, after %zu %s\n", name, jobs->done, done);
        return CLI_INTERRUPTED;
    }
    if (!jobs->failed && !jobs->skipped)
        return CLI_OK;
    if (!jobs->failed)
        return cli_error(jobs->context, "%s: no thread could be started", name);
    if (!jobs->kind->is_alone)
        fprintf(stderr, "nacre: %s: %zu failed, %zu %s\n", name, jobs->failed, jobs->done, done);
    return CLI_FAILED;
}

int cli_jobs_end(cli_jobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    jobs->ended = true;
    pthread_cond_broadcast(&jobs->changed);
    pthread_mutex_unlock(&jobs->lock);
    for (int i = 0; i < jobs->thread_count; i++)
        pthread_join(jobs->threads[i], NULL);
    cli_ticker_end(jobs->ticker);
    fflush(stdout);
    int status = sum_up(jobs);
    pthread_cond_destroy(&jobs->changed);
    pthread_mutex_destroy(&jobs->lock);
    free(jobs);
    return status;
}
