/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cache/tier.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cache/limits.h"
#include "cmocka_all.h"
#include "support/call.h"
#include "support/fake_store.h"

/* The cache with a folder beneath it. That memory is forgotten stands for a new process. */

enum { SIZE = 1000000, FAR = 500000 };

static char folder[64], setting[96];
static fake_store *store;
static ncr_call *call, *offline;
static ncr_object *object;
static nacre_cache_stats before;

static int begin(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/nacre-tier-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(setting, sizeof setting, "cache.dir=%s", folder);
    store = fake_store_new();
    call = test_call_new(setting, NULL);
    offline = test_call_new(setting, "cache=offline", NULL);
    object = fake_object(store, "k");
    fake_set(store, "k", "v=1", true, NULL, SIZE);
    ncr_cache_stats(&before);
    return 0;
}

static int remove_one(const char *path, const struct stat *facts, int kind, struct FTW *walk)
{
    (void)facts;
    (void)kind;
    (void)walk;
    return remove(path);
}

static int end(void **state)
{
    (void)state;
    ncr_disk_set_hook(NULL);
    assert_true(ncr_cache_flush());
    ncr_cache_forget_all();
    ncr_object_unref(object);
    ncr_call_unref(call);
    ncr_call_unref(offline);
    fake_store_free(store);
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}

static void restart(void)
{
    assert_true(ncr_cache_flush());
    ncr_cache_forget_all();
    fake_forget_requests(store);
    ncr_cache_stats(&before);
}

static nacre_cache_stats since(void)
{
    nacre_cache_stats now;
    ncr_cache_stats(&now);
    now.disk_hits -= before.disk_hits;
    now.disk_misses -= before.disk_misses;
    now.disk_bytes_read -= before.disk_bytes_read;
    now.disk_bytes_written -= before.disk_bytes_written;
    now.disk_bytes_dropped -= before.disk_bytes_dropped;
    now.disk_errors -= before.disk_errors;
    return now;
}

static void read_as(ncr_pin *pin, ncr_call *as, const char *token, uint64_t offset, size_t length)
{
    test_fetch fetch;
    test_fetch_wait(&fetch, pin, as, offset, length);
    test_fetch_check(&fetch, token, offset, length);
    test_fetch_clear(&fetch);
}

/* Opens, reads and closes. */
static void open_and_read(ncr_call *as, const char *token, uint64_t offset, size_t length)
{
    ncr_pin *pin = test_open_wait(object, as);
    assert_string_equal(ncr_pin_facts(pin)->version.token, token);
    read_as(pin, as, token, offset, length);
    ncr_pin_unref(pin);
}

static nacre_status open_status(ncr_object *of, ncr_call *as, nacre_error *err)
{
    test_open open;
    test_open_start(&open, of, as);
    test_wait_done(&open.done);
    nacre_status status = open.op.status;
    *err = open.op.error;
    test_open_clear(&open);
    return status;
}

/* --- Sharing. --- */

static void a_new_process_asks_only_for_the_proof(void **state)
{
    (void)state;
    open_and_read(call, "v=1", FAR, 30000);
    restart();
    open_and_read(call, "v=1", FAR, 30000);
    assert_int_equal(fake_count(store, 'g'), 1);
    assert_int_equal(fake_last(store).match, NCR_MATCH_MODIFIED);
    assert_int_equal(fake_bytes_sent(store), 0);
    assert_int_equal(since().disk_hits, 2);
    assert_int_equal(since().disk_bytes_read, NCR_FIRST_READ + 30000);
    assert_int_equal(since().disk_bytes_written, 0);
    fake_forget_requests(store);
    open_and_read(call, "v=1", FAR, 30000); /* from memory now */
    assert_int_equal(since().disk_hits, 2);
    assert_int_equal(fake_count(store, 'g'), 1);
}

