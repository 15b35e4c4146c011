/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/gs.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Google Cloud Storage through its JSON interface, and servers like it: where they are, who asks, and what is said
 * when they refuse. */

/* --- URLs and requests. --- */

enum { URL_LIMIT = 64 << 10 };

static void add(ncr_gs_url *url, const char *text)
{
    url->failed |= !ncr_text_append(&url->text, text);
}

/* Everything is encoded, slashes too: an object's name is one segment of the path. */
static void add_escaped(ncr_gs_url *url, const char *text)
{
    url->failed |= !ncr_text_append_escaped(&url->text, text, "");
}

void ncr_gs_url_begin(ncr_gs_url *url, const ncr_object *object, const char *service, const char *key)
{
    *url = (ncr_gs_url){0};
    ncr_buffer_init(&url->text, URL_LIMIT);
    add(url, ncr_gs_of(object)->endpoint);
    add(url, "/");
    add(url, service);
    ncr_gs_url_path(url, "b", object->bucket);
    ncr_gs_url_path(url, "o", key);
}

void ncr_gs_url_path(ncr_gs_url *url, const char *word, const char *text)
{
    add(url, "/");
    add(url, word);
    if (!text)
        return;
    add(url, "/");
    add_escaped(url, text);
}

void ncr_gs_url_query(ncr_gs_url *url, const char *name, const char *value)
{
    if (!value || !*value)
        return;
    add(url, url->has_query ? "&" : "?");
    add(url, name);
    add(url, "=");
    add_escaped(url, value);
    url->has_query = true;
}

ncr_http_request *ncr_gs_request(const char *method, ncr_gs_url *url, const ncr_object *object, ncr_call *call,
                                 unsigned needed_round)
{
    ncr_gs_store *store = ncr_gs_of(object);
    ncr_gs_url_query(url, "userProject", store->user_project);
    ncr_http_request *request =
        url->failed ? NULL : ncr_http_request_new(method, (char *)url->text.data, object->name, call);
    ncr_buffer_clear(&url->text);
    if (request) {
        request->signer = ncr_bearer_signer(&store->bearer);
        request->needed_round = needed_round;
        request->public_only = object->public_only && !store->is_configured;
    }
    return request;
}

ncr_http_request *ncr_gs_metadata_request(const ncr_object *object, ncr_call *call, const char *generation,
                                          const char *if_not_generation, unsigned needed_round)
{
    ncr_gs_url url;
    ncr_gs_url_begin(&url, object, "storage/v1", object->key);
    ncr_gs_url_query(&url, "generation", generation);
    ncr_gs_url_query(&url, "ifGenerationNotMatch", if_not_generation);
    ncr_gs_url_query(&url, "fields", "name,generation,size,updated,contentType,crc32c");
    ncr_http_request *request = ncr_gs_request("GET", &url, object, call, needed_round);
    if (request)
        request->sink.whole_limit = NCR_GS_METADATA_LIMIT;
    return request;
}

/* --- Versions. --- */

static const char generation_kind[] = "generation=";

static bool is_number(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits < 24 && !text[digits];
}

const char *ncr_gs_generation(const ncr_version *version)
{
    if (!ncr_text_starts(version->token, generation_kind))
        return NULL;
    const char *number = version->token + sizeof generation_kind - 1;
    return is_number(number) ? number : NULL;
}

void ncr_gs_version_from(const char *generation, ncr_version *out)
{
    *out = (ncr_version){0};
    if (!is_number(generation))
        return;
    out->strong = true;
    snprintf(out->token, sizeof out->token, "%s%s", generation_kind, generation);
}

void ncr_gs_version_of(const ncr_http_response *response, ncr_version *out)
{
    char generation[32];
    if (!ncr_http_response_header(response, "x-goog-generation", generation, sizeof generation))
        generation[0] = '\0';
    ncr_gs_version_from(generation, out);
}

/* --- Errors. --- */

