/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "base/witness.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

struct ncr_witness {
    _Atomic int references;
    pthread_mutex_t lock;
    /* Guarded by lock. */
    bool has_seen;
    ncr_seen last;
    char tls[sizeof((ncr_seen *)0)->tls];
};

ncr_witness *ncr_witness_new(void)
{
    ncr_witness *witness = calloc(1, sizeof *witness);
    if (!witness)
        return NULL;
    atomic_init(&witness->references, 1);
    pthread_mutex_init(&witness->lock, NULL);
    return witness;
}

ncr_witness *ncr_witness_ref(ncr_witness *witness)
{
    atomic_fetch_add(&witness->references, 1);
    return witness;
}

void ncr_witness_unref(ncr_witness *witness)
{
    if (!witness || atomic_fetch_sub(&witness->references, 1) != 1)
        return;
    pthread_mutex_destroy(&witness->lock);
    free(witness);
}

void ncr_witness_tell(ncr_witness *witness, const ncr_seen *seen)
{
    pthread_mutex_lock(&witness->lock);
    witness->last = *seen;
    witness->has_seen = true;
    pthread_mutex_unlock(&witness->lock);
}

void ncr_witness_tls(ncr_witness *witness, const char *text)
{
    pthread_mutex_lock(&witness->lock);
    snprintf(witness->tls, sizeof witness->tls, "%s", text);
    pthread_mutex_unlock(&witness->lock);
}

bool ncr_witness_take(ncr_witness *witness, ncr_seen *out)
{
    pthread_mutex_lock(&witness->lock);
    bool has_seen = witness->has_seen;
    *out = witness->last;
    snprintf(out->tls, sizeof out->tls, "%s", out->is_tls ? witness->tls : "");
    witness->has_seen = false;
    pthread_mutex_unlock(&witness->lock);
    return has_seen;
}
