/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_STORE_AWS_ATTEMPT_H
#define NCR_STORE_AWS_ATTEMPT_H

#include <pthread.h>

#include "net/http.h"
#include "store/aws/failure.h"
#include "store/aws/sign.h"
#include "store/credentials.h"

/* Signing HTTP attempts by Signature Version 4, with the time of that moment: what S3 and Google's XML interface
 * share. */

/* The key that signed last: it is the same for a day, and deriving it is most of the work. Embedded in a store;
 * synchronised. */
typedef struct ncr_sigv4_keys {
    const ncr_sigv4_scheme *scheme; /* immutable */
    pthread_mutex_t lock;
    /* The rest is guarded by lock. */
    uint64_t secret;          /* the number of its secret; 0: there is no key yet */
    char day[NCR_SIGV4_TIME]; /* the day's beginning counts */
    char region[NCR_AWS_REGION];
    uint8_t key[NCR_SIGV4_KEY];
} ncr_sigv4_keys;

void ncr_sigv4_keys_init(ncr_sigv4_keys *keys, const ncr_sigv4_scheme *scheme);
void ncr_sigv4_keys_clear(ncr_sigv4_keys *keys);

/* The hash of no bytes, and what stands for bytes that are not hashed. */
extern const char ncr_sigv4_empty_payload[NCR_SIGV4_HASH], ncr_sigv4_unsigned_payload[];

/* What is signed, borrowed. clock names the endpoint whose clock it must be. */
typedef struct ncr_sigv4_attempt {
    ncr_http_attempt *attempt;
    const ncr_secret *secret;
    const char *clock, *region, *payload;
    bool has_payload; /* a header says it already */
} ncr_sigv4_attempt;

/* Adds the date, the payload's hash, the secret's token and Authorization to the attempt, and sets its credential.
 * False: out of memory, or the secret has no key. */
bool ncr_sigv4_sign(ncr_sigv4_keys *keys, const ncr_sigv4_attempt *what);

/* Whether a refusal was for a clock that is off, and the answer's own is now taken for the right one, so that the
 * request should be sent again. code is what the answer's body says, "" nothing. */
bool ncr_sigv4_correct_clock(const char *clock, const ncr_http_refusal *refusal, const char *code);

#endif
