/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/latch.h"
#include "cache/limits.h"
#include "raster/execute.h"
#include "raster/gate.h"
#include "support/call.h"
#include "support/fake_store.h"
#include "vfs/vfs.h"

/* Plans of plans, and the gate for memory: each plan opens an object of a store whose answers are held back. */

enum { MOST = 12 };

typedef struct {
    ncr_plan plan;
    ncr_object *object;
    ncr_file *file;
    bool asked;
    size_t bytes; /* its estimate */
} leaf_plan;

static nacre_status leaf_step(ncr_plan *plan, ncr_wants *wants, bool *more, nacre_error *err)
{
    leaf_plan *p = (leaf_plan *)plan;
    *more = !p->asked;
    p->asked = true;
    ncr_want want = {.kind = NCR_WANT_OPEN, .path = p->object->name, .object = p->object, .file_out = &p->file};
    return *more ? ncr_wants_add(wants, &want, err) : NACRE_OK;
}

static size_t leaf_estimate(const ncr_plan *plan)
{
    return ((const leaf_plan *)plan)->bytes;
}

static void leaf_free(ncr_plan *plan)
{
    leaf_plan *p = (leaf_plan *)plan;
    ncr_file_unref(p->file);
    ncr_object_unref(p->object);
    free(p);
}

static ncr_plan *leaf_new(fake_store *store, const char *key, size_t bytes, ncr_call *call)
{
    static const ncr_plan_class class = {.step = leaf_step, .free = leaf_free, .estimate = leaf_estimate};
    leaf_plan *p = ncr_plan_new(sizeof *p, &class, call);
    assert_non_null(p);
    p->object = fake_object(store, key);
    p->bytes = bytes;
    return &p->plan;
}

typedef struct {
    ncr_plan plan;
    fake_store *store;
    int count, given, over, failed, composed;
    bool goes_on; /* whether failures are borne */
    size_t bytes; /* of each */
    _Atomic int inside;
    unsigned highest_round;
} tree_plan;

static nacre_status tree_next(ncr_plan *plan, ncr_plan **out, nacre_error *err)
{
    (void)err;
    tree_plan *p = (tree_plan *)plan;
    assert_int_equal(atomic_fetch_add(&p->inside, 1), 0);
    char key[16];
    snprintf(key, sizeof key, "%d", p->given);
    if (p->given < p->count) {
        p->given++;
        *out = leaf_new(p->store, key, p->bytes, plan->call);
    }
    atomic_fetch_sub(&p->inside, 1);
    return NACRE_OK;
}

static nacre_status tree_ended(ncr_plan *plan, ncr_plan *child, nacre_status status, const nacre_error *error,
                               nacre_error *err)
{
    tree_plan *p = (tree_plan *)plan;
    assert_int_equal(atomic_fetch_add(&p->inside, 1), 0);
    p->over++;
    p->failed += status != NACRE_OK;
    p->highest_round = child->round > p->highest_round ? child->round : p->highest_round;
    ncr_plan_free(child);
    atomic_fetch_sub(&p->inside, 1);
    return status == NACRE_OK || p->goes_on ? NACRE_OK : ncr_error_copy(err, error, status);
}

static nacre_status tree_compose(ncr_plan *plan, nacre_error *err)
{
    (void)err;
    ((tree_plan *)plan)->composed++;
    return NACRE_OK;
}

static void tree_free(ncr_plan *plan)
{
    free(plan);
}

static tree_plan *tree_new(fake_store *store, int count, ncr_call *call)
{
    static const ncr_plan_class class = {
        .next = tree_next, .ended = tree_ended, .compose = tree_compose, .free = tree_free};
    tree_plan *p = ncr_plan_new(sizeof *p, &class, call);
    assert_non_null(p);
    p->store = store;
    p->count = count;
    return p;
}

static fake_store *held_store(void)
{
    fake_store *store = fake_store_new();
    for (int i = 0; i < MOST; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        fake_set(store, key, "v1", true, NULL, 100000);
    }
    fake_manners_of(store)->hold = true;
    return store;
}

typedef struct {
    _Atomic int done;
    nacre_status status;
    nacre_error error;
} result;

static void note_result(void *user, nacre_status status, const nacre_error *error)
{
    result *r = user;
    r->status = status;
    r->error = *error;
    atomic_store(&r->done, 1);
}

static void wait_for_held(fake_store *store, size_t count)
{
    for (int i = 0; i < 5000 && fake_held(store) != count; i++)
        usleep(1000);
    assert_int_equal(fake_held(store), count);
    usleep(20000); /* no more of them come */
    assert_int_equal(fake_held(store), count);
}

static void as_many_run_as_memory_allows_and_no_round_is_added(void **state)
{
    (void)state;
    fake_store *store = held_store();
    ncr_call *call = test_call_new("memory.limit=100k", NULL); /* three first reads */
    tree_plan *p = tree_new(store, 10, call);
    result r = {0};
    ncr_execute_start(&p->plan, note_result, &r);
    for (int left = 10; left > 0; left--) {
        wait_for_held(store, left < 3 ? (size_t)left : 3);
        assert_int_equal(ncr_gate_held(), (left < 3 ? left : 3) * NCR_FIRST_READ);
        fake_release(store);
    }
    test_wait_done(&r.done);
    assert_int_equal(r.status, NACRE_OK);
    assert_int_equal(p->over, 10);
    assert_int_equal(p->composed, 1);
    assert_int_equal(p->highest_round, atomic_load(&call->counters.round));
    assert_int_equal(p->highest_round, 1);
    assert_int_equal(ncr_gate_held(), 0);
    ncr_plan_free(&p->plan);
    ncr_call_unref(call);
    fake_store_free(store);
}

