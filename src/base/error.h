/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_BASE_ERROR_H
#define NCR_BASE_ERROR_H

#include <nacre/error.h>

/* Sets *err (which may be NULL) and returns status, so that a failing function can end with
 * `return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: ...", name, ...)`. The layer that first knows the cause writes
 * the message; layers above pass it on untouched. Newlines in the message become spaces, and the
 * secrets of URLs stars. */
nacre_status ncr_error_set(nacre_error *err, nacre_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Like ncr_error_set(), and keeps the store's answer. */
nacre_status ncr_error_set_http(nacre_error *err, nacre_status status, int http_status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Out of memory: allocates nothing. */
nacre_status ncr_error_memory(nacre_error *err);

/* A local failure: maps errno to a status (ENOENT: not found, EACCES: denied, EEXIST: exists, others: io) and names
 * the path, what was tried ("open") and the reason. */
nacre_status ncr_error_errno(nacre_error *err, int error_number, const char *path, const char *action);

/* Copies from into err; both may be NULL. Returns status. */
nacre_status ncr_error_copy(nacre_error *err, const nacre_error *from, nacre_status status);

/* For the static analyser, which does not look into other files: these return what they are given, never NACRE_OK. */
#if defined(__clang_analyzer__) && !defined(NCR_ERROR_DEFINED_HERE)
#define ncr_error_set(err, status, ...)      (ncr_error_set((err), (status), __VA_ARGS__), (status))
#define ncr_error_set_http(err, status, ...) (ncr_error_set_http((err), (status), __VA_ARGS__), (status))
#define ncr_error_memory(err)                (ncr_error_memory(err), NACRE_ERROR_MEMORY)
#define ncr_error_errno(err, ...)            (ncr_error_errno((err), __VA_ARGS__), NACRE_ERROR_IO)
#define ncr_error_copy(err, from, status)    (ncr_error_copy((err), (from), (status)), (status))
#endif

/* Copies an error that names the object as `from` does into one that names it as `to` does. err may be NULL. */
void ncr_error_rename(nacre_error *err, const nacre_error *source, const char *from, const char *to);

#endif
