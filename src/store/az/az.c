/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/az/az.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/body.h"
#include "store/token.h"

/* Azure Blob Storage, and servers like it: URLs, requests, versions, and what is said when they refuse. */

/* --- URLs and requests. --- */

enum { URL_LIMIT = 64 << 10 };

static void add(ncr_az_url *url, const char *text)
{
    url->failed |= !ncr_text_append(&url->text, text);
}

static void add_escaped(ncr_az_url *url, const char *text, const char *keep)
{
    url->failed |= !ncr_text_append_escaped(&url->text, text, keep);
}

void ncr_az_url_begin(ncr_az_url *url, const ncr_object *object, const char *key)
{
    *url = (ncr_az_url){0};
    ncr_buffer_init(&url->text, URL_LIMIT);
    add(url, ncr_az_of(object)->endpoint);
    add(url, "/");
    add_escaped(url, object->bucket, "$"); /* $root, $web */
    if (!key)
        return;
    add(url, "/");
    add_escaped(url, key, "/");
}

static void begin_parameter(ncr_az_url *url)
{
    add(url, url->has_query ? "&" : "?");
    url->has_query = true;
}

void ncr_az_url_query(ncr_az_url *url, const char *name, const char *value)
{
    if (!value || !*value)
        return;
    begin_parameter(url);
    add(url, name);
    add(url, "=");
    add_escaped(url, value, "");
}

char *ncr_az_url_end(ncr_az_url *url, const ncr_object *object)
{
    const char *sas = ncr_az_of(object)->sas;
    if (sas) {
        begin_parameter(url);
        add(url, sas);
    }
    if (url->failed)
        ncr_buffer_clear(&url->text);
    return (char *)url->text.data;
}

ncr_http_request *ncr_az_request(const char *method, ncr_az_url *url, const ncr_object *object, ncr_call *call,
                                 unsigned needed_round)
{
    ncr_az_store *store = ncr_az_of(object);
    char *text = ncr_az_url_end(url, object);
    ncr_http_request *request = text ? ncr_http_request_new(method, text, object->name, call) : NULL;
    free(text);
    if (!request || !ncr_http_request_header(request, "x-ms-version", NCR_AZ_VERSION)) {
        ncr_http_request_free(request);
        return NULL;
    }
    request->signer = store->signer.bearer.credentials ? &store->signer.base : NULL;
    request->needed_round = needed_round;
    request->public_only = object->public_only && !store->is_configured;
    return request;
}

ncr_http_request *ncr_az_head_request(const ncr_object *object, ncr_call *call, unsigned needed_round)
{
    ncr_az_url url;
    ncr_az_url_begin(&url, object, object->key);
    return ncr_az_request("HEAD", &url, object, call, needed_round);
}

/* --- Versions and facts. --- */

static const char etag_kind[] = "etag=";

const char *ncr_az_etag(const ncr_version *version)
{
    bool is_ours = version->strong && ncr_text_starts(version->token, etag_kind);
    return is_ours ? version->token + sizeof etag_kind - 1 : NULL;
}

void ncr_az_version_from(const char *etag, const char *version_id, ncr_version *out)
{
    *out = (ncr_version){0};
    size_t length = strlen(etag);
    bool is_quoted = length > 2 && etag[0] == '"' && etag[length - 1] == '"';
    bool is_bare = length && !strpbrk(etag, "\" ,") && !ncr_text_starts(etag, "W/");
    if (length + sizeof etag_kind + 2 > sizeof out->token || (!is_quoted && !is_bare))
        return;
    out->strong = true;
    snprintf(out->token, sizeof out->token, is_quoted ? "%s%s" : "%s\"%s\"", etag_kind, etag);
    if (strlen(version_id) < sizeof out->version_id)
        snprintf(out->version_id, sizeof out->version_id, "%s", version_id);
}

static void header(const ncr_http_response *response, const char *name, char *out, size_t out_size)
{
    if (!ncr_http_response_header(response, name, out, out_size))
        out[0] = '\0';
}

/* The MD5 of the whole blob. What is appended to or written into a blob does not change the one that was stored with
 * it, so only block blobs have one that holds. */
static void read_checksum(const ncr_http_response *response, ncr_object_facts *out)
{
    char type[24], md5[40];
    header(response, "x-ms-blob-type", type, sizeof type);
    header(response, "x-ms-blob-content-md5", md5, sizeof md5);
    if (!md5[0] && response->status != 206)
        header(response, "content-md5", md5, sizeof md5);
    if (strlen(md5) == NCR_MD5_TEXT - 1 && (!type[0] || strcmp(type, "BlockBlob") == 0))
        snprintf(out->checksum, sizeof out->checksum, "md5=%s", md5);
}