static void only_what_is_missing_is_asked_for(void **state)
{
    (void)state;
    open_and_read(call, "v=1", FAR, 50000);
    restart();
    open_and_read(call, "v=1", FAR - 100000, 200000);
    assert_int_equal(fake_count(store, 'g'), 3);
    assert_int_equal(fake_bytes_sent(store), 150000);
    restart();
    open_and_read(call, "v=1", FAR - 100000, 200000);
    assert_int_equal(fake_count(store, 'g'), 1);
    assert_int_equal(fake_bytes_sent(store), 0);
}

static void fetch_done(ncr_fetch *fetch)
{
    ((test_fetch *)fetch)->done++;
}

static void a_batch_that_is_not_there_is_as_few_requests_as_without(void **state)
{
    (void)state;
    enum { COUNT = 3 };
    static const uint64_t ranges[COUNT][2] = {{FAR, 5000}, {FAR + 5000 + NCR_MERGE_GAP, 100}, {FAR + 200000, 10}};
    ncr_pin *pin = test_open_wait(object, call);
    fake_forget_requests(store);
    test_fetch fetches[COUNT];
    ncr_fetch *list[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        fetches[i] = (test_fetch){
            .op = {
                .pin = pin, .call = call, .offset = ranges[i][0], .length = (size_t)ranges[i][1], .done = fetch_done}};
        list[i] = &fetches[i].op;
    }
    ncr_cache_fetch_start(list, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        test_wait_done(&fetches[i].done);
        test_fetch_check(&fetches[i], "v=1", ranges[i][0], (size_t)ranges[i][1]);
        test_fetch_clear(&fetches[i]);
    }
    assert_int_equal(fake_count(store, 'g'), 2);
    assert_int_equal(fake_bytes_sent(store), 5000 + NCR_MERGE_GAP + 100 + 10);
    ncr_pin_unref(pin);
}

static atomic_bool is_held;

static int hold(const char *name, size_t *length)
{
    (void)name;
    (void)length;
    while (is_held)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return 0;
}

static void readers_of_one_piece_share_one_look(void **state)
{
    (void)state;
    open_and_read(call, "v=1", FAR, 30000);
    restart();
    ncr_pin *pin = test_open_wait(object, call);
    ncr_cache_stats(&before);
    is_held = true;
    ncr_disk_set_hook(hold);
    test_fetch fetches[4];
    for (int i = 0; i < 4; i++)
        test_fetch_start(&fetches[i], pin, call, FAR + 100 * (unsigned)i, 1000);
    is_held = false;
    for (int i = 0; i < 4; i++) {
        test_wait_done(&fetches[i].done);
        test_fetch_check(&fetches[i], "v=1", FAR + 100 * (unsigned)i, 1000);
        test_fetch_clear(&fetches[i]);
    }
    assert_int_equal(since().disk_bytes_read, 1300);
    assert_int_equal(fake_count(store, 'g'), 1);
    assert_int_equal(since().hits - before.hits, 4);
    ncr_pin_unref(pin);
}

static void who_waits_for_the_disk_can_be_cancelled(void **state)
{
    (void)state;
    open_and_read(call, "v=1", FAR, 30000);
    restart();
    nacre_cancel *cancel = nacre_cancel_new();
    ncr_call *with = test_call_with_cancel(cancel, setting, NULL);
    ncr_pin *pin = test_open_wait(object, with);
    is_held = true;
    ncr_disk_set_hook(hold);
    test_fetch fetch;
    test_fetch_start(&fetch, pin, with, FAR, 1000);
    nacre_cancel_trigger(cancel);
    test_wait_done(&fetch.done);
    assert_int_equal(fetch.op.status, NACRE_ERROR_CANCELLED);
    test_fetch_clear(&fetch);
    is_held = false;
    ncr_pin_unref(pin);
    ncr_call_unref(with);
    nacre_cancel_free(cancel);
}

