/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_STORE_CHECKSUM_H
#define NCR_STORE_CHECKSUM_H

#include <nacre/error.h>
#include <stdbool.h>
#include <stddef.h>

/* Checksums of whole objects, as their facts tell them: "crc32c=BASE64", "crc64nvme=BASE64" or "md5=BASE64". */

/* Holds bytes against a checksum. NACRE_ERROR_CORRUPT, naming `name`: they are others. One of a kind that is not known,
 * or cannot be made here, says nothing. */
nacre_status ncr_checksum_check(const char *checksum, const void *data, size_t size, const char *name,
                                nacre_error *err);

/* MD5, as headers write it. False: OpenSSL has none here. */
enum { NCR_MD5_TEXT = 25, NCR_MD5_SIZE = 16 };
bool ncr_md5(const void *data, size_t size, char out[NCR_MD5_TEXT]);
void ncr_md5_text(const unsigned char digest[NCR_MD5_SIZE], char out[NCR_MD5_TEXT]);

#endif
