/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "store/s3.h"
#include "store/token.h"

/* Who asks S3: found again at each open, in Amazon's own order. */

static bool is_set_here(const ncr_config *config, ncr_key key)
{
    const char *origin = ncr_config_origin(config, key);
    return origin && strcmp(origin, ncr_key_rows[key].name) == 0;
}

/* The keys that were configured; a token counts only where it comes from the same place as they do. */
static nacre_status take_keys(const ncr_config *config, ncr_credentials **out, nacre_error *err)
{
    const char *id = ncr_config_text(config, NCR_KEY_S3_ACCESS_KEY_ID);
    const char *key = ncr_config_text(config, NCR_KEY_S3_SECRET_ACCESS_KEY);
    const char *token = ncr_config_text(config, NCR_KEY_S3_SESSION_TOKEN);
    const char *origin = ncr_config_origin(config, NCR_KEY_S3_ACCESS_KEY_ID);
    char hash[NCR_TOKEN_HASH_TEXT], *name = NULL;
    if (!id || !key)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s is set, but not the %s that belongs to it",
                             id ? "s3.access_key_id (AWS_ACCESS_KEY_ID)" : "s3.secret_access_key",
                             id ? "s3.secret_access_key (AWS_SECRET_ACCESS_KEY)" : "s3.access_key_id");
    if (is_set_here(config, NCR_KEY_S3_SESSION_TOKEN) != is_set_here(config, NCR_KEY_S3_ACCESS_KEY_ID))
        token = NULL;
    ncr_secret *secret = ncr_secret_new(id, key, token && *token ? token : NULL, INT64_MAX);
    char *all = ncr_text_format("%s\n%s\n%s", id, key, token ? token : "");
    if (all) {
        ncr_token_hash(all, strlen(all), hash);
        OPENSSL_cleanse(all, strlen(all));
        free(all);
        name = ncr_text_format("key:%s", hash);
    }
    *out = secret && name ? ncr_credentials_fixed(name, origin ? origin : "s3.access_key_id", secret) : NULL;
    ncr_secret_unref(secret);
    free(name);
    return *out ? NACRE_OK : ncr_error_memory(err);
}

/* --- None. --- */

static nacre_status fetch_nothing(ncr_secret_source *source, ncr_call *call, ncr_secret **out, nacre_error *err)
{
    (void)source, (void)call;
    *out = NULL;
    return ncr_error_set(err, NACRE_ERROR_DENIED,
                         "no AWS credentials found (looked in s3.access_key_id, AWS_ACCESS_KEY_ID); for public data "
                         "use --no-sign-request");
}

static void free_nothing(ncr_secret_source *source)
{
    free(source);
}

static nacre_status take_nothing(const ncr_config *config, ncr_credentials **out, nacre_error *err)
{
    ncr_secret_source *source = calloc(1, sizeof *source);
    if (!source)
        return ncr_error_memory(err);
    *source = (ncr_secret_source){.fetch = fetch_nothing, .free = free_nothing};
    *out = ncr_credentials_open("s3:none", "nowhere", source, (ncr_config *)config);
    return *out ? NACRE_OK : ncr_error_memory(err);
}

nacre_status ncr_s3_find_credentials(const ncr_config *config, bool is_anonymous, ncr_credentials **out, char **region,
                                     char **endpoint, nacre_error *err)
{
    *out = NULL;
    *region = *endpoint = NULL;
    if (is_anonymous)
        return NACRE_OK;
    if (ncr_config_text(config, NCR_KEY_S3_ACCESS_KEY_ID) || ncr_config_text(config, NCR_KEY_S3_SECRET_ACCESS_KEY))
        return take_keys(config, out, err);
    return take_nothing(config, out, err);
}
