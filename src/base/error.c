/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#define NCR_ERROR_DEFINED_HERE
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static const char *const status_texts[] = {
    [NACRE_OK] = "ok",
    [NACRE_ERROR_NOT_FOUND] = "not found",
    [NACRE_ERROR_DENIED] = "denied",
    [NACRE_ERROR_EXISTS] = "exists",
    [NACRE_ERROR_CHANGED] = "changed",
    [NACRE_ERROR_UNPROVEN] = "unproven",
    [NACRE_ERROR_CORRUPT] = "corrupt",
    [NACRE_ERROR_UNSUPPORTED] = "unsupported",
    [NACRE_ERROR_TOO_LARGE] = "too large",
    [NACRE_ERROR_UNAVAILABLE] = "unavailable",
    [NACRE_ERROR_IO] = "io error",
    [NACRE_ERROR_OFFLINE] = "offline",
    [NACRE_ERROR_CANCELLED] = "cancelled",
    [NACRE_ERROR_MEMORY] = "out of memory",
    [NACRE_ERROR_INVALID] = "invalid argument",
    [NACRE_ERROR_REFUSED] = "refused",
};

const char *nacre_status_text(nacre_status status)
{
    size_t index = (size_t)status;
    if (index >= sizeof status_texts / sizeof status_texts[0])
        return "unknown status";
    return status_texts[index];
}

static void set(nacre_error *err, nacre_status status, int http_status, const char *format, va_list args)
{
    if (!err)
        return;
    err->status = status;
    err->http_status = http_status;
    vsnprintf(err->message, sizeof err->message, format, args);
    ncr_text_make_line(err->message); /* layers above vfs name objects by paths as they were given */
}

nacre_status ncr_error_set(nacre_error *err, nacre_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set(err, status, 0, format, args);
    va_end(args);
    return status;
}

nacre_status ncr_error_set_http(nacre_error *err, nacre_status status, int http_status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set(err, status, http_status, format, args);
    va_end(args);
    return status;
}

nacre_status ncr_error_memory(nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_MEMORY, "out of memory");
}

static nacre_status status_of_errno(int error_number)
{
    switch (error_number) {
    case ENOENT:
    case ENOTDIR:
        return NACRE_ERROR_NOT_FOUND;
    case EACCES:
    case EPERM:
        return NACRE_ERROR_DENIED;
    case EEXIST:
        return NACRE_ERROR_EXISTS;
    case ENOMEM:
        return NACRE_ERROR_MEMORY;
    default:
        return NACRE_ERROR_IO;
    }
}

nacre_status ncr_error_errno(nacre_error *err, int error_number, const char *path, const char *action)
{
    char reason[128];
    const char *text = strerror_r(error_number, reason, sizeof reason);
    return ncr_error_set(err, status_of_errno(error_number), "%s: cannot %s: %s", path, action, text);
}

nacre_status ncr_error_copy(nacre_error *err, const nacre_error *from, nacre_status status)
{
    if (err && from)
        *err = *from;
    return status;
}

void ncr_error_rename(nacre_error *err, const nacre_error *source, const char *from, const char *to)
{
    size_t length = strlen(from);
    if (!err)
        return;
    if (strncmp(source->message, from, length) != 0 || source->message[length] != ':' || strcmp(from, to) == 0) {
        *err = *source;
        return;
    }
    ncr_error_set_http(err, source->status, source->http_status, "%s%s", to, source->message + length);
}
