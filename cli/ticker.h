/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_CLI_TICKER_H
#define NCR_CLI_TICKER_H

#include "cli.h"

/* A line on the terminal that is drawn anew a few times a second, for work whose end is not known. */
typedef struct cli_ticker cli_ticker;

/* Begins to draw what `line` writes (in a thread of its own; user must stay until the end). NULL: there is no terminal,
 * or nothing is to be shown. */
cli_ticker *cli_ticker_begin(cli_context *context, void (*line)(void *user, char *out, size_t size), void *user);

/* Clears the line and releases; accepts NULL. */
void cli_ticker_end(cli_ticker *ticker);

/* Writes ", 12.3 MiB in, 4.5 MiB out", of what was received and sent. */
void cli_ticker_bytes(const nacre_io_stats *stats, char *out, size_t size);

/* A line of the bytes alone, for one long call; user is not looked at. */
void cli_ticker_bytes_line(void *user, char *out, size_t size);

#endif
