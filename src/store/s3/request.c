/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/latch.h"
#include "net/url.h"
#include "store/checksum.h"
#include "store/s3/s3.h"

/* Requests to S3: where they go, how they are signed attempt by attempt, and what is done when the answer says that the
 * bucket is in another region, the token has ended or this machine's clock is wrong. */

enum { TARGET_LIMIT = 64 << 10, MOST_MOVES = 2 };

/* --- URLs. --- */

void ncr_s3_target_begin(ncr_s3_target *target, const char *key)
{
    *target = (ncr_s3_target){0};
    ncr_buffer_init(&target->text, TARGET_LIMIT);
    if (key)
        target->failed = !ncr_text_append(&target->text, "/") || !ncr_text_append_escaped(&target->text, key, "/");
    else
        target->failed = !ncr_text_append(&target->text, "");
}

void ncr_s3_target_query(ncr_s3_target *target, const char *name, const char *value)
{
    if (!value)
        return;
    target->failed |= !ncr_text_append(&target->text, target->has_query ? "&" : "?") ||
                      !ncr_text_append(&target->text, name) || !ncr_text_append(&target->text, "=") ||
                      !ncr_text_append_escaped(&target->text, value, "");
    target->has_query = true;
}

/* Names with a dot, or in capitals, are no part of a host name that a certificate is for. */
static bool fits_host(const char *bucket)
{
    size_t length = strlen(bucket);
    return length >= 3 && length <= 63 && strspn(bucket, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

char *ncr_s3_bucket_url(const ncr_s3_store *store, const char *bucket, const char *region)
{
    bool is_own = !store->endpoint;
    bool is_virtual = store->addressing == NCR_S3_VIRTUAL ||
                      (store->addressing == NCR_S3_ADDRESSING_AUTO && is_own && fits_host(bucket));
    if (is_own) {
        const char *end = ncr_text_starts(region, "cn-") ? ".cn" : "";
        return is_virtual ? ncr_text_format("https://%s.s3.%s.amazonaws.com%s", bucket, region, end)
                          : ncr_text_format("https://s3.%s.amazonaws.com%s/%s", region, end, bucket);
    }
    if (!is_virtual)
        return ncr_text_format("%s/%s", store->endpoint, bucket);
    const char *host = strstr(store->endpoint, "://") + 3;
    return ncr_text_format("%.*s%s.%s", (int)(host - store->endpoint), store->endpoint, bucket, host);
}

static char *make_url(const ncr_s3_exchange *x)
{
    const ncr_object *object = x->object;
    char *base = ncr_s3_bucket_url(ncr_s3_of(object), object->bucket, x->region);
    if (!base)
        return NULL;
    bool has_path = *ncr_url_path(base) == '/';
    char *url = ncr_text_format("%s%s%s", base, x->target[0] == '/' || has_path ? "" : "/", x->target);
    free(base);
    return url;
}

/* --- Signing. --- */

static ncr_http_ready sign(ncr_http_signer *signer, ncr_http_attempt *attempt, const char *name, nacre_error *err)
{
    ncr_s3_exchange *x = (ncr_s3_exchange *)signer;
    ncr_secret *secret;
    ncr_http_ready ready = ncr_credentials_get(ncr_s3_of(x->object)->credentials, name, &secret, err);
    if (ready != NCR_HTTP_READY)
        return ready;
    const ncr_sigv4_attempt what = {.attempt = attempt,
                                    .secret = secret,
                                    .clock = x->object->store->id,
                                    .region = x->region,
                                    .payload = x->payload};
    if (!ncr_sigv4_sign(&ncr_s3_of(x->object)->keys, &what)) {
        ncr_error_memory(err);
        ready = NCR_HTTP_FAILED;
    }
    ncr_secret_unref(secret);
    return ready;
}

/* --- Refusals that another attempt may mend. --- */

static bool is_token_refusal(const ncr_http_refusal *refusal, const ncr_aws_failure *failure)
{
    static const char *const codes[] = {"ExpiredToken", "ExpiredTokenException", "InvalidToken",
                                        "TokenRefreshRequired"};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (strcmp(failure->code, codes[i]) == 0)
            return true;
    /* An answer to HEAD has no body; 400 is what a token that has ended gets. */
    return !refusal->body_size && refusal->status == 400 && !strstr(refusal->headers, "x-amz-bucket-region:");
}

static bool refused(ncr_http_signer *signer, const ncr_http_refusal *refusal)
{
    ncr_s3_exchange *x = (ncr_s3_exchange *)signer;
    ncr_aws_failure failure;
    ncr_aws_failure_read(refusal->body, refusal->body_size, &failure);
    if (is_token_refusal(refusal, &failure))
        return ncr_credentials_refused(ncr_s3_of(x->object)->credentials, refusal->credential);
    return ncr_sigv4_correct_clock(x->object->store->id, refusal, failure.code);
}

static const ncr_http_signer_class signer_class = {.sign = sign, .refused = refused};

/* --- Exchanges. --- */

/* Starts where the bucket is known to be. */
static bool place(ncr_s3_exchange *x, ncr_http_request *request)
{
    char *url = make_url(x);
    if (!url)
        return false;
    free(request->url);
    request->url = url;
    return true;
}

ncr_s3_exchange *ncr_s3_exchange_new(const char *method, ncr_s3_target *target, const ncr_object *object,
                                     ncr_call *call, unsigned needed_round)
{
    ncr_s3_store *store = ncr_s3_of(object);
    ncr_s3_exchange *x = target->failed ? NULL : calloc(1, sizeof *x);
    if (!x) {
        ncr_buffer_clear(&target->text);
        return NULL;
    }
    x->signer.class = &signer_class;
    x->object = object;
    x->target = (char *)target->text.data;
    target->text = (ncr_buffer){0};
    snprintf(x->payload, sizeof x->payload, "%s", ncr_sigv4_empty_payload);
    if (!ncr_s3_known_region(store->base.id, object->bucket, x->region))
        memcpy(x->region, store->region, sizeof x->region);
    x->request = ncr_http_request_new(method, "", object->name, call);
    bool made = x->request && place(x, x->request);
    if (made && store->requester_pays && store->credentials)
        made = ncr_http_request_header(x->request, "x-amz-request-payer", "requester");
    if (!made) {
        ncr_s3_exchange_free(x);
        return NULL;
    }
    x->request->signer = store->credentials ? &x->signer : NULL;
    x->request->needed_round = needed_round;
    x->request->public_only = object->public_only && !store->endpoint;
    return x;
}

static bool add_md5(ncr_http_request *request)
{
    char md5[NCR_MD5_TEXT];
    return !ncr_md5(request->body, request->body_size, md5) || ncr_http_request_header(request, "Content-MD5", md5);
}

bool ncr_s3_exchange_body(ncr_s3_exchange *x, const void *data, size_t size, const char *crc32c)
{
    x->request->body = data;
    x->request->body_size = size;
    bool is_plain = ncr_text_starts(x->request->url, "http://");
    if (is_plain && x->request->signer) {
        ncr_sigv4_hash(data, size, x->payload);
        return !crc32c || ncr_http_request_header(x->request, "x-amz-checksum-crc32c", crc32c);
    }
    snprintf(x->payload, sizeof x->payload, "%s", ncr_sigv4_unsigned_payload);
    return crc32c ? ncr_http_request_header(x->request, "x-amz-checksum-crc32c", crc32c) : add_md5(x->request);
}

/* The region in an address of Amazon's that a redirect leads to ("bucket.s3.eu-west-1.amazonaws.com", once "s3-"); it
 * stays empty where there is none. */
static void read_region_of_address(const char *url, char out[NCR_AWS_REGION])
{
    const char *host = strstr(url, "://"), *end = strstr(url, ".amazonaws.com"), *at = NULL;
    for (const char *c = host ? host + 3 : url; end && c < end; c++)
        if ((ncr_text_starts(c, "s3.") || ncr_text_starts(c, "s3-")) && (c == url || strchr("./", c[-1])))
            at = c + 3;
    if (at && at < end && end - at < NCR_AWS_REGION)
        snprintf(out, NCR_AWS_REGION, "%.*s", (int)(end - at), at);
}

/* The region that an answer names, where it says that the request went to a wrong one. */
static bool read_other_region(const ncr_s3_exchange *x, char out[NCR_AWS_REGION])
{
    const ncr_http_response *response = &x->request->response;
    int code = response->status;
    ncr_aws_failure failure;
    if (x->request->status != NACRE_OK || (code != 301 && code != 302 && code != 307 && code != 400))
        return false;
    ncr_aws_failure_read(response->whole.data, response->whole.size, &failure);
    if (!ncr_http_response_header(response, "x-amz-bucket-region", out, NCR_AWS_REGION))
        memcpy(out, failure.region, NCR_AWS_REGION);
    char location[1024];
    if (!out[0] && ncr_http_response_header(response, "location", location, sizeof location))
        read_region_of_address(location, out);
    bool is_about_region = code != 400 || !failure.code[0] || strcmp(failure.code, "AuthorizationHeaderMalformed") == 0;
    return is_about_region && ncr_aws_is_region(out) && strcmp(out, x->region) != 0;
}

static void exchange_done(ncr_http_request *request)
{
    ncr_s3_exchange *x = request->user;
    char region[NCR_AWS_REGION] = "";
    if (x->moves < MOST_MOVES && read_other_region(x, region)) {
        ncr_s3_learn_region(x->object->store->id, x->object->bucket, region);
        memcpy(x->region, region, sizeof x->region);
        x->moves++;
        request->needed_round = request->response.round;
        if (place(x, request)) {
            ncr_http_start(request);
            return;
        }
        request->status = ncr_error_memory(&request->error);
    }
    x->done(x);
}

void ncr_s3_exchange_start(ncr_s3_exchange *x, void (*done)(ncr_s3_exchange *), void *user)
{
    x->done = done;
    x->user = user;
    x->request->done = exchange_done;
    x->request->user = x;
    ncr_http_start(x->request);
}

static void count_down(ncr_s3_exchange *x)
{
    ncr_latch_down(x->user);
}

nacre_status ncr_s3_exchange_perform(ncr_s3_exchange *x, nacre_error *err)
{
    ncr_latch latch;
    ncr_latch_init(&latch, 1);
    ncr_s3_exchange_start(x, count_down, &latch);
    ncr_latch_wait(&latch);
    ncr_latch_clear(&latch);
    return ncr_error_copy(err, &x->request->error, x->request->status);
}

void ncr_s3_exchange_free(ncr_s3_exchange *x)
{
    if (!x)
        return;
    ncr_http_request_free(x->request);
    free(x->target);
    free(x);
}
