/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_BASE_TEXT_H
#define NCR_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

/* A copy of text, or NULL when out of memory or text is NULL. Released with free(). */
char *ncr_text_copy(const char *text);
char *ncr_text_copy_n(const char *text, size_t length);

/* A new text as printf would make it, or NULL when out of memory. Released with free(). */
char *ncr_text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

bool ncr_text_starts(const char *text, const char *prefix);
bool ncr_text_starts_nocase(const char *text, const char *prefix);
bool ncr_text_ends_nocase(const char *text, const char *suffix);

/* ASCII comparisons without case, independent of the locale. */
bool ncr_text_equal_nocase(const char *a, const char *b);

/* Whole-text numbers, independent of the locale: false where the text is empty, has anything else in it or is out of
 * range; *out is then untouched. */
bool ncr_text_to_int(const char *text, int *out);
bool ncr_text_to_int64(const char *text, int64_t *out);
bool ncr_text_to_uint64(const char *text, uint64_t *out);
bool ncr_text_to_double(const char *text, double *out); /* "nan" and "inf" too */

/* "yes", "true", "on", "1" and their opposites, in any case. */
bool ncr_text_to_bool(const char *text, bool *out);

/* Whether a URL's parameter of this name grants access (a signature, a token): its value is never shown. */
bool ncr_text_is_secret(const char *name, size_t length);

/* Puts stars in place of such values, and of user and password of http URLs, wherever in a text they stand; the text
 * becomes no longer. */
void ncr_text_hide_secrets(char *text);

/* Makes a text that people will read one line that tells no secret: control characters become spaces. */
void ncr_text_make_line(char *text);

/* The shortest decimal text that reads back as the same double, with a point whatever the locale; NUL-terminated. */
enum { NCR_TEXT_DOUBLE_SIZE = 32 };
void ncr_text_from_double(double value, char out[NCR_TEXT_DOUBLE_SIZE]);

/* Appends to a buffer that is being used as text; a final NUL is kept beyond size. False as ncr_buffer_append(). */
bool ncr_text_append(ncr_buffer *buffer, const char *text);
bool ncr_text_appendf(ncr_buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Percent-encodes all but unreserved characters (RFC 3986) and those in keep; false as ncr_buffer_append(). */
bool ncr_text_append_escaped(ncr_buffer *buffer, const char *text, const char *keep);

/* Replaces percent-escapes by their bytes, in place; what only looks like one stays. False: a byte would be zero, and
 * the text is of no use any more. */
bool ncr_text_unescape(char *text);

#endif
