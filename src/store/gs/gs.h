/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_STORE_GS_GS_H
#define NCR_STORE_GS_GS_H

#include <jansson.h>

#include "net/http.h"
#include "store/backend.h"
#include "store/bearer.h"
#include "store/crc32c.h"
#include "store/gs/hmac.h"

/* What the parts of the Google Cloud Storage back end share: gs.c (endpoint, credentials, requests, errors),
 * json.c (what the store writes), xml.c and hmac.c (what is another way in the XML interface), get.c and
 * read.c (reading), write.c and upload.c (changing).
 *
 * The two interfaces show the same objects with the same generations. Which one a store speaks is decided by its
 * credentials, and is known to few: URLs, conditions and requests for metadata are made here as the store's interface
 * wants them, and ncr_gs_metadata_of() reads either's answers. */

typedef struct ncr_gs_store {
    ncr_store base;
    char *endpoint;     /* "https://host", no slash at the end */
    bool is_configured; /* the user named the endpoint, so it may be a private address */
    ncr_bearer bearer;
    bool is_sure;       /* the bearer always has a token; else see ncr_gs_is_anonymous() */
    bool is_xml;        /* the credentials are an HMAC key, which signs the XML interface */
    ncr_gs_hmac hmac;   /* where is_xml */
    char *user_project; /* that pays; NULL: the bucket's own */
    bool asked_anonymous, named_by_document;
    char *looked; /* where no credentials were found, for messages; NULL: they were, or none were wanted */
} ncr_gs_store;

static inline ncr_gs_store *ncr_gs_of(const ncr_object *object)
{
    return (ncr_gs_store *)object->store;
}

/* --- gs.c --- */

/* Whether requests go out without a token, as far as is known yet: a machine of Google's may have no account, and is
 * asked at the first request. */
bool ncr_gs_is_anonymous(const ncr_gs_store *store);

/* A URL as it is put together; running out of memory is remembered. */
typedef struct ncr_gs_url {
    ncr_buffer text;
    bool has_query, failed;
    const char *if_generation; /* a condition that is a header in the XML interface; borrowed; NULL: none */
} ncr_gs_url;

/* Begins "ENDPOINT/SERVICE/b/BUCKET/o[/KEY]"; service is "storage/v1" or "upload/storage/v1", key NULL: none. In the
 * XML interface it is "ENDPOINT/BUCKET[/KEY]" whatever the service. */
void ncr_gs_url_begin(ncr_gs_url *url, const ncr_object *object, const char *service, const char *key);
/* Adds "/WORD" or "/WORD/TEXT" with the text percent-encoded. */
void ncr_gs_url_path(ncr_gs_url *url, const char *word, const char *text);
/* Adds a query parameter; a NULL or empty value adds none. */
void ncr_gs_url_query(ncr_gs_url *url, const char *name, const char *value);

/* Makes the request for a URL, which is consumed: with credentials, and the project that pays. NULL: out of memory. */
ncr_http_request *ncr_gs_request(const char *method, ncr_gs_url *url, const ncr_object *object, ncr_call *call,
                                 unsigned needed_round);

/* A GET of the object's bytes; generation and if_not_generation as below. */
ncr_http_request *ncr_gs_media_request(const ncr_object *object, ncr_call *call, const char *generation,
                                       const char *if_not_generation, unsigned needed_round);

/* A request for the object's metadata; generation NULL or "": of what is there now. if_not_generation is a condition in
 * the JSON interface alone: the XML one answers in any case. */
ncr_http_request *ncr_gs_metadata_request(const ncr_object *object, ncr_call *call, const char *generation,
                                          const char *if_not_generation, unsigned needed_round);

/* The number in "generation=N"; NULL where a version is of another kind. */
const char *ncr_gs_generation(const ncr_version *version);
void ncr_gs_version_from(const char *generation, ncr_version *out); /* "" gives no version */
/* The version that an answer's headers state; none: an empty, weak one. */
void ncr_gs_version_of(const ncr_http_response *response, ncr_version *out);

/* The checksum in x-goog-hash, "crc32c=AAAAAA=="; "" where there is none. */
void ncr_gs_checksum_of(const ncr_http_response *response, char *out, size_t out_size);

/* Says in full why a request has no success: with what the store says of it, and for denials which credentials were
 * used and what to do. request->status must be NACRE_OK. */
nacre_status ncr_gs_status_error(const ncr_http_request *request, const ncr_object *object, nacre_error *err);
nacre_status ncr_gs_no_bucket_error(const ncr_object *object, nacre_error *err);

/* --- json.c --- */

typedef struct ncr_gs_metadata {
    ncr_object_facts facts;
    char generation[24];
    char crc32c[NCR_CRC32C_TEXT]; /* "" unknown */
} ncr_gs_metadata;