static void without_the_key_nothing_is_kept_or_read(void **state)
{
    (void)state;
    ncr_call *plain = test_call_new(NULL);
    open_and_read(plain, "v=1", FAR, 30000);
    restart();
    open_and_read(call, "v=1", FAR, 30000);
    assert_int_equal(fake_bytes_sent(store), NCR_FIRST_READ + 30000);
    restart();
    open_and_read(plain, "v=1", FAR, 30000);
    assert_int_equal(fake_bytes_sent(store), NCR_FIRST_READ + 30000);
    ncr_call_unref(plain);
}

static void what_shall_not_be_kept_is_not(void **state)
{
    (void)state;
    ncr_pin *pin = test_open_wait(object, call);
    test_fetch fetch = {.op = {.pin = pin, .call = call, .offset = FAR, .length = 1000, .bypass = true}};
    fetch.op.done = fetch_done;
    ncr_fetch *list = &fetch.op;
    ncr_cache_fetch_start(&list, 1);
    test_wait_done(&fetch.done);
    test_fetch_clear(&fetch);
    ncr_pin_unref(pin);
    assert_true(ncr_cache_flush());
    assert_int_equal(since().disk_bytes_written, NCR_FIRST_READ);
    fake_set(store, "weak", "w", false, "hello", 5);
    ncr_object *weak = fake_object(store, "weak");
    ncr_pin_unref(test_open_wait(weak, call));
    ncr_object_unref(weak);
    assert_true(ncr_cache_flush());
    assert_int_equal(since().disk_bytes_written, NCR_FIRST_READ);
}

/* --- Never stale. --- */

static void another_version_is_read_anew(void **state)
{
    (void)state;
    open_and_read(call, "v=1", FAR, 30000);
    restart();
    fake_set(store, "k", "v=2", true, NULL, SIZE);
    open_and_read(call, "v=2", FAR, 30000);
    assert_int_equal(fake_bytes_sent(store), NCR_FIRST_READ + 30000);
    restart();
    open_and_read(call, "v=2", FAR, 30000);
    assert_int_equal(fake_bytes_sent(store), 0);
    fake_set(store, "k", "v=1", true, NULL, SIZE); /* and back: its bytes are still there */
    restart();
    open_and_read(call, "v=1", FAR, 30000);
    assert_int_equal(fake_bytes_sent(store), NCR_FIRST_READ);
}

static void what_is_gone_is_gone(void **state)
{
    (void)state;
    nacre_error err;
    open_and_read(call, "v=1", FAR, 30000);
    restart();
    fake_remove(store, "k");
    assert_int_equal(open_status(object, call, &err), NACRE_ERROR_NOT_FOUND);
    restart();
    assert_int_equal(open_status(object, offline, &err), NACRE_ERROR_OFFLINE);
}

static void damage_costs_a_request_and_no_more(void **state)
{
    (void)state;
    char command[160];
    open_and_read(call, "v=1", FAR, 30000);
    restart();
    snprintf(command, sizeof command,
             "for f in %s/[0-9a-f]*/*; do printf x | dd of=$f bs=1 seek=70 conv=notrunc status=none; done", folder);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a fixed command of the test's own */
    open_and_read(call, "v=1", FAR, 30000);
    assert_int_equal(fake_bytes_sent(store), NCR_FIRST_READ + 30000);
    assert_true(since().disk_errors >= 2);
    restart();
    open_and_read(call, "v=1", FAR, 30000);
    assert_int_equal(fake_bytes_sent(store), 0);
    assert_int_equal(since().disk_errors, 0);
}

/* --- Offline in a new process, and own changes. --- */

static void offline_believes_what_was_last_proven(void **state)
{
    (void)state;
    nacre_error err;
    assert_int_equal(open_status(object, offline, &err), NACRE_ERROR_OFFLINE);
    open_and_read(call, "v=1", FAR, 30000);
    restart();
    ncr_object_facts facts;
    open_and_read(offline, "v=1", FAR, 30000);
    assert_int_equal(ncr_cache_known(object, offline, &facts, &err), NACRE_OK);
    assert_string_equal(facts.version.token, "v=1");
    ncr_pin *pin = test_open_wait(object, offline);
    test_fetch fetch;
    assert_int_equal(test_fetch_wait(&fetch, pin, offline, FAR + 100000, 10), NACRE_ERROR_OFFLINE);
    test_fetch_clear(&fetch);
    ncr_pin_unref(pin);
    assert_int_equal(fake_count(store, 'g'), 0);
}

