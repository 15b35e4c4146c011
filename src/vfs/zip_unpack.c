/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <string.h>
#include <zlib.h>

#include "vfs/zip_format.h"

static nacre_status corrupt(const char *name, const char *what, nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: this member of the archive is corrupt: %s", name, what);
}

/* zlib counts in 32 bits. */
static uInt portion(uint64_t left)
{
    return left < 1 << 30 ? (uInt)left : 1 << 30;
}

/* Inflates into exactly the bytes that the entry says; one more is asked for, to see that there is none. */
static nacre_status inflate_all(z_stream *stream, const char *name, const ncr_zip_entry *entry, const uint8_t *packed,
                                uint8_t *out, nacre_error *err)
{
    uint64_t in_left = entry->packed, out_left = entry->size;
    uint8_t beyond;
    int result = Z_OK;
    stream->next_in = (Bytef *)packed;
    stream->next_out = out;
    while (result == Z_OK) {
        uInt in = portion(in_left), room = portion(out_left);
        stream->avail_in = in;
        stream->avail_out = room;
        if (!room) {
            stream->next_out = &beyond;
            stream->avail_out = 1;
        }
        result = inflate(stream, Z_NO_FLUSH);
        in_left -= in - stream->avail_in;
        if (!room && !stream->avail_out)
            return corrupt(name, "it has more bytes than it says", err);
        if (room)
            out_left -= room - stream->avail_out;
    }
    if (result == Z_MEM_ERROR)
        return ncr_error_memory(err);
    if (result != Z_STREAM_END)
        return corrupt(name, "its deflated bytes cannot be read", err);
    return out_left ? corrupt(name, "it has fewer bytes than it says", err) : NACRE_OK;
}

nacre_status ncr_zip_unpack(const char *name, const ncr_zip_entry *entry, const uint8_t *packed, uint8_t *out,
                            nacre_error *err)
{
    nacre_status status = NACRE_OK;
    if (entry->method) {
        z_stream stream = {0};
        if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
            return ncr_error_memory(err);
        status = inflate_all(&stream, name, entry, packed, out, err);
        inflateEnd(&stream);
    } else if (entry->size) {
        memcpy(out, packed, entry->size);
    }
    if (status == NACRE_OK && crc32_z(0, out, entry->size) != entry->crc)
        status = corrupt(name, "its bytes do not match its checksum", err);
    return status;
}
