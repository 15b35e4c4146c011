/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "server.h"

enum { BODY_MAX = 256 << 20 };

void ncr_emu_reply_init(ncr_emu_reply *reply)
{
    *reply = (ncr_emu_reply){.status = 200, .fd = -1};
    ncr_buffer_init(&reply->body, BODY_MAX);
}

void ncr_emu_reply_clear(ncr_emu_reply *reply)
{
    for (size_t i = 0; i < reply->header_count; i++) {
        free(reply->headers[i].name);
        free(reply->headers[i].value);
    }
    ncr_buffer_clear(&reply->body);
    if (reply->fd >= 0)
        close(reply->fd);
    ncr_emu_reply_init(reply);
}

void ncr_emu_reply_header(ncr_emu_reply *reply, const char *name, const char *format, ...)
{
    char *value = NULL;
    va_list args;
    va_start(args, format);
    int written = vasprintf(&value, format, args);
    va_end(args);
    char *copy = ncr_text_copy(name);
    if (written < 0 || !copy || reply->header_count == NCR_EMU_HEADERS_MAX) {
        free(copy);
        if (written >= 0)
            free(value);
        return;
    }
    reply->headers[reply->header_count++] = (ncr_emu_pair){copy, value};
}

void ncr_emu_reply_text(ncr_emu_reply *reply, int status, const char *content_type, const char *text)
{
    reply->status = status;
    ncr_emu_reply_header(reply, "Content-Type", "%s", content_type);
    ncr_text_append(&reply->body, text);
}

void ncr_emu_reply_json(ncr_emu_reply *reply, int status, json_t *document)
{
    char *text = document ? json_dumps(document, JSON_INDENT(1)) : NULL;
    ncr_emu_reply_text(reply, text ? status : 500, "application/json; charset=UTF-8", text ? text : "{}");
    free(text);
    json_decref(document);
}

/* --- Ranges: RFC 9110 section 14 --- */

typedef enum range_kind { RANGE_NONE, RANGE_PART, RANGE_UNSATISFIABLE } range_kind;

/* What stands in a Range header: "bytes=first-last" with one of them missing perhaps. */
typedef struct range_text {
    bool has_first, has_last;
    uint64_t first, last;
} range_text;

/* One range of bytes; several, and what is no range, are none. */
static bool read_range(const char *text, range_text *out)
{
    *out = (range_text){.last = UINT64_MAX};
    if (!text || !ncr_text_starts_nocase(text, "bytes=") || strchr(text, ','))
        return false;
    text += strlen("bytes=");
    const char *dash = strchr(text, '-');
    char *first = dash ? ncr_text_copy_n(text, (size_t)(dash - text)) : NULL;
    if (!first)
        return false;
    out->has_first = ncr_text_to_uint64(first, &out->first);
    out->has_last = dash[1] && ncr_text_to_uint64(dash + 1, &out->last);
    bool good = (out->has_first || !*first) && (out->has_last || !dash[1]) && (out->has_first || out->has_last);
    free(first);
    return good && (!out->has_first || out->first <= out->last);
}

static range_kind parse_range(const char *text, uint64_t size, uint64_t *offset, uint64_t *length)
{
    range_text range;
    if (!read_range(text, &range))
        return RANGE_NONE;
    if (size == 0 || (range.has_first ? range.first >= size : range.last == 0))
        return RANGE_UNSATISFIABLE;
    if (range.has_first) {
        *offset = range.first;
        *length = range.last < size - 1 ? range.last - range.first + 1 : size - range.first;
    } else {
        *length = range.last < size ? range.last : size;
        *offset = size - *length;
    }
    return RANGE_PART;
}

bool ncr_emu_reply_range(ncr_emu_request *request, ncr_emu_reply *reply, int fd, uint64_t size)
{
    uint64_t offset = 0, length = size;
    const char *range = ncr_emu_header(request, "Range");
    range_kind kind =
        request->fault.kind == NCR_EMU_FAULT_NORANGE ? RANGE_NONE : parse_range(range, size, &offset, &length);
    if (kind == RANGE_UNSATISFIABLE) {
        close(fd);
        reply->status = 416;
        ncr_emu_reply_header(reply, "Content-Range", "bytes */%llu", (unsigned long long)size);
        return false;
    }
    if (kind == RANGE_PART) {
        if (request->fault.kind == NCR_EMU_FAULT_WRONGRANGE) {
            offset += offset + length < size || length > 1;
            length -= offset + length > size;
        }
        reply->status = 206;
        ncr_emu_reply_header(reply, "Content-Range", "bytes %llu-%llu/%llu", (unsigned long long)offset,
                             (unsigned long long)(offset + length - 1), (unsigned long long)size);
    }
    reply->fd = fd;
    reply->offset = offset;
    reply->length = length;
    return true;
}

/* --- Times; the names of days and months are English whatever the locale --- */

static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void ncr_emu_http_time(int64_t time_ms, char out[NCR_EMU_TIME_SIZE])
{
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    snprintf(out, NCR_EMU_TIME_SIZE, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[parts.tm_wday], parts.tm_mday,
             months[parts.tm_mon], (parts.tm_year + 1900) % 10000, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

void ncr_emu_iso_time(int64_t time_ms, char out[NCR_EMU_TIME_SIZE])
{
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    snprintf(out, NCR_EMU_TIME_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (parts.tm_year + 1900) % 10000,
             parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, (int)(time_ms % 1000));
}

int64_t ncr_emu_parse_http_time(const char *text)
{
    struct tm parts = {0};
    char month[4] = "";
    if (sscanf(text, "%*3s, %2d %3s %4d %2d:%2d:%2d GMT", &parts.tm_mday, month, &parts.tm_year, &parts.tm_hour,
               &parts.tm_min, &parts.tm_sec) != 6)
        return -1;
    parts.tm_year -= 1900;
    for (parts.tm_mon = 0; parts.tm_mon < 12; parts.tm_mon++)
        if (strcmp(months[parts.tm_mon], month) == 0)
            return (int64_t)timegm(&parts) * 1000;
    return -1;
}
