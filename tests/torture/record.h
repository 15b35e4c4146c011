/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef TORTURE_RECORD_H
#define TORTURE_RECORD_H

#include "worker.h"

/* Records of operations, as docs/internals/model/README.md has them, with more fields (docs/internals/torture.md). */

/* An operation that is recorded; `more` are further fields, beginning with ", ", or "". */
typedef struct operation {
    const worker *w;
    const char *event, *key;
    uint64_t number;
    int64_t begun_ns, ended_ns; /* ended_ns 0: when its end is recorded */
} operation;

/* Tells the beginning of a change, before it begins: a kill in the middle leaves that. */
operation record_change(worker *w, const char *event, const char *key, const char *more);
void record_change_ended(const operation *op, nacre_status status, const char *outcome, const char *more);

/* Begins what changes nothing: nothing is written before its end. */
operation record_look(worker *w, const char *event, const char *key);
void record_looked(const operation *op, const char *begun_more, nacre_status status, const char *outcome,
                   const char *more);

/* The handle was given up. */
void record_close(const worker *w, const held *h);

/* What a change came to, as its status tells. */
const char *change_outcome(nacre_status status);

/* What an opening, a look or a read came to. */
const char *look_outcome(nacre_status status);

/* Appends `, "version": "..."` with what JSON wants escaped, or nothing where there is no version. */
void add_version(char *text, size_t size, const char *version);

/* Appends `, "said": "..."` where an operation failed for a reason that is not in its outcome. */
void add_failure(char *text, size_t size, nacre_status status, const nacre_error *err);

/* Appends the values that were seen: `, "value": 1` or `, "values": [1, 2]`. */
void add_values(char *text, size_t size, const content_seen *seen);

#endif
