/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "store/body.h"
#include "store/checksum.h"
#include "store/crc32c.h"
#include "store/crc64nvme.h"
#include "store/s3/s3.h"

/* What S3's headers say of an object: its version is the ETag, with the version id beside it where the bucket keeps
 * versions. */

static const char etag_kind[] = "etag=";

const char *ncr_s3_etag(const ncr_version *version)
{
    bool is_etag = version->strong && ncr_text_starts(version->token, etag_kind);
    return is_etag ? version->token + sizeof etag_kind - 1 : NULL;
}

void ncr_s3_version_from(const char *etag, const char *version_id, ncr_version *out)
{
    *out = (ncr_version){0};
    /* Cut, it might be another's beginning; a control character is none of an ETag's. */
    if (!etag[0] || strlen(etag) > NCR_S3_ETAG || strpbrk(etag, "\r\n"))
        return;
    bool is_bare = !ncr_text_starts(etag, "\"") && !ncr_text_starts(etag, "W/");
    const char *quote = is_bare ? "\"" : "";
    out->strong = !ncr_text_starts(etag, "W/");
    snprintf(out->token, sizeof out->token, "%s%s%s%s", etag_kind, quote, etag, quote);
    bool keeps_versions = version_id[0] && strcmp(version_id, "null") != 0;
    if (keeps_versions && strlen(version_id) < sizeof out->version_id)
        snprintf(out->version_id, sizeof out->version_id, "%s", version_id);
}

bool ncr_s3_etag_md5(const ncr_object *object, const ncr_http_response *response, const ncr_version *version,
                     char out[33])
{
    char encryption[64] = "";
    const char *etag = ncr_s3_etag(version);
    ncr_http_response_header(response, "x-amz-server-side-encryption", encryption, sizeof encryption);
    bool is_own_key = ncr_text_starts(encryption, "aws:") ||
                      ncr_http_response_header(response, "x-amz-server-side-encryption-customer-algorithm", encryption,
                                               sizeof encryption);
    bool is_md5 = etag && strlen(etag) == 34 && strspn(etag + 1, "0123456789abcdef") == 32;
    if (!is_md5 || is_own_key || ncr_text_ends_nocase(object->bucket, "--x-s3"))
        return false;
    memcpy(out, etag + 1, 32);
    out[32] = '\0';
    return true;
}

bool ncr_s3_read_md5(const char *digits, unsigned char out[16])
{
    static const char values[] = "0123456789abcdef";
    if (strspn(digits, values) < 32)
        return false;
    for (int i = 0; i < 16; i++) {
        size_t high = (size_t)(strchr(values, digits[2 * i]) - values);
        size_t low = (size_t)(strchr(values, digits[2 * i + 1]) - values);
        out[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

static void read_checksum(const ncr_object *object, const ncr_http_response *response, ncr_object_facts *out)
{
    char value[64], digits[33];
    if (ncr_http_response_header(response, "x-amz-checksum-crc64nvme", value, sizeof value) &&
        strlen(value) == NCR_CRC64NVME_TEXT - 1) {
        snprintf(out->checksum, sizeof out->checksum, "crc64nvme=%s", value);
        return;
    }
    /* Of an object in parts some checksums are of the parts' checksums ("...-3"). */
    if (ncr_http_response_header(response, "x-amz-checksum-crc32c", value, sizeof value) &&
        strlen(value) == NCR_CRC32C_TEXT - 1 && !strchr(value, '-')) {
        snprintf(out->checksum, sizeof out->checksum, "crc32c=%s", value);
        return;
    }
    unsigned char md5[NCR_MD5_SIZE];
    if (!ncr_s3_etag_md5(object, response, &out->version, digits) || !ncr_s3_read_md5(digits, md5))
        return;
    ncr_md5_text(md5, value);
    snprintf(out->checksum, sizeof out->checksum, "md5=%s", value);
}

void ncr_s3_facts_of(const ncr_object *object, const ncr_http_response *response, ncr_object_facts *out)
{
    char etag[256] = "", version_id[256] = "";
    ncr_http_response_header(response, "etag", etag, sizeof etag);
    ncr_http_response_header(response, "x-amz-version-id", version_id, sizeof version_id);
    ncr_body_describe(response, out);
    ncr_s3_version_from(etag, version_id, &out->version);
    read_checksum(object, response, out);
}

void ncr_s3_md5(const void *data, size_t size, char out[33])
{
    unsigned char md5[EVP_MAX_MD_SIZE] = {0};
    EVP_Digest(data, size, md5, NULL, EVP_md5(), NULL);
    for (int i = 0; i < 16; i++)
        snprintf(out + (ptrdiff_t)2 * i, 3, "%02x", md5[i]);
}
