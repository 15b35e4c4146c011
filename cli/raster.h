/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_CLI_RASTER_H
#define NCR_CLI_RASTER_H

#include "cli.h"

/* What the commands share that write rasters. */

enum { CLI_BANDS_MAX = 4096 };

/* Opens every path at once. *out holds count datasets; release with cli_close_all() in every case. Failures are
 * printed; a status. */
int cli_open_all(cli_context *context, const char *const *paths, size_t count, nacre_dataset ***out);
void cli_close_all(nacre_dataset **datasets, size_t count);

/* The options that say how a raster is saved: ids of the command's own table; 0: it has none. */
typedef struct cli_save_ids {
    int overwrite, creation, format;
} cli_save_ids;

/* Saves dataset at path; format overrides the option (NULL: the option, or the path's ending). A status. */
int cli_save(cli_context *context, nacre_dataset *dataset, const char *path, const char *format,
             const cli_save_ids *ids);

/* Each reads an option if it was given, else leaves *out as it is. A status: CLI_USAGE with a message. */
int cli_read_resampling(cli_context *context, int id, nacre_resampling *out);
int cli_read_dtype(cli_context *context, int id, nacre_dtype *out);
int cli_read_number(cli_context *context, int id, double *out, bool *is_set); /* "nan" too */
/* Nodata values, one or more with commas or blanks between; *out (NULL: not given) is to be freed. "none" sets *is_none
 * instead. */
int cli_read_nodata(cli_context *context, int id, double **out, int *count, bool *is_none);
int cli_read_resolution(cli_context *context, int id, double *x, double *y);
int cli_read_bounds(cli_context *context, int id, double out[4], bool *is_set);
int cli_read_crs(cli_context *context, int id, nacre_crs **out);
/* Bands of all the option's words; *count is 0 where it was not given. */
int cli_read_bands(cli_context *context, int id, int bands[CLI_BANDS_MAX], int *count);

/* The text of a file, to be freed; what ("a cutline") is said of one that is too large. A status. */
int cli_read_text(cli_context *context, const char *path, const char *what, char **out);

#endif
