/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "vfs/zip_format.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "cache/map.h"

/* The records at an archive's end, and the local headers before its members. */

enum {
    END_SIZE = 22,
    LOCATOR_SIZE = 20,
    END64_SIZE = 56,
    SIGNATURE_END = 0x06054b50,
    SIGNATURE_LOCATOR = 0x07064b50,
    SIGNATURE_END64 = 0x06064b50,
    SIGNATURE_LOCAL = 0x04034b50,
};

static uint16_t u16(const uint8_t *at)
{
    return ncr_read_u16(at, false);
}

static uint32_t u32(const uint8_t *at)
{
    return ncr_read_u32(at, false);
}

static uint64_t u64(const uint8_t *at)
{
    return ncr_read_u64(at, false);
}

static nacre_status corrupt(const char *name, const char *what, nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: not a sound ZIP archive: %s", name, what);
}

/* --- The end. --- */

/* The last end record whose comment ends where the archive does, else the last whose comment fits; NULL: none. */
static const uint8_t *find_record(const uint8_t *tail, size_t size)
{
    const uint8_t *fits = NULL;
    for (size_t at = size < END_SIZE ? 0 : size - END_SIZE + 1; at-- > 0;) {
        if (tail[at] != 'P' || u32(tail + at) != SIGNATURE_END)
            continue;
        size_t left = size - at - END_SIZE, comment = u16(tail + at + 20);
        if (comment == left)
            return tail + at;
        if (comment < left && !fits)
            fits = tail + at;
    }
    return fits;
}

/* What zip64's record says instead, where there is one before the end record; *position is where it begins. */
static nacre_status read_end64(const char *name, const uint8_t *tail, const uint8_t *record, uint64_t tail_offset,
                               ncr_zip_end *out, uint64_t *position, nacre_error *err)
{
    if (record - tail < LOCATOR_SIZE || u32(record - LOCATOR_SIZE) != SIGNATURE_LOCATOR)
        return NACRE_OK;
    const uint8_t *locator = record - LOCATOR_SIZE;
    uint64_t stated = u64(locator + 8);
    /* Where it says, or, with bytes before the archive, right before the locator. */
    const uint8_t *end64 = NULL;
    if (stated >= tail_offset && stated - tail_offset <= (uint64_t)(locator - tail) &&
        (uint64_t)(locator - tail) - (stated - tail_offset) >= END64_SIZE)
        end64 = tail + (stated - tail_offset);
    if ((!end64 || u32(end64) != SIGNATURE_END64) && locator - tail >= END64_SIZE)
        end64 = locator - END64_SIZE;
    if (!end64 || u32(end64) != SIGNATURE_END64)
        return corrupt(name, "its zip64 end record is not where its locator says", err);
    if (u32(end64 + 16) || u32(end64 + 20) || u32(locator + 16) > 1)
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: is split over several files; join them into one", name);
    out->count = u64(end64 + 32);
    out->size = u64(end64 + 40);
    out->offset = u64(end64 + 48);
    out->count_is_short = false;
    *position = tail_offset + (uint64_t)(end64 - tail);
    return NACRE_OK;
}

nacre_status ncr_zip_find_end(const char *name, const uint8_t *tail, size_t size, uint64_t archive_size,
                              ncr_zip_end *out, nacre_error *err)
{
    *out = (ncr_zip_end){.count_is_short = true};
    const uint8_t *record = find_record(tail, size);
    if (!record)
        return ncr_error_set(err, NACRE_ERROR_CORRUPT,
                             "%s: not a ZIP archive, or cut short: there is no end record in its last bytes", name);
    uint16_t disk = u16(record + 4), first_disk = u16(record + 6);
    if ((disk && disk != 0xffff) || (first_disk && first_disk != 0xffff))
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: is split over several files; join them into one", name);
    out->count = u16(record + 10);
    out->size = u32(record + 12);
    out->offset = u32(record + 16);
    uint64_t tail_offset = archive_size - size, position = tail_offset + (uint64_t)(record - tail), stated_end;
    nacre_status status = read_end64(name, tail, record, tail_offset, out, &position, err);
    if (status != NACRE_OK)
        return status;
    if (__builtin_add_overflow(out->offset, out->size, &stated_end) || stated_end > position)
        return corrupt(name, "its directory does not lie before its end record", err);
    out->shift = position - stated_end;
    out->offset += out->shift;
    return NACRE_OK;
}

/* --- Members. --- */

nacre_status ncr_zip_check_entry(const char *name, const ncr_zip_entry *entry, nacre_error *err)
{
    enum { ENCRYPTED = 1 << 0 | 1 << 6 | 1 << 13 };
    static const struct {
        uint16_t method;
        const char *text;
    } methods[] = {
        {1, "Shrink"}, {6, "Implode"}, {9, "Deflate64"}, {12, "bzip2"}, {14, "LZMA"},
        {93, "zstd"},  {95, "XZ"},     {96, "JPEG"},     {98, "PPMd"},  {99, "AES encryption"},
    };
    if (entry->flags & ENCRYPTED)
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: is encrypted; unpack the archive first", name);
    if (entry->method != 0 && entry->method != 8) {
        const char *text = "an unknown method";
        for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
            text = methods[i].method == entry->method ? methods[i].text : text;
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED,
                             "%s: is packed with %s (method %d); only stored and deflated members are read", name, text,
                             entry->method);
    }
    if (entry->fault == NCR_ZIP_OVERLAPS)
        return corrupt(name, "this member shares bytes of the archive with another", err);
    if (entry->fault == NCR_ZIP_OUTSIDE)
        return corrupt(name, "this member lies beyond the archive's members", err);
    if (!entry->method && entry->packed != entry->size)
        return corrupt(name, "this member is stored, and its two sizes differ", err);
    if (entry->method && entry->size / 1033 > entry->packed) /* deflate makes at most 1032 bytes of one */
        return corrupt(name, "this member says that it is larger than its packed bytes can make", err);
    return NACRE_OK;
}

static bool same_sizes(const ncr_zip_entry *entry, const uint8_t *header)
{
    uint32_t packed = u32(header + 18), size = u32(header + 22);
    if (u32(header + 14) != entry->crc)
        return false;
    return (packed == UINT32_MAX || packed == entry->packed) && (size == UINT32_MAX || size == entry->size);
}

nacre_status ncr_zip_check_header(const char *name, ncr_zip_entry *entry, const uint8_t *header, size_t size,
                                  nacre_error *err)
{
    enum { SIZES_FOLLOW = 1 << 3 };
    if (size < (size_t)NCR_ZIP_HEADER + entry->raw_length || u32(header) != SIGNATURE_LOCAL)
        return corrupt(name, "there is no member where its directory says", err);
    size_t length = u16(header + 26), extra = u16(header + 28);
    if (length != entry->raw_length || ncr_hash(0, header + NCR_ZIP_HEADER, length) != entry->raw_hash)
        return corrupt(name, "this member has another name than its directory says", err);
    if (u16(header + 8) != entry->method || ((u16(header + 6) ^ entry->flags) & 1))
        return corrupt(name, "this member is packed in another way than its directory says", err);
    if (!(entry->flags & SIZES_FOLLOW) && !(u16(header + 6) & SIZES_FOLLOW) && !same_sizes(entry, header))
        return corrupt(name, "this member has other sizes than its directory says", err);
    uint64_t data = entry->header + NCR_ZIP_HEADER + length + extra;
    if (data > entry->until || entry->until - data < entry->packed)
        return corrupt(name, "this member's bytes run into what follows them", err);
    atomic_store_explicit(&entry->data, data, memory_order_relaxed);
    return NACRE_OK;
}
