/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_BASE_THREAD_H
#define NCR_BASE_THREAD_H

#include <stdbool.h>

/* Starts a thread of the library's own: nobody joins it, and all signals are blocked in it, since they are for the
 * program's own threads. False: it cannot be had. */
bool ncr_thread_start(void *(*function)(void *user), void *user);

/* Threads are dealt out over so many stripes, for data of which each thread uses a part of its own, so that they do not
 * wait for one another's. */
enum { NCR_STRIPES = 16, NCR_CACHE_LINE = 64 };

/* The calling thread's stripe, 0 to NCR_STRIPES - 1: the same all its life. */
unsigned ncr_thread_stripe(void);

#endif
