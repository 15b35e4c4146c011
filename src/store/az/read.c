/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdio.h>

#include "store/az/az.h"
#include "store/list.h"

/* Stat and listings of Azure Blob Storage: one request each. */

/* --- Stat. --- */

static nacre_status take_facts(const ncr_http_request *request, const ncr_object *object, ncr_object_facts *out,
                               nacre_error *err)
{
    if (request->response.status != 200)
        return ncr_az_status_error(request, object, err);
    if (ncr_az_is_directory(&request->response))
        return ncr_az_directory_error(object, err);
    ncr_az_describe(&request->response, out);
    out->size = request->response.content_length;
    if (out->size != UINT64_MAX)
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: the store does not say how large the object is", object->name);
}

static void stat_done(ncr_http_request *request)
{
    ncr_stat_op *op = request->user;
    op->round = request->response.round;
    op->server_ms = ncr_http_response_date(&request->response);
    nacre_status status = request->status == NACRE_OK ? take_facts(request, op->object, &op->facts, &op->error)
                                                      : ncr_error_copy(&op->error, &request->error, request->status);
    ncr_http_request_free(request);
    ncr_stat_op_end(op, status);
}

void ncr_az_stat(ncr_stat_op *op)
{
    ncr_stat_op_begin(op);
    nacre_status status = ncr_object_check_key(op->object, &op->error);
    ncr_http_request *request = status == NACRE_OK ? ncr_az_head_request(op->object, op->call, op->needed_round) : NULL;
    if (!request) {
        ncr_stat_op_end(op, status == NACRE_OK ? ncr_error_memory(&op->error) : status);
        return;
    }
    request->done = stat_done;
    request->user = op;
    ncr_http_start(request);
}

nacre_status ncr_az_facts_wait(const ncr_object *object, ncr_call *call, ncr_object_facts *out, nacre_error *err)
{
    *out = (ncr_object_facts){.modified_ms = -1};
    ncr_http_request *request = ncr_az_head_request(object, call, atomic_load(&call->counters.round));
    if (!request)
        return ncr_error_memory(err);
    nacre_status status = ncr_http_perform(request, err);
    ncr_call_round_used(call, request->response.round);
    if (status == NACRE_OK)
        status = take_facts(request, object, out, err);
    ncr_http_request_free(request);
    return status;
}

/* --- Listings. --- */

static void list_done(ncr_http_request *request)
{
    static const ncr_list_reader reader = {.parse = ncr_az_list_parse, .refuse = ncr_az_status_error};
    ncr_list_take(request->user, &reader, request, NULL);
}

static ncr_http_request *list_request(const ncr_list_op *op)
{
    char most[24] = "";
    ncr_az_url url;
    if (op->max_entries)
        snprintf(most, sizeof most, "%zu", op->max_entries < 5000 ? op->max_entries : 5000);
    ncr_az_url_begin(&url, op->object, NULL);
    ncr_az_url_query(&url, "restype", "container");
    ncr_az_url_query(&url, "comp", "list");
    ncr_az_url_query(&url, "prefix", op->object->key);
    ncr_az_url_query(&url, "delimiter", op->recursive ? NULL : "/");
    ncr_az_url_query(&url, "maxresults", most);
    ncr_az_url_query(&url, "marker", op->page);
    ncr_az_url_query(&url, "include", "metadata"); /* for hdi_isfolder */
    return ncr_az_request("GET", &url, op->object, op->call, op->needed_round);
}

void ncr_az_list(ncr_list_op *op)
{
    if (ncr_list_begin(op, "name a container in it: az://CONTAINER/"))
        ncr_list_send(op, list_request(op), list_done);
}
