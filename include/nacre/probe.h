/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NACRE_PROBE_H
#define NACRE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a store at hand keeps of what nacre promises (docs/guide/doctor.md). */

/* What a row means. Values are never renumbered. */
typedef enum nacre_probe_mark {
    NACRE_PROBE_NOTE = 0,   /* a fact, neither good nor bad */
    NACRE_PROBE_GOOD = 1,   /* as it should be */
    NACRE_PROBE_WEAK = 2,   /* not honoured: row.note says what follows */
    NACRE_PROBE_BAD = 3,    /* it does not work: row.note says what to do */
    NACRE_PROBE_SKIPPED = 4 /* was not tried: row.value says why */
} nacre_probe_mark;

/* One finding. Texts are single lines of UTF-8 without secrets, and live until the callback returns. */
typedef struct nacre_probe_row {
    const char *section; /* "path", "credentials", "connection", "reading", "writing" */
    const char *name;    /* "ranges" */
    nacre_probe_mark mark;
    const char *value; /* what was found */
    const char *note;  /* what follows, or what to do; "" nothing */
} nacre_probe_row;

/* Called for each row as it is found, on the calling thread; it must not call nacre. */
typedef void (*nacre_probe_function)(void *user, const nacre_probe_row *row);

typedef enum nacre_probe_verdict {
    NACRE_PROBE_SAFE = 0,  /* every promise that was tried is kept */
    NACRE_PROBE_WORKS = 1, /* it can be used, with less than all promises */
    NACRE_PROBE_FAILS = 2  /* it cannot be used */
} nacre_probe_verdict;

typedef struct nacre_probe_result {
    nacre_probe_verdict verdict;
    bool has_left;      /* something that was written for the probe could not be removed: a row names it */
    char summary[1024]; /* one line, "safe: ...", "works, but ...", "does not work: ..." */
} nacre_probe_result;

typedef struct nacre_probe_options {
    size_t size;              /* sizeof(nacre_probe_options) */
    bool write;               /* run the contract as a test below path, which ends with a slash; what that writes goes
                                 into a folder of a new name, which is removed again, also after a failure */
    uint64_t bandwidth_bytes; /* read at most to tell how fast that goes; 0: 32 MiB */
    int64_t bandwidth_ms;     /* and for at most so long; 0: 3000 */
} nacre_probe_options;

#define NACRE_PROBE_OPTIONS_INIT                 \
    {                                            \
        sizeof(nacre_probe_options), false, 0, 0 \
    }

/* Looks at a path: what nacre takes it for, who asks, how the store is reached, what it honours. Faults of the store
 * are rows, not failures. Ends by the call's time limit (and, where options have none, within 60 s); after that it may
 * take 15 s to remove what was written. NACRE_ERROR_CANCELLED, after what was written is removed; NACRE_ERROR_INVALID:
 * path makes no sense, or `write` is asked for where path does not end with a slash. */
NACRE_API nacre_status nacre_probe(const char *path, const nacre_probe_options *probe_options,
                                   const nacre_io_options *options, nacre_probe_function function, void *user,
                                   nacre_probe_result *out, nacre_error *err);

#ifdef __cplusplus
}
#endif

#endif
