/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/url.h"
#include "store/body.h"
#include "store/http/auth.h"

/* Objects on any HTTP server: reading only. The version is a strong ETag; else a Last-Modified that was at least a
 * second old when the server answered, since it counts in seconds; else there is only a weak one, which is compared
 * but proves nothing.
 *
 * A server may have several validators and give different ones at different moments (a Last-Modified becomes strong
 * with age), so an answer is always read for the validator that was pinned first. */

typedef struct http_store {
    ncr_store base;
    char *location; /* "https://host:port" */
    ncr_http_auth auth;
    bool named_by_document; /* elsewhere, so without credentials */
} http_store;

#define LOOKED "the URL, http.bearer, http.userpwd, http.headers, ~/.netrc"

/* A get or a stat on its way: one request at a time. */
typedef struct http_job {
    ncr_get *get; /* one of these */
    ncr_stat_op *stat;
    ncr_http_request *request;
    bool no_condition;  /* the server's 304 made no sense: ask for the bytes without condition */
    bool range_refused; /* a get answered with 416: this is the HEAD for its facts */
    uint8_t spare;
} http_job;

static const ncr_object *object_of(const http_job *job)
{
    return job->get ? job->get->object : job->stat->object;
}

static const http_store *store_of(const http_job *job)
{
    return (const http_store *)object_of(job)->store;
}

static ncr_call *call_of(const http_job *job)
{
    return job->get ? job->get->call : job->stat->call;
}

static nacre_error *error_of(http_job *job)
{
    return job->get ? &job->get->error : &job->stat->error;
}

static void end(http_job *job, nacre_status status)
{
    ncr_get *get = job->get;
    ncr_stat_op *stat = job->stat;
    unsigned round = job->request ? job->request->response.round : 0;
    ncr_http_request_free(job->request);
    free(job);
    if (get) {
        get->round = round;
        ncr_get_end(get, status);
    } else {
        stat->round = round;
        ncr_stat_op_end(stat, status);
    }
}

/* --- Versions. --- */

static const char etag_kind[] = "etag=", modified_kind[] = "modified=";

static bool read_etag(const ncr_http_response *response, ncr_version *out)
{
    char etag[256];
    if (!ncr_http_response_header(response, "etag", etag, sizeof etag) || !etag[0])
        return false;
    if (strlen(etag) + sizeof etag_kind > sizeof out->token) /* cut, it might be another's beginning */
        return false;
    *out = (ncr_version){.strong = etag[0] == '"'};
    snprintf(out->token, sizeof out->token, "%s%.*s", etag_kind, (int)(sizeof out->token - sizeof etag_kind), etag);
    return true;
}

static bool read_modified(const ncr_http_response *response, ncr_version *out)
{
    enum { LEAST_AGE_MS = 1000 };
    char modified[64], date[64];
    if (!ncr_http_response_header(response, "last-modified", modified, sizeof modified))
        return false;
    int64_t modified_ms = ncr_http_date_ms(modified), date_ms = -1;
    if (modified_ms < 0)
        return false;
    if (ncr_http_response_header(response, "date", date, sizeof date))
        date_ms = ncr_http_date_ms(date);
    *out = (ncr_version){.strong = date_ms >= 0 && date_ms - modified_ms >= LEAST_AGE_MS};
    snprintf(out->token, sizeof out->token, "%s%s", modified_kind, modified);
    return true;
}

/* The version an answer states, by the validator of `like` where it has that. */
static void read_version(const ncr_http_response *response, const ncr_version *like, ncr_version *out)
{
    ncr_version etag = {0}, modified = {0};
    bool has_etag = read_etag(response, &etag), has_modified = read_modified(response, &modified);
    bool wants_modified = like && ncr_text_starts(like->token, modified_kind);
    bool wants_etag = like && ncr_text_starts(like->token, etag_kind);
    bool etag_is_best = wants_etag || etag.strong || !modified.strong;
    bool modified_is_pinned = has_modified && wants_modified;
    *out = has_etag && etag_is_best && !modified_is_pinned ? etag : modified;
}

