/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "s3_sign.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "hash.h"
#include "server.h"

enum { HEADERS_SIGNED_MAX = 100, PARAMETERS_MAX = 200, CANONICAL_MAX = 1 << 20 };

/* --- What the request says --- */

static const char *algorithm_of(const ncr_emu_claim *claim)
{
    return claim->is_google ? "GOOG4-HMAC-SHA256" : "AWS4-HMAC-SHA256";
}

static const char *terminator_of(const ncr_emu_claim *claim)
{
    return claim->is_google ? "goog4_request" : "aws4_request";
}

static bool take_credential(const char *text, size_t length, ncr_emu_claim *out)
{
    char **const parts[] = {&out->key_id, &out->day, &out->region, &out->service};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const char *slash = memchr(text, '/', length);
        if (!slash || slash == text)
            return false;
        *parts[i] = ncr_text_copy_n(text, (size_t)(slash - text));
        length -= (size_t)(slash - text) + 1;
        text = slash + 1;
        if (!*parts[i])
            return false;
    }
    const char *end = terminator_of(out);
    return length == strlen(end) && strncmp(text, end, length) == 0 && strlen(out->day) == 8;
}

/* The value of "NAME=" in the list, up to a comma; NULL: it is not there. */
static const char *find_part(const char *list, const char *name, size_t *length)
{
    for (;;) {
        list += strspn(list, ", ");
        if (!*list)
            return NULL;
        *length = strcspn(list, ", ");
        size_t head = strlen(name);
        if (*length > head && strncmp(list, name, head) == 0 && list[head] == '=') {
            *length -= head + 1;
            return list + head + 1;
        }
        list += *length;
    }
}

bool ncr_emu_claim_from_header(const char *authorization, ncr_emu_claim *out)
{
    size_t credential_length = 0, headers_length = 0, signature_length = 0;
    *out = (ncr_emu_claim){.is_google = ncr_text_starts(authorization, "GOOG4")};
    if (!ncr_text_starts(authorization, algorithm_of(out)))
        return false;
    authorization += strlen(algorithm_of(out));
    const char *credential = find_part(authorization, "Credential", &credential_length);
    const char *headers = find_part(authorization, "SignedHeaders", &headers_length);
    const char *signature = find_part(authorization, "Signature", &signature_length);
    if (!credential || !headers || !signature || !take_credential(credential, credential_length, out))
        return false;
    out->signed_headers = ncr_text_copy_n(headers, headers_length);
    out->signature = ncr_text_copy_n(signature, signature_length);
    return out->signed_headers && out->signature;
}

bool ncr_emu_claim_from_query(const char *credential, const char *signed_headers, const char *signature,
                              ncr_emu_claim *out)
{
    *out = (ncr_emu_claim){0};
    if (!credential || !signed_headers || !signature || !take_credential(credential, strlen(credential), out))
        return false;
    out->signed_headers = ncr_text_copy(signed_headers);
    out->signature = ncr_text_copy(signature);
    return out->signed_headers && out->signature;
}

bool ncr_emu_claim_signs(const ncr_emu_claim *claim, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = claim->signed_headers; *at;) {
        size_t part = strcspn(at, ";");
        char *one = ncr_text_copy_n(at, part);
        bool same = one && part == length && ncr_text_equal_nocase(one, name);
        free(one);
        if (same)
            return true;
        at += part + (at[part] == ';');
    }
    return false;
}

void ncr_emu_claim_clear(ncr_emu_claim *claim)
{
    free(claim->key_id);
    free(claim->day);
    free(claim->region);
    free(claim->service);
    free(claim->signed_headers);
    free(claim->signature);
    *claim = (ncr_emu_claim){0};
}

int64_t ncr_emu_sign_time(const char *text)
{
    struct tm parts = {0};
    if (strlen(text) != NCR_EMU_SIGN_TIME_SIZE - 1 || text[8] != 'T' || text[15] != 'Z' ||
        sscanf(text, "%4d%2d%2dT%2d%2d%2dZ", &parts.tm_year, &parts.tm_mon, &parts.tm_mday, &parts.tm_hour,
               &parts.tm_min, &parts.tm_sec) != 6)
        return -1;
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    return (int64_t)timegm(&parts) * 1000;
}

