/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <nacre/cache.h>
#include <nacre/config.h>
#include <stdio.h>

#include "base/error.h"
#include "failures.h"
#include "gdal_nacre.h"
#include "mount.h"
#include "options.h"
#include "unlink.h"

/* The exported functions: see gdal_nacre.h. */

/* The bytes of tiles that GDAL asks for together: its default of 10 MB makes several rounds of what could be one. */
static void raise_block_cache(const ncr_gdal_host *host)
{
    static const char key[] = "GDAL_MAX_RAW_BLOCK_CACHE_SIZE";
    if (!host->api.CPLGetConfigOption(key, NULL))
        host->api.CPLSetConfigOption(key, "67108864");
}

nacre_status nacre_gdal_install(const char *prefixes, const char *cache, nacre_error *err)
{
    unsigned wanted;
    ncr_gdal_host *const *hosts;
    size_t count;
    nacre_status status =
        ncr_gdal_prefixes_parse(prefixes && prefixes[0] ? prefixes : NACRE_GDAL_PREFIXES, &wanted, err);
    if (status == NACRE_OK)
        status = ncr_gdal_hosts_find(&hosts, &count, err);
    if (status == NACRE_OK)
        status = ncr_gdal_options_cache(cache, err);
    for (size_t i = 0; status == NACRE_OK && i < count; i++) {
        status = ncr_gdal_mount_take(hosts[i], wanted, err);
        ncr_gdal_unlink_install(hosts[i], i);
        raise_block_cache(hosts[i]);
    }
    return status;
}

nacre_status nacre_gdal_uninstall(nacre_error *err)
{
    (void)err;
    return NACRE_OK;
}

uint64_t nacre_gdal_check(nacre_error *errors, size_t count)
{
    return ncr_gdal_failures_take(errors, errors ? count : 0);
}

size_t nacre_gdal_report(char *out, size_t size)
{
    const int length = snprintf(out, size, "{\"schema\": 1, \"version\": \"%s\", \"hosts\": []}", nacre_version());
    return length > 0 ? (size_t)length : 0;
}

const char *nacre_gdal_version(void)
{
    return nacre_version();
}

nacre_status nacre_gdal_config_set(const char *key, const char *value, nacre_error *err)
{
    return nacre_config_set_global(key, value, err);
}

nacre_status nacre_gdal_cache_policy(const char *prefix, const char *policy, nacre_error *err)
{
    return nacre_cache_policy(prefix, policy, err);
}

nacre_status nacre_gdal_cache_invalidate(const char *path, nacre_error *err)
{
    return nacre_cache_invalidate(path, NULL, err);
}

void nacre_gdal_cache_invalidate_all(void)
{
    nacre_cache_invalidate_all();
}

void nacre_gdal_stats_get(nacre_gdal_stats *out)
{
    nacre_io_stats total;
    nacre_io_stats_total(&total);
    *out = (nacre_gdal_stats){.requests = total.requests,
                              .retries = total.retries,
                              .connections = total.connections,
                              .bytes_received = total.bytes_received,
                              .bytes_sent = total.bytes_sent};
}

void GDALRegister_nacre(void)
{
}
