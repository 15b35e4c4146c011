/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "net/transfer.h"

/* A resumed body that has got on by this much has its failures forgiven. */
enum { PROGRESS_BYTES = 64 << 10, MAX_REDIRECTS = 10 };

static bool is_method(const ncr_http_transfer *t, const char *method)
{
    return strcmp(t->request->method, method) == 0;
}

static bool may_repeat(const ncr_http_transfer *t)
{
    return !t->request->no_retry && (t->request->idempotent || is_method(t, "GET") || is_method(t, "HEAD"));
}

/* --- Ends of a request. --- */

void ncr_transfer_fail(ncr_http_transfer *t, const nacre_error *error)
{
    ncr_http_request *request = t->request;
    request->status = error->status;
    request->error = *error;
    request->response.status = error->http_status;
    request->response.round = request->needed_round + 1;
    request->response.attempts = t->attempts;
    request->response.sent = t->sent;
}

static unsigned http_version(CURL *easy)
{
    long version = 0;
    curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
    switch (version) {
    case CURL_HTTP_VERSION_1_0:
        return 10;
    case CURL_HTTP_VERSION_1_1:
        return 11;
    case CURL_HTTP_VERSION_2_0:
        return 20;
    case CURL_HTTP_VERSION_3:
        return 30;
    }
    return 0;
}

static void set_sizes(ncr_http_transfer *t, ncr_http_response *response)
{
    const ncr_answer *answer = &t->answer;
    response->content_length = answer->content_length;
    if (answer->status == 206 || answer->status == 416)
        response->total = answer->range.total;
    if (is_method(t, "HEAD") && answer->status == 200)
        response->total = answer->content_length;
    if (answer->status >= 300 || is_method(t, "HEAD"))
        return;
    response->is_range = t->first_status == 206;
    if (!response->is_range)
        response->total = response->content_length = t->got;
    if (t->body_place == NCR_BODY_DATA)
        response->received = t->got;
}

/* Lines that could be shown to anybody. */
static bool is_plain_line(const char *line)
{
    static const char *const names[] = {"accept",  "if-",   "content-",    "cache-control:", "range:", "expect",
                                        "x-goog-", "host:", "user-agent:", "x-amz-",         "x-ms-"};
    if (ncr_text_starts_nocase(line, "x-amz-security-token") || strcasestr(line, "-key"))
        return false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (ncr_text_starts_nocase(line, names[i]))
            return true;
    return false;
}

static void blot_out(ncr_buffer *text, const char *secret)
{
    enum { LEAST = 4 };
    size_t size = strlen(secret);
    for (uint8_t *at = text->data; at && size >= LEAST;) {
        at = memmem(at, text->size - (size_t)(at - text->data), secret, size);
        if (at)
            memset(at, '*', size);
    }
}

/* Servers that repeat in their error what they were told must not bring credentials into messages. */
static void blot_out_sent(ncr_http_transfer *t)
{
    for (const struct curl_slist *line = t->attempt.lines; line && t->note.size; line = line->next) {
        const char *value = is_plain_line(line->data) ? NULL : strstr(line->data, ": ");
        if (!value)
            continue;
        blot_out(&t->note, value + 2);
        const char *word = strchr(value + 2, ' '); /* after "Bearer" */
        if (word)
            blot_out(&t->note, word + 1);
    }
}

/* Hands the answer over. A resumed body is told as the first answer began it. */
static ncr_verdict finish(ncr_http_transfer *t)
{
    ncr_http_request *request = t->request;
    ncr_http_response *response = &request->response;
    bool has_body = t->answer.status < 300 && !is_method(t, "HEAD");
    response->status = has_body ? t->first_status : t->answer.status;
    response->round = request->needed_round + 1;
    response->attempts = t->attempts;
    response->sent = t->sent;
    response->http_version = http_version(t->easy);
    set_sizes(t, response);
    ncr_buffer *body = has_body ? &t->whole : &t->note;
    blot_out_sent(t);
    response->whole = *body;
    *body = (ncr_buffer){0};
    response->headers = t->answer.text.data ? (char *)t->answer.text.data : ncr_text_copy("");
    t->answer.text = (ncr_buffer){0};
    response->location = t->redirects ? ncr_text_copy(t->url) : NULL;
    request->status = NACRE_OK;
    if (!response->headers || (t->redirects && !response->location))
        request->status = ncr_error_memory(&request->error);
    return NCR_VERDICT_DONE;
}

