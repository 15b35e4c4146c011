/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>

#include "store/change.h"
#include "store/s3/s3.h"

/* Puts and deletes in S3. The store decides conditions (If-Match, If-None-Match). A change with a condition may be sent
 * again when its answer is lost, for the condition lets it happen at most once; then "condition not met" may be about
 * one's own earlier attempt, which is found out by looking at what is there: the ETag of an object in one part is the
 * MD5 of its bytes, unless it is encrypted with a key of the user's. A change without condition is sent once.
 *
 * Bodies are proven to the store by the hash that is signed, or by Content-MD5, which every server like S3 knows;
 * newer checksums (x-amz-checksum-...) are passed over or refused by many, so only uploads have them, which find out
 * first whether they are known. */

enum { MOST_CONFLICTS = 3 };

/* --- Put. --- */

static nacre_status make_put(const ncr_put *put, ncr_s3_exchange **out, nacre_error *err)
{
    ncr_s3_target target;
    ncr_s3_target_begin(&target, put->object->key);
    ncr_s3_exchange *x = ncr_s3_change_new("PUT", &target, put->object, put->call);
    *out = NULL;
    if (!x)
        return ncr_error_memory(err);
    const char *type = ncr_change_type(put->content_type, NCR_TYPE_OF_BYTES);
    nacre_status status = ncr_s3_change_condition(x, put->object, &put->condition, err);
    if (status == NACRE_OK && (!ncr_http_request_header(x->request, "Content-Type", type) ||
                               !ncr_s3_exchange_body(x, put->data, put->size, NULL)))
        status = ncr_error_memory(err);
    if (status != NACRE_OK) {
        ncr_s3_exchange_free(x);
        return status;
    }
    x->request->idempotent = put->condition.absent || put->condition.version;
    *out = x;
    return NACRE_OK;
}

static nacre_status take_put(ncr_put *put, const ncr_s3_exchange *x, nacre_error *err)
{
    const ncr_http_response *response = &x->request->response;
    char ours[33], theirs[33];
    ncr_s3_facts_of(put->object, response, &put->facts);
    put->facts.size = put->size;
    put->facts.modified_ms = -1;
    if (put->content_type && strlen(put->content_type) < sizeof put->facts.content_type)
        memcpy(put->facts.content_type, put->content_type, strlen(put->content_type) + 1);
    ncr_s3_md5(put->data, put->size, ours);
    if (!ncr_s3_etag_md5(put->object, response, &put->facts.version, theirs) || strcmp(ours, theirs) == 0)
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: what the store has kept is not what was sent (MD5 differs)",
                         put->object->name);
}

/* 412 to a put of which an earlier attempt may have been the one that now stands in its way: it is, where the very
 * bytes are there under a version that is not the one to be replaced. */
static bool was_done_before(const ncr_put *put, ncr_object_facts *now)
{
    char ours[33], etag[40] = "\"";
    ncr_s3_md5(put->data, put->size, ours);
    memcpy(etag + 1, ours, 32);
    etag[33] = '"';
    if (ncr_s3_facts_wait(put->object, put->call, now, NULL, NULL) != NACRE_OK)
        return false;
    const char *theirs = ncr_s3_etag(&now->version);
    return theirs && strcmp(theirs, etag) == 0 && now->size == put->size &&
           !(put->condition.version && ncr_version_matches(put->condition.version, &now->version));
}

/* maybe_done: an earlier attempt may have happened. */
static nacre_status judge_put(ncr_put *put, const ncr_s3_exchange *x, bool maybe_done, nacre_error *err)
{
    const ncr_http_response *response = &x->request->response;
    ncr_object_facts now;
    ncr_aws_failure failure;
    if (ncr_s3_change_succeeded(x))
        return take_put(put, x, err);
    ncr_aws_failure_read(response->whole.data, response->whole.size, &failure);
    bool is_gone = response->status == 404 && put->condition.version && strcmp(failure.code, "NoSuchBucket") != 0;
    if (is_gone)
        return ncr_version_gone(err, put->object->name, put->condition.version);
    if (response->status != 412)
        return ncr_s3_status_error(x->request, put->object, err);
    if (!maybe_done || !was_done_before(put, &now))
        return ncr_s3_condition_error(put->object, put->call, &put->condition, err);
    put->outcome = NCR_OUTCOME_DONE;
    put->facts = now;
    return NACRE_OK;
}

