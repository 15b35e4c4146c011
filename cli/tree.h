/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_CLI_TREE_H
#define NCR_CLI_TREE_H

#include "cli.h"
#include "jobs.h"

/* Copies and moves: of objects, and of all that lies below a path. */

/* A source and a destination; a job of cp and mv. */
typedef struct cli_pair {
    char *source, *destination;
} cli_pair;

/* malloc'd with copies of both; NULL: out of memory. */
cli_pair *cli_pair_new(const char *source, const char *destination);
void cli_pair_free(void *pair);

/* Options of cp and mv; ids of the command's own table. */
typedef struct cli_pair_options {
    int recursive, no_clobber, if_match;
} cli_pair_options;

/* What a destination may replace, as the options say. */
nacre_write_options cli_pair_write_options(const cli_context *context, const cli_pair_options *ids);

/* Checks the words that cp and mv have in common, and configures the calls for them. A status. */
int cli_pair_check(cli_context *context, const cli_pair_options *ids);

/* Makes the local folders above the pair's destination. */
nacre_status cli_pair_make_parents(const cli_pair *pair, nacre_error *err);

/* Queues a pair for each source (of `count` operands), and for each object below it where it is recursive. Failures
 * are told; those of a listing count as one. False: no more can be queued. */
bool cli_pairs_add(cli_context *context, cli_jobs *jobs, const char *source, const char *destination,
                   const cli_pair_options *ids);

#endif