static ncr_verdict fail(ncr_http_transfer *t)
{
    if (t->error.status == NACRE_ERROR_UNAVAILABLE && t->attempts > 1) {
        nacre_error last = t->error;
        ncr_error_set_http(&t->error, last.status, last.http_status, "%s (%u attempts)", last.message, t->attempts);
    }
    ncr_transfer_fail(t, &t->error);
    return NCR_VERDICT_DONE;
}

/* --- The next attempt. --- */

static bool can_resume(const ncr_http_transfer *t)
{
    bool is_ranged = t->request->range.length > 0;
    return t->got > 0 && is_method(t, "GET") && ncr_identity_is_strong(&t->identity) &&
           t->first_status == (is_ranged ? 206 : 200);
}

static void start_over(ncr_http_transfer *t)
{
    t->is_resuming = false;
    t->got = 0;
    t->whole.size = 0;
    free(t->url);
    t->url = NULL;
    t->is_stripped = t->is_outside = false;
    t->redirects = 0;
}

/* FNV-1a of host and port. */
static uint64_t server_of(const ncr_http_transfer *t)
{
    uint64_t hash = 0xcbf29ce484222325u ^ t->place.port;
    for (const char *c = t->place.host; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
    return hash;
}

/* Decides about an attempt that came to nothing for now. False: there is no other. */
static bool try_again(ncr_http_transfer *t, ncr_retry_budget *budget, uint32_t chance, bool may_resume)
{
    const ncr_config *config = t->request->call->config;
    int64_t now_ms = ncr_clock_ms();
    int64_t limit = ncr_config_number(config, NCR_KEY_HTTP_RETRIES);
    int64_t delay_ms = ncr_config_number(config, NCR_KEY_HTTP_RETRY_DELAY);
    ncr_retry_note(budget, server_of(t), false, now_ms);
    if (t->got >= t->got_before + PROGRESS_BYTES)
        t->failures = 0;
    t->failures++;
    if (!may_repeat(t) || limit <= 0)
        return false;
    char after[64];
    bool has_after = ncr_answer_header(&t->answer, "retry-after", after, sizeof after);
    int64_t after_ms = ncr_retry_after_ms(has_after ? after : NULL, ncr_clock_wall_ms());
    int64_t wait_ms = ncr_retry_wait_ms(t->failures, delay_ms, chance, after_ms);
    if (t->deadline_ms - now_ms <= wait_ms)
        return false;
    if (!ncr_retry_take(budget, server_of(t), t->failures, limit > 1000 ? 1000 : (unsigned)limit, now_ms))
        return false;
    t->due_ms = now_ms + wait_ms;
    t->is_again = true;
    if (may_resume && can_resume(t))
        t->is_resuming = true;
    else
        start_over(t);
    return true;
}

/* --- Redirects. --- */

static bool is_redirect(const ncr_http_transfer *t)
{
    int status = t->answer.status;
    return t->request->follow && (is_method(t, "GET") || is_method(t, "HEAD")) &&
           (status == 301 || status == 302 || status == 303 || status == 307 || status == 308);
}

static nacre_status check_redirect(const ncr_http_transfer *t, const char *url, const ncr_url_place *to,
                                   nacre_error *err)
{
    const char *name = t->request->name;
    int status = t->answer.status;
    if (to->lacks_memory)
        return ncr_error_memory(err);
    if (!url || !to->scheme[0])
        return ncr_error_set_http(err, NACRE_ERROR_CORRUPT, status, "%s: redirected (%d) to no HTTP URL", name, status);
    if (t->redirects >= MAX_REDIRECTS)
        return ncr_error_set_http(err, NACRE_ERROR_UNAVAILABLE, status, "%s: redirected more than %d times", name,
                                  MAX_REDIRECTS);
    if (strcmp(t->place.scheme, "https") == 0 && strcmp(to->scheme, "http") == 0)
        return ncr_error_set_http(err, NACRE_ERROR_REFUSED, status,
                                  "%s: redirected from https to http at %s, which is not safe", name, to->host);
    return NACRE_OK;
}

static ncr_verdict follow(ncr_http_transfer *t)
{
    char location[4096] = "";
    ncr_answer_header(&t->answer, "location", location, sizeof location);
    bool is_cut = strlen(location) == sizeof location - 1;
    ncr_url_place to = {0};
    char *url =
        *location && !is_cut ? ncr_url_resolve(t->url ? t->url : t->request->url, location, &to.lacks_memory) : NULL;
    if (url)
        ncr_url_place_of(url, &to);
    if (check_redirect(t, url, &to, &t->error) != NACRE_OK) {
        free(url);
        return fail(t);
    }
    if (!ncr_url_place_same(&t->place, &to))
        t->is_stripped = true;
    free(t->url);
    t->url = url;
    t->redirects++;
    t->attempts--; /* a hop is part of the same attempt */
    t->sent--;
    t->due_ms = ncr_clock_ms();
    t->is_again = false;
    return NCR_VERDICT_AGAIN;
}

/* --- Refused credentials. --- */

/* Whether the answer refuses credentials for which the signer now has others: one more attempt then. */
static bool is_renewable(ncr_http_transfer *t)
{
    int status = t->answer.status;
    const ncr_http_signer *signer = t->is_stripped ? NULL : t->request->signer;
    if ((status != 400 && status != 401 && status != 403) || t->is_renewed || !signer || !signer->class->refused)
        return false;
    ncr_http_refusal refusal = {.status = status,
                                .credential = t->attempt.credential,
                                .headers = t->answer.text.data ? (const char *)t->answer.text.data : "",
                                .body = (const char *)t->note.data,
                                .body_size = t->note.size};
    return signer->class->refused(t->request->signer, &refusal);
}

static ncr_verdict renew(ncr_http_transfer *t)
{
    t->is_renewed = true;
    t->sent--; /* who refuses does not act */
    t->due_ms = ncr_clock_ms();
    t->is_again = true;
    return NCR_VERDICT_AGAIN;
}

/* --- What libcurl's codes mean. --- */

/* The reason of a failed connect, as the system says it. */
static void connect_reason(CURL *easy, char *out, size_t out_size)
{
    long number = 0;
    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
    char buffer[128];
    const char *text = number ? strerror_r((int)number, buffer, sizeof buffer) : "no connection";
    snprintf(out, out_size, "%s", text);
    if (out[0] >= 'A' && out[0] <= 'Z')
        out[0] = (char)(out[0] + 32);
}

static nacre_status set_cut_error(ncr_http_transfer *t, const char *reason)
{
    const char *name = t->request->name;
    if (!t->answer.is_complete)
        return ncr_error_set(&t->error, NACRE_ERROR_UNAVAILABLE, "%s: %s before an answer came", name, reason);
    if (t->left == UINT64_MAX)
        return ncr_error_set(&t->error, NACRE_ERROR_UNAVAILABLE, "%s: %s after %llu bytes", name, reason,
                             (unsigned long long)t->got);
    return ncr_error_set(&t->error, NACRE_ERROR_UNAVAILABLE, "%s: %s after %llu of %llu bytes", name, reason,
                         (unsigned long long)t->got, (unsigned long long)(t->got + t->left));
}

/* Faults of connecting. The proxy is not named: its URL may hold a password. */
static void explain_connect(ncr_http_transfer *t)
{
    char reason[128];
    connect_reason(t->easy, reason, sizeof reason);
    const char *proxy = t->is_proxied ? "the proxy for " : "";
    ncr_error_set(&t->error, NACRE_ERROR_UNAVAILABLE, "%s: cannot connect to %s%s:%u: %s", t->request->name, proxy,
                  t->place.host, t->place.port, reason);
    t->is_dns_suspect = true;
}

static void explain_tls(ncr_http_transfer *t, CURLcode code, const char *text)
{
    const char *name = t->request->name, *host = t->place.host;
    if (code == CURLE_SSL_CACERT_BADFILE)
        ncr_error_set(&t->error, NACRE_ERROR_INVALID, "%s: http.ca_bundle cannot be read: %s", name, text);
    else if (code == CURLE_SSL_CERTPROBLEM)
        ncr_error_set(&t->error, NACRE_ERROR_INVALID,
                      "%s: the client certificate or its key cannot be used: %s; see the keys http.client_certificate "
                      "and http.client_key",
                      name, text);
    else if (code == CURLE_PEER_FAILED_VERIFICATION)
        ncr_error_set(&t->error, NACRE_ERROR_UNAVAILABLE,
                      "%s: the TLS certificate of %s is not trusted: %s; see the key http.ca_bundle", name, host, text);
    else
        ncr_error_set(&t->error, NACRE_ERROR_UNAVAILABLE, "%s: TLS with %s:%u failed: %s", name, host, t->place.port,
                      text);
}

/* What breaks off a connection that stood; a proxy's refusal comes the same way, told only by libcurl's text. True
 * where another attempt may help. */
static bool explain_break(ncr_http_transfer *t, const char *text)
{
    long code = 0;
    curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &code);
    if (!t->sends && code == 407) {
        ncr_error_set_http(&t->error, NACRE_ERROR_DENIED, 407,
                           "%s: the proxy wants a user and password (407); see the key http.proxy_userpwd",
                           t->request->name);
        return false;
    }
    if (!t->sends && ncr_text_starts(text, "CONNECT "))
        ncr_error_set(&t->error, NACRE_ERROR_UNAVAILABLE, "%s: the proxy does not connect to %s:%u: %s",
                      t->request->name, t->place.host, t->place.port, text);
    else
        set_cut_error(t, "connection broken off");
    return true;
}

