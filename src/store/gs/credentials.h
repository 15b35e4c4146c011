/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_STORE_GS_CREDENTIALS_H
#define NCR_STORE_GS_CREDENTIALS_H

#include "store/token.h"

/* Who asks Google: application default credentials, in Google's own order. credentials.c looks for them,
 * source.c gets tokens for a credentials file, jwt.c signs a service account's assertions, external.c changes
 * tokens of others for Google's (executable.c: such as a program prints), machine.c asks the metadata server. */

/* What was found. Cleared by ncr_gs_identity_clear(). */
typedef struct ncr_gs_identity {
    ncr_credentials *credentials; /* NULL: none were found */
    bool is_sure;                 /* they always have a token; else the machine may turn out to have no account */
    bool is_hmac;                 /* they are a key that signs, see hmac.h */
    char *quota_project;          /* that pays, as the credentials file has it; NULL: none */
    char *looked;                 /* where it was looked, for the message that none was found */
} ncr_gs_identity;

/* Looks for credentials: HMAC keys, the key gs.access_token, the file that gs.credentials names, and, where the
 * endpoint is Google's own, gcloud's well-known file and the metadata server. Reads files and sends nothing. An error
 * names the key or variable, and the file: one that is named and cannot be used is never passed over. */
nacre_status ncr_gs_identity_find(ncr_config *config, bool is_google, ncr_gs_identity *out, nacre_error *err);
void ncr_gs_identity_clear(ncr_gs_identity *identity);

/* --- source.c --- */

#define NCR_GS_SCOPE_STORAGE "https://www.googleapis.com/auth/devstorage.read_write"
#define NCR_GS_SCOPE_ALL     "https://www.googleapis.com/auth/cloud-platform"

/* What a credentials file is called in messages: "a service account" and the like. NULL: nacre does not know, or does
 * not take, this type; err says which and what to do. name is the variable or key, and the file. */
const char *ncr_gs_file_kind(const json_t *file, const char *name, nacre_error *err);

/* The source of a credentials file's tokens; takes a reference. NULL: out of memory. */
ncr_secret_source *ncr_gs_file_source(json_t *file);

/* Gets a token for a credentials file, or for the part of one that is such. */
nacre_status ncr_gs_file_token(const json_t *file, const char *scope, ncr_call *call, ncr_secret **out,
                               nacre_error *err);

/* Changes a token (of scope NCR_GS_SCOPE_ALL) for one of the service account that `url` names. */
nacre_status ncr_gs_impersonate(const char *url, const json_t *delegates, int64_t lifetime_s, const ncr_secret *source,
                                const char *scope, ncr_call *call, ncr_secret **out, nacre_error *err);

/* A member that must be there: NULL, and err names it. */
const char *ncr_gs_file_text(const json_t *file, const char *name, nacre_error *err);

/* --- jwt.c --- */

/* The assertion by which a service account asks token_uri for a token, signed by its key (PEM) with RS256. *out is
 * released by the caller, who wipes it. */
nacre_status ncr_gs_jwt_sign(const json_t *file, const char *scope, const char *audience, int64_t now_s, char **out,
                             nacre_error *err);

/* --- external.c --- */

/* Gets a token for a file of the type external_account. */
nacre_status ncr_gs_external_token(const json_t *file, const char *scope, ncr_call *call, ncr_secret **out,
                                   nacre_error *err);

/* The same for external_account_authorized_user: somebody who logged in through another's directory. */
nacre_status ncr_gs_external_user_token(const json_t *file, const char *scope, ncr_call *call, ncr_secret **out,
                                        nacre_error *err);

/* Whether its kind of subject token is one that can be had; else err says why not, named `name`. */
nacre_status ncr_gs_external_check(const json_t *file, const char *name, nacre_error *err);

/* --- executable.c --- */

/* Whether the environment allows programs that credentials files name to be run. */
bool ncr_gs_executable_is_allowed(void);

/* The subject token that the file's program prints, or has left; to be wiped and freed. */
nacre_status ncr_gs_executable_token(const json_t *file, ncr_call *call, char **out, nacre_error *err);

/* --- machine.c --- */

/* Whether this machine is one of Google's, or says that it has a metadata server. *host is that server's, static or of
 * the environment. */
bool ncr_gs_machine_is_google(const char **host);

/* The source of the machine's own tokens; its secret has no token where the machine has no account. NULL: out of
 * memory. */
ncr_secret_source *ncr_gs_machine_source(const char *host);

#endif
