/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <jansson.h>
#include <nacre/cache.h>
#include <nacre/config.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "failures.h"
#include "gdal_nacre.h"
#include "mount.h"
#include "options.h"
#include "unlink.h"

/* The exported functions: see gdal_nacre.h. */

/* The bytes of tiles that GDAL asks for together: its default of 10 MB makes several rounds of what could be one. Only
 * where nobody has said otherwise. */
static const char block_cache_key[] = "GDAL_MAX_RAW_BLOCK_CACHE_SIZE", block_cache_size[] = "67108864";

static void raise_block_cache(ncr_gdal_host *host)
{
    if (host->api.CPLGetConfigOption(block_cache_key, NULL))
        return;
    host->api.CPLSetConfigOption(block_cache_key, block_cache_size);
    host->is_raised = true;
}

static void lower_block_cache(ncr_gdal_host *host)
{
    const char *now = host->api.CPLGetConfigOption(block_cache_key, NULL);
    if (host->is_raised && now && strcmp(now, block_cache_size) == 0)
        host->api.CPLSetConfigOption(block_cache_key, NULL);
    host->is_raised = false;
}

/* What was fetched is written into `cache.dir` behind the reads: programs that end at once would leave out all of it.
 */
static void flush_at_exit(void)
{
    static atomic_flag is_done = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&is_done))
        atexit(nacre_cache_flush);
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
    if (status == NACRE_OK)
        flush_at_exit();
    for (size_t i = 0; status == NACRE_OK && i < count; i++) {
        status = ncr_gdal_mount_take(hosts[i], wanted, err);
        ncr_gdal_unlink_install(hosts[i], i);
        raise_block_cache(hosts[i]);
    }
    return status;
}

nacre_status nacre_gdal_uninstall(nacre_error *err)
{
    ncr_gdal_host *const *hosts;
    const size_t count = ncr_gdal_hosts(&hosts);
    nacre_status status = NACRE_OK;
    for (size_t i = 0; i < count; i++) {
        nacre_status step = ncr_gdal_mount_give_back(hosts[i], status == NACRE_OK ? err : NULL);
        if (step == NACRE_OK)
            lower_block_cache(hosts[i]);
        status = status == NACRE_OK ? step : status;
    }
    return status;
}

uint64_t nacre_gdal_check(nacre_error *errors, size_t count)
{
    return ncr_gdal_failures_take(errors, errors ? count : 0);
}

/* Strings are given away to their list; false where memory is short, as all of jansson's. */
static bool add_text(json_t *list, const char *text)
{
    return json_array_append_new(list, json_string(text)) == 0;
}

static json_t *describe(const ncr_gdal_host *host)
{
    json_t *prefixes = json_array(), *missing = json_array();
    bool is_whole = prefixes && missing;
    for (size_t i = 0; i < NCR_GDAL_PREFIX_COUNT && is_whole; i++)
        if (host->mounts[i].is_taken) {
            is_whole = add_text(prefixes, host->mounts[i].prefix);
            if (!host->mounts[i].names_are_whole)
                is_whole = add_text(missing, "delete: this GDAL keeps a copy of the prefix");
        }
    if (is_whole && !host->deletes)
        is_whole = add_text(missing, host->no_delete);
    if (is_whole && host->no_undo)
        is_whole = add_text(missing, host->no_undo);
    if (is_whole && !host->api.VSIGetPathSpecificOption)
        is_whole = add_text(missing, "path-specific options: this GDAL has no VSIGetPathSpecificOption()");
    if (is_whole && !host->api.VSIError)
        is_whole = add_text(missing, "errors of stat: this GDAL has no VSIError()");
    if (is_whole && host->version < GDAL_HAS_ADVISE_READ)
        is_whole = add_text(missing, "advised reads: they came with GDAL 3.7");
    if (!is_whole) {
        json_decref(prefixes);
        json_decref(missing);
        return NULL;
    }
    return json_pack("{s:s, s:s, s:o, s:o}", "library", host->path, "gdal", host->release, "prefixes", prefixes,
                     "missing", missing);
}

size_t nacre_gdal_report(char *out, size_t size)
{
    ncr_gdal_host *const *hosts;
    const size_t count = ncr_gdal_hosts(&hosts);
    json_t *list = json_array();
    bool is_whole = list != NULL;
    if (size)
        *out = '\0';
    for (size_t i = 0; i < count && is_whole; i++)
        is_whole = json_array_append_new(list, describe(hosts[i])) == 0;
    json_t *report =
        is_whole ? json_pack("{s:i, s:s, s:O}", "schema", 1, "version", nacre_version(), "hosts", list) : NULL;
    char *text = report ? json_dumps(report, JSON_COMPACT) : NULL;
    const int length = text ? snprintf(out, size, "%s", text) : 0;
    free(text);
    json_decref(report);
    json_decref(list);
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
    nacre_error error;
    if (nacre_gdal_install(getenv("NACRE_GDAL_PREFIXES"), getenv("NACRE_GDAL_CACHE"), &error) == NACRE_OK)
        return;
    ncr_gdal_host *const *hosts;
    if (ncr_gdal_hosts(&hosts))
        ncr_gdal_tell(hosts[0], &error);
    else
        fprintf(stderr, "gdal_nacre: %s\n", error.message); /* there is nobody else to tell */
}
