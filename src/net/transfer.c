/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "net/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "net/address.h"
#include "net/trust.h"

enum { NOTE_SIZE = 64 << 10, PASS_OVER_SIZE = 1 << 20 };

ncr_http_transfer *ncr_transfer_new(ncr_http_request *request)
{
    ncr_http_transfer *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->request = request;
    t->deadline_ms = request->call->deadline_ms;
    if (request->timeout_ms > 0) {
        int64_t own_ms = ncr_clock_ms() + request->timeout_ms;
        t->deadline_ms = own_ms < t->deadline_ms ? own_ms : t->deadline_ms;
    }
    t->connect_ms = ncr_config_number(request->call->config, NCR_KEY_HTTP_CONNECT_TIMEOUT);
    t->stall_ms = ncr_config_number(request->call->config, NCR_KEY_HTTP_STALL_TIMEOUT);
    ncr_buffer_init(&t->note, NOTE_SIZE);
    ncr_buffer_init(&t->whole, request->sink.whole_limit ? request->sink.whole_limit : NOTE_SIZE);
    ncr_answer_init(&t->answer);
    return t;
}

void ncr_transfer_free(ncr_http_transfer *t)
{
    if (!t)
        return;
    free(t->url);
    curl_slist_free_all(t->attempt.lines);
    ncr_answer_clear(&t->answer);
    ncr_buffer_clear(&t->note);
    ncr_buffer_clear(&t->whole);
    free(t);
}

static bool is_get(const ncr_http_transfer *t)
{
    return strcmp(t->request->method, "GET") == 0;
}

static bool is_head(const ncr_http_transfer *t)
{
    return strcmp(t->request->method, "HEAD") == 0;
}

/* The last byte that is asked for; UINT64_MAX: to the end. */
static uint64_t last_wanted(const ncr_http_request *request)
{
    return request->range.length ? request->range.offset + request->range.length - 1 : UINT64_MAX;
}

static void set_final(ncr_http_transfer *t)
{
    t->fault = NCR_FAULT_FINAL;
}

/* --- Where a body goes: decided when the head of the answer is complete. --- */

static bool refuse_range(ncr_http_transfer *t, uint64_t first, uint64_t last)
{
    char value[128] = "none", asked[64];
    ncr_answer_header(&t->answer, "content-range", value, sizeof value);
    if (last == UINT64_MAX)
        snprintf(asked, sizeof asked, "%llu-", (unsigned long long)first);
    else
        snprintf(asked, sizeof asked, "%llu-%llu", (unsigned long long)first, (unsigned long long)last);
    ncr_error_set_http(&t->error, NACRE_ERROR_CORRUPT, 206,
                       "%s: server sent another range: asked for bytes %s, Content-Range is '%s', Content-Length %lld",
                       t->request->name, asked, value, (long long)t->answer.content_length);
    set_final(t);
    return false;
}

static bool take_range(ncr_http_transfer *t)
{
    const ncr_http_request *request = t->request;
    uint64_t first = request->range.offset + t->got, last = last_wanted(request);
    if (!request->range.length && !t->is_resuming) {
        ncr_error_set_http(&t->error, NACRE_ERROR_CORRUPT, 206, "%s: server sent a range, though all was asked for",
                           request->name);
        set_final(t);
        return false;
    }
    if (!ncr_answer_is_range(&t->answer, first, last))
        return refuse_range(t, first, last);
    ncr_identity identity = ncr_answer_identity(&t->answer);
    if (t->is_resuming && !ncr_identity_same(&t->identity, &identity)) {
        t->fault = NCR_FAULT_CHANGED;
        return false;
    }
    if (!t->is_resuming) {
        t->identity = identity;
        t->first_status = 206;
    }
    t->left = t->answer.range.last - first + 1;
    t->body_place = request->sink.data ? NCR_BODY_DATA : NCR_BODY_WHOLE;
    return true;
}

static bool refuse_size(ncr_http_transfer *t)
{
    const ncr_http_request *request = t->request;
    if (t->body_place == NCR_BODY_DATA)
        ncr_error_set_http(&t->error, NACRE_ERROR_CORRUPT, t->answer.status,
                           "%s: server sent more than the %zu bytes expected", request->name, request->sink.capacity);
    else
        ncr_error_set_http(&t->error, NACRE_ERROR_TOO_LARGE, t->answer.status,
                           "%s: server %s more than %zu bytes in one answer%s; see the key limit.whole_read",
                           request->name, t->answer.content_length == UINT64_MAX ? "sent" : "would send",
                           t->whole.maximum, request->range.length ? ", since it ignores ranges" : "");
    set_final(t);
    return false;
}

