/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "net/url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* Copies a part of a URL in lower case; false where it is absent or too long. */
static bool get_part(CURLU *url, CURLUPart part, unsigned flags, char *out, size_t out_size, bool *lacks_memory)
{
    char *text = NULL;
    CURLUcode code = curl_url_get(url, part, &text, flags);
    bool is_there = code == CURLUE_OK && strlen(text) < out_size;
    *lacks_memory |= code == CURLUE_OUT_OF_MEMORY;
    for (size_t i = 0; is_there && (i == 0 || text[i - 1]); i++)
        out[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
    curl_free(text);
    return is_there;
}

static bool read_place(CURLU *url, ncr_url_place *out)
{
    char port[8];
    int number;
    if (!get_part(url, CURLUPART_SCHEME, 0, out->scheme, sizeof out->scheme, &out->lacks_memory) ||
        !get_part(url, CURLUPART_HOST, 0, out->host, sizeof out->host, &out->lacks_memory) ||
        !get_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT, port, sizeof port, &out->lacks_memory) ||
        !ncr_text_to_int(port, &number))
        return false;
    out->port = (unsigned)number;
    return strcmp(out->scheme, "http") == 0 || strcmp(out->scheme, "https") == 0;
}

/* libcurl takes "http:/host" and "http:///host" too; what else looks at URLs counts on two slashes. */
static bool is_http(const char *url)
{
    return ncr_text_starts_nocase(url, "http://") || ncr_text_starts_nocase(url, "https://");
}

bool ncr_url_place_of(const char *url, ncr_url_place *out)
{
    *out = (ncr_url_place){0};
    if (!is_http(url))
        return false;
    CURLU *parsed = curl_url();
    CURLUcode code = parsed ? curl_url_set(parsed, CURLUPART_URL, url, CURLU_PATH_AS_IS) : CURLUE_OUT_OF_MEMORY;
    out->lacks_memory = code == CURLUE_OUT_OF_MEMORY;
    bool is_read = code == CURLUE_OK && read_place(parsed, out);
    curl_url_cleanup(parsed);
    if (!is_read)
        *out = (ncr_url_place){.lacks_memory = out->lacks_memory};
    return is_read;
}

nacre_status ncr_url_place_error(const ncr_url_place *place, const char *name, nacre_error *err)
{
    return place->lacks_memory ? ncr_error_memory(err)
                               : ncr_error_set(err, NACRE_ERROR_INVALID, "%s: not an HTTP URL", name);
}

const char *ncr_url_path(const char *url)
{
    const char *host = strstr(url, "://");
    return host ? host + 3 + strcspn(host + 3, "/?#") : url;
}

char *ncr_url_endpoint(const char *text, const char *scheme)
{
    text += strspn(text, " ");
    char *url = ncr_text_format("%s%s%s", strstr(text, "://") ? "" : scheme, strstr(text, "://") ? "" : "://", text);
    if (!url)
        return NULL;
    size_t length = strlen(url);
    while (length && (url[length - 1] == '/' || url[length - 1] == ' '))
        url[--length] = '\0';
    const char *path = is_http(url) ? ncr_url_path(url) : url;
    if (path == url || path[-1] == '/' || path[-1] == ':' || strpbrk(url, "@?# "))
        *url = '\0';
    for (char *c = url; *c && c != path; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    return url;
}

bool ncr_url_place_same(const ncr_url_place *a, const ncr_url_place *b)
{
    return strcmp(a->scheme, b->scheme) == 0 && strcmp(a->host, b->host) == 0 && a->port == b->port;
}

char *ncr_url_resolve(const char *base, const char *location, bool *lacks_memory)
{
    char *text = NULL, *copy = NULL;
    CURLU *url = curl_url();
    CURLUcode code = url ? curl_url_set(url, CURLUPART_URL, base, CURLU_PATH_AS_IS) : CURLUE_OUT_OF_MEMORY;
    if (code == CURLUE_OK)
        code = curl_url_set(url, CURLUPART_URL, location, CURLU_PATH_AS_IS | CURLU_URLENCODE);
    if (code == CURLUE_OK) {
        curl_url_set(url, CURLUPART_USER, NULL, 0);
        curl_url_set(url, CURLUPART_PASSWORD, NULL, 0);
        curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0);
        code = curl_url_get(url, CURLUPART_URL, &text, 0);
    }
    if (code == CURLUE_OK)
        copy = ncr_text_copy(text);
    *lacks_memory = code == CURLUE_OUT_OF_MEMORY || (code == CURLUE_OK && !copy);
    curl_free(text);
    curl_url_cleanup(url);
    return copy;
}

