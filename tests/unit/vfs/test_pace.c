/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"
#include "vfs/pace.h"

/* How far streams go ahead, on ways that are simulated: a step is asked for, its first byte comes a latency later, and
 * the steps under way share the rate. */

enum { STEP = 8 << 20, FIRST = 4, MOST = 20, STEPS = 200 };

typedef struct way {
    int64_t latency_ms;
    int64_t step_ms; /* that the way takes for one step */
    int64_t sink_ms; /* that the sink takes for one */
} way;

/* Sends steps along the way and returns how many are ahead at the end. */
static size_t ahead_on(const way *w)
{
    ncr_pace pace;
    int64_t now_ms = 1000, free_ms = 0, came_ms[STEPS + MOST];
    size_t begun = 0;
    ncr_pace_begin(&pace, FIRST, MOST, now_ms);
    for (size_t given = 0; given < STEPS; given++) {
        for (; begun < given + pace.ahead; begun++) { /* none where it has gone back; one after another over the way */
            int64_t first_ms = now_ms + w->latency_ms;
            free_ms = (free_ms > first_ms ? free_ms : first_ms) + w->step_ms;
            came_ms[begun] = free_ms;
        }
        int64_t waited_ms = came_ms[given] > now_ms ? came_ms[given] - now_ms : 0;
        now_ms += waited_ms + w->sink_ms;
        pace.ahead = ncr_pace_given(&pace, STEP, waited_ms, now_ms);
        assert_in_range(pace.ahead, FIRST, MOST);
    }
    return pace.ahead;
}

static void long_way_is_filled(void **state)
{
    (void)state;
    assert_int_equal(ahead_on(&(way){.latency_ms = 100, .step_ms = 3}), MOST);
    assert_in_range(ahead_on(&(way){.latency_ms = 20, .step_ms = 2}), 4 * FIRST, MOST);
}

/* The first widening is a question, whose answer is no. */
static void full_way_gets_no_more(void **state)
{
    (void)state;
    assert_int_equal(ahead_on(&(way){.latency_ms = 20, .step_ms = 100}), FIRST);
    assert_int_equal(ahead_on(&(way){.latency_ms = 0, .step_ms = 3}), FIRST);
}

static void slow_sink_gets_no_more(void **state)
{
    (void)state;
    assert_int_equal(ahead_on(&(way){.latency_ms = 20, .step_ms = 3, .sink_ms = 40}), FIRST);
}

static void what_cannot_be_had_is_asked_for_again(void **state)
{
    (void)state;
    ncr_pace pace;
    ncr_pace_begin(&pace, 2, 3, 0);
    assert_int_equal(ncr_pace_given(&pace, STEP, 10, 10), 2);
    assert_int_equal(ncr_pace_given(&pace, STEP, 10, 20), 3); /* which is not to be had */
    assert_int_equal(ncr_pace_given(&pace, STEP, 1, 21), 2);
    assert_int_equal(ncr_pace_given(&pace, STEP, 1, 22), 3);
    pace.ahead = 3;
    for (int i = 0; i < 3; i++) /* faster still, but that is the most */
        assert_int_equal(ncr_pace_given(&pace, STEP * 50, 1, 23 + i), 3);
}

static void first_steps_grow_to_a_whole_one(void **state)
{
    (void)state;
    size_t sum = 0;
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(ncr_pace_first(i, 8, STEP), (i + 1) << 20);
        sum += ncr_pace_first(i, 8, STEP);
    }
    assert_int_equal(sum, 36 << 20);
    assert_int_equal(ncr_pace_first(0, 1, STEP), STEP);
    assert_int_equal(ncr_pace_first(2, 3, STEP), STEP);
    assert_int_equal(ncr_pace_first(0, 8, 3), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_way_is_filled),
        cmocka_unit_test(full_way_gets_no_more),
        cmocka_unit_test(slow_sink_gets_no_more),
        cmocka_unit_test(what_cannot_be_had_is_asked_for_again),
        cmocka_unit_test(first_steps_grow_to_a_whole_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
