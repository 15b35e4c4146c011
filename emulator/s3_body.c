/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "s3_body.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "s3_chunks.h"

/* --- aws-chunked --- */

/* What x-amz-content-sha256 says of the body's form. */
static const struct {
    const char *payload;
    bool is_signed, is_trailer_signed;
} forms[] = {{"STREAMING-UNSIGNED-PAYLOAD-TRAILER", false, false},
             {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", true, false},
             {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", true, true}};

/* Replaces the draft by its content; false: the error is in the reply. */
static bool undo_chunks(ncr_emu_s3 *s3, ncr_emu_chunks *chunks, ncr_emu_s3_body *body)
{
    chunks->draft = ncr_emu_draft_new(s3->request->server->root->tmp_directory);
    chunks->signature = &s3->signature;
    const char *error =
        chunks->draft ? ncr_emu_chunks_read(chunks, body->draft->fd, body->draft->size) : "InternalError";
    ncr_emu_draft_free(body->draft);
    body->draft = chunks->draft;
    uint64_t announced = UINT64_MAX;
    const char *length = ncr_emu_header(s3->request, "x-amz-decoded-content-length");
    if (!error && !length)
        error = "MissingContentLength";
    else if (!error && (!ncr_text_to_uint64(length, &announced) || announced != body->draft->size))
        error = "IncompleteBody";
    if (error)
        ncr_emu_s3_error(s3, error, NULL);
    return !error;
}

static bool is_chunked(ncr_emu_s3 *s3, ncr_emu_chunks *out)
{
    const char *payload = ncr_emu_header(s3->request, "x-amz-content-sha256");
    const char *encoding = ncr_emu_header(s3->request, "Content-Encoding");
    *out = (ncr_emu_chunks){0};
    for (size_t i = 0; payload && i < sizeof forms / sizeof *forms; i++)
        if (strcmp(payload, forms[i].payload) == 0) {
            out->is_signed = forms[i].is_signed;
            out->is_trailer_signed = forms[i].is_trailer_signed;
            return true;
        }
    bool may_be = !payload || strcmp(payload, "UNSIGNED-PAYLOAD") == 0;
    return may_be && encoding && ncr_text_starts_nocase(encoding, "aws-chunked");
}

/* --- Digests --- */

bool ncr_emu_s3_payload_fits(ncr_emu_s3 *s3)
{
    char base64[NCR_EMU_CHECKSUM_BASE64_SIZE], hex[NCR_EMU_SIGNATURE_SIZE];
    uint8_t bytes[NCR_EMU_CHECKSUM_SIZE];
    const ncr_emu_draft *body = s3->request->body;
    const char *payload = ncr_emu_header(s3->request, "x-amz-content-sha256");
    if (!payload || strcmp(payload, "UNSIGNED-PAYLOAD") == 0 || ncr_text_starts(payload, "STREAMING-"))
        return true;
    if (strlen(payload) != 64 || strspn(payload, "0123456789abcdef") != 64) {
        ncr_emu_s3_refuse(s3, "InvalidArgument",
                          "x-amz-content-sha256 is UNSIGNED-PAYLOAD, STREAMING-... or a SHA-256.");
        return false;
    }
    if (!ncr_emu_checksum_of_file(body ? body->fd : -1, body ? body->size : 0, NCR_EMU_CHECKSUM_SHA256, base64) ||
        !ncr_emu_checksum_parse(NCR_EMU_CHECKSUM_SHA256, base64, bytes)) {
        ncr_emu_s3_error(s3, "InternalError", NULL);
        return false;
    }
    ncr_emu_hex_text(bytes, sizeof bytes, hex);
    if (strcmp(hex, payload) == 0)
        return true;
    ncr_emu_s3_error(s3, "XAmzContentSHA256Mismatch", NULL);
    return false;
}

static bool md5_fits(ncr_emu_s3 *s3, const ncr_emu_s3_body *body)
{
    const char *claimed = ncr_emu_header(s3->request, "Content-MD5");
    char md5[NCR_EMU_MD5_BASE64_SIZE], decoded[64];
    if (!claimed)
        return true;
    if (strlen(claimed) >= sizeof decoded || ncr_emu_base64_decode(claimed, decoded) != NCR_EMU_MD5_SIZE) {
        ncr_emu_s3_error(s3, "InvalidDigest", NULL);
        return false;
    }
    ncr_emu_hash_peek_md5(&body->draft->hash, md5);
    if (strcmp(claimed, md5) == 0)
        return true;
    ncr_emu_s3_error(s3, "BadDigest", NULL);
    return false;
}

/* The checksum that the request claims, in a header or in the trailer; NULL: none. *several: more than one. */
static const char *claimed_checksum(ncr_emu_s3 *s3, const json_t *trailer, ncr_emu_checksum_kind *kind, bool *several)
{
    const char *claimed = NULL;
    *several = false;
    for (int i = 1; i < NCR_EMU_CHECKSUM_COUNT; i++) {
        const char *header = ncr_emu_checksum_header((ncr_emu_checksum_kind)i);
        const char *value = ncr_emu_header(s3->request, header);
        value = value ? value : json_string_value(json_object_get(trailer, header));
        if (!value)
            continue;
        *several |= claimed != NULL;
        *kind = (ncr_emu_checksum_kind)i;
        claimed = value;
    }
    return claimed;
}

static bool checksum_fits(ncr_emu_s3 *s3, const json_t *trailer, ncr_emu_s3_body *body)
{
    bool several;
    uint8_t bytes[NCR_EMU_CHECKSUM_SIZE];
    const char *announced = ncr_emu_header(s3->request, "x-amz-sdk-checksum-algorithm");
    const char *awaited = ncr_emu_header(s3->request, "x-amz-trailer");
    body->kind = NCR_EMU_CHECKSUM_NONE;
    const char *claimed = claimed_checksum(s3, trailer, &body->kind, &several);
    body->was_sent = claimed != NULL;
    const char *problem = NULL;
    if (several)
        problem = "Expecting a single x-amz-checksum- header.";
    else if (claimed && !ncr_emu_checksum_parse(body->kind, claimed, bytes))
        problem = "The value of the x-amz-checksum- header is no such checksum in base64.";
    else if (announced && claimed && ncr_emu_checksum_by_name(announced) != body->kind)
        problem = "x-amz-sdk-checksum-algorithm and the checksum that was sent are of two kinds.";
    else if (awaited && ncr_text_starts_nocase(awaited, "x-amz-checksum-") && !claimed)
        problem = "The trailer that was announced has not come.";
    if (problem) {
        ncr_emu_s3_refuse(s3, "InvalidRequest", problem);
        return false;
    }
    if (!claimed)
        return true;
    if (body->kind == NCR_EMU_CHECKSUM_CRC32C) { /* made as the bytes came */
        ncr_emu_crc_base64(body->draft->hash.crc32c, body->checksum);
    } else if (!ncr_emu_checksum_of_file(body->draft->fd, body->draft->size, body->kind, body->checksum)) {
        ncr_emu_s3_error(s3, "InternalError", NULL);
        return false;
    }
    if (strcmp(claimed, body->checksum) == 0)
        return true;
    char *message = ncr_text_format("The %s you specified did not match the calculated checksum.",
                                    ncr_emu_checksum_name(body->kind));
    ncr_emu_s3_refuse(s3, "BadDigest", message ? message : "");
    free(message);
    return false;
}

bool ncr_emu_s3_body_add_checksum(ncr_emu_s3 *s3, ncr_emu_s3_body *body)
{
    if (body->was_sent)
        return true;
    body->kind = NCR_EMU_CHECKSUM_CRC64NVME;
    if (ncr_emu_checksum_of_file(body->draft->fd, body->draft->size, body->kind, body->checksum))
        return true;
    ncr_emu_s3_error(s3, "InternalError", NULL);
    return false;
}

bool ncr_emu_s3_body_take(ncr_emu_s3 *s3, ncr_emu_s3_body *out)
{
    ncr_emu_chunks chunks;
    const char *transfer = ncr_emu_header(s3->request, "Transfer-Encoding");
    *out = (ncr_emu_s3_body){0};
    if (transfer && !ncr_emu_header(s3->request, "x-amz-decoded-content-length")) {
        ncr_emu_s3_error(s3, "NotImplemented", "<Header>Transfer-Encoding</Header>");
        return false;
    }
    out->draft = ncr_emu_body_take(s3->request);
    if (!out->draft || out->draft->failed) {
        ncr_emu_s3_error(s3, "InternalError", NULL);
        ncr_emu_draft_free(out->draft);
        out->draft = NULL;
        return false;
    }
    bool chunked = is_chunked(s3, &chunks);
    json_t *trailer = json_object();
    chunks.trailer = trailer;
    bool good = (!chunked || undo_chunks(s3, &chunks, out)) && md5_fits(s3, out) && checksum_fits(s3, trailer, out);
    json_decref(trailer);
    if (good)
        return true;
    ncr_emu_draft_free(out->draft);
    out->draft = NULL;
    return false;
}
