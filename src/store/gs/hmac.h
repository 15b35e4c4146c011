/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_STORE_GS_HMAC_H
#define NCR_STORE_GS_HMAC_H

#include "store/aws/attempt.h"

/* The signer of Google's XML interface: GOOG4-HMAC-SHA256, since requests with headers x-goog-... (generations as
 * conditions, and CRC32Cs) are signed so; AWS4-HMAC-SHA256, which Google also takes, is for those with x-amz-... alone.
 * Embedded in a store; synchronised. */
typedef struct ncr_gs_hmac {
    ncr_http_signer base;
    ncr_credentials *credentials; /* borrowed; their secret is a key */
    const char *clock;            /* borrowed: the store's id */
    ncr_sigv4_keys keys;
} ncr_gs_hmac;

void ncr_gs_hmac_init(ncr_gs_hmac *hmac, ncr_credentials *credentials, const char *clock);
void ncr_gs_hmac_clear(ncr_gs_hmac *hmac);

/* Sets a request's body, which is borrowed until done(), with what is signed of it: its hash over plain HTTP, nothing
 * over TLS. It is hashed here, on the caller's thread. False: out of memory. */
bool ncr_gs_hmac_body(ncr_http_request *request, const void *data, size_t size);

#endif
