/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_EMULATOR_S3_SIGN_H
#define NCR_EMULATOR_S3_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

/* Signature Version 4 of Amazon, and Google's with other words (GOOG4-HMAC-SHA256): what a request says of its
 * signature, and what the signature must be. Nothing here knows credentials or the server. Amazon's pages are
 * "sigv4-auth-using-authorization-header", "sigv4-query-string-auth" and "sigv4-streaming" of the API reference. */

enum { NCR_EMU_SIGNATURE_SIZE = 65, NCR_EMU_SIGNING_KEY_SIZE = 32, NCR_EMU_SIGN_TIME_SIZE = 17 };

/* What a request says: the parts of the Authorization header, or of the query. Texts are owned. */
typedef struct ncr_emu_claim {
    bool is_google;                        /* GOOG4-HMAC-SHA256, and the scope ends with goog4_request */
    char *key_id, *day, *region, *service; /* Credential: KEY/DAY/REGION/SERVICE/aws4_request */
    char *signed_headers;                  /* "host;x-amz-date", as sent */
    char *signature;
} ncr_emu_claim;

/* Parses "AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=...", or Google's; false: malformed. Clear in
 * every case. */
bool ncr_emu_claim_from_header(const char *authorization, ncr_emu_claim *out);
/* The same from the values of X-Amz-Credential, X-Amz-SignedHeaders and X-Amz-Signature; each may be NULL. */
bool ncr_emu_claim_from_query(const char *credential, const char *signed_headers, const char *signature,
                              ncr_emu_claim *out);
void ncr_emu_claim_clear(ncr_emu_claim *claim);
/* Whether a header is among the signed ones. */
bool ncr_emu_claim_signs(const ncr_emu_claim *claim, const char *name);

/* "20130524T000000Z" as milliseconds since 1970; -1: no such time. */
int64_t ncr_emu_sign_time(const char *text);

typedef struct ncr_emu_sign_header {
    const char *name, *value; /* borrowed */
} ncr_emu_sign_header;

/* What is signed of a request. Texts are borrowed; path and query are as they were sent. */
typedef struct ncr_emu_to_sign {
    const char *method, *path, *query;
    const ncr_emu_sign_header *headers;
    size_t header_count;
    const char *signed_headers;
    const char *payload; /* hex SHA-256, UNSIGNED-PAYLOAD or STREAMING-... */
} ncr_emu_to_sign;

/* The canonical request, appended to out; X-Amz-Signature of the query is left out. False: out of memory, or a
 * percent-encoding is malformed. */
bool ncr_emu_canonical_request(const ncr_emu_to_sign *what, ncr_buffer *out);

/* The key that signs for a day, region and service. */
void ncr_emu_signing_key(const char *secret, const ncr_emu_claim *claim, uint8_t out[NCR_EMU_SIGNING_KEY_SIZE]);

/* A signature that others build on: chunks of a body, then its trailer. Single-thread. */
typedef struct ncr_emu_signature {
    bool known; /* the rest is set; else nothing is verified */
    uint8_t key[NCR_EMU_SIGNING_KEY_SIZE];
    char time[NCR_EMU_SIGN_TIME_SIZE];
    char *scope; /* "DAY/REGION/SERVICE/aws4_request"; owned */
    char last[NCR_EMU_SIGNATURE_SIZE];
} ncr_emu_signature;

/* Sets key, time and scope, and `last` to the signature that the canonical request must have; false: out of memory. */
bool ncr_emu_signature_begin(ncr_emu_signature *signature, const char *secret, const ncr_emu_claim *claim,
                             const char *time, const char *canonical_request);
/* `last` becomes the signature of the next chunk or of the trailer, whose digest (hex SHA-256) is given. */
void ncr_emu_signature_chunk(ncr_emu_signature *signature, const char *digest);
void ncr_emu_signature_trailer(ncr_emu_signature *signature, const char *digest);
void ncr_emu_signature_clear(ncr_emu_signature *signature);

/* Compares in a time that tells nothing. */
bool ncr_emu_signature_equal(const char *a, const char *b);

void ncr_emu_sha256_hex(const void *data, size_t size, char out[NCR_EMU_SIGNATURE_SIZE]);

#endif
