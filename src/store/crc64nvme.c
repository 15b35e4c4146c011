/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/crc64nvme.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

#include "base/bytes.h"

/* Eight bytes a step, as in crc32c.c: tables[k][b] is the remainder of byte b followed by k zero bytes. */

static uint64_t tables[8][256];

static void make_tables(void)
{
    const uint64_t polynomial = 0x9a6c9329ac4bc9b5; /* 0xad93d23594c93659 with its bits reversed */
    for (uint64_t byte = 0; byte < 256; byte++) {
        uint64_t remainder = byte;
        for (int bit = 0; bit < 8; bit++)
            remainder = remainder & 1 ? remainder >> 1 ^ polynomial : remainder >> 1;
        tables[0][byte] = remainder;
    }
    for (size_t byte = 0; byte < 256; byte++)
        for (int k = 1; k < 8; k++)
            tables[k][byte] = tables[k - 1][byte] >> 8 ^ tables[0][tables[k - 1][byte] & 0xff];
}

uint64_t ncr_crc64nvme(uint64_t crc, const void *data, size_t size)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_tables);
    const uint8_t *at = data;
    crc = ~crc;
    for (; size >= 8; size -= 8, at += 8) {
        uint64_t word = crc ^ ncr_read_u64(at, false);
        crc = 0;
        for (int k = 0; k < 8; k++)
            crc ^= tables[7 - k][word >> 8 * k & 0xff];
    }
    for (; size; size--, at++)
        crc = crc >> 8 ^ tables[0][(crc ^ *at) & 0xff];
    return ~crc;
}

void ncr_crc64nvme_text(uint64_t crc, char out[NCR_CRC64NVME_TEXT])
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(crc >> (56 - 8 * i));
    EVP_EncodeBlock((unsigned char *)out, bytes, sizeof bytes);
}
