/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "net/answer.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* Reads digits from *at on; false where there are none or too many. */
static bool take_number(const char **at, uint64_t *out)
{
    uint64_t value = 0;
    const char *p = *at;
    for (; *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
            return false;
    if (p == *at)
        return false;
    *at = p;
    *out = value;
    return true;
}

static bool take_total(const char *at, uint64_t *out)
{
    if (strcmp(at, "*") == 0) {
        *out = UINT64_MAX;
        return true;
    }
    return take_number(&at, out) && *at == '\0';
}

ncr_content_range ncr_content_range_parse(const char *value)
{
    ncr_content_range range = {.total = UINT64_MAX};
    if (!ncr_text_starts_nocase(value, "bytes "))
        return range;
    const char *at = value + strlen("bytes ");
    at += strspn(at, " ");
    if (at[0] == '*' && at[1] == '/') {
        range.is_known = range.is_unsatisfied = take_total(at + 2, &range.total) && range.total != UINT64_MAX;
        return range;
    }
    range.is_known = take_number(&at, &range.first) && *at++ == '-' && take_number(&at, &range.last) && *at++ == '/' &&
                     take_total(at, &range.total) && range.first <= range.last && range.last < range.total;
    return range;
}

void ncr_answer_init(ncr_answer *answer)
{
    *answer = (ncr_answer){.content_length = UINT64_MAX, .range.total = UINT64_MAX};
    ncr_buffer_init(&answer->text, (size_t)256 << 10);
}

void ncr_answer_clear(ncr_answer *answer)
{
    ncr_buffer_clear(&answer->text);
    ncr_answer_init(answer);
}

static void begin(ncr_answer *answer, const char *line, size_t size)
{
    answer->text.size = 0;
    answer->content_length = UINT64_MAX;
    answer->range = (ncr_content_range){.total = UINT64_MAX};
    answer->status = 0;
    const char *space = memchr(line, ' ', size);
    const char *end = line + size;
    for (int i = 1; i <= 3 && space && space + i < end; i++) {
        if (space[i] < '0' || space[i] > '9') {
            answer->status = 0;
            return;
        }
        answer->status = answer->status * 10 + (space[i] - '0');
    }
}

/* Copies bytes so that the text stays one of lines: control characters become blanks. */
static void copy_plain(char *out, const char *from, size_t size, bool to_lower)
{
    for (size_t i = 0; i < size; i++) {
        char c = from[i];
        if (to_lower && c >= 'A' && c <= 'Z')
            c = (char)(c + 32);
        out[i] = (char)((unsigned char)c < 0x20 ? ' ' : c);
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool add_header(ncr_answer *answer, const char *line, size_t size)
{
    const char *colon = memchr(line, ':', size);
    if (!colon)
        return true;
    const char *value = colon + 1, *end = line + size;
    while (value < end && is_blank(*value))
        value++;
    while (end > value && is_blank(end[-1]))
        end--;
    size_t name_size = (size_t)(colon - line), value_size = (size_t)(end - value);
    char *place = ncr_buffer_reserve(&answer->text, name_size + value_size + 4);
    if (!place) {
        answer->lacks_memory = answer->text.size + name_size + value_size + 4 <= answer->text.maximum;
        return false;
    }
    copy_plain(place, line, name_size, true);
    memcpy(place + name_size, ": ", 2);
    copy_plain(place + name_size + 2, value, value_size, false);
    memcpy(place + name_size + 2 + value_size, "\n", 2); /* and a NUL beyond the size */
    answer->text.size += name_size + value_size + 3;
    return true;
}

static void complete(ncr_answer *answer)
{
    char value[128];
    const char *at = value;
    uint64_t length;
    if (ncr_answer_header(answer, "content-length", value, sizeof value) && take_number(&at, &length) && !*at)
        answer->content_length = length;
    if (ncr_answer_header(answer, "content-range", value, sizeof value))
        answer->range = ncr_content_range_parse(value);
    answer->is_complete = true;
}

bool ncr_answer_line(ncr_answer *answer, const char *line, size_t size)
{
    if (answer->is_complete)
        return true;
    while (size && (line[size - 1] == '\n' || line[size - 1] == '\r'))
        size--;
    if (size > 5 && memcmp(line, "HTTP/", 5) == 0) {
        begin(answer, line, size);
        return true;
    }
    if (size)
        return add_header(answer, line, size);
    if (answer->status >= 200)
        complete(answer);
    return true;
}

bool ncr_answer_header(const ncr_answer *answer, const char *name, char *out, size_t out_size)
{
    size_t length = strlen(name);
    const char *line = answer->text.size ? (const char *)answer->text.data : NULL;
    while (line && *line) {
        const char *end = strchrnul(line, '\n');
        if (strncmp(line, name, length) == 0 && line[length] == ':') {
            snprintf(out, out_size, "%.*s", (int)(end - line - (ptrdiff_t)length - 2), line + length + 2);
            return true;
        }
        line = *end ? end + 1 : end;
    }
    return false;
}

/* A value that did not fit is none: two cut texts may be equal where the whole ones are not. */
static void take_token(const ncr_answer *answer, const char *name, char *out, size_t out_size)
{
    bool is_there = ncr_answer_header(answer, name, out, out_size);
    if (!is_there || strlen(out) == out_size - 1)
        *out = '\0';
}

ncr_identity ncr_answer_identity(const ncr_answer *answer)
{
    ncr_identity identity = {.total = UINT64_MAX};
    take_token(answer, "etag", identity.etag, sizeof identity.etag);
    if (identity.etag[0] != '"')
        identity.etag[0] = '\0';
    take_token(answer, "x-goog-generation", identity.generation, sizeof identity.generation);
    take_token(answer, "x-amz-version-id", identity.version_id, sizeof identity.version_id);
    if (strcmp(identity.version_id, "null") == 0)
        identity.version_id[0] = '\0';
    if (answer->status == 206 && answer->range.is_known)
        identity.total = answer->range.total;
    if (answer->status == 200)
        identity.total = answer->content_length;
    return identity;
}

bool ncr_identity_is_strong(const ncr_identity *identity)
{
    return identity->etag[0] || identity->generation[0] || identity->version_id[0];
}

bool ncr_identity_same(const ncr_identity *first, const ncr_identity *second)
{
    return strcmp(first->etag, second->etag) == 0 && strcmp(first->generation, second->generation) == 0 &&
           strcmp(first->version_id, second->version_id) == 0 &&
           (first->total == second->total || first->total == UINT64_MAX);
}

bool ncr_answer_is_range(const ncr_answer *answer, uint64_t first, uint64_t last)
{
    const ncr_content_range *range = &answer->range;
    if (!range->is_known || range->is_unsatisfied || range->first != first || range->last > last)
        return false;
    if (answer->content_length != UINT64_MAX && answer->content_length != range->last - range->first + 1)
        return false;
    bool is_short = range->last < last;
    bool is_at_end = range->total != UINT64_MAX && range->last == range->total - 1;
    return !is_short || is_at_end || (last == UINT64_MAX && range->total == UINT64_MAX);
}
