/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "store/az/az.h"
#include "store/change.h"

/* Uploads in parts (blocks). Parts go to the store under names of their own and are not seen; the object appears when
 * their list is sent. Nothing is said to the store at the beginning, and nothing can be said to it when an upload is
 * given up: it forgets parts that no list names after a week, or when the object is written.
 *
 * Two uploads of one object at a time must not mix: the names of parts hold a random number of the upload. So the list
 * of one fails when the other's has come first, and a list may be sent twice: where its object was overwritten in
 * between, its parts are gone. */

enum { NONCE_SIZE = 12, NAME_TEXT = 25 }; /* 16 bytes in base64: all names of an object's parts are equally long */

typedef struct az_upload {
    ncr_upload base;
    ncr_condition condition; /* its version points to `version` */
    ncr_version version;
    char *content_type; /* NULL: the store's default */
    unsigned char nonce[NONCE_SIZE];

    /* Guarded by lock. */
    pthread_mutex_t lock;
    pthread_cond_t turn;
    unsigned hashed; /* the parts whose bytes are in the checksum */
    uint64_t size;
    unsigned count; /* of parts that the store has */

    /* Used by the thread whose part's turn it is. */
    EVP_MD_CTX *md5; /* NULL: there is none here */
} az_upload;

static void release(az_upload *up)
{
    EVP_MD_CTX_free(up->md5);
    pthread_cond_destroy(&up->turn);
    pthread_mutex_destroy(&up->lock);
    free(up->content_type);
    ncr_object_unref(up->base.object);
    ncr_call_unref(up->base.call);
    free(up);
}

/* --- Beginning. --- */

static nacre_status check_condition(const ncr_object *object, const ncr_condition *condition, nacre_error *err)
{
    if (!condition->version || condition->absent || ncr_az_etag(condition->version))
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: '%s' is no version of Azure Blob Storage (etag=\"...\")",
                         object->name, condition->version->token);
}

static az_upload *new_upload(ncr_object *object, ncr_call *call, const ncr_condition *condition,
                             const char *content_type)
{
    az_upload *up = calloc(1, sizeof *up);
    if (!up)
        return NULL;
    pthread_mutex_init(&up->lock, NULL);
    pthread_cond_init(&up->turn, NULL);
    up->base.object = ncr_object_ref(object);
    up->base.call = ncr_call_ref(call);
    up->condition.absent = condition && condition->absent;
    if (condition && condition->version) {
        up->version = *condition->version;
        up->condition.version = &up->version;
    }
    up->content_type = ncr_text_copy(content_type);
    up->md5 = EVP_MD_CTX_new();
    if (!up->md5 || (content_type && !up->content_type)) {
        release(up);
        return NULL;
    }
    if (!EVP_DigestInit_ex(up->md5, EVP_md5(), NULL)) {
        EVP_MD_CTX_free(up->md5);
        up->md5 = NULL;
    }
    return up;
}

nacre_status ncr_az_upload_begin(ncr_object *object, ncr_call *call, const ncr_condition *condition,
                                 const char *content_type, ncr_upload **out, nacre_error *err)
{
    static const ncr_condition none = {0};
    *out = NULL;
    nacre_status status = ncr_object_check_key(object, err);
    if (status == NACRE_OK)
        status = check_condition(object, condition ? condition : &none, err);
    if (status != NACRE_OK)
        return status;
    az_upload *up = new_upload(object, call, condition, content_type);
    if (!up)
        return ncr_error_memory(err);
    /* Not OpenSSL's, which may hang in the child of a fork: see write.c. */
    if (getrandom(up->nonce, sizeof up->nonce, 0) != sizeof up->nonce) {
        release(up);
        return ncr_error_set(err, NACRE_ERROR_IO, "%s: no random numbers to be had", object->name);
    }
    *out = &up->base;
    return NACRE_OK;
}

/* --- Parts. --- */