static void what_is_larger_than_the_limit_runs_alone(void **state)
{
    (void)state;
    fake_store *store = held_store();
    ncr_call *call = test_call_new("memory.limit=100k", NULL);
    tree_plan *p = tree_new(store, 3, call);
    p->bytes = SIZE_MAX;
    result r = {0};
    ncr_execute_start(&p->plan, note_result, &r);
    for (int i = 0; i < 3; i++) {
        wait_for_held(store, 1);
        fake_release(store);
    }
    test_wait_done(&r.done);
    assert_int_equal(r.status, NACRE_OK);
    assert_int_equal(ncr_gate_held(), 0);
    ncr_plan_free(&p->plan);
    ncr_call_unref(call);
    fake_store_free(store);
}

static void a_failure_begins_no_other_and_is_told_when_all_are_over(void **state)
{
    (void)state;
    fake_store *store = held_store();
    ncr_call *call = test_call_new("memory.limit=100k", NULL);
    tree_plan *p = tree_new(store, 10, call);
    result r = {0};
    ncr_execute_start(&p->plan, note_result, &r);
    wait_for_held(store, 3);
    fake_release_failed(store, NACRE_ERROR_DENIED);
    usleep(20000);
    int given = p->given;
    assert_false(atomic_load(&r.done));
    while (!atomic_load(&r.done)) {
        fake_release(store);
        usleep(1000);
    }
    assert_int_equal(r.status, NACRE_ERROR_DENIED);
    assert_int_equal(r.error.status, NACRE_ERROR_DENIED);
    assert_int_equal(p->given, given);
    assert_int_equal(p->over, given);
    assert_int_equal(p->composed, 0);
    assert_int_equal(ncr_gate_held(), 0);
    ncr_plan_free(&p->plan);
    ncr_call_unref(call);
    fake_store_free(store);
}

static void failures_can_be_borne(void **state)
{
    (void)state;
    fake_store *store = held_store();
    fake_manners_of(store)->hold = false;
    fake_remove(store, "3");
    fake_remove(store, "7");
    ncr_call *call = test_call_new(NULL);
    tree_plan *p = tree_new(store, 10, call);
    p->goes_on = true;
    nacre_error err;
    assert_int_equal(ncr_execute(&p->plan, &err), NACRE_OK);
    assert_int_equal(p->over, 10);
    assert_int_equal(p->failed, 2);
    assert_int_equal(p->composed, 1);
    ncr_plan_free(&p->plan);
    ncr_call_unref(call);
    fake_store_free(store);
}

/* Who waits for another call's memory can be cancelled, or run out of time, while that goes on. */
static void who_waits_for_memory_ends_with_its_call(void **state)
{
    (void)state;
    fake_store *store = held_store();
    nacre_cancel *cancel = nacre_cancel_new();
    ncr_call *first = test_call_new("memory.limit=100k", NULL);
    ncr_call *calls[] = {test_call_with_cancel(cancel, "memory.limit=100k", NULL),
                         test_call_new("memory.limit=100k", "timeout=0.1", NULL)};
    ncr_plan *large = leaf_new(store, "0", 90000, first);
    ncr_plan *waiting[] = {leaf_new(store, "1", 90000, calls[0]), leaf_new(store, "2", 90000, calls[1])};
    result r = {0}, late[2] = {{0}, {0}};
    ncr_execute_start(large, note_result, &r);
    wait_for_held(store, 1);
    for (int i = 0; i < 2; i++)
        ncr_execute_start(waiting[i], note_result, &late[i]);
    wait_for_held(store, 1);
    test_wait_done(&late[1].done);
    assert_int_equal(late[1].status, NACRE_ERROR_UNAVAILABLE);
    assert_false(atomic_load(&late[0].done));
    nacre_cancel_trigger(cancel);
    test_wait_done(&late[0].done);
    assert_int_equal(late[0].status, NACRE_ERROR_CANCELLED);
    assert_int_equal(fake_held(store), 1);
    fake_release(store);
    test_wait_done(&r.done);
    assert_int_equal(r.status, NACRE_OK);
    assert_int_equal(ncr_gate_held(), 0);
    ncr_plan_free(large);
    for (int i = 0; i < 2; i++) {
        ncr_plan_free(waiting[i]);
        ncr_call_unref(calls[i]);
    }
    ncr_call_unref(first);
    nacre_cancel_free(cancel);
    fake_store_free(store);
}

static void many_trees_share_the_gate(void **state)
{
    (void)state;
    enum { TREES = 20 };
    fake_store *store = held_store();
    fake_manners_of(store)->hold = false;
    ncr_call *call = test_call_new("memory.limit=70k", NULL);
    tree_plan *trees[TREES];
    static result results[TREES];
    for (int i = 0; i < TREES; i++) {
        trees[i] = tree_new(store, MOST, call);
        ncr_execute_start(&trees[i]->plan, note_result, &results[i]);
    }
    for (int i = 0; i < TREES; i++) {
        test_wait_done(&results[i].done);
        assert_int_equal(results[i].status, NACRE_OK);
        assert_int_equal(trees[i]->over, MOST);
        ncr_plan_free(&trees[i]->plan);
    }
    assert_int_equal(ncr_gate_held(), 0);
    ncr_call_unref(call);
    fake_store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_run_as_memory_allows_and_no_round_is_added),
        cmocka_unit_test(what_is_larger_than_the_limit_runs_alone),
        cmocka_unit_test(a_failure_begins_no_other_and_is_told_when_all_are_over),
        cmocka_unit_test(failures_can_be_borne),
        cmocka_unit_test(who_waits_for_memory_ends_with_its_call),
        cmocka_unit_test(many_trees_share_the_gate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
