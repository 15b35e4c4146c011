/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_STORE_AZ_AZ_H
#define NCR_STORE_AZ_AZ_H

#include "net/http.h"
#include "store/az/sign.h"
#include "store/backend.h"
#include "store/checksum.h"

/* What the parts of the Azure Blob Storage back end share: settings.c (which account, where, which credentials),
 * credentials.c (tokens), sign.c (who asks), az.c (URLs, requests, versions, errors), xml.c (what the store
 * writes), get.c and read.c (reading), write.c, copy.c and upload.c (changing). */

/* --- settings.c --- */

/* What the configuration says of an account. Texts are owned; NULL: none. */
typedef struct ncr_az_settings {
    char *account;
    char *endpoint; /* with the account: "https://a.blob.core.windows.net" or "http://127.0.0.1:10000/a" */
    char *key;      /* base64 */
    char *sas;      /* without "?" */
    const char *key_origin, *sas_origin; /* for messages */
    bool is_configured;                  /* the user named the endpoint, so it may be a private address */
    bool is_other;                       /* the path names another account than the configuration */
} ncr_az_settings;

/* location: the account as a path names it ("account", "account.dfs.core.windows.net"); NULL: it does not.
 * NACRE_ERROR_INVALID: there is no account, or a value is not understood. */
nacre_status ncr_az_settings_read(ncr_config *config, const char *location, ncr_az_settings *out, nacre_error *err);
void ncr_az_settings_clear(ncr_az_settings *settings);

/* --- credentials.c --- */

/* The credentials that give tokens (see docs/guide/azure.md for the order), NULL in *out: none are configured, and
 * none can be here. */
nacre_status ncr_az_token_credentials(ncr_config *config, ncr_credentials **out, nacre_error *err);

/* --- az.c --- */

typedef struct ncr_az_store {
    ncr_store base;
    char *endpoint;     /* no slash at the end */
    bool is_configured; /* see ncr_az_settings */
    char *sas;          /* NULL: none */
    ncr_az_signer signer;
    ncr_az_signer copy_signer; /* the same, and proves to the store that it may read the source too */
    char *sas_origin;
    bool asked_anonymous, named_by_document, is_other;
} ncr_az_store;

static inline ncr_az_store *ncr_az_of(const ncr_object *object)
{
    return (ncr_az_store *)object->store;
}

/* The one version of the service that all requests are written for. */
#define NCR_AZ_VERSION "2021-12-02"

/* A URL as it is put together; running out of memory is remembered. */
typedef struct ncr_az_url {
    ncr_buffer text;
    bool has_query, failed;
} ncr_az_url;

/* Begins "ENDPOINT/CONTAINER[/KEY]"; key NULL: none. */
void ncr_az_url_begin(ncr_az_url *url, const ncr_object *object, const char *key);
/* Adds a query parameter; a NULL or empty value adds none. */
void ncr_az_url_query(ncr_az_url *url, const char *name, const char *value);
/* Ends it with what grants access, if that is a part of URLs. The text is the caller's; NULL: out of memory. */
char *ncr_az_url_end(ncr_az_url *url, const ncr_object *object);

/* Makes the request for a URL, which is consumed. NULL: out of memory. */
ncr_http_request *ncr_az_request(const char *method, ncr_az_url *url, const ncr_object *object, ncr_call *call,
                                 unsigned needed_round);

/* A HEAD of the object. */
ncr_http_request *ncr_az_head_request(const ncr_object *object, ncr_call *call, unsigned needed_round);

/* The ETag in "etag=..."; NULL where a version is of another kind, or weak. */
const char *ncr_az_etag(const ncr_version *version);
/* The version of an ETag as headers and listings write it, with quotes or without; "" gives none. */
void ncr_az_version_from(const char *etag, const char *version_id, ncr_version *out);

/* What an answer's headers say of an object, but for its size. */
void ncr_az_describe(const ncr_http_response *response, ncr_object_facts *out);

/* Whether an answer's headers say that this is a directory, not an object. */
bool ncr_az_is_directory(const ncr_http_response *response);
nacre_status ncr_az_directory_error(const ncr_object *object, nacre_error *err);

/* The store's short word for a failure, as in "BlobNotFound"; "" none. */
void ncr_az_error_code(const ncr_http_request *request, char *out, size_t out_size);
bool ncr_az_error_is(const ncr_http_request *request, const char *code);

/* Says in full why a request has no success: with what the store says of it, and for denials which credentials were
 * used and what to do. request->status must be NACRE_OK. */
