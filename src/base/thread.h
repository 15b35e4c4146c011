/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_BASE_THREAD_H
#define NCR_BASE_THREAD_H

#include <stdbool.h>

/* Starts a thread of the library's own: nobody joins it, and all signals are blocked in it, since they are for the
 * program's own threads. False: it cannot be had. */
bool ncr_thread_start(void *(*function)(void *user), void *user);

#endif
