/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/gs/gs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/url.h"
#include "store/gs/credentials.h"

/* Google Cloud Storage through its JSON interface, or for HMAC keys its XML one, and servers like it: where they are,
 * who asks, and what is said when they refuse. */

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
    if (ncr_gs_of(object)->is_xml) {
        add_escaped(url, object->bucket);
        add(url, key ? "/" : "");
        url->failed |= key && !ncr_text_append_escaped(&url->text, key, "/");
        return;
    }
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

/* The headers of the XML interface for what the JSON one has in the query. */
static bool add_headers(const ncr_gs_store *store, const ncr_gs_url *url, ncr_http_request *request)
{
    return (!url->if_generation ||
            ncr_http_request_header(request, "x-goog-if-generation-match", url->if_generation)) &&
           (!store->user_project || ncr_http_request_header(request, "x-goog-user-project", store->user_project));
}

ncr_http_request *ncr_gs_request(const char *method, ncr_gs_url *url, const ncr_object *object, ncr_call *call,
                                 unsigned needed_round)
{
    ncr_gs_store *store = ncr_gs_of(object);
    if (!store->is_xml)
        ncr_gs_url_query(url, "userProject", store->user_project);
    ncr_http_request *request =
        url->failed ? NULL : ncr_http_request_new(method, (char *)url->text.data, object->name, call);
    ncr_buffer_clear(&url->text);
    if (request && store->is_xml && !add_headers(store, url, request)) {
        ncr_http_request_free(request);
        request = NULL;
    }
    if (request) {
        request->signer = store->is_xml ? &store->hmac.base : ncr_bearer_signer(&store->bearer);
        request->needed_round = needed_round;
        request->public_only = object->public_only && !store->is_configured;
    }
    return request;
}

ncr_http_request *ncr_gs_media_request(const ncr_object *object, ncr_call *call, const char *generation,
                                       const char *if_not_generation, unsigned needed_round)
{
    ncr_gs_url url;
    ncr_gs_url_begin(&url, object, "storage/v1", object->key);
    if (!ncr_gs_of(object)->is_xml)
        ncr_gs_url_query(&url, "alt", "media");
    ncr_gs_url_query(&url, "generation", generation);
    if (!ncr_gs_of(object)->is_xml)
        ncr_gs_url_query(&url, "ifGenerationNotMatch", if_not_generation);
    ncr_http_request *request = ncr_gs_request("GET", &url, object, call, needed_round);
    if (request) /* with "no-transform" the store does not unpack what is stored packed */
        request->stored_coding = "x-goog-stored-content-encoding";
    return request;
}

