/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/latch.h"
#include "cache/limits.h"
#include "cmocka_all.h"
#include "support/call.h"
#include "support/fake_store.h"
#include "support/zip_maker.h"
#include "vfs/vfs.h"
#include "vfs/wait.h"
#include "vfs/zip.h"

/* Members of archives on a store that misbehaves as it is told: requests, rounds, and that versions never mix. */

enum { BIG = 300 * 1024 };

static fake_store *store;
static nacre_error err;

/* An archive of a big stored member, a deflated one, and a small one; `seed` tells their bytes. */
static uint8_t *bytes_of(char seed, size_t size)
{
    uint8_t *data = malloc(size);
    assert_non_null(data);
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)((i * 31 + (i >> 8)) ^ (uint8_t)seed);
    return data;
}

static void set_archive(const char *token, bool strong, char seed, unsigned more_members)
{
    uint8_t *data = bytes_of(seed, BIG);
    zip_maker maker;
    char name[32];
    zip_begin(&maker, "");
    zip_add(&maker, (zip_member){.name = "first", .data = data, .size = 1000});
    zip_add(&maker, (zip_member){.name = "d/big", .data = data, .size = BIG});
    zip_add(&maker, (zip_member){.name = "d/packed", .data = data, .size = BIG, .method = 8});
    zip_add(&maker, (zip_member){.name = "fill", .data = data, .size = 150 * 1024});
    for (unsigned i = 0; i < more_members; i++) {
        snprintf(name, sizeof name, "m/%06u", i);
        zip_add(&maker, (zip_member){.name = name, .data = data, .size = 10});
    }
    zip_end(&maker, "");
    fake_set(store, "a.zip", token, strong, maker.archive.data, maker.archive.size);
    zip_clear(&maker);
    free(data);
}

