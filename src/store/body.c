/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/body.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/checksum.h"

enum { CHECK_HERE = 64 << 10 };

void ncr_body_expect(const ncr_get *get, ncr_http_request *request, uint8_t *spare)
{
    int64_t limit = ncr_config_number(get->call->config, NCR_KEY_LIMIT_WHOLE_READ);
    request->sink.whole_limit = limit < 0 ? SIZE_MAX / 2 : (size_t)limit;
    if (ncr_get_is_whole(get))
        return;
    request->range = (ncr_http_range){.offset = get->offset, .length = get->length ? get->length : 1};
    request->sink.data = get->length ? get->buffer : spare;
    request->sink.capacity = get->length ? get->length : 1;
}

static nacre_status take_range(ncr_get *get, const ncr_http_response *response)
{
    const char *name = get->object->name;
    if (!response->is_range || ncr_get_is_whole(get))
        return ncr_error_set(&get->error, NACRE_ERROR_CORRUPT,
                             "%s: the server sent another part than the one that was asked for", name);
    if (response->total == UINT64_MAX)
        return ncr_error_set(&get->error, NACRE_ERROR_CORRUPT, "%s: the server does not say how large the object is",
                             name);
    get->facts.size = response->total;
    size_t expected = ncr_get_inside(get, get->facts.size);
    get->got = get->length ? response->received : 0;
    if (get->got != expected)
        return ncr_error_set(&get->error, NACRE_ERROR_CORRUPT, "%s: %zu bytes came where %zu were asked for", name,
                             get->got, expected);
    return NACRE_OK;
}

static nacre_status take_whole(ncr_get *get, ncr_http_response *response)
{
    get->facts.size = response->whole.size;
    if (!get->length)
        return NACRE_OK;
    get->whole_size = response->whole.size;
    get->whole = response->whole.data ? response->whole.data : malloc(1);
    response->whole = (ncr_buffer){0};
    return get->whole ? NACRE_OK : ncr_error_memory(&get->error);
}

nacre_status ncr_body_take(ncr_get *get, ncr_http_request *request)
{
    return request->response.status == 206 ? take_range(get, &request->response) : take_whole(get, &request->response);
}

nacre_status ncr_body_fail(ncr_get *get, const ncr_http_request *request, bool is_changed, ncr_body_refuse *refuse)
{
    const ncr_version *found = &get->facts.version;
    int code = request->response.status;
    bool is_pinned = get->match == NCR_MATCH_VERSION;
    if (request->status != NACRE_OK)
        return ncr_error_copy(&get->error, &request->error, request->status);
    if (is_pinned && is_changed)
        return ncr_version_changed(&get->error, get->object->name, get->version,
                                   ncr_version_matches(get->version, found) ? NULL : found);
    if (is_pinned && (code == 404 || code == 410))
        return ncr_version_gone(&get->error, get->object->name, get->version);
    return refuse(request, get->object, &get->error);
}

static void check(ncr_task *task)
{
    ncr_body_job *job = (ncr_body_job *)task; /* the task is its first member */
    ncr_get *get = job->get;
    const uint8_t *bytes = get->whole ? get->whole : get->buffer;
    size_t size = get->whole ? get->whole_size : get->got;
    job->end(job, ncr_checksum_check(job->checksum, bytes, size, get->object->name, &get->error));
}

void ncr_body_take_checked(ncr_body_job *job, ncr_http_request *request, const char *checksum)
{
    ncr_get *get = job->get;
    nacre_status status = ncr_body_take(get, request);
    size_t size = get->whole ? get->whole_size : get->got;
    bool is_all = get->whole || (get->offset == 0 && get->got == get->facts.size);
    snprintf(job->checksum, sizeof job->checksum, "%s", checksum);
    job->task.run = check;
    if (status != NACRE_OK || !is_all || !size || !checksum[0])
        job->end(job, status);
    else if (size <= CHECK_HERE)
        check(&job->task);
    else
        ncr_pool_submit(&job->task);
}

void ncr_body_describe(const ncr_http_response *response, ncr_object_facts *out)
{
    char modified[64];
    ncr_http_response_header(response, "content-type", out->content_type, sizeof out->content_type);
    out->modified_ms = ncr_http_response_header(response, "last-modified", modified, sizeof modified)
                           ? ncr_http_date_ms(modified)
                           : -1;
}
