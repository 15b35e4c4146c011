/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "store/gs/credentials.h"

/* Workload and workforce identity federation: another's token, the subject token, is changed for one of Google's (OAuth
 * 2.0 token exchange, RFC 8693), and that one, where the file says so, for a service account's. */

enum { FORM_LIMIT = 4 << 20, MOST_HEADERS = 16 };

static const char default_token_url[] = "https://sts.googleapis.com/v1/token";

/* --- Where the subject token comes from. --- */

nacre_status ncr_gs_external_check(const json_t *file, const char *name, nacre_error *err)
{
    const json_t *source = json_object_get(file, "credential_source");
    bool is_aws = ncr_token_text(source, "environment_id") != NULL;
    bool is_program = json_object_get(source, "executable") != NULL;
    if (is_aws || json_object_get(source, "certificate"))
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED,
                             "%s: subject tokens from %s are not supported; use a file or URL source, or set "
                             "gs.access_token",
                             name, is_aws ? "AWS (environment_id)" : "a certificate");
    if (is_program && !ncr_gs_executable_is_allowed())
        return ncr_error_set(err, NACRE_ERROR_REFUSED,
                             "%s: it names an executable, which is run only with "
                             "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1",
                             name);
    if (is_program || ncr_token_text(source, "file") || ncr_token_text(source, "url"))
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_INVALID,
                         "%s: its credential_source names neither a file nor a URL for the subject token", name);
}

static nacre_status read_source_url(const json_t *source, const char *url, ncr_call *call, ncr_buffer *out,
                                    nacre_error *err)
{
    const char *headers[2 * MOST_HEADERS + 1] = {NULL};
    const char *key;
    json_t *value;
    size_t count = 0;
    json_object_foreach (json_object_get(source, "headers"), key, value)
        if (json_is_string(value) && count < MOST_HEADERS) {
            headers[2 * count] = key;
            headers[2 * count++ + 1] = json_string_value(value);
        }
    ncr_token_ask ask = {.method = "GET", .url = url, .server = "the subject token's server", .headers = headers};
    for (size_t i = 0; i < count && i < NCR_TOKEN_MOST_SECRETS; i++)
        ask.secrets[i] = headers[2 * i + 1];
    ncr_token_answer answer;
    nacre_status status = ncr_token_ask_ok(&ask, call, &answer, err);
    if (status != NACRE_OK)
        return status;
    ncr_buffer_init(out, NCR_TOKEN_ANSWER_LIMIT + 1);
    if (!ncr_text_append(out, answer.body))
        status = ncr_error_memory(err);
    ncr_token_answer_clear(&answer);
    return status;
}

/* The token in what was read: all of it, or a member of a JSON object. *out is to be wiped and freed. */
static nacre_status take_subject(const json_t *source, const ncr_buffer *text, char **out, nacre_error *err)
{
    const json_t *format = json_object_get(source, "format");
    const char *type = ncr_token_text(format, "type"), *member = ncr_token_text(format, "subject_token_field_name");
    const char *whole = text->size ? (const char *)text->data : "";
    *out = NULL;
    if (!type || strcmp(type, "text") == 0) {
        const char *first = whole + strspn(whole, " \t\r\n");
        size_t length = strlen(first);
        while (length && strchr(" \t\r\n", first[length - 1]))
            length--;
        *out = ncr_text_copy_n(first, length);
    } else if (strcmp(type, "json") == 0 && member) {
        json_t *root;
        if (ncr_json_load(whole, strlen(whole), 0, &root, NULL) == NACRE_ERROR_MEMORY)
            return ncr_error_memory(err);
        const char *token = ncr_token_text(root, member);
        *out = ncr_text_copy(token ? token : "");
        json_decref(root);
    } else {
        return ncr_error_set(err, NACRE_ERROR_DENIED,
                             "the external account's credential_source has a format that is neither text nor json "
                             "with subject_token_field_name");
    }
    if (*out && **out)
        return NACRE_OK;
    bool is_empty = *out != NULL;
    free(*out);
    *out = NULL;
    return is_empty ? ncr_error_set(err, NACRE_ERROR_DENIED, "the external account's subject token is empty: %s %s",
                                    ncr_token_text(source, "file") ? "file" : "from the URL of its credential_source",
                                    ncr_token_text(source, "file") ? ncr_token_text(source, "file") : "")
                    : ncr_error_memory(err);
}

static nacre_status subject_token(const json_t *file, ncr_call *call, char **out, nacre_error *err)
{
    const json_t *source = json_object_get(file, "credential_source");
    const char *path = ncr_token_text(source, "file"), *url = ncr_token_text(source, "url");
    ncr_buffer text = {0};
    *out = NULL;
    nacre_status status = ncr_gs_external_check(file, "the Google credentials file", err);
    if (status == NACRE_OK && json_object_get(source, "executable"))
        return ncr_gs_executable_token(file, call, out, err);
    if (status == NACRE_OK)
        status = path ? ncr_token_read_file(path, "the subject token's file", &text, err)
                      : read_source_url(source, url, call, &text, err);
    if (status == NACRE_ERROR_NOT_FOUND && err)
        err->status = status = NACRE_ERROR_DENIED;
    if (status == NACRE_OK)
        status = take_subject(source, &text, out, err);
    ncr_token_wipe(&text);
    return status;
}

/* --- The exchange. --- */

