/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_STORE_AWS_SIGN_H
#define NCR_STORE_AWS_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

/* Signature Version 4, as Amazon's services and servers like them want it, and Google's XML interface with other words
 * ("Signatures", documentation of Cloud Storage). Pure functions of their arguments; the names are those of Amazon's
 * specification ("Create a signed AWS API request", IAM user guide). */

/* The words in which the two differ. */
typedef struct ncr_sigv4_scheme {
    const char *algorithm;  /* "AWS4-HMAC-SHA256" */
    const char *key_prefix; /* stands before the secret: "AWS4" */
    const char *terminator; /* ends the scope: "aws4_request" */
    const char *service;    /* of the object store: "s3" */
    const char *headers;    /* how the names of its own headers begin: "x-amz-" */
} ncr_sigv4_scheme;
extern const ncr_sigv4_scheme ncr_sigv4_amazon, ncr_sigv4_google;

/* One header line of a request, its value as it is sent. */
typedef struct ncr_sigv4_header {
    const char *name; /* in any case */
    size_t name_size;
    const char *value;
    size_t value_size;
} ncr_sigv4_header;

/* What is signed; borrowed. */
typedef struct ncr_sigv4_request {
    const char *method;
    const char *path; /* as it is sent, percent-encoded once: S3's paths are neither normalised nor encoded again */
    size_t path_size;
    const char *query; /* as it is sent, without "?"; "" none */
    size_t query_size;
    ncr_sigv4_header *headers; /* those that are signed, host among them; put into order here */
    size_t header_count;
    const char *payload; /* hash of the body in hexadecimal digits, or "UNSIGNED-PAYLOAD" */
} ncr_sigv4_request;

enum { NCR_SIGV4_TIME = 17, NCR_SIGV4_HASH = 65 };

/* Who signs, when and for what; borrowed. */
typedef struct ncr_sigv4_scope {
    const ncr_sigv4_scheme *scheme;
    const char *access_key, *secret_key;
    char time[NCR_SIGV4_TIME]; /* "20130524T000000Z" */
    const char *region, *service;
} ncr_sigv4_scope;

/* "20130524T000000Z" of milliseconds since 1970. */
void ncr_sigv4_time(int64_t wall_ms, char out[NCR_SIGV4_TIME]);

/* SHA-256 in hexadecimal digits. */
void ncr_sigv4_hash(const void *data, size_t size, char out[NCR_SIGV4_HASH]);

/* The canonical request, and beside it the list of signed headers ("host;x-amz-date"). Both buffers are initialised by
 * the caller. False: out of memory, or longer than the buffers may be. */
bool ncr_sigv4_canonical(const ncr_sigv4_request *request, ncr_buffer *out, ncr_buffer *signed_headers);

/* The string to sign of a canonical request; false as above. */
bool ncr_sigv4_string_to_sign(const ncr_sigv4_scope *scope, const ncr_buffer *canonical, ncr_buffer *out);

/* The key that signs on a day; false: OpenSSL has no memory. */
enum { NCR_SIGV4_KEY = 32 };
bool ncr_sigv4_key(const ncr_sigv4_scope *scope, uint8_t out[NCR_SIGV4_KEY]);

/* The signature of a string to sign. */
bool ncr_sigv4_signature(const uint8_t key[NCR_SIGV4_KEY], const ncr_buffer *string_to_sign, char out[NCR_SIGV4_HASH]);

/* The value of the Authorization header; key is ncr_sigv4_key() of the scope, or NULL: it is made. NULL: out of memory.
 */
char *ncr_sigv4_authorization(const ncr_sigv4_scope *scope, const uint8_t *key, const ncr_sigv4_request *request);

#endif
