/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/aws/source.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* Sources of Amazon's credentials: making them, telling them apart, and getting their secrets. */

const char *ncr_aws_env(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

void ncr_aws_sha1(const char *text, char out[41])
{
    unsigned char hash[EVP_MAX_MD_SIZE] = {0};
    EVP_Digest(text, strlen(text), hash, NULL, EVP_sha1(), NULL);
    for (int i = 0; i < 20; i++)
        snprintf(out + (ptrdiff_t)2 * i, 3, "%02x", hash[i]);
}

static nacre_status fetch(ncr_secret_source *source, ncr_call *call, ncr_secret **out, nacre_error *err)
{
    return ncr_aws_source_fetch((ncr_aws_source *)source, call, out, err);
}

static void release(ncr_secret_source *source)
{
    ncr_aws_source_free((ncr_aws_source *)source);
}

ncr_aws_source *ncr_aws_source_new(ncr_aws_kind kind)
{
    ncr_aws_source *source = calloc(1, sizeof *source);
    if (!source)
        return NULL;
    source->base = (ncr_secret_source){.fetch = fetch, .free = release};
    source->kind = kind;
    return source;
}

static void wipe(char *text)
{
    if (text)
        OPENSSL_cleanse(text, strlen(text));
    free(text);
}

void ncr_aws_source_free(ncr_aws_source *source)
{
    if (!source)
        return;
    char *texts[] = {source->origin,      source->looked,    source->profile,    source->id,
                     source->key,         source->token,     source->role_arn,   source->session_name,
                     source->external_id, source->duration,  source->token_file, source->command,
                     source->account,     source->role_name, source->url,        source->region};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        wipe(texts[i]);
    ncr_aws_source_free(source->from);
    free(source);
}

/* --- Telling sources apart. --- */

static const char *kind_name(ncr_aws_kind kind)
{
    static const char *const names[] = {"none",    "key",   "profile",   "web-identity", "role",
                                        "process", "login", "container", "instance"};
    return names[kind];
}

/* All that decides which secret comes out; where was looked before is not of it. */
static bool describe(const ncr_aws_source *source, ncr_buffer *out)
{
    const char *const texts[] = {source->profile,    source->id,           source->key,      source->token,
                                 source->role_arn,   source->session_name, source->duration, source->external_id,
                                 source->token_file, source->command,      source->account,  source->role_name,
                                 source->url,        source->region};
    bool done = ncr_text_append(out, kind_name(source->kind));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0] && done; i++)
        done = ncr_text_append(out, "\n") && ncr_text_append(out, texts[i] ? texts[i] : "");
    return done && (!source->from || (ncr_text_append(out, "\nfrom\n") && describe(source->from, out)));
}

char *ncr_aws_source_id(const ncr_aws_source *source)
{
    char hash[NCR_TOKEN_HASH_TEXT];
    ncr_buffer text;
    ncr_buffer_init(&text, 1 << 20);
    bool done = describe(source, &text);
    if (done)
        ncr_token_hash(text.data, text.size, hash);
    ncr_token_wipe(&text);
    return done ? ncr_text_format("aws-%s:%s", kind_name(source->kind), hash) : NULL;
}

/* --- Getting secrets. --- */

nacre_status ncr_aws_secret_from_json(const json_t *object, const char *token_name, const char *who, ncr_secret **out,
                                      nacre_error *err)
{
    const char *id = ncr_token_text(object, "AccessKeyId"), *key = ncr_token_text(object, "SecretAccessKey");
    const char *token = ncr_token_text(object, token_name), *expiration = ncr_token_text(object, "Expiration");
    int64_t expires_ms = expiration ? ncr_token_time_ms(expiration) : INT64_MAX;
    *out = NULL;
    if (!id || !key)
        return ncr_error_set(err, NACRE_ERROR_DENIED, "%s gives no AccessKeyId with a SecretAccessKey", who);
    if (expires_ms < 0)
        return ncr_error_set(err, NACRE_ERROR_DENIED, "%s gives an Expiration that is no time", who);
    *out = ncr_secret_new(id, key, token, expires_ms);
    return *out ? NACRE_OK : ncr_error_memory(err);
}

static nacre_status fetch_keys(const ncr_aws_source *source, ncr_secret **out, nacre_error *err)
{
    *out = ncr_secret_new(source->id, source->key, source->token, INT64_MAX);
    return *out ? NACRE_OK : ncr_error_memory(err);
}

/* The keys as the file has them now: who renews them there is understood in the middle of a job. */
static nacre_status fetch_profile_keys(const ncr_aws_source *source, ncr_secret **out, nacre_error *err)
{
    ncr_aws_profiles profiles;
    nacre_status status = ncr_aws_profiles_open(&profiles, err);
    if (status != NACRE_OK)
        return status;
    const char *id = ncr_aws_profile_get(&profiles, source->profile, "aws_access_key_id");
    const char *key = ncr_aws_profile_get(&profiles, source->profile, "aws_secret_access_key");
    if (id && key) {
        *out = ncr_secret_new(id, key, ncr_aws_profile_get(&profiles, source->profile, "aws_session_token"), INT64_MAX);
        status = *out ? NACRE_OK : ncr_error_memory(err);
    } else {
        status = ncr_error_set(err, NACRE_ERROR_DENIED, "%s has no keys any more", source->origin);
    }
    ncr_aws_profiles_clear(&profiles);
    return status;
}

static nacre_status fetch_role(const ncr_aws_source *source, ncr_call *call, ncr_secret **out, nacre_error *err)
{
    ncr_secret *with;
    nacre_status status = ncr_aws_source_fetch(source->from, call, &with, err);
    if (status == NACRE_OK)
        status = ncr_aws_fetch_role(source, with, call, out, err);
    ncr_secret_unref(with);
    return status;
}

nacre_status ncr_aws_source_fetch(const ncr_aws_source *source, ncr_call *call, ncr_secret **out, nacre_error *err)
{
    *out = NULL;
    switch (source->kind) {
    case NCR_AWS_NONE:
        break;
    case NCR_AWS_KEYS:
        return fetch_keys(source, out, err);
    case NCR_AWS_PROFILE_KEYS:
        return fetch_profile_keys(source, out, err);
    case NCR_AWS_WEB_IDENTITY:
        return ncr_aws_fetch_web_identity(source, call, out, err);
    case NCR_AWS_ROLE:
        return fetch_role(source, call, out, err);
    case NCR_AWS_PROCESS:
        return ncr_aws_fetch_process(source, call, out, err);
    case NCR_AWS_SSO:
        return ncr_aws_fetch_sso(source, call, out, err);
    case NCR_AWS_CONTAINER:
        return ncr_aws_fetch_container(source, call, out, err);
    case NCR_AWS_INSTANCE:
        return ncr_aws_fetch_instance(source, call, out, err);
    }
    return ncr_error_set(err, NACRE_ERROR_DENIED,
                         "no AWS credentials found (looked in %s); for public data use --no-sign-request",
                         source->looked ? source->looked : "s3.access_key_id");
}
