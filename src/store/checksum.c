/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/checksum.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "store/crc32c.h"
#include "store/crc64nvme.h"

void ncr_md5_text(const unsigned char digest[NCR_MD5_SIZE], char out[NCR_MD5_TEXT])
{
    EVP_EncodeBlock((unsigned char *)out, digest, NCR_MD5_SIZE);
}

bool ncr_md5(const void *data, size_t size, char out[NCR_MD5_TEXT])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    out[0] = '\0';
    if (!EVP_Digest(size ? data : "", size, digest, &length, EVP_md5(), NULL) || length != NCR_MD5_SIZE)
        return false;
    ncr_md5_text(digest, out);
    return true;
}

/* The checksum of the kind that `like` is of; false: there is none here. */
static bool make_alike(const char *like, const void *data, size_t size, char out[48])
{
    size_t kind = strcspn(like, "=");
    char *value = out + kind + 1;
    if (kind > 16)
        return false;
    snprintf(out, 48, "%.*s=", (int)kind, like);
    if (ncr_text_starts(like, "crc32c="))
        ncr_crc32c_text(ncr_crc32c(0, data, size), value);
    else if (ncr_text_starts(like, "crc64nvme="))
        ncr_crc64nvme_text(ncr_crc64nvme(0, data, size), value);
    else
        return ncr_text_starts(like, "md5=") && ncr_md5(data, size, value);
    return true;
}

nacre_status ncr_checksum_check(const char *checksum, const void *data, size_t size, const char *name, nacre_error *err)
{
    char ours[48];
    if (!make_alike(checksum, data, size, ours) || strlen(ours) != strlen(checksum) || strcmp(ours, checksum) == 0)
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_CORRUPT,
                         "%s: the bytes that came have the checksum %s, and the store says %s", name, ours, checksum);
}