void ncr_az_describe(const ncr_http_response *response, ncr_object_facts *out)
{
    char etag[192], version_id[128];
    ncr_body_describe(response, out);
    header(response, "etag", etag, sizeof etag);
    header(response, "x-ms-version-id", version_id, sizeof version_id);
    ncr_az_version_from(etag, version_id, &out->version);
    read_checksum(response, out);
}

bool ncr_az_is_directory(const ncr_http_response *response)
{
    char kind[24], folder[8];
    header(response, "x-ms-resource-type", kind, sizeof kind);
    header(response, "x-ms-meta-hdi_isfolder", folder, sizeof folder);
    return ncr_text_equal_nocase(kind, "directory") || ncr_text_equal_nocase(folder, "true");
}

nacre_status ncr_az_directory_error(const ncr_object *object, nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_NOT_FOUND, "%s: is a directory, not an object", object->name);
}

/* --- Errors. --- */

void ncr_az_error_code(const ncr_http_request *request, char *out, size_t out_size)
{
    char said[2];
    header(&request->response, "x-ms-error-code", out, out_size);
    if (!out[0])
        ncr_az_error_parse(&request->response.whole, out, out_size, said, sizeof said);
}

bool ncr_az_error_is(const ncr_http_request *request, const char *code)
{
    char said[96];
    ncr_az_error_code(request, said, sizeof said);
    return strcmp(said, code) == 0;
}

/* An error as the store tells it. */
typedef struct told {
    int status;
    char code[96], said[400];
} told;

/* "CODE: text", as far as there are any. */
static void describe(const told *t, char *out, size_t out_size)
{
    snprintf(out, out_size, "%s%s%s", t->code, t->code[0] && t->said[0] ? ": " : "", t->said);
}

/* Whether requests go with a key or a token; the look for a managed identity may have found none. */
static bool has_credentials(const ncr_az_store *store)
{
    ncr_secret *secret;
    nacre_error unused;
    ncr_credentials *credentials = store->signer.bearer.credentials;
    if (!credentials || ncr_credentials_get(credentials, "", &secret, &unused) != NCR_HTTP_READY)
        return credentials != NULL;
    bool has = secret->key || secret->token;
    ncr_secret_unref(secret);
    return has;
}

#define LOOKED                                                                                  \
    "az.connection_string, az.access_token, az.access_key, az.sas_token, AZURE_CLIENT_SECRET, " \
    "AZURE_FEDERATED_TOKEN_FILE and the managed identity"

/* Why a denial is one, and what to do, by who asked. */
static nacre_status denied(const ncr_az_store *store, const char *name, const told *t, nacre_error *err)
{
    char words[512];
    describe(t, words, sizeof words);
    const ncr_credentials *credentials = has_credentials(store) ? store->signer.bearer.credentials : NULL;
    const char *colon = words[0] ? ": " : "", *origin = credentials ? ncr_credentials_origin(credentials) : "";
    const char *role = strcmp(t->code, "AuthorizationPermissionMismatch") == 0
                           ? " (its identity needs a role like Storage Blob Data Reader or Contributor)"
                           : "";
    if (credentials)
        return ncr_error_set_http(err, NACRE_ERROR_DENIED, t->status,
                                  "%s: denied (%d): the %s from %s was refused%s%s%s", name, t->status,
                                  store->signer.is_key ? "account key" : "access token", origin, role, colon, words);
    if (store->sas)
        return ncr_error_set_http(err, NACRE_ERROR_DENIED, t->status,
                                  "%s: denied (%d): the shared access signature from %s was refused; it may have "
                                  "ended, or not allow this%s%s",
                                  name, t->status, store->sas_origin ? store->sas_origin : "", colon, words);
    const char *why = "no Azure credentials found (looked in " LOOKED "); for public data use --no-sign-request";
    if (store->asked_anonymous)
        why = "it is not public, and az.no_sign_request says to ask without credentials";
    else if (store->named_by_document)
        why = "it is not public, and what a document names in another place is read without credentials";
    else if (store->is_other)
        why = "it is in another account than the one whose key or signature is configured, and no token is";
    return ncr_error_set_http(err, NACRE_ERROR_DENIED, t->status, "%s: denied (%d): %s%s%s", name, t->status, why,
                              colon, words);
}

