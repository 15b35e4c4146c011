/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_GDAL_NAMES_H
#define NCR_GDAL_NAMES_H

#include "host.h"

/* The callbacks that are given a name: stat, listings, changes. Synchronised. */

/* Sets the callbacks of names; without unlink where it could reach local files: see mount.c. */
void ncr_gdal_name_callbacks(gdal_callbacks *callbacks, bool with_unlink);

/* What unlink() is for a name below a prefix that was taken: 0, or -1 and errno. */
int ncr_gdal_unlink(const ncr_gdal_mount *mount, const char *name);

#endif
