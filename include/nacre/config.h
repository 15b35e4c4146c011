/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NACRE_CONFIG_H
#define NACRE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A set of configuration keys with values, as in docs/guide/configuration.md ("gs.endpoint", "http.retries"...).
 *
 * A value is looked up in this order: the nacre_config of the call, nacre_config_set_global(), the environment
 * variable NACRE_KEY (upper case, dots as underscores), the configuration file, the community's own variables
 * (STORAGE_EMULATOR_HOST, CPL_GS_ENDPOINT, ...), the default. Every open looks again, so a change takes effect at
 * the next open and never in the middle of one.
 *
 * Threads: single-thread while it is being filled; calls only read it. */
typedef struct nacre_config nacre_config;

/* An empty set, or NULL when out of memory. The caller owns it until nacre_config_free(). */
NACRE_API nacre_config *nacre_config_new(void);

/* Releases a set; accepts NULL. No call may be using it. */
NACRE_API void nacre_config_free(nacre_config *config);

/* Sets a key, or removes it where value is NULL. Both texts are copied.
 * NACRE_ERROR_INVALID: no such key, or a value the key does not take; NACRE_ERROR_MEMORY. */
NACRE_API nacre_status nacre_config_set(nacre_config *config, const char *key, const char *value, nacre_error *err);

/* Like nacre_config_set(), but for every later call of the process that does not say otherwise. Synchronised. */
NACRE_API nacre_status nacre_config_set_global(const char *key, const char *value, nacre_error *err);

/* The table of keys, in order: false when index is past its end. The texts live for ever; default_value may be NULL. */
NACRE_API bool nacre_config_key(size_t index, const char **key, const char **default_value, const char **help);

/* Cancels calls from another thread or from a signal handler. Synchronised. */
typedef struct nacre_cancel nacre_cancel;

/* A cancel object that is not triggered, or NULL when out of memory. Owned until nacre_cancel_free(). */
NACRE_API nacre_cancel *nacre_cancel_new(void);

/* Releases it; accepts NULL. Calls that still use it keep it alive. */
NACRE_API void nacre_cancel_free(nacre_cancel *cancel);

/* Makes every call that was given this object return NACRE_ERROR_CANCELLED within about 50 ms, now and later.
 * Async-signal-safe. */
NACRE_API void nacre_cancel_trigger(nacre_cancel *cancel);

/* What a call, or the whole process, did on the wire and in the cache. */
typedef struct nacre_io_stats {
    uint64_t requests;       /* HTTP requests sent, retries included */
    uint64_t retries;        /* of these, requests that repeated a failed one */
    uint64_t rounds;         /* highest round of any response that was needed (docs/internals/plan.md) */
    uint64_t connections;    /* new connections opened */
    uint64_t bytes_received; /* body bytes */
    uint64_t bytes_sent;     /* body bytes */
    uint64_t cache_hits;     /* ranges, headers and tiles found in the cache */
    uint64_t cache_misses;
} nacre_io_stats;

/* The sums over all calls of the process so far; rounds are added up too. Synchronised. */
NACRE_API void nacre_io_stats_total(nacre_io_stats *out);

/* What every call that may do I/O takes. Initialise with NACRE_IO_OPTIONS_INIT; NULL means the same. */
typedef struct nacre_io_options {
    size_t size;                /* sizeof(nacre_io_options) */
    const nacre_config *config; /* NULL: none; read during the call only */
    int64_t timeout_ms;         /* for the whole call; 0: the key `timeout`, which is without limit by default */
    nacre_cancel *cancel;       /* NULL: cannot be cancelled */
    const char *cache;          /* cache policy: "fresh", "ttl=SECONDS", "immutable", "offline"; NULL: by the
                                   keys `cache.policy` and `cache` */
    nacre_io_stats *stats;      /* what this call did is added to it; NULL: not wanted */
    bool begins_here;           /* of calls that are started (future.h): what needs no fetching is done before that
                                   returns, which is quickest for who waits; false: never more than a moment */
} nacre_io_options;

#define NACRE_IO_OPTIONS_INIT                                      \
    {                                                              \
        sizeof(nacre_io_options), NULL, 0, NULL, NULL, NULL, false \
    }

/* Receives log lines: level 0 debug, 1 info, 2 warning. text is one line, without newline, valid during the call.
 * Called from any thread, under no lock; it must not call nacre. */
typedef void (*nacre_log_function)(void *user, int level, const char *text);

/* Sets the process's log receiver, or none where function is NULL (the default). Synchronised. */
NACRE_API void nacre_log_set(nacre_log_function function, void *user);

/* The version of the library, "0.1.0". */
NACRE_API const char *nacre_version(void);

#ifdef __cplusplus
}
#endif

#endif
