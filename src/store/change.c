/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/change.h"

#include "store/backend.h"

ncr_outcome ncr_change_outcome(const ncr_http_request *request)
{
    int code = request->response.status;
    if (!request->response.sent)
        return NCR_OUTCOME_NOT_DONE;
    if (request->status != NACRE_OK || (code >= 500 && code != 501) || code == 408)
        return NCR_OUTCOME_UNKNOWN;
    if (ncr_change_succeeded(request))
        return NCR_OUTCOME_DONE;
    return ncr_change_was_sent_before(request) ? NCR_OUTCOME_UNKNOWN : NCR_OUTCOME_NOT_DONE;
}

nacre_status ncr_change_send(ncr_http_request *request, ncr_outcome *outcome, nacre_error *err)
{
    nacre_status status = ncr_http_perform(request, err);
    *outcome = ncr_change_outcome(request);
    ncr_call_round_used(request->call, request->response.round);
    return status;
}

static nacre_status put_in_parts(ncr_put *put, nacre_error *err)
{
    const ncr_store_class *class = put->object->store->class;
    ncr_upload *upload;
    size_t at = 0;
    nacre_status status = class->upload_begin(put->object, put->call, &put->condition, put->content_type, &upload, err);
    for (unsigned number = 1; at < put->size && status == NACRE_OK; number++) {
        size_t left = put->size - at, most = ncr_part_size(class, number), step = left < most ? left : most;
        status = class->upload_part(upload, number, (const char *)put->data + at, step, err);
        if (status != NACRE_OK)
            class->upload_abort(upload);
        at += step;
    }
    return status == NACRE_OK ? class->upload_finish(upload, &put->outcome, &put->facts, err) : status;
}

nacre_status ncr_change_put(ncr_put *put, nacre_status (*put_small)(ncr_put *put, nacre_error *err), nacre_error *err)
{
    put->outcome = NCR_OUTCOME_NOT_DONE;
    put->facts = (ncr_object_facts){.modified_ms = -1};
    nacre_status status = ncr_object_check_key(put->object, err);
    if (status != NACRE_OK)
        return status;
    return put->size <= put->object->store->class->part_size ? put_small(put, err) : put_in_parts(put, err);
}

bool ncr_change_met_nothing(ncr_delete *op, const ncr_http_request *request, nacre_status *status, nacre_error *err)
{
    bool is_done = ncr_change_was_sent_before(request);
    if (request->response.status != 404 || (!is_done && !op->condition.version))
        return false;
    if (is_done)
        op->outcome = NCR_OUTCOME_DONE;
    *status = is_done ? NACRE_OK : ncr_version_gone(err, op->object->name, op->condition.version);
    return true;
}

const char *ncr_change_type(const char *content_type, const char *otherwise)
{
    bool is_line = content_type && *content_type;
    for (const char *c = content_type; is_line && *c; c++)
        is_line = (unsigned char)*c >= 0x20 && (unsigned char)*c < 0x7f;
    return is_line ? content_type : otherwise;
}