static void part_name(const az_upload *up, unsigned number, char out[NAME_TEXT])
{
    unsigned char bytes[NONCE_SIZE + 4];
    memcpy(bytes, up->nonce, NONCE_SIZE);
    for (int i = 0; i < 4; i++)
        bytes[NONCE_SIZE + i] = (unsigned char)(number >> (24 - 8 * i));
    EVP_EncodeBlock((unsigned char *)out, bytes, sizeof bytes);
}

/* The checksum of the whole takes the parts in their order. They are begun in it too, so each waits for no more than
 * the hashing of those before. */
static void hash_in_turn(az_upload *up, unsigned number, const void *data, size_t size)
{
    pthread_mutex_lock(&up->lock);
    while (up->hashed + 1 < number)
        pthread_cond_wait(&up->turn, &up->lock);
    pthread_mutex_unlock(&up->lock);
    if (up->md5 && data)
        EVP_DigestUpdate(up->md5, data, size);
    pthread_mutex_lock(&up->lock);
    up->hashed = number;
    up->size += size;
    pthread_cond_broadcast(&up->turn);
    pthread_mutex_unlock(&up->lock);
}

/* The request that makes a part. NULL: out of memory. */
static ncr_http_request *part_request(const az_upload *up, unsigned number)
{
    char name[NAME_TEXT];
    ncr_az_url url;
    part_name(up, number, name);
    ncr_az_url_begin(&url, up->base.object, up->base.object->key);
    ncr_az_url_query(&url, "comp", "block");
    ncr_az_url_query(&url, "blockid", name);
    ncr_http_request *request = ncr_az_change_request("PUT", &url, up->base.object, up->base.call);
    if (request)
        request->idempotent = true; /* the same part under the same name */
    return request;
}

static nacre_status part_error(const az_upload *up, const ncr_http_request *request, nacre_error *err)
{
    if (!ncr_az_error_is(request, "InvalidBlobOrBlock"))
        return ncr_az_status_error(request, up->base.object, err);
    return ncr_error_set_http(err, NACRE_ERROR_IO, request->response.status,
                              "%s: parts that another program left of an upload of this object are in the way "
                              "(InvalidBlobOrBlock); put a small object there first, or wait a week",
                              up->base.object->name);
}

/* Sends a part's request (NULL: out of memory), which is consumed. */
static nacre_status send_part(az_upload *up, ncr_http_request *request, nacre_error *err)
{
    ncr_outcome outcome;
    nacre_status status = request ? ncr_change_send(request, &outcome, err) : ncr_error_memory(err);
    if (status == NACRE_OK && !ncr_change_succeeded(request))
        status = part_error(up, request, err);
    ncr_http_request_free(request);
    pthread_mutex_lock(&up->lock);
    up->count += status == NACRE_OK;
    pthread_mutex_unlock(&up->lock);
    return status;
}

nacre_status ncr_az_upload_part(ncr_upload *upload, unsigned number, const void *data, size_t size, nacre_error *err)
{
    az_upload *up = (az_upload *)upload;
    char md5[NCR_MD5_TEXT];
    hash_in_turn(up, number, data, size);
    ncr_http_request *request = part_request(up, number);
    if (request && ncr_md5(data, size, md5) && !ncr_http_request_header(request, "Content-MD5", md5)) {
        ncr_http_request_free(request);
        request = NULL;
    }
    if (request) {
        request->body = data;
        request->body_size = size;
    }
    return send_part(up, request, err);
}

nacre_status ncr_az_upload_copy_part(ncr_upload *upload, unsigned number, const ncr_az_piece *piece, nacre_error *err)
{
    char range[64];
    az_upload *up = (az_upload *)upload;
    hash_in_turn(up, number, NULL, piece->size);
    snprintf(range, sizeof range, "bytes=%llu-%llu", (unsigned long long)piece->offset,
             (unsigned long long)(piece->offset + piece->size - 1));
    ncr_http_request *request = part_request(up, number);
    bool made = request && ncr_http_request_header(request, "x-ms-copy-source", piece->url) &&
                ncr_http_request_header(request, "x-ms-source-range", range) &&
                ncr_http_request_header(request, "x-ms-source-if-match", piece->etag);
    if (!made) {
        ncr_http_request_free(request);
        return ncr_error_memory(err);
    }
    request->signer = request->signer ? &ncr_az_of(upload->object)->copy_signer.base : NULL;
    return send_part(up, request, err);
}

