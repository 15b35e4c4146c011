/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "jobs.h"
#include "paths.h"

enum { RECURSIVE = 1, NO_CLOBBER, IF_MATCH };

static const cli_option options[] = {
    {RECURSIVE, "recursive", 'r', NULL, 0, NULL, false, "what lies below SRC goes below DST"},
    {NO_CLOBBER, "no-clobber", 'n', NULL, 0, NULL, false, "fail where the destination exists"},
    {IF_MATCH, "if-match", 0, NULL, 0, "VERSION", false, "replace only this version (as stat tells it)"},
    {0},
};

static nacre_write_options write_options(const cli_context *context)
{
    nacre_write_options out = NACRE_WRITE_OPTIONS_INIT;
    out.no_clobber = cli_has(&context->values, NO_CLOBBER);
    out.if_version = cli_text(&context->values, IF_MATCH);
    return out;
}

/* --- Standard input --- */

static int write_input(cli_context *context, nacre_writer *writer)
{
    enum { STEP = 1 << 18 };
    nacre_error error;
    char *step = malloc(STEP);
    nacre_status status = step ? NACRE_OK : NACRE_ERROR_MEMORY;
    while (status == NACRE_OK && !cli_interrupted()) {
        ssize_t got = read(STDIN_FILENO, step, STEP);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            free(step);
            return cli_error(context, "standard input: %s", strerror(errno));
        }
        if (got == 0)
            break;
        status = nacre_writer_write(writer, step, (size_t)got, &error);
    }
    free(step);
    if (!step)
        return cli_error(context, "out of memory");
    if (cli_interrupted())
        return CLI_INTERRUPTED;
    if (status == NACRE_OK)
        status = nacre_writer_commit(writer, &error);
    return status == NACRE_OK ? CLI_OK : cli_fail(context, status, &error);
}

static int copy_input(cli_context *context, const char *destination)
{
    nacre_error error;
    nacre_writer *writer;
    const nacre_write_options how = write_options(context);
    if (cli_path_is_folder(destination))
        return cli_usage(context, "standard input needs a destination with a name, not '%s'", destination);
    nacre_status status = nacre_writer_open(destination, &how, &context->io, &writer, &error);
    if (status != NACRE_OK)
        return cli_fail(context, status, &error);
    int result = write_input(context, writer);
    nacre_writer_close(writer);
    return result;
}

/* --- Many objects --- */

typedef struct copy_job {
    char *source, *destination;
} copy_job;

static void job_free(void *user)
{
    copy_job *job = user;
    free(job->source);
    free(job->destination);
    free(job);
}

static nacre_status copy_one(cli_context *context, void *user, nacre_error *err)
{
    const copy_job *job = user;
    const nacre_write_options how = write_options(context);
    if (!cli_make_parents(job->destination)) {
        *err = (nacre_error){.status = NACRE_ERROR_IO};
        snprintf(err->message, sizeof err->message, "%s: cannot make its folder: %s", job->destination,
                 strerror(errno));
        return NACRE_ERROR_IO;
    }
    return nacre_copy(job->source, job->destination, &how, &context->io, err);
}

typedef struct tree_copy {
    cli_jobs *jobs;
    const char *source, *destination;
    char *refused; /* why the copy ends here; NULL: nothing was wrong */
} tree_copy;

/* Objects such as "d/" are how stores keep folders: there is nothing in them to copy. Of local names only those are
 * taken that lead to a place below the destination which no other key leads to. */
static bool takes(tree_copy *tree, const nacre_object_info *info, const char *rest)
{
    size_t length = strlen(rest);
    bool is_local = cli_path_is_local(tree->destination);
    if (!length || (is_local && rest[length - 1] == '/' && info->size == 0))
        return false;
    const char *bad = is_local ? cli_bad_local_name(rest) : NULL;
    if (bad && asprintf(&tree->refused, "%s: its key has %s, which no local name can have: copy it by itself",
                        info->path, bad) < 0)
        tree->refused = NULL;
    return !bad;
}

static bool on_entry(void *user, const nacre_object_info *info)
{
    tree_copy *tree = user;
    if (info->is_prefix)
        return true;
    size_t length = strlen(tree->source), destination_length = strlen(tree->destination);
    bool below =
        strncmp(info->path, tree->source, length) == 0 && (info->path[length] || tree->source[length - 1] == '/');
    const char *rest = below ? info->path + length : cli_path_base(info->path);
    rest += below && *rest == '/' && length && tree->source[length - 1] != '/';
    if (!takes(tree, info, rest))
        return !tree->refused;
    bool slash = destination_length && tree->destination[destination_length - 1] == '/';
    copy_job *job = calloc(1, sizeof *job);
    if (!job)
        return false;
    job->source = strdup(info->path);
    if (asprintf(&job->destination, "%s%s%s", tree->destination, slash ? "" : "/", rest) < 0)
        job->destination = NULL;
    if (job->source && job->destination)
        return cli_jobs_add(tree->jobs, job);
    job_free(job);
    return false;
}

static int copy_tree(cli_context *context, const char *source, const char *destination)
{
    nacre_error error, list_error;
    nacre_list_options list = NACRE_LIST_OPTIONS_INIT;
    list.recursive = true;
    tree_copy tree = {cli_jobs_begin(context, copy_one, job_free), source, destination, NULL};
    if (!tree.jobs)
        return cli_error(context, "out of memory");
    nacre_status listed = nacre_list(source, &list, &context->io, on_entry, &tree, &list_error);
    nacre_status status = cli_jobs_end(tree.jobs, &error);
    int result = CLI_OK;
    if (status != NACRE_OK)
        result = cli_fail(context, status, &error);
    else if (listed != NACRE_OK)
        result = cli_fail(context, listed, &list_error);
    else if (tree.refused)
        result = cli_error(context, "%s", tree.refused);
    free(tree.refused);
    return result;
}

/* --- The command --- */

static int copy_path(cli_context *context, const char *source, const char *destination)
{
    if (strcmp(source, "-") == 0 && strcmp(destination, "-") == 0)
        return cli_copy_input(context);
    if (strcmp(source, "-") == 0)
        return copy_input(context, destination);
    if (strcmp(destination, "-") == 0) {
        context->progress = NULL;
        return cli_write_object(context, source, NULL, stdout);
    }
    if (cli_has(&context->values, RECURSIVE))
        return copy_tree(context, source, destination);
    char *target = cli_destination(source, destination);
    if (!target)
        return cli_error(context, "out of memory");
    nacre_error error;
    const nacre_write_options how = write_options(context);
    nacre_status status = nacre_copy(source, target, &how, &context->io, &error);
    free(target);
    return status == NACRE_OK ? CLI_OK : cli_fail(context, status, &error);
}

static int run(cli_context *context)
{
    size_t count = context->values.operand_count - 1;
    const char *const *operands = context->values.operands;
    const char *destination = operands[count];
    if (cli_has(&context->values, NO_CLOBBER) && cli_has(&context->values, IF_MATCH))
        return cli_usage(context, "--no-clobber and --if-match exclude each other");
    if (count > 1 && strcmp(destination, "-") != 0 && !cli_path_is_folder(destination))
        return cli_usage(context, "several sources need a destination that ends with a slash");
    int status = CLI_OK;
    for (size_t i = 0; i < count && status == CLI_OK; i++)
        status = copy_path(context, operands[i], destination);
    return status;
}

const cli_command cli_cmd_cp = {
    .name = "cp",
    .summary = "copy objects; '-' is standard input or output",
    .operands = "SRC... DST",
    .operands_min = 2,
    .operands_max = -1,
    .options = options,
    .run = run,
};
