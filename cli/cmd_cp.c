/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "jobs.h"
#include "paths.h"
#include "ticker.h"
#include "tree.h"

enum { RECURSIVE = 1, NO_CLOBBER, IF_MATCH };

static const cli_option options[] = {
    {RECURSIVE, "recursive", 'r', NULL, 0, NULL, false, "what lies below SRC goes below DST"},
    {NO_CLOBBER, "no-clobber", 'n', NULL, 0, NULL, false, "fail where the destination exists"},
    {IF_MATCH, "if-match", 0, NULL, 0, "VERSION", false, "replace only this version (as stat tells it)"},
    {0},
};

static const cli_pair_options ids = {RECURSIVE, NO_CLOBBER, IF_MATCH};

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
    const nacre_write_options how = cli_pair_write_options(context, &ids);
    if (cli_path_is_folder(destination))
        return cli_usage(context, "standard input needs a destination with a name, not '%s'", destination);
    nacre_status status = nacre_writer_open(destination, &how, &context->io, &writer, &error);
    if (status != NACRE_OK)
        return cli_fail(context, status, &error);
    cli_ticker *ticker = cli_ticker_begin(context, cli_ticker_bytes_line, NULL);
    int result = write_input(context, writer);
    cli_ticker_end(ticker);
    nacre_writer_close(writer);
    return result;
}

/* --- Objects --- */

static nacre_status copy_one(cli_context *context, void *user, nacre_error *err)
{
    const cli_pair *pair = user;
    const nacre_write_options how = cli_pair_write_options(context, &ids);
    nacre_status status = cli_has(&context->values, RECURSIVE) ? cli_pair_make_parents(pair, err) : NACRE_OK;
    return status == NACRE_OK ? nacre_copy(pair->source, pair->destination, &how, &context->io, err) : status;
}

static int copy_objects(cli_context *context, size_t count, const char *destination)
{
    const char *const *sources = context->values.operands;
    const cli_jobs_kind kind = {copy_one, cli_pair_free, "copied", count == 1 && !cli_has(&context->values, RECURSIVE)};
    cli_jobs *jobs = cli_jobs_begin(context, &kind);
    if (!jobs)
        return cli_error(context, "out of memory");
    for (size_t i = 0; i < count; i++)
        if (!cli_pairs_add(context, jobs, sources[i], destination, &ids))
            break;
    return cli_jobs_end(jobs);
}

/* --- The command --- */

static int copy_output(cli_context *context, size_t count)
{
    int status = CLI_OK;
    context->progress = NULL;
    for (size_t i = 0; i < count && status == CLI_OK; i++) {
        const char *source = context->values.operands[i];
        status = strcmp(source, "-") == 0 ? cli_copy_input(context) : cli_write_object(context, source, NULL, stdout);
    }
    return status;
}

static int run(cli_context *context)
{
    size_t count = context->values.operand_count - 1;
    const char *const *operands = context->values.operands;
    const char *destination = operands[count];
    int status = cli_pair_check(context, &ids);
    if (status != CLI_OK)
        return status;
    if (strcmp(destination, "-") == 0)
        return copy_output(context, count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(operands[i], "-") == 0 && count > 1)
            return cli_usage(context, "standard input is copied by itself");
    if (strcmp(operands[0], "-") == 0)
        return copy_input(context, destination);
    return copy_objects(context, count, destination);
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
