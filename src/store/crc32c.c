/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/crc32c.h"

#include <openssl/evp.h>
#include <pthread.h>

#include "base/bytes.h"

/* Eight bytes a step: tables[k][b] is the remainder of byte b followed by k zero bytes, so the remainders of eight
 * bytes are looked up apart and joined by exclusive or. */

static uint32_t tables[8][256];

static void make_tables(void)
{
    const uint32_t polynomial = 0x82f63b78; /* 0x1edc6f41 with its bits reversed */
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t remainder = byte;
        for (int bit = 0; bit < 8; bit++)
            remainder = remainder & 1 ? remainder >> 1 ^ polynomial : remainder >> 1;
        tables[0][byte] = remainder;
    }
    for (uint32_t byte = 0; byte < 256; byte++)
        for (int k = 1; k < 8; k++)
            tables[k][byte] = tables[k - 1][byte] >> 8 ^ tables[0][tables[k - 1][byte] & 0xff];
}

uint32_t ncr_crc32c_by_tables(uint32_t crc, const void *data, size_t size)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_tables);
    const uint8_t *at = data;
    crc = ~crc;
    for (; size >= 8; size -= 8, at += 8) {
        uint32_t low = crc ^ ncr_read_u32(at, false), high = ncr_read_u32(at + 4, false);
        crc = tables[7][low & 0xff] ^ tables[6][low >> 8 & 0xff] ^ tables[5][low >> 16 & 0xff] ^ tables[4][low >> 24] ^
              tables[3][high & 0xff] ^ tables[2][high >> 8 & 0xff] ^ tables[1][high >> 16 & 0xff] ^
              tables[0][high >> 24];
    }
    for (; size; size--, at++)
        crc = crc >> 8 ^ tables[0][(crc ^ *at) & 0xff];
    return ~crc;
}

uint32_t ncr_crc32c(uint32_t crc, const void *data, size_t size)
{
    static _Atomic(ncr_crc32c_function *) chosen; /* threads that come together choose the same */
    ncr_crc32c_function *function = chosen;
    if (!function) {
        function = ncr_crc32c_machine();
        chosen = function = function ? function : ncr_crc32c_by_tables;
    }
    return function(crc, data, size);
}

void ncr_crc32c_text(uint32_t crc, char out[NCR_CRC32C_TEXT])
{
    unsigned char bytes[4];
    for (int i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(crc >> (24 - 8 * i));
    EVP_EncodeBlock((unsigned char *)out, bytes, sizeof bytes);
}