static void offline_believes_only_proofs_of_the_same_credentials(void **state)
{
    (void)state;
    nacre_error err;
    ncr_object_facts facts;
    ncr_store *other_store = fake_store_as(store, "somebody");
    ncr_object *other = fake_object_as(other_store, "k");
    open_and_read(call, "v=1", FAR, 30000);
    restart();
    assert_int_equal(open_status(other, offline, &err), NACRE_ERROR_OFFLINE);
    assert_int_equal(ncr_cache_known(other, offline, &facts, &err), NACRE_ERROR_OFFLINE);
    ncr_pin_unref(test_open_wait(other, call)); /* the store lets it, so the bytes are its own too */
    assert_int_equal(fake_count(store, 'g'), 1);
    assert_int_equal(fake_bytes_sent(store), 0);
    ncr_object_unref(other);
    ncr_store_unref(other_store);
}

static void offline_does_not_tell_public_addresses_from_private_ones(void **state)
{
    (void)state;
    nacre_error err;
    ncr_object *public_only = ncr_object_new(object->store, "b", "k", "fake://b/k", true);
    open_and_read(call, "v=1", FAR, 30000);
    restart();
    assert_int_equal(open_status(public_only, offline, &err), NACRE_ERROR_OFFLINE);
    ncr_object_unref(public_only);
}

static void own_changes_end_what_was_proven(void **state)
{
    (void)state;
    nacre_error err;
    static const ncr_outcome outcomes[] = {NCR_OUTCOME_DONE, NCR_OUTCOME_UNKNOWN};
    for (size_t i = 0; i < 2; i++) {
        open_and_read(call, "v=1", FAR, 30000);
        restart();
        ncr_cache_change_begin(object, call);
        ncr_cache_change_end(object, call, outcomes[i], NULL, NULL, 0);
        restart();
        assert_int_equal(open_status(object, offline, &err), NACRE_ERROR_OFFLINE);
    }
}

/* What another process has put, or opened, just before, and writes behind this one's change. */
static void what_others_proved_before_an_own_change_is_not_believed_after_it(void **state)
{
    (void)state;
    nacre_error err;
    ncr_disk *disk;
    ncr_object_facts facts = {.size = 5, .modified_ms = -1, .version = {.strong = true, .token = "own=1"}};
    assert_int_equal(ncr_disk_open(call->config, &disk, &err), NACRE_OK);
    for (int i = 0; i < 2; i++) { /* a put of which the cache learns nothing; one that it keeps */
        ncr_disk_proof others = {
            .id = object->id, .credentials = object->store->credentials, .wall_ms = ncr_clock_wall_ms(), .mark = 7};
        others.facts = (ncr_object_facts){.size = SIZE, .modified_ms = -1, .version = {.strong = true, .token = "v=1"}};
        open_and_read(call, "v=1", FAR, 30000); /* the bytes are there */
        ncr_cache_change_begin(object, call);
        ncr_cache_change_end(object, call, NCR_OUTCOME_DONE, i ? &facts : NULL, i ? "hello" : NULL, i ? 5 : 0);
        restart();
        ncr_disk_proof_write(disk, &others);
        ncr_disk_proof known = {.id = object->id};
        bool is_known = ncr_disk_proof_read(disk, &known);
        assert_int_equal(is_known, i);
        if (is_known)
            assert_string_equal(known.facts.version.token, "own=1");
        else
            assert_int_equal(open_status(object, offline, &err), NACRE_ERROR_OFFLINE);
    }
}

