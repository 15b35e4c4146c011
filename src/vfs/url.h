/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_VFS_URL_H
#define NCR_VFS_URL_H

#include <stdbool.h>

#include "base/error.h"

/* http and https URLs, normalised as far as RFC 3986 makes two spellings one resource (section 6.2.2): the case of
 * scheme and host, the default port, escapes of unreserved characters. Dot segments stay, the fragment, which is never
 * sent, goes. Bytes that no URL may hold (spaces, other than ASCII) are escaped. */

bool ncr_url_is_http(const char *text);

/* Cuts a URL into "https://host:port" and "/path?query"; user and password, which are no part of either, are left out.
 * NACRE_ERROR_INVALID. */
nacre_status ncr_url_split(const char *url, char **location, char **key, nacre_error *err);

/* The "user:password" of a URL as it is written; NULL: there is none, or out of memory (*failed then). */
char *ncr_url_user(const char *url, bool *failed);

/* Where the authority of "scheme://authority/..." begins and ends; false: there is none. */
bool ncr_url_authority(const char *text, const char **begin, const char **end);

#endif
