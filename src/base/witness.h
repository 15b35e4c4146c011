/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_BASE_WITNESS_H
#define NCR_BASE_WITNESS_H

#include <stdbool.h>
#include <stdint.h>

/* What came over the wire for a call: for those who look at how a server behaves (nacre_probe()), where the results of
 * operations say only what followed from it. Synchronised, reference-counted. */
typedef struct ncr_witness ncr_witness;

/* One answer. Plain value. */
typedef struct ncr_seen {
    char method[8];
    int status;            /* HTTP */
    unsigned http_version; /* 10, 11, 20 or 30 */
    bool is_tls, is_proxied;
    char tls[80];    /* "TLSv1.3 / TLS_AES_256_GCM_SHA384"; "" not known: the connection was there before */
    char peer[72];   /* the address that was connected, and its port */
    int64_t date_ms; /* the answer's Date, since 1970; -1: it has none */
    int64_t wall_ms; /* when it had come, on this machine's clock */
} ncr_seen;

/* NULL: out of memory. */
ncr_witness *ncr_witness_new(void);
ncr_witness *ncr_witness_ref(ncr_witness *witness);
void ncr_witness_unref(ncr_witness *witness); /* accepts NULL */

/* Tells of an answer. seen->tls is not looked at: it is what ncr_witness_tls() said last. */
void ncr_witness_tell(ncr_witness *witness, const ncr_seen *seen);
void ncr_witness_tls(ncr_witness *witness, const char *text);

/* The last answer since the last call of this; false: there was none. */
bool ncr_witness_take(ncr_witness *witness, ncr_seen *out);

#endif
