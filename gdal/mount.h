/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_GDAL_MOUNT_H
#define NCR_GDAL_MOUNT_H

#include "host.h"

/* Prefixes taken over and given back. */

/* Which of NCR_GDAL_PREFIX_COUNT prefixes a list separated by commas names, as bits. NACRE_ERROR_INVALID. */
nacre_status ncr_gdal_prefixes_parse(const char *text, unsigned *out, nacre_error *err);

/* Takes those that are not taken yet. */
nacre_status ncr_gdal_mount_take(ncr_gdal_host *host, unsigned prefixes, nacre_error *err);

/* Gives all back. NACRE_ERROR_UNSUPPORTED: some cannot be. */
nacre_status ncr_gdal_mount_give_back(ncr_gdal_host *host, nacre_error *err);

/* Whether a stat is the one by which ncr_gdal_mount_take() sees what names callbacks are given; notes the name. */
bool ncr_gdal_mount_is_probe(const ncr_gdal_mount *mount, const char *name);

#endif
