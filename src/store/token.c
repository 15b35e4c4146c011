/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/token.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "net/url.h"

enum { SAID_SIZE = 400, NAME_SIZE = 320, DEFAULT_LIFE_MS = 3600 * 1000 };

/* --- Messages. --- */

/* "the token server HOST" or "the token server HOST:PORT". The URL's path and query may hold secrets. */
static void name_server(const ncr_token_ask *ask, char out[NAME_SIZE])
{
    ncr_url_place place;
    const char *server = ask->server ? ask->server : "the token server";
    if (!ncr_url_place_of(ask->url, &place)) {
        snprintf(out, NAME_SIZE, "%s", server);
        return;
    }
    bool is_usual = place.port == (strcmp(place.scheme, "https") == 0 ? 443 : 80);
    int length = snprintf(out, NAME_SIZE, "%s %.200s", server, place.host);
    if (!is_usual && length > 0 && length < NAME_SIZE)
        snprintf(out + length, NAME_SIZE - (size_t)length, ":%u", place.port);
}

/* What the server repeats of secrets becomes stars. */
static void mask(const ncr_token_ask *ask, char *said)
{
    for (size_t i = 0; i < NCR_TOKEN_MOST_SECRETS && ask->secrets[i]; i++) {
        size_t length = strlen(ask->secrets[i]);
        for (char *at = said; length && (at = strstr(at, ask->secrets[i])); at += length)
            memset(at, '*', length);
    }
}

static void append(char out[SAID_SIZE], const char *text)
{
    size_t used = strlen(out);
    if (text && *text)
        snprintf(out + used, SAID_SIZE - used, "%s%s", used ? ": " : "", text);
}

/* {"error": "invalid_grant", "error_description": "..."} (OAuth 2), {"error": {"status": ..., "message": ...}}
 * (Google),
 * {"code": ..., "message": ...} (Amazon, Azure). */
static void take_json_error(const json_t *root, char out[SAID_SIZE])
{
    const json_t *error = json_object_get(root, "error");
    const json_t *holder = json_is_object(error) ? error : root;
    append(out, json_string_value(error));
    append(out, ncr_token_text(root, "error_description"));
    if (*out)
        return;
    const char *status = ncr_token_text(holder, "status"), *code = ncr_token_text(holder, "code");
    const char *message = ncr_token_text(holder, "message"), *other = ncr_token_text(holder, "Message");
    append(out, status ? status : code);
    append(out, message ? message : other);
}

static void take_element(const char *text, const char *begin, const char *end, char out[SAID_SIZE])
{
    char piece[SAID_SIZE];
    const char *first = strstr(text, begin), *last = first ? strstr(first, end) : NULL;
    if (!last)
        return;
    first += strlen(begin);
    snprintf(piece, sizeof piece, "%.*s", (int)(last - first < SAID_SIZE ? last - first : SAID_SIZE - 1), first);
    append(out, piece);
}

