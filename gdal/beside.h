/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_GDAL_BESIDE_H
#define NCR_GDAL_BESIDE_H

#include "list.h"

/* Adds the sidecars of the job's object that are there, each asked for by its name, all at once: where listings are
 * refused, or there are none, or (offline) of those that the cache has. Whose state is not known, for want of
 * permission, is not there. */
nacre_status ncr_gdal_beside_ask(const ncr_gdal_job *job, ncr_gdal_list *out, nacre_error *err);

#endif
