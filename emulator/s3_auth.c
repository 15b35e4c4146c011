/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "s3.h"
#include "s3_body.h"

/* Who sent a request, and whether it may be answered: signatures, tokens, regions, denied buckets. The rules of the
 * signature are on Amazon's pages "sigv4-auth-using-authorization-header" and "sigv4-query-string-auth" of the API
 * reference, the codes on "ErrorResponses". */

enum { SKEW_MAX_MS = 15 * 60 * 1000, EXPIRES_MAX_S = 7 * 24 * 3600, HEADERS_MAX = 128, CANONICAL_MAX = 1 << 20 };

/* A request's signature, and where its parts stood. */
typedef struct credentials {
    ncr_emu_claim claim;
    bool in_query;
    const char *time, *token; /* borrowed; NULL: not sent */
} credentials;

/* --- What was sent --- */

static bool read_claim(ncr_emu_s3 *s3, const char *authorization, credentials *out)
{
    const ncr_emu_request *request = s3->request;
    if (out->in_query) {
        const char *algorithm = ncr_emu_parameter(request, "X-Amz-Algorithm");
        out->time = ncr_emu_parameter(request, "X-Amz-Date");
        out->token = ncr_emu_parameter(request, "X-Amz-Security-Token");
        if (algorithm && strcmp(algorithm, "AWS4-HMAC-SHA256") == 0 && out->time &&
            ncr_emu_claim_from_query(ncr_emu_parameter(request, "X-Amz-Credential"),
                                     ncr_emu_parameter(request, "X-Amz-SignedHeaders"),
                                     ncr_emu_parameter(request, "X-Amz-Signature"), &out->claim))
            return true;
        ncr_emu_s3_error(s3, "AuthorizationQueryParametersError", NULL);
        return false;
    }
    out->time = ncr_emu_header(request, "x-amz-date");
    out->token = ncr_emu_header(request, "x-amz-security-token");
    if (!ncr_text_starts(authorization, "AWS4-HMAC-SHA256"))
        ncr_emu_s3_refuse(s3, "InvalidRequest", "The authorization is not AWS4-HMAC-SHA256.");
    else if (!ncr_emu_claim_from_header(authorization, &out->claim))
        ncr_emu_s3_error(s3, "AuthorizationHeaderMalformed", NULL);
    else
        return true;
    return false;
}

/* --- Times --- */

static bool is_in_time(ncr_emu_s3 *s3, const credentials *sent)
{
    int64_t now_ms = ncr_clock_wall_ms(), signed_ms = sent->time ? ncr_emu_sign_time(sent->time) : -1;
    uint64_t expires;
    const char *text = ncr_emu_parameter(s3->request, "X-Amz-Expires");
    if (signed_ms < 0 || strncmp(sent->time, sent->claim.day, 8) != 0) {
        ncr_emu_s3_refuse(s3, sent->in_query ? "AuthorizationQueryParametersError" : "AccessDenied",
                          "AWS authentication requires a valid x-amz-date, of the day of the credential.");
        return false;
    }
    if (!sent->in_query) {
        if (signed_ms - now_ms <= SKEW_MAX_MS && now_ms - signed_ms <= SKEW_MAX_MS)
            return true;
        ncr_emu_s3_error(s3, "RequestTimeTooSkewed", "<MaxAllowedSkewMilliseconds>900000</MaxAllowedSkewMilliseconds>");
        return false;
    }
    if (!text || !ncr_text_to_uint64(text, &expires) || expires < 1 || expires > EXPIRES_MAX_S)
        ncr_emu_s3_refuse(s3, "AuthorizationQueryParametersError", "X-Amz-Expires is from 1 to 604800 seconds.");
    else if (signed_ms - now_ms > SKEW_MAX_MS)
        ncr_emu_s3_refuse(s3, "AccessDenied", "Request is not yet valid");
    else if (now_ms > signed_ms + (int64_t)expires * 1000)
        ncr_emu_s3_refuse(s3, "AccessDenied", "Request has expired");
    else
        return true;
    return false;
}

