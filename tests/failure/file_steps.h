/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef TEST_FAILURE_FILE_STEPS_H
#define TEST_FAILURE_FILE_STEPS_H

#include "scenario.h"

/* Operations on one path of any store. What they hold is on the stack or static, so that they allocate nothing. */

/* Opens, reads three ranges, opens again (what is cached is proven) and reads once more. */
nacre_status steps_read(const char *path, uint64_t *result, nacre_error *err);

/* Writes a new object of that size, at most 20 MiB, in pieces. */
nacre_status steps_write(const char *path, size_t size, nacre_error *err);

nacre_status steps_stat(const char *path, uint64_t *result, nacre_error *err);

/* Recursively. */
nacre_status steps_list(const char *path, uint64_t *result, nacre_error *err);

#endif
