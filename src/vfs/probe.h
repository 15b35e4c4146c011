/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_VFS_PROBE_H
#define NCR_VFS_PROBE_H

#include <nacre/probe.h>

#include "base/latch.h"
#include "vfs/vfs.h"

/* What a store keeps of the contract: probe.c (rows, the path, who asks, the verdict), probe_wire.c (how it is reached
 * and what it honours of reads), probe_contract.c (changes, below a folder of their own). Blocks. Private to this
 * layer, but for ncr_vfs_probe(). */

/* See nacre_probe(). */
nacre_status ncr_vfs_probe(const char *path, const nacre_probe_options *probe_options, const nacre_io_options *options,
                           nacre_probe_function function, void *user, nacre_probe_result *out, nacre_error *err);

/* A probe under way. Single-thread. */
typedef struct ncr_probe {
    const char *path; /* as the caller spelled it, for resolving; holds secrets perhaps */
    nacre_probe_options options;
    nacre_io_options io;
    nacre_probe_function function;
    void *user;
    nacre_probe_result *out;
    int64_t deadline_ms; /* on ncr_clock_ms() */
    ncr_witness *witness;
    ncr_object *object;     /* of path */
    ncr_object *sample;     /* that reads are tried on, referenced; NULL: there is none */
    ncr_object_facts facts; /* of the sample */
    int64_t server_ms;      /* see ncr_stat_op */
    bool is_prefix;         /* path names what lies below it */
    bool is_weak, is_bad;   /* there was such a row */
    bool was_written;       /* the contract was run to its end */
    char because[640];      /* what follows from the weak rows, or why it does not work */
} ncr_probe;

/* Tells a row; note "" none. The notes of weak rows, and the first bad row, become the verdict's reasons. */
void ncr_probe_say(ncr_probe *probe, const char *section, const char *name, nacre_probe_mark mark, const char *note,
                   const char *format, ...) __attribute__((format(printf, 6, 7)));

/* The same for a step that failed: bad, with the error as its value, and a cure by its status. */
void ncr_probe_fail(ncr_probe *probe, const char *section, const char *name, const nacre_error *error);

/* A call for one step, of at most limit_ms: *out is released by ncr_probe_call_end(), which accepts NULL. Fails where
 * memory is short or the time over. */
nacre_status ncr_probe_call(ncr_probe *probe, int64_t limit_ms, ncr_call **out, nacre_error *err);
void ncr_probe_call_end(ncr_probe *probe, ncr_call *call);

/* Whether the user has cancelled, or the time is over. */
bool ncr_probe_is_over(const ncr_probe *probe);

/* Whether nacre writes nothing there: HTTP servers, archives. */
bool ncr_probe_is_read_only(const ncr_probe *probe);

enum { NCR_PROBE_STEP_MS = 10000, NCR_PROBE_WRITE_MS = 30000 };

/* Steps on the store itself, past the cache, as another program would: each is a call of its own. */
nacre_status ncr_probe_stat(ncr_probe *probe, ncr_object *object, ncr_stat_op *out);
nacre_status ncr_probe_get(ncr_probe *probe, ncr_object *object, ncr_get *get); /* the caller frees get->whole */
nacre_status ncr_probe_list(ncr_probe *probe, ncr_object *prefix, ncr_list_op *op);

/* --- probe_wire.c --- */

/* Finds the sample; false: nothing more can be tried. */
bool ncr_probe_reach(ncr_probe *probe);
/* Latency and clock, and, if there is a sample, what is honoured of reads. */
void ncr_probe_read(ncr_probe *probe);
/* What is honoured of reads, and the bandwidth: there is a sample. */
void ncr_probe_honours(ncr_probe *probe);

/* --- probe_contract.c --- */

void ncr_probe_write(ncr_probe *probe);

#endif
