/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_STORE_TOKEN_H
#define NCR_STORE_TOKEN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/call.h"
#include "base/memory.h"
#include "store/credentials.h"

/* What sources of credentials share: asking token servers and metadata services, reading their answers, and files that
 * hold secrets. All of it blocks, and is for ncr_secret_source.fetch() and its like. Errors are sentences without the
 * object's name before them, as ncr_credentials_get() adds it, and hold no secret. */

enum { NCR_TOKEN_ANSWER_LIMIT = 1 << 20, NCR_TOKEN_MOST_SECRETS = 8 };

/* One question; borrowed. Zero and NULL everywhere but method and url are right. */
typedef struct ncr_token_ask {
    const char *method;         /* a literal: "GET", "PUT", "POST" */
    const char *url;            /* http or https */
    const char *server;         /* what it is, for messages; NULL: "the token server" */
    const char *const *headers; /* name, value, ... and NULL after the last; NULL: none */
    const char *body;           /* of a PUT or POST; NULL: none */
    size_t body_size;
    int64_t timeout_ms; /* of the exchange with its retries, beside the call's deadline; 0: none */
    bool once;          /* is sent again only once, and only where it failed at once: for services that may not be
                           there */
    bool direct;        /* never through a proxy: for services of the machine itself */
    /* Texts that no message may hold, even where the server repeats them; up to the first NULL. */
    const char *secrets[NCR_TOKEN_MOST_SECRETS];
} ncr_token_ask;

/* What came. Cleared by ncr_token_answer_clear(), which wipes it. */
typedef struct ncr_token_answer {
    int status;    /* HTTP */
    char *body;    /* NUL-terminated, never NULL after success */
    size_t size;   /* at most NCR_TOKEN_ANSWER_LIMIT; of answers that are no success at most 64 KiB */
    char *headers; /* "name: value\n..." with names in lower case */
} ncr_token_answer;

/* Asks, and takes any answer. Redirects are not followed. Fails where none came, by net's statuses. */
nacre_status ncr_token_ask_any(const ncr_token_ask *ask, ncr_call *call, ncr_token_answer *out, nacre_error *err);

/* Whether a failure to ask says that nobody is there who answers; else it is one of this process (memory, files, the
 * caller's end), and says nothing of the service. */
bool ncr_token_is_nobody(nacre_status status);

/* Asks, and takes a 2xx answer only; else ncr_token_refused(). */
nacre_status ncr_token_ask_ok(const ncr_token_ask *ask, ncr_call *call, ncr_token_answer *out, nacre_error *err);

/* Like ncr_token_ask_ok(), and reads the JSON object that came; *out is released with json_decref(). */
nacre_status ncr_token_ask_json(const ncr_token_ask *ask, ncr_call *call, json_t **out, nacre_error *err);

/* The error of an answer that is no success: "the token server HOST answered 400: invalid_grant: ...". NACRE_ERROR_
 * UNAVAILABLE for 408, 429 and 5xx, else NACRE_ERROR_DENIED. */
nacre_status ncr_token_refused(const ncr_token_ask *ask, const ncr_token_answer *answer, nacre_error *err);

/* The error of an answer that lacks what was expected: "the token server HOST answered without WHAT". */
nacre_status ncr_token_lacks(const ncr_token_ask *ask, const char *what, nacre_error *err);

void ncr_token_answer_clear(ncr_token_answer *answer);

/* Adds "name=value", encoded, to a form (application/x-www-form-urlencoded); false as ncr_buffer_append(). */
bool ncr_token_form_add(ncr_buffer *form, const char *name, const char *value);

/* Clears a buffer that holds secrets, wiping it. */
void ncr_token_wipe(ncr_buffer *buffer);

/* --- Fields of JSON. --- */

/* A member that is a text and not empty; else NULL. */
const char *ncr_token_text(const json_t *object, const char *name);

/* A member that is a whole number, or a text that is one; false: absent, or another thing. */
bool ncr_token_number(const json_t *object, const char *name, int64_t *out);

/* Milliseconds since 1970 of an RFC 3339 time, in any zone; -1 where it is none. */
int64_t ncr_token_time_ms(const char *text);

/* The secret in an OAuth 2 answer: access_token, and expires_in (seconds from now; an hour where it is absent). */
nacre_status ncr_token_from_oauth(const ncr_token_ask *ask, const json_t *answer, ncr_secret **out, nacre_error *err);

/* Asks as ncr_token_ask_json() and takes the secret as ncr_token_from_oauth(). */
nacre_status ncr_token_fetch(const ncr_token_ask *ask, ncr_call *call, ncr_secret **out, nacre_error *err);

/* --- Files and identities. --- */

/* Reads a small file, at most NCR_TOKEN_ANSWER_LIMIT bytes; a final NUL is kept beyond size. `what` begins the error,
 * as in "the token file PATH: not found". NACRE_ERROR_NOT_FOUND, _DENIED, _IO, _TOO_LARGE. Release with
 * ncr_token_wipe(). */
nacre_status ncr_token_read_file(const char *path, const char *what, ncr_buffer *out, nacre_error *err);

/* 32 hexadecimal digits that tell a secret text from others without holding it: for ids of credentials. */
enum { NCR_TOKEN_HASH_TEXT = 33 };
void ncr_token_hash(const void *data, size_t size, char out[NCR_TOKEN_HASH_TEXT]);

#endif
