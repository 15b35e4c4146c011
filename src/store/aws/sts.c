/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "net/url.h"
#include "store/aws/sign.h"
#include "store/aws/source.h"
#include "store/aws/xml.h"

/* Roles, by Amazon's token service (STS): taken with a token of a web identity, or with other credentials. */

enum { FORM_LIMIT = 256 << 10 };

char *ncr_aws_service_url(const char *service, const char *region)
{
    char variable[64];
    snprintf(variable, sizeof variable, "AWS_ENDPOINT_URL_%s", strcmp(service, "sts") == 0 ? "STS" : "SSO");
    bool is_own = !ncr_aws_env("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    const char *url = is_own ? ncr_aws_env(variable) : NULL;
    if (is_own && !url)
        url = ncr_aws_env("AWS_ENDPOINT_URL");
    if (url) {
        size_t length = strlen(url);
        while (length && url[length - 1] == '/')
            length--;
        return ncr_text_copy_n(url, length);
    }
    const char *end = ncr_text_starts(region, "cn-") ? ".cn" : "";
    const char *host = strcmp(service, "sso") == 0 ? "portal.sso" : service;
    return ncr_text_format("https://%s.%s.amazonaws.com%s", host, region, end);
}

/* --- The form. --- */

static bool add_form(ncr_buffer *form, const ncr_aws_source *source, const char *action)
{
    char usual[48];
    snprintf(usual, sizeof usual, "nacre-%lld", (long long)(ncr_clock_wall_ms() / 1000));
    return ncr_token_form_add(form, "Action", action) && ncr_token_form_add(form, "Version", "2011-06-15") &&
           ncr_token_form_add(form, "RoleArn", source->role_arn) &&
           ncr_token_form_add(form, "RoleSessionName", source->session_name ? source->session_name : usual) &&
           (!source->duration || ncr_token_form_add(form, "DurationSeconds", source->duration)) &&
           (!source->external_id || ncr_token_form_add(form, "ExternalId", source->external_id));
}

static void begin_ask(const ncr_aws_source *source, const ncr_buffer *form, ncr_token_ask *ask)
{
    *ask = (ncr_token_ask){.method = "POST",
                           .url = source->url,
                           .server = "Amazon's token service",
                           .body = (const char *)form->data,
                           .body_size = form->size};
}

/* --- The answer. --- */

static nacre_status read_answer(const ncr_token_ask *ask, const ncr_token_answer *answer, const char *action,
                                ncr_secret **out, nacre_error *err)
{
    static const char *const names[] = {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"};
    char texts[4][4096];
    bool is_whole = true, lacks_memory = false;
    for (int i = 0; i < 4 && is_whole; i++) {
        char path[160];
        snprintf(path, sizeof path, "%sResponse/%sResult/Credentials/%s", action, action, names[i]);
        nacre_status found = ncr_aws_xml_find(answer->body, answer->size, path, texts[i], sizeof texts[i]);
        lacks_memory |= found == NACRE_ERROR_MEMORY;
        is_whole = found == NACRE_OK && texts[i][0] && strlen(texts[i]) < sizeof texts[i] - 1;
    }
    int64_t expires_ms = is_whole ? ncr_token_time_ms(texts[3]) : -1;
    nacre_status status = NACRE_OK;
    if (lacks_memory)
        status = ncr_error_memory(err);
    else if (expires_ms < 0)
        status = ncr_token_lacks(ask, "AccessKeyId, SecretAccessKey, SessionToken and Expiration", err);
    else if (!(*out = ncr_secret_new(texts[0], texts[1], texts[2], expires_ms)))
        status = ncr_error_memory(err);
    OPENSSL_cleanse(texts, sizeof texts);
    return status;
}

static nacre_status ask_role(const ncr_token_ask *ask, const char *action, ncr_call *call, ncr_secret **out,
                             nacre_error *err)
{
    ncr_token_answer answer;
    nacre_status status = ncr_token_ask_ok(ask, call, &answer, err);
    if (status != NACRE_OK)
        return status;
    status = read_answer(ask, &answer, action, out, err);
    ncr_token_answer_clear(&answer);
    return status;
}

/* --- A web identity. --- */

/* The token in a file: of one line. */
static void cut_line(ncr_buffer *text)
{
    while (text->size && strchr("\r\n \t", (char)text->data[text->size - 1]))
        text->data[--text->size] = '\0';
}

nacre_status ncr_aws_fetch_web_identity(const ncr_aws_source *source, ncr_call *call, ncr_secret **out,
                                        nacre_error *err)
{
    static const char action[] = "AssumeRoleWithWebIdentity";
    static const char *const headers[] = {"Content-Type", "application/x-www-form-urlencoded", NULL};
    ncr_buffer form, token;
    ncr_token_ask ask;
    nacre_status status = ncr_token_read_file(source->token_file, "the web identity's token file", &token, err);
    if (status != NACRE_OK)
        return status;
    cut_line(&token);
    ncr_buffer_init(&form, FORM_LIMIT);
    if (add_form(&form, source, action) && ncr_token_form_add(&form, "WebIdentityToken", (const char *)token.data)) {
        begin_ask(source, &form, &ask);
        ask.headers = headers;
        ask.secrets[0] = (const char *)token.data;
        status = ask_role(&ask, action, call, out, err);
    } else {
        status = ncr_error_memory(err);
    }
    ncr_token_wipe(&form);
    ncr_token_wipe(&token);
    return status;
}

nacre_status ncr_aws_web_identity_source(const char *region, ncr_aws_source **out, nacre_error *err)
{
    const char *file = ncr_aws_env("AWS_WEB_IDENTITY_TOKEN_FILE"), *role = ncr_aws_env("AWS_ROLE_ARN");
    const char *session = ncr_aws_env("AWS_ROLE_SESSION_NAME");
    *out = NULL;
    if (!file)
        return NACRE_OK;
    if (!role)
        return ncr_error_set(err, NACRE_ERROR_INVALID,
                             "AWS_WEB_IDENTITY_TOKEN_FILE is set, but not the AWS_ROLE_ARN that belongs to it");
    ncr_aws_source *source = ncr_aws_source_new(NCR_AWS_WEB_IDENTITY);
    if (source) {
        source->origin = ncr_text_copy("AWS_WEB_IDENTITY_TOKEN_FILE");
        source->token_file = ncr_text_copy(file);
        source->role_arn = ncr_text_copy(role);
        source->session_name = session ? ncr_text_copy(session) : NULL;
        source->region = ncr_text_copy(region ? region : "us-east-1");
        source->url = source->region ? ncr_aws_service_url("sts", source->region) : NULL;
    }
    if (!source || !source->origin || !source->token_file || !source->role_arn || !source->url ||
        (session && !source->session_name)) {
        ncr_aws_source_free(source);
        return ncr_error_memory(err);
    }
    *out = source;
    return NACRE_OK;
}

/* --- A role taken with other credentials: the request is signed. --- */

static bool sign_ask(const ncr_aws_source *source, const ncr_secret *with, const ncr_token_ask *ask, char time[17],
                     char **authorization)
{
    char host[300], payload[NCR_SIGV4_HASH];
    ncr_url_place place;
    ncr_sigv4_scope scope = {.scheme = &ncr_sigv4_amazon,
                             .access_key = with->id,
                             .secret_key = with->key,
                             .region = source->region,
                             .service = "sts"};
    if (!ncr_url_place_of(ask->url, &place))
        return false;
    bool is_usual = place.port == (strcmp(place.scheme, "https") == 0 ? 443 : 80);
    if (is_usual)
        snprintf(host, sizeof host, "%s", place.host);
    else
        snprintf(host, sizeof host, "%s:%u", place.host, place.port);
    ncr_sigv4_time(ncr_clock_wall_ms(), scope.time);
    memcpy(time, scope.time, sizeof scope.time);
    ncr_sigv4_hash(ask->body, ask->body_size, payload);
    const char *path = ncr_url_path(ask->url);
    ncr_sigv4_header headers[3] = {{"host", 4, host, strlen(host)}, {"x-amz-date", 10, time, strlen(time)}};
    ncr_sigv4_request request = {.method = "POST", .query = "", .headers = headers, .payload = payload};
    request.header_count = 2;
    request.path = *path ? path : "/";
    request.path_size = strlen(request.path);
    if (with->token)
        headers[request.header_count++] =
            (ncr_sigv4_header){"x-amz-security-token", 20, with->token, strlen(with->token)};
    *authorization = ncr_sigv4_authorization(&scope, NULL, &request);
    return *authorization != NULL;
}

nacre_status ncr_aws_fetch_role(const ncr_aws_source *source, const ncr_secret *with, ncr_call *call, ncr_secret **out,
                                nacre_error *err)
{
    static const char action[] = "AssumeRole";
    char time[NCR_SIGV4_TIME] = "", *authorization = NULL;
    ncr_buffer form;
    ncr_token_ask ask;
    nacre_status status;
    ncr_buffer_init(&form, FORM_LIMIT);
    bool made = with->id && with->key && add_form(&form, source, action);
    if (made) {
        begin_ask(source, &form, &ask);
        made = sign_ask(source, with, &ask, time, &authorization);
    }
    if (made) {
        const char *const headers[] = {
            "Content-Type", "application/x-www-form-urlencoded",         "X-Amz-Date", time, "Authorization",
            authorization,  with->token ? "X-Amz-Security-Token" : NULL, with->token,  NULL};
        ask.headers = headers;
        ask.secrets[0] = with->key;
        ask.secrets[1] = with->token;
        status = ask_role(&ask, action, call, out, err);
    } else {
        status = ncr_error_memory(err);
    }
    free(authorization);
    ncr_token_wipe(&form);
    return status;
}

/* --- Who one is (GetCallerIdentity), which needs no permission. --- */

static nacre_status ask_caller(const ncr_aws_source *source, const ncr_secret *with, const ncr_buffer *form,
                               ncr_call *call, char *out, size_t out_size, nacre_error *err)
{
    static const char path[] = "GetCallerIdentityResponse/GetCallerIdentityResult/Arn";
    char time[NCR_SIGV4_TIME] = "", *authorization = NULL;
    ncr_token_ask ask;
    ncr_token_answer answer;
    begin_ask(source, form, &ask);
    if (!sign_ask(source, with, &ask, time, &authorization))
        return ncr_error_memory(err);
    const char *const headers[] = {
        "Content-Type", "application/x-www-form-urlencoded",         "X-Amz-Date", time, "Authorization",
        authorization,  with->token ? "X-Amz-Security-Token" : NULL, with->token,  NULL};
    ask.headers = headers;
    ask.once = true;
    ask.secrets[0] = with->key;
    ask.secrets[1] = with->token;
    nacre_status status = ncr_token_ask_ok(&ask, call, &answer, err);
    free(authorization);
    if (status != NACRE_OK)
        return status;
    status = ncr_aws_xml_find(answer.body, answer.size, path, out, out_size);
    if (status != NACRE_OK)
        status = status == NACRE_ERROR_MEMORY ? ncr_error_memory(err) : ncr_token_lacks(&ask, "Arn", err);
    ncr_token_answer_clear(&answer);
    return status;
}

nacre_status ncr_aws_caller(const char *region, const ncr_secret *with, ncr_call *call, char *out, size_t out_size,
                            nacre_error *err)
{
    ncr_aws_source source = {.region = ncr_text_copy(region)};
    nacre_status status;
    ncr_buffer form;
    ncr_buffer_init(&form, FORM_LIMIT);
    *out = '\0';
    source.url = source.region ? ncr_aws_service_url("sts", source.region) : NULL;
    if (source.url && with->id && with->key && ncr_token_form_add(&form, "Action", "GetCallerIdentity") &&
        ncr_token_form_add(&form, "Version", "2011-06-15"))
        status = ask_caller(&source, with, &form, call, out, out_size, err);
    else
        status = ncr_error_memory(err);
    ncr_buffer_clear(&form);
    free(source.url);
    free(source.region);
    return status;
}
