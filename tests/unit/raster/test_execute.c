/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/latch.h"
#include "raster/execute.h"
#include "support/call.h"
#include "support/mem_file.h"

/* Plans that do as they are told: `wants[round]` wants in each round, then compose. */

enum { MAX_ROUNDS = 3, MAX_WANTS = 64 };

typedef struct fake_plan fake_plan;
struct fake_plan {
    ncr_plan plan;
    int rounds;
    int want_count[MAX_ROUNDS];
    ncr_want wants[MAX_ROUNDS][MAX_WANTS];
    nacre_status step_status[MAX_ROUNDS + 1];
    nacre_status compose_status;
    fake_plan *children[MAX_WANTS];
    bool child_is_done[MAX_WANTS];
    int child_count;
    /* What happened. */
    int steps, composed;
    _Atomic int arrived;
    int arrived_at_step[MAX_ROUNDS + 1];
};

static nacre_status step_children(fake_plan *p, ncr_wants *wants, bool *more, nacre_error *err)
{
    for (int i = 0; i < p->child_count; i++) {
        if (p->child_is_done[i])
            continue;
        bool child_more;
        nacre_status status = ncr_plan_step_child(&p->children[i]->plan, wants, &child_more, err);
        if (status != NACRE_OK)
            return status;
        p->child_is_done[i] = !child_more;
        *more = *more || child_more;
    }
    return NACRE_OK;
}

static nacre_status fake_step(ncr_plan *plan, ncr_wants *wants, bool *more, nacre_error *err)
{
    fake_plan *p = (fake_plan *)plan;
    int round = p->steps++;
    if (round <= MAX_ROUNDS) {
        p->arrived_at_step[round] = p->arrived;
        if (p->step_status[round] != NACRE_OK)
            return ncr_error_set(err, p->step_status[round], "step %d", round);
    }
    if (p->child_count)
        return step_children(p, wants, more, err);
    for (int i = 0; round < p->rounds && i < p->want_count[round]; i++)
        if (ncr_wants_add(wants, &p->wants[round][i], err) != NACRE_OK)
            return NACRE_ERROR_MEMORY;
    *more = round < p->rounds;
    return NACRE_OK;
}

static nacre_status fake_compose(ncr_plan *plan, nacre_error *err)
{
    fake_plan *p = (fake_plan *)plan;
    p->composed++;
    return p->compose_status == NACRE_OK ? NACRE_OK : ncr_error_set(err, p->compose_status, "compose");
}

static void fake_free(ncr_plan *plan)
{
    fake_plan *p = (fake_plan *)plan;
    for (int i = 0; i < p->child_count; i++)
        ncr_plan_free(&p->children[i]->plan);
    free(p);
}

static fake_plan *fake_new(ncr_call *call)
{
    static const ncr_plan_class class = {.step = fake_step, .compose = fake_compose, .free = fake_free};
    fake_plan *p = ncr_plan_new(sizeof *p, &class, call);
    assert_non_null(p);
    return p;
}

static nacre_status count_arrival(void *user, const ncr_slice *slice, nacre_error *err)
{
    (void)slice;
    (void)err;
    atomic_fetch_add((_Atomic int *)user, 1);
    return NACRE_OK;
}

static nacre_status slow_arrival(void *user, const ncr_slice *slice, nacre_error *err)
{
    usleep(20000);
    return count_arrival(user, slice, err);
}

static nacre_status failing_arrival(void *user, const ncr_slice *slice, nacre_error *err)
{
    (void)user;
    (void)slice;
    return ncr_error_set(err, NACRE_ERROR_CORRUPT, "a: damaged");
}

static void add_open(fake_plan *p, int round, const char *path, ncr_file **out)
{
    p->wants[round][p->want_count[round]++] =
        (ncr_want){.kind = NCR_WANT_OPEN, .path = path, .file_out = out, .arrived = count_arrival, .user = &p->arrived};
    p->rounds = round + 1 > p->rounds ? round + 1 : p->rounds;
}

static ncr_want *add_read(fake_plan *p, int round, ncr_file *file, uint64_t offset, size_t length, ncr_slice *out)
{
    ncr_want *want = &p->wants[round][p->want_count[round]++];
    *want = (ncr_want){.kind = NCR_WANT_READ,
                       .file = file,
                       .offset = offset,
                       .length = length,
                       .slice_out = out,
                       .arrived = count_arrival,
                       .user = &p->arrived};
    p->rounds = round + 1 > p->rounds ? round + 1 : p->rounds;
    return want;
}

static nacre_status run(fake_plan *p, nacre_error *err)
{
    memset(err, 0, sizeof *err);
    return ncr_execute(&p->plan, err);
}

static const char content[] = "0123456789abcdefghijklmnopqrstuvwxyz";

static void a_plan_without_wants_is_stepped_and_composed_once(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    fake_plan *p = fake_new(call);
    nacre_error err;
    assert_int_equal(run(p, &err), NACRE_OK);
    assert_int_equal(p->steps, 1);
    assert_int_equal(p->composed, 1);
    ncr_plan_free(&p->plan);
    ncr_call_unref(call);
}