static nacre_status not_found(const ncr_object *object, const ncr_http_request *request, const told *t,
                              nacre_error *err)
{
    const ncr_az_store *store = ncr_az_of(object);
    if (strcmp(t->code, "ContainerNotFound") == 0)
        return ncr_error_set_http(err, NACRE_ERROR_NOT_FOUND, 404, "%s: not found (404): there is no container '%s'",
                                  object->name, object->bucket);
    if (strcmp(t->code, "BlobNotFound") == 0)
        return ncr_error_set_http(err, NACRE_ERROR_NOT_FOUND, 404,
                                  "%s: not found (404): the container '%s' has no object of this key; list it to see "
                                  "those there are",
                                  object->name, object->bucket);
    if (!has_credentials(store) && !store->sas) /* without credentials, what is private is not found either */
        return ncr_error_set_http(err, NACRE_ERROR_NOT_FOUND, 404,
                                  "%s: not found (404): the container '%s' is not there, or not public and asked for "
                                  "without credentials",
                                  object->name, object->bucket);
    return ncr_http_status_error(request, t->code, err);
}

nacre_status ncr_az_status_error(const ncr_http_request *request, const ncr_object *object, nacre_error *err)
{
    told t = {.status = request->response.status};
    char header_code[96], words[512];
    ncr_az_error_parse(&request->response.whole, t.code, sizeof t.code, t.said, sizeof t.said);
    header(&request->response, "x-ms-error-code", header_code, sizeof header_code);
    if (header_code[0])
        snprintf(t.code, sizeof t.code, "%s", header_code);
    static const char *const refusals[] = {"PublicAccessNotPermitted", "BlobImmutableDueToPolicy", "LeaseIdMissing"};
    bool is_refused = t.status == 401 || t.status == 403 || strcmp(t.code, refusals[0]) == 0;
    if (is_refused)
        return denied(ncr_az_of(object), object->name, &t, err);
    if (t.status == 404)
        return not_found(object, request, &t, err);
    describe(&t, words, sizeof words);
    if (strcmp(t.code, refusals[1]) == 0 || strcmp(t.code, refusals[2]) == 0)
        return ncr_error_set_http(err, NACRE_ERROR_DENIED, t.status, "%s: denied (%d): %s", object->name, t.status,
                                  words);
    return ncr_http_status_error(request, words, err);
}

/* --- The store. --- */

static void az_free(ncr_store *base)
{
    ncr_az_store *store = (ncr_az_store *)base;
    free(store->endpoint);
    free(store->sas);
    free(store->sas_origin);
    ncr_az_signer_clear(&store->signer);
    ncr_az_signer_clear(&store->copy_signer);
}

static bool az_can_copy(const ncr_object *source, const ncr_object *destination)
{
    return source->store->class == destination->store->class &&
           strcmp(source->store->id, destination->store->id) == 0 &&
           strcmp(source->store->credentials, destination->store->credentials) == 0;
}

static void az_about(const ncr_object *object, ncr_store_about *out)
{
    const ncr_az_store *store = ncr_az_of(object);
    ncr_credentials *credentials = store->signer.bearer.credentials;
    out->title = "Azure Blob Storage";
    snprintf(out->endpoint, sizeof out->endpoint, "%s", store->endpoint);
    if (credentials) {
        out->kind = store->signer.is_key ? "account key" : "access token";
        out->credentials = credentials;
        snprintf(out->origin, sizeof out->origin, "%s", ncr_credentials_origin(credentials));
    } else if (store->sas) {
        out->kind = "shared access signature";
        snprintf(out->origin, sizeof out->origin, "%s", store->sas_origin ? store->sas_origin : "az.sas_token");
    } else if (store->asked_anonymous) {
        snprintf(out->looked, sizeof out->looked, "az.no_sign_request says to ask without credentials");
    } else if (store->is_other) {
        snprintf(out->looked, sizeof out->looked, "the configured key or signature is another account's");
    } else {
        snprintf(out->looked, sizeof out->looked, "looked in " LOOKED);
    }
}

static const ncr_store_class az_class = {
    .name = "az",
    .holder = "container",
    .part_size = NCR_AZ_PART_SIZE,
    .parts_at_once = NCR_AZ_PARTS_AT_ONCE,
    .most_parts = NCR_AZ_MOST_PARTS,
    .can_copy = az_can_copy,
    .get = ncr_az_get,
    .stat = ncr_az_stat,
    .list = ncr_az_list,
    .put = ncr_az_put,
    .copy = ncr_az_copy,
    .remove = ncr_az_remove,
    .upload_begin = ncr_az_upload_begin,
    .upload_part = ncr_az_upload_part,
    .upload_finish = ncr_az_upload_finish,
    .upload_abort = ncr_az_upload_abort,
    .about = az_about,
    .free = az_free,
};

