/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_VFS_ZIP_NAMES_H
#define NCR_VFS_ZIP_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

/* The names of members. */

/* A member's name as it stands in a central header, with the extra field that may hold it in Unicode. */
typedef struct ncr_zip_raw_name {
    const uint8_t *bytes;
    size_t length;
    const uint8_t *extra;
    size_t extra_length;
    bool is_utf8; /* its flag says so */
} ncr_zip_raw_name;

/* The field of an extra field by its number; NULL: it has none. */
const uint8_t *ncr_zip_extra(const uint8_t *extra, size_t length, uint16_t number, size_t *size);

/* Appends the name in UTF-8, with slashes, without "." and empty segments, and a NUL. *is_usable false, and nothing
 * appended: nobody can name it (it is empty, has a NUL, begins with a slash, or leads up). False: out of memory, or
 * more than the buffer may hold. */
bool ncr_zip_append_name(ncr_buffer *names, const ncr_zip_raw_name *raw, bool *is_usable);

#endif
