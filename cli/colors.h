/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_CLI_COLORS_H
#define NCR_CLI_COLORS_H

#include "cli.h"

enum { CLI_COLORS = 256 };

/* The colours for 0 to 255 of a name ("gray", "viridis", "magma") or a file with lines VALUE RED GREEN BLUE [ALPHA],
 * whole numbers from 0 to 255, values growing: between them colours change evenly, below and above they are those at
 * the ends. Empty lines and what follows a '#' are passed over. Failures are printed; a status. */
int cli_read_colors(cli_context *context, const char *name, nacre_color_entry out[CLI_COLORS]);

#endif
