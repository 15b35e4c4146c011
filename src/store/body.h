/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_STORE_BODY_H
#define NCR_STORE_BODY_H

#include "base/pool.h"
#include "net/http.h"
#include "store/backend.h"

/* What back ends over HTTP share: from a get to its request, and from the answer's body to the get. */

/* Sets range and sink for a get's wanted bytes. spare is one byte that lives as
 * long as the request: for a get of no bytes, which still has to ask for one. */
void ncr_body_expect(const ncr_get *get, ncr_http_request *request, uint8_t *spare);

/* Takes the bytes of a 200 or 206 into got, or whole, and sets facts.size. NACRE_ERROR_CORRUPT: the answer does not
 * hold what was asked for. */
nacre_status ncr_body_take(ncr_get *get, ncr_http_request *request);

/* Whether the answer holds bytes of the object. */
static inline bool ncr_body_is_there(const ncr_http_request *request)
{
    return request->status == NACRE_OK && (request->response.status == 200 || request->response.status == 206);
}

/* Says why an answer is no success: a back end's own sentences. */
typedef nacre_status ncr_body_refuse(const ncr_http_request *request, const ncr_object *object, nacre_error *err);

/* Why a get's request brought nothing that can be used: no answer; of a pinned get, that the version is gone (404, 410)
 * or, with is_changed, another; or what refuse() says. Sets the get's error. */
nacre_status ncr_body_fail(ncr_get *get, const ncr_http_request *request, bool is_changed, ncr_body_refuse *refuse);

/* A get under way; back ends' own structs begin with it. Single-thread. */
typedef struct ncr_body_job ncr_body_job;
struct ncr_body_job {
    ncr_task task; /* for checking large bodies on a worker */
    ncr_get *get;
    void (*end)(ncr_body_job *job, nacre_status status);
    char checksum[48];
};

/* Takes the bytes like ncr_body_take(), and holds them against the checksum ("" unknown) where they are the whole
 * object, large ones on a worker. Then, here or there, end() is called. */
void ncr_body_take_checked(ncr_body_job *job, ncr_http_request *request, const char *checksum);

/* Content type and modification time from headers. */
void ncr_body_describe(const ncr_http_response *response, ncr_object_facts *out);

#endif
