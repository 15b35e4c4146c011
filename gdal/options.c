/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "options.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/error.h"
#include "base/fork.h"
#include "base/text.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char cache_policy[64]; /* "": not set */

NCR_AT_LOAD keep_over_forks(void)
{
    ncr_fork_keep(&lock);
}

nacre_status ncr_gdal_options_cache(const char *policy, nacre_error *err)
{
    ncr_policy parsed;
    if (!policy)
        policy = "";
    if (policy[0] && (strlen(policy) >= sizeof cache_policy || !ncr_policy_parse(policy, &parsed)))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "GDAL: '%s' is no cache policy; those are %s", policy,
                             NCR_POLICY_VALUES);
    pthread_mutex_lock(&lock);
    snprintf(cache_policy, sizeof cache_policy, "%s", policy);
    pthread_mutex_unlock(&lock);
    return NACRE_OK;
}

const char *ncr_gdal_option(const ncr_gdal_host *host, const char *path, const char *name)
{
    if (host->api.VSIGetPathSpecificOption)
        return host->api.VSIGetPathSpecificOption(path, name, NULL);
    return host->api.CPLGetConfigOption(name, NULL);
}

/* An option that GDAL was told by the program. What only the environment says nacre finds there itself, in the order
 * of its own keys. */
static const char *told_option(const ncr_gdal_host *host, const char *path, const char *name)
{
    const char *value = ncr_gdal_option(host, path, name);
    const char *environment = value ? getenv(name) : NULL;
    return environment && strcmp(value, environment) == 0 ? NULL : value;
}

/* "gs.endpoint" is NACRE_GS_ENDPOINT. */
static void own_name(const char *key, char out[64])
{
    int length = snprintf(out, 64, "NACRE_%s", key);
    for (int i = 0; i < length && i < 63; i++)
        out[i] = out[i] == '.' ? '_' : (char)toupper((unsigned char)out[i]);
}

/* Whether a key can matter to paths of a prefix: those of other stores are not asked for. */
static bool concerns(const ncr_key_row *row, const char *path)
{
    static const struct {
        const char *keys, *prefix;
    } stores[] = {{"gs.", "/vsigs"}, {"s3.", "/vsis3"}, {"az.", "/vsiaz"}};
    for (size_t i = 0; i < sizeof stores / sizeof *stores; i++)
        if (ncr_text_starts(row->name, stores[i].keys))
            return ncr_text_starts(path, stores[i].prefix);
    return strcmp(row->name, "threads") != 0; /* GDAL_NUM_THREADS is about GDAL's own */
}

static nacre_status set(nacre_config *config, const char *key, const char *name, const char *value, nacre_error *err)
{
    nacre_error why;
    nacre_status status = nacre_config_set(config, key, value, &why);
    if (status != NACRE_OK)
        return ncr_error_set(err, status, "GDAL's option %s: %s", name, why.message);
    return NACRE_OK;
}

static nacre_status read_key(const ncr_gdal_host *host, const char *path, const ncr_key_row *row, nacre_config *config,
                             nacre_error *err)
{
    char name[64];
    own_name(row->name, name);
    const char *value = told_option(host, path, name);
    if (value)
        return set(config, row->name, name, value, err);
    for (int i = 0; i < 4 && row->community[i]; i++)
        if ((value = told_option(host, path, row->community[i])))
            return set(config, row->name, row->community[i], value, err);
    return NACRE_OK;
}

/* What GDAL has for Google and nacre's keys do not: a bearer token among the headers of GDAL_HTTP_HEADERS, which
 * becomes a key; and the parts of a credentials file as options of their own, which are refused rather than passed
 * over. */
static nacre_status read_google(const ncr_gdal_host *host, const char *path, nacre_config *config, nacre_error *err)
{
    static const char bearer[] = "Authorization: Bearer ";
    static const char *const parts[] = {"GS_OAUTH2_REFRESH_TOKEN", "GS_OAUTH2_PRIVATE_KEY",
                                        "GS_OAUTH2_PRIVATE_KEY_FILE"};
    bool is_anonymous = false;
    const char *value = ncr_gdal_option(host, path, "GS_NO_SIGN_REQUEST");
    if ((value && ncr_text_to_bool(value, &is_anonymous) && is_anonymous) ||
        ncr_gdal_option(host, path, "GS_SECRET_ACCESS_KEY"))
        return NACRE_OK;
    value = ncr_gdal_option(host, path, "GDAL_HTTP_HEADERS");
    const char *found = value ? strcasestr(value, bearer) : NULL;
    if (found) {
        found += sizeof bearer - 1;
        char *token = ncr_text_copy_n(found, strcspn(found, "\r\n,\""));
        nacre_status status =
            token ? set(config, "gs.access_token", "GDAL_HTTP_HEADERS", token, err) : ncr_error_memory(err);
        free(token);
        return status;
    }
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (ncr_gdal_option(host, path, parts[i]))
            return ncr_error_set(
                err, NACRE_ERROR_UNSUPPORTED,
                "%s: nacre does not take GDAL's option %s; put it into a credentials file and name that "
                "by GOOGLE_APPLICATION_CREDENTIALS",
                path, parts[i]);
    return NACRE_OK;
}

nacre_status ncr_gdal_options_read(const ncr_gdal_host *host, const char *path, nacre_config **out, nacre_error *err)
{
    *out = NULL;
    nacre_config *config = nacre_config_new();
    if (!config)
        return ncr_error_memory(err);
    char policy[sizeof cache_policy];
    pthread_mutex_lock(&lock);
    memcpy(policy, cache_policy, sizeof policy);
    pthread_mutex_unlock(&lock);
    nacre_status status = policy[0] ? nacre_config_set(config, "cache", policy, err) : NACRE_OK;
    for (int i = 0; i < NCR_KEY_COUNT && status == NACRE_OK; i++)
        if (concerns(&ncr_key_rows[i], path))
            status = read_key(host, path, &ncr_key_rows[i], config, err);
    if (status == NACRE_OK && ncr_text_starts(path, "/vsigs"))
        status = read_google(host, path, config, err);
    if (status != NACRE_OK) {
        nacre_config_free(config);
        return status;
    }
    *out = config;
    return NACRE_OK;
}