static int begin(void **state)
{
    (void)state;
    store = fake_store_new();
    set_archive("v=1", true, 1, 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    fake_store_free(store);
    ncr_cache_forget_all();
    return 0;
}

/* A member as a path would name it: of a store of its own. */
static ncr_object *member_of(const char *key)
{
    ncr_object *archive = fake_object(store, "a.zip");
    ncr_store *zip = ncr_zip_store_new(archive);
    assert_non_null(zip);
    ncr_object *member = ncr_object_new(zip, "", key, key, false);
    assert_non_null(member);
    ncr_store_unref(zip);
    ncr_object_unref(archive);
    return member;
}

static nacre_status try_open(const char *key, ncr_call *call, ncr_pin **pin)
{
    ncr_object *member = member_of(key);
    nacre_status status = ncr_pin_open_wait(member, call, pin, &err);
    ncr_object_unref(member);
    return status;
}

/* Opens with a call of its own; *round: the last that was needed. */
static ncr_pin *open_member(const char *key, unsigned *round)
{
    ncr_call *call = test_call_new(NULL);
    ncr_pin *pin;
    if (try_open(key, call, &pin) != NACRE_OK)
        fail_msg("%s", err.message);
    if (round)
        *round = call->counters.round;
    ncr_call_unref(call);
    return pin;
}

static nacre_status try_read(ncr_pin *pin, uint64_t offset, size_t length, ncr_slice *out)
{
    ncr_call *call = test_call_new(NULL);
    ncr_fetch_wait wait = {.fetch = {.pin = pin, .call = call, .offset = offset, .length = length, .bypass = true}};
    ncr_fetch_wait_begin(&wait);
    nacre_status status = ncr_fetch_wait_end(&wait, &err);
    *out = wait.fetch.slice;
    ncr_call_unref(call);
    return status;
}

static void read_and_check(ncr_pin *pin, char seed, uint64_t offset, size_t length)
{
    ncr_slice slice;
    if (try_read(pin, offset, length, &slice) != NACRE_OK)
        fail_msg("%s", err.message);
    uint8_t *data = bytes_of(seed, BIG);
    assert_int_equal(slice.size, length);
    assert_memory_equal(slice.data, data + offset, length);
    free(data);
    ncr_slice_clear(&slice);
}

/* --- Requests. --- */

static void a_cold_member_is_three_rounds_and_a_warm_one_a_proof(void **state)
{
    (void)state;
    unsigned round;
    ncr_pin *pin = open_member("d/big", &round);
    assert_int_equal(ncr_pin_facts(pin)->size, BIG);
    assert_int_equal(fake_count(store, 'g'), 3); /* the archive's first bytes, its last, the member's first */
    assert_int_equal(round, 3);
    read_and_check(pin, 1, 0, 100);
    read_and_check(pin, 1, 20000, 12000);
    assert_int_equal(fake_count(store, 'g'), 3);
    read_and_check(pin, 1, 100000, 5000);
    assert_int_equal(fake_count(store, 'g'), 4);
    ncr_pin_unref(pin);
    fake_forget_requests(store);
    pin = open_member("d/big", &round);
    assert_int_equal(fake_count(store, 'g'), 1);
    assert_int_equal(fake_last(store).match, NCR_MATCH_MODIFIED);
    assert_int_equal(round, 1);
    read_and_check(pin, 1, 100000, 5000);
    assert_int_equal(fake_count(store, 'g'), 1);
    ncr_pin_unref(pin);
}

static void a_member_in_the_first_bytes_is_two_rounds(void **state)
{
    (void)state;
    unsigned round;
    ncr_pin *pin = open_member("first", &round);
    assert_int_equal(fake_count(store, 'g'), 2);
    assert_int_equal(round, 2);
    read_and_check(pin, 1, 0, 1000);
    assert_int_equal(fake_count(store, 'g'), 2);
    ncr_pin_unref(pin);
}

static void a_small_archive_is_one_request(void **state)
{
    (void)state;
    zip_maker maker;
    unsigned round;
    zip_begin(&maker, "");
    zip_add(&maker, (zip_member){.name = "x", .data = "abc", .size = 3, .method = 8});
    zip_end(&maker, "");
    fake_set(store, "a.zip", "v=1", true, maker.archive.data, maker.archive.size);
    zip_clear(&maker);
    ncr_pin *pin = open_member("", &round);
    assert_int_equal(fake_count(store, 'g'), 1);
    assert_int_equal(round, 1);
    ncr_slice slice;
    assert_int_equal(try_read(pin, 0, 100, &slice), NACRE_OK);
    assert_int_equal(slice.size, 3);
    assert_memory_equal(slice.data, "abc", 3);
    ncr_slice_clear(&slice);
    ncr_pin_unref(pin);
}

static void a_long_directory_is_one_round_more(void **state)
{
    (void)state;
    unsigned round;
    set_archive("v=1", true, 1, 2000);
    ncr_pin *pin = open_member("d/big", &round);
    assert_int_equal(fake_count(store, 'g'), 4);
    assert_int_equal(round, 4);
    ncr_pin_unref(pin);
}

static void a_deflated_member_is_read_once(void **state)
{
    (void)state;
    unsigned round;
    ncr_pin *pin = open_member("d/packed", &round);
    assert_int_equal(ncr_pin_facts(pin)->size, BIG);
    assert_int_equal(fake_count(store, 'g'), 3);
    assert_int_equal(round, 3);
    for (uint64_t at = 0; at < BIG; at += BIG / 4)
        read_and_check(pin, 1, at, BIG / 4);
    assert_int_equal(fake_count(store, 'g'), 3);
    ncr_pin_unref(pin);
}

typedef struct many {
    ncr_cache_open open;
    ncr_object *member;
    ncr_latch *latch;
} many;

static void one_of_many_opened(ncr_cache_open *open)
{
    ncr_latch_down(((many *)open)->latch);
}

static void open_together(const char *key, size_t most)
{
    enum { COUNT = 50 };
    static many all[COUNT];
    ncr_latch latch;
    ncr_call *call = test_call_new(NULL);
    fake_forget_requests(store);
    fake_manners_of(store)->hold = true;
    ncr_latch_init(&latch, COUNT);
    for (int i = 0; i < COUNT; i++) {
        all[i] = (many){.member = member_of(key), .latch = &latch};
        all[i].open = (ncr_cache_open){.object = all[i].member, .call = call, .done = one_of_many_opened};
        ncr_cache_open_start(&all[i].open);
    }
    assert_int_equal(fake_held(store), 1);
    fake_manners_of(store)->hold = false;
    fake_release_all(store);
    ncr_latch_wait(&latch);
    ncr_latch_clear(&latch);
    assert_in_range(fake_count(store, 'g'), 2, most);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(all[i].open.status, NACRE_OK);
        assert_int_equal(all[i].open.head.size, NCR_FIRST_READ);
        ncr_slice_clear(&all[i].open.head);
        ncr_pin_unref(all[i].open.pin);
        ncr_object_unref(all[i].member);
    }
    ncr_call_unref(call);
}

