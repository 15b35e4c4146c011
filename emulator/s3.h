/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_EMULATOR_S3_H
#define NCR_EMULATOR_S3_H

#include "s3_checksum.h"
#include "s3_sign.h"
#include "server.h"
#include "versions.h"

/* What the files of Amazon's interface share: docs/internals/emulator.md has the table of what is answered. */

/* A request to the S3 interface on its way to an answer. Single-thread. */
typedef struct ncr_emu_s3 {
    ncr_emu_request *request;
    ncr_emu_reply *reply;
    char *name, *key;            /* of the bucket and the object; "" where the target names none */
    ncr_emu_bucket *bucket;      /* NULL: the target names none, or there is none of that name */
    char id[17];                 /* x-amz-request-id */
    char *signed_region;         /* of the credential's scope; NULL: unsigned */
    ncr_emu_signature signature; /* what the chunks of a signed body are held against */
} ncr_emu_s3;

/* An error in S3's form, with the status and the message that belong to the code. detail: XML that goes into it, or
 * NULL. */
void ncr_emu_s3_error(ncr_emu_s3 *s3, const char *code, const char *detail);
/* Like ncr_emu_s3_error(), with a message of its own. */
void ncr_emu_s3_refuse(ncr_emu_s3 *s3, const char *code, const char *message);
/* The error for what the object store answered: 404, 412, 400, 500. */
void ncr_emu_s3_status_error(ncr_emu_s3 *s3, int status);

/* An answer in XML begins: declaration and root element with S3's namespace; the caller closes the root. */
void ncr_emu_s3_xml(ncr_emu_s3 *s3, const char *root);
/* <name>text</name>; text may be NULL, then nothing is written. */
void ncr_emu_s3_element(ncr_buffer *out, const char *name, const char *text);
void ncr_emu_s3_number(ncr_buffer *out, const char *name, uint64_t value);
void ncr_emu_s3_time(ncr_buffer *out, const char *name, int64_t time_ms);
/* Text as XML character data, control characters as references. */
void ncr_emu_s3_escape(ncr_buffer *out, const char *text);

/* --- Access (s3_auth.c) --- */

/* Whether the request may be answered: its signature, its token, the bucket's region; false: the error is in the
 * reply. */
bool ncr_emu_s3_authorise(ncr_emu_s3 *s3);
/* Whether a bucket is not denied; false: the error is in the reply. */
bool ncr_emu_s3_allowed(ncr_emu_s3 *s3, const char *bucket);
/* The region that the bucket was given, by the emulator's settings or when it was made; malloc'd, NULL: none. */
char *ncr_emu_s3_region(ncr_emu_s3 *s3);
/* The label "s3" of a Host header and what follows it ("s3.localhost" of "bucket.s3.localhost"), or NULL. */
const char *ncr_emu_s3_host_label(const char *host);

/* Where the fault `late-error` strikes: the answer is 200 with an error in its body. */
bool ncr_emu_s3_late_error(ncr_emu_s3 *s3);

bool ncr_emu_s3_is(const ncr_emu_s3 *s3, const char *method);

/* --- Objects (s3_object.c, s3_copy.c) --- */

void ncr_emu_s3_get(ncr_emu_s3 *s3); /* HEAD too */
void ncr_emu_s3_put(ncr_emu_s3 *s3);
void ncr_emu_s3_copy(ncr_emu_s3 *s3);
void ncr_emu_s3_delete(ncr_emu_s3 *s3);

/* What headers set: Content-Type, x-amz-meta-...; a new reference. */
json_t *ncr_emu_s3_fields(ncr_emu_s3 *s3);
/* If-Match and If-None-Match of a write; false where they ask for what S3 has not, and the error is in the reply. */
bool ncr_emu_s3_write_condition(ncr_emu_s3 *s3, ncr_emu_condition *out);
/* x-amz-version-id, where the bucket has versions. */
void ncr_emu_s3_version_header(ncr_emu_s3 *s3, const ncr_emu_object *object);

/* The object that x-amz-copy-source names, under its preconditions, with its open file; NULL: the error is in the
 * reply. */
ncr_emu_object *ncr_emu_s3_copy_source(ncr_emu_s3 *s3, int *fd);

/* --- Uploads in parts (s3_upload.c, s3_complete.c) --- */

void ncr_emu_s3_upload_begin(ncr_emu_s3 *s3);
void ncr_emu_s3_upload_part(ncr_emu_s3 *s3);
void ncr_emu_s3_upload_part_copy(ncr_emu_s3 *s3);
void ncr_emu_s3_upload_complete(ncr_emu_s3 *s3);
void ncr_emu_s3_upload_abort(ncr_emu_s3 *s3);
void ncr_emu_s3_list_parts(ncr_emu_s3 *s3);
void ncr_emu_s3_list_uploads(ncr_emu_s3 *s3);

/* The upload of uploadId, held, where it is of this bucket and key; NULL: the error is in the reply. */
ncr_emu_upload *ncr_emu_s3_upload_get(ncr_emu_s3 *s3);
/* The ETag of a part, with its quotes. */
void ncr_emu_s3_part_etag(const ncr_emu_part *part, char out[NCR_EMU_ETAG_SIZE]);

/* --- Listings (s3_list.c) --- */

void ncr_emu_s3_list(ncr_emu_s3 *s3);
void ncr_emu_s3_list_second(ncr_emu_s3 *s3);
void ncr_emu_s3_list_versions(ncr_emu_s3 *s3);
void ncr_emu_s3_list_buckets(ncr_emu_s3 *s3);

/* --- Buckets (s3_bucket.c) --- */

void ncr_emu_s3_bucket_create(ncr_emu_s3 *s3);
void ncr_emu_s3_bucket_delete(ncr_emu_s3 *s3);
void ncr_emu_s3_bucket_head(ncr_emu_s3 *s3);
void ncr_emu_s3_bucket_location(ncr_emu_s3 *s3);
void ncr_emu_s3_versioning_get(ncr_emu_s3 *s3);
void ncr_emu_s3_versioning_put(ncr_emu_s3 *s3);
void ncr_emu_s3_payer_get(ncr_emu_s3 *s3);
void ncr_emu_s3_payer_put(ncr_emu_s3 *s3);
/* Whether the bucket's owner pays, or the requester says that he does; false: the error is in the reply. */
bool ncr_emu_s3_is_paid(ncr_emu_s3 *s3);
void ncr_emu_s3_delete_several(ncr_emu_s3 *s3);

#endif
