/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cache/stand_in.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cache/table.h"
#include "cmocka_all.h"
#include "support/call.h"
#include "support/fake_store.h"

/* Blocks that stand in for one, so that threads do not count at the same place; and what hits give out. */

enum { SIZE = 100, MANY = 500, LENGTH = 50000 };

static ncr_block *new_block(void)
{
    ncr_block *block = ncr_block_new(SIZE);
    assert_non_null(block);
    memset(block->data, 7, SIZE);
    return block;
}

static void drop(const ncr_block *block)
{
    ncr_cache_lock();
    ncr_stand_ins_drop_locked(block);
    ncr_cache_unlock();
}

static void a_block_that_is_hit_once_needs_none(void **state)
{
    (void)state;
    ncr_block *block = new_block();
    assert_ptr_equal(ncr_stand_in_for(block, 1), block);
    assert_int_equal(block->references, 1);
    drop(block);
    ncr_block_unref(block);
}

static void each_stripe_counts_for_itself(void **state)
{
    (void)state;
    ncr_block *block = new_block(), *of[2];
    for (unsigned door = 0; door < 2; door++) {
        ncr_stand_in_for(block, door);
        of[door] = ncr_stand_in_for(block, door);
        assert_ptr_not_equal(of[door], block);
        assert_ptr_equal(ncr_stand_in_for(block, door), of[door]);
        assert_ptr_equal(of[door]->data, block->data);
    }
    assert_ptr_not_equal(of[0], of[1]);
    ncr_slice slice = ncr_slice_of(of[0], of[0]->data, SIZE);
    assert_int_equal(block->references, 3);
    ncr_slice_clear(&slice);
    drop(block);
    assert_int_equal(block->references, 1);
    ncr_block_unref(block);
}

static void a_slice_outlives_block_and_entry(void **state)
{
    (void)state;
    ncr_block *block = new_block();
    ncr_stand_in_for(block, 3);
    ncr_block *stand_in = ncr_stand_in_for(block, 3);
    ncr_slice slice = ncr_slice_of(stand_in, stand_in->data, SIZE);
    drop(block);
    ncr_block_unref(block);
    assert_int_equal(slice.data[SIZE - 1], 7);
    ncr_slice_clear(&slice); /* the last: a leak, or a second release, is AddressSanitizer's to see */
}

/* Blocks take each other's slots: none is lost, and none keeps what was dropped. */
static void many_blocks_share_few_slots(void **state)
{
    (void)state;
    ncr_block *blocks[MANY];
    for (int i = 0; i < MANY; i++) {
        blocks[i] = new_block();
        ncr_stand_in_for(blocks[i], 5);
        ncr_block *stand_in = ncr_stand_in_for(blocks[i], 5);
        assert_true(stand_in == blocks[i] || stand_in->whole == blocks[i]);
    }
    for (int i = 0; i < MANY; i++) {
        drop(blocks[i]);
        assert_int_equal(blocks[i]->references, 1);
        ncr_block_unref(blocks[i]);
    }
}

/* --- Hits. --- */

typedef struct {
    ncr_pin *pin;
    const ncr_block *first, *second;
} hitter;

static void note_block(ncr_fetch *fetch)
{
    assert_int_equal(fetch->status, NACRE_OK);
    fetch->user = fetch->slice.block;
    assert_int_equal(fetch->slice.data[10], fake_byte("v=1", 10));
    ncr_slice_clear(&fetch->slice);
}

static const ncr_block *hit(ncr_pin *pin)
{
    ncr_call *call = test_call_new(NULL);
    ncr_fetch fetch = {.pin = pin, .call = call, .length = SIZE, .done = note_block}, *one = &fetch;
    ncr_cache_fetch_start(&one, 1);
    ncr_call_unref(call);
    return fetch.user;
}

static void *hit_twice(void *user)
{
    hitter *self = user;
    self->first = hit(self->pin);
    self->second = hit(self->pin);
    return NULL;
}

static void threads_refer_to_blocks_of_their_own(void **state)
{
    (void)state;
    fake_store *store = fake_store_new();
    ncr_call *call = test_call_new(NULL);
    ncr_object *object = fake_object(store, "k");
    fake_set(store, "k", "v=1", true, NULL, LENGTH);
    test_open open;
    test_open_start(&open, object, call);
    assert_int_equal(open.op.status, NACRE_OK);
    hitter own = {.pin = open.op.pin}, other = own;
    hit_twice(&own);
    assert_ptr_equal(own.first, own.second);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, hit_twice, &other), 0);
    pthread_join(thread, NULL);
    assert_ptr_equal(other.first, own.first);
    assert_ptr_not_equal(other.second, own.first);
    ncr_slice_clear(&open.op.head);
    ncr_pin_unref(open.op.pin);
    ncr_block *kept = ncr_block_ref((ncr_block *)own.first);
    ncr_cache_forget_all();
    assert_int_equal(kept->references, 1);
    ncr_block_unref(kept);
    ncr_object_unref(object);
    ncr_call_unref(call);
    fake_store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_that_is_hit_once_needs_none),  cmocka_unit_test(each_stripe_counts_for_itself),
        cmocka_unit_test(a_slice_outlives_block_and_entry),     cmocka_unit_test(many_blocks_share_few_slots),
        cmocka_unit_test(threads_refer_to_blocks_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