static void members_opened_together_share_their_archives_proofs(void **state)
{
    (void)state;
    ncr_pin_unref(open_member("d/big", NULL));
    open_together("d/big", 2);
}

static void members_unpacked_together_are_all_given(void **state)
{
    (void)state;
    ncr_pin_unref(open_member("first", NULL));
    open_together("d/packed", 4); /* the proofs, and the member, once more where its bytes have just come in */
}

static void members_wait_for_room_one_after_another(void **state)
{
    (void)state;
    ncr_zip_set_room(1000);
    ncr_pin_unref(open_member("first", NULL));
    open_together("d/packed", 4);
    ncr_zip_set_room(256 << 20);
}

typedef struct waiter {
    ncr_zip_make make;
    ncr_latch latch;
} waiter;

static void run_waiter(ncr_task *task)
{
    ncr_latch_down(&((waiter *)((char *)task - offsetof(waiter, make.task)))->latch);
}

/* Those that have the room may have no deadline, and a server that does not answer. */
static void who_waits_for_room_is_ended_by_its_own_call(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL), *hasty = test_call_new("timeout=0.1", NULL);
    waiter all[3] = {{.make.call = call}, {.make.call = hasty}, {.make.call = call}};
    for (int i = 0; i < 3; i++) {
        all[i].make.task.run = run_waiter;
        ncr_latch_init(&all[i].latch, 1);
        assert_int_equal(ncr_zip_room_take(&all[i].make, UINT64_MAX / 4), i == 0);
    }
    ncr_latch_wait(&all[1].latch);
    assert_int_equal(all[1].make.room, 0);
    ncr_zip_room_give(&all[0].make);
    ncr_latch_wait(&all[2].latch);
    assert_int_equal(all[2].make.room, UINT64_MAX / 4);
    ncr_zip_room_give(&all[2].make);
    for (int i = 0; i < 3; i++)
        ncr_latch_clear(&all[i].latch);
    ncr_call_unref(call);
    ncr_call_unref(hasty);
}

/* --- Versions. --- */

static void a_member_is_never_of_two_versions(void **state)
{
    (void)state;
    const char *members[] = {"d/big", "d/packed"};
    for (int tricks = 0; tricks < 3; tricks++) {
        for (int i = 0; i < 2; i++) {
            ncr_cache_forget_all();
            fake_manners_of(store)->ignore_preconditions = tricks == 1;
            fake_manners_of(store)->no_version_in_ranges = false;
            set_archive("v=1", true, 1, 0);
            ncr_pin *pin = open_member(members[i], NULL), *now;
            ncr_cache_forget_all(); /* so that its bytes are asked for again */
            set_archive("v=2", true, 2, 0);
            fake_manners_of(store)->no_version_in_ranges = tricks == 2;
            ncr_slice slice;
            assert_int_equal(try_read(pin, 100000, 5000, &slice), NACRE_ERROR_CHANGED);
            assert_null(slice.block);
            assert_int_equal(strncmp(err.message, members[i], strlen(members[i])), 0);
            assert_non_null(strstr(err.message, "v=1"));
            fake_manners_of(store)->no_version_in_ranges = false;
            if (tricks != 2)
                assert_non_null(strstr(err.message, "v=2"));
            now = open_member(members[i], NULL);
            read_and_check(now, 2, 100000, 5000);
            ncr_pin_unref(now);
            ncr_pin_unref(pin);
        }
    }
}

static void an_archive_that_is_gone_has_changed(void **state)
{
    (void)state;
    ncr_pin *pin = open_member("d/big", NULL);
    ncr_slice slice;
    fake_remove(store, "a.zip");
    assert_int_equal(try_read(pin, 100000, 5000, &slice), NACRE_ERROR_CHANGED);
    assert_null(slice.block);
    ncr_pin_unref(pin);
    ncr_call *call = test_call_new(NULL);
    assert_int_equal(try_open("d/big", call, &pin), NACRE_ERROR_NOT_FOUND);
    ncr_call_unref(call);
}

static void an_open_member_does_not_prove_again(void **state)
{
    (void)state;
    ncr_pin *pin = open_member("d/big", NULL);
    ncr_cache_forget_all();
    fake_forget_requests(store);
    read_and_check(pin, 1, 100000, 5000);
    assert_int_equal(fake_count(store, 'g'), 1);
    assert_int_equal(fake_last(store).match, NCR_MATCH_VERSION);
    assert_string_equal(fake_last(store).version, "v=1");
    ncr_pin_unref(pin);
}

