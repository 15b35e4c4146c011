/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/fork.h"
#include "base/text.h"
#include "store/gs/credentials.h"

/* A service account's assertion: a JSON web token (RFC 7519) signed with RSASSA-PKCS1-v1_5 and SHA-256 (RFC 7518,
 * section 3.3). */

enum { LIFE_S = 3600, TEXT_LIMIT = 64 << 10 };

/* Held while OpenSSL is at work, so that no fork finds its locks taken. */
static pthread_mutex_t signing = PTHREAD_MUTEX_INITIALIZER;

NCR_AT_LOAD keep_over_fork(void)
{
    ncr_fork_keep(&signing);
}

/* Base64 with "-" and "_", without "=" (RFC 7515, section 2). */
static bool append_base64url(ncr_buffer *out, const void *data, size_t size)
{
    size_t room = (size + 2) / 3 * 4 + 1;
    char *text = ncr_buffer_reserve(out, room);
    if (!text || size > TEXT_LIMIT)
        return false;
    int length = EVP_EncodeBlock((unsigned char *)text, data, (int)size);
    while (length > 0 && text[length - 1] == '=')
        length--;
    for (int i = 0; i < length; i++)
        text[i] = (char)(text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i]);
    text[length] = '\0';
    out->size += (size_t)length;
    return true;
}

static bool append_json(ncr_buffer *out, json_t *object)
{
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    bool appended = text && append_base64url(out, text, strlen(text));
    free(text);
    json_decref(object);
    return appended;
}

static json_t *make_header(const json_t *file)
{
    const char *key_id = ncr_token_text(file, "private_key_id");
    return key_id ? json_pack("{ss ss ss}", "alg", "RS256", "typ", "JWT", "kid", key_id)
                  : json_pack("{ss ss}", "alg", "RS256", "typ", "JWT");
}

/* Without this OpenSSL would ask on the terminal. */
static int no_password(char *buffer, int size, int is_writing, void *user)
{
    (void)buffer;
    (void)size;
    (void)is_writing;
    (void)user;
    return 0;
}

static EVP_PKEY *read_key(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    BIO_free(bio);
    return key;
}

enum { SIGNATURE_ROOM = 2048 }; /* of a key of 16,384 bits */

static bool sign_text(const ncr_buffer *text, EVP_PKEY *key, unsigned char signature[SIGNATURE_ROOM], size_t *size)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    *size = SIGNATURE_ROOM;
    bool is_signed = context && EVP_PKEY_get_size(key) <= SIGNATURE_ROOM &&
                     EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
                     EVP_DigestSign(context, signature, size, text->data, text->size) == 1;
    EVP_MD_CTX_free(context);
    return is_signed;
}

static nacre_status sign_locked(ncr_buffer *text, const char *pem, nacre_error *err)
{
    unsigned char signature[SIGNATURE_ROOM];
    size_t size;
    EVP_PKEY *key = read_key(pem);
    nacre_status status = NACRE_OK;
    if (!key || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
        status = ncr_error_set(err, NACRE_ERROR_DENIED,
                               "the private_key of the service account's file is no RSA key in PEM form");
    else if (!sign_text(text, key, signature, &size))
        status = ncr_error_set(err, NACRE_ERROR_DENIED, "the service account's private_key cannot sign");
    else if (!ncr_text_append(text, ".") || !append_base64url(text, signature, size))
        status = ncr_error_memory(err);
    EVP_PKEY_free(key);
    return status;
}

nacre_status ncr_gs_jwt_sign(const json_t *file, const char *scope, const char *audience, int64_t now_s, char **out,
                             nacre_error *err)
{
    ncr_buffer text;
    *out = NULL;
    const char *email = ncr_gs_file_text(file, "client_email", err);
    const char *pem = email ? ncr_gs_file_text(file, "private_key", err) : NULL;
    if (!pem)
        return NACRE_ERROR_DENIED;
    ncr_buffer_init(&text, TEXT_LIMIT);
    json_t *claims = json_pack("{ss ss ss sI sI}", "iss", email, "scope", scope, "aud", audience, "iat",
                               (json_int_t)now_s, "exp", (json_int_t)(now_s + LIFE_S));
    bool made = append_json(&text, make_header(file)) && ncr_text_append(&text, ".");
    made = append_json(&text, claims) && made;
    nacre_status status = made ? NACRE_OK : ncr_error_memory(err);
    if (status == NACRE_OK) {
        pthread_mutex_lock(&signing);
        status = sign_locked(&text, pem, err);
        pthread_mutex_unlock(&signing);
    }
    if (status == NACRE_OK) {
        *out = ncr_text_copy((const char *)text.data);
        status = *out ? NACRE_OK : ncr_error_memory(err);
    }
    ncr_token_wipe(&text);
    return status;
}
