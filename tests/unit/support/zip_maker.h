/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef TEST_ZIP_MAKER_H
#define TEST_ZIP_MAKER_H

#include <string.h>
#include <zlib.h>

#include "base/memory.h"

/* Makes ZIP archives as tests want them, sound or not. Include after cmocka_all.h. */

/* A member. What is 0 or NULL is as it should be. */
typedef struct zip_member {
    const char *name;
    const void *data;
    size_t size;
    uint16_t method; /* 0 or 8: packed so; others: only said */
    uint16_t flags;
    const char *local_name;     /* in the local header */
    uint32_t local_size;        /* that the local header says */
    uint32_t central_size, crc; /* that the directory says */
    uint32_t packed;            /* that both say */
    const char *extra;          /* in the directory */
    size_t extra_length;
    size_t name_length;    /* of a name with NULs */
    uint32_t header_plus1; /* where the directory says the local header is, and one */
} zip_member;

typedef struct zip_maker {
    ncr_buffer archive, directory;
    size_t begin; /* bytes before it */
    unsigned count;
} zip_maker;

static inline void zip_put(ncr_buffer *to, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        assert_true(ncr_buffer_append(to, &(uint8_t){(uint8_t)(i < 8 ? value >> 8 * i : 0)}, 1));
}

static inline void zip_begin(zip_maker *maker, const char *before)
{
    *maker = (zip_maker){.begin = strlen(before)};
    ncr_buffer_init(&maker->archive, SIZE_MAX);
    ncr_buffer_init(&maker->directory, SIZE_MAX);
    assert_true(ncr_buffer_append(&maker->archive, before, maker->begin));
}

/* Deflates where the method says so; the caller frees. */
static inline uint8_t *zip_pack(const zip_member *m, size_t *size)
{
    z_stream stream = {0};
    uint8_t *out = malloc(m->size + 1024);
    assert_non_null(out);
    *size = m->size;
    if (m->method != 8) {
        memcpy(out, m->size ? m->data : "", m->size);
        return out;
    }
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (Bytef *)m->data;
    stream.avail_in = (uInt)m->size;
    stream.next_out = out;
    stream.avail_out = (uInt)m->size + 1024;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    *size = stream.total_out;
    deflateEnd(&stream);
    return out;
}

static inline void zip_add(zip_maker *maker, zip_member m)
{
    size_t packed, name = m.name_length ? m.name_length : strlen(m.name);
    size_t header = maker->archive.size - maker->begin;
    uint8_t *data = zip_pack(&m, &packed);
    uint32_t crc = m.crc ? m.crc : (uint32_t)crc32(0, m.data, (uInt)m.size);
    uint32_t said = m.packed ? m.packed : (uint32_t)packed, size = m.central_size ? m.central_size : (uint32_t)m.size;
    const char *local_name = m.local_name ? m.local_name : m.name;
    size_t local_length = m.local_name ? strlen(m.local_name) : name;
    ncr_buffer *local = &maker->archive, *central = &maker->directory;
    zip_put(local, 0x04034b50, 4);
    zip_put(central, 0x02014b50, 4);
    zip_put(central, 20, 2);
    for (int i = 0; i < 2; i++) {
        ncr_buffer *to = i ? central : local;
        zip_put(to, 20, 2);
        zip_put(to, m.flags, 2);
        zip_put(to, m.method, 2);
        zip_put(to, 0x58210000, 4); /* 2024-01-01 */
        zip_put(to, crc, 4);
        zip_put(to, said, 4);
        zip_put(to, i || !m.local_size ? size : m.local_size, 4);
        zip_put(to, i ? name : local_length, 2);
        zip_put(to, i ? m.extra_length : 0, 2);
    }
    assert_true(ncr_buffer_append(local, local_name, local_length));
    assert_true(ncr_buffer_append(local, data, packed));
    zip_put(central, 0, 2 + 2 + 2 + 4);
    zip_put(central, m.header_plus1 ? m.header_plus1 - 1 : header, 4);
    assert_true(ncr_buffer_append(central, m.name, name));
    assert_true(ncr_buffer_append(central, m.extra ? m.extra : "", m.extra_length));
    maker->count++;
    free(data);
}

/* The whole archive is in maker->archive; zip_clear() releases it. */
static inline void zip_end(zip_maker *maker, const char *comment)
{
    size_t offset = maker->archive.size - maker->begin;
    ncr_buffer *to = &maker->archive;
    assert_true(ncr_buffer_append(to, maker->directory.data, maker->directory.size));
    zip_put(to, 0x06054b50, 4);
    zip_put(to, 0, 4);
    zip_put(to, maker->count, 2);
    zip_put(to, maker->count, 2);
    zip_put(to, maker->directory.size, 4);
    zip_put(to, offset, 4);
    zip_put(to, strlen(comment), 2);
    assert_true(ncr_buffer_append(to, comment, strlen(comment)));
}

static inline void zip_clear(zip_maker *maker)
{
    ncr_buffer_clear(&maker->archive);
    ncr_buffer_clear(&maker->directory);
}

#endif