/* What the server says of why, in a line; "" nothing of use. A page for people is of none. */
static void read_error(const ncr_token_ask *ask, const ncr_token_answer *answer, char out[SAID_SIZE])
{
    out[0] = '\0';
    json_t *root = json_loadb(answer->body, answer->size, 0, NULL);
    if (root) {
        take_json_error(root, out);
    } else if (answer->body[0] == '<') {
        take_element(answer->body, "<Code>", "</Code>", out);
        take_element(answer->body, "<Message>", "</Message>", out);
    } else {
        append(out, answer->body);
    }
    json_decref(root);
    mask(ask, out);
    for (char *c = out; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
    for (size_t length = strlen(out); length && out[length - 1] == ' ';)
        out[--length] = '\0';
}

nacre_status ncr_token_refused(const ncr_token_ask *ask, const ncr_token_answer *answer, nacre_error *err)
{
    char name[NAME_SIZE], said[SAID_SIZE];
    int code = answer->status;
    bool is_passing = code >= 500 || code == 408 || code == 429;
    name_server(ask, name);
    read_error(ask, answer, said);
    return ncr_error_set_http(err, is_passing ? NACRE_ERROR_UNAVAILABLE : NACRE_ERROR_DENIED, code,
                              "%s answered %d%s%s", name, code, *said ? ": " : "", said);
}

nacre_status ncr_token_lacks(const ncr_token_ask *ask, const char *what, nacre_error *err)
{
    char name[NAME_SIZE];
    name_server(ask, name);
    return ncr_error_set(err, NACRE_ERROR_DENIED, "%s answered without %s", name, what);
}

/* --- Asking. --- */

static ncr_http_request *make_request(const ncr_token_ask *ask, ncr_call *call)
{
    char name[NAME_SIZE];
    name_server(ask, name);
    ncr_http_request *request = ncr_http_request_new(ask->method, ask->url, name, call);
    bool made = request != NULL;
    for (const char *const *h = ask->headers; made && h && h[0] && h[1]; h += 2)
        made = ncr_http_request_header(request, h[0], h[1]);
    if (!made) {
        ncr_http_request_free(request);
        return NULL;
    }
    request->body = ask->body;
    request->body_size = ask->body_size;
    request->idempotent = true; /* a token that nobody uses is nothing */
    request->no_retry = ask->once;
    request->direct = ask->direct;
    request->timeout_ms = ask->timeout_ms;
    request->sink.whole_limit = NCR_TOKEN_ANSWER_LIMIT;
    return request;
}

static nacre_status take_answer(ncr_http_request *request, ncr_token_answer *out, nacre_error *err)
{
    ncr_http_response *response = &request->response;
    out->status = response->status;
    out->size = response->whole.size;
    out->body = ncr_text_copy_n(out->size ? (const char *)response->whole.data : "", out->size);
    out->headers = response->headers;
    response->headers = NULL;
    if (response->whole.data)
        OPENSSL_cleanse(response->whole.data, response->whole.size);
    if (out->body && out->headers)
        return NACRE_OK;
    ncr_token_answer_clear(out);
    return ncr_error_memory(err);
}

static nacre_status exchange(const ncr_token_ask *ask, ncr_call *call, ncr_token_answer *out, nacre_error *err)
{
    ncr_http_request *request = make_request(ask, call);
    if (!request)
        return ncr_error_memory(err);
    nacre_status status = ncr_http_perform(request, err);
    if (status == NACRE_OK)
        status = take_answer(request, out, err);
    ncr_http_request_free(request);
    return status;
}

nacre_status ncr_token_ask_any(const ncr_token_ask *ask, ncr_call *call, ncr_token_answer *out, nacre_error *err)
{
    int64_t began_ms = ncr_clock_ms();
    *out = (ncr_token_answer){0};
    nacre_status status = exchange(ask, call, out, err);
    /* A connection that broke is not yet a service that is missing. */
    if (ask->once && status == NACRE_ERROR_UNAVAILABLE && ncr_clock_ms() - began_ms < ask->timeout_ms / 2)
        status = exchange(ask, call, out, err);
    return status;
}

bool ncr_token_is_nobody(nacre_status status)
{
    return status != NACRE_OK && status != NACRE_ERROR_MEMORY && status != NACRE_ERROR_IO &&
           status != NACRE_ERROR_CANCELLED;
}

nacre_status ncr_token_ask_ok(const ncr_token_ask *ask, ncr_call *call, ncr_token_answer *out, nacre_error *err)
{
    nacre_status status = ncr_token_ask_any(ask, call, out, err);
    if (status != NACRE_OK || (out->status >= 200 && out->status < 300))
        return status;
    status = ncr_token_refused(ask, out, err);
    ncr_token_answer_clear(out);
    return status;
}

nacre_status ncr_token_ask_json(const ncr_token_ask *ask, ncr_call *call, json_t **out, nacre_error *err)
{
    ncr_token_answer answer;
    *out = NULL;
    nacre_status status = ncr_token_ask_ok(ask, call, &answer, err);
    if (status != NACRE_OK)
        return status;
    json_t *root;
    status = ncr_json_load(answer.body, answer.size, 0, &root, NULL);
    ncr_token_answer_clear(&answer);
    if (status == NACRE_ERROR_MEMORY)
        return ncr_error_memory(err);
    if (!json_is_object(root)) {
        json_decref(root);
        return ncr_token_lacks(ask, "a JSON object", err);
    }
    *out = root;
    return NACRE_OK;
}

void ncr_token_answer_clear(ncr_token_answer *answer)
{
    if (answer->body)
        OPENSSL_cleanse(answer->body, answer->size);
    free(answer->body);
    free(answer->headers);
    *answer = (ncr_token_answer){0};
}

bool ncr_token_form_add(ncr_buffer *form, const char *name, const char *value)
{
    return (!form->size || ncr_text_append(form, "&")) && ncr_text_append_escaped(form, name, "") &&
           ncr_text_append(form, "=") && ncr_text_append_escaped(form, value, "");
}

void ncr_token_wipe(ncr_buffer *buffer)
{
    if (buffer->data)
        OPENSSL_cleanse(buffer->data, buffer->size);
    ncr_buffer_clear(buffer);
}

/* --- Fields of JSON. --- */

const char *ncr_token_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text && *text ? text : NULL;
}

bool ncr_token_number(const json_t *object, const char *name, int64_t *out)
{
    const json_t *member = json_object_get(object, name);
    if (json_is_integer(member)) {
        *out = json_integer_value(member);
        return true;
    }
    if (json_is_real(member) && json_real_value(member) > -9e15 && json_real_value(member) < 9e15) {
        *out = (int64_t)json_real_value(member);
        return true;
    }
    const char *text = json_string_value(member);
    return text && ncr_text_to_int64(text, out);
}

/* "Z", "+01:00" and the like, in minutes; false where it is none. */
static bool read_zone(const char *text, int *minutes)
{
    *minutes = 0;
    if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0)
        return true;
    int hour = 0, minute = 0, end = 0;
    bool is_zone = (*text == '+' || *text == '-') && strspn(text + 1, "0123456789:") == strlen(text + 1) &&
                   sscanf(text + 1, "%2d:%2d%n", &hour, &minute, &end) == 2 && !text[1 + end] && hour < 24 &&
                   minute < 60;
    *minutes = (hour * 60 + minute) * (*text == '-' ? -1 : 1);
    return is_zone;
}

