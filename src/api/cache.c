/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <nacre/cache.h>
#include <stdlib.h>

#include "cache/cache.h"
#include "vfs/vfs.h"

/* See nacre/cache.h. */

void nacre_cache_stats_get(nacre_cache_stats *out)
{
    ncr_cache_stats(out);
}

nacre_status nacre_cache_invalidate(const char *path, const nacre_io_options *options, nacre_error *err)
{
    if (!path)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "path is NULL");
    ncr_call *call;
    nacre_status status = ncr_call_new(options, &call, err);
    if (status != NACRE_OK)
        return status;
    ncr_object *object = NULL;
    status = ncr_vfs_resolve(path, NULL, call, &object, err);
    if (status == NACRE_OK)
        ncr_vfs_forget(object);
    ncr_object_unref(object);
    ncr_call_report(call, options);
    ncr_call_unref(call);
    return status;
}

nacre_status nacre_cache_policy(const char *prefix, const char *policy, nacre_error *err)
{
    char *normal;
    if (!prefix)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "prefix is NULL");
    nacre_status status = ncr_vfs_check_prefix(prefix, &normal, err);
    if (status == NACRE_OK)
        status = ncr_config_set_policy(normal, policy, err);
    free(normal);
    return status;
}

void nacre_cache_invalidate_all(void)
{
    ncr_cache_forget_all();
}

void nacre_cache_flush(void)
{
    ncr_cache_flush();
}
