/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "api/future.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/fork.h"
#include "raster/execute.h"

nacre_status ncr_future_new(const nacre_io_options *options, nacre_future **out, nacre_error *err)
{
    nacre_io_options own = NACRE_IO_OPTIONS_INIT;
    *out = NULL;
    if (options)
        own = *options;
    nacre_future *future = calloc(1, sizeof *future);
    if (!future)
        return ncr_error_memory(err);
    future->fork_count = ncr_fork_count();
    future->fd = -1;
    future->stats.stats = own.stats;
    future->begins_here = own.begins_here;
    pthread_mutex_init(&future->lock, NULL);
    sem_init(&future->over, 0, 0);
    own.cancel = future->cancel = ncr_cancel_new_beside(own.cancel);
    nacre_status status = own.cancel ? ncr_call_new(&own, &future->call, err) : ncr_error_memory(err);
    if (status != NACRE_OK) {
        ncr_future_clear(future);
        return status;
    }
    *out = future;
    return NACRE_OK;
}

void ncr_future_clear(nacre_future *future)
{
    if (!future)
        return;
    ncr_plan_free(future->plan);
    ncr_read_clear(&future->read);
    ncr_call_unref(future->call);
    nacre_cancel_free(future->cancel);
    free(future->ended);
    if (future->fd >= 0)
        close(future->fd);
    sem_destroy(&future->over);
    pthread_mutex_destroy(&future->lock);
    free(future);
}

/* Whether the descriptor is to be readable. */
static bool has_news_locked(const nacre_future *future)
{
    return future->is_done || future->told_count < future->ended_count;
}

static void signal_locked(nacre_future *future)
{
    if (future->fd >= 0)
        eventfd_write(future->fd, 1);
}

void ncr_future_item_ended(nacre_future *future, size_t index)
{
    pthread_mutex_lock(&future->lock);
    future->ended[future->ended_count++] = index;
    signal_locked(future);
    pthread_mutex_unlock(&future->lock);
}

/* On a worker. After the lock the future may be gone. */
static void finish(void *user, nacre_status status, const nacre_error *error)
{
    nacre_future *future = user;
    ncr_plan_free(future->plan);
    future->plan = NULL;
    if (future->out && status != NACRE_OK) {
        ncr_dataset_unref(*future->out);
        *future->out = NULL;
    }
    ncr_call_report(future->call, &future->stats);
    pthread_mutex_lock(&future->lock);
    future->status = status;
    if (status != NACRE_OK)
        future->error = *error;
    future->is_done = true;
    signal_locked(future);
    sem_post(&future->over);
    pthread_mutex_unlock(&future->lock);
}

void ncr_future_start(nacre_future *future, nacre_future **out)
{
    *out = future;
    if (future->begins_here)
        ncr_execute_start_here(future->plan, finish, future);
    else
        ncr_execute_start(future->plan, finish, future);
}

/* --- The public functions --- */

static bool is_of_parent(const nacre_future *future)
{
    return future->fork_count != ncr_fork_count();
}

static bool is_done(nacre_future *future)
{
    if (is_of_parent(future))
        return true;
    pthread_mutex_lock(&future->lock);
    bool done = future->is_done;
    pthread_mutex_unlock(&future->lock);
    return done;
}

static struct timespec time_in(int64_t milliseconds)
{
    enum { MS_PER_S = 1000, NS_PER_MS = 1000000, NS_PER_S = 1000000000 };
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += (time_t)(milliseconds / MS_PER_S);
    t.tv_nsec += (long)(milliseconds % MS_PER_S) * NS_PER_MS;
    if (t.tv_nsec >= NS_PER_S) {
        t.tv_nsec -= NS_PER_S;
        t.tv_sec++;
    }
    return t;
}

bool nacre_future_wait(nacre_future *future, int64_t timeout_ms)
{
    static const int64_t longest = INT32_MAX;
    if (is_done(future) || timeout_ms == 0)
        return is_done(future);
    int failed;
    if (timeout_ms < 0) {
        failed = sem_wait(&future->over);
    } else {
        struct timespec until = time_in(timeout_ms < longest ? timeout_ms : longest);
        failed = sem_clockwait(&future->over, CLOCK_MONOTONIC, &until);
    }
    if (!failed)
        sem_post(&future->over); /* for the next who waits */
    return is_done(future);
}

nacre_status nacre_future_status(nacre_future *future, nacre_error *err)
{
    if (is_of_parent(future))
        return ncr_error_set(err, NACRE_ERROR_CANCELLED, "future: it was started before the fork, by the parent");
    pthread_mutex_lock(&future->lock);
    bool done = future->is_done;
    nacre_status status = future->status;
    pthread_mutex_unlock(&future->lock);
    if (!done)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "future: it is not done yet");
    return status == NACRE_OK ? NACRE_OK : ncr_error_copy(err, &future->error, status);
}

nacre_status nacre_future_fd(nacre_future *future, int *out, nacre_error *err)
{
    *out = -1;
    if (is_of_parent(future))
        return ncr_error_set(err, NACRE_ERROR_CANCELLED, "future: it was started before the fork, by the parent");
    int error_number = 0;
    pthread_mutex_lock(&future->lock);
    if (future->fd < 0) {
        future->fd = eventfd(has_news_locked(future), EFD_CLOEXEC | EFD_NONBLOCK);
        error_number = future->fd < 0 ? errno : 0;
    }
    *out = future->fd;
    pthread_mutex_unlock(&future->lock);
    return error_number ? ncr_error_errno(err, error_number, "future", "eventfd") : NACRE_OK;
}

bool nacre_future_next(nacre_future *future, size_t *index)
{
    if (is_of_parent(future))
        return false;
    pthread_mutex_lock(&future->lock);
    bool found = future->told_count < future->ended_count;
    if (found)
        *index = future->ended[future->told_count++];
    if (!has_news_locked(future) && future->fd >= 0) {
        eventfd_t ignored;
        eventfd_read(future->fd, &ignored);
    }
    pthread_mutex_unlock(&future->lock);
    return found;
}

void nacre_future_cancel(nacre_future *future)
{
    nacre_cancel_trigger(future->cancel);
}

void nacre_future_free(nacre_future *future)
{
    if (!future)
        return;
    if (is_of_parent(future)) { /* what it points to may be half-changed: only what is surely ours goes */
        if (future->fd >= 0)
            close(future->fd);
        return;
    }
    if (!is_done(future))
        nacre_future_cancel(future);
    while (!nacre_future_wait(future, -1))
        continue;
    ncr_future_clear(future);
}
