/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "cache/disk.h"
#include "cmocka_all.h"
#include "support/disk_folder.h"

/* Changes of objects, as the folder of the disk tier knows them: what was proven before is not believed after them. */

static bool is_written(unsigned version, int64_t wall_ms, uint64_t mark)
{
    ncr_disk_proof proof = proof_of(version, "anonymous"), out = {.id = proof.id};
    proof.wall_ms = wall_ms;
    proof.mark = mark;
    ncr_disk_proof_write(disk, &proof);
    return ncr_disk_proof_read(disk, &out) && strcmp(out.facts.version.token, proof.facts.version.token) == 0;
}

/* Another process writes behind, so what it has proven before a change may come to the disk after it. */
static void what_was_proven_before_a_change_stays_forgotten(void **state)
{
    (void)state;
    int64_t before = ncr_clock_wall_ms();
    const char *id = proof_of(1, "").id;
    uint64_t mark = ncr_disk_mark();
    assert_true(is_written(1, before, 0));
    ncr_disk_change(disk, id, mark, false);
    assert_false(is_written(1, before, 0));
    ncr_disk_change(disk, id, mark, true);
    assert_false(is_written(1, before, 0));
    assert_false(is_written(1, before, ncr_disk_mark()));
    ncr_disk_proof_drop(disk, id); /* which knows of no change, and so undoes none */
    assert_false(is_written(1, before, 0));
    usleep(3000);
    assert_true(is_written(2, ncr_clock_wall_ms(), 0));
}

static void the_answer_of_a_change_is_later_than_its_end(void **state)
{
    (void)state;
    int64_t before = ncr_clock_wall_ms();
    const char *id = proof_of(1, "").id;
    uint64_t mark = ncr_disk_mark();
    ncr_disk_change(disk, id, mark, false);
    usleep(3000);
    ncr_disk_change(disk, id, mark, true);
    assert_true(is_written(1, before, mark));
    assert_false(is_written(2, before + 1, 0)); /* sent while it was under way */
}

static void changes_beside_one_another_prove_nothing(void **state)
{
    (void)state;
    int64_t before = ncr_clock_wall_ms();
    const char *id = proof_of(1, "").id;
    for (int inner = 0; inner < 2; inner++) { /* one within the other, or one after the beginning of the other */
        uint64_t a = ncr_disk_mark(), b = ncr_disk_mark();
        ncr_disk_change(disk, id, a, false);
        ncr_disk_change(disk, id, b, false);
        ncr_disk_change(disk, id, inner ? b : a, true);
        ncr_disk_change(disk, id, inner ? a : b, true);
        assert_false(is_written(1, before, a));
        assert_false(is_written(1, before, b));
    }
}

static void a_proof_in_the_middle_of_a_change_makes_its_answer_doubtful(void **state)
{
    (void)state;
    int64_t before = ncr_clock_wall_ms();
    uint64_t mark = ncr_disk_mark();
    const char *id = proof_of(1, "").id;
    ncr_disk_change(disk, id, mark, false);
    usleep(3000);
    assert_true(is_written(1, ncr_clock_wall_ms(), 0));
    ncr_disk_change(disk, id, mark, true);
    assert_false(is_written(2, before, mark));
}

/* --- Locks. --- */

static pid_t heir;

static int fork_then(const char *call, size_t *length)
{
    (void)length;
    if (strcmp(call, "renameat") == 0 && heir == 0) {
        heir = fork();
        while (heir == 0) /* with whatever was locked in this moment */
            pause();
    }
    return 0;
}

static void a_child_that_is_born_under_a_lock_holds_nobody_up(void **state)
{
    (void)state;
    const char *id = proof_of(1, "").id;
    heir = 0;
    ncr_disk_set_hook(fork_then);
    ncr_disk_change(disk, id, 1, false);
    ncr_disk_set_hook(NULL);
    char path[128];
    look_at_files();
    snprintf(path, sizeof path, "%.*s", (int)(strrchr(found_path, '/') - found_path), found_path);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    int taken = flock(fd, LOCK_EX | LOCK_NB);
    close(fd);
    kill(heir, SIGKILL);
    waitpid(heir, NULL, 0);
    assert_int_equal(taken, 0);
}

static void a_change_is_noted_though_another_holds_the_lock(void **state)
{
    (void)state;
    const char *id = proof_of(1, "").id;
    int64_t before = ncr_clock_wall_ms();
    assert_true(is_written(1, before, 0));
    look_at_files();
    *strrchr(found_path, '/') = '\0';
    int fd = open(found_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    ncr_disk_change(disk, id, 1, true);
    close(fd);
    assert_false(is_written(1, before, 0));
}

/* --- No room. --- */

static void a_change_is_noted_though_there_is_no_room(void **state)
{
    (void)state;
    const char *id = proof_of(1, "").id;
    int64_t before = ncr_clock_wall_ms();
    empty_folder("256 KiB");
    put(1, 0, 60000);
    char path[128];
    snprintf(path, sizeof path, "%s/evicting", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0); /* nobody makes room */
    for (unsigned i = 1; i < 100; i++)
        put(1, i * 65536, 10);
    uint64_t dropped = stats().disk_bytes_dropped;
    put(1, 100 * 65536, 10);
    assert_true(stats().disk_bytes_dropped > dropped);
    ncr_disk_change(disk, id, 1, true);
    close(fd);
    assert_false(is_written(1, before, 0));
}

static void a_change_is_not_among_the_oldest(void **state)
{
    (void)state;
    const char *id = proof_of(1, "").id;
    int64_t before = ncr_clock_wall_ms();
    empty_folder("1 MiB");
    ncr_disk_change(disk, id, 1, true);
    usleep(20000);
    uint64_t evictions = stats().disk_evictions;
    for (unsigned i = 0; i < 40; i++)
        put(1, i * 65536, 60000);
    assert_true(stats().disk_evictions > evictions);
    assert_false(is_written(1, before, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_proven_before_a_change_stays_forgotten, begin, end),
        cmocka_unit_test_setup_teardown(the_answer_of_a_change_is_later_than_its_end, begin, end),
        cmocka_unit_test_setup_teardown(changes_beside_one_another_prove_nothing, begin, end),
        cmocka_unit_test_setup_teardown(a_proof_in_the_middle_of_a_change_makes_its_answer_doubtful, begin, end),
        cmocka_unit_test_setup_teardown(a_child_that_is_born_under_a_lock_holds_nobody_up, begin, end),
        cmocka_unit_test_setup_teardown(a_change_is_noted_though_another_holds_the_lock, begin, end),
        cmocka_unit_test_setup_teardown(a_change_is_noted_though_there_is_no_room, begin, end),
        cmocka_unit_test_setup_teardown(a_change_is_not_among_the_oldest, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
