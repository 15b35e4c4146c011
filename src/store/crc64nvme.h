/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_STORE_CRC64NVME_H
#define NCR_STORE_CRC64NVME_H

#include <stddef.h>
#include <stdint.h>

/* CRC64NVME, which Amazon S3 keeps of whole objects, also of those that were uploaded in parts. Begins with crc 0; the
 * result of one piece is given with the next. */
uint64_t ncr_crc64nvme(uint64_t crc, const void *data, size_t size);

/* As the store writes it: the eight bytes, high byte first, in base64. */
enum { NCR_CRC64NVME_TEXT = 13 };
void ncr_crc64nvme_text(uint64_t crc, char out[NCR_CRC64NVME_TEXT]);

#endif
