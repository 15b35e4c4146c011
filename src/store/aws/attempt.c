/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/aws/attempt.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fork.h"
#include "base/text.h"
#include "net/url.h"

enum { MOST_HEADERS = 48, MOST_ENDPOINTS = 16, ENDPOINT_SIZE = 256, LEAST_SKEW_MS = 60 * 1000 };

const char ncr_sigv4_empty_payload[NCR_SIGV4_HASH] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const char ncr_sigv4_unsigned_payload[] = "UNSIGNED-PAYLOAD";

void ncr_sigv4_keys_init(ncr_sigv4_keys *keys, const ncr_sigv4_scheme *scheme)
{
    keys->scheme = scheme;
    pthread_mutex_init(&keys->lock, NULL);
}

void ncr_sigv4_keys_clear(ncr_sigv4_keys *keys)
{
    OPENSSL_cleanse(keys->key, sizeof keys->key);
    pthread_mutex_destroy(&keys->lock);
}

/* --- Clocks: how far those of endpoints are ahead of this machine's, for the whole process; bounded, the oldest are
 * forgotten. What is no longer right is corrected by the next answer. --- */

typedef struct known_clock {
    char endpoint[ENDPOINT_SIZE];
    int64_t skew_ms;
} known_clock;

static pthread_mutex_t clocks_lock = PTHREAD_MUTEX_INITIALIZER;
/* Guarded by clocks_lock; a ring, the next to be written over is at `next_clock`. */
static known_clock clocks[MOST_ENDPOINTS];
static size_t next_clock;

NCR_AT_LOAD keep_over_forks(void)
{
    ncr_fork_keep(&clocks_lock);
}

static known_clock *find_clock_locked(const char *endpoint)
{
    for (size_t i = 0; i < MOST_ENDPOINTS; i++)
        if (clocks[i].endpoint[0] && strcmp(clocks[i].endpoint, endpoint) == 0)
            return &clocks[i];
    return NULL;
}

static int64_t known_skew(const char *endpoint)
{
    pthread_mutex_lock(&clocks_lock);
    const known_clock *known = find_clock_locked(endpoint);
    int64_t skew_ms = known ? known->skew_ms : 0;
    pthread_mutex_unlock(&clocks_lock);
    return skew_ms;
}

static void learn_skew(const char *endpoint, int64_t skew_ms)
{
    if (strlen(endpoint) >= ENDPOINT_SIZE)
        return;
    pthread_mutex_lock(&clocks_lock);
    known_clock *known = find_clock_locked(endpoint);
    if (!known) {
        known = &clocks[next_clock];
        next_clock = (next_clock + 1) % MOST_ENDPOINTS;
        snprintf(known->endpoint, ENDPOINT_SIZE, "%s", endpoint);
    }
    known->skew_ms = skew_ms;
    pthread_mutex_unlock(&clocks_lock);
}

/* --- What is signed. --- */

