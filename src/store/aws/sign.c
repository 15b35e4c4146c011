/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/aws/sign.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

enum { TEXT_LIMIT = 256 << 10, DATE_SIZE = 8 };

const ncr_sigv4_scheme ncr_sigv4_amazon = {.algorithm = "AWS4-HMAC-SHA256",
                                           .key_prefix = "AWS4",
                                           .terminator = "aws4_request",
                                           .service = "s3",
                                           .headers = "x-amz-"};
const ncr_sigv4_scheme ncr_sigv4_google = {.algorithm = "GOOG4-HMAC-SHA256",
                                           .key_prefix = "GOOG4",
                                           .terminator = "goog4_request",
                                           .service = "storage",
                                           .headers = "x-goog-"};

void ncr_sigv4_time(int64_t wall_ms, char out[NCR_SIGV4_TIME])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(out, NCR_SIGV4_TIME, "%Y%m%dT%H%M%SZ", &tm);
}

static void to_hex(const uint8_t *data, size_t size, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        out[2 * i] = digits[data[i] >> 4];
        out[2 * i + 1] = digits[data[i] & 15];
    }
    out[2 * size] = '\0';
}

void ncr_sigv4_hash(const void *data, size_t size, char out[NCR_SIGV4_HASH])
{
    uint8_t hash[EVP_MAX_MD_SIZE] = {0};
    EVP_Digest(data, size, hash, NULL, EVP_sha256(), NULL);
    to_hex(hash, 32, out);
}

/* --- The canonical request. --- */

static int compare_texts(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t common = a_size < b_size ? a_size : b_size;
    int order = common ? memcmp(a, b, common) : 0;
    return order ? order : (a_size > b_size) - (a_size < b_size);
}

/* A piece of a query: "name=value" or "name". */
typedef struct parameter {
    const char *name, *value;
    size_t name_size, value_size;
} parameter;

/* By name, then by value, as they are encoded: "a" comes before "a-b", though '=' comes after '-'. */
static int compare_parameters(const void *a, const void *b)
{
    const parameter *x = a, *y = b;
    int order = compare_texts(x->name, x->name_size, y->name, y->name_size);
    return order ? order : compare_texts(x->value, x->value_size, y->value, y->value_size);
}

static bool add_parameters(ncr_buffer *out, const parameter *parameters, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const parameter *p = &parameters[i];
        if ((i && !ncr_text_append(out, "&")) || !ncr_buffer_append(out, p->name, p->name_size) ||
            !ncr_text_append(out, "=") || !ncr_buffer_append(out, p->value, p->value_size))
            return false;
    }
    return true;
}

static bool add_query(ncr_buffer *out, const char *query, size_t size)
{
    parameter *parameters = NULL;
    size_t count = 0, capacity = 0;
    bool done = true;
    for (const char *at = query, *end = query + size; at < end && done;) {
        const char *stop = memchr(at, '&', (size_t)(end - at));
        stop = stop ? stop : end;
        const char *equals = memchr(at, '=', (size_t)(stop - at));
        done = ncr_array_reserve(&parameters, &capacity, count + 1, sizeof *parameters);
        if (done && stop > at)
            parameters[count++] = (parameter){.name = at,
                                              .name_size = (size_t)((equals ? equals : stop) - at),
                                              .value = equals ? equals + 1 : stop,
                                              .value_size = equals ? (size_t)(stop - equals - 1) : 0};
        at = stop + 1;
    }
    if (done && count > 1)
        qsort(parameters, count, sizeof *parameters, compare_parameters);
    done = done && add_parameters(out, parameters, count);
    free(parameters);
    return done;
}

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

static int compare_names(const ncr_sigv4_header *a, const ncr_sigv4_header *b)
{
    for (size_t i = 0; i < a->name_size && i < b->name_size; i++) {
        int order = (unsigned char)lower(a->name[i]) - (unsigned char)lower(b->name[i]);
        if (order)
            return order;
    }
    return (a->name_size > b->name_size) - (a->name_size < b->name_size);
}

