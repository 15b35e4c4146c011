/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <pthread.h>
#include <time.h>

#include "base/fork.h"
#include "base/thread.h"
#include "vfs/zip.h"

/* Room for members that are made whole. Who finds none waits in a queue, first in first out. Those before it may be
 * without a deadline, so a thread that lives as long as the queue has such waiters looks at their calls. */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Guarded by lock. */
static uint64_t room = 256 << 20, taken;
static ncr_zip_make *queue;
static bool watching;

static void forget_in_child(void)
{
    queue = NULL; /* the parent's, as is the thread */
    taken = 0;
    watching = false;
}

NCR_AT_LOAD keep_over_fork(void)
{
    ncr_fork_keep(&lock);
    ncr_fork_handle(NCR_FORK_LAST, NULL, NULL, forget_in_child);
}

static bool fits_locked(const ncr_zip_make *make)
{
    return !taken || (make->room <= room && taken <= room - make->room);
}

static void submit_all(ncr_zip_make *ready)
{
    for (ncr_zip_make *next; ready; ready = next) {
        next = ready->next;
        ready->next = NULL;
        ncr_pool_submit(&ready->task);
    }
}

/* --- Waiters whose own call must end. --- */

/* Takes them out of the queue; true: others can be cancelled or have a deadline. */
static bool expire_locked(ncr_zip_make **expired)
{
    bool others = false;
    for (ncr_zip_make **at = &queue; *at;) {
        ncr_zip_make *make = *at;
        if (ncr_call_check(make->call, "", NULL) == NACRE_OK) {
            others |= make->call->cancel || make->call->deadline_ms != INT64_MAX;
            at = &make->next;
            continue;
        }
        *at = make->next;
        make->room = 0;
        make->next = *expired;
        *expired = make;
    }
    return others;
}

static void *watch(void *unused)
{
    const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
    bool others = true;
    while (others) {
        ncr_zip_make *expired = NULL;
        nanosleep(&pause, NULL);
        pthread_mutex_lock(&lock);
        others = watching = expire_locked(&expired);
        pthread_mutex_unlock(&lock);
        submit_all(expired);
    }
    return unused;
}

static void start_watch(void)
{
    if (ncr_thread_start(watch, NULL))
        return;
    pthread_mutex_lock(&lock);
    watching = false; /* the next who waits tries again */
    pthread_mutex_unlock(&lock);
}

/* --- Taking and giving. --- */

bool ncr_zip_room_take(ncr_zip_make *make, uint64_t bytes)
{
    const ncr_call *call = make->call;
    bool must_watch = false;
    make->room = bytes;
    make->next = NULL;
    pthread_mutex_lock(&lock);
    bool has_room = !queue && fits_locked(make);
    if (has_room) {
        taken += bytes;
    } else {
        ncr_zip_make **end = &queue;
        while (*end)
            end = &(*end)->next;
        *end = make;
        must_watch = !watching && (call->cancel || call->deadline_ms != INT64_MAX);
        watching |= must_watch;
    }
    pthread_mutex_unlock(&lock);
    if (must_watch)
        start_watch();
    return has_room;
}

void ncr_zip_room_give(ncr_zip_make *make)
{
    ncr_zip_make *ready = NULL, **end = &ready;
    pthread_mutex_lock(&lock);
    taken -= make->room < taken ? make->room : taken;
    make->room = 0;
    while (queue && fits_locked(queue)) {
        *end = queue;
        queue = queue->next;
        (*end)->next = NULL;
        taken += (*end)->room;
        end = &(*end)->next;
    }
    pthread_mutex_unlock(&lock);
    submit_all(ready);
}

void ncr_zip_set_room(uint64_t bytes)
{
    pthread_mutex_lock(&lock);
    room = bytes;
    pthread_mutex_unlock(&lock);
}
