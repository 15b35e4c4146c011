/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/body.h"
#include "store/gs/gs.h"

/* Reading bytes of an object. With a token every media request is answered from the store itself, so one request is
 * enough: unpinned, pinned (generation=G) or as a proof (ifGenerationNotMatch=G). Without one, Google may answer for
 * public objects from its own cache, which may be an hour behind; metadata is never cached. So an anonymous unpinned
 * get asks for the metadata beside the media, in the same round, and reads again pinned where they differ; and an
 * anonymous proof is a metadata request. So is every proof in the XML interface, which has no such condition.
 *
 * Whatever was asked for, the generation in the answer is compared: not every server honours preconditions.
 *
 *   media     one media request decides
 *   pair      media and metadata, anonymous; then at most `again`
 *   proof     metadata, with ifGenerationNotMatch where there is such, anonymous or XML; then at most `again`
 *   again     media pinned to the generation that the metadata told
 *   facts     metadata, after a media request was answered 416 without saying of what
 */

enum { MOST_ATTEMPTS = 8 }; /* at an object that is written over and over */

typedef struct gs_get gs_get;
struct gs_get {
    ncr_body_job body;
    ncr_http_request *media, *metadata;
    int pending;
    void (*next)(gs_get *job); /* when nothing is pending */
    char generation[24];       /* what `again` asks for */
    int attempts;
    bool no_condition; /* the server's 304 made no sense */
    unsigned round;    /* highest of the answers so far */
    uint8_t spare;
};

static void start(gs_get *job, unsigned needed_round);

static void end(gs_get *job, nacre_status status)
{
    ncr_get *get = job->body.get;
    get->round = job->round;
    ncr_http_request_free(job->media);
    ncr_http_request_free(job->metadata);
    free(job);
    ncr_get_end(get, status);
}

static void end_body(ncr_body_job *job, nacre_status status)
{
    end((gs_get *)job, status); /* its first member */
}

/* --- Sending. --- */

static void request_done(ncr_http_request *request)
{
    gs_get *job = request->user;
    if (request->response.round > job->round)
        job->round = request->response.round;
    if (--job->pending == 0)
        job->next(job);
}

/* Sends what was made. All answers come on the loop thread, so `pending` needs no lock: it is set before the first is
 * sent, and the job is not touched after the last is. */
static void send_all(gs_get *job, void (*next)(gs_get *job))
{
    ncr_http_request *media = job->media, *metadata = job->metadata;
    job->pending = (media != NULL) + (metadata != NULL);
    job->next = next;
    assert(job->pending > 0);
    if (media) {
        media->done = request_done;
        media->user = job;
    }
    if (metadata) {
        metadata->done = request_done;
        metadata->user = job;
        ncr_http_start(metadata);
    }
    if (media)
        ncr_http_start(media);
}

static void forget_requests(gs_get *job)
{
    ncr_http_request_free(job->media);
    ncr_http_request_free(job->metadata);
    job->media = job->metadata = NULL;
}

static bool make_media(gs_get *job, const char *generation, const char *if_not, unsigned needed_round)
{
    const ncr_get *get = job->body.get;
    job->media = ncr_gs_media_request(get->object, get->call, generation, if_not, needed_round);
    if (job->media)
        ncr_body_expect(get, job->media, &job->spare);
    return job->media != NULL;
}

static bool make_metadata(gs_get *job, const char *generation, const char *if_not, unsigned needed_round)
{
    job->metadata =
        ncr_gs_metadata_request(job->body.get->object, job->body.get->call, generation, if_not, needed_round);
    return job->metadata != NULL;
}

static void out_of_memory(gs_get *job)
{
    end(job, ncr_error_memory(&job->body.get->error));
}

/* --- The body. --- */

/* The checksum in x-goog-hash ("crc32c=AAAAAA==,md5=..."), of the whole object: "crc32c=AAAAAA=="; "" where there is
 * none. */
static void find_checksum(const ncr_http_response *response, char *out, size_t out_size)
{
    char coding[32] = "";
    out[0] = '\0';
    /* Stored compressed and sent plain: the checksum is of what is stored. */
    if (ncr_http_response_header(response, "x-goog-stored-content-encoding", coding, sizeof coding) && coding[0] &&
        strcmp(coding, "identity") != 0)
        return;
    ncr_gs_checksum_of(response, out, out_size);
}

