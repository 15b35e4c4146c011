/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_CLI_CLI_H
#define NCR_CLI_CLI_H

#include <jansson.h>
#include <nacre/nacre.h>
#include <stdbool.h>
#include <stdio.h>

#include "options.h"

/* Exit statuses. */
enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_INTERRUPTED = 130 };

typedef struct cli_context cli_context;

/* One subcommand: its file has one of these tables. */
typedef struct cli_command {
    const char *name, *summary;
    const char *operands;           /* "SRC... DST" */
    int operands_min, operands_max; /* -1: any number */
    const cli_option *options;
    int (*run)(cli_context *context); /* an exit status */
    bool takes_no_common;             /* the common options have no meaning for it */
    void (*more_help)(void);          /* printed below the options; NULL: nothing */
} cli_command;

/* What a command works with. Single-thread. */
struct cli_context {
    const cli_command *command;
    cli_values values;
    bool json, quiet;
    int verbose;
    bool io_stats;
    nacre_config *config;
    nacre_io_options io; /* with config, cancel and cache: pass it to every call */
    int percent;         /* that the bar shows; -1: none yet */
    FILE *progress;      /* standard error where it is a terminal and a bar is wanted, else NULL */
};

extern const cli_command cli_cmd_info, cli_cmd_stat, cli_cmd_ls, cli_cmd_cat, cli_cmd_cp, cli_cmd_mv, cli_cmd_rm,
    cli_cmd_vrt, cli_cmd_warp, cli_cmd_convert, cli_cmd_compare, cli_cmd_tile, cli_cmd_doctor, cli_cmd_emulator,
    cli_cmd_gdal_env;

/* Prints "nacre: MESSAGE" and gives the exit status of a failed call: CLI_INTERRUPTED after Ctrl-C, else CLI_FAILED. */
int cli_fail(cli_context *context, nacre_status status, const nacre_error *error);
/* Prints "nacre: COMMAND: MESSAGE" with a pointer to --help; gives CLI_USAGE. */
int cli_usage(cli_context *context, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Prints "nacre: MESSAGE"; gives CLI_FAILED. */
int cli_error(cli_context *context, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints why standard output could not be written (errno), once in a run; gives CLI_FAILED. */
int cli_output_failed(cli_context *context);

/* Prints a document on standard output and releases it; whether it could be written is seen at exit. */
void cli_print_json(json_t *document, bool one_line);

/* A progress bar for nacre_save_options and the like: user is the context. False once the user interrupted. */
bool cli_progress(void *user, double fraction);
/* Clears the bar. */
void cli_progress_end(cli_context *context);

/* Whether Ctrl-C was pressed. */
bool cli_interrupted(void);

#endif
