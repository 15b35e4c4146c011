/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "store/gs/credentials.h"

/* Tokens for a credentials file, by its type. */

enum { FORM_LIMIT = 256 << 10, LIFE_S = 3600 };

static const char default_token_url[] = "https://oauth2.googleapis.com/token";
static const char *const form_headers[] = {"Content-Type", "application/x-www-form-urlencoded", NULL};

const char *ncr_gs_file_text(const json_t *file, const char *name, nacre_error *err)
{
    const char *text = ncr_token_text(file, name);
    if (!text)
        ncr_error_set(err, NACRE_ERROR_DENIED, "the Google credentials file has no \"%s\"", name);
    return text;
}

/* --- A service account asks by an assertion (RFC 7523). --- */

static nacre_status service_account_token(const json_t *file, const char *scope, ncr_call *call, ncr_secret **out,
                                          nacre_error *err)
{
    char *assertion;
    const char *url = ncr_token_text(file, "token_uri");
    ncr_token_ask ask = {.method = "POST", .url = url ? url : default_token_url, .headers = form_headers};
    nacre_status status = ncr_gs_jwt_sign(file, scope, ask.url, ncr_clock_wall_ms() / 1000, &assertion, err);
    if (status != NACRE_OK)
        return status;
    ncr_buffer form;
    ncr_buffer_init(&form, FORM_LIMIT);
    bool made = ncr_token_form_add(&form, "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer") &&
                ncr_token_form_add(&form, "assertion", assertion);
    ask.body = (const char *)form.data;
    ask.body_size = form.size;
    ask.secrets[0] = assertion;
    status = made ? ncr_token_fetch(&ask, call, out, err) : ncr_error_memory(err);
    ncr_token_wipe(&form);
    OPENSSL_cleanse(assertion, strlen(assertion));
    free(assertion);
    return status;
}

/* --- A user who has logged in has a refresh token (RFC 6749, section 6). --- */

static nacre_status user_token(const json_t *file, const char *scope, ncr_call *call, ncr_secret **out,
                               nacre_error *err)
{
    (void)scope; /* what the user granted at the login */
    const char *url = ncr_token_text(file, "token_uri"), *id = ncr_gs_file_text(file, "client_id", err);
    const char *secret = id ? ncr_gs_file_text(file, "client_secret", err) : NULL;
    const char *refresh = secret ? ncr_gs_file_text(file, "refresh_token", err) : NULL;
    if (!refresh)
        return NACRE_ERROR_DENIED;
    ncr_token_ask ask = {.method = "POST", .url = url ? url : default_token_url, .headers = form_headers};
    ncr_buffer form;
    ncr_buffer_init(&form, FORM_LIMIT);
    bool made = ncr_token_form_add(&form, "grant_type", "refresh_token") &&
                ncr_token_form_add(&form, "client_id", id) && ncr_token_form_add(&form, "client_secret", secret) &&
                ncr_token_form_add(&form, "refresh_token", refresh);
    ask.body = (const char *)form.data;
    ask.body_size = form.size;
    ask.secrets[0] = secret;
    ask.secrets[1] = refresh;
    nacre_status status = made ? ncr_token_fetch(&ask, call, out, err) : ncr_error_memory(err);
    ncr_token_wipe(&form);
    return status;
}

/* --- Impersonation: one account asks for another's token. --- */

static char *impersonation_body(const json_t *delegates, int64_t lifetime_s, const char *scope)
{
    json_t *root = json_pack("{s:[s] s:o}", "scope", scope, "delegates",
                             json_is_array(delegates) ? json_deep_copy(delegates) : json_array());
    char *lifetime = ncr_text_format("%llds", (long long)lifetime_s);
    if (lifetime)
        json_object_set_new(root, "lifetime", json_string(lifetime));
    char *text = root && lifetime ? json_dumps(root, JSON_COMPACT) : NULL;
    free(lifetime);
    json_decref(root);
    return text;
}

static nacre_status take_impersonated(const ncr_token_ask *ask, const json_t *answer, ncr_secret **out,
                                      nacre_error *err)
{
    const char *token = ncr_token_text(answer, "accessToken"), *until = ncr_token_text(answer, "expireTime");
    int64_t expires_ms = until ? ncr_token_time_ms(until) : -1;
    if (!token || expires_ms < 0)
        return ncr_token_lacks(ask, "accessToken and expireTime", err);
    *out = ncr_secret_new(NULL, NULL, token, expires_ms);
    return *out ? NACRE_OK : ncr_error_memory(err);
}

