/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_BASE_PLACE_H
#define NCR_BASE_PLACE_H

#include <limits.h>
#include <stdbool.h>

/* Finds what is installed beside this library (or this program, where it is part of one): a name relative to the folder
 * of the file that holds this code, such as "../proj". Writes its path, without links, into out (PATH_MAX). False, and
 * an empty text, where there is no such file. Any thread. */
bool ncr_place_find(const char *name, char *out);

#endif
