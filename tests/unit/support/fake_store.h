/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef TEST_FAKE_STORE_H
#define TEST_FAKE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/call.h"
#include "cache/cache.h"
#include "store/store.h"

/* A store that does what a test says: it counts and notes requests, holds answers back until they are let go, ignores
 * preconditions or ranges, tears answers, lies about versions. An answer is made when the request comes in, as by a
 * real server, and may arrive much later. Any thread may use it; done() runs in the thread that sends, or lets go. */

typedef struct fake_request {
    char kind; /* 'g' get, 's' stat, 'l' list, 'p' put, 'c' copy, 'd' delete */
    ncr_match match;
    uint64_t offset;
    size_t length;
    char version[192]; /* that was asked for; "" none */
} fake_request;

typedef struct fake_store fake_store;

/* A store with an identity of its own, so that tests do not see one another's cached bytes. Released by
 * fake_store_free() when its last answer has arrived. */
fake_store *fake_store_new(void);
void fake_store_free(fake_store *store);

/* Another handle of the same server, with other credentials. Released by ncr_store_unref(). */
ncr_store *fake_store_as(fake_store *store, const char *credentials);

/* An object in it; released by ncr_object_unref(). */
ncr_object *fake_object(fake_store *store, const char *key);
ncr_object *fake_object_as(ncr_store *store, const char *key);

/* What the server has. data NULL: bytes made from token and offset, see fake_byte(). */
void fake_set(fake_store *store, const char *key, const char *token, bool strong, const void *data, size_t size);
void fake_remove(fake_store *store, const char *key);
uint8_t fake_byte(const char *token, uint64_t offset);

/* How it behaves; each may be set at any time. */
typedef struct fake_manners {
    bool hold;                 /* answers wait for fake_release() */
    bool ignore_preconditions; /* 206 whatever was asked */
    bool ignore_ranges;        /* the whole object to every get */
    bool always_not_modified;  /* to every get, whatever was asked */
    bool no_version_in_ranges; /* answers to gets carry no validator */
    size_t cut;                /* bytes that are missing at the end of each body */
    nacre_status fail;         /* every get fails so */
    ncr_outcome fail_change;   /* changes fail with UNAVAILABLE and this outcome, unless DONE */
    bool change_happens;       /* ... although they are carried out */
    bool is_local;
} fake_manners;
fake_manners *fake_manners_of(fake_store *store);

/* Lets the oldest answer that is held go; false: there is none. */
bool fake_release(fake_store *store);
/* Instead of its answer, the oldest request fails so. */
bool fake_release_failed(fake_store *store, nacre_status status);
void fake_release_all(fake_store *store);
size_t fake_held(fake_store *store);

/* What was asked since the store was made or fake_forget_requests(). */
size_t fake_count(fake_store *store, char kind);
fake_request fake_last(fake_store *store);
uint64_t fake_bytes_sent(fake_store *store);
void fake_forget_requests(fake_store *store);

/* --- The cache's operations, started and looked at later. --- */

typedef struct test_open {
    ncr_cache_open op;
    _Atomic int done; /* how often done() was called */
} test_open;
void test_open_start(test_open *open, ncr_object *object, ncr_call *call);
/* Starts it, expects it to be done at once, and gives the pin. */
ncr_pin *test_open_now(ncr_object *object, ncr_call *call);
/* The same where it may end on another thread. */
ncr_pin *test_open_wait(ncr_object *object, ncr_call *call);
void test_open_clear(test_open *open);

typedef struct test_fetch {
    ncr_fetch op;
    _Atomic int done;
} test_fetch;
void test_fetch_start(test_fetch *fetch, ncr_pin *pin, ncr_call *call, uint64_t offset, size_t length);
nacre_status test_fetch_now(test_fetch *fetch, ncr_pin *pin, ncr_call *call, uint64_t offset, size_t length);
nacre_status test_fetch_wait(test_fetch *fetch, ncr_pin *pin, ncr_call *call, uint64_t offset, size_t length);
void test_fetch_clear(test_fetch *fetch);

/* Waits until such a counter is 1. */
void test_wait_done(_Atomic int *done);

/* Fails the test unless the fetch gave exactly the bytes of that version. */
void test_fetch_check(const test_fetch *fetch, const char *token, uint64_t offset, size_t length);

#endif
