/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "hash.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { SLICES = 8 };
static uint32_t crc_tables[SLICES][256];
static pthread_once_t crc_once = PTHREAD_ONCE_INIT;

/* Table s holds the CRC of a byte that is followed by s zero bytes. */
static void make_crc_tables(void)
{
    const uint32_t polynomial = 0x82f63b78; /* 0x1edc6f41 with its bits reversed */
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? polynomial : 0);
        crc_tables[0][byte] = crc;
    }
    for (int s = 1; s < SLICES; s++)
        for (int byte = 0; byte < 256; byte++) {
            uint32_t before = crc_tables[s - 1][byte];
            crc_tables[s][byte] = before >> 8 ^ crc_tables[0][before & 255];
        }
}

/* Leaves the tables less than a word of a run of bytes, where the processor has the instruction: they took half of the
 * time of an upload. Returns how many bytes it has added to *crc. */
#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static size_t add_by_instruction(uint32_t *crc, const uint8_t *p, size_t size)
{
    size_t words = size / sizeof(uint64_t);
    uint64_t sum = *crc, word;
    for (size_t i = 0; i < words; i++) {
        memcpy(&word, p + i * sizeof word, sizeof word);
        sum = __builtin_ia32_crc32di(sum, word);
    }
    *crc = (uint32_t)sum;
    return words * sizeof word;
}

static bool has_instruction(void)
{
    return __builtin_cpu_supports("sse4.2") != 0;
}
#else
static size_t add_by_instruction(uint32_t *crc, const uint8_t *p, size_t size)
{
    (void)crc, (void)p, (void)size;
    return 0;
}

static bool has_instruction(void)
{
    return false;
}
#endif

uint32_t ncr_emu_crc32c(uint32_t crc, const void *data, size_t size)
{
    crc = ~crc;
    size_t added = has_instruction() ? add_by_instruction(&crc, data, size) : 0;
    return ncr_emu_crc32c_by_tables(~crc, (const uint8_t *)data + added, size - added);
}

uint32_t ncr_emu_crc32c_by_tables(uint32_t crc, const void *data, size_t size)
{
    pthread_once(&crc_once, make_crc_tables);
    const uint8_t *p = data;
    crc = ~crc;
    for (; size >= SLICES; size -= SLICES, p += SLICES) {
        uint32_t next = 0;
        for (int i = 0; i < SLICES; i++) {
            uint8_t byte = i < 4 ? (uint8_t)(p[i] ^ (crc >> (8 * i))) : p[i];
            next ^= crc_tables[SLICES - 1 - i][byte];
        }
        crc = next;
    }
    for (; size; size--, p++)
        crc = crc >> 8 ^ crc_tables[0][(crc ^ *p) & 255];
    return ~crc;
}

void ncr_emu_hash_init(ncr_emu_hash *hash)
{
    hash->crc32c = 0;
    hash->md5 = EVP_MD_CTX_new();
    if (hash->md5 && !EVP_DigestInit_ex(hash->md5, EVP_md5(), NULL))
        ncr_emu_hash_clear(hash);
}

void ncr_emu_hash_add(ncr_emu_hash *hash, const void *data, size_t size)
{
    hash->crc32c = ncr_emu_crc32c(hash->crc32c, data, size);
    if (hash->md5)
        EVP_DigestUpdate(hash->md5, data, size);
}

void ncr_emu_hash_end(ncr_emu_hash *hash, uint32_t *crc32c, uint8_t md5[NCR_EMU_MD5_SIZE])
{
    *crc32c = hash->crc32c;
    memset(md5, 0, NCR_EMU_MD5_SIZE);
    if (hash->md5)
        EVP_DigestFinal_ex(hash->md5, md5, NULL);
    ncr_emu_hash_clear(hash);
}

void ncr_emu_hash_clear(ncr_emu_hash *hash)
{
    EVP_MD_CTX_free(hash->md5);
    hash->md5 = NULL;
}

void ncr_emu_hash_peek_md5(const ncr_emu_hash *hash, char out[NCR_EMU_MD5_BASE64_SIZE])
{
    uint8_t digest[NCR_EMU_MD5_SIZE] = {0};
    EVP_MD_CTX *copy = EVP_MD_CTX_new();
    if (copy && hash->md5 && EVP_MD_CTX_copy_ex(copy, hash->md5))
        EVP_DigestFinal_ex(copy, digest, NULL);
    EVP_MD_CTX_free(copy);
    ncr_emu_md5_base64(digest, out);
}

void ncr_emu_base64(const void *data, size_t size, char *out)
{
    out[0] = '\0';
    EVP_EncodeBlock((unsigned char *)out, data, (int)size);
}

long ncr_emu_base64_decode(const char *text, char *out)
{
    size_t length = strlen(text);
    if (length % 4 || length > 1 << 20)
        return -1;
    int decoded = EVP_DecodeBlock((unsigned char *)out, (const unsigned char *)text, (int)length);
    if (decoded < 0)
        return -1;
    for (size_t i = length; i > 0 && text[i - 1] == '='; i--)
        decoded--; /* EVP counts what the padding stands for */
    if (decoded < 0)
        return -1;
    out[decoded] = '\0';
    return decoded;
}

void ncr_emu_crc_base64(uint32_t crc32c, char out[NCR_EMU_CRC_BASE64_SIZE])
{
    const uint8_t bytes[4] = {(uint8_t)(crc32c >> 24), (uint8_t)(crc32c >> 16), (uint8_t)(crc32c >> 8),
                              (uint8_t)crc32c};
    ncr_emu_base64(bytes, sizeof bytes, out);
}

void ncr_emu_md5_base64(const uint8_t md5[NCR_EMU_MD5_SIZE], char out[NCR_EMU_MD5_BASE64_SIZE])
{
    ncr_emu_base64(md5, NCR_EMU_MD5_SIZE, out);
}

void ncr_emu_hex_text(const uint8_t *bytes, size_t size, char *out)
{
    for (size_t i = 0; i < size; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

void ncr_emu_md5_hex(const uint8_t md5[NCR_EMU_MD5_SIZE], char out[NCR_EMU_MD5_HEX_SIZE])
{
    ncr_emu_hex_text(md5, NCR_EMU_MD5_SIZE, out);
}
