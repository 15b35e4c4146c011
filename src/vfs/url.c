/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "vfs/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "vfs/path.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_unreserved(int c)
{
    return c > 0 && c < 128 && (is_digit((char)c) || is_letter((char)c) || strchr("-._~", c));
}

bool ncr_url_is_http(const char *text)
{
    return ncr_text_starts_nocase(text, "http://") || ncr_text_starts_nocase(text, "https://");
}

bool ncr_url_authority(const char *text, const char **begin, const char **end)
{
    const char *at = text;
    if (!is_letter(*at))
        return false;
    while (is_letter(*at) || is_digit(*at) || (*at && strchr("+.-", *at)))
        at++;
    if (strncmp(at, "://", 3) != 0)
        return false;
    *begin = at + 3;
    *end = *begin + strcspn(*begin, "/?#");
    return true;
}

static nacre_status invalid(const char *url, const char *why, nacre_error *err)
{
    char *shown = ncr_path_shown(url);
    ncr_error_set(err, NACRE_ERROR_INVALID, "%s: %s", shown ? shown : "", why);
    free(shown);
    return NACRE_ERROR_INVALID;
}

/* The end of a host, name or [address]; NULL: it is none. */
static const char *host_end(const char *host, const char *end)
{
    const char *at = host;
    if (*at == '[') {
        for (at++; at < end && *at != ']'; at++)
            if (hex_value(*at) < 0 && *at != ':' && *at != '.')
                return NULL;
        return at < end && at > host + 2 ? at + 1 : NULL;
    }
    while (at < end && (is_letter(*at) || is_digit(*at) || strchr("-._", *at)))
        at++;
    return at > host ? at : NULL;
}

/* The port of ":port", 0 where it is empty or the scheme's own; false: it is none. */
static bool read_port(const char *at, const char *end, bool is_https, int *out)
{
    int port = 0;
    *out = 0;
    if (at == end)
        return true;
    if (*at++ != ':' || end - at > 5)
        return false;
    for (; at < end; at++) {
        if (!is_digit(*at))
            return false;
        port = port * 10 + (*at - '0');
    }
    *out = port == (is_https ? 443 : 80) ? 0 : port;
    return port < 65536;
}

/* What RFC 3986 allows there, and "@", which people write. Others read a backslash as the end of the host. */
static bool is_user(const char *at, const char *end)
{
    for (; at < end; at++)
        if (!is_unreserved((unsigned char)*at) && !strchr("!$&'()*+,;=:%@", *at))
            return false;
    return true;
}

static nacre_status split_authority(const char *url, char **location, const char **rest, nacre_error *err)
{
    const char *host, *end;
    bool is_https = ncr_text_starts_nocase(url, "https");
    if (!ncr_url_authority(url, &host, &end))
        return invalid(url, "not a URL", err);
    const char *at = memrchr(host, '@', (size_t)(end - host));
    if (at && !is_user(host, at))
        return invalid(url, "no valid user and password in the URL; encode other characters than letters and digits",
                       err);
    host = at ? at + 1 : host;
    const char *after = host < end ? host_end(host, end) : NULL;
    int port;
    if (!after || after - host > 255)
        return invalid(url, "no valid host in the URL", err);
    if (!read_port(after, end, is_https, &port))
        return invalid(url, "no valid port in the URL", err);
    char number[8] = "";
    if (port)
        snprintf(number, sizeof number, ":%d", port);
    *location = ncr_text_format("%s://%.*s%s", is_https ? "https" : "http", (int)(after - host), host, number);
    if (!*location)
        return ncr_error_memory(err);
    for (char *c = *location; *c; c++)
        *c = (char)(is_letter(*c) ? *c | 0x20 : *c);
    *rest = end;
    return NACRE_OK;
}

char *ncr_url_user(const char *url, bool *failed)
{
    const char *begin, *end, *at = NULL;
    if (ncr_url_authority(url, &begin, &end))
        at = memrchr(begin, '@', (size_t)(end - begin));
    char *user = at ? ncr_text_copy_n(begin, (size_t)(at - begin)) : NULL;
    *failed = at && !user;
    return user;
}

/* Appends one character of a path or query in its normal form, and moves beyond it. */
static bool append_normal(ncr_buffer *out, const char **at)
{
    static const char digits[] = "0123456789ABCDEF";
    unsigned char c = (unsigned char)**at;
    int high = c == '%' ? hex_value((*at)[1]) : -1, low = high >= 0 ? hex_value((*at)[2]) : -1;
    if (low >= 0 && is_unreserved(high * 16 + low)) {
        char plain = (char)(high * 16 + low);
        *at += 3;
        return ncr_buffer_append(out, &plain, 1);
    }
    if (low >= 0) {
        *at += 3;
        return ncr_buffer_append(out, *at - 3, 3);
    }
    *at += 1;
    if (c > 0x20 && c < 0x7f && !strchr("\"<>\\^`{|}%", c))
        return ncr_buffer_append(out, &c, 1);
    const char escape[3] = {'%', digits[c >> 4], digits[c & 15]};
    return ncr_buffer_append(out, escape, sizeof escape);
}

nacre_status ncr_url_split(const char *url, char **location, char **key, nacre_error *err)
{
    const char *at = NULL;
    *location = *key = NULL;
    nacre_status status = split_authority(url, location, &at, err);
    if (status != NACRE_OK)
        return status;
    ncr_buffer out;
    ncr_buffer_init(&out, SIZE_MAX);
    bool appended = *at == '/' || ncr_buffer_append(&out, "/", 1);
    while (appended && *at && *at != '#')
        appended = append_normal(&out, &at);
    if (!appended || !ncr_buffer_append(&out, "", 1)) {
        ncr_buffer_clear(&out);
        free(*location);
        *location = NULL;
        return ncr_error_memory(err);
    }
    *key = (char *)out.data;
    return NACRE_OK;
}