/* --- The canonical request --- */

/* Decodes and encodes again, so that it does not matter which characters the client encoded. */
static bool append_normal(ncr_buffer *out, const char *text, size_t length, bool plus_is_space, const char *keep)
{
    char *decoded = plus_is_space ? ncr_emu_decode_query(text, length) : ncr_emu_decode(text, length);
    bool good = decoded && ncr_text_append_escaped(out, decoded, keep);
    free(decoded);
    return good;
}

typedef struct parameter {
    char *name, *value;
} parameter;

static int compare_parameters(const void *a, const void *b)
{
    const parameter *first = a, *second = b;
    int order = strcmp(first->name, second->name);
    return order ? order : strcmp(first->value, second->value);
}

static char *normal(const char *text, size_t length)
{
    ncr_buffer out;
    ncr_buffer_init(&out, CANONICAL_MAX);
    if (append_normal(&out, text, length, true, "") && (out.data || ncr_text_append(&out, "")))
        return (char *)out.data;
    ncr_buffer_clear(&out);
    return NULL;
}

static bool append_query(ncr_buffer *out, const char *query)
{
    parameter all[PARAMETERS_MAX];
    size_t count = 0;
    bool good = true;
    while (*query && good) {
        size_t length = strcspn(query, "&");
        const char *equals = memchr(query, '=', length);
        size_t name_length = equals ? (size_t)(equals - query) : length;
        if (length && !(name_length == 15 && strncmp(query, "X-Amz-Signature", 15) == 0)) {
            good = count < PARAMETERS_MAX;
            if (good) {
                all[count].name = normal(query, name_length);
                all[count].value = equals ? normal(equals + 1, length - name_length - 1) : ncr_text_copy("");
                good = all[count].name && all[count].value;
                count++;
            }
        }
        query += length + (query[length] == '&');
    }
    if (good)
        qsort(all, count, sizeof *all, compare_parameters);
    for (size_t i = 0; i < count; i++) {
        good = good && ncr_text_appendf(out, "%s%s=%s", i ? "&" : "", all[i].name, all[i].value);
        free(all[i].name);
        free(all[i].value);
    }
    return good;
}

/* Appends a value without spaces at its ends, and with one in place of several. */
static bool append_value(ncr_buffer *out, const char *value)
{
    size_t length = strlen(value);
    while (length && (value[length - 1] == ' ' || value[length - 1] == '\t'))
        length--;
    bool space = true, good = true;
    for (size_t i = 0; i < length && good; i++) {
        bool is_space = value[i] == ' ' || value[i] == '\t';
        if (!is_space || !space)
            good = ncr_buffer_append(out, is_space ? " " : value + i, 1);
        space = is_space;
    }
    return good;
}

static bool append_headers(ncr_buffer *out, const ncr_emu_to_sign *what)
{
    const char *at = what->signed_headers;
    bool good = true;
    for (size_t named = 0; *at && good; named++) {
        size_t length = strcspn(at, ";");
        char *name = named < HEADERS_SIGNED_MAX ? ncr_text_copy_n(at, length) : NULL;
        good = name && ncr_text_appendf(out, "%s:", name);
        bool first = true;
        for (size_t i = 0; i < what->header_count && good; i++)
            if (ncr_text_equal_nocase(what->headers[i].name, name)) {
                good = (first || ncr_text_append(out, ",")) && append_value(out, what->headers[i].value);
                first = false;
            }
        good = good && ncr_text_append(out, "\n");
        free(name);
        at += length + (at[length] == ';');
    }
    return good;
}

bool ncr_emu_canonical_request(const ncr_emu_to_sign *what, ncr_buffer *out)
{
    return ncr_text_appendf(out, "%s\n", what->method) &&
           append_normal(out, what->path, strlen(what->path), false, "/") && ncr_text_append(out, "\n") &&
           append_query(out, what->query) && ncr_text_append(out, "\n") && append_headers(out, what) &&
           ncr_text_appendf(out, "\n%s\n%s", what->signed_headers, what->payload);
}

