/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/gs/credentials.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fork.h"
#include "base/json.h"
#include "base/text.h"

/* Where credentials are looked for. Files are read at each open, so that a change of them is seen at the next; their
 * tokens are found again by a hash of what the file says. */

void ncr_gs_identity_clear(ncr_gs_identity *identity)
{
    ncr_credentials_unref(identity->credentials);
    free(identity->quota_project);
    free(identity->looked);
    identity->credentials = NULL;
    identity->quota_project = NULL;
    identity->looked = NULL;
    identity->is_sure = false;
    identity->is_hmac = false;
}

/* --- HMAC keys that are configured. --- */

static bool is_set_here(const ncr_config *config, ncr_key key)
{
    const char *origin = ncr_config_origin(config, key);
    return origin && strcmp(origin, ncr_key_rows[key].name) == 0;
}

/* They come before all others, as in GDAL. But keys of the environment are not for a program that names a token or a
 * file itself. */
static bool hmac_is_first(const ncr_config *config)
{
    bool is_there =
        ncr_config_text(config, NCR_KEY_GS_HMAC_ACCESS_ID) || ncr_config_text(config, NCR_KEY_GS_HMAC_SECRET);
    bool is_own = is_set_here(config, NCR_KEY_GS_HMAC_ACCESS_ID) || is_set_here(config, NCR_KEY_GS_HMAC_SECRET);
    bool has_other = is_set_here(config, NCR_KEY_GS_ACCESS_TOKEN) || is_set_here(config, NCR_KEY_GS_CREDENTIALS);
    return is_there && (is_own || !has_other);
}

/* A text that differs where keys do, without the secret. NULL: out of memory. */
static char *hmac_id(const char *id, const char *key)
{
    char hash[NCR_TOKEN_HASH_TEXT];
    ncr_buffer text;
    ncr_buffer_init(&text, 64 << 10);
    bool done = ncr_text_appendf(&text, "%s\n%s", id, key);
    if (done)
        ncr_token_hash(text.data, text.size, hash);
    ncr_token_wipe(&text);
    return done ? ncr_text_format("hmac:%s", hash) : NULL;
}

static nacre_status take_hmac(const ncr_config *config, ncr_gs_identity *out, nacre_error *err)
{
    const char *id = ncr_config_text(config, NCR_KEY_GS_HMAC_ACCESS_ID);
    const char *key = ncr_config_text(config, NCR_KEY_GS_HMAC_SECRET);
    const char *origin = ncr_config_origin(config, NCR_KEY_GS_HMAC_ACCESS_ID);
    if (!id || !*id || !key || !*key)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "gs: %s is set, but not the %s that belongs to it",
                             id && *id ? "gs.hmac_access_id (GS_ACCESS_KEY_ID)" : "gs.hmac_secret",
                             id && *id ? "gs.hmac_secret (GS_SECRET_ACCESS_KEY)" : "gs.hmac_access_id");
    char *name = hmac_id(id, key);
    ncr_secret *secret = ncr_secret_new(id, key, NULL, INT64_MAX);
    if (name && secret)
        out->credentials = ncr_credentials_fixed(name, origin ? origin : "gs.hmac_access_id", secret);
    out->is_sure = out->is_hmac = true;
    ncr_secret_unref(secret);
    free(name);
    return out->credentials ? NACRE_OK : ncr_error_memory(err);
}

/* --- A token that is configured. --- */

static nacre_status take_token(const ncr_config *config, const char *token, ncr_gs_identity *out, nacre_error *err)
{
    char hash[NCR_TOKEN_HASH_TEXT];
    const char *origin = ncr_config_origin(config, NCR_KEY_GS_ACCESS_TOKEN);
    ncr_token_hash(token, strlen(token), hash);
    char *id = ncr_text_format("token:%s", hash);
    ncr_secret *secret = ncr_secret_new(NULL, NULL, token, INT64_MAX);
    if (id && secret)
        out->credentials = ncr_credentials_fixed(id, origin ? origin : "gs.access_token", secret);
    out->is_sure = true;
    ncr_secret_unref(secret);
    free(id);
    return out->credentials ? NACRE_OK : ncr_error_memory(err);
}

/* --- Files. --- */

/* Of whom the file is, without its secrets: "a service account, NAME". */
static char *describe(const json_t *file, const char *kind)
{
    const char *who = ncr_token_text(file, "client_email");
    return who ? ncr_text_format("%s %s", kind, who) : ncr_text_copy(kind);
}

