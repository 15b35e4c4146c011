/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_NET_URL_H
#define NCR_NET_URL_H

#include <stdbool.h>

#include "base/error.h"

/* What the engine needs to know of URLs. */

/* Where a URL's server is. Plain value. */
typedef struct ncr_url_place {
    char scheme[8]; /* "http" or "https" */
    char host[256]; /* lower case; IPv6 with brackets */
    unsigned port;
    bool lacks_memory; /* nothing could be found out */
} ncr_url_place;

/* False where the URL is none, or of another scheme, or (out->lacks_memory) out of memory. */
bool ncr_url_place_of(const char *url, ncr_url_place *out);

/* Says why there is no place: out of memory, or "NAME: not an HTTP URL". */
nacre_status ncr_url_place_error(const ncr_url_place *place, const char *name, nacre_error *err);

/* The URL of a server as one may write it ("localhost:9000/", "HTTP://h/"): with scheme ("http" or "https") where it
 * has none, scheme and host in lower case, without blanks and slashes around it. "": there is no URL of a server in it;
 * NULL: out of memory. Released with free(). */
char *ncr_url_endpoint(const char *text, const char *scheme);

/* The path of a URL, "/..." or "", with what follows it; of what has no scheme: all of it. Points into url. */
const char *ncr_url_path(const char *url);

/* Whether scheme, host and port are the same. */
bool ncr_url_place_same(const ncr_url_place *a, const ncr_url_place *b);

/* The URL that a Location header names, seen from base; without fragment and without user and password. NULL: it is
 * none, or (*lacks_memory) out of memory. Released with free(). */
char *ncr_url_resolve(const char *base, const char *location, bool *lacks_memory);

/* The proxy for a place: of the two that are configured (NULL: none; for https the second goes before the first), else
 * what the environment gives by libcurl's variables (http_proxy, https_proxy, all_proxy); NULL: none, also where
 * no_proxy names the host. */
const char *ncr_url_proxy(const ncr_url_place *place, const char *proxy, const char *https_proxy);

/* Whether a list as in no_proxy ("localhost,.example.com,10.0.0.0/8" or "*") names the host. */
bool ncr_url_host_in_list(const char *host, const char *list);

#endif
