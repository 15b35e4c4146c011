/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "base/fork.h"

#include <assert.h>
#include <stdbool.h>

enum { MOST_LOCKS = 48, MOST_HANDLERS = 16 };

typedef struct handler {
    ncr_fork_order order;
    void (*before)(void), (*in_parent)(void), (*in_child)(void);
} handler;

/* Not changed after loading. */
static pthread_mutex_t *kept[MOST_LOCKS];
static int kept_count;
static handler handlers[MOST_HANDLERS]; /* by order */
static int handler_count;

static unsigned forks; /* of this process and its parents; written where a child has one thread */

static void before_fork(void)
{
    for (int i = 0; i < handler_count; i++)
        if (handlers[i].before)
            handlers[i].before();
    for (int i = 0; i < kept_count; i++)
        pthread_mutex_lock(kept[i]);
}

static void release_kept(void)
{
    for (int i = kept_count; i-- > 0;)
        pthread_mutex_unlock(kept[i]);
}

static void after_fork_parent(void)
{
    release_kept();
    for (int i = handler_count; i-- > 0;)
        if (handlers[i].in_parent)
            handlers[i].in_parent();
}

static void after_fork_child(void)
{
    forks++;
    release_kept();
    for (int i = handler_count; i-- > 0;)
        if (handlers[i].in_child)
            handlers[i].in_child();
}

static void begin(void)
{
    static bool has_begun;
    if (!has_begun)
        pthread_atfork(before_fork, after_fork_parent, after_fork_child);
    has_begun = true;
}

NCR_AT_LOAD count_forks(void)
{
    begin();
}

unsigned ncr_fork_count(void)
{
    return forks;
}

void ncr_fork_handle(ncr_fork_order order, void (*before)(void), void (*in_parent)(void), void (*in_child)(void))
{
    assert(handler_count < MOST_HANDLERS);
    begin();
    int at = handler_count++;
    for (; at && handlers[at - 1].order > order; at--)
        handlers[at] = handlers[at - 1];
    handlers[at] = (handler){order, before, in_parent, in_child};
}

void ncr_fork_keep(pthread_mutex_t *lock)
{
    assert(kept_count < MOST_LOCKS);
    begin();
    kept[kept_count++] = lock;
}