static const ncr_version *pinned_version(const ncr_get *get)
{
    return get->match == NCR_MATCH_ANY ? NULL : get->version;
}

/* --- Requests. --- */

/* Sets what all requests of this store have in common, and sends it. */
static void send_request(http_job *job, bool complete, void (*done)(ncr_http_request *))
{
    const char *key = object_of(job)->key;
    if (!job->request || !complete || !ncr_http_auth_add(&store_of(job)->auth, key, job->request)) {
        end(job, ncr_error_memory(error_of(job)));
        return;
    }
    job->request->public_only = object_of(job)->public_only;
    job->request->anonymous = store_of(job)->named_by_document;
    job->request->follow = true;
    job->request->done = done;
    job->request->user = job;
    ncr_http_start(job->request);
}

/* A request for the job's object, in place of the one before. */
static void new_request(http_job *job, const char *method, unsigned needed_round)
{
    const ncr_object *object = object_of(job);
    char *url = ncr_text_format("%s%s%s", store_of(job)->location, object->key[0] == '/' ? "" : "/", object->key);
    ncr_http_request_free(job->request);
    job->request = url ? ncr_http_request_new(method, url, object->name, call_of(job)) : NULL;
    free(url);
    if (job->request)
        job->request->needed_round = needed_round;
}

static bool add_condition(ncr_http_request *request, const ncr_get *get)
{
    const ncr_version *version = pinned_version(get);
    bool is_pinned = get->match == NCR_MATCH_VERSION;
    /* A weak validator in a condition would be answered as if it proved something. */
    if (!version || !version->strong)
        return true;
    if (ncr_text_starts(version->token, etag_kind))
        return ncr_http_request_header(request, is_pinned ? "If-Match" : "If-None-Match",
                                       version->token + strlen(etag_kind));
    if (ncr_text_starts(version->token, modified_kind))
        return ncr_http_request_header(request, is_pinned ? "If-Unmodified-Since" : "If-Modified-Since",
                                       version->token + strlen(modified_kind));
    return true;
}

/* What is asked for as it is now must not come from a cache on the way; pinned bytes may. */
static bool ask_for_now(ncr_http_request *request)
{
    return ncr_http_request_header(request, "Cache-Control", "no-cache");
}

static void start_head(http_job *job, unsigned needed_round, void (*done)(ncr_http_request *))
{
    new_request(job, "HEAD", needed_round);
    send_request(job, job->request && ask_for_now(job->request), done);
}

static void get_done(ncr_http_request *request);

static void start_get(http_job *job, unsigned needed_round)
{
    const ncr_get *get = job->get;
    new_request(job, "GET", needed_round);
    bool complete = job->request != NULL;
    if (complete) {
        ncr_body_expect(get, job->request, &job->spare);
        complete = (job->no_condition || add_condition(job->request, get)) &&
                   (get->match == NCR_MATCH_VERSION || ask_for_now(job->request));
    }
    send_request(job, complete, get_done);
}

/* --- Refusals. --- */

/* Whether a query holds a signature or a token: such URLs end. */
static bool is_signed(const char *key)
{
    const char *at = strchr(key, '?');
    while (at && *at) {
        size_t name = strcspn(++at, "=&");
        if (at[name] == '=' && ncr_text_is_secret(at, name))
            return true;
        at = strchr(at, '&');
    }
    return false;
}