/* What came was no answer. On a connection that served before it may be what is left of an answer whose length was
 * wrong: worth another attempt, as libcurl has closed it. */
static bool explain_nonsense(ncr_http_transfer *t)
{
    long connections = 0;
    curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &connections);
    ncr_error_set(&t->error, NACRE_ERROR_UNAVAILABLE, "%s: %s:%u does not speak HTTP", t->request->name, t->place.host,
                  t->place.port);
    return connections == 0;
}

/* Sets the error of a code; true where another attempt may help. */
static bool explain(ncr_http_transfer *t, CURLcode code)
{
    const char *name = t->request->name, *host = t->place.host;
    const char *text = t->curl_text[0] ? t->curl_text : curl_easy_strerror(code);
    if (t->lacks_memory)
        code = CURLE_OUT_OF_MEMORY;
    switch (code) {
    case CURLE_COULDNT_CONNECT:
        explain_connect(t);
        return true;
    case CURLE_COULDNT_RESOLVE_HOST:
        ncr_error_set(&t->error, NACRE_ERROR_UNAVAILABLE, "%s: cannot find the address of %s", name, host);
        t->is_dns_suspect = true;
        return true;
    case CURLE_COULDNT_RESOLVE_PROXY:
        ncr_error_set(&t->error, NACRE_ERROR_UNAVAILABLE, "%s: cannot find the address of the proxy", name);
        return true;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CONNECT_ERROR:
        explain_tls(t, code, text);
        return code == CURLE_SSL_CONNECT_ERROR;
    case CURLE_OUT_OF_MEMORY:
        ncr_error_memory(&t->error);
        return false;
    case CURLE_URL_MALFORMAT:
        ncr_error_set(&t->error, NACRE_ERROR_INVALID, "%s: not an HTTP URL", name);
        return false;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
        return explain_nonsense(t);
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return explain_break(t, text);
    default:
        ncr_error_set(&t->error, NACRE_ERROR_UNAVAILABLE, "%s: transfer failed: %s", name, text);
        return true;
    }
}

