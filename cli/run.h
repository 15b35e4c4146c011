/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_CLI_RUN_H
#define NCR_CLI_RUN_H

#include "cli.h"

/* Parses argv[2...], runs the command and gives the exit status. */
int cli_run(const cli_command *command, int argc, char **argv);

/* Flushes standard output: status, or CLI_FAILED where it could not be written. */
int cli_close_output(int status);

#endif