/* What to do about an answer of 401 or 403. */
static nacre_status denied(const ncr_object *object, const ncr_http_request *request, nacre_error *err)
{
    const http_store *store = (const http_store *)object->store;
    const char *origin = ncr_http_auth_origin(&store->auth, object->key);
    int code = request->response.status;
    ncr_url_place here, there;
    bool is_elsewhere = request->response.location && ncr_url_place_of(store->location, &here) &&
                        ncr_url_place_of(request->response.location, &there) && !ncr_url_place_same(&here, &there);
    char cure[320];
    if (is_elsewhere)
        snprintf(cure, sizeof cure, "it was redirected to %.128s, which gets no credentials of %.128s", there.host,
                 here.host);
    else if (origin)
        snprintf(cure, sizeof cure, "the credentials from %.200s were refused", origin);
    else if (is_signed(object->key))
        snprintf(cure, sizeof cure, "the signature in the URL is wrong or has ended; get a new one");
    else if (store->named_by_document)
        snprintf(cure, sizeof cure,
                 "it is not public, and what a document names in another place is read without credentials");
    else
        snprintf(cure, sizeof cure, "it is not public, and no credentials were found (looked in " LOOKED ")");
    return ncr_error_set_http(err, NACRE_ERROR_DENIED, code, "%s: denied (%d): %s", object->name, code, cure);
}

static nacre_status refuse(const ncr_http_request *request, const ncr_object *object, nacre_error *err)
{
    int code = request->response.status;
    if (code == 401 || code == 403)
        return denied(object, request, err);
    if (code == 404 || code == 410)
        return ncr_http_status_error(request, "the server has nothing at this path; check its spelling", err);
    if (code >= 300 && code < 400)
        return ncr_http_status_error(request, "a redirect that says not where to", err);
    return ncr_http_status_error(request, NULL, err);
}

/* --- Answers to a get. --- */

static nacre_status refuse_get(ncr_get *get, const ncr_http_request *request)
{
    return ncr_body_fail(get, request, request->response.status == 412, refuse);
}

/* The range was refused, and the object is so large. */
static nacre_status take_end(ncr_get *get, uint64_t size)
{
    get->facts.size = size;
    return ncr_get_take_end(get);
}

static void range_head_done(ncr_http_request *request)
{
    http_job *job = request->user;
    ncr_get *get = job->get;
    nacre_status status;
    if (request->status != NACRE_OK) {
        end(job, refuse_get(get, request));
        return;
    }
    ncr_body_describe(&request->response, &get->facts);
    read_version(&request->response, pinned_version(get), &get->facts.version);
    if (request->response.status != 200 || request->response.content_length == UINT64_MAX)
        status = refuse_get(get, request);
    else
        status = take_end(get, request->response.content_length);
    end(job, status);
}

static void get_done(ncr_http_request *request)
{
    http_job *job = request->user;
    ncr_get *get = job->get;
    const ncr_http_response *response = &request->response;
    if (request->status != NACRE_OK) {
        end(job, refuse_get(get, request));
        return;
    }
    ncr_body_describe(response, &get->facts);
    read_version(response, pinned_version(get), &get->facts.version);
    if (ncr_body_is_there(request)) {
        nacre_status status = ncr_get_check_version(get);
        end(job, status == NACRE_OK ? ncr_body_take(get, request) : status);
    } else if (response->status == 304 && !job->no_condition) {
        if (ncr_get_take_not_modified(get, &get->facts.version)) {
            end(job, NACRE_OK);
        } else {
            job->no_condition = true;
            start_get(job, response->round);
        }
    } else if (response->status == 416 && !ncr_get_is_whole(get)) {
        if (get->facts.version.token[0] && response->total != UINT64_MAX)
            end(job, take_end(get, response->total));
        else
            start_head(job, response->round, range_head_done);
    } else {
        end(job, refuse_get(get, request));
    }
}

static http_job *new_job(ncr_get *get, ncr_stat_op *stat)
{
    http_job *job = calloc(1, sizeof *job);
    if (!job)
        return NULL;
    job->get = get;
    job->stat = stat;
    return job;
}

static void http_get(ncr_get *get)
{
    ncr_get_begin(get);
    http_job *job = new_job(get, NULL);
    if (job)
        start_get(job, get->needed_round);
    else
        ncr_get_end(get, ncr_error_memory(&get->error));
}