/* The project that Google's own client libraries charge: not for service accounts. */
static bool take_quota_project(const json_t *file, ncr_gs_identity *out)
{
    const char *type = ncr_token_text(file, "type");
    const char *own = ncr_token_text(file, "quota_project_id"), *set = getenv("GOOGLE_CLOUD_QUOTA_PROJECT");
    if (type && strcmp(type, "service_account") == 0)
        own = NULL;
    if (set && *set)
        own = set;
    out->quota_project = ncr_text_copy(own);
    return out->quota_project || !own;
}

static nacre_status take_parsed(json_t *file, const ncr_buffer *text, const char *name, ncr_config *config,
                                ncr_gs_identity *out, nacre_error *err)
{
    char hash[NCR_TOKEN_HASH_TEXT];
    nacre_error why = {0};
    const char *kind = ncr_gs_file_kind(file, name, &why);
    if (!kind)
        return ncr_error_copy(err, &why, why.status);
    ncr_token_hash(text->data, text->size, hash);
    char *id = ncr_text_format("file:%s", hash), *who = describe(file, kind);
    char *origin = who ? ncr_text_format("%s (%s)", name, who) : NULL;
    ncr_secret_source *source = id && origin && take_quota_project(file, out) ? ncr_gs_file_source(file) : NULL;
    if (source)
        out->credentials = ncr_credentials_open(id, origin, source, config);
    out->is_sure = true;
    free(id);
    free(who);
    free(origin);
    return out->credentials ? NACRE_OK : ncr_error_memory(err);
}

/* Takes a file that was read; name is how messages call it. */
static nacre_status take_text(const ncr_buffer *text, const char *name, ncr_config *config, ncr_gs_identity *out,
                              nacre_error *err)
{
    json_error_t why;
    json_t *file;
    if (ncr_json_load(text->data, text->size, 0, &file, &why) == NACRE_ERROR_MEMORY)
        return ncr_error_memory(err);
    /* The parser's text may repeat a word of the file, and so is not told. */
    nacre_status status = json_is_object(file) ? take_parsed(file, text, name, config, out, err)
                          : file
                              ? ncr_error_set(err, NACRE_ERROR_INVALID, "%s: no JSON object", name)
                              : ncr_error_set(err, NACRE_ERROR_INVALID, "%s: no JSON from line %d on", name, why.line);
    json_decref(file);
    return status;
}

/* Never "not found", which callers take for the object's absence. */
static nacre_status file_status(nacre_status status)
{
    return status == NACRE_ERROR_MEMORY || status == NACRE_ERROR_IO ? status : NACRE_ERROR_DENIED;
}

/* Reads a file that somebody named; one that is not there, or cannot be read, says so. */
static nacre_status take_file(const char *path, const char *by, ncr_config *config, ncr_gs_identity *out,
                              nacre_error *err)
{
    ncr_buffer text;
    nacre_error why;
    nacre_status status = ncr_token_read_file(path, "the credentials file", &text, &why);
    if (status == NACRE_ERROR_MEMORY)
        return ncr_error_memory(err);
    if (status != NACRE_OK)
        return ncr_error_set(err, file_status(status), "%s: %s", by, why.message);
    char *name = ncr_text_format("%s, file %s", by, path);
    status = name ? take_text(&text, name, config, out, err) : ncr_error_memory(err);
    free(name);
    ncr_token_wipe(&text);
    return status;
}

/* False: out of memory; *out NULL: there is no home directory. */
static bool well_known_path(char **out)
{
    const char *folder = getenv("CLOUDSDK_CONFIG"), *home = getenv("HOME");
    *out = NULL;
    if (folder && *folder)
        *out = ncr_text_format("%s/application_default_credentials.json", folder);
    else if (home && *home)
        *out = ncr_text_format("%s/.config/gcloud/application_default_credentials.json", home);
    else
        return true;
    return *out != NULL;
}

static nacre_status take_well_known_file(const char *path, ncr_config *config, ncr_gs_identity *out, nacre_error *err)
{
    ncr_buffer text;
    nacre_error why;
    nacre_status status = ncr_token_read_file(path, "gcloud's file", &text, &why);
    if (status == NACRE_ERROR_NOT_FOUND)
        return NACRE_OK;
    if (status != NACRE_OK)
        return ncr_error_set(err, file_status(status), "%s", why.message);
    char *name = ncr_text_format("gcloud's file %s", path);
    status = name ? take_text(&text, name, config, out, err) : ncr_error_memory(err);
    free(name);
    ncr_token_wipe(&text);
    return status;
}

static nacre_status take_well_known(ncr_config *config, ncr_gs_identity *out, nacre_error *err)
{
    char *path;
    if (!well_known_path(&path))
        return ncr_error_memory(err);
    nacre_status status = path ? take_well_known_file(path, config, out, err) : NACRE_OK;
    free(path);
    return status;
}

/* --- The machine. --- */