/* Lines of one name stay in the order in which they are sent: a sort by insertion is stable, and there are few. */
static void sort_headers(ncr_sigv4_header *headers, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        ncr_sigv4_header moved = headers[i];
        size_t at = i;
        for (; at && compare_names(&headers[at - 1], &moved) > 0; at--)
            headers[at] = headers[at - 1];
        headers[at] = moved;
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Without spaces around it, and with one for each run of them inside. */
static bool add_value(ncr_buffer *out, const char *value, size_t size)
{
    while (size && is_blank(value[size - 1]))
        size--;
    for (size_t i = 0, begun = 0; i < size; i++) {
        bool blank = is_blank(value[i]);
        if (blank && (!begun || is_blank(value[i - 1])))
            continue;
        begun = 1;
        if (!ncr_buffer_append(out, blank ? " " : &value[i], 1))
            return false;
    }
    return true;
}

static bool add_name(ncr_buffer *out, const ncr_sigv4_header *header)
{
    for (size_t i = 0; i < header->name_size; i++) {
        char c = lower(header->name[i]);
        if (!ncr_buffer_append(out, &c, 1))
            return false;
    }
    return true;
}

static bool add_headers(ncr_buffer *out, ncr_buffer *names, ncr_sigv4_header *headers, size_t count)
{
    sort_headers(headers, count);
    for (size_t i = 0; i < count; i++) {
        bool is_more = i && compare_names(&headers[i - 1], &headers[i]) == 0;
        bool is_last = i + 1 == count || compare_names(&headers[i], &headers[i + 1]) != 0;
        bool done = is_more ? ncr_text_append(out, ",") : add_name(out, &headers[i]) && ncr_text_append(out, ":");
        done = done && add_value(out, headers[i].value, headers[i].value_size);
        if (done && is_last)
            done = ncr_text_append(out, "\n") && (!names->size || ncr_text_append(names, ";")) &&
                   add_name(names, &headers[i]);
        if (!done)
            return false;
    }
    return true;
}

bool ncr_sigv4_canonical(const ncr_sigv4_request *request, ncr_buffer *out, ncr_buffer *signed_headers)
{
    bool has_path = request->path_size > 0;
    return ncr_text_appendf(out, "%s\n", request->method) &&
           (has_path ? ncr_buffer_append(out, request->path, request->path_size) : ncr_text_append(out, "/")) &&
           ncr_text_append(out, "\n") && add_query(out, request->query, request->query_size) &&
           ncr_text_append(out, "\n") && add_headers(out, signed_headers, request->headers, request->header_count) &&
           ncr_text_append(out, "\n") && ncr_buffer_append(out, signed_headers->data, signed_headers->size) &&
           ncr_text_append(out, "\n") && ncr_text_append(out, request->payload) && ncr_text_append(signed_headers, "");
}

bool ncr_sigv4_string_to_sign(const ncr_sigv4_scope *scope, const ncr_buffer *canonical, ncr_buffer *out)
{
    char hash[NCR_SIGV4_HASH];
    ncr_sigv4_hash(canonical->data, canonical->size, hash);
    return ncr_text_appendf(out, "%s\n%s\n%.*s/%s/%s/%s\n%s", scope->scheme->algorithm, scope->time, DATE_SIZE,
                            scope->time, scope->region, scope->service, scope->scheme->terminator, hash);
}

/* --- Keys and signatures. --- */

static bool hmac(const void *key, size_t key_size, const void *data, size_t size, uint8_t out[NCR_SIGV4_KEY])
{
    unsigned out_size = 0;
    return HMAC(EVP_sha256(), key, (int)key_size, data, size, out, &out_size) && out_size == NCR_SIGV4_KEY;
}

bool ncr_sigv4_key(const ncr_sigv4_scope *scope, uint8_t out[NCR_SIGV4_KEY])
{
    const char *terminator = scope->scheme->terminator;
    char *first = ncr_text_format("%s%s", scope->scheme->key_prefix, scope->secret_key);
    bool done = first && hmac(first, strlen(first), scope->time, DATE_SIZE, out) &&
                hmac(out, NCR_SIGV4_KEY, scope->region, strlen(scope->region), out) &&
                hmac(out, NCR_SIGV4_KEY, scope->service, strlen(scope->service), out) &&
                hmac(out, NCR_SIGV4_KEY, terminator, strlen(terminator), out);
    if (first)
        OPENSSL_cleanse(first, strlen(first));
    free(first);
    return done;
}

bool ncr_sigv4_signature(const uint8_t key[NCR_SIGV4_KEY], const ncr_buffer *string_to_sign, char out[NCR_SIGV4_HASH])
{
    uint8_t signature[NCR_SIGV4_KEY];
    if (!hmac(key, NCR_SIGV4_KEY, string_to_sign->data, string_to_sign->size, signature))
        return false;
    to_hex(signature, sizeof signature, out);
    return true;
}

char *ncr_sigv4_authorization(const ncr_sigv4_scope *scope, const uint8_t *key, const ncr_sigv4_request *request)
{
    ncr_buffer canonical, names, text;
    uint8_t made[NCR_SIGV4_KEY];
    char signature[NCR_SIGV4_HASH], *out = NULL;
    ncr_buffer_init(&canonical, TEXT_LIMIT);
    ncr_buffer_init(&names, TEXT_LIMIT);
    ncr_buffer_init(&text, TEXT_LIMIT);
    if (ncr_sigv4_canonical(request, &canonical, &names) && ncr_sigv4_string_to_sign(scope, &canonical, &text) &&
        (key || ncr_sigv4_key(scope, made)) && ncr_sigv4_signature(key ? key : made, &text, signature))
        out = ncr_text_format("%s Credential=%s/%.*s/%s/%s/%s, SignedHeaders=%s, Signature=%s",
                              scope->scheme->algorithm, scope->access_key, DATE_SIZE, scope->time, scope->region,
                              scope->service, scope->scheme->terminator, (char *)names.data, signature);
    OPENSSL_cleanse(made, sizeof made);
    ncr_buffer_clear(&canonical);
    ncr_buffer_clear(&names);
    ncr_buffer_clear(&text);
    return out;
}