/* --- Stat: HEAD, or the first byte where a server (or a signed URL) allows only GET. --- */

static nacre_status take_facts(ncr_stat_op *op, const ncr_http_response *response, uint64_t size)
{
    op->facts.size = size;
    ncr_body_describe(response, &op->facts);
    read_version(response, NULL, &op->facts.version);
    return NACRE_OK;
}

static void first_byte_done(ncr_http_request *request)
{
    http_job *job = request->user;
    ncr_stat_op *op = job->stat;
    const ncr_http_response *response = &request->response;
    uint64_t size = response->total;
    nacre_status status;
    if (request->status != NACRE_OK) {
        end(job, ncr_error_copy(&op->error, &request->error, request->status));
        return;
    }
    bool is_answer = response->status == 200 || response->status == 206 ||
                     (response->status == 416 && response->total != UINT64_MAX);
    if (is_answer && size != UINT64_MAX)
        status = take_facts(op, response, size);
    else if (is_answer)
        status = ncr_error_set(&op->error, NACRE_ERROR_CORRUPT, "%s: the server does not say how large the object is",
                               op->object->name);
    else
        status = refuse(request, op->object, &op->error);
    end(job, status);
}

static void start_first_byte(http_job *job, unsigned needed_round)
{
    new_request(job, "GET", needed_round);
    if (job->request) {
        ncr_get first = {.object = job->stat->object, .call = job->stat->call, .buffer = &job->spare, .length = 1};
        ncr_body_expect(&first, job->request, &job->spare);
    }
    send_request(job, job->request && ask_for_now(job->request), first_byte_done);
}

static void head_done(ncr_http_request *request)
{
    http_job *job = request->user;
    ncr_stat_op *op = job->stat;
    const ncr_http_response *response = &request->response;
    bool is_refused = response->status == 403 || response->status == 405 || response->status == 501;
    bool has_size = response->content_length != UINT64_MAX;
    if (request->status != NACRE_OK)
        end(job, ncr_error_copy(&op->error, &request->error, request->status));
    else if (is_refused || (response->status == 200 && !has_size))
        start_first_byte(job, response->round);
    else if (response->status == 200)
        end(job, take_facts(op, response, response->content_length));
    else
        end(job, refuse(request, op->object, &op->error));
}

static void http_stat(ncr_stat_op *op)
{
    ncr_stat_op_begin(op);
    http_job *job = new_job(NULL, op);
    if (job)
        start_head(job, op->needed_round, head_done);
    else
        ncr_stat_op_end(op, ncr_error_memory(&op->error));
}

/* --- What HTTP has not. --- */

static void http_list(ncr_list_op *op)
{
    ncr_list_op_begin(op);
    ncr_list_op_end(op,
                    ncr_error_set(&op->error, NACRE_ERROR_UNSUPPORTED, "%s: HTTP has no listings", op->object->name));
}

static nacre_status no_writing(const ncr_object *object, nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: HTTP servers are only read, not written", object->name);
}

static nacre_status http_put(ncr_put *put, nacre_error *err)
{
    put->outcome = NCR_OUTCOME_NOT_DONE;
    return no_writing(put->object, err);
}

static nacre_status http_copy(ncr_copy *copy, nacre_error *err)
{
    copy->outcome = NCR_OUTCOME_NOT_DONE;
    return no_writing(copy->destination, err);
}

static nacre_status http_remove(ncr_delete *op, nacre_error *err)
{
    op->outcome = NCR_OUTCOME_NOT_DONE;
    return no_writing(op->object, err);
}

static nacre_status http_upload_begin(ncr_object *object, ncr_call *call, const ncr_condition *condition,
                                      const char *content_type, ncr_upload **out, nacre_error *err)
{
    (void)call;
    (void)condition;
    (void)content_type;
    *out = NULL;
    return no_writing(object, err);
}

