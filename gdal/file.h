/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_GDAL_FILE_H
#define NCR_GDAL_FILE_H

#include "host.h"

/* GDAL's file handles: the callbacks that are given one. A handle is single-thread, as GDAL uses it. */

/* Sets the callbacks of files. */
void ncr_gdal_file_callbacks(gdal_callbacks *callbacks, int version);

/* Whether a handle is open for reading on an object of that name whose header carries the marker of the COG layout:
 * such a file has everything inside. */
bool ncr_gdal_file_is_cog(const char *name);

#endif
