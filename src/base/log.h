/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_BASE_LOG_H
#define NCR_BASE_LOG_H

#include <nacre/config.h>

enum { NCR_LOG_DEBUG = 0, NCR_LOG_INFO = 1, NCR_LOG_WARNING = 2 };

/* Hands one line to the process's log receiver, if there is one. Never pass credentials. Not to be called under a
 * lock. */
void ncr_log(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* See nacre_log_set(). */
void ncr_log_set(nacre_log_function function, void *user);

#endif