/* The bytes of a numeric address, IPv6 with or without brackets; 0: it is none. */
static size_t address_bytes(const char *text, size_t length, uint8_t out[16])
{
    char plain[64];
    bool is_bracketed = length > 2 && text[0] == '[' && text[length - 1] == ']';
    if (length >= sizeof plain)
        return 0;
    snprintf(plain, sizeof plain, "%.*s", (int)(is_bracketed ? length - 2 : length), text + is_bracketed);
    return inet_pton(AF_INET, plain, out) == 1 ? 4 : inet_pton(AF_INET6, plain, out) == 1 ? 16 : 0;
}

/* Whether the host is an address in a block as "10.0.0.0/8", or the address itself in another spelling. */
static bool is_in_block(const char *host, const char *item, size_t length)
{
    uint8_t address[16], network[16];
    const char *slash = memchr(item, '/', length);
    size_t size = address_bytes(host, strlen(host), address);
    if (!size || address_bytes(item, slash ? (size_t)(slash - item) : length, network) != size)
        return false;
    int bits = (int)size * 8, wanted = bits;
    if (slash) {
        char number[8];
        snprintf(number, sizeof number, "%.*s", (int)(item + length - slash - 1), slash + 1);
        if (!ncr_text_to_int(number, &wanted) || wanted < 0 || wanted > bits)
            return false;
    }
    size_t whole = (size_t)wanted / 8;
    return memcmp(address, network, whole) == 0 &&
           (wanted % 8 == 0 || (address[whole] ^ network[whole]) >> (8 - wanted % 8) == 0);
}

bool ncr_url_host_in_list(const char *host, const char *list)
{
    size_t host_length = strlen(host);
    while (*list) {
        list += strspn(list, ", \t");
        size_t length = strcspn(list, ", \t");
        const char *item = list;
        list += length;
        if ((length == 1 && *item == '*') || is_in_block(host, item, length))
            return true;
        if (length && *item == '.') {
            item++;
            length--;
        }
        if (!length || length > host_length)
            continue;
        const char *tail = host + host_length - length;
        if (strncasecmp(tail, item, length) == 0 && (tail == host || tail[-1] == '.'))
            return true;
    }
    return false;
}

static const char *variable(const char *lower, const char *upper)
{
    const char *value = getenv(lower);
    if ((!value || !*value) && upper)
        value = getenv(upper);
    return value && *value ? value : NULL;
}

const char *ncr_url_proxy(const ncr_url_place *place, const char *proxy, const char *https_proxy)
{
    bool is_https = strcmp(place->scheme, "https") == 0;
    const char *except = variable("no_proxy", "NO_PROXY");
    if (except && ncr_url_host_in_list(place->host, except))
        return NULL;
    const char *configured = is_https && https_proxy ? https_proxy : proxy;
    if (configured)
        return *configured ? configured : NULL;
    /* HTTP_PROXY in capitals is what a CGI server makes of a client's header "Proxy", so it does not count. */
    const char *own = is_https ? variable("https_proxy", "HTTPS_PROXY") : variable("http_proxy", NULL);
    return own ? own : variable("all_proxy", "ALL_PROXY");
}
