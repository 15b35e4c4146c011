/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_STORE_AZ_SIGN_H
#define NCR_STORE_AZ_SIGN_H

#include "base/memory.h"
#include "store/bearer.h"

/* Who asks Azure Blob Storage: the signature with an account's key, or a token, made for each attempt. A signature in
 * the URL (SAS) is no business of signers. */

/* What an attempt's signature is made of; borrowed. */
typedef struct ncr_az_signed {
    const char *method, *url;
    const char *const *lines; /* header lines as ncr_http_attempt_line() gives them, NULL after the last */
    size_t body_size;
    const char *account;
} ncr_az_signed;

/* The text that is signed (Shared Key, versions of the service from 2015-02-21 on). False: out of memory. Pure. */
bool ncr_az_string_to_sign(const ncr_az_signed *what, ncr_buffer *out);

/* The signature of a text with a key, both as they are sent: in base64. False: the key is no base64, or out of memory.
 * Pure. */
enum { NCR_AZ_SIGNATURE_TEXT = 48 };
bool ncr_az_signature(const char *key, const char *text, size_t size, char out[NCR_AZ_SIGNATURE_TEXT]);

/* Whether a text can be a key. */
bool ncr_az_is_key(const char *key);

/* Reads base64 into out, which has room for 3 bytes for each 4 of text; false: it is none. */
bool ncr_az_base64_decode(const char *text, unsigned char *out, size_t *size);

/* A service SAS by which the store itself may read one blob for a while: the part of a URL after "?", the caller's.
 * Times are as in "2026-11-23T00:00:00Z". NULL: out of memory. Pure. */
char *ncr_az_read_sas(const char *account, const char *key, const char *container, const char *blob, const char *start,
                      const char *expiry);

/* Embedded in a store; synchronised. */
typedef struct ncr_az_signer {
    ncr_http_signer base;
    ncr_bearer bearer; /* its credentials are a token's or a key's; NULL: a SAS, or anonymous */
    bool is_key;       /* the credentials' secret is an account and its key */
    bool for_copy;     /* a token is sent for the source too */
} ncr_az_signer;

/* Takes the reference to credentials (NULL: none). */
void ncr_az_signer_init(ncr_az_signer *signer, ncr_credentials *credentials, bool is_key, bool for_copy);
void ncr_az_signer_clear(ncr_az_signer *signer);

#endif