/* A whole body makes whatever came before void: it is complete by itself. */
static bool take_whole(ncr_http_transfer *t)
{
    const ncr_http_sink *sink = &t->request->sink;
    t->got = 0;
    t->whole.size = 0;
    t->is_resuming = false;
    t->identity = ncr_answer_identity(&t->answer);
    t->first_status = t->answer.status;
    t->left = t->answer.content_length;
    t->body_place = sink->data && !t->request->range.length ? NCR_BODY_DATA : NCR_BODY_WHOLE;
    size_t limit = t->body_place == NCR_BODY_DATA ? sink->capacity : t->whole.maximum;
    return t->left == UINT64_MAX || t->left <= limit || refuse_size(t);
}

static bool has_line(const struct curl_slist *list, const char *name)
{
    size_t length = strlen(name);
    for (; list; list = list->next)
        if (ncr_text_starts_nocase(list->data, name) && strchr(":;", list->data[length]))
            return true;
    return false;
}

static bool is_stored_so(const ncr_http_transfer *t, const char *coding)
{
    char stored[64];
    const char *name = t->request->stored_coding;
    return name && ncr_answer_header(&t->answer, name, stored, sizeof stored) && ncr_text_equal_nocase(stored, coding);
}

/* Bytes are cached and compared as the store holds them, so a coding that was not asked for is no answer. */
static bool is_coded(ncr_http_transfer *t)
{
    char coding[64];
    if (!is_get(t) || has_line(t->request->header_list, "accept-encoding") ||
        !ncr_answer_header(&t->answer, "content-encoding", coding, sizeof coding) || !*coding ||
        ncr_text_equal_nocase(coding, "identity") || is_stored_so(t, coding))
        return false;
    t->request->response.is_coded = true;
    ncr_error_set_http(&t->error, NACRE_ERROR_CORRUPT, t->answer.status,
                       "%s: server sent a body encoded with %s, though the bytes were asked for as they are",
                       t->request->name, coding);
    set_final(t);
    return true;
}

static bool take_head(ncr_http_transfer *t)
{
    t->body_place = NCR_BODY_NOTE;
    t->left = UINT64_MAX;
    if (t->answer.status >= 300 || is_head(t))
        return true;
    if (is_coded(t))
        return false;
    return t->answer.status == 206 ? take_range(t) : take_whole(t);
}

/* --- libcurl's callbacks. --- */

static size_t on_header(char *data, size_t size, size_t count, void *user)
{
    ncr_http_transfer *t = user;
    t->active_ms = ncr_clock_ms();
    bool was_complete = t->answer.is_complete;
    if (!ncr_answer_line(&t->answer, data, size * count)) {
        if (t->answer.lacks_memory)
            ncr_error_memory(&t->error);
        else
            ncr_error_set(&t->error, NACRE_ERROR_CORRUPT, "%s: the head of the server's answer is too long",
                          t->request->name);
        set_final(t);
        return 0;
    }
    if (t->answer.is_complete && !was_complete && !take_head(t))
        return 0;
    return size * count;
}

static size_t take_note(ncr_http_transfer *t, const char *data, size_t size)
{
    size_t room = t->note.maximum - t->note.size;
    ncr_buffer_append(&t->note, data, size < room ? size : room); /* out of memory: less to tell */
    t->passed_over += size;
    if (t->passed_over <= PASS_OVER_SIZE)
        return size;
    t->fault = NCR_FAULT_ENOUGH;
    return 0;
}

static size_t take_excess(ncr_http_transfer *t)
{
    if (t->answer.status == 206) {
        ncr_error_set_http(&t->error, NACRE_ERROR_CORRUPT, 206,
                           "%s: server sent another range: more bytes than its Content-Range says", t->request->name);
        set_final(t);
    } else {
        refuse_size(t);
    }
    return 0;
}

