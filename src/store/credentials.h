/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_STORE_CREDENTIALS_H
#define NCR_STORE_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"
#include "base/error.h"
#include "net/http.h"

/* What proves to a store who asks, and is renewed before it ends, also in the middle of a long job. Stores are made
 * anew at every open; credentials live as long as the process and are found again by their id, so a token is asked for
 * once and not at every open. */

/* A secret. Immutable, reference-counted; wiped when released. */
typedef struct ncr_secret {
    _Atomic int references;
    uint64_t number;    /* tells it from every other secret of the process; for ncr_http_attempt.credential */
    char *id;           /* access key, account; NULL where there is none */
    char *key;          /* what signs; NULL: the token is all */
    char *token;        /* bearer or session token; NULL: none */
    int64_t expires_ms; /* since 1970; INT64_MAX: never */
} ncr_secret;

/* The texts are copied; NULL: out of memory. */
ncr_secret *ncr_secret_new(const char *id, const char *key, const char *token, int64_t expires_ms);
ncr_secret *ncr_secret_ref(ncr_secret *secret);
void ncr_secret_unref(ncr_secret *secret);

/* Where secrets come from: a back end's own struct begins with this. Single-thread: used by one renewal at a time. */
typedef struct ncr_secret_source ncr_secret_source;
struct ncr_secret_source {
    /* Gets a secret, by requests or otherwise; on a thread of its own, so it may block, for as long as call allows.
     * The error names where it looked and what to do, and holds no secret. */
    nacre_status (*fetch)(ncr_secret_source *source, ncr_call *call, ncr_secret **out, nacre_error *err);
    void (*free)(ncr_secret_source *source);
};

/* Synchronised, reference-counted; the process keeps one of each id. */
typedef struct ncr_credentials ncr_credentials;

/* The credentials of this id: those that the process has already (then the source is released unused), else new ones
 * with `source`, which is taken in any case. id holds no secret (a hash where it must) and differs where the source
 * does: it is also what tells cached bytes of one identity from those of another. origin is for messages, as in "the
 * access token from ORIGIN was refused". Nothing is fetched yet. NULL: out of memory. */
ncr_credentials *ncr_credentials_open(const char *id, const char *origin, ncr_secret_source *source,
                                      ncr_config *config);

/* Credentials that are one fixed secret (referenced), never renewed and found by nobody else. NULL: out of memory. */
ncr_credentials *ncr_credentials_fixed(const char *id, const char *origin, ncr_secret *secret);

ncr_credentials *ncr_credentials_ref(ncr_credentials *credentials);
void ncr_credentials_unref(ncr_credentials *credentials);

const char *ncr_credentials_id(const ncr_credentials *credentials);
const char *ncr_credentials_origin(const ncr_credentials *credentials);

/* The secret of now, never waiting for it. READY: *out is a reference of the caller's; where its end is near, a new
 * one is being fetched meanwhile. NOT_YET: a fetch is under way, after which ncr_http_wake() is called. FAILED: the
 * fetch failed less than a second ago, and no secret is left that still holds; err is "NAME: reason". */
ncr_http_ready ncr_credentials_get(ncr_credentials *credentials, const char *name, ncr_secret **out, nacre_error *err);

/* The secret of this number was refused by the store. True: there is another already, or one is being fetched; false:
 * there will be none (a fixed one), or this one is so new that another fetch would be of no use. */
bool ncr_credentials_refused(ncr_credentials *credentials, uint64_t number);

/* Waits for a secret; not for the loop thread nor workers. For those who must know before they can ask (doctor). */
nacre_status ncr_credentials_wait(ncr_credentials *credentials, ncr_call *call, const char *name, ncr_secret **out,
                                  nacre_error *err);

#endif