/* What is signed: what decides what the request does. Proxies change others. */
static bool is_signed(const ncr_sigv4_scheme *scheme, const char *line)
{
    static const char *const names[] = {"content-md5:", "content-type:", "range:", "if-"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (ncr_text_starts_nocase(line, names[i]))
            return true;
    return ncr_text_starts_nocase(line, scheme->headers);
}

/* A line is "Name: value", "Name;" (an empty value) or "Name:" (not sent). False: not one to sign. */
static bool read_line(const ncr_sigv4_scheme *scheme, const char *line, ncr_sigv4_header *out)
{
    size_t name_size = strcspn(line, ":;");
    const char *value = line[name_size] == ':' ? line + name_size + 1 : "";
    if (!is_signed(scheme, line) || (line[name_size] == ':' && !*value))
        return false;
    *out = (ncr_sigv4_header){.name = line, .name_size = name_size, .value = value, .value_size = strlen(value)};
    return true;
}

/* The host as libcurl sends it: with a port that is not the scheme's own. */
static bool read_host(const char *url, char out[300])
{
    ncr_url_place place;
    if (!ncr_url_place_of(url, &place))
        return false;
    unsigned usual = strcmp(place.scheme, "https") == 0 ? 443 : 80;
    if (place.port == usual)
        snprintf(out, 300, "%s", place.host);
    else
        snprintf(out, 300, "%s:%u", place.host, place.port);
    return true;
}

static void split_url(const char *url, ncr_sigv4_request *out)
{
    const char *host = strstr(url, "://"), *path = host ? host + 3 + strcspn(host + 3, "/?") : url;
    out->path = path;
    out->path_size = strcspn(path, "?");
    out->query = path[out->path_size] ? path + out->path_size + 1 : "";
    out->query_size = strlen(out->query);
}

/* --- Signing. --- */

/* The day's key of a secret, from the store where it is the one that signed last. */
static bool find_key(ncr_sigv4_keys *keys, const ncr_sigv4_scope *scope, uint64_t secret, uint8_t out[NCR_SIGV4_KEY])
{
    enum { DAY = 8 };
    pthread_mutex_lock(&keys->lock);
    bool is_known =
        keys->secret == secret && memcmp(keys->day, scope->time, DAY) == 0 && strcmp(keys->region, scope->region) == 0;
    if (is_known)
        memcpy(out, keys->key, NCR_SIGV4_KEY);
    pthread_mutex_unlock(&keys->lock);
    if (is_known)
        return true;
    if (!ncr_sigv4_key(scope, out))
        return false;
    pthread_mutex_lock(&keys->lock);
    keys->secret = secret;
    memcpy(keys->day, scope->time, sizeof keys->day);
    snprintf(keys->region, sizeof keys->region, "%s", scope->region);
    memcpy(keys->key, out, NCR_SIGV4_KEY);
    pthread_mutex_unlock(&keys->lock);
    return true;
}

static char *authorize(ncr_sigv4_keys *keys, const ncr_sigv4_attempt *what, const ncr_sigv4_scope *scope)
{
    uint8_t key[NCR_SIGV4_KEY];
    char host[300];
    ncr_sigv4_header headers[MOST_HEADERS];
    ncr_sigv4_request request = {.method = what->attempt->method, .headers = headers, .payload = what->payload};
    const char *line;
    if (!read_host(what->attempt->url, host))
        return NULL;
    headers[request.header_count++] =
        (ncr_sigv4_header){.name = "host", .name_size = 4, .value = host, .value_size = strlen(host)};
    for (size_t i = 0; (line = ncr_http_attempt_line(what->attempt, i)); i++)
        if (request.header_count < MOST_HEADERS && read_line(scope->scheme, line, &headers[request.header_count]))
            request.header_count++;
    split_url(what->attempt->url, &request);
    if (!find_key(keys, scope, what->attempt->credential, key))
        return NULL;
    char *authorization = ncr_sigv4_authorization(scope, key, &request);
    OPENSSL_cleanse(key, sizeof key);
    return authorization;
}

/* Adds a header of the scheme's own. */
static bool add_own(const ncr_sigv4_keys *keys, ncr_http_attempt *attempt, const char *name, const char *value)
{
    char whole[64];
    snprintf(whole, sizeof whole, "%s%s", keys->scheme->headers, name);
    return ncr_http_attempt_add(attempt, whole, value);
}

bool ncr_sigv4_sign(ncr_sigv4_keys *keys, const ncr_sigv4_attempt *what)
{
    const ncr_secret *secret = what->secret;
    ncr_sigv4_scope scope = {.scheme = keys->scheme,
                             .access_key = secret->id,
                             .secret_key = secret->key,
                             .region = what->region,
                             .service = keys->scheme->service};
    what->attempt->credential = secret->number;
    ncr_sigv4_time(ncr_clock_wall_ms() + known_skew(what->clock), scope.time);
    if (!secret->id || !secret->key || !add_own(keys, what->attempt, "date", scope.time) ||
        (!what->has_payload && !add_own(keys, what->attempt, "content-sha256", what->payload)) ||
        (secret->token && !add_own(keys, what->attempt, "security-token", secret->token)))
        return false;
    char *authorization = authorize(keys, what, &scope);
    bool done = authorization && ncr_http_attempt_add(what->attempt, "Authorization", authorization);
    free(authorization);
    return done;
}

/* --- Clocks that are wrong. --- */

/* What the answer's Date says; -1 nothing. */
static int64_t date_of(const char *headers)
{
    ncr_http_response response = {.headers = (char *)headers};
    char date[64];
    return ncr_http_response_header(&response, "date", date, sizeof date) ? ncr_http_date_ms(date) : -1;
}

bool ncr_sigv4_correct_clock(const char *clock, const ncr_http_refusal *refusal, const char *code)
{
    enum { WINDOW_MS = 5 * 60 * 1000 };
    int64_t theirs_ms = date_of(refusal->headers), skew_ms = theirs_ms - ncr_clock_wall_ms();
    int64_t change_ms = skew_ms - known_skew(clock), off_ms = change_ms < 0 ? -change_ms : change_ms;
    /* 403 to HEAD does not say why: a clock that is far off is why. */
    bool is_silent = !refusal->body_size && refusal->status == 403 && off_ms > WINDOW_MS;
    if (!is_silent && strcmp(code, "RequestTimeTooSkewed") != 0)
        return false;
    if (theirs_ms < 0 || off_ms < LEAST_SKEW_MS) /* it was signed with that */
        return false;
    learn_skew(clock, skew_ms);
    return true;
}
