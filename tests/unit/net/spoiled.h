/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef TEST_NET_SPOILED_H
#define TEST_NET_SPOILED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "support/call.h"
#include "support/http_server.h"

enum { SIZE = 200000, PART = 150000, OFFSET = 1000 };

/* A server of one object; change() spoils the answer to a request. */
typedef struct {
    test_object object;
    uint8_t *bytes;
    test_server *server;
    unsigned port;
    void (*change)(const test_request *request, test_answer *answer, test_object *object);
} fixture;

static inline void answer_spoiled(void *user, const test_request *request, test_answer *answer)
{
    fixture *f = user;
    test_object_answer(&f->object, request, answer);
    if (f->change)
        f->change(request, answer, &f->object);
}

static inline void begin(fixture *f, void (*change)(const test_request *, test_answer *, test_object *))
{
    *f = (fixture){.bytes = test_bytes(SIZE, 1), .change = change};
    f->object = (test_object){.data = f->bytes, .size = SIZE, .etag = "\"v1\""};
    f->server = test_server_start(answer_spoiled, f);
    assert_non_null(f->server);
    f->port = test_server_port(f->server);
}

static inline void end(fixture *f)
{
    test_server_stop(f->server);
    free(f->bytes);
}

/* Fetches a range and checks that it is the first or, with other, that object's. */
static inline void check_range(fixture *f, ncr_call *call, const uint8_t *expected)
{
    ncr_http_request *request = test_get_new(call, f->port, "/k", OFFSET, PART);
    nacre_error error;
    if (ncr_http_perform(request, &error) != NACRE_OK)
        fail_msg("%s", error.message);
    assert_int_equal(request->response.status, 206);
    assert_int_equal(request->response.received, PART);
    assert_true(request->response.is_range);
    assert_int_equal(request->response.total, SIZE);
    assert_memory_equal(request->sink.data, expected + OFFSET, PART);
    test_get_free(request);
}

/* Fetches a range and gives the error that came of it. */
static inline nacre_error fail_range(fixture *f, ncr_call *call, uint64_t offset, size_t length)
{
    ncr_http_request *request = test_get_new(call, f->port, "/k", offset, length);
    nacre_error error = {0};
    nacre_status status = ncr_http_perform(request, &error);
    assert_int_not_equal(status, NACRE_OK);
    assert_int_equal(status, error.status);
    assert_memory_equal(error.message, "NAME: ", 6);
    test_get_free(request);
    return error;
}

static inline void check_header(fixture *f, unsigned index, const char *name, const char *expected)
{
    char value[128] = "";
    bool is_there = test_request_header(test_server_request(f->server, index), name, value, sizeof value);
    assert_int_equal(is_there, expected != NULL);
    if (expected)
        assert_string_equal(value, expected);
}

#endif
