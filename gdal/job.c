/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "job.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "options.h"

/* GDAL takes "/vsigs" and "/vsigs\\b" for "/vsigs/" and "/vsigs/b"; to nacre they would be local. */
static nacre_status begin(ncr_gdal_job *job, const ncr_gdal_mount *mount, const char *name, const char *ending,
                          nacre_error *err)
{
    *job = (ncr_gdal_job){.host = mount->host};
    const size_t whole = mount->names_are_whole ? strlen(mount->prefix) - 1 : 0;
    const char *rest = strlen(name) > whole ? name + whole + (whole ? 1 : 0) : "";
    job->name = ncr_text_format("%s%s%s", mount->prefix, rest, ending);
    nacre_status status = job->name ? NACRE_OK : ncr_error_memory(err);
    if (status == NACRE_OK)
        status = ncr_gdal_options_read(job->host, job->name, &job->config, err);
    if (status == NACRE_OK) {
        const nacre_io_options options = {.size = sizeof options, .config = job->config};
        status = ncr_call_new(&options, &job->call, err);
    }
    if (status == NACRE_OK)
        status = ncr_vfs_resolve(job->name, NULL, job->call, &job->object, err);
    return status;
}

nacre_status ncr_gdal_job_begin(ncr_gdal_job *job, const ncr_gdal_mount *mount, const char *name, nacre_error *err)
{
    return begin(job, mount, name, "", err);
}

nacre_status ncr_gdal_job_begin_below(ncr_gdal_job *job, const ncr_gdal_mount *mount, const char *name,
                                      nacre_error *err)
{
    const size_t length = strlen(name);
    const bool is_root = length + 1 == strlen(mount->prefix) && mount->names_are_whole;
    return begin(job, mount, name, is_root || (length && name[length - 1] == '/') ? "" : "/", err);
}

void ncr_gdal_job_end(ncr_gdal_job *job)
{
    if (job->call)
        ncr_call_report(job->call, NULL);
    ncr_object_unref(job->object);
    ncr_call_unref(job->call);
    nacre_config_free(job->config);
    free(job->name);
    *job = (ncr_gdal_job){0};
}
