/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_STORE_HTTP_AUTH_H
#define NCR_STORE_HTTP_AUTH_H

#include "base/config.h"
#include "net/http.h"
#include "store/token.h"

/* What an HTTP server is told beside the request itself: who asks, and the headers that the user wants. Found again at
 * each open. Nothing of it goes to another server, neither by a redirect nor because a document names one. */

typedef struct ncr_http_header {
    char *name, *value;
    char *folder; /* only for what begins with this path; "" all */
} ncr_http_header;

/* Of one server. Immutable after ncr_http_auth_find(). */
typedef struct ncr_http_auth {
    ncr_http_header *headers;
    size_t count, capacity;
    char *authorization;            /* the value of that header, where none of the headers is it; NULL: none */
    char *origin;                   /* where that comes from, for messages */
    char hash[NCR_TOKEN_HASH_TEXT]; /* tells it from others; "" where there is nothing */
} ncr_http_auth;

/* Looks in this order: user ("user:password" of the URL, percent-encoded; NULL: none), http.bearer, http.userpwd, the
 * line of the server in netrc; and the headers of http.headers and http.header_file that are for the server.
 * location is "https://host:port". NACRE_ERROR_INVALID, NACRE_ERROR_UNSUPPORTED: what is configured makes no sense. */
nacre_status ncr_http_auth_find(const char *location, const char *user, const ncr_config *config, ncr_http_auth *out,
                                nacre_error *err);
void ncr_http_auth_clear(ncr_http_auth *auth);

/* Adds the lines for the object at `key` ("/path?query"); false when out of memory. */
bool ncr_http_auth_add(const ncr_http_auth *auth, const char *key, ncr_http_request *request);

/* Where the credentials for `key` come from, for messages; NULL: there are none. */
const char *ncr_http_auth_origin(const ncr_http_auth *auth, const char *key);

/* "user:password" of a host's line in a text of the form of ~/.netrc, wiped and freed by the caller. *out is NULL where
 * there is no such line; "default" is not looked at, since it would tell any server. False: out of memory. */
bool ncr_netrc_find(const char *text, const char *host, char **out);

#endif