nacre_status ncr_az_status_error(const ncr_http_request *request, const ncr_object *object, nacre_error *err);

/* --- xml.c --- */

/* Reads a page of a listing into op, in the order of the keys' bytes. */
nacre_status ncr_az_list_parse(const ncr_buffer *body, ncr_list_op *op);

/* The code and message in an error's body; "" where there are none. */
void ncr_az_error_parse(const ncr_buffer *body, char *code, size_t code_size, char *said, size_t said_size);

/* --- The operations: see ncr_store_class. --- */

enum { NCR_AZ_PART_SIZE = 8 << 20, NCR_AZ_MOST_PARTS = 50000, NCR_AZ_PARTS_AT_ONCE = 4 };

void ncr_az_get(ncr_get *get);
void ncr_az_stat(ncr_stat_op *op);
void ncr_az_list(ncr_list_op *op);
nacre_status ncr_az_put(ncr_put *put, nacre_error *err);
nacre_status ncr_az_copy(ncr_copy *copy, nacre_error *err);
nacre_status ncr_az_remove(ncr_delete *op, nacre_error *err);
nacre_status ncr_az_upload_begin(ncr_object *object, ncr_call *call, const ncr_condition *condition,
                                 const char *content_type, ncr_upload **out, nacre_error *err);
nacre_status ncr_az_upload_part(ncr_upload *upload, unsigned number, const void *data, size_t size, nacre_error *err);
nacre_status ncr_az_upload_finish(ncr_upload *upload, ncr_outcome *outcome, ncr_object_facts *facts, nacre_error *err);
void ncr_az_upload_abort(ncr_upload *upload);

/* --- Shared by write.c, copy.c and upload.c --- */

/* The request of a change: its round follows from all that the call has read so far. */
ncr_http_request *ncr_az_change_request(const char *method, ncr_az_url *url, const ncr_object *object, ncr_call *call);

/* Adds what makes a change conditional. NACRE_ERROR_INVALID: the version is not one of this store. */
nacre_status ncr_az_add_condition(ncr_http_request *request, const ncr_object *object, const ncr_condition *condition,
                                  nacre_error *err);

/* Whether the store says that the condition does not hold. */
bool ncr_az_is_condition(const ncr_http_request *request);
/* What is there instead, as the condition has it. */
nacre_status ncr_az_condition_error(const ncr_object *object, ncr_call *call, const ncr_condition *condition,
                                    nacre_error *err);

/* Reads the facts of what is there now. */
nacre_status ncr_az_facts_wait(const ncr_object *object, ncr_call *call, ncr_object_facts *out, nacre_error *err);

/* What was written, for telling one's own object from another's. */
typedef struct ncr_az_written {
    const ncr_object *object;
    ncr_call *call;
    const ncr_condition *condition;
    uint64_t size;
    const char *checksum; /* "md5=BASE64" */
    const char *content_type;
    bool maybe_done; /* an earlier attempt may have taken effect */
} ncr_az_written;

/* Judges the answer to a write: sets outcome and facts on success, else says why not. */
nacre_status ncr_az_written_judge(const ncr_az_written *written, const ncr_http_request *request, ncr_outcome *outcome,
                                  ncr_object_facts *facts, nacre_error *err);

/* Adds the content type, if it is one; false: out of memory. */
bool ncr_az_add_type(ncr_http_request *request, const char *content_type);

/* --- upload.c, for copies: parts that the store reads by itself --- */

/* Bytes of another object, of at least one byte; borrowed. */
typedef struct ncr_az_piece {
    const char *url;  /* with what grants access */
    const char *etag; /* only of this version */
    uint64_t offset, size;
} ncr_az_piece;

/* Like ncr_az_upload_part(). */
nacre_status ncr_az_upload_copy_part(ncr_upload *upload, unsigned number, const ncr_az_piece *piece, nacre_error *err);

/* What an object gets that is made of such parts; borrowed. */
typedef struct ncr_az_header {
    char *name, *value;
} ncr_az_header;

typedef struct ncr_az_finish {
    const char *checksum; /* "md5=BASE64", "" unknown */
    const ncr_az_header *headers;
    size_t header_count;
} ncr_az_finish;

/* Like ncr_az_upload_finish(); finish NULL: the same. */
nacre_status ncr_az_upload_finish_as(ncr_upload *upload, const ncr_az_finish *finish, ncr_outcome *outcome,
                                     ncr_object_facts *facts, nacre_error *err);

#endif
