/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdio.h>
#include <stdlib.h>

#include "base/pool.h"
#include "store/aws/objects.h"
#include "store/s3/s3.h"

/* Stat and listings of S3: one request each. */

/* --- Stat. --- */

static void stat_done(ncr_s3_exchange *x)
{
    ncr_stat_op *op = x->user;
    const ncr_http_request *request = x->request;
    nacre_status status = request->status;
    op->round = request->response.round;
    if (status != NACRE_OK)
        ncr_error_copy(&op->error, &request->error, status);
    else if (request->response.status != 200)
        status = ncr_s3_status_error(request, op->object, &op->error);
    else if (request->response.content_length == UINT64_MAX)
        status = ncr_error_set(&op->error, NACRE_ERROR_CORRUPT, "%s: the store does not say how large the object is",
                               op->object->name);
    if (status == NACRE_OK) {
        ncr_s3_facts_of(op->object, &request->response, &op->facts);
        op->facts.size = request->response.content_length;
    }
    ncr_s3_exchange_free(x);
    ncr_stat_op_end(op, status);
}

void ncr_s3_stat(ncr_stat_op *op)
{
    ncr_s3_target target;
    ncr_stat_op_begin(op);
    nacre_status status = ncr_s3_check_key(op->object, &op->error);
    if (status != NACRE_OK) {
        ncr_stat_op_end(op, status);
        return;
    }
    ncr_s3_target_begin(&target, op->object->key);
    ncr_s3_exchange *x = ncr_s3_exchange_new("HEAD", &target, op->object, op->call, op->needed_round);
    if (x)
        ncr_s3_exchange_start(x, stat_done, op);
    else
        ncr_stat_op_end(op, ncr_error_memory(&op->error));
}

/* --- Listings: a page may be long, so it is read on a worker. --- */

typedef struct list_job {
    ncr_task task;
    ncr_list_op *op;
    ncr_s3_exchange *exchange;
} list_job;

static void version_of(const char *etag, const char *generation, ncr_version *out)
{
    (void)generation;
    ncr_s3_version_from(etag, "", out);
}

static void read_page(ncr_task *task)
{
    list_job *job = (list_job *)task;
    ncr_list_op *op = job->op;
    const ncr_http_request *request = job->exchange->request;
    nacre_status status;
    op->round = request->response.round;
    if (request->status != NACRE_OK)
        status = ncr_error_copy(&op->error, &request->error, request->status);
    else if (request->response.status != 200)
        status = ncr_s3_status_error(request, op->object, &op->error);
    else
        status = ncr_aws_list_parse(&request->response.whole, version_of, op);
    ncr_s3_exchange_free(job->exchange);
    free(job);
    ncr_list_op_end(op, status);
}

static void list_done(ncr_s3_exchange *x)
{
    list_job *job = x->user;
    job->task.run = read_page;
    ncr_pool_submit(&job->task);
}

static ncr_s3_exchange *list_exchange(const ncr_list_op *op)
{
    char most[24] = "";
    ncr_s3_target target;
    if (op->max_entries)
        snprintf(most, sizeof most, "%zu", op->max_entries);
    ncr_s3_target_begin(&target, NULL);
    ncr_s3_target_query(&target, "list-type", "2");
    ncr_s3_target_query(&target, "encoding-type", "url");
    ncr_s3_target_query(&target, "prefix", op->object->key);
    ncr_s3_target_query(&target, "delimiter", op->recursive ? NULL : "/");
    ncr_s3_target_query(&target, "max-keys", most[0] ? most : NULL);
    ncr_s3_target_query(&target, "continuation-token", op->page);
    ncr_s3_exchange *x = ncr_s3_exchange_new("GET", &target, op->object, op->call, op->needed_round);
    if (x)
        x->request->sink.whole_limit = NCR_S3_LIST_LIMIT;
    return x;
}

void ncr_s3_list(ncr_list_op *op)
{
    ncr_list_op_begin(op);
    if (!op->object->bucket[0]) {
        ncr_list_op_end(op, ncr_error_set(&op->error, NACRE_ERROR_INVALID, "%s: name a bucket in it: s3://BUCKET/",
                                          op->object->name));
        return;
    }
    list_job *job = calloc(1, sizeof *job);
    if (job)
        job->exchange = list_exchange(op);
    if (!job || !job->exchange) {
        free(job);
        ncr_list_op_end(op, ncr_error_memory(&op->error));
        return;
    }
    job->op = op;
    ncr_s3_exchange_start(job->exchange, list_done, job);
}
