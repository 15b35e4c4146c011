/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "jobs.h"

#include <pthread.h>
#include <stdlib.h>

enum { THREADS = 16, QUEUE = 64 };

struct cli_jobs {
    cli_context *context;
    cli_job_function *run;
    void (*job_free)(void *job);
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t threads[THREADS];
    int thread_count;
    /* The rest is guarded by lock. */
    void *queue[QUEUE];
    size_t first, count;
    bool ended;
    nacre_status status; /* of the first that failed */
    nacre_error error;
};

static bool stopped_locked(const cli_jobs *jobs)
{
    return jobs->status != NACRE_OK || cli_interrupted();
}

static void *work(void *user)
{
    cli_jobs *jobs = user;
    pthread_mutex_lock(&jobs->lock);
    for (;;) {
        while (!jobs->count && !jobs->ended)
            pthread_cond_wait(&jobs->changed, &jobs->lock);
        if (!jobs->count)
            break;
        void *job = jobs->queue[jobs->first];
        jobs->first = (jobs->first + 1) % QUEUE;
        jobs->count--;
        bool skip = stopped_locked(jobs);
        pthread_cond_broadcast(&jobs->changed);
        pthread_mutex_unlock(&jobs->lock);

        nacre_error error;
        nacre_status status = skip ? NACRE_OK : jobs->run(jobs->context, job, &error);
        jobs->job_free(job);

        pthread_mutex_lock(&jobs->lock);
        if (status != NACRE_OK && jobs->status == NACRE_OK) {
            jobs->status = status;
            jobs->error = error;
            pthread_cond_broadcast(&jobs->changed);
        }
    }
    pthread_mutex_unlock(&jobs->lock);
    return NULL;
}

cli_jobs *cli_jobs_begin(cli_context *context, cli_job_function *run, void (*job_free)(void *job))
{
    cli_jobs *jobs = calloc(1, sizeof *jobs);
    if (!jobs)
        return NULL;
    jobs->context = context;
    jobs->run = run;
    jobs->job_free = job_free;
    pthread_mutex_init(&jobs->lock, NULL);
    pthread_cond_init(&jobs->changed, NULL);
    return jobs;
}

bool cli_jobs_add(cli_jobs *jobs, void *job)
{
    pthread_mutex_lock(&jobs->lock);
    if (jobs->thread_count < THREADS && pthread_create(&jobs->threads[jobs->thread_count], NULL, work, jobs) == 0)
        jobs->thread_count++;
    while (jobs->count == QUEUE && !stopped_locked(jobs))
        pthread_cond_wait(&jobs->changed, &jobs->lock);
    bool taken = !stopped_locked(jobs) && jobs->thread_count > 0;
    if (taken) {
        jobs->queue[(jobs->first + jobs->count++) % QUEUE] = job;
        pthread_cond_broadcast(&jobs->changed);
    }
    pthread_mutex_unlock(&jobs->lock);
    if (!taken)
        jobs->job_free(job);
    return taken;
}

nacre_status cli_jobs_end(cli_jobs *jobs, nacre_error *err)
{
    pthread_mutex_lock(&jobs->lock);
    jobs->ended = true;
    pthread_cond_broadcast(&jobs->changed);
    pthread_mutex_unlock(&jobs->lock);
    for (int i = 0; i < jobs->thread_count; i++)
        pthread_join(jobs->threads[i], NULL);
    nacre_status status = jobs->status;
    if (status != NACRE_OK)
        *err = jobs->error;
    pthread_cond_destroy(&jobs->changed);
    pthread_mutex_destroy(&jobs->lock);
    free(jobs);
    return status;
}
