/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <string.h>

#include "cli.h"
#include "paths.h"

enum { RANGE = 1 };

static const cli_option options[] = {
    {RANGE, "range", 0, NULL, 0, "A-B", false, "bytes A to B (from 0, B included), A- or the last -COUNT"},
    {0},
};

static int run(cli_context *context)
{
    const char *range = cli_text(&context->values, RANGE);
    context->progress = NULL; /* bytes and a bar do not mix */
    int status = CLI_OK;
    for (size_t i = 0; i < context->values.operand_count && status == CLI_OK; i++) {
        const char *path = context->values.operands[i];
        status = strcmp(path, "-") == 0 ? cli_copy_input(context) : cli_write_object(context, path, range, stdout);
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
