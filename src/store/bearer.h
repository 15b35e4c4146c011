/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_STORE_BEARER_H
#define NCR_STORE_BEARER_H

#include "store/credentials.h"

/* "Authorization: Bearer TOKEN", with the token of now: for Google, Azure's directory and plain HTTP. Embedded in a
 * store; synchronised. */
typedef struct ncr_bearer {
    ncr_http_signer base;
    ncr_credentials *credentials; /* NULL: anonymous; their secret is a token, or has none: then nothing is added */
} ncr_bearer;

/* Takes the reference to credentials. */
void ncr_bearer_init(ncr_bearer *bearer, ncr_credentials *credentials);
void ncr_bearer_clear(ncr_bearer *bearer);

/* For ncr_http_request.signer: NULL where it is anonymous. */
ncr_http_signer *ncr_bearer_signer(ncr_bearer *bearer);

#endif
