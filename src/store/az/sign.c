/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/az/sign.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"
#include "net/url.h"

/* --- Base64. --- */

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

bool ncr_az_base64_decode(const char *text, unsigned char *out, size_t *size)
{
    size_t length = strlen(text), digits = length;
    *size = 0;
    while (digits && text[digits - 1] == '=' && length - digits < 2)
        digits--;
    if (!length || length % 4)
        return false;
    unsigned bits = 0, count = 0;
    for (size_t i = 0; i < digits; i++) {
        int digit = base64_digit(text[i]);
        if (digit < 0)
            return false;
        bits = (bits << 6 | (unsigned)digit) & 0xffffff;
        count += 6;
        if (count >= 8) {
            count -= 8;
            out[(*size)++] = (unsigned char)(bits >> count);
        }
    }
    return true;
}

/* --- The text that is signed. --- */

/* A name and a value, sorted by name, then value. */
typedef struct pair {
    char *name, *value;
} pair;

typedef struct pairs {
    pair *items;
    size_t count, capacity;
} pairs;

static void clear_pairs(pairs *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].name);
        free(list->items[i].value);
    }
    free(list->items);
}

/* Takes both texts, whatever it returns; the name becomes lower case. */
static bool add_pair(pairs *list, char *name, char *value)
{
    if (!name || !value || !ncr_array_reserve(&list->items, &list->capacity, list->count + 1, sizeof(pair))) {
        free(name);
        free(value);
        return false;
    }
    for (char *c = name; *c; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    list->items[list->count++] = (pair){.name = name, .value = value};
    return true;
}

static int compare_pairs(const void *a, const void *b)
{
    int order = strcmp(((const pair *)a)->name, ((const pair *)b)->name);
    return order ? order : strcmp(((const pair *)a)->value, ((const pair *)b)->value);
}

static void sort_pairs(pairs *list)
{
    if (list->count)
        qsort(list->items, list->count, sizeof(pair), compare_pairs);
}

/* The value of a header; "" where it is not sent. libcurl sends "Name;" with an empty value, and "Name:" not at all. */
static const char *value_of(const char *const *lines, const char *name)
{
    size_t length = strlen(name);
    for (; *lines; lines++)
        if (ncr_text_starts_nocase(*lines, name) && (*lines)[length] == ':') {
            const char *value = *lines + length + 1;
            return value + strspn(value, " ");
        }
    return "";
}

static bool add_fixed_headers(const ncr_az_signed *what, ncr_buffer *out)
{
    static const char *const names[] = {"Content-Encoding",
                                        "Content-Language",
                                        NULL /* Content-Length */,
                                        "Content-MD5",
                                        "Content-Type",
                                        "Date",
                                        "If-Modified-Since",
                                        "If-Match",
                                        "If-None-Match",
                                        "If-Unmodified-Since",
                                        "Range"};
    char size[24] = "";
    if (what->body_size)
        snprintf(size, sizeof size, "%zu", what->body_size);
    bool added = ncr_text_appendf(out, "%s\n", what->method);
    for (size_t i = 0; added && i < sizeof names / sizeof names[0]; i++) {
        bool is_date = names[i] && strcmp(names[i], "Date") == 0; /* x-ms-date is sent, and stands for it */
        added = ncr_text_appendf(out, "%s\n", !names[i] ? size : is_date ? "" : value_of(what->lines, names[i]));
    }
    return added;
}

static bool collect_ms_headers(const char *const *lines, pairs *out)
{
    for (; *lines; lines++) {
        size_t length = strcspn(*lines, ":;");
        if (!ncr_text_starts_nocase(*lines, "x-ms-") || !(*lines)[length])
            continue;
        const char *value = *lines + length + 1;
        if (!add_pair(out, ncr_text_copy_n(*lines, length), ncr_text_copy(value + strspn(value, " "))))
            return false;
    }
    sort_pairs(out);
    return true;
}

static bool add_ms_headers(const ncr_az_signed *what, ncr_buffer *out)
{
    pairs list = {0};
    bool added = collect_ms_headers(what->lines, &list);
    for (size_t i = 0; added && i < list.count; i++)
        added = ncr_text_appendf(out, "%s:%s\n", list.items[i].name, list.items[i].value);
    clear_pairs(&list);
    return added;
}

static char *decode(const char *text, size_t length)
{
    char *copy = ncr_text_copy_n(text, length);
    if (copy)
        ncr_text_unescape(copy);
    return copy;
}

static bool collect_query(const char *query, pairs *out)
{
    while (*query && *query != '#') {
        size_t length = strcspn(query, "&#"), name = strcspn(query, "=&#");
        size_t value = name < length ? name + 1 : length;
        if (length && !add_pair(out, decode(query, name), decode(query + value, length - value)))
            return false;
        query += length + (query[length] == '&');
    }
    sort_pairs(out);
    return true;
}

static bool add_resource(const ncr_az_signed *what, ncr_buffer *out)
{
    const char *path = ncr_url_path(what->url);
    size_t length = strcspn(path, "?#");
    pairs list = {0};
    bool added = ncr_text_appendf(out, "/%s%.*s%s", what->account, (int)length, path, length ? "" : "/") &&
                 (path[length] != '?' || collect_query(path + length + 1, &list));
    for (size_t i = 0; added && i < list.count; i++) {
        bool is_same = i && strcmp(list.items[i].name, list.items[i - 1].name) == 0;
        added = is_same ? ncr_text_appendf(out, ",%s", list.items[i].value)
                        : ncr_text_appendf(out, "\n%s:%s", list.items[i].name, list.items[i].value);
    }
    clear_pairs(&list);
    return added;
}

bool ncr_az_string_to_sign(const ncr_az_signed *what, ncr_buffer *out)
{
    return add_fixed_headers(what, out) && add_ms_headers(what, out) && add_resource(what, out);
}

/* --- The signature. --- */

bool ncr_az_signature(const char *key, const char *text, size_t size, char out[NCR_AZ_SIGNATURE_TEXT])
{
    unsigned char mac[EVP_MAX_MD_SIZE], *bytes = malloc(strlen(key) + 1);
    size_t key_size = 0;
    unsigned mac_size = 0;
    out[0] = '\0';
    bool done = bytes && ncr_az_base64_decode(key, bytes, &key_size) &&
                HMAC(EVP_sha256(), bytes, (int)key_size, (const unsigned char *)text, size, mac, &mac_size);
    if (done)
        EVP_EncodeBlock((unsigned char *)out, mac, (int)mac_size);
    if (bytes)
        OPENSSL_cleanse(bytes, key_size);
    free(bytes);
    return done;
}

bool ncr_az_is_key(const char *key)
{
    unsigned char bytes[4096]; /* a key has 64; not allocated, so that want of memory does not make it a bad one */
    size_t size = 0;
    bool is_key = strlen(key) < sizeof bytes && ncr_az_base64_decode(key, bytes, &size);
    OPENSSL_cleanse(bytes, size);
    return is_key;
}

/* --- A signature in a URL. --- */

char *ncr_az_read_sas(const char *account, const char *key, const char *container, const char *blob, const char *start,
                      const char *expiry)
{
    static const char version[] = "2021-12-02";
    char signature[NCR_AZ_SIGNATURE_TEXT];
    ncr_buffer query;
    /* Permissions, times, resource, then what is not said: identifier, address, protocol; version, kind (blob),
     * snapshot, encryption scope and five headers of the answer. */
    char *text = ncr_text_format("r\n%s\n%s\n/blob/%s/%s/%s\n\n\n\n%s\nb\n\n\n\n\n\n\n", start, expiry, account,
                                 container, blob, version);
    ncr_buffer_init(&query, 4096);
    bool made = text && ncr_az_signature(key, text, strlen(text), signature) &&
                ncr_text_appendf(&query, "sv=%s&sr=b&sp=r&st=", version) &&
                ncr_text_append_escaped(&query, start, "") && ncr_text_append(&query, "&se=") &&
                ncr_text_append_escaped(&query, expiry, "") && ncr_text_append(&query, "&sig=") &&
                ncr_text_append_escaped(&query, signature, "");
    free(text);
    if (!made)
        ncr_buffer_clear(&query);
    return (char *)query.data;
}

/* --- The signer. --- */

static bool add_date(ncr_http_attempt *attempt)
{
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char text[40];
    struct tm tm = {0};
    time_t now = (time_t)(ncr_clock_wall_ms() / 1000);
    gmtime_r(&now, &tm);
    snprintf(text, sizeof text, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", days + 3 * tm.tm_wday, tm.tm_mday,
             months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
    return ncr_http_attempt_add(attempt, "x-ms-date", text);
}

/* The attempt's header lines as an array, to be freed; the texts are the attempt's. */
static const char **lines_of(const ncr_http_attempt *attempt)
{
    size_t count = 0;
    while (ncr_http_attempt_line(attempt, count))
        count++;
    const char **lines = ncr_alloc_array(count + 1, sizeof *lines);
    for (size_t i = 0; lines && i < count; i++)
        lines[i] = ncr_http_attempt_line(attempt, i);
    return lines;
}

static bool add_signature(ncr_http_attempt *attempt, const ncr_secret *secret)
{
    char signature[NCR_AZ_SIGNATURE_TEXT];
    ncr_buffer text;
    ncr_buffer_init(&text, 256 << 10);
    const char **lines = lines_of(attempt);
    ncr_az_signed what = {.method = attempt->method, .url = attempt->url, .lines = lines};
    what.body_size = attempt->body_size;
    what.account = secret->id;
    bool made = lines && ncr_az_string_to_sign(&what, &text) &&
                ncr_az_signature(secret->key, (const char *)text.data, text.size, signature);
    char *value = made ? ncr_text_format("SharedKey %s:%s", secret->id, signature) : NULL;
    bool added = value && ncr_http_attempt_add(attempt, "Authorization", value);
    free(value);
    free(lines);
    ncr_buffer_clear(&text);
    return added;
}

static ncr_http_ready sign_with_key(const ncr_az_signer *signer, ncr_http_attempt *attempt, const char *name,
                                    nacre_error *err)
{
    ncr_secret *secret;
    ncr_http_ready ready = ncr_credentials_get(signer->bearer.credentials, name, &secret, err);
    if (ready != NCR_HTTP_READY)
        return ready;
    attempt->credential = secret->number;
    if (!add_signature(attempt, secret)) {
        ncr_error_memory(err);
        ready = NCR_HTTP_FAILED;
    }
    ncr_secret_unref(secret);
    return ready;
}

/* The "Bearer TOKEN" that an attempt has; NULL: none. */
static const char *token_of(const ncr_http_attempt *attempt)
{
    static const char name[] = "Authorization: ";
    const char *line;
    for (size_t i = 0; (line = ncr_http_attempt_line(attempt, i)); i++)
        if (ncr_text_starts(line, name))
            return line + sizeof name - 1;
    return NULL;
}

static ncr_http_ready sign_with_token(ncr_az_signer *signer, ncr_http_attempt *attempt, const char *name,
                                      nacre_error *err)
{
    ncr_http_signer *bearer = ncr_bearer_signer(&signer->bearer);
    if (!bearer)
        return NCR_HTTP_READY;
    ncr_http_ready ready = bearer->class->sign(bearer, attempt, name, err);
    const char *token = ready == NCR_HTTP_READY ? token_of(attempt) : NULL;
    if (!token)
        attempt->credential = 0; /* no managed identity was found: nothing that could be refused */
    if (!token || !signer->for_copy || ncr_http_attempt_add(attempt, "x-ms-copy-source-authorization", token))
        return ready;
    ncr_error_memory(err);
    return NCR_HTTP_FAILED;
}

static ncr_http_ready sign(ncr_http_signer *base, ncr_http_attempt *attempt, const char *name, nacre_error *err)
{
    ncr_az_signer *signer = (ncr_az_signer *)base;
    if (!add_date(attempt)) {
        ncr_error_memory(err);
        return NCR_HTTP_FAILED;
    }
    return signer->is_key ? sign_with_key(signer, attempt, name, err) : sign_with_token(signer, attempt, name, err);
}

/* A token that has ended is told by 401, or by 403 with a word of its own; other 403s are about rights. */
static bool refused(ncr_http_signer *base, const ncr_http_refusal *refusal)
{
    ncr_http_signer *bearer = ncr_bearer_signer(&((ncr_az_signer *)base)->bearer);
    ncr_http_refusal about_token = *refusal;
    if (refusal->status == 403 && refusal->headers &&
        strstr(refusal->headers, "x-ms-error-code: AuthenticationFailed\n"))
        about_token.status = 401;
    return bearer && refusal->credential && bearer->class->refused(bearer, &about_token);
}

static const ncr_http_signer_class signer_class = {.sign = sign, .refused = refused};

void ncr_az_signer_init(ncr_az_signer *signer, ncr_credentials *credentials, bool is_key, bool for_copy)
{
    ncr_bearer_init(&signer->bearer, credentials);
    signer->base.class = &signer_class;
    signer->is_key = is_key;
    signer->for_copy = for_copy;
}

void ncr_az_signer_clear(ncr_az_signer *signer)
{
    ncr_bearer_clear(&signer->bearer);
}
