/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdio.h>
#include <stdlib.h>

#include "base/pool.h"
#include "store/az/az.h"

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
    nacre_status status = ncr_az_check_key(op->object, &op->error);
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

/* --- Listings: a page may be long, so it is read on a worker. --- */

typedef struct list_job {
    ncr_task task;
    ncr_list_op *op;
    ncr_http_request *request;
} list_job;

static void read_page(ncr_task *task)
{
    list_job *job = (list_job *)task;
    ncr_list_op *op = job->op;
    const ncr_http_request *request = job->request;
    nacre_status status;
    op->round = request->response.round;
    if (request->status != NACRE_OK)
        status = ncr_error_copy(&op->error, &request->error, request->status);
    else if (request->response.status != 200)
        status = ncr_az_status_error(request, op->object, &op->error);
    else
        status = ncr_az_list_parse(&request->response.whole, op);
    ncr_http_request_free(job->request);
    free(job);
    ncr_list_op_end(op, status);
}

static void list_done(ncr_http_request *request)
{
    list_job *job = request->user;
    job->task.run = read_page;
    ncr_pool_submit(&job->task);
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
    ncr_list_op_begin(op);
    if (!op->object->bucket[0]) {
        ncr_list_op_end(op, ncr_error_set(&op->error, NACRE_ERROR_INVALID,
                                          "%s: name a container in it: az://CONTAINER/", op->object->name));
        return;
    }
    list_job *job = calloc(1, sizeof *job);
    ncr_http_request *request = job ? list_request(op) : NULL;
    if (!request) {
        free(job);
        ncr_list_op_end(op, ncr_error_memory(&op->error));
        return;
    }
    job->op = op;
    job->request = request;
    request->sink.whole_limit = NCR_AZ_LIST_LIMIT;
    request->done = list_done;
    request->user = job;
    ncr_http_start(request);
}
