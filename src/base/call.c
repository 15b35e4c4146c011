/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "base/call.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/pool.h"
#include "base/thread.h"

enum { MOST_THREADS = 1024 };

struct nacre_cancel {
    _Atomic int references;
    atomic_bool triggered;
    nacre_cancel *other; /* counts too; NULL: none; referenced */
};

nacre_cancel *nacre_cancel_new(void)
{
    nacre_cancel *cancel = calloc(1, sizeof *cancel);
    if (cancel)
        atomic_init(&cancel->references, 1);
    return cancel;
}

nacre_cancel *ncr_cancel_new_beside(nacre_cancel *other)
{
    nacre_cancel *cancel = nacre_cancel_new();
    if (!cancel || !other)
        return cancel;
    atomic_fetch_add(&other->references, 1);
    cancel->other = other;
    return cancel;
}

void nacre_cancel_free(nacre_cancel *cancel)
{
    while (cancel && atomic_fetch_sub(&cancel->references, 1) == 1) {
        nacre_cancel *other = cancel->other;
        free(cancel);
        cancel = other;
    }
}

void nacre_cancel_trigger(nacre_cancel *cancel)
{
    atomic_store(&cancel->triggered, true);
}

bool ncr_cancel_is_triggered(const nacre_cancel *cancel)
{
    for (; cancel; cancel = cancel->other)
        if (atomic_load(&cancel->triggered))
            return true;
    return false;
}

/* The process's sums; rounds are added when a call ends. In stripes, since every read counts here. */
static struct {
    _Alignas(NCR_CACHE_LINE) ncr_counters counters;
} totals[NCR_STRIPES];
static _Atomic uint64_t total_rounds;

nacre_status ncr_call_new(const nacre_io_options *options, ncr_call **out, nacre_error *err)
{
    static const nacre_io_options defaults = NACRE_IO_OPTIONS_INIT;
    if (!options)
        options = &defaults;
    *out = NULL;
    ncr_call *call = calloc(1, sizeof *call);
    if (!call)
        return ncr_error_memory(err);
    atomic_init(&call->references, 1);
    nacre_status status = ncr_config_snapshot(options->config, options->cache, &call->config, err);
    if (status != NACRE_OK) {
        free(call);
        return status;
    }
    int64_t timeout = options->timeout_ms > 0 ? options->timeout_ms : ncr_config_number(call->config, NCR_KEY_TIMEOUT);
    call->deadline_ms = timeout > 0 ? ncr_clock_ms() + timeout : INT64_MAX;
    int64_t threads = ncr_config_number(call->config, NCR_KEY_THREADS);
    if (threads > 0)
        ncr_pool_set_threads(threads < MOST_THREADS ? (int)threads : MOST_THREADS);
    call->policy.origin = options->cache ? NCR_POLICY_OF_ARGUMENT : NCR_POLICY_OF_KEY;
    ncr_policy_parse(ncr_config_text(call->config, NCR_KEY_CACHE), &call->policy);
    call->offline =
        call->policy.kind == NCR_POLICY_OFFLINE && (options->cache || !ncr_config_policies(call->config)->count);
    if (options->cancel) {
        atomic_fetch_add(&options->cancel->references, 1);
        call->cancel = options->cancel;
    }
    *out = call;
    return NACRE_OK;
}

ncr_call *ncr_call_new_within(ncr_config *config, int64_t timeout_ms)
{
    ncr_call *call = calloc(1, sizeof *call);
    if (!call)
        return NULL;
    atomic_init(&call->references, 1);
    call->config = ncr_config_ref(config);
    call->deadline_ms = ncr_clock_ms() + timeout_ms;
    return call;
}

ncr_call *ncr_call_new_part(ncr_call *whole)
{
    ncr_call *call = calloc(1, sizeof *call);
    if (!call)
        return NULL;
    atomic_init(&call->references, 1);
    call->config = ncr_config_ref(whole->config);
    call->deadline_ms = whole->deadline_ms;
    if (whole->cancel)
        atomic_fetch_add(&whole->cancel->references, 1);
    call->cancel = whole->cancel;
    call->policy = whole->policy;
    call->offline = whole->offline;
    call->proves_again = whole->proves_again;
    call->witness = whole->witness ? ncr_witness_ref(whole->witness) : NULL;
    call->whole = ncr_call_ref(whole);
    return call;
}