static nacre_status take_machine(ncr_config *config, ncr_gs_identity *out, nacre_error *err)
{
    const char *host;
    if (!ncr_gs_machine_is_google(&host))
        return NACRE_OK;
    char *id = ncr_text_format("machine:%s", host), *origin = ncr_text_format("the metadata server %s", host);
    ncr_secret_source *source = id && origin ? ncr_gs_machine_source(host) : NULL;
    if (source)
        out->credentials = ncr_credentials_open(id, origin, source, config);
    free(id);
    free(origin);
    return out->credentials ? NACRE_OK : ncr_error_memory(err);
}

/* --- All together. --- */

static char *where_looked(bool is_google)
{
    static const char keys[] = "gs.hmac_access_id, GS_ACCESS_KEY_ID, gs.access_token, GOOGLE_OAUTH_ACCESS_TOKEN, "
                               "CLOUDSDK_AUTH_ACCESS_TOKEN, gs.credentials, GOOGLE_APPLICATION_CREDENTIALS";
    const char *host;
    if (!is_google)
        return ncr_text_format("%s; for a configured endpoint neither gcloud's file nor the metadata server is used",
                               keys);
    char *path;
    if (!well_known_path(&path))
        return NULL;
    char *text = ncr_text_format("%s, %s, %s", keys, path ? path : "no home directory",
                                 ncr_gs_machine_is_google(&host) ? "the metadata server" : "no machine of Google's");
    free(path);
    return text;
}

static nacre_status look(ncr_config *config, bool is_google, ncr_gs_identity *out, nacre_error *err)
{
    const char *token = ncr_config_text(config, NCR_KEY_GS_ACCESS_TOKEN);
    const char *path = ncr_config_text(config, NCR_KEY_GS_CREDENTIALS);
    const char *by = ncr_config_origin(config, NCR_KEY_GS_CREDENTIALS);
    nacre_status status = NACRE_OK;
    if (hmac_is_first(config))
        status = take_hmac(config, out, err);
    else if (token)
        status = take_token(config, token, out, err);
    else if (path)
        status = take_file(path, by ? by : "gs.credentials", config, out, err);
    else if (is_google)
        status = take_well_known(config, out, err);
    if (status == NACRE_OK && !out->credentials && is_google)
        status = take_machine(config, out, err);
    if (status == NACRE_OK && !out->is_sure) {
        out->looked = where_looked(is_google);
        status = out->looked ? NACRE_OK : ncr_error_memory(err);
    }
    return status;
}

/* --- One look for one snapshot of the configuration: the many sources of a document are opened with the same. --- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    ncr_config *config; /* referenced, so that no other has its address */
    bool is_google;
    ncr_gs_identity identity;
} last; /* guarded by lock */

NCR_AT_LOAD keep_over_fork(void)
{
    ncr_fork_keep(&lock);
}

/* False where out of memory; *out is then to be cleared. */
static bool share(const ncr_gs_identity *from, ncr_gs_identity *out)
{
    out->credentials = from->credentials ? ncr_credentials_ref(from->credentials) : NULL;
    out->is_sure = from->is_sure;
    out->is_hmac = from->is_hmac;
    out->quota_project = ncr_text_copy(from->quota_project);
    out->looked = ncr_text_copy(from->looked);
    return (out->quota_project || !from->quota_project) && (out->looked || !from->looked);
}

/* Whether it was looked before, with what result. */
static bool remember(const ncr_config *config, bool is_google, ncr_gs_identity *out)
{
    pthread_mutex_lock(&lock);
    bool is_known = last.config == config && last.is_google == is_google && share(&last.identity, out);
    pthread_mutex_unlock(&lock);
    if (!is_known)
        ncr_gs_identity_clear(out);
    return is_known;
}

static void keep(ncr_config *config, bool is_google, const ncr_gs_identity *found)
{
    ncr_gs_identity copy = {0}, old = {0};
    ncr_config *old_config = NULL;
    if (share(found, &copy)) {
        pthread_mutex_lock(&lock);
        old = last.identity;
        old_config = last.config;
        last.config = ncr_config_ref(config);
        last.is_google = is_google;
        last.identity = copy;
        pthread_mutex_unlock(&lock);
    } else {
        old = copy;
    }
    ncr_gs_identity_clear(&old);
    ncr_config_unref(old_config);
}

nacre_status ncr_gs_identity_find(ncr_config *config, bool is_google, ncr_gs_identity *out, nacre_error *err)
{
    *out = (ncr_gs_identity){0};
    if (remember(config, is_google, out))
        return NACRE_OK;
    nacre_status status = look(config, is_google, out, err);
    if (status == NACRE_OK)
        keep(config, is_google, out);
    else
        ncr_gs_identity_clear(out);
    return status;
}