/* What the answer's headers say of the object. */
static void describe(ncr_get *get, const ncr_http_response *response)
{
    ncr_body_describe(response, &get->facts);
    ncr_gs_version_of(response, &get->facts.version);
    find_checksum(response, get->facts.checksum, sizeof get->facts.checksum);
}

/* Takes a body whose version was accepted, and ends the job. */
static void take_body(gs_get *job)
{
    char checksum[48]; /* by the media's own word: the metadata's may be of compressed bytes */
    find_checksum(&job->media->response, checksum, sizeof checksum);
    ncr_body_take_checked(&job->body, job->media, checksum);
}

/* --- Verdicts on answers. --- */

/* Why a request brought nothing that can be used. */
static nacre_status fail_with(ncr_get *get, const ncr_http_request *request)
{
    return ncr_body_fail(get, request, request->response.status == 412, ncr_gs_status_error);
}

static bool is_range_refused(const gs_get *job)
{
    return job->media->status == NACRE_OK && job->media->response.status == 416 && !ncr_get_is_whole(job->body.get);
}

/* The metadata's facts become the get's; false, with the job ended, where there are none. */
static bool take_metadata(gs_get *job, ncr_gs_metadata *out)
{
    ncr_get *get = job->body.get;
    nacre_status status;
    if (ncr_body_is_there(job->metadata))
        status = ncr_gs_metadata_of(job->metadata, get->object, out, &get->error);
    else
        status = fail_with(get, job->metadata);
    if (status != NACRE_OK) {
        end(job, status);
        return false;
    }
    get->facts = out->facts;
    return true;
}

static void facts_next(gs_get *job)
{
    ncr_gs_metadata metadata = {0};
    if (take_metadata(job, &metadata))
        end(job, ncr_get_take_end(job->body.get));
}

/* After a 416: of what, if the answer does not say? */
static void take_refused_range(gs_get *job, const char *generation)
{
    ncr_get *get = job->body.get;
    const ncr_http_response *response = &job->media->response;
    ncr_gs_version_of(response, &get->facts.version);
    if (get->facts.version.strong && response->total != UINT64_MAX) {
        ncr_body_describe(response, &get->facts);
        get->facts.content_type[0] = '\0'; /* that of the error's text */
        get->facts.size = response->total;
        end(job, ncr_get_take_end(job->body.get));
        return;
    }
    forget_requests(job);
    if (make_metadata(job, generation, NULL, job->round))
        send_all(job, facts_next);
    else
        out_of_memory(job);
}

static const char *pinned_generation(const ncr_get *get)
{
    return get->match == NCR_MATCH_VERSION ? ncr_gs_generation(get->version) : NULL;
}

static bool is_not_modified(ncr_get *get, const ncr_http_response *response)
{
    ncr_version said;
    ncr_gs_version_of(response, &said);
    return response->status == 304 && ncr_get_take_not_modified(get, &said);
}

static void media_next(gs_get *job)
{
    ncr_get *get = job->body.get;
    const ncr_http_response *response = &job->media->response;
    if (ncr_body_is_there(job->media)) {
        describe(get, response);
        nacre_status status = ncr_get_check_version(get);
        if (status == NACRE_OK)
            take_body(job);
        else
            end(job, status);
    } else if (is_range_refused(job)) {
        take_refused_range(job, pinned_generation(get));
    } else if (job->media->status == NACRE_OK && is_not_modified(get, response)) {
        end(job, NACRE_OK);
    } else if (job->media->status == NACRE_OK && response->status == 304 && !job->no_condition) {
        job->no_condition = true;
        start(job, job->round);
    } else {
        end(job, fail_with(get, job->media));
    }
}

/* The object changed between two requests of one unpinned get: from the beginning, a few times. */
static void start_over(gs_get *job)
{
    if (++job->attempts < MOST_ATTEMPTS) {
        start(job, job->round);
        return;
    }
    end(job, ncr_error_set(&job->body.get->error, NACRE_ERROR_UNAVAILABLE,
                           "%s: it was overwritten %d times while it was being opened; try again",
                           job->body.get->object->name, MOST_ATTEMPTS));
}

static void again_next(gs_get *job)
{
    ncr_get *get = job->body.get;
    ncr_version wanted;
    const ncr_http_response *response = &job->media->response;
    ncr_gs_version_from(job->generation, &wanted);
    if (job->media->status == NACRE_OK && response->status == 404) {
        start_over(job);
        return;
    }
    if (is_range_refused(job)) {
        end(job, ncr_get_take_end(job->body.get)); /* the facts are the metadata's */
        return;
    }
    if (!ncr_body_is_there(job->media)) {
        end(job, fail_with(get, job->media));
        return;
    }
    describe(get, response);
    if (!get->facts.version.token[0])
        end(job, ncr_version_changed(&get->error, get->object->name, &wanted, NULL));
    else if (ncr_version_matches(&wanted, &get->facts.version))
        take_body(job);
    else
        start_over(job);
}

