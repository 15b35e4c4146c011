/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <string.h>

#include "cli.h"
#include "run.h"

static const cli_command *const commands[] = {&cli_cmd_info,   &cli_cmd_stat,     &cli_cmd_ls,       &cli_cmd_cat,
                                              &cli_cmd_cp,     &cli_cmd_mv,       &cli_cmd_rm,       &cli_cmd_vrt,
                                              &cli_cmd_warp,   &cli_cmd_convert,  &cli_cmd_compare,  &cli_cmd_tile,
                                              &cli_cmd_doctor, &cli_cmd_emulator, &cli_cmd_gdal_env, NULL};

static void print_help(void)
{
    printf("nacre %s: coherent virtual rasters over object stores\n\nusage: nacre COMMAND [OPTION...] ...\n\n",
           nacre_version());
    for (const cli_command *const *command = commands; *command; command++)
        printf("  %-10s%s\n", (*command)->name, (*command)->summary);
    printf("\n'nacre COMMAND --help' tells more. Paths are local ones, gs://BUCKET/KEY, s3://BUCKET/KEY,\n"
           "az://CONTAINER/KEY, http(s)://..., and GDAL's spellings (/vsigs/BUCKET/KEY and so on).\n");
}

static int unknown_command(const char *word)
{
    const char *names[32] = {NULL};
    for (size_t i = 0; commands[i]; i++)
        names[i] = commands[i]->name;
    const char *near = cli_nearest(word, names);
    if (near)
        fprintf(stderr, "nacre: unknown command '%s'; did you mean '%s'? See 'nacre --help'\n", word, near);
    else
        fprintf(stderr, "nacre: unknown command '%s'; see 'nacre --help'\n", word);
    return CLI_USAGE;
}

int main(int argc, char **argv)
{
    cli_keep_streams();
    if (argc < 2) {
        fprintf(stderr, "nacre: give a command; see 'nacre --help'\n");
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("nacre %s\n", nacre_version());
        return cli_close_output(CLI_OK);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_help();
        return cli_close_output(CLI_OK);
    }
    for (const cli_command *const *command = commands; *command; command++)
        if (strcmp((*command)->name, argv[1]) == 0)
            return cli_run(*command, argc, argv);
    return unknown_command(argv[1]);
}