static int change_before_rename(const char *name, size_t *length)
{
    static atomic_bool done;
    (void)length;
    if (strcmp(name, "renameat") == 0 && !atomic_exchange(&done, true))
        ncr_cache_change_begin(object, call);
    return 0;
}

static void a_proof_does_not_outlive_a_change_that_begins_while_it_is_written(void **state)
{
    (void)state;
    nacre_error err;
    ncr_disk *disk;
    open_and_read(call, "v=1", FAR, 30000);
    restart();
    assert_int_equal(ncr_disk_open(call->config, &disk, &err), NACRE_OK);
    ncr_disk_proof_drop(disk, object->id);
    ncr_disk_set_hook(change_before_rename); /* the bytes are there, so that is the proof's */
    open_and_read(call, "v=1", FAR, 30000);
    restart();
    assert_int_equal(open_status(object, offline, &err), NACRE_ERROR_OFFLINE);
    ncr_cache_change_end(object, call, NCR_OUTCOME_DONE, NULL, NULL, 0);
}

static void a_put_is_there_for_the_next_process(void **state)
{
    (void)state;
    ncr_object_facts facts = {.size = 5, .modified_ms = -1, .version = {.strong = true, .token = "own=1"}};
    ncr_cache_change_begin(object, call);
    fake_set(store, "k", "own=1", true, "hello", 5);
    ncr_cache_change_end(object, call, NCR_OUTCOME_DONE, &facts, "hello", 5);
    restart();
    ncr_pin *pin = test_open_wait(object, offline);
    test_fetch fetch;
    assert_int_equal(test_fetch_wait(&fetch, pin, offline, 0, 5), NACRE_OK);
    assert_memory_equal(fetch.op.slice.data, "hello", 5);
    test_fetch_clear(&fetch);
    ncr_pin_unref(pin);
    assert_int_equal(fake_count(store, 'g'), 0);
}

/* --- Trouble. --- */

static int is_full(const char *name, size_t *length)
{
    (void)length;
    return strcmp(name, "pwrite") == 0 ? ENOSPC : 0;
}

static void a_full_disk_only_keeps_nothing(void **state)
{
    (void)state;
    ncr_disk_set_hook(is_full);
    open_and_read(call, "v=1", FAR, 30000);
    open_and_read(call, "v=1", FAR, 100000);
    assert_true(ncr_cache_flush());
    assert_true(since().disk_errors > 0);
    assert_int_equal(since().disk_bytes_written, 0);
    ncr_disk_set_hook(NULL);
    restart();
    open_and_read(call, "v=1", FAR, 30000);
    assert_int_equal(fake_bytes_sent(store), NCR_FIRST_READ + 30000);
}

static void a_folder_of_others_is_refused_by_name(void **state)
{
    (void)state;
    nacre_error err;
    assert_int_equal(chmod(folder, 0777), 0);
    assert_int_equal(open_status(object, call, &err), NACRE_ERROR_REFUSED);
    assert_non_null(strstr(err.message, folder));
    assert_int_equal(open_status(object, offline, &err), NACRE_ERROR_REFUSED);
    assert_int_equal(chmod(folder, 0700), 0);
    assert_int_equal(fake_count(store, 'g'), 0);
}

static void reads_go_on_while_nothing_can_be_written(void **state)
{
    (void)state;
    enum { BIG = 8 << 20, PARTS = 6 };
    fake_set(store, "k", "v=1", true, NULL, (size_t)BIG * PARTS);
    ncr_pin *pin = test_open_wait(object, call);
    assert_true(ncr_cache_flush());
    ncr_cache_stats(&before);
    ncr_call *plain = test_call_new(NULL);
    is_held = true;
    ncr_pin *other = test_open_wait(object, plain); /* looks at no disk, so is not held */
    fake_manners_of(store)->hold = true;
    test_fetch fetches[PARTS];
    for (unsigned i = 0; i < PARTS; i++)
        test_fetch_start(&fetches[i], pin, call, (uint64_t)i * BIG + NCR_FIRST_READ, BIG - NCR_FIRST_READ);
    while (fake_held(store) < PARTS)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    ncr_disk_set_hook(hold);
    fake_manners_of(store)->hold = false;
    fake_release_all(store);
    for (unsigned i = 0; i < PARTS; i++) {
        test_wait_done(&fetches[i].done);
        assert_int_equal(fetches[i].op.status, NACRE_OK);
        test_fetch_clear(&fetches[i]);
    }
    assert_true(since().disk_bytes_dropped > 0);
    is_held = false;
    assert_true(ncr_cache_flush());
    assert_true(since().disk_bytes_written > 0);
    ncr_pin_unref(pin);
    ncr_pin_unref(other);
    ncr_call_unref(plain);
}

