/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_NET_ANSWER_H
#define NCR_NET_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

/* The head of an HTTP answer as it comes in, line by line, and what its lines say. No I/O: parsed from outside bytes.
 * Single-thread. */

/* A Content-Range. */
typedef struct ncr_content_range {
    bool is_known;       /* there was one, and it could be read */
    bool is_unsatisfied; /* "bytes" with a star and the size: first and last mean nothing */
    uint64_t first, last;
    uint64_t total; /* UINT64_MAX: "*" */
} ncr_content_range;

/* Reads a value of Content-Range; is_known is false for what is none. */
ncr_content_range ncr_content_range_parse(const char *value);

/* Which bytes an answer is about, for joining two answers: empty texts where it does not say. A weak ETag does not
 * count. */
typedef struct ncr_identity {
    char etag[256];
    char generation[32];
    char version_id[128];
    uint64_t total; /* UINT64_MAX: unknown */
} ncr_identity;

typedef struct ncr_answer {
    int status; /* 0: no status line yet */
    bool is_complete;
    bool lacks_memory;       /* a line could not be kept for that */
    ncr_buffer text;         /* "name: value\n..." with names in lower case */
    uint64_t content_length; /* UINT64_MAX: unknown */
    ncr_content_range range;
} ncr_answer;

void ncr_answer_init(ncr_answer *answer);
void ncr_answer_clear(ncr_answer *answer);

/* Takes one line with its line break as it came. A status line begins anew; the empty line after a final status
 * completes the answer; lines after that (trailers) are passed over. False: out of memory or more than 256 KiB. */
bool ncr_answer_line(ncr_answer *answer, const char *line, size_t size);

/* A header's value, copied and cut; false where it is absent. */
bool ncr_answer_header(const ncr_answer *answer, const char *name, char *out, size_t out_size);

ncr_identity ncr_answer_identity(const ncr_answer *answer);

/* Whether an identity is enough to join further bytes. */
bool ncr_identity_is_strong(const ncr_identity *identity);

/* Whether the second answer is about the same bytes: says all that the first says, and the same. */
bool ncr_identity_same(const ncr_identity *first, const ncr_identity *second);

/* Whether a 206's range is what was asked: from `first` on, up to `last` or the object's end (last UINT64_MAX: to the
 * end), with a Content-Length that agrees. */
bool ncr_answer_is_range(const ncr_answer *answer, uint64_t first, uint64_t last);

#endif
