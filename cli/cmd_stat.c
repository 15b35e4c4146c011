/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cli.h"
#include "describe.h"
#include "paths.h"

static const cli_option options[] = {{0}};

static void print(const nacre_object_info *info)
{
    char modified[CLI_TIME_SIZE];
    cli_time(info->modified_ms, modified);
    cli_print_path(info->path);
    if (info->is_prefix) {
        printf("  %-12s\n", "folder");
        return;
    }
    printf("  %-12s%llu\n", "size", (unsigned long long)info->size);
    printf("  %-12s%s%s\n", "version", *info->version ? info->version : "none",
           info->version_is_strong ? "" : " (proves nothing)");
    if (*info->version_id)
        printf("  %-12s%s\n", "version id", info->version_id);
    if (*info->checksum)
        printf("  %-12s%s\n", "checksum", info->checksum);
    if (*modified)
        printf("  %-12s%s\n", "modified", modified);
    if (*info->content_type)
        printf("  %-12s%s\n", "type", info->content_type);
    if (*info->policy)
        printf("  %-12s%s\n", "policy", info->policy);
}

static int run(cli_context *context)
{
    for (size_t i = 0; i < context->values.operand_count; i++) {
        nacre_object_info info;
        nacre_error error;
        nacre_status status = nacre_stat(context->values.operands[i], &context->io, &info, &error);
        if (status != NACRE_OK)
            return cli_fail(context, status, &error);
        if (context->json)
            cli_print_json(cli_object_json(&info), true);
        else
            print(&info);
        nacre_object_info_free(&info);
    }
    return CLI_OK;
}

const cli_command cli_cmd_stat = {
    .name = "stat",
    .summary = "tell size, version and time of objects",
    .operands = "PATH...",
    .operands_min = 1,
    .operands_max = -1,
    .options = options,
    .run = run,
};