/* --- Signatures --- */

void ncr_emu_sha256_hex(const void *data, size_t size, char out[NCR_EMU_SIGNATURE_SIZE])
{
    uint8_t digest[EVP_MAX_MD_SIZE] = {0};
    EVP_Digest(data, size, digest, NULL, EVP_sha256(), NULL);
    ncr_emu_hex_text(digest, 32, out);
}

static void hmac(const void *key, size_t key_size, const char *text, uint8_t out[NCR_EMU_SIGNING_KEY_SIZE])
{
    memset(out, 0, NCR_EMU_SIGNING_KEY_SIZE);
    HMAC(EVP_sha256(), key, (int)key_size, (const uint8_t *)text, strlen(text), out, NULL);
}

void ncr_emu_signing_key(const char *secret, const ncr_emu_claim *claim, uint8_t out[NCR_EMU_SIGNING_KEY_SIZE])
{
    uint8_t step[NCR_EMU_SIGNING_KEY_SIZE];
    const char *const texts[] = {claim->region, claim->service, terminator_of(claim)};
    char *first = ncr_text_format("%s%s", claim->is_google ? "GOOG4" : "AWS4", secret);
    hmac(first ? first : "", first ? strlen(first) : 0, claim->day, out);
    free(first);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        memcpy(step, out, sizeof step);
        hmac(step, sizeof step, texts[i], out);
    }
}

static bool sign(ncr_emu_signature *signature, const char *text)
{
    uint8_t bytes[NCR_EMU_SIGNING_KEY_SIZE];
    if (!text)
        return false;
    hmac(signature->key, sizeof signature->key, text, bytes);
    ncr_emu_hex_text(bytes, sizeof bytes, signature->last);
    return true;
}

bool ncr_emu_signature_begin(ncr_emu_signature *signature, const char *secret, const ncr_emu_claim *claim,
                             const char *time, const char *canonical_request)
{
    char digest[NCR_EMU_SIGNATURE_SIZE];
    *signature = (ncr_emu_signature){0};
    ncr_emu_signing_key(secret, claim, signature->key);
    snprintf(signature->time, sizeof signature->time, "%s", time);
    signature->scope = ncr_text_format("%s/%s/%s/%s", claim->day, claim->region, claim->service, terminator_of(claim));
    ncr_emu_sha256_hex(canonical_request, strlen(canonical_request), digest);
    char *text = signature->scope
                     ? ncr_text_format("%s\n%s\n%s\n%s", algorithm_of(claim), signature->time, signature->scope, digest)
                     : NULL;
    signature->known = sign(signature, text);
    free(text);
    return signature->known;
}

void ncr_emu_signature_chunk(ncr_emu_signature *signature, const char *digest)
{
    char empty[NCR_EMU_SIGNATURE_SIZE];
    ncr_emu_sha256_hex("", 0, empty);
    char *text = ncr_text_format("AWS4-HMAC-SHA256-PAYLOAD\n%s\n%s\n%s\n%s\n%s", signature->time, signature->scope,
                                 signature->last, empty, digest);
    if (!sign(signature, text))
        signature->last[0] = '\0'; /* fits no signature */
    free(text);
}

void ncr_emu_signature_trailer(ncr_emu_signature *signature, const char *digest)
{
    char *text = ncr_text_format("AWS4-HMAC-SHA256-TRAILER\n%s\n%s\n%s\n%s", signature->time, signature->scope,
                                 signature->last, digest);
    if (!sign(signature, text))
        signature->last[0] = '\0';
    free(text);
}

void ncr_emu_signature_clear(ncr_emu_signature *signature)
{
    free(signature->scope);
    OPENSSL_cleanse(signature->key, sizeof signature->key);
    *signature = (ncr_emu_signature){0};
}

bool ncr_emu_signature_equal(const char *a, const char *b)
{
    return strlen(a) == NCR_EMU_SIGNATURE_SIZE - 1 && strlen(b) == NCR_EMU_SIGNATURE_SIZE - 1 &&
           CRYPTO_memcmp(a, b, NCR_EMU_SIGNATURE_SIZE - 1) == 0;
}