/* --- The end. --- */

static bool make_list(const az_upload *up, ncr_buffer *out)
{
    ncr_buffer_init(out, (size_t)NCR_AZ_MOST_PARTS * 64 + 256);
    bool made = ncr_text_append(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
    for (unsigned number = 1; made && number <= up->hashed; number++) {
        char name[NAME_TEXT];
        part_name(up, number, name);
        /* "Latest": a list that is sent again finds its parts in the object, too. */
        made = ncr_text_appendf(out, "<Latest>%s</Latest>", name);
    }
    return made && ncr_text_append(out, "</BlockList>");
}

/* The checksum of all bytes; "" where there is none. */
static void checksum_of(az_upload *up, const ncr_az_finish *finish, char out[48])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    char text[NCR_MD5_TEXT];
    unsigned length = 0;
    if (finish) {
        snprintf(out, 48, "%s", finish->checksum);
        return;
    }
    out[0] = '\0';
    if (!up->md5 || !EVP_DigestFinal_ex(up->md5, digest, &length) || length != NCR_MD5_SIZE)
        return;
    ncr_md5_text(digest, text);
    snprintf(out, 48, "md5=%s", text);
}

/* The request that makes the parts an object. NULL: out of memory. */
static ncr_http_request *list_request(const az_upload *up, const ncr_az_finish *finish, const char *checksum,
                                      const ncr_buffer *list)
{
    ncr_az_url url;
    ncr_az_url_begin(&url, up->base.object, up->base.object->key);
    ncr_az_url_query(&url, "comp", "blocklist");
    ncr_http_request *request = ncr_az_change_request("PUT", &url, up->base.object, up->base.call);
    bool made = request && ncr_az_add_type(request, up->content_type) &&
                (!checksum[0] || ncr_http_request_header(request, "x-ms-blob-content-md5", checksum + strlen("md5=")));
    for (size_t i = 0; made && finish && i < finish->header_count; i++)
        made = ncr_http_request_header(request, finish->headers[i].name, finish->headers[i].value);
    if (!made) {
        ncr_http_request_free(request);
        return NULL;
    }
    request->body = list->data;
    request->body_size = list->size;
    request->idempotent = true; /* see the head of this file */
    return request;
}

nacre_status ncr_az_upload_finish_as(ncr_upload *upload, const ncr_az_finish *finish, ncr_outcome *outcome,
                                     ncr_object_facts *facts, nacre_error *err)
{
    az_upload *up = (az_upload *)upload;
    char checksum[48];
    ncr_buffer list;
    *facts = (ncr_object_facts){.modified_ms = -1};
    *outcome = NCR_OUTCOME_NOT_DONE;
    checksum_of(up, finish, checksum);
    ncr_http_request *request = make_list(up, &list) ? list_request(up, finish, checksum, &list) : NULL;
    nacre_status status =
        request ? ncr_az_add_condition(request, up->base.object, &up->condition, err) : ncr_error_memory(err);
    if (status == NACRE_OK)
        status = ncr_change_send(request, outcome, err);
    if (status == NACRE_OK) {
        ncr_az_written written = {.object = up->base.object, .call = up->base.call, .condition = &up->condition};
        written.size = up->size;
        written.checksum = checksum;
        written.content_type = up->content_type;
        written.maybe_done = ncr_change_was_sent_before(request);
        status = ncr_az_written_judge(&written, request, outcome, facts, err);
    }
    ncr_http_request_free(request);
    ncr_buffer_clear(&list);
    release(up);
    return status;
}

nacre_status ncr_az_upload_finish(ncr_upload *upload, ncr_outcome *outcome, ncr_object_facts *facts, nacre_error *err)
{
    return ncr_az_upload_finish_as(upload, NULL, outcome, facts, err);
}

void ncr_az_upload_abort(ncr_upload *upload)
{
    if (upload)
        release((az_upload *)upload);
}
