/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fork.h"
#include "base/text.h"
#include "store/aws/source.h"

/* Amazon's configuration files, and the sources that a profile in them describes. They are looked at at each open;
 * what was parsed is kept while a file stays the same. */

enum { MOST_FILES = 4, MOST_DEPTH = 8 };

/* --- The files. --- */

typedef struct known_file {
    char *path;
    struct stat seen;
    ncr_aws_ini *ini;
} known_file;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static known_file files[MOST_FILES]; /* guarded by lock; a ring */
static size_t next_file;

NCR_AT_LOAD keep_over_forks(void)
{
    ncr_fork_keep(&lock);
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static ncr_aws_ini *find_known(const char *path, const struct stat *now)
{
    ncr_aws_ini *found = NULL;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < MOST_FILES && !found; i++)
        if (files[i].path && strcmp(files[i].path, path) == 0 && is_same_file(&files[i].seen, now))
            found = ncr_aws_ini_ref(files[i].ini);
    pthread_mutex_unlock(&lock);
    return found;
}

static void keep_known(const char *path, const struct stat *now, ncr_aws_ini *ini)
{
    known_file old = {.path = ncr_text_copy(path), .seen = *now, .ini = ncr_aws_ini_ref(ini)};
    if (old.path) {
        pthread_mutex_lock(&lock);
        size_t at = next_file;
        for (size_t i = 0; i < MOST_FILES; i++)
            if (files[i].path && strcmp(files[i].path, path) == 0)
                at = i;
        next_file = at == next_file ? (next_file + 1) % MOST_FILES : next_file;
        known_file given_up = files[at];
        files[at] = old;
        pthread_mutex_unlock(&lock);
        old = given_up;
    }
    free(old.path);
    ncr_aws_ini_unref(old.ini);
}

/* A file that is not there is one that says nothing. */
static nacre_status read_file(const char *path, bool is_config, ncr_aws_ini **out, nacre_error *err)
{
    struct stat before, after;
    ncr_buffer text;
    *out = NULL;
    if (!path)
        return NACRE_OK;
    if (stat(path, &before) != 0)
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES
                   ? NACRE_OK
                   : ncr_error_set(err, NACRE_ERROR_IO, "the configuration file %s: cannot be looked at: %s", path,
                                   strerrordesc_np(errno));
    *out = find_known(path, &before);
    if (*out)
        return NACRE_OK;
    nacre_status status = ncr_token_read_file(path, "the configuration file", &text, err);
    if (status == NACRE_ERROR_NOT_FOUND)
        return NACRE_OK;
    if (status != NACRE_OK)
        return status;
    status = ncr_aws_ini_parse((const char *)text.data, text.size, path, is_config, out, err);
    ncr_token_wipe(&text);
    /* What changed while it was read, or may change again within the same tick of its clock, is read again. */
    if (status == NACRE_OK && stat(path, &after) == 0 && is_same_file(&before, &after))
        keep_known(path, &before, *out);
    return status;
}

/* "~/..." is below HOME. NULL in *out: there is no such place. */
static nacre_status file_path(const char *variable, const char *usual, char **out, nacre_error *err)
{
    const char *text = ncr_aws_env(variable), *home = ncr_aws_env("HOME");
    text = text ? text : usual;
    bool is_home = ncr_text_starts(text, "~/");
    *out = NULL;
    if (is_home && !home)
        return NACRE_OK;
    *out = is_home ? ncr_text_format("%s/%s", home, text + 2) : ncr_text_copy(text);
    return *out ? NACRE_OK : ncr_error_memory(err);
}

nacre_status ncr_aws_profiles_open(ncr_aws_profiles *out, nacre_error *err)
{
    *out = (ncr_aws_profiles){0};
    nacre_status status = file_path("AWS_CONFIG_FILE", "~/.aws/config", &out->config_path, err);
    if (status == NACRE_OK)
        status = file_path("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials", &out->credentials_path, err);
    if (status == NACRE_OK)
        status = read_file(out->config_path, true, &out->config, err);
    if (status == NACRE_OK)
        status = read_file(out->credentials_path, false, &out->credentials, err);
    if (status != NACRE_OK)
        ncr_aws_profiles_clear(out);
    return status;
}

void ncr_aws_profiles_clear(ncr_aws_profiles *profiles)
{
    ncr_aws_ini_unref(profiles->config);
    ncr_aws_ini_unref(profiles->credentials);
    free(profiles->config_path);
    free(profiles->credentials_path);
    *profiles = (ncr_aws_profiles){0};
}

bool ncr_aws_profile_exists(const ncr_aws_profiles *profiles, const char *name)
{
    return ncr_aws_ini_has(profiles->credentials, "profile", name) ||
           ncr_aws_ini_has(profiles->config, "profile", name);
}

