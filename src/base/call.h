/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_BASE_CALL_H
#define NCR_BASE_CALL_H

#include <nacre/config.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"
#include "base/error.h"
#include "base/witness.h"

/* What a call does on the wire and in the cache; also added to the process's total. Synchronised. */
typedef struct ncr_counters {
    _Atomic uint64_t requests, retries, connections, bytes_received, bytes_sent, cache_hits, cache_misses;
    _Atomic unsigned round; /* highest round of any response so far: see docs/internals/plan.md */
} ncr_counters;

/* The context of one public call (an open, a read, a copy): passed down to every layer. Everything but the counters
 * is immutable. Reference-counted, since requests may outlive a caller that was cancelled. */
typedef struct ncr_call {
    _Atomic int references;
    ncr_config *config;     /* never NULL */
    int64_t deadline_ms;    /* on ncr_clock_ms(); INT64_MAX: none */
    nacre_cancel *cancel;   /* NULL: cannot be cancelled */
    ncr_policy policy;      /* of its argument, else of the key `cache`: see ncr_object.policy */
    bool offline;           /* no request may be sent, whatever it is for */
    bool opens_many;        /* first reads are small; set before the first operation */
    bool proves_again;      /* a refresh: what ttl and immutable would believe is asked for */
    struct ncr_call *whole; /* what it is a part of, which counts what it does; NULL: nothing; referenced */
    ncr_witness *witness;   /* NULL: nobody wants to know what came over the wire; set before the first operation */
    ncr_counters counters;
} ncr_call;

/* Makes the context of a public call from its options (NULL: defaults). */
nacre_status ncr_call_new(const nacre_io_options *options, ncr_call **out, nacre_error *err);
/* For taking back what a call began, which must be possible when that was cancelled or is out of time: the same
 * configuration, with a short deadline of its own and nothing to cancel it. NULL: out of memory. */
ncr_call *ncr_call_new_cleanup(const ncr_call *call);
/* For work that is nobody's call, such as renewing a token: with a deadline, and nothing to cancel it. NULL: out of
 * memory. */
ncr_call *ncr_call_new_within(ncr_config *config, int64_t timeout_ms);
/* For a part of a call that fails alone (an item of a batch): the same in everything, but what is compared by call.
 * What it does is counted for both. NULL: out of memory. */
ncr_call *ncr_call_new_part(ncr_call *whole);
ncr_call *ncr_call_ref(ncr_call *call);
void ncr_call_unref(ncr_call *call);

/* Adds what the call did to options->stats (where asked for) and its rounds to the process's total. Once a call, at
 * its end. */
void ncr_call_report(ncr_call *call, const nacre_io_options *options);

/* NACRE_ERROR_CANCELLED or NACRE_ERROR_UNAVAILABLE (deadline) when the call must end, naming `name`; else NACRE_OK. */
nacre_status ncr_call_check(const ncr_call *call, const char *name, nacre_error *err);

/* Counting; each adds to the call and to the process's total. */
typedef enum ncr_counter {
    NCR_COUNT_REQUESTS,
    NCR_COUNT_RETRIES,
    NCR_COUNT_CONNECTIONS,
    NCR_COUNT_BYTES_RECEIVED,
    NCR_COUNT_BYTES_SENT,
    NCR_COUNT_CACHE_HITS,
    NCR_COUNT_CACHE_MISSES,
} ncr_counter;
void ncr_call_count(ncr_call *call, ncr_counter counter, uint64_t amount);

/* Tells the call that the content of a response of this round is used. */
void ncr_call_round_used(ncr_call *call, unsigned round);

bool ncr_cancel_is_triggered(const nacre_cancel *cancel); /* false for NULL */

/* A cancel object that is triggered too where `other` (NULL: none) is, which it keeps alive. NULL: out of memory. */
nacre_cancel *ncr_cancel_new_beside(nacre_cancel *other);

#endif
