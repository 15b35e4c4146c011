/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_STORE_CHANGE_H
#define NCR_STORE_CHANGE_H

#include "net/http.h"
#include "store/store.h"

/* What the changes of back ends over HTTP share. */

/* Whether the last answer is a 2xx. */
static inline bool ncr_change_succeeded(const ncr_http_request *request)
{
    return request->response.status >= 200 && request->response.status < 300;
}

/* Whether there was an attempt before the one that was answered, which may have taken effect. */
static inline bool ncr_change_was_sent_before(const ncr_http_request *request)
{
    return request->response.sent > 1;
}

/* Whether a change that was sent has happened, as far as what came of it tells. */
ncr_outcome ncr_change_outcome(const ncr_http_request *request);

/* Sends a change and waits; sets outcome, and tells the call that the answer's round is used. Returns the request's
 * status: NACRE_OK where an answer came, whatever it says. */
nacre_status ncr_change_send(ncr_http_request *request, ncr_outcome *outcome, nacre_error *err);

/* Whether a delete that failed met nothing where that is explained, by an attempt before it, whose answer was lost (it
 * is done), or since the version that it was for is gone; *status then says which. */
bool ncr_change_met_nothing(ncr_delete *op, const ncr_http_request *request, nacre_status *status, nacre_error *err);

/* A class's put: by put_small() where the bytes fit into one part, else by its own upload, so that a fault costs no
 * more than a part. */
nacre_status ncr_change_put(ncr_put *put, nacre_status (*put_small)(ncr_put *put, nacre_error *err), nacre_error *err);

/* What is said where no content type is given. */
#define NCR_TYPE_OF_BYTES "application/octet-stream"

/* The content type where it can stand in a header; otherwise: where it is NULL, "" or would break the line. */
const char *ncr_change_type(const char *content_type, const char *otherwise);

#endif