/* --- The signature --- */

typedef struct header_list {
    ncr_emu_sign_header headers[HEADERS_MAX];
    size_t count;
    bool too_many;
} header_list;

static enum MHD_Result take_header(void *user, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    header_list *list = user;
    list->too_many |= list->count == HEADERS_MAX;
    if (!list->too_many)
        list->headers[list->count++] = (ncr_emu_sign_header){name, value ? value : ""};
    return MHD_YES;
}

/* Host and what begins with x-amz- must be signed; false: the error is in the reply. */
static bool all_are_signed(ncr_emu_s3 *s3, const credentials *sent, const header_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const char *name = list->headers[i].name;
        bool must = ncr_text_equal_nocase(name, "Host") ||
                    (ncr_text_starts_nocase(name, "x-amz-") && !ncr_text_equal_nocase(name, "x-amz-content-sha256"));
        if (must && !ncr_emu_claim_signs(&sent->claim, name)) {
            ncr_emu_s3_refuse(s3, "AccessDenied", "There were headers present in the request which were not signed");
            return false;
        }
    }
    return true;
}

/* What stands for the body in the canonical request; NULL: the error is in the reply. */
static const char *payload_of(ncr_emu_s3 *s3, const credentials *sent)
{
    const char *payload = ncr_emu_header(s3->request, "x-amz-content-sha256");
    if (sent->in_query && (!payload || !ncr_emu_claim_signs(&sent->claim, "x-amz-content-sha256")))
        return "UNSIGNED-PAYLOAD";
    if (!payload)
        ncr_emu_s3_refuse(s3, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256");
    return payload;
}

static bool signature_fits(ncr_emu_s3 *s3, const credentials *sent, const char *secret)
{
    header_list list = {.count = 0};
    MHD_get_connection_values(s3->request->connection, MHD_HEADER_KIND, take_header, &list);
    const char *payload = payload_of(s3, sent);
    if (!payload || !all_are_signed(s3, sent, &list))
        return false;
    const ncr_emu_to_sign what = {.method = s3->request->method,
                                  .path = s3->request->path,
                                  .query = s3->request->query,
                                  .headers = list.headers,
                                  .header_count = list.count,
                                  .signed_headers = sent->claim.signed_headers,
                                  .payload = payload};
    ncr_buffer canonical;
    ncr_buffer_init(&canonical, CANONICAL_MAX);
    bool fits =
        !list.too_many && ncr_emu_canonical_request(&what, &canonical) &&
        ncr_emu_signature_begin(&s3->signature, secret, &sent->claim, sent->time, (const char *)canonical.data) &&
        ncr_emu_signature_equal(s3->signature.last, sent->claim.signature);
    ncr_buffer_clear(&canonical);
    if (!fits)
        ncr_emu_s3_error(s3, "SignatureDoesNotMatch", NULL);
    return fits;
}

/* --- The key --- */

static bool token_fits(ncr_emu_s3 *s3, const credentials *sent, const ncr_emu_s3_key *key)
{
    if (key->token && !sent->token)
        ncr_emu_s3_error(s3, "InvalidAccessKeyId", NULL);
    else if (sent->token && (!key->token || strcmp(key->token, sent->token) != 0))
        ncr_emu_s3_error(s3, "InvalidToken", NULL);
    else if (key->expired)
        ncr_emu_s3_error(s3, "ExpiredToken", NULL);
    else
        return true;
    return false;
}

static bool verify(ncr_emu_s3 *s3, const credentials *sent)
{
    ncr_emu_s3_key key;
    if (strcmp(sent->claim.service, "s3") != 0) {
        ncr_emu_s3_error(s3, sent->in_query ? "AuthorizationQueryParametersError" : "AuthorizationHeaderMalformed",
                         NULL);
        return false;
    }
    if (!is_in_time(s3, sent))
        return false;
    bool known = ncr_emu_s3_access_get_key(s3->request->server->s3_access, sent->claim.key_id, &key);
    if (!known)
        ncr_emu_s3_error(s3, "InvalidAccessKeyId", NULL);
    bool good = known && signature_fits(s3, sent, key.secret) && token_fits(s3, sent, &key);
    ncr_emu_s3_key_clear(&key);
    return good;
}

static bool authenticate(ncr_emu_s3 *s3)
{
    const char *authorization = ncr_emu_header(s3->request, "Authorization");
    credentials sent = {.in_query = ncr_emu_parameter(s3->request, "X-Amz-Algorithm") ||
                                    ncr_emu_parameter(s3->request, "X-Amz-Signature")};
    bool verifies = ncr_emu_s3_access_verifies(s3->request->server->s3_access);
    if (!authorization && !sent.in_query) {
        if (verifies)
            ncr_emu_s3_error(s3, "AccessDenied", NULL);
        return !verifies;
    }
    if (authorization && sent.in_query) {
        ncr_emu_s3_refuse(s3, "InvalidArgument", "Only one auth mechanism allowed");
        return false;
    }
    bool good = read_claim(s3, authorization, &sent) && (!verifies || verify(s3, &sent));
    s3->signed_region = good ? ncr_text_copy(sent.claim.region) : NULL;
    ncr_emu_claim_clear(&sent.claim);
    return good;
}

/* --- The region --- */

/* The region of "s3.REGION.HOST" in the Host header, malloc'd; NULL: it names none. */
static char *host_region(const ncr_emu_s3 *s3)
{
    const char *label = ncr_emu_s3_host_label(ncr_emu_header(s3->request, "Host"));
    const char *region = label ? label + strlen("s3.") : "";
    size_t length = strcspn(region, ".:");
    return region[length] == '.' && memchr(region, '-', length) ? ncr_text_copy_n(region, length) : NULL;
}

/* Where a bucket has a region of its own, the endpoint must be that region's (301), and so must the signature (400).
 * Where the host names no region, the endpoint is taken for the one that the signature names. */
static bool region_fits(ncr_emu_s3 *s3)
{
    char *own = *s3->name ? ncr_emu_s3_region(s3) : NULL;
    char *endpoint = host_region(s3);
    const char *used = endpoint ? endpoint : s3->signed_region;
    const char *error = own && used && strcmp(own, used) != 0 ? "PermanentRedirect"
                        : own && s3->signed_region && strcmp(own, s3->signed_region) != 0
                            ? "AuthorizationHeaderMalformed"
                            : NULL;
    if (error) {
        ncr_buffer detail;
        ncr_buffer_init(&detail, 4096);
        ncr_emu_s3_element(&detail, strcmp(error, "PermanentRedirect") == 0 ? "Bucket" : "Region",
                           strcmp(error, "PermanentRedirect") == 0 ? s3->name : own);
        ncr_emu_s3_error(s3, error, (const char *)detail.data);
        ncr_emu_reply_header(s3->reply, "x-amz-bucket-region", "%s", own);
        ncr_buffer_clear(&detail);
    }
    free(endpoint);
    free(own);
    return !error;
}

bool ncr_emu_s3_allowed(ncr_emu_s3 *s3, const char *bucket)
{
    if (!ncr_emu_is_denied(s3->request->server, bucket))
        return true;
    ncr_emu_s3_error(s3, "AccessDenied", NULL);
    return false;
}

bool ncr_emu_s3_authorise(ncr_emu_s3 *s3)
{
    bool anywhere = ncr_emu_parameter(s3->request, "location") != NULL; /* how a client finds the region out */
    return authenticate(s3) && ncr_emu_s3_payload_fits(s3) && ncr_emu_s3_allowed(s3, s3->name) &&
           (anywhere || region_fits(s3));
}
