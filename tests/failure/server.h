/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef TEST_FAILURE_SERVER_H
#define TEST_FAILURE_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/http_server.h"

/* Servers beside the emulator, in processes of their own, in a place's folder. */

/* A web server of in/ (/files/NAME), Azure Blob Storage over az/ (/acct/CONTAINER/KEY), and who gives credentials: see
 * server.c. Prints its URL on standard output, and serves until it is ended. */
void server_run(void);

/* The answer of Azure's part. answer->headers and body live in the server's own memory until the next call. */
void server_az_answer(const test_request *request, test_answer *answer);

/* Reads a file whole into the server's own memory, for an answer that uses it before the next call; false: it is not
 * there. */
bool server_read_file(const char *path, const uint8_t **data, size_t *size);

/* The same bytes over TLS: a server in front of the one at `port`, with a certificate of its own that it writes to
 * in/ca.pem. Prints its URL, and serves until it is ended. */
void tls_run(unsigned port);

#endif
