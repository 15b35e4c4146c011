/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/az/az.h"
#include "store/change.h"

/* Puts and deletes in Azure Blob Storage. A change with a condition may be sent again when its answer is lost, for the
 * condition lets it happen at most once; then "condition not met" may be about one's own earlier attempt, which is
 * found out by looking at what is there. A change without condition is sent once. */

ncr_http_request *ncr_az_change_request(const char *method, ncr_az_url *url, const ncr_object *object, ncr_call *call)
{
    return ncr_az_request(method, url, object, call, atomic_load(&call->counters.round));
}

nacre_status ncr_az_add_condition(ncr_http_request *request, const ncr_object *object, const ncr_condition *condition,
                                  nacre_error *err)
{
    if (condition->absent)
        return ncr_http_request_header(request, "If-None-Match", "*") ? NACRE_OK : ncr_error_memory(err);
    if (!condition->version)
        return NACRE_OK;
    const char *etag = ncr_az_etag(condition->version);
    if (!etag)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: '%s' is no version of Azure Blob Storage (etag=\"...\")",
                             object->name, condition->version->token);
    return ncr_http_request_header(request, "If-Match", etag) ? NACRE_OK : ncr_error_memory(err);
}

/* --- Conditions that do not hold. --- */

bool ncr_az_is_condition(const ncr_http_request *request)
{
    char code[96];
    int status = request->response.status;
    if (request->status != NACRE_OK || (status != 412 && status != 409))
        return false;
    ncr_az_error_code(request, code, sizeof code);
    bool is_lease = strncmp(code, "Lease", 5) == 0; /* "LeaseIdMissing" and the like come with 412 too */
    return status == 412 ? !is_lease : strcmp(code, "BlobAlreadyExists") == 0;
}

nacre_status ncr_az_condition_error(const ncr_object *object, ncr_call *call, const ncr_condition *condition,
                                    nacre_error *err)
{
    ncr_object_facts now;
    if (condition->absent)
        return ncr_error_set_http(err, NACRE_ERROR_EXISTS, 412, "%s: exists already", object->name);
    if (!condition->version)
        return ncr_error_set_http(err, NACRE_ERROR_CHANGED, 412, "%s: the store says that it changed meanwhile",
                                  object->name);
    nacre_status status = ncr_az_facts_wait(object, call, &now, NULL);
    if (status == NACRE_ERROR_NOT_FOUND)
        return ncr_version_gone(err, object->name, condition->version);
    return ncr_version_changed(err, object->name, condition->version, status == NACRE_OK ? &now.version : NULL);
}

/* --- What was written. --- */

/* A condition does not hold, or the parts are gone, after an earlier attempt that may be the reason: it is, where the
 * very bytes are there under a version that is not the one to be replaced. */
static bool was_done_before(const ncr_az_written *written, ncr_object_facts *now)
{
    const ncr_version *replaced = written->condition->version;
    return written->maybe_done && ncr_az_facts_wait(written->object, written->call, now, NULL) == NACRE_OK &&
           now->size == written->size && written->checksum[0] && strcmp(now->checksum, written->checksum) == 0 &&
           !(replaced && ncr_version_matches(replaced, &now->version));
}

static nacre_status take_written(const ncr_az_written *written, const ncr_http_request *request,
                                 ncr_object_facts *facts, nacre_error *err)
{
    char md5[40];
    bool has_md5 =
        ncr_http_response_header(&request->response, "content-md5", md5, sizeof md5) && strlen(md5) == NCR_MD5_TEXT - 1;
    ncr_az_describe(&request->response, facts);
    facts->size = written->size;
    snprintf(facts->checksum, sizeof facts->checksum, "%s", written->checksum);
    snprintf(facts->content_type, sizeof facts->content_type, "%s",
             written->content_type ? written->content_type : NCR_TYPE_OF_BYTES);
    /* A put's answer states what came. That of a list of parts is about the list. */
    bool is_list = strstr(request->url, "comp=blocklist") != NULL;
    if (!has_md5 || is_list || !written->checksum[0] || strcmp(md5, written->checksum + strlen("md5=")) == 0)
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: what the store has kept is not what was sent (MD5 differs)",
                         written->object->name);
}