static void the_child_of_a_fork_goes_on(void **state)
{
    (void)state;
    open_and_read(call, "v=1", FAR, 30000);
    restart();
    ncr_pin *pin = test_open_wait(object, call);
    is_held = true;
    ncr_disk_set_hook(hold);
    test_fetch fetch;
    test_fetch_start(&fetch, pin, call, FAR, 1000); /* is being read when the child begins */
    pid_t child = fork();
    if (child == 0) {
        ncr_disk_set_hook(NULL);
        open_and_read(call, "v=1", FAR, 30000);
        open_and_read(call, "v=1", FAR + 200000, 3000);
        _exit(ncr_cache_flush() && fake_bytes_sent(store) == 3000 ? 0 : 1);
    }
    is_held = false;
    test_wait_done(&fetch.done);
    test_fetch_check(&fetch, "v=1", FAR, 1000);
    test_fetch_clear(&fetch);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    open_and_read(call, "v=1", FAR + 200000, 3000);
    assert_int_equal(fake_bytes_sent(store), 0); /* the child's are there */
    ncr_pin_unref(pin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_new_process_asks_only_for_the_proof, begin, end),
        cmocka_unit_test_setup_teardown(only_what_is_missing_is_asked_for, begin, end),
        cmocka_unit_test_setup_teardown(a_batch_that_is_not_there_is_as_few_requests_as_without, begin, end),
        cmocka_unit_test_setup_teardown(readers_of_one_piece_share_one_look, begin, end),
        cmocka_unit_test_setup_teardown(who_waits_for_the_disk_can_be_cancelled, begin, end),
        cmocka_unit_test_setup_teardown(without_the_key_nothing_is_kept_or_read, begin, end),
        cmocka_unit_test_setup_teardown(what_shall_not_be_kept_is_not, begin, end),
        cmocka_unit_test_setup_teardown(another_version_is_read_anew, begin, end),
        cmocka_unit_test_setup_teardown(what_is_gone_is_gone, begin, end),
        cmocka_unit_test_setup_teardown(damage_costs_a_request_and_no_more, begin, end),
        cmocka_unit_test_setup_teardown(offline_believes_what_was_last_proven, begin, end),
        cmocka_unit_test_setup_teardown(offline_believes_only_proofs_of_the_same_credentials, begin, end),
        cmocka_unit_test_setup_teardown(offline_does_not_tell_public_addresses_from_private_ones, begin, end),
        cmocka_unit_test_setup_teardown(own_changes_end_what_was_proven, begin, end),
        cmocka_unit_test_setup_teardown(what_others_proved_before_an_own_change_is_not_believed_after_it, begin, end),
        cmocka_unit_test_setup_teardown(a_proof_does_not_outlive_a_change_that_begins_while_it_is_written, begin, end),
        cmocka_unit_test_setup_teardown(a_put_is_there_for_the_next_process, begin, end),
        cmocka_unit_test_setup_teardown(a_full_disk_only_keeps_nothing, begin, end),
        cmocka_unit_test_setup_teardown(a_folder_of_others_is_refused_by_name, begin, end),
        cmocka_unit_test_setup_teardown(reads_go_on_while_nothing_can_be_written, begin, end),
        cmocka_unit_test_setup_teardown(the_child_of_a_fork_goes_on, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
