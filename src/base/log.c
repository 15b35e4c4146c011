/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static nacre_log_function receiver; /* guarded by lock, with its user */
static void *receiver_user;

static void take_lock(void)
{
    pthread_mutex_lock(&lock);
}

static void release_lock(void)
{
    pthread_mutex_unlock(&lock);
}

static void keep_over_fork(void)
{
    pthread_atfork(take_lock, release_lock, release_lock);
}

/* Takes the lock, which a fork leaves free in the child. */
static void lock_receiver(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, keep_over_fork);
    take_lock();
}

void ncr_log_set(nacre_log_function function, void *user)
{
    lock_receiver();
    receiver = function;
    receiver_user = user;
    release_lock();
}

void ncr_log(int level, const char *format, ...)
{
    lock_receiver();
    nacre_log_function function = receiver;
    void *user = receiver_user;
    release_lock();
    if (!function)
        return;
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    function(user, level, line);
}
