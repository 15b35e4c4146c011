/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "keys.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { PART_MAX = 200 }; /* of a name in the file system: 255 is the usual limit */

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

int ncr_emu_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The bytes of the UTF-8 sequence that begins at p, 0 where it is not valid (RFC 3629 section 4). */
static int utf8_sequence(const uint8_t *p)
{
    if (p[0] < 0x80)
        return 1;
    int length = p[0] >= 0xc2 && p[0] <= 0xdf ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4 : 0;
    for (int i = 1; i < length; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    bool bad = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
               (p[0] == 0xf4 && p[1] > 0x8f);
    return bad ? 0 : length;
}

bool ncr_emu_key_is_valid(const char *key)
{
    size_t length = strlen(key);
    if (length == 0 || length > NCR_EMU_KEY_MAX || strpbrk(key, "\r\n"))
        return false;
    for (const uint8_t *p = (const uint8_t *)key; *p;) {
        int step = utf8_sequence(p);
        if (!step)
            return false;
        p += step;
    }
    return true;
}

static bool is_plain_part(const char *part, size_t length)
{
    if (length == 0 || length > PART_MAX)
        return false;
    if ((length == 1 && part[0] == '.') || (length == 2 && part[0] == '.' && part[1] == '.'))
        return false;
    return strncmp(part, NCR_EMU_STATE_DIRECTORY, strlen(NCR_EMU_STATE_DIRECTORY)) != 0;
}

bool ncr_emu_key_is_plain(const char *key)
{
    for (;;) {
        size_t length = strcspn(key, "/");
        if (!is_plain_part(key, length))
            return false;
        if (!key[length])
            return true;
        key += length + 1;
    }
}

void ncr_emu_key_path(const char *key, bool escaped, char path[NCR_EMU_PATH_MAX])
{
    if (!escaped) {
        snprintf(path, NCR_EMU_PATH_MAX, "%s", key);
        return;
    }
    size_t at = (size_t)snprintf(path, NCR_EMU_PATH_MAX, "%s/", NCR_EMU_KEYS_DIRECTORY);
    size_t part = 0;
    for (; *key && at < NCR_EMU_PATH_MAX - 8; key++) {
        if (part > PART_MAX) {
            path[at++] = '/';
            part = 0;
        }
        bool literal = is_letter_or_digit(*key) || *key == '-' || *key == '_';
        int wrote = snprintf(path + at, NCR_EMU_PATH_MAX - at, literal ? "%c" : "%%%02X", (unsigned char)*key);
        at += (size_t)wrote;
        part += (size_t)wrote;
    }
    snprintf(path + at, NCR_EMU_PATH_MAX - at, "=");
}

bool ncr_emu_key_from_escaped(const char *path, char key[NCR_EMU_KEY_MAX + 1])
{
    size_t length = strlen(path), at = 0;
    if (length < 2 || path[length - 1] != '=')
        return false;
    for (size_t i = 0; i < length - 1; i++) {
        if (path[i] == '/')
            continue;
        if (at == NCR_EMU_KEY_MAX)
            return false;
        key[at] = path[i];
        if (path[i] == '%') {
            int high = ncr_emu_hex(path[i + 1]), low = high < 0 ? -1 : ncr_emu_hex(path[i + 2]);
            if (low < 0 || high * 16 + low == 0)
                return false;
            key[at] = (char)(high * 16 + low);
            i += 2;
        }
        at++;
    }
    key[at] = '\0';
    return ncr_emu_key_is_valid(key);
}

bool ncr_emu_bucket_name_is_valid(const char *name)
{
    size_t length = strlen(name);
    if (length < 1 || length > 222 || !is_letter_or_digit(name[0]))
        return false;
    for (; *name; name++)
        if (!is_letter_or_digit(*name) && !strchr("-_.", *name))
            return false;
    return true;
}
