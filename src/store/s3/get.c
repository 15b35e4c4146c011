/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>

#include "store/body.h"
#include "store/s3/s3.h"

/* Reading bytes of an object. A pinned read sends If-Match, a proof If-None-Match, and whatever was asked for, the ETag
 * of the answer is compared. Where the pinned version is no longer the object's and the bucket keeps versions, the old
 * one is read by its version id; not before, since that needs another permission.
 *
 *   now      GET with the get's condition
 *   kept     GET of the pinned version by its id, after 412 or 404
 *   end      HEAD for the facts, after 416: S3's answer does not tell of what
 *   coding   HEAD, after a body with a Content-Encoding: S3 only repeats what the object was given, and so its bytes
 * are as they are stored; what somebody on the way has packed has no strong ETag, or HEAD does not tell it
 */

typedef struct s3_get {
    ncr_body_job body;
    ncr_s3_exchange *exchange;
    unsigned round;    /* of the answers so far */
    bool no_condition; /* the server's 304 made no sense */
    bool is_kept;      /* the version id was asked for */
    bool takes_coding; /* the object has a Content-Encoding of its own */
    nacre_error coded; /* what is said where it has none */
    uint8_t spare;
} s3_get;

static void end(s3_get *job, nacre_status status)
{
    ncr_get *get = job->body.get;
    get->round = job->round;
    ncr_s3_exchange_free(job->exchange);
    free(job);
    ncr_get_end(get, status);
}

static void end_body(ncr_body_job *job, nacre_status status)
{
    end((s3_get *)job, status); /* its first member */
}

/* --- Sending. --- */

static bool add_condition(const s3_get *job)
{
    const ncr_get *get = job->body.get;
    const char *etag = get->match != NCR_MATCH_ANY ? ncr_s3_etag(get->version) : NULL;
    if (!etag || job->no_condition || job->is_kept)
        return true;
    return ncr_http_request_header(job->exchange->request,
                                   get->match == NCR_MATCH_VERSION ? "If-Match" : "If-None-Match", etag);
}

static void send_exchange(s3_get *job, const char *method, void (*done)(ncr_s3_exchange *))
{
    ncr_get *get = job->body.get;
    ncr_s3_target target;
    ncr_s3_exchange_free(job->exchange);
    ncr_s3_target_begin(&target, get->object->key);
    ncr_s3_target_query(&target, "versionId", job->is_kept ? get->version->version_id : NULL);
    job->exchange =
        ncr_s3_exchange_new(method, &target, get->object, get->call, job->round ? job->round : get->needed_round);
    bool made = job->exchange != NULL;
    if (made && strcmp(method, "GET") == 0) {
        ncr_body_expect(get, job->exchange->request, &job->spare);
        if (job->takes_coding)
            made = ncr_http_request_header(job->exchange->request, "Accept-Encoding", "identity");
        made = made && add_condition(job) &&
               (!ncr_get_is_whole(get) ||
                ncr_http_request_header(job->exchange->request, "x-amz-checksum-mode", "ENABLED"));
    }
    if (made)
        ncr_s3_exchange_start(job->exchange, done, job);
    else
        end(job, ncr_error_memory(&get->error));
}

/* --- Verdicts on answers. --- */

/* Why a request brought nothing that can be used. */
static nacre_status refuse(const s3_get *job)
{
    const ncr_http_request *request = job->exchange->request;
    int code = request->response.status;
    /* The old version is not kept, or not for us: what was found before counts. */
    bool is_changed = code == 412 || (job->is_kept && code >= 400 && code < 500);
    return ncr_body_fail(job->body.get, request, is_changed, ncr_s3_status_error);
}

/* The facts after a range was refused. */
static void end_done(ncr_s3_exchange *x)
{
    s3_get *job = x->user;
    ncr_get *get = job->body.get;
    const ncr_http_response *response = &x->request->response;
    job->round = response->round;
    if (x->request->status != NACRE_OK || response->status != 200 || response->content_length == UINT64_MAX) {
        end(job, refuse(job));
        return;
    }
    ncr_s3_facts_of(get->object, response, &get->facts);
    get->facts.size = response->content_length;
    end(job, ncr_get_take_end(get));
}

static void get_done(ncr_s3_exchange *x);

static void take_not_modified(s3_get *job)
{
    ncr_get *get = job->body.get;
    if (ncr_get_take_not_modified(get, &get->facts.version)) {
        end(job, NACRE_OK);
    } else if (job->no_condition) {
        end(job, refuse(job));
    } else {
        job->no_condition = true;
        send_exchange(job, "GET", get_done);
    }
}

/* Whether an answer shows that the pinned version is another's now, and the bucket may have kept it. */
static bool is_replaced(const s3_get *job, int code)
{
    const ncr_get *get = job->body.get;
    if (get->match != NCR_MATCH_VERSION || !get->version->strong || !get->version->version_id[0] || job->is_kept)
        return false;
    bool has_body = code == 200 || code == 206;
    return code == 412 || code == 404 || (has_body && !ncr_version_matches(get->version, &get->facts.version));
}

static void coding_done(ncr_s3_exchange *x)
{
    s3_get *job = x->user;
    ncr_get *get = job->body.get;
    const ncr_http_response *response = &x->request->response;
    char coding[64];
    ncr_object_facts facts = {0};
    if (x->request->status == NACRE_OK && response->status == 200) {
        ncr_s3_facts_of(get->object, response, &facts);
        job->takes_coding = facts.version.strong &&
                            ncr_http_response_header(response, "content-encoding", coding, sizeof coding) && *coding;
    }
    job->round = response->round;
    if (job->takes_coding)
        send_exchange(job, "GET", get_done);
    else
        end(job, ncr_error_copy(&get->error, &job->coded, job->coded.status));
}

static void get_done(ncr_s3_exchange *x)
{
    s3_get *job = x->user;
    ncr_get *get = job->body.get;
    const ncr_http_response *response = &x->request->response;
    int code = response->status;
    job->round = response->round;
    if (x->request->status != NACRE_OK && response->is_coded && !job->takes_coding) {
        job->coded = x->request->error;
        job->round = x->request->needed_round + 1;
        send_exchange(job, "HEAD", coding_done);
        return;
    }
    if (x->request->status != NACRE_OK) {
        end(job, refuse(job));
        return;
    }
    if (code == 200 || code == 206 || code == 304)
        ncr_s3_facts_of(get->object, response, &get->facts);
    if (is_replaced(job, code)) {
        job->is_kept = true;
        ncr_get_begin(get);
        send_exchange(job, "GET", get_done);
    } else if (code == 200 || code == 206) {
        nacre_status status = ncr_get_check_version(get);
        if (status == NACRE_OK)
            ncr_body_take_checked(&job->body, x->request, get->facts.checksum);
        else
            end(job, status);
    } else if (code == 304) {
        take_not_modified(job);
    } else if (code == 416 && !ncr_get_is_whole(get)) {
        send_exchange(job, "HEAD", end_done);
    } else {
        end(job, refuse(job));
    }
}

void ncr_s3_get(ncr_get *get)
{
    ncr_get_begin(get);
    nacre_status status = ncr_object_check_key(get->object, &get->error);
    s3_get *job = status == NACRE_OK ? calloc(1, sizeof *job) : NULL;
    if (!job) {
        ncr_get_end(get, status == NACRE_OK ? ncr_error_memory(&get->error) : status);
        return;
    }
    job->body = (ncr_body_job){.get = get, .end = end_body};
    send_exchange(job, "GET", get_done);
}
