/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_EMULATOR_S3_CHECKSUM_H
#define NCR_EMULATOR_S3_CHECKSUM_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The checksums that S3 knows. */
typedef enum ncr_emu_checksum_kind {
    NCR_EMU_CHECKSUM_NONE,
    NCR_EMU_CHECKSUM_CRC32,
    NCR_EMU_CHECKSUM_CRC32C,
    NCR_EMU_CHECKSUM_CRC64NVME,
    NCR_EMU_CHECKSUM_SHA1,
    NCR_EMU_CHECKSUM_SHA256,
    NCR_EMU_CHECKSUM_COUNT
} ncr_emu_checksum_kind;

enum { NCR_EMU_CHECKSUM_SIZE = 32, NCR_EMU_CHECKSUM_BASE64_SIZE = 48 };

/* "CRC32C" of requests and listings; "x-amz-checksum-crc32c"; "ChecksumCRC32C" of bodies. */
const char *ncr_emu_checksum_name(ncr_emu_checksum_kind kind);
const char *ncr_emu_checksum_header(ncr_emu_checksum_kind kind);
const char *ncr_emu_checksum_element(ncr_emu_checksum_kind kind);
/* By name, in any case; NONE: no such checksum, or NULL. */
ncr_emu_checksum_kind ncr_emu_checksum_by_name(const char *name);
/* Bytes of a digest. */
size_t ncr_emu_checksum_length(ncr_emu_checksum_kind kind);

/* CRC-64/NVME of data that follows what `crc` is of; begin with 0. */
uint64_t ncr_emu_crc64nvme(uint64_t crc, const void *data, size_t size);

/* A checksum in the making. Single-thread. */
typedef struct ncr_emu_checksum {
    ncr_emu_checksum_kind kind;
    uint64_t crc;
    EVP_MD_CTX *digest;
} ncr_emu_checksum;

bool ncr_emu_checksum_init(ncr_emu_checksum *sum, ncr_emu_checksum_kind kind); /* false: out of memory */
void ncr_emu_checksum_add(ncr_emu_checksum *sum, const void *data, size_t size);
/* Gives the digest's bytes and releases the checksum. */
void ncr_emu_checksum_end(ncr_emu_checksum *sum, uint8_t out[NCR_EMU_CHECKSUM_SIZE]);

/* The digest of size bytes of a file in base64; false where it cannot be read. */
bool ncr_emu_checksum_of_file(int fd, uint64_t size, ncr_emu_checksum_kind kind,
                              char out[NCR_EMU_CHECKSUM_BASE64_SIZE]);
/* Decodes base64; false where it is no digest of this kind. */
bool ncr_emu_checksum_parse(ncr_emu_checksum_kind kind, const char *text, uint8_t out[NCR_EMU_CHECKSUM_SIZE]);

#endif
