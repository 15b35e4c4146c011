/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/fork.h"
#include "base/text.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static nacre_log_function receiver; /* guarded by lock, with its user */
static void *receiver_user;

NCR_AT_LOAD keep_over_fork(void)
{
    ncr_fork_keep(&lock);
}

void ncr_log_set(nacre_log_function function, void *user)
{
    pthread_mutex_lock(&lock);
    receiver = function;
    receiver_user = user;
    pthread_mutex_unlock(&lock);
}

void ncr_log(int level, const char *format, ...)
{
    pthread_mutex_lock(&lock);
    nacre_log_function function = receiver;
    void *user = receiver_user;
    pthread_mutex_unlock(&lock);
    if (!function)
        return;
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    ncr_text_make_line(line);
    function(user, level, line);
}