static nacre_status denied(const ncr_gs_store *store, const char *name, int code, const char *said, nacre_error *err)
{
    const char *colon = *said ? ": " : "";
    if (store->bearer.credentials)
        return ncr_error_set_http(err, NACRE_ERROR_DENIED, code,
                                  "%s: denied (%d): the access token from %s was refused%s%s", name, code,
                                  ncr_credentials_origin(store->bearer.credentials), colon, said);
    if (store->asked_anonymous)
        return ncr_error_set_http(err, NACRE_ERROR_DENIED, code,
                                  "%s: denied (%d): it is not public, and gs.no_sign_request says to ask without "
                                  "credentials",
                                  name, code);
    if (store->named_by_document)
        return ncr_error_set_http(err, NACRE_ERROR_DENIED, code,
                                  "%s: denied (%d): it is not public, and what a document names in another place is "
                                  "read without credentials",
                                  name, code);
    if (store->has_key_file)
        return ncr_error_set_http(
            err, NACRE_ERROR_DENIED, code,
            "%s: denied (%d): key files (GOOGLE_APPLICATION_CREDENTIALS is set) are not supported "
            "yet; set gs.access_token to what `gcloud auth print-access-token` prints",
            name, code);
    return ncr_error_set_http(err, NACRE_ERROR_DENIED, code,
                              "%s: denied (%d): no Google credentials found (looked in gs.access_token, "
                              "GOOGLE_OAUTH_ACCESS_TOKEN, CLOUDSDK_AUTH_ACCESS_TOKEN); for public data use "
                              "--no-sign-request",
                              name, code);
}

/* The store's word for a bucket that is missing, at the beginning of its message. */
static bool says_no_bucket(const char *said)
{
    return ncr_text_starts_nocase(said, "The specified bucket does not exist") ||
           ncr_text_starts_nocase(said, "No such bucket") || ncr_text_starts_nocase(said, "Bucket not found");
}

nacre_status ncr_gs_status_error(const ncr_http_request *request, const ncr_object *object, nacre_error *err)
{
    char said[400] = "";
    int code = request->response.status;
    bool has_text = ncr_gs_error_text(&request->response.whole, said, sizeof said);
    if (code == 401 || code == 403)
        return denied(ncr_gs_of(object), object->name, code, said, err);
    if (code == 404 && has_text && says_no_bucket(said))
        return ncr_error_set_http(err, NACRE_ERROR_NOT_FOUND, code, "%s: not found (404): there is no bucket '%s'",
                                  object->name, object->bucket);
    bool is_one = object->key[0] && object->key[strlen(object->key) - 1] != '/';
    if (code == 404 && is_one && (strcmp(request->method, "GET") == 0 || strcmp(request->method, "DELETE") == 0))
        return ncr_error_set_http(err, NACRE_ERROR_NOT_FOUND, code,
                                  "%s: not found (404): the bucket '%s' has no object of this key; list it to see "
                                  "those there are",
                                  object->name, object->bucket);
    /* "Not Found" and "No such object: BUCKET/KEY" repeat what the message says already. */
    return ncr_http_status_error(request, has_text && code != 404 ? said : NULL, err);
}

nacre_status ncr_gs_check_key(const ncr_object *object, nacre_error *err)
{
    if (object->key[0])
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_NOT_FOUND, "%s: is a bucket, not an object", object->name);
}

/* --- The store. --- */

/* "localhost:9000/", "http://h/storage/v1" and the like, as "http://h"; "" where no server is named; NULL: out of
 * memory. Host names are without case, and the text begins the identity of objects. */
