/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/latch.h"
#include "cmocka_all.h"
#include "support/call.h"
#include "support/fake_store.h"

/* Many threads open, read, overwrite, forget and cancel at once, while another lets the answers go, and a small budget
 * evicts. No read may ever mix versions, and who opens after a write has returned sees it or something later. Run it
 * under ThreadSanitizer too. */

enum { OBJECTS = 4, SIZE = 150000, READERS = 6, TURNS = 400 };

static fake_store *store;
static atomic_bool finished;
static _Atomic unsigned written[OBJECTS]; /* number of the last version whose write has returned */
static _Atomic unsigned own[OBJECTS];     /* of those that this process has written: also who believes sees these */

static void open_done(ncr_cache_open *open)
{
    ncr_latch_down(open->user);
}

static void fetch_done(ncr_fetch *fetch)
{
    ncr_latch_down(fetch->user);
}

static nacre_status open_wait(ncr_object *object, ncr_call *call, ncr_pin **pin)
{
    ncr_latch latch;
    ncr_latch_init(&latch, 1);
    ncr_cache_open open = {.object = object, .call = call, .done = open_done, .user = &latch};
    ncr_cache_open_start(&open);
    ncr_latch_wait(&latch);
    ncr_latch_clear(&latch);
    ncr_slice_clear(&open.head);
    *pin = open.pin;
    return open.status;
}

static nacre_status fetch_wait(ncr_pin *pin, ncr_call *call, uint64_t offset, size_t length, ncr_slice *out)
{
    ncr_latch latch;
    ncr_latch_init(&latch, 1);
    ncr_fetch fetch = {
        .pin = pin, .call = call, .offset = offset, .length = length, .done = fetch_done, .user = &latch};
    ncr_fetch *list = &fetch;
    ncr_cache_fetch_start(&list, 1);
    ncr_latch_wait(&latch);
    ncr_latch_clear(&latch);
    *out = fetch.slice;
    return fetch.status;
}

static void key_of(unsigned number, char key[8])
{
    snprintf(key, 8, "k%u", number);
}

static unsigned number_of_version(const char *token)
{
    return (unsigned)strtoul(token + strlen("v="), NULL, 10);
}

static bool is_of_version(const ncr_slice *slice, const char *token, uint64_t offset)
{
    for (size_t i = 0; i < slice->size; i += 97)
        if (slice->data[i] != fake_byte(token, offset + i))
            return false;
    return true;
}

static _Atomic int wrong, stale, opened, changed, cancelled;

static void read_some(ncr_pin *pin, ncr_call *call, unsigned *seed)
{
    const char *token = ncr_pin_facts(pin)->version.token;
    for (int i = 0; i < 3; i++) {
        uint64_t offset = (uint64_t)rand_r(seed) % SIZE;
        ncr_slice slice;
        nacre_status status = fetch_wait(pin, call, offset, 1 + (size_t)rand_r(seed) % 50000, &slice);
        if (status == NACRE_OK && !is_of_version(&slice, token, offset))
            wrong++;
        if (status == NACRE_ERROR_CHANGED)
            changed++;
        else if (status == NACRE_ERROR_CANCELLED)
            cancelled++;
        else if (status != NACRE_OK)
            wrong++;
        ncr_slice_clear(&slice);
    }
}

