/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cli.h"
#include "paths.h"

enum { LONG = 1, RECURSIVE };

static const cli_option options[] = {
    {LONG, "long", 'l', NULL, 0, NULL, false, "with size and time"},
    {RECURSIVE, "recursive", 'r', NULL, 0, NULL, false, "all that lies below, not one level"},
    {0},
};

static bool print(void *user, const nacre_object_info *info)
{
    const cli_context *context = user;
    if (context->json) {
        cli_print_json(cli_object_json(info), true);
    } else if (!cli_has(&context->values, LONG)) {
        printf("%s\n", info->path);
    } else if (info->is_prefix) {
        printf("%14s  %20s  %s\n", "", "", info->path);
    } else {
        char modified[CLI_TIME_SIZE];
        cli_time(info->modified_ms, modified);
        printf("%14llu  %20s  %s\n", (unsigned long long)info->size, modified, info->path);
    }
    return !cli_interrupted() && !ferror(stdout);
}

static int run(cli_context *context)
{
    static const char *const here[] = {"."};
    bool none = context->values.operand_count == 0;
    const char *const *paths = none ? here : context->values.operands;
    nacre_list_options list = NACRE_LIST_OPTIONS_INIT;
    list.recursive = cli_has(&context->values, RECURSIVE);
    for (size_t i = 0; i < (none ? 1 : context->values.operand_count); i++) {
        nacre_error error;
        nacre_status status = nacre_list(paths[i], &list, &context->io, print, context, &error);
        if (status != NACRE_OK)
            return cli_fail(context, status, &error);
    }
    return CLI_OK;
}

const cli_command cli_cmd_ls = {
    .name = "ls",
    .summary = "list objects",
    .operands = "[PATH...]",
    .operands_max = -1,
    .options = options,
    .run = run,
};