/* Sidecars are looked for in the version that their dataset was opened with; whoever comes later proves it anew. */
static void an_archive_is_proven_once_in_a_call_and_in_each_call(void **state)
{
    (void)state;
    ncr_object *member = member_of("d/big"), *beside = ncr_object_sibling(member, "first");
    ncr_call *call = test_call_new(NULL), *later = test_call_new(NULL);
    ncr_object *const objects[] = {member, beside, member, member};
    ncr_call *const calls[] = {call, call, later, later};
    const size_t proofs[] = {3, 0, 1, 1}; /* the last in a refresh */
    for (int i = 0; i < 4; i++) {
        ncr_pin *pin;
        fake_forget_requests(store);
        later->proves_again = i == 3;
        assert_int_equal(ncr_pin_open_wait(objects[i], calls[i], &pin, &err), NACRE_OK);
        assert_int_equal(fake_count(store, 'g'), proofs[i]);
        ncr_pin_unref(pin);
    }
    ncr_object_unref(member);
    ncr_object_unref(beside);
    ncr_call_unref(call);
    ncr_call_unref(later);
}

static void a_member_that_is_not_there_is_asked_for_again(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL), *later = test_call_new(NULL);
    ncr_pin *pin;
    assert_int_equal(try_open("m/000000", call, &pin), NACRE_ERROR_NOT_FOUND);
    assert_non_null(strstr(err.message, "m/000000: not found"));
    set_archive("v=2", true, 2, 1);
    assert_int_equal(try_open("m/000000", later, &pin), NACRE_OK);
    ncr_pin_unref(pin);
    ncr_call_unref(call);
    ncr_call_unref(later);
}

static void without_a_strong_version_it_is_held_whole(void **state)
{
    (void)state;
    set_archive("v=1", false, 1, 0);
    ncr_pin *pin = open_member("d/big", NULL);
    assert_true(ncr_pin_is_proven(pin));
    assert_false(ncr_pin_facts(pin)->version.strong);
    set_archive("v=2", false, 2, 0);
    fake_forget_requests(store);
    read_and_check(pin, 1, 0, BIG);
    assert_int_equal(fake_count(store, 'g'), 0);
    ncr_pin_unref(pin);
    ncr_call *call = test_call_new("limit.whole_read=1000", NULL);
    assert_int_equal(try_open("first", call, &pin), NACRE_ERROR_UNPROVEN);
    assert_non_null(strstr(err.message, "limit.whole_read"));
    ncr_call_unref(call);
}

static void offline_needs_nothing_that_is_cached(void **state)
{
    (void)state;
    ncr_pin *pin = open_member("d/packed", NULL);
    ncr_pin_unref(pin);
    fake_forget_requests(store);
    ncr_call *call = test_call_new("cache=offline", NULL);
    assert_int_equal(try_open("d/packed", call, &pin), NACRE_OK);
    ncr_pin_unref(pin);
    assert_int_equal(try_open("d/big", call, &pin), NACRE_ERROR_OFFLINE);
    assert_int_equal(fake_count(store, 'g'), 0);
    ncr_call_unref(call);
}

static void a_large_deflated_member_is_refused_with_a_cure(void **state)
{
    (void)state;
    ncr_call *call = test_call_new("limit.whole_read=100000", NULL);
    ncr_pin *pin;
    assert_int_equal(try_open("d/packed", call, &pin), NACRE_ERROR_TOO_LARGE);
    assert_non_null(strstr(err.message, "limit.whole_read"));
    assert_non_null(strstr(err.message, "deflated"));
    assert_int_equal(fake_count(store, 'g'), 2); /* nothing was read for it */
    assert_int_equal(try_open("d/big", call, &pin), NACRE_OK);
    ncr_pin_unref(pin);
    ncr_call_unref(call);
}

static void what_is_forgotten_of_a_member_is_its_archive(void **state)
{
    (void)state;
    ncr_object *member = member_of("d/big");
    ncr_pin_unref(open_member("d/big", NULL));
    ncr_vfs_forget(member);
    fake_forget_requests(store);
    ncr_pin_unref(open_member("d/big", NULL));
    assert_int_equal(fake_count(store, 'g'), 3);
    ncr_object_unref(member);
}

