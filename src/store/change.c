/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/change.h"

ncr_outcome ncr_change_outcome(const ncr_http_request *request)
{
    int code = request->response.status;
    if (!request->response.sent)
        return NCR_OUTCOME_NOT_DONE;
    if (request->status != NACRE_OK || code >= 500 || code == 408)
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