const char *ncr_aws_profile_get(const ncr_aws_profiles *profiles, const char *name, const char *key)
{
    const char *value = ncr_aws_ini_get(profiles->credentials, "profile", name, key, NULL);
    return value ? value : ncr_aws_ini_get(profiles->config, "profile", name, key, NULL);
}

const char *ncr_aws_profile_endpoint(const ncr_aws_profiles *profiles, const char *name)
{
    const char *services = ncr_aws_profile_get(profiles, name, "services");
    const char *url = services ? ncr_aws_ini_get(profiles->config, "services", services, "s3", "endpoint_url") : NULL;
    return url ? url : ncr_aws_profile_get(profiles, name, "endpoint_url");
}

/* --- The sources of a profile. --- */

typedef struct profile_reading {
    const ncr_aws_profiles *profiles;
    const char *region;
    int depth;
} profile_reading;

static nacre_status read_source(profile_reading *r, const char *name, bool only_keys, ncr_aws_source **out,
                                nacre_error *err);

static bool copy(char **slot, const char *text)
{
    *slot = text ? ncr_text_copy(text) : NULL;
    return *slot || !text;
}

static nacre_status made(ncr_aws_source *source, bool complete, ncr_aws_source **out, nacre_error *err)
{
    if (!source || !complete) {
        ncr_aws_source_free(source);
        return ncr_error_memory(err);
    }
    *out = source;
    return NACRE_OK;
}

static ncr_aws_source *new_source(ncr_aws_kind kind, const char *name)
{
    ncr_aws_source *source = ncr_aws_source_new(kind);
    if (!source)
        return NULL;
    source->origin = ncr_text_format("the profile '%s'", name);
    source->profile = ncr_text_copy(name);
    if (source->origin && source->profile)
        return source;
    ncr_aws_source_free(source);
    return NULL;
}

static nacre_status read_keys(const profile_reading *r, const char *name, ncr_aws_source **out, nacre_error *err)
{
    const char *id = ncr_aws_profile_get(r->profiles, name, "aws_access_key_id");
    const char *key = ncr_aws_profile_get(r->profiles, name, "aws_secret_access_key");
    if (!id != !key)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "the profile '%s' has %s, but not the %s that belongs to it",
                             name, id ? "aws_access_key_id" : "aws_secret_access_key",
                             id ? "aws_secret_access_key" : "aws_access_key_id");
    if (!id)
        return NACRE_OK;
    ncr_aws_source *source = new_source(NCR_AWS_PROFILE_KEYS, name);
    bool complete = source && copy(&source->id, id) && copy(&source->key, key) &&
                    copy(&source->token, ncr_aws_profile_get(r->profiles, name, "aws_session_token"));
    return made(source, complete, out, err);
}

/* The source whose secret takes the role. */
static nacre_status read_from(profile_reading *r, const char *name, ncr_aws_source **out, nacre_error *err)
{
    const char *source_profile = ncr_aws_profile_get(r->profiles, name, "source_profile");
    const char *source = ncr_aws_profile_get(r->profiles, name, "credential_source");
    nacre_status status = NACRE_OK;
    if (source_profile) {
        status = read_source(r, source_profile, strcmp(source_profile, name) == 0, out, err);
    } else if (source && strcmp(source, "Environment") == 0) {
        const char *id = ncr_aws_env("AWS_ACCESS_KEY_ID"), *key = ncr_aws_env("AWS_SECRET_ACCESS_KEY");
        ncr_aws_source *keys = id && key ? new_source(NCR_AWS_KEYS, name) : NULL;
        bool complete = keys && copy(&keys->id, id) && copy(&keys->key, key) &&
                        copy(&keys->token, ncr_aws_env("AWS_SESSION_TOKEN"));
        if (id && key)
            status = made(keys, complete, out, err);
    } else if (source && strcmp(source, "EcsContainer") == 0) {
        status = ncr_aws_container_source(out, err);
    } else if (source && strcmp(source, "Ec2InstanceMetadata") == 0) {
        status = ncr_aws_instance_source(out, err);
    } else {
        return ncr_error_set(
            err, NACRE_ERROR_INVALID,
            "the profile '%s' has role_arn, but neither source_profile nor a credential_source that is "
            "Environment, EcsContainer or Ec2InstanceMetadata",
            name);
    }
    if (status == NACRE_OK && !*out)
        return ncr_error_set(err, NACRE_ERROR_INVALID,
                             "the profile '%s' takes its role with credentials of %s, which has none", name,
                             source_profile ? source_profile : source);
    return status;
}