/* Reads an object's metadata. NACRE_ERROR_CORRUPT, naming `name`: the answer is not such. */
nacre_status ncr_gs_metadata_parse(const ncr_buffer *body, const char *name, ncr_gs_metadata *out, nacre_error *err);
nacre_status ncr_gs_metadata_from(const json_t *root, const char *name, ncr_gs_metadata *out, nacre_error *err);

/* Reads what an answer says of the object: its body, or in the XML interface its headers. There, answers to changes may
 * leave out the generation, and the size (then it is UINT64_MAX). NACRE_ERROR_CORRUPT as above. */
nacre_status ncr_gs_metadata_of(const ncr_http_request *request, const ncr_object *object, ncr_gs_metadata *out,
                                nacre_error *err);

/* Reads a page of a listing into op, in the order of the keys' bytes. */
nacre_status ncr_gs_list_parse(const ncr_buffer *body, ncr_list_op *op);

/* The message in an error's body, JSON, XML ("CODE: MESSAGE") or plain, cut at out_size; false: there is none. */
bool ncr_gs_error_text(const ncr_buffer *body, char *out, size_t out_size);

/* The metadata that a new object is sent with: NULL out of memory, or (is_text false) a key that is not UTF-8. */
char *ncr_gs_metadata_text(const char *key, const char *content_type, const char *crc32c, bool *is_text);

/* --- xml.c: what has another form in the XML interface. *out is NULL after failure. --- */

nacre_status ncr_gs_xml_put_request(const ncr_put *put, uint32_t crc, ncr_http_request **out, nacre_error *err);
nacre_status ncr_gs_xml_copy_request(const ncr_copy *copy, ncr_http_request **out, nacre_error *err);
/* Takes the answer to a copy that had success. */
nacre_status ncr_gs_xml_copy_take(ncr_copy *copy, const ncr_http_request *request, nacre_error *err);
/* Begins a resumable upload. */
nacre_status ncr_gs_xml_begin_request(const ncr_object *object, ncr_call *call, const ncr_condition *condition,
                                      const char *content_type, ncr_http_request **out, nacre_error *err);
/* NULL: out of memory. */
ncr_http_request *ncr_gs_xml_list_request(const ncr_list_op *op);

/* --- The operations: see ncr_store_class. --- */

enum { NCR_GS_PART_SIZE = 8 << 20, NCR_GS_METADATA_LIMIT = 1 << 20 };

void ncr_gs_get(ncr_get *get);
void ncr_gs_stat(ncr_stat_op *op);
void ncr_gs_list(ncr_list_op *op);
nacre_status ncr_gs_put(ncr_put *put, nacre_error *err);
nacre_status ncr_gs_copy(ncr_copy *copy, nacre_error *err);
nacre_status ncr_gs_remove(ncr_delete *op, nacre_error *err);
nacre_status ncr_gs_upload_begin(ncr_object *object, ncr_call *call, const ncr_condition *condition,
                                 const char *content_type, ncr_upload **out, nacre_error *err);
nacre_status ncr_gs_upload_part(ncr_upload *upload, unsigned number, const void *data, size_t size, nacre_error *err);
nacre_status ncr_gs_upload_finish(ncr_upload *upload, ncr_outcome *outcome, ncr_object_facts *facts, nacre_error *err);
void ncr_gs_upload_abort(ncr_upload *upload);

/* --- Shared by write.c and upload.c --- */

/* The request of a change: its round follows from all that the call has read so far. */
ncr_http_request *ncr_gs_change_request(const char *method, ncr_gs_url *url, const ncr_object *object, ncr_call *call);

/* Adds ifGenerationMatch. NACRE_ERROR_INVALID: the condition's version is not one of this store. */
nacre_status ncr_gs_url_condition(ncr_gs_url *url, const ncr_object *object, const ncr_condition *condition,
                                  nacre_error *err);

/* Reads the metadata of what is there now. */
nacre_status ncr_gs_metadata_wait(const ncr_object *object, ncr_call *call, ncr_gs_metadata *out, nacre_error *err);

/* What was written, for telling one's own object from another's. */
typedef struct ncr_gs_written {
    const ncr_object *object;
    ncr_call *call;
    const ncr_condition *condition;
    uint64_t size;
    uint32_t crc;
    bool maybe_done; /* an earlier attempt may have taken effect */
} ncr_gs_written;

/* Judges the answer to a write: sets outcome and facts on success, else says why not. */
nacre_status ncr_gs_written_judge(const ncr_gs_written *written, const ncr_http_request *request, ncr_outcome *outcome,
                                  ncr_object_facts *facts, nacre_error *err);

#endif