static nacre_status http_upload_part(ncr_upload *upload, unsigned number, const void *data, size_t size,
                                     nacre_error *err)
{
    (void)number;
    (void)data;
    (void)size;
    return no_writing(upload->object, err);
}

static nacre_status http_upload_finish(ncr_upload *upload, ncr_outcome *outcome, ncr_object_facts *facts,
                                       nacre_error *err)
{
    *outcome = NCR_OUTCOME_NOT_DONE;
    *facts = (ncr_object_facts){.modified_ms = -1};
    return no_writing(upload->object, err);
}

static void http_upload_abort(ncr_upload *upload)
{
    (void)upload; /* there never is one */
}

static bool http_can_copy(const ncr_object *source, const ncr_object *destination)
{
    (void)source;
    (void)destination;
    return false;
}

static void http_free(ncr_store *store)
{
    free(((http_store *)store)->location);
    ncr_http_auth_clear(&((http_store *)store)->auth);
}

static void http_about(const ncr_object *object, ncr_store_about *out)
{
    const http_store *store = (const http_store *)object->store;
    const char *origin = ncr_http_auth_origin(&store->auth, object->key);
    out->title = "HTTP server";
    snprintf(out->endpoint, sizeof out->endpoint, "%s", store->location);
    out->kind = origin ? "HTTP credentials" : NULL;
    snprintf(out->origin, sizeof out->origin, "%s", origin ? origin : "");
    if (!origin)
        snprintf(out->looked, sizeof out->looked, "looked in " LOOKED);
}

static const ncr_store_class http_class = {
    .name = "http",
    .part_size = (size_t)1 << 20,
    .parts_at_once = 1,
    .can_copy = http_can_copy,
    .get = http_get,
    .stat = http_stat,
    .list = http_list,
    .put = http_put,
    .copy = http_copy,
    .remove = http_remove,
    .upload_begin = http_upload_begin,
    .upload_part = http_upload_part,
    .upload_finish = http_upload_finish,
    .upload_abort = http_upload_abort,
    .about = http_about,
    .free = http_free,
};

/* "https://user:password@host:port" without the user, and "user:password"; false when out of memory. */
static bool cut_user(const char *text, char **location, char **user)
{
    const char *host = strstr(text, "://"), *at = host ? strrchr(host, '@') : NULL;
    *user = at ? ncr_text_copy_n(host + 3, (size_t)(at - host) - 3) : NULL;
    *location = at ? ncr_text_format("%.*s%s", (int)(host + 3 - text), text, at + 1) : ncr_text_copy(text);
    return *location && (*user || !at);
}

static nacre_status open_store(const ncr_store_options *options, char *location, const char *user, ncr_store **out,
                               nacre_error *err)
{
    ncr_http_auth auth = {0};
    if (!options->anonymous) {
        nacre_status status = ncr_http_auth_find(location, user, options->config, &auth, err);
        if (status != NACRE_OK)
            return status;
    }
    http_store *store =
        (http_store *)ncr_store_new(sizeof *store, &http_class, location, auth.hash[0] ? auth.hash : "none");
    char *copy = ncr_text_copy(location);
    if (!store || !copy) {
        free(copy);
        ncr_store_unref(store ? &store->base : NULL);
        ncr_http_auth_clear(&auth);
        return ncr_error_memory(err);
    }
    store->location = copy;
    store->auth = auth;
    store->named_by_document = options->anonymous;
    store->base.is_told_by_path = user != NULL && !options->anonymous;
    *out = &store->base;
    return NACRE_OK;
}

nacre_status ncr_http_store_open(const ncr_store_options *options, ncr_store **out, nacre_error *err)
{
    *out = NULL;
    if (!options->location)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "http: no host in the path");
    char *location = NULL, *user = NULL;
    nacre_status status = cut_user(options->location, &location, &user) ? open_store(options, location, user, out, err)
                                                                        : ncr_error_memory(err);
    if (user)
        OPENSSL_cleanse(user, strlen(user));
    free(user);
    free(location);
    return status;
}
