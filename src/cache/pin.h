/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_CACHE_PIN_H
#define NCR_CACHE_PIN_H

#include "base/pool.h"
#include "cache/table.h"
#include "cache/tier.h"

/* See cache.h. Immutable. */
struct ncr_pin {
    _Atomic int references;
    ncr_object *object; /* referenced */
    ncr_object_facts facts;
    ncr_snapshot *snapshot; /* never NULL; one of its references is ours */
    ncr_block *whole;       /* all bytes of the object, from one answer; NULL: they are fetched */
    bool is_proven;
    ncr_place place; /* of the version on disk */
};

/* The steps of reading that open and fetch share. */

/* Why an answer to a request for a pinned version may not be used: "NAME: changed since it was opened: was V, now W".
 * now NULL, or with an empty token: not known. */
nacre_status ncr_changed_error(nacre_error *err, const char *name, const ncr_version *was, const ncr_version *now);
nacre_status ncr_gone_error(nacre_error *err, const char *name, const ncr_version *was);
/* The same of an object that its policy says is immutable; now NULL: it is gone. */
nacre_status ncr_immutable_error(nacre_error *err, const char *name, const ncr_version *was, const ncr_version *now);

/* Whether an operation failed only because its own call was cancelled or out of time: others try again. */
bool ncr_failed_by_call(nacre_status status, const ncr_call *call);
/* Whether a failure tells what the asker may do (its limits, its policies, its rights) and nothing of the object: who
 * has others may succeed. With the same credentials a refusal by the store (denied) holds for all. */
bool ncr_failed_by_rights(nacre_status status, bool same_credentials);

/* Runs task in this thread, unless it has nested too deep into such tasks (stores that answer at once): then on a
 * worker. */
void ncr_cache_continue(ncr_task *task);

#endif
