/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_EMULATOR_EMULATOR_H
#define NCR_EMULATOR_EMULATOR_H

#include <nacre/error.h>
#include <stdbool.h>
#include <stddef.h>

/* An object store in one process, for the demo, tests and benchmarks: docs/internals/emulator.md says what it
 * answers. */

typedef struct ncr_emulator_options {
    const char *root;                  /* its sub-folders are the buckets; made where it is missing */
    const char *listen;                /* "127.0.0.1:0"; NULL the same: port 0 takes a free one */
    const char *s3_listen;             /* one more address, where every request is S3's; NULL: none */
    double latency_ms;                 /* before each response, and once more on a new connection */
    double bandwidth_mib_s;            /* of each body; 0 without limit */
    const char *const *faults;         /* "KIND:N", every Nth request; NULL-terminated; NULL: none */
    const char *require_token;         /* requests need "Authorization: Bearer TOKEN"; NULL: nothing is asked for */
    const char *const *denied;         /* buckets that answer 403; NULL-terminated; NULL: none */
    const char *const *s3_credentials; /* "ID:SECRET" or "ID:SECRET:TOKEN"; NULL-terminated; NULL: S3 takes any */
    const char *const *hmac_keys;      /* "ID:SECRET"; NULL-terminated; NULL: Google's XML interface asks for none */
    const char *const *s3_regions;     /* "BUCKET=REGION"; NULL-terminated; NULL: none has a region of its own */
    bool quiet;                        /* without the line that tells the address */
} ncr_emulator_options;

/* Serves until SIGINT or SIGTERM, which it takes for itself meanwhile. Prints "listening on http://HOST:PORT" on
 * standard output once requests are answered. NACRE_ERROR_INVALID: an option; NACRE_ERROR_IO: the folder or port. */
nacre_status ncr_emulator_run(const ncr_emulator_options *options, nacre_error *err);

/* A kind of fault for help texts: false when index is past the last. */
bool ncr_emulator_fault_kind(size_t index, const char **name, const char **help);

#endif
