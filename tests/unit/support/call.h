/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef TEST_CALL_H
#define TEST_CALL_H

#include <stddef.h>
#include <stdint.h>

#include "base/call.h"
#include "net/http.h"

/* A call with the given configuration keys ("http.retries=2", "timeout=1"; NULL after the last), short retry delays
 * and no proxy. Fails the test where that cannot be had. */
ncr_call *test_call_new(const char *key_value, ...);

/* Like test_call_new(), with a cancel object. */
ncr_call *test_call_with_cancel(nacre_cancel *cancel, const char *key_value, ...);

/* A GET of a path on 127.0.0.1:port. length 0: the whole, else into memory of the request's own, which is in
 * sink.data and released by test_get_free(). */
ncr_http_request *test_get_new(ncr_call *call, unsigned port, const char *path, uint64_t offset, size_t length);
void test_get_free(ncr_http_request *request);

/* Starts all of them, and waits until all are done. */
void test_fetch_all(ncr_http_request **requests, size_t count);

#endif
