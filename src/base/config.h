/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_BASE_CONFIG_H
#define NCR_BASE_CONFIG_H

#include <nacre/config.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/policy.h"

/* One row a key, in config_keys.c: the parsing and docs/guide/configuration.md come from this table. */
typedef enum ncr_key {
    NCR_KEY_CACHE,
    NCR_KEY_CACHE_POLICY,
    NCR_KEY_CACHE_SIZE,
    NCR_KEY_CACHE_DIR,
    NCR_KEY_CACHE_DIR_SIZE,
    NCR_KEY_SIDECARS,
    NCR_KEY_SOURCES,
    NCR_KEY_SOURCES_ALLOW,
    NCR_KEY_UNPROVEN,
    NCR_KEY_THREADS,
    NCR_KEY_TIMEOUT,
    NCR_KEY_MEMORY_LIMIT,
    NCR_KEY_LIMIT_TILE,
    NCR_KEY_LIMIT_DIRECTORIES,
    NCR_KEY_LIMIT_VRT_TEXT,
    NCR_KEY_LIMIT_VRT_DEPTH,
    NCR_KEY_LIMIT_WHOLE_READ,
    NCR_KEY_HTTP_CONNECT_TIMEOUT,
    NCR_KEY_HTTP_STALL_TIMEOUT,
    NCR_KEY_HTTP_RETRIES,
    NCR_KEY_HTTP_RETRY_DELAY,
    NCR_KEY_HTTP_CONNECTIONS,
    NCR_KEY_HTTP_CA_BUNDLE,
    NCR_KEY_HTTP_CLIENT_CERTIFICATE,
    NCR_KEY_HTTP_CLIENT_KEY,
    NCR_KEY_HTTP_CLIENT_KEY_PASSWORD,
    NCR_KEY_HTTP_PROXY,
    NCR_KEY_HTTP_HTTPS_PROXY,
    NCR_KEY_HTTP_PROXY_USERPWD,
    NCR_KEY_HTTP_AUTH,
    NCR_KEY_HTTP_BEARER,
    NCR_KEY_HTTP_USERPWD,
    NCR_KEY_HTTP_NETRC,
    NCR_KEY_HTTP_NETRC_FILE,
    NCR_KEY_HTTP_HEADERS,
    NCR_KEY_HTTP_HEADER_FILE,
    NCR_KEY_GS_ENDPOINT,
    NCR_KEY_GS_ACCESS_TOKEN,
    NCR_KEY_GS_CREDENTIALS,
    NCR_KEY_GS_HMAC_ACCESS_ID,
    NCR_KEY_GS_HMAC_SECRET,
    NCR_KEY_GS_NO_SIGN_REQUEST,
    NCR_KEY_GS_BILLING_PROJECT,
    NCR_KEY_GS_PROJECT,
    NCR_KEY_S3_ENDPOINT,
    NCR_KEY_S3_HTTPS,
    NCR_KEY_S3_ADDRESSING,
    NCR_KEY_S3_REGION,
    NCR_KEY_S3_PROFILE,
    NCR_KEY_S3_ACCESS_KEY_ID,
    NCR_KEY_S3_SECRET_ACCESS_KEY,
    NCR_KEY_S3_SESSION_TOKEN,
    NCR_KEY_S3_NO_SIGN_REQUEST,
    NCR_KEY_S3_REQUESTER_PAYS,
    NCR_KEY_S3_CONDITIONAL_WRITES,
    NCR_KEY_AZ_ENDPOINT,
    NCR_KEY_AZ_ACCOUNT,
    NCR_KEY_AZ_CONNECTION_STRING,
    NCR_KEY_AZ_ACCESS_KEY,
    NCR_KEY_AZ_SAS_TOKEN,
    NCR_KEY_AZ_ACCESS_TOKEN,
    NCR_KEY_AZ_NO_SIGN_REQUEST,
    NCR_KEY_AZ_TENANT_ID,
    NCR_KEY_AZ_CLIENT_ID,
    NCR_KEY_AZ_CLIENT_SECRET,
    NCR_KEY_AZ_FEDERATED_TOKEN_FILE,
    NCR_KEY_AZ_AUTHORITY_HOST,
    NCR_KEY_AZ_METADATA_ENDPOINT,
    NCR_KEY_COUNT
} ncr_key;

typedef enum ncr_key_type {
    NCR_KEY_TEXT,
    NCR_KEY_POLICY, /* see base/policy.h */
    NCR_KEY_POLICY_RULES,
    NCR_KEY_BOOL,
    NCR_KEY_COUNT_TYPE,
    NCR_KEY_SIZE,
    NCR_KEY_SECONDS
} ncr_key_type;

typedef struct ncr_key_row {
    const char *name; /* "gs.endpoint" */
    ncr_key_type type;
    const char *choices;       /* "auto|never"; NULL: any text */
    const char *default_value; /* NULL: unset */
    const char *community[4];  /* environment variables of others, in order of preference */
    const char *help;
} ncr_key_row;

extern const ncr_key_row ncr_key_rows[NCR_KEY_COUNT];

/* The values that one open or call sees. Immutable, reference-counted: share freely. */
typedef struct ncr_config ncr_config;

/* Looks every key up, in the order of nacre_config, with extra_cache (NULL: none) as the call's own value of `cache`.
 * What the latest look found is shared where nothing has changed since: the program's values, the environment, the
 * configuration file (see base/surroundings.h). Each snapshot is an object of its own all the same.
 * NACRE_ERROR_INVALID: a value that the key does not take; the message names where it came from. */
nacre_status ncr_config_snapshot(const nacre_config *config, const char *extra_cache, ncr_config **out,
                                 nacre_error *err);
ncr_config *ncr_config_ref(ncr_config *config);
void ncr_config_unref(ncr_config *config);

/* A key's value, NULL where it is unset; lives as long as the snapshot. */
const char *ncr_config_text(const ncr_config *config, ncr_key key);
/* Where a key's value came from, for messages: the key's own name (set by the program), an environment variable,
 * "the configuration file", or NULL for a default or an unset key. */
const char *ncr_config_origin(const ncr_config *config, ncr_key key);
/* The policies by prefix, of all places that set the key `cache.policy`, in the order of nacre_config. */
const ncr_policy_rules *ncr_config_policies(const ncr_config *config);
/* Sets, or with policy NULL takes away, the process's policy of a prefix, which must be one and checked. Synchronised.
 * NACRE_ERROR_INVALID: no such policy; NACRE_ERROR_MEMORY. */
nacre_status ncr_config_set_policy(const char *prefix, const char *policy, nacre_error *err);
bool ncr_config_bool(const ncr_config *config, ncr_key key);
/* A count, a size in bytes ("64 MiB", "4k", "100") or a time in milliseconds (values are in seconds, "0.5");
 * -1 where it is unset. */
int64_t ncr_config_number(const ncr_config *config, ncr_key key);

#endif