static size_t on_body(char *data, size_t one, size_t size, void *user)
{
    (void)one;
    ncr_http_transfer *t = user;
    t->active_ms = ncr_clock_ms();
    ncr_call_count(t->request->call, NCR_COUNT_BYTES_RECEIVED, size);
    if (t->body_place == NCR_BODY_NOTE)
        return take_note(t, data, size);
    if (size > t->left)
        return take_excess(t);
    const ncr_http_sink *sink = &t->request->sink;
    if (t->body_place == NCR_BODY_DATA) {
        if (size > sink->capacity - t->got)
            return take_excess(t);
        memcpy(sink->data + t->got, data, size);
    } else if (!ncr_buffer_append(&t->whole, data, size)) {
        if (size > t->whole.maximum - t->whole.size)
            return take_excess(t);
        ncr_error_memory(&t->error);
        set_final(t);
        return 0;
    }
    t->got += size;
    if (t->left != UINT64_MAX)
        t->left -= size;
    return size;
}

/* Bodies that go up give no other sign of life. */
static int on_progress(void *user, curl_off_t to_come, curl_off_t came, curl_off_t to_go, curl_off_t went)
{
    (void)to_come, (void)came, (void)to_go;
    ncr_http_transfer *t = user;
    if (went != t->sent_bytes)
        t->active_ms = ncr_clock_ms();
    t->sent_bytes = went;
    return 0;
}

static bool may_repeat(const ncr_http_request *request)
{
    return request->idempotent || strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
}

/* Whether only public addresses may be asked: a document named the object, or a server outside the next URL. */
static bool must_be_public(const ncr_http_transfer *t)
{
    return t->request->public_only || (t->redirects && t->is_outside);
}

static bool refuse_address(ncr_http_transfer *t)
{
    ncr_error_set(&t->error, NACRE_ERROR_REFUSED,
                  "%s: %s is a private, loopback or metadata address, which a %s must not name; see the key sources",
                  t->request->name, t->place.host, t->request->public_only ? "document" : "redirect from outside");
    set_final(t);
    return false;
}

/* Called when the connection stands and the request is about to be sent, also where libcurl by itself sends it again
 * because a kept connection turned out dead. */
static int on_connected(void *user, char *remote, char *local, int remote_port, int local_port)
{
    (void)local, (void)remote_port, (void)local_port;
    ncr_http_transfer *t = user;
    bool is_public = !t->is_proxied && ncr_address_text_is_public(remote);
    if (must_be_public(t) && !t->is_proxied && !is_public) {
        refuse_address(t);
        return CURL_PREREQFUNC_ABORT;
    }
    if (is_public && strcmp(ncr_config_text(t->request->call->config, NCR_KEY_SOURCES), "any") != 0)
        t->is_outside = true;
    if (t->sends++ && !may_repeat(t->request)) {
        ncr_error_set(&t->error, NACRE_ERROR_UNAVAILABLE,
                      "%s: connection lost before the answer, and the request must not be sent twice",
                      t->request->name);
        set_final(t);
        return CURL_PREREQFUNC_ABORT;
    }
    t->sent++;
    t->fault = NCR_FAULT_NONE; /* another address of the host may have been refused before */
    t->connecting_ms = -1;
    t->active_ms = ncr_clock_ms();
    ncr_call_count(t->request->call, NCR_COUNT_REQUESTS, 1);
    if (t->is_again || t->sends > 1)
        ncr_call_count(t->request->call, NCR_COUNT_RETRIES, 1);
    return CURL_PREREQFUNC_OK;
}

static void begin_connecting(ncr_http_transfer *t)
{
    if (t->connecting_ms < 0)
        t->connecting_ms = ncr_clock_ms();
}

static int on_resolve(void *resolver, void *unused, void *user)
{
    (void)resolver, (void)unused;
    begin_connecting(user);
    return 0;
}

bool ncr_transfer_may_connect(ncr_http_transfer *t, const struct sockaddr *address)
{
    begin_connecting(t);
    return !must_be_public(t) || t->is_proxied || ncr_address_is_public(address) || refuse_address(t);
}

/* --- Setting an attempt up. --- */

