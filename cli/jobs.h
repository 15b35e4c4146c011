/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_CLI_JOBS_H
#define NCR_CLI_JOBS_H

#include "cli.h"

/* Calls on many objects at once: a short queue and a few threads, so that a long listing is never held in memory.
 * Synchronised. */
typedef struct cli_jobs cli_jobs;

/* Does one job. Must not free it. */
typedef nacre_status cli_job_function(cli_context *context, void *job, nacre_error *err);

/* job_free is called once for each job that was added. NULL: out of memory. */
cli_jobs *cli_jobs_begin(cli_context *context, cli_job_function *run, void (*job_free)(void *job));

/* Queues a job, waiting for room; false, and the job is freed, once one has failed or the user interrupted. */
bool cli_jobs_add(cli_jobs *jobs, void *job);

/* Waits for all jobs; gives the first failure. */
nacre_status cli_jobs_end(cli_jobs *jobs, nacre_error *err);

#endif
