/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_GDAL_JOB_H
#define NCR_GDAL_JOB_H

#include "host.h"
#include "vfs/vfs.h"

/* One call of nacre on behalf of GDAL: the name as the user wrote it, configuration as it is now in this thread. */
typedef struct ncr_gdal_job {
    const ncr_gdal_host *host;
    char *name;
    nacre_config *config;
    ncr_call *call;
    ncr_object *object;
} ncr_gdal_job;

/* Always to be ended, also after failure. */
nacre_status ncr_gdal_job_begin(ncr_gdal_job *job, const ncr_gdal_mount *mount, const char *name, nacre_error *err);
/* Like ncr_gdal_job_begin(), but for what lies below a name, which is made to end with a slash. */
nacre_status ncr_gdal_job_begin_below(ncr_gdal_job *job, const ncr_gdal_mount *mount, const char *name,
                                      nacre_error *err);
void ncr_gdal_job_end(ncr_gdal_job *job);

#endif
