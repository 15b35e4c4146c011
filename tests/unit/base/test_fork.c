/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/config.h"
#include "base/log.h"
#include "base/pool.h"

static atomic_bool over;

static void take_snapshot(void)
{
    ncr_config *snapshot;
    assert_int_equal(ncr_config_snapshot(NULL, NULL, &snapshot, NULL), NACRE_OK);
    ncr_config_unref(snapshot);
}

static void *use_configuration(void *unused)
{
    while (!atomic_load(&over))
        take_snapshot();
    return unused;
}

static void *use_log(void *unused)
{
    while (!atomic_load(&over))
        ncr_log(2, "nothing");
    return unused;
}

static void run_nothing(ncr_task *task)
{
    atomic_store((atomic_bool *)(task + 1), true);
}

static void *use_pool(void *unused)
{
    struct {
        ncr_task task;
        atomic_bool ran;
    } work;
    while (!atomic_load(&over)) {
        work.task.run = run_nothing;
        atomic_store(&work.ran, false);
        ncr_pool_submit(&work.task);
        while (!atomic_load(&work.ran))
            usleep(10);
    }
    return unused;
}

/* AddressSanitizer's own allocator does not keep its locks across a fork, so a child of many threads may wait for ever
 * inside malloc. */
#if defined(__SANITIZE_ADDRESS__)
enum { CAN_FORK_BESIDE_THREADS = 0 };
#else
enum { CAN_FORK_BESIDE_THREADS = 1 };
#endif

/* Whatever other threads hold at that moment. */
static void a_child_finds_the_locks_free(void **state)
{
    (void)state;
    if (!CAN_FORK_BESIDE_THREADS)
        skip();
    void *(*const uses[])(void *) = {use_configuration, use_configuration, use_log, use_pool};
    enum { THREADS = sizeof uses / sizeof uses[0], FORKS = 150 };
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, uses[i], NULL), 0);
    bool all_ended = true;
    for (int i = 0; i < FORKS && all_ended; i++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(20);
            take_snapshot();
            ncr_log(2, "nothing");
            _exit(ncr_pool_threads() > 0 ? 0 : 1);
        }
        int status = -1;
        all_ended = waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    atomic_store(&over, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_true(all_ended);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_finds_the_locks_free),
    };
    return cmocka_run_group_tests_name("base/fork", tests, NULL, NULL);
}
