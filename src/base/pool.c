/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fork.h"
#include "base/thread.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Guarded by lock. */
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
static struct {
    ncr_task *first, *last;
} queues[2];       /* of tasks, and of helpers of loops, which come after them */
static int queued; /* in both */
static int started, idle, wanted;

enum { TASKS, HELPERS };
/* How many tasks are queued: looked at by helpers without the lock, changed under it. */
static _Atomic int waiting_tasks;

/* CPUs that a cgroup (version 2) grants, rounded up; a large number where it sets no limit. */
static int cgroup_cpus(void)
{
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");
    if (!file)
        return 1 << 16;
    long quota = 0, period = 0;
    int fields = fscanf(file, "%ld %ld", &quota, &period);
    fclose(file);
    if (fields != 2 || quota <= 0 || period <= 0)
        return 1 << 16;
    return (int)((quota + period - 1) / period);
}

static int usable_cpus(void)
{
    cpu_set_t set;
    int cpus = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    int limit = cgroup_cpus();
    cpus = cpus < limit ? cpus : limit;
    return cpus < 1 ? 1 : cpus;
}

int ncr_pool_threads(void)
{
    pthread_mutex_lock(&lock);
    if (!wanted)
        wanted = usable_cpus();
    int threads = wanted;
    pthread_mutex_unlock(&lock);
    return threads;
}

void ncr_pool_set_threads(int threads)
{
    pthread_mutex_lock(&lock);
    if (!started && threads > 0)
        wanted = threads;
    pthread_mutex_unlock(&lock);
}

static ncr_task *take_task_locked(void)
{
    while (!queued) {
        idle++;
        pthread_cond_wait(&wake, &lock);
        idle--;
    }
    int queue = queues[TASKS].first ? TASKS : HELPERS;
    ncr_task *task = queues[queue].first;
    queues[queue].first = task->next;
    if (!task->next)
        queues[queue].last = NULL;
    queued--;
    if (queue == TASKS)
        atomic_fetch_sub(&waiting_tasks, 1);
    return task;
}

static void *work(void *unused)
{
    (void)unused;
    pthread_setname_np(pthread_self(), "nacre-worker");
    for (;;) {
        pthread_mutex_lock(&lock);
        ncr_task *task = take_task_locked();
        pthread_mutex_unlock(&lock);
        task->run(task);
    }
    return NULL;
}

static void before_fork(void)
{
    pthread_mutex_lock(&lock);
}

static void after_fork_parent(void)
{
    pthread_mutex_unlock(&lock);
}

/* The child has none of the threads; tasks queued by the parent are the parent's. */
static void after_fork_child(void)
{
    memset(queues, 0, sizeof queues);
    atomic_store(&waiting_tasks, 0);
    queued = started = idle = 0;
    pthread_cond_init(&wake, NULL);
    pthread_mutex_unlock(&lock);
}

NCR_AT_LOAD set_fork_handlers(void)
{
    ncr_fork_handle(NCR_FORK_POOL, before_fork, after_fork_parent, after_fork_child);
}

static void submit(ncr_task *task, int queue)
{
    pthread_mutex_lock(&lock);
    if (!wanted)
        wanted = usable_cpus();
    /* A worker that was woken counts as idle until it runs, so each queued task has one of them taken already. */
    if (queued >= idle && started < wanted)
        started += ncr_thread_start(work, NULL);
    if (!started) {
        pthread_mutex_unlock(&lock);
        task->run(task);
        return;
    }
    task->next = NULL;
    if (queues[queue].last)
        queues[queue].last->next = task;
    else
        queues[queue].first = task;
    queues[queue].last = task;
    queued++;
    if (queue == TASKS)
        atomic_fetch_add(&waiting_tasks, 1);
    pthread_cond_signal(&wake);
    pthread_mutex_unlock(&lock);
}

void ncr_pool_submit(ncr_task *task)
{
    submit(task, TASKS);
}

/* One parallel loop; lives on the heap until the last helper has let go of it. */
typedef struct {
    void (*function)(void *user, size_t index);
    void *user;
    size_t count;
    _Atomic size_t next;
    _Atomic int references;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t done; /* guarded by lock */
} loop;

typedef struct {
    ncr_task task;
    loop *loop;
} loop_helper;

static void loop_unref(loop *l)
{
    if (atomic_fetch_sub(&l->references, 1) != 1)
        return;
    pthread_mutex_destroy(&l->lock);
    pthread_cond_destroy(&l->changed);
    free(l);
}

/* Takes indices until there are none left, or, for a helper, a task waits. */
static void loop_run(loop *l, bool is_helper)
{
    size_t mine = 0;
    for (size_t i; (!is_helper || !atomic_load(&waiting_tasks)) && (i = atomic_fetch_add(&l->next, 1)) < l->count;
         mine++)
        l->function(l->user, i);
    if (!mine)
        return;
    pthread_mutex_lock(&l->lock);
    l->done += mine;
    if (l->done == l->count)
        pthread_cond_signal(&l->changed);
    pthread_mutex_unlock(&l->lock);
}

static void run_helper(ncr_task *task)
{
    loop_helper *helper = (loop_helper *)task;
    loop_run(helper->loop, true);
    if (atomic_load(&helper->loop->next) < helper->loop->count) { /* a task comes first */
        submit(task, HELPERS);
        return;
    }
    loop_unref(helper->loop);
    free(helper);
}

static void submit_helper(loop *l)
{
    loop_helper *helper = calloc(1, sizeof *helper);
    if (!helper)
        return; /* fewer helpers: the caller does the work */
    helper->task.run = run_helper;
    helper->loop = l;
    atomic_fetch_add(&l->references, 1);
    submit(&helper->task, HELPERS);
}

void ncr_pool_for(size_t count, void (*function)(void *user, size_t index), void *user)
{
    size_t helpers = (size_t)ncr_pool_threads() - 1;
    helpers = count && helpers > count - 1 ? count - 1 : helpers;
    loop *l = helpers && count > 1 ? calloc(1, sizeof *l) : NULL;
    if (!l) {
        for (size_t i = 0; i < count; i++)
            function(user, i);
        return;
    }
    l->function = function;
    l->user = user;
    l->count = count;
    atomic_init(&l->references, 1);
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->changed, NULL);
    /* Our own reference, given up at the end, keeps the loop; the analyser does not count. */
    for (size_t i = 0; i < helpers; i++)
        submit_helper(l); /* NOLINT(clang-analyzer-unix.Malloc) */
    loop_run(l, false);   /* NOLINT(clang-analyzer-unix.Malloc) */
    pthread_mutex_lock(&l->lock);
    while (l->done < l->count)
        pthread_cond_wait(&l->changed, &l->lock);
    pthread_mutex_unlock(&l->lock);
    loop_unref(l);
}
