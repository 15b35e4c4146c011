/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_STORE_LIST_H
#define NCR_STORE_LIST_H

#include "store/body.h"

/* What listings of back ends over HTTP share: one request a page. */

enum { NCR_LIST_LIMIT = 64 << 20 }; /* bytes of a page */

/* How a back end reads the answer. */
typedef struct ncr_list_reader {
    nacre_status (*parse)(const ncr_buffer *body, ncr_list_op *op);
    ncr_body_refuse *refuse;
    void (*release)(void *owner); /* see ncr_list_take() */
} ncr_list_reader;

/* Begins a listing. False, with the operation ended, where its path names no bucket; how says what to do: "name a
 * bucket in it: gs://BUCKET/". */
bool ncr_list_begin(ncr_list_op *op, const char *how);

/* Sends a page's request (NULL: out of memory), whose user is the operation. */
void ncr_list_send(ncr_list_op *op, ncr_http_request *request, void (*done)(ncr_http_request *request));

/* Takes the answer, and ends the operation: a page may be long, so it is read on a worker. owner is what the request is
 * a part of, for release(); NULL: nothing, and the request is released. */
void ncr_list_take(ncr_list_op *op, const ncr_list_reader *reader, ncr_http_request *request, void *owner);

#endif
