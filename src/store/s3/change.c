/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/change.h"
#include "store/s3/s3.h"

/* What all changes in S3 share: conditions, sending, and looking at what is there. */

enum { MOST_REFUSALS = 4, REFUSAL_WAIT_MS = 200 };

ncr_s3_exchange *ncr_s3_change_new(const char *method, ncr_s3_target *target, const ncr_object *object, ncr_call *call)
{
    ncr_s3_exchange *x = ncr_s3_exchange_new(method, target, object, call, atomic_load(&call->counters.round));
    if (x)
        x->request->sink.whole_limit = NCR_S3_ANSWER_LIMIT;
    return x;
}

nacre_status ncr_s3_change_condition(ncr_s3_exchange *x, const ncr_object *object, const ncr_condition *condition,
                                     nacre_error *err)
{
    const char *etag = condition->version ? ncr_s3_etag(condition->version) : NULL;
    if (condition->version && !condition->absent && !etag)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: '%s' is no version of S3 (etag=\"...\")", object->name,
                             condition->version->token);
    bool added = true;
    if (condition->absent)
        added = ncr_http_request_header(x->request, "If-None-Match", "*");
    else if (etag)
        added = ncr_http_request_header(x->request, "If-Match", etag);
    return added ? NACRE_OK : ncr_error_memory(err);
}

bool ncr_s3_change_succeeded(const ncr_s3_exchange *x)
{
    return x->request->status == NACRE_OK && ncr_change_succeeded(x->request);
}

/* Whether the store says that it did nothing for now: a change that must not be sent twice may then be sent again. */
static bool is_refused_for_now(const ncr_http_request *request)
{
    ncr_aws_failure failure;
    if (request->status != NACRE_OK || ncr_change_was_sent_before(request) || request->idempotent ||
        (request->response.status != 503 && request->response.status != 409))
        return false;
    ncr_aws_failure_read(request->response.whole.data, request->response.whole.size, &failure);
    return strcmp(failure.code, "SlowDown") == 0 || strcmp(failure.code, "OperationAborted") == 0;
}

nacre_status ncr_s3_change_send(ncr_s3_exchange *x, ncr_outcome *outcome, nacre_error *err)
{
    ncr_call *call = x->request->call;
    int64_t most = ncr_config_number(call->config, NCR_KEY_HTTP_RETRIES);
    nacre_status status;
    for (int refusals = 0;; refusals++) {
        status = ncr_s3_exchange_perform(x, err);
        *outcome = ncr_change_outcome(x->request);
        ncr_call_round_used(call, x->request->response.round);
        bool is_refused = is_refused_for_now(x->request);
        if (is_refused)
            *outcome = NCR_OUTCOME_NOT_DONE;
        if (!is_refused || refusals >= MOST_REFUSALS || refusals >= most ||
            ncr_call_check(call, x->object->name, NULL) != NACRE_OK)
            return status;
        int64_t wait_ms = (int64_t)REFUSAL_WAIT_MS << refusals;
        nanosleep(&(struct timespec){.tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000L}, NULL);
    }
}

static nacre_status look(const ncr_object *object, ncr_call *call, bool with_checksum, ncr_object_facts *out,
                         char **headers, nacre_error *err)
{
    ncr_s3_target target;
    *out = (ncr_object_facts){.modified_ms = -1};
    if (headers)
        *headers = NULL;
    ncr_s3_target_begin(&target, object->key);
    ncr_s3_exchange *x = ncr_s3_change_new("HEAD", &target, object, call);
    if (!x || (with_checksum && !ncr_http_request_header(x->request, "x-amz-checksum-mode", "ENABLED"))) {
        ncr_s3_exchange_free(x);
        return ncr_error_memory(err);
    }
    nacre_status status = ncr_s3_exchange_perform(x, err);
    ncr_http_response *response = &x->request->response;
    ncr_call_round_used(call, response->round);
    if (status == NACRE_OK && (response->status != 200 || response->content_length == UINT64_MAX))
        status = ncr_s3_status_error(x->request, object, err);
    if (status == NACRE_OK) {
        ncr_s3_facts_of(object, response, out);
        out->size = response->content_length;
        if (headers) {
            *headers = response->headers;
            response->headers = NULL;
        }
    }
    ncr_s3_exchange_free(x);
    return status;
}

nacre_status ncr_s3_facts_wait(const ncr_object *object, ncr_call *call, ncr_object_facts *out, char **headers,
                               nacre_error *err)
{
    return look(object, call, false, out, headers, err);
}

nacre_status ncr_s3_checksum_wait(const ncr_object *object, ncr_call *call, ncr_object_facts *out)
{
    return look(object, call, true, out, NULL, NULL);
}

nacre_status ncr_s3_condition_error(const ncr_object *object, ncr_call *call, const ncr_condition *condition,
                                    nacre_error *err)
{
    ncr_object_facts now;
    if (condition->absent)
        return ncr_error_set_http(err, NACRE_ERROR_EXISTS, 412, "%s: exists already", object->name);
    if (!condition->version)
        return ncr_error_set_http(err, NACRE_ERROR_IO, 412,
                                  "%s: the server speaks of a condition (412), though none was set", object->name);
    nacre_status status = ncr_s3_facts_wait(object, call, &now, NULL, NULL);
    if (status == NACRE_ERROR_NOT_FOUND)
        return ncr_version_gone(err, object->name, condition->version);
    return ncr_version_changed(err, object->name, condition->version, status == NACRE_OK ? &now.version : NULL);
}

void ncr_s3_take_back(ncr_object *object, ncr_call *call, const ncr_version *version)
{
    ncr_call *cleanup = ncr_call_new_cleanup(call);
    ncr_delete op = {.object = object, .call = cleanup, .condition = {.version = version}};
    if (cleanup)
        ncr_s3_remove(&op, NULL);
    ncr_call_unref(cleanup);
}
