/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdio.h>

#include "store/aws/objects.h"
#include "store/gs/gs.h"
#include "store/list.h"

/* Stat and listings of Google Cloud Storage: one request each, answered from the store itself, never from a cache. */

/* --- Stat. --- */

static void stat_done(ncr_http_request *request)
{
    ncr_stat_op *op = request->user;
    ncr_gs_metadata metadata = {0};
    nacre_status status;
    op->round = request->response.round;
    op->server_ms = ncr_http_response_date(&request->response);
    if (request->status != NACRE_OK)
        status = ncr_error_copy(&op->error, &request->error, request->status);
    else if (request->response.status != 200)
        status = ncr_gs_status_error(request, op->object, &op->error);
    else
        status = ncr_gs_metadata_of(request, op->object, &metadata, &op->error);
    if (status == NACRE_OK)
        op->facts = metadata.facts;
    ncr_http_request_free(request);
    ncr_stat_op_end(op, status);
}

void ncr_gs_stat(ncr_stat_op *op)
{
    ncr_stat_op_begin(op);
    nacre_status status = ncr_object_check_key(op->object, &op->error);
    if (status != NACRE_OK) {
        ncr_stat_op_end(op, status);
        return;
    }
    ncr_http_request *request = ncr_gs_metadata_request(op->object, op->call, NULL, NULL, op->needed_round);
    if (!request) {
        ncr_stat_op_end(op, ncr_error_memory(&op->error));
        return;
    }
    request->done = stat_done;
    request->user = op;
    ncr_http_start(request);
}

/* --- Listings. --- */

static void version_of(const char *etag, const char *generation, ncr_version *out)
{
    (void)etag;
    ncr_gs_version_from(generation, out);
}

static nacre_status parse_page(const ncr_buffer *body, ncr_list_op *op)
{
    return ncr_gs_of(op->object)->is_xml ? ncr_aws_list_parse(body, version_of, op) : ncr_gs_list_parse(body, op);
}

static void list_done(ncr_http_request *request)
{
    static const ncr_list_reader reader = {.parse = parse_page, .refuse = ncr_gs_status_error};
    ncr_list_take(request->user, &reader, request, NULL);
}

static ncr_http_request *list_request(const ncr_list_op *op)
{
    char most[24] = "";
    ncr_gs_url url;
    if (ncr_gs_of(op->object)->is_xml)
        return ncr_gs_xml_list_request(op);
    if (op->max_entries)
        snprintf(most, sizeof most, "%zu", op->max_entries);
    ncr_gs_url_begin(&url, op->object, "storage/v1", NULL);
    ncr_gs_url_query(&url, "prefix", op->object->key);
    ncr_gs_url_query(&url, "delimiter", op->recursive ? NULL : "/");
    ncr_gs_url_query(&url, "maxResults", most);
    ncr_gs_url_query(&url, "pageToken", op->page);
    ncr_gs_url_query(&url, "fields", "nextPageToken,prefixes,items(name,generation,size,updated,contentType,crc32c)");
    return ncr_gs_request("GET", &url, op->object, op->call, op->needed_round);
}

void ncr_gs_list(ncr_list_op *op)
{
    if (ncr_list_begin(op, "name a bucket in it: gs://BUCKET/"))
        ncr_list_send(op, list_request(op), list_done);
}
