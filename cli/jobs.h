/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_CLI_JOBS_H
#define NCR_CLI_JOBS_H

#include "cli.h"

/* Calls on many objects at once: a short queue and a few threads, so that a long listing is never held in memory. What
 * fails is told at once and the others go on. Synchronised. */
typedef struct cli_jobs cli_jobs;

/* Does one job. Must not free it. */
typedef nacre_status cli_job_function(cli_context *context, void *job, nacre_error *err);

/* What the jobs are. */
typedef struct cli_jobs_kind {
    cli_job_function *run;
    void (*job_free)(void *job); /* called once for each job that was added */
    const char *done;            /* "copied": for the summary */
    bool is_alone;               /* there is one job, or one result: no summary */
    bool stops;                  /* after the first failure, which alone is told */
} cli_jobs_kind;

/* kind must outlive the jobs. NULL: out of memory. */
cli_jobs *cli_jobs_begin(cli_context *context, const cli_jobs_kind *kind);

/* The bytes of memory that a copy of an object of this size may need while it runs; UINT64_MAX: of unknown size. */
uint64_t cli_copy_weight(uint64_t size);

/* Queues a job, waiting for room; false, and the job is freed, once the user interrupted, no thread can be had, or one
 * has failed and they stop then.
 * weight: bytes of memory that it may need; jobs run at once as long as theirs fit together (and one in any case). */
bool cli_jobs_add(cli_jobs *jobs, void *job, uint64_t weight);

/* Tells of an object that cannot even be tried: as if its job had failed. */
void cli_jobs_refuse(cli_jobs *jobs, const nacre_error *why);

/* Waits for all jobs, says on standard error how many were done where not all were, and releases. An exit status. */
int cli_jobs_end(cli_jobs *jobs);

#endif
