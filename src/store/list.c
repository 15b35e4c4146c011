/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/list.h"

#include <stdlib.h>

typedef struct page {
    ncr_task task;
    ncr_list_op *op;
    const ncr_list_reader *reader;
    ncr_http_request *request;
    void *owner;
} page;

bool ncr_list_begin(ncr_list_op *op, const char *how)
{
    ncr_list_op_begin(op);
    if (op->object->bucket[0])
        return true;
    ncr_list_op_end(op, ncr_error_set(&op->error, NACRE_ERROR_INVALID, "%s: %s", op->object->name, how));
    return false;
}

void ncr_list_send(ncr_list_op *op, ncr_http_request *request, void (*done)(ncr_http_request *request))
{
    if (!request) {
        ncr_list_op_end(op, ncr_error_memory(&op->error));
        return;
    }
    request->sink.whole_limit = NCR_LIST_LIMIT;
    request->done = done;
    request->user = op;
    ncr_http_start(request);
}

static void end(const page *p, nacre_status status)
{
    if (p->owner)
        p->reader->release(p->owner);
    else
        ncr_http_request_free(p->request);
    ncr_list_op_end(p->op, status);
}

static void read_page(ncr_task *task)
{
    page p = *(page *)task; /* the task is its first member */
    ncr_list_op *op = p.op;
    const ncr_http_request *request = p.request;
    nacre_status status;
    free(task);
    if (request->status != NACRE_OK)
        status = ncr_error_copy(&op->error, &request->error, request->status);
    else if (request->response.status != 200)
        status = p.reader->refuse(request, op->object, &op->error);
    else
        status = p.reader->parse(&request->response.whole, op);
    end(&p, status);
}

void ncr_list_take(ncr_list_op *op, const ncr_list_reader *reader, ncr_http_request *request, void *owner)
{
    const page p = {.task.run = read_page, .op = op, .reader = reader, .request = request, .owner = owner};
    op->round = request->response.round;
    page *job = malloc(sizeof *job);
    if (!job) {
        end(&p, ncr_error_memory(&op->error));
        return;
    }
    *job = p;
    ncr_pool_submit(&job->task);
}