/* What may go on to another host than the one the caller meant: nothing that could be a secret. */
static bool is_harmless(const char *line)
{
    static const char *const names[] = {
        "accept:",  "cache-control:", "if-match:", "if-none-match:", "if-modified-since:", "if-unmodified-since:",
        "if-range:"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (ncr_text_starts_nocase(line, names[i]))
            return true;
    return false;
}

static bool add_line(ncr_http_transfer *t, const char *line)
{
    struct curl_slist *list = line ? curl_slist_append(t->attempt.lines, line) : NULL;
    if (list)
        t->attempt.lines = list;
    return list != NULL;
}

static bool add_range(ncr_http_transfer *t)
{
    const ncr_http_request *request = t->request;
    if (!request->range.length && !t->is_resuming)
        return true;
    uint64_t last = last_wanted(request);
    unsigned long long first = request->range.offset + t->got;
    char *line = last == UINT64_MAX ? ncr_text_format("Range: bytes=%llu-", first)
                                    : ncr_text_format("Range: bytes=%llu-%llu", first, (unsigned long long)last);
    bool is_added = add_line(t, line);
    free(line);
    return is_added;
}

static bool has_precondition(const ncr_http_request *request)
{
    const char *query = strchr(request->url, '?');
    return has_line(request->header_list, "if-match") || has_line(request->header_list, "x-goog-if-generation-match") ||
           (query && (strstr(query, "eneration=") || strstr(query, "ifGenerationMatch=") ||
                      strstr(query, "ersionId=") || strstr(query, "versionid=")));
}

static bool add_precondition(ncr_http_transfer *t)
{
    if (!t->is_resuming || !t->identity.etag[0] || has_precondition(t->request))
        return true;
    char *line = ncr_text_format("If-Match: %s", t->identity.etag);
    bool is_added = add_line(t, line);
    free(line);
    return is_added;
}

static bool make_lines(ncr_http_transfer *t)
{
    const ncr_http_request *request = t->request;
    curl_slist_free_all(t->attempt.lines);
    t->attempt.lines = NULL;
    for (const struct curl_slist *item = request->header_list; item; item = item->next)
        if ((!t->is_stripped || is_harmless(item->data)) && !add_line(t, item->data))
            return false;
    if (is_get(t) && !has_line(request->header_list, "accept-encoding") && !add_line(t, "Accept-Encoding: identity"))
        return false;
    /* libcurl's own: a wait for "100 Continue", and a form's content type. */
    if (!add_line(t, "Expect:"))
        return false;
    if (!has_line(request->header_list, "content-type") && !add_line(t, "Content-Type:"))
        return false;
    return add_range(t) && add_precondition(t);
}

static ncr_http_ready sign(ncr_http_transfer *t)
{
    ncr_http_signer *signer = t->request->signer;
    if (!signer || t->is_stripped)
        return NCR_HTTP_READY;
    t->attempt.method = t->request->method;
    t->attempt.url = t->url ? t->url : t->request->url;
    t->attempt.body_size = t->request->body_size;
    return signer->class->sign(signer, &t->attempt, t->request->name, &t->error);
}

ncr_http_ready ncr_transfer_prepare(ncr_http_transfer *t)
{
    if (make_lines(t))
        return sign(t);
    ncr_error_memory(&t->error);
    return NCR_HTTP_FAILED;
}

/* Sets an option. libcurl copies texts: where there is no memory for one the request must not be sent, since without it
 * the option would be what it is by default. */
#define SET(t, option, value) note_option(t, curl_easy_setopt((t)->easy, option, value))

static void note_option(ncr_http_transfer *t, CURLcode code)
{
    t->lacks_memory |= code == CURLE_OUT_OF_MEMORY;
}

static void set_trust(ncr_http_transfer *t)
{
    const char *own = ncr_config_text(t->request->call->config, NCR_KEY_HTTP_CA_BUNDLE);
    const char *bundle = own ? own : ncr_trust_bundle("");
    if (bundle) {
        SET(t, CURLOPT_CAINFO, bundle);
        SET(t, CURLOPT_PROXY_CAINFO, bundle);
    }
    if (own) /* these, and no others beside them */
        SET(t, CURLOPT_CAPATH, NULL);
    SET(t, CURLOPT_CA_CACHE_TIMEOUT, 60L);
}

/* Who we are, for servers that want a certificate: only those that the user named. */
static void set_certificate(ncr_http_transfer *t)
{
    const ncr_config *config = t->request->call->config;
    const char *certificate = ncr_config_text(config, NCR_KEY_HTTP_CLIENT_CERTIFICATE);
    const char *key = ncr_config_text(config, NCR_KEY_HTTP_CLIENT_KEY);
    const char *password = ncr_config_text(config, NCR_KEY_HTTP_CLIENT_KEY_PASSWORD);
    if (!certificate || t->is_stripped || t->request->anonymous || t->request->public_only)
        return;
    SET(t, CURLOPT_SSLCERT, certificate);
    SET(t, CURLOPT_SSLKEY, key ? key : certificate);
    if (password)
        SET(t, CURLOPT_KEYPASSWD, password);
}

/* We decide ourselves whether a proxy is used, so as to know whose address it is that gets connected. */
static nacre_status set_proxy(ncr_http_transfer *t, nacre_error *err)
{
    const ncr_config *config = t->request->call->config;
    if (must_be_public(t) && ncr_host_is_private(t->place.host)) {
        refuse_address(t);
        return ncr_error_copy(err, &t->error, t->error.status);
    }
    const char *proxy = t->request->direct ? NULL
                                           : ncr_url_proxy(&t->place, ncr_config_text(config, NCR_KEY_HTTP_PROXY),
                                                           ncr_config_text(config, NCR_KEY_HTTP_HTTPS_PROXY));
    const char *user = ncr_config_text(config, NCR_KEY_HTTP_PROXY_USERPWD);
    t->is_proxied = proxy != NULL;
    SET(t, CURLOPT_PROXY, proxy ? proxy : "");
    SET(t, CURLOPT_NOPROXY, "");
    if (proxy && user)
        SET(t, CURLOPT_PROXYUSERPWD, user);
    return NACRE_OK;
}

static void set_method(ncr_http_transfer *t)
{
    const ncr_http_request *request = t->request;
    if (is_head(t)) {
        SET(t, CURLOPT_NOBODY, 1L);
        return;
    }
    if (is_get(t)) {
        SET(t, CURLOPT_HTTPGET, 1L);
        return;
    }
    bool has_body = request->body || strcmp(request->method, "DELETE") != 0;
    if (has_body) {
        SET(t, CURLOPT_POST, 1L);
        SET(t, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_size);
        SET(t, CURLOPT_POSTFIELDS, request->body ? request->body : "");
    }
    SET(t, CURLOPT_CUSTOMREQUEST, request->method);
}

/* libcurl tells what was agreed on in its log only. */
static int on_log(CURL *easy, curl_infotype kind, char *text, size_t size, void *user)
{
    (void)easy;
    static const char begin[] = "SSL connection using ";
    size_t length = sizeof begin - 1;
    const ncr_http_transfer *t = user;
    if (kind != CURLINFO_TEXT || size <= length || memcmp(text, begin, length) != 0)
        return 0;
    char agreed[80];
    size -= length + (text[size - 1] == '\n');
    snprintf(agreed, sizeof agreed, "%.*s", (int)size, text + length);
    ncr_witness_tls(t->request->call->witness, agreed);
    return 0;
}

static void set_callbacks(ncr_http_transfer *t, const ncr_transfer_hooks *hooks)
{
    SET(t, CURLOPT_PRIVATE, t);
    SET(t, CURLOPT_ERRORBUFFER, t->curl_text);
    SET(t, CURLOPT_HEADERFUNCTION, on_header);
    SET(t, CURLOPT_HEADERDATA, t);
    SET(t, CURLOPT_WRITEFUNCTION, on_body);
    SET(t, CURLOPT_WRITEDATA, t);
    SET(t, CURLOPT_NOPROGRESS, 0L);
    SET(t, CURLOPT_XFERINFOFUNCTION, on_progress);
    SET(t, CURLOPT_XFERINFODATA, t);
    SET(t, CURLOPT_PREREQFUNCTION, on_connected);
    SET(t, CURLOPT_PREREQDATA, t);
    SET(t, CURLOPT_RESOLVER_START_FUNCTION, on_resolve);
    SET(t, CURLOPT_RESOLVER_START_DATA, t);
    SET(t, CURLOPT_OPENSOCKETFUNCTION, hooks->open_socket);
    SET(t, CURLOPT_OPENSOCKETDATA, t);
    SET(t, CURLOPT_CLOSESOCKETFUNCTION, hooks->close_socket);
    SET(t, CURLOPT_SHARE, hooks->share);
    if (!t->request->call->witness)
        return;
    SET(t, CURLOPT_VERBOSE, 1L);
    SET(t, CURLOPT_DEBUGFUNCTION, on_log);
    SET(t, CURLOPT_DEBUGDATA, t);
}

static void set_transport(ncr_http_transfer *t)
{
    bool is_tls = strcmp(t->place.scheme, "https") == 0;
    SET(t, CURLOPT_URL, t->url ? t->url : t->request->url);
    SET(t, CURLOPT_PATH_AS_IS, 1L);
    SET(t, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(t, CURLOPT_USERAGENT, "nacre/" NCR_VERSION);
    SET(t, CURLOPT_HTTPHEADER, t->attempt.lines);
    SET(t, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(t, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    SET(t, CURLOPT_NOSIGNAL, 1L);
    SET(t, CURLOPT_QUICK_EXIT, 1L); /* never waits for a resolver's thread */
    SET(t, CURLOPT_TCP_KEEPALIVE, 1L);
    /* Without TLS there is no HTTP/2 to wait for, and the first connection would hold all others up. */
    SET(t, CURLOPT_HTTP_VERSION, (long)(is_tls ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
    SET(t, CURLOPT_PIPEWAIT, is_tls ? 1L : 0L);
    /* libcurl counts the time that a transfer waits for a free connection as connecting: we keep our own time. */
    SET(t, CURLOPT_CONNECTTIMEOUT_MS, 24L * 3600 * 1000);
    SET(t, CURLOPT_DNS_SHUFFLE_ADDRESSES, 1L);
    if (t->is_dns_suspect)
        SET(t, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    /* How much libcurl moves at a time: the more, the fewer the calls of the system, but what is copied on the way has
     * to stay near the processor. */
    if (t->request->range.length >= 128 << 10)
        SET(t, CURLOPT_BUFFERSIZE, 128L << 10);
    if (t->request->body_size >= 1 << 20)
        SET(t, CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
}

/* What the request line names. libcurl takes it from the URL too, but out of memory it leaves the query out without a
 * word, and the answer would be to another question. To a proxy that is not tunnelled through it names the whole URL.
 */
static void set_target(ncr_http_transfer *t)
{
    const char *url = t->url ? t->url : t->request->url, *host = strstr(url, "://");
    const char *path = host ? host + 3 + strcspn(host + 3, "/?#") : "";
    if (*path != '/' || (t->is_proxied && strcmp(t->place.scheme, "http") == 0))
        return;
    char *target = ncr_text_copy_n(path, strcspn(path, "#"));
    if (target)
        SET(t, CURLOPT_REQUEST_TARGET, target);
    t->lacks_memory |= !target;
    free(target);
}

static void begin_attempt(ncr_http_transfer *t, CURL *easy)
{
    t->easy = easy;
    t->attempts++;
    ncr_answer_clear(&t->answer);
    t->body_place = NCR_BODY_NOTE;
    t->note.size = 0;
    t->left = UINT64_MAX;
    t->passed_over = 0;
    t->got_before = t->got;
    t->sends = 0;
    t->connecting_ms = t->active_ms = -1;
    t->sent_bytes = 0;
    t->fault = NCR_FAULT_NONE;
    t->error = (nacre_error){0};
    t->curl_text[0] = '\0';
    t->lacks_memory = false;
}

nacre_status ncr_transfer_begin(ncr_http_transfer *t, CURL *easy, const ncr_transfer_hooks *hooks, nacre_error *err)
{
    const ncr_http_request *request = t->request;
    begin_attempt(t, easy);
    if (!ncr_url_place_of(t->url ? t->url : request->url, &t->place))
        return ncr_url_place_error(&t->place, request->name, err);
    if (request->range.length && (request->range.offset > UINT64_MAX - request->range.length ||
                                  (request->sink.data && request->range.length > request->sink.capacity)))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: the range is beyond what can be read", request->name);
    set_transport(t);
    set_method(t);
    set_trust(t);
    set_certificate(t);
    set_callbacks(t, hooks);
    nacre_status status = set_proxy(t, err);
    if (status == NACRE_OK)
        set_target(t);
    return status == NACRE_OK && t->lacks_memory ? ncr_error_memory(err) : status;
}
