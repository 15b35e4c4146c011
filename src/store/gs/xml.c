/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/aws/objects.h"
#include "store/body.h"
#include "store/change.h"
#include "store/gs/gs.h"

/* What has another form in Google's XML interface: facts are in headers, conditions and checksums too.
 *
 * Its uploads in parts take no conditions at all (documentation of Cloud Storage, "XML API multipart uploads",
 * limitations), so uploads are resumable ones here as in the JSON interface, by the same code: only their beginning is
 * another request. */

/* --- What it says. --- */

nacre_status ncr_gs_metadata_of(const ncr_http_request *request, const ncr_object *object, ncr_gs_metadata *out,
                                nacre_error *err)
{
    const ncr_http_response *response = &request->response;
    char generation[32] = "", stored[32] = "";
    bool is_asked = strcmp(request->method, "HEAD") == 0;
    if (!ncr_gs_of(object)->is_xml)
        return ncr_gs_metadata_parse(&response->whole, object->name, out, err);
    *out = (ncr_gs_metadata){.facts = {.modified_ms = -1, .size = UINT64_MAX}};
    if (is_asked) /* the others' bodies are of their own */
        ncr_body_describe(response, &out->facts);
    out->facts.size = is_asked ? response->content_length : UINT64_MAX;
    ncr_http_response_header(response, "x-goog-generation", generation, sizeof generation);
    ncr_gs_version_from(generation, &out->facts.version);
    if (out->facts.version.strong)
        snprintf(out->generation, sizeof out->generation, "%s", generation);
    if (ncr_http_response_header(response, "x-goog-stored-content-length", stored, sizeof stored) &&
        !ncr_text_to_uint64(stored, &out->facts.size))
        out->facts.size = UINT64_MAX;
    ncr_gs_checksum_of(response, out->facts.checksum, sizeof out->facts.checksum);
    if (out->facts.checksum[0])
        snprintf(out->crc32c, sizeof out->crc32c, "%s", out->facts.checksum + strlen("crc32c="));
    if (!is_asked || (out->facts.version.strong && out->facts.size != UINT64_MAX))
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: the store's answer is not understood: no %s", object->name,
                         out->facts.version.strong ? "size" : "generation");
}

/* --- Requests. --- */

/* Makes the request of a change for an object under a condition. */
static nacre_status make_change(const char *method, const ncr_object *object, ncr_call *call,
                                const ncr_condition *condition, ncr_http_request **out, nacre_error *err)
{
    ncr_gs_url url;
    *out = NULL;
    ncr_gs_url_begin(&url, object, "", object->key);
    nacre_status status = ncr_gs_url_condition(&url, object, condition, err);
    if (status != NACRE_OK) {
        ncr_buffer_clear(&url.text);
        return status;
    }
    *out = ncr_gs_change_request(method, &url, object, call);
    return *out ? NACRE_OK : ncr_error_memory(err);
}

/* Ends the making of a request: done is false where memory was short. */
static nacre_status finish(bool done, ncr_http_request **out, nacre_error *err)
{
    if (done)
        return NACRE_OK;
    ncr_http_request_free(*out);
    *out = NULL;
    return ncr_error_memory(err);
}

static bool add_type(ncr_http_request *request, const char *content_type)
{
    return ncr_http_request_header(request, "Content-Type", ncr_change_type(content_type, NCR_TYPE_OF_BYTES));
}

nacre_status ncr_gs_xml_put_request(const ncr_put *put, uint32_t crc, ncr_http_request **out, nacre_error *err)
{
    char hash[8 + NCR_CRC32C_TEXT] = "crc32c=";
    nacre_status status = make_change("PUT", put->object, put->call, &put->condition, out, err);
    if (status != NACRE_OK)
        return status;
    ncr_crc32c_text(crc, hash + strlen(hash));
    return finish(add_type(*out, put->content_type) && ncr_http_request_header(*out, "x-goog-hash", hash) &&
                      ncr_gs_hmac_body(*out, put->data, put->size),
                  out, err);
}

nacre_status ncr_gs_xml_begin_request(const ncr_object *object, ncr_call *call, const ncr_condition *condition,
                                      const char *content_type, ncr_http_request **out, nacre_error *err)
{
    nacre_status status = make_change("POST", object, call, condition, out, err);
    if (status != NACRE_OK)
        return status;
    return finish(add_type(*out, content_type) && ncr_http_request_header(*out, "x-goog-resumable", "start"), out, err);
}

nacre_status ncr_gs_xml_copy_request(const ncr_copy *copy, ncr_http_request **out, nacre_error *err)
{
    const char *generation = copy->source_version ? ncr_gs_generation(copy->source_version) : NULL;
    nacre_status status = make_change("PUT", copy->destination, copy->call, &copy->condition, out, err);
    if (status != NACRE_OK)
        return status;
    char *source = ncr_aws_source_text(copy->source);
    bool done = source && ncr_http_request_header(*out, "x-goog-copy-source", source) &&
                (!generation || ncr_http_request_header(*out, "x-goog-copy-source-if-generation-match", generation));
    free(source);
    return finish(done, out, err);
}

nacre_status ncr_gs_xml_copy_take(ncr_copy *copy, const ncr_http_request *request, nacre_error *err)
{
    const ncr_buffer *body = &request->response.whole;
    ncr_gs_metadata now = {0};
    ncr_aws_failure failure;
    if (ncr_aws_failure_read(body->data, body->size, &failure)) {
        copy->outcome = NCR_OUTCOME_UNKNOWN; /* the store began, and then failed */
        return ncr_error_set_http(err, NACRE_ERROR_IO, request->response.status,
                                  "%s: the store refused the copy: %s: %s", copy->source->name, failure.code,
                                  failure.message);
    }
    nacre_status status = ncr_gs_metadata_of(request, copy->destination, &now, err);
    copy->facts = now.facts;
    if (copy->facts.size == UINT64_MAX)
        copy->facts.size = 0;
    return status;
}

ncr_http_request *ncr_gs_xml_list_request(const ncr_list_op *op)
{
    char most[24] = "";
    ncr_gs_url url;
    if (op->max_entries)
        snprintf(most, sizeof most, "%zu", op->max_entries);
    ncr_gs_url_begin(&url, op->object, "", NULL);
    ncr_gs_url_query(&url, "list-type", "2");
    ncr_gs_url_query(&url, "prefix", op->object->key);
    ncr_gs_url_query(&url, "delimiter", op->recursive ? NULL : "/");
    ncr_gs_url_query(&url, "max-keys", most);
    ncr_gs_url_query(&url, "continuation-token", op->page);
    return ncr_gs_request("GET", &url, op->object, op->call, op->needed_round);
}
