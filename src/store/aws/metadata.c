/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fork.h"
#include "base/json.h"
#include "base/text.h"
#include "net/url.h"
#include "store/aws/source.h"

/* Services that give credentials to what runs in Amazon's cloud: of a container, of an instance; and the portal that
 * changes a login's token for them. */

enum { PROBE_MS = 900, ASK_MS = 5000, ABSENT_MS = 60 * 1000 };

/* --- Containers (ECS, EKS). --- */

static bool is_own_address(const char *host)
{
    static const char *const hosts[] = {"localhost", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
        if (strcmp(hosts[i], host) == 0)
            return true;
    return ncr_text_starts(host, "127.") && strspn(host, "0123456789.") == strlen(host);
}

bool ncr_aws_container_url_is_safe(const char *url)
{
    ncr_url_place place;
    return ncr_url_place_of(url, &place) && (strcmp(place.scheme, "https") == 0 || is_own_address(place.host));
}

nacre_status ncr_aws_container_source(ncr_aws_source **out, nacre_error *err)
{
    const char *relative = ncr_aws_env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = ncr_aws_env("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    const char *file = ncr_aws_env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *token = ncr_aws_env("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    *out = NULL;
    if (!relative && !full)
        return NACRE_OK;
    if (!relative && !ncr_aws_container_url_is_safe(full))
        return ncr_error_set(err, NACRE_ERROR_REFUSED,
                             "AWS_CONTAINER_CREDENTIALS_FULL_URI: neither https nor an address of this machine");
    ncr_aws_source *source = ncr_aws_source_new(NCR_AWS_CONTAINER);
    if (source) {
        source->origin = ncr_text_copy("the container's credentials service");
        source->url = relative ? ncr_text_format("http://169.254.170.2%s%s", *relative == '/' ? "" : "/", relative)
                               : ncr_text_copy(full);
        source->token_file = file ? ncr_text_copy(file) : NULL;
        source->token = token && !file ? ncr_text_copy(token) : NULL;
    }
    if (!source || !source->origin || !source->url || (file && !source->token_file) ||
        (token && !file && !source->token)) {
        ncr_aws_source_free(source);
        return ncr_error_memory(err);
    }
    *out = source;
    return NACRE_OK;
}

static nacre_status ask_container(const ncr_aws_source *source, const char *token, ncr_call *call, ncr_secret **out,
                                  nacre_error *err)
{
    const char *const headers[] = {token ? "Authorization" : NULL, token, NULL};
    json_t *answer;
    ncr_token_ask ask = {.method = "GET",
                         .url = source->url,
                         .server = "the container's credentials service",
                         .headers = headers,
                         .timeout_ms = ASK_MS,
                         .direct = true,
                         .secrets = {token}};
    if (token && strpbrk(token, "\r\n"))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "the container's authorization token has more than one line");
    nacre_status status = ncr_token_ask_json(&ask, call, &answer, err);
    if (status == NACRE_OK)
        status = ncr_aws_secret_from_json(answer, "Token", "the container's credentials service", out, err);
    json_decref(answer);
    return status;
}

nacre_status ncr_aws_fetch_container(const ncr_aws_source *source, ncr_call *call, ncr_secret **out, nacre_error *err)
{
    ncr_buffer text;
    if (!source->token_file)
        return ask_container(source, source->token, call, out, err);
    nacre_status status =
        ncr_token_read_file(source->token_file, "the container's authorization token file", &text, err);
    if (status != NACRE_OK)
        return status;
    while (text.size && strchr("\r\n", (char)text.data[text.size - 1]))
        text.data[--text.size] = '\0';
    status = ask_container(source, (const char *)text.data, call, out, err);
    ncr_token_wipe(&text);
    return status;
}

/* --- Instances (EC2), version 2 of their service. Off Amazon nobody answers; that is remembered for a minute. --- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char absent_url[256]; /* guarded by lock, as the rest */
static int64_t absent_until_ms;

NCR_AT_LOAD keep_over_forks(void)
{
    ncr_fork_keep(&lock);
}

static bool is_absent(const char *url)
{
    pthread_mutex_lock(&lock);
    bool absent = strcmp(absent_url, url) == 0 && ncr_clock_ms() < absent_until_ms;
    pthread_mutex_unlock(&lock);
    return absent;
}

static void note_absent(const char *url)
{
    pthread_mutex_lock(&lock);
    snprintf(absent_url, sizeof absent_url, "%s", url);
    absent_until_ms = ncr_clock_ms() + ABSENT_MS;
    pthread_mutex_unlock(&lock);
}

nacre_status ncr_aws_instance_source(ncr_aws_source **out, nacre_error *err)
{
    bool is_disabled = false;
    const char *disabled = ncr_aws_env("AWS_EC2_METADATA_DISABLED"),
               *mode = ncr_aws_env("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
    const char *endpoint = ncr_aws_env("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    *out = NULL;
    if (disabled && ncr_text_to_bool(disabled, &is_disabled) && is_disabled)
        return NACRE_OK;
    if (!endpoint)
        endpoint = mode && ncr_text_equal_nocase(mode, "ipv6") ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
    size_t length = strlen(endpoint);
    while (length && endpoint[length - 1] == '/')
        length--;
    ncr_aws_source *source = ncr_aws_source_new(NCR_AWS_INSTANCE);
    if (source) {
        source->origin = ncr_text_copy("the instance's metadata service");
        source->url = ncr_text_copy_n(endpoint, length);
    }
    if (!source || !source->origin || !source->url) {
        ncr_aws_source_free(source);
        return ncr_error_memory(err);
    }
    *out = source;
    return NACRE_OK;
}

static const char roles_path[] = "/latest/meta-data/iam/security-credentials/";

static nacre_status ask_instance(const ncr_aws_source *source, ncr_token_ask *ask, const char *path, ncr_call *call,
                                 ncr_token_answer *out, nacre_error *err)
{
    char *url = ncr_text_format("%s%s", source->url, path);
    if (!url)
        return ncr_error_memory(err);
    ask->url = url;
    ask->server = "the instance's metadata service";
    ask->direct = true;
    nacre_status status = ncr_token_ask_ok(ask, call, out, err);
    free(url);
    return status;
}

static nacre_status not_here(const ncr_aws_source *source, const char *why, nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_DENIED,
                         "no AWS credentials found (looked in %s and the instance's metadata service: %s); for public "
                         "data use --no-sign-request",
                         source->looked ? source->looked : "s3.access_key_id", why);
}

static nacre_status ask_token(const ncr_aws_source *source, ncr_call *call, ncr_token_answer *out, nacre_error *err)
{
    static const char *const headers[] = {"X-aws-ec2-metadata-token-ttl-seconds", "21600", NULL};
    nacre_error failure = {0};
    if (is_absent(source->url))
        return not_here(source, "it gave none a moment ago", err);
    ncr_token_ask ask = {.method = "PUT", .headers = headers, .timeout_ms = PROBE_MS, .once = true};
    nacre_status status = ask_instance(source, &ask, "/latest/api/token", call, out, &failure);
    if (status == NACRE_OK)
        return NACRE_OK;
    if (failure.http_status >= 500 || (!failure.http_status && !ncr_token_is_nobody(status)))
        return ncr_error_copy(err, &failure, status);
    /* Other clouds have a service at this address too, and know nothing of Amazon's. */
    note_absent(source->url);
    return not_here(source, failure.http_status ? "it knows of no such thing" : "nobody answers there", err);
}

/* The name of the instance's role: the first line. */
static nacre_status ask_role(const ncr_aws_source *source, const char *const *headers, ncr_call *call, char **out,
                             nacre_error *err)
{
    ncr_token_answer answer;
    nacre_error failure = {0};
    ncr_token_ask ask = {.method = "GET", .headers = headers, .timeout_ms = ASK_MS};
    *out = NULL;
    nacre_status status = ask_instance(source, &ask, roles_path, call, &answer, &failure);
    if (failure.http_status == 404)
        return not_here(source, "this instance has no role", err);
    if (status != NACRE_OK)
        return ncr_error_copy(err, &failure, status);
    size_t length = strcspn(answer.body, "\r\n");
    bool is_name = length && length < 256 && strcspn(answer.body, " /?#%") >= length;
    *out = is_name ? ncr_text_format("%s%.*s", roles_path, (int)length, answer.body) : NULL;
    ncr_token_answer_clear(&answer);
    if (!is_name)
        return not_here(source, "this instance has no role", err);
    return *out ? NACRE_OK : ncr_error_memory(err);
}

static nacre_status ask_secret(const ncr_aws_source *source, const char *const *headers, const char *path,
                               ncr_call *call, ncr_secret **out, nacre_error *err)
{
    ncr_token_answer answer;
    ncr_token_ask ask = {.method = "GET", .headers = headers, .timeout_ms = ASK_MS};
    nacre_status status = ask_instance(source, &ask, path, call, &answer, err);
    if (status != NACRE_OK)
        return status;
    json_t *root;
    status = ncr_json_load(answer.body, answer.size, 0, &root, NULL);
    status = status == NACRE_ERROR_MEMORY
                 ? ncr_error_memory(err)
                 : ncr_aws_secret_from_json(root, "Token", "the instance's metadata service", out, err);
    json_decref(root);
    ncr_token_answer_clear(&answer);
    return status;
}

nacre_status ncr_aws_fetch_instance(const ncr_aws_source *source, ncr_call *call, ncr_secret **out, nacre_error *err)
{
    ncr_token_answer token;
    char *path = NULL;
    nacre_status status = ask_token(source, call, &token, err);
    if (status != NACRE_OK)
        return status;
    const char *const headers[] = {"X-aws-ec2-metadata-token", token.body, NULL};
    if (strpbrk(token.body, "\r\n"))
        status = ncr_error_set(err, NACRE_ERROR_DENIED, "the instance's metadata service gives no token");
    if (status == NACRE_OK)
        status = ask_role(source, headers, call, &path, err);
    if (status == NACRE_OK)
        status = ask_secret(source, headers, path, call, out, err);
    free(path);
    ncr_token_answer_clear(&token);
    return status;
}

/* --- Logins (IAM Identity Center). --- */

static nacre_status read_login(const ncr_aws_source *source, json_t **out, nacre_error *err)
{
    ncr_buffer text;
    nacre_status status = ncr_token_read_file(source->token_file, "the login's file", &text, NULL);
    json_t *login = NULL;
    if (status == NACRE_OK) {
        status = ncr_json_load(text.data, text.size, 0, &login, NULL);
        ncr_token_wipe(&text);
    }
    *out = login;
    if (status == NACRE_ERROR_MEMORY)
        return ncr_error_memory(err);
    const char *expires = ncr_token_text(login, "expiresAt");
    if (ncr_token_text(login, "accessToken") && expires && ncr_token_time_ms(expires) > ncr_clock_wall_ms())
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_DENIED, "%s has no login that holds; run: aws sso login --profile %s",
                         source->origin, source->profile);
}

static char *portal_url(const ncr_aws_source *source)
{
    ncr_buffer url;
    ncr_buffer_init(&url, 16 << 10);
    if (ncr_text_append(&url, source->url) && ncr_text_append(&url, "/federation/credentials?role_name=") &&
        ncr_text_append_escaped(&url, source->role_name, "") && ncr_text_append(&url, "&account_id=") &&
        ncr_text_append_escaped(&url, source->account, ""))
        return (char *)url.data;
    ncr_buffer_clear(&url);
    return NULL;
}

static nacre_status take_portal_answer(const json_t *answer, ncr_secret **out, nacre_error *err)
{
    const json_t *role = json_object_get(answer, "roleCredentials");
    const char *id = ncr_token_text(role, "accessKeyId"), *key = ncr_token_text(role, "secretAccessKey");
    int64_t expires_ms;
    if (!id || !key || !ncr_token_number(role, "expiration", &expires_ms))
        return ncr_error_set(err, NACRE_ERROR_DENIED, "the login's portal gives no credentials");
    *out = ncr_secret_new(id, key, ncr_token_text(role, "sessionToken"), expires_ms);
    return *out ? NACRE_OK : ncr_error_memory(err);
}

nacre_status ncr_aws_fetch_sso(const ncr_aws_source *source, ncr_call *call, ncr_secret **out, nacre_error *err)
{
    json_t *login, *answer = NULL;
    char *url = NULL;
    nacre_status status = read_login(source, &login, err);
    const char *token = ncr_token_text(login, "accessToken");
    const char *const headers[] = {"x-amz-sso_bearer_token", token, NULL};
    if (status == NACRE_OK && !(url = portal_url(source)))
        status = ncr_error_memory(err);
    if (status == NACRE_OK) {
        ncr_token_ask ask = {
            .method = "GET", .url = url, .server = "the login's portal", .headers = headers, .secrets = {token}};
        status = ncr_token_ask_json(&ask, call, &answer, err);
    }
    if (status == NACRE_OK)
        status = take_portal_answer(answer, out, err);
    json_decref(answer);
    json_decref(login);
    free(url);
    return status;
}
