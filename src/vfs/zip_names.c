/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "vfs/zip_names.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/bytes.h"
#include "base/text.h"
#include "vfs/zip_format.h"

/* The upper half of code page 437, in which names are written that are not marked as UTF-8. */
static const uint16_t cp437[128] = {
    0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7, 0x00ea, 0x00eb, 0x00e8, 0x00ef, 0x00ee,
    0x00ec, 0x00c4, 0x00c5, 0x00c9, 0x00e6, 0x00c6, 0x00f4, 0x00f6, 0x00f2, 0x00fb, 0x00f9, 0x00ff, 0x00d6,
    0x00dc, 0x00a2, 0x00a3, 0x00a5, 0x20a7, 0x0192, 0x00e1, 0x00ed, 0x00f3, 0x00fa, 0x00f1, 0x00d1, 0x00aa,
    0x00ba, 0x00bf, 0x2310, 0x00ac, 0x00bd, 0x00bc, 0x00a1, 0x00ab, 0x00bb, 0x2591, 0x2592, 0x2593, 0x2502,
    0x2524, 0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557, 0x255d, 0x255c, 0x255b, 0x2510, 0x2514,
    0x2534, 0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f, 0x255a, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550,
    0x256c, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256b, 0x256a, 0x2518, 0x250c,
    0x2588, 0x2584, 0x258c, 0x2590, 0x2580, 0x03b1, 0x00df, 0x0393, 0x03c0, 0x03a3, 0x03c3, 0x00b5, 0x03c4,
    0x03a6, 0x0398, 0x03a9, 0x03b4, 0x221e, 0x03c6, 0x03b5, 0x2229, 0x2261, 0x00b1, 0x2265, 0x2264, 0x2320,
    0x2321, 0x00f7, 0x2248, 0x00b0, 0x2219, 0x00b7, 0x221a, 0x207f, 0x00b2, 0x25a0, 0x00a0,
};

enum { EXTRA_UNICODE_NAME = 0x7075 };

const uint8_t *ncr_zip_extra(const uint8_t *extra, size_t length, uint16_t number, size_t *size)
{
    for (size_t at = 0; length - at >= 4;) {
        size_t field = ncr_read_u16(extra + at + 2, false);
        if (field > length - at - 4)
            return NULL;
        if (ncr_read_u16(extra + at, false) == number) {
            *size = field;
            return extra + at + 4;
        }
        at += 4 + field;
    }
    return NULL;
}

static size_t put_utf8(uint16_t code, char out[3])
{
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    out[0] = (char)(0xe0 | code >> 12);
    out[1] = (char)(0x80 | (code >> 6 & 0x3f));
    out[2] = (char)(0x80 | (code & 0x3f));
    return 3;
}

static bool append_decoded(ncr_buffer *out, const uint8_t *bytes, size_t length, bool is_utf8)
{
    for (size_t i = 0; i < length; i++) {
        char text[3] = {(char)(bytes[i] == '\\' ? '/' : bytes[i])};
        size_t count = is_utf8 || bytes[i] < 0x80 ? 1 : put_utf8(cp437[bytes[i] - 0x80], text);
        if (!ncr_buffer_append(out, text, count))
            return false;
    }
    return true;
}

/* The name in Unicode where the extra field holds it and it belongs to this name. */
static const uint8_t *unicode_name(const ncr_zip_raw_name *raw, size_t *length)
{
    enum { BEFORE_NAME = 5 };
    size_t size;
    const uint8_t *field = ncr_zip_extra(raw->extra, raw->extra_length, EXTRA_UNICODE_NAME, &size);
    if (!field || size <= BEFORE_NAME || field[0] != 1)
        return NULL;
    if (crc32(0, raw->bytes, (uInt)raw->length) != ncr_read_u32(field + 1, false))
        return NULL;
    *length = size - BEFORE_NAME;
    return field + BEFORE_NAME;
}

/* Leaves "." and empty segments out of data[from..size), in place; false: it leads up, or nothing is left. */
static bool tidy(ncr_buffer *out, size_t from)
{
    size_t to = from;
    for (size_t at = from, next; at < out->size; at = next) {
        const uint8_t *slash = memchr(out->data + at, '/', out->size - at);
        size_t length = slash ? (size_t)(slash - out->data) - at : out->size - at;
        next = at + length + (slash != NULL);
        if (length == 2 && memcmp(out->data + at, "..", 2) == 0)
            return false;
        if (!length || (length == 1 && out->data[at] == '.'))
            continue;
        memmove(out->data + to, out->data + at, next - at);
        to += next - at;
    }
    out->size = to;
    return to > from;
}

bool ncr_zip_append_name(ncr_buffer *names, const ncr_zip_raw_name *raw, bool *is_usable)
{
    size_t from = names->size, length = raw->length;
    const uint8_t *bytes = raw->is_utf8 ? NULL : unicode_name(raw, &length);
    bool is_utf8 = raw->is_utf8 || bytes;
    bytes = bytes ? bytes : raw->bytes;
    *is_usable = false;
    if (!length || memchr(bytes, 0, length) || bytes[0] == '/' || bytes[0] == '\\')
        return true;
    if (!append_decoded(names, bytes, length, is_utf8)) {
        names->size = from;
        return false;
    }
    *is_usable = tidy(names, from);
    if (*is_usable && ncr_buffer_append(names, "", 1))
        return true;
    names->size = from;
    return !*is_usable;
}

/* Takes the last segment off a name that ends with a slash; false: there is none. */
static bool go_up(char *name, size_t *length)
{
    if (!*length)
        return false;
    do
        (*length)--;
    while (*length && name[*length - 1] != '/');
    return true;
}

char *ncr_zip_member_name(const char *text, bool *above)
{
    char *name = malloc(strlen(text) + 1);
    size_t length = 0;
    *above = false;
    while (name && *text) {
        size_t segment = strcspn(text, "/"), whole = segment + (text[segment] == '/');
        if (segment == 2 && strncmp(text, "..", 2) == 0) {
            *above = !go_up(name, &length);
            if (*above) {
                free(name);
                return NULL;
            }
        } else if (segment && !(segment == 1 && *text == '.')) {
            memcpy(name + length, text, whole);
            length += whole;
        }
        text += whole;
    }
    if (name)
        name[length] = '\0';
    return name;
}
