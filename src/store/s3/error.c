/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdio.h>
#include <string.h>

#include "store/s3/s3.h"

/* What is said when S3 refuses. */

/* --- Denials. --- */

/* What the store says, as the end of a sentence: ": CODE: MESSAGE". */
static void end_of_sentence(const ncr_aws_failure *failure, char out[480])
{
    bool has_both = failure->code[0] && failure->message[0];
    snprintf(out, 480, "%s%s%s%s", failure->code[0] || failure->message[0] ? ": " : "", failure->code,
             has_both ? ": " : "", failure->message);
}

static nacre_status denied(const ncr_aws_failure *failure, int code, const ncr_object *object, nacre_error *err)
{
    const ncr_s3_store *store = ncr_s3_of(object);
    char said[480];
    end_of_sentence(failure, said);
    if (store->credentials && ncr_aws_is_about_credentials(failure->code))
        return ncr_error_set_http(err, NACRE_ERROR_DENIED, code,
                                  "%s: denied (%d): the credentials from %s were refused%s", object->name, code,
                                  ncr_credentials_origin(store->credentials), said);
    if (store->credentials)
        return ncr_error_set_http(err, NACRE_ERROR_DENIED, code,
                                  "%s: missing or denied (%d): S3 does not tell which of the two to those who may not "
                                  "list the bucket; asked with the credentials from %s%s",
                                  object->name, code, ncr_credentials_origin(store->credentials), said);
    return ncr_error_set_http(err, NACRE_ERROR_DENIED, code,
                              "%s: missing or denied (%d): it is not public, or not there; asked without credentials, "
                              "%s",
                              object->name, code,
                              store->named_by_document ? "as what a document names in another place is"
                                                       : "as s3.no_sign_request says");
}

/* --- All others. --- */

nacre_status ncr_s3_no_bucket_error(const ncr_object *object, nacre_error *err)
{
    return ncr_error_set_http(err, NACRE_ERROR_NOT_FOUND, 404, "%s: not found (404): there is no bucket '%s'",
                              object->name, object->bucket);
}

static nacre_status not_found(const ncr_aws_failure *failure, const ncr_object *object, nacre_error *err)
{
    if (strcmp(failure->code, "NoSuchBucket") == 0)
        return ncr_s3_no_bucket_error(object, err);
    if (object->key[0] && object->key[strlen(object->key) - 1] != '/')
        return ncr_error_set_http(err, NACRE_ERROR_NOT_FOUND, 404,
                                  "%s: not found (404): the bucket '%s' has no object of this key%s; list it to see "
                                  "those there are",
                                  object->name, object->bucket, failure->code[0] ? "" : ", or there is no such bucket");
    return ncr_error_set_http(err, NACRE_ERROR_NOT_FOUND, 404, "%s: not found (404)", object->name);
}

nacre_status ncr_s3_failure_error(const ncr_http_request *request, const ncr_aws_failure *failure, int code,
                                  const ncr_object *object, nacre_error *err)
{
    char said[480];
    if (failure->lacks_memory)
        return ncr_error_memory(err);
    end_of_sentence(failure, said);
    if (code == 401 || (code == 403 && strcmp(failure->code, "InvalidObjectState") != 0) ||
        ncr_aws_is_about_credentials(failure->code))
        return denied(failure, code, object, err);
    if (code == 403)
        return ncr_error_set_http(err, NACRE_ERROR_UNSUPPORTED, code,
                                  "%s: is archived (403%s); restore it first, which nacre does not do", object->name,
                                  said);
    if (code == 404)
        return not_found(failure, object, err);
    if (code == 301 || code == 302 || code == 307)
        return ncr_error_set_http(err, NACRE_ERROR_IO, code,
                                  "%s: the bucket '%s' is in another place (%d), and the answer does not say in which "
                                  "region; set s3.region%s",
                                  object->name, object->bucket, code, said);
    if (code == 409 || strcmp(failure->code, "SlowDown") == 0 || strcmp(failure->code, "InternalError") == 0)
        return ncr_error_set_http(err, NACRE_ERROR_UNAVAILABLE, code, "%s: the store is busy with it (%d%s); try again",
                                  object->name, code, said);
    if (code < 300) /* an error in the body of a success */
        return ncr_error_set_http(err, NACRE_ERROR_IO, code, "%s: the server refused the request%s", object->name,
                                  said);
    return ncr_http_status_error(request, said[0] ? said + 2 : NULL, err);
}

nacre_status ncr_s3_status_error(const ncr_http_request *request, const ncr_object *object, nacre_error *err)
{
    ncr_aws_failure failure;
    ncr_aws_failure_read(request->response.whole.data, request->response.whole.size, &failure);
    return ncr_s3_failure_error(request, &failure, request->response.status, object, err);
}
