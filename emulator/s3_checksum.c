/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "s3_checksum.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/text.h"
#include "draft.h"
#include "hash.h"

enum { STEP = 1 << 18, SLICES = 8 };

static const struct {
    const char *name, *header, *element;
    size_t length;
} kinds[NCR_EMU_CHECKSUM_COUNT] = {
    [NCR_EMU_CHECKSUM_NONE] = {"", "", "", 0},
    [NCR_EMU_CHECKSUM_CRC32] = {"CRC32", "x-amz-checksum-crc32", "ChecksumCRC32", 4},
    [NCR_EMU_CHECKSUM_CRC32C] = {"CRC32C", "x-amz-checksum-crc32c", "ChecksumCRC32C", 4},
    [NCR_EMU_CHECKSUM_CRC64NVME] = {"CRC64NVME", "x-amz-checksum-crc64nvme", "ChecksumCRC64NVME", 8},
    [NCR_EMU_CHECKSUM_SHA1] = {"SHA1", "x-amz-checksum-sha1", "ChecksumSHA1", 20},
    [NCR_EMU_CHECKSUM_SHA256] = {"SHA256", "x-amz-checksum-sha256", "ChecksumSHA256", 32},
};

const char *ncr_emu_checksum_name(ncr_emu_checksum_kind kind)
{
    return kinds[kind].name;
}

const char *ncr_emu_checksum_header(ncr_emu_checksum_kind kind)
{
    return kinds[kind].header;
}

const char *ncr_emu_checksum_element(ncr_emu_checksum_kind kind)
{
    return kinds[kind].element;
}

size_t ncr_emu_checksum_length(ncr_emu_checksum_kind kind)
{
    return kinds[kind].length;
}

ncr_emu_checksum_kind ncr_emu_checksum_by_name(const char *name)
{
    for (int kind = 1; name && kind < NCR_EMU_CHECKSUM_COUNT; kind++)
        if (ncr_text_equal_nocase(name, kinds[kind].name))
            return (ncr_emu_checksum_kind)kind;
    return NCR_EMU_CHECKSUM_NONE;
}

/* --- CRC-64/NVME: the NVM Express NVM Command Set Specification, section 5.2.1.3.4 --- */

static uint64_t crc_tables[SLICES][256];
static pthread_once_t crc_once = PTHREAD_ONCE_INIT;

/* Table s holds the CRC of a byte that is followed by s zero bytes. */
static void make_crc_tables(void)
{
    const uint64_t polynomial = 0x9a6c9329ac4bc9b5; /* 0xad93d23594c93659 with its bits reversed */
    for (uint64_t byte = 0; byte < 256; byte++) {
        uint64_t crc = byte;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? polynomial : 0);
        crc_tables[0][byte] = crc;
    }
    for (int s = 1; s < SLICES; s++)
        for (int byte = 0; byte < 256; byte++) {
            uint64_t before = crc_tables[s - 1][byte];
            crc_tables[s][byte] = before >> 8 ^ crc_tables[0][before & 255];
        }
}

uint64_t ncr_emu_crc64nvme(uint64_t crc, const void *data, size_t size)
{
    pthread_once(&crc_once, make_crc_tables);
    const uint8_t *p = data;
    crc = ~crc;
    for (; size >= SLICES; size -= SLICES, p += SLICES) {
        uint64_t next = 0;
        for (int i = 0; i < SLICES; i++)
            next ^= crc_tables[SLICES - 1 - i][(uint8_t)(p[i] ^ (crc >> (8 * i)))];
        crc = next;
    }
    for (; size; size--, p++)
        crc = crc >> 8 ^ crc_tables[0][(crc ^ *p) & 255];
    return ~crc;
}

/* --- Any of them --- */

bool ncr_emu_checksum_init(ncr_emu_checksum *sum, ncr_emu_checksum_kind kind)
{
    *sum = (ncr_emu_checksum){.kind = kind};
    if (kind != NCR_EMU_CHECKSUM_SHA1 && kind != NCR_EMU_CHECKSUM_SHA256)
        return true;
    sum->digest = EVP_MD_CTX_new();
    const EVP_MD *algorithm = kind == NCR_EMU_CHECKSUM_SHA1 ? EVP_sha1() : EVP_sha256();
    if (sum->digest && EVP_DigestInit_ex(sum->digest, algorithm, NULL))
        return true;
    EVP_MD_CTX_free(sum->digest);
    sum->digest = NULL;
    return false;
}

void ncr_emu_checksum_add(ncr_emu_checksum *sum, const void *data, size_t size)
{
    if (sum->kind == NCR_EMU_CHECKSUM_CRC32)
        sum->crc = crc32_z((uLong)sum->crc, data, size);
    else if (sum->kind == NCR_EMU_CHECKSUM_CRC32C)
        sum->crc = ncr_emu_crc32c((uint32_t)sum->crc, data, size);
    else if (sum->kind == NCR_EMU_CHECKSUM_CRC64NVME)
        sum->crc = ncr_emu_crc64nvme(sum->crc, data, size);
    else if (sum->digest)
        EVP_DigestUpdate(sum->digest, data, size);
}

void ncr_emu_checksum_end(ncr_emu_checksum *sum, uint8_t out[NCR_EMU_CHECKSUM_SIZE])
{
    size_t length = kinds[sum->kind].length;
    memset(out, 0, NCR_EMU_CHECKSUM_SIZE);
    if (sum->digest)
        EVP_DigestFinal_ex(sum->digest, out, NULL);
    for (size_t i = 0; !sum->digest && i < length && i < sizeof sum->crc; i++)
        out[i] = (uint8_t)(sum->crc >> (8 * (length - 1 - i)));
    EVP_MD_CTX_free(sum->digest);
    sum->digest = NULL;
}

bool ncr_emu_checksum_of_file(int fd, uint64_t size, ncr_emu_checksum_kind kind, char out[NCR_EMU_CHECKSUM_BASE64_SIZE])
{
    uint8_t digest[NCR_EMU_CHECKSUM_SIZE];
    ncr_emu_checksum sum;
    char *step = malloc(STEP);
    bool good = step && ncr_emu_checksum_init(&sum, kind);
    if (!good) {
        free(step);
        return false;
    }
    for (uint64_t at = 0; good && at < size; at += STEP) {
        size_t part = size - at < STEP ? (size_t)(size - at) : STEP;
        good = ncr_emu_read_at(fd, step, part, at);
        if (good)
            ncr_emu_checksum_add(&sum, step, part);
    }
    ncr_emu_checksum_end(&sum, digest);
    ncr_emu_base64(digest, kinds[kind].length, out);
    free(step);
    return good;
}

bool ncr_emu_checksum_parse(ncr_emu_checksum_kind kind, const char *text, uint8_t out[NCR_EMU_CHECKSUM_SIZE])
{
    char decoded[NCR_EMU_CHECKSUM_BASE64_SIZE];
    memset(out, 0, NCR_EMU_CHECKSUM_SIZE);
    if (strlen(text) >= sizeof decoded || ncr_emu_base64_decode(text, decoded) != (long)kinds[kind].length)
        return false;
    memcpy(out, decoded, kinds[kind].length);
    return true;
}
