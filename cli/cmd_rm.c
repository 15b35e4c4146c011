/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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
        return !cli_interrupted();
    char *path = strdup(info->path);
    return path && cli_jobs_add(user, path, 0);
}

/* What is no object, of a local folder: folders, links, pipes. */
static int remove_rest(cli_context *context, const char *path)
{
    const char *at;
    struct stat found;
    if (!cli_path_is_local(path) || lstat(path, &found) != 0 || cli_remove_folder(path, &at))
        return CLI_OK;
    return cli_error(context, "%s: cannot delete it: %s", at, strerror(errno));
}

/* Where a slip of the hand would cost too much. */
static bool is_protected(const char *path)
{
    char *real = cli_path_is_local(path) ? realpath(path, NULL) : NULL;
    const char *base = cli_path_base(path);
    bool is_dots = real && (strcmp(base, ".") == 0 || strcmp(base, "./") == 0 || strcmp(base, "..") == 0 ||
                            strcmp(base, "../") == 0);
    bool is_root = real && strcmp(real, "/") == 0;
    free(real);
    return is_dots || is_root;
}

static bool is_link(const char *path)
{
    struct stat found;
    return cli_path_is_local(path) && lstat(path, &found) == 0 && S_ISLNK(found.st_mode);
}

static const cli_jobs_kind all_below = {remove_one, free, "deleted", false};

static int remove_tree(cli_context *context, const char *path)
{
    if (is_protected(path))
        return cli_error(context, "%s: is not deleted as a whole: name what is in it", path);
    if (is_link(path)) /* the link, never what it leads to */
        return remove_rest(context, path);
    nacre_error error;
    nacre_list_options list = NACRE_LIST_OPTIONS_INIT;
    list.recursive = true;
    cli_jobs *jobs = cli_jobs_begin(context, &all_below);
    if (!jobs)
        return cli_error(context, "out of memory");
    nacre_status listed = nacre_list(path, &list, &context->io, on_entry, jobs, &error);
    int status = cli_jobs_end(jobs);
    if (listed != NACRE_OK && status != CLI_INTERRUPTED)
        status = cli_fail(context, listed, &error);
    return status == CLI_OK ? remove_rest(context, path) : status;
}

static int remove_object(cli_context *context, const char *path)
{
    nacre_error error;
    nacre_status status = nacre_delete(path, &context->io, &error);
    return status == NACRE_OK ? CLI_OK : cli_fail(context, status, &error);
}

/* What cannot be deleted does not keep the others from it. */
static int run(cli_context *context)
{
    int result = CLI_OK;
    for (size_t i = 0; i < context->values.operand_count; i++) {
        const char *path = context->values.operands[i];
        int status = cli_has(&context->values, RECURSIVE) ? remove_tree(context, path) : remove_object(context, path);
        if (status == CLI_INTERRUPTED)
            return status;
        result = status == CLI_OK ? result : status;
    }
    return result;
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