nacre_status ncr_gs_impersonate(const char *url, const json_t *delegates, int64_t lifetime_s, const ncr_secret *source,
                                const char *scope, ncr_call *call, ncr_secret **out, nacre_error *err)
{
    *out = NULL;
    char *authorization = ncr_text_format("Bearer %s", source->token);
    char *body = impersonation_body(delegates, lifetime_s > 0 ? lifetime_s : LIFE_S, scope);
    const char *const headers[] = {"Content-Type", "application/json", "Authorization", authorization, NULL};
    ncr_token_ask ask = {.method = "POST",
                         .url = url,
                         .server = "the impersonation server",
                         .headers = headers,
                         .body = body,
                         .body_size = body ? strlen(body) : 0,
                         .secrets = {source->token}};
    json_t *answer = NULL;
    nacre_status status = authorization && body ? ncr_token_ask_json(&ask, call, &answer, err) : ncr_error_memory(err);
    if (status == NACRE_OK)
        status = take_impersonated(&ask, answer, out, err);
    json_decref(answer);
    if (authorization)
        OPENSSL_cleanse(authorization, strlen(authorization));
    free(authorization);
    free(body);
    return status;
}

static nacre_status impersonated_token(const json_t *file, const char *scope, ncr_call *call, ncr_secret **out,
                                       nacre_error *err)
{
    const char *url = ncr_gs_file_text(file, "service_account_impersonation_url", err);
    ncr_secret *source;
    if (!url)
        return NACRE_ERROR_DENIED;
    nacre_status status =
        ncr_gs_file_token(json_object_get(file, "source_credentials"), NCR_GS_SCOPE_ALL, call, &source, err);
    if (status == NACRE_OK)
        status = ncr_gs_impersonate(url, json_object_get(file, "delegates"), LIFE_S, source, scope, call, out, err);
    ncr_secret_unref(source);
    return status;
}

/* --- The types. --- */

typedef struct type {
    const char *name, *kind;
    nacre_status (*token)(const json_t *file, const char *scope, ncr_call *call, ncr_secret **out, nacre_error *err);
} type;

static const type types[] = {
    {"service_account", "the service account", service_account_token},
    {"authorized_user", "a user's login", user_token},
    {"impersonated_service_account", "an impersonated service account", impersonated_token},
    {"external_account", "an external account", ncr_gs_external_token},
    {"external_account_authorized_user", "an external user's login", ncr_gs_external_user_token},
};

static const type *find_type(const json_t *file)
{
    const char *name = ncr_token_text(file, "type");
    for (size_t i = 0; name && i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i].name, name) == 0)
            return &types[i];
    return NULL;
}

const char *ncr_gs_file_kind(const json_t *file, const char *name, nacre_error *err)
{
    const type *found = find_type(file);
    const char *said = ncr_token_text(file, "type");
    if (!found) {
        ncr_error_set(err, NACRE_ERROR_INVALID,
                      said ? "%s: credentials of the type '%.60s' are not supported; known are service_account, "
                             "authorized_user, external_account and impersonated_service_account"
                           : "%s: no credentials file of Google's: it has no \"type\"",
                      name, said);
        return NULL;
    }
    const json_t *source = json_object_get(file, "source_credentials");
    if (found->token == impersonated_token && (!find_type(source) || find_type(source)->token == impersonated_token)) {
        ncr_error_set(err, NACRE_ERROR_INVALID, "%s: its source_credentials are of no type that can be used", name);
        return NULL;
    }
    const json_t *external = found->token == impersonated_token ? source : file;
    bool is_external = find_type(external)->token == ncr_gs_external_token;
    return is_external && ncr_gs_external_check(external, name, err) != NACRE_OK ? NULL : found->kind;
}

nacre_status ncr_gs_file_token(const json_t *file, const char *scope, ncr_call *call, ncr_secret **out,
                               nacre_error *err)
{
    const type *found = find_type(file);
    *out = NULL;
    if (!found)
        return ncr_error_set(err, NACRE_ERROR_DENIED, "the Google credentials file is of no known type");
    return found->token(file, scope, call, out, err);
}

/* --- The source. --- */

typedef struct file_source {
    ncr_secret_source base;
    json_t *file;
} file_source;

static nacre_status file_fetch(ncr_secret_source *source, ncr_call *call, ncr_secret **out, nacre_error *err)
{
    return ncr_gs_file_token(((file_source *)source)->file, NCR_GS_SCOPE_STORAGE, call, out, err);
}

static void file_free(ncr_secret_source *source)
{
    json_decref(((file_source *)source)->file);
    free(source);
}

ncr_secret_source *ncr_gs_file_source(json_t *file)
{
    file_source *source = calloc(1, sizeof *source);
    if (!source)
        return NULL;
    source->base = (ncr_secret_source){.fetch = file_fetch, .free = file_free};
    source->file = json_incref(file);
    return &source->base;
}
