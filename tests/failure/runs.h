/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef TEST_FAILURE_RUNS_H
#define TEST_FAILURE_RUNS_H

#include <stdatomic.h>

#include "scenario.h"
#include "sites.h"

/* Runs of a scenario in a child process, whose findings lie in memory shared with the driver. */

/* How the scenario goes when nothing fails. */
typedef struct reference {
    uint64_t result;                 /* of what was read */
    uint64_t before, between, after; /* of the folder */
} reference;

typedef enum {
    RUN_PENDING,
    RUN_BEGUN,     /* and not ended: the process died in it */
    RUN_UNREACHED, /* the call was not come by */
    RUN_GOOD,
    RUN_BAD
} run_state;

typedef struct attempt {
    trial trial;
    site site;
    run_state state;
    bool alone;      /* in a process of its own */
    char text[1400]; /* what is wrong */
} attempt;

enum { ATTEMPTS_MAX = 65536 };

typedef struct shared {
    reference reference;
    site_table table;
    char text[1400];                /* why the scenario fails without a fault; "" */
    _Atomic unsigned long beats[8]; /* of each worker: counts runs, so that the driver sees that it is alive */
    size_t attempt_count;
    attempt attempts[ATTEMPTS_MAX];
} shared;

/* Runs without a fault, twice, and fills reference and table, or text. */
void runs_look(const scenario *s, shared *all);

/* Runs with the fault, then without, and judges; the attempt's state and text are set. */
void runs_try(const scenario *s, shared *all, attempt *a);

/* Looks for leaks; false: there are some, which standard error tells. True where the executable cannot tell. */
bool runs_check_leaks(void);

#endif