/* --- The verdict. --- */

static void count(const ncr_http_transfer *t)
{
    long connections = 0;
    curl_off_t sent = 0;
    curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &connections);
    curl_easy_getinfo(t->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    if (connections > 0)
        ncr_call_count(t->request->call, NCR_COUNT_CONNECTIONS, (uint64_t)connections);
    if (sent > 0)
        ncr_call_count(t->request->call, NCR_COUNT_BYTES_SENT, (uint64_t)sent);
}

static ncr_verdict again_or(ncr_http_transfer *t, ncr_retry_budget *budget, uint32_t chance, bool may_resume,
                            ncr_verdict (*otherwise)(ncr_http_transfer *t))
{
    return try_again(t, budget, chance, may_resume) ? NCR_VERDICT_AGAIN : otherwise(t);
}

static ncr_verdict judge_changed(ncr_http_transfer *t, ncr_retry_budget *budget, uint32_t chance)
{
    ncr_error_set(&t->error, NACRE_ERROR_UNAVAILABLE,
                  "%s: the object was replaced each time its transfer was cut short", t->request->name);
    return again_or(t, budget, chance, false, fail);
}

static ncr_verdict judge_answer(ncr_http_transfer *t, ncr_retry_budget *budget, uint32_t chance)
{
    int status = t->answer.status;
    if (t->body_place != NCR_BODY_NOTE && t->left && t->left != UINT64_MAX) {
        set_cut_error(t, "connection broken off");
        return again_or(t, budget, chance, true, fail);
    }
    if (ncr_retry_status(status))
        return again_or(t, budget, chance, true, finish);
    if (is_redirect(t))
        return follow(t);
    if (is_renewable(t))
        return renew(t);
    /* Whatever else is said of the missing part (404, 412, 416) is to be said of the whole. */
    if (t->is_resuming && status >= 300)
        return judge_changed(t, budget, chance);
    ncr_retry_note(budget, server_of(t), true, ncr_clock_ms());
    return finish(t);
}