static void *read_all_the_time(void *user)
{
    unsigned seed = *(unsigned *)user;
    /* Until there was enough of everything. */
    for (int turn = 0; turn < TURNS || (turn < 50 * TURNS && !(changed && cancelled)); turn++) {
        unsigned number = (unsigned)rand_r(&seed) % OBJECTS;
        char key[8];
        key_of(number, key);
        ncr_object *object = fake_object(store, key);
        nacre_cancel *cancel = nacre_cancel_new();
        static const char *const policies[] = {"cache=fresh", "cache=fresh", "cache=ttl=1000", "cache=ttl=0.001"};
        unsigned policy = (unsigned)rand_r(&seed) % 4;
        ncr_call *call = test_call_with_cancel(cancel, policies[policy], NULL);
        if (rand_r(&seed) % 8 == 0)
            nacre_cancel_trigger(cancel);
        unsigned least = policy < 2 ? written[number] : own[number];
        ncr_pin *pin;
        nacre_status status = open_wait(object, call, &pin);
        if (status == NACRE_OK) {
            opened++;
            stale += number_of_version(ncr_pin_facts(pin)->version.token) < least;
            if (rand_r(&seed) % 8 == 0)
                nacre_cancel_trigger(cancel);
            read_some(pin, call, &seed);
            ncr_pin_unref(pin);
        } else if (status != NACRE_ERROR_CANCELLED) {
            wrong++;
        }
        ncr_object_unref(object);
        ncr_call_unref(call);
        nacre_cancel_free(cancel);
    }
    return NULL;
}

static void *write_all_the_time(void *user)
{
    unsigned seed = *(unsigned *)user, version = 1;
    while (!finished) {
        unsigned number = (unsigned)rand_r(&seed) % OBJECTS;
        char key[8], token[16];
        key_of(number, key);
        ncr_object *object = fake_object(store, key);
        snprintf(token, sizeof token, "v=%u", ++version);
        if (rand_r(&seed) % 4 == 0) { /* another program */
            fake_set(store, key, token, true, NULL, SIZE);
        } else {
            ncr_cache_change_begin(object, NULL);
            fake_set(store, key, token, true, NULL, SIZE);
            ncr_cache_change_end(object, NULL, NCR_OUTCOME_DONE, NULL, NULL, 0);
            own[number] = version;
        }
        written[number] = version;
        if (rand_r(&seed) % 16 == 0)
            ncr_cache_forget(object);
        ncr_object_unref(object);
        const struct timespec pause = {.tv_nsec = 200000};
        nanosleep(&pause, NULL);
    }
    return NULL;
}

static void *let_answers_go(void *user)
{
    (void)user;
    while (!finished) {
        const struct timespec pause = {.tv_nsec = 100000};
        if (!fake_release(store))
            nanosleep(&pause, NULL);
    }
    fake_release_all(store);
    return NULL;
}

static void readers_beside_writers_never_see_a_mixture_nor_the_past(void **state)
{
    (void)state;
    ncr_cache_begin(NULL);
    ncr_cache_set_budget(1 << 20);
    store = fake_store_new();
    fake_manners_of(store)->hold = true;
    fake_manners_of(store)->ignore_preconditions = true; /* the cache alone must notice */
    for (unsigned i = 0; i < OBJECTS; i++) {
        char key[8];
        key_of(i, key);
        fake_set(store, key, "v=1", true, NULL, SIZE);
        written[i] = 1;
    }
    pthread_t readers[READERS], writer, releaser;
    unsigned seeds[READERS + 1];
    for (unsigned i = 0; i <= READERS; i++)
        seeds[i] = i + 1;
    pthread_create(&releaser, NULL, let_answers_go, NULL);
    pthread_create(&writer, NULL, write_all_the_time, &seeds[READERS]);
    for (int i = 0; i < READERS; i++)
        pthread_create(&readers[i], NULL, read_all_the_time, &seeds[i]);
    for (int i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    finished = true;
    pthread_join(writer, NULL);
    pthread_join(releaser, NULL);
    assert_int_equal(wrong, 0);
    assert_int_equal(stale, 0);
    assert_true(opened > READERS * TURNS / 4);
    assert_true(changed > 0); /* or the test tests nothing */
    assert_true(cancelled > 0);
    nacre_cache_stats stats;
    ncr_cache_stats(&stats);
    assert_true(stats.bytes <= stats.budget_bytes);
    fake_store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_beside_writers_never_see_a_mixture_nor_the_past),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