/* The account's key as credentials; NULL: out of memory. */
static ncr_credentials *key_credentials(const ncr_az_settings *settings)
{
    char hash[NCR_TOKEN_HASH_TEXT];
    ncr_token_hash(settings->key, strlen(settings->key), hash);
    char *id = ncr_text_format("key:%s:%s", settings->account, hash);
    ncr_secret *secret = ncr_secret_new(settings->account, settings->key, NULL, INT64_MAX);
    const char *origin = settings->key_origin ? settings->key_origin : "az.access_key";
    ncr_credentials *credentials = id && secret ? ncr_credentials_fixed(id, origin, secret) : NULL;
    ncr_secret_unref(secret);
    free(id);
    return credentials;
}

/* Which credentials there are, in this order: a key, a SAS, whatever gives tokens, none; a token that was given as it
 * is comes before a key that no connection string names. *out NULL: a SAS, or none. */
static nacre_status find_credentials(const ncr_store_options *options, const ncr_az_settings *settings,
                                     ncr_credentials **out, bool *is_key, nacre_error *err)
{
    ncr_config *config = options->config;
    bool is_string = ncr_config_text(config, NCR_KEY_AZ_CONNECTION_STRING) != NULL;
    bool has_token = ncr_config_text(config, NCR_KEY_AZ_ACCESS_TOKEN) != NULL;
    *out = NULL;
    *is_key = false;
    if (options->anonymous || ncr_config_bool(config, NCR_KEY_AZ_NO_SIGN_REQUEST))
        return NACRE_OK;
    bool use_own = (settings->key || settings->sas) && (is_string || !has_token);
    if (!use_own)
        return ncr_az_token_credentials(config, out, err);
    *is_key = settings->key != NULL;
    if (!*is_key)
        return NACRE_OK;
    *out = key_credentials(settings);
    return *out ? NACRE_OK : ncr_error_memory(err);
}

/* A text that differs where credentials do; NULL: out of memory. */
static char *name_credentials(const ncr_credentials *credentials, const char *sas)
{
    char hash[NCR_TOKEN_HASH_TEXT];
    if (credentials)
        return ncr_text_copy(ncr_credentials_id(credentials));
    if (!sas)
        return ncr_text_copy("anonymous");
    ncr_token_hash(sas, strlen(sas), hash);
    return ncr_text_format("sas:%s", hash);
}

/* Makes the store; takes the reference to credentials and the settings' texts. NULL: out of memory. */
static ncr_az_store *new_store(const ncr_store_options *options, ncr_az_settings *settings,
                               ncr_credentials *credentials, bool is_key)
{
    bool asked = ncr_config_bool(options->config, NCR_KEY_AZ_NO_SIGN_REQUEST);
    const char *sas = credentials || asked || options->anonymous ? NULL : settings->sas;
    char *id = ncr_text_format("az:%s", settings->endpoint), *name = name_credentials(credentials, sas);
    ncr_az_store *store = id && name ? (ncr_az_store *)ncr_store_new(sizeof *store, &az_class, id, name) : NULL;
    free(id);
    free(name);
    if (!store) {
        ncr_credentials_unref(credentials);
        return NULL;
    }
    ncr_az_signer_init(&store->copy_signer, credentials ? ncr_credentials_ref(credentials) : NULL, is_key, true);
    ncr_az_signer_init(&store->signer, credentials, is_key, false);
    store->base.decides = NCR_DECIDES_ALL;
    store->endpoint = settings->endpoint;
    settings->endpoint = NULL;
    if (sas) {
        store->sas = settings->sas;
        settings->sas = NULL;
        store->sas_origin = ncr_text_copy(settings->sas_origin ? settings->sas_origin : "az.sas_token");
    }
    store->is_configured = settings->is_configured;
    store->is_other = settings->is_other;
    store->asked_anonymous = asked;
    store->named_by_document = options->anonymous;
    return store;
}

nacre_status ncr_az_store_open(const ncr_store_options *options, ncr_store **out, nacre_error *err)
{
    ncr_az_settings settings;
    ncr_credentials *credentials = NULL;
    bool is_key = false;
    *out = NULL;
    nacre_status status = ncr_az_settings_read(options->config, options->location, &settings, err);
    if (status == NACRE_OK)
        status = find_credentials(options, &settings, &credentials, &is_key, err);
    ncr_az_store *store = status == NACRE_OK ? new_store(options, &settings, credentials, is_key) : NULL;
    if (status == NACRE_OK && !store)
        status = ncr_error_memory(err);
    ncr_az_settings_clear(&settings);
    *out = store ? &store->base : NULL;
    return status;
}
