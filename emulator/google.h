/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_EMULATOR_GOOGLE_H
#define NCR_EMULATOR_GOOGLE_H

#include "server.h"

/* What the JSON and the XML interface share. */

/* Preconditions of the query (ifGenerationMatch...), with a prefix for those of a copy's source ("ifSource"). */
void ncr_emu_query_condition(ncr_emu_request *request, const char *prefix, ncr_emu_condition *out);
/* Preconditions of headers: x-goog-if-generation-match, If-Match... */
void ncr_emu_header_condition(ncr_emu_request *request, ncr_emu_condition *out);

/* The live object with its open file; the version before where the fault `stale` strikes. NULL: there is none. */
ncr_emu_object *ncr_emu_read_object(const ncr_emu_request *request, ncr_emu_bucket *bucket, const char *key, int *fd);

/* x-goog-generation, x-goog-hash and their like; etag as the interface writes it. */
void ncr_emu_object_headers(ncr_emu_reply *reply, const ncr_emu_object *object, const char *etag);

/* An error in Google's JSON form. */
void ncr_emu_json_error(ncr_emu_reply *reply, int status, const char *message);

/* The resource of an object ("storage#object"); a new reference. */
json_t *ncr_emu_object_resource(const ncr_emu_request *request, const ncr_emu_bucket *bucket,
                                const ncr_emu_object *object);

/* POST and PUT on /upload/storage/v1/b/BUCKET/o. */
void ncr_emu_json_upload(ncr_emu_request *request, ncr_emu_bucket *bucket, ncr_emu_reply *reply);

/* Resumable uploads of the XML interface: POST with x-goog-resumable begins one, PUT and DELETE on its URL go on as in
 * the JSON interface. */
void ncr_emu_xml_resumable_begin(ncr_emu_request *request, ncr_emu_bucket *bucket, const char *key,
                                 ncr_emu_reply *reply);
void ncr_emu_resumable_continue(ncr_emu_request *request, ncr_emu_bucket *bucket, const char *id, ncr_emu_reply *reply);

/* Whether a request carries the signature of one of the HMAC keys, if it carries one and there are keys; false: the
 * error is in the reply. *is_proven: it does. */
bool ncr_emu_xml_authenticate(ncr_emu_request *request, bool *is_proven, ncr_emu_reply *reply);

/* Answers with what the draft became. Frees the draft. */
void ncr_emu_json_commit(ncr_emu_request *request, ncr_emu_bucket *bucket, ncr_emu_commit *commit,
                         ncr_emu_reply *reply);

/* An error in the XML interface's form. */
void ncr_emu_xml_error(ncr_emu_reply *reply, int status, const char *code, const char *message);

/* Multipart uploads of the XML interface: POST ?uploads, PUT ?partNumber&uploadId, POST, GET, DELETE ?uploadId. */
void ncr_emu_xml_multipart(ncr_emu_request *request, ncr_emu_bucket *bucket, const char *key, ncr_emu_reply *reply);

/* The status of a commit that failed, in XML. */
void ncr_emu_xml_commit_error(ncr_emu_reply *reply, int status);

/* The metadata that an XML request sets by its headers; a new reference. */
json_t *ncr_emu_xml_fields(ncr_emu_request *request);

/* Appends text as XML character data. */
void ncr_emu_xml_append(ncr_buffer *out, const char *text);

/* Whether the digests that the request claims (x-goog-hash, Content-MD5) are those of the draft so far; where they are
 * not, the draft has failed. */
bool ncr_emu_digest_matches(ncr_emu_request *request, const ncr_emu_draft *draft);

#endif
