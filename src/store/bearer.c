/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/bearer.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static ncr_credentials *credentials_of(ncr_http_signer *signer)
{
    return ((ncr_bearer *)signer)->credentials;
}

static nacre_status add_token(ncr_http_attempt *attempt, const char *token, nacre_error *err)
{
    char *value = ncr_text_format("Bearer %s", token);
    bool added = value && ncr_http_attempt_add(attempt, "Authorization", value);
    if (value)
        OPENSSL_cleanse(value, strlen(value));
    free(value);
    return added ? NACRE_OK : ncr_error_memory(err);
}

static ncr_http_ready sign(ncr_http_signer *signer, ncr_http_attempt *attempt, const char *name, nacre_error *err)
{
    ncr_secret *secret;
    ncr_http_ready ready = ncr_credentials_get(credentials_of(signer), name, &secret, err);
    if (ready != NCR_HTTP_READY)
        return ready;
    attempt->credential = secret->number;
    if (secret->token && add_token(attempt, secret->token, err) != NACRE_OK)
        ready = NCR_HTTP_FAILED;
    ncr_secret_unref(secret);
    return ready;
}

static bool refused(ncr_http_signer *signer, const ncr_http_refusal *refusal)
{
    return refusal->status == 401 && ncr_credentials_refused(credentials_of(signer), refusal->credential);
}

static const ncr_http_signer_class bearer_class = {.sign = sign, .refused = refused};

void ncr_bearer_init(ncr_bearer *bearer, ncr_credentials *credentials)
{
    bearer->base.class = &bearer_class;
    bearer->credentials = credentials;
}

void ncr_bearer_clear(ncr_bearer *bearer)
{
    ncr_credentials_unref(bearer->credentials);
    bearer->credentials = NULL;
}

ncr_http_signer *ncr_bearer_signer(ncr_bearer *bearer)
{
    return bearer->credentials ? &bearer->base : NULL;
}