static nacre_status read_role(profile_reading *r, const char *name, const char *role, ncr_aws_source **out,
                              nacre_error *err)
{
    const char *token_file = ncr_aws_profile_get(r->profiles, name, "web_identity_token_file");
    const char *region = r->region ? r->region : ncr_aws_profile_get(r->profiles, name, "region");
    if (ncr_aws_profile_get(r->profiles, name, "mfa_serial"))
        return ncr_error_set(
            err, NACRE_ERROR_UNSUPPORTED,
            "the profile '%s' wants a code of a device (mfa_serial), which nacre cannot ask for; take the "
            "role with the aws command and give its keys",
            name);
    ncr_aws_source *source = new_source(token_file ? NCR_AWS_WEB_IDENTITY : NCR_AWS_ROLE, name);
    bool complete = source && copy(&source->role_arn, role) &&
                    copy(&source->session_name, ncr_aws_profile_get(r->profiles, name, "role_session_name")) &&
                    copy(&source->external_id, ncr_aws_profile_get(r->profiles, name, "external_id")) &&
                    copy(&source->duration, ncr_aws_profile_get(r->profiles, name, "duration_seconds")) &&
                    copy(&source->token_file, token_file) && copy(&source->region, region ? region : "us-east-1") &&
                    (source->url = ncr_aws_service_url("sts", source->region)) != NULL;
    nacre_status status = NACRE_OK;
    if (complete && !token_file)
        status = read_from(r, name, &source->from, err);
    if (status == NACRE_OK)
        return made(source, complete, out, err);
    ncr_aws_source_free(source);
    return status;
}

static nacre_status read_process(const char *name, const char *command, ncr_aws_source **out, nacre_error *err)
{
    ncr_aws_source *source = new_source(NCR_AWS_PROCESS, name);
    return made(source, source && copy(&source->command, command), out, err);
}

/* The file that `aws sso login` leaves: named by the SHA-1 of the session's name, or of the start URL. */
static char *login_file(const char *session)
{
    char hash[41];
    const char *home = ncr_aws_env("HOME");
    ncr_aws_sha1(session, hash);
    return ncr_text_format("%s/.aws/sso/cache/%s.json", home ? home : "", hash);
}

static nacre_status read_login(const profile_reading *r, const char *name, ncr_aws_source **out, nacre_error *err)
{
    const ncr_aws_ini *config = r->profiles->config;
    const char *session = ncr_aws_profile_get(r->profiles, name, "sso_session");
    const char *start = ncr_aws_profile_get(r->profiles, name, "sso_start_url");
    const char *region = session ? ncr_aws_ini_get(config, "sso-session", session, "sso_region", NULL)
                                 : ncr_aws_profile_get(r->profiles, name, "sso_region");
    const char *account = ncr_aws_profile_get(r->profiles, name, "sso_account_id");
    const char *role = ncr_aws_profile_get(r->profiles, name, "sso_role_name");
    if (!region || !account || !role)
        return ncr_error_set(err, NACRE_ERROR_INVALID,
                             "the profile '%s' lacks one of sso_region, sso_account_id and sso_role_name", name);
    ncr_aws_source *source = new_source(NCR_AWS_SSO, name);
    bool complete = source && copy(&source->account, account) && copy(&source->role_name, role) &&
                    (source->token_file = login_file(session ? session : start)) != NULL &&
                    (source->url = ncr_aws_service_url("sso", region)) != NULL;
    return made(source, complete, out, err);
}

static nacre_status read_source(profile_reading *r, const char *name, bool only_keys, ncr_aws_source **out,
                                nacre_error *err)
{
    const char *role = ncr_aws_profile_get(r->profiles, name, "role_arn");
    const char *process = ncr_aws_profile_get(r->profiles, name, "credential_process");
    bool has_login = ncr_aws_profile_get(r->profiles, name, "sso_session") ||
                     ncr_aws_profile_get(r->profiles, name, "sso_start_url");
    *out = NULL;
    if (!ncr_aws_profile_exists(r->profiles, name))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "there is no profile '%s' (looked in %s and %s)", name,
                             r->profiles->config_path ? r->profiles->config_path : "~/.aws/config",
                             r->profiles->credentials_path ? r->profiles->credentials_path : "~/.aws/credentials");
    if (++r->depth > MOST_DEPTH)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "the profile '%s' takes roles through too many others", name);
    if (only_keys)
        return read_keys(r, name, out, err);
    if (role)
        return read_role(r, name, role, out, err);
    if (has_login && !ncr_aws_ini_get(r->profiles->credentials, "profile", name, "aws_access_key_id", NULL))
        return read_login(r, name, out, err);
    nacre_status status = read_keys(r, name, out, err);
    if (status == NACRE_OK && !*out && process)
        status = read_process(name, process, out, err);
    return status;
}

nacre_status ncr_aws_profile_source(const ncr_aws_profiles *profiles, const char *name, const char *region,
                                    ncr_aws_source **out, nacre_error *err)
{
    profile_reading r = {.profiles = profiles, .region = region};
    return read_source(&r, name, false, out, err);
}
