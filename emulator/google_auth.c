/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "google.h"
#include "s3_sign.h"

/* Signatures of Google's XML interface by HMAC keys: the pages "Signatures" and "Canonical requests" of the
 * documentation of Cloud Storage. Without keys every signature is accepted. */

enum { SKEW_MAX_MS = 15 * 60 * 1000, HEADERS_MAX = 128, CANONICAL_MAX = 1 << 20, BODY_MAX = 64 << 20 };

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

/* Host and all extension headers must be signed. */
static bool all_are_signed(const ncr_emu_claim *claim, const header_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const char *name = list->headers[i].name;
        bool must = ncr_text_equal_nocase(name, "Host") || ncr_text_starts_nocase(name, "x-goog-");
        if (must && !ncr_emu_claim_signs(claim, name))
            return false;
    }
    return !list->too_many;
}

static bool signature_fits(const ncr_emu_request *request, const ncr_emu_claim *claim, const char *secret)
{
    header_list list = {.count = 0};
    MHD_get_connection_values(request->connection, MHD_HEADER_KIND, take_header, &list);
    const char *payload = ncr_emu_header(request, "x-goog-content-sha256");
    const ncr_emu_to_sign what = {.method = request->method,
                                  .path = request->path,
                                  .query = request->query,
                                  .headers = list.headers,
                                  .header_count = list.count,
                                  .signed_headers = claim->signed_headers,
                                  .payload = payload ? payload : "UNSIGNED-PAYLOAD"};
    ncr_buffer canonical;
    ncr_emu_signature signature = {0};
    ncr_buffer_init(&canonical, CANONICAL_MAX);
    bool fits = all_are_signed(claim, &list) && ncr_emu_canonical_request(&what, &canonical) &&
                ncr_emu_signature_begin(&signature, secret, claim, ncr_emu_header(request, "x-goog-date"),
                                        (const char *)canonical.data) &&
                ncr_emu_signature_equal(signature.last, claim->signature);
    ncr_emu_signature_clear(&signature);
    ncr_buffer_clear(&canonical);
    return fits;
}

/* Whether the body is the one whose hash was signed. */
static bool body_fits(const ncr_emu_request *request)
{
    char digest[NCR_EMU_SIGNATURE_SIZE];
    const char *payload = ncr_emu_header(request, "x-goog-content-sha256");
    if (!payload || strcmp(payload, "UNSIGNED-PAYLOAD") == 0)
        return true;
    size_t size = request->body ? (size_t)request->body->size : 0;
    char *text = request->body ? ncr_emu_draft_text(request->body, BODY_MAX) : NULL;
    ncr_emu_sha256_hex(text ? text : "", text ? size : 0, digest);
    free(text);
    return strcmp(digest, payload) == 0;
}

static bool is_in_time(const ncr_emu_request *request, const ncr_emu_claim *claim)
{
    const char *time = ncr_emu_header(request, "x-goog-date");
    int64_t signed_ms = time ? ncr_emu_sign_time(time) : -1, now_ms = ncr_clock_wall_ms();
    return signed_ms >= 0 && strncmp(time, claim->day, 8) == 0 && signed_ms - now_ms <= SKEW_MAX_MS &&
           now_ms - signed_ms <= SKEW_MAX_MS;
}

/* NULL: good; else the code of the error. */
static const char *verify(const ncr_emu_request *request, const ncr_emu_claim *claim)
{
    ncr_emu_s3_key key = {0};
    const char *error = NULL;
    if (strcmp(claim->service, "storage") != 0)
        error = "InvalidSecurity";
    else if (!is_in_time(request, claim))
        error = "RequestTimeTooSkewed";
    else if (!ncr_emu_s3_access_get_key(request->server->hmac, claim->key_id, &key))
        error = "InvalidSecurity";
    else if (!signature_fits(request, claim, key.secret))
        error = "SignatureDoesNotMatch";
    else if (!body_fits(request))
        error = "XGoogContentSHA256Mismatch";
    ncr_emu_s3_key_clear(&key);
    return error;
}

static const char *message_of(const char *code)
{
    if (strcmp(code, "SignatureDoesNotMatch") == 0)
        return "The request signature we calculated does not match the signature you provided.";
    if (strcmp(code, "RequestTimeTooSkewed") == 0)
        return "The difference between the request time and the server's time is too large.";
    return strcmp(code, "InvalidSecurity") == 0 ? "The provided security credentials are not valid."
                                                : "The body is not the one that was signed.";
}

bool ncr_emu_xml_authenticate(ncr_emu_request *request, bool *is_proven, ncr_emu_reply *reply)
{
    const char *authorization = ncr_emu_header(request, "Authorization");
    *is_proven = false;
    if (!authorization || !ncr_text_starts(authorization, "GOOG4-HMAC-SHA256"))
        return true;
    ncr_emu_claim claim;
    const char *error = "AuthorizationHeaderMalformed";
    bool verifies = ncr_emu_s3_access_verifies(request->server->hmac);
    if (ncr_emu_claim_from_header(authorization, &claim))
        error = verifies ? verify(request, &claim) : NULL;
    ncr_emu_claim_clear(&claim);
    *is_proven = !error && verifies;
    if (error)
        ncr_emu_xml_error(reply, strcmp(error, "AuthorizationHeaderMalformed") == 0 ? 400 : 403, error,
                          message_of(error));
    return !error;
}
