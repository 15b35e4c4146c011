/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_STORE_S3_S3_H
#define NCR_STORE_S3_S3_H

#include "net/http.h"
#include "store/aws/attempt.h"
#include "store/aws/failure.h"
#include "store/backend.h"
#include "store/credentials.h"

/* What the parts of the Amazon S3 back end share: s3.c (the store: endpoint, options), request.c (URLs, signed
 * exchanges, regions), known.c (what was learned of buckets), error.c (what is said of refusals), facts.c (what the
 * store writes of objects), get.c and read.c (reading), change.c, write.c, copy.c and upload.c (changing),
 * credentials.c (who asks). What Google's XML interface speaks too is in store/aws. */

enum { NCR_S3_ETAG = 160 };

typedef enum ncr_s3_addressing { NCR_S3_ADDRESSING_AUTO, NCR_S3_PATH, NCR_S3_VIRTUAL } ncr_s3_addressing;

typedef struct ncr_s3_store {
    ncr_store base;
    char *endpoint; /* "https://host", without a slash at the end; NULL: Amazon's own, in each bucket's region */
    ncr_s3_addressing addressing;
    char region[NCR_AWS_REGION];  /* where nothing better is known */
    ncr_credentials *credentials; /* NULL: anonymous */
    bool requester_pays, asked_anonymous, named_by_document;
    _Atomic bool refuses_checksums; /* learned: uploads begin without asking for them */
    ncr_sigv4_keys keys;
} ncr_s3_store;

static inline ncr_s3_store *ncr_s3_of(const ncr_object *object)
{
    return (ncr_s3_store *)object->store;
}

/* --- known.c: learned from answers, for the whole process; bounded, the oldest are forgotten. Synchronised. --- */

/* The region of a bucket; false: not known. */
bool ncr_s3_known_region(const char *endpoint, const char *bucket, char out[NCR_AWS_REGION]);
void ncr_s3_learn_region(const char *endpoint, const char *bucket, const char *region);

/* --- request.c --- */

/* The part of a URL behind the bucket, as it is put together; running out of memory is remembered. */
typedef struct ncr_s3_target {
    ncr_buffer text;
    bool has_query, failed;
} ncr_s3_target;

void ncr_s3_target_begin(ncr_s3_target *target, const char *key); /* NULL: the bucket itself */
/* Adds a query parameter; a NULL value adds none, an empty one "name=". */
void ncr_s3_target_query(ncr_s3_target *target, const char *name, const char *value);

/* "https://BUCKET.host" or "https://host/BUCKET", as the store, the bucket's name and the region have it. NULL: out of
 * memory. */
char *ncr_s3_bucket_url(const ncr_s3_store *store, const char *bucket, const char *region);

/* A request with its signature, sent again where the bucket turns out to be in another region. Single-thread, as the
 * request in it. */
typedef struct ncr_s3_exchange ncr_s3_exchange;
struct ncr_s3_exchange {
    ncr_http_signer signer;
    ncr_http_request *request;
    const ncr_object *object; /* borrowed until done() */
    char *target;
    char region[NCR_AWS_REGION];
    char payload[NCR_SIGV4_HASH];            /* what x-amz-content-sha256 says */
    unsigned moves;                          /* how often another region was tried */
    void (*done)(ncr_s3_exchange *exchange); /* as the request's */
    void *user;
};

/* Makes one for a target, which is consumed: signed, and with the header for requesters who pay. NULL: out of memory.
 */
ncr_s3_exchange *ncr_s3_exchange_new(const char *method, ncr_s3_target *target, const ncr_object *object,
                                     ncr_call *call, unsigned needed_round);
/* Sets the body, which is borrowed until done(), and what proves it: its hash is signed over plain HTTP; where it is
 * not, Content-MD5 says it. With crc32c, the body's (NULL: none), that goes along, and Content-MD5 does not. The hashes
 * are made here, on the caller's thread. False: out of memory. */
bool ncr_s3_exchange_body(ncr_s3_exchange *exchange, const void *data, size_t size, const char *crc32c);
void ncr_s3_exchange_start(ncr_s3_exchange *exchange, void (*done)(ncr_s3_exchange *), void *user);
/* Sends it and waits; not for workers nor the loop thread. */
nacre_status ncr_s3_exchange_perform(ncr_s3_exchange *exchange, nacre_error *err);
void ncr_s3_exchange_free(ncr_s3_exchange *exchange); /* accepts NULL */

/* --- error.c --- */

/* Says in full why a request has no success: for denials, which credentials were used and what to do.
 * request->status must be NACRE_OK. */
nacre_status ncr_s3_status_error(const ncr_http_request *request, const ncr_object *object, nacre_error *err);

nacre_status ncr_s3_no_bucket_error(const ncr_object *object, nacre_error *err);

/* ncr_s3_status_error() for an error that came in a body under status 200. */
nacre_status ncr_s3_failure_error(const ncr_http_request *request, const ncr_aws_failure *failure, int code,
                                  const ncr_object *object, nacre_error *err);

/* --- facts.c --- */

/* The text of an ETag as it is in conditions, with its quotes; NULL: the version is of another kind, or weak. */
const char *ncr_s3_etag(const ncr_version *version);

