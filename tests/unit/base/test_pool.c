/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/latch.h"
#include "base/pool.h"

enum { THREADS = 4 };

static int set_up(void **state)
{
    (void)state;
    ncr_pool_set_threads(THREADS);
    assert_int_equal(ncr_pool_threads(), THREADS);
    return 0;
}

typedef struct {
    ncr_task task;
    ncr_latch *latch;
    _Atomic int *sum;
} counting_task;

static void count(ncr_task *task)
{
    counting_task *t = (counting_task *)task;
    atomic_fetch_add(t->sum, 1);
    ncr_latch_down(t->latch);
}

static void run_tasks(int number)
{
    counting_task *tasks = calloc((size_t)number, sizeof *tasks);
    assert_non_null(tasks);
    ncr_latch latch;
    ncr_latch_init(&latch, (size_t)number);
    _Atomic int sum = 0;
    for (int i = 0; i < number; i++) {
        tasks[i] = (counting_task){.task.run = count, .latch = &latch, .sum = &sum};
        ncr_pool_submit(&tasks[i].task);
    }
    ncr_latch_wait(&latch);
    assert_int_equal(sum, number);
    ncr_latch_clear(&latch);
    free(tasks);
}

static void every_task_runs_once(void **state)
{
    (void)state;
    run_tasks(1000);
}

typedef struct {
    ncr_task task;
    ncr_latch *arrived, *left;
} meeting_task;

/* Goes on only when all the others run too. */
static void meet(ncr_task *task)
{
    meeting_task *t = (meeting_task *)task;
    ncr_latch_down(t->arrived);
    ncr_latch_wait(t->arrived);
    ncr_latch_down(t->left);
}

static void tasks_that_come_together_run_side_by_side(void **state)
{
    (void)state;
    meeting_task tasks[THREADS];
    ncr_latch arrived, left;
    run_tasks(1);
    usleep(50000); /* its thread is idle, and the only one */
    ncr_latch_init(&arrived, THREADS);
    ncr_latch_init(&left, THREADS);
    alarm(60); /* the end of a pool in which one of them waits in the queue */
    for (int i = 0; i < THREADS; i++) {
        tasks[i] = (meeting_task){.task.run = meet, .arrived = &arrived, .left = &left};
        ncr_pool_submit(&tasks[i].task);
    }
    ncr_latch_wait(&left);
    alarm(0);
    ncr_latch_clear(&arrived);
    ncr_latch_clear(&left);
}

static void mark(void *user, size_t index)
{
    _Atomic unsigned char *marks = user;
    atomic_fetch_add(&marks[index], 1);
}

static void a_loop_visits_every_index_once(void **state)
{
    (void)state;
    enum { COUNT = 10007 };
    static _Atomic unsigned char marks[COUNT];
    ncr_pool_for(COUNT, mark, marks);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(marks[i], 1);
    ncr_pool_for(0, mark, NULL);
}

static void nest(void *user, size_t index)
{
    (void)index;
    ncr_pool_for(16, mark, user);
}

static void loops_inside_loops_end(void **state)
{
    (void)state;
    static _Atomic unsigned char marks[16];
    ncr_pool_for(8, nest, marks);
    for (int i = 0; i < 16; i++)
        assert_int_equal(marks[i], 8);
}

static void a_child_after_fork_has_a_pool_of_its_own(void **state)
{
    (void)state;
    run_tasks(10);
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        run_tasks(100);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

enum { INDICES = 2000 };

typedef struct {
    ncr_task loop, late; /* first */
    ncr_latch over;
    _Atomic int done, done_at_late;
    _Atomic bool is_late;
} busy_loop;

static void run_late(ncr_task *task)
{
    busy_loop *b = (busy_loop *)((char *)task - offsetof(busy_loop, late));
    atomic_store(&b->done_at_late, atomic_load(&b->done));
    ncr_latch_down(&b->over);
}

/* A task comes while all workers are in the loop; the later indices wait for it, so that the loop cannot be quicker. */
static void run_index(void *user, size_t index)
{
    busy_loop *b = user;
    if (index <= 100)
        usleep(2000); /* so that all workers are in it */
    if (index == 50) {
        b->late.run = run_late;
        ncr_pool_submit(&b->late);
    }
    for (int i = 0; index > 100 && i < 10000 && !atomic_load(&b->is_late) && atomic_load(&b->done_at_late) < 0; i++)
        usleep(1000);
    if (index > 100 && atomic_load(&b->done_at_late) < 0)
        atomic_store(&b->is_late, true);
    atomic_fetch_add(&b->done, 1);
}

static void run_loop(ncr_task *task)
{
    busy_loop *b = (busy_loop *)task;
    ncr_pool_for(INDICES, run_index, b);
    ncr_latch_down(&b->over);
}

static void a_task_does_not_wait_for_a_loop(void **state)
{
    (void)state;
    busy_loop b = {.loop.run = run_loop, .done_at_late = -1};
    ncr_latch_init(&b.over, 2);
    ncr_pool_submit(&b.loop);
    ncr_latch_wait(&b.over);
    ncr_latch_clear(&b.over);
    assert_int_equal(b.done, INDICES);
    assert_false(b.is_late);
    assert_in_range(b.done_at_late, 0, 100 + THREADS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_that_come_together_run_side_by_side),
        cmocka_unit_test(every_task_runs_once),
        cmocka_unit_test(a_loop_visits_every_index_once),
        cmocka_unit_test(loops_inside_loops_end),
        cmocka_unit_test(a_child_after_fork_has_a_pool_of_its_own),
        cmocka_unit_test(a_task_does_not_wait_for_a_loop),
    };
    return cmocka_run_group_tests_name("base/pool", tests, set_up, NULL);
}
