/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_STORE_AWS_SOURCE_H
#define NCR_STORE_AWS_SOURCE_H

#include "store/aws/ini.h"
#include "store/token.h"

/* Where Amazon's credentials come from: one kind of source a function, all of which block. Shared by
 * credentials.c (the order), profile.c (configuration files), source.c (the sources), sts.c (roles),
 * metadata.c (containers and instances), process.c (programs). */

typedef enum ncr_aws_kind {
    NCR_AWS_NONE,         /* nothing was found: says where was looked */
    NCR_AWS_KEYS,         /* of the configuration or the environment */
    NCR_AWS_PROFILE_KEYS, /* of a file, which is read again */
    NCR_AWS_WEB_IDENTITY, /* a token in a file, for a role */
    NCR_AWS_ROLE,         /* a role, taken with the secret of `from` */
    NCR_AWS_PROCESS,      /* a program prints them */
    NCR_AWS_SSO,          /* a token that `aws sso login` left in a file */
    NCR_AWS_CONTAINER,
    NCR_AWS_INSTANCE,
} ncr_aws_kind;

/* What a source needs to know; texts are owned, NULL where they say nothing. */
typedef struct ncr_aws_source ncr_aws_source;
struct ncr_aws_source {
    ncr_secret_source base;
    ncr_aws_kind kind;
    char *origin;  /* for messages: "AWS_ACCESS_KEY_ID", "the profile 'x'" */
    char *looked;  /* where there was nothing before this one, for the error */
    char *profile; /* its name */
    char *id, *key, *token;
    char *role_arn, *session_name, *external_id, *duration; /* of a role */
    char *token_file; /* of a web identity, of a container's authorization, or of a login */
    char *command;
    char *account, *role_name; /* of a login */
    char *url;                 /* whom to ask: token service, container, instance, portal */
    char *region;              /* of the token service */
    ncr_aws_source *from;      /* of a role */
};

/* NULL: out of memory. */
ncr_aws_source *ncr_aws_source_new(ncr_aws_kind kind);
void ncr_aws_source_free(ncr_aws_source *source); /* accepts NULL */

/* A text that differs where sources do, without their secrets: "web-identity:HASH". NULL: out of memory. */
char *ncr_aws_source_id(const ncr_aws_source *source);

/* Gets the secret. The error is a sentence without an object's name. */
nacre_status ncr_aws_source_fetch(const ncr_aws_source *source, ncr_call *call, ncr_secret **out, nacre_error *err);

/* --- The kinds. --- */

nacre_status ncr_aws_fetch_web_identity(const ncr_aws_source *source, ncr_call *call, ncr_secret **out,
                                        nacre_error *err);
/* with: the secret that may take the role. */
nacre_status ncr_aws_fetch_role(const ncr_aws_source *source, const ncr_secret *with, ncr_call *call, ncr_secret **out,
                                nacre_error *err);
nacre_status ncr_aws_fetch_container(const ncr_aws_source *source, ncr_call *call, ncr_secret **out, nacre_error *err);
nacre_status ncr_aws_fetch_instance(const ncr_aws_source *source, ncr_call *call, ncr_secret **out, nacre_error *err);
nacre_status ncr_aws_fetch_sso(const ncr_aws_source *source, ncr_call *call, ncr_secret **out, nacre_error *err);
nacre_status ncr_aws_fetch_process(const ncr_aws_source *source, ncr_call *call, ncr_secret **out, nacre_error *err);

/* The secret in a JSON object: AccessKeyId, SecretAccessKey, and Expiration where there is one; the token is under
 * the name token_name. who begins the error. */
nacre_status ncr_aws_secret_from_json(const json_t *object, const char *token_name, const char *who, ncr_secret **out,
                                      nacre_error *err);

/* Whether credentials may be asked for at a URL: over https, or on this machine and the addresses of containers. */
bool ncr_aws_container_url_is_safe(const char *url);

/* --- profile.c --- */

/* Both configuration files as they are now. Released by ncr_aws_profiles_clear(). */
typedef struct ncr_aws_profiles {
    ncr_aws_ini *config, *credentials;    /* NULL: there is no such file */
    char *config_path, *credentials_path; /* NULL: nowhere to look, without HOME */
} ncr_aws_profiles;

/* Reads them, or takes what was read of the same files before. NACRE_ERROR_INVALID, or why one cannot be read. */
nacre_status ncr_aws_profiles_open(ncr_aws_profiles *out, nacre_error *err);
void ncr_aws_profiles_clear(ncr_aws_profiles *profiles);

bool ncr_aws_profile_exists(const ncr_aws_profiles *profiles, const char *name);
/* A setting of a profile; the credentials file counts first. NULL: not set. */
const char *ncr_aws_profile_get(const ncr_aws_profiles *profiles, const char *name, const char *key);
/* The S3 server that a profile names, by its services section or its own endpoint_url; NULL: none. */
const char *ncr_aws_profile_endpoint(const ncr_aws_profiles *profiles, const char *name);

/* The source that a profile describes. *out is NULL where it has no credentials. region: for the token service, where
 * the profile names none; NULL: the usual one. */
nacre_status ncr_aws_profile_source(const ncr_aws_profiles *profiles, const char *name, const char *region,
                                    ncr_aws_source **out, nacre_error *err);

/* The address of a service ("sts"): AWS_ENDPOINT_URL_NAME, AWS_ENDPOINT_URL, else Amazon's in the region. NULL: out of
 * memory. */
char *ncr_aws_service_url(const char *service, const char *region);

/* Asks Amazon's token service whose credentials these are: "arn:aws:iam::123456789012:user/me". One request, never
 * sent twice; out is "" after failure. Blocks. */
nacre_status ncr_aws_caller(const char *region, const ncr_secret *with, ncr_call *call, char *out, size_t out_size,
                            nacre_error *err);

/* Sources that the environment describes; *out is NULL where it describes none. */
nacre_status ncr_aws_web_identity_source(const char *region, ncr_aws_source **out, nacre_error *err);
nacre_status ncr_aws_container_source(ncr_aws_source **out, nacre_error *err);
nacre_status ncr_aws_instance_source(ncr_aws_source **out, nacre_error *err);

/* SHA-1 in hexadecimal digits, as the names of files of logins have it. */
void ncr_aws_sha1(const char *text, char out[41]);

/* An environment variable that is set and not empty; else NULL. */
const char *ncr_aws_env(const char *name);

#endif