/* The version of an ETag as a store writes it (some leave the quotes out) and a version id ("" or "null": none). */
void ncr_s3_version_from(const char *etag, const char *version_id, ncr_version *out);

/* Reads an answer's headers: all of the facts but the size. */
void ncr_s3_facts_of(const ncr_object *object, const ncr_http_response *response, ncr_object_facts *out);

/* The MD5 that an ETag is of an object in one part, as 32 lower-case digits; false: it is none. Buckets for one zone
 * ("--x-s3") and keys of the user's (KMS) give other ETags. */
bool ncr_s3_etag_md5(const ncr_object *object, const ncr_http_response *response, const ncr_version *version,
                     char out[33]);

/* 32 lower-case digits. */
void ncr_s3_md5(const void *data, size_t size, char out[33]);
/* The bytes of such digits; false where it begins with fewer than 32. */
bool ncr_s3_read_md5(const char *digits, unsigned char out[16]);

/* --- The operations: see ncr_store_class. --- */

enum { NCR_S3_PART_SIZE = 8 << 20, NCR_S3_PARTS_AT_ONCE = 5, NCR_S3_MOST_PARTS = 10000, NCR_S3_ANSWER_LIMIT = 1 << 20 };

void ncr_s3_get(ncr_get *get);
void ncr_s3_stat(ncr_stat_op *op);
void ncr_s3_list(ncr_list_op *op);
nacre_status ncr_s3_put(ncr_put *put, nacre_error *err);
nacre_status ncr_s3_copy(ncr_copy *copy, nacre_error *err);
nacre_status ncr_s3_remove(ncr_delete *op, nacre_error *err);
nacre_status ncr_s3_upload_begin(ncr_object *object, ncr_call *call, const ncr_condition *condition,
                                 const char *content_type, ncr_upload **out, nacre_error *err);
nacre_status ncr_s3_upload_part(ncr_upload *upload, unsigned number, const void *data, size_t size, nacre_error *err);
nacre_status ncr_s3_upload_finish(ncr_upload *upload, ncr_outcome *outcome, ncr_object_facts *facts, nacre_error *err);
void ncr_s3_upload_abort(ncr_upload *upload);

/* --- change.c: shared by write.c, copy.c and upload.c --- */

/* An exchange of a change: its round follows from all that the call has read so far. */
ncr_s3_exchange *ncr_s3_change_new(const char *method, ncr_s3_target *target, const ncr_object *object, ncr_call *call);

/* Adds If-Match or If-None-Match. NACRE_ERROR_INVALID: the condition's version is not one of this store. */
nacre_status ncr_s3_change_condition(ncr_s3_exchange *exchange, const ncr_object *object,
                                     const ncr_condition *condition, nacre_error *err);

/* Sends a change and waits; the outcome as far as the answer tells. */
nacre_status ncr_s3_change_send(ncr_s3_exchange *exchange, ncr_outcome *outcome, nacre_error *err);
bool ncr_s3_change_succeeded(const ncr_s3_exchange *exchange);

/* Asks what is there now. headers (may be NULL) gets the answer's own lines, released with free(). */
nacre_status ncr_s3_facts_wait(const ncr_object *object, ncr_call *call, ncr_object_facts *out, char **headers,
                               nacre_error *err);

/* The same with the checksum that the store keeps, also of what was uploaded in parts: to this not all have a right who
 * may read the facts (where keys are the user's own). */
nacre_status ncr_s3_checksum_wait(const ncr_object *object, ncr_call *call, ncr_object_facts *out);

/* A condition did not hold: tells what is there instead. */
nacre_status ncr_s3_condition_error(const ncr_object *object, ncr_call *call, const ncr_condition *condition,
                                    nacre_error *err);

/* Removes what was just written under the version that its facts say, since it is not what it should be. */
void ncr_s3_take_back(ncr_object *object, ncr_call *call, const ncr_version *version);

/* Copies a source in parts, for what is too large for one request. */
nacre_status ncr_s3_copy_parts(ncr_copy *copy, const ncr_object_facts *source, const char *source_headers,
                               nacre_error *err);

/* --- upload.c, for copy.c --- */

/* Adds a header to the request that begins an upload: lines of another object's that a copy keeps. */
nacre_status ncr_s3_upload_begin_with(ncr_object *object, ncr_call *call, const ncr_condition *condition,
                                      const char *content_type, const char *more_headers, ncr_upload **out,
                                      nacre_error *err);

/* Fills a part with bytes of another object, "bytes=A-B" of it. */
nacre_status ncr_s3_upload_part_copy(ncr_upload *upload, unsigned number, const char *source, const char *source_etag,
                                     const char *range, nacre_error *err);

/* --- credentials.c --- */

/* Finds who asks, in Amazon's own order; nothing is asked of anybody yet. is_anonymous: nobody (*out is NULL). *region
 * and *endpoint are what the profile says, NULL where it says nothing; the caller's to free. */
nacre_status ncr_s3_find_credentials(const ncr_config *config, bool is_anonymous, ncr_credentials **out, char **region,
                                     char **endpoint, nacre_error *err);

#endif