ncr_http_request *ncr_gs_metadata_request(const ncr_object *object, ncr_call *call, const char *generation,
                                          const char *if_not_generation, unsigned needed_round)
{
    ncr_gs_url url;
    ncr_gs_url_begin(&url, object, "storage/v1", object->key);
    ncr_gs_url_query(&url, "generation", generation);
    if (ncr_gs_of(object)->is_xml)
        return ncr_gs_request("HEAD", &url, object, call, needed_round);
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

/* There may be several lines of it, and one line may hold several checksums. */
void ncr_gs_checksum_of(const ncr_http_response *response, char *out, size_t out_size)
{
    static const char header[] = "x-goog-hash:", kind[] = "crc32c=";
    out[0] = '\0';
    for (const char *line = response->headers; line && *line;) {
        const char *end = strchrnul(line, '\n');
        const char *at = ncr_text_starts(line, header) ? strstr(line, kind) : NULL;
        if (at && at < end) {
            snprintf(out, out_size, "%.*s", (int)strcspn(at, ", \n"), at);
            return;
        }
        line = *end ? end + 1 : end;
    }
}

/* --- Errors. --- */

static nacre_status denied_anonymous(const ncr_gs_store *store, const char *name, int code, nacre_error *err)
{
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
    return ncr_error_set_http(err, NACRE_ERROR_DENIED, code,
                              "%s: denied (%d): no Google credentials found (looked in %s); for public data use "
                              "--no-sign-request",
                              name, code, store->looked ? store->looked : "gs.access_token");
}

static nacre_status denied(const ncr_gs_store *store, const char *name, int code, const char *said, nacre_error *err)
{
    const char *colon = *said ? ": " : "";
    if (ncr_gs_is_anonymous(store))
        return denied_anonymous(store, name, code, err);
    const char *origin = ncr_credentials_origin(store->bearer.credentials);
    char word[64]; /* the XML interface's, before its message */
    snprintf(word, sizeof word, "%.*s", (int)strcspn(said, ":"), said);
    if (code == 401 || (store->is_xml && ncr_aws_is_about_credentials(word)))
        return ncr_error_set_http(err, NACRE_ERROR_DENIED, code, "%s: denied (%d): the %s from %s was refused%s%s",
                                  name, code, store->is_xml ? "HMAC key" : "access token", origin, colon, said);
    return ncr_error_set_http(err, NACRE_ERROR_DENIED, code,
                              "%s: denied (%d), or missing: the credentials from %s do not allow it%s%s", name, code,
                              origin, colon, said);
}

/* The store's word for a bucket that is missing, at the beginning of its message. */
static bool says_no_bucket(const char *said)
{
    return ncr_text_starts_nocase(said, "The specified bucket does not exist") ||
           ncr_text_starts(said, "NoSuchBucket") || ncr_text_starts_nocase(said, "No such bucket") ||
           ncr_text_starts_nocase(said, "Bucket not found");
}

nacre_status ncr_gs_no_bucket_error(const ncr_object *object, nacre_error *err)
{
    return ncr_error_set_http(err, NACRE_ERROR_NOT_FOUND, 404, "%s: not found (404): there is no bucket '%s'",
                              object->name, object->bucket);
}

nacre_status ncr_gs_status_error(const ncr_http_request *request, const ncr_object *object, nacre_error *err)
{
    char said[400] = "";
    int code = request->response.status;
    bool has_text = ncr_gs_error_text(&request->response.whole, said, sizeof said);
    if (code == 401 || code == 403)
        return denied(ncr_gs_of(object), object->name, code, said, err);
    if (code == 404 && has_text && says_no_bucket(said))
        return ncr_gs_no_bucket_error(object, err);
    bool is_one = object->key[0] && object->key[strlen(object->key) - 1] != '/';
    bool asks = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
    if (code == 404 && is_one && (asks || strcmp(request->method, "DELETE") == 0))
        return ncr_error_set_http(err, NACRE_ERROR_NOT_FOUND, code,
                                  "%s: not found (404): the bucket '%s' has no object of this key; list it to see "
                                  "those there are",
                                  object->name, object->bucket);
    /* "Not Found" and "No such object: BUCKET/KEY" repeat what the message says already. */
    return ncr_http_status_error(request, has_text && code != 404 ? said : NULL, err);
}

/* --- The store. --- */

/* As ncr_url_endpoint; "http://h/storage/v1", as some clients name the interface, is "http://h". */
static char *normalise_endpoint(const char *text)
{
    static const char api[] = "/storage/v1";
    char *endpoint = ncr_url_endpoint(text, "http");
    size_t length = endpoint ? strlen(endpoint) : 0;
    if (length && ncr_text_ends_nocase(endpoint, api))
        endpoint[length -= sizeof api - 1] = '\0';
    while (length && endpoint[length - 1] == '/')
        endpoint[--length] = '\0';
    return endpoint;
}

static void gs_free(ncr_store *base)
{
    ncr_gs_store *store = (ncr_gs_store *)base;
    free(store->endpoint);
    if (store->is_xml)
        ncr_gs_hmac_clear(&store->hmac);
    ncr_bearer_clear(&store->bearer);
    free(store->user_project);
    free(store->looked);
}

static bool gs_can_copy(const ncr_object *source, const ncr_object *destination)
{
    return source->store->class == destination->store->class &&
           strcmp(source->store->id, destination->store->id) == 0 &&
           strcmp(source->store->credentials, destination->store->credentials) == 0;
}

static void gs_about(const ncr_object *object, ncr_store_about *out)
{
    const ncr_gs_store *store = ncr_gs_of(object);
    ncr_credentials *credentials = store->bearer.credentials;
    out->title = "Google Cloud Storage";
    snprintf(out->endpoint, sizeof out->endpoint, "%s", store->endpoint);
    if (credentials) {
        out->kind = store->is_xml ? "HMAC key" : "access token";
        out->credentials = credentials;
        snprintf(out->origin, sizeof out->origin, "%s", ncr_credentials_origin(credentials));
    }
    if (store->asked_anonymous)
        snprintf(out->looked, sizeof out->looked, "gs.no_sign_request says to ask without credentials");
    else if (store->looked)
        snprintf(out->looked, sizeof out->looked, "looked in %s", store->looked);
}

static const ncr_store_class gs_class = {
    .name = "gs",
    .holder = "bucket",
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
    .about = gs_about,
    .free = gs_free,
};

bool ncr_gs_is_anonymous(const ncr_gs_store *store)
{
    ncr_secret *secret;
    if (!store->bearer.credentials || store->is_sure)
        return !store->bearer.credentials;
    bool has_token =
        ncr_credentials_get(store->bearer.credentials, "", &secret, NULL) == NCR_HTTP_READY && secret->token != NULL;
    ncr_secret_unref(secret);
    return !has_token;
}

/* Whether an endpoint is one of Google's own, under whatever name (regional, private). */
static nacre_status check_googles(const char *endpoint, bool *out, nacre_error *err)
{
    ncr_url_place place;
    bool is_place = ncr_url_place_of(endpoint, &place);
    *out = is_place && strcmp(place.scheme, "https") == 0 && place.port == 443 &&
           ncr_text_ends_nocase(place.host, ".googleapis.com");
    return place.lacks_memory ? ncr_error_memory(err) : NACRE_OK;
}

/* What tells this store's credentials and payer from others'. NULL: out of memory. */
static char *describe(const ncr_gs_identity *identity, const char *project)
{
    const char *id = identity->credentials ? ncr_credentials_id(identity->credentials) : "anonymous";
    return ncr_text_format("%s%s%s", id, project ? "/" : "", project ? project : "");
}

/* Makes the store; endpoint and what identity holds become its own, on success. NULL: out of memory. */
static ncr_gs_store *make_store(const ncr_store_options *options, char *endpoint, ncr_gs_identity *identity)
{
    const char *project = ncr_config_text(options->config, NCR_KEY_GS_BILLING_PROJECT);
    if (!project || options->anonymous)
        project = identity->quota_project;
    char *id = ncr_text_format("gs:%s", endpoint), *who = describe(identity, project);
    char *payer = ncr_text_copy(project);
    ncr_gs_store *store = NULL;
    if (id && who && (payer || !project))
        store = (ncr_gs_store *)ncr_store_new(sizeof *store, &gs_class, id, who);
    free(id);
    free(who);
    if (!store) {
        free(payer);
        return NULL;
    }
    store->base.decides = NCR_DECIDES_ALL;
    store->endpoint = endpoint;
    store->user_project = payer;
    store->asked_anonymous = ncr_config_bool(options->config, NCR_KEY_GS_NO_SIGN_REQUEST);
    store->named_by_document = options->anonymous;
    store->is_configured = ncr_config_text(options->config, NCR_KEY_GS_ENDPOINT) != NULL;
    store->is_sure = identity->is_sure;
    store->looked = identity->looked;
    ncr_bearer_init(&store->bearer, identity->credentials);
    store->is_xml = identity->is_hmac;
    if (store->is_xml)
        ncr_gs_hmac_init(&store->hmac, identity->credentials, store->base.id);
    identity->looked = NULL;
    identity->credentials = NULL;
    return store;
}

static nacre_status find_endpoint(const ncr_config *config, char **out, nacre_error *err)
{
    const char *said = ncr_config_text(config, NCR_KEY_GS_ENDPOINT);
    *out = normalise_endpoint(said ? said : "https://storage.googleapis.com");
    if (!*out)
        return ncr_error_memory(err);
    if (**out)
        return NACRE_OK;
    free(*out);
    *out = NULL;
    return ncr_error_set(err, NACRE_ERROR_INVALID, "gs.endpoint: it names no server: give http://HOST:PORT");
}

nacre_status ncr_gs_store_open(const ncr_store_options *options, ncr_store **out, nacre_error *err)
{
    char *endpoint;
    ncr_gs_identity identity = {0};
    *out = NULL;
    nacre_status status = find_endpoint(options->config, &endpoint, err);
    bool is_googles = false;
    if (status == NACRE_OK)
        status = check_googles(endpoint, &is_googles, err);
    if (status == NACRE_OK && !options->anonymous && !ncr_config_bool(options->config, NCR_KEY_GS_NO_SIGN_REQUEST))
        status = ncr_gs_identity_find(options->config, is_googles, &identity, err);
    if (status == NACRE_OK) {
        *out = (ncr_store *)make_store(options, endpoint, &identity);
        status = *out ? NACRE_OK : ncr_error_memory(err);
    }
    if (!*out)
        free(endpoint);
    ncr_gs_identity_clear(&identity);
    return status;
}
