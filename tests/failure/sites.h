/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef TEST_FAILURE_SITES_H
#define TEST_FAILURE_SITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where something can fail: a call of malloc() and its like, or of the system, told from others by the functions that
 * led to it. What a run comes by is noted in memory that the driver shares with its children, so it survives a crash.
 */

enum { SITE_FRAMES = 12, SITE_MAX = 16384 };

typedef enum { SITE_ALLOCATION, SITE_LIBRARY, SITE_SYSTEM } site_kind; /* library: an allocation by curl and others */

typedef struct site {
    uint64_t hash; /* of the frames up to the depth; the same in every run of one executable */
    site_kind kind;
    char function[40]; /* "malloc", "pread" */
    unsigned count;    /* how often it was come by in the run that looked */
    void *frames[SITE_FRAMES];
    int frame_count;
} site;

/* Faults beside the values of errno. */
enum {
    FAULT_SHORT = -1,      /* a read or write of a single byte; not an error */
    FAULT_UNREADABLE = -2, /* a file that opens, but whose reads fail */
};

/* What shall fail in a run. */
typedef struct trial {
    uint64_t hash;
    unsigned occurrence; /* from 1 */
    bool is_lasting;     /* every allocation from then on fails too */
    int fault;           /* a value of errno, or a fault of ours; 0: an allocation */
} trial;

typedef struct site_table {
    site sites[SITE_MAX];
    size_t count;
    bool is_full;
} site_table;

/* Loads what telling call stacks needs; once, before everything. depth: frames that tell one site from another. */
void sites_init(int depth);

/* From here on, until sites_disarm(), calls are noted in the table (NULL: not), and the trial's call fails (NULL:
 * none). Calls of all threads count. */
void sites_arm(site_table *table, const trial *t);
/* True: the call of the trial was come by, and failed. */
bool sites_disarm(void);

/* Asked by each call that can fail, with its own return address. True: it shall fail now, as *fault says. */
bool sites_strike(site_kind kind, const char *function, void *caller, int *fault);

/* Whether an address lies in libcurl. */
bool sites_in_curl(const void *address);

/* Writes a site's frames to standard error, with names where the executable is built with AddressSanitizer. */
void sites_print(const site *s);

/* Sets the functions by which curl, libxml2, jansson and expat allocate. Before their first use. */
void allocations_hook(void);

/* The errors that a system call of that name fails with in turn, 0 after the last. */
const int *system_call_faults(const char *function);

#endif