static void everything_of_a_round_arrives_before_the_next_step(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    mem_put(call, "mem://execute/a", content, 36);
    mem_put(call, "mem://execute/b", content, 36);
    ncr_file *a = mem_open(call, "mem://execute/a"), *b = NULL, *c = NULL;
    ncr_slice slices[40] = {{0}};
    fake_plan *p = fake_new(call);
    add_open(p, 0, "mem://execute/a", &c);
    add_open(p, 0, "mem://execute/b", &b);
    for (int i = 0; i < 36; i++)
        add_read(p, 0, a, (uint64_t)i, 1, &slices[i])->arrived = slow_arrival;
    add_read(p, 1, a, 30, 6, &slices[36]);
    nacre_error err;
    if (run(p, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    assert_int_equal(p->steps, 3);
    assert_int_equal(p->arrived_at_step[1], 38);
    assert_int_equal(p->arrived_at_step[2], 39);
    for (int i = 0; i < 36; i++)
        assert_memory_equal(slices[i].data, &content[i], 1);
    assert_int_equal(slices[36].size, 6);
    assert_memory_equal(slices[36].data, "uvwxyz", 6);
    assert_int_equal(ncr_file_size(b), 36);
    for (int i = 0; i < 37; i++)
        ncr_slice_clear(&slices[i]);
    ncr_file_unref(a);
    ncr_file_unref(b);
    ncr_file_unref(c);
    ncr_plan_free(&p->plan);
    ncr_call_unref(call);
}

static void children_join_one_round(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    mem_put(call, "mem://execute/a", content, 36);
    ncr_file *files[8] = {NULL};
    fake_plan *parent = fake_new(call);
    for (int i = 0; i < 8; i++) {
        parent->children[i] = fake_new(call);
        add_open(parent->children[i], i % 2, "mem://execute/a", &files[i]);
    }
    parent->child_count = 8;
    nacre_error err;
    assert_int_equal(run(parent, &err), NACRE_OK);
    assert_int_equal(parent->steps, 3); /* the longest child's */
    for (int i = 0; i < 8; i++) {
        assert_non_null(files[i]);
        assert_int_equal(parent->children[i]->composed, 1);
        assert_int_equal(parent->children[i]->steps, i % 2 ? 3 : 2);
        ncr_file_unref(files[i]);
    }
    ncr_plan_free(&parent->plan);
    ncr_call_unref(call);
}

static void a_want_that_fails_ends_the_plan_with_its_message(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    mem_put(call, "mem://execute/a", content, 36);
    ncr_file *a = mem_open(call, "mem://execute/a"), *missing = NULL;
    fake_plan *p = fake_new(call);
    add_open(p, 0, "mem://execute/missing", &missing);
    add_read(p, 0, a, 0, 4, NULL)->arrived = slow_arrival;
    p->rounds = 2;
    nacre_error err;
    assert_int_equal(run(p, &err), NACRE_ERROR_NOT_FOUND);
    assert_int_equal(err.status, NACRE_ERROR_NOT_FOUND);
    assert_ptr_equal(strstr(err.message, "mem://execute/missing: "), err.message);
    assert_null(missing);
    assert_int_equal(p->steps, 1);
    assert_int_equal(p->composed, 0);
    assert_int_equal(p->arrived, 1); /* what was under way has ended before */
    ncr_file_unref(a);
    ncr_plan_free(&p->plan);
    ncr_call_unref(call);
}

static void a_failure_may_be_taken_note_of_instead(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    mem_put(call, "mem://execute/a", content, 36);
    ncr_file *missing = NULL, *there = NULL;
    nacre_status statuses[2] = {NACRE_ERROR_IO, NACRE_ERROR_IO};
    nacre_error noted;
    fake_plan *p = fake_new(call);
    add_open(p, 0, "mem://execute/missing", &missing);
    add_open(p, 0, "mem://execute/a", &there);
    p->wants[0][0].status_out = &statuses[0];
    p->wants[0][0].error_out = &noted;
    p->wants[0][1].status_out = &statuses[1];
    nacre_error err;
    assert_int_equal(run(p, &err), NACRE_OK);
    assert_int_equal(statuses[0], NACRE_ERROR_NOT_FOUND);
    assert_int_equal(statuses[1], NACRE_OK);
    assert_int_equal(noted.status, NACRE_ERROR_NOT_FOUND);
    assert_int_equal(p->arrived, 1); /* not called for what did not arrive */
    assert_int_equal(p->composed, 1);
    ncr_file_unref(there);
    ncr_plan_free(&p->plan);
    ncr_call_unref(call);
}

static void failures_of_arrivals_steps_and_composing_end_the_plan(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    mem_put(call, "mem://execute/a", content, 36);
    ncr_file *a = mem_open(call, "mem://execute/a");
    for (int where = 0; where < 3; where++) {
        fake_plan *p = fake_new(call);
        ncr_slice slice = {0};
        ncr_want *want = add_read(p, 0, a, 0, 4, &slice);
        if (where == 0)
            want->arrived = failing_arrival;
        else if (where == 1)
            p->step_status[1] = NACRE_ERROR_CORRUPT;
        else
            p->compose_status = NACRE_ERROR_CORRUPT;
        nacre_error err;
        assert_int_equal(run(p, &err), NACRE_ERROR_CORRUPT);
        assert_int_equal(p->composed, where == 2);
        assert_int_equal(slice.size, where == 0 ? 0 : 4);
        ncr_slice_clear(&slice);
        ncr_plan_free(&p->plan);
    }
    ncr_file_unref(a);
    ncr_call_unref(call);
}

static void a_listing_arrives_with_the_keys_that_begin_so(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    mem_put(call, "mem://execute/list", content, 36);
    mem_put(call, "mem://execute/list.aux.xml", content, 36);
    ncr_file *file = mem_open(call, "mem://execute/list");
    ncr_list_op list = {0};
    fake_plan *p = fake_new(call);
    p->wants[0][0] =
        (ncr_want){.kind = NCR_WANT_LIST, .object = (ncr_object *)ncr_file_object(file), .list_out = &list};
    p->want_count[0] = p->rounds = 1;
    nacre_error err;
    assert_int_equal(run(p, &err), NACRE_OK);
    assert_int_equal(list.entry_count, 2);
    ncr_list_op_clear(&list);
    ncr_file_unref(file);
    ncr_plan_free(&p->plan);
    ncr_call_unref(call);
}

static void a_cancelled_plan_goes_no_further(void **state)
{
    (void)state;
    nacre_cancel *cancel = nacre_cancel_new();
    ncr_call *call = test_call_with_cancel(cancel, NULL);
    nacre_cancel_trigger(cancel);
    fake_plan *p = fake_new(call);
    nacre_error err;
    assert_int_equal(run(p, &err), NACRE_ERROR_CANCELLED);
    assert_int_equal(p->steps, 0);
    assert_int_equal(p->composed, 0);
    ncr_plan_free(&p->plan);
    ncr_call_unref(call);
    nacre_cancel_free(cancel);
}

static nacre_status trigger(void *user, const ncr_slice *slice, nacre_error *err)
{
    (void)slice;
    (void)err;
    nacre_cancel_trigger(user);
    return NACRE_OK;
}

static void a_cancel_between_two_rounds_is_seen(void **state)
{
    (void)state;
    nacre_cancel *cancel = nacre_cancel_new();
    ncr_call *call = test_call_with_cancel(cancel, NULL);
    mem_put(call, "mem://execute/a", content, 36);
    ncr_file *a = mem_open(call, "mem://execute/a");
    fake_plan *p = fake_new(call);
    ncr_want *want = add_read(p, 0, a, 0, 4, NULL);
    want->arrived = trigger;
    want->user = cancel;
    add_read(p, 1, a, 0, 4, NULL);
    nacre_error err;
    assert_int_equal(run(p, &err), NACRE_ERROR_CANCELLED);
    assert_ptr_equal(strstr(err.message, "mem://execute/a"), err.message);
    assert_int_equal(p->steps, 1);
    ncr_file_unref(a);
    ncr_plan_free(&p->plan);
    ncr_call_unref(call);
    nacre_cancel_free(cancel);
}

static void note_done(void *user, nacre_status status, const nacre_error *error)
{
    (void)error;
    if (status == NACRE_OK)
        ncr_latch_down(user);
}

static void many_plans_run_at_once_without_a_thread_each(void **state)
{
    (void)state;
    enum { PLANS = 200 };
    ncr_call *call = test_call_new(NULL);
    mem_put(call, "mem://execute/a", content, 36);
    static ncr_file *files[PLANS][3];
    static fake_plan *plans[PLANS];
    ncr_latch latch;
    ncr_latch_init(&latch, PLANS);
    for (int i = 0; i < PLANS; i++) {
        plans[i] = fake_new(call);
        for (int round = 0; round < 3; round++)
            add_open(plans[i], round, "mem://execute/a", &files[i][round]);
        ncr_execute_start(&plans[i]->plan, note_done, &latch);
    }
    ncr_latch_wait(&latch);
    ncr_latch_clear(&latch);
    for (int i = 0; i < PLANS; i++) {
        assert_int_equal(plans[i]->composed, 1);
        for (int round = 0; round < 3; round++)
            ncr_file_unref(files[i][round]);
        ncr_plan_free(&plans[i]->plan);
    }
    ncr_call_unref(call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_without_wants_is_stepped_and_composed_once),
        cmocka_unit_test(everything_of_a_round_arrives_before_the_next_step),
        cmocka_unit_test(children_join_one_round),
        cmocka_unit_test(a_want_that_fails_ends_the_plan_with_its_message),
        cmocka_unit_test(a_failure_may_be_taken_note_of_instead),
        cmocka_unit_test(failures_of_arrivals_steps_and_composing_end_the_plan),
        cmocka_unit_test(a_listing_arrives_with_the_keys_that_begin_so),
        cmocka_unit_test(a_cancelled_plan_goes_no_further),
        cmocka_unit_test(a_cancel_between_two_rounds_is_seen),
        cmocka_unit_test(many_plans_run_at_once_without_a_thread_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
