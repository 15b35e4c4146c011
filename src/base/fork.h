/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_BASE_FORK_H
#define NCR_BASE_FORK_H

#include <pthread.h>

/* What the child of a fork finds: of the parent's threads it has only the one that forked, so a lock that another one
 * held would stay taken for ever. All that is registered here is registered while the library is loaded (NCR_AT_LOAD),
 * when there are no other threads yet: what were registered at its first use could be so in the middle of a fork,
 * whose child would then have the parent's state without having been told. */

/* Marks a function that runs when the library is loaded. */
#define NCR_AT_LOAD __attribute__((constructor)) static void

/* In which order things stop for a fork: what holds its lock while it takes another's comes before that. */
typedef enum ncr_fork_order {
    NCR_FORK_CACHE, /* hands tasks to the pool */
    NCR_FORK_LOOP,  /* signs requests, which looks at credentials and may hand tasks to the pool */
    NCR_FORK_POOL,
    NCR_FORK_LAST /* locks under which no other is taken: ncr_fork_keep() */
} ncr_fork_order;

/* What is called before a fork, and after it in the parent and in the child; the reverse order then. Each may be NULL.
 */
void ncr_fork_handle(ncr_fork_order order, void (*before)(void), void (*in_parent)(void), void (*in_child)(void));

/* Takes the lock before each fork and gives it back after it, on both sides: the child finds it free, and what it
 * guards as a thread left it. For static locks under which no other is taken. Once for each lock. */
void ncr_fork_keep(pthread_mutex_t *lock);

/* How many forks lie between this process and the one that loaded the library: who remembers it knows later whether it
 * is the child of a fork, without asking the system for its number, which costs as much as a small read. Any thread. */
unsigned ncr_fork_count(void);

#endif
