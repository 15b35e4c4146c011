/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <string.h>

#include "cli.h"
#include "jobs.h"
#include "paths.h"
#include "tree.h"

enum { RECURSIVE = 1, NO_CLOBBER, IF_MATCH };

static const cli_option options[] = {
    {RECURSIVE, "recursive", 'r', NULL, 0, NULL, false, "what lies below SRC goes below DST"},
    {NO_CLOBBER, "no-clobber", 'n', NULL, 0, NULL, false, "fail where the destination exists"},
    {IF_MATCH, "if-match", 0, NULL, 0, "VERSION", false, "replace only this version (as stat tells it)"},
    {0},
};

static const cli_pair_options ids = {RECURSIVE, NO_CLOBBER, IF_MATCH};

static nacre_status move_one(cli_context *context, void *user, nacre_error *err)
{
    const cli_pair *pair = user;
    const nacre_write_options how = cli_pair_write_options(context, &ids);
    nacre_status status = cli_has(&context->values, RECURSIVE) ? cli_pair_make_parents(pair, err) : NACRE_OK;
    return status == NACRE_OK ? nacre_rename(pair->source, pair->destination, &how, &context->io, err) : status;
}

static int run(cli_context *context)
{
    size_t count = context->values.operand_count - 1;
    const char *const *operands = context->values.operands;
    int status = cli_pair_check(context, &ids);
    if (status != CLI_OK)
        return status;
    bool is_recursive = cli_has(&context->values, RECURSIVE);
    const cli_jobs_kind kind = {move_one, cli_pair_free, "moved", count == 1 && !is_recursive};
    cli_jobs *jobs = cli_jobs_begin(context, &kind);
    if (!jobs)
        return cli_error(context, "out of memory");
    for (size_t i = 0; i < count; i++)
        if (!cli_pairs_add(context, jobs, operands[i], operands[count], &ids))
            break;
    status = cli_jobs_end(jobs);
    for (size_t i = 0; i < count && is_recursive && status == CLI_OK; i++)
        cli_remove_empty_folders(operands[i]);
    return status;
}

const cli_command cli_cmd_mv = {
    .name = "mv",
    .summary = "move objects (in stores: copy, then delete of that version)",
    .operands = "SRC... DST",
    .operands_min = 2,
    .operands_max = -1,
    .options = options,
    .run = run,
};
