/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "base/text.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *ncr_text_copy(const char *text)
{
    return text ? strdup(text) : NULL;
}

char *ncr_text_copy_n(const char *text, size_t length)
{
    char *copy = malloc(length + 1);
    if (!copy)
        return NULL;
    if (length)
        memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *ncr_text_format(const char *format, ...)
{
    char *out = NULL;
    va_list args;
    va_start(args, format);
    int written = vasprintf(&out, format, args);
    va_end(args);
    return written < 0 ? NULL : out;
}

static unsigned char lower(char c)
{
    unsigned char u = (unsigned char)c;
    return u >= 'A' && u <= 'Z' ? (unsigned char)(u + 32) : u;
}

bool ncr_text_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool ncr_text_starts_nocase(const char *text, const char *prefix)
{
    for (; *prefix; text++, prefix++)
        if (lower(*text) != lower(*prefix))
            return false;
    return true;
}

bool ncr_text_equal_nocase(const char *a, const char *b)
{
    for (; *a && lower(*a) == lower(*b); a++, b++)
        continue;
    return lower(*a) == lower(*b);
}

bool ncr_text_ends_nocase(const char *text, const char *suffix)
{
    size_t length = strlen(text), suffix_length = strlen(suffix);
    return length >= suffix_length && ncr_text_equal_nocase(text + length - suffix_length, suffix);
}

bool ncr_text_to_int64(const char *text, int64_t *out)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end || errno)
        return false;
    *out = value;
    return true;
}

bool ncr_text_to_int(const char *text, int *out)
{
    int64_t value;
    if (!ncr_text_to_int64(text, &value) || value != (int)value)
        return false;
    *out = (int)value;
    return true;
}

bool ncr_text_to_uint64(const char *text, uint64_t *out)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (end == text || *end || errno || strchr(text, '-'))
        return false;
    *out = value;
    return true;
}

static locale_t c_locale;

static void make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* The C locale, made once and kept for the life of the process. */
static locale_t get_c_locale(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_c_locale);
    return c_locale;
}

bool ncr_text_to_double(const char *text, double *out)
{
    char *end;
    double value = strtod_l(text, &end, get_c_locale());
    if (end == text)
        return false;
    while (*end == ' ')
        end++;
    if (*end)
        return false;
    *out = value;
    return true;
}

bool ncr_text_to_bool(const char *text, bool *out)
{
    static const char *const words[][2] = {{"no", "yes"}, {"false", "true"}, {"off", "on"}, {"0", "1"}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        for (int value = 0; value < 2; value++)
            if (ncr_text_equal_nocase(text, words[i][value])) {
                *out = value;
                return true;
            }
    return false;
}

/* --- What is never shown. --- */

bool ncr_text_is_secret(const char *name, size_t length)
{
    static const char *const names[] = {"signature",
                                        "sig",
                                        "x-amz-signature",
                                        "x-amz-security-token",
                                        "x-amz-credential",
                                        "x-goog-signature",
                                        "access_token",
                                        "id_token",
                                        "refresh_token",
                                        "oauth_token",
                                        "private_token",
                                        "auth_token",
                                        "token",
                                        "jwt",
                                        "sas",
                                        "hmac",
                                        "policy",
                                        "hdnea",
                                        "hdnts",
                                        "__token__",
                                        "api_key",
                                        "apikey",
                                        "api-key",
                                        "key",
                                        "access_key",
                                        "accesskey",
                                        "secret",
                                        "client_secret",
                                        "subscription-key",
                                        "auth",
                                        "authorization",
                                        "password",
                                        "passwd",
                                        "pwd",
                                        "x-oss-signature"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strlen(names[i]) == length && ncr_text_starts_nocase(name, names[i]))
            return true;
    return false;
}

/* Where the value of a parameter ends in running text; a colon counts only where a sentence goes on after it. */
static const char *value_end(const char *at)
{
    while (*at && !strchr("&# \t\"'<>", *at) && !(*at == ':' && (at[1] == ' ' || !at[1])))
        at++;
    return at;
}

/* Puts stars in place of the bytes from begin to end and gives the place after them. */
static char *put_stars(char *begin, const char *end)
{
    enum { STARS = 3 };
    size_t shown = (size_t)(end - begin) < STARS ? (size_t)(end - begin) : STARS;
    memset(begin, '*', shown);
    memmove(begin + shown, end, strlen(end) + 1);
    return begin + shown;
}

/* "http://user:password@host". */
static void hide_users(char *text)
{
    for (char *at = text; (at = strstr(at, "://")); at += 3) {
        bool is_http = (at >= text + 4 && ncr_text_starts_nocase(at - 4, "http")) ||
                       (at >= text + 5 && ncr_text_starts_nocase(at - 5, "https"));
        char *user = at + 3, *end = user + strcspn(user, "/?# \t\"'<>"), *host = user;
        for (char *c = user; is_http && c < end; c++)
            host = *c == '@' ? c : host;
        if (host > user)
            put_stars(user, host);
    }
}

void ncr_text_hide_secrets(char *text)
{
    hide_users(text);
    for (char *at = strpbrk(text, "?&"); at; at = strpbrk(at + 1, "?&")) {
        size_t name = strcspn(at + 1, "=?&# ");
        char *value = at + 1 + name;
        if (*value == '=' && ncr_text_is_secret(at + 1, name))
            put_stars(value + 1, value_end(value + 1));
    }
}

void ncr_text_from_double(double value, char out[NCR_TEXT_DOUBLE_SIZE])
{
    locale_t previous = uselocale(get_c_locale());
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, NCR_TEXT_DOUBLE_SIZE, "%.*g", digits, value);
        if (isnan(value) || strtod_l(out, NULL, get_c_locale()) == value)
            break;
    }
    uselocale(previous);
}

bool ncr_text_append(ncr_buffer *buffer, const char *text)
{
    size_t length = strlen(text);
    if (!ncr_buffer_append(buffer, text, length + 1))
        return false;
    buffer->size--; /* the NUL stays beyond the end */
    return true;
}

bool ncr_text_appendf(ncr_buffer *buffer, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int written = vasprintf(&text, format, args);
    va_end(args);
    bool appended = written >= 0 && ncr_text_append(buffer, text);
    if (written >= 0)
        free(text);
    return appended;
}

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c && strchr("-._~", c));
}

bool ncr_text_append_escaped(ncr_buffer *buffer, const char *text, const char *keep)
{
    for (; *text; text++) {
        bool plain = is_unreserved(*text) || strchr(keep, *text);
        char piece[4];
        snprintf(piece, sizeof piece, plain ? "%c" : "%%%02X", (unsigned char)*text);
        if (!ncr_text_append(buffer, piece))
            return false;
    }
    return ncr_text_append(buffer, "");
}

void ncr_text_make_line(char *text)
{
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20)
            *c = ' ';
    ncr_text_hide_secrets(text);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool ncr_text_unescape(char *text)
{
    char *out = text;
    for (const char *at = text; *at; at++) {
        int high = *at == '%' ? hex_value(at[1]) : -1, low = high >= 0 ? hex_value(at[2]) : -1;
        if (low >= 0 && high * 16 + low == 0)
            return false;
        *out++ = low >= 0 ? (char)(high * 16 + low) : *at;
        at += low >= 0 ? 2 : 0;
    }
    *out = '\0';
    return true;
}
