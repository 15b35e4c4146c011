/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_GDAL_OPTIONS_H
#define NCR_GDAL_OPTIONS_H

#include <nacre/config.h>

#include "host.h"

/* What GDAL's configuration says to nacre. Each open asks anew, in the thread that opens: options of the thread, then
 * the process's, then the environment; before them those of the path, which hold in every thread. */

/* The policy of opens through GDAL; NULL or "": by nacre's keys. Checked. Synchronised. */
nacre_status ncr_gdal_options_cache(const char *policy, nacre_error *err);

/* The values for an open of a path. *out is the caller's until nacre_config_free(). NACRE_ERROR_INVALID: a value that
 * the key does not take, with the option's name; NACRE_ERROR_MEMORY. */
nacre_status ncr_gdal_options_read(const ncr_gdal_host *host, const char *path, nacre_config **out, nacre_error *err);

/* One option of GDAL's configuration as it holds for a path, or NULL; lives until the next call of this thread. */
const char *ncr_gdal_option(const ncr_gdal_host *host, const char *path, const char *name);

#endif
