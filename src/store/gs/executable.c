/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "store/gs/credentials.h"
#include "store/process.h"

/* Subject tokens that a program prints ("executable-sourced credentials"). It is run only where the environment allows
 * it, by GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1, as with Google's own clients: a credentials file may come from
 * somebody else. */

enum { MOST_VARIABLES = 6 };
static const char what[] = "the external account's executable";

bool ncr_gs_executable_is_allowed(void)
{
    const char *allowed = getenv("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES");
    return allowed && strcmp(allowed, "1") == 0;
}

/* --- What it is told, beside the environment. --- */

static void add_variable(char *list[MOST_VARIABLES], size_t *count, bool *failed, const char *name, const char *value)
{
    if (!value)
        return;
    list[*count] = ncr_text_format("%s=%s", name, value);
    *failed |= !list[*count];
    *count += list[*count] != NULL;
}

/* The account in ".../serviceAccounts/EMAIL:generateAccessToken", to be freed; NULL: none. */
static char *impersonated(const json_t *file)
{
    const char *url = ncr_token_text(file, "service_account_impersonation_url");
    const char *name = url ? strrchr(url, '/') : NULL;
    return name ? ncr_text_copy_n(name + 1, strcspn(name + 1, ":")) : NULL;
}

static bool make_variables(const json_t *file, const json_t *executable, char *list[MOST_VARIABLES])
{
    size_t count = 0;
    bool failed = false;
    char *email = impersonated(file);
    add_variable(list, &count, &failed, "GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE", ncr_token_text(file, "audience"));
    add_variable(list, &count, &failed, "GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE",
                 ncr_token_text(file, "subject_token_type"));
    add_variable(list, &count, &failed, "GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE", "0");
    add_variable(list, &count, &failed, "GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL", email);
    add_variable(list, &count, &failed, "GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE",
                 ncr_token_text(executable, "output_file"));
    free(email);
    return !failed;
}

/* --- What it prints. --- */

/* The token in a good answer; NULL: err says why there is none. */
static const char *find_token(const json_t *root, nacre_error *err)
{
    int64_t version = 0, expires_s;
    if (!ncr_token_number(root, "version", &version) || version != 1) {
        ncr_error_set(err, NACRE_ERROR_DENIED, "%s prints no JSON object of version 1", what);
        return NULL;
    }
    if (!json_is_true(json_object_get(root, "success"))) {
        const char *code = ncr_token_text(root, "code"), *message = ncr_token_text(root, "message");
        ncr_error_set(err, NACRE_ERROR_DENIED, "%s has no token: %.60s: %.300s", what, code ? code : "no code",
                      message ? message : "no message");
        return NULL;
    }
    if (ncr_token_number(root, "expiration_time", &expires_s) && expires_s <= ncr_clock_wall_ms() / 1000) {
        ncr_error_set(err, NACRE_ERROR_DENIED, "%s prints a token that has ended", what);
        return NULL;
    }
    const char *type = ncr_token_text(root, "token_type");
    bool is_saml = type && strstr(type, "saml2");
    const char *token = ncr_token_text(root, is_saml ? "saml_response" : "id_token");
    if (!token)
        ncr_error_set(err, NACRE_ERROR_DENIED, "%s prints no %s", what, is_saml ? "saml_response" : "id_token");
    return token;
}

static nacre_status take(const ncr_buffer *text, char **out, nacre_error *err)
{
    json_t *root;
    if (ncr_json_load(text->data, text->size, 0, &root, NULL) == NACRE_ERROR_MEMORY)
        return ncr_error_memory(err);
    const char *token = find_token(root, err);
    *out = ncr_text_copy(token);
    nacre_status status = *out ? NACRE_OK : token ? ncr_error_memory(err) : NACRE_ERROR_DENIED;
    json_decref(root);
    return status;
}

/* A file where it leaves its answers, of which the last may still hold; only one that says until when is believed. */
static bool take_left(const json_t *executable, char **out)
{
    ncr_buffer text;
    int64_t expires_s;
    const char *path = ncr_token_text(executable, "output_file");
    if (!path || ncr_token_read_file(path, what, &text, NULL) != NACRE_OK)
        return false;
    json_t *root = text.size ? json_loadb((const char *)text.data, text.size, 0, NULL) : NULL;
    bool is_taken = ncr_token_number(root, "expiration_time", &expires_s) && take(&text, out, NULL) == NACRE_OK;
    json_decref(root);
    ncr_token_wipe(&text);
    return is_taken;
}

nacre_status ncr_gs_executable_token(const json_t *file, ncr_call *call, char **out, nacre_error *err)
{
    const json_t *executable = json_object_get(json_object_get(file, "credential_source"), "executable");
    const char *command = ncr_token_text(executable, "command");
    char *variables[MOST_VARIABLES] = {NULL};
    ncr_buffer text;
    *out = NULL;
    if (take_left(executable, out))
        return NACRE_OK;
    bool lacks_memory = false;
    char **words = command ? ncr_process_words(command, &lacks_memory) : NULL;
    if (lacks_memory && !words)
        return ncr_error_memory(err);
    if (!words)
        return ncr_error_set(err, NACRE_ERROR_DENIED, "%s has no command", what);
    ncr_buffer_init(&text, NCR_TOKEN_ANSWER_LIMIT);
    nacre_status status = make_variables(file, executable, variables)
                              ? ncr_process_run(words, (const char *const *)variables, what, call, &text, err)
                              : ncr_error_memory(err);
    if (status == NACRE_OK)
        status = take(&text, out, err);
    for (size_t i = 0; i < MOST_VARIABLES; i++)
        free(variables[i]);
    ncr_token_wipe(&text);
    ncr_process_words_free(words);
    return status;
}
