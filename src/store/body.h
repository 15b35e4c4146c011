/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_STORE_BODY_H
#define NCR_STORE_BODY_H

#include "net/http.h"
#include "store/backend.h"

/* What back ends over HTTP share: from a get to its request, and from the answer's body to the get. */

/* Sets range and sink for a get's wanted bytes. spare is one byte that lives as
 * long as the request: for a get of no bytes, which still has to ask for one. */
void ncr_body_expect(const ncr_get *get, ncr_http_request *request, uint8_t *spare);

/* Takes the bytes of a 200 or 206 into got, or whole, and sets facts.size. NACRE_ERROR_CORRUPT: the answer does not
 * hold what was asked for. */
nacre_status ncr_body_take(ncr_get *get, ncr_http_request *request);

/* Content type and modification time from headers. */
void ncr_body_describe(const ncr_http_response *response, ncr_object_facts *out);

#endif
