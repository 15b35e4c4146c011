/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/gs/hmac.h"

#include <stdio.h>

#include "base/text.h"

static const char payload_header[] = "x-goog-content-sha256";

/* What a header of the attempt says of the body; NULL: there is none. */
static const char *payload_of(const ncr_http_attempt *attempt)
{
    const char *line;
    for (size_t i = 0; (line = ncr_http_attempt_line(attempt, i)); i++)
        if (ncr_text_starts_nocase(line, payload_header) && ncr_text_starts(line + sizeof payload_header - 1, ": "))
            return line + sizeof payload_header + 1;
    return NULL;
}

static ncr_http_ready sign(ncr_http_signer *signer, ncr_http_attempt *attempt, const char *name, nacre_error *err)
{
    ncr_gs_hmac *hmac = (ncr_gs_hmac *)signer;
    ncr_secret *secret;
    ncr_http_ready ready = ncr_credentials_get(hmac->credentials, name, &secret, err);
    if (ready != NCR_HTTP_READY)
        return ready;
    char payload[NCR_SIGV4_HASH];
    const char *said = payload_of(attempt);
    snprintf(payload, sizeof payload, "%s", said ? said : ncr_sigv4_empty_payload);
    const ncr_sigv4_attempt what = {.attempt = attempt,
                                    .secret = secret,
                                    .clock = hmac->clock,
                                    .region = "auto", /* wherever the bucket is */
                                    .payload = payload,
                                    .has_payload = said != NULL};
    if (!ncr_sigv4_sign(&hmac->keys, &what)) {
        ncr_error_memory(err);
        ready = NCR_HTTP_FAILED;
    }
    ncr_secret_unref(secret);
    return ready;
}

static bool refused(ncr_http_signer *signer, const ncr_http_refusal *refusal)
{
    ncr_aws_failure failure;
    ncr_aws_failure_read(refusal->body, refusal->body_size, &failure);
    return ncr_sigv4_correct_clock(((ncr_gs_hmac *)signer)->clock, refusal, failure.code);
}

static const ncr_http_signer_class hmac_class = {.sign = sign, .refused = refused};

void ncr_gs_hmac_init(ncr_gs_hmac *hmac, ncr_credentials *credentials, const char *clock)
{
    hmac->base.class = &hmac_class;
    hmac->credentials = credentials;
    hmac->clock = clock;
    ncr_sigv4_keys_init(&hmac->keys, &ncr_sigv4_google);
}

void ncr_gs_hmac_clear(ncr_gs_hmac *hmac)
{
    ncr_sigv4_keys_clear(&hmac->keys);
}

bool ncr_gs_hmac_body(ncr_http_request *request, const void *data, size_t size)
{
    char payload[NCR_SIGV4_HASH];
    request->body = data;
    request->body_size = size;
    if (ncr_text_starts(request->url, "http://"))
        ncr_sigv4_hash(data, size, payload);
    else
        snprintf(payload, sizeof payload, "%s", ncr_sigv4_unsigned_payload);
    return ncr_http_request_header(request, payload_header, payload);
}
