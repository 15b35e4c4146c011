/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "jobs.h"
#include "paths.h"

enum { RECURSIVE = 1 };

static const cli_option options[] = {
    {RECURSIVE, "recursive", 'r', NULL, 0, NULL, false, "and all that lies below"},
    {0},
};

static nacre_status remove_one(cli_context *context, void *job, nacre_error *err)
{
    nacre_status status = nacre_delete(job, &context->io, err);
    return status == NACRE_ERROR_NOT_FOUND ? NACRE_OK : status; /* someone else's delete was earlier */
}

static bool on_entry(void *user, const nacre_object_info *info)
{
    if (info->is_prefix)
        return true;
    char *path = strdup(info->path);
    return path && cli_jobs_add(user, path);
}

static int remove_tree(cli_context *context, const char *path)
{
    nacre_error error, list_error;
    nacre_list_options list = NACRE_LIST_OPTIONS_INIT;
    list.recursive = true;
    cli_jobs *jobs = cli_jobs_begin(context, remove_one, free);
    if (!jobs)
        return cli_error(context, "out of memory");
    nacre_status listed = nacre_list(path, &list, &context->io, on_entry, jobs, &list_error);
    nacre_status status = cli_jobs_end(jobs, &error);
    if (status != NACRE_OK)
        return cli_fail(context, status, &error);
    if (listed != NACRE_OK)
        return cli_fail(context, listed, &list_error);
    cli_remove_empty_folders(path);
    return CLI_OK;
}

static int run(cli_context *context)
{
    nacre_error error;
    for (size_t i = 0; i < context->values.operand_count; i++) {
        const char *path = context->values.operands[i];
        if (cli_has(&context->values, RECURSIVE)) {
            int status = remove_tree(context, path);
            if (status != CLI_OK)
                return status;
            continue;
        }
        nacre_status status = nacre_delete(path, &context->io, &error);
        if (status != NACRE_OK)
            return cli_fail(context, status, &error);
    }
    return CLI_OK;
}

const cli_command cli_cmd_rm = {
    .name = "rm",
    .summary = "delete objects",
    .operands = "PATH...",
    .operands_min = 1,
    .operands_max = -1,
    .options = options,
    .run = run,
};
