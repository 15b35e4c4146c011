/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_BASE_JSON_H
#define NCR_BASE_JSON_H

#include <jansson.h>
#include <nacre/error.h>
#include <stddef.h>

/* Parses a JSON text and tells what is no JSON from what there is no memory for, which jansson often calls the same.
 * flags are jansson's. *out is the caller's until json_decref(). NACRE_ERROR_MEMORY; NACRE_ERROR_CORRUPT: no JSON, and
 * *why (which may be NULL) says where. No message is written. */
nacre_status ncr_json_load(const void *text, size_t size, size_t flags, json_t **out, json_error_t *why);

#endif
