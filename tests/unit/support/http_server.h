/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef TEST_HTTP_SERVER_H
#define TEST_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A small HTTP/1.1 server over plain TCP on a port of its own of 127.0.0.1, that fails as it is told: for tests of
 * what clients do then. One thread a connection; synchronised. */
typedef struct test_server test_server;

/* What a client sent. */
typedef struct test_request {
    char method[16];
    char target[2048];
    char *headers; /* lines "Name: value\n" as sent */
    uint8_t *body;
    size_t body_size;
    unsigned connection; /* counted from 0 */
    unsigned index;      /* of the request, over all connections, from 0 */
} test_request;

/* What it gets. Zero everywhere but status is a plain answer without a body. */
typedef struct test_answer {
    int status;          /* 0: the connection is closed (or reset) instead */
    const char *headers; /* more lines, each "Name: value\r\n"; NULL: none */
    const void *body;    /* copied when the handler returns */
    size_t body_size;
    bool no_length;         /* no Content-Length: the end of the connection ends the body */
    size_t claimed_size;    /* Content-Length to claim; 0: body_size */
    bool is_chunked;        /* Transfer-Encoding: chunked */
    unsigned delay_ms;      /* before the answer */
    size_t cut_after;       /* bytes of head and body together that are sent before the connection ends; 0: all */
    bool reset;             /* ends with a reset instead of a close */
    bool hang;              /* after cut_after bytes nothing comes any more, until the server stops */
    size_t drip_size;       /* sends pieces of this size, ... */
    unsigned drip_ms;       /* ... this far apart */
    bool close;             /* ends the connection after the answer, without saying so */
    size_t cut_body_after1; /* 1 + bytes of the body that are sent before the connection ends; 0: all */
} test_answer;

/* Decides what a request gets; called under the server's lock, one at a time. */
typedef void (*test_handler)(void *user, const test_request *request, test_answer *answer);

/* Starts one; NULL when that fails. */
test_server *test_server_start(test_handler handler, void *user);

/* One that keeps no requests and takes any number of connections, one after another: for processes that are nothing
 * else, and are ended by a signal. It is never stopped. */
test_server *test_server_start_lasting(test_handler handler, void *user);

/* Ends all connections and waits for their threads. */
void test_server_stop(test_server *server);

unsigned test_server_port(const test_server *server);
unsigned test_server_request_count(test_server *server);
unsigned test_server_connection_count(test_server *server);

/* The request of that index, alive until the server stops; NULL: there was none. */
const test_request *test_server_request(test_server *server, unsigned index);

/* A header of a request (name without case), copied to out; false where it is absent. */
bool test_request_header(const test_request *request, const char *name, char *out, size_t out_size);

/* Answers as a good server of one object does: ranges (206, 416), If-Match (412), If-None-Match (304), HEAD; etag with
 * its quotes. The headers live in storage until the handler returns. */
typedef struct test_object {
    const uint8_t *data;
    size_t size;
    const char *etag;    /* NULL: none */
    const char *headers; /* more lines; NULL: none */
    char storage[1024];
} test_object;
void test_object_answer(test_object *object, const test_request *request, test_answer *answer);

/* size bytes that differ along the way and with seed; released with free(). */
uint8_t *test_bytes(size_t size, unsigned seed);

#endif
