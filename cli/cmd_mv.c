/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>

#include "cli.h"
#include "paths.h"

enum { NO_CLOBBER = 1, IF_MATCH };

static const cli_option options[] = {
    {NO_CLOBBER, "no-clobber", 'n', NULL, 0, NULL, false, "fail where the destination exists"},
    {IF_MATCH, "if-match", 0, NULL, 0, "VERSION", false, "replace only this version (as stat tells it)"},
    {0},
};

static int run(cli_context *context)
{
    nacre_error error;
    nacre_write_options how = NACRE_WRITE_OPTIONS_INIT;
    how.no_clobber = cli_has(&context->values, NO_CLOBBER);
    how.if_version = cli_text(&context->values, IF_MATCH);
    if (how.no_clobber && how.if_version)
        return cli_usage(context, "--no-clobber and --if-match exclude each other");
    size_t count = context->values.operand_count - 1;
    const char *destination = context->values.operands[count];
    if (count > 1 && !cli_path_is_folder(destination))
        return cli_usage(context, "several sources need a destination that ends with a slash");
    for (size_t i = 0; i < count; i++) {
        char *target = cli_destination(context->values.operands[i], destination);
        if (!target)
            return cli_error(context, "out of memory");
        nacre_status status = nacre_rename(context->values.operands[i], target, &how, &context->io, &error);
        free(target);
        if (status != NACRE_OK)
            return cli_fail(context, status, &error);
    }
    return CLI_OK;
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
