/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NACRE_ERROR_H
#define NACRE_ERROR_H

#include <stddef.h>

#include "export.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What became of a call. Each value calls for another action of the caller; values are never renumbered. */
typedef enum nacre_status {
    NACRE_OK = 0,
    NACRE_ERROR_NOT_FOUND = 1,   /* the object, bucket or directory does not exist */
    NACRE_ERROR_DENIED = 2,      /* the store refuses these credentials, or none were found */
    NACRE_ERROR_EXISTS = 3,      /* the destination exists and must not be replaced */
    NACRE_ERROR_CHANGED = 4,     /* the object is no longer the version that was opened */
    NACRE_ERROR_UNPROVEN = 5,    /* the store gives no validator, and unproven=refuse was asked for */
    NACRE_ERROR_CORRUPT = 6,     /* the content is damaged, or not what its name or header says */
    NACRE_ERROR_UNSUPPORTED = 7, /* valid, but nacre does not do it; the message names the feature */
    NACRE_ERROR_TOO_LARGE = 8,   /* over a limit; the message names the configuration key */
    NACRE_ERROR_UNAVAILABLE = 9, /* network, 5xx, deadline: worth another try */
    NACRE_ERROR_IO = 10,         /* local input or output: no space left, errno */
    NACRE_ERROR_OFFLINE = 11,    /* cache=offline, and the cache does not hold it */
    NACRE_ERROR_CANCELLED = 12,  /* the caller's cancel object was triggered */
    NACRE_ERROR_MEMORY = 13,     /* out of memory */
    NACRE_ERROR_INVALID = 14,    /* an argument is wrong */
    NACRE_ERROR_REFUSED = 15     /* security policy: see the key `sources` */
} nacre_status;

/* A plain value of the caller's, filled in when a call fails. It needs no release and may be copied. After success
 * its content is unspecified. Every function that takes one accepts NULL.
 *
 * The message is one line of UTF-8 without a newline and begins with the object's name as the caller spelled it,
 * then ": " and the reason; it never holds credentials. */
typedef struct nacre_error {
    nacre_status status;
    int http_status; /* the store's answer, 0 where there was none */
    char message[1024];
} nacre_error;

/* A status in a word or two ("not found"), for logs; never NULL. */
NACRE_API const char *nacre_status_text(nacre_status status);

#ifdef __cplusplus
}
#endif

#endif