static nacre_status put_small(ncr_put *put, nacre_error *err)
{
    bool maybe_done = false;
    for (int conflicts = 0;; conflicts++) {
        ncr_s3_exchange *x;
        nacre_status status = make_put(put, &x, err);
        if (status != NACRE_OK)
            return status;
        status = ncr_s3_change_send(x, &put->outcome, err);
        maybe_done |= ncr_change_was_sent_before(x->request);
        if (maybe_done && put->outcome == NCR_OUTCOME_NOT_DONE)
            put->outcome = NCR_OUTCOME_UNKNOWN;
        /* Another change was under way at the same moment, and this attempt was not made; one before it may have been.
         */
        bool is_conflict = status == NACRE_OK && x->request->response.status == 409;
        if (is_conflict && conflicts < MOST_CONFLICTS) {
            ncr_s3_exchange_free(x);
            continue;
        }
        if (status == NACRE_OK)
            status = judge_put(put, x, maybe_done, err);
        ncr_s3_exchange_free(x);
        return status;
    }
}

nacre_status ncr_s3_put(ncr_put *put, nacre_error *err)
{
    return ncr_change_put(put, put_small, err);
}

/* --- Remove. ---
 * S3 says 204 whether there was an object or not, so what is there is looked at first. A version goes along as If-Match
 * all the same: where the store knows that, nothing can come between; and where it is known to, no look is needed. */

static nacre_status send_remove(ncr_delete *op, const ncr_condition *condition, int *code, nacre_error *err)
{
    ncr_s3_target target;
    ncr_s3_target_begin(&target, op->object->key);
    ncr_s3_exchange *x = ncr_s3_change_new("DELETE", &target, op->object, op->call);
    *code = 0;
    if (!x)
        return ncr_error_memory(err);
    nacre_status status = ncr_s3_change_condition(x, op->object, condition, err);
    x->request->idempotent = condition->version != NULL;
    if (status == NACRE_OK)
        status = ncr_s3_change_send(x, &op->outcome, err);
    if (status == NACRE_OK)
        *code = x->request->response.status;
    if (*code == 404 && ncr_change_was_sent_before(x->request)) {
        op->outcome = NCR_OUTCOME_DONE; /* gone by the attempt whose answer was lost */
        *code = 204;
    }
    if (status == NACRE_OK && (*code < 200 || *code > 299))
        status = ncr_s3_status_error(x->request, op->object, err);
    ncr_s3_exchange_free(x);
    return status;
}

/* The object as it is before: NACRE_OK where it may be removed. Who may not look may remove all the same. */
static nacre_status look_first(const ncr_delete *op, nacre_error *err)
{
    ncr_object_facts now;
    const ncr_version *version = op->condition.version;
    nacre_status status = ncr_s3_facts_wait(op->object, op->call, &now, NULL, err);
    if (status == NACRE_ERROR_NOT_FOUND && version)
        return ncr_version_gone(err, op->object->name, version);
    if (status == NACRE_ERROR_DENIED)
        return NACRE_OK;
    if (status == NACRE_OK && version && !ncr_version_matches(version, &now.version))
        return ncr_version_changed(err, op->object->name, version, &now.version);
    return status;
}

nacre_status ncr_s3_remove(ncr_delete *op, nacre_error *err)
{
    const ncr_condition only_version = {.version = op->condition.version}, any = {0};
    int code;
    op->outcome = NCR_OUTCOME_NOT_DONE;
    nacre_status status = ncr_object_check_key(op->object, err);
    if (status == NACRE_OK && only_version.version && !ncr_s3_etag(only_version.version))
        status = ncr_error_set(err, NACRE_ERROR_INVALID, "%s: '%s' is no version of S3 (etag=\"...\")",
                               op->object->name, only_version.version->token);
    bool is_decided = only_version.version && (op->object->store->decides & NCR_DECIDES_REMOVE);
    if (status == NACRE_OK && !is_decided)
        status = look_first(op, err);
    if (status != NACRE_OK)
        return status;
    status = send_remove(op, &only_version, &code, err);
    if (code == 501 && only_version.version) { /* the server knows no condition here: a look is all */
        status = is_decided ? look_first(op, err) : NACRE_OK;
        if (status != NACRE_OK)
            return status;
        status = send_remove(op, &any, &code, err);
    }
    if (only_version.version && code == 404)
        return ncr_version_gone(err, op->object->name, only_version.version);
    if (only_version.version && code == 412)
        return ncr_s3_condition_error(op->object, op->call, &only_version, err);
    return status;
}
