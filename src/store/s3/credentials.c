/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>

#include "store/aws/source.h"
#include "store/s3/s3.h"

/* Who asks S3: found again at each open, in Amazon's own order: configured keys, a web identity, the profile, the
 * container, the instance. The first that is described counts, even if it then fails: credentials that were meant are
 * never passed over for others. */

static bool is_set_here(const ncr_config *config, ncr_key key)
{
    const char *origin = ncr_config_origin(config, key);
    return origin && strcmp(origin, ncr_key_rows[key].name) == 0;
}

static bool copy(char **slot, const char *text)
{
    *slot = text && *text ? ncr_text_copy(text) : NULL;
    return *slot || !text || !*text;
}

/* --- Keys of the configuration. --- */

/* A token counts only where it comes from the same place as the keys do: the environment's is not for keys that the
 * program gave. */
static nacre_status keys_source(const ncr_config *config, ncr_aws_source **out, nacre_error *err)
{
    const char *id = ncr_config_text(config, NCR_KEY_S3_ACCESS_KEY_ID);
    const char *key = ncr_config_text(config, NCR_KEY_S3_SECRET_ACCESS_KEY);
    const char *token = ncr_config_text(config, NCR_KEY_S3_SESSION_TOKEN);
    const char *origin = ncr_config_origin(config, NCR_KEY_S3_ACCESS_KEY_ID);
    if (!id || !*id || !key || !*key)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s is set, but not the %s that belongs to it",
                             id && *id ? "s3.access_key_id (AWS_ACCESS_KEY_ID)" : "s3.secret_access_key",
                             id && *id ? "s3.secret_access_key (AWS_SECRET_ACCESS_KEY)" : "s3.access_key_id");
    if (is_set_here(config, NCR_KEY_S3_SESSION_TOKEN) != is_set_here(config, NCR_KEY_S3_ACCESS_KEY_ID))
        token = NULL;
    ncr_aws_source *source = ncr_aws_source_new(NCR_AWS_KEYS);
    if (!source || !copy(&source->id, id) || !copy(&source->key, key) || !copy(&source->token, token) ||
        !copy(&source->origin, origin ? origin : "s3.access_key_id")) {
        ncr_aws_source_free(source);
        return ncr_error_memory(err);
    }
    *out = source;
    return NACRE_OK;
}

static bool has_keys(const ncr_config *config)
{
    return ncr_config_text(config, NCR_KEY_S3_ACCESS_KEY_ID) || ncr_config_text(config, NCR_KEY_S3_SECRET_ACCESS_KEY);
}

/* --- The order. --- */

typedef struct search {
    const ncr_config *config;
    ncr_aws_profiles profiles;
    const char *profile; /* its name */
    bool is_named;       /* the user named it */
    const char *region;
    ncr_aws_source *found;
} search;

/* A profile that the program or the command names comes before keys of the environment. */
static bool profile_is_first(const search *s)
{
    return is_set_here(s->config, NCR_KEY_S3_PROFILE) && !is_set_here(s->config, NCR_KEY_S3_ACCESS_KEY_ID);
}

static nacre_status find_profile(search *s, nacre_error *err)
{
    if (!s->is_named && !ncr_aws_profile_exists(&s->profiles, s->profile))
        return NACRE_OK;
    return ncr_aws_profile_source(&s->profiles, s->profile, s->region, &s->found, err);
}

static nacre_status find_nothing(search *s, nacre_error *err)
{
    s->found = ncr_aws_source_new(NCR_AWS_NONE);
    if (s->found && copy(&s->found->origin, "nowhere"))
        return NACRE_OK;
    return ncr_error_memory(err);
}

/* Where was looked, for the error of the last source. */
static char *places(const search *s)
{
    const char *config = s->profiles.config_path, *credentials = s->profiles.credentials_path;
    return ncr_text_format(
        "s3.access_key_id and AWS_ACCESS_KEY_ID, AWS_WEB_IDENTITY_TOKEN_FILE, the profile '%s' of %s "
        "and %s, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI",
        s->profile, config ? config : "~/.aws/config", credentials ? credentials : "~/.aws/credentials");
}