ncr_call *ncr_call_new_cleanup(const ncr_call *call)
{
    enum { CLEANUP_MS = 3000 }; /* the user who has interrupted a command waits for it */
    ncr_call *cleanup = ncr_call_new_within(call->config, CLEANUP_MS);
    if (cleanup) {
        cleanup->policy = call->policy;
        cleanup->offline = call->offline;
    }
    return cleanup;
}

ncr_call *ncr_call_ref(ncr_call *call)
{
    atomic_fetch_add(&call->references, 1);
    return call;
}

void ncr_call_unref(ncr_call *call)
{
    while (call && atomic_fetch_sub(&call->references, 1) == 1) {
        ncr_call *whole = call->whole;
        ncr_config_unref(call->config);
        nacre_cancel_free(call->cancel);
        ncr_witness_unref(call->witness);
        free(call);
        call = whole;
    }
}

static void add_counters(ncr_counters *from, nacre_io_stats *to)
{
    to->requests += from->requests;
    to->retries += from->retries;
    to->connections += from->connections;
    to->bytes_received += from->bytes_received;
    to->bytes_sent += from->bytes_sent;
    to->cache_hits += from->cache_hits;
    to->cache_misses += from->cache_misses;
}

void ncr_call_report(ncr_call *call, const nacre_io_options *options)
{
    atomic_fetch_add(&total_rounds, call->counters.round);
    if (!options || !options->stats)
        return;
    add_counters(&call->counters, options->stats);
    options->stats->rounds += call->counters.round;
}

void nacre_io_stats_total(nacre_io_stats *out)
{
    *out = (nacre_io_stats){.rounds = atomic_load(&total_rounds)};
    for (int i = 0; i < NCR_STRIPES; i++)
        add_counters(&totals[i].counters, out);
}

nacre_status ncr_call_check(const ncr_call *call, const char *name, nacre_error *err)
{
    if (ncr_cancel_is_triggered(call->cancel))
        return ncr_error_set(err, NACRE_ERROR_CANCELLED, "%s: cancelled", name);
    if (call->deadline_ms != INT64_MAX && ncr_clock_ms() >= call->deadline_ms)
        return ncr_error_set(err, NACRE_ERROR_UNAVAILABLE, "%s: not done before the deadline", name);
    return NACRE_OK;
}

static _Atomic uint64_t *counter_of(ncr_counters *counters, ncr_counter counter)
{
    switch (counter) {
    case NCR_COUNT_REQUESTS:
        return &counters->requests;
    case NCR_COUNT_RETRIES:
        return &counters->retries;
    case NCR_COUNT_CONNECTIONS:
        return &counters->connections;
    case NCR_COUNT_BYTES_RECEIVED:
        return &counters->bytes_received;
    case NCR_COUNT_BYTES_SENT:
        return &counters->bytes_sent;
    case NCR_COUNT_CACHE_HITS:
        return &counters->cache_hits;
    case NCR_COUNT_CACHE_MISSES:
        return &counters->cache_misses;
    }
    __builtin_unreachable();
}

void ncr_call_count(ncr_call *call, ncr_counter counter, uint64_t amount)
{
    for (; call; call = call->whole)
        atomic_fetch_add_explicit(counter_of(&call->counters, counter), amount, memory_order_relaxed);
    atomic_fetch_add_explicit(counter_of(&totals[ncr_thread_stripe()].counters, counter), amount, memory_order_relaxed);
}

void ncr_call_round_used(ncr_call *call, unsigned round)
{
    for (; call; call = call->whole) {
        unsigned seen = atomic_load(&call->counters.round);
        while (seen < round && !atomic_compare_exchange_weak(&call->counters.round, &seen, round))
            continue;
    }
}
