/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/az/az.h"
#include "store/body.h"

/* Reading bytes of an object. The store is consistent and answers from itself, so one request is enough: as it is now,
 * pinned (If-Match) or as a proof (If-None-Match). Whatever was asked for, the ETag in the answer is compared.
 *
 *   media   one GET decides
 *   old     the object that was pinned is gone or overwritten, but the account keeps versions: a GET of that version
 *   facts   a HEAD, after a range was refused (416) without saying of what
 */

typedef struct az_get az_get;
struct az_get {
    ncr_body_job body;
    ncr_http_request *request;
    void (*next)(az_get *job);
    nacre_error first; /* why the pinned version is not what is there now */
    bool no_condition; /* the server's 304 made no sense */
    unsigned round;    /* highest of the answers so far */
    uint8_t spare;
};

static void start(az_get *job, unsigned needed_round);

static void end(az_get *job, nacre_status status)
{
    ncr_get *get = job->body.get;
    get->round = job->round;
    ncr_http_request_free(job->request);
    free(job);
    ncr_get_end(get, status);
}

static void end_body(ncr_body_job *job, nacre_status status)
{
    end((az_get *)job, status); /* its first member */
}

static void request_done(ncr_http_request *request)
{
    az_get *job = request->user;
    if (request->response.round > job->round)
        job->round = request->response.round;
    job->next(job);
}

/* Sends a request, which becomes the job's; NULL: out of memory. */
static void send_request(az_get *job, ncr_http_request *request, void (*next)(az_get *job))
{
    ncr_http_request_free(job->request);
    job->request = request;
    if (!request) {
        end(job, ncr_error_memory(&job->body.get->error));
        return;
    }
    job->next = next;
    request->done = request_done;
    request->user = job;
    ncr_http_start(request);
}

/* A GET of the wanted bytes. NULL: out of memory. */
static ncr_http_request *media_request(az_get *job, const char *version_id, const char *condition, const char *etag,
                                       unsigned needed_round)
{
    const ncr_get *get = job->body.get;
    ncr_az_url url;
    ncr_az_url_begin(&url, get->object, get->object->key);
    ncr_az_url_query(&url, "versionid", version_id);
    ncr_http_request *request = ncr_az_request("GET", &url, get->object, get->call, needed_round);
    /* The store sends bytes as it holds them; their Content-Encoding is told and not applied. */
    bool made = request && ncr_http_request_header(request, "Accept-Encoding", "identity") &&
                (!etag || ncr_http_request_header(request, condition, etag));
    if (!made) {
        ncr_http_request_free(request);
        return NULL;
    }
    ncr_body_expect(get, request, &job->spare);
    return request;
}

/* Takes a body whose version was accepted, and ends the job. */
static void take_body(az_get *job)
{
    ncr_body_take_checked(&job->body, job->request, job->body.get->facts.checksum);
}

/* --- Verdicts on answers. --- */

/* Why a request brought nothing that can be used. */
static nacre_status fail_with(ncr_get *get, const ncr_http_request *request)
{
    return ncr_body_fail(get, request, ncr_az_is_condition(request), ncr_az_status_error);
}

static void facts_next(az_get *job)
{
    ncr_get *get = job->body.get;
    const ncr_http_response *response = &job->request->response;
    if (job->request->status != NACRE_OK || response->status != 200) {
        end(job, fail_with(get, job->request));
        return;
    }
    ncr_az_describe(response, &get->facts);
    get->facts.size = response->content_length == UINT64_MAX ? 0 : response->content_length;
    if (ncr_az_is_directory(response))
        end(job, ncr_az_directory_error(get->object, &get->error));
    else
        end(job, ncr_get_take_end(get));
}

/* After a 416. Azure says of what only by its size; the version is another question. */
static void take_refused_range(az_get *job)
{
    ncr_get *get = job->body.get;
    send_request(job, ncr_az_head_request(get->object, get->call, job->round), facts_next);
}

static bool is_not_modified(ncr_get *get, const ncr_http_response *response)
{
    ncr_object_facts said = {0};
    ncr_az_describe(response, &said);
    return response->status == 304 && ncr_get_take_not_modified(get, &said.version);
}

/* --- Old versions. --- */

static void old_next(az_get *job)
{
    ncr_get *get = job->body.get;
    const ncr_http_response *response = &job->request->response;
    if (ncr_body_is_there(job->request))
        ncr_az_describe(response, &get->facts);
    if (ncr_body_is_there(job->request) && ncr_version_matches(get->version, &get->facts.version))
        take_body(job);
    else
        end(job, ncr_error_copy(&get->error, &job->first, job->first.status)); /* it was deleted, or is not for us */
}

/* Whether the account may still have the bytes that were pinned. */
static bool has_old_version(const az_get *job)
{
    const ncr_get *get = job->body.get;
    bool is_gone =
        job->request->status == NACRE_OK && (job->request->response.status == 404 || ncr_az_is_condition(job->request));
    return is_gone && get->match == NCR_MATCH_VERSION && get->version->version_id[0] && ncr_az_etag(get->version);
}

static void read_old_version(az_get *job)
{
    ncr_get *get = job->body.get;
    fail_with(get, job->request);
    job->first = get->error;
    send_request(job, media_request(job, get->version->version_id, NULL, NULL, job->round), old_next);
}

/* --- The object as it is now. --- */

static void media_next(az_get *job)
{
    ncr_get *get = job->body.get;
    const ncr_http_response *response = &job->request->response;
    bool has_answer = job->request->status == NACRE_OK;
    if (ncr_body_is_there(job->request)) {
        ncr_az_describe(response, &get->facts);
        nacre_status status = ncr_az_is_directory(response) ? ncr_az_directory_error(get->object, &get->error)
                                                            : ncr_get_check_version(get);
        if (status == NACRE_OK)
            take_body(job);
        else
            end(job, status);
    } else if (has_answer && response->status == 416 && !ncr_get_is_whole(get)) {
        take_refused_range(job);
    } else if (has_answer && is_not_modified(get, response)) {
        end(job, NACRE_OK);
    } else if (has_answer && response->status == 304 && !job->no_condition) {
        job->no_condition = true;
        start(job, job->round);
    } else if (has_old_version(job)) {
        read_old_version(job);
    } else {
        end(job, fail_with(get, job->request));
    }
}

static void start(az_get *job, unsigned needed_round)
{
    const ncr_get *get = job->body.get;
    const char *etag = NULL, *condition = "If-Match";
    if (get->match == NCR_MATCH_VERSION)
        etag = ncr_az_etag(get->version);
    if (get->match == NCR_MATCH_MODIFIED && !job->no_condition) {
        etag = ncr_az_etag(get->version);
        condition = "If-None-Match";
    }
    send_request(job, media_request(job, NULL, condition, etag, needed_round), media_next);
}

void ncr_az_get(ncr_get *get)
{
    ncr_get_begin(get);
    nacre_status status = ncr_object_check_key(get->object, &get->error);
    az_get *job = status == NACRE_OK ? calloc(1, sizeof *job) : NULL;
    if (!job) {
        ncr_get_end(get, status == NACRE_OK ? ncr_error_memory(&get->error) : status);
        return;
    }
    job->body = (ncr_body_job){.get = get, .end = end_body};
    start(job, get->needed_round);
}