static void tell_witness(const ncr_http_transfer *t)
{
    char date[64], *address = NULL;
    long port = 0;
    ncr_seen seen = {.status = t->answer.status,
                     .http_version = http_version(t->easy),
                     .is_tls = strcmp(t->place.scheme, "https") == 0,
                     .is_proxied = t->is_proxied,
                     .wall_ms = ncr_clock_wall_ms()};
    snprintf(seen.method, sizeof seen.method, "%s", t->request->method);
    seen.date_ms = ncr_answer_header(&t->answer, "date", date, sizeof date) ? ncr_http_date_ms(date) : -1;
    curl_easy_getinfo(t->easy, CURLINFO_PRIMARY_IP, &address);
    curl_easy_getinfo(t->easy, CURLINFO_PRIMARY_PORT, &port);
    if (address)
        snprintf(seen.peer, sizeof seen.peer, strchr(address, ':') ? "[%s]:%ld" : "%s:%ld", address, port);
    ncr_witness_tell(t->request->call->witness, &seen);
}

ncr_verdict ncr_transfer_judge(ncr_http_transfer *t, CURLcode code, ncr_retry_budget *budget, uint32_t chance)
{
    count(t);
    if (t->request->call->witness && t->answer.is_complete)
        tell_witness(t);
    switch (t->fault) {
    case NCR_FAULT_FINAL:
        return fail(t);
    case NCR_FAULT_CONNECTION:
        return again_or(t, budget, chance, true, fail);
    case NCR_FAULT_CHANGED:
        return judge_changed(t, budget, chance);
    case NCR_FAULT_ENOUGH:
        return judge_answer(t, budget, chance);
    case NCR_FAULT_NONE:
        break;
    }
    /* A connection that ends badly after the last byte has done its work. */
    bool is_whole = t->answer.is_complete && t->left == 0;
    if ((code == CURLE_OK || is_whole) && t->answer.is_complete)
        return judge_answer(t, budget, chance);
    bool is_worth = explain(t, code == CURLE_OK ? CURLE_GOT_NOTHING : code);
    return is_worth ? again_or(t, budget, chance, true, fail) : fail(t);
}

static bool break_off(ncr_http_transfer *t, ncr_fault fault)
{
    t->fault = fault;
    return true;
}

bool ncr_transfer_is_overdue(ncr_http_transfer *t, int64_t now_ms)
{
    const ncr_http_request *request = t->request;
    if (ncr_call_check(request->call, request->name, &t->error) != NACRE_OK)
        return break_off(t, NCR_FAULT_FINAL);
    if (t->deadline_ms != INT64_MAX && now_ms >= t->deadline_ms) {
        ncr_error_set(&t->error, NACRE_ERROR_UNAVAILABLE, "%s: no answer within %lld ms", request->name,
                      (long long)request->timeout_ms);
        return break_off(t, NCR_FAULT_FINAL);
    }
    if (!t->easy)
        return false;
    if (t->connecting_ms >= 0 && t->connect_ms > 0 && now_ms - t->connecting_ms >= t->connect_ms) {
        t->is_dns_suspect = true;
        ncr_error_set(&t->error, NACRE_ERROR_UNAVAILABLE, "%s: cannot connect to %s:%u within %lld ms", request->name,
                      t->place.host, t->place.port, (long long)t->connect_ms);
        return break_off(t, NCR_FAULT_CONNECTION);
    }
    if (t->active_ms >= 0 && t->stall_ms > 0 && now_ms - t->active_ms >= t->stall_ms) {
        set_cut_error(t, "connection stalled");
        return break_off(t, NCR_FAULT_CONNECTION);
    }
    return false;
}
