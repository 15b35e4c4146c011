/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <errno.h>
#include <string.h>

#include "cli.h"
#include "paths.h"

enum { RANGE = 1 };

static const cli_option options[] = {
    {RANGE, "range", 0, NULL, 0, "A-B", false, "bytes A to B (from 0, B included), A- or the last -COUNT"},
    {0},
};

static int copy_input(cli_context *context)
{
    char step[1 << 16];
    size_t got;
    while ((got = fread(step, 1, sizeof step, stdin)) > 0)
        if (fwrite(step, 1, got, stdout) != got)
            return cli_output_failed(context);
    return ferror(stdin) ? cli_error(context, "standard input: %s", strerror(errno)) : CLI_OK;
}

static int run(cli_context *context)
{
    const char *range = cli_text(&context->values, RANGE);
    context->progress = NULL; /* bytes and a bar do not mix */
    int status = CLI_OK;
    for (size_t i = 0; i < context->values.operand_count && status == CLI_OK; i++) {
        const char *path = context->values.operands[i];
        status = strcmp(path, "-") == 0 ? copy_input(context) : cli_write_object(context, path, range, stdout);
    }
    return status;
}

const cli_command cli_cmd_cat = {
    .name = "cat",
    .summary = "write the bytes of objects to standard output",
    .operands = "PATH...",
    .operands_min = 1,
    .operands_max = -1,
    .options = options,
    .run = run,
};