/* Reads the generation that the metadata told, which is in the get's facts. */
static void start_again(gs_get *job, const ncr_gs_metadata *metadata)
{
    memcpy(job->generation, metadata->generation, sizeof job->generation);
    forget_requests(job);
    if (make_media(job, job->generation, NULL, job->round))
        send_all(job, again_next);
    else
        out_of_memory(job);
}

/* Whether nothing of the object was asked for, as its metadata tells: then it is no matter how the range was met. Some
 * servers break off ranges of empty objects. */
static bool needs_no_body(const gs_get *job, const ncr_gs_metadata *metadata)
{
    bool is_broken_off = job->media->status == NACRE_ERROR_UNAVAILABLE && !ncr_get_is_whole(job->body.get);
    return (is_range_refused(job) || is_broken_off) && job->body.get->offset >= metadata->facts.size;
}

static void pair_next(gs_get *job)
{
    ncr_get *get = job->body.get;
    ncr_gs_metadata metadata = {0};
    ncr_version media_version;
    const ncr_http_request *media = job->media;
    if (!take_metadata(job, &metadata))
        return;
    ncr_gs_version_of(&media->response, &media_version);
    if (ncr_body_is_there(media) && !media_version.token[0]) {
        /* A server that tells generations in metadata only: nothing proves which bytes these are. */
        get->facts.version = media_version;
        take_body(job);
    } else if (ncr_body_is_there(media) && ncr_version_matches(&metadata.facts.version, &media_version)) {
        take_body(job);
    } else if (needs_no_body(job, &metadata)) {
        end(job, ncr_get_take_end(job->body.get));
    } else if (ncr_body_is_there(media) || is_range_refused(job) ||
               (media->status == NACRE_OK && media->response.status == 404)) {
        start_again(job, &metadata);
    } else {
        end(job, fail_with(get, media));
    }
}

static void proof_next(gs_get *job)
{
    ncr_get *get = job->body.get;
    ncr_gs_metadata metadata = {0};
    if (job->metadata->status == NACRE_OK && is_not_modified(get, &job->metadata->response)) {
        end(job, NACRE_OK);
        return;
    }
    if (job->metadata->status == NACRE_OK && job->metadata->response.status == 304) {
        job->no_condition = true;
        start(job, job->round);
        return;
    }
    if (!take_metadata(job, &metadata))
        return;
    get->not_modified = ncr_version_matches(get->version, &metadata.facts.version);
    if (get->not_modified)
        end(job, NACRE_OK);
    else
        start_again(job, &metadata);
}

/* --- The beginning. --- */

static void start(gs_get *job, unsigned needed_round)
{
    ncr_get *get = job->body.get;
    bool is_anonymous = ncr_gs_is_anonymous(ncr_gs_of(get->object)); /* the plan is right with a token, too */
    bool is_proof = get->match == NCR_MATCH_MODIFIED && get->version->strong && !job->no_condition;
    const char *old = is_proof ? ncr_gs_generation(get->version) : NULL;
    bool made;
    forget_requests(job);
    get->not_modified = false;
    if (old && (is_anonymous || ncr_gs_of(get->object)->is_xml)) {
        made = make_metadata(job, NULL, old, needed_round);
        job->next = proof_next;
    } else if (is_anonymous && get->match != NCR_MATCH_VERSION) {
        made = make_metadata(job, NULL, NULL, needed_round) && make_media(job, NULL, NULL, needed_round);
        job->next = pair_next;
    } else {
        made = make_media(job, pinned_generation(get), old, needed_round);
        job->next = media_next;
    }
    if (made)
        send_all(job, job->next);
    else
        out_of_memory(job);
}

void ncr_gs_get(ncr_get *get)
{
    ncr_get_begin(get);
    nacre_status status = ncr_object_check_key(get->object, &get->error);
    gs_get *job = status == NACRE_OK ? calloc(1, sizeof *job) : NULL;
    if (!job) {
        ncr_get_end(get, status == NACRE_OK ? ncr_error_memory(&get->error) : status);
        return;
    }
    job->body = (ncr_body_job){.get = get, .end = end_body};
    start(job, get->needed_round);
}
