/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_CLI_RUN_H
#define NCR_CLI_RUN_H

#include "cli.h"

/* Parses argv[2...], runs the command and gives the exit status. */
int cli_run(const cli_command *command, int argc, char **argv);

/* Takes the places of standard streams that were closed, so that no file or connection gets their descriptors. */
void cli_keep_streams(void);

/* Flushes standard output: status, or CLI_FAILED where it could not be written. Does not return for
 * CLI_INTERRUPTED: nothing is written then. */
int cli_close_output(int status);

#endif