static nacre_status find_source(search *s, nacre_error *err)
{
    nacre_status status = NACRE_OK;
    if (profile_is_first(s))
        status = find_profile(s, err);
    else if (has_keys(s->config))
        status = keys_source(s->config, &s->found, err);
    if (status == NACRE_OK && !s->found && !profile_is_first(s))
        status = ncr_aws_web_identity_source(s->region, &s->found, err);
    if (status == NACRE_OK && !s->found)
        status = find_profile(s, err);
    if (status == NACRE_OK && !s->found)
        status = ncr_aws_container_source(&s->found, err);
    if (status != NACRE_OK || s->found)
        return status;
    status = ncr_aws_instance_source(&s->found, err);
    if (status == NACRE_OK && !s->found)
        status = find_nothing(s, err);
    if (status != NACRE_OK)
        return status;
    s->found->looked = places(s);
    return s->found->looked ? NACRE_OK : ncr_error_memory(err);
}

/* Keys that never change need no fetch. */
static ncr_credentials *fixed(const ncr_aws_source *source, const char *id)
{
    ncr_secret *secret = ncr_secret_new(source->id, source->key, source->token, INT64_MAX);
    ncr_credentials *credentials = secret ? ncr_credentials_fixed(id, source->origin, secret) : NULL;
    ncr_secret_unref(secret);
    return credentials;
}

static nacre_status open_credentials(search *s, ncr_credentials **out, nacre_error *err)
{
    ncr_aws_source *source = s->found;
    char *id = ncr_aws_source_id(source);
    s->found = NULL;
    if (id && source->kind == NCR_AWS_KEYS) {
        *out = fixed(source, id);
        ncr_aws_source_free(source);
    } else if (id) {
        char *origin = ncr_text_copy(source->origin);
        if (origin)
            *out = ncr_credentials_open(id, origin, &source->base, (ncr_config *)s->config);
        else
            ncr_aws_source_free(source);
        free(origin);
    } else {
        ncr_aws_source_free(source);
    }
    free(id);
    return *out ? NACRE_OK : ncr_error_memory(err);
}

static bool copy_settings(const search *s, char **region, char **endpoint)
{
    return copy(region, ncr_aws_profile_get(&s->profiles, s->profile, "region")) &&
           copy(endpoint, ncr_aws_profile_endpoint(&s->profiles, s->profile));
}

nacre_status ncr_s3_find_credentials(const ncr_config *config, bool is_anonymous, ncr_credentials **out, char **region,
                                     char **endpoint, nacre_error *err)
{
    const char *profile = ncr_config_text(config, NCR_KEY_S3_PROFILE);
    nacre_error why = {0};
    search s = {.config = config, .profile = profile && *profile ? profile : "default"};
    s.is_named = profile && *profile;
    *out = NULL;
    *region = *endpoint = NULL;
    nacre_status status = ncr_aws_profiles_open(&s.profiles, &why);
    if (status != NACRE_OK && is_anonymous)
        return NACRE_OK; /* whose files nobody needs */
    s.region = ncr_config_text(config, NCR_KEY_S3_REGION);
    if (status == NACRE_OK && !s.region)
        s.region = ncr_aws_profile_get(&s.profiles, s.profile, "region");
    if (status == NACRE_OK && !is_anonymous)
        status = find_source(&s, &why);
    if (status == NACRE_OK && s.found)
        status = open_credentials(&s, out, &why);
    if (status == NACRE_OK && !copy_settings(&s, region, endpoint))
        status = ncr_error_memory(&why);
    ncr_aws_source_free(s.found);
    ncr_aws_profiles_clear(&s.profiles);
    if (status == NACRE_ERROR_MEMORY)
        return ncr_error_memory(err);
    return status == NACRE_OK ? status : ncr_error_set(err, status, "s3: %s", why.message);
}
