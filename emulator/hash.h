/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_EMULATOR_HASH_H
#define NCR_EMULATOR_HASH_H

#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>

enum { NCR_EMU_MD5_SIZE = 16, NCR_EMU_MD5_BASE64_SIZE = 25, NCR_EMU_CRC_BASE64_SIZE = 9, NCR_EMU_MD5_HEX_SIZE = 33 };

/* CRC32C (Castagnoli, RFC 3720 appendix B.4) of data that follows what `crc` is of; begin with 0. */
uint32_t ncr_emu_crc32c(uint32_t crc, const void *data, size_t size);
/* The same on any processor. */
uint32_t ncr_emu_crc32c_by_tables(uint32_t crc, const void *data, size_t size);

/* CRC32C and MD5 of a run of bytes. Single-thread. */
typedef struct ncr_emu_hash {
    uint32_t crc32c;
    EVP_MD_CTX *md5; /* NULL: out of memory, then the MD5 is zeros */
} ncr_emu_hash;

void ncr_emu_hash_init(ncr_emu_hash *hash);
void ncr_emu_hash_add(ncr_emu_hash *hash, const void *data, size_t size);
/* Gives the results and releases the hash. */
void ncr_emu_hash_end(ncr_emu_hash *hash, uint32_t *crc32c, uint8_t md5[NCR_EMU_MD5_SIZE]);
void ncr_emu_hash_clear(ncr_emu_hash *hash);
/* The MD5 of what was added so far, in base64; more may be added. */
void ncr_emu_hash_peek_md5(const ncr_emu_hash *hash, char out[NCR_EMU_MD5_BASE64_SIZE]);

/* Base64 with padding (RFC 4648 section 4); out holds 4 * ((size + 2) / 3) + 1 bytes. */
void ncr_emu_base64(const void *data, size_t size, char *out);
/* Decodes in place of a text; the bytes' number, or -1. out holds strlen(text) bytes and a final NUL. */
long ncr_emu_base64_decode(const char *text, char *out);

/* As Google writes them in resources and in x-goog-hash. */
void ncr_emu_crc_base64(uint32_t crc32c, char out[NCR_EMU_CRC_BASE64_SIZE]);
void ncr_emu_md5_base64(const uint8_t md5[NCR_EMU_MD5_SIZE], char out[NCR_EMU_MD5_BASE64_SIZE]);
/* Hexadecimal in lower case; out holds 2 * size + 1 bytes. */
void ncr_emu_hex_text(const uint8_t *bytes, size_t size, char *out);
void ncr_emu_md5_hex(const uint8_t md5[NCR_EMU_MD5_SIZE], char out[NCR_EMU_MD5_HEX_SIZE]);

#endif
