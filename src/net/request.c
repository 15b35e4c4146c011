/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/latch.h"
#include "base/text.h"
#include "net/transfer.h"

ncr_http_request *ncr_http_request_new(const char *method, const char *url, const char *name, ncr_call *call)
{
    ncr_http_request *request = calloc(1, sizeof *request);
    if (!request)
        return NULL;
    request->method = method;
    request->url = ncr_text_copy(url);
    request->name = ncr_text_copy(name);
    request->call = ncr_call_ref(call);
    request->response.total = UINT64_MAX;
    request->response.content_length = UINT64_MAX;
    if (!request->url || !request->name) {
        ncr_http_request_free(request);
        return NULL;
    }
    return request;
}

static bool has_break(const char *text)
{
    return strpbrk(text, "\r\n") != NULL;
}

static bool add_header(void **list, const char *name, const char *value)
{
    if (has_break(name) || has_break(value) || strchr(name, ':'))
        return false;
    /* libcurl sends a header without a value only when it ends in a semicolon. */
    char *line = *value ? ncr_text_format("%s: %s", name, value) : ncr_text_format("%s;", name);
    struct curl_slist *longer = line ? curl_slist_append(*list, line) : NULL;
    free(line);
    if (!longer)
        return false;
    *list = longer;
    return true;
}

bool ncr_http_request_header(ncr_http_request *request, const char *name, const char *value)
{
    return add_header(&request->header_list, name, value);
}

bool ncr_http_attempt_add(ncr_http_attempt *attempt, const char *name, const char *value)
{
    return add_header(&attempt->lines, name, value);
}

const char *ncr_http_attempt_line(const ncr_http_attempt *attempt, size_t index)
{
    const struct curl_slist *item = attempt->lines;
    while (item && index--)
        item = item->next;
    return item ? item->data : NULL;
}

void ncr_request_clear(ncr_http_request *request)
{
    ncr_http_response *response = &request->response;
    request->status = NACRE_OK;
    request->error = (nacre_error){0};
    ncr_buffer_clear(&response->whole);
    free(response->location);
    free(response->headers);
    *response = (ncr_http_response){.total = UINT64_MAX, .content_length = UINT64_MAX};
}

void ncr_http_request_free(ncr_http_request *request)
{
    if (!request)
        return;
    ncr_request_clear(request);
    curl_slist_free_all(request->header_list);
    ncr_call_unref(request->call);
    free(request->url);
    free(request->name);
    free(request);
}

static void count_down(ncr_http_request *request)
{
    ncr_latch_down(request->user);
}

nacre_status ncr_http_perform(ncr_http_request *request, nacre_error *err)
{
    ncr_latch latch;
    ncr_latch_init(&latch, 1);
    void (*done)(ncr_http_request *) = request->done;
    void *user = request->user;
    request->done = count_down;
    request->user = &latch;
    ncr_http_start(request);
    ncr_latch_wait(&latch);
    ncr_latch_clear(&latch);
    request->done = done;
    request->user = user;
    return ncr_error_copy(err, &request->error, request->status);
}

bool ncr_http_response_header(const ncr_http_response *response, const char *name, char *out, size_t out_size)
{
    size_t length = strlen(name);
    for (const char *line = response->headers; line && *line;) {
        const char *end = strchrnul(line, '\n');
        if (strncmp(line, name, length) == 0 && line[length] == ':') {
            const char *value = line + length + 1;
            value += *value == ' ';
            snprintf(out, out_size, "%.*s", (int)(end - value), value);
            return true;
        }
        line = *end ? end + 1 : end;
    }
    return false;
}

static nacre_status status_of_answer(int status, const char **reason)
{
    switch (status) {
    case 404:
    case 410:
        *reason = "not found";
        return NACRE_ERROR_NOT_FOUND;
    case 401:
    case 403:
        *reason = "denied";
        return NACRE_ERROR_DENIED;
    case 407:
        *reason = "the proxy wants a user and password; see the key http.proxy_userpwd";
        return NACRE_ERROR_DENIED;
    case 412:
        *reason = "changed since it was opened";
        return NACRE_ERROR_CHANGED;
    case 416:
        *reason = "no bytes in the range that was asked for";
        return NACRE_ERROR_IO;
    case 408:
        *reason = "the server waited too long";
        return NACRE_ERROR_UNAVAILABLE;
    case 429:
        *reason = "too many requests";
        return NACRE_ERROR_UNAVAILABLE;
    }
    *reason = status >= 500 ? "the server failed" : "the server refused the request";
    return status >= 500 ? NACRE_ERROR_UNAVAILABLE : NACRE_ERROR_IO;
}

nacre_status ncr_http_status_error(const ncr_http_request *request, const char *detail, nacre_error *err)
{
    const char *reason;
    int code = request->response.status;
    nacre_status status = status_of_answer(code, &reason);
    bool has_detail = detail && *detail;
    return ncr_error_set_http(err, status, code, "%s: %s (%d)%s%s", request->name, reason, code, has_detail ? ": " : "",
                              has_detail ? detail : "");
}

static int month_of(const char *name)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int i = 0; i < 12; i++)
        if (strncmp(names + 3 * i, name, 3) == 0)
            return i;
    return -1;
}

/* The three forms of RFC 9110, section 5.6.7. Days of the week are not looked at. */
static bool read_date(const char *text, struct tm *out, char month[4])
{
    struct tm tm = {0};
    int end = 0;
    if (sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &tm.tm_mday, month, &tm.tm_year, &tm.tm_hour,
               &tm.tm_min, &tm.tm_sec, &end) == 6 &&
        end && !text[end]) {
        *out = tm;
        return true;
    }
    if (sscanf(text, "%*9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n", &tm.tm_mday, month, &tm.tm_year, &tm.tm_hour,
               &tm.tm_min, &tm.tm_sec, &end) == 6 &&
        end && !text[end]) {
        tm.tm_year += tm.tm_year < 70 ? 2000 : 1900;
        *out = tm;
        return true;
    }
    if (sscanf(text, "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", month, &tm.tm_mday, &tm.tm_hour, &tm.tm_min,
               &tm.tm_sec, &tm.tm_year, &end) == 6 &&
        end && !text[end]) {
        *out = tm;
        return true;
    }
    return false;
}

int64_t ncr_http_date_ms(const char *text)
{
    struct tm tm;
    char month[4] = "";
    if (!read_date(text, &tm, month))
        return -1;
    tm.tm_mon = month_of(month);
    bool is_valid = tm.tm_mon >= 0 && tm.tm_year >= 1970 && tm.tm_mday >= 1 && tm.tm_mday <= 31 && tm.tm_hour >= 0 &&
                    tm.tm_hour < 24 && tm.tm_min >= 0 && tm.tm_min < 60 && tm.tm_sec >= 0 && tm.tm_sec <= 60;
    if (!is_valid)
        return -1;
    tm.tm_year -= 1900;
    return (int64_t)timegm(&tm) * 1000;
}

int64_t ncr_http_response_date(const ncr_http_response *response)
{
    char text[64];
    return ncr_http_response_header(response, "date", text, sizeof text) ? ncr_http_date_ms(text) : -1;
}