/* "Basic ..." of the file's client, to be wiped and freed; NULL: it names none, or out of memory (*failed). */
static char *client_authorization(const json_t *file, bool *failed)
{
    const char *id = ncr_token_text(file, "client_id"), *secret = ncr_token_text(file, "client_secret");
    *failed = false;
    if (!id)
        return NULL;
    char *pair = ncr_text_format("%s:%s", id, secret ? secret : "");
    size_t size = pair ? strlen(pair) : 0;
    unsigned char *code = pair && size < 1 << 20 ? malloc((size + 2) / 3 * 4 + 1) : NULL;
    if (code)
        EVP_EncodeBlock(code, (const unsigned char *)pair, (int)size);
    char *out = code ? ncr_text_format("Basic %s", (const char *)code) : NULL;
    if (pair)
        OPENSSL_cleanse(pair, size);
    if (code)
        OPENSSL_cleanse(code, strlen((const char *)code));
    free(pair);
    free(code);
    *failed = !out;
    return out;
}

/* Sends a form to the file's token server, with its client's password. */
static nacre_status ask_exchange(const json_t *file, const ncr_buffer *form, const char *secret, ncr_call *call,
                                 ncr_secret **out, nacre_error *err)
{
    bool failed;
    const char *url = ncr_token_text(file, "token_url");
    char *authorization = client_authorization(file, &failed);
    if (failed)
        return ncr_error_memory(err);
    const char *const headers[] = {"Content-Type", "application/x-www-form-urlencoded",
                                   authorization ? "Authorization" : NULL, authorization, NULL};
    const char *client_secret = ncr_token_text(file, "client_secret");
    ncr_token_ask ask = {.method = "POST",
                         .url = url ? url : default_token_url,
                         .headers = headers,
                         .body = (const char *)form->data,
                         .body_size = form->size,
                         .secrets = {secret, client_secret}};
    nacre_status status = ncr_token_fetch(&ask, call, out, err);
    if (authorization)
        OPENSSL_cleanse(authorization, strlen(authorization));
    free(authorization);
    return status;
}

/* A user of a workforce names the project that is charged, unless a client does. */
static bool add_options(const json_t *file, ncr_buffer *form)
{
    const char *project = ncr_token_text(file, "workforce_pool_user_project");
    if (!project || ncr_token_text(file, "client_id"))
        return true;
    json_t *root = json_pack("{ss}", "userProject", project);
    char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    bool added = text && ncr_token_form_add(form, "options", text);
    free(text);
    json_decref(root);
    return added;
}

static nacre_status exchange(const json_t *file, const char *subject, const char *scope, ncr_call *call,
                             ncr_secret **out, nacre_error *err)
{
    const char *audience = ncr_gs_file_text(file, "audience", err);
    const char *type = audience ? ncr_gs_file_text(file, "subject_token_type", err) : NULL;
    *out = NULL;
    if (!type)
        return NACRE_ERROR_DENIED;
    ncr_buffer form;
    ncr_buffer_init(&form, FORM_LIMIT);
    bool made = ncr_token_form_add(&form, "grant_type", "urn:ietf:params:oauth:grant-type:token-exchange") &&
                ncr_token_form_add(&form, "audience", audience) && ncr_token_form_add(&form, "scope", scope) &&
                ncr_token_form_add(&form, "requested_token_type", "urn:ietf:params:oauth:token-type:access_token") &&
                ncr_token_form_add(&form, "subject_token_type", type) &&
                ncr_token_form_add(&form, "subject_token", subject) && add_options(file, &form);
    nacre_status status = made ? ask_exchange(file, &form, subject, call, out, err) : ncr_error_memory(err);
    ncr_token_wipe(&form);
    return status;
}

/* The life that the file asks for, in seconds; 0: the usual. */
static int64_t lifetime(const json_t *file)
{
    int64_t seconds = 0;
    const json_t *wish = json_object_get(file, "service_account_impersonation");
    return ncr_token_number(wish, "token_lifetime_seconds", &seconds) ? seconds : 0;
}

nacre_status ncr_gs_external_token(const json_t *file, const char *scope, ncr_call *call, ncr_secret **out,
                                   nacre_error *err)
{
    const char *url = ncr_token_text(file, "service_account_impersonation_url");
    char *subject;
    ncr_secret *own = NULL;
    *out = NULL;
    nacre_status status = subject_token(file, call, &subject, err);
    if (status != NACRE_OK)
        return status;
    status = exchange(file, subject, url ? NCR_GS_SCOPE_ALL : scope, call, url ? &own : out, err);
    OPENSSL_cleanse(subject, strlen(subject));
    free(subject);
    if (status == NACRE_OK && url)
        status = ncr_gs_impersonate(url, NULL, lifetime(file), own, scope, call, out, err);
    ncr_secret_unref(own);
    return status;
}

nacre_status ncr_gs_external_user_token(const json_t *file, const char *scope, ncr_call *call, ncr_secret **out,
                                        nacre_error *err)
{
    (void)scope; /* what the user granted at the login */
    const char *refresh = ncr_gs_file_text(file, "refresh_token", err);
    *out = NULL;
    if (!refresh)
        return NACRE_ERROR_DENIED;
    ncr_buffer form;
    ncr_buffer_init(&form, FORM_LIMIT);
    bool made =
        ncr_token_form_add(&form, "grant_type", "refresh_token") && ncr_token_form_add(&form, "refresh_token", refresh);
    nacre_status status = made ? ask_exchange(file, &form, refresh, call, out, err) : ncr_error_memory(err);
    ncr_token_wipe(&form);
    return status;
}