static char *normalise_endpoint(const char *text)
{
    static const char api[] = "/storage/v1";
    while (*text == ' ')
        text++;
    char *endpoint = ncr_text_format("%s%s", strstr(text, "://") ? "" : "http://", text);
    if (!endpoint)
        return NULL;
    size_t length = strlen(endpoint);
    char *host = strstr(endpoint, "://") + 3;
    if (!*host || *host == '/' || *host == ' ') {
        *endpoint = '\0';
        return endpoint;
    }
    while (length && (endpoint[length - 1] == '/' || endpoint[length - 1] == ' '))
        endpoint[--length] = '\0';
    if (ncr_text_ends_nocase(endpoint, api))
        endpoint[length -= sizeof api - 1] = '\0';
    while (length && endpoint[length - 1] == '/')
        endpoint[--length] = '\0';
    char *end = strchr(host, '/');
    for (char *c = endpoint; *c && c != end; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    return endpoint;
}

/* Tells credentials apart without holding them: the beginning of a hash. */
static bool describe_credentials(const char *token, const char *user_project, char **out)
{
    unsigned char hash[EVP_MAX_MD_SIZE] = {0};
    if (!token)
        return (*out = ncr_text_copy("anonymous")) != NULL;
    if (!EVP_Digest(token, strlen(token), hash, NULL, EVP_sha256(), NULL))
        return false;
    *out = ncr_text_format("token:%02x%02x%02x%02x%02x%02x%02x%02x%s%s", hash[0], hash[1], hash[2], hash[3], hash[4],
                           hash[5], hash[6], hash[7], user_project ? "/" : "", user_project ? user_project : "");
    return *out != NULL;
}

static void gs_free(ncr_store *base)
{
    ncr_gs_store *store = (ncr_gs_store *)base;
    free(store->endpoint);
    ncr_bearer_clear(&store->bearer);
    free(store->user_project);
}

static bool gs_can_copy(const ncr_object *source, const ncr_object *destination)
{
    return source->store->class == destination->store->class &&
           strcmp(source->store->id, destination->store->id) == 0 &&
           strcmp(source->store->credentials, destination->store->credentials) == 0;
}

static const ncr_store_class gs_class = {
    .name = "gs",
    .part_size = NCR_GS_PART_SIZE,
    .parts_at_once = 1,
    .can_copy = gs_can_copy,
    .get = ncr_gs_get,
    .stat = ncr_gs_stat,
    .list = ncr_gs_list,
    .put = ncr_gs_put,
    .copy = ncr_gs_copy,
    .remove = ncr_gs_remove,
    .upload_begin = ncr_gs_upload_begin,
    .upload_part = ncr_gs_upload_part,
    .upload_finish = ncr_gs_upload_finish,
    .upload_abort = ncr_gs_upload_abort,
    .free = gs_free,
};

/* The token that was configured. NULL: out of memory. */
static ncr_credentials *token_credentials(const ncr_config *config, const char *id, const char *token)
{
    const char *origin = ncr_config_origin(config, NCR_KEY_GS_ACCESS_TOKEN);
    ncr_secret *secret = ncr_secret_new(NULL, NULL, token, INT64_MAX);
    ncr_credentials *credentials =
        secret ? ncr_credentials_fixed(id, origin ? origin : "gs.access_token", secret) : NULL;
    ncr_secret_unref(secret);
    return credentials;
}

/* Fills a new store in; false when out of memory. */
static bool configure(ncr_gs_store *store, const ncr_store_options *options, const char *token)
{
    const ncr_config *config = options->config;
    const char *project = ncr_config_text(config, NCR_KEY_GS_BILLING_PROJECT);
    const char *key_file = getenv("GOOGLE_APPLICATION_CREDENTIALS");
    store->asked_anonymous = ncr_config_bool(config, NCR_KEY_GS_NO_SIGN_REQUEST);
    store->named_by_document = options->anonymous;
    store->has_key_file = key_file && *key_file;
    store->is_configured = ncr_config_text(config, NCR_KEY_GS_ENDPOINT) != NULL;
    if (!token)
        return true;
    ncr_bearer_init(&store->bearer, token_credentials(config, store->base.credentials, token));
    store->user_project = ncr_text_copy(project);
    return store->bearer.credentials && (store->user_project || !project);
}

nacre_status ncr_gs_store_open(const ncr_store_options *options, ncr_store **out, nacre_error *err)
{
    *out = NULL;
    const char *endpoint = ncr_config_text(options->config, NCR_KEY_GS_ENDPOINT);
    const char *project = ncr_config_text(options->config, NCR_KEY_GS_BILLING_PROJECT);
    const char *token = ncr_config_text(options->config, NCR_KEY_GS_ACCESS_TOKEN);
    if (options->anonymous || ncr_config_bool(options->config, NCR_KEY_GS_NO_SIGN_REQUEST))
        token = NULL;
    char *url = normalise_endpoint(endpoint ? endpoint : "https://storage.googleapis.com"), *credentials = NULL;
    if (url && !*url) {
        free(url);
        return ncr_error_set(err, NACRE_ERROR_INVALID, "gs.endpoint: '%s' names no server: give http://HOST:PORT",
                             endpoint);
    }
    char *id = url ? ncr_text_format("gs:%s", url) : NULL;
    ncr_gs_store *store = NULL;
    if (id && describe_credentials(token, project, &credentials))
        store = (ncr_gs_store *)ncr_store_new(sizeof *store, &gs_class, id, credentials);
    free(id);
    free(credentials);
    if (!store || !configure(store, options, token)) {
        free(url);
        ncr_store_unref(store ? &store->base : NULL);
        return ncr_error_memory(err);
    }
    store->endpoint = url;
    *out = &store->base;
    return NACRE_OK;
}
