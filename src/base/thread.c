/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "base/thread.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

/* OpenSSL takes itself down at exit, while our threads, which nobody joins, may be hashing or signing for calls that
 * were given up: they would crash. Only who initialises OpenSSL first can say that it shall not, so it is said when the
 * library is loaded. Where the program has used OpenSSL before, that is its own affair. */
__attribute__((constructor)) static void keep_crypto_until_the_end(void)
{
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
}

bool ncr_thread_start(void *(*function)(void *user), void *user)
{
    sigset_t all, old;
    pthread_attr_t attributes;
    pthread_t thread;
    sigfillset(&all);
    if (pthread_attr_init(&attributes) != 0)
        return false;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    bool is_started = pthread_create(&thread, &attributes, function, user) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attributes);
    return is_started;
}

unsigned ncr_thread_stripe(void)
{
    static _Atomic unsigned count;
    static _Thread_local unsigned stripe; /* and 1; 0: none yet */
    if (!stripe)
        stripe = atomic_fetch_add_explicit(&count, 1, memory_order_relaxed) % NCR_STRIPES + 1;
    return stripe - 1;
}
