/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdio.h>

#include "store/aws/objects.h"
#include "store/list.h"
#include "store/s3/s3.h"

/* Stat and listings of S3: one request each. */

/* --- Stat. --- */

static void stat_done(ncr_s3_exchange *x)
{
    ncr_stat_op *op = x->user;
    const ncr_http_request *request = x->request;
    nacre_status status = request->status;
    op->round = request->response.round;
    op->server_ms = ncr_http_response_date(&request->response);
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
    nacre_status status = ncr_object_check_key(op->object, &op->error);
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

/* --- Listings. --- */

static void version_of(const char *etag, const char *generation, ncr_version *out)
{
    (void)generation;
    ncr_s3_version_from(etag, "", out);
}

static nacre_status parse_page(const ncr_buffer *body, ncr_list_op *op)
{
    return ncr_aws_list_parse(body, version_of, op);
}

static void release(void *exchange)
{
    ncr_s3_exchange_free(exchange);
}

static void list_done(ncr_s3_exchange *x)
{
    static const ncr_list_reader reader = {.parse = parse_page, .refuse = ncr_s3_status_error, .release = release};
    ncr_list_take(x->user, &reader, x->request, x);
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
        x->request->sink.whole_limit = NCR_LIST_LIMIT;
    return x;
}

void ncr_s3_list(ncr_list_op *op)
{
    if (!ncr_list_begin(op, "name a bucket in it: s3://BUCKET/"))
        return;
    ncr_s3_exchange *x = list_exchange(op);
    if (x)
        ncr_s3_exchange_start(x, list_done, op);
    else
        ncr_list_op_end(op, ncr_error_memory(&op->error));
}