nacre_status ncr_az_written_judge(const ncr_az_written *written, const ncr_http_request *request, ncr_outcome *outcome,
                                  ncr_object_facts *facts, nacre_error *err)
{
    ncr_object_facts now;
    const ncr_condition *condition = written->condition;
    if (ncr_change_succeeded(request))
        return take_written(written, request, facts, err);
    bool is_condition = ncr_az_is_condition(request);
    bool is_gone = request->response.status == 404 && condition->version;
    bool lacks_parts = ncr_az_error_is(request, "InvalidBlockList");
    if ((is_condition || lacks_parts) && was_done_before(written, &now)) {
        *outcome = NCR_OUTCOME_DONE;
        *facts = now;
        return NACRE_OK;
    }
    if (is_condition || is_gone)
        return ncr_az_condition_error(written->object, written->call, condition, err);
    if (lacks_parts)
        return ncr_error_set_http(err, NACRE_ERROR_CHANGED, request->response.status,
                                  "%s: changed: the parts of this upload are gone, since another program wrote the "
                                  "object meanwhile",
                                  written->object->name);
    return ncr_az_status_error(request, written->object, err);
}

/* --- Put. --- */

/* A type that cannot stand in a header is left to the store's default. */
bool ncr_az_add_type(ncr_http_request *request, const char *content_type)
{
    const char *type = ncr_change_type(content_type, NULL);
    return !type || ncr_http_request_header(request, "x-ms-blob-content-type", type);
}

static ncr_http_request *make_put(const ncr_put *put, const char *md5)
{
    ncr_az_url url;
    ncr_az_url_begin(&url, put->object, put->object->key);
    ncr_http_request *request = ncr_az_change_request("PUT", &url, put->object, put->call);
    bool made = request && ncr_http_request_header(request, "x-ms-blob-type", "BlockBlob") &&
                ncr_az_add_type(request, put->content_type) &&
                (!md5[0] || ncr_http_request_header(request, "Content-MD5", md5));
    if (!made) {
        ncr_http_request_free(request);
        return NULL;
    }
    request->body = put->data;
    request->body_size = put->size;
    request->idempotent = put->condition.absent || put->condition.version;
    return request;
}

static nacre_status put_small(ncr_put *put, nacre_error *err)
{
    char md5[NCR_MD5_TEXT], checksum[48] = "";
    if (ncr_md5(put->data, put->size, md5))
        snprintf(checksum, sizeof checksum, "md5=%s", md5);
    ncr_http_request *request = make_put(put, md5);
    nacre_status status =
        request ? ncr_az_add_condition(request, put->object, &put->condition, err) : ncr_error_memory(err);
    if (status == NACRE_OK)
        status = ncr_change_send(request, &put->outcome, err);
    if (status == NACRE_OK) {
        ncr_az_written written = {.object = put->object, .call = put->call, .condition = &put->condition};
        written.size = put->size;
        written.checksum = checksum;
        written.content_type = put->content_type;
        written.maybe_done = ncr_change_was_sent_before(request);
        status = ncr_az_written_judge(&written, request, &put->outcome, &put->facts, err);
    }
    ncr_http_request_free(request);
    return status;
}

nacre_status ncr_az_put(ncr_put *put, nacre_error *err)
{
    return ncr_change_put(put, put_small, err);
}

/* --- Remove. --- */

static nacre_status remove_error(ncr_delete *op, const ncr_http_request *request, nacre_error *err)
{
    nacre_status status;
    if (ncr_change_met_nothing(op, request, &status, err))
        return status;
    if (op->condition.version && ncr_az_is_condition(request))
        return ncr_az_condition_error(op->object, op->call, &op->condition, err);
    return ncr_az_status_error(request, op->object, err);
}

/* Snapshots of the object go with it: the store deletes none that has any otherwise. */
nacre_status ncr_az_remove(ncr_delete *op, nacre_error *err)
{
    ncr_az_url url;
    op->outcome = NCR_OUTCOME_NOT_DONE;
    nacre_status status = ncr_object_check_key(op->object, err);
    if (status != NACRE_OK)
        return status;
    ncr_az_url_begin(&url, op->object, op->object->key);
    ncr_http_request *request = ncr_az_change_request("DELETE", &url, op->object, op->call);
    ncr_condition only_version = {.version = op->condition.version};
    status = request && ncr_http_request_header(request, "x-ms-delete-snapshots", "include")
                 ? ncr_az_add_condition(request, op->object, &only_version, err)
                 : ncr_error_memory(err);
    if (status == NACRE_OK) {
        request->idempotent = op->condition.version != NULL;
        status = ncr_change_send(request, &op->outcome, err);
    }
    if (status == NACRE_OK && !ncr_change_succeeded(request))
        status = remove_error(op, request, err);
    ncr_http_request_free(request);
    return status;
}