/* Reads "2020-11-01T10:00:00" as it stands; returns what follows, NULL where it is none. */
static const char *read_date_time(const char *text, struct tm *out)
{
    static const char form[] = "dddd-dd-ddTdd:dd:dd";
    int *const fields[] = {&out->tm_year, &out->tm_mon, &out->tm_mday, &out->tm_hour, &out->tm_min, &out->tm_sec};
    size_t field = 0;
    for (size_t i = 0; form[i]; i++) {
        bool is_digit = text[i] >= '0' && text[i] <= '9';
        if (form[i] == 'd' ? !is_digit : text[i] != form[i])
            return NULL;
        if (is_digit)
            *fields[field] = *fields[field] * 10 + (text[i] - '0');
        else
            field++;
    }
    return text + sizeof form - 1;
}

static bool is_in_range(const struct tm *tm)
{
    return tm->tm_year >= 1970 && tm->tm_mon >= 1 && tm->tm_mon <= 12 && tm->tm_mday >= 1 && tm->tm_mday <= 31 &&
           tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec <= 60;
}

int64_t ncr_token_time_ms(const char *text)
{
    struct tm tm = {0};
    int zone;
    int64_t ms = 0;
    const char *rest = read_date_time(text, &tm);
    if (!rest)
        return -1;
    if (*rest == '.') {
        size_t digits = strspn(++rest, "0123456789");
        for (size_t i = 0; i < 3; i++)
            ms = ms * 10 + (i < digits ? rest[i] - '0' : 0);
        rest += digits;
    }
    if (!is_in_range(&tm) || !read_zone(rest, &zone))
        return -1;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    return ((int64_t)timegm(&tm) - (int64_t)zone * 60) * 1000 + ms;
}

nacre_status ncr_token_from_oauth(const ncr_token_ask *ask, const json_t *answer, ncr_secret **out, nacre_error *err)
{
    int64_t seconds;
    const char *token = ncr_token_text(answer, "access_token");
    *out = NULL;
    if (!token)
        return ncr_token_lacks(ask, "access_token", err);
    bool has_life = ncr_token_number(answer, "expires_in", &seconds) && seconds >= 0 && seconds < 1 << 30;
    int64_t life_ms = has_life ? seconds * 1000 : DEFAULT_LIFE_MS;
    *out = ncr_secret_new(NULL, NULL, token, ncr_clock_wall_ms() + life_ms);
    return *out ? NACRE_OK : ncr_error_memory(err);
}

nacre_status ncr_token_fetch(const ncr_token_ask *ask, ncr_call *call, ncr_secret **out, nacre_error *err)
{
    json_t *answer;
    *out = NULL;
    nacre_status status = ncr_token_ask_json(ask, call, &answer, err);
    if (status == NACRE_OK)
        status = ncr_token_from_oauth(ask, answer, out, err);
    json_decref(answer);
    return status;
}

/* --- Files and identities. --- */

static nacre_status read_all(int file, const char *path, const char *what, ncr_buffer *out, nacre_error *err)
{
    for (;;) {
        char *place = ncr_buffer_reserve(out, 4096);
        if (!place)
            return out->size > NCR_TOKEN_ANSWER_LIMIT
                       ? ncr_error_set(err, NACRE_ERROR_TOO_LARGE, "%s %s: longer than %d bytes", what, path,
                                       NCR_TOKEN_ANSWER_LIMIT)
                       : ncr_error_memory(err);
        ssize_t got = read(file, place, 4095);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return ncr_error_set(err, NACRE_ERROR_IO, "%s %s: cannot be read: %s", what, path, strerrordesc_np(errno));
        place[got] = '\0';
        if (got == 0)
            return NACRE_OK;
        out->size += (size_t)got;
    }
}

nacre_status ncr_token_read_file(const char *path, const char *what, ncr_buffer *out, nacre_error *err)
{
    ncr_buffer_init(out, NCR_TOKEN_ANSWER_LIMIT + 8192);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 && (errno == ENOENT || errno == ENOTDIR))
        return ncr_error_set(err, NACRE_ERROR_NOT_FOUND, "%s %s: not found", what, path);
    if (file < 0)
        return ncr_error_set(err, errno == EACCES ? NACRE_ERROR_DENIED : NACRE_ERROR_IO, "%s %s: cannot be opened: %s",
                             what, path, strerrordesc_np(errno));
    nacre_status status = read_all(file, path, what, out, err);
    close(file);
    if (status != NACRE_OK)
        ncr_token_wipe(out);
    return status;
}

void ncr_token_hash(const void *data, size_t size, char out[NCR_TOKEN_HASH_TEXT])
{
    unsigned char hash[EVP_MAX_MD_SIZE] = {0};
    EVP_Digest(data, size, hash, NULL, EVP_sha256(), NULL);
    for (size_t i = 0; i < (NCR_TOKEN_HASH_TEXT - 1) / 2; i++)
        snprintf(out + 2 * i, 3, "%02x", hash[i]);
}