/* --- What is there; writing. --- */

static bool count_entry(void *user, const nacre_object_info *info)
{
    size_t *count = user;
    ++*count;
    assert_true(info->is_prefix || info->size);
    return true;
}

static void listings_are_of_one_version_and_one_proof(void **state)
{
    (void)state;
    set_archive("v=1", true, 1, 2500);
    ncr_object *all = member_of(""), *below = member_of("m/");
    ncr_call *call = test_call_new(NULL);
    size_t count = 0;
    assert_int_equal(ncr_vfs_list(all, true, call, count_entry, &count, &err), NACRE_OK);
    assert_int_equal(count, 2504);
    assert_int_equal(fake_count(store, 'g'), 3);
    count = 0;
    assert_int_equal(ncr_vfs_list(all, false, call, count_entry, &count, &err), NACRE_OK);
    assert_int_equal(count, 4);
    count = 0;
    assert_int_equal(ncr_vfs_list(below, false, call, count_entry, &count, &err), NACRE_OK);
    assert_int_equal(count, 2500);
    ncr_object_unref(all);
    ncr_object_unref(below);
    ncr_call_unref(call);
}

static void stat_tells_a_members_size(void **state)
{
    (void)state;
    ncr_object *member = member_of("d/packed"), *none = member_of("d");
    ncr_call *call = test_call_new(NULL);
    ncr_object_facts facts;
    assert_int_equal(ncr_vfs_stat(member, call, &facts, &err), NACRE_OK);
    assert_int_equal(facts.size, BIG);
    assert_true(facts.version.strong);
    assert_int_equal(ncr_vfs_stat(none, call, &facts, &err), NACRE_ERROR_NOT_FOUND);
    ncr_object_unref(member);
    ncr_object_unref(none);
    ncr_call_unref(call);
}

static void members_are_only_read(void **state)
{
    (void)state;
    ncr_object *member = member_of("first"), *other = fake_object(store, "other");
    ncr_call *call = test_call_new(NULL);
    assert_int_equal(ncr_vfs_put(member, "x", 1, "", NULL, call, &err), NACRE_ERROR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "first: members of archives are only read"));
    assert_int_equal(ncr_vfs_remove(member, NULL, call, &err), NACRE_ERROR_UNSUPPORTED);
    assert_int_equal(ncr_vfs_rename(member, other, NULL, call, &err), NACRE_ERROR_UNSUPPORTED);
    ncr_object_facts facts;
    assert_int_equal(ncr_vfs_stat(other, call, &facts, &err), NACRE_ERROR_NOT_FOUND);
    assert_int_equal(ncr_vfs_copy(other, member, NULL, call, &err), NACRE_ERROR_NOT_FOUND);
    assert_int_equal(ncr_vfs_copy(member, other, NULL, call, &err), NACRE_OK);
    assert_int_equal(ncr_vfs_stat(other, call, &facts, &err), NACRE_OK);
    assert_int_equal(facts.size, 1000);
    assert_int_equal(ncr_vfs_copy(other, member, NULL, call, &err), NACRE_ERROR_UNSUPPORTED);
    ncr_object_unref(member);
    ncr_object_unref(other);
    ncr_call_unref(call);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_cold_member_is_three_rounds_and_a_warm_one_a_proof),
        TEST(a_member_in_the_first_bytes_is_two_rounds),
        TEST(a_small_archive_is_one_request),
        TEST(a_long_directory_is_one_round_more),
        TEST(a_deflated_member_is_read_once),
        TEST(members_opened_together_share_their_archives_proofs),
        TEST(members_unpacked_together_are_all_given),
        TEST(members_wait_for_room_one_after_another),
        TEST(who_waits_for_room_is_ended_by_its_own_call),
        TEST(a_member_is_never_of_two_versions),
        TEST(an_archive_that_is_gone_has_changed),
        TEST(an_open_member_does_not_prove_again),
        TEST(an_archive_is_proven_once_in_a_call_and_in_each_call),
        TEST(a_member_that_is_not_there_is_asked_for_again),
        TEST(without_a_strong_version_it_is_held_whole),
        TEST(offline_needs_nothing_that_is_cached),
        TEST(a_large_deflated_member_is_refused_with_a_cure),
        TEST(what_is_forgotten_of_a_member_is_its_archive),
        TEST(listings_are_of_one_version_and_one_proof),
        TEST(stat_tells_a_members_size),
        TEST(members_are_only_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
