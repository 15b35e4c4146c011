/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef TORTURE_WORKER_H
#define TORTURE_WORKER_H

#include <nacre/nacre.h>
#include <pthread.h>

#include "content.h"

enum { HELD = 4, KEY_SIZE = 64, PATH_SIZE = 256, MAX_SLOTS = 32, MOST_CHILDREN = 15 };

/* What the words of the command say; immutable. */
typedef struct plan {
    const char *name;   /* of the process */
    const char *prefix; /* "gs://bucket/" */
    const char *folder; /* for traces */
    uint64_t seed;
    unsigned process; /* a number */
    unsigned threads, slots;
    int64_t start_ns, end_ns, epoch_ns; /* of CLOCK_MONOTONIC */
    bool conditions;                    /* whether the store has conditions for all changes */
    bool datasets;
    bool shares; /* the cache, with other processes */
} plan;

/* A handle that is held. */
typedef struct held {
    nacre_file *file; /* or: */
    nacre_dataset *dataset;
    char key[KEY_SIZE];
    char owner[64]; /* the process that opened it */
    uint64_t id;
    uint32_t value; /* 0: not known */
    unsigned height;
    char version[160];
} held;

/* One thread of one process, or the one thread of a forked child. Single-thread. */
typedef struct worker {
    const plan *plan;
    char process[64];
    unsigned thread, number; /* number: 12 bits, unique in the run */
    bool is_child;
    int trace;           /* file descriptor */
    uint64_t operations; /* done so far; also what chooses the next */
    uint64_t changes;    /* makes values unique */
    uint64_t records;    /* makes numbers of operations in the trace unique */
    unsigned children;
    held held[HELD];
    uint8_t *buffer; /* of 2 * CONTENT_LARGEST bytes */
} worker;

/* Nanoseconds of CLOCK_MONOTONIC. */
int64_t now_ns(void);

/* The n-th random number of the current operation: follows from seed, worker, operation and n alone. */
uint64_t pick(const worker *w, unsigned n);

/* The key of a slot in the epoch of now; *epoch may be NULL. */
void current_key(const worker *w, unsigned slot, char key[KEY_SIZE]);
unsigned current_epoch(const worker *w);

/* Appends lines to the trace, all at once, so that a kill leaves them whole. */
void trace_line(const worker *w, const char *text);

/* Does the next operation. */
void operate(worker *w);

/* Runs a child in a process of its own, which goes on with the handles of w for a while. */
void run_child(worker *w);

#endif
