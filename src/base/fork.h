/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_BASE_FORK_H
#define NCR_BASE_FORK_H

#include <pthread.h>

/* What the child of a fork finds: of the parent's threads it has only the one that forked, so a lock that another one
 * held would stay taken for ever. */

/* Takes the lock before each fork and gives it back after it, on both sides: the child finds it free, and what it
 * guards as a thread left it. For static locks under which no other is taken. Once for each lock, from a function
 * marked NCR_AT_LOAD, when there are no other threads yet. */
void ncr_fork_keep(pthread_mutex_t *lock);

/* Marks a function that runs when the library is loaded. */
#define NCR_AT_LOAD __attribute__((constructor)) static void

#endif
